//! Where the provider's doors are: its discovery document, read and checked.

use reqwest::Url;
use serde::Deserialize;

use super::config::OidcConfig;
use super::error::OidcError;
use super::fetch::Http;

const DOING: &str = "reading its discovery document";
/// Source: Discovery 1.0, section 4.
const WELL_KNOWN: &str = "/.well-known/openid-configuration";

/// What of a provider's discovery document matters here.
#[derive(Debug)]
pub struct Metadata {
    pub authorization_endpoint: Url,
    pub token_endpoint: Url,
    pub userinfo_endpoint: Option<Url>,
    pub jwks_uri: Url,
    pub secret_goes: SecretGoes,
    /// Whether every answer says which provider it is of, so that one which does not is not its (RFC 9207, section 3).
    pub always_names_itself: bool,
}

/// How the client's secret is shown at the token endpoint. Source: Core 1.0, section 9.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SecretGoes {
    /// `client_secret_basic`
    Header,
    /// `client_secret_post`
    Form,
}

/// As sent. Source: Discovery 1.0, section 3.
#[derive(Deserialize)]
struct Document {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    userinfo_endpoint: Option<String>,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// Asks the provider for it.
pub async fn discover(config: &OidcConfig, http: &Http) -> Result<Metadata, OidcError> {
    let address = format!("{}{WELL_KNOWN}", config.issuer.as_str().trim_end_matches('/'));
    let address = Url::parse(&address).map_err(|_| http.nonsense(DOING, "its address is no URL"))?;
    let document: Document = http.get(&address, None, DOING).await?;
    // Section 4.3: else one provider could speak for another.
    if document.issuer != config.issuer.as_str() {
        let own: String = document.issuer.chars().filter(|character| !character.is_control()).take(200).collect();
        return Err(http.nonsense(DOING, format!("it calls itself {own:?}")));
    }
    let endpoint = |name: &str, text: &str| {
        let unsafe_address = || http.nonsense(DOING, format!("its {name} is no https address"));
        config.issuer.endpoint(text).ok_or_else(unsafe_address)
    };
    let userinfo = document.userinfo_endpoint.as_deref();
    Ok(Metadata {
        authorization_endpoint: endpoint("authorization_endpoint", &document.authorization_endpoint)?,
        token_endpoint: endpoint("token_endpoint", &document.token_endpoint)?,
        userinfo_endpoint: userinfo.map(|text| endpoint("userinfo_endpoint", text)).transpose()?,
        jwks_uri: endpoint("jwks_uri", &document.jwks_uri)?,
        secret_goes: secret_goes(document.token_endpoint_auth_methods_supported.as_deref()),
        always_names_itself: document.authorization_response_iss_parameter_supported,
    })
}

/// The header unless the provider takes only the form.
fn secret_goes(methods: Option<&[String]>) -> SecretGoes {
    let has = |name: &str| methods.is_some_and(|methods| methods.iter().any(|method| method == name));
    if has("client_secret_post") && !has("client_secret_basic") { SecretGoes::Form } else { SecretGoes::Header }
}
