//! The syntax tree of a search.
//!
//! Trees come from `parse` or from the constructors here, which keep them in normal form:
//! no `And` directly in an `And`, no `Or` directly in an `Or`, none with fewer than two members, no `Not` in a `Not`.
//! Printing a tree in normal form and parsing the text gives the same tree.

use ipnet::IpNet;
use whodid_model::{Field, Timestamp};

/// A whole search.
#[derive(Debug, Clone, PartialEq)]
pub struct Query {
    /// What an event must satisfy.
    pub expr: Expr,
}

/// A condition on one event.
#[derive(Debug, Clone, PartialEq)]
pub enum Expr {
    /// Every event.
    All,
    /// All of these, in the order written; two or more.
    And(Vec<Expr>),
    /// At least one of these, in the order written; two or more.
    Or(Vec<Expr>),
    /// Not this.
    Not(Box<Expr>),
    /// A test on some of the event's values.
    Term(Term),
}

/// Satisfied when at least one value of the target passes the test.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// Which values of the event.
    pub target: Target,
    /// What one of them must be.
    pub test: Test,
}

/// Which values of an event a test looks at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// Every value: each leaf of the raw event (numbers and booleans as text) and each field.
    /// Keys are not values.
    Any,
    /// One field. For [`Field::RequestData`] and [`Field::ResponseData`], whose text is JSON, every leaf of it.
    Field(Field),
    /// A path below [`Field::RequestData`] or [`Field::ResponseData`]. Looked up in that field's JSON, whatever
    /// member of the source it came from, and also as `requestData.…` or `responseData.…` in the raw event.
    Json {
        /// `RequestData` or `ResponseData`.
        field: Field,
        /// The path below it.
        path: Path,
    },
    /// What whodid itself knows of the record.
    Record(RecordField),
    /// A path of the raw event.
    Raw(Path),
}

/// What whodid itself knows of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum RecordField {
    /// Place in the stream; a number.
    Offset,
    /// When it was taken in; a time.
    RecordedAt,
    /// When it happened, as the sender claims; a time.
    EventTime,
    /// The space it belongs to.
    Space,
    /// The format it was read as: `cloudtrail`.
    Source,
    /// The stream it is kept in.
    Stream,
    /// Where the event's time comes from, as the store writes it.
    TimeSource,
    /// How it ended, with refusals told apart: see [`whodid_model::result_of`].
    Result,
}

/// A dotted path into a JSON value: `userIdentity.sessionContext.attributes`.
///
/// Going down: an object by key, also by a key that itself holds dots (every way to cut the path into keys counts);
/// an array by index where the segment is a number, else into every element; a string that holds a JSON object or
/// array into that. What lies at the end of the path stands for all its leaves.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Path(String);

/// What one text value must be. `Test::matches` is the meaning.
///
/// Texts of tests that ignore case are folded (see `text::fold`), which the constructors do:
/// a needle is prepared once, and matching allocates nothing.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// There is a value, and it is neither null nor empty.
    Exists,
    /// The text stands in the value and does not begin in the middle of a term.
    Prefix {
        /// What to find; not empty.
        text: String,
        /// Whether `A` and `a` differ.
        case_sensitive: bool,
    },
    /// The whole value is the text.
    Exact {
        /// What to equal; not empty.
        text: String,
        /// Whether `A` and `a` differ.
        case_sensitive: bool,
    },
    /// The text stands in the value and neither begins nor ends in the middle of a term. Ignores case.
    Phrase {
        /// What to find; not empty.
        text: String,
    },
    /// The pieces stand in the value in this order, any text between two of them.
    Wildcard {
        /// What stands between the `*`; at least two, of which the first and the last may be empty and one is not.
        pieces: Vec<String>,
        /// Whether `A` and `a` differ.
        case_sensitive: bool,
        /// True: the first piece begins the value and the last one ends it (after a field name).
        /// False: the first piece does not begin, and the last one does not end, in the middle of a term (bare words).
        whole: bool,
    },
    /// The value is a number or a time that satisfies every comparison.
    Compare(Vec<(Comparison, Operand)>),
    /// The value is an address in the network, or a network inside it.
    Cidr(IpNet),
}

/// How a value relates to an operand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Comparison {
    /// `<`
    Less,
    /// `<=`
    LessOrEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterOrEqual,
}

/// What a value is compared with.
#[derive(Debug, Clone, PartialEq)]
pub enum Operand {
    /// A whole number.
    Int(i64),
    /// Another number; finite.
    Float(f64),
    /// A point in time.
    Time(TimePoint),
}

/// A point in time in a query.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TimePoint {
    /// This very point.
    At(Timestamp),
    /// A text that `parse_time` reads and that depends on the present: `now-24h`.
    /// Matches nothing until `Query::at` has replaced it.
    Relative(String),
}

