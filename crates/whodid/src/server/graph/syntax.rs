//! The query language of GraphQL: the text of a request to its tree.
//!
//! *Invariants*: no text makes this panic, nest deeper than [`NESTING_MAX`] or make a tree of more than
//! [`SELECTIONS_MAX`] selections; each sign is looked at once. Whether what is asked for exists is [`super::plan`]'s to
//! say. Schemas are not read. Source: GraphQL, October 2021, section 2 and appendix B. Why ours: ADR 18.

use std::str::CharIndices;

/// Braces, brackets and parentheses within each other.
pub const NESTING_MAX: usize = 24;
/// Fields and fragments written in a text, those of queries that are not meant included.
pub const SELECTIONS_MAX: usize = 1000;
/// Characters of a name that a refusal shows.
const SHOWN_CHARS: usize = 40;

/// Why a query is refused, and where it is wrong, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub at: usize,
    pub length: usize,
    pub detail: String,
}

/// Queries, and fragments that they share.
#[derive(Debug, Default)]
pub struct Document<'t> {
    pub operations: Vec<Operation<'t>>,
    pub fragments: Vec<Fragment<'t>>,
}

/// A word, and where it stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Name<'t> {
    pub text: &'t str,
    pub at: usize,
}

#[derive(Debug)]
pub struct Operation<'t> {
    /// `query`, `mutation` or `subscription`.
    pub kind: Name<'t>,
    pub name: Option<Name<'t>>,
    pub variables: Vec<Variable<'t>>,
    pub directives: Vec<Directive<'t>>,
    pub selections: Vec<Selection<'t>>,
}

/// A declared variable. Its type is not kept: a value is checked where it is used.
#[derive(Debug)]
pub struct Variable<'t> {
    pub name: Name<'t>,
    pub is_required: bool,
    pub default: Option<Literal<'t>>,
}

#[derive(Debug)]
pub struct Fragment<'t> {
    pub name: Name<'t>,
    pub on: Name<'t>,
    pub directives: Vec<Directive<'t>>,
    pub selections: Vec<Selection<'t>>,
}

#[derive(Debug)]
pub enum Selection<'t> {
    Field(Field<'t>),
    Spread { name: Name<'t>, directives: Vec<Directive<'t>> },
    Inline { at: usize, on: Option<Name<'t>>, directives: Vec<Directive<'t>>, selections: Vec<Selection<'t>> },
}

#[derive(Debug)]
pub struct Field<'t> {
    pub alias: Option<Name<'t>>,
    pub name: Name<'t>,
    pub arguments: Vec<Argument<'t>>,
    pub directives: Vec<Directive<'t>>,
    /// Empty where nothing is selected; braces without anything between them are refused.
    pub selections: Vec<Selection<'t>>,
}

#[derive(Debug)]
pub struct Argument<'t> {
    pub name: Name<'t>,
    pub value: Literal<'t>,
}

#[derive(Debug)]
pub struct Directive<'t> {
    pub name: Name<'t>,
    pub arguments: Vec<Argument<'t>>,
}

/// A value as it is written. What lists and objects hold is read and not kept: nothing takes one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Literal<'t> {
    Variable(&'t str),
    Number(&'t str),
    Text(String),
    Boolean(bool),
    Null,
    Word(&'t str),
    List,
    Object,
}

/// Reads a text.
pub fn parse(text: &str) -> Result<Document<'_>, Refusal> {
    let mut reader = Reader { text, at: 0, end: 0, token: Token::End, nesting: 0, selections: 0 };
    reader.step()?;
    let mut document = Document::default();
    while reader.token != Token::End {
        match reader.word() {
            Some("query" | "mutation" | "subscription") => document.operations.push(reader.operation()?),
            Some("fragment") => document.fragments.push(reader.fragment()?),
            None if reader.is(b'{') => {
                let kind = Name { text: "query", at: reader.at };
                let selections = reader.selections()?;
                let (variables, directives) = (Vec::new(), Vec::new());
                document.operations.push(Operation { kind, name: None, variables, directives, selections });
            }
            _ => return Err(reader.expected("`query`, `fragment` or `{`")),
        }
    }
    Ok(document)
}

/// Line and column of a place in a text, both from 1; the column in characters.
pub fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = text.get(..at).unwrap_or(text);
    let line = before.rsplit('\n').next().unwrap_or_default();
    (before.matches('\n').count() + 1, line.chars().count() + 1)
}

