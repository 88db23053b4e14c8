//! A notice as each kind of receiver reads it. Pure.
//!
//! Texts of a notice come from whoever sends events. *Invariant*: none of them can become anything but text: no header,
//! no mention, no link, no markup, no member, no second message. Each file shows it for its form.

mod advisor;
mod email;
mod notice_json;
mod pagerduty;
mod slack;
mod syslog;
mod tags;
mod teams;
pub mod template;

use serde::{Deserialize, Serialize};
use whodid_model::Timestamp;

pub use advisor::{Findings, findings};
pub use email::{Mail, email};
pub use notice_json::notice_json;
pub use pagerduty::pagerduty;
pub use slack::slack;
pub use syslog::{SYSLOG_BYTES_MAX, syslog};
pub use tags::{STATEMENTS_MAX, TAG_BYTES_MAX, TagError};
pub use teams::teams;
pub use template::{TemplateError, render_template};

/// Who is named as the sender of signed findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Issuer {
    /// The product or installation.
    pub name: String,
    /// Where its findings are read.
    pub findings_url: String,
}

/// A time as people in a zone read it: `2026-11-20 10:14:00 CET`.
fn local(at: Timestamp, zone: chrono_tz::Tz) -> String {
    let utc = chrono::DateTime::from_timestamp_micros(at.micros()).unwrap_or_default();
    utc.with_timezone(&zone).format("%Y-%m-%d %H:%M:%S %Z").to_string()
}

/// The link, where it can be one: a receiver must not be led to `javascript:` or to a file.
fn web_link(notice: &crate::Notice) -> Option<String> {
    let url = url::Url::parse(&notice.link).ok()?;
    matches!(url.scheme(), "https" | "http").then(|| url.to_string())
}