/// Why a text is no query, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message} (at byte {position})")]
pub struct QueryError {
    /// Byte offset in the text; at most its length.
    pub position: usize,
    /// Bytes concerned; 0 where something is missing.
    pub length: usize,
    /// One sentence for people, without final stop.
    pub message: String,
    /// What could stand there instead.
    pub expected: Vec<String>,
}

impl Expr {
    /// All of `members`: nested conjunctions are merged, and what every event satisfies is left out.
    pub fn and(members: impl IntoIterator<Item = Expr>) -> Self {
        let mut flat = Vec::new();
        for member in members {
            match member {
                Self::All => {}
                Self::And(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => Self::All,
            1 => flat.remove(0),
            _ => Self::And(flat),
        }
    }

    /// At least one of `members`: nested alternatives are merged. Of no members: no event.
    pub fn or(members: impl IntoIterator<Item = Expr>) -> Self {
        let mut flat = Vec::new();
        for member in members {
            match member {
                Self::All => return Self::All,
                Self::Or(inner) => flat.extend(inner),
                other => flat.push(other),
            }
        }
        match flat.len() {
            0 => Self::Not(Box::new(Self::All)),
            1 => flat.remove(0),
            _ => Self::Or(flat),
        }
    }

    /// Not `member`; two negations cancel.
    pub fn negate(member: Expr) -> Self {
        match member {
            Self::Not(inner) => *inner,
            other => Self::Not(Box::new(other)),
        }
    }

    /// One test.
    pub fn term(target: Target, test: Test) -> Self {
        Self::Term(Term { target, test })
    }
}

impl RecordField {
    /// All record fields.
    pub const ALL: [Self; 8] = [
        Self::Offset,
        Self::RecordedAt,
        Self::EventTime,
        Self::Space,
        Self::Source,
        Self::Stream,
        Self::TimeSource,
        Self::Result,
    ];

    /// The name by which queries print it.
    pub fn name(self) -> &'static str {
        self.names()[0]
    }

    /// Every name queries may use for it, the printed one first.
    pub fn names(self) -> &'static [&'static str] {
        match self {
            Self::Offset => &["offset", "record.offset", "_offset"],
            Self::RecordedAt => {
                &["recorded_at", "record.recorded_at", "recordedAt", "record.recordedAt", "_recorded_at"]
            }
            Self::EventTime => &["eventTime", "event_time", "_ts", "ts", "record.event_time", "record.eventTime"],
            Self::Space => &["space", "record.space", "_space"],
            Self::Source => &["source", "record.source", "_source"],
            Self::Stream => &["stream", "record.stream", "_stream"],
            Self::TimeSource => &["time_source", "record.time_source", "timeSource"],
            Self::Result => &["result", "record.result"],
        }
    }

    /// Whether its values are times, so that operands are read as times.
    pub fn is_time(self) -> bool {
        matches!(self, Self::RecordedAt | Self::EventTime)
    }

    /// The record field that `name` means; `None` when it means something else.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|field| field.names().contains(&name))
    }
}

impl Path {
    /// The path of these dotted segments. `a[0]` is written `a.0`, and `a[]` or `a[*]` is `a`.
    /// `None` when it is empty or has an empty segment.
    pub fn parse(text: &str) -> Option<Self> {
        let plain = without_brackets(text);
        // `a[1[]2]` would be another path when read again.
        let is_settled = without_brackets(&plain) == plain;
        let is_complete = plain.split('.').all(|segment| !segment.is_empty());
        (is_settled && is_complete).then_some(Self(plain))
    }

    /// The dotted text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Comparison {
    /// The sign.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::Greater => ">",
            Self::GreaterOrEqual => ">=",
        }
    }

    /// Whether a value that stands in `order` to the operand satisfies it.
    pub fn admits(self, order: std::cmp::Ordering) -> bool {
        match self {
            Self::Less => order.is_lt(),
            Self::LessOrEqual => order.is_le(),
            Self::Greater => order.is_gt(),
            Self::GreaterOrEqual => order.is_ge(),
        }
    }
}

fn without_brackets(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(open) = rest.find('[') {
        let (before, from_open) = rest.split_at(open);
        plain.push_str(before);
        match from_open[1..].split_once(']') {
            Some((index, after)) if index.is_empty() || index == "*" => rest = after,
            Some((index, after)) if index.bytes().all(|byte| byte.is_ascii_digit()) => {
                plain.push('.');
                plain.push_str(index);
                rest = after;
            }
            _ => {
                plain.push('[');
                rest = &from_open[1..];
            }
        }
    }
    plain.push_str(rest);
    plain
}
