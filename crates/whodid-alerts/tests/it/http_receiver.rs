//! A receiver of HTTP that says what it is told to say, and shows what it got.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::aws_lc_rs;
use tokio_rustls::rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};

/// What came.
#[derive(Debug)]
pub struct Request {
    /// Such as `POST /hook HTTP/1.1`.
    pub line: String,
    /// By lower-case name.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Request {
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

/// What the receiver does with each request.
#[derive(Debug, Clone)]
pub enum Answer {
    /// Status line, headers and body as they are.
    Says(String),
    /// Takes the request and says nothing.
    Hangs,
    /// Answers 200 with a body that never ends.
    Endless,
}

pub fn says(status: &str, headers: &str, body: &str) -> Answer {
    Answer::Says(format!("HTTP/1.1 {status}\r\n{headers}content-length: {}\r\n\r\n{body}", body.len()))
}

pub struct HttpReceiver {
    pub port: u16,
    pub requests: UnboundedReceiver<Request>,
}

impl HttpReceiver {
    pub async fn start(answer: Answer) -> Self {
        Self::with(answer, None).await
    }

    /// With TLS; also gives the certificate as PEM.
    pub async fn start_tls(answer: Answer, host: &str) -> (Self, Vec<u8>) {
        let (acceptor, pem) = tls(host);
        (Self::with(answer, Some(acceptor)).await, pem)
    }

    async fn with(answer: Answer, acceptor: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (sender, requests) = unbounded_channel();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (answer, sender, acceptor) = (answer.clone(), sender.clone(), acceptor.clone());
                tokio::spawn(async move {
                    match acceptor {
                        None => serve(stream, answer, sender).await,
                        Some(acceptor) => match acceptor.accept(stream).await {
                            Ok(stream) => serve(stream, answer, sender).await,
                            Err(_) => None,
                        },
                    }
                });
            }
        });
        Self { port, requests }
    }

    pub fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}{path}", self.port)
    }

    /// What came; there must be something.
    pub fn request(&mut self) -> Request {
        self.requests.try_recv().expect("a request")
    }

    pub fn got_nothing(&mut self) -> bool {
        self.requests.try_recv().is_err()
    }
}

/// A certificate for a host, and a server with it.
pub fn tls(host: &str) -> (TlsAcceptor, Vec<u8>) {
    let made = rcgen::generate_simple_self_signed(vec![host.to_owned()]).unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(made.signing_key.serialize_der()));
    let config = ServerConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    (TlsAcceptor::from(Arc::new(config)), made.cert.pem().into_bytes())
}

async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    answer: Answer,
    requests: UnboundedSender<Request>,
) -> Option<()> {
    let mut bytes = Vec::new();
    let head_end = loop {
        if let Some(place) = bytes.windows(4).position(|window| window == b"\r\n\r\n") {
            break place;
        }
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    };
    let head = String::from_utf8(bytes[..head_end].to_vec()).ok()?;
    let mut lines = head.split("\r\n");
    let line = lines.next()?.to_owned();
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let length: usize = headers.get("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
    while bytes.len() < head_end + 4 + length {
        if stream.read_buf(&mut bytes).await.ok()? == 0 {
            return None;
        }
    }
    requests.send(Request { line, headers, body: bytes[head_end + 4..].to_vec() }).ok()?;
    match answer {
        Answer::Says(text) => {
            stream.write_all(text.as_bytes()).await.ok()?;
            stream.flush().await.ok()
        }
        Answer::Hangs => std::future::pending().await,
        Answer::Endless => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.ok()?;
            loop {
                stream.write_all(&[b'x'; 1024]).await.ok()?;
            }
        }
    }
}
