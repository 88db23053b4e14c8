//! What people configure under names: channels, presets, alerts on searches.

use serde_json::Value;
use whodid_api::Code;
use whodid_audit::Told;
use whodid_meta::{Document, DocumentChange, DocumentKind, Expected, Secret};
use whodid_model::AccountName;

use super::App;
use super::auth::Caller;
use super::failure::Failure;

/// A document of an account; `one` is what people call such a thing.
pub async fn find(
    app: &App,
    account: &AccountName,
    kind: DocumentKind,
    id: &str,
    one: &str,
) -> Result<Document, Failure> {
    let found = app.meta.document(account, kind, id).await?;
    found.ok_or_else(|| Failure::new(Code::NotFound, format!("there is no such {one} in this account")))
}

/// Refuses a name that another than `id` has.
pub fn refuse_name(known: &[Document], name: &str, id: &str, one: &str) -> Result<(), Failure> {
    if known.iter().any(|document| document.id != id && document.body["name"] == name) {
        let detail = format!("another {one} has this name; people could not tell them apart");
        return Err(Failure::new(Code::NameTaken, detail));
    }
    Ok(())
}

/// A document as it shall be, or shall be no more.
pub fn change(kind: DocumentKind, id: &str, body: Option<Value>, expected: Expected) -> DocumentChange {
    DocumentChange { kind, id: id.to_owned(), body, secret: None, expected }
}

/// Makes a change, and records it.
pub async fn store(
    app: &App,
    caller: &Caller,
    account: &AccountName,
    change: DocumentChange,
    told: Told,
) -> Result<(), Failure> {
    app.meta.change_documents(&caller.attempt.actor(), account, &[change], &[told], crate::clock::now()).await?;
    Ok(())
}

/// The same change with what of it is secret.
pub fn with_secret(change: DocumentChange, secret: String) -> DocumentChange {
    DocumentChange { secret: Some(Secret::new(secret)), ..change }
}
