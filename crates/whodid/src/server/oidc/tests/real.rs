//! Against a provider that others wrote: oidc-provider for Node, which passes the OpenID Foundation's tests.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::SystemTime;

use reqwest::header::{COOKIE, LOCATION, SET_COOKIE};
use reqwest::redirect::Policy;
use reqwest::{Client, Url};

use super::super::{Begun, Callback, Kept, OidcConfig, OidcError, Person, Provider, Secret, TokenFault};
use super::{config, finish};

const WEB: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../web");

/// The provider's process; ends with the test.
struct Real {
    process: Child,
    issuer: String,
}

impl Real {
    /// `None`, with a line that says so, where Node or the package is not installed.
    fn start(claims: &str) -> Option<Self> {
        if !Path::new(WEB).join("node_modules/oidc-provider").is_dir() {
            skipped("oidc-provider is not installed; `npm ci` in web does");
            return None;
        }
        let started = Command::new("node")
            .args(["mock/oidc.mjs", "0"])
            .current_dir(WEB)
            .env("OIDC_CLAIMS", claims)
            .env("OIDC_WHILE_STDIN", "1")
            .env_remove("OIDC_REDIRECT")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut process) = started else {
            skipped("node is not installed");
            return None;
        };
        let lines = BufReader::new(process.stdout.take().unwrap()).lines();
        let ready = lines.map(Result::unwrap).find_map(|line| line.strip_prefix("listening ").map(str::to_owned));
        Some(Self { process, issuer: ready.expect("the provider says where it listens") })
    }

    fn provider(&self) -> Provider {
        Provider::new(config(&self.issuer)).unwrap()
    }
}

impl Drop for Real {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Says that this test is skipped, past the capturing of the test runner.
fn skipped(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    let _ = std::io::stderr().write_all(format!("skipped: {test}: {reason}\n").as_bytes());
}

/// Goes through the provider's pages as a browser without scripts would. Returns the query of the callback.
async fn browse(begun: &Begun, form: &str) -> BTreeMap<String, String> {
    let client = Client::builder().redirect(Policy::none()).no_proxy().build().unwrap();
    let mut cookies: BTreeMap<String, String> = BTreeMap::new();
    let mut url = Url::parse(begun.url.expose()).unwrap();
    let mut is_form_sent = false;
    for _ in 0..10 {
        let jar: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let is_form = url.path().starts_with("/interaction/") && !is_form_sent;
        let request = if is_form { client.post(url.clone()).body(form.to_owned()) } else { client.get(url.clone()) };
        is_form_sent |= is_form;
        let response = request.header(COOKIE, jar.join("; ")).send().await.unwrap();
        for cookie in response.headers().get_all(SET_COOKIE) {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            cookies.insert(name.to_owned(), value.to_owned());
        }
        let next = response.headers().get(LOCATION).map(|next| next.to_str().unwrap().to_owned());
        let (status, next) = (response.status(), next.map(|next| url.join(&next).unwrap()));
        let Some(next) = next else { panic!("{status} {url}: {}", response.text().await.unwrap()) };
        if next.path() == "/sign-in/oidc/callback" {
            return next.query_pairs().into_owned().collect();
        }
        url = next;
    }
    panic!("the provider sends the browser in circles");
}

/// Ends a sign-in with what came back and `kept`.
async fn end(provider: &Provider, kept: &Kept, query: &BTreeMap<String, String>) -> Result<Person, OidcError> {
    let value = |name: &str| query.get(name).map(String::as_str);
    let callback = Callback { code: value("code"), state: value("state"), iss: value("iss"), error: value("error") };
    provider.finish(kept, &callback, SystemTime::now()).await
}

async fn sign_in(provider: &Provider, name: &str) -> Result<Person, OidcError> {
    let begun = provider.begin(SystemTime::now()).await?;
    let query = browse(&begun, &format!("login={name}")).await;
    assert!(query.contains_key("iss"), "this provider names itself");
    end(provider, &begun.kept, &query).await
}

#[tokio::test]
async fn people_sign_in_with_what_the_provider_says_of_them() {
    for claims in ["userinfo", "id_token"] {
        let Some(real) = Real::start(claims) else { return };
        let provider = real.provider();
        let alice = sign_in(&provider, "alice").await.unwrap();
        let expected = Person {
            issuer: real.issuer.clone(),
            subject: "id-of-alice".into(),
            name: "alice".into(),
            display_name: "Alice Arden".into(),
            email: Some("alice@example.com".into()),
            groups: vec!["admins".into(), "staff".into()],
        };
        assert_eq!(alice, expected, "{claims}");
        assert_eq!(alice.roles(provider.config()), ["administrator", "reader"]);
        let bob = sign_in(&provider, "bob").await.unwrap();
        assert_eq!((bob.email.as_deref(), bob.roles(provider.config())), (None, vec!["reader".to_owned()]));
        let carol = sign_in(&provider, "carol").await.unwrap();
        assert_eq!(carol.roles(provider.config()), Vec::<String>::new());
    }
}

#[tokio::test]
async fn a_code_counts_once_and_only_for_who_began() {
    let Some(real) = Real::start("userinfo") else { return };
    let provider = real.provider();
    let begun = provider.begin(SystemTime::now()).await.unwrap();
    let query = browse(&begun, "login=alice").await;
    assert!(end(&provider, &begun.kept, &query).await.is_ok());
    let again = end(&provider, &begun.kept, &query).await.unwrap_err();
    assert!(matches!(again, OidcError::Code { .. }), "{again}");

    let other = provider.begin(SystemTime::now()).await.unwrap().kept;
    let begun = provider.begin(SystemTime::now()).await.unwrap();
    let query = browse(&begun, "login=alice").await;
    let wrong_verifier = Kept { verifier: other.verifier.clone(), ..begun.kept.clone() };
    let refused = end(&provider, &wrong_verifier, &query).await.unwrap_err();
    assert!(matches!(refused, OidcError::Code { .. }), "{refused}");

    let begun = provider.begin(SystemTime::now()).await.unwrap();
    let query = browse(&begun, "login=alice").await;
    let wrong_nonce = Kept { nonce: other.nonce.clone(), ..begun.kept.clone() };
    let refused = end(&provider, &wrong_nonce, &query).await.unwrap_err();
    assert!(matches!(refused, OidcError::Token { fault: TokenFault::Nonce, .. }), "{refused}");

    // This provider always names itself, so an answer that does not is another's.
    let begun = provider.begin(SystemTime::now()).await.unwrap();
    let query = browse(&begun, "login=alice").await;
    assert!(matches!(finish(&provider, &begun, &query["code"]).await, Err(OidcError::Stray { .. })));
}

#[tokio::test]
async fn a_person_who_says_no_and_a_server_with_the_wrong_secret_are_told_apart() {
    let Some(real) = Real::start("userinfo") else { return };
    let provider = real.provider();
    let begun = provider.begin(SystemTime::now()).await.unwrap();
    let query = browse(&begun, "deny=1").await;
    let refused = end(&provider, &begun.kept, &query).await.unwrap_err();
    assert!(matches!(refused, OidcError::Denied { .. }), "{refused}");

    let wrong = OidcConfig { client_secret: Some(Secret::new("wrong-canary")), ..config(&real.issuer) };
    let refused = sign_in(&Provider::new(wrong).unwrap(), "alice").await.unwrap_err();
    assert!(matches!(refused, OidcError::Client { .. }) && !refused.to_string().contains("canary"), "{refused}");
}
