//! Cuts a request body into events: lines, lists, documents over several lines, containers.
//!
//! Where lines of text may be events they are found first, and what stands between two of them is cut for
//! itself: no broken document reaches over such a line.
//!
//! The number of pieces is the number of events that the sender meant, also when some are broken:
//! a broken line is one piece and the next line is read for itself; a broken document over many
//! lines is one piece, not many. Work on broken input is bounded by [`REWORK_FACTOR`].

use std::str::from_utf8;

use memchr::{memchr, memchr3};
use whodid_model::{Reject, RejectCode};

use crate::EVENT_BYTES_MAX;
use crate::json::{self, JsonError, JsonErrorKind, Node};
use crate::syslog::Line;

/// Bytes that may be looked at again in search of the end of broken documents, as a multiple of
/// the body. Beyond it a broken document is cut at its line's end.
const REWORK_FACTOR: usize = 4;

/// Lists of events that may stand in one another; deeper ones are elements like any other.
const OPEN_LISTS_MAX: usize = 4;

/// Members that hold the events of a container.
const LIST_NAMES: &[&str] = &[
    "Records",
    "records",
    "Events",
    "events",
    "items",
    "entries",
    "value",
    "data",
    "results",
    "logs",
    "audit_logs",
    "audit_events",
    "operation_logs",
    "authlogs",
    "response",
    "logEvents",
];

/// Members that a container may have beside its list, as texts, numbers and truth values. Any other
/// tells something of its own, which would be lost: the whole is then an event that has a list.
const PAGING_NAMES: &[&str] = &[
    "kind",
    "apiVersion",
    "etag",
    "typeURI",
    "NextToken",
    "nextToken",
    "nextForwardToken",
    "nextBackwardToken",
    "RequestId",
    "requestId",
    "TotalCount",
    "totalCount",
    "StartTime",
    "EndTime",
    "nextPageToken",
    "next_page_token",
    "nextLink",
    "@odata.context",
    "@odata.nextLink",
    "@odata.count",
    "next",
    "next_page",
    "previous_page",
    "next_cursor",
    "cursor",
    "has_more",
    "ok",
    "stat",
    "count",
    "size",
    "page",
    "page_size",
    "page_count",
    "page_number",
    "from",
    "to",
    "limit",
    "total",
    "total_count",
    "total_records",
    "chunk_size",
    "next_stream_position",
    "after_url",
    "after_cursor",
    "before_url",
    "version",
    "tailnetId",
    "messageType",
    "owner",
    "logGroup",
    "logStream",
];

/// Members of a container that may be objects or lists.
const PAGING_PARTS: &[&str] = &[
    "metadata",
    "ResponseMetadata",
    "response_metadata",
    "links",
    "meta",
    "page",
    "pagination",
    "status",
    "subscriptionFilters",
    "searchedLogStreams",
];

/// Further members of a CADF log. Its resources are looked up for its events.
const CADF_LOG_NAMES: &[&str] = &["id", "logTime", "reporter", "resources", "metrics", "geolocations"];

/// What an event was found to be.
pub(crate) enum Found<'a> {
    /// A JSON object.
    Document(Node<'a>),
    /// A line of text.
    Line(Line<'a>),
}

/// What is called with each event: its bytes, what it is or why it cannot be read, and the resources of the
/// CADF log that it stands in.
type Take<'a, 't> = &'t mut dyn FnMut(&'a [u8], Result<Found<'a>, Reject>, Option<&Node<'a>>);

/// Reads a line of text as an event; `None` when it is none.
pub(crate) type ReadLine<'a, 't> = &'t dyn Fn(&'a str) -> Option<Line<'a>>;

/// Calls `take` with the bytes of each event in `body`, in order, and what it is or why it cannot be read.
pub(crate) fn split<'a>(body: &'a [u8], read_line: ReadLine<'a, '_>, take: Take<'a, '_>) {
    let (mut from, mut at) = (0, 0);
    while at < body.len() {
        let end = memchr(b'\n', &body[at..]).map_or(body.len(), |length| at + length);
        let line = trim_end(without_mark(&body[at..end]));
        if let Some(found) = line_of_text(line, read_line) {
            split_documents(&body[from..at], take);
            take(line, found.map(Found::Line), None);
            from = end;
        }
        at = end + 1;
    }
    split_documents(&body[from..], take);
}

