//! Verbs about accounts, people, rights and sessions: each is one request to the server, or two where a name stands
//! for an id.

use anyhow::bail;
use reqwest::Method;
use serde_json::{Map, Value, json};

use crate::cli::ClientFlags;
use crate::cli::rights::{
    AccountsVerb, ActivityFlags, GroupsVerb, RoleFlags, RolesVerb, SessionsVerb, TokensVerb, UserFlags, UsersVerb,
};
use crate::client::{Client, Pairs, pages, segment};
use crate::output::{self, Column, Output};
use crate::{End, Usage};

/// A request with a JSON body; what it answers, null for nothing.
pub async fn ask(client: &Client, method: Method, path: &str, body: Option<&Value>) -> anyhow::Result<Value> {
    let request = client.request(method, path, &Vec::new())?;
    let request = match body {
        Some(body) => request.json(body),
        None => request,
    };
    let text = client.send(request).await?.text().await?;
    Ok(if text.is_empty() { Value::Null } else { serde_json::from_str(&text)? })
}

/// Prints a list that an answer holds under a name.
async fn list(
    client: &ClientFlags,
    path: &str,
    member: &str,
    columns: &[Column],
    output: Output,
) -> anyhow::Result<End> {
    let answer = Client::new(client)?.get(path, &Vec::new()).await?;
    let rows = answer[member].as_array().cloned().unwrap_or_default();
    output::rows(output, columns, &rows, &answer)?;
    Ok(End::Done)
}

/// Makes a change and prints what it answers, or else what was done.
async fn change(
    client: &ClientFlags,
    method: Method,
    path: &str,
    body: Option<Value>,
    done: Value,
    output: Output,
) -> anyhow::Result<End> {
    let answer = ask(&Client::new(client)?, method, path, body.as_ref()).await?;
    output::object(output, if answer.is_null() { &done } else { &answer })?;
    Ok(End::Done)
}

/// The members that were given.
pub fn given(members: &[(&str, Option<Value>)]) -> Value {
    let given = members.iter().filter_map(|(name, value)| Some(((*name).to_owned(), value.clone()?)));
    Value::Object(given.collect::<Map<_, _>>())
}

fn text(text: &Option<String>) -> Option<Value> {
    text.clone().map(Value::from)
}

/// The id of what has this name, or this id.
async fn id_of(client: &Client, path: &str, member: &str, what: &str, name: &str) -> anyhow::Result<String> {
    let answer = client.get(path, &Vec::new()).await?;
    let all = answer[member].as_array().cloned().unwrap_or_default();
    // Ids first: a name is what somebody chose.
    let found = all.iter().find(|one| one["id"] == name).or_else(|| all.iter().find(|one| one["name"] == name));
    match found.and_then(|one| one["id"].as_str()) {
        Some(id) => Ok(id.to_owned()),
        None => bail!("there is no {what} {name:?} in this account; `whodid {what}s list` shows what there is"),
    }
}

async fn user(client: &Client, name: &str) -> anyhow::Result<String> {
    id_of(client, "/api/v1/users", "users", "user", name).await
}

async fn group(client: &Client, name: &str) -> anyhow::Result<String> {
    id_of(client, "/api/v1/groups", "groups", "group", name).await
}

async fn users_of(client: &Client, names: &[String]) -> anyhow::Result<Vec<String>> {
    let mut ids = Vec::with_capacity(names.len());
    for name in names {
        ids.push(user(client, name).await?);
    }
    Ok(ids)
}

fn role(flags: &RoleFlags) -> anyhow::Result<Option<Value>> {
    let Some(role) = &flags.role else {
        if !flags.spaces.is_empty() || flags.only.is_some() {
            return Err(Usage("--spaces and --only limit a role: give --role too".to_owned()).into());
        }
        return Ok(None);
    };
    let spaces = (!flags.spaces.is_empty()).then(|| json!(flags.spaces));
    Ok(Some(given(&[("role", Some(role.clone().into())), ("spaces", spaces), ("query", text(&flags.only))])))
}

