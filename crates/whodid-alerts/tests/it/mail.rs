//! Mail: a server in this process that shows each line, and a real one.

use std::process::Stdio;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use whodid_alerts::deliver::{Mail, Settings};
use whodid_alerts::{Channel, Notice, Outcome, Sender};

use crate::names::settings;
use crate::{channel, first, notice};

fn sender(mail: Value, roots_pem: Vec<u8>) -> Sender {
    let mail: Mail = serde_json::from_value(mail).unwrap();
    assert_eq!(mail.faults(), []);
    Sender::new(Settings { mail: Some(mail), roots_pem, ..settings() }).unwrap()
}

fn plain(port: u16) -> Sender {
    let from = "whodid <whodid@example.com>";
    sender(json!({"host": "127.0.0.1", "port": port, "security": "plain", "from": from}), Vec::new())
}

fn to(addresses: &[&str]) -> Channel {
    channel(json!({"type": "email", "to": addresses}))
}

/// A server that refuses some addresses; gives its port and each line that it gets.
async fn server(refused: &'static str, refusal: &'static str) -> (u16, UnboundedReceiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (sender, lines) = unbounded_channel();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let sender = sender.clone();
            tokio::spawn(async move {
                let mut stream = BufReader::new(stream);
                let mut is_data = false;
                stream.write_all(b"220 mail.example.com\r\n").await.ok()?;
                loop {
                    let mut line = String::new();
                    if stream.read_line(&mut line).await.ok()? == 0 {
                        return None::<()>;
                    }
                    let line = line.trim_end().to_owned();
                    sender.send(line.clone()).ok()?;
                    let answer = match line.as_str() {
                        "." if is_data => {
                            is_data = false;
                            "250 queued as 42"
                        }
                        _ if is_data => continue,
                        "DATA" => {
                            is_data = true;
                            "354 go on"
                        }
                        line if line.starts_with("RCPT") && !refused.is_empty() && line.contains(refused) => refusal,
                        _ => "250 ok",
                    };
                    stream.write_all(format!("{answer}\r\n").as_bytes()).await.ok()?;
                }
            });
        }
    });
    (port, lines)
}

fn drain(lines: &mut UnboundedReceiver<String>) -> Vec<String> {
    std::iter::from_fn(|| lines.try_recv().ok()).collect()
}

#[tokio::test]
async fn a_mail_has_one_subject_and_both_forms_of_its_text() {
    let (port, mut lines) = server("", "").await;
    let attack =
        Notice { sentence: "alice\r\nBcc: all@example.com\r\n\r\n.\r\nMAIL FROM:<x@y>".to_owned(), ..notice() };
    let delivery = plain(port).deliver(&to(&["ops@example.com", "bob@example.com"]), &attack, &first()).await;
    assert_eq!((delivery.outcome, delivery.status), (Outcome::Delivered, Some(250)), "{}", delivery.answer);
    let lines = drain(&mut lines);
    let has = |start: &str| lines.iter().filter(|line| line.starts_with(start)).count();
    assert_eq!((has("MAIL FROM:<whodid@example.com>"), has("RCPT TO:"), has("MAIL FROM")), (1, 2, 1));
    assert_eq!((has("Subject: "), has("Bcc:"), has("Auto-Submitted: auto-generated")), (1, 0, 1));
    assert_eq!((has("Content-Type: text/plain"), has("Content-Type: text/html")), (1, 1));
    assert_eq!((has("Message-ID: <d1@whodid.example.com>"), has("References: <a1@whodid.example.com>")), (1, 1));
    assert_eq!(has("Date: Fri, 20 Nov 2026 09:14:01"), 1);
}

#[tokio::test]
async fn one_address_that_does_not_exist_keeps_no_other_from_knowing() {
    let (port, mut lines) = server("gone@", "550 no such person").await;
    let delivery = plain(port).deliver(&to(&["gone@example.com", "bob@example.com"]), &notice(), &first()).await;
    assert_eq!(delivery.outcome, Outcome::Delivered);
    assert!(delivery.answer.starts_with("1 of 2 addresses did not take it: "), "{}", delivery.answer);
    assert_eq!(drain(&mut lines).iter().filter(|line| *line == "DATA").count(), 1);
    let alone = plain(port).deliver(&to(&["gone@example.com"]), &notice(), &first()).await;
    assert_eq!((alone.outcome, alone.status, alone.retry), (Outcome::Refused, Some(550), None));
    assert!(alone.answer.contains("no such person"), "{}", alone.answer);
}

#[tokio::test]
async fn a_server_that_is_busy_or_gone_is_tried_again() {
    let (port, _lines) = server("bob@", "451 later").await;
    let busy = plain(port).deliver(&to(&["bob@example.com"]), &notice(), &first()).await;
    assert_eq!(busy.outcome, Outcome::Failed);
    assert!(busy.retry.is_some() && busy.answer.contains("later"), "{}", busy.answer);
    let gone = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = gone.local_addr().unwrap().port();
    drop(gone);
    let gone = plain(port).deliver(&to(&["bob@example.com"]), &notice(), &first()).await;
    assert_eq!(gone.outcome, Outcome::Failed);
    assert!(gone.retry.is_some());
}

