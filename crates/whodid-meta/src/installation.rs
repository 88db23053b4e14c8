//! What is secret of the whole installation, sealed under its key file.

use crate::sql::args;
use crate::{Meta, MetaError};

impl Meta {
    /// A secret of the installation, opened.
    pub async fn installation_secret(&self, name: &str) -> Result<Option<Vec<u8>>, MetaError> {
        let select = "SELECT sealed FROM installation_secrets WHERE name = $1";
        let row = self.read().await?.row("reading a secret of the installation", select, args![name]).await?;
        row.map(|row| self.vault().unseal(&belongs_to(name), &row.bytes(0)?)).transpose()
    }

    /// Keeps a secret of the installation unless there is one; what is kept then, opened.
    pub async fn keep_installation_secret(&self, name: &str, secret: &[u8]) -> Result<Vec<u8>, MetaError> {
        let sealed = self.vault().seal(&belongs_to(name), secret)?;
        let insert = "INSERT INTO installation_secrets (name, sealed) VALUES ($1, $2) ON CONFLICT (name) DO NOTHING";
        let system = whodid_audit::Actor::system();
        let mut write = self.write_unaudited(&system, whodid_model::Timestamp::default()).await?;
        let sealed = crate::sql::Value::Bytes(Some(sealed));
        write.tx.run("keeping a secret of the installation", insert, [args![name], vec![sealed]].concat()).await?;
        write.commit_unseen().await?;
        let kept = self.installation_secret(name).await?;
        kept.ok_or(MetaError::Damaged { what: "a secret that was kept and is not there" })
    }
}

/// A secret opens only where it was sealed.
fn belongs_to(name: &str) -> String {
    format!("installation:{name}")
}
