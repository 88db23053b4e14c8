//! What goes wrong when somebody signs in with the identity provider, in words for the operator and for the person.

/// Most characters of a provider's own words that an error repeats.
const CODE_CHARS_MAX: usize = 64;

/// Why nobody was signed in.
///
/// The text is for the log and names the provider and what to check; [`OidcError::for_people`] is for the page. Neither
/// holds a code, a token or a secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OidcError {
    /// No answer in time, or one that says to come back later.
    #[error(
        "the identity provider {issuer} does not answer ({doing}: {detail}); check that `oidc.issuer` is right and that this server can reach it"
    )]
    Away {
        /// The provider.
        issuer: String,
        /// What was being done.
        doing: &'static str,
        /// What happened.
        detail: String,
    },
    /// An answer that OpenID Connect does not allow.
    #[error(
        "the identity provider {issuer} does not answer as it should ({doing}: {detail}); check that `oidc.issuer` is the address of an OpenID Connect provider, written as the provider itself writes it"
    )]
    Nonsense {
        /// The provider.
        issuer: String,
        /// What was being done.
        doing: &'static str,
        /// What is wrong with it.
        detail: String,
    },
    /// The provider does not know this server, or not under this secret or address.
    #[error(
        "the identity provider {issuer} refuses this server ({code}); check `oidc.client_id`, `oidc.client_secret` and that {redirect_uri} is registered there as its redirect URI"
    )]
    Client {
        /// The provider.
        issuer: String,
        /// The provider's error code.
        code: String,
        /// Where the provider is to send browsers back to.
        redirect_uri: String,
    },
    /// The provider did not sign the person in: they said no, or may not.
    #[error("the identity provider {issuer} signed nobody in ({code})")]
    Denied {
        /// The provider.
        issuer: String,
        /// The provider's error code.
        code: String,
    },
    /// The one-time code does not count: used before, too old, or of another sign-in.
    #[error("the identity provider {issuer} does not take the one-time code: it was used, has expired or is another's")]
    Code {
        /// The provider.
        issuer: String,
    },
    /// The browser brought an answer to a question that it did not ask, or of another provider.
    #[error("an answer came that belongs to no sign-in which this browser began ({detail})")]
    Stray {
        /// What does not fit.
        detail: &'static str,
    },
    /// The ID token does not prove who the person is.
    #[error("the ID token of {issuer} proves nothing: {fault}")]
    Token {
        /// The provider.
        issuer: String,
        /// Which check it does not pass.
        fault: TokenFault,
    },
    /// A defect on this side: no random bytes, no TLS.
    #[error("this server cannot sign anybody in with an identity provider: {detail}")]
    Internal {
        /// What it lacks.
        detail: String,
    },
}

/// Which check an ID token does not pass. Numbers are the steps of OpenID Connect Core 1.0, section 3.1.3.7.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TokenFault {
    /// It is no signed token, or lacks a member that every ID token has.
    #[error("it is not an ID token, or lacks a claim that each must have")]
    Form,
    /// Signed with nothing, with a shared secret or in a way that is not known here (7, 8).
    #[error("it is signed in a way that is not taken; RS, PS, ES (256, 384, RS and PS also 512) and EdDSA are")]
    Algorithm,
    /// No key of the provider fits it.
    #[error("none of the provider's keys fits it")]
    UnknownKey,
    /// The signature is not of the key (6).
    #[error("its signature is wrong")]
    Signature,
    /// Another issuer's (2).
    #[error("another issuer made it")]
    Issuer,
    /// For somebody else (3).
    #[error("it is for another client than `oidc.client_id`")]
    Audience,
    /// For several, and not issued to us (4, 5).
    #[error("it was issued to another client than `oidc.client_id`")]
    AuthorizedParty,
    /// Its time is over (9).
    #[error("it has expired; check the clocks of both machines")]
    Expired,
    /// Its time has not come (10).
    #[error("it is from the future; check the clocks of both machines")]
    Future,
    /// Made for another sign-in (11).
    #[error("it belongs to another sign-in")]
    Nonce,
    /// The access token beside it is not the one it was made with (3.1.3.8).
    #[error("the access token beside it is another's")]
    AccessToken,
    /// The userinfo answer is about somebody else (5.3.2).
    #[error("the userinfo is about somebody else")]
    Subject,
}

impl OidcError {
    /// Whether the provider or the configuration is at fault, so that nobody can sign in with it now.
    pub fn is_outage(&self) -> bool {
        matches!(self, Self::Away { .. } | Self::Nonsense { .. } | Self::Client { .. } | Self::Internal { .. })
    }

    /// What the sign-in page says: what to do, and nothing of what is inside.
    pub fn for_people(&self) -> &'static str {
        match self {
            Self::Away { .. } | Self::Nonsense { .. } | Self::Client { .. } | Self::Internal { .. } => {
                "Signing in with the identity provider does not work at the moment. Try again later, or ask your administrator."
            }
            Self::Denied { .. } => {
                "The identity provider did not sign you in. Try again, or ask your administrator for access."
            }
            Self::Code { .. } | Self::Stray { .. } => {
                "This sign-in took too long or was begun in another window. Begin again."
            }
            Self::Token { .. } => {
                "What the identity provider says of you could not be verified. Try again; if it stays so, ask your administrator."
            }
        }
    }
}

/// A provider's error code, fit to be shown: visible ASCII, not long.
pub(super) fn shown(code: &str) -> String {
    let is_plain = |character: &char| character.is_ascii_alphanumeric() || "_-.".contains(*character);
    code.chars().filter(is_plain).take(CODE_CHARS_MAX).collect()
}
