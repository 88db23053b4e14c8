//! Time-based one-time codes: RFC 6238 over HMAC-SHA-1, 6 digits, 30 seconds, as every authenticator app has them.

use aws_lc_rs::hmac;
use data_encoding::BASE32_NOPAD;
use subtle::ConstantTimeEq;
use whodid_model::Timestamp;
use whodid_model::time::MICROS_A_SECOND;

/// Bytes of the shared secret: 160 bits, as RFC 4226 recommends.
pub(crate) const SECRET_BYTES: usize = 20;
const STEP_SECONDS: i64 = 30;
/// Steps that a phone's clock may be off, to either side.
const SKEW_STEPS: i64 = 1;

/// The step that a code at this moment belongs to.
pub(crate) fn step_at(now: Timestamp) -> i64 {
    now.micros().div_euclid(MICROS_A_SECOND * STEP_SECONDS)
}

/// The code of a step.
pub(crate) fn code(secret: &[u8], step: i64) -> String {
    format!("{:06}", truncated(secret, step) % 1_000_000)
}

/// RFC 4226, section 5.3.
fn truncated(secret: &[u8], step: i64) -> u32 {
    let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret);
    let tag = hmac::sign(&key, &step.to_be_bytes());
    let tag = tag.as_ref();
    let at = usize::from(tag[19] & 0xf);
    u32::from_be_bytes([tag[at], tag[at + 1], tag[at + 2], tag[at + 3]]) & 0x7fff_ffff
}

/// The step that a code is of, when it is around now and later than `last_step`: a code counts once.
pub(crate) fn accept(secret: &[u8], given: &str, last_step: i64, now: Timestamp) -> Option<i64> {
    let given: String = given.chars().filter(|character| !character.is_whitespace()).collect();
    let mut accepted = None;
    for step in step_at(now) - SKEW_STEPS..=step_at(now) + SKEW_STEPS {
        // Every step is compared, so that the time tells nothing.
        let same = bool::from(code(secret, step).as_bytes().ct_eq(given.as_bytes()));
        if same && step > last_step {
            accepted = Some(step);
        }
    }
    accepted
}

/// The secret as people type it.
pub(crate) fn base32(secret: &[u8]) -> String {
    BASE32_NOPAD.encode(secret)
}

/// What stands in the picture that an app scans.
pub(crate) fn uri(secret: &[u8], name: &str, issuer: &str) -> String {
    let (name, issuer) = (escaped(name), escaped(issuer));
    let secret = base32(secret);
    format!("otpauth://totp/{issuer}:{name}?secret={secret}&issuer={issuer}&algorithm=SHA1&digits=6&period=30")
}

fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            escaped.push(char::from(byte));
        } else {
            escaped.push_str(&format!("%{byte:02X}"));
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    const RFC: &[u8] = b"12345678901234567890";

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_micros(seconds * MICROS_A_SECOND)
    }

    #[test]
    fn codes_are_those_of_rfc_6238_appendix_b() {
        for (seconds, expected) in [
            (59, 94_287_082),
            (1_111_111_109, 7_081_804),
            (1_111_111_111, 14_050_471),
            (1_234_567_890, 89_005_924),
            (2_000_000_000, 69_279_037),
            (20_000_000_000, 65_353_130),
        ] {
            assert_eq!(truncated(RFC, step_at(at(seconds))) % 100_000_000, expected, "{seconds}");
        }
        assert_eq!(code(RFC, step_at(at(1_111_111_109))), "081804");
    }

    #[test]
    fn a_code_counts_around_its_time_and_once() {
        let now = at(1_111_111_109);
        let step = step_at(now);
        for (off, expected) in [(-2, None), (-1, Some(step - 1)), (0, Some(step)), (1, Some(step + 1)), (2, None)] {
            assert_eq!(accept(RFC, &code(RFC, step + off), 0, now), expected, "{off}");
        }
        assert_eq!(accept(RFC, &code(RFC, step), step, now), None);
        assert_eq!(accept(RFC, "081 804", step - 1, now), Some(step));
        for wrong in ["", "000000", "0818040", "08180", "canary"] {
            assert_eq!(accept(RFC, wrong, 0, now), None);
        }
    }

    #[test]
    fn the_address_is_what_apps_scan() {
        assert_eq!(
            uri(RFC, "alice@example.com", "whodid"),
            "otpauth://totp/whodid:alice%40example.com?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=whodid\
             &algorithm=SHA1&digits=6&period=30"
        );
    }
}
