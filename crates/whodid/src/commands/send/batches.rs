//! From inputs to batches: lines as they are, documents taken apart, each cut at fixed sizes from the start.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde::de::IgnoredAny;
use serde_json::error::Category;
use serde_json::value::RawValue;
use sha2::{Digest, Sha256};

use super::document::{DocumentEnd, read_document};
use super::inputs::Input;
use super::resume::{Delivery, Mark, Memory, Stamp};

/// A batch is full at this size.
const BATCH_BYTES: usize = 1 << 20;
/// A batch is full at this number of events; the server takes no more.
const BATCH_EVENTS_MAX: usize = 10_000;
/// Largest body that the server takes.
const BODY_BYTES_MAX: usize = 16 << 20;
/// Largest event that can be sent: with its line end, or within brackets.
const EVENT_BYTES_MAX: usize = BODY_BYTES_MAX - 2;
/// Largest JSON document over several lines that is read whole.
pub const DOCUMENT_BYTES_MAX: usize = 256 << 20;

/// How the events of a batch stand in its body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// One a line.
    Lines,
    /// Elements of one JSON array.
    Array,
    /// A document that only the server takes apart.
    Whole,
}

/// An event in a batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Piece {
    /// The line it begins on, from 1; in a document its position, from 1.
    pub place: u64,
    /// Where it ends in the body.
    end: usize,
}

/// Events of one input that travel together.
#[derive(Debug, Clone)]
pub struct Batch {
    /// What they are part of.
    pub delivery: Arc<Delivery>,
    /// The input, for people.
    pub input: String,
    /// Which batch of the input, from 0.
    pub index: u64,
    /// Which half of which half, where the batch was too large for the server.
    half: String,
    /// What is sent.
    pub body: Vec<u8>,
    pub pieces: Vec<Piece>,
    pub shape: Shape,
    /// Whether it was cut because it was full, so that it stays the same when the input grows.
    pub is_full: bool,
}

impl Batch {
    pub fn idempotency_key(&self, format: &str) -> String {
        let mut hash = Sha256::new();
        for text in [format, &self.delivery.id, &self.half] {
            hash.update(text.as_bytes());
            hash.update([0]);
        }
        hash.update(self.index.to_le_bytes());
        hash.update(&self.body);
        format!("send2-{}", data_encoding::HEXLOWER.encode(&hash.finalize()))
    }

    /// Where the event with this index in the reply stands.
    pub fn place(&self, index: usize, events: usize) -> String {
        let word = if self.shape == Shape::Lines { "line" } else { "event" };
        let first = self.pieces.first().map_or(1, |piece| piece.place);
        match self.pieces.get(index) {
            Some(piece) if events == self.pieces.len() => format!("{}: {word} {}", self.input, piece.place),
            _ => format!("{}: event {} after {word} {first}", self.input, index + 1),
        }
    }

    /// Where the batch begins.
    pub fn first_place(&self) -> String {
        self.place(0, self.pieces.len())
    }

    /// The two halves; `None` for a batch that cannot be divided.
    pub fn halves(&self) -> Option<[Self; 2]> {
        if self.pieces.len() < 2 || self.shape == Shape::Whole {
            return None;
        }
        let (one, two) = self.pieces.split_at(self.pieces.len() / 2);
        let middle = one.last()?.end;
        let (mut first, mut second) = (self.body[..middle].to_vec(), self.body[middle..].to_vec());
        if self.shape == Shape::Array {
            first.push(b']');
            // The comma between the two.
            second[0] = b'[';
        }
        let half = |name: char, body: Vec<u8>, pieces: &[Piece], before: usize| Self {
            half: format!("{}{name}", self.half),
            body,
            pieces: pieces.iter().map(|piece| Piece { end: piece.end - before, ..*piece }).collect(),
            ..self.clone()
        };
        Some([half('a', first, one, 0), half('b', second, two, middle)])
    }
}

