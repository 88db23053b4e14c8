//! What people configure for detection: rules, packages, exceptions, channels, presets and more, as JSON bodies whose
//! meaning is the caller's.
//!
//! Several are changed together, all or none, each with the revision that it was read at, so that of two people who
//! change the same thing the later one is told.

use serde_json::Value as Json;
use whodid_audit::{Actor, Told};
use whodid_model::{AccountName, StreamName, Timestamp};

use crate::sql::{Row, Tx, args};
use crate::{ChangeError, Meta, MetaError, Secret};

/// Most documents of one kind in an account.
pub const DOCUMENTS_MAX: i64 = 10_000;
/// Largest body, in bytes of JSON.
const BODY_BYTES_MAX: usize = 48 << 20;
/// Largest note or occurrence of a client, in bytes of JSON: there may be many, and they are read together.
pub const REPORTED_BYTES_MAX: usize = 32 << 10;
/// Most bytes of all notes of an account together, and of all its occurrences.
pub const REPORTED_BYTES_MAX_OF_ACCOUNT: i64 = 64 << 20;

/// What a document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum DocumentKind {
    /// A rule of the account's own.
    Rule,
    /// An installed package.
    Package,
    /// What was told last of a package that came with whodid.
    BuiltinPackage,
    /// What was changed of a rule: on or off, level, threshold, policy.
    RuleTuning,
    /// What a rule is not to tell.
    Exception,
    /// Where alerts are told.
    Channel,
    /// A reusable alert.
    Preset,
    /// An alert on a saved search.
    Watch,
    /// Alerts that nobody is told of, for a time.
    Silence,
    /// A note or card of the Findings API.
    Note,
    /// What a client of the Findings API reported.
    Occurrence,
    /// How insights are made.
    InsightSettings,
    /// Insights that are expected.
    InsightExpected,
    /// What people said of an insight.
    InsightMark,
}

impl DocumentKind {
    /// The name in the table.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Rule => "rule",
            Self::Package => "package",
            Self::BuiltinPackage => "builtin-package",
            Self::RuleTuning => "rule-tuning",
            Self::Exception => "exception",
            Self::Channel => "channel",
            Self::Preset => "preset",
            Self::Watch => "watch",
            Self::Silence => "silence",
            Self::Note => "note",
            Self::Occurrence => "occurrence",
            Self::InsightSettings => "insight-settings",
            Self::InsightExpected => "insight-expected",
            Self::InsightMark => "insight-mark",
        }
    }

    /// Most bytes of one such document, and of all of an account together where that is bounded.
    fn bytes_max(self) -> (usize, Option<i64>) {
        match self {
            Self::Note | Self::Occurrence => (REPORTED_BYTES_MAX, Some(REPORTED_BYTES_MAX_OF_ACCOUNT)),
            _ => (BODY_BYTES_MAX, None),
        }
    }
}

/// A document as it is stored.
#[derive(Debug, Clone, PartialEq)]
pub struct Document {
    /// Its id, unique among those of its kind in the account.
    pub id: String,
    /// What it says.
    pub body: Json,
    /// What of it is secret, opened; `None` when nothing is.
    pub secret: Option<Secret>,
    /// Counted up by every change, from 1.
    pub revision: i64,
    /// When it was made.
    pub created_at: Timestamp,
    /// Who made it: a readable name.
    pub created_by: String,
    /// When it was last changed.
    pub updated_at: Timestamp,
    /// Who changed it last.
    pub updated_by: String,
}

/// Which version of a document there is, without what it says. Equal versions have equal bodies.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct DocumentVersion {
    /// What it is.
    pub kind: DocumentKind,
    /// Its id.
    pub id: String,
    /// Counted up by every change, from 1.
    pub revision: i64,
    /// When it was last changed: one that was deleted and made again counts from 1 again.
    pub updated_at: Timestamp,
}

impl Document {
    /// Its version, as a document of this kind.
    pub fn version(&self, kind: DocumentKind) -> DocumentVersion {
        DocumentVersion { kind, id: self.id.clone(), revision: self.revision, updated_at: self.updated_at }
    }
}

