//! The formats a request may be read as.

/// A source format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Told by the shape of each event.
    Auto,
    /// CADF 1.0, bare or in oslo.messaging envelopes.
    Cadf,
    /// The IBM Activity Tracker profile of CADF.
    IbmAt,
    /// AWS CloudTrail.
    CloudTrail,
    /// Alibaba Cloud ActionTrail.
    ActionTrail,
    /// Kubernetes audit events.
    Kubernetes,
    /// Okta System Log.
    Okta,
    /// Google Cloud audit logs.
    Gcp,
    /// Azure activity, sign-in and Entra audit logs.
    Azure,
    /// GitHub audit log.
    GitHub,
    /// Lines of a Linux machine's authentication log, as text or carried in JSON.
    LinuxAuth,
    /// Any other JSON object.
    Json,
}

impl Format {
    /// All formats.
    pub const ALL: [Self; 12] = [
        Self::Auto,
        Self::Cadf,
        Self::IbmAt,
        Self::CloudTrail,
        Self::ActionTrail,
        Self::Kubernetes,
        Self::Okta,
        Self::Gcp,
        Self::Azure,
        Self::GitHub,
        Self::LinuxAuth,
        Self::Json,
    ];

    /// The name, as in `?format=` and in the stored column `source`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Cadf => "cadf",
            Self::IbmAt => "ibm-at",
            Self::CloudTrail => "cloudtrail",
            Self::ActionTrail => "actiontrail",
            Self::Kubernetes => "kubernetes",
            Self::Okta => "okta",
            Self::Gcp => "gcp",
            Self::Azure => "azure",
            Self::GitHub => "github",
            Self::LinuxAuth => "linux-auth",
            Self::Json => "json",
        }
    }

    /// Reads a name, whatever its case; `None` when no format is called so.
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.as_str().eq_ignore_ascii_case(name))
    }
}

impl std::fmt::Display for Format {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_reads_back() {
        for format in Format::ALL {
            assert_eq!(Format::parse(format.as_str()), Some(format));
        }
        assert_eq!(Format::parse("CloudTrail"), Some(Format::CloudTrail));
        assert_eq!(Format::parse("syslog"), None);
    }
}
