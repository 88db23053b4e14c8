//! Who signed in, as the provider describes them, and which roles that gives.

use serde_json::Value;

use super::config::OidcConfig;
use super::id_token::Claims;

/// What the sign-in page says to who has no role.
pub const NO_ROLE: &str =
    "You are signed in with the identity provider, but have no access here. Ask your administrator for it.";

/// Longest name and address that are taken over, in bytes.
const NAME_BYTES_MAX: usize = 255;
/// Most groups of a person that are looked at; people in large companies are in hundreds.
const GROUPS_MAX: usize = 10_000;

/// Who signed in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The provider. With `subject` it is the person's identity, for ever.
    pub issuer: String,
    /// What the provider calls the person; never given to another (Core 1.0, section 5.7).
    pub subject: String,
    /// A name to sign in with; may change and may be another's tomorrow.
    pub name: String,
    /// A name for people to read.
    pub display_name: String,
    /// The mail address, only when the provider says that it verified it.
    pub email: Option<String>,
    /// The groups, as the provider lists them.
    pub groups: Vec<String>,
}

impl Person {
    /// Reads checked claims. `userinfo`: what the userinfo endpoint says of the same subject, for what they lack.
    pub(super) fn from_claims(config: &OidcConfig, claims: &Claims, userinfo: &Claims) -> Self {
        let sources = [claims, userinfo];
        let subject = claims.get("sub").and_then(Value::as_str).unwrap_or_default().to_owned();
        let email = sources.iter().find_map(|claims| verified_email(claims));
        let named = |claim: &str| sources.iter().find_map(|claims| line(claims.get(claim)?));
        let name = match config.name_claim.as_str() {
            // Anybody may write any address into their profile; only a verified one is theirs.
            "email" => None,
            claim => named(claim),
        };
        let name = name.or_else(|| email.clone()).unwrap_or_else(|| subject.clone());
        let groups = sources.iter().find_map(|claims| claims.get(&config.groups_claim)).map(groups);
        Self {
            issuer: config.issuer.as_str().to_owned(),
            display_name: named("name").unwrap_or_else(|| name.clone()),
            groups: groups.unwrap_or_default(),
            subject,
            name,
            email,
        }
    }

    /// The roles that the groups give, each once, in the order of their names; the default role when they give none.
    ///
    /// Empty: the person may not sign in, and [`NO_ROLE`] says so.
    pub fn roles(&self, config: &OidcConfig) -> Vec<String> {
        let mut roles: Vec<String> = self.groups.iter().filter_map(|group| config.roles.get(group)).cloned().collect();
        roles.sort();
        roles.dedup();
        if roles.is_empty() {
            roles.extend(config.default_role.clone());
        }
        roles
    }
}

/// Whether the claims lack something that userinfo may know.
pub(super) fn is_lacking(config: &OidcConfig, claims: &Claims) -> bool {
    let wants_groups = !config.roles.is_empty() && !claims.contains_key(&config.groups_claim);
    wants_groups || !claims.contains_key(&config.name_claim) || !claims.contains_key("name")
}

/// A claim that is one line of text.
fn line(value: &Value) -> Option<String> {
    let text = value.as_str()?.trim();
    let is_line = !text.is_empty() && text.len() <= NAME_BYTES_MAX && !text.chars().any(char::is_control);
    is_line.then(|| text.to_owned())
}

fn verified_email(claims: &Claims) -> Option<String> {
    let is_verified = match claims.get("email_verified")? {
        Value::Bool(is) => *is,
        // Some providers write it as text.
        Value::String(text) => text == "true",
        _ => false,
    };
    is_verified.then(|| line(claims.get("email")?)).flatten()
}

/// A list of names, or one name. What is no text is passed over.
fn groups(value: &Value) -> Vec<String> {
    match value {
        Value::Array(several) => several.iter().filter_map(Value::as_str).map(str::to_owned).take(GROUPS_MAX).collect(),
        Value::String(one) => vec![one.clone()],
        _ => Vec::new(),
    }
}
