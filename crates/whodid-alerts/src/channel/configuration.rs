//! Channels as people write them, store them and edit them.

use super::*;
use serde_json::{Value, json};

fn channel(receiver: Value) -> Channel {
    serde_json::from_value(json!({"name": "on call", "receiver": receiver})).unwrap()
}

fn faults(value: Value) -> Vec<String> {
    let channel: Channel = serde_json::from_value(value).unwrap();
    channel.faults().iter().map(|fault| fault.member.clone()).collect()
}

const SLACK: &str = "https://hooks.slack.com/services/T0/B0/canary0123456789";

fn receivers() -> Vec<Value> {
    vec![
        json!({"type": "email", "to": ["alice@example.com", "bob@example.com"]}),
        json!({"type": "slack", "url": SLACK}),
        json!({"type": "teams", "url": "https://prod.westeurope.logic.azure.com/workflows/canary0123456789"}),
        json!({"type": "pagerduty", "routing_key": "canary0123456789abcdefghijklmnop"}),
        json!({"type": "webhook", "url": "https://example.com/hook", "method": "put",
            "headers": {"Authorization": "Bearer canary0123456789"}, "body_template": "{\"t\": \"{{ name }}\"}",
            "signing": {"type": "hmac", "secret": "canary0123456789"}}),
        json!({"type": "webhook", "url": "https://example.com/hook", "signing": {"type": "jwt"}}),
        json!({"type": "syslog", "host": "siem.example.com", "port": 6514, "transport": "tls"}),
    ]
}

#[test]
fn every_kind_is_read_with_defaults_and_comes_back_as_it_was() {
    for receiver in receivers() {
        let channel = channel(receiver);
        assert_eq!(channel.faults(), [], "{channel:?}");
        assert_eq!((channel.rate_limit, channel.enabled), (60, true));
        assert_eq!(channel.severities, [Severity::Medium, Severity::High, Severity::Critical]);
        let stored = serde_json::to_value(&channel).unwrap();
        assert_eq!(serde_json::from_value::<Channel>(stored).unwrap(), channel);
    }
}

#[test]
fn unknown_members_are_refused_everywhere() {
    for receiver in receivers() {
        let mut wrong = receiver.clone();
        wrong["colour"] = "red".into();
        assert!(serde_json::from_value::<Receiver>(wrong.clone()).is_err(), "{wrong}");
    }
    for wrong in [
        json!({"name": "x", "receiver": {"type": "fax"}}),
        json!({"name": "x", "receiver": {"type": "slack"}}),
        json!({"name": "x", "severity": "high", "receiver": {"type": "slack", "url": SLACK}}),
        json!({"name": "x", "receiver": {"type": "webhook", "url": "https://x", "signing": {"type": "jwt", "key": "y"}}}),
        json!({"name": "x", "receiver": {"type": "webhook", "url": "https://x", "method": "trace"}}),
        json!({"name": "x", "sources": [{"provider": "p", "types": []}], "receiver": {"type": "slack", "url": SLACK}}),
    ] {
        assert!(serde_json::from_value::<Channel>(wrong.clone()).is_err(), "{wrong}");
    }
}

