//! Bodies of webhooks that people write, as templates (minijinja) over a notice.
//!
//! The names are those of LogDNA's webhooks, so that their templates work as they are, and `notice` with everything.
//! What a text of a notice becomes depends on what the body is: inside JSON its characters are escaped as JSON's, inside
//! markup as markup's. Nothing switches that off. *Bounds*: [`TEMPLATE_BYTES_MAX`], [`OUTPUT_BYTES_MAX`], [`FUEL`], and
//! the length of a tag.

use std::fmt::Write as _;
use std::io;

use minijinja::value::{Serde, ValueKind};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, UndefinedBehavior, Value};
use serde_json::json;
use whodid_model::{AccountName, Timestamp};

use super::tags::{self, TagError};
use crate::notice::Evidence;
use crate::{GroupValue, Moment, Notice, Severity};

/// Longest template, in bytes.
pub const TEMPLATE_BYTES_MAX: usize = 16 * 1024;
/// Longest body, in bytes.
pub const OUTPUT_BYTES_MAX: usize = 256 * 1024;
/// Steps of one rendering: some milliseconds of work and a few megabytes at most.
pub const FUEL: u64 = 50_000;
/// Blocks within each other.
const DEPTH_MAX: usize = 32;

/// Names that a template can use; the rest is spelled wrong.
pub const TOKENS: [&str; 14] = [
    "name",
    "matches",
    "lines",
    "level",
    "url",
    "query",
    "app",
    "host",
    "tag",
    "line",
    "line_objects",
    "first_line_object",
    "notice",
    "event",
];

/// Why a template gives no body.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Longer than [`TEMPLATE_BYTES_MAX`].
    #[error("is too long; at most {TEMPLATE_BYTES_MAX} bytes")]
    TooLong,
    /// A tag that is too long, or not certain to end.
    #[error(transparent)]
    Tag(TagError),
    /// No template.
    #[error("cannot be read: {text}")]
    Unreadable {
        /// What is wrong, and in which line.
        text: String,
    },
    /// A name that is none of [`TOKENS`].
    #[error("uses {name:?}, which does not exist; use {}", TOKENS.join(", "))]
    Unknown {
        /// The first one.
        name: String,
    },
    /// Something failed while it ran.
    #[error("fails: {text}")]
    Failed {
        /// What.
        text: String,
    },
    /// More steps than [`FUEL`] allows.
    #[error("does too much; remove loops")]
    TooMuchWork,
    /// More than [`OUTPUT_BYTES_MAX`].
    #[error("gives more than {OUTPUT_BYTES_MAX} bytes; name fewer members")]
    TooMuchOutput,
    /// It begins like JSON and does not end so.
    #[error("gives no valid JSON; put texts in quotes, and write lists and objects without")]
    NoJson,
}

/// What a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// By its first character, `{` or `[`, or by the channel's header.
    Json,
    /// By its first character, `<`, or by the channel's header.
    Markup,
    /// Anything else.
    Text,
}

impl Form {
    /// What a template gives. `content_type`: the channel's own header, which outranks the first character.
    pub fn of(template: &str, content_type: Option<&str>) -> Self {
        if let Some(content_type) = content_type.map(str::to_ascii_lowercase) {
            if content_type.contains("json") {
                return Self::Json;
            }
            if content_type.contains("xml") || content_type.contains("html") {
                return Self::Markup;
            }
        }
        let start = template.trim_start();
        let is_tag = ["{{", "{%", "{#"].iter().any(|tag| start.starts_with(tag));
        match start.chars().next() {
            Some('{' | '[') if !is_tag => Self::Json,
            Some('<') => Self::Markup,
            _ => Self::Text,
        }
    }

    /// The header for it.
    pub fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Markup => "application/xml; charset=utf-8",
            Self::Text => "text/plain; charset=utf-8",
        }
    }
}

