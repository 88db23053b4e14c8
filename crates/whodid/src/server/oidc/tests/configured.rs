//! What the configuration takes, and what it makes of people.

use serde_json::{Value, json};

use super::super::person::Person;
use super::super::{OidcConfig, OidcValues};
use super::config;

const GOOD: OidcValues<'static> = OidcValues {
    issuer: "https://login.example.com/realms/staff",
    client_id: "whodid",
    client_secret: "",
    name: "",
    scopes: "",
    groups_claim: "",
    name_claim: "",
    account: "main",
    roles: "admins=administrator, staff = reader,",
    default_role: "",
};

fn parse(values: &OidcValues<'_>) -> Result<Option<OidcConfig>, String> {
    OidcConfig::parse(values, "https://whodid.example.com").map_err(|error| error.to_string())
}

#[test]
fn what_is_not_set_has_a_usual_value() {
    let config = parse(&GOOD).unwrap().unwrap();
    assert_eq!(config.issuer.as_str(), GOOD.issuer);
    assert_eq!((config.name.as_str(), config.scopes.join(" ")), ("Single sign-on", "openid profile email".to_owned()));
    assert_eq!((config.groups_claim.as_str(), config.name_claim.as_str()), ("groups", "preferred_username"));
    assert_eq!(config.redirect_uri, "https://whodid.example.com/sign-in/oidc/callback");
    assert_eq!(config.client_secret, None);
    let roles: Vec<(&str, &str)> = config.roles.iter().map(|(group, role)| (group.as_str(), role.as_str())).collect();
    assert_eq!(roles, [("admins", "administrator"), ("staff", "reader")]);
    assert_eq!(parse(&OidcValues::default()), Ok(None), "nothing set: no provider");
    let asked = parse(&OidcValues { scopes: "groups openid", ..GOOD }).unwrap().unwrap().scopes;
    assert_eq!(asked, ["openid", "groups"]);
    let group_with_equals = parse(&OidcValues { roles: "cn=ops=writer", ..GOOD }).unwrap().unwrap();
    assert_eq!(group_with_equals.roles["cn=ops"], "writer");
}

#[test]
fn plain_http_is_taken_on_this_machine_only() {
    let takes = |issuer| parse(&OidcValues { issuer, ..GOOD }).is_ok();
    for issuer in ["http://127.0.0.1:9400", "http://localhost:9400/x", "http://[::1]:1", "https://login.example.com/"] {
        assert!(takes(issuer), "{issuer}");
    }
    for issuer in [
        "http://login.example.com",
        "http://127.0.0.1.example.com",
        "http://localhost.example.com",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "https://",
        "https://login.example.com/?x=1",
        "https://login.example.com/#x",
        "https://user:password@login.example.com",
        "https://login.exa\nmple.com",
        "login.example.com",
        "",
    ] {
        assert!(!takes(issuer), "{issuer}");
    }
}

#[test]
fn a_wrong_value_is_refused_with_its_key_and_what_would_do() {
    let long = "x".repeat(3000);
    for (values, key) in [
        (OidcValues { issuer: "http://login.example.com", ..GOOD }, "`oidc.issuer` is \"http://login.example.com\""),
        (OidcValues { client_id: " ", ..GOOD }, "`oidc.client_id`"),
        (OidcValues { client_secret: &long, ..GOOD }, "`oidc.client_secret` is \"(hidden)\""),
        (OidcValues { name: "a\nb", ..GOOD }, "`oidc.name`"),
        (OidcValues { scopes: "a\"b", ..GOOD }, "`oidc.scopes`"),
        (OidcValues { account: "", ..GOOD }, "`oidc.account`"),
        (OidcValues { roles: "admins", ..GOOD }, "`oidc.roles` is \"admins\""),
        (OidcValues { roles: "admins=Administrator", ..GOOD }, "`oidc.roles`"),
        (OidcValues { roles: "=reader", ..GOOD }, "`oidc.roles`"),
        (OidcValues { roles: "a=reader,a=writer", ..GOOD }, "`oidc.roles`"),
        (OidcValues { default_role: "no role", ..GOOD }, "`oidc.default_role`"),
        (OidcValues { roles: "", ..GOOD }, "`oidc.default_role`"),
        (OidcValues { client_secret: "canary", ..OidcValues::default() }, "`oidc.issuer` is \"\""),
    ] {
        let refused = parse(&values).unwrap_err();
        assert!(refused.contains(key) && refused.contains("must be"), "{refused}");
        assert!(!refused.contains("canary") && !refused.contains(&long), "{refused}");
    }
}

