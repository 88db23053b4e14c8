//! One sign-in from its beginning here, over the provider, to its end here.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use data_encoding::{BASE64, BASE64URL_NOPAD};
use reqwest::{StatusCode, Url};
use serde::Deserialize;
use serde_json::Value;
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

use super::config::OidcConfig;
use super::error::{OidcError, TokenFault, shown};
use super::fetch::{ANSWER_TIME_MAX, Http};
use super::id_token::{self, Claims, Expected};
use super::key_set::KeySet;
use super::metadata::{self, Metadata, SecretGoes};
use super::person::{self, Person};
use super::remembered::Remembered;
use super::secret::Secret;

/// How long a person may take at the provider, in seconds.
pub const KEPT_S: i64 = 600;
/// Longest code that is passed on, in bytes.
const CODE_BYTES_MAX: usize = 4096;
const REDEEMING: &str = "redeeming the one-time code";

/// An identity provider. Making one asks nothing; the first sign-in does.
#[derive(Debug)]
pub struct Provider {
    config: OidcConfig,
    http: Http,
    metadata: Remembered<Metadata>,
    keys: Remembered<KeySet>,
}

/// A sign-in that has begun.
#[derive(Debug)]
pub struct Begun {
    /// Where the browser goes. Holds state and nonce: not for logs.
    pub url: Secret,
    /// What is kept until it comes back.
    pub kept: Kept,
}

/// What the browser that began a sign-in keeps, in a cookie that only this server reads; it ties the answer to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Comes back with the browser (RFC 6749, section 10.12).
    pub state: Secret,
    /// Comes back in the ID token (Core 1.0, section 3.1.2.1).
    pub nonce: Secret,
    /// Proves to the provider that the code is ours (RFC 7636).
    pub verifier: Secret,
}

/// What the provider's answer says, from the query of the callback.
#[derive(Clone, Copy, Default)]
pub struct Callback<'a> {
    /// `code`
    pub code: Option<&'a str>,
    /// `state`
    pub state: Option<&'a str>,
    /// `iss`: which provider answers (RFC 9207).
    pub iss: Option<&'a str>,
    /// `error`
    pub error: Option<&'a str>,
}

impl std::fmt::Debug for Callback<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Callback").field("iss", &self.iss).field("error", &self.error).finish_non_exhaustive()
    }
}

/// The token endpoint's answer. Source: Core 1.0, section 3.1.3.3.
#[derive(Deserialize)]
struct Tokens {
    id_token: String,
    access_token: Option<String>,
}

/// The token endpoint's refusal. Source: RFC 6749, section 5.2.
#[derive(Deserialize)]
struct Refusal {
    #[serde(default)]
    error: String,
}

impl Kept {
    /// Three times 256 random bits.
    fn random() -> Result<Self, OidcError> {
        let random = || Secret::random().map_err(|error| OidcError::Internal { detail: error.to_string() });
        Ok(Self { state: random()?, nonce: random()?, verifier: random()? })
    }

    /// As a cookie's value: 131 characters of base64url and dots.
    pub fn to_text(&self) -> Secret {
        Secret::new([self.state.expose(), self.nonce.expose(), self.verifier.expose()].join("."))
    }

    /// Reads what [`Kept::to_text`] wrote; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let parts: Vec<&str> = text.split('.').collect();
        let is_ours = |part: &&str| BASE64URL_NOPAD.decode(part.as_bytes()).is_ok_and(|bytes| bytes.len() == 32);
        let [state, nonce, verifier] = parts[..] else { return None };
        let all = [state, nonce, verifier];
        all.iter().all(is_ours).then(|| Self {
            state: Secret::new(state),
            nonce: Secret::new(nonce),
            verifier: Secret::new(verifier),
        })
    }
}

impl Provider {
    /// Fails only when this machine has no TLS to offer.
    pub fn new(config: OidcConfig) -> Result<Self, OidcError> {
        Self::with_patience(config, ANSWER_TIME_MAX)
    }

    pub(super) fn with_patience(config: OidcConfig, patience: Duration) -> Result<Self, OidcError> {
        let http = Http::new(&config, patience)?;
        Ok(Self { config, http, metadata: Remembered::default(), keys: Remembered::default() })
    }

