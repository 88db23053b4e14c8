//! Seals the few secrets that whodid must be able to read again: those of second factors. And hides the names that
//! people try to sign in with, which may be mistyped passwords, behind a keyed hash.
//!
//! ChaCha20-Poly1305 under a key of 32 bytes in a file of its own beside the metadata, so that a stolen copy of
//! the database opens nothing. What it belongs to is the associated data: a row copied to another user stays shut.
//!
//! Which key it is stands in the metadata, as a fingerprint that tells nothing of it. Two servers on one metadata, or
//! a restored copy, never go on with different keys unnoticed: what one sealed would stay shut for the other. Somebody
//! who has lost the key says so by laying another one beside it, under the same name with `.new` behind it.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;

use crate::MetaError;
use crate::sql::{Db, Tx, args};
use crate::write::Write;

const KEY_BYTES: usize = 32;
/// Bytes of a key's fingerprint: enough to tell keys apart.
const FINGERPRINT_BYTES: usize = 16;
const BROKEN: &str = "holds no key of 32 bytes";
const MISSING: &str = "is missing, and second factors are sealed under the key that was in it: bring the file back \
    from where it is kept; to go on without it, put 32 random bytes into a file beside it whose name has `.new` behind \
    it, after which users sign in with a recovery code, or an administrator removes their second factor, and they set \
    it up anew";
const NOT_COPIED: &str = "is missing, and the metadata goes with the key that was in it: bring the file back, or copy \
    it from another server on the same metadata; to go on without it, put 32 random bytes into a file beside it whose \
    name has `.new` behind it, and copy what becomes of it to every other server";
const OTHER: &str = "holds another key than the one that the metadata goes with: put the right one in its place, such \
    as that of another server on the same metadata; if there is none any more, put 32 random bytes into a file beside \
    it whose name has `.new` behind it, after which users set up their second factors anew";
const OF_ANOTHER_BACKUP: &str = "holds another key than the one that the backup goes with: put the file that was kept \
    apart from the backup in its place; if there is none any more, put 32 random bytes into a file beside it whose \
    name has `.new` behind it, after which users set up their second factors anew";

/// The key that seals.
pub(crate) struct Vault {
    path: PathBuf,
    sealing: LessSafeKey,
    names: hmac::Key,
    fingerprint: String,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Vault(…)")
    }
}

/// What the metadata knows of the key.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Recorded {
    /// The fingerprint, and whether the key was given in place of one that was lost.
    key: Option<(String, bool)>,
    /// Whether there is an installation that goes with it.
    is_in_use: bool,
    is_anything_sealed: bool,
}

impl Recorded {
    async fn read(tx: &mut Tx) -> Result<Self, MetaError> {
        let doing = "looking which key the metadata goes with";
        let key = tx.row(doing, "SELECT fingerprint, is_given FROM secrets_key", args![]).await?;
        let key = key.map(|row| Ok::<_, MetaError>((row.text(0)?, row.flag(1)?))).transpose()?;
        let is_in_use = tx.row(doing, "SELECT 1 FROM installation", args![]).await?.is_some();
        let is_anything_sealed = tx.row(doing, "SELECT 1 FROM second_factors LIMIT 1", args![]).await?.is_some();
        Ok(Self { key, is_in_use, is_anything_sealed })
    }

    fn is_of(&self, vault: &Vault) -> bool {
        self.key.as_ref().is_some_and(|(fingerprint, _)| *fingerprint == vault.fingerprint)
    }
}

