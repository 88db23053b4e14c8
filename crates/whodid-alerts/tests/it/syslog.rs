//! Syslog by datagram, by stream and in TLS.

use serde_json::json;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UdpSocket};
use whodid_alerts::deliver::Settings;
use whodid_alerts::{AllowList, Outcome, Sender};

use crate::http_receiver::tls;
use crate::names::{Names, open, sender, settings};
use crate::{channel, first, notice};

const START: &str = "<107>1 2026-11-20T09:14:00.000Z whodid.example.com whodid - opened [alert@32473 id=\"a1\"";

/// The message of a stream with its length in front, read to the end.
async fn counted(mut stream: impl AsyncRead + Unpin) -> String {
    let mut text = String::new();
    // A client that ends TLS without a word is no loss of the message.
    let _ = stream.read_to_string(&mut text).await;
    let (length, message) = text.split_once(' ').unwrap();
    assert_eq!(length.parse::<usize>().unwrap(), message.len());
    message.to_owned()
}

#[tokio::test]
async fn a_datagram_is_one_message() {
    let collector = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = collector.local_addr().unwrap().port();
    let syslog = channel(json!({"type": "syslog", "host": "127.0.0.1", "port": port, "transport": "udp"}));
    let delivery = sender(port).deliver(&syslog, &notice(), &first()).await;
    assert_eq!(delivery.outcome, Outcome::Delivered, "{}", delivery.answer);
    let mut bytes = vec![0; 65_536];
    let length = collector.recv(&mut bytes).await.unwrap();
    assert!(std::str::from_utf8(&bytes[..length]).unwrap().starts_with(START));
}

#[tokio::test]
async fn a_stream_has_the_length_in_front() {
    let collector = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = collector.local_addr().unwrap().port();
    let got = tokio::spawn(async move { counted(collector.accept().await.unwrap().0).await });
    let syslog = channel(json!({"type": "syslog", "host": "127.0.0.1", "port": port, "transport": "tcp"}));
    let delivery = sender(port).deliver(&syslog, &notice(), &first()).await;
    assert_eq!(delivery.outcome, Outcome::Delivered, "{}", delivery.answer);
    assert!(got.await.unwrap().starts_with(START));
}

#[tokio::test]
async fn tls_is_spoken_only_with_the_server_of_that_name() {
    let (acceptor, roots_pem) = tls("siem.example.com");
    let collector = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = collector.local_addr().unwrap().port();
    let got = tokio::spawn(async move {
        let mut messages = Vec::new();
        while messages.is_empty() {
            let (stream, _) = collector.accept().await.unwrap();
            if let Ok(mut stream) = acceptor.accept(stream).await {
                messages.push(counted(&mut stream).await);
                let _ = stream.shutdown().await;
            }
        }
        messages
    });
    let resolver = Names::of("siem.example.com", &[&["127.0.0.1"]]);
    let sender = Sender::new(Settings { allow: open(port), resolver, roots_pem, ..settings() }).unwrap();
    let at = |host: &str| channel(json!({"type": "syslog", "host": host, "port": port, "transport": "tls"}));
    let other = sender.deliver(&at("127.0.0.1"), &notice(), &first()).await;
    assert_eq!((other.outcome, other.answer.as_str()), (Outcome::Failed, "the receiver's certificate is not trusted"));
    let delivery = sender.deliver(&at("siem.example.com"), &notice(), &first()).await;
    assert_eq!(delivery.outcome, Outcome::Delivered, "{}", delivery.answer);
    let messages = got.await.unwrap();
    assert!(messages.len() == 1 && messages[0].starts_with(START), "{messages:?}");
}

#[tokio::test]
async fn a_collector_inside_is_not_reached() {
    let collector = UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let port = collector.local_addr().unwrap().port();
    let allow = AllowList { addresses: Vec::new(), ..open(port) };
    let sender = Sender::new(Settings { allow, ..settings() }).unwrap();
    let syslog = channel(json!({"type": "syslog", "host": "127.0.0.1", "port": port, "transport": "udp"}));
    let delivery = sender.deliver(&syslog, &notice(), &first()).await;
    assert_eq!((delivery.outcome, delivery.retry), (Outcome::Refused, None));
    assert!(collector.try_recv(&mut [0; 16]).is_err());
}
