//! How an event ended, with refusals told apart from other failures.

use crate::Outcome;

/// A failure for want of a right.
pub const DENIED: &str = "denied";

/// Every result there is.
pub const RESULTS: [&str; 5] = ["success", "failure", DENIED, "pending", "unknown"];

/// What a reason holds, in small letters, that tells of a right that was lacking.
const DENYING: [&str; 7] =
    ["denied", "deny", "forbidden", "unauthorized", "not authorized", "authorizationfailed", "permission"];

/// One of [`RESULTS`]: `denied` for a failure for want of a right, otherwise the outcome; `unknown` where there is none.
/// The single definition: what is counted, searched, listed and said of an event.
pub fn result_of(
    outcome: Option<&str>,
    reason_code: Option<&str>,
    reason_type: Option<&str>,
    reason_text: Option<&str>,
) -> &'static str {
    let outcome = outcome.and_then(Outcome::parse).unwrap_or(Outcome::Unknown);
    let is_denied = || {
        reason_code.is_some_and(is_denied_code)
            || [reason_type, reason_text].into_iter().flatten().any(is_denied_reason)
    };
    if outcome == Outcome::Failure && is_denied() { DENIED } else { outcome.as_str() }
}

/// Whether a failure with this code is one for want of a right.
pub fn is_denied_code(code: &str) -> bool {
    matches!(code, "401" | "403")
}

/// Whether a failure is one for want of a right when this is the type of its reason, or its reason in words.
pub fn is_denied_reason(reason: &str) -> bool {
    let lower = reason.to_ascii_lowercase();
    DENYING.iter().any(|word| lower.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_for_want_of_a_right_is_a_refusal() {
        assert_eq!(result_of(Some("failure"), Some("403"), None, None), "denied");
        assert_eq!(result_of(Some("failure"), None, Some("AccessDenied"), None), "denied");
        for words in ["permission denied", "DENY", "User is not authorized to perform: s3:GetObject"] {
            assert_eq!(result_of(Some("failure"), None, None, Some(words)), "denied");
        }
        for kind in ["Client.UnauthorizedOperation", "LinkedAuthorizationFailed", "NoPermission", "Forbidden.RAM"] {
            assert_eq!(result_of(Some("failure"), Some("400"), Some(kind), None), "denied");
        }
        assert_eq!(result_of(Some("failure"), Some("404"), Some("NotFound"), None), "failure");
        assert_eq!(result_of(Some("success"), Some("403"), None, None), "success");
        assert_eq!(result_of(Some("pending"), None, None, None), "pending");
        assert_eq!(result_of(None, Some("403"), None, None), "unknown");
        for outcome in ["success", "failure", "pending", "unknown"] {
            assert!(RESULTS.contains(&result_of(Some(outcome), None, None, None)));
        }
    }
}