impl Vault {
    /// Reads the key that the metadata goes with, or takes the one that is given in its place. Where there is none and
    /// nothing goes with one yet, makes one, readable by its owner only.
    pub(crate) async fn open(db: &Db, path: &Path) -> Result<Self, MetaError> {
        loop {
            // Looked at before the file: whoever makes the first of both makes the file first.
            let recorded = Recorded::read(&mut db.begin_read().await?).await?;
            let given = read(&given_path(path))?;
            let is_given = given.is_some();
            let vault = match given {
                Some(bytes) => {
                    Self::new(&given_path(path), &bytes).map(|vault| Self { path: path.to_owned(), ..vault })?
                }
                None => Self::found(path, &recorded)?,
            };
            if is_given || !recorded.is_of(&vault) {
                let mut tx = db.begin_write().await?;
                tx.run("keeping which key it is", "UPDATE revision SET told = told", args![]).await?;
                if Recorded::read(&mut tx).await? != recorded {
                    continue;
                }
                let upsert = "INSERT INTO secrets_key (\"only\", fingerprint, is_given) VALUES (1, $1, $2)
                    ON CONFLICT (\"only\") DO UPDATE SET fingerprint = excluded.fingerprint,
                    is_given = excluded.is_given";
                tx.run("keeping which key it is", upsert, args![&vault.fingerprint, is_given]).await?;
                tx.commit().await?;
            }
            if is_given {
                // Last: when it was cut off before, it is done again.
                take(&given_path(path), path).map_err(|source| MetaError::Create { path: path.to_owned(), source })?;
            }
            return Ok(vault);
        }
    }

    /// The key in the file, if it is the one that the metadata goes with.
    fn found(path: &Path, recorded: &Recorded) -> Result<Self, MetaError> {
        let refused = |why| Err(MetaError::SecretsKey { path: path.to_owned(), why });
        let Some(bytes) = read(path)? else {
            // Another key would open nothing that was sealed, and would hide that the right one is missed.
            if recorded.is_anything_sealed {
                return refused(MISSING);
            }
            if recorded.key.is_some() && recorded.is_in_use {
                return refused(NOT_COPIED);
            }
            return Self::new(path, &make(path)?);
        };
        let vault = Self::new(path, &bytes)?;
        // Where nothing goes with the key that was there, such as before a backup is brought back, any is as good.
        if recorded.is_in_use && recorded.key.is_some() && !recorded.is_of(&vault) {
            return refused(OTHER);
        }
        Ok(vault)
    }

    fn new(path: &Path, bytes: &[u8]) -> Result<Self, MetaError> {
        let broken = || MetaError::SecretsKey { path: path.to_owned(), why: BROKEN };
        if bytes.len() != KEY_BYTES {
            return Err(broken());
        }
        let sealing = UnboundKey::new(&CHACHA20_POLY1305, bytes).map_err(|_| broken())?;
        let tag = derived(bytes, "fingerprint");
        let fingerprint = HEXLOWER.encode(&tag.as_ref()[..FINGERPRINT_BYTES]);
        let names = hmac::Key::new(hmac::HMAC_SHA256, derived(bytes, "names").as_ref());
        Ok(Self { path: path.to_owned(), sealing: LessSafeKey::new(sealing), names, fingerprint })
    }

    /// What a folded name is counted under. A plain hash of one would be found by trying the words that people use.
    pub(crate) fn of_name(&self, folded: &str) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(hmac::sign(&self.names, folded.as_bytes()).as_ref());
        hash
    }

    /// Tells which key it is, and nothing of it.
    pub(crate) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// A random nonce, then what was sealed.
    pub(crate) fn seal(&self, belongs_to: &str, secret: &[u8]) -> Result<Vec<u8>, MetaError> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce)?;
        let mut sealed = secret.to_vec();
        let aad = Aad::from(belongs_to.as_bytes());
        let done = self.sealing.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed);
        done.map_err(|_| MetaError::Sealed)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// What [`Vault::seal`] sealed for the same owner.
    pub(crate) fn unseal(&self, belongs_to: &str, sealed: &[u8]) -> Result<Vec<u8>, MetaError> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or(MetaError::Sealed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| MetaError::Sealed)?;
        let mut text = sealed.to_vec();
        let aad = Aad::from(belongs_to.as_bytes());
        Ok(self.sealing.open_in_place(nonce, aad, &mut text).map_err(|_| MetaError::Sealed)?.to_vec())
    }
}

