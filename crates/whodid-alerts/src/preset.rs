//! A reusable alert: channels, and when each is told. Saved searches name presets instead of repeating them.

use serde::{Deserialize, Serialize};

use crate::Fault;
use crate::watch::Trigger;

/// Channels of one preset.
pub const CHANNELS_MAX: usize = 15;
/// Longest name, in characters.
pub const NAME_CHARS_MAX: usize = 100;

/// A preset. Alerts that are built on it end with it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Preset {
    /// Its name.
    pub name: String,
    /// Whom it tells.
    pub channels: Vec<PresetChannel>,
}

/// A channel, and when it is told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PresetChannel {
    /// The channel's id.
    pub channel: String,
    /// When it is told.
    pub trigger: Trigger,
}

impl Preset {
    /// All that is wrong with it; nothing when it can be stored. Whether the channels exist is the caller's to say.
    pub fn faults(&self) -> Vec<Fault> {
        let mut faults = Vec::new();
        let name = self.name.trim();
        if name.is_empty() || name.chars().count() > NAME_CHARS_MAX || !name.chars().all(crate::clip::is_plain) {
            let text = format!("must be one line of 1 to {NAME_CHARS_MAX} characters");
            faults.push(Fault { member: "name".to_owned(), text });
        }
        if self.channels.is_empty() || self.channels.len() > CHANNELS_MAX {
            let text = format!("must name 1 to {CHANNELS_MAX} channels");
            faults.push(Fault { member: "channels".to_owned(), text });
        }
        for (place, told) in self.channels.iter().enumerate().take(CHANNELS_MAX) {
            if told.channel.is_empty() {
                let text = "is empty; name a channel by its id".to_owned();
                faults.push(Fault { member: format!("channels.{place}.channel"), text });
            }
            for fault in told.trigger.faults() {
                faults.push(Fault { member: format!("channels.{place}.trigger.{}", fault.member), text: fault.text });
            }
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn members(value: serde_json::Value) -> Vec<String> {
        let preset: Preset = serde_json::from_value(value).unwrap();
        preset.faults().into_iter().map(|fault| fault.member).collect()
    }

    #[test]
    fn a_preset_says_which_member_is_wrong() {
        let fine = json!({"operator": "presence", "terminal": true});
        assert!(members(json!({"name": "p", "channels": [{"channel": "c1", "trigger": fine}]})).is_empty());
        let wrong = json!({"operator": "absence"});
        assert_eq!(members(json!({"name": " ", "channels": []})), ["name", "channels"]);
        assert_eq!(
            members(json!({"name": "p", "channels": [{"channel": "", "trigger": wrong}]})),
            ["channels.0.channel", "channels.0.trigger.terminal"]
        );
    }
}
