//! Syntax tree to canonical text, such that parsing the text gives the tree again.

use std::fmt::{Display, Formatter, Result, Write};

use crate::ast::{Expr, Operand, Path, Query, RecordField, Target, Term, Test, TimePoint};
use crate::parse::{is_name_character, is_value_with_colon, resolve, split_network};

impl Display for Query {
    /// Canonical text; empty for every event.
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        if self.expr == Expr::All { Ok(()) } else { self.expr.fmt(out) }
    }
}

impl Display for Expr {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Self::All => out.write_char('*'),
            Self::And(members) => separated(out, members, " ", is_written_with_or),
            Self::Or(members) => match target_of_list(members) {
                Some(target) => list(out, target, members),
                None => separated(out, members, " OR ", |_| false),
            },
            Self::Not(member) if matches!(**member, Self::And(_) | Self::Not(_)) || is_written_with_or(member) => {
                write!(out, "-({member})")
            }
            Self::Not(member) => write!(out, "-{member}"),
            Self::Term(term) => term.fmt(out),
        }
    }
}

fn is_written_with_or(expr: &Expr) -> bool {
    matches!(expr, Expr::Or(members) if target_of_list(members).is_none())
}

/// The field that all alternatives are values of, so that they are written as a list: a long list of values must
/// not grow by its name with each of them, or it could not be read again.
fn target_of_list(members: &[Expr]) -> Option<&Target> {
    let Expr::Term(Term { target, .. }) = members.first()? else { return None };
    let is_value = |member: &Expr| matches!(member, Expr::Term(term) if term.target == *target && !matches!(term.test, Test::Compare(_)));
    (*target != Target::Any && members.iter().all(is_value)).then_some(target)
}

fn list(out: &mut Formatter<'_>, target: &Target, members: &[Expr]) -> Result {
    let mut values = Vec::with_capacity(members.len());
    for member in members {
        let Expr::Term(term) = member else { continue };
        let value = value_text(&term.test, false);
        let is_quoted = value.trim_start_matches('=').starts_with('"');
        values.push(if is_quoted { value } else { value.replace(',', "\\,").replace(']', "\\]") });
    }
    let value = format!("[{}]", values.join(","));
    write_value(out, target, &value)
}

fn separated(out: &mut Formatter<'_>, members: &[Expr], separator: &str, in_parentheses: fn(&Expr) -> bool) -> Result {
    for (at, member) in members.iter().enumerate() {
        if at > 0 {
            out.write_str(separator)?;
        }
        if in_parentheses(member) { write!(out, "({member})")? } else { member.fmt(out)? }
    }
    Ok(())
}

impl Display for Term {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        let value = value_text(&self.test, self.target == Target::Any);
        if self.target == Target::Any {
            return out.write_str(&value);
        }
        write_value(out, &self.target, &value)
    }
}

fn write_value(out: &mut Formatter<'_>, target: &Target, value: &str) -> Result {
    let plain = target.to_string();
    // `abc:` and `:1` would read together as the IPv6 address `abc::1`; a quoted name is always a name.
    if is_value_with_colon(&format!("{plain}:{value}")) {
        return write!(out, "{}:{value}", quoted(&plain));
    }
    write!(out, "{plain}:{value}")
}

impl Display for Target {
    /// The name as it stands before the colon, in quotes where needed; nothing for any value.
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        match self {
            Self::Any => Ok(()),
            Self::Field(field) => out.write_str(field.path()),
            Self::Record(field) => field.fmt(out),
            Self::Json { field, path } => name(out, &format!("{}.{path}", field.path()), self),
            Self::Raw(path) => name(out, path.as_str(), self),
        }
    }
}

/// `plain` where it means `target`, else the path behind `raw.`; quoted when it holds what names do not.
fn name(out: &mut Formatter<'_>, plain: &str, target: &Target) -> Result {
    let named = match target {
        Target::Raw(path) if resolve(plain).as_ref() != Some(target) => format!("raw.{path}"),
        // `requestData.keyId_str` would lose its end.
        Target::Json { .. } if resolve(plain).as_ref() != Some(target) => format!("{plain}_str"),
        _ => plain.to_owned(),
    };
    let is_plain =
        named.chars().all(is_name_character) && !named.starts_with('-') && !is_value_with_colon(&format!("{named}:x"));
    if is_plain { out.write_str(&named) } else { out.write_str(&quoted(&named)) }
}

