//! How long the tags of a template may be.
//!
//! The template library reads `1 - 1 - …` into a tree as deep as the chain is long and walks it by recursion, trying at
//! each level whether what lies below is constant: a few thousand signs end the process, or take it for seconds. No
//! setting of the library bounds that. So no tag may be longer than [`TAG_BYTES_MAX`], and what makes it doubtful where a
//! tag ends is refused. *Why this holds*: within a tag that is accepted all texts are closed, all brackets balanced, and
//! there is no brace and no other delimiter, so the library ends it exactly where it ends here; outside tags both look
//! for the same three delimiters. Raw blocks are text to the library and read as tags here, which refuses more, never less.

/// Longest tag, delimiters apart, in bytes.
pub const TAG_BYTES_MAX: usize = 500;

/// Statements of one template, such as `{% if … %}`: blocks within each other, and branches, are walked by recursion too.
pub const STATEMENTS_MAX: usize = 64;

const DELIMITERS: [&str; 6] = ["{{", "}}", "{%", "%}", "{#", "#}"];

/// What of a tag cannot be accepted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum TagError {
    /// Beyond [`TAG_BYTES_MAX`].
    #[error("has a tag of more than {TAG_BYTES_MAX} bytes; write several")]
    TooLong,
    /// More than [`STATEMENTS_MAX`].
    #[error("has more than {STATEMENTS_MAX} statements; remove some")]
    TooMany,
    /// Not closed before another delimiter, or with braces in it.
    #[error("has a tag that is not closed, or one within another; braces cannot stand in tags")]
    Open,
    /// A text or bracket that is not closed within its tag.
    #[error("has a tag with a quote or bracket that is not closed")]
    Unbalanced,
}

/// Whether each tag is one that can be read at little cost.
pub(super) fn check(template: &str) -> Result<(), TagError> {
    let mut rest = template;
    let mut statements = 0;
    while let Some((start, open)) = first(rest, &["{{", "{%", "{#"]) {
        let inside = &rest[start + open.len()..];
        let (end, close) = first(inside, &DELIMITERS).ok_or(TagError::Open)?;
        let is_pair = matches!((open, close), ("{{", "}}") | ("{%", "%}") | ("{#", "#}"));
        if !is_pair {
            return Err(TagError::Open);
        }
        let tag = &inside[..end];
        if tag.len() > TAG_BYTES_MAX {
            return Err(TagError::TooLong);
        }
        statements += usize::from(open == "{%");
        if statements > STATEMENTS_MAX {
            return Err(TagError::TooMany);
        }
        if open != "{#" {
            balanced(tag)?;
        }
        rest = &inside[end + close.len()..];
    }
    Ok(())
}

/// The first of some delimiters, and where.
fn first<'a>(text: &str, delimiters: &[&'a str]) -> Option<(usize, &'a str)> {
    let places = delimiters.iter().filter_map(|delimiter| Some((text.find(delimiter)?, *delimiter)));
    places.min_by_key(|(place, _)| *place)
}

fn balanced(tag: &str) -> Result<(), TagError> {
    let mut quote = None;
    let (mut is_escaped, mut depth) = (false, 0_usize);
    for byte in tag.bytes() {
        match (quote, byte) {
            (Some(_), _) if is_escaped => is_escaped = false,
            (Some(_), b'\\') => is_escaped = true,
            (Some(open), byte) if byte == open => quote = None,
            (Some(_), _) => {}
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'(' | b'[') => depth += 1,
            (None, b')' | b']') => depth = depth.checked_sub(1).ok_or(TagError::Unbalanced)?,
            (None, b'{' | b'}') => return Err(TagError::Open),
            (None, _) => {}
        }
    }
    if quote.is_some() || depth > 0 { Err(TagError::Unbalanced) } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tags_end_where_everybody_sees_them_end() {
        for template in [
            "",
            "no tags, } and { and ' as they are",
            r#"{"a": {"b": {{ name }}}}"#,
            "{{ name | replace('(', \")\") }}",
            r#"{{ "a \" b" }}"#,
            "{# it's a remark ( #}{%- for a in range(3) -%}{{ a }}{% endfor %}",
        ] {
            assert_eq!(check(template), Ok(()), "{template}");
        }
        for (template, error) in [
            ("{{ name", TagError::Open),
            ("{{ name %}", TagError::Open),
            ("{{ {% a %} }}", TagError::Open),
            ("{{ {'a': 1} }}", TagError::Open),
            ("{{ {'a':{'b':1}} - 1 }}", TagError::Open),
            (r#"{{ "}}" - 1 - "{{" }}"#, TagError::Unbalanced),
            ("{{ '}}' }}", TagError::Unbalanced),
            ("{{ ( }} - 1 - {{ ) }}", TagError::Unbalanced),
            ("{{ ) }}", TagError::Unbalanced),
            (r#"{{ "\" }} - 1 - {{ " }}"#, TagError::Unbalanced),
            ("{% raw %}{{ \" {% endraw %}{{ 1 }}", TagError::Open),
            ("{# {{ #}", TagError::Open),
        ] {
            assert_eq!(check(template), Err(error), "{template}");
        }
        let long = |bytes: usize| format!("{{{{{}}}}}", "-".repeat(bytes));
        assert_eq!(check(&long(TAG_BYTES_MAX)), Ok(()));
        assert_eq!(check(&long(TAG_BYTES_MAX + 1)), Err(TagError::TooLong));
        assert_eq!(check(&"{% if 1 %}".repeat(STATEMENTS_MAX)), Ok(()));
        assert_eq!(check(&"{% if 1 %}".repeat(STATEMENTS_MAX + 1)), Err(TagError::TooMany));
    }
}
