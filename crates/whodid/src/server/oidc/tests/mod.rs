//! Sign-ins against a provider of our own that forges, hangs and lies, and against a real one.
#![allow(clippy::unwrap_used, reason = "a test may panic")]

mod answers;
mod configured;
mod fake;
mod real;
mod tokens;

use std::time::SystemTime;

use super::{Begun, Callback, OidcConfig, OidcError, OidcValues, Person, Provider};

/// Holds what a form and a header would garble.
const SECRET: &str = "a-secret-of-no-worth-+&=%";

fn config(issuer: &str) -> OidcConfig {
    let values = OidcValues {
        issuer,
        client_id: "whodid",
        client_secret: SECRET,
        account: "main",
        roles: "admins=administrator, staff=reader",
        ..OidcValues::default()
    };
    OidcConfig::parse(&values, "http://127.0.0.1:7700").unwrap().unwrap()
}

/// Ends a sign-in with a code and everything else right.
async fn finish(provider: &Provider, begun: &Begun, code: &str) -> Result<Person, OidcError> {
    let callback = Callback { code: Some(code), state: Some(begun.kept.state.expose()), ..Callback::default() };
    // A handler moves between threads while it waits.
    fn may_move<T: Send>(future: T) -> T {
        future
    }
    may_move(provider.finish(&begun.kept, &callback, SystemTime::now())).await
}

/// A parameter of the address that a sign-in begins with.
fn parameter(begun: &Begun, name: &str) -> String {
    let url = url::Url::parse(begun.url.expose()).unwrap();
    url.query_pairs().find(|(key, _)| key == name).unwrap().1.into_owned()
}
