//! Request bodies: read with bounds on size, memory and time, then inflated.
//!
//! Memory is reserved before it is used, for the body as sent and for what it inflates to. Inflating is work: what
//! is not small goes to threads of its own, so that it does not delay other requests.

use std::io::{self, Read};
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures::StreamExt;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use whodid_api::Code;
use zstd::stream::raw::{self, Operation};

use super::failure::Failure;

/// Largest request body, as sent and inflated.
pub const BODY_BYTES_MAX: usize = 16 << 20;
/// Largest body of a route that takes a small JSON document.
pub const JSON_BYTES_MAX: usize = 256 << 10;
/// Inflated bytes for each byte sent.
const INFLATION_MAX: usize = 100;
/// Inflated bytes that no ratio is asked for: small bodies of similar lines shrink further.
const INFLATION_FREE_BYTES: usize = 1 << 20;
/// Gzip members or zstd frames in one body: each costs time, also an empty one.
const MEMBERS_MAX: usize = 1000;
/// A compressed body up to this size is inflated at once; it takes a few milliseconds at most.
const INFLATED_AT_ONCE_BYTES: usize = 16 << 10;
/// Inflated bytes are taken in pieces of this size.
const PIECE_BYTES: usize = 64 << 10;
/// Largest zstd window, as a power of two: 8 MiB.
const ZSTD_WINDOW_LOG_MAX: u32 = 23;
/// The next piece of a body must come within this time.
const PIECE_TIMEOUT: Duration = Duration::from_secs(10);
/// After this time a body must have come at [`RATE_BYTES_S_MIN`] on average.
const RATE_GRACE: Duration = Duration::from_secs(20);
/// Slowest average at which a body may come.
const RATE_BYTES_S_MIN: u64 = 4 << 10;
/// A body must have come whole after this time.
const BODY_TIMEOUT: Duration = Duration::from_secs(300);
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
    // No more than was announced is reserved ahead.
    let mut sent = Buffer::new(memory, announced(headers).unwrap_or(BODY_BYTES_MAX));
    let mut pieces = Pieces::new(body);
    while let Some(piece) = pieces.next(BODY_BYTES_MAX).await? {
        if let Some(units) = sent.missing(piece.len()) {
            sent.cover(acquire(memory, units).await?);
        }
        sent.push(&piece);
    }
    if coding == Coding::Identity || sent.bytes.is_empty() {
        return Ok(sent.held());
    }
    let plain = Buffer::new(memory, inflated_bytes_max(sent.bytes.len()));
    if sent.bytes.len() <= INFLATED_AT_ONCE_BYTES {
        return inflate(coding, &sent.bytes, plain);
    }
    tokio::task::spawn_blocking(move || inflate(coding, &sent.bytes, plain))
        .await
        .map_err(|error| Failure::internal("inflating a body", &error))?
}

/// Reads a small JSON document into its type. Compressed ones are refused.
pub async fn read_json<T: serde::de::DeserializeOwned>(headers: &HeaderMap, body: Body) -> Result<T, Failure> {
    if !is_json(headers) {
        return Err(Failure::new(Code::UnsupportedMediaType, "send `Content-Type: application/json`"));
    }
    let bytes = read_small(headers, body).await?;
    if holds_nul(&bytes) {
        return Err(Failure::new(Code::BadJson, "a text holds the character U+0000, which no name or text may have"));
    }
    serde_json::from_slice(&bytes).map_err(|error| Failure::new(Code::BadJson, json_detail(&error)))
}

/// Reads a small text of whatever type. Compressed ones are refused.
pub async fn read_text(headers: &HeaderMap, body: Body) -> Result<String, Failure> {
    let text = String::from_utf8(read_small(headers, body).await?).ok();
    let text = text.filter(|text| !text.contains('\0'));
    text.ok_or_else(|| Failure::new(Code::InvalidRequest, "the body is not UTF-8, or holds U+0000"))
}

/// The bytes of a small document, at most [`JSON_BYTES_MAX`].
async fn read_small(headers: &HeaderMap, body: Body) -> Result<Vec<u8>, Failure> {
    if coding(headers)? != Coding::Identity {
        return Err(unsupported("this route takes no compressed body"));
    }
    refuse_announced(headers, JSON_BYTES_MAX)?;
    let mut pieces = Pieces::new(body);
    let mut bytes = Vec::new();
    while let Some(piece) = pieces.next(JSON_BYTES_MAX).await? {
        bytes.extend_from_slice(&piece);
    }
    Ok(bytes)
}