/// What reading an input gives.
#[derive(Debug)]
pub enum Item {
    /// Batches that an earlier run sent.
    Sent(Mark),
    /// A batch to be sent.
    Batch(Box<Batch>),
    /// An event that is too long to be sent.
    TooLong(String),
}

/// Why reading ends before its end.
#[derive(Debug)]
pub enum Stop {
    /// The sending side has ended.
    Gone,
    /// The input is not what was remembered of it.
    Differs,
    Failed(anyhow::Error),
}

impl From<io::Error> for Stop {
    fn from(error: io::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// Reads inputs and hands over what they hold.
pub struct Reader<'a> {
    pub memory: &'a Memory,
    pub resume_id: Option<&'a str>,
    /// Whether to send what was sent before as well.
    pub again: bool,
    /// Bytes read so far.
    pub read: Arc<AtomicU64>,
    /// Takes what was read; false when nobody wants more.
    pub hand_over: &'a dyn Fn(Item) -> bool,
}

impl Reader<'_> {
    /// Reads one input, going on where an earlier run stopped.
    pub fn input(&self, input: &Input) -> Result<(), Stop> {
        let delivery = self.delivery(input)?;
        let remembered = if self.again { None } else { delivery.remembered() };
        let Some((earlier, mark)) = remembered else {
            return self.batches(input, delivery, Mark::default());
        };
        match self.batches(input, earlier, mark) {
            Err(Stop::Differs) if input.path.is_some() => self.batches(input, delivery, Mark::default()),
            Err(Stop::Differs) => Err(Stop::Failed(anyhow::anyhow!(
                "standard input differs from what was sent with this --resume-id before; give another id"
            ))),
            ended => ended,
        }
    }

    fn delivery(&self, input: &Input) -> io::Result<Delivery> {
        let Some(path) = &input.path else { return Ok(Delivery::of_pipe(self.memory, self.resume_id)) };
        let metadata = std::fs::metadata(path)?;
        if !metadata.is_file() {
            // A named pipe or a device: what comes out is new each time.
            return Ok(Delivery::of_pipe(self.memory, None));
        }
        let place = path.canonicalize()?;
        let make = if self.again { Delivery::again } else { Delivery::of_file };
        Ok(make(self.memory, &place.to_string_lossy(), Stamp::of(&metadata)))
    }

    /// Reads the input from its start; the batches up to the mark are compared and not handed over.
    fn batches(&self, input: &Input, delivery: Delivery, mark: Mark) -> Result<(), Stop> {
        let source: Box<dyn Read + Send> = match &input.path {
            Some(path) => Box::new(File::open(path)?),
            None => Box::new(io::stdin()),
        };
        let counted = Counted { inner: source, read: Arc::clone(&self.read) };
        let mut lines = BufReader::with_capacity(256 << 10, inflated(counted)?);
        let mut outlet = Outlet { reader: self, compared: Mark::default(), mark, too_long: Vec::new() };
        let mut batcher = Batcher::new(input.name.clone(), Arc::new(delivery));
        let mut line = Vec::new();
        let mut number = 0;
        // A line that was read as a part of a broken document and begins another.
        let mut again: Option<Vec<u8>> = None;
        loop {
            line.clear();
            let kind_of_line = match again.take() {
                Some(read) => {
                    line = read;
                    Line::Whole
                }
                None => read_line(&mut lines, &mut line)?,
            };
            if line.is_empty() && kind_of_line == Line::Whole {
                break;
            }
            number += 1;
            if let Line::TooLong { is_document } = kind_of_line {
                if is_document && batcher.is_untouched() {
                    return Err(too_large_document());
                }
                batcher.too_long.push(format!("{}: line {number}", input.name));
                outlet.pass_on(&mut batcher)?;
                continue;
            }
            let text = trim(&line);
            if text.is_empty() {
                continue;
            }
            if is_beginning(text) {
                let mut document = std::mem::take(&mut line);
                let end = read_document(&mut lines, &mut document)?;
                if end == DocumentEnd::TooLong && batcher.is_untouched() {
                    return Err(too_large_document());
                }
                let whole = if let DocumentEnd::Other { begins_at } = end {
                    again = Some(document.split_off(begins_at));
                    false
                } else {
                    end == DocumentEnd::Whole
                };
                let lines_of_it = document.iter().filter(|byte| **byte == b'\n').count() as u64;
                if whole && (batcher.is_untouched() || is_list(trim(&document))) {
                    batcher.document(&document);
                } else if whole {
                    batcher.line(trim(&document), number);
                } else {
                    for (place, text) in (number..).zip(document.split(|byte| *byte == b'\n')) {
                        if !text.trim_ascii().is_empty() {
                            batcher.line(without_end(text), place);
                        }
                    }
                }
                let ends_within_a_line = !document.ends_with(b"\n");
                number += (lines_of_it + u64::from(ends_within_a_line)).saturating_sub(1);
            } else if is_list(text) {
                batcher.document(text);
            } else {
                batcher.line(without_end(&line), number);
            }
            outlet.pass_on(&mut batcher)?;
        }
        batcher.cut(Shape::Lines, false);
        outlet.pass_on(&mut batcher)?;
        outlet.end()
    }
}