/// What stands before the text of a line is no part of it.
fn without_mark(mut line: &[u8]) -> &[u8] {
    loop {
        line = trim_start(line);
        match line.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) => line = rest,
            None => return line,
        }
    }
}

/// The line of text that `line` is, or why it cannot be read though it is one; `None` when it is none.
fn line_of_text<'a>(line: &'a [u8], read_line: ReadLine<'a, '_>) -> Option<Result<Line<'a>, Reject>> {
    // What begins a priority, a version or a year, and a month. Most bodies are told by this alone.
    if !matches!(line.first()?, b'<' | b'0'..=b'9' | b'A' | b'D' | b'F' | b'J' | b'M' | b'N' | b'O' | b'S') {
        return None;
    }
    match text_of(line) {
        Ok(text) => read_line(text).map(Ok),
        Err(reject) => {
            let readable = from_utf8(line).map_or_else(|error| error.valid_up_to(), str::len);
            read_line(from_utf8(&line[..readable]).ok()?).map(|_| Err(reject))
        }
    }
}

/// Calls `take` with each event of a body, or a part of one, that holds JSON.
fn split_documents<'a>(body: &'a [u8], take: Take<'a, '_>) {
    let rework_bytes_left = body.len().saturating_mul(REWORK_FACTOR);
    let mut splitter = Splitter { body, take, rework_bytes_left, open_lists: 0, resources: None };
    let mut at = 0;
    loop {
        at = splitter.after_blanks(at);
        if at >= body.len() {
            return;
        }
        at = splitter.document(at);
    }
}

/// The refusal of `what`, a text that is no JSON or too deep.
pub(crate) fn refused_json(what: &str, error: &JsonError) -> Reject {
    let (code, how) = match error.kind {
        JsonErrorKind::Syntax(_) => (RejectCode::NotJson, "is not JSON"),
        JsonErrorKind::TooDeep => (RejectCode::TooDeep, "cannot be read"),
    };
    Reject::new(code, format!("{what} {how}: {error}"))
}

/// The text of one event's bytes.
fn text_of(raw: &[u8]) -> Result<&str, Reject> {
    if raw.len() > EVENT_BYTES_MAX {
        let detail = format!("the event has {} bytes; at most {EVENT_BYTES_MAX} are allowed", raw.len());
        return Err(Reject::new(RejectCode::TooLarge, detail));
    }
    from_utf8(raw).map_err(|error| {
        Reject::new(RejectCode::NotUtf8, format!("the event is not UTF-8 at byte {}", error.valid_up_to()))
    })
}

/// Reads one event's bytes.
fn read(raw: &[u8]) -> Result<Node<'_>, Reject> {
    let text = text_of(raw)?;
    let root = json::parse_event(text).map_err(|error| refused_json("the event", &error))?;
    if !root.is_object() {
        return Err(Reject::new(RejectCode::NotAnObject, "an event is a JSON object; this is another JSON value"));
    }
    Ok(root)
}

struct Splitter<'a, 't> {
    body: &'a [u8],
    take: Take<'a, 't>,
    rework_bytes_left: usize,
    open_lists: usize,
    /// The resources of the CADF log whose events are being taken.
    resources: Option<Node<'a>>,
}