/// What a change expects to find.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    /// Nothing of this id.
    Absent,
    /// Something, of whatever revision.
    Present,
    /// Exactly this revision.
    Revision(i64),
    /// Whatever is there.
    Any,
}

/// One change.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentChange {
    /// What it is.
    pub kind: DocumentKind,
    /// Its id.
    pub id: String,
    /// What it says from now on; `None` deletes it.
    pub body: Option<Json>,
    /// What of it is secret: sealed where it is stored. `None` stores none.
    pub secret: Option<Secret>,
    /// What must be there now.
    pub expected: Expected,
}

const COLUMNS: &str =
    "SELECT id, body, sealed, revision, created_at, created_by, updated_at, updated_by FROM documents";

impl Meta {
    /// The documents of a kind in an account, by id.
    pub async fn documents(&self, account: &AccountName, kind: DocumentKind) -> Result<Vec<Document>, MetaError> {
        let select = sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE account = $1 AND kind = $2 ORDER BY id"));
        let rows = self.read().await?.rows("reading documents", select, args![account, kind.as_str()]).await?;
        rows.iter().map(|row| self.document_of(account, kind, row)).collect()
    }

    /// Which documents of these kinds an account has, in which version, in their order: little to read, however much
    /// they say.
    pub async fn document_versions(
        &self,
        account: &AccountName,
        kinds: &[DocumentKind],
    ) -> Result<Vec<DocumentVersion>, MetaError> {
        let mut tx = self.read().await?;
        let mut versions = Vec::new();
        for kind in kinds {
            let select = "SELECT id, revision, updated_at FROM documents WHERE account = $1 AND kind = $2";
            for row in tx.rows("reading versions of documents", select, args![account, kind.as_str()]).await? {
                let (id, revision, updated_at) = (row.text(0)?, row.int(1)?, row.time(2)?);
                versions.push(DocumentVersion { kind: *kind, id, revision, updated_at });
            }
        }
        // Databases order texts each in their own way.
        versions.sort();
        Ok(versions)
    }

    /// One of them.
    pub async fn document(
        &self,
        account: &AccountName,
        kind: DocumentKind,
        id: &str,
    ) -> Result<Option<Document>, MetaError> {
        let row = load(&mut self.read().await?, account, kind, id).await?;
        row.map(|row| self.document_of(account, kind, &row)).transpose()
    }

    /// Changes documents and records it, all or none.
    ///
    /// # Errors
    /// [`ChangeError::Taken`] and [`ChangeError::NotThere`] where something else is found than expected,
    /// [`ChangeError::Stale`] for another revision, [`ChangeError::TooMany`], [`ChangeError::TooLarge`],
    /// [`ChangeError::Full`] where the account has too many bytes of the kind.
    pub async fn change_documents(
        &self,
        by: &Actor,
        account: &AccountName,
        changes: &[DocumentChange],
        told: &[Told],
        now: Timestamp,
    ) -> Result<(), ChangeError> {
        self.change_documents_and_find(by, account, changes, told, None, now).await
    }