/// Whether a JSON text has a string with U+0000. Not every database can hold one, and nobody means one.
fn holds_nul(json: &[u8]) -> bool {
    memchr::memmem::find_iter(json, br"\u0000").any(|at| {
        let slashes = json[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
        slashes.is_multiple_of(2)
    })
}

/// What serde says, without any of the body's own text: a wrong body may hold a secret.
pub fn json_detail(error: &serde_json::Error) -> String {
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
    if announced(headers).is_some_and(|bytes| bytes > limit) { Err(too_large(limit)) } else { Ok(()) }
}

fn announced(headers: &HeaderMap) -> Option<usize> {
    let bytes: u64 = headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()?;
    Some(usize::try_from(bytes).unwrap_or(usize::MAX))
}

async fn acquire(memory: &BodyMemory, units: u32) -> Result<OwnedSemaphorePermit, Failure> {
    let wait = tokio::time::timeout(MEMORY_WAIT, Arc::clone(&memory.0).acquire_many_owned(units));
    match wait.await {
        Ok(Ok(permit)) => Ok(permit),
        _ => Err(overloaded()),
    }
}

fn overloaded() -> Failure {
    Failure::new(Code::Overloaded, "too many request bodies are being read at once; nothing was stored, try again")
}

/// Bytes with their memory reserved.
#[derive(Debug)]
struct Buffer {
    bytes: Vec<u8>,
    memory: BodyMemory,
    reserved: Option<OwnedSemaphorePermit>,
    /// About the most bytes that will be pushed: growing ahead stops there.
    limit: usize,
}

impl Buffer {
    fn new(memory: &BodyMemory, limit: usize) -> Self {
        Self { bytes: Vec::new(), memory: memory.clone(), reserved: None, limit }
    }

    /// The capacity with which so many more bytes fit: the double, so that a body is copied few times.
    fn capacity_for(&self, more: usize) -> usize {
        let needed = self.bytes.len() + more;
        if needed <= self.bytes.capacity() {
            return self.bytes.capacity();
        }
        needed.max((self.bytes.capacity() * 2).min(self.limit))
    }

    /// Units of memory to be had before so many more bytes are pushed.
    fn missing(&self, more: usize) -> Option<u32> {
        let wanted = self.capacity_for(more).div_ceil(MEMORY_UNIT);
        let had = self.reserved.as_ref().map_or(0, OwnedSemaphorePermit::num_permits);
        u32::try_from(wanted.saturating_sub(had)).ok().filter(|units| *units > 0)
    }

    fn cover(&mut self, permit: OwnedSemaphorePermit) {
        match &mut self.reserved {
            Some(reserved) => reserved.merge(permit),
            None => self.reserved = Some(permit),
        }
    }

    /// The same without waiting.
    fn try_cover(&mut self, more: usize) -> Result<(), Failure> {
        if let Some(units) = self.missing(more) {
            let permit = Arc::clone(&self.memory.0).try_acquire_many_owned(units).map_err(|_| overloaded())?;
            self.cover(permit);
        }
        Ok(())
    }

    fn push(&mut self, piece: &[u8]) {
        let capacity = self.capacity_for(piece.len());
        self.bytes.reserve_exact(capacity - self.bytes.len());
        self.bytes.extend_from_slice(piece);
    }

    fn held(self) -> Held {
        Held { bytes: Bytes::from(self.bytes), _memory: self.reserved }
    }
}

/// The pieces of a body as they arrive, not too slowly and not too many.
struct Pieces {
    stream: axum::body::BodyDataStream,
    started: Instant,
    /// When the whole body must have come.
    until: Instant,
    bytes: usize,
}

impl Pieces {
    fn new(body: Body) -> Self {
        let started = Instant::now();
        Self { stream: body.into_data_stream(), started, until: started + BODY_TIMEOUT, bytes: 0 }
    }

    async fn next(&mut self, limit: usize) -> Result<Option<Bytes>, Failure> {
        let patience = PIECE_TIMEOUT.min(self.until.saturating_duration_since(Instant::now()));
        let piece = match tokio::time::timeout(patience, self.stream.next()).await {
            Err(_) if patience < PIECE_TIMEOUT => return Err(slow("it took more than 5 minutes")),
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

/// Most bytes that a body of this size may inflate to.
fn inflated_bytes_max(sent: usize) -> usize {
    INFLATION_FREE_BYTES.max(sent.saturating_mul(INFLATION_MAX)).min(BODY_BYTES_MAX)
}

fn inflate(coding: Coding, sent: &[u8], mut into: Buffer) -> Result<Held, Failure> {
    match coding {
        Coding::Identity => keep(&mut into, sent)?,
        Coding::Gzip => gunzip(sent, &mut into)?,
        Coding::Zstd => unzstd(sent, &mut into)?,
    }
    Ok(into.held())
}

fn keep(into: &mut Buffer, piece: &[u8]) -> Result<(), Failure> {
    if into.bytes.len() + piece.len() > into.limit {
        if into.limit >= BODY_BYTES_MAX {
            return Err(too_large(BODY_BYTES_MAX));
        }
        let detail =
            format!("the body inflates to more than {INFLATION_MAX} times its size; split it into smaller requests");
        return Err(Failure::new(Code::BodyTooLarge, detail));
    }
    into.try_cover(piece.len())?;
    into.push(piece);
    Ok(())
}

fn broken(why: &dyn std::fmt::Display) -> Failure {
    Failure::new(Code::BadEncoding, format!("the compressed body cannot be inflated: {why}"))
}

/// One more member has begun.
fn count_member(members: &mut usize) -> Result<(), Failure> {
    *members += 1;
    if *members > MEMBERS_MAX {
        return Err(broken(&format_args!("it has more than {MEMBERS_MAX} members")));
    }
    Ok(())
}

fn gunzip(sent: &[u8], into: &mut Buffer) -> Result<(), Failure> {
    let mut piece = vec![0; PIECE_BYTES];
    let mut members = 0;
    let mut rest = sent;
    while !rest.is_empty() {
        count_member(&mut members)?;
        let mut member = flate2::bufread::GzDecoder::new(rest);
        loop {
            let count = member.read(&mut piece).map_err(|error| broken(&error))?;
            if count == 0 {
                break;
            }
            keep(into, &piece[..count])?;
        }
        rest = member.into_inner();
    }
    Ok(())
}

fn unzstd(sent: &[u8], into: &mut Buffer) -> Result<(), Failure> {
    let prepared = |error: io::Error| Failure::internal("preparing to inflate a body", &error);
    let mut decoder = raw::Decoder::new().map_err(prepared)?;
    decoder.set_parameter(raw::DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX)).map_err(prepared)?;
    let mut piece = vec![0; PIECE_BYTES];
    let mut members = 0;
    let mut input = raw::InBuffer::around(sent);
    loop {
        let mut output = raw::OutBuffer::around(piece.as_mut_slice());
        let wanted = decoder.run(&mut input, &mut output).map_err(|error| broken(&error))?;
        let count = output.pos();
        keep(into, &piece[..count])?;
        let is_read = input.pos() == sent.len();
        if wanted == 0 {
            count_member(&mut members)?;
            if is_read {
                return Ok(());
            }
        } else if is_read && count < PIECE_BYTES {
            // Nothing more comes out, and a frame is open.
            return Err(broken(&"it ends too early"));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use std::io::Write;

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
    async fn members_without_content_are_not_inflated_for_ever() {
        let (gz, zst) = (gzip(b""), zstd::encode_all(&b""[..], 1).unwrap());
        assert_eq!(inflate("gzip", gz.repeat(MEMBERS_MAX)).await.unwrap(), "");
        assert_eq!(inflate("zstd", zst.repeat(MEMBERS_MAX)).await.unwrap(), "");
        assert_eq!(inflate("gzip", gz.repeat(BODY_BYTES_MAX / gz.len())).await, Err(Code::BadEncoding));
        assert_eq!(inflate("zstd", zst.repeat(BODY_BYTES_MAX / zst.len())).await, Err(Code::BadEncoding));
    }

    #[tokio::test]
    async fn memory_is_reserved_before_a_body_is_inflated_into_it() {
        let plain = noise(4).repeat(1 << 20);
        let small = zstd::encode_all(plain.as_slice(), 1).unwrap();
        let encoded = headers(&[(header::CONTENT_ENCODING, "zstd")]);
        let memory = BodyMemory::new(1 << 20);
        let refused = read(&encoded, Body::from([small, noise(60_000)].concat()), &memory).await.unwrap_err();
        assert_eq!(refused.code(), Code::Overloaded);
        // Nothing stays reserved, and what is read holds as much as it may use.
        assert_eq!(memory.0.available_permits(), 16);
        let held = read(&HeaderMap::new(), Body::from(vec![b' '; 100_000]), &memory).await.unwrap();
        assert_eq!((held.bytes.len(), memory.0.available_permits()), (100_000, 14));
    }

    #[tokio::test]
    async fn a_body_that_trickles_for_ever_is_given_up() {
        let endless = Body::from_stream(futures::stream::pending::<Result<Bytes, io::Error>>());
        let mut pieces = Pieces { until: Instant::now(), ..Pieces::new(endless) };
        assert_eq!(pieces.next(100).await.unwrap_err().code(), Code::SlowBody);
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