/// Whether a template can be stored: it is tried with a notice. `content_type`: the channel's own header.
pub fn check(template: &str, content_type: Option<&str>) -> Result<(), TemplateError> {
    let environment = environment(Form::of(template, content_type));
    let parsed = parse(&environment, template)?;
    let mut unknown: Vec<String> = parsed
        .undeclared_variables(false)
        .into_iter()
        .filter(|name| !TOKENS.contains(&name.as_str()) && environment.globals().all(|(global, _)| global != name))
        .collect();
    unknown.sort();
    if let Some(name) = unknown.into_iter().next() {
        return Err(TemplateError::Unknown { name });
    }
    render_template(template, content_type, &sample()).map(|_| ())
}

/// The body of a notice.
pub fn render_template(
    template: &str,
    content_type: Option<&str>,
    notice: &Notice,
) -> Result<(Form, Vec<u8>), TemplateError> {
    let form = Form::of(template, content_type);
    let environment = environment(form);
    let parsed = parse(&environment, template)?;
    let mut body = Bounded { bytes: Vec::new(), is_full: false };
    let rendered = parsed.render_captured_to(context(notice), &mut body).map(|_| ());
    if body.is_full {
        return Err(TemplateError::TooMuchOutput);
    }
    rendered.map_err(|error| failed(&error))?;
    if form == Form::Json && serde_json::from_slice::<serde::de::IgnoredAny>(&body.bytes).is_err() {
        return Err(TemplateError::NoJson);
    }
    Ok((form, body.bytes))
}

fn parse<'a>(
    environment: &'a Environment<'_>,
    template: &'a str,
) -> Result<minijinja::Template<'a, 'a>, TemplateError> {
    if template.len() > TEMPLATE_BYTES_MAX {
        return Err(TemplateError::TooLong);
    }
    tags::check(template).map_err(TemplateError::Tag)?;
    environment.template_from_str(template).map_err(|error| TemplateError::Unreadable { text: told(&error) })
}

fn failed(error: &Error) -> TemplateError {
    match error.kind() {
        ErrorKind::OutOfFuel => TemplateError::TooMuchWork,
        _ => TemplateError::Failed { text: told(error) },
    }
}

fn told(error: &Error) -> String {
    let line = error.line().map(|line| format!(" in line {line}")).unwrap_or_default();
    let detail = error.detail().map(|detail| format!(": {detail}")).unwrap_or_default();
    crate::clip::clip_chars(&crate::clip::one_line(&format!("{}{detail}{line}", error.kind())), 300)
}

fn environment(form: Form) -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_fuel(Some(FUEL));
    environment.set_recursion_limit(DEPTH_MAX);
    // A member that this event lacks is no reason to lose the notice.
    environment.set_undefined_behavior(UndefinedBehavior::Chainable);
    // These would hand texts on as they are.
    for filter in ["safe", "escape", "e"] {
        environment.remove_filter(filter);
    }
    environment.set_auto_escape_callback(|_| AutoEscape::None);
    environment.set_formatter(move |output, _, value| put(form, output, value));
    environment
}

fn put(form: Form, output: &mut Output<'_>, value: &Value) -> Result<(), Error> {
    let written = match (form, value.kind(), value.as_str()) {
        (_, ValueKind::Undefined, _) => Ok(()),
        // What the filter `tojson` made; whatever else claims to be ready is escaped.
        (Form::Json, _, Some(text)) if value.is_safe() && is_json(text) => output.write_str(text),
        (Form::Json, _, Some(text)) => put_json_characters(output, text),
        (Form::Markup, _, Some(text)) => put_markup_characters(output, text),
        (Form::Text, _, Some(text)) => put_plain_characters(output, text),
        (Form::Markup, ..) => put_markup_characters(output, &as_json(value)),
        (Form::Json | Form::Text, ..) => output.write_str(&as_json(value)),
    };
    written.map_err(|_| Error::new(ErrorKind::WriteFailure, "the body is too long"))
}

fn is_json(text: &str) -> bool {
    serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok()
}

fn as_json(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_else(|_| "null".to_owned())
}

/// A text as it stands between the quotes of JSON.
fn put_json_characters(output: &mut Output<'_>, text: &str) -> std::fmt::Result {
    let quoted = serde_json::Value::from(text).to_string();
    output.write_str(&quoted[1..quoted.len() - 1])
}

