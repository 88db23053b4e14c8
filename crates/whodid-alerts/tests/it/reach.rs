//! What is not reached: inner addresses, redirects, a second answer of DNS, servers with another's certificate.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use serde_json::json;
use whodid_alerts::deliver::Settings;
use whodid_alerts::{AllowList, Outcome, Sender};

use crate::http_receiver::{HttpReceiver, says};
use crate::names::{Names, open, sender, settings};
use crate::{channel, first, notice};

const HOST: &str = "hooks.example.com";

#[tokio::test]
async fn a_receiver_inside_is_not_reached_and_none_of_its_words_come_back() {
    let mut receiver = HttpReceiver::start(says("200 OK", "", "inner secret")).await;
    let allow = AllowList { addresses: Vec::new(), ..open(receiver.port) };
    let names = Names::of(HOST, &[&["127.0.0.1"]]);
    let sender = Sender::new(Settings { allow, resolver: names, ..settings() }).unwrap();
    for host in ["127.0.0.1", "0x7f.1", "2130706433", "[::ffff:127.0.0.1]", HOST] {
        let webhook = channel(json!({"type": "webhook", "url": format!("http://{host}:{}/", receiver.port)}));
        let delivery = sender.deliver(&webhook, &notice(), &first()).await;
        assert_eq!((delivery.outcome, delivery.status, delivery.retry), (Outcome::Refused, None, None), "{host}");
        assert!(!delivery.answer.contains("secret") && !delivery.answer.contains("127.0.0.1"), "{}", delivery.answer);
    }
    assert!(receiver.got_nothing());
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let mut inner = HttpReceiver::start(says("200 OK", "", "inner")).await;
    for status in ["301 Moved Permanently", "302 Found", "307 Temporary Redirect", "308 Permanent Redirect"] {
        let location = format!("location: {}\r\n", inner.url("/latest/meta-data/"));
        let mut outer = HttpReceiver::start(says(status, &location, "see there")).await;
        let webhook = channel(json!({"type": "webhook", "url": outer.url("/")}));
        let delivery = sender(outer.port).deliver(&webhook, &notice(), &first()).await;
        assert_eq!((delivery.outcome, delivery.retry), (Outcome::Refused, None), "{status}");
        outer.request();
    }
    assert!(inner.got_nothing());
}

#[tokio::test]
async fn a_name_is_resolved_once_and_its_next_answer_changes_nothing() {
    let mut receiver = HttpReceiver::start(says("200 OK", "", "ok")).await;
    let names = Names::of(HOST, &[&["127.0.0.1"], &["169.254.169.254"]]);
    let resolver = Arc::clone(&names);
    let sender = Sender::new(Settings { allow: open(receiver.port), resolver, ..settings() }).unwrap();
    let webhook = channel(json!({"type": "webhook", "url": format!("http://{HOST}:{}/", receiver.port)}));
    let delivery = sender.deliver(&webhook, &notice(), &first()).await;
    assert_eq!(delivery.outcome, Outcome::Delivered, "{}", delivery.answer);
    assert_eq!(names.asked.load(Ordering::SeqCst), 1);
    assert_eq!(receiver.request().headers["host"], format!("{HOST}:{}", receiver.port));
    let delivery = sender.deliver(&webhook, &notice(), &first()).await;
    assert_eq!((delivery.outcome, names.asked.load(Ordering::SeqCst)), (Outcome::Refused, 2));
    assert!(receiver.got_nothing());
}

#[tokio::test]
async fn a_name_that_cannot_be_resolved_is_tried_again() {
    let webhook = channel(json!({"type": "webhook", "url": "https://gone.example.com/"}));
    let delivery = sender(443).deliver(&webhook, &notice(), &first()).await;
    assert_eq!(delivery.outcome, Outcome::Failed);
    assert!(delivery.retry.is_some());
}

#[tokio::test]
async fn a_server_must_have_a_certificate_for_its_name() {
    let (mut receiver, pem) = HttpReceiver::start_tls(says("200 OK", "", "ok"), HOST).await;
    let (port, names) = (receiver.port, Names::of(HOST, &[&["127.0.0.1"]]));
    let with = |roots_pem: Vec<u8>| {
        let resolver = Arc::clone(&names);
        Sender::new(Settings { allow: open(port), resolver, roots_pem, ..settings() }).unwrap()
    };
    let webhook = |host: &str| channel(json!({"type": "webhook", "url": format!("https://{host}:{port}/")}));
    let trusted = with(pem.clone()).deliver(&webhook(HOST), &notice(), &first()).await;
    assert_eq!(trusted.outcome, Outcome::Delivered, "{}", trusted.answer);
    receiver.request();
    for (sender, host) in [(with(Vec::new()), HOST), (with(pem), "127.0.0.1")] {
        let delivery = sender.deliver(&webhook(host), &notice(), &first()).await;
        assert_eq!(delivery.outcome, Outcome::Failed);
        assert_eq!(delivery.answer, "the receiver's certificate is not trusted");
    }
    assert!(receiver.got_nothing());
}

#[test]
fn certificates_that_are_none_are_told_when_the_sender_is_made() {
    let broken = b"-----BEGIN CERTIFICATE-----\n!!!\n-----END CERTIFICATE-----\n".to_vec();
    assert!(Sender::new(Settings { roots_pem: broken, ..settings() }).is_err());
}
