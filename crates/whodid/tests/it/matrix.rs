//! Every route × every role × own and other account, against what the routes declare.
//!
//! `corpus/access/routes.tsv` lists each route with who may use it; a unit test of the binary holds that list against
//! the routes it really serves, so that a route without an entry fails. Here each line is tried with each kind of
//! caller, and what a caller may do follows from the permissions of its role alone.

use serde_json::{Value, json};
use whodid_model::Permission;
use whodid_model::access::{BuiltInRole, PermissionSet};

use crate::boundary::{Server, answer};

/// One line of the list.
struct Route<'a> {
    method: &'a str,
    path: &'a str,
    rule: &'a str,
}

fn routes(text: &str) -> Vec<Route<'_>> {
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let parts = lines.map(|line| line.split('\t').collect::<Vec<_>>());
    parts.map(|parts| Route { method: parts[0], path: parts[1], rule: parts[2] }).collect()
}

/// Whose grant leaves some events out.
const LIMITED: &str = "an administrator limited to some events";

/// Somebody who tries.
struct Caller {
    name: &'static str,
    key: Option<String>,
    cookie: Option<String>,
    permissions: PermissionSet,
    is_person: bool,
    is_narrowed: bool,
    is_operator: bool,
}

impl Caller {
    fn may(&self, rule: &str) -> Option<bool> {
        let has = |permission| self.permissions.has(permission);
        let reads = has(Permission::SpaceEventsRead) || has(Permission::AccountEventsRead);
        Some(match rule {
            // What needs no credential is not looked at here.
            "open" | "metrics" => return None,
            "person" => self.is_person,
            "whole person" => self.is_person && !self.is_narrowed,
            "own" => self.is_person && has(Permission::OwnActivityRead),
            "session" => self.cookie.is_some(),
            "write" => has(Permission::EventsWrite),
            "read" => reads,
            // Shown whole or not at all.
            "read whole" => reads && self.name != LIMITED,
            "read anything" => reads || (self.is_person && has(Permission::OwnActivityRead)),
            "export" => reads && has(Permission::EventsExport),
            "operator" => self.is_operator,
            permissions => permissions.split(" or ").any(|one| has(Permission::named(one).unwrap())),
        })
    }
}

fn request(
    server: &Server,
    caller: &Caller,
    method: &str,
    path: &str,
    account: Option<&str>,
) -> reqwest::RequestBuilder {
    let of_path = path.contains("{account}");
    let path = path.replace("{account}", account.unwrap_or("default")).replace("{provider}", "nothing");
    let account = account.filter(|_| !of_path);
    let mut path = path.replace("{id}", "nothing").replace("{name}", "nothing");
    let joint = |path: &str| if path.contains('?') { '&' } else { '?' };
    for (of, needed) in [("/events/top", "field=action"), ("/events/facets", "field=action"), ("/query/check", "q=a")] {
        if path.ends_with(of) {
            path = format!("{path}{}{needed}", joint(&path));
        }
    }
    if let Some(account) = account {
        path = format!("{path}{}account={account}", joint(&path));
    }
    let mut request = server.request(method, &path);
    if method != "GET" && method != "DELETE" {
        request = request.header("content-type", "application/json").body("{}");
    }
    if let Some(key) = &caller.key {
        request = request.bearer_auth(key);
    }
    if let Some(cookie) = &caller.cookie {
        request = request.header("cookie", cookie).header("sec-fetch-site", "same-origin");
    }
    request
}