impl Write<'_> {
    /// Refuses when the metadata goes with another key than this process has: what it seals would stay shut for all
    /// others. Looked at once more where it matters, because a process that started before another made the installation
    /// may have a key of its own.
    pub(crate) async fn guard_key(&mut self) -> Result<(), MetaError> {
        let recorded = Recorded::read(&mut self.tx).await?;
        let vault = self.meta().vault();
        if recorded.is_of(vault) {
            return Ok(());
        }
        Err(MetaError::SecretsKey { path: vault.path.clone(), why: OTHER })
    }

    /// Refuses a backup with sealed secrets that goes with another key, unless this key was given in place of one that is
    /// lost. One of an older whodid does not say which: then what is sealed tells.
    pub(crate) async fn guard_key_of_backup(&mut self, fingerprint: Option<&str>) -> Result<(), MetaError> {
        let recorded = Recorded::read(&mut self.tx).await?;
        if recorded.key.is_some_and(|(_, is_given)| is_given) {
            return Ok(());
        }
        let select = "SELECT user_id, sealed FROM second_factors LIMIT 1";
        let Some(row) = self.tx.row("looking for second factors", select, args![]).await? else { return Ok(()) };
        let vault = self.meta().vault();
        let is_it = match fingerprint {
            Some(fingerprint) => fingerprint == vault.fingerprint,
            None => vault.unseal(&row.text(0)?, &row.bytes(1)?).is_ok(),
        };
        if is_it {
            return Ok(());
        }
        Err(MetaError::SecretsKey { path: vault.path.clone(), why: OF_ANOTHER_BACKUP })
    }
}

/// A further secret that follows from the key.
fn derived(key: &[u8], purpose: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), format!("whodid {purpose}").as_bytes())
}

/// Where a key is laid that takes the place of one that is lost.
fn given_path(path: &Path) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".new");
    name.into()
}

/// Puts a given key in its place, readable by its owner only.
fn take(given: &Path, path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    std::fs::set_permissions(given, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
    std::fs::rename(given, path)
}

/// What a file holds; `None` when there is none.
fn read(path: &Path) -> Result<Option<Vec<u8>>, MetaError> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(source) => Err(MetaError::Create { path: path.to_owned(), source }),
    }
}

/// Of two processes that make it at once, both use the one that came first.
fn make(path: &Path) -> Result<Vec<u8>, MetaError> {
    let mut key = vec![0; KEY_BYTES];
    getrandom::fill(&mut key)?;
    let failed = |source| MetaError::Create { path: path.to_owned(), source };
    // Whole under another name first: nobody may read half a key.
    let draft = path.with_extension(format!("draft-{}", crate::secret::random_id()?));
    write_private(&draft, &key).map_err(failed)?;
    let linked = std::fs::hard_link(&draft, path);
    let removed = std::fs::remove_file(&draft);
    match linked {
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
        other => other.map_err(failed)?,
    }
    removed.map_err(failed)?;
    std::fs::read(path).map_err(failed)
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    use std::io::Write as _;
    let mut options = std::fs::OpenOptions::new();
    options.create_new(true).write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_for_its_owner_under_its_key_only() {
        let folder = tempfile::tempdir().unwrap();
        let open = |name: &str| {
            let path = folder.path().join(name);
            let bytes = read(&path).unwrap().map_or_else(|| make(&path), Ok).unwrap();
            Vault::new(&path, &bytes)
        };
        let vault = open("secrets.key").unwrap();
        let sealed = vault.seal("alice", b"canary").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"canary"));
        assert_eq!(vault.unseal("alice", &sealed).unwrap(), b"canary");
        assert!(matches!(vault.unseal("bob", &sealed), Err(MetaError::Sealed)));
        let again = open("secrets.key").unwrap();
        assert_eq!(again.unseal("alice", &sealed).unwrap(), b"canary");
        let other = open("other.key").unwrap();
        assert!(matches!(other.unseal("alice", &sealed), Err(MetaError::Sealed)));
        assert_eq!(again.fingerprint(), vault.fingerprint());
        assert_ne!(other.fingerprint(), vault.fingerprint());
        assert!(matches!(vault.unseal("alice", &sealed[..5]), Err(MetaError::Sealed)));
        std::fs::write(folder.path().join("short.key"), b"short").unwrap();
        assert!(matches!(open("short.key"), Err(MetaError::SecretsKey { .. })));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "no draft is left");
    }
}
