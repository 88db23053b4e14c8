//! `whodid keys …`: on the folder, or through a server.

use anyhow::{Context, bail};
use reqwest::Method;
use serde_json::{Value, json};
use whodid_meta::{ChangeError, KEY_NAME_CHARS_MAX, KeyPlan, Meta, UserView};
use whodid_model::AccountName;

use super::init;
use crate::cli::{KeyKind, KeyLimits, KeysFlags, KeysVerb, ServerFlags};
use crate::client::{Client, segment};
use crate::output::{self, Output};
use crate::{End, Usage};

pub async fn run(verb: KeysVerb, output: Output) -> anyhow::Result<End> {
    match verb {
        KeysVerb::Create { keys, kind, name, limits } => {
            let made = match &keys.data {
                Some(_) => create_here(&keys, kind, &name, &limits).await?,
                None => create_there(&keys, kind, &name, &limits).await?,
            };
            output::object(output, &made)?;
            if output == Output::Table {
                output::note("Keep the key now: it is not shown again.");
            }
        }
        KeysVerb::Update { client, id, name, limits } => {
            let client = Client::new(&client)?;
            let mut body = json!({});
            for (member, value) in [
                ("name", name.map(Value::from)),
                ("scope", limits.scope()),
                ("expires", limits.expires.map(Value::from)),
            ] {
                if let Some(value) = value {
                    body[member] = value;
                }
            }
            let request = client.request(Method::PATCH, &format!("/api/v1/keys/{}", segment(&id)), &Vec::new())?;
            let answer: Value = client.send(request.json(&body)).await?.json().await?;
            output::object(output, &answer)?;
        }
        KeysVerb::Rotate { client, id, overlap } => {
            let client = Client::new(&client)?;
            let path = format!("/api/v1/keys/{}/rotate", segment(&id));
            let request = client.request(Method::POST, &path, &Vec::new())?;
            let made: Value = client.send(request.json(&json!({ "overlap": overlap }))).await?.json().await?;
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
                ("user", "/user"),
                ("spaces", "/scope/spaces"),
                ("sources", "/scope/sources"),
                ("streams", "/scope/streams"),
                ("created", "/created_at"),
                ("expires", "/expires_at"),
                ("last used", "/last_used_at"),
                ("from", "/last_used_from"),
                ("revoked", "/revoked_at"),
            ];
            output::rows(output, &columns, &rows, &answer)?;
        }
        KeysVerb::Revoke { keys, id } => {
            match &keys.data {
                Some(_) => {
                    let (meta, account) = open(&keys).await?;
                    let revoked = meta.revoke_key(&init::operator(), &account, &id, crate::clock::now()).await;
                    meta.close(crate::clock::now()).await?;
                    match revoked {
                        Err(ChangeError::NotThere { .. }) => {
                            bail!("there is no key {id:?} in account {account}; `whodid keys list` shows what there is")
                        }
                        revoked => revoked?,
                    };
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

/// The metadata of the folder, and the account that is meant.
async fn open(keys: &KeysFlags) -> anyhow::Result<(Meta, AccountName)> {
    let config = crate::load(&ServerFlags { data: keys.data.clone(), ..ServerFlags::default() })?;
    let account = match &keys.client.account {
        Some(name) => AccountName::parse(name).map_err(|error| Usage(format!("--account {name:?}: {error}")))?,
        None => AccountName::default_account(),
    };
    let meta = init::open_existing(&config).await?;
    if meta.account(&account).await?.is_none() {
        bail!("there is no account {account} in {}", config.data.display());
    }
    Ok((meta, account))
}

async fn create_here(keys: &KeysFlags, kind: KeyKind, name: &str, limits: &KeyLimits) -> anyhow::Result<Value> {
    if limits.scope().is_some() || limits.expires.is_some() {
        return Err(Usage("limits and expiry are given through a server: leave --data out".to_owned()).into());
    }
    if name.trim().is_empty() || name.chars().count() > KEY_NAME_CHARS_MAX {
        return Err(Usage(format!("--name has 1 to {KEY_NAME_CHARS_MAX} characters")).into());
    }
    let (meta, account) = open(keys).await?;
    let plan = match kind {
        KeyKind::Ingestion => KeyPlan::new(whodid_meta::KeyKind::Ingestion, name),
        KeyKind::Service => KeyPlan::new(whodid_meta::KeyKind::Service, name),
        KeyKind::Personal => {
            let views = meta.users(&account, crate::clock::now()).await?;
            let is_administrator = |view: &UserView| {
                let whole = |role: &whodid_meta::UserRole| {
                    role.binding.role == "administrator"
                        && role.binding.spaces.is_none()
                        && role.binding.query.is_none()
                };
                view.user.disabled_at.is_none() && view.roles.iter().any(whole)
            };
            let view = views.into_iter().find(is_administrator);
            KeyPlan::personal(view.context("the account has no administrator")?.user.id, name)
        }
    };
    let made = meta.create_key(&init::operator(), &account, &plan, crate::clock::now()).await;
    meta.close(crate::clock::now()).await?;
    let made = match made {
        Err(error @ ChangeError::Invalid { .. }) => return Err(Usage(error.to_string()).into()),
        made => made?,
    };
    Ok(json!({
        "id": made.key.id,
        "kind": made.key.kind.as_str(),
        "name": made.key.name,
        "key": made.secret.expose(),
        "created_at": made.key.created_at,
    }))
}

async fn create_there(keys: &KeysFlags, kind: KeyKind, name: &str, limits: &KeyLimits) -> anyhow::Result<Value> {
    let kind = match kind {
        KeyKind::Ingestion => "ingestion",
        KeyKind::Service => "service",
        KeyKind::Personal => {
            let why = "personal tokens are made on the page under Security, or on the server's folder: give --data";
            return Err(Usage(why.to_owned()).into());
        }
    };
    let client = Client::new(&keys.client)?;
    let request = client.request(Method::POST, "/api/v1/keys", &Vec::new())?;
    let mut body = json!({ "kind": kind, "name": name });
    if let Some(scope) = limits.scope() {
        body["scope"] = scope;
    }
    if let Some(expires) = &limits.expires {
        body["expires"] = expires.as_str().into();
    }
    Ok(client.send(request.json(&body)).await?.json().await?)
}

async fn list_here(keys: &KeysFlags) -> anyhow::Result<Value> {
    let (meta, account) = open(keys).await?;
    let names = meta.all_users().await?.into_iter().map(|user| (user.id, user.name)).collect();
    let keys = meta.keys(&account).await?.into_iter();
    let listed: Vec<_> = keys.map(|key| crate::server::key_summary(key, &names)).collect();
    meta.close(crate::clock::now()).await?;
    Ok(json!({ "keys": listed }))
}