/// As much of a name as a refusal shows.
pub fn shown(name: &str) -> String {
    name.chars().take(SHOWN_CHARS).collect()
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token<'t> {
    /// One of ``! $ & ( ) : = @ [ ] { | }``, or a dot for `...`.
    Sign(u8),
    Word(&'t str),
    Number(&'t str),
    Text(String),
    End,
}

struct Reader<'t> {
    text: &'t str,
    /// Where the token that is next begins and ends.
    at: usize,
    end: usize,
    token: Token<'t>,
    nesting: usize,
    selections: usize,
}

impl<'t> Reader<'t> {
    fn operation(&mut self) -> Result<Operation<'t>, Refusal> {
        let kind = self.name("`query`")?;
        let name = if self.word().is_some() { Some(self.name("a name")?) } else { None };
        let mut variables = Vec::new();
        if self.takes(b'(')? {
            while !self.takes(b')')? {
                variables.push(self.variable()?);
            }
        }
        Ok(Operation { kind, name, variables, directives: self.directives()?, selections: self.selections()? })
    }

    fn variable(&mut self) -> Result<Variable<'t>, Refusal> {
        self.take(b'$')?;
        let name = self.name("the name of a variable")?;
        self.take(b':')?;
        let is_required = self.declared_type()?;
        let mut default = None;
        if self.takes(b'=')? {
            let (at, end) = (self.at, self.end);
            let value = self.value()?;
            if matches!(value, Literal::Variable(_)) {
                let detail = "what a variable is by default is no variable".to_owned();
                return Err(Refusal { at, length: end - at, detail });
            }
            default = Some(value);
        }
        self.directives()?;
        Ok(Variable { name, is_required, default })
    }

    /// Reads a type; true when it must be given.
    fn declared_type(&mut self) -> Result<bool, Refusal> {
        if self.is(b'[') {
            self.within(|reader| {
                reader.take(b'[')?;
                reader.declared_type()?;
                reader.take(b']')
            })?;
        } else {
            self.name("a type")?;
        }
        self.takes(b'!')
    }

    fn fragment(&mut self) -> Result<Fragment<'t>, Refusal> {
        self.name("`fragment`")?;
        if self.word() == Some("on") {
            return Err(self.expected("the name of the fragment"));
        }
        let name = self.name("the name of the fragment")?;
        if self.word() != Some("on") {
            return Err(self.expected("`on`"));
        }
        self.step()?;
        let on = self.name("a type")?;
        Ok(Fragment { name, on, directives: self.directives()?, selections: self.selections()? })
    }

    fn selections(&mut self) -> Result<Vec<Selection<'t>>, Refusal> {
        self.within(|reader| {
            reader.take(b'{')?;
            let mut selections = Vec::new();
            loop {
                selections.push(reader.selection()?);
                if reader.takes(b'}')? {
                    return Ok(selections);
                }
            }
        })
    }

    fn selection(&mut self) -> Result<Selection<'t>, Refusal> {
        self.selections += 1;
        if self.selections > SELECTIONS_MAX {
            return Err(self.wrong(format!("the text has more than {SELECTIONS_MAX} fields and fragments")));
        }
        let at = self.at;
        if !self.takes(b'.')? {
            return Ok(Selection::Field(self.field()?));
        }
        let on = match self.word() {
            Some("on") => {
                self.step()?;
                Some(self.name("a type")?)
            }
            Some(_) => {
                return Ok(Selection::Spread { name: self.name("a fragment")?, directives: self.directives()? });
            }
            None => None,
        };
        Ok(Selection::Inline { at, on, directives: self.directives()?, selections: self.selections()? })
    }

    fn field(&mut self) -> Result<Field<'t>, Refusal> {
        let first = self.name("a field")?;
        let (alias, name) = if self.takes(b':')? { (Some(first), self.name("a field")?) } else { (None, first) };
        let arguments = self.arguments()?;
        let directives = self.directives()?;
        let selections = if self.is(b'{') { self.selections()? } else { Vec::new() };
        Ok(Field { alias, name, arguments, directives, selections })
    }

    fn arguments(&mut self) -> Result<Vec<Argument<'t>>, Refusal> {
        let mut arguments = Vec::new();
        if self.takes(b'(')? {
            loop {
                let name = self.name("an argument")?;
                self.take(b':')?;
                arguments.push(Argument { name, value: self.value()? });
                if self.takes(b')')? {
                    break;
                }
            }
        }
        Ok(arguments)
    }

    fn directives(&mut self) -> Result<Vec<Directive<'t>>, Refusal> {
        let mut directives = Vec::new();
        while self.takes(b'@')? {
            directives.push(Directive { name: self.name("a directive")?, arguments: self.arguments()? });
        }
        Ok(directives)
    }

    fn value(&mut self) -> Result<Literal<'t>, Refusal> {
        if self.is(b'[') {
            return self.within(|reader| {
                reader.take(b'[')?;
                while !reader.takes(b']')? {
                    reader.value()?;
                }
                Ok(Literal::List)
            });
        }
        if self.is(b'{') {
            return self.within(|reader| {
                reader.take(b'{')?;
                while !reader.takes(b'}')? {
                    reader.name("a member")?;
                    reader.take(b':')?;
                    reader.value()?;
                }
                Ok(Literal::Object)
            });
        }
        if self.takes(b'$')? {
            return Ok(Literal::Variable(self.name("the name of a variable")?.text));
        }
        let value = match &self.token {
            Token::Word("true") => Literal::Boolean(true),
            Token::Word("false") => Literal::Boolean(false),
            Token::Word("null") => Literal::Null,
            Token::Word(word) => Literal::Word(word),
            Token::Number(number) => Literal::Number(number),
            Token::Text(text) => Literal::Text(text.clone()),
            Token::Sign(_) | Token::End => return Err(self.expected("a value")),
        };
        self.step()?;
        Ok(value)
    }

    /// Reads something that may hold itself.
    fn within<T>(&mut self, read: impl FnOnce(&mut Self) -> Result<T, Refusal>) -> Result<T, Refusal> {
        if self.nesting == NESTING_MAX {
            return Err(self.wrong(format!("the text is nested deeper than {NESTING_MAX} levels")));
        }
        self.nesting += 1;
        let read = read(self)?;
        self.nesting -= 1;
        Ok(read)
    }

    fn name(&mut self, what: &str) -> Result<Name<'t>, Refusal> {
        let Some(text) = self.word() else { return Err(self.expected(what)) };
        let name = Name { text, at: self.at };
        self.step()?;
        Ok(name)
    }

    fn word(&self) -> Option<&'t str> {
        match self.token {
            Token::Word(word) => Some(word),
            _ => None,
        }
    }

    fn is(&self, sign: u8) -> bool {
        self.token == Token::Sign(sign)
    }

    /// Goes on behind a sign, if it is next.
    fn takes(&mut self, sign: u8) -> Result<bool, Refusal> {
        let is_next = self.is(sign);
        if is_next {
            self.step()?;
        }
        Ok(is_next)
    }

    fn take(&mut self, sign: u8) -> Result<(), Refusal> {
        if self.takes(sign)? { Ok(()) } else { Err(self.expected(&format!("`{}`", char::from(sign)))) }
    }

    fn expected(&self, what: &str) -> Refusal {
        self.wrong(format!("here must stand {what}"))
    }

    fn wrong(&self, detail: String) -> Refusal {
        Refusal { at: self.at, length: self.end - self.at, detail }
    }

    /// Goes on to the next token.
    fn step(&mut self) -> Result<(), Refusal> {
        let bytes = self.text.as_bytes();
        let mut at = self.end;
        loop {
            at += match bytes.get(at) {
                Some(b' ' | b'\t' | b'\n' | b'\r' | b',') => 1,
                Some(b'#') => bytes[at..].iter().take_while(|byte| !matches!(byte, b'\n' | b'\r')).count(),
                // A byte order mark means nothing, wherever it stands.
                Some(0xef) if bytes[at..].starts_with(b"\xef\xbb\xbf") => 3,
                _ => break,
            };
        }
        let is_of_word = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
        let wrong = |length: usize, detail: &str| Refusal { at, length, detail: detail.to_owned() };
        let (token, end) = match bytes.get(at) {
            None => (Token::End, at),
            Some(sign @ (b'!' | b'$' | b'&' | b'(' | b')' | b':' | b'=' | b'@' | b'[' | b']' | b'{' | b'|' | b'}')) => {
                (Token::Sign(*sign), at + 1)
            }
            Some(b'.') if bytes[at..].starts_with(b"...") => (Token::Sign(b'.'), at + 3),
            Some(b'_' | b'a'..=b'z' | b'A'..=b'Z') => {
                let end = at + bytes[at..].iter().take_while(|byte| is_of_word(byte)).count();
                (Token::Word(&self.text[at..end]), end)
            }
            Some(b'-' | b'0'..=b'9') => {
                let end = number_end(bytes, at).ok_or_else(|| wrong(1, "this is no number"))?;
                (Token::Number(&self.text[at..end]), end)
            }
            Some(b'"') => {
                let quoted = if bytes[at..].starts_with(b"\"\"\"") {
                    block_string(&self.text[at..])
                } else {
                    string(&self.text[at..])
                };
                let detail = "this text has no end, or holds a sign that no text has; escapes are those of JSON";
                let (text, length) = quoted.ok_or_else(|| wrong(1, detail))?;
                (Token::Text(text), at + length)
            }
            Some(_) => {
                let length = self.text[at..].chars().next().map_or(1, char::len_utf8);
                return Err(wrong(length, "this sign means nothing in GraphQL"));
            }
        };
        (self.at, self.end, self.token) = (at, end, token);
        Ok(())
    }
}