fn too_large_document() -> Stop {
    let bound = DOCUMENT_BYTES_MAX >> 20;
    Stop::Failed(anyhow::anyhow!(
        "it is one JSON document of more than {bound} MiB; write its events one a line, for instance with `jq -c '.[]'`, and send that"
    ))
}

/// Lets batches through after those that were sent before.
struct Outlet<'a> {
    reader: &'a Reader<'a>,
    /// What was read of the batches sent before.
    compared: Mark,
    /// Up to where it was sent before.
    mark: Mark,
    /// Told only when it is sure that the input is what was remembered.
    too_long: Vec<String>,
}

impl Outlet<'_> {
    fn is_comparing(&self) -> bool {
        self.compared.batches < self.mark.batches
    }

    fn hand_over(&self, item: Item) -> Result<(), Stop> {
        if (self.reader.hand_over)(item) { Ok(()) } else { Err(Stop::Gone) }
    }

    fn pass_on(&mut self, batcher: &mut Batcher) -> Result<(), Stop> {
        for batch in batcher.done.drain(..) {
            if !self.is_comparing() {
                self.hand_over(Item::Batch(Box::new(batch)))?;
                continue;
            }
            self.compared.hash = self.compared.hash_with(&batch.body);
            self.compared.batches += 1;
            if !self.is_comparing() {
                if self.compared.hash != self.mark.hash {
                    return Err(Stop::Differs);
                }
                self.hand_over(Item::Sent(self.mark.clone()))?;
            }
        }
        self.too_long.append(&mut batcher.too_long);
        if !self.is_comparing() {
            for place in std::mem::take(&mut self.too_long) {
                self.hand_over(Item::TooLong(place))?;
            }
        }
        Ok(())
    }

    fn end(&self) -> Result<(), Stop> {
        if self.is_comparing() { Err(Stop::Differs) } else { Ok(()) }
    }
}

/// Why a text is no JSON; `None` when it is.
pub fn kind(text: &[u8]) -> Option<Category> {
    serde_json::from_slice::<IgnoredAny>(text).err().map(|error| error.classify())
}

/// Whether a first line is the beginning of a document over many lines.
fn is_beginning(text: &[u8]) -> bool {
    matches!(text[0], b'[' | b'{') && kind(text) == Some(Category::Eof)
}

/// A line without what ends it, and without the mark that some files begin with.
fn without_end(line: &[u8]) -> &[u8] {
    let line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
    let line = line.strip_suffix(b"\n").unwrap_or(line);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// Whether a line is a document that is to be taken apart: a list, or a large document with one.
fn is_list(text: &[u8]) -> bool {
    match text[0] {
        b'[' => true,
        b'{' => elements(text).is_some() || (text.len() > 2 * BATCH_EVENTS_MAX && large_container(text).is_some()),
        _ => false,
    }
}

/// What the next line is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Line {
    Whole,
    /// Too long, and passed over.
    TooLong {
        /// Whether it begins as a document does.
        is_document: bool,
    },
}

