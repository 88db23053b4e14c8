//! What kind of device a user agent stands for, coarse on purpose: a newer version is no new device.

use serde::{Deserialize, Serialize};

/// A kind of device.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Device {
    /// `Firefox`, `curl`, `aws-cli`.
    pub family: String,
    /// `Windows`, `macOS`, `Linux`, `iOS`, `Android`; empty where the agent does not say.
    pub system: String,
    /// What it is used as.
    pub class: Class,
}

/// What a device is used as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Class {
    /// A browser on a computer.
    Desktop,
    /// A browser or app on a telephone or tablet.
    Mobile,
    /// A command line tool, a library, a program.
    Program,
}

/// Browsers, the most special first: most of them also claim to be others.
const BROWSERS: [(&str, &str); 12] = [
    ("Edg/", "Edge"),
    ("EdgA/", "Edge"),
    ("EdgiOS/", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("Vivaldi/", "Vivaldi"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Version/", "Safari"),
    ("Trident/", "Internet Explorer"),
];

/// Systems, the most special first.
const SYSTEMS: [(&str, &str); 8] = [
    ("iPhone", "iOS"),
    ("iPad", "iOS"),
    ("Android", "Android"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("Darwin", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

impl Device {
    /// The device that a user agent stands for; `None` for an empty one.
    pub fn of(agent: &str) -> Option<Self> {
        let agent = agent.trim();
        if agent.is_empty() {
            return None;
        }
        let system = SYSTEMS.iter().find(|(sign, _)| contains(agent, sign)).map_or("", |(_, name)| name);
        let browser =
            agent.starts_with("Mozilla/").then(|| BROWSERS.iter().find(|(sign, _)| agent.contains(sign))).flatten();
        if let Some((_, family)) = browser {
            let is_mobile = matches!(system, "iOS" | "Android") || agent.contains("Mobile");
            let class = if is_mobile { Class::Mobile } else { Class::Desktop };
            return Some(Self { family: (*family).to_owned(), system: system.to_owned(), class });
        }
        // The first product of a program's agent is its name: `aws-cli/2.15 Python/3.11 Linux/6`.
        let comment =
            agent.strip_prefix("Mozilla/5.0 (").and_then(|rest| rest.split_once(')')).map(|(comment, _)| comment);
        let name = comment.unwrap_or(agent);
        let name = name.split(['/', ' ', ';', '(']).find(|part| !part.is_empty()).unwrap_or(agent);
        Some(Self { family: name.to_ascii_lowercase(), system: system.to_owned(), class: Class::Program })
    }
}

impl std::fmt::Display for Device {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.family)?;
        if self.system.is_empty() { Ok(()) } else { write!(out, " on {}", self.system) }
    }
}

fn contains(text: &str, sign: &str) -> bool {
    text.as_bytes().windows(sign.len()).any(|part| part.eq_ignore_ascii_case(sign.as_bytes()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    #[test]
    fn agents_are_told_by_family_system_and_class() {
        for (agent, family, system, class) in [
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0",
                "Firefox",
                "Linux",
                Class::Desktop,
            ),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36 Edg/120.0",
                "Edge",
                "Windows",
                Class::Desktop,
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1 (KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1",
                "Safari",
                "iOS",
                Class::Mobile,
            ),
            ("Mozilla/5.0 (Hydra)", "hydra", "", Class::Program),
            ("curl/8.9.1", "curl", "", Class::Program),
            ("aws-cli/2.15.0 Python/3.11.6 Linux/6.1 exe/x86_64", "aws-cli", "Linux", Class::Program),
            ("python-keystoneclient", "python-keystoneclient", "", Class::Program),
        ] {
            let device = Device::of(agent).unwrap();
            assert_eq!(
                (device.family.as_str(), device.system.as_str(), device.class),
                (family, system, class),
                "{agent}"
            );
        }
        assert_eq!(Device::of("  "), None);
    }

    #[test]
    fn a_newer_version_is_no_new_device() {
        assert_eq!(Device::of("curl/8.9.1"), Device::of("curl/8.12.0"));
    }
}
