//! Names and labels that people give, checked once.

use crate::ChangeError;

/// Longest name of a user in characters.
pub const USER_NAME_CHARS_MAX: usize = 254;
/// Longest title, display name or description in characters.
pub const LABEL_CHARS_MAX: usize = 200;

/// A name of 1 to `max` characters without control characters, trimmed.
pub(crate) fn label(member: &'static str, text: &str, max: usize) -> Result<String, ChangeError> {
    let text = text.trim();
    let fits = (1..=max).contains(&text.chars().count()) && !text.chars().any(char::is_control);
    if !fits {
        return Err(ChangeError::invalid(member, format!("1 to {max} characters, no control characters")));
    }
    Ok(text.to_owned())
}

/// The same, which may be empty.
pub(crate) fn note(member: &'static str, text: &str, max: usize) -> Result<String, ChangeError> {
    if text.trim().is_empty() { Ok(String::new()) } else { label(member, text, max) }
}

/// What a user signs in with.
pub(crate) fn user_name(text: &str) -> Result<String, ChangeError> {
    label("name", text, USER_NAME_CHARS_MAX)
}

/// A name without the differences that people do not see: case and blanks around it.
pub(crate) fn folded(name: &str) -> String {
    name.trim().to_lowercase()
}

/// The name of a group: as the name of a user, but shorter.
pub(crate) fn group_name(text: &str) -> Result<String, ChangeError> {
    label("name", text, 100)
}

/// The name of a role of an account's own: `[a-z0-9-]{1,40}`, not that of a built-in one.
pub(crate) fn role_name(text: &str) -> Result<String, ChangeError> {
    let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if text.is_empty() || text.len() > 40 || !text.bytes().all(plain) {
        return Err(ChangeError::invalid("name", "1 to 40 of a-z, 0-9 and -"));
    }
    if whodid_model::access::BuiltInRole::named(text).is_some() {
        return Err(ChangeError::Taken { what: "role" });
    }
    Ok(text.to_owned())
}