/// Reads up to and with the next line end. A line that begins as a document may be as long as one.
fn read_line(reader: &mut impl BufRead, line: &mut Vec<u8>) -> io::Result<Line> {
    let mut kind = Line::Whole;
    let mut limit = EVENT_BYTES_MAX;
    loop {
        let room = (limit + 2 - line.len()) as u64;
        let read = reader.by_ref().take(room).read_until(b'\n', line)?;
        if read == 0 || line.ends_with(b"\n") {
            return Ok(kind);
        }
        if line.len() <= limit {
            continue;
        }
        let is_document = matches!(trim(line).first(), Some(b'[' | b'{'));
        if kind == Line::Whole && is_document && limit == EVENT_BYTES_MAX {
            limit = DOCUMENT_BYTES_MAX;
            continue;
        }
        if kind == Line::Whole {
            kind = Line::TooLong { is_document };
        }
        limit = EVENT_BYTES_MAX;
        line.clear();
    }
}

pub fn trim(line: &[u8]) -> &[u8] {
    line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line).trim_ascii()
}

/// The elements of a JSON array or of a `{"Records": […]}` document.
fn elements(document: &[u8]) -> Option<Vec<&RawValue>> {
    #[derive(serde::Deserialize)]
    struct Records<'a> {
        #[serde(rename = "Records", borrow)]
        records: Vec<&'a RawValue>,
    }
    if document.first() == Some(&b'[') {
        return serde_json::from_slice(document).ok();
    }
    // Most lines are one event; look for the word before parsing.
    let has_word = document.windows(9).take(64).any(|window| window == b"\"Records\"");
    if has_word { serde_json::from_slice::<Records<'_>>(document).ok().map(|document| document.records) } else { None }
}

/// A document with a list that is too large for one request: what stands before the list's elements, the
/// elements, and what stands after them. `None` when it can be sent whole, or has no list.
fn large_container(document: &[u8]) -> Option<(&[u8], Vec<&RawValue>, &[u8])> {
    let members: std::collections::BTreeMap<String, &RawValue> = serde_json::from_slice(document).ok()?;
    let list = members.values().filter(|value| value.get().starts_with('[')).max_by_key(|value| value.get().len())?;
    let elements: Vec<&RawValue> = serde_json::from_str(list.get()).ok()?;
    if document.len() < BODY_BYTES_MAX && elements.len() <= BATCH_EVENTS_MAX {
        return None;
    }
    // The list's text is a part of the document's.
    let start = list.get().as_ptr() as usize - document.as_ptr() as usize;
    let (before, after) = (document.get(..start)?, document.get(start + list.get().len()..)?);
    (before.len() + after.len() < BATCH_BYTES).then_some((before, elements, after))
}

/// Cuts one input into batches.
struct Batcher {
    input: String,
    delivery: Arc<Delivery>,
    next_index: u64,
    body: Vec<u8>,
    pieces: Vec<Piece>,
    done: Vec<Batch>,
    /// Places of what is too long to be sent.
    too_long: Vec<String>,
}

impl Batcher {
    fn new(input: String, delivery: Arc<Delivery>) -> Self {
        Self {
            input,
            delivery,
            next_index: 0,
            body: Vec::new(),
            pieces: Vec::new(),
            done: Vec::new(),
            too_long: Vec::new(),
        }
    }

    fn is_untouched(&self) -> bool {
        self.next_index == 0 && self.pieces.is_empty()
    }

    fn line(&mut self, text: &[u8], number: u64) {
        if text.len() > EVENT_BYTES_MAX {
            self.too_long.push(format!("{}: line {number}", self.input));
            return;
        }
        if self.is_full(text.len()) {
            self.cut(Shape::Lines, true);
        }
        self.body.extend_from_slice(text);
        self.body.push(b'\n');
        self.end_piece(number);
    }

