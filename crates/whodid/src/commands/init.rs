//! `whodid init` and `whodid sign-in-link`

use std::path::Path;

use anyhow::{Context, bail};
use serde_json::json;
use whodid_audit::Actor;
use whodid_meta::{InitializeError, Link, Meta};

use crate::End;
use crate::config::{Config, LakeUrl};
use crate::output::{self, Output};

/// Makes account, administrator, link and keys in a folder that has none.
pub async fn run(config: &Config, output: Output) -> anyhow::Result<End> {
    let made = {
        let meta = open(config).await?;
        let made = meta.initialize(&operator(), crate::clock::now()).await;
        meta.close(crate::clock::now()).await?;
        match made {
            Ok(made) => made,
            Err(InitializeError::Already) => bail!(
                "{0} is initialised already and nothing was changed; `whodid sign-in-link --data {0}` makes a new link, `whodid keys create --data {0}` a new key",
                config.data.display()
            ),
            Err(InitializeError::Meta(error)) => return Err(error.into()),
        }
    };
    output::object(
        output,
        &json!({
            "account": made.account,
            "admin_link": link(config, &made.link),
            "admin_token": made.admin_token.secret.expose(),
            "ingestion_key": made.ingestion_key.secret.expose(),
            "service_key": made.service_key.secret.expose(),
        }),
    )?;
    if output == Output::Table {
        output::note("\nKeep these now: they are not shown again. The link works once, within 24 hours.");
    }
    Ok(End::Done)
}