impl<'a> Splitter<'a, '_> {
    /// Takes the document at `at`, which is no blank; returns where to go on.
    fn document(&mut self, at: usize) -> usize {
        let line_end = self.line_end(at);
        let line = trim_end(&self.body[at..line_end]);
        let first = self.body[at];
        // The usual case, a line that is one object, is read without being scanned before.
        let is_usual =
            first == b'{' && line.ends_with(b"}") && line.len() <= EVENT_BYTES_MAX && !begins_with_list(line);
        if is_usual && let Some(root) = from_utf8(line).ok().and_then(|text| json::parse_event(text).ok()) {
            match may_be_container(&root).then(|| container_list(line)).flatten() {
                Some(list) => _ = self.container(at, list, line_end),
                None => self.event(line, Ok(root)),
            }
            return line_end;
        }
        if first != b'{' && first != b'[' {
            return self.piece(at, line_end);
        }
        self.documents_of_line(at, line_end)
    }

    /// Takes the documents that stand one after the other from `at` to the line's end.
    fn documents_of_line(&mut self, mut at: usize, line_end: usize) -> usize {
        loop {
            at = match extent(self.body, at, line_end) {
                Some(end) => self.closed(at, end, line_end),
                None => return self.open_line(at, line_end),
            };
            while at < line_end && is_blank(self.body[at]) {
                at += 1;
            }
            if at >= line_end || !matches!(self.body[at], b'{' | b'[') {
                return at;
            }
        }
    }

    /// Takes the value `at..end`; what follows on its last line decides whether it stands alone.
    fn closed(&mut self, at: usize, end: usize, line_end: usize) -> usize {
        let rest = trim_start(&self.body[end..line_end]);
        match rest.first() {
            None | Some(b'{' | b'[') => {
                self.value(at, end);
                end
            }
            Some(_) => self.piece(at, line_end),
        }
    }

    /// Takes a value whose extent is known: a list, a container or one event.
    fn value(&mut self, at: usize, end: usize) {
        let raw = &self.body[at..end];
        if raw.first() == Some(&b'[') {
            self.list(at + 1, end);
            return;
        }
        let read = if begins_with_list(raw) || raw.len() > EVENT_BYTES_MAX { None } else { Some(read(raw)) };
        let look_inside = !matches!(&read, Some(Ok(root)) if !may_be_container(root));
        if let Some(list) = look_inside.then(|| container_list(raw)).flatten() {
            self.container(at, list, end);
            return;
        }
        let root = read.unwrap_or_else(|| self::read(raw));
        self.event(raw, root);
    }

    fn event(&mut self, raw: &'a [u8], root: Result<Node<'a>, Reject>) {
        (self.take)(raw, root.map(Found::Document), self.resources.as_ref());
    }

    /// Takes the events of the container at `at`; returns the place after its list.
    fn container(&mut self, at: usize, list: List, limit: usize) -> usize {
        let written = |(_, (start, end)): &Table| self.body.get(at + start..at + end);
        let resources = list.tables.iter().find(|(name, _)| *name == "resources").and_then(written);
        let outer = self.resources.take();
        self.resources = resources.and_then(|list| json::parse_event(from_utf8(list).ok()?).ok());
        let (before, after): (Vec<Table>, Vec<Table>) =
            list.tables.iter().partition(|(_, (start, _))| *start < list.start);
        self.tables(at, &before);
        let end = self.list(at + list.start, limit);
        self.tables(at, &after);
        self.resources = outer;
        end
    }

    /// Takes what a CADF log says beside its events. It is no event, and no event holds all of it.
    fn tables(&mut self, at: usize, tables: &[Table]) {
        for (name, (start, end)) in tables {
            if let Some(raw) = self.body.get(at + start..at + end) {
                let detail =
                    format!("the {name} of a CADF log are no event; they are kept here, because no event holds them");
                self.event(raw, Err(Reject::new(RejectCode::NotAnObject, detail)));
            }
        }
    }

    /// A line that opens more than it closes: a document over several lines, or a broken line.
    fn open_line(&mut self, at: usize, line_end: usize) -> usize {
        if self.body[at] == b'[' {
            let next = self.after_blanks(at + 1);
            if matches!(self.body.get(next), Some(b'{' | b']') | None) {
                return self.list(at + 1, self.body.len());
            }
        }
        if self.rework_bytes_left > 0 {
            let (whole, looked_at) = match json::skip(&self.body[at..]) {
                Ok(length) => (Some(at + length), 0),
                Err(position) => (None, position),
            };
            self.rework_bytes_left = self.rework_bytes_left.saturating_sub(looked_at);
            if let Some(end) = whole {
                return self.closed(at, end, self.line_end(end));
            }
        }
        if self.rework_bytes_left > 0 {
            let (list, looked_at) = look_for_list(&self.body[at..], true);
            if let Some(list) = list {
                let end = extent(self.body, at, self.body.len());
                let list_end = self.container(at, list, end.unwrap_or(self.body.len()));
                // A container that was cut off ends with its list, else what follows the list is no event.
                return end.unwrap_or(list_end);
            }
            self.rework_bytes_left = self.rework_bytes_left.saturating_sub(looked_at);
        }
        if self.goes_on_after(at, line_end) {
            let end = self.broken_document_end(at);
            return self.piece(at, end);
        }
        self.piece(at, line_end)
    }

    /// Takes the elements of a list from `at`, just after its `[`; returns the place after its `]`.
    fn list(&mut self, mut at: usize, limit: usize) -> usize {
        loop {
            while at < limit && (is_blank(self.body[at]) || self.body[at] == b',') {
                at += 1;
            }
            if at >= limit {
                return limit;
            }
            at = match self.body[at] {
                b']' => return at + 1,
                b'[' if self.open_lists < OPEN_LISTS_MAX && self.body.get(self.after_blanks(at + 1)) == Some(&b'{') => {
                    let end = extent(self.body, at, limit).unwrap_or(limit);
                    self.open_lists += 1;
                    let next = self.list(at + 1, end);
                    self.open_lists -= 1;
                    next
                }
                b'{' | b'[' => self.element(at, limit),
                _ => {
                    let end = scalar_end(self.body, at, limit);
                    self.piece(at, end)
                }
            };
        }
    }

    fn element(&mut self, at: usize, limit: usize) -> usize {
        let end = extent(self.body, at, limit).unwrap_or(limit);
        let raw = trim_end(&self.body[at..end]);
        let root = read(raw);
        // After a container that was cut off the next one lands here.
        let holds_events = self.open_lists < OPEN_LISTS_MAX && root.as_ref().is_ok_and(may_be_container);
        if holds_events && let Some(list) = container_list(raw) {
            self.open_lists += 1;
            self.container(at, list, end);
            self.open_lists -= 1;
            return end;
        }
        let broken =
            matches!(&root, Err(reject) if reject.code == RejectCode::NotJson || reject.code == RejectCode::TooLarge);
        if broken && self.rework_bytes_left > raw.len() && memchr(b'\n', raw).is_some() {
            self.rework_bytes_left -= raw.len();
            if let Some(next) = self.next_whole_line(at, end, false) {
                let raw = trim_end(&self.body[at..next]);
                let raw = raw.strip_suffix(b",").unwrap_or(raw);
                self.event(raw, read(raw));
                return next;
            }
        }
        self.event(raw, root);
        end
    }

    /// Takes the bytes `at..end` as one event.
    fn piece(&mut self, at: usize, end: usize) -> usize {
        let raw = trim_end(&self.body[at..end]);
        match read(raw) {
            Ok(root) => self.event(raw, Ok(root)),
            // What is kept for people is the line as it was sent, and places in it are told of that.
            Err(_) => {
                let line = self.with_blanks(at, end);
                self.event(line, read(line));
            }
        }
        end
    }

    /// `at..end` with the blanks that stand around it, where it fills its lines.
    fn with_blanks(&self, at: usize, end: usize) -> &'a [u8] {
        const MARK: &[u8] = b"\xef\xbb\xbf";
        let before = self.body[..at].iter().rev().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let start = at - before;
        let begins_line = start == 0 || self.body[start - 1] == b'\n' || self.body[..start] == *MARK;
        let ends_line = matches!(self.body.get(end), None | Some(b'\n'));
        if !(begins_line && ends_line) {
            return trim_end(&self.body[at..end]);
        }
        let line = &self.body[start..end];
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        line.strip_suffix(b"\r").unwrap_or(line)
    }

    /// True when the line after a broken one looks like a part of the same document.
    fn goes_on_after(&self, at: usize, line_end: usize) -> bool {
        let last = trim_end(&self.body[at..line_end]).last().copied();
        if !matches!(last, Some(b'{' | b'[' | b',' | b':')) {
            return false;
        }
        let next = self.after_blanks(line_end);
        let indented = next > 0 && matches!(self.body.get(next - 1), Some(b' ' | b'\t'));
        match self.body.get(next) {
            Some(b'"' | b'}' | b']') => true,
            Some(b'{') => indented || !is_whole(trim_end(&self.body[next..self.line_end(next)]), true),
            Some(_) => indented,
            None => false,
        }
    }

    /// Where a broken document over several lines ends: at its closing bracket, or before a line
    /// that begins the next one.
    fn broken_document_end(&mut self, at: usize) -> usize {
        let end = extent(self.body, at, self.body.len()).map_or(self.body.len(), |end| self.line_end(end));
        self.next_whole_line(at, end, true).unwrap_or(end)
    }

    /// The start of the first line in `at..end` that is indented like the one of `at` and begins
    /// another event: a whole object or list or, where indents are used, a lone `{`.
    fn next_whole_line(&self, at: usize, end: usize, alone: bool) -> Option<usize> {
        let indent = self.indent(at);
        let mut uses_indents = false;
        let mut line_end = self.line_end(at);
        while line_end < end {
            let line_start = line_end + 1;
            line_end = self.line_end(line_start.min(self.body.len()));
            let line = &self.body[line_start.min(end)..line_end.min(end)];
            let text = trim_start(line);
            if text.is_empty() {
                continue;
            }
            let line_indent = line.len() - text.len();
            uses_indents |= line_indent > indent;
            if line_indent != indent || !matches!(text[0], b'{' | b'[') {
                continue;
            }
            let is_lone = uses_indents && trim_end(text) == b"{";
            if is_lone || is_whole(trim_end(text), alone) {
                return Some(line_start + line_indent);
            }
        }
        None
    }

    /// Blanks at the front of the line that `at` stands on.
    fn indent(&self, at: usize) -> usize {
        let line_start = memchr::memrchr(b'\n', &self.body[..at]).map_or(0, |newline| newline + 1);
        let line = &self.body[line_start..at];
        let line = line.strip_prefix(BYTE_ORDER_MARK).unwrap_or(line);
        line.len() - trim_start(line).len()
    }

    fn line_end(&self, at: usize) -> usize {
        memchr(b'\n', &self.body[at..]).map_or(self.body.len(), |length| at + length)
    }

    /// The first place from `at` on that is neither blank nor a byte order mark.
    fn after_blanks(&self, mut at: usize) -> usize {
        loop {
            match self.body.get(at) {
                Some(byte) if is_blank(*byte) => at += 1,
                Some(0xEF) if self.body[at..].starts_with(BYTE_ORDER_MARK) => at += BYTE_ORDER_MARK.len(),
                _ => return at,
            }
        }
    }
}