/// Where the number that begins here ends; `None` where it is none.
fn number_end(bytes: &[u8], at: usize) -> Option<usize> {
    let digits = |from: usize| from + bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    let begin = at + usize::from(bytes.get(at) == Some(&b'-'));
    let mut end = digits(begin);
    if end == begin || (bytes.get(begin) == Some(&b'0') && end > begin + 1) {
        return None;
    }
    if bytes.get(end) == Some(&b'.') {
        let begin = end + 1;
        end = digits(begin);
        if end == begin {
            return None;
        }
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let begin = end + 1 + usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        end = digits(begin);
        if end == begin {
            return None;
        }
    }
    let goes_on = bytes.get(end).is_some_and(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
    (!goes_on).then_some(end)
}

/// A text in quotes, with which this begins, and how many bytes it has with them.
fn string(quoted: &str) -> Option<(String, usize)> {
    let mut text = String::new();
    let mut signs = quoted.char_indices();
    signs.next();
    while let Some((at, sign)) = signs.next() {
        let sign = match sign {
            '"' => return Some((text, at + 1)),
            '\n' | '\r' => return None,
            '\\' => escaped(&mut signs)?,
            sign => sign,
        };
        text.push(Some(sign).filter(|sign| *sign != '\0')?);
    }
    None
}

/// The sign that an escape means, of which the backslash was read.
fn escaped(signs: &mut CharIndices<'_>) -> Option<char> {
    match signs.next()?.1 {
        sign @ ('"' | '\\' | '/') => Some(sign),
        'b' => Some('\u{8}'),
        'f' => Some('\u{c}'),
        'n' => Some('\n'),
        'r' => Some('\r'),
        't' => Some('\t'),
        'u' => {
            let first = hexadecimal(signs)?;
            if !(0xd800..0xdc00).contains(&first) {
                return char::from_u32(first);
            }
            // The first half of a sign beyond the basic plane, as JSON writes them.
            if (signs.next()?.1, signs.next()?.1) != ('\\', 'u') {
                return None;
            }
            let second = hexadecimal(signs).filter(|second| (0xdc00..0xe000).contains(second))?;
            char::from_u32(0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00))
        }
        _ => None,
    }
}

