//! Reads what is nearly JSON: the published packages have trailing commas and missing brackets.
//!
//! Every repair is told with its line, so that whoever wrote the file can mend it.

/// One repair.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Repair {
    /// Line in the file, from 1.
    pub line: usize,
    /// What was done.
    pub what: String,
}

/// The text as JSON, with what was done to it. What comes out may still be no JSON.
pub fn repair(text: &str) -> (String, Vec<Repair>) {
    Repairer {
        out: String::with_capacity(text.len() + 16),
        repairs: Vec::new(),
        open: Vec::new(),
        line: 1,
        last: Last::Nothing,
    }
    .run(text)
}

/// What was written last, blanks aside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Last {
    Nothing,
    Opening,
    Comma,
    Colon,
    Value,
}

struct Repairer {
    out: String,
    repairs: Vec<Repair>,
    /// Brackets to be closed.
    open: Vec<char>,
    line: usize,
    last: Last,
}

impl Repairer {
    fn run(mut self, text: &str) -> (String, Vec<Repair>) {
        let mut rest = text.strip_prefix('\u{feff}').unwrap_or(text);
        while let Some(character) = rest.chars().next() {
            let length = match character {
                '"' | '\u{201c}' | '\u{201d}' => self.string(rest, character),
                '/' if rest.starts_with("//") => {
                    self.skip(rest, rest.find('\n').unwrap_or(rest.len()), "a comment was left out")
                }
                '/' if rest.starts_with("/*") => {
                    let end = rest.find("*/").map_or(rest.len(), |end| end + 2);
                    self.skip(rest, end, "a comment was left out")
                }
                '{' | '[' => {
                    self.before_value();
                    self.open.push(if character == '{' { '}' } else { ']' });
                    self.put(character, Last::Opening)
                }
                '}' | ']' => self.close(character),
                ',' => {
                    if matches!(self.last, Last::Comma | Last::Opening) {
                        self.tell("a comma with nothing before it was left out");
                        1
                    } else {
                        self.put(',', Last::Comma)
                    }
                }
                ':' => self.put(':', Last::Colon),
                character if character.is_whitespace() => {
                    self.line += usize::from(character == '\n');
                    self.out.push(character);
                    character.len_utf8()
                }
                _ => {
                    let end =
                        rest.find(|c: char| c.is_whitespace() || ",:[]{}\"".contains(c)).unwrap_or(rest.len()).max(1);
                    self.before_value();
                    self.out.push_str(&rest[..end]);
                    self.last = Last::Value;
                    end
                }
            };
            rest = &rest[length..];
        }
        self.drop_comma();
        while let Some(bracket) = self.open.pop() {
            self.tell(&format!("the file ends before '{bracket}', which was added"));
            self.out.push(bracket);
        }
        (self.out, self.repairs)
    }

    fn tell(&mut self, what: &str) {
        self.repairs.push(Repair { line: self.line, what: what.to_owned() });
    }

    fn put(&mut self, character: char, last: Last) -> usize {
        self.out.push(character);
        self.last = last;
        character.len_utf8()
    }

    fn skip(&mut self, rest: &str, length: usize, what: &str) -> usize {
        self.tell(what);
        self.line += rest[..length].matches('\n').count();
        length
    }

    /// A comma between two values where none was written.
    fn before_value(&mut self) {
        if self.last == Last::Value {
            self.tell("a comma was missing before this and was added");
            self.out.push(',');
        }
    }

    fn string(&mut self, rest: &str, quote: char) -> usize {
        self.before_value();
        let is_straight = quote == '"';
        if !is_straight {
            self.tell("curly quotes were made straight");
        }
        self.out.push('"');
        let mut is_escaped = false;
        let mut length = quote.len_utf8();
        for character in rest[length..].chars() {
            length += character.len_utf8();
            let is_end =
                if is_straight { character == '"' } else { matches!(character, '\u{201c}' | '\u{201d}' | '"') };
            if !is_escaped && is_end {
                break;
            }
            self.line += usize::from(character == '\n');
            is_escaped = character == '\\' && !is_escaped;
            self.out.push(character);
        }
        self.out.push('"');
        self.last = Last::Value;
        length
    }

    fn drop_comma(&mut self) {
        if self.last == Last::Comma
            && let Some(at) = self.out.rfind(',')
        {
            self.out.remove(at);
            self.tell("a comma with nothing after it was left out");
            self.last = Last::Value;
        }
    }

    fn close(&mut self, bracket: char) -> usize {
        self.drop_comma();
        if !self.open.contains(&bracket) {
            self.tell(&format!("'{bracket}' closes nothing and was left out"));
            return 1;
        }
        while let Some(expected) = self.open.pop() {
            if expected == bracket {
                break;
            }
            self.tell(&format!("'{expected}' was missing before '{bracket}' and was added"));
            self.out.push(expected);
        }
        self.put(bracket, Last::Value)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn repaired(text: &str) -> (serde_json::Value, usize) {
        let (json, repairs) = repair(text);
        (serde_json::from_str(&json).unwrap_or_else(|error| panic!("{error}: {json}")), repairs.len())
    }

    #[test]
    fn what_is_json_stays_as_it_is() {
        let text = "[{\"a\": \"x,]\\\"//\", \"b\": [1, -2.5e3, true, null]}]";
        assert_eq!(repair(text), (text.to_owned(), Vec::new()));
    }

    #[test]
    fn the_mistakes_of_the_manual_are_mended_and_told() {
        assert_eq!(repaired("[{\"a\": 1,},]"), (serde_json::json!([{"a": 1}]), 2));
        assert_eq!(
            repaired("[{\"all\": [{\"x\": 1}, {\"y\": 2]}]"),
            (serde_json::json!([{"all": [{"x": 1}, {"y": 2}]}]), 1)
        );
        assert_eq!(repaired("[{\"a\": 1} {\"b\": 2}]"), (serde_json::json!([{"a": 1}, {"b": 2}]), 1));
        assert_eq!(repaired("[{\"a\": [1, 2"), (serde_json::json!([{"a": [1, 2]}]), 3));
        assert_eq!(repaired("[1]]"), (serde_json::json!([1]), 1));
        assert_eq!(repaired("// rules\n[\u{201c}a\u{201d}]"), (serde_json::json!(["a"]), 2));
    }

    #[test]
    fn a_repair_tells_its_line() {
        assert_eq!(repair("[\n{\"a\": 1\n\"b\": 2}]").1[0].line, 3);
    }
}