    /// What it was made with.
    pub fn config(&self) -> &OidcConfig {
        &self.config
    }

    /// Begins a sign-in: where the browser goes, and what is kept.
    ///
    /// Asks the provider only when its discovery document is not remembered (one hour; a failure 15 seconds), for 10
    /// seconds at most.
    pub async fn begin(&self, now: SystemTime) -> Result<Begun, OidcError> {
        let metadata = self.metadata(now).await?;
        let kept = Kept::random()?;
        let challenge = BASE64URL_NOPAD.encode(&Sha256::digest(kept.verifier.expose().as_bytes()));
        let mut url: Url = metadata.authorization_endpoint.clone();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", &self.config.redirect_uri)
            .append_pair("scope", &self.config.scopes.join(" "))
            .append_pair("state", kept.state.expose())
            .append_pair("nonce", kept.nonce.expose())
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        Ok(Begun { url: Secret::new(url), kept })
    }

    /// Ends a sign-in: who the person is, once everything is checked.
    ///
    /// `kept`: what [`Provider::begin`] gave to the same browser; whoever calls throws it away, whatever comes of this.
    /// Asks the provider two to five times, each for 10 seconds at most.
    pub async fn finish(&self, kept: &Kept, callback: &Callback<'_>, now: SystemTime) -> Result<Person, OidcError> {
        // First of all: without it, everything below would be done for an answer that another made this browser bring.
        if !callback.state.is_some_and(|state| kept.state.matches(state)) {
            return Err(OidcError::Stray { detail: "another state" });
        }
        let metadata = self.metadata(now).await?;
        self.check_names_itself(callback.iss, &metadata)?;
        let code = self.code_of(callback)?;
        let tokens = self.redeem(code, &kept.verifier, &metadata).await?;
        let access_token = tokens.access_token.map(Secret::new);
        let expected = Expected {
            issuer: self.config.issuer.as_str(),
            client_id: &self.config.client_id,
            nonce: &kept.nonce,
            access_token: access_token.as_ref(),
            now,
        };
        let claims = self.check_id_token(&tokens.id_token, &expected, &metadata).await?;
        let userinfo = match (&metadata.userinfo_endpoint, &access_token) {
            (Some(endpoint), Some(token)) if person::is_lacking(&self.config, &claims) => {
                self.userinfo(endpoint, token, &claims).await?
            }
            _ => Claims::new(),
        };
        Ok(Person::from_claims(&self.config, &claims, &userinfo))
    }

    async fn metadata(&self, now: SystemTime) -> Result<Arc<Metadata>, OidcError> {
        self.metadata.get(now, metadata::discover(&self.config, &self.http)).await
    }

    /// An answer that says whose it is must be this provider's; and must say so where the provider always does.
    /// Source: RFC 9207, section 2.4.
    fn check_names_itself(&self, iss: Option<&str>, metadata: &Metadata) -> Result<(), OidcError> {
        match iss {
            Some(iss) if iss == self.config.issuer.as_str() => Ok(()),
            None if !metadata.always_names_itself => Ok(()),
            Some(_) => Err(OidcError::Stray { detail: "another provider's answer" }),
            None => Err(OidcError::Stray { detail: "it does not say which provider's it is" }),
        }
    }