#[test]
fn each_fault_names_its_member_and_no_text_holds_a_secret() {
    let common = json!({"name": " ", "severities": [], "rate_limit": 0, "time_zone": "Mars",
        "sources": [{"provider": "", "finding_types": []}], "receiver": {"type": "email", "to": []}});
    assert_eq!(
        faults(common),
        [
            "name",
            "severities",
            "rate_limit",
            "time_zone",
            "sources.0.provider",
            "sources.0.finding_types",
            "receiver.to"
        ]
    );
    for (receiver, members) in [
        (
            json!({"type": "email", "to": ["Alice <alice@example.com>", "a@b\r\nBcc: c@d"]}),
            vec!["receiver.to.0", "receiver.to.1"],
        ),
        (json!({"type": "slack", "url": "hooks.slack.com/canary"}), vec!["receiver.url"]),
        (json!({"type": "teams", "url": "ftp://canary@example.com/"}), vec!["receiver.url"]),
        (json!({"type": "pagerduty", "routing_key": "canary"}), vec!["receiver.routing_key"]),
        (json!({"type": "webhook", "url": "https://user:canary@example.com/"}), vec!["receiver.url"]),
        (json!({"type": "webhook", "url": "https://x/", "headers": {"Host": "canary"}}), vec!["receiver.headers.Host"]),
        (
            json!({"type": "webhook", "url": "https://x/", "headers": {"X-Whodid-Delivery": "canary"}}),
            vec!["receiver.headers.X-Whodid-Delivery"],
        ),
        (
            json!({"type": "webhook", "url": "https://x/", "headers": {"X-A": "canary\r\nX-B: c"}}),
            vec!["receiver.headers.X-A"],
        ),
        (json!({"type": "webhook", "url": "https://x/", "headers": {"X A": "canary"}}), vec!["receiver.headers"]),
        (
            json!({"type": "webhook", "url": "https://x/", "body_template": "{{ nmae }}"}),
            vec!["receiver.body_template"],
        ),
        (
            json!({"type": "webhook", "url": "https://x/", "body_template": "x", "signing": {"type": "jwt"}}),
            vec!["receiver.body_template"],
        ),
        (
            json!({"type": "webhook", "url": "https://x/", "signing": {"type": "hmac", "secret": "canary"}}),
            vec!["receiver.signing.secret"],
        ),
        (
            json!({"type": "syslog", "host": "a b", "port": 0, "transport": "udp"}),
            vec!["receiver.host", "receiver.port"],
        ),
    ] {
        let channel = channel(receiver);
        let found = channel.faults();
        assert_eq!(found.iter().map(|fault| fault.member.as_str()).collect::<Vec<_>>(), members);
        assert!(!found.iter().any(|fault| fault.text.contains("canary")), "{found:?}");
    }
}

#[test]
fn a_channel_gets_what_it_asks_for() {
    let mut channel = channel(json!({"type": "slack", "url": SLACK}));
    assert!(channel.wants(Severity::High, "anyone", "lockout"));
    assert!(!channel.wants(Severity::Low, "anyone", "lockout"));
    channel.sources = serde_json::from_value(json!([
        {"provider": "sign-in", "finding_types": ["lockout"]}, {"provider": "keys"}]))
    .unwrap();
    assert!(channel.wants(Severity::High, "sign-in", "lockout"));
    assert!(!channel.wants(Severity::High, "sign-in", "other"));
    assert!(channel.wants(Severity::High, "keys", "other"));
    assert!(!channel.wants(Severity::High, "other", "lockout"));
    channel.enabled = false;
    assert!(!channel.wants(Severity::High, "keys", "other"));
}

#[test]
fn secrets_show_neither_masked_nor_in_debug_text() {
    for receiver in receivers() {
        let channel = channel(receiver);
        assert!(!format!("{channel:?}").contains("canary"), "{channel:?}");
        let shown = serde_json::to_string(&channel.masked()).unwrap();
        assert!(!shown.contains("canary"), "{shown}");
        assert_eq!(channel.masked().with_secrets_from(&channel), Ok(channel.clone()));
        for (member, _) in channel.secrets() {
            assert!(member.starts_with("receiver."), "{member}");
        }
    }
    let members = |receiver| -> Vec<String> { channel(receiver).secrets().into_iter().map(|(name, _)| name).collect() };
    assert_eq!(members(receivers()[4].clone()), ["receiver.headers.Authorization", "receiver.signing.secret"]);
    assert_eq!(members(receivers()[3].clone()), ["receiver.routing_key"]);
}

