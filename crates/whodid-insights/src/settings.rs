//! What an account wants to be told.

use serde::{Deserialize, Serialize};

use crate::episode::Object;
use crate::kind::{Kind, Sensitivity};

/// How insights of an account are made.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Kinds that are switched off.
    pub off: Vec<Kind>,
    /// How easily something is called unusual.
    pub sensitivity: Sensitivity,
    /// What is known to be right.
    pub expected: Vec<Expected>,
}

impl Settings {
    /// Whether a kind is told of.
    pub fn is_on(&self, kind: Kind) -> bool {
        !self.off.contains(&kind)
    }

    /// The exception that an insight falls under at a time, in microseconds since 1970.
    pub fn expected_by(&self, kind: Kind, object: &Object, at: i64) -> Option<&Expected> {
        self.expected.iter().find(|expected| expected.covers(kind, object, at))
    }
}

/// Insights that are expected: kept, and told to nobody. What they count is learned as usual.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expected {
    /// Id of the exception.
    pub id: String,
    /// Of this kind; `None`: of any.
    pub kind: Option<Kind>,
    /// Each a pattern in which `*` stands for any text, without regard to case; `None`: of any.
    pub region: Option<String>,
    pub service: Option<String>,
    pub action: Option<String>,
    pub code: Option<String>,
    pub address: Option<String>,
    pub principal: Option<String>,
    /// From then on, and up to then, in microseconds since 1970.
    pub from: i64,
    pub until: Option<i64>,
}

impl Expected {
    /// Whether an insight about an object that starts at a time falls under it.
    pub fn covers(&self, kind: Kind, object: &Object, at: i64) -> bool {
        let is_in_time = at >= self.from && self.until.is_none_or(|until| at < until);
        let fits = |pattern: &Option<String>, value: Option<&str>| {
            pattern.as_deref().is_none_or(|pattern| value.is_some_and(|value| matches(pattern, value)))
        };
        is_in_time
            && self.kind.is_none_or(|wanted| wanted == kind)
            && fits(&self.region, Some(&object.region))
            && fits(&self.service, Some(&object.service))
            && fits(&self.action, Some(&object.action))
            && fits(&self.code, object.code.as_deref())
            && fits(&self.address, object.address.as_deref())
            && fits(&self.principal, object.principal.as_deref())
    }
}

/// Whether a text fits a pattern: `*` stands for any text, letters are compared without case. Linear but for the stars.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text) = (pattern.to_lowercase(), text.to_lowercase());
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(at) = rest.find(part) else { return false };
        rest = &rest[at + part.len()..];
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text, expected) in [
            ("kms.*", "kms.secrets.delete", true),
            ("*delete", "kms.secrets.DELETE", true),
            ("kms.*.delete", "kms.delete", false),
            ("kms", "kms.secrets", false),
            ("*", "", true),
            ("a*b*c", "aXbYbZc", true),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn an_exception_covers_its_object_for_its_time() {
        let object = Object { region: "eu-de".into(), action: "kms.secrets.delete".into(), ..Object::default() };
        let expected = Expected {
            kind: Some(Kind::ApiCallRateInsight),
            action: Some("kms.*".into()),
            from: 10,
            until: Some(20),
            ..Expected::default()
        };
        assert!(expected.covers(Kind::ApiCallRateInsight, &object, 10));
        assert!(!expected.covers(Kind::ApiErrorRateInsight, &object, 10));
        assert!(!expected.covers(Kind::ApiCallRateInsight, &object, 20));
        let of_one = Expected { principal: Some("bob".into()), ..expected };
        assert!(!of_one.covers(Kind::ApiCallRateInsight, &object, 10));
    }
}
