//! `whodid init` and `whodid sign-in-link`

use anyhow::{Context, bail};
use serde_json::json;
use whodid_meta::{InitializeError, Initialized, Link, Meta};

use crate::End;
use crate::config::Config;
use crate::output::{self, Output};

/// Makes account, administrator, link and keys in a folder that has none.
pub async fn run(config: &Config, output: Output) -> anyhow::Result<End> {
    let made = {
        let meta = open(config).await?;
        let made = meta.initialize(crate::clock::now()).await;
        meta.close(crate::clock::now()).await?;
        match made {
            Ok(made) => made,
            Err(InitializeError::Already) => bail!(
                "{} is initialised already and nothing was changed; `whodid sign-in-link` makes a new link, `whodid keys create` a new key",
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

/// Makes a new one-time link for the first administrator.
pub async fn sign_in_link(config: &Config, output: Output) -> anyhow::Result<End> {
    if !config.meta_path().is_file() {
        bail!("{} is no whodid data folder; `whodid init --data {0}` makes one", config.data.display());
    }
    let meta = Meta::open(&config.meta_path(), config.sessions).await?;
    let made = new_link(&meta).await;
    meta.close(crate::clock::now()).await?;
    let made = made?;
    output::object(output, &json!({ "admin_link": link(config, &made), "expires_at": made.expires_at }))?;
    Ok(End::Done)
}

/// A new one-time link for the first administrator.
pub async fn new_link(meta: &Meta) -> anyhow::Result<Link> {
    let user = meta.users().await?.into_iter().next().context("there is no administrator; run `whodid init`")?;
    meta.create_link(&user.id, crate::clock::now()).await?.context("the administrator was removed meanwhile")
}

/// The link as a person opens it.
pub fn link(config: &Config, link: &Link) -> String {
    format!("{}/sign-in?token={}", config.base_url(), link.token.expose())
}

/// Opens the metadata, making the folder, which only its owner may enter.
pub async fn open(config: &Config) -> anyhow::Result<Meta> {
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(&config.data).with_context(|| format!("cannot make the data folder {}", config.data.display()))?;
    Ok(Meta::open(&config.meta_path(), config.sessions).await?)
}

/// Initialises a folder that is not; `None` when it was before.
pub async fn ensure(meta: &Meta) -> anyhow::Result<Option<Initialized>> {
    match meta.initialize(crate::clock::now()).await {
        Ok(made) => Ok(Some(made)),
        Err(InitializeError::Already) => Ok(None),
        Err(InitializeError::Meta(error)) => Err(error.into()),
    }
}
