//! Who has which role where.

use serde::{Deserialize, Serialize};
use whodid_audit::{Actor, Deed, Told};
use whodid_model::access::BuiltInRole;
use whodid_model::{AccountName, SpaceName, Timestamp};

use crate::sql::{Row, Tx, args, json_text};
use crate::write::{Write, object};
use crate::{ChangeError, Meta, MetaError, secret};

/// Whom a role is given to.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Subject {
    /// A user, by id.
    User(String),
    /// A group, by id.
    Group(String),
}

/// Where a binding comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Origin {
    /// Somebody made it.
    Manual,
    /// It follows from groups that an identity provider tells; made anew at every sign-in.
    Oidc,
}

impl Origin {
    /// The text form, as stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Manual => "manual",
            Self::Oidc => "oidc",
        }
    }
}

/// A role to give, without saying yet to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleGrant {
    /// A built-in role, or one of the account's own.
    pub role: String,
    /// Only in these spaces; `None`: everywhere.
    pub spaces: Option<Vec<SpaceName>>,
    /// Only events that this query matches. The caller has checked that it is one.
    pub query: Option<String>,
}

impl RoleGrant {
    /// The role without limits.
    pub fn whole(role: impl Into<String>) -> Self {
        Self { role: role.into(), spaces: None, query: None }
    }
}

/// A role to give to somebody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewBinding {
    /// To whom.
    pub subject: Subject,
    /// What.
    pub grant: RoleGrant,
}

impl NewBinding {
    /// A role without limits.
    pub fn whole(subject: Subject, role: impl Into<String>) -> Self {
        Self { subject, grant: RoleGrant::whole(role) }
    }
}

/// A role that somebody has.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Binding {
    /// Stable id.
    pub id: String,
    /// Who has it.
    pub subject: Subject,
    /// A built-in role, or one of the account's own.
    pub role: String,
    /// Only in these spaces; `None`: everywhere.
    pub spaces: Option<Vec<SpaceName>>,
    /// Only events that this query matches.
    pub query: Option<String>,
    /// Where it comes from.
    pub origin: Origin,
    /// When it was made.
    #[serde(skip)]
    pub created_at: Timestamp,
}

/// Most bindings of one account.
pub const BINDINGS_MAX: i64 = 10_000;

impl Meta {
    /// The bindings of an account, oldest first.
    pub async fn bindings(&self, account: &AccountName) -> Result<Vec<Binding>, MetaError> {
        load_bindings(&mut self.read().await?, account).await
    }

    /// Gives a role.
    pub async fn create_binding(
        &self,
        by: &Actor,
        account: &AccountName,
        binding: &NewBinding,
        now: Timestamp,
    ) -> Result<Binding, ChangeError> {
        let mut write = self.write(by, now).await?;
        let made = write.bind(account, binding, Origin::Manual).await?;
        write.commit().await?;
        Ok(made)
    }

    /// Takes a role away; never the last administrator's.
    pub async fn delete_binding(
        &self,
        by: &Actor,
        account: &AccountName,
        id: &str,
        now: Timestamp,
    ) -> Result<(), ChangeError> {
        let mut write = self.write(by, now).await?;
        let bindings = load_bindings(&mut write.tx, account).await?;
        let found = bindings.into_iter().find(|binding| binding.id == id);
        let binding = found.ok_or(ChangeError::NotThere { what: "role binding" })?;
        write.unbind(account, &binding).await?;
        write.guard_administrators(account).await?;
        write.commit().await?;
        Ok(())
    }
}