    fn document(&mut self, document: &[u8]) {
        self.cut(Shape::Lines, false);
        let document = trim(document);
        if let Some(elements) = elements(document) {
            self.elements(b"", &elements, b"");
        } else if let Some((before, elements, after)) = large_container(document) {
            self.elements(before, &elements, after);
        } else if document.len() > EVENT_BYTES_MAX {
            self.too_long.push(format!("{}: the document", self.input));
        } else {
            // Some other wrapper: the server takes it apart.
            self.body.extend_from_slice(document);
            self.end_piece(1);
            self.cut(Shape::Whole, false);
        }
    }

    /// Elements of a list with what stands around the list, which goes with every batch.
    fn elements(&mut self, before: &[u8], elements: &[&RawValue], after: &[u8]) {
        let shape = if before.is_empty() { Shape::Array } else { Shape::Whole };
        let close = |batcher: &mut Self, is_full: bool| {
            if !batcher.pieces.is_empty() {
                batcher.body.push(b']');
                batcher.body.extend_from_slice(after);
                batcher.cut(shape, is_full);
            }
        };
        for (place, element) in (1..).zip(elements) {
            let text = element.get().as_bytes();
            if text.len() + before.len() + after.len() > EVENT_BYTES_MAX {
                self.too_long.push(format!("{}: event {place}", self.input));
                continue;
            }
            if self.is_full(text.len() + before.len() + after.len()) {
                close(self, true);
            }
            if self.pieces.is_empty() {
                self.body.extend_from_slice(before);
            }
            self.body.push(if self.pieces.is_empty() { b'[' } else { b',' });
            self.body.extend_from_slice(text);
            self.end_piece(place);
        }
        close(self, false);
    }

    fn end_piece(&mut self, place: u64) {
        self.pieces.push(Piece { place, end: self.body.len() });
    }

    fn is_full(&self, more: usize) -> bool {
        !self.pieces.is_empty() && (self.body.len() + more + 1 > BATCH_BYTES || self.pieces.len() == BATCH_EVENTS_MAX)
    }

    fn cut(&mut self, shape: Shape, is_full: bool) {
        if self.pieces.is_empty() {
            return;
        }
        self.done.push(Batch {
            delivery: Arc::clone(&self.delivery),
            input: self.input.clone(),
            index: self.next_index,
            half: String::new(),
            body: std::mem::take(&mut self.body),
            pieces: std::mem::take(&mut self.pieces),
            shape,
            is_full,
        });
        self.next_index += 1;
    }
}

/// Counts what is read, for the progress bar.
struct Counted<R> {
    inner: R,
    read: Arc<AtomicU64>,
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(into)?;
        self.read.fetch_add(count as u64, Relaxed);
        Ok(count)
    }
}