impl Display for RecordField {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        out.write_str(self.name())
    }
}

impl Display for Path {
    fn fmt(&self, out: &mut Formatter<'_>) -> Result {
        out.write_str(self.as_str())
    }
}

fn value_text(test: &Test, is_bare: bool) -> String {
    match test {
        Test::Exists => "*".to_owned(),
        Test::Prefix { text, case_sensitive } => {
            let word = word(std::slice::from_ref(text), is_bare);
            let is_network = !is_bare && !case_sensitive && split_network(text).is_some();
            match (case_sensitive, is_network) {
                (true, _) => format!("={}", signed(text)),
                (false, true) => word.replacen('/', "\\/", 1),
                (false, false) => word,
            }
        }
        Test::Exact { text, case_sensitive } => {
            format!("{}{}", if *case_sensitive { "===" } else { "==" }, signed(text))
        }
        Test::Phrase { text } => quoted(text),
        Test::Wildcard { pieces, case_sensitive, .. } => {
            format!("{}{}", if *case_sensitive { "=" } else { "" }, word(pieces, is_bare))
        }
        Test::Compare(comparisons) => {
            let written: Vec<String> = comparisons
                .iter()
                .map(|(comparison, operand)| format!("{}{}", comparison.as_str(), operand_text(operand)))
                .collect();
            if written.len() == 1 { written.concat() } else { format!("({})", written.join(" ")) }
        }
        Test::Cidr(network) => network.to_string(),
    }
}

fn operand_text(operand: &Operand) -> String {
    match operand {
        Operand::Int(int) => int.to_string(),
        // Keeps the fraction, `5.0`: it tells the number from a whole one.
        Operand::Float(float) => format!("{float:?}"),
        Operand::Time(TimePoint::At(at)) => at.to_string(),
        Operand::Time(TimePoint::Relative(text)) => {
            let is_plain = text
                .chars()
                .all(|character| character.is_ascii_alphanumeric() || matches!(character, '+' | '-' | '/' | ':'));
            if is_plain { text.clone() } else { quoted(text) }
        }
    }
}

/// The pieces joined by `*`, everything else of the grammar escaped.
fn word(pieces: &[String], is_bare: bool) -> String {
    let plain = escaped(pieces, false);
    let would_be_field = is_bare && plain.contains(':') && !is_value_with_colon(&plain);
    if would_be_field { escaped(pieces, true) } else { plain }
}

/// A text behind a sign, where quotes do nothing but hold it together.
fn signed(text: &str) -> String {
    let needs_quotes =
        text.contains(|character: char| character.is_whitespace() || matches!(character, '"' | '*' | '(' | ')'));
    if needs_quotes { quoted(text) } else { escaped(std::slice::from_ref(&text.to_owned()), false) }
}

fn escaped(pieces: &[String], with_colons: bool) -> String {
    let mut written = String::new();
    for (at, piece) in pieces.iter().enumerate() {
        if at > 0 {
            written.push('*');
        }
        for character in piece.chars() {
            let is_first = written.is_empty();
            let is_grammar = character.is_whitespace() || matches!(character, '\\' | '"' | '*' | '(' | ')');
            let is_sign = is_first && matches!(character, '-' | '=' | '<' | '>' | '[' | ':');
            let is_slashes = is_first && piece.starts_with("//");
            if is_grammar || is_sign || is_slashes || (with_colons && character == ':') {
                written.push('\\');
            }
            written.push(character);
        }
    }
    written
}

/// A text as a query takes it whatever stands in it: in quotation marks.
pub fn quoted(text: &str) -> String {
    let mut written = String::from("\"");
    for character in text.chars() {
        if matches!(character, '"' | '\\') {
            written.push('\\');
        }
        written.push(character);
    }
    written.push('"');
    written
}
