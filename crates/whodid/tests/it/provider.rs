//! Signing in with an identity provider that others wrote, oidc-provider for Node: the whole way of a browser without
//! scripts, to it and back.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use reqwest::Url;
use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use serde_json::{Value, json};

use crate::boundary::{Server, answer, client, refused};
use crate::person::PASSWORD;
use crate::skipped;

const WEB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web");
/// Where the provider sends browsers back to. Nobody listens there: a test takes the query to its own server.
const PUBLIC_URL: &str = "http://127.0.0.1:7700";

/// The provider's process; ends with the test.
struct Provider {
    process: Child,
    issuer: String,
}

impl Provider {
    /// `None`, with a line that says so, where Node or the package is not installed.
    fn start() -> Option<Self> {
        if !Path::new(WEB).join("node_modules/oidc-provider").is_dir() {
            skipped("oidc-provider is not installed; `npm ci` in web does");
            return None;
        }
        let started = Command::new("node")
            .args(["mock/oidc.mjs", "0"])
            .current_dir(WEB)
            .env("OIDC_WHILE_STDIN", "1")
            .env("OIDC_REDIRECT", format!("{PUBLIC_URL}/sign-in/oidc/callback"))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut process) = started else {
            skipped("node is not installed");
            return None;
        };
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let issuer = lines.map(Result::unwrap).find_map(|line| line.strip_prefix("listening ").map(str::to_owned));
        Some(Self { process, issuer: issuer.expect("the provider says where it listens") })
    }

    async fn server(&self) -> Server {
        server(&self.issuer).await
    }
}