fn person(claims: Value, userinfo: Value, change: impl FnOnce(&mut OidcConfig)) -> Person {
    let mut config = config("https://login.example.com");
    change(&mut config);
    Person::from_claims(&config, claims.as_object().unwrap(), userinfo.as_object().unwrap())
}

#[test]
fn a_person_is_named_by_the_claim_then_a_verified_address_then_the_subject() {
    let name = |claims: Value| person(claims, json!({}), |_| {}).name;
    assert_eq!(name(json!({"sub": "s", "preferred_username": " alice ", "email": "a@x"})), "alice");
    assert_eq!(name(json!({"sub": "s", "email": "a@x", "email_verified": true})), "a@x");
    assert_eq!(name(json!({"sub": "s", "email": "a@x", "email_verified": "true"})), "a@x");
    assert_eq!(name(json!({"sub": "s", "email": "a@x", "email_verified": false})), "s");
    assert_eq!(name(json!({"sub": "s", "email": "a@x"})), "s");
    assert_eq!(name(json!({"sub": "s", "preferred_username": "a\u{0}b"})), "s");
    assert_eq!(name(json!({"sub": "s", "preferred_username": ["a"]})), "s");
    let by = |claim: &str, claims: Value| person(claims, json!({}), |config| config.name_claim = claim.to_owned()).name;
    assert_eq!(by("upn", json!({"sub": "s", "upn": "u", "preferred_username": "p"})), "u");
    assert_eq!(by("email", json!({"sub": "s", "email": "boss@x"})), "s", "an address that nobody verified");
}

#[test]
fn an_address_counts_only_beside_the_word_that_it_is_verified() {
    let email = |claims, userinfo| person(claims, userinfo, |_| {}).email;
    let verified = json!({"sub": "s", "email": "a@x", "email_verified": true});
    assert_eq!(email(verified.clone(), json!({})), Some("a@x".to_owned()));
    assert_eq!(email(json!({"sub": "s", "email": "b@x"}), json!({"email_verified": true})), None);
    assert_eq!(email(json!({"sub": "s"}), verified), Some("a@x".to_owned()));
}

#[test]
fn groups_give_roles_and_the_default_comes_last() {
    let roles = |groups: Value, default: Option<&str>| {
        let mut config = config("https://login.example.com");
        config.default_role = default.map(str::to_owned);
        config.roles.insert("helpers".into(), "reader".into());
        let claims = json!({"sub": "s", "groups": groups});
        Person::from_claims(&config, claims.as_object().unwrap(), &serde_json::Map::new()).roles(&config)
    };
    assert_eq!(roles(json!(["staff", "admins", "unknown"]), Some("member")), ["administrator", "reader"]);
    assert_eq!(roles(json!(["staff", "helpers"]), None), ["reader"]);
    assert_eq!(roles(json!("admins"), None), ["administrator"]);
    assert_eq!(roles(json!(["Admins", "admins ", 7, null]), Some("member")), ["member"]);
    assert_eq!(roles(json!([]), None), Vec::<String>::new());
    assert_eq!(roles(json!({"admins": true}), None), Vec::<String>::new());
}

#[test]
fn groups_of_the_token_count_even_when_there_are_none() {
    let none = person(json!({"sub": "s", "groups": []}), json!({"sub": "s", "groups": ["admins"]}), |_| {});
    assert_eq!(none.groups, Vec::<String>::new());
}
