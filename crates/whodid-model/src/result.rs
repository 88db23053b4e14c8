//! How an event ended, with refusals told apart from other failures.

use crate::Outcome;

/// A failure for want of a right.
pub const DENIED: &str = "denied";

/// Every result there is.
pub const RESULTS: [&str; 5] = ["success", "failure", DENIED, "pending", "unknown"];

/// Texts that tell, in `reason_type`, that the right was lacking. Compared without case.
pub const DENIED_REASONS: [&str; 13] = [
    "AccessDenied",
    "AccessDeniedException",
    "AuthorizationFailed",
    "Client.UnauthorizedOperation",
    "Forbidden",
    "Forbidden.RAM",
    "InsufficientPermissions",
    "LinkedAuthorizationFailed",
    "NoPermission",
    "PERMISSION_DENIED",
    "Unauthorized",
    "UnauthorizedAccess",
    "UnauthorizedOperation",
];

/// One of [`RESULTS`]: `denied` for a failure for want of a right, otherwise the outcome; `unknown` where there is none.
pub fn result_of(outcome: Option<&str>, reason_code: Option<&str>, reason_type: Option<&str>) -> &'static str {
    let outcome = outcome.and_then(Outcome::parse).unwrap_or(Outcome::Unknown);
    let denied = reason_code.is_some_and(is_denied_code) || reason_type.is_some_and(is_denied_reason);
    if outcome == Outcome::Failure && denied { DENIED } else { outcome.as_str() }
}

/// Whether a failure with this code is one for want of a right.
pub fn is_denied_code(code: &str) -> bool {
    matches!(code, "401" | "403")
}

/// Whether a failure with this type of reason is one for want of a right.
pub fn is_denied_reason(reason: &str) -> bool {
    DENIED_REASONS.iter().any(|denied| denied.eq_ignore_ascii_case(reason))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_for_want_of_a_right_is_a_refusal() {
        assert_eq!(result_of(Some("failure"), Some("403"), None), "denied");
        assert_eq!(result_of(Some("failure"), None, Some("accessdenied")), "denied");
        assert_eq!(result_of(Some("failure"), Some("404"), Some("NotFound")), "failure");
        assert_eq!(result_of(Some("success"), Some("403"), None), "success");
        assert_eq!(result_of(Some("pending"), None, None), "pending");
        assert_eq!(result_of(None, Some("403"), None), "unknown");
        for outcome in ["success", "failure", "pending", "unknown"] {
            assert!(RESULTS.contains(&result_of(Some(outcome), None, None)));
        }
    }
}
