//! The least HTTP/1.1 client: one kept-alive connection, so that measuring costs little.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail};

/// No answer may take longer.
const TIMEOUT: Duration = Duration::from_secs(120);

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub body: Vec<u8>,
}

/// A kept-alive connection to a server on this machine.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    reader: BufReader<TcpStream>,
}

impl Connection {
    pub fn open(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).context("no connection")?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(TIMEOUT))?;
        let reader = BufReader::with_capacity(256 * 1024, stream.try_clone()?);
        Ok(Self { stream, reader })
    }

    pub fn get(&mut self, path: &str, key: &str) -> Result<Answer> {
        self.send("GET", path, key, None)?;
        self.answer()
    }

    pub fn post(&mut self, path: &str, key: &str, body: &[u8]) -> Result<Answer> {
        self.send("POST", path, key, Some(("application/x-ndjson", body)))?;
        self.answer()
    }

    pub fn post_json(&mut self, path: &str, key: &str, body: &[u8]) -> Result<Answer> {
        self.send("POST", path, key, Some(("application/json", body)))?;
        self.answer()
    }

    /// A request of any method, with JSON or without a body.
    pub fn ask_json(&mut self, method: &str, path: &str, key: &str, body: Option<&str>) -> Result<Answer> {
        self.send(method, path, key, body.map(|body| ("application/json", body.as_bytes())))?;
        self.answer()
    }

    /// GET whose body goes to `sink` as it comes; returns the status.
    pub fn download(&mut self, path: &str, key: &str, sink: &mut dyn Write) -> Result<u16> {
        self.send("GET", path, key, None)?;
        let (status, framing) = self.head()?;
        self.body(framing, sink)?;
        Ok(status)
    }

    fn send(&mut self, method: &str, path: &str, key: &str, body: Option<(&str, &[u8])>) -> Result<()> {
        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\n");
        if !key.is_empty() {
            head.push_str(&format!("authorization: Bearer {key}\r\n"));
        }
        if let Some((kind, body)) = body {
            head.push_str(&format!("content-type: {kind}\r\ncontent-length: {}\r\n", body.len()));
        }
        head.push_str("\r\n");
        self.stream.write_all(head.as_bytes())?;
        if let Some((_, body)) = body {
            self.stream.write_all(body)?;
        }
        Ok(())
    }

    fn answer(&mut self) -> Result<Answer> {
        let (status, framing) = self.head()?;
        let mut body = Vec::new();
        self.body(framing, &mut body)?;
        Ok(Answer { status, body })
    }

    fn head(&mut self) -> Result<(u16, Framing)> {
        let mut line = String::new();
        if self.reader.read_line(&mut line)? == 0 {
            bail!("the server closed the connection");
        }
        let status: u16 = line
            .split(' ')
            .nth(1)
            .and_then(|code| code.parse().ok())
            .with_context(|| format!("no HTTP answer: {line:?}"))?;
        let mut framing = Framing::Length(0);
        loop {
            line.clear();
            if self.reader.read_line(&mut line)? == 0 {
                bail!("the answer ended in its head");
            }
            let header = line.trim_end().to_ascii_lowercase();
            if header.is_empty() {
                break;
            }
            if let Some(length) = header.strip_prefix("content-length:") {
                framing = Framing::Length(length.trim().parse().context("a bad content-length")?);
            } else if header.starts_with("transfer-encoding:") && header.ends_with("chunked") {
                framing = Framing::Chunked;
            }
        }
        Ok((status, if status == 204 || status == 304 { Framing::Length(0) } else { framing }))
    }

    fn body(&mut self, framing: Framing, sink: &mut dyn Write) -> Result<()> {
        match framing {
            Framing::Length(length) => self.copy(length, sink),
            Framing::Chunked => loop {
                let mut line = String::new();
                self.reader.read_line(&mut line)?;
                let size = line.split(';').next().unwrap_or_default().trim();
                let size = u64::from_str_radix(size, 16).with_context(|| format!("a bad chunk size {line:?}"))?;
                self.copy(size, sink)?;
                line.clear();
                self.reader.read_line(&mut line)?;
                if size == 0 {
                    return Ok(());
                }
            },
        }
    }

    fn copy(&mut self, length: u64, sink: &mut dyn Write) -> Result<()> {
        let copied = std::io::copy(&mut self.reader.by_ref().take(length), sink)?;
        if copied != length {
            bail!("the answer ended after {copied} of {length} bytes");
        }
        Ok(())
    }
}

#[derive(Debug, Clone, Copy)]
enum Framing {
    Length(u64),
    Chunked,
}

/// Percent-encodes a query value.
pub fn encode(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            encoded.push_str(&format!("%{byte:02X}"));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// A server that answers each request on one connection with the next of `answers`.
    fn fake(answers: &'static [&'static str]) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut reader = BufReader::new(stream.try_clone().unwrap());
            for answer in answers {
                let mut line = String::new();
                let mut length = 0;
                loop {
                    line.clear();
                    reader.read_line(&mut line).unwrap();
                    if let Some(text) = line.strip_prefix("content-length: ") {
                        length = text.trim().parse().unwrap();
                    }
                    if line == "\r\n" {
                        break;
                    }
                }
                reader.read_exact(&mut vec![0; length]).unwrap();
                stream.write_all(answer.as_bytes()).unwrap();
            }
        });
        port
    }

    #[test]
    fn one_connection_carries_answers_of_both_framings_in_turn() {
        let port = fake(&[
            "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhello",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nwiki\r\n5;x=y\r\npedia\r\n0\r\n\r\n",
            "HTTP/1.1 204 No Content\r\n\r\n",
            "HTTP/1.1 400 Bad Request\r\ncontent-length: 2\r\n\r\n{}",
        ]);
        let mut connection = Connection::open(port).unwrap();
        assert_eq!(connection.get("/a", "key").unwrap().body, b"hello");
        let mut downloaded = Vec::new();
        assert_eq!(connection.download("/b", "", &mut downloaded).unwrap(), 200);
        assert_eq!(downloaded, b"wikipedia");
        assert_eq!(connection.post("/c", "key", b"{}\n{}\n").unwrap().status, 204);
        assert_eq!(connection.post_json("/d", "key", b"{}").unwrap().status, 400);
    }

    #[test]
    fn an_answer_that_breaks_off_is_an_error() {
        let port = fake(&["HTTP/1.1 200 OK\r\ncontent-length: 50\r\n\r\nshort"]);
        assert!(Connection::open(port).unwrap().get("/", "").is_err());
    }

    #[test]
    fn query_values_are_percent_encoded() {
        assert_eq!(encode("a:==b \"c\"*"), "a%3A%3D%3Db%20%22c%22%2A");
    }
}
