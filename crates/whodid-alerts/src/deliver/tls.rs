//! TLS as a client: aws-lc-rs, the certificates of the system and the operator's.

use std::sync::Arc;

use rustls_platform_verifier::Verifier;
use tokio_rustls::rustls::pki_types::CertificateDer;
use tokio_rustls::rustls::pki_types::pem::PemObject as _;
use tokio_rustls::rustls::{self, ClientConfig};

/// Why no TLS can be spoken.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The operator's certificates are no PEM.
    #[error("the trusted certificates cannot be read; they must be PEM")]
    Roots {
        /// What is wrong.
        source: rustls::pki_types::pem::Error,
    },
    /// The system's certificates cannot be used.
    #[error("the system's certificates cannot be used")]
    System {
        /// What is wrong.
        source: rustls::Error,
    },
    /// The library for mail refuses either.
    #[error("TLS for mail cannot be set up")]
    Mail {
        /// What is wrong.
        source: lettre::transport::smtp::Error,
    },
}

/// The configuration for every receiver.
pub(super) fn config(roots_pem: &[u8]) -> Result<ClientConfig, TlsError> {
    let roots = CertificateDer::pem_slice_iter(roots_pem).collect::<Result<Vec<_>, _>>();
    let roots = roots.map_err(|source| TlsError::Roots { source })?;
    // Named, and not the process's default: which that is depends on what else is linked.
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let system = |source| TlsError::System { source };
    let verifier = Verifier::new_with_extra_roots(roots, Arc::clone(&provider)).map_err(system)?;
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions().map_err(system)?;
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(verifier)).with_no_client_auth())
}

/// Whether an error comes of a certificate, however deep it stands. An I/O error does not name what it wraps as its
/// source, but that one's source.
pub(super) fn is_untrusted(error: &(dyn std::error::Error + 'static)) -> bool {
    if let Some(error) = error.downcast_ref::<rustls::Error>() {
        return matches!(error, rustls::Error::InvalidCertificate(_));
    }
    let wrapped = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
    match wrapped {
        Some(wrapped) => is_untrusted(wrapped),
        None => error.source().is_some_and(is_untrusted),
    }
}
