//! An event while a decoder fills it.

use std::borrow::Cow;

use whodid_model::{Event, Field, Outcome, Reject, RejectCode, SpaceName, TimeSource, Timestamp};

use crate::Decoded;
use crate::json::{self, Node, Value};

/// The event, and the text that its nodes point into.
pub(crate) struct Draft<'a> {
    pub(crate) event: Event<'a>,
    document: &'a str,
    received: Timestamp,
}

impl<'a> Draft<'a> {
    /// An event that states nothing yet; its time is the time of receipt.
    pub(crate) fn new(document: &'a str, received: Timestamp) -> Self {
        Self { event: Event::at(received, TimeSource::Received), document, received }
    }

    /// When the event was taken in.
    pub(crate) fn received(&self) -> Timestamp {
        self.received
    }

    /// The text of `field` as set so far.
    pub(crate) fn get(&self, field: Field) -> Option<&str> {
        self.event.fields.get(field)
    }

    /// The JSON text of a node, as written.
    pub(crate) fn written(&self, node: &Node<'_>) -> &'a str {
        self.document.get(node.start..node.end).unwrap_or_default()
    }

    /// A string, number or truth value as text; `None` for what counts as absent.
    pub(crate) fn scalar(&self, node: Option<&Node<'a>>) -> Option<Cow<'a, str>> {
        let node = node?;
        match &node.value {
            Value::Text(text) if !text.is_empty() => Some(text.clone()),
            Value::Int(_) | Value::Float(_) | Value::Bool(_) => Some(Cow::Borrowed(self.written(node))),
            _ => None,
        }
    }

    /// Sets `field` from a scalar unless it is set already.
    pub(crate) fn text(&mut self, field: Field, node: Option<&Node<'a>>) {
        if self.get(field).is_none() {
            let text = self.scalar(node);
            self.event.fields.set_default(field, text);
        }
    }

    /// Sets `field` to the first of `names` that `object` has as a scalar.
    pub(crate) fn first(&mut self, field: Field, object: &Node<'a>, names: &[&str]) {
        for name in names {
            if self.get(field).is_some() {
                return;
            }
            self.text(field, object.get(name));
        }
    }

    /// Sets `field` unless it is set already.
    pub(crate) fn put(&mut self, field: Field, text: impl Into<Cow<'a, str>>) {
        if self.get(field).is_none() {
            self.event.fields.set(field, text);
        }
    }

    /// Sets `field` to the JSON text of a node. A string that holds JSON gives the JSON it holds.
    pub(crate) fn json(&mut self, field: Field, node: Option<&Node<'a>>) {
        let Some(node) = node.filter(|node| !node.is_empty()) else { return };
        if self.get(field).is_some() {
            return;
        }
        let inner = node.text().map(str::trim).filter(|text| text.starts_with(['{', '[']));
        if let Some((inner, root)) = inner.and_then(|inner| Some((inner, json::parse_event(inner).ok()?))) {
            self.event.fields.set(field, plain(&root, inner).unwrap_or_else(|| inner.to_owned()));
            return;
        }
        let written: Cow<'a, str> = plain(node, self.document).map_or(Cow::Borrowed(self.written(node)), Cow::Owned);
        self.event.fields.set(field, written);
    }

    /// Sets the network address, without the port and brackets that some sources write with it.
    pub(crate) fn address(&mut self, node: Option<&Node<'a>>) {
        if self.get(Field::Address).is_none() {
            let address = node.and_then(|node| node.part(|text| Some(without_port(text))));
            self.event.fields.set_default(Field::Address, address);
        }
    }

    /// Sets the first of `paths` (as [`Node::find`] reads them) that `object` has as a scalar.
    pub(crate) fn found(&mut self, field: Field, object: &Node<'a>, paths: &[&str]) {
        for path in paths {
            if self.get(field).is_some() {
                return;
            }
            self.text(field, object.find(path));
        }
    }

    /// Decodes the event that stands as JSON text in the member `name`; its texts are copies.
    pub(crate) fn within(
        &mut self,
        name: &str,
        text: &str,
        decode: impl for<'i> FnOnce(&Node<'i>, &mut Draft<'i>) -> Decoded<'i>,
    ) -> Decoded<'a> {
        let root = json::parse_event(text)
            .map_err(|error| crate::split::refused_json(&format!("the JSON text in {name:?}"), &error))?;
        let mut inner = Draft::new(text, self.received);
        let cadf_action = decode(&root, &mut inner)?.map(|action| Cow::Owned(action.into_owned()));
        self.event = owned(inner.event);
        Ok(cadf_action)
    }

    /// Takes over what was read from texts that do not last; it is copied.
    pub(crate) fn adopt(&mut self, inner: Draft<'_>) {
        self.event = owned(inner.event);
    }

    /// Notes whose rights were used by an initiator who is somebody else. One rule for all sources:
    /// the initiator is who acted, and the identity that he took is his credential.
    pub(crate) fn impersonated(&mut self, identity: &Node<'a>) {
        if identity.text().is_some() {
            self.event.fields.set(Field::CredentialType, whodid_model::IMPERSONATION);
            self.event.fields.clear(Field::CredentialId);
            self.text(Field::CredentialId, Some(identity));
        }
    }

    /// Sets the space from a member that holds the name of one; anything else is no space.
    pub(crate) fn space(&mut self, node: Option<&Node<'a>>) {
        let name = node.filter(|node| node.text().is_some_and(|name| SpaceName::parse(name).is_ok()));
        self.event.space = self.scalar(name);
    }

    /// Sets the outcome.
    pub(crate) fn outcome(&mut self, outcome: Outcome) {
        self.event.fields.set(Field::Outcome, outcome.as_str());
    }

    /// Sets the time from the member `name`. An absent one leaves the time of receipt; one that
    /// cannot be read refuses the event, because a guessed time would be a false record.
    pub(crate) fn time(&mut self, name: &str, node: Option<&Node<'a>>) -> Result<(), Reject> {
        let Some(node) = node.filter(|node| !node.is_empty()) else { return Ok(()) };
        if self.event.time_source != TimeSource::Received {
            return Ok(());
        }
        let (at, source) = read_time(node).ok_or_else(|| no_time(name))?;
        self.at(at, source);
        Ok(())
    }

    /// Sets the time.
    pub(crate) fn at(&mut self, at: Timestamp, source: TimeSource) {
        (self.event.event_time, self.event.time_source) = (at, source);
    }
}

/// The refusal of a time that cannot be read.
pub(crate) fn no_time(name: &str) -> Reject {
    let detail = format!(
        "the member {name:?} holds no time; write it like 2026-01-31T12:00:00Z, with +00:00 or +0000 for a zone, or as seconds since 1970"
    );
    Reject::new(RejectCode::BadField, detail)
}

/// How far a stated time goes.
pub(crate) fn stated(zone_stated: bool) -> TimeSource {
    if zone_stated { TimeSource::Stated } else { TimeSource::ZoneAssumed }
}

/// The time in a member's value; `None` when it holds none.
pub(crate) fn read_time(node: &Node<'_>) -> Option<(Timestamp, TimeSource)> {
    let parsed = |text: &str| {
        let parsed = Timestamp::parse(text).ok()?;
        Some((parsed.at, stated(parsed.zone_stated)))
    };
    let number = |number: f64| Some((Timestamp::from_number(number)?, TimeSource::Stated));
    match &node.value {
        Value::Text(text) => parsed(text),
        // 20260131120000 is no count but a calendar without its marks.
        Value::Int(int) => number(*int as f64).or_else(|| parsed(&int.to_string())),
        Value::Float(float) => number(*float),
        // Document stores export times as {"$date": …}, also {"$date":{"$numberLong":"…"}}.
        Value::Object(_) => match node.get("$date").or_else(|| node.get("$numberLong")) {
            Some(inner) => read_time(inner),
            None => number(seconds_and_nanos(node)?),
        },
        _ => None,
    }
}

/// `{"seconds":1714571993,"nanos":5000000}`, as Protocol Buffers, Firestore and Java write a time.
fn seconds_and_nanos(node: &Node<'_>) -> Option<f64> {
    let first = |names: [&str; 3]| names.into_iter().find_map(|name| node.get(name)).and_then(Node::int);
    let seconds = first(["seconds", "_seconds", "epochSecond"])?;
    Some(seconds as f64 + first(["nanos", "_nanoseconds", "nano"]).unwrap_or(0) as f64 / 1e9)
}

/// `[2001:db8::1]:443` → `2001:db8::1`, `192.0.2.1:443` → `192.0.2.1`; anything else as it is.
fn without_port(address: &str) -> &str {
    let is_port = |port: &str| !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    if let Some((host, rest)) = address.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        return if rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port) { host } else { address };
    }
    match address.split_once(':') {
        Some((host, port)) if is_port(port) && host.parse::<std::net::Ipv4Addr>().is_ok() => host,
        _ => address,
    }
}

