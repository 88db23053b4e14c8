//! Request bodies: read with bounds on size, memory and time, and inflated as they arrive.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use whodid_api::Code;

use super::failure::Failure;

/// Largest request body, as sent and inflated.
pub const BODY_BYTES_MAX: usize = 16 << 20;
/// Largest body of a route that takes a small JSON document.
pub const JSON_BYTES_MAX: usize = 256 << 10;
/// Inflated bytes for each byte sent.
const INFLATION_MAX: usize = 100;
/// Inflated bytes that no ratio is asked for: small bodies of similar lines shrink further.
const INFLATION_FREE_BYTES: usize = 1 << 20;
/// Largest zstd window, as a power of two: 8 MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// The next piece of a body must come within this time.
const PIECE_TIMEOUT: Duration = Duration::from_secs(10);
/// After this time a body must have come at [`RATE_BYTES_S_MIN`] on average.
const RATE_GRACE: Duration = Duration::from_secs(20);
/// Slowest average at which a body may come.
const RATE_BYTES_S_MIN: u64 = 4 << 10;
/// How long a body waits for memory.
const MEMORY_WAIT: Duration = Duration::from_millis(50);
/// Memory is given out in pieces of this size.
const MEMORY_UNIT: usize = 64 << 10;

/// Memory for all bodies that are being read.
#[derive(Debug, Clone)]
pub struct BodyMemory(Arc<Semaphore>);

impl BodyMemory {
    /// Memory of this many bytes.
    pub fn new(bytes: usize) -> Self {
        Self(Arc::new(Semaphore::new((bytes / MEMORY_UNIT).max(1))))
    }
}

/// A body and the memory it holds until it is dropped.
#[derive(Debug)]
pub struct Held {
    /// The bytes, inflated.
    pub bytes: Bytes,
    _memory: Option<OwnedSemaphorePermit>,
}

/// How the body is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Coding {
    Identity,
    Gzip,
    Zstd,
}

fn coding(headers: &HeaderMap) -> Result<Coding, Failure> {
    let mut found = Coding::Identity;
    let mut count = 0;
    for value in headers.get_all(header::CONTENT_ENCODING) {
        let text = value.to_str().unwrap_or("?");
        for name in text.split(',').map(str::trim) {
            count += 1;
            found = match name.to_ascii_lowercase().as_str() {
                "identity" | "" => Coding::Identity,
                "gzip" | "x-gzip" => Coding::Gzip,
                "zstd" => Coding::Zstd,
                _ => {
                    let shown: String = name.chars().take(40).collect();
                    return Err(unsupported(&format!("content encoding {shown:?} is not known")));
                }
            };
        }
    }
    if count > 1 { Err(unsupported("stacked content encodings are not read")) } else { Ok(found) }
}

fn unsupported(what: &str) -> Failure {
    Failure::new(Code::UnsupportedEncoding, format!("{what}; send gzip, zstd or identity"))
}

fn too_large(limit: usize) -> Failure {
    let detail = format!("the body has more than {limit} bytes; split it into smaller requests");
    Failure::new(Code::BodyTooLarge, detail)
}

/// Reads a body of events, inflated, at most [`BODY_BYTES_MAX`] bytes before and after.
pub async fn read(headers: &HeaderMap, body: Body, memory: &BodyMemory) -> Result<Held, Failure> {
    let coding = coding(headers)?;
    refuse_announced(headers, BODY_BYTES_MAX)?;
    let mut inflater = Inflater::new(coding)?;
    let mut held: Option<OwnedSemaphorePermit> = None;
    let mut pieces = Pieces::new(body);
    while let Some(piece) = pieces.next(BODY_BYTES_MAX).await? {
        let before = inflater.written();
        inflater.write(&piece)?;
        let grown = inflater.written() / MEMORY_UNIT + 1 - if held.is_some() { before / MEMORY_UNIT + 1 } else { 0 };
        if grown > 0 {
            let more = acquire(memory, grown).await?;
            match &mut held {
                Some(held) => held.merge(more),
                None => held = Some(more),
            }
        }
    }
    Ok(Held { bytes: Bytes::from(inflater.finish()?), _memory: held })
}