/// Who runs a command on the server's machine, for the audit log.
pub fn operator() -> Actor {
    let uid = std::fs::metadata("/proc/self").map(|own| std::os::unix::fs::MetadataExt::uid(&own));
    let name = ["SUDO_USER", "USER", "LOGNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let name = name.filter(|name| !name.is_empty());
    // The number is the system's word, the name only the environment's.
    Actor::operator(match (name, uid) {
        (Some(name), Ok(uid)) => format!("{name} (uid {uid})"),
        (None, Ok(uid)) => format!("uid {uid}"),
        (Some(name), Err(_)) => name,
        (None, Err(_)) => "unknown".to_owned(),
    })
}

/// The metadata of a folder that is initialised; one that is not there is not made.
pub async fn open_existing(config: &Config) -> anyhow::Result<Meta> {
    if config.meta_url.is_none() && !config.meta_path().is_file() {
        bail!("{} is no whodid data folder; `whodid init --data {0}` makes one", config.data.display());
    }
    Ok(Meta::open(&config.meta_location(), &config.secrets_key, config.sessions).await?)
}

/// Makes a new one-time link for the first administrator.
pub async fn sign_in_link(config: &Config, output: Output) -> anyhow::Result<End> {
    let meta = open_existing(config).await?;
    let made = new_link(&meta).await;
    meta.close(crate::clock::now()).await?;
    let made = made?;
    // Unless it is said, the server is where it last was: the flags that it was started with are not known here.
    let last = || std::fs::read_to_string(config.data.join(ADDRESS_FILE)).ok().filter(|url| url.starts_with("http"));
    let base = if config.says_where() { None } else { last() };
    let link = link_at(base.as_deref().map_or(&config.base_url(), str::trim_end), &made);
    output::object(output, &json!({ "admin_link": link, "expires_at": made.expires_at }))?;
    Ok(End::Done)
}

/// The file in the data folder that says where browsers reached the server last.
const ADDRESS_FILE: &str = "last-address";

/// Leaves word for `sign-in-link`; without it links name the usual port.
pub fn note_address(config: &Config) {
    let noted = std::fs::write(config.data.join(ADDRESS_FILE), format!("{}\n", config.base_url()));
    if let Err(error) = noted {
        tracing::warn!(%error, "the server's address could not be noted for `whodid sign-in-link`");
    }
}

/// A new one-time link for the first administrator.
pub async fn new_link(meta: &Meta) -> anyhow::Result<Link> {
    let users = meta.all_users().await?;
    let user = users.iter().find(|user| user.is_operator && user.disabled_at.is_none());
    let user = user.context("there is no operator who can sign in; run `whodid init`")?;
    Ok(meta.create_link(&operator(), &user.id, crate::clock::now()).await?)
}

/// The link as a person opens it.
pub fn link(config: &Config, link: &Link) -> String {
    link_at(&config.base_url(), link)
}

fn link_at(base_url: &str, link: &Link) -> String {
    format!("{base_url}/sign-in?token={}", link.token.expose())
}

/// Opens the metadata, making the folders, which only their owner may enter.
pub async fn open(config: &Config) -> anyhow::Result<Meta> {
    let data = &config.data;
    if data.is_dir() {
        if is_ours_to_close(data) {
            // Where it cannot be closed, `warn_of_others` says so.
            let _ = std::fs::set_permissions(data, std::os::unix::fs::PermissionsExt::from_mode(0o700));
        }
    } else {
        private_folders()
            .recursive(true)
            .create(data)
            .with_context(|| format!("cannot make the data folder {}", data.display()))?;
    }
    let lake = match &config.lake {
        LakeUrl::Folder(folder) => Some(folder.clone()),
        LakeUrl::Bucket(_) => None,
    };
    // Files take the process's mode, which lets others read; so the folders around them are closed.
    for folder in ["journal", "window", "spill"].map(|name| data.join(name)).into_iter().chain(lake) {
        make_private(&folder).with_context(|| format!("cannot make the folder {}", folder.display()))?;
    }
    Ok(Meta::open(&config.meta_location(), &config.secrets_key, config.sessions).await?)
}

fn private_folders() -> std::fs::DirBuilder {
    let mut builder = std::fs::DirBuilder::new();
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

/// Whether an existing folder was made for us and holds nothing yet but perhaps a configuration. The mode of one in
/// use is its operator's, who may want others to read the tables.
fn is_ours_to_close(folder: &Path) -> bool {
    let Ok(mut entries) = std::fs::read_dir(folder) else { return false };
    entries.all(|entry| entry.is_ok_and(|entry| entry.file_name() == crate::config::FILE_NAME))
}

/// Makes a folder that only its owner may enter, durably, unless there is one; where its parent is missing, that
/// is left to whoever needs the folder.
fn make_private(folder: &Path) -> std::io::Result<()> {
    let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    if folder.exists() || !parent.is_dir() {
        return Ok(());
    }
    match private_folders().create(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => std::fs::File::open(parent)?.sync_all(),
    }
}

/// Closes the file with the secret of the engine's hashes to others, also where they may enter the folder.
pub fn close_secret(config: &Config) {
    let file = config.data.join("hash-secret");
    let closed = std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600));
    if let Err(error) = closed {
        tracing::warn!(file = %file.display(), %error, "a secret could not be closed to other users of this machine");
    }
}

/// Says loudly when others on this machine may read the events.
pub fn warn_of_others(config: &Config) {
    let lake = match &config.lake {
        LakeUrl::Folder(folder) if !folder.starts_with(&config.data) => Some(folder),
        _ => None,
    };
    for folder in std::iter::once(&config.data).chain(lake) {
        let Ok(metadata) = std::fs::metadata(folder) else { continue };
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            let shown = folder.display();
            tracing::warn!(
                "other users of this machine may enter {shown} (mode {mode:o}) and read what is not closed to them; `chmod 700 {shown}` shuts them out"
            );
        }
    }
}

/// Initialises a folder that is not; `None` when it was before. No keys are made: nobody would see them.
pub async fn ensure(meta: &Meta) -> anyhow::Result<Option<Link>> {
    match meta.initialize_without_keys(&operator(), crate::clock::now()).await {
        Ok(link) => Ok(Some(link)),
        Err(InitializeError::Already) => Ok(None),
        Err(InitializeError::Meta(error)) => Err(error.into()),
    }
}