/// The JSON of a node that strict readers would refuse as it is written; the field is embedded in the
/// answers that they read.
fn plain(node: &Node<'_>, document: &str) -> Option<String> {
    if node.is_plain() {
        return None;
    }
    let mut written = String::new();
    node.write_plain(document, &mut written);
    Some(written)
}

/// The same event with every text owned, for texts that come out of an inner document.
fn owned(event: Event<'_>) -> Event<'static> {
    let mut copy = Event::at(event.event_time, event.time_source);
    copy.space = event.space.map(|space| Cow::Owned(space.into_owned()));
    for (field, text) in event.fields.iter() {
        copy.fields.set(field, text.to_string());
    }
    copy
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_is_no_part_of_an_address() {
        assert_eq!(without_port("192.0.2.1:443"), "192.0.2.1");
        assert_eq!(without_port("[2001:db8::1]:443"), "2001:db8::1");
        assert_eq!(without_port("[2001:db8::1]"), "2001:db8::1");
        assert_eq!(without_port("2001:db8::1"), "2001:db8::1");
        assert_eq!(without_port("::1"), "::1");
        assert_eq!(without_port("ec2.amazonaws.com"), "ec2.amazonaws.com");
        assert_eq!(without_port("gateway:443"), "gateway:443");
    }
}