impl Write<'_> {
    /// Gives a role and records it.
    pub(crate) async fn bind(
        &mut self,
        account: &AccountName,
        new: &NewBinding,
        origin: Origin,
    ) -> Result<Binding, ChangeError> {
        check_grant(&mut self.tx, account, &new.grant).await?;
        let count = "SELECT count(*) FROM bindings WHERE account = $1";
        let count = self.tx.row("counting role bindings", count, args![account]).await?;
        if count.map_or(Ok(0), |row| row.int(0))? >= BINDINGS_MAX {
            return Err(ChangeError::TooMany { max: BINDINGS_MAX });
        }
        let (user, group) = match &new.subject {
            Subject::User(id) => {
                crate::users::must_be_member(&mut self.tx, account, id).await?;
                (Some(id.clone()), None)
            }
            Subject::Group(id) => {
                crate::groups::must_be_of(&mut self.tx, account, id).await?;
                (None, Some(id.clone()))
            }
        };
        let binding = Binding {
            id: secret::random_id()?,
            subject: new.subject.clone(),
            role: new.grant.role.clone(),
            spaces: new.grant.spaces.clone(),
            query: new.grant.query.clone(),
            origin,
            created_at: self.now,
        };
        let same = |old: &Binding| {
            let new = &binding;
            (&old.subject, &old.role, &old.spaces, &old.query) == (&new.subject, &new.role, &new.spaces, &new.query)
                && old.origin == origin
        };
        if load_bindings(&mut self.tx, account).await?.iter().any(same) {
            return Err(ChangeError::Already { what: "this role is given" });
        }
        let insert = "INSERT INTO bindings (id, account, user_id, group_id, role, spaces, query, origin, created_at)
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
        let args = args![
            &binding.id,
            account,
            user,
            group,
            &binding.role,
            binding.spaces.as_ref().map(json_text),
            binding.query.clone(),
            origin.as_str(),
            self.now,
        ];
        self.tx.run("giving a role", insert, args).await?;
        let told = told(Deed::RoleBindingCreate, &binding).changed(None, object(&binding));
        self.tell(account, &told).await?;
        Ok(binding)
    }

    /// Takes a role away and records it. The caller guards the last administrator.
    pub(crate) async fn unbind(&mut self, account: &AccountName, binding: &Binding) -> Result<(), ChangeError> {
        self.tx.run("taking a role away", "DELETE FROM bindings WHERE id = $1", args![&binding.id]).await?;
        let told = told(Deed::RoleBindingDelete, binding).changed(object(binding), None);
        self.tell(account, &told).await?;
        Ok(())
    }
}

/// What is told of a binding: whom it concerns stands beside it, so that a user's history finds it.
fn told(deed: Deed, binding: &Binding) -> Told {
    let told = Told::success(deed, binding.id.as_str(), binding.role.as_str()).asked("role", binding.role.as_str());
    match &binding.subject {
        Subject::User(id) => told.asked("userId", id.as_str()),
        Subject::Group(id) => told.asked("groupId", id.as_str()),
    }
}

/// Whether a role can be given so in an account.
pub(crate) async fn check_grant(tx: &mut Tx, account: &AccountName, grant: &RoleGrant) -> Result<(), ChangeError> {
    if grant.query.as_ref().is_some_and(|query| query.len() > 4096) {
        return Err(ChangeError::invalid("query", "at most 4,096 bytes"));
    }
    // Nobody who reads it later may take it for no limit at all.
    if grant.query.as_ref().is_some_and(|query| query.trim().is_empty()) {
        return Err(ChangeError::invalid("query", "not blank; without a limit it is left out"));
    }
    if grant.spaces.as_ref().is_some_and(Vec::is_empty) {
        return Err(ChangeError::invalid("spaces", "at least one; without a limit it is left out"));
    }
    if grant.spaces.as_ref().is_some_and(|spaces| spaces.len() > 1000) {
        return Err(ChangeError::invalid("spaces", "at most 1,000"));
    }
    if BuiltInRole::named(&grant.role).is_some() {
        return Ok(());
    }
    let select = "SELECT 1 FROM roles WHERE account = $1 AND name = $2";
    let row = tx.row("looking for a role", select, args![account, &grant.role]).await?;
    row.map(drop).ok_or(ChangeError::NotThere { what: "role" })
}

pub(crate) async fn load_bindings(tx: &mut Tx, account: &AccountName) -> Result<Vec<Binding>, MetaError> {
    let select = "SELECT id, user_id, group_id, role, spaces, query, origin, created_at FROM bindings
        WHERE account = $1 ORDER BY created_at, id";
    let rows = tx.rows("reading role bindings", select, args![account]).await?;
    rows.iter().map(binding).collect()
}

fn binding(row: &Row) -> Result<Binding, MetaError> {
    let subject = match (row.text_or_null(1)?, row.text_or_null(2)?) {
        (Some(user), _) => Subject::User(user),
        (None, Some(group)) => Subject::Group(group),
        (None, None) => return Err(MetaError::Damaged { what: "a role binding without a subject" }),
    };
    Ok(Binding {
        id: row.text(0)?,
        subject,
        role: row.text(3)?,
        spaces: row.json_or_null(4)?,
        query: row.text_or_null(5)?,
        origin: if row.text(6)? == "oidc" { Origin::Oidc } else { Origin::Manual },
        created_at: row.time(7)?,
    })
}
