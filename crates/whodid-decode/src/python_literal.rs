//! Objects written as Python prints them, `{'key': "it's", 'size': None}`, as JSON.

/// JSON of a Python literal of dictionaries, lists, tuples, texts, numbers, `None`, `True` and
/// `False`; `None` when `text` is no such literal. What stands inside a text is never changed.
pub(crate) fn to_json(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        match first {
            '\'' | '"' => {
                let (value, after) = string(rest, first)?;
                out.push_str(&serde_json::to_string(&value).ok()?);
                rest = after;
                continue;
            }
            '(' => out.push('['),
            '}' | ']' | ')' => {
                // Python lets a comma stand before the end.
                if out.ends_with(',') {
                    out.pop();
                }
                out.push(if first == ')' { ']' } else { first });
            }
            '{' | '[' | ',' | ':' | '-' | '.' | '0'..='9' => out.push(first),
            'e' | 'E' if out.ends_with(|last: char| last.is_ascii_digit()) => out.push(first),
            _ if first.is_whitespace() => {}
            _ => {
                let (word, after) = rest.split_at(rest.find(|letter: char| !letter.is_alphanumeric())?);
                match word {
                    "None" => out.push_str("null"),
                    "True" => out.push_str("true"),
                    "False" => out.push_str("false"),
                    // A prefix of a text.
                    "u" | "b" if after.starts_with(['\'', '"']) => {}
                    _ => return None,
                }
                rest = after;
                continue;
            }
        }
        rest = rest.get(first.len_utf8()..)?;
    }
    Some(out)
}

/// The text between the quotes at the front of `text`, and what follows it.
fn string(text: &str, quote: char) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut letters = text.char_indices().skip(1);
    while let Some((place, letter)) = letters.next() {
        if letter == quote {
            return Some((value, text.get(place + 1..)?));
        }
        if letter != '\\' {
            value.push(letter);
            continue;
        }
        let (_, escaped) = letters.next()?;
        match escaped {
            'n' => value.push('\n'),
            'r' => value.push('\r'),
            't' => value.push('\t'),
            '\'' | '"' | '\\' => value.push(escaped),
            'x' | 'u' => {
                let digits = if escaped == 'x' { 2 } else { 4 };
                let hex: String = letters.by_ref().take(digits).map(|(_, digit)| digit).collect();
                value.push(char::from_u32(u32::from_str_radix(&hex, 16).ok()?)?);
            }
            other => value.extend(['\\', other]),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Option<&str>) {
        assert_eq!(to_json(text).as_deref(), expected, "{text}");
    }

    #[test]
    fn what_stands_inside_a_text_is_never_changed() {
        check(r#"{'key': 'None of "True" falls'}"#, Some(r#"{"key":"None of \"True\" falls"}"#));
        check(r#"{"it's": 'a\'b\\c\n\x41\u00e9'}"#, Some(r#"{"it's":"a'b\\c\nAé"}"#));
        check(
            "{'a': None, 'b': [True, False,], 'c': (1, -2.5e3,), 'd': u'x'}",
            Some(r#"{"a":null,"b":[true,false],"c":[1,-2.5e3],"d":"x"}"#),
        );
    }

    #[test]
    fn what_is_no_literal_is_none() {
        check("{'a': datetime(2024, 5, 1)}", None);
        check("{'a': 'b", None);
        check(r"{'a': '\x4'}", None);
        check("None", None);
    }
}
