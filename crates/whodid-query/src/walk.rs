//! The values of an event: every leaf of a JSON tree, or those at a path.
//!
//! A leaf is a non-empty string, a number or a boolean; null, `""`, `[]` and `{}` hold none. Numbers are given as
//! they are written. A string that holds a JSON object or array is that tree, not a leaf.

use whodid_decode::json::{self, Node, Value};

/// How many times a string inside a string inside … is read as JSON; deeper ones are plain text.
pub const ENCODED_DEPTH_MAX: usize = 4;

/// A JSON tree with the text it was read from.
#[derive(Debug, Clone, Copy)]
pub struct Tree<'a> {
    text: &'a str,
    node: &'a Node<'a>,
    encoded_depth: usize,
}

impl<'a> Tree<'a> {
    /// The tree `node` that [`json::parse`] read from `text`.
    pub fn new(text: &'a str, node: &'a Node<'a>) -> Self {
        Self { text, node, encoded_depth: 0 }
    }

    /// Whether `test` holds for any leaf; stops at the first.
    pub fn any_leaf(self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        match &self.node.value {
            Value::Null => false,
            Value::Bool(truth) => test(if *truth { "true" } else { "false" }),
            Value::Int(_) | Value::Float(_) => test(self.text.get(self.node.start..self.node.end).unwrap_or_default()),
            Value::Array(items) => items.iter().any(|item| self.below(item).any_leaf(test)),
            Value::Object(members) => members.iter().any(|(_, member)| self.below(member).any_leaf(test)),
            Value::Text(text) if text.is_empty() => false,
            Value::Text(text) => match self.encoded(text) {
                Some(inner) => self.inside(text, &inner).any_leaf(test),
                None => test(text),
            },
        }
    }

    /// Whether `test` holds for any leaf at or below the dotted `path`; stops at the first.
    /// See [`crate::Path`] for what a path leads to.
    pub fn any_at(self, path: &str, test: &mut dyn FnMut(&str) -> bool) -> bool {
        match &self.node.value {
            // A name uses up the part of the path that it equals, so no value is reached twice.
            Value::Object(members) => members.iter().any(|(name, member)| match path.strip_prefix(name.as_ref()) {
                Some("") => self.below(member).any_leaf(test),
                Some(rest) => rest.strip_prefix('.').is_some_and(|rest| self.below(member).any_at(rest, test)),
                None => false,
            }),
            Value::Array(items) => {
                let (head, rest) = path.split_once('.').map_or((path, None), |(head, rest)| (head, Some(rest)));
                // A number is the index only: to look for it in every element too would double the work at each level.
                if !head.bytes().all(|byte| byte.is_ascii_digit()) {
                    return items.iter().any(|item| self.below(item).any_at(path, test));
                }
                let Some(item) = head.parse().ok().and_then(|index: usize| items.get(index)) else { return false };
                match rest {
                    Some(rest) => self.below(item).any_at(rest, test),
                    None => self.below(item).any_leaf(test),
                }
            }
            Value::Text(text) => match self.encoded(text) {
                Some(inner) => self.inside(text, &inner).any_at(path, test),
                None => false,
            },
            _ => false,
        }
    }

    fn below(self, node: &'a Node<'a>) -> Self {
        Self { node, ..self }
    }

    fn inside<'b>(self, text: &'b str, node: &'b Node<'b>) -> Tree<'b> {
        Tree { text, node, encoded_depth: self.encoded_depth + 1 }
    }

    fn encoded<'b>(self, text: &'b str) -> Option<Node<'b>> {
        if self.encoded_depth == ENCODED_DEPTH_MAX { None } else { encoded_tree(text) }
    }
}

/// The object or array that a string holds.
pub fn encoded_tree(text: &str) -> Option<Node<'_>> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    json::parse(text).ok()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn leaves(text: &str, path: Option<&str>) -> String {
        let node = json::parse(text).unwrap();
        let mut found = Vec::new();
        let mut visit = |leaf: &str| {
            found.push(leaf.to_owned());
            false
        };
        match path {
            None => Tree::new(text, &node).any_leaf(&mut visit),
            Some(path) => Tree::new(text, &node).any_at(path, &mut visit),
        };
        found.join("|")
    }

    #[test]
    fn leaves_are_values_as_written() {
        assert_eq!(
            leaves(r#"{"a":"x","b":[1,2.50,-3e2,true,null,"",{}],"c":{"d":false}}"#, None),
            "x|1|2.50|-3e2|true|false"
        );
    }

    #[test]
    fn a_string_that_holds_json_is_its_tree() {
        assert_eq!(leaves(r#"{"a":"{\"b\":[1.0,\"c\"]}","d":"[x"}"#, None), "1.0|c|[x");
    }

    fn check(path: &str, expected: &str) {
        let text = r#"{"a":{"b":"1","b.c":"2","x.y":{"z":"3"}},"a.b":{"c":"4"},"l":[{"k":"5"},{"k":["6","7"]},["8"]],
            "s":"{\"t\":{\"u\":\"9\"}}","n":null,"e":"","0":"10"}"#;
        assert_eq!(leaves(text, Some(path)), expected, "{path}");
    }

    #[test]
    fn a_path_goes_through_dotted_keys_arrays_and_strings() {
        check("a.b", "1|4");
        check("a.b.c", "2|4");
        check("a.x.y.z", "3");
        check("a", "1|2|3");
        check("l.k", "5|6|7");
        check("l.1.k", "6|7");
        check("l.1.k.0", "6");
        check("l.2", "8");
        check("l.2.0", "8");
        check("l.9", "");
        check("s.t.u", "9");
        check("s.t", "9");
        check("n", "");
        check("e", "");
        check("0", "10");
        check("a.x", "");
        check("missing.a", "");
        check("A", "");
    }

    #[test]
    fn deep_nesting_of_arrays_and_indexes_takes_no_time() {
        let text = format!("{}1{}", "[".repeat(60), "]".repeat(60));
        assert_eq!(leaves(&text, Some(&vec!["0"; 40].join("."))), "1");
        assert_eq!(leaves(&text, Some(&vec!["1"; 40].join("."))), "");
    }
}
