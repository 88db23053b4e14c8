//! The event that the Sigma library asks, with every field name replaced by a number.
//!
//! Names are resolved when a rule is compiled ([`FieldTable::encode`]); what the library then asks for is the number
//! of an [`Address`]. So no path is taken apart while events are matched.

use std::borrow::Cow;
use std::collections::HashMap;

use rsigma_eval::{Event, EventValue};
use rsigma_parser::fieldpath::unescape_brackets;
use whodid_decode::json::{Node, Value};

use crate::address::{Address, Form, Member, Vocabulary};
use crate::subject::Subject;

/// How an encoded name begins; no field of any source does.
const SIGN: char = '\u{1}';

/// All field names of a rule set.
#[derive(Debug, Default)]
pub(crate) struct FieldTable {
    addresses: Vec<Address>,
    known: HashMap<(String, Vocabulary, Form), String>,
}

impl FieldTable {
    /// The text that stands for a field name in compiled rules.
    pub fn encode(&mut self, name: &str, vocabulary: Vocabulary, form: Form) -> String {
        let key = (name.to_owned(), vocabulary, form);
        if let Some(encoded) = self.known.get(&key) {
            return encoded.clone();
        }
        let encoded = self.add(Address::in_form(name, vocabulary, form));
        self.known.insert(key, encoded.clone());
        encoded
    }

    /// The text that stands for a list of whose elements `members` are asked.
    pub fn encode_list(&mut self, name: &str, vocabulary: Vocabulary, members: Vec<Member>) -> String {
        self.add(Address::of_list(name, vocabulary, members))
    }

    /// The text that stands for a name within a list's elements, which is put to the `members` asked of them. If it is a
    /// list, `below` is asked of its elements.
    pub fn encode_member(&mut self, name: &str, form: Form, below: Vec<Member>, members: &mut Vec<Member>) -> String {
        let address = Address::in_element(&unescape_brackets(name), form, below);
        if let Some(known) = members.iter().find(|member| member.address == address) {
            return known.encoded.clone();
        }
        // Asked of elements, never of events; here for messages.
        let encoded = self.add(address.clone());
        members.push(Member { encoded: encoded.clone(), address });
        encoded
    }

    fn add(&mut self, address: Address) -> String {
        self.addresses.push(address);
        format!("{SIGN}{}", self.addresses.len() - 1)
    }

    /// The address behind an encoded name.
    pub fn decode(&self, encoded: &str) -> Option<&Address> {
        self.addresses.get(encoded.strip_prefix(SIGN)?.parse::<usize>().ok()?)
    }
}

/// A [`Subject`] with the table that its fields are asked by.
pub(crate) struct NativeEvent<'a> {
    pub subject: Subject<'a>,
    pub fields: &'a FieldTable,
}

impl Event for NativeEvent<'_> {
    fn get_field(&self, path: &str) -> Option<EventValue<'_>> {
        self.fields.decode(path)?.value(&self.subject)
    }

    fn any_string_value(&self, pred: &dyn Fn(&str) -> bool) -> bool {
        match self.subject.tree {
            Some(tree) => any_leaf(tree, self.subject.raw, pred),
            None => pred(self.subject.raw),
        }
    }

    fn all_string_values(&self) -> Vec<Cow<'_, str>> {
        let mut values = Vec::new();
        match self.subject.tree {
            Some(tree) => visit_leaves(tree, self.subject.raw, &mut |leaf| values.push(Cow::Owned(leaf.to_owned()))),
            None => values.push(Cow::Borrowed(self.subject.raw)),
        }
        values
    }

    fn visit_string_values(&self, visit: &mut dyn FnMut(&str)) {
        match self.subject.tree {
            Some(tree) => visit_leaves(tree, self.subject.raw, visit),
            None => visit(self.subject.raw),
        }
    }

    fn to_json(&self) -> serde_json::Value {
        serde_json::from_str(self.subject.raw).unwrap_or_default()
    }
}

/// Keywords are looked for in values, numbers and booleans included, and never in names.
fn any_leaf(node: &Node<'_>, document: &str, pred: &dyn Fn(&str) -> bool) -> bool {
    match &node.value {
        Value::Null => false,
        Value::Text(text) => pred(text),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
            pred(document.get(node.start..node.end).unwrap_or_default())
        }
        Value::Array(items) => items.iter().any(|item| any_leaf(item, document, pred)),
        Value::Object(members) => members.iter().any(|(_, member)| any_leaf(member, document, pred)),
    }
}

fn visit_leaves(node: &Node<'_>, document: &str, visit: &mut dyn FnMut(&str)) {
    match &node.value {
        Value::Null => {}
        Value::Text(text) => visit(text),
        Value::Bool(_) | Value::Int(_) | Value::Float(_) => {
            visit(document.get(node.start..node.end).unwrap_or_default())
        }
        Value::Array(items) => items.iter().for_each(|item| visit_leaves(item, document, visit)),
        Value::Object(members) => members.iter().for_each(|(_, member)| visit_leaves(member, document, visit)),
    }
}