async fn callers(server: &Server) -> Vec<Caller> {
    let mut callers = Vec::new();
    for role in BuiltInRole::ALL {
        let person = server.join(&format!("{role}@example.com"), json!([{"role": role.as_str()}])).await;
        let key = server.token_of(&person, Value::Null).await;
        callers.push(Caller {
            name: role.as_str(),
            key: Some(key),
            cookie: None,
            permissions: role.permissions(),
            is_person: true,
            is_narrowed: false,
            is_operator: false,
        });
    }
    let member = server.join("by-session@example.com", json!([{"role": "analyst"}])).await;
    callers.push(Caller {
        name: "analyst with a session",
        key: None,
        cookie: Some(member.cookie),
        permissions: BuiltInRole::Analyst.permissions(),
        is_person: true,
        is_narrowed: false,
        is_operator: false,
    });
    let own = json!({"name": "keeper", "permissions": ["keys.read", "own-activity.read"]});
    assert_eq!(answer(server.admin("POST", "/api/v1/roles").json(&own)).await.0, 201);
    let keeper = server.join("keeper@example.com", json!([{"role": "keeper"}])).await;
    callers.push(Caller {
        name: "a role of the account's own",
        key: Some(server.token_of(&keeper, Value::Null).await),
        cookie: None,
        permissions: PermissionSet::of(&[Permission::KeysRead, Permission::OwnActivityRead]),
        is_person: true,
        is_narrowed: false,
        is_operator: false,
    });
    let limited =
        server.join("limited@example.com", json!([{"role": "administrator", "query": "_platform:==kms"}])).await;
    let about_rows = [
        Permission::EventsWrite,
        Permission::SpaceEventsRead,
        Permission::AccountEventsRead,
        Permission::OwnActivityRead,
        Permission::EventsExport,
    ];
    callers.push(Caller {
        name: LIMITED,
        key: Some(server.token_of(&limited, Value::Null).await),
        cookie: None,
        // Sending is never limited by a query, so such a grant does not give it.
        permissions: about_rows.into_iter().filter(|one| *one != Permission::EventsWrite).collect(),
        is_person: true,
        is_narrowed: false,
        is_operator: false,
    });
    let narrowed = server.join("narrowed@example.com", json!([{"role": "administrator"}])).await;
    callers.push(Caller {
        name: "a token that is narrower than its user",
        key: Some(server.token_of(&narrowed, json!({"permissions": ["keys.read"]})).await),
        cookie: None,
        permissions: PermissionSet::of(&[Permission::KeysRead]),
        is_person: true,
        is_narrowed: true,
        is_operator: false,
    });
    let reading =
        [Permission::SpaceEventsRead, Permission::AccountEventsRead, Permission::EventsExport, Permission::RejectsRead];
    for (name, key, permissions) in [
        ("an ingestion key", &server.keys.ingestion_key, PermissionSet::of(&[Permission::EventsWrite])),
        ("a service key", &server.keys.service_key, PermissionSet::of(&reading)),
    ] {
        let key = Some(key.clone());
        callers.push(Caller {
            name,
            key,
            cookie: None,
            permissions,
            is_person: false,
            is_narrowed: false,
            is_operator: false,
        });
    }
    callers
}