fn hexadecimal(signs: &mut CharIndices<'_>) -> Option<u32> {
    (0..4).try_fold(0, |number, _| Some(number * 16 + signs.next()?.1.to_digit(16)?))
}

/// A text in three quotes, with which this begins, and how many bytes it has with them.
fn block_string(quoted: &str) -> Option<(String, usize)> {
    const QUOTES: &str = "\"\"\"";
    let mut raw = String::new();
    let mut at = QUOTES.len();
    loop {
        let rest = quoted.get(at..)?;
        let end = rest.find(QUOTES)?;
        at += end + QUOTES.len();
        match rest[..end].strip_suffix('\\') {
            Some(before) => {
                raw.push_str(before);
                raw.push_str(QUOTES);
            }
            None => {
                raw.push_str(&rest[..end]);
                break;
            }
        }
    }
    let raw = raw.replace("\r\n", "\n").replace('\r', "\n");
    let blank = |line: &str| line.bytes().all(|byte| matches!(byte, b' ' | b'\t'));
    let indent = |line: &str| line.bytes().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
    let common = raw.split('\n').skip(1).filter(|line| !blank(line)).map(indent).min().unwrap_or(0);
    // What the lines after the first are indented by in common goes, and so do blank lines at both ends.
    let mut lines: Vec<&str> = raw.split('\n').collect();
    for line in lines.iter_mut().skip(1) {
        *line = line.get(common..).unwrap_or_default();
    }
    let first = lines.iter().position(|line| !blank(line)).unwrap_or(lines.len());
    let last = lines.iter().rposition(|line| !blank(line)).map_or(first, |last| last + 1);
    let text = lines[first..last].join("\n");
    (!text.contains('\0')).then_some((text, at))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    /// A tree as text, with everything that is kept of it.
    fn tree(text: &str) -> String {
        fn value(literal: &Literal<'_>) -> String {
            match literal {
                Literal::Variable(name) => format!("${name}"),
                Literal::Number(number) => (*number).to_owned(),
                Literal::Text(text) => format!("{text:?}"),
                other => format!("{other:?}"),
            }
        }
        fn arguments(all: &[Argument<'_>]) -> String {
            let all: Vec<String> = all.iter().map(|one| format!("{}={}", one.name.text, value(&one.value))).collect();
            if all.is_empty() { String::new() } else { format!("({})", all.join(" ")) }
        }
        fn directives(all: &[Directive<'_>]) -> String {
            all.iter().map(|one| format!("@{}{}", one.name.text, arguments(&one.arguments))).collect()
        }
        fn selections(all: &[Selection<'_>]) -> String {
            let one = |one: &Selection<'_>| match one {
                Selection::Field(field) => format!(
                    "{}{}{}{}{}",
                    field.alias.map(|alias| format!("{}:", alias.text)).unwrap_or_default(),
                    field.name.text,
                    arguments(&field.arguments),
                    directives(&field.directives),
                    selections(&field.selections)
                ),
                Selection::Spread { name, directives: of } => format!("...{}{}", name.text, directives(of)),
                Selection::Inline { on, directives: of, selections: within, .. } => {
                    let on = on.map(|on| format!(" on {}", on.text)).unwrap_or_default();
                    format!("...{on}{}{}", directives(of), selections(within))
                }
            };
            let all: Vec<String> = all.iter().map(one).collect();
            if all.is_empty() { String::new() } else { format!("{{{}}}", all.join(" ")) }
        }
        let document = match parse(text) {
            Ok(document) => document,
            Err(refusal) => return format!("{}+{}: {}", refusal.at, refusal.length, refusal.detail),
        };
        let operation = |one: &Operation<'_>| {
            let variable = |one: &Variable<'_>| {
                let default = one.default.as_ref().map(|default| format!("={}", value(default))).unwrap_or_default();
                format!("${}{}{default}", one.name.text, if one.is_required { "!" } else { "" })
            };
            let variables: Vec<String> = one.variables.iter().map(variable).collect();
            let name = one.name.map(|name| format!(" {}", name.text)).unwrap_or_default();
            let of = directives(&one.directives);
            format!("{}{name}[{}]{of}{}", one.kind.text, variables.join(" "), selections(&one.selections))
        };
        let fragment = |one: &Fragment<'_>| {
            let of = directives(&one.directives);
            format!("fragment {} on {}{of}{}", one.name.text, one.on.text, selections(&one.selections))
        };
        let operations = document.operations.iter().map(operation);
        operations.chain(document.fragments.iter().map(fragment)).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_text_is_read_with_everything_that_a_query_may_have() {
        for (text, expected) in [
            ("{a}", "query[]{a}"),
            ("\u{feff}query Q { a, b # note\n c }", "query Q[]{a b c}"),
            (
                r#"query($p:String!,$n:[Int!]!=3,$k:Kind=FINDING @x){a(p:$p n:-1.5e3 k:KPI t:true z:null)}"#,
                "query[$p! $n!=3 $k=Word(\"FINDING\")]{a(p=$p n=-1.5e3 k=Word(\"KPI\") t=Boolean(true) z=Null)}",
            ),
            ("{x:a(l:[1 [2]] o:{b:{c:1}}){y:b}}", "query[]{x:a(l=List o=Object){y:b}}"),
            ("mutation M{a} subscription{b}", "mutation M[]{a} subscription[]{b}"),
            (
                "{...f @include(if:$i) ... on Note @skip(if:true){a} ...{b} ...@d{c}} fragment f on Note @d{id}",
                "query[]{...f@include(if=$i) ... on Note@skip(if=Boolean(true)){a} ...{b} ...@d{c}} \
                 fragment f on Note@d{id}",
            ),
            ("{query fragment on type}", "query[]{query fragment on type}"),
        ] {
            assert_eq!(tree(text), expected, "{text}");
        }
    }

    #[test]
    fn a_text_in_quotes_means_what_it_says() {
        fn check(literal: &str, expected: &str) {
            assert_eq!(tree(&format!("{{a(b:{literal})}}")), format!("query[]{{a(b={expected:?})}}"), "{literal}");
        }
        check(r#""""#, "");
        check(r#""a\"b\\c\/d\b\f\n\r\t""#, "a\"b\\c/d\u{8}\u{c}\n\r\t");
        check(r#""\u00e4\uD83D\uDE00ä""#, "ä😀ä");
        check(r##""# , { no comment""##, "# , { no comment");
        check("\"\"\"\n    one\n      two\n\n    three \\\"\"\" four\n  \"\"\"", "one\n  two\n\nthree \"\"\" four");
        check("\"\"\"a\r\n\u{a0}\u{a0}b\r  c\"\"\"", "a\n\u{a0}\u{a0}b\n  c");
        check("\"\"\"\"\"\"", "");
    }

    #[test]
    fn what_cannot_be_read_is_refused_where_it_is_wrong() {
        for (text, expected) in [
            ("", ""),
            ("{", "1+0: here must stand a field"),
            ("{}", "1+1: here must stand a field"),
            ("{a", "2+0: here must stand a field"),
            ("{a b:}", "5+1: here must stand a field"),
            ("{a()}", "3+1: here must stand an argument"),
            ("{a(b 1)}", "5+1: here must stand `:`"),
            ("{a(b:)}", "5+1: here must stand a value"),
            ("{a} b", "4+1: here must stand `query`, `fragment` or `{`"),
            ("{a}}", "3+1: here must stand `query`, `fragment` or `{`"),
            ("type A {b}", "0+4: here must stand `query`, `fragment` or `{`"),
            ("fragment on on A {b}", "9+2: here must stand the name of the fragment"),
            ("fragment f {b}", "11+1: here must stand `on`"),
            ("query($a){b}", "8+1: here must stand `:`"),
            ("query($a:Int=$b){b}", "13+1: what a variable is by default is no variable"),
            ("{a..b}", "2+1: this sign means nothing in GraphQL"),
            ("{ä}", "1+2: this sign means nothing in GraphQL"),
        ] {
            assert_eq!(tree(text), expected, "{text}");
        }
        for number in ["01", "-", "1.", ".5", "1e", "1x", "1.2.3", "-a", "1_"] {
            let told = tree(&format!("{{a(b:{number})}}"));
            assert!(told.starts_with("5+1: this "), "{number}: {told}");
        }
        let texts =
            ["\"", "\"a\nb\"", "\"\"\"", "\"\"\"a\\\"\"\"", r#""\x""#, r#""\u12""#, r#""\ud800""#, r#""\udc00x""#];
        for text in texts.into_iter().chain([r#""\ud800\u0041""#, r#""\u0000""#, "\"\0\"", "\"\"\"\0\"\"\"", "\"\\"]) {
            let told = tree(&format!("{{a(b:{text}"));
            assert!(told.starts_with("5+1: this text"), "{text}: {told}");
        }
    }

    #[test]
    fn nesting_and_size_are_bounded_and_no_text_makes_it_panic() {
        for opener in ["{a", "{...", "{a(b:[", "{a(b:{c:", "query($a:["] {
            let (beginning, again) = opener.split_at(opener.rfind(['{', '[']).unwrap());
            let deep = format!("{beginning}{}", again.repeat(100_000));
            assert!(tree(&deep).contains("nested deeper than 24"), "{opener}");
        }
        let lists = |times: usize| format!("{{a(b:{}{})}}", "[".repeat(times), "]".repeat(times));
        assert!(parse(&lists(NESTING_MAX - 1)).is_ok());
        assert!(tree(&lists(NESTING_MAX)).contains("nested deeper"));
        let types = format!("query($a:{}A{}){{b}}", "[".repeat(30), "]".repeat(30));
        assert!(tree(&types).contains("nested deeper"), "{}", tree(&types));
        let wide = |times: usize| format!("{{{}}}", "a ".repeat(times));
        assert!(parse(&wide(SELECTIONS_MAX)).is_ok());
        assert!(tree(&wide(SELECTIONS_MAX + 1)).contains("more than 1000 fields"));
        // Every beginning of a text, and every text with a byte gone, is read or refused.
        let whole = "query Q($a:[X!]=\"\"\"b\"\"\"@c){...f d:e(g:-1.5e+3 h:\"\\ud83d\\ude00\" i:{j:[K null]})@l ...on M{n}}#ö\n";
        for at in (0..=whole.len()).filter(|at| whole.is_char_boundary(*at)) {
            let _ = parse(&whole[..at]);
            let without: String = whole.char_indices().filter(|(of, _)| *of != at).map(|(_, sign)| sign).collect();
            let _ = parse(&without);
        }
    }

    #[test]
    fn places_are_told_as_people_count_them() {
        let text = "{\n  ä b\n}";
        assert_eq!(line_and_column(text, 0), (1, 1));
        assert_eq!(line_and_column(text, text.find('b').unwrap()), (2, 5));
        assert_eq!(line_and_column(text, text.len()), (3, 2));
    }
}