#[tokio::test]
async fn without_protection_nothing_is_said_where_it_is_asked_for() {
    let (port, mut lines) = server("", "").await;
    let from = "whodid@example.com";
    let starttls = json!({"host": "127.0.0.1", "port": port, "security": "starttls", "from": from,
        "username": "u", "password": "canary"});
    let sender = sender(starttls, Vec::new());
    assert!(!format!("{sender:?}").contains("canary"));
    let delivery = sender.deliver(&to(&["bob@example.com"]), &notice(), &first()).await;
    assert_ne!(delivery.outcome, Outcome::Delivered);
    assert!(drain(&mut lines).iter().all(|line| !line.starts_with("AUTH") && !line.starts_with("MAIL")));
    let none = Sender::new(settings()).unwrap().deliver(&to(&["bob@example.com"]), &notice(), &first()).await;
    assert_eq!((none.outcome, none.retry), (Outcome::Refused, None));
}

#[test]
fn a_password_is_not_to_travel_unprotected() {
    let mail = |host: &str| -> Mail {
        serde_json::from_value(json!({"host": host, "port": 25, "security": "plain", "username": "u",
            "password": "canary", "from": "whodid@example.com"}))
        .unwrap()
    };
    assert_eq!(mail("localhost").faults(), []);
    assert_eq!(mail("smtp.example.com").faults()[0].member, "security");
    assert!(!format!("{:?}", mail("localhost")).contains("canary"));
}

/// Starts a real server; `None`, with the reason, where there is none.
async fn real_server(more: &[&str]) -> Option<(u16, tokio::process::Child, BufReader<tokio::process::ChildStdout>)> {
    let Ok(python) = std::env::var("WHODID_TEST_SMTP_PYTHON") else {
        eprintln!("skipped: WHODID_TEST_SMTP_PYTHON names no python with aiosmtpd");
        return None;
    };
    let free = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    let mut server = tokio::process::Command::new(python)
        .args(["-u", "-m", "aiosmtpd", "-n", "-l", &format!("127.0.0.1:{port}")])
        .args(more)
        .args(["-c", "aiosmtpd.handlers.Debugging", "stdout"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .unwrap();
    let told = BufReader::new(server.stdout.take().unwrap());
    while TcpStream::connect(("127.0.0.1", port)).await.is_err() {
        assert_eq!(server.try_wait().unwrap(), None, "the server ended");
        tokio::task::yield_now().await;
    }
    Some((port, server, told))
}

async fn message(mut told: BufReader<tokio::process::ChildStdout>) -> String {
    let mut message = String::new();
    while !message.contains("END MESSAGE") {
        assert_ne!(told.read_line(&mut message).await.unwrap(), 0, "{message}");
    }
    message
}

#[tokio::test]
async fn a_real_server_takes_the_mail() {
    let Some((port, _server, told)) = real_server(&[]).await else { return };
    let odd = Notice { rule_title: "Zu viele Anmeldungen: ü <b>".to_owned(), ..notice() };
    let delivery = plain(port).deliver(&to(&["ops@example.com"]), &odd, &first()).await;
    assert_eq!(delivery.outcome, Outcome::Delivered, "{}", delivery.answer);
    let message = message(told).await;
    assert!(message.contains("To: ops@example.com") && message.contains("multipart/alternative"), "{message}");
    assert!(message.contains("Subject: [high] Zu viele Anmeldungen: =?utf-8?b?"), "{message}");
}

#[tokio::test]
async fn a_real_server_takes_the_mail_after_starttls() {
    let folder = tempfile::tempdir().unwrap();
    let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let (cert, key) = (folder.path().join("cert.pem"), folder.path().join("key.pem"));
    std::fs::write(&cert, made.cert.pem()).unwrap();
    std::fs::write(&key, made.signing_key.serialize_pem()).unwrap();
    let more = ["--tlscert", cert.to_str().unwrap(), "--tlskey", key.to_str().unwrap()];
    let Some((port, _server, told)) = real_server(&more).await else { return };
    let mail = json!({"host": "localhost", "port": port, "security": "starttls", "from": "whodid@example.com"});
    let untrusted = sender(mail.clone(), Vec::new()).deliver(&to(&["ops@example.com"]), &notice(), &first()).await;
    assert_eq!(
        (untrusted.outcome, untrusted.answer.as_str()),
        (Outcome::Failed, "the connection to the mail server failed")
    );
    let trusted = sender(mail, made.cert.pem().into_bytes());
    let delivery = trusted.deliver(&to(&["ops@example.com"]), &notice(), &first()).await;
    assert_eq!(delivery.outcome, Outcome::Delivered, "{}", delivery.answer);
    assert!(message(told).await.contains("Subject: [high] Too many failed sign-ins"));
}
