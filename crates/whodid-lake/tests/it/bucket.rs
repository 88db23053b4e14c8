//! A lake in a bucket: against a server that speaks S3.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use whodid_lake::{Lake, Location, LocationError, OpenError};
use whodid_model::StreamName;

use crate::events::{account, batch, check_holds, recorded};
use crate::python;

struct Server {
    process: Child,
    port: u16,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    fn start() -> Option<Self> {
        let programs = python::programs()?;
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let process = Command::new(programs.join("moto_server"))
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self { process, port };
        let deadline = Instant::now() + Duration::from_secs(60);
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < deadline, "the S3 server does not answer");
            std::thread::sleep(Duration::from_millis(50));
        }
        server.request("PUT /lake HTTP/1.1");
        Some(server)
    }

    fn request(&self, line: &str) {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let host = format!("127.0.0.1:{}", self.port);
        write!(stream, "{line}\r\nhost: {host}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    }

    fn location(&self, url: &str) -> Location {
        let options = [
            ("endpoint", format!("http://127.0.0.1:{}", self.port)),
            ("allow_http", "true".to_owned()),
            ("region", "us-east-1".to_owned()),
            ("access_key_id", "test".to_owned()),
            ("secret_access_key", "test".to_owned()),
        ];
        let options = BTreeMap::from(options.map(|(name, value)| (name.to_owned(), value)));
        Location::Bucket { url: url.to_owned(), options }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lake_in_a_bucket_keeps_what_a_lake_in_a_folder_keeps() {
    let Some(server) = Server::start() else { return };
    for url in ["s3://lake", "s3://lake/audit/eu"] {
        let lake = Lake::open(server.location(url)).await.unwrap();
        let table = lake.table(&account(), &StreamName::activity()).await.unwrap();
        for number in 0..9 {
            table.append(batch(number * 100..number * 100 + 100)).unwrap();
            table.flush().await.unwrap();
        }
        table.compact(recorded()).await.unwrap().unwrap();
        table.append(batch(900..910)).unwrap();
        check_holds(&table.snapshot(), 910).await;
        table.flush().await.unwrap();

        let again = Lake::open(server.location(url)).await.unwrap();
        assert_eq!(again.tables().await.unwrap(), [(account(), StreamName::activity())]);
        let again = again.table(&account(), &StreamName::activity()).await.unwrap();
        check_holds(&again.snapshot(), 910).await;
        let deleted = again.vacuum(recorded().plus_micros(crate::events::DAY)).await.unwrap().deleted;
        assert_eq!(deleted, 9);
        check_holds(&again.snapshot(), 910).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_that_is_not_there_is_told_at_the_start() {
    let Some(server) = Server::start() else { return };
    let error = Lake::open(server.location("s3://elsewhere/x")).await.unwrap_err();
    assert!(matches!(error, OpenError::Location(LocationError::Bucket { .. })), "{error}");
}

/// A server that takes every put and knows no conditions.
#[tokio::test(flavor = "multi_thread")]
async fn a_bucket_without_create_if_absent_is_refused() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.unwrap();
            let mut asked = [0; 8192];
            // One read holds a whole small request on loopback; the answer closes the connection.
            let _ = stream.read(&mut asked);
            let _ =
                stream.write_all(b"HTTP/1.1 200 OK\r\netag: \"1\"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
        }
    });
    let options = [
        ("endpoint", format!("http://127.0.0.1:{port}")),
        ("allow_http", "true".to_owned()),
        ("region", "us-east-1".to_owned()),
        ("access_key_id", "test".to_owned()),
        ("secret_access_key", "test".to_owned()),
    ];
    let options = BTreeMap::from(options.map(|(name, value)| (name.to_owned(), value)));
    let error = Lake::open(Location::Bucket { url: "s3://lake".to_owned(), options }).await.unwrap_err();
    assert!(matches!(error, OpenError::Location(LocationError::NotConditional { .. })), "{error}");
}