    fn code_of<'a>(&self, callback: &Callback<'a>) -> Result<&'a str, OidcError> {
        let issuer = || self.config.issuer.as_str().to_owned();
        match (callback.error, callback.code) {
            // RFC 6749, section 4.1.2.1: these two say that the provider is not well, not that it says no.
            (Some(error @ ("server_error" | "temporarily_unavailable")), _) => {
                Err(OidcError::Away { issuer: issuer(), doing: "signing somebody in", detail: error.to_owned() })
            }
            (
                Some(
                    error @ ("unauthorized_client" | "invalid_request" | "invalid_scope" | "unsupported_response_type"),
                ),
                _,
            ) => Err(self.client_error(error)),
            (Some(error), _) => Err(OidcError::Denied { issuer: issuer(), code: shown(error) }),
            (None, Some(code)) if !code.is_empty() && code.len() <= CODE_BYTES_MAX => Ok(code),
            (None, _) => Err(OidcError::Code { issuer: issuer() }),
        }
    }

    /// Exchanges the code for tokens. Source: Core 1.0, section 3.1.3; RFC 7636, section 4.5.
    async fn redeem(&self, code: &str, verifier: &Secret, metadata: &Metadata) -> Result<Tokens, OidcError> {
        let (form, authorization) = self.redemption(code, verifier, metadata.secret_goes);
        let authorization = authorization.as_ref().map(Secret::expose);
        let answer = self.http.post(&metadata.token_endpoint, form, authorization, REDEEMING).await?;
        if answer.status == StatusCode::OK {
            return self.http.read(&answer, REDEEMING);
        }
        let status = answer.status.as_u16();
        let refusal = self.http.read::<Refusal>(&answer, REDEEMING).unwrap_or(Refusal { error: String::new() });
        let issuer = self.config.issuer.as_str().to_owned();
        Err(match refusal.error.as_str() {
            "invalid_grant" => OidcError::Code { issuer },
            "" => self.http.nonsense(REDEEMING, format!("HTTP status {status}")),
            code => self.client_error(code),
        })
    }

    /// The form that redeems a code, and the `Authorization` header when the secret goes there.
    fn redemption(&self, code: &str, verifier: &Secret, secret_goes: SecretGoes) -> (String, Option<Secret>) {
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &self.config.redirect_uri)
            .append_pair("code_verifier", verifier.expose());
        let mut authorization = None;
        match &self.config.client_secret {
            Some(secret) if secret_goes == SecretGoes::Header => {
                authorization = Some(basic(&self.config.client_id, secret));
            }
            Some(secret) => {
                form.append_pair("client_id", &self.config.client_id).append_pair("client_secret", secret.expose());
            }
            None => {
                form.append_pair("client_id", &self.config.client_id);
            }
        }
        (form.finish(), authorization)
    }

    /// With the keys that are remembered; with new ones when none of those fits (Core 1.0, section 10.1.1).
    async fn check_id_token(
        &self,
        token: &str,
        expected: &Expected<'_>,
        metadata: &Metadata,
    ) -> Result<Claims, OidcError> {
        let ask = || KeySet::fetch(&metadata.jwks_uri, &self.http);
        let keys = self.keys.get(expected.now, ask()).await?;
        let mut checked = id_token::check(token, &keys, expected);
        if checked == Err(TokenFault::UnknownKey) {
            let keys = self.keys.refreshed(expected.now, ask()).await?;
            checked = id_token::check(token, &keys, expected);
        }
        checked.map_err(|fault| self.token_error(fault))
    }

    /// Source: Core 1.0, section 5.3.
    async fn userinfo(&self, endpoint: &Url, token: &Secret, claims: &Claims) -> Result<Claims, OidcError> {
        let userinfo: Claims = self.http.get(endpoint, Some(token.expose()), "reading userinfo").await?;
        // Section 5.3.2: else the access token may be another's.
        if userinfo.get("sub").and_then(Value::as_str) != claims.get("sub").and_then(Value::as_str) {
            return Err(self.token_error(TokenFault::Subject));
        }
        Ok(userinfo)
    }

    fn client_error(&self, code: &str) -> OidcError {
        let redirect_uri = self.config.redirect_uri.clone();
        OidcError::Client { issuer: self.config.issuer.as_str().to_owned(), code: shown(code), redirect_uri }
    }

    fn token_error(&self, fault: TokenFault) -> OidcError {
        OidcError::Token { issuer: self.config.issuer.as_str().to_owned(), fault }
    }
}

/// The `Authorization` header of `client_secret_basic`; both parts encoded as in a form first (RFC 6749, section 2.3.1).
fn basic(client_id: &str, secret: &Secret) -> Secret {
    let encoded = |text: &str| form_urlencoded::byte_serialize(text.as_bytes()).collect::<String>();
    let both = format!("{}:{}", encoded(client_id), encoded(secret.expose()));
    Secret::new(format!("Basic {}", BASE64.encode(both.as_bytes())))
}