/// Reads a small JSON document into its type. Compressed ones are refused.
pub async fn read_json<T: serde::de::DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, Failure> {
    if !is_json(headers) {
        return Err(Failure::new(Code::UnsupportedMediaType, "send `Content-Type: application/json`"));
    }
    if coding(headers)? != Coding::Identity {
        return Err(unsupported("this route takes no compressed body"));
    }
    refuse_announced(headers, JSON_BYTES_MAX)?;
    let mut pieces = Pieces::new(body);
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next(JSON_BYTES_MAX).await? {
        bytes.extend_from_slice(&piece);
    }
    serde_json::from_slice(&bytes).map_err(|error| Failure::new(Code::BadJson, json_detail(&error)))
}

/// What serde says, without any of the body's own text: a wrong body may hold a secret.
fn json_detail(error: &serde_json::Error) -> String {
    let place = format!("line {} column {}", error.line(), error.column());
    match error.classify() {
        serde_json::error::Category::Data => {
            let text = error.to_string();
            let named =
                ["unknown field", "missing field", "unknown variant"].iter().any(|start| text.starts_with(start));
            if named { text } else { format!("a member has the wrong type at {place}") }
        }
        _ => format!("the body is not JSON at {place}"),
    }
}

/// Whether the body is declared to be JSON.
pub fn is_json(headers: &HeaderMap) -> bool {
    media_type(headers).is_some_and(|kind| kind == "application/json")
}

/// The declared media type without its parameters, in lower case.
pub fn media_type(headers: &HeaderMap) -> Option<String> {
    let text = headers.get(header::CONTENT_TYPE)?.to_str().ok()?;
    Some(text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase())
}

fn refuse_announced(headers: &HeaderMap, limit: usize) -> Result<(), Failure> {
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > limit as u64) { Err(too_large(limit)) } else { Ok(()) }
}

async fn acquire(memory: &BodyMemory, units: usize) -> Result<OwnedSemaphorePermit, Failure> {
    let units = u32::try_from(units).unwrap_or(u32::MAX);
    let wait = tokio::time::timeout(MEMORY_WAIT, Arc::clone(&memory.0).acquire_many_owned(units));
    match wait.await {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(Failure::new(
            Code::Overloaded,
            "too many request bodies are being read at once; nothing was stored, try again",
        )),
    }
}

/// The pieces of a body as they arrive, not too slowly and not too many.
struct Pieces {
    stream: axum::body::BodyDataStream,
    started: Instant,
    bytes: usize,
}

impl Pieces {
    fn new(body: Body) -> Self {
        Self { stream: body.into_data_stream(), started: Instant::now(), bytes: 0 }
    }

    async fn next(&mut self, limit: usize) -> Result<Option<Bytes>, Failure> {
        let piece = match tokio::time::timeout(PIECE_TIMEOUT, self.stream.next()).await {
            Err(_) => return Err(slow("nothing came for 10 s")),
            Ok(None) => return Ok(None),
            Ok(Some(Err(_))) => return Err(Failure::new(Code::InvalidRequest, "the body broke off before its end")),
            Ok(Some(Ok(piece))) => piece,
        };
        self.bytes += piece.len();
        if self.bytes > limit {
            return Err(too_large(limit));
        }
        let elapsed = self.started.elapsed();
        let expected = elapsed.saturating_sub(RATE_GRACE).as_secs() * RATE_BYTES_S_MIN;
        if (self.bytes as u64) < expected {
            return Err(slow("it came at less than 4 KiB a second"));
        }
        Ok(Some(piece))
    }
}

fn slow(why: &str) -> Failure {
    Failure::new(Code::SlowBody, format!("the body came too slowly: {why}; nothing was stored"))
}

/// Where inflated bytes go: a buffer that refuses to grow beyond its bound.
#[derive(Debug, Default)]
struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
    is_over: bool,
}