#[tokio::test]
async fn every_route_lets_in_exactly_whom_it_declares() {
    let server = Server::start().await;
    let list = std::fs::read_to_string("../../corpus/access/routes.tsv").unwrap();
    let mut wrong = Vec::new();
    let mut tried = 0;
    for caller in callers(&server).await {
        for route in routes(&list) {
            let Some(may) = caller.may(route.rule) else { continue };
            // Signing out would end what the rest is tried with.
            if route.path == "/api/v1/sessions/current" {
                continue;
            }
            tried += 1;
            let response = request(&server, &caller, route.method, route.path, None).send().await.unwrap();
            let status = response.status().as_u16();
            let is_refused = matches!(status, 401 | 403);
            let fresh_enough = may || is_refused;
            if !fresh_enough || (may && is_refused) {
                let text = response.text().await.unwrap();
                wrong.push(format!(
                    "{} {} by {}: {status}, declared {may}: {text}",
                    route.method, route.path, caller.name
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} of {tried}:\n{}", wrong.len(), wrong.join("\n"));
    assert!(tried > 900, "{tried}");
}

#[tokio::test]
async fn another_account_is_answered_as_one_that_does_not_exist() {
    let server = Server::start().await;
    let list = std::fs::read_to_string("../../corpus/access/routes.tsv").unwrap();
    let callers = callers(&server).await;
    let made = answer(server.admin("POST", "/api/v1/accounts").json(&json!({"name": "theirs"}))).await;
    assert_eq!(made.0, 201, "{}", made.1);
    let mut wrong = Vec::new();
    for caller in callers {
        for route in routes(&list) {
            let takes_account = !route.path.starts_with("/api/v1/me")
                && !["/api/v1/accounts", "/api/v1/query/check", "/api/v1/sessions/current"].contains(&route.path)
                || route.path.starts_with("/api/v1/me/activity")
                || route.path == "/api/v1/me/reports";
            if caller.may(route.rule).is_none() || !takes_account {
                continue;
            }
            let theirs = request(&server, &caller, route.method, route.path, Some("theirs")).send().await.unwrap();
            let nobodys = request(&server, &caller, route.method, route.path, Some("nobodys")).send().await.unwrap();
            let theirs = (theirs.status().as_u16(), theirs.text().await.unwrap());
            let nobodys = (nobodys.status().as_u16(), nobodys.text().await.unwrap());
            if theirs.0 != 404 || theirs != nobodys {
                wrong.push(format!("{} {} by {}: {theirs:?} and {nobodys:?}", route.method, route.path, caller.name));
            }
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[tokio::test]
async fn an_object_of_another_account_is_answered_as_a_missing_one() {
    let server = Server::start().await;
    assert_eq!(answer(server.admin("POST", "/api/v1/accounts").json(&json!({"name": "theirs"}))).await.0, 201);
    let there = |method: &str, path: &str| server.admin(method, &format!("{path}?account=theirs"));
    let make = async |path: &str, body: Value| {
        let (status, made) = answer(there("POST", path).json(&body)).await;
        assert_eq!(status, 201, "{path}: {made}");
        made
    };
    let id = |made: &Value| made["id"].as_str().unwrap().to_owned();
    let key = id(&make("/api/v1/keys", json!({"kind": "service", "name": "x"})).await);
    let group = id(&make("/api/v1/groups", json!({"name": "x"})).await);
    make("/api/v1/roles", json!({"name": "x", "permissions": ["keys.read"]})).await;
    let binding = id(&make("/api/v1/bindings", json!({"group": group, "role": "x"})).await);
    let invited = make("/api/v1/invitations", json!({"name": "x@example.com"})).await;
    let invitation = id(&invited["invitation"]);
    let accept =
        json!({"token": invited["link"].as_str().unwrap().split("token=").nth(1), "password": crate::person::PASSWORD});
    let (status, joined) = answer(server.request("POST", "/api/v1/invitations/accept").json(&accept)).await;
    assert_eq!(status, 201, "{joined}");
    let user = joined["user"]["id"].as_str().unwrap().to_owned();
    let download = id(&make("/api/v1/downloads", json!({})).await);
    let (_, sessions) = answer(there("GET", "/api/v1/sessions")).await;
    let session = sessions["sessions"].as_array().unwrap().iter().find(|one| one["user"] == "x@example.com").unwrap();
    let session = id(session);

    // An administrator of the first account alone.
    let person = server.join("here@example.com", json!([{"role": "administrator"}])).await;
    let token = server.token_of(&person, Value::Null).await;
    let mut tried = 0;
    for (method, path, theirs) in [
        ("PATCH", "/api/v1/keys/{id}", &key),
        ("POST", "/api/v1/keys/{id}/rotate", &key),
        ("DELETE", "/api/v1/keys/{id}", &key),
        ("GET", "/api/v1/users/{id}", &user),
        ("PATCH", "/api/v1/users/{id}", &user),
        ("DELETE", "/api/v1/users/{id}", &user),
        ("POST", "/api/v1/users/{id}/unlock", &user),
        ("POST", "/api/v1/users/{id}/password-reset", &user),
        ("DELETE", "/api/v1/users/{id}/totp", &user),
        ("DELETE", "/api/v1/users/{id}/sessions", &user),
        ("DELETE", "/api/v1/invitations/{id}", &invitation),
        ("PATCH", "/api/v1/groups/{id}", &group),
        ("DELETE", "/api/v1/groups/{id}", &group),
        ("PATCH", "/api/v1/roles/{id}", &"x".to_owned()),
        ("DELETE", "/api/v1/roles/{id}", &"x".to_owned()),
        ("DELETE", "/api/v1/bindings/{id}", &binding),
        ("DELETE", "/api/v1/sessions/{id}", &session),
        ("DELETE", "/api/v1/me/sessions/{id}", &session),
        ("PATCH", "/api/v1/me/tokens/{id}", &key),
        ("DELETE", "/api/v1/me/tokens/{id}", &key),
        ("GET", "/api/v1/events/{id}", &"activity:0".to_owned()),
        ("GET", "/api/v1/downloads/{id}", &download),
        ("GET", "/api/v1/downloads/{id}/content", &download),
        ("DELETE", "/api/v1/downloads/{id}", &download),
    ] {
        let ask = async |id: &str| {
            let request = server.request(method, &path.replace("{id}", id)).bearer_auth(&token);
            let request = if matches!(method, "POST" | "PATCH") { request.json(&json!({})) } else { request };
            let response = request.send().await.unwrap();
            (response.status().as_u16(), response.text().await.unwrap().replace(id, "…"))
        };
        let (theirs, missing) = (ask(theirs).await, ask("missing00000").await);
        assert_eq!(theirs.0, 404, "{method} {path}: {theirs:?}");
        assert_eq!(theirs, missing, "{method} {path}");
        tried += 1;
    }
    assert_eq!(tried, 24);
}

#[test]
fn the_guide_lists_every_role_and_every_permission_with_who_has_it() {
    let guide = std::fs::read_to_string("../../docs/guide/people-and-rights.md").unwrap();
    let mut missing = Vec::new();
    let mut look_for = |row: String| {
        if !guide.contains(&row) {
            missing.push(row);
        }
    };
    look_for(format!("| permission | {} |", BuiltInRole::ALL.map(BuiltInRole::as_str).join(" | ")));
    for role in BuiltInRole::ALL {
        look_for(format!("| `{role}` | {} |", role.meaning()));
    }
    for permission in Permission::ALL {
        let of_role = |role: BuiltInRole| if role.permissions().has(permission) { " ● |" } else { "  |" };
        look_for(format!("| `{permission}` |{}", BuiltInRole::ALL.map(of_role).concat()));
        // Said as in the code; more may follow.
        let meaning = permission.meaning().trim_end_matches('.');
        let (first, rest) = meaning.split_at(1);
        look_for(format!("| `{permission}` | {}{rest}", first.to_lowercase()));
    }
    assert!(missing.is_empty(), "the guide lacks:\n{}", missing.join("\n"));
}