/// `whodid whoami`
pub async fn whoami(client: &ClientFlags, output: Output) -> anyhow::Result<End> {
    let me = Client::new(client)?.get("/api/v1/me", &Vec::new()).await?;
    if output != Output::Table {
        output::object(output, &me)?;
        return Ok(End::Done);
    }
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let mut members = vec![
        ("user", word(&me["user"]["name"])),
        ("id", word(&me["user"]["id"])),
        ("account", word(&me["account"])),
        ("role", word(&me["user"]["role"])),
    ];
    for membership in me["memberships"].as_array().into_iter().flatten() {
        let permissions: Vec<&str> =
            membership["permissions"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        members.push(("may", format!("in {}: {}", word(&membership["account"]), permissions.join(" "))));
    }
    output::members(&members)?;
    Ok(End::Done)
}

/// `whodid access-review`
pub async fn access_review(client: &ClientFlags, output: Output) -> anyhow::Result<End> {
    let client = Client::new(client)?;
    if output == Output::Csv {
        let request = client.request(Method::GET, "/api/v1/access-review", &vec![("format", "csv".to_owned())])?;
        let text = client.send(request).await?.text().await?;
        output::line(text.trim_end())?;
        return Ok(End::Done);
    }
    let review = client.get("/api/v1/access-review", &Vec::new()).await?;
    let mut rows = Vec::new();
    for user in review["users"].as_array().into_iter().flatten() {
        let roles = user["roles"].as_array().cloned().unwrap_or_default();
        let roles = if roles.is_empty() { vec![Value::Null] } else { roles };
        for role in roles {
            rows.push(json!({
                "kind": if user["is_operator"] == true { "operator" } else { "user" },
                "mfa": user["has_mfa"],
                "name": user["name"],
                "role": role["role"],
                "group": role["group"],
                "spaces": role["spaces"],
                "query": role["query"],
                "enabled": user["is_enabled"],
                "last_signed_in_at": user["last_signed_in_at"],
                "last_read_at": user["last_read_at"],
            }));
        }
    }
    for key in review["keys"].as_array().into_iter().flatten() {
        let of = key["user"].as_str().map(|user| format!(" of {user}")).unwrap_or_default();
        rows.push(json!({
            "kind": format!("{} key{of}", key["kind"].as_str().unwrap_or_default()),
            "name": key["name"],
            "spaces": key["scope"]["spaces"],
            "streams": key["scope"]["streams"],
            "sources": key["scope"]["sources"],
            "enabled": true,
            "expires_at": key["expires_at"],
            "last_read_at": key["last_used_at"],
        }));
    }
    let columns = [
        ("kind", "/kind"),
        ("name", "/name"),
        ("role", "/role"),
        ("through", "/group"),
        ("spaces", "/spaces"),
        ("sources", "/sources"),
        ("streams", "/streams"),
        ("only", "/query"),
        ("enabled", "/enabled"),
        ("second factor", "/mfa"),
        ("expires", "/expires_at"),
        ("last signed in", "/last_signed_in_at"),
        ("last looked", "/last_read_at"),
    ];
    output::rows(output, &columns, &rows, &review)?;
    Ok(End::Done)
}

/// `whodid activity`
pub async fn activity(flags: &ActivityFlags, output: Output) -> anyhow::Result<End> {
    let client = Client::new(&flags.client)?;
    let mut pairs: Pairs = Vec::new();
    for (name, value) in [
        ("q", Some(flags.query.clone()).filter(|q| !q.is_empty())),
        ("from", flags.from.clone()),
        ("to", flags.to.clone()),
    ] {
        pairs.extend(value.map(|value| (name, value)));
    }
    let (rows, more) = pages(&client, "/api/v1/me/activity", &pairs, "events", flags.limit).await?;
    let columns = [
        ("time", "/eventTime"),
        ("what", "/record/summary"),
        ("result", "/record/result"),
        ("from", "/initiator/host/address"),
        ("record", "/record/id"),
    ];
    output::rows(output, &columns, &rows, &json!({ "events": rows }))?;
    if more.is_some() && output == Output::Table {
        output::note(&format!("There is more; these are the newest {}. --limit shows more.", rows.len()));
    }
    Ok(End::Done)
}

/// `whodid accounts …`
pub async fn accounts(verb: AccountsVerb, output: Output) -> anyhow::Result<End> {
    match verb {
        AccountsVerb::List { client } => {
            let columns = [("name", "/name"), ("title", "/title"), ("storage", "/storage"), ("created", "/created_at")];
            list(&client, "/api/v1/accounts", "accounts", &columns, output).await
        }
        AccountsVerb::Create { client, name, title, storage } => {
            let body = given(&[("name", Some(name.into())), ("title", text(&title)), ("storage", text(&storage))]);
            change(&client, Method::POST, "/api/v1/accounts", Some(body), Value::Null, output).await
        }
        AccountsVerb::Settings { client } => {
            let settings = Client::new(&client)?.get("/api/v1/settings", &Vec::new()).await?;
            output::object(output, &settings)?;
            Ok(End::Done)
        }
        AccountsVerb::Set { client, settings } => {
            let body = Value::Object(settings.into_iter().collect());
            change(&client, Method::PATCH, "/api/v1/settings", Some(body), Value::Null, output).await
        }
    }
}

/// `whodid users …`
pub async fn users(verb: UsersVerb, output: Output) -> anyhow::Result<End> {
    let of = |id: &str, further: &str| format!("/api/v1/users/{}{further}", segment(id));
    match verb {
        UsersVerb::List { client } => {
            let columns = [
                ("id", "/id"),
                ("name", "/name"),
                ("display name", "/display_name"),
                ("roles", "/roles"),
                ("groups", "/groups"),
                ("second factor", "/has_mfa"),
                ("sessions", "/sessions"),
                ("last signed in", "/last_signed_in_at"),
                ("disabled", "/disabled_at"),
                ("locked until", "/locked_until"),
            ];
            list(&client, "/api/v1/users", "users", &columns, output).await
        }
        UsersVerb::Show { client, user: name } => {
            let client = Client::new(&client)?;
            let found = client.get(&of(&user(&client, &name).await?, ""), &Vec::new()).await?;
            output::object(output, &found)?;
            Ok(End::Done)
        }
        UsersVerb::Invite { client, name, display_name, role: flags, group } => {
            let roles: Vec<Value> = role(&flags)?.into_iter().collect();
            let body = given(&[
                ("name", Some(name.into())),
                ("display_name", text(&display_name)),
                ("roles", Some(json!(roles))),
                ("groups", Some(json!(group))),
            ]);
            let made = ask(&Client::new(&client)?, Method::POST, "/api/v1/invitations", Some(&body)).await?;
            let shown = json!({
                "id": made["invitation"]["id"],
                "name": made["invitation"]["name"],
                "link": made["link"],
                "expires_at": made["invitation"]["expires_at"],
            });
            output::object(output, if output == Output::Table { &shown } else { &made })?;
            if output == Output::Table {
                output::note("Hand the link over: it is not shown again, and works once.");
            }
            Ok(End::Done)
        }
        UsersVerb::Invitations { client } => {
            let columns = [
                ("id", "/id"),
                ("name", "/name"),
                ("roles", "/roles"),
                ("groups", "/groups"),
                ("invited by", "/created_by"),
                ("created", "/created_at"),
                ("expires", "/expires_at"),
            ];
            list(&client, "/api/v1/invitations", "invitations", &columns, output).await
        }
        UsersVerb::Uninvite { client, id } => {
            let path = format!("/api/v1/invitations/{}", segment(&id));
            change(&client, Method::DELETE, &path, None, json!({"id": id, "deleted": true}), output).await
        }
        UsersVerb::Update { client: flags, user: name, display_name, also_known_as, operator } => {
            let client = Client::new(&flags)?;
            let also =
                also_known_as.map(|names| json!(names.iter().filter(|name| !name.is_empty()).collect::<Vec<_>>()));
            let operator = operator.map(Value::Bool);
            let body =
                given(&[("display_name", text(&display_name)), ("also_known_as", also), ("is_operator", operator)]);
            let path = of(&user(&client, &name).await?, "");
            change(&flags, Method::PATCH, &path, Some(body), Value::Null, output).await
        }
        UsersVerb::Disable(flags) => set_disabled(&flags, true, output).await,
        UsersVerb::Enable(flags) => set_disabled(&flags, false, output).await,
        UsersVerb::Unlock(flags) => of_user(&flags, Method::POST, "/unlock", "unlocked", output).await,
        UsersVerb::ResetPassword(flags) => {
            let end = of_user(&flags, Method::POST, "/password-reset", "reset", output).await?;
            if output == Output::Table {
                output::note("Hand the link over: it is not shown again, and works once.");
            }
            Ok(end)
        }
        UsersVerb::RemoveMfa(flags) => of_user(&flags, Method::DELETE, "/totp", "second_factor_removed", output).await,
        UsersVerb::EndSessions(flags) => of_user(&flags, Method::DELETE, "/sessions", "ended", output).await,
        UsersVerb::Remove(flags) => of_user(&flags, Method::DELETE, "", "removed", output).await,
    }
}

async fn of_user(flags: &UserFlags, method: Method, further: &str, done: &str, output: Output) -> anyhow::Result<End> {
    let client = Client::new(&flags.client)?;
    let path = format!("/api/v1/users/{}{further}", segment(&user(&client, &flags.user).await?));
    change(&flags.client, method, &path, None, json!({"user": flags.user, done: true}), output).await
}

async fn set_disabled(flags: &UserFlags, disabled: bool, output: Output) -> anyhow::Result<End> {
    let client = Client::new(&flags.client)?;
    let path = format!("/api/v1/users/{}", segment(&user(&client, &flags.user).await?));
    let body = json!({"disabled": disabled});
    ask(&client, Method::PATCH, &path, Some(&body)).await?;
    output::object(output, &json!({"user": flags.user, "disabled": disabled}))?;
    Ok(End::Done)
}

/// `whodid groups …`
pub async fn groups(verb: GroupsVerb, output: Output) -> anyhow::Result<End> {
    match verb {
        GroupsVerb::List { client } => {
            let columns = [("id", "/id"), ("name", "/name"), ("description", "/description"), ("members", "/members")];
            list(&client, "/api/v1/groups", "groups", &columns, output).await
        }
        GroupsVerb::Create { client: flags, name, description, member } => {
            let members = users_of(&Client::new(&flags)?, &member).await?;
            let body = given(&[
                ("name", Some(name.into())),
                ("description", text(&description)),
                ("members", Some(json!(members))),
            ]);
            change(&flags, Method::POST, "/api/v1/groups", Some(body), Value::Null, output).await
        }
        GroupsVerb::Update { client: flags, group: which, name, description, add, remove } => {
            let client = Client::new(&flags)?;
            let path = format!("/api/v1/groups/{}", segment(&group(&client, &which).await?));
            let body = given(&[
                ("name", text(&name)),
                ("description", text(&description)),
                ("add", Some(json!(users_of(&client, &add).await?))),
                ("remove", Some(json!(users_of(&client, &remove).await?))),
            ]);
            change(&flags, Method::PATCH, &path, Some(body), Value::Null, output).await
        }
        GroupsVerb::Delete { client: flags, group: which } => {
            let path = format!("/api/v1/groups/{}", segment(&group(&Client::new(&flags)?, &which).await?));
            change(&flags, Method::DELETE, &path, None, json!({"group": which, "deleted": true}), output).await
        }
    }
}

/// `whodid roles …`
pub async fn roles(verb: RolesVerb, output: Output) -> anyhow::Result<End> {
    let of = |name: &str| format!("/api/v1/roles/{}", segment(name));
    match verb {
        RolesVerb::List { client } => {
            let columns = [
                ("name", "/name"),
                ("description", "/description"),
                ("permissions", "/permissions"),
                ("built in", "/is_built_in"),
                ("bindings", "/bindings"),
            ];
            list(&client, "/api/v1/roles", "roles", &columns, output).await
        }
        RolesVerb::Create { client, name, permissions, description } => {
            let body = given(&[
                ("name", Some(name.into())),
                ("permissions", Some(json!(permissions))),
                ("description", text(&description)),
            ]);
            change(&client, Method::POST, "/api/v1/roles", Some(body), Value::Null, output).await
        }
        RolesVerb::Update { client, name, permissions, description } => {
            let body =
                given(&[("permissions", permissions.map(|list| json!(list))), ("description", text(&description))]);
            change(&client, Method::PATCH, &of(&name), Some(body), Value::Null, output).await
        }
        RolesVerb::Delete { client, name } => {
            let done = json!({"role": name, "deleted": true});
            change(&client, Method::DELETE, &of(&name), None, done, output).await
        }
        RolesVerb::Bindings { client } => {
            let columns = [
                ("id", "/id"),
                ("name", "/name"),
                ("role", "/role"),
                ("spaces", "/spaces"),
                ("only", "/query"),
                ("group id", "/group"),
                ("origin", "/origin"),
                ("created", "/created_at"),
            ];
            list(&client, "/api/v1/bindings", "bindings", &columns, output).await
        }
        RolesVerb::Give { client: flags, role: given_role, user: to_user, group: to_group } => {
            let client = Client::new(&flags)?;
            let Some(Value::Object(mut body)) = role(&given_role)? else {
                return Err(Usage("which role? give --role".to_owned()).into());
            };
            match (&to_user, &to_group) {
                (Some(name), None) => body.insert("user".to_owned(), user(&client, name).await?.into()),
                (None, Some(name)) => body.insert("group".to_owned(), group(&client, name).await?.into()),
                _ => return Err(Usage("to whom? give --user or --group".to_owned()).into()),
            };
            change(&flags, Method::POST, "/api/v1/bindings", Some(body.into()), Value::Null, output).await
        }
        RolesVerb::Take { client, id } => {
            let path = format!("/api/v1/bindings/{}", segment(&id));
            change(&client, Method::DELETE, &path, None, json!({"id": id, "deleted": true}), output).await
        }
    }
}

/// `whodid sessions …`
pub async fn sessions(verb: SessionsVerb, output: Output) -> anyhow::Result<End> {
    let base = |own: bool| if own { "/api/v1/me/sessions" } else { "/api/v1/sessions" };
    match verb {
        SessionsVerb::List { client, own } => {
            let columns = [
                ("id", "/id"),
                ("user", "/user"),
                ("address", "/address"),
                ("method", "/method"),
                ("second factor", "/mfa"),
                ("began", "/created_at"),
                ("last seen", "/last_seen_at"),
                ("browser", "/agent"),
            ];
            list(&client, base(own), "sessions", &columns, output).await
        }
        SessionsVerb::End { client, id, own } => {
            let path = format!("{}/{}", base(own), segment(&id));
            change(&client, Method::DELETE, &path, None, json!({"id": id, "ended": true}), output).await
        }
    }
}

/// `whodid tokens …`
pub async fn tokens(verb: TokensVerb, output: Output) -> anyhow::Result<End> {
    match verb {
        TokensVerb::List { client } => {
            let columns = [
                ("id", "/id"),
                ("name", "/name"),
                ("masked", "/masked"),
                ("created", "/created_at"),
                ("expires", "/expires_at"),
                ("last used", "/last_used_at"),
                ("from", "/last_used_from"),
                ("revoked", "/revoked_at"),
            ];
            list(&client, "/api/v1/me/tokens", "keys", &columns, output).await
        }
        TokensVerb::Rotate { client, id, overlap } => {
            let path = format!("/api/v1/me/tokens/{}/rotate", segment(&id));
            let end =
                change(&client, Method::POST, &path, Some(json!({"overlap": overlap})), Value::Null, output).await?;
            if output == Output::Table {
                output::note("Keep the token now: it is not shown again.");
            }
            Ok(end)
        }
        TokensVerb::Revoke { client, id } => {
            let path = format!("/api/v1/me/tokens/{}", segment(&id));
            change(&client, Method::DELETE, &path, None, json!({"id": id, "revoked": true}), output).await
        }
    }
}
