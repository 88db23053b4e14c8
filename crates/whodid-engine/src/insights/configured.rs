//! A change of settings as an event of the stream `insights`: what counts, and from where on.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use whodid_insights::Settings;
use whodid_model::{AccountName, Offset, StreamName};

use super::event::{VERSION, time};
use crate::detect::Position;

/// The action by which a change of settings is told, and from where on it counts.
pub const SETTINGS_ACTION: &str = "whodid.insight.configure";

/// A change of settings.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Configured {
    pub settings: Settings,
    /// It counts from these offsets on.
    pub from: BTreeMap<StreamName, Offset>,
    /// After time had passed up to this, in microseconds.
    pub passed: i64,
    /// Whether it began with nothing learned then, and looked at what was stored already.
    pub begins: bool,
    /// When it began so.
    pub begun: i64,
    /// Where insights that were begun before it had come, if there were any.
    pub before: BTreeMap<StreamName, Offset>,
}

impl Configured {
    /// The event that tells it.
    pub fn event(&self, account: &AccountName) -> String {
        let mut data = json!(self);
        data["version"] = json!(VERSION);
        let name = format!("{account}\u{1e}{data}");
        json!({
            "typeURI": "http://schemas.dmtf.org/cloud/audit/1.0/event",
            "eventType": "control",
            "id": uuid::Uuid::new_v5(&uuid::Uuid::NAMESPACE_OID, name.as_bytes()).to_string(),
            "eventTime": time(if self.begins { self.begun } else { self.passed }),
            "action": SETTINGS_ACTION,
            "outcome": "success",
            "severity": "normal",
            "message": "Insights are made with these settings from here on",
            "initiator": {"id": "whodid", "name": "whodid", "typeURI": "service/security"},
            "target": {"id": account.as_str(), "name": account.as_str(), "typeURI": "whodid/insight-settings"},
            "observer": {"id": "whodid", "name": "whodid", "typeURI": "service/security"},
            "requestData": data,
            "logSourceCRN": format!("whodid:{account}"),
        })
        .to_string()
    }

    /// What an event tells; `None` for another one.
    pub fn of_event(text: &str) -> Option<Self> {
        let mut event: Value = serde_json::from_str(text).ok()?;
        serde_json::from_value(event["requestData"].take()).ok()
    }

    /// Up to where what was before it was looked at.
    pub fn until(&self) -> &BTreeMap<StreamName, Offset> {
        if self.begins { &self.before } else { &self.from }
    }

    /// Whether all before it was looked at.
    pub fn is_reached(&self, position: &Position) -> bool {
        position.cursors.iter().all(|(stream, at)| self.until().get(stream).is_none_or(|until| at >= until))
    }
}