    /// The same, with a finding that goes into the account's stream `findings`.
    ///
    /// # Errors
    /// As [`Meta::change_documents`].
    pub async fn change_documents_and_find(
        &self,
        by: &Actor,
        account: &AccountName,
        changes: &[DocumentChange],
        told: &[Told],
        finding: Option<&Told>,
        now: Timestamp,
    ) -> Result<(), ChangeError> {
        let mut write = self.write(by, now).await?;
        let maker = write.maker_name();
        for change in changes {
            let what = change.kind.as_str();
            let found = load(&mut write.tx, account, change.kind, &change.id).await?;
            let revision = found.as_ref().map(|row| row.int(3)).transpose()?;
            match (change.expected, revision) {
                (Expected::Absent, Some(_)) => return Err(ChangeError::Taken { what }),
                (Expected::Present | Expected::Revision(_), None) => return Err(ChangeError::NotThere { what }),
                (Expected::Revision(expected), Some(revision)) if expected != revision => {
                    return Err(ChangeError::Stale { what });
                }
                _ => {}
            }
            let key = args![account, change.kind.as_str(), &change.id];
            let Some(body) = &change.body else {
                let delete = "DELETE FROM documents WHERE account = $1 AND kind = $2 AND id = $3";
                write.tx.run("deleting a document", delete, key).await?;
                continue;
            };
            let text = body.to_string();
            let (bytes_max, all_bytes_max) = change.kind.bytes_max();
            if text.len() > bytes_max {
                return Err(ChangeError::TooLarge { what, bytes: text.len(), max: bytes_max });
            }
            if let Some(max) = all_bytes_max {
                // All but this one, so that one that becomes smaller always can.
                let sum = "SELECT coalesce(sum(octet_length(body)), 0) FROM documents
                    WHERE account = $1 AND kind = $2 AND id <> $3";
                let row = write.tx.row("measuring documents", sum, key.clone()).await?;
                let others = row.map_or(Ok(0), |row| row.int(0))?;
                if others.saturating_add(i64::try_from(text.len()).unwrap_or(i64::MAX)) > max {
                    return Err(ChangeError::Full { what, max });
                }
            }
            let sealed = match &change.secret {
                Some(secret) => {
                    Some(self.vault().seal(&belongs_to(account, change.kind, &change.id), secret.expose().as_bytes())?)
                }
                None => None,
            };
            let sealed = crate::sql::Value::Bytes(sealed);
            if revision.is_some() {
                let update = "UPDATE documents SET body = $4, sealed = $5, revision = revision + 1, updated_at = $6,
                    updated_by = $7 WHERE account = $1 AND kind = $2 AND id = $3";
                let args = [key, args![text], vec![sealed], args![now, &maker]].concat();
                write.tx.run("changing a document", update, args).await?;
                continue;
            }
            let count = "SELECT count(*) FROM documents WHERE account = $1 AND kind = $2";
            let row = write.tx.row("counting documents", count, args![account, change.kind.as_str()]).await?;
            if row.map_or(Ok(0), |row| row.int(0))? >= DOCUMENTS_MAX {
                return Err(ChangeError::TooMany { max: DOCUMENTS_MAX });
            }
            let insert = "INSERT INTO documents (account, kind, id, body, sealed, revision, created_at, created_by,
                updated_at, updated_by) VALUES ($1, $2, $3, $4, $5, 1, $6, $7, $6, $7)";
            let args = [key, args![text], vec![sealed], args![now, &maker]].concat();
            write.tx.run("making a document", insert, args).await?;
        }
        for told in told {
            write.tell(account, told).await?;
        }
        if let Some(finding) = finding {
            write.tell_in(account, &StreamName::findings(), finding).await?;
        }
        write.commit().await?;
        Ok(())
    }

    fn document_of(&self, account: &AccountName, kind: DocumentKind, row: &Row) -> Result<Document, MetaError> {
        let id = row.text(0)?;
        let sealed = match row.values.get(2) {
            Some(crate::sql::Value::Bytes(Some(sealed))) => {
                Some(self.vault().unseal(&belongs_to(account, kind, &id), sealed)?)
            }
            _ => None,
        };
        let secret = sealed.map(|secret| {
            String::from_utf8(secret)
                .map(Secret::new)
                .map_err(|_| MetaError::Damaged { what: "a secret that is no text" })
        });
        Ok(Document {
            body: row.json(1)?,
            secret: secret.transpose()?,
            revision: row.int(3)?,
            created_at: row.time(4)?,
            created_by: row.text(5)?,
            updated_at: row.time(6)?,
            updated_by: row.text(7)?,
            id,
        })
    }
}

/// A secret opens only where it was sealed.
fn belongs_to(account: &AccountName, kind: DocumentKind, id: &str) -> String {
    format!("{}:{account}:{id}", kind.as_str())
}

async fn load(tx: &mut Tx, account: &AccountName, kind: DocumentKind, id: &str) -> Result<Option<Row>, MetaError> {
    let select = sqlx::AssertSqlSafe(format!("{COLUMNS} WHERE account = $1 AND kind = $2 AND id = $3"));
    tx.row("reading a document", select, args![account, kind.as_str(), id]).await
}