/// True when `line` is one object or one list of objects, and not empty; unless it stands `alone`, a
/// comma or the end of the list it stands in may follow.
fn is_whole(line: &[u8], alone: bool) -> bool {
    let Ok(length) = json::skip(line) else { return false };
    let rest = trim_start(&line[length..]);
    let holds_objects = line[0] == b'{' || trim_start(&line[1..]).first() == Some(&b'{');
    length > 2 && holds_objects && (rest.is_empty() || (!alone && matches!(rest[0], b',' | b']')))
}

const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\r' | b'\n')
}

fn trim_end(mut bytes: &[u8]) -> &[u8] {
    while let [rest @ .., last] = bytes {
        if !is_blank(*last) {
            break;
        }
        bytes = rest;
    }
    bytes
}

fn trim_start(mut bytes: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = bytes {
        if !is_blank(*first) {
            break;
        }
        bytes = rest;
    }
    bytes
}

/// One past the bracket that closes the one at `at`; `None` when it stays open before `limit`.
///
/// A closing bracket of the wrong kind closes what it fits to, or nothing. A line's end closes a
/// string, since JSON allows none inside: a forgotten quote does not swallow the rest of the body.
fn extent(bytes: &[u8], at: usize, limit: usize) -> Option<usize> {
    let mut open: Vec<u8> = Vec::with_capacity(16);
    let mut open_objects = 0_usize;
    let mut place = at;
    while place < limit {
        match bytes[place] {
            b'"' => {
                place = string_end(bytes, place, limit);
                continue;
            }
            b'{' => {
                open.push(b'{');
                open_objects += 1;
            }
            b'[' => open.push(b'['),
            b'}' if open_objects > 0 => {
                // Every bracket is popped once, so this loop is paid for by the pushes.
                while open.pop() == Some(b'[') {}
                open_objects -= 1;
                if open.is_empty() {
                    return Some(place + 1);
                }
            }
            b']' if open.last() == Some(&b'[') => {
                open.pop();
                if open.is_empty() {
                    return Some(place + 1);
                }
            }
            _ => {}
        }
        place += 1;
    }
    None
}