impl Write for Bounded {
    fn write(&mut self, piece: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + piece.len() > self.limit {
            self.is_over = true;
            return Err(io::Error::other("bound reached"));
        }
        self.bytes.extend_from_slice(piece);
        Ok(piece.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Decoder {
    Identity(Bounded),
    Gzip(Box<flate2::write::MultiGzDecoder<Bounded>>),
    Zstd(Box<zstd::stream::write::Decoder<'static, Bounded>>),
}

struct Inflater {
    decoder: Decoder,
    sent: usize,
}

impl Inflater {
    fn new(coding: Coding) -> Result<Self, Failure> {
        let bounded = Bounded { limit: BODY_BYTES_MAX, ..Bounded::default() };
        let decoder = match coding {
            Coding::Identity => Decoder::Identity(bounded),
            Coding::Gzip => Decoder::Gzip(Box::new(flate2::write::MultiGzDecoder::new(bounded))),
            Coding::Zstd => {
                let mut raw = zstd::stream::raw::Decoder::new()
                    .map_err(|error| Failure::internal("preparing to inflate a body", &error))?;
                raw.set_parameter(zstd::stream::raw::DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))
                    .map_err(|error| Failure::internal("preparing to inflate a body", &error))?;
                Decoder::Zstd(Box::new(zstd::stream::write::Decoder::with_decoder(bounded, raw)))
            }
        };
        Ok(Self { decoder, sent: 0 })
    }

    fn bounded(&mut self) -> &mut Bounded {
        match &mut self.decoder {
            Decoder::Identity(bounded) => bounded,
            Decoder::Gzip(decoder) => decoder.get_mut(),
            Decoder::Zstd(decoder) => decoder.get_mut(),
        }
    }

    fn written(&mut self) -> usize {
        self.bounded().bytes.len()
    }

    fn write(&mut self, piece: &[u8]) -> Result<(), Failure> {
        self.sent += piece.len();
        if !matches!(self.decoder, Decoder::Identity(_)) {
            let by_ratio = INFLATION_FREE_BYTES.max(self.sent.saturating_mul(INFLATION_MAX));
            self.bounded().limit = by_ratio.min(BODY_BYTES_MAX);
        }
        let written = match &mut self.decoder {
            Decoder::Identity(bounded) => bounded.write_all(piece),
            Decoder::Gzip(decoder) => decoder.write_all(piece).and_then(|()| decoder.flush()),
            Decoder::Zstd(decoder) => decoder.write_all(piece).and_then(|()| decoder.flush()),
        };
        written.map_err(|error| self.refuse(&error))
    }

    fn refuse(&mut self, error: &io::Error) -> Failure {
        let bounded = self.bounded();
        if !bounded.is_over {
            return Failure::new(Code::BadEncoding, format!("the compressed body cannot be inflated: {error}"));
        }
        if bounded.limit >= BODY_BYTES_MAX {
            return too_large(BODY_BYTES_MAX);
        }
        let detail =
            format!("the body inflates to more than {INFLATION_MAX} times its size; split it into smaller requests");
        Failure::new(Code::BodyTooLarge, detail)
    }

    fn finish(mut self) -> Result<Vec<u8>, Failure> {
        let finished = match &mut self.decoder {
            Decoder::Gzip(_) if self.sent == 0 => Ok(()),
            Decoder::Zstd(_) if self.sent == 0 => Ok(()),
            Decoder::Identity(_) => Ok(()),
            Decoder::Gzip(decoder) => decoder.try_finish(),
            Decoder::Zstd(decoder) => decoder.do_finish(),
        };
        finished.map_err(|error| self.refuse(&error))?;
        Ok(std::mem::take(&mut self.bounded().bytes))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn headers(pairs: &[(header::HeaderName, &str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (name.clone(), value.parse().unwrap())).collect()
    }

    async fn inflate(encoding: &str, body: Vec<u8>) -> Result<Bytes, Code> {
        let headers = headers(&[(header::CONTENT_ENCODING, encoding)]);
        let held = read(&headers, Body::from(body), &BodyMemory::new(64 << 20)).await;
        held.map(|held| held.bytes).map_err(|failure| failure.code())
    }

    /// Text that does not shrink much.
    fn noise(bytes: usize) -> Vec<u8> {
        let mut state = 7_u64;
        let mut next = || {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (state >> 33) as u8
        };
        (0..bytes).map(|_| next()).collect()
    }

    #[tokio::test]
    async fn every_known_encoding_is_inflated() {
        let plain = noise(300_000);
        assert_eq!(inflate("identity", plain.clone()).await.unwrap(), plain);
        assert_eq!(inflate("gzip", gzip(&plain)).await.unwrap(), plain);
        assert_eq!(inflate("zstd", zstd::encode_all(plain.as_slice(), 1).unwrap()).await.unwrap(), plain);
        let two_members = [gzip(b"one\n"), gzip(b"two\n")].concat();
        assert_eq!(inflate("gzip", two_members).await.unwrap(), "one\ntwo\n");
        assert_eq!(inflate("gzip", Vec::new()).await.unwrap(), "");
    }

    #[tokio::test]
    async fn bombs_are_cut_at_the_ratio_and_at_the_bound() {
        let bomb = vec![b' '; 200 << 20];
        assert_eq!(inflate("gzip", gzip(&bomb)).await, Err(Code::BodyTooLarge));
        assert_eq!(inflate("zstd", zstd::encode_all(bomb.as_slice(), 19).unwrap()).await, Err(Code::BodyTooLarge));
        let large = noise(17 << 20);
        assert_eq!(inflate("zstd", zstd::encode_all(large.as_slice(), 1).unwrap()).await, Err(Code::BodyTooLarge));
        assert_eq!(inflate("identity", large).await, Err(Code::BodyTooLarge));
    }

    #[tokio::test]
    async fn broken_unknown_and_stacked_encodings_are_refused() {
        let plain = noise(100_000);
        let mut cut = gzip(&plain);
        cut.truncate(cut.len() / 2);
        assert_eq!(inflate("gzip", cut).await, Err(Code::BadEncoding));
        let mut cut = zstd::encode_all(plain.as_slice(), 1).unwrap();
        cut.truncate(cut.len() / 2);
        assert_eq!(inflate("zstd", cut).await, Err(Code::BadEncoding));
        assert_eq!(inflate("gzip", b"hello".to_vec()).await, Err(Code::BadEncoding));
        assert_eq!(inflate("br", plain.clone()).await, Err(Code::UnsupportedEncoding));
        assert_eq!(inflate("gzip, gzip", gzip(&gzip(b"x"))).await, Err(Code::UnsupportedEncoding));
    }

    #[tokio::test]
    async fn a_window_that_would_need_much_memory_is_refused() {
        let mut encoder = zstd::Encoder::new(Vec::new(), 19).unwrap();
        encoder.window_log(27).unwrap();
        encoder.write_all(&noise(1 << 20)).unwrap();
        assert_eq!(inflate("zstd", encoder.finish().unwrap()).await, Err(Code::BadEncoding));
    }

    #[tokio::test]
    async fn an_announced_size_is_refused_before_a_byte_is_read() {
        let headers = headers(&[(header::CONTENT_LENGTH, "16777217")]);
        let endless = Body::from_stream(futures::stream::pending::<Result<Bytes, io::Error>>());
        let refused = read(&headers, endless, &BodyMemory::new(1 << 20)).await.unwrap_err();
        assert_eq!(refused.code(), Code::BodyTooLarge);
    }

    #[tokio::test]
    async fn bodies_beyond_the_memory_are_told_to_come_back() {
        let memory = BodyMemory::new(1 << 20);
        let first = read(&HeaderMap::new(), Body::from(vec![b' '; 900_000]), &memory).await.unwrap();
        let second = read(&HeaderMap::new(), Body::from(vec![b' '; 900_000]), &memory).await;
        assert_eq!(second.unwrap_err().code(), Code::Overloaded);
        drop(first);
        assert!(read(&HeaderMap::new(), Body::from(vec![b' '; 900_000]), &memory).await.is_ok());
    }

    #[tokio::test]
    async fn a_wrong_json_body_is_never_quoted() {
        #[derive(Debug, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Token {
            #[allow(dead_code, reason = "only read")]
            token: u32,
        }
        let json = headers(&[(header::CONTENT_TYPE, "application/json; charset=utf-8")]);
        for body in [r#"{"token":"canary"}"#, "canary", r#"{"token":1"#] {
            let refused = read_json::<Token>(&json, Body::from(body)).await.unwrap_err();
            assert_eq!(refused.code(), Code::BadJson);
            assert!(!format!("{refused:?}").contains("canary"), "{refused:?}");
        }
        let refused = read_json::<Token>(&HeaderMap::new(), Body::from("{}")).await.unwrap_err();
        assert_eq!(refused.code(), Code::UnsupportedMediaType);
    }
}
