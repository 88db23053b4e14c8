//! What a test means on one text: the single definition that every evaluator of queries uses.

use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use ipnet::IpNet;
use whodid_model::Timestamp;

use crate::alias;
use crate::ast::{Comparison, Expr, Operand, Query, Test, TimePoint};
use crate::text::{Border, Needle, folded};
use crate::time_text::parse_time;

impl Test {
    /// The text begins the value or one of its terms. `text` must not be empty.
    pub fn prefix(text: &str, case_sensitive: bool) -> Self {
        Self::Prefix { text: prepared(text, case_sensitive), case_sensitive }
    }

    /// The whole value is the text. `text` must not be empty.
    pub fn exact(text: &str, case_sensitive: bool) -> Self {
        Self::Exact { text: prepared(text, case_sensitive), case_sensitive }
    }

    /// The words of the text stand in the value as they are written. `text` must not be empty.
    pub fn phrase(text: &str) -> Self {
        Self::Phrase { text: folded(text) }
    }

    /// `pieces` with any text between them; see [`Test::Wildcard`].
    pub fn wildcard(pieces: &[&str], case_sensitive: bool, whole: bool) -> Self {
        let pieces = pieces.iter().map(|piece| prepared(piece, case_sensitive)).collect();
        Self::Wildcard { pieces, case_sensitive, whole }
    }

    /// Whether `value` passes. Allocates nothing; an empty value passes no test. The time taken grows with
    /// the length of the value, never faster than that times the length of the test's text.
    pub fn matches(&self, value: &str) -> bool {
        if value.is_empty() {
            return false;
        }
        match self {
            Self::Exists => true,
            Self::Prefix { text, case_sensitive } => {
                let needle = Needle { text, case_sensitive: *case_sensitive };
                needle.find(value, 0, Border::OfTerm, Border::Anywhere).is_some()
            }
            Self::Exact { text, case_sensitive } => {
                let needle = Needle { text, case_sensitive: *case_sensitive };
                needle.length_at_start(value) == Some(value.len())
            }
            Self::Phrase { text } => {
                let needle = Needle { text, case_sensitive: false };
                needle.find(value, 0, Border::OfTerm, Border::OfTerm).is_some()
            }
            Self::Wildcard { pieces, case_sensitive, whole } => {
                matches_wildcard(value, pieces, *case_sensitive, *whole)
            }
            Self::Compare(comparisons) => {
                comparisons.iter().all(|(comparison, operand)| matches_comparison(value, *comparison, operand))
            }
            Self::Cidr(network) => matches_network(value, network),
        }
    }
}

impl Query {
    /// The query as it is evaluated: every relative time replaced by the point it means at `now`, and beside each
    /// name that Activity Tracker gave one of its own actions ([`crate::alias`]) what whodid calls it.
    pub fn at(self, now: Timestamp) -> Self {
        Self { expr: settled(self.expr, now) }
    }
}

fn settled(expr: Expr, now: Timestamp) -> Expr {
    match expr {
        Expr::All => Expr::All,
        Expr::And(members) => Expr::and(members.into_iter().map(|member| settled(member, now))),
        Expr::Or(members) => Expr::or(members.into_iter().map(|member| settled(member, now))),
        Expr::Not(member) => Expr::negate(settled(*member, now)),
        Expr::Term(mut term) => {
            if let Test::Compare(comparisons) = &mut term.test {
                for (_, operand) in comparisons {
                    if let Operand::Time(TimePoint::Relative(text)) = operand
                        && let Ok(at) = parse_time(text, now)
                    {
                        *operand = Operand::Time(TimePoint::At(at));
                    }
                }
            }
            match alias::of(&term) {
                Some(other) => Expr::or([Expr::Term(term), Expr::Term(other)]),
                None => Expr::Term(term),
            }
        }
    }
}

fn prepared(text: &str, case_sensitive: bool) -> String {
    if case_sensitive { text.to_owned() } else { folded(text) }
}

/// Leftmost fit of each piece in turn: when any arrangement of the pieces fits, that one does, so nothing is tried twice.
fn matches_wildcard(value: &str, pieces: &[String], case_sensitive: bool, whole: bool) -> bool {
    let [first, middle @ .., last] = pieces else { return false };
    let needle = |text| Needle { text, case_sensitive };
    let mut at = 0;
    if !first.is_empty() {
        let end = if whole {
            needle(first).length_at_start(value)
        } else {
            needle(first).find(value, 0, Border::OfTerm, Border::Anywhere).map(|(_, end)| end)
        };
        let Some(end) = end else { return false };
        at = end;
    }
    for piece in middle.iter().filter(|piece| !piece.is_empty()) {
        let Some((_, end)) = needle(piece).find(value, at, Border::Anywhere, Border::Anywhere) else { return false };
        at = end;
    }
    if last.is_empty() {
        return true;
    }
    if whole {
        return needle(last).start_at_end(value).is_some_and(|start| start >= at);
    }
    needle(last).find(value, at, Border::Anywhere, Border::OfTerm).is_some()
}

fn matches_comparison(value: &str, comparison: Comparison, operand: &Operand) -> bool {
    let order = match operand {
        Operand::Int(wanted) => match value.trim().parse::<i64>() {
            Ok(found) => Some(found.cmp(wanted)),
            Err(_) => parse_number(value).and_then(|found| found.partial_cmp(&(*wanted as f64))),
        },
        Operand::Float(wanted) => parse_number(value).and_then(|found| found.partial_cmp(wanted)),
        Operand::Time(TimePoint::At(wanted)) => Timestamp::parse(value).ok().map(|found| found.at.cmp(wanted)),
        Operand::Time(TimePoint::Relative(_)) => None,
    };
    order.is_some_and(|order| comparison.admits(order))
}

/// A decimal number, as JSON and people write it, held within the range of a double; no `inf`, no `NaN`.
pub(crate) fn parse_number(text: &str) -> Option<f64> {
    let text = text.trim();
    let decimal = text.bytes().all(|byte| byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b'e' | b'E'));
    if !decimal {
        return None;
    }
    text.parse().ok().map(|number: f64| number.clamp(f64::MIN, f64::MAX))
}

/// Any of the addresses or networks in `value` lies in `network`: sources write one address, one with a port,
/// or a list of them (`x-forwarded-for`).
fn matches_network(value: &str, network: &IpNet) -> bool {
    const NETWORK_BYTES_MAX: usize = 64;
    value.split([',', ' ']).any(|part| {
        let is_likely = part.len() <= NETWORK_BYTES_MAX
            && part.starts_with(|first: char| first.is_ascii_hexdigit() || matches!(first, ':' | '['));
        if !is_likely {
            return false;
        }
        if part.contains('/') {
            return part.parse::<IpNet>().is_ok_and(|inner| network.contains(&inner));
        }
        parse_address(part).is_some_and(|address| holds(network, address))
    })
}

fn holds(network: &IpNet, address: IpAddr) -> bool {
    // ::ffff:192.0.2.1 is the IPv4 address 192.0.2.1 as a dual-stack socket prints it.
    network.contains(&address) || network.contains(&address.to_canonical())
}

fn parse_address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse::<IpAddr>() {
        return Some(address);
    }
    if let Ok(with_port) = text.parse::<SocketAddr>() {
        return Some(with_port.ip());
    }
    let inner = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let without_zone = inner.split_once('%').map_or(inner, |(address, _)| address);
    without_zone.parse::<Ipv6Addr>().ok().map(IpAddr::V6)
}