/// One past the closing quote of the string at `at`, or the line's end.
fn string_end(bytes: &[u8], at: usize, limit: usize) -> usize {
    let mut place = at + 1;
    while place < limit {
        let Some(found) = memchr3(b'"', b'\\', b'\n', &bytes[place..limit]) else { return limit };
        place += found;
        match bytes[place] {
            b'"' => return place + 1,
            b'\n' => return place,
            _ if bytes.get(place + 1) == Some(&b'\n') => return place + 1,
            _ => place += 2,
        }
    }
    limit
}

/// Where a list's element that is no object and no list ends.
fn scalar_end(bytes: &[u8], at: usize, limit: usize) -> usize {
    if bytes[at] == b'"' {
        return string_end(bytes, at, limit);
    }
    let length = bytes[at..limit].iter().position(|byte| matches!(byte, b',' | b']' | b'\n'));
    // At least one byte is taken, so that the list always gets on.
    length.map_or(limit, |length| at + length.max(1))
}

/// True when the first member's name is that of a container's list.
fn begins_with_list(raw: &[u8]) -> bool {
    let Some(rest) = trim_start(raw.get(1..).unwrap_or_default()).strip_prefix(b"\"") else { return false };
    LIST_NAMES.iter().any(|name| rest.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.starts_with(b"\"")))
}

