//! Members of an account: what people write for one (`mara`) as what is kept of them (`user:w6gg…`), and back.
//!
//! Ids are kept, because names change and are given to others; names are shown, because nobody knows ids.

use std::collections::HashMap;

use whodid_model::AccountName;
use whodid_model::access::Who;

use super::App;
use super::auth::Caller;
use super::failure::Failure;

/// What stands before an id in the labels of [`whodid_model::Principal::label`].
const USER: &str = "user:";
const KEY: &str = "key:";

/// Who an account may name, as they are at one moment.
#[derive(Debug)]
pub struct Members {
    users: Vec<User>,
    /// Names of the account's keys by id.
    keys: HashMap<String, String>,
}

#[derive(Debug)]
struct User {
    id: String,
    name: String,
    /// Of this account; of others only those are shown that are named already.
    is_member: bool,
}

impl Members {
    /// Everybody whom records of the account can name.
    pub async fn of(app: &App, account: &AccountName) -> Result<Self, Failure> {
        let users = app.meta.all_users().await?;
        let users = users.into_iter().map(|user| User {
            is_member: user.accounts.contains(account),
            id: user.id,
            name: user.name,
        });
        let keys = app.meta.keys(account).await?.into_iter().map(|key| (key.id, key.name));
        Ok(Self { users: users.collect(), keys: keys.collect() })
    }

    /// The label of a member, who is given by id, by label or by the name to sign in with, in any case. No two have the
    /// same name, so that a text never means several.
    pub fn label_of(&self, text: &str) -> Option<String> {
        let text = text.trim();
        let (id, folded) = (text.strip_prefix(USER).unwrap_or(text), text.to_lowercase());
        let members = || self.users.iter().filter(|user| user.is_member);
        let by_id = members().find(|user| user.id == id);
        let found = by_id.or_else(|| members().find(|user| user.name.trim().to_lowercase() == folded))?;
        Some(format!("{USER}{}", found.id))
    }

    /// What people call whoever has a label; the text itself where it is nobody's.
    pub fn name_of(&self, label: &str) -> String {
        if let Some(id) = label.strip_prefix(USER) {
            let user = self.users.iter().find(|user| user.id == id);
            return user.map_or_else(|| label.to_owned(), |user| user.name.clone());
        }
        let key = label.strip_prefix(KEY).and_then(|id| self.keys.get(id));
        key.map_or_else(|| label.to_owned(), |name| format!("key {name}"))
    }

    /// Whether a label is that of a member.
    pub fn has(&self, label: &str) -> bool {
        let id = label.strip_prefix(USER);
        id.is_some_and(|id| self.users.iter().any(|user| user.is_member && user.id == id))
    }
}

/// The name under which what a caller makes is kept and listed as theirs (`created_by`).
pub fn maker(caller: &Caller) -> String {
    match &caller.principal().who {
        Who::User { name, .. } | Who::Key { name, .. } => name.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn members() -> Members {
        let user = |id: &str, name: &str, is_member| User { id: id.to_owned(), name: name.to_owned(), is_member };
        Members {
            users: vec![user("w6gg", "Mara@example.com", true), user("k2", "w6gg", true), user("x9", "eve", false)],
            keys: HashMap::from([("k1".to_owned(), "ticketing".to_owned())]),
        }
    }

    #[test]
    fn a_member_is_meant_by_id_or_by_name_in_any_case_and_an_id_goes_first() {
        let members = members();
        let label_of = |text: &str| members.label_of(text);
        for text in ["w6gg", "user:w6gg", " mara@EXAMPLE.com "] {
            assert_eq!(label_of(text).as_deref(), Some("user:w6gg"), "{text}");
        }
        for text in ["", "mara", "eve", "user:x9", "user:nobody", "key:k1"] {
            assert_eq!(label_of(text), None, "{text}");
        }
    }

    #[test]
    fn a_label_is_shown_by_name_and_any_other_text_as_it_is() {
        let members = members();
        for (label, name, is_member) in [
            ("user:w6gg", "Mara@example.com", true),
            // Who left the account, and who is gone for good.
            ("user:x9", "eve", false),
            ("user:gone", "user:gone", false),
            ("key:k1", "key ticketing", false),
            ("the night shift", "the night shift", false),
        ] {
            assert_eq!((members.name_of(label).as_str(), members.has(label)), (name, is_member), "{label}");
        }
    }
}
