//! Seals the few secrets that whodid must be able to read again: those of second factors.
//!
//! ChaCha20-Poly1305 under a key of 32 bytes in a file of its own beside the metadata, so that a stolen copy of
//! the database opens nothing. What it belongs to is the associated data: a row copied to another user stays shut.

use std::path::Path;

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};

use crate::MetaError;

const KEY_BYTES: usize = 32;
const BROKEN: &str = "holds no key of 32 bytes";
const MISSING: &str = "is missing, and second factors are sealed under the key that was in it: bring the file back \
    from where it is kept; to go on without it, put 32 random bytes there, after which users sign in with a recovery \
    code, or an administrator removes their second factor, and they set it up anew";

/// The key that seals.
pub(crate) struct Vault(LessSafeKey);

impl std::fmt::Debug for Vault {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("Vault(…)")
    }
}

impl Vault {
    /// Reads the key. Where it is missing and nothing is sealed yet, makes one, readable by its owner only.
    pub(crate) fn open(path: &Path, is_anything_sealed: bool) -> Result<Self, MetaError> {
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            // Another key would open none of it, and would hide that the right one is missed.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound && is_anything_sealed => {
                return Err(MetaError::SecretsKey { path: path.to_owned(), why: MISSING });
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => make(path)?,
            Err(source) => return Err(MetaError::Create { path: path.to_owned(), source }),
        };
        let broken = || MetaError::SecretsKey { path: path.to_owned(), why: BROKEN };
        if bytes.len() != KEY_BYTES {
            return Err(broken());
        }
        let key = UnboundKey::new(&CHACHA20_POLY1305, &bytes).map_err(|_| broken())?;
        Ok(Self(LessSafeKey::new(key)))
    }

    /// A random nonce, then what was sealed.
    pub(crate) fn seal(&self, belongs_to: &str, secret: &[u8]) -> Result<Vec<u8>, MetaError> {
        let mut nonce = [0; NONCE_LEN];
        getrandom::fill(&mut nonce)?;
        let mut sealed = secret.to_vec();
        let aad = Aad::from(belongs_to.as_bytes());
        let done = self.0.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut sealed);
        done.map_err(|_| MetaError::Sealed)?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// What [`Vault::seal`] sealed for the same owner.
    pub(crate) fn unseal(&self, belongs_to: &str, sealed: &[u8]) -> Result<Vec<u8>, MetaError> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or(MetaError::Sealed)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| MetaError::Sealed)?;
        let mut text = sealed.to_vec();
        let aad = Aad::from(belongs_to.as_bytes());
        Ok(self.0.open_in_place(nonce, aad, &mut text).map_err(|_| MetaError::Sealed)?.to_vec())
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
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
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
        let vault = Vault::open(&folder.path().join("secrets.key"), false).unwrap();
        let sealed = vault.seal("alice", b"canary").unwrap();
        assert!(!sealed.windows(6).any(|part| part == b"canary"));
        assert_eq!(vault.unseal("alice", &sealed).unwrap(), b"canary");
        assert!(matches!(vault.unseal("bob", &sealed), Err(MetaError::Sealed)));
        let again = Vault::open(&folder.path().join("secrets.key"), false).unwrap();
        assert_eq!(again.unseal("alice", &sealed).unwrap(), b"canary");
        let other = Vault::open(&folder.path().join("other.key"), false).unwrap();
        assert!(matches!(other.unseal("alice", &sealed), Err(MetaError::Sealed)));
        assert!(matches!(vault.unseal("alice", &sealed[..5]), Err(MetaError::Sealed)));
        std::fs::write(folder.path().join("short.key"), b"short").unwrap();
        assert!(matches!(Vault::open(&folder.path().join("short.key"), false), Err(MetaError::SecretsKey { .. })));
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 3, "no draft is left");
    }
}