#[test]
fn an_edit_cannot_lead_a_kept_secret_to_another_address() {
    let stored = channel(receivers()[4].clone());
    let edited = |url: &str| {
        let mut edited = stored.masked();
        if let Receiver::Webhook(webhook) = &mut edited.receiver {
            webhook.url = url.to_owned();
        }
        edited.with_secrets_from(&stored)
    };
    assert!(edited("https://EXAMPLE.com:443/hook").is_ok(), "the same, spelt otherwise");
    for url in [
        "https://evil.example/hook",
        "http://example.com/hook",
        "https://example.com:8443/hook",
        "https://example.com/other",
        "https://example.com/hook?to=other",
        "nonsense",
    ] {
        let member = "receiver.headers.Authorization".to_owned();
        assert_eq!(edited(url), Err(MaskError::OtherAddress { member }), "{url}");
    }
    let mut pagerduty = channel(receivers()[3].clone());
    let before = pagerduty.clone();
    pagerduty = pagerduty.masked();
    if let Receiver::Pagerduty(pagerduty) = &mut pagerduty.receiver {
        pagerduty.url = "https://evil.example/".to_owned();
    }
    assert!(pagerduty.with_secrets_from(&before).is_err());
}

#[test]
fn an_edit_takes_new_secrets_and_refuses_masks_of_none() {
    let stored = channel(json!({"type": "slack", "url": SLACK}));
    let new = channel(json!({"type": "slack", "url": "https://hooks.slack.com/services/new"}));
    assert_eq!(new.clone().with_secrets_from(&stored), Ok(new));
    let foreign = channel(json!({"type": "teams", "url": stored.masked().receiver.url().unwrap()}));
    assert!(foreign.with_secrets_from(&stored).is_err(), "a mask of another kind of receiver");
    let unknown = channel(json!({"type": "webhook", "url": "https://example.com/", "headers": {"X-New": "…9f"}}));
    let member = "receiver.headers.X-New".to_owned();
    assert_eq!(unknown.with_secrets_from(&stored), Err(MaskError::Unknown { member }));
}

#[test]
fn secrets_can_be_sealed_in_place() {
    let mut channel = channel(receivers()[4].clone());
    let before = channel.clone();
    for (_, secret) in channel.secrets_mut() {
        *secret = Secret::new(format!("sealed:{}", secret.expose().len()));
    }
    assert!(!serde_json::to_string(&channel).unwrap().contains("canary"));
    for ((_, secret), (_, old)) in channel.secrets_mut().into_iter().zip(before.secrets()) {
        *secret = old.clone();
    }
    assert_eq!(channel, before);
}

#[test]
fn a_channel_of_activity_insights_gets_what_its_rules_find_by_family() {
    let mut channel = channel(json!({"type": "slack", "url": SLACK}));
    let mut gets = |types: serde_json::Value, provider: &str, finding_type: &str| {
        channel.sources = serde_json::from_value(json!([{"provider": "ATA", "finding_types": types}])).unwrap();
        channel.wants(Severity::High, provider, finding_type)
    };
    // The packages that come with whodid.
    assert!(gets(json!(["ALL"]), "ibm-kms", "ibm-kms-deletes"));
    assert!(gets(json!(["kms"]), "ibm-kms", "ibm-kms-deletes"));
    assert!(!gets(json!(["iam"]), "ibm-kms", "ibm-kms-deletes"));
    // Rules that were brought along: what they find has lost Security Advisor's prefix, what is wanted may have it.
    assert!(gets(json!(["iam", "kms"]), "security-advisor", "kms-delete"));
    assert!(gets(json!(["kms-delete"]), "security-advisor", "kms-delete"));
    assert!(gets(json!(["ata-kms-delete"]), "security-advisor", "kms-delete"));
    // What a client reported under such a type keeps its name.
    assert!(gets(json!(["kms"]), "security-advisor", "ata-kms-delete"));
    assert!(!gets(json!(["kms"]), "security-advisor", "cos-delete"));
    // Nobody else's.
    assert!(!gets(json!(["ALL"]), "account-sign-in", "failed-logins"));
    assert!(!gets(json!(["ALL"]), "ibm-scanner", "kms-delete"));
    assert!(!gets(json!(["kms"]), "ours", "kms-delete"));
}
