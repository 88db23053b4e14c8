//! Each kind of channel against a receiver of its own, over real sockets on this machine.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stderr)]

mod http_receiver;
mod mail;
mod names;
mod reach;
mod syslog;
mod webhooks;

use serde_json::{Value, json};
use whodid_alerts::{Attempt, Channel, Evidence, GroupValue, Moment, Notice, Severity};
use whodid_model::{AccountName, Timestamp};

fn at(text: &str) -> Timestamp {
    Timestamp::parse(text).unwrap().at
}

/// Five failed sign-ins.
fn notice() -> Notice {
    Notice {
        event: Moment::Opened,
        alert_id: "a1".to_owned(),
        account: AccountName::parse("acme").unwrap(),
        rule_id: "lockout".to_owned(),
        rule_title: "Too many failed sign-ins".to_owned(),
        sentence: "alice failed to sign in 5 times".to_owned(),
        severity: Severity::High,
        opened_at: at("2026-11-20T09:00:00Z"),
        at: at("2026-11-20T09:14:00Z"),
        count: 5,
        group: vec![GroupValue { key: "initiator.name".to_owned(), value: "alice".to_owned() }],
        link: "https://whodid.example.com/alerts/a1".to_owned(),
        evidence: vec![Evidence {
            record: "activity:42".to_owned(),
            at: at("2026-11-20T09:14:00Z"),
            sentence: "alice failed to sign in to console".to_owned(),
            event: Value::Null,
        }],
        query: "initiator.name:alice outcome:failure".to_owned(),
        finding: Value::Null,
        more: 0,
    }
}

fn first() -> Attempt {
    let at = at("2026-11-20T09:14:01Z");
    Attempt { delivery: "d1".to_owned(), number: 1, first_at: at, at }
}

fn channel(receiver: Value) -> Channel {
    let channel: Channel = serde_json::from_value(json!({"name": "on call", "receiver": receiver})).unwrap();
    assert_eq!(channel.faults(), []);
    channel
}