fn put_markup_characters(output: &mut Output<'_>, text: &str) -> std::fmt::Result {
    for character in text.chars() {
        match character {
            '&' => output.write_str("&amp;")?,
            '<' => output.write_str("&lt;")?,
            '>' => output.write_str("&gt;")?,
            '"' => output.write_str("&quot;")?,
            '\'' => output.write_str("&#39;")?,
            other => put_plain(output, other)?,
        }
    }
    Ok(())
}

fn put_plain_characters(output: &mut Output<'_>, text: &str) -> std::fmt::Result {
    text.chars().try_for_each(|character| put_plain(output, character))
}

fn put_plain(output: &mut Output<'_>, character: char) -> std::fmt::Result {
    let is_kept = matches!(character, '\n' | '\t') || crate::clip::is_plain(character);
    output.write_char(if is_kept { character } else { ' ' })
}

/// What a template can name.
fn context(notice: &Notice) -> Value {
    let evidence = notice.told_evidence();
    let events: Vec<&serde_json::Value> = evidence.iter().map(|evidence| &evidence.event).collect();
    let lines: Vec<&str> = evidence.iter().map(|evidence| evidence.sentence.as_str()).collect();
    let first = events.first().copied();
    let of_event = |names: &[&str]| {
        let of_group = names.iter().find_map(|name| notice.group.iter().find(|pair| pair.key == *name));
        let of_first = || names.iter().find_map(|name| first?.get(*name)?.as_str());
        of_group.map(|pair| pair.value.as_str()).or_else(of_first).unwrap_or_default().to_owned()
    };
    Value::from(Serde(json!({
        "name": notice.rule_title,
        "matches": notice.count,
        "lines": lines.join("\n"),
        "level": notice.severity,
        "url": notice.link,
        "query": notice.query,
        "app": of_event(&["app", "_app"]),
        "host": of_event(&["host", "_host"]),
        "tag": of_event(&["tag", "_tag"]),
        "line": lines.first().copied().filter(|line| !line.is_empty()).unwrap_or(&notice.sentence),
        "line_objects": events,
        "first_line_object": first,
        "event": notice.event,
        "notice": notice,
    })))
}

/// A notice to try a template with; its texts hold what JSON and markup escape.
fn sample() -> Notice {
    let at = Timestamp::from_micros(1_795_000_000_000_000);
    let mut notice = Notice::test(AccountName::default_account(), "https://whodid.example.com/alerts/1".to_owned(), at);
    notice.event = Moment::Opened;
    notice.severity = Severity::High;
    notice.count = 5;
    notice.sentence = "\"alice\" failed & <tried> again".to_owned();
    notice.group.push(GroupValue { key: "initiator.name".to_owned(), value: "\"alice\"".to_owned() });
    notice.evidence.push(Evidence {
        record: "activity:42".to_owned(),
        at,
        sentence: notice.sentence.clone(),
        event: json!({"app": "sample", "host": "sample", "initiator": {"name": "\"alice\""}}),
    });
    notice
}

