//! `whodid keys …`: on the folder, or through a server.

use anyhow::{Context, bail};
use reqwest::Method;
use serde_json::{Value, json};
use whodid_meta::{Limits, Meta};
use whodid_model::AccountName;

use crate::cli::{KeyKind, KeysFlags, KeysVerb};
use crate::client::{Client, segment};
use crate::output::{self, Output};
use crate::{End, Usage};

pub async fn run(verb: KeysVerb, output: Output) -> anyhow::Result<End> {
    match verb {
        KeysVerb::Create { keys, kind, name } => {
            let made = match &keys.data {
                Some(_) => create_here(&keys, kind, &name).await?,
                None => create_there(&keys, kind, &name).await?,
            };
            output::object(output, &made)?;
            if output == Output::Table {
                output::note("Keep the key now: it is not shown again.");
            }
        }
        KeysVerb::List { keys } => {
            let answer = match &keys.data {
                Some(_) => list_here(&keys).await?,
                None => Client::new(&keys.client)?.get("/api/v1/keys", &Vec::new()).await?,
            };
            let rows = answer["keys"].as_array().cloned().unwrap_or_default();
            let columns = [
                ("id", "/id"),
                ("kind", "/kind"),
                ("name", "/name"),
                ("masked", "/masked"),
                ("created", "/created_at"),
                ("last used", "/last_used_at"),
                ("revoked", "/revoked_at"),
            ];
            output::rows(output, &columns, &rows, &answer)?;
        }
        KeysVerb::Revoke { keys, id } => {
            match &keys.data {
                Some(_) => {
                    let (meta, account) = open(&keys).await?;
                    let is_known = meta.revoke_key(&account, &id, crate::clock::now()).await?;
                    meta.close(crate::clock::now()).await?;
                    if !is_known {
                        bail!("there is no key {id:?} in account {account}; `whodid keys list` shows what there is");
                    }
                }
                None => {
                    let client = Client::new(&keys.client)?;
                    let path = format!("/api/v1/keys/{}", segment(&id));
                    client.send(client.request(Method::DELETE, &path, &Vec::new())?).await?;
                }
            }
            output::object(output, &json!({ "id": id, "revoked": true }))?;
        }
    }
    Ok(End::Done)
}

/// The metadata of the folder; one that is not there is not made.
async fn open(keys: &KeysFlags) -> anyhow::Result<(Meta, AccountName)> {
    let data = keys.data.as_ref().context("--data is missing")?;
    let path = data.join("meta.sqlite");
    if !path.is_file() {
        bail!("{} is no whodid data folder; `whodid init --data {0}` makes one", data.display());
    }
    let account = match &keys.client.account {
        Some(name) => AccountName::parse(name).map_err(|error| Usage(format!("--account {name:?}: {error}")))?,
        None => AccountName::default_account(),
    };
    let meta = Meta::open(&path, Limits::default()).await?;
    if !meta.accounts().await?.contains(&account) {
        bail!("there is no account {account} in {}", data.display());
    }
    Ok((meta, account))
}

async fn create_here(keys: &KeysFlags, kind: KeyKind, name: &str) -> anyhow::Result<Value> {
    let name = Meta::check_key_name(name).map_err(|error| Usage(error.to_string()))?;
    let (meta, account) = open(keys).await?;
    let (kind, user) = match kind {
        KeyKind::Ingestion => (whodid_meta::KeyKind::Ingestion, None),
        KeyKind::Service => (whodid_meta::KeyKind::Service, None),
        KeyKind::Administrator => {
            let users = meta.users().await?;
            let user = users.into_iter().find(|user| user.accounts.contains(&account));
            (whodid_meta::KeyKind::Administrator, Some(user.context("the account has no administrator")?.id))
        }
    };
    let made = meta.create_key(kind, &account, user.as_deref(), name, crate::clock::now()).await?;
    meta.close(crate::clock::now()).await?;
    Ok(json!({
        "id": made.key.id,
        "kind": kind.as_str(),
        "name": made.key.name,
        "key": made.secret.expose(),
        "created_at": made.key.created_at,
    }))
}

async fn create_there(keys: &KeysFlags, kind: KeyKind, name: &str) -> anyhow::Result<Value> {
    let kind = match kind {
        KeyKind::Ingestion => "ingestion",
        KeyKind::Service => "service",
        KeyKind::Administrator => {
            return Err(Usage("administrator tokens are made on the server's folder: give --data".to_owned()).into());
        }
    };
    let client = Client::new(&keys.client)?;
    let request = client.request(Method::POST, "/api/v1/keys", &Vec::new())?;
    Ok(client.send(request.json(&json!({ "kind": kind, "name": name }))).await?.json().await?)
}

async fn list_here(keys: &KeysFlags) -> anyhow::Result<Value> {
    let (meta, account) = open(keys).await?;
    let listed: Vec<_> = meta.keys(&account).await?.into_iter().map(crate::server::key_summary).collect();
    meta.close(crate::clock::now()).await?;
    Ok(json!({ "keys": listed }))
}