/// The plain bytes, whatever compression the first bytes tell.
fn inflated<R: Read + Send + 'static>(source: R) -> io::Result<Box<dyn Read + Send>> {
    let mut buffered = BufReader::with_capacity(64 << 10, source);
    let head = buffered.fill_buf()?;
    if head.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(flate2::bufread::MultiGzDecoder::new(buffered)));
    }
    if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        return Ok(Box::new(zstd::Decoder::with_buffer(buffered)?));
    }
    Ok(Box::new(buffered))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::cell::RefCell;
    use std::path::Path;

    use super::*;

    /// What reading a file gives, and the ends of its delivery's batches acknowledged.
    fn read(memory: &Memory, path: &Path) -> Result<Vec<Item>, Stop> {
        let items = RefCell::new(Vec::new());
        let hand_over = |item| {
            if let Item::Batch(batch) = &item {
                let events = batch.pieces.len() as u64;
                let sent = super::super::resume::Sent { events, ..Default::default() };
                batch.delivery.acknowledge(&batch.body, batch.is_full, &sent);
            }
            items.borrow_mut().push(item);
            true
        };
        let reader = Reader { memory, resume_id: None, again: false, read: Arc::default(), hand_over: &hand_over };
        reader.input(&Input { path: Some(path.to_owned()), name: "input".to_owned(), trouble: None })?;
        Ok(items.into_inner())
    }

    fn batches(text: &[u8]) -> Vec<Batch> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input");
        std::fs::write(&path, text).unwrap();
        let items = read(&Memory::in_folder(&folder.path().join("sent")), &path).unwrap();
        items.into_iter().filter_map(|item| if let Item::Batch(batch) = item { Some(*batch) } else { None }).collect()
    }

    fn places(batch: &Batch) -> Vec<u64> {
        batch.pieces.iter().map(|piece| piece.place).collect()
    }

    fn check(text: &[u8], expected: &[(&str, &[u64], Shape)]) {
        let found = batches(text);
        let places: Vec<_> = found.iter().map(places).collect();
        let found: Vec<_> = found
            .iter()
            .zip(&places)
            .map(|(batch, places)| (std::str::from_utf8(&batch.body).unwrap(), places.as_slice(), batch.shape))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn lines_are_sent_as_they_are_and_blank_ones_are_left_out() {
        let lines = "{\"a\":1}\n{\"a\":2}\nnonsense\n";
        check(b"{\"a\":1}\n\n  \r\n{\"a\":2}\r\nnonsense", &[(lines, &[1, 4, 5], Shape::Lines)]);
        check(b"", &[]);
        check(b"broken\n{\"a\":1}", &[("broken\n{\"a\":1}\n", &[1, 2], Shape::Lines)]);
        check(b"{broken\n{\"a\":1}\n", &[("{broken\n{\"a\":1}\n", &[1, 2], Shape::Lines)]);
        check(b"{\"cut\":\n{\"a\":1}\n", &[("{\"cut\":\n{\"a\":1}\n", &[1, 2], Shape::Lines)]);
    }

    #[test]
    fn documents_over_several_lines_stay_verbatim_and_whole_at_the_borders_of_batches() {
        let two = "{\n  \"a\": [\n    {\n      \"b\": 1\n    }\n  ]\n}";
        let text: String = std::iter::repeat_n(format!("{two}\n"), 2 * BATCH_EVENTS_MAX).collect();
        let found = batches(text.as_bytes());
        let bodies: Vec<u8> = found.iter().flat_map(|batch| [batch.body.trim_ascii_end(), b"\n"].concat()).collect();
        assert!(bodies == text.as_bytes(), "every byte in its order");
        for batch in &found {
            assert_eq!(batch.body.trim_ascii_end().iter().filter(|byte| **byte == b'a').count(), batch.pieces.len());
            assert!(batch.body.starts_with(b"{\n  \"a\"") && batch.body.trim_ascii_end().ends_with(b"\n}"));
        }
        assert_eq!(places(&found[1])[..2], [8, 15]);
        // A document that was cut off takes no other with it.
        let cut = "{\n  \"a\": 1,\n";
        let text = format!("{two}\n{cut}{two}\n{{\"c\":1}}\n");
        let found = batches(text.as_bytes());
        assert_eq!(places(&found[1]), [8, 9, 10, 17]);
        check(b"  indented \t\nplain\n", &[("  indented \t\nplain\n", &[1, 2], Shape::Lines)]);
    }

    #[test]
    fn documents_are_taken_apart_and_their_elements_stay_verbatim() {
        check(b"[\n {\"a\": 1},\n {\"b\":2}\n]\n", &[("[{\"a\": 1},{\"b\":2}]", &[1, 2], Shape::Array)]);
        check(b"{\"Records\":[{\"a\":1},{\"a\":2}]}", &[("[{\"a\":1},{\"a\":2}]", &[1, 2], Shape::Array)]);
        check(b"{\n\"Records\":[{\"a\":1}]}", &[("[{\"a\":1}]", &[1], Shape::Array)]);
        check(b"{\n\"kind\":\"EventList\"}", &[("{\n\"kind\":\"EventList\"}", &[1], Shape::Whole)]);
        check(b"{\"a\":1}\n[{\"b\":1}]\n", &[("{\"a\":1}\n", &[1], Shape::Lines), ("[{\"b\":1}]", &[1], Shape::Array)]);
    }

    #[test]
    fn a_container_beyond_the_bounds_is_sent_in_parts_that_are_containers() {
        let item = format!("{{\"a\":\"{}\"}}", "x".repeat(3000));
        for separator in ["", "\n"] {
            let text = format!(
                "{{\"kind\":\"EventList\",{separator}\"items\":[{}],{separator}\"metadata\":{{}}}}",
                vec![item.as_str(); 6000].join(",")
            );
            let found = batches(text.as_bytes());
            assert!(found.len() > 17 && found.iter().all(|batch| batch.body.len() <= BATCH_BYTES));
            let mut items = 0;
            for batch in &found {
                let part: serde_json::Value = serde_json::from_slice(&batch.body).unwrap();
                assert_eq!((&part["kind"], &part["metadata"]), (&"EventList".into(), &serde_json::json!({})));
                items += part["items"].as_array().unwrap().len();
            }
            assert_eq!(items, 6000);
        }
        let many = format!("{{\"items\":[{}]}}", vec!["{}"; 10_001].join(","));
        assert_eq!(batches(many.as_bytes()).iter().map(|batch| batch.pieces.len()).collect::<Vec<_>>(), [10_000, 1]);
        let few = format!("{{\"items\":[{}]}}", vec!["{}"; 10_000].join(","));
        assert_eq!(batches(few.as_bytes()).len(), 1);
    }

    #[test]
    fn a_batch_is_cut_at_its_size_and_its_number_of_events() {
        let small = "{}\n".repeat(25_000);
        let sizes: Vec<_> = batches(small.as_bytes()).iter().map(|batch| batch.pieces.len()).collect();
        assert_eq!(sizes, [10_000, 10_000, 5_000]);
        let large = format!("{{\"a\":\"{}\"}}\n", "x".repeat(300_000)).repeat(7);
        let found = batches(large.as_bytes());
        assert_eq!(found.iter().map(|batch| batch.pieces.len()).collect::<Vec<_>>(), [3, 3, 1]);
        assert!(found.iter().all(|batch| batch.body.len() <= BATCH_BYTES));
        // Two equal batches of one file are two batches.
        assert_ne!(found[0].idempotency_key("auto"), found[1].idempotency_key("auto"));
    }

    #[test]
    fn a_batch_that_is_too_large_for_the_server_is_halved() {
        let halves = |text: &[u8]| {
            let [one, two] = batches(text)[0].halves().unwrap();
            assert_ne!(one.idempotency_key("auto"), two.idempotency_key("auto"));
            let text = |batch: &Batch| (String::from_utf8(batch.body.clone()).unwrap(), places(batch));
            (text(&one), text(&two), two)
        };
        let (one, two, rest) = halves(b"{\"a\":1}\n\n{\"a\":2}\n{\"a\":3}\n");
        assert_eq!(one, ("{\"a\":1}\n".to_owned(), vec![1]));
        assert_eq!(two, ("{\"a\":2}\n{\"a\":3}\n".to_owned(), vec![3, 4]));
        assert_eq!(rest.halves().unwrap()[1].body, b"{\"a\":3}\n");
        let (one, two, rest) = halves(b"[1,2,3]");
        assert_eq!((one.0.as_str(), two.0.as_str()), ("[1]", "[2,3]"));
        let quarters = rest.halves().unwrap();
        assert_eq!((&*quarters[0].body, &*quarters[1].body), (&b"[2]"[..], &b"[3]"[..]));
        assert!(quarters[0].halves().is_none());
        assert!(batches(b"{\"kind\":[1,2]}")[0].halves().is_none());
    }

    #[test]
    fn an_input_is_gone_on_with_exactly_where_it_stopped() {
        let folder = tempfile::tempdir().unwrap();
        let (memory, path) = (Memory::in_folder(&folder.path().join("sent")), folder.path().join("input"));
        let told = || -> Vec<(bool, u64)> {
            let items = read(&memory, &path).unwrap();
            let tell = |item: &Item| match item {
                Item::Sent(mark) => (false, mark.events),
                Item::Batch(batch) => (true, batch.pieces.len() as u64),
                Item::TooLong(place) => panic!("{place}"),
            };
            items.iter().map(tell).collect()
        };
        let text = "{\"n\":1}\n".repeat(25_000);
        std::fs::write(&path, &text).unwrap();
        assert_eq!(told(), [(true, 10_000), (true, 10_000), (true, 5_000)]);
        assert_eq!(told(), [(false, 25_000)]);
        // Grown: the batches that were full stay.
        std::fs::write(&path, format!("{text}{text}")).unwrap();
        assert_eq!(told(), [(false, 20_000), (true, 10_000), (true, 10_000), (true, 10_000)]);
        // Written anew, also where it is longer: everything is new.
        std::fs::write(&path, format!("{{\"n\":2}}\n{text}{text}")).unwrap();
        assert_eq!(told().iter().filter(|(is_new, _)| *is_new).map(|(_, events)| events).sum::<u64>(), 50_001);
    }

    #[test]
    fn a_document_that_is_too_large_to_be_read_whole_is_refused_and_not_sent_line_by_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input");
        for line in ["\n", ""] {
            let element = format!("{{\"a\":\"{}\"}},{line}", "x".repeat(1 << 20));
            std::fs::write(&path, format!("[{line}{}", element.repeat(258))).unwrap();
            let Err(Stop::Failed(error)) = read(&Memory::in_folder(&folder.path().join("sent")), &path) else {
                panic!("it was read");
            };
            assert!(error.to_string().contains("256 MiB"), "{error}");
        }
    }

    #[test]
    fn compressed_files_are_inflated() {
        use std::io::Write;
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(b"{\"a\":1}\n").unwrap();
        check(&gz.finish().unwrap(), &[("{\"a\":1}\n", &[1], Shape::Lines)]);
        check(&zstd::encode_all(&b"{\"a\":1}\n"[..], 1).unwrap(), &[("{\"a\":1}\n", &[1], Shape::Lines)]);
    }

    #[test]
    fn an_event_that_cannot_be_sent_is_passed_over_and_its_neighbours_are_sent() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("input");
        let told = |text: &[u8]| -> Vec<String> {
            std::fs::write(&path, text).unwrap();
            let items = read(&Memory::in_folder(&folder.path().join("sent")), &path).unwrap();
            let tell = |item: Item| match item {
                Item::TooLong(place) => place,
                Item::Batch(batch) if batch.body.len() > 100 => format!("{} bytes", batch.body.len()),
                Item::Batch(batch) => String::from_utf8(batch.body).unwrap(),
                Item::Sent(mark) => panic!("{mark:?}"),
            };
            items.into_iter().map(tell).collect()
        };
        let long = |bytes: usize| format!("\"{}\"", "x".repeat(bytes - 2));
        assert_eq!(told(format!("1\n{}\n2\n", long(EVENT_BYTES_MAX + 1)).as_bytes()), ["input: line 2", "1\n2\n"]);
        assert_eq!(told(long(BODY_BYTES_MAX + 500).as_bytes()), ["input: line 1"]);
        let object = format!("{{\"a\":{}}}", long(BODY_BYTES_MAX));
        assert_eq!(told(format!("{object}\n1\n").as_bytes()), ["input: line 1", "1\n"]);
        // The longest that goes: with its line end it is within the server's bound.
        assert_eq!(told(long(EVENT_BYTES_MAX).as_bytes()), [format!("{} bytes", EVENT_BYTES_MAX + 1)]);
        assert_eq!(told(format!("[1,{},2]", long(EVENT_BYTES_MAX + 1)).as_bytes()), ["[1,2]", "input: event 2"]);
    }
}