impl Drop for Provider {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

async fn server(issuer: &str) -> Server {
    Server::start_with(&[
        ("WHODID_PUBLIC_URL", PUBLIC_URL),
        ("WHODID_OIDC__ISSUER", issuer),
        ("WHODID_OIDC__CLIENT_ID", "whodid"),
        ("WHODID_OIDC__CLIENT_SECRET", "a-secret-of-no-worth-+&=%"),
        ("WHODID_OIDC__ROLES", "admins=administrator,staff=reader"),
    ])
    .await
}

/// A browser at the server, about to go to the provider.
struct Begun {
    /// Where to.
    to: Url,
    /// What the server wants to see again.
    cookie: String,
}

async fn begin(server: &Server, next: &str) -> Begun {
    let response = server.get(&format!("/sign-in/oidc?next={next}")).send().await.unwrap();
    assert_eq!(response.status(), 303);
    let to = Url::parse(response.headers()[LOCATION].to_str().unwrap()).unwrap();
    Begun { to, cookie: crate::person::cookie_of(&response) }
}

/// Goes through the provider's pages. Returns the query that it sends back.
async fn browse(to: &Url, form: &str) -> String {
    let mut cookies: BTreeMap<String, String> = BTreeMap::new();
    let mut url = to.clone();
    let mut is_form_sent = false;
    for _ in 0..10 {
        let jar: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let is_form = url.path().starts_with("/interaction/") && !is_form_sent;
        let request =
            if is_form { client().post(url.clone()).body(form.to_owned()) } else { client().get(url.clone()) };
        is_form_sent |= is_form;
        let response = request.header(COOKIE, jar.join("; ")).send().await.unwrap();
        for cookie in response.headers().get_all(SET_COOKIE) {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            cookies.insert(name.to_owned(), value.to_owned());
        }
        url = url.join(response.headers()[LOCATION].to_str().unwrap()).unwrap();
        if url.path() == "/sign-in/oidc/callback" {
            return url.query().unwrap().to_owned();
        }
    }
    panic!("the provider sends the browser in circles");
}

/// The browser comes back. Returns where it is sent, and the session's cookie if it got one.
async fn come_back(server: &Server, query: &str, cookie: &str) -> (String, Option<String>) {
    let request = server.get(&format!("/sign-in/oidc/callback?{query}"));
    let response = request.header(COOKIE, cookie).header("sec-fetch-site", "cross-site").send().await.unwrap();
    assert_eq!(response.status(), 303);
    let set = response.headers().get_all(SET_COOKIE).iter().map(|cookie| cookie.to_str().unwrap());
    let session =
        set.filter_map(|cookie| cookie.split(';').next()).find(|cookie| cookie.starts_with("whodid_session="));
    (response.headers()[LOCATION].to_str().unwrap().to_owned(), session.map(str::to_owned))
}

async fn sign_in(server: &Server, name: &str) -> (String, Option<String>) {
    let begun = begin(server, "%2Fkeys").await;
    let query = browse(&begun.to, &format!("login={name}")).await;
    come_back(server, &query, &begun.cookie).await
}

async fn me(server: &Server, cookie: &str) -> Value {
    let (status, me) = answer(server.with(cookie, "GET", "/api/v1/me")).await;
    assert_eq!(status, 200, "{me}");
    me
}

#[tokio::test]
async fn groups_of_the_provider_give_roles_and_having_none_gives_no_way_in() {
    let Some(provider) = Provider::start() else { return };
    let server = provider.server().await;
    let (_, methods) = answer(server.get("/api/v1/sign-in/methods")).await;
    assert_eq!(methods["identity_provider"]["start"], "/sign-in/oidc");

    let (to, alice) = sign_in(&server, "alice").await;
    assert_eq!(to, "/keys", "back to where the person wanted to go");
    let alice = alice.unwrap();
    let shown = me(&server, &alice).await;
    assert_eq!((&shown["user"]["name"], &shown["user"]["role"]), (&json!("alice"), &json!("administrator")));
    assert_eq!((&shown["has_password"], &shown["account"]), (&json!(false), &json!("default")));

    let (_, bob) = sign_in(&server, "bob").await;
    let bob = bob.unwrap();
    assert_eq!(me(&server, &bob).await["user"]["role"], "reader");
    assert_eq!(refused(server.with(&bob, "GET", "/api/v1/users")).await, (403, "forbidden".to_owned()));

    assert_eq!(sign_in(&server, "carol").await, ("/sign-in?error=no_role".to_owned(), None));
    let told = server.told("action:==whodid.user.authenticate requestData.method:==oidc").await;
    let by = |name: &str, outcome: &str| {
        let is = |event: &&Value| {
            let text = event.to_string();
            text.contains(name) && text.contains(&format!("\"outcome\":\"{outcome}\""))
        };
        told.iter().filter(is).count()
    };
    assert_eq!((by("alice", "success"), by("bob", "success"), by("carol", "failure")), (1, 1, 1), "{told:?}");

    // Once more, and it is the same person.
    let (_, again) = sign_in(&server, "alice").await;
    assert_eq!(me(&server, &again.unwrap()).await["user"]["id"], shown["user"]["id"]);
}

#[tokio::test]
async fn going_to_the_provider_ends_the_session_that_the_browser_has() {
    let Some(provider) = Provider::start() else { return };
    let server = provider.server().await;
    let (_, first) = sign_in(&server, "bob").await;
    let first = first.unwrap();
    let response = server.with(&first, "GET", "/sign-in/oidc").send().await.unwrap();
    assert_eq!(response.status(), 303);
    assert_eq!(refused(server.with(&first, "GET", "/api/v1/me")).await, (401, "session_ended".to_owned()));
    let told = server.told("action:==whodid.session.delete").await;
    assert_eq!(told[0]["initiator"]["name"], "bob", "{told:?}");
}

#[tokio::test]
async fn who_gets_no_role_any_more_loses_what_came_of_the_provider() {
    let Some(provider) = Provider::start() else { return };
    let mut server = provider.server().await;
    let (_, bob) = sign_in(&server, "bob").await;
    let bob = bob.unwrap();
    let made = server.with(&bob, "POST", "/api/v1/me/tokens").json(&json!({"name": "a script"}));
    let (status, made) = answer(made).await;
    assert_eq!(status, 201, "{made}");
    // The group that bob is in gives nothing any more.
    server.set("WHODID_OIDC__ROLES", "admins=administrator");
    server.restart().await;
    assert_eq!(answer(server.with(&bob, "GET", "/api/v1/me")).await.0, 200, "nobody has asked the provider yet");
    assert_eq!(sign_in(&server, "bob").await, ("/sign-in?error=no_role".to_owned(), None));
    assert_eq!(refused(server.with(&bob, "GET", "/api/v1/me")).await, (401, "session_ended".to_owned()));
    let token = server.get("/api/v1/me").bearer_auth(made["key"].as_str().unwrap());
    assert_eq!(refused(token).await, (401, "invalid_key".to_owned()));
}

#[tokio::test]
async fn a_session_by_the_provider_ends_by_our_own_times() {
    let Some(provider) = Provider::start() else { return };
    let server = provider.server().await;
    let set = server.admin("PATCH", "/api/v1/settings").json(&json!({"session_absolute_minutes": 60}));
    assert_eq!(answer(set).await.0, 200);
    let (_, bob) = sign_in(&server, "bob").await;
    let bob = bob.unwrap();
    let (_, sessions) = answer(server.with(&bob, "GET", "/api/v1/me/sessions")).await;
    let micros = |name: &str| {
        whodid_model::Timestamp::parse(sessions["sessions"][0][name].as_str().unwrap()).unwrap().at.micros()
    };
    assert_eq!(micros("expires_at") - micros("created_at"), 60 * 60 * 1_000_000);
    assert_eq!(sessions["sessions"][0]["method"], "oidc");
}

/// Seen to fail without the look at where the request comes from.
#[tokio::test]
async fn another_site_cannot_begin_a_sign_in_with_the_provider() {
    let Some(provider) = Provider::start() else { return };
    let server = provider.server().await;
    for site in ["cross-site", "same-site"] {
        let response = server.get("/sign-in/oidc").header("sec-fetch-site", site).send().await.unwrap();
        assert_eq!((response.status().as_u16(), &response.headers()[LOCATION]), (303, &"/sign-in".parse().unwrap()));
        assert!(!response.headers().contains_key(SET_COOKIE), "{site}");
    }
    // Nor can a link to another site hide in where to go afterwards.
    for next in ["%2F%2Fevil.example.net", "https:%2F%2Fevil.example.net", "%2F%5Cevil.example.net"] {
        let begun = begin(&server, next).await;
        let query = browse(&begun.to, "login=bob").await;
        assert_eq!(come_back(&server, &query, &begun.cookie).await.0, "/", "{next}");
    }
}

/// Against login CSRF stand the cookie of the browser that began, the state in it, and the verifier of PKCE: with any one of
/// them taken away, the others still refuse.
#[tokio::test]
async fn an_answer_counts_once_and_only_in_the_browser_that_began() {
    let Some(provider) = Provider::start() else { return };
    let server = provider.server().await;
    let refused = ("/sign-in?error=provider_refused".to_owned(), None);
    let mine = begin(&server, "%2F").await;
    let query = browse(&mine.to, "login=alice").await;
    let theirs = begin(&server, "%2F").await;
    assert_eq!(come_back(&server, &query, "").await, refused, "without a cookie");
    assert_eq!(come_back(&server, &query, &theirs.cookie).await, refused, "with that of another browser");
    let (_, session) = come_back(&server, &query, &mine.cookie).await;
    assert!(session.is_some());
    assert_eq!(come_back(&server, &query, &mine.cookie).await, refused, "a second time");
    let denied = browse(&mine.to, "deny=1").await;
    assert_eq!(come_back(&server, &denied, &mine.cookie).await, refused, "who says no at the provider");
}

#[tokio::test]
async fn a_provider_that_cannot_be_reached_is_said_to_be_so() {
    let server = server("http://127.0.0.1:9").await;
    let response = server.get("/sign-in/oidc").send().await.unwrap();
    assert_eq!(response.headers()[LOCATION], "/sign-in?error=provider_unavailable");
    // Everybody else still gets in.
    server.join("bob@example.com", json!([{"role": "reader"}])).await;
    assert_eq!(server.sign_in_as("bob@example.com", PASSWORD).await.0, 201);
}

#[tokio::test]
async fn no_way_in_opens_a_session_by_password_where_passwords_are_off() {
    let Some(provider) = Provider::start() else { return };
    let server = provider.server().await;
    let bob = server.join("bob@example.com", json!([{"role": "reader"}])).await;
    let invitation = server.invite("default", "eve@example.com", json!([{"role": "reader"}])).await;
    let (status, reset) = answer(server.admin("POST", &format!("/api/v1/users/{}/password-reset", bob.id))).await;
    assert_eq!(status, 201, "{reset}");
    let off = || server.admin("PATCH", "/api/v1/settings").json(&json!({"password_sign_in": false}));
    let last = (409, "last_administrator".to_owned());
    assert_eq!(refused(off()).await, last, "nobody could look after the account any more");
    sign_in(&server, "alice").await;
    assert_eq!(answer(off()).await.0, 200);
    let (_, methods) = answer(server.get("/api/v1/sign-in/methods")).await;
    assert_eq!(methods["password"], false);

    assert_eq!(server.sign_in_as("bob@example.com", PASSWORD).await.0, 403, "by password");
    let accept = json!({"token": invitation, "password": "amber lantern forty meadows"});
    let accept = server.request("POST", "/api/v1/invitations/accept").json(&accept);
    assert_eq!(refused(accept).await, (403, "forbidden".to_owned()), "by an invitation");
    let token = reset["link"].as_str().unwrap().split("token=").nth(1).unwrap();
    let commit = json!({"token": token, "password": "amber lantern forty meadows"});
    answer(server.request("POST", "/api/v1/password-resets/commit").json(&commit)).await;
    assert_eq!(server.sign_in_as("bob@example.com", "amber lantern forty meadows").await.0, 403, "after a reset");
    // One who is a user already joins another account by password: the account that invites decides.
    let acme = server.admin("POST", "/api/v1/accounts").json(&json!({"name": "acme"}));
    assert_eq!(answer(acme).await.0, 201);
    let eve = server.invite("acme", "eve@example.com", json!([{"role": "reader"}])).await;
    let joined =
        server.request("POST", "/api/v1/invitations/accept").json(&json!({"token": eve, "password": PASSWORD}));
    assert_eq!(answer(joined).await.0, 201, "acme lets people in by password");
    let here = server.invite("default", "eve@example.com", json!([{"role": "reader"}])).await;
    let joined =
        server.request("POST", "/api/v1/invitations/accept").json(&json!({"token": here, "password": PASSWORD}));
    assert_eq!(refused(joined).await, (403, "forbidden".to_owned()), "by joining");
}

/// Seen to fail without the count by address: every answer that somebody made up was recorded for ever.
#[tokio::test]
async fn answers_that_somebody_makes_up_are_recorded_ten_times_at_most() {
    let Some(provider) = Provider::start() else { return };
    let server = provider.server().await;
    let begun = begin(&server, "%2F").await;
    let state = begun.to.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
    for _ in 0..15 {
        let query = format!("state={state}&code=made-up&iss={}", crate::person::encoded(&provider.issuer));
        assert_eq!(come_back(&server, &query, &begun.cookie).await.0, "/sign-in?error=provider_refused");
    }
    let told = server.told("action:==whodid.user.authenticate outcome:failure").await;
    assert_eq!(told.len(), 10, "{told:?}");
}

#[test]
fn config_check_reads_what_belongs_to_the_provider() {
    let check = |issuer: &str, roles: &str| {
        let mut command = crate::boundary::whodid();
        command.args(["config", "check"]).env("WHODID_OIDC__ISSUER", issuer).env("WHODID_OIDC__CLIENT_ID", "whodid");
        let output = command.env("WHODID_OIDC__ROLES", roles).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    assert_eq!(check("https://id.example.com", "admins=administrator").0, Some(0));
    for (issuer, roles, named) in [
        ("http://id.example.com", "admins=administrator", "oidc.issuer"),
        ("https://id.example.com", "admins", "oidc.roles"),
        ("https://id.example.com", "", "oidc.roles"),
    ] {
        let (code, said) = check(issuer, roles);
        assert_eq!(code, Some(2), "{said}");
        assert!(said.contains(named), "{said}");
    }
}