/// Takes [`OUTPUT_BYTES_MAX`] bytes and then fails.
struct Bounded {
    bytes: Vec<u8>,
    is_full: bool,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > OUTPUT_BYTES_MAX {
            self.is_full = true;
            return Err(io::Error::other("the body is too long"));
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::tests::lockout;
    use crate::render::tags::{STATEMENTS_MAX, TAG_BYTES_MAX};
    use proptest::prelude::*;

    fn try_out(template: &str) -> Result<(), TemplateError> {
        check(template, None)
    }

    fn rendered(template: &str, notice: &Notice) -> String {
        String::from_utf8(render_template(template, None, notice).unwrap().1).unwrap()
    }

    #[test]
    fn the_tokens_of_logdna_work_as_their_templates_write_them() {
        let mut notice = lockout();
        notice.evidence[0].event = json!({"_app": "kms", "_host": "h1", "initiator": {"name": "alice"}});
        for (template, expected) in [
            (r#"{"text": "{{ name }}: {{ matches }}"}"#, r#"{"text": "Too many failed sign-ins: 5"}"#),
            (r#"{"n": {{ matches }}, "q": "{{query}}"}"#, r#"{"n": 5, "q": "initiator.name:alice outcome:failure"}"#),
            (r#"["{{ level }}", "{{ app }}", "{{ host }}", "{{ tag }}"]"#, r#"["high", "kms", "h1", ""]"#),
            (r#"[{{ first_line_object }}]"#, r#"[{"_app":"kms","_host":"h1","initiator":{"name":"alice"}}]"#),
            (
                r#"{"l": "{{ line }}", "all": "{{ lines }}"}"#,
                r#"{"l": "alice failed to sign in to console", "all": "alice failed to sign in to console"}"#,
            ),
            (r#"["{{ first_line_object.initiator.name }}", "{{ first_line_object.no.such }}"]"#, r#"["alice", ""]"#),
            (r#"[{{ line | tojson }}]"#, r#"["alice failed to sign in to console"]"#),
            (r#"["{{ url }}", "{{ notice.account }}"]"#, r#"["https://whodid.example.com/alerts/1", "acme"]"#),
            ("{{ name }} {{ event }}", "Too many failed sign-ins opened"),
            ("{% for pair in notice.group %}{{ pair.key }}={{ pair.value }};{% endfor %}", "initiator.name=alice;"),
        ] {
            assert_eq!(try_out(template), Ok(()), "{template}");
            assert_eq!(rendered(template, &notice), expected);
        }
    }

    #[test]
    fn no_text_of_an_event_becomes_structure() {
        let attack = r#"x", "admin": true, "y": "</a><script>\"#.to_owned() + "\r\n\u{202e}";
        let notice = Notice { rule_title: attack.clone(), ..lockout() };
        let json: serde_json::Value = serde_json::from_str(&rendered(r#"{"t": "{{ name }}"}"#, &notice)).unwrap();
        assert_eq!(json, json!({"t": attack}));
        let json: serde_json::Value =
            serde_json::from_str(&rendered(r#"{% autoescape false %}{"t": "{{ name }}"}{% endautoescape %}"#, &notice))
                .unwrap_or_default();
        assert_eq!(json, serde_json::Value::Null, "what begins with a tag is text, and said to be text");
        let html = rendered("<p title=\"{{ name }}\">{{ name }}</p>", &notice);
        assert_eq!(html.matches('<').count(), 2);
        assert_eq!(html.matches('"').count(), 2);
        assert!(!rendered("{{ name }}", &notice).contains(['\r', '\u{202e}']));
        let captured = r#"{"t": "{% autoescape "html" %}{% set a %}{{ name }}{% endset %}{{ a }}{% endautoescape %}"}"#;
        let json: serde_json::Value = serde_json::from_str(&rendered(captured, &notice)).unwrap();
        assert_eq!(json.as_object().map(serde_json::Map::len), Some(1));
    }

    #[test]
    fn what_cannot_work_is_refused_when_it_is_stored() {
        let unreadable = |template: &str| matches!(try_out(template), Err(TemplateError::Unreadable { .. }));
        assert_eq!(try_out("{{ name"), Err(TemplateError::Tag(TagError::Open)));
        assert!(unreadable("{% include 'x' %}") || try_out("{% include 'x' %}").is_err());
        assert_eq!(try_out("{{ nmae }}"), Err(TemplateError::Unknown { name: "nmae".to_owned() }));
        assert_eq!(try_out(r#"{"t": {{ name }}}"#), Err(TemplateError::NoJson));
        assert_eq!(try_out(&"x".repeat(TEMPLATE_BYTES_MAX + 1)), Err(TemplateError::TooLong));
        assert!(try_out("{{ name | safe }}").is_err());
        assert!(try_out("{{ name | e }}").is_err());
    }

    #[test]
    fn work_and_output_are_bounded() {
        let endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}";
        assert_eq!(try_out(endless), Err(TemplateError::TooMuchWork));
        let long = "{% for a in range(2000) %}{{ name * 20 }}{% endfor %}";
        assert!(matches!(try_out(long), Err(TemplateError::TooMuchOutput | TemplateError::TooMuchWork)));
        let huge = "{{ 'x' * 1000000000 }}";
        assert!(try_out(huge).is_err());
        // Whatever is nested or chained, on a quarter of a usual stack.
        let deep = |template: String| {
            let thread = std::thread::Builder::new().stack_size(512 * 1024);
            let _ = thread.spawn(move || try_out(&template)).unwrap().join().unwrap();
        };
        for (open, close) in [
            ("{% if 1 %}", "{% endif %}"),
            ("{% if 1 %}{% elif 1 %}", "{% endif %}"),
            ("{% for a in notice %}", "{% endfor %}"),
            ("{% set x %}", "{% endset %}"),
            ("{% with %}", "{% endwith %}"),
            ("{% filter upper %}", "{% endfilter %}"),
            ("{% autoescape false %}", "{% endautoescape %}"),
        ] {
            let depth = STATEMENTS_MAX / 2 / (1 + open.matches("elif").count());
            deep(open.repeat(depth) + &close.repeat(depth));
        }
        deep(format!("{{% if 1 %}}{}{{% endif %}}", "{% elif 1 %}".repeat(STATEMENTS_MAX - 2)));
        let big = Notice { rule_title: "ü".repeat(200_000), ..lockout() };
        assert_eq!(render_template("{{ name }}", None, &big), Err(TemplateError::TooMuchOutput));
    }

    #[test]
    fn the_form_follows_the_header_and_then_the_first_character() {
        for (template, header, form) in [
            (" {\"a\": 1}", None, Form::Json),
            ("[1]", None, Form::Json),
            ("{{ name }}", None, Form::Text),
            ("{% if 1 %}x{% endif %}", None, Form::Text),
            ("{{ first_line_object }}", Some("application/JSON"), Form::Json),
            ("<a/>", None, Form::Markup),
            ("x", Some("text/html"), Form::Markup),
        ] {
            assert_eq!(Form::of(template, header), form, "{template}");
        }
    }

    const TOKENS_SHORT: [&str; 24] = [
        "-",
        "not ",
        "1+",
        "1~",
        "(",
        ")",
        ".a",
        "[0]",
        "|upper",
        "()",
        "1 if 1 else ",
        "[",
        "]",
        "{",
        "}",
        "1**",
        ",",
        "*",
        "1 and ",
        " in ",
        "name",
        "'a'",
        "==",
        " is defined",
    ];

    proptest! {

        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn whatever_events_say_a_json_template_gives_its_own_members_and_no_others(text in ".{0,200}") {
            let notice = Notice { rule_title: text.clone(), ..lockout() };
            let body = rendered(r#"{"a": "{{ name }}", "b": [{{ name | tojson }}]}"#, &notice);
            let json: serde_json::Value = serde_json::from_str(&body).unwrap();
            prop_assert_eq!(json, json!({"a": text, "b": [text]}));
        }

        #[test]
        fn no_chain_of_tokens_ends_the_process(
            unit in prop::collection::vec(prop::sample::select(TOKENS_SHORT.to_vec()), 1..4),
            is_prefix in any::<bool>(),
        ) {
            let unit = unit.concat();
            let chain = unit.repeat((TAG_BYTES_MAX - 10) / unit.len());
            let tag = if is_prefix { format!("{{{{ {chain}1 }}}}") } else { format!("{{{{ name{chain} }}}}") };
            let template = tag.repeat(TEMPLATE_BYTES_MAX / tag.len());
            let thread = std::thread::Builder::new().stack_size(512 * 1024);
            let _ = thread.spawn(move || try_out(&template)).unwrap().join().unwrap();
        }

        #[test]
        fn whatever_people_write_the_check_ends(template in "[{}%#a-z ()|.\"'<>\\[\\]*0-9\n]{0,200}") {
            let _ = try_out(&template);
        }
    }
}