fn may_be_container(root: &Node<'_>) -> bool {
    root.members().iter().any(|(name, node)| {
        LIST_NAMES.contains(&name.as_ref())
            && match &node.value {
                json::Value::Array(items) => items.is_empty() || items.iter().any(Node::is_object),
                json::Value::Object(_) => name == NESTING_NAME && may_be_container(node),
                _ => false,
            }
    })
}

/// A member that may hold the list itself or a container in the container, as Duo answers.
const NESTING_NAME: &str = "response";

/// The events of a container, as places in its bytes.
struct List {
    /// Just after its `[`.
    start: usize,
    /// What a CADF log says beside its events.
    tables: Vec<Table>,
}

/// A part of a CADF log: its name and extent.
type Table = (&'static str, (usize, usize));

/// The list of a container; `None` when `raw` is an event.
/// Works on the bytes, so that one bad event or the cut-off end of a container does not hide the rest.
fn container_list(raw: &[u8]) -> Option<List> {
    look_for_list(raw, true).0
}

/// What [`container_list`] finds, and how many bytes were looked at. With `may_nest` the list may
/// stand in a container of its own.
fn look_for_list(raw: &[u8], may_nest: bool) -> (Option<List>, usize) {
    let mut found = None;
    let mut tables: Vec<Table> = Vec::new();
    let mut is_log = false;
    let mut must_be_log = false;
    let mut at = 1;
    loop {
        let is_container = is_log || !must_be_log;
        let list = |tables: Vec<Table>| found.filter(|_| is_container).map(|start| List { start, tables });
        at = skip_blanks(raw, at);
        if raw.get(at) != Some(&b'"') {
            return (list(tables), at);
        }
        let name_end = string_end(raw, at, raw.len());
        let name =
            raw.get(at + 1..name_end.saturating_sub(1)).and_then(|name| from_utf8(name).ok()).unwrap_or_default();
        at = skip_blanks(raw, name_end);
        if raw.get(at) != Some(&b':') {
            return (list(tables), at);
        }
        at = skip_blanks(raw, at + 1);
        let Some(value) = raw.get(at) else { return (list(tables), at) };
        let is_part = matches!(*value, b'{' | b'[');
        if found.is_none() && *value == b'[' && LIST_NAMES.contains(&name) {
            if !holds_objects(raw, at + 1) {
                return (None, at);
            }
            found = Some(at + 1);
        } else if may_nest && found.is_none() && *value == b'{' && name == NESTING_NAME {
            // One container in a container and no deeper, so that nesting cannot use up the stack.
            let (inner, looked_at) = look_for_list(&raw[at..], false);
            let Some(inner) = inner else { return (None, at + looked_at) };
            found = Some(at + inner.start);
        } else {
            let is_paging = if is_part { PAGING_PARTS.contains(&name) } else { PAGING_NAMES.contains(&name) };
            must_be_log |= !is_paging;
            if !is_paging && !CADF_LOG_NAMES.contains(&name) || says_event(name, &raw[at..]) {
                return (None, at);
            }
            is_log |= name == "typeURI";
        }
        let value_end = match value {
            b'{' | b'[' => extent(raw, at, raw.len()),
            _ => Some(scalar_end_in_object(raw, at)),
        };
        if let Some(table) = CADF_LOG_NAMES.iter().find(|known| **known == name).filter(|_| is_part)
            && let Some(end) = value_end
            && !matches!(raw.get(skip_blanks(raw, at + 1)), Some(b']' | b'}'))
        {
            tables.push((table, (at, end)));
        }
        let is_container = is_log || !must_be_log;
        let list = |tables: Vec<Table>| found.filter(|_| is_container).map(|start| List { start, tables });
        let Some(value_end) = value_end else { return (list(tables), raw.len()) };
        at = skip_blanks(raw, value_end);
        if raw.get(at) != Some(&b',') {
            return (list(tables), at);
        }
        at += 1;
    }
}

/// True for a member that by its value tells of an event, not of a page: the kind of one activity, a
/// type that is not that of a CADF log.
fn says_event(name: &str, value: &[u8]) -> bool {
    match name {
        "kind" => value.starts_with(b"\"admin#reports#activity\""),
        "typeURI" => !value.starts_with(b"\"http://schemas.dmtf.org/cloud/audit/1.0/log\""),
        _ => false,
    }
}

/// True when the list whose first element is at `at` holds an object, or nothing. What stands before
/// the first object may be anything without brackets.
fn holds_objects(raw: &[u8], mut at: usize) -> bool {
    at = skip_blanks(raw, at);
    if matches!(raw.get(at), Some(b']') | None) {
        return true;
    }
    loop {
        at = skip_blanks(raw, at);
        match raw.get(at) {
            Some(b'{') | None => return true,
            Some(b'[' | b']') => return false,
            Some(_) => at = skip_blanks(raw, scalar_end(raw, at, raw.len())),
        }
        if raw.get(at) != Some(&b',') {
            return false;
        }
        at += 1;
    }
}

fn scalar_end_in_object(raw: &[u8], at: usize) -> usize {
    if raw[at] == b'"' {
        return string_end(raw, at, raw.len());
    }
    raw[at..].iter().position(|byte| matches!(byte, b',' | b'}')).map_or(raw.len(), |length| at + length)
}

fn skip_blanks(bytes: &[u8], mut at: usize) -> usize {
    while bytes.get(at).is_some_and(|byte| is_blank(*byte)) {
        at += 1;
    }
    at
}
