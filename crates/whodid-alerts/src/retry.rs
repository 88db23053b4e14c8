//! When a delivery is tried again: pure, the same for every kind of receiver.

use std::time::Duration;

use whodid_model::time::MICROS_A_DAY;
use whodid_model::{Timestamp, time::MICROS_A_SECOND};

/// Waits after the first failures, in seconds; the last one from then on.
const WAITS_SECONDS: [u64; 6] = [1, 4, 16, 60, 300, 900];
/// A delivery is given up so long after its first try, in microseconds.
pub const GIVEN_UP_AFTER_MICROS: i64 = MICROS_A_DAY;
/// Longest wait that a receiver can ask for.
pub const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);
/// A wait is lengthened by up to this part of it, so that many deliveries do not come back at once.
const JITTER_PERCENT_MAX: u64 = 25;

/// One try of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The delivery, the same for each of its tries; receivers know duplicates by it.
    pub delivery: String,
    /// Counted from 1.
    pub number: u32,
    /// When it was first tried.
    pub first_at: Timestamp,
    /// Now.
    pub at: Timestamp,
}

/// How a try failed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// No answer: DNS, connection, TLS, time.
    Transport,
    /// An HTTP answer other than 2xx, with what its `Retry-After` asks for.
    Status {
        /// The status.
        code: u16,
        /// The wait asked for.
        retry_after: Option<Duration>,
    },
}

/// How long to wait before the next try; `None` to give up.
pub fn next(attempt: &Attempt, failure: Failure) -> Option<Duration> {
    let asked = match failure {
        Failure::Transport => None,
        Failure::Status { code, retry_after } if is_passing(code) => retry_after,
        Failure::Status { .. } => return None,
    };
    let wait = backoff(&attempt.delivery, attempt.number).max(asked.unwrap_or_default().min(RETRY_AFTER_MAX));
    let wait_micros = i64::try_from(wait.as_micros()).unwrap_or(i64::MAX);
    let waited = attempt.at.plus_micros(wait_micros).micros() - attempt.first_at.micros();
    (waited <= GIVEN_UP_AFTER_MICROS).then_some(wait)
}

/// Whether a status may be another one later: 408, 425, 429, 5xx.
pub fn is_passing(code: u16) -> bool {
    matches!(code, 408 | 425 | 429 | 500..=599)
}

/// The wait after the `number`th failure, with a jitter that depends on the delivery alone.
pub fn backoff(delivery: &str, number: u32) -> Duration {
    let place = usize::try_from(number.saturating_sub(1)).unwrap_or(usize::MAX).min(WAITS_SECONDS.len() - 1);
    let millis = WAITS_SECONDS[place] * 1000;
    let jitter = millis * JITTER_PERCENT_MAX / 100 * (hash(delivery, number) % 1000) / 1000;
    Duration::from_millis(millis + jitter)
}

/// FNV-1a: spreads; nobody gains from choosing it.
fn hash(delivery: &str, number: u32) -> u64 {
    let bytes = delivery.bytes().chain(number.to_le_bytes());
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// Reads a `Retry-After`: seconds, or a date of HTTP (RFC 9110, 10.2.3). `None` for anything else.
pub fn retry_after(header: &str, now: Timestamp) -> Option<Duration> {
    let header = header.trim();
    if !header.is_empty() && header.bytes().all(|byte| byte.is_ascii_digit()) {
        // More digits than fit ask for long enough.
        return Some(header.parse().map_or(RETRY_AFTER_MAX, Duration::from_secs).min(RETRY_AFTER_MAX));
    }
    let is_date = header.len() >= 29 && header.ends_with("GMT");
    let at = Timestamp::parse(header).ok().filter(|_| is_date)?.at;
    let seconds = (at.micros() - now.micros()).max(0) / MICROS_A_SECOND;
    Some(Duration::from_secs(u64::try_from(seconds).unwrap_or_default()).min(RETRY_AFTER_MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn attempt(number: u32, seconds_since_first: i64) -> Attempt {
        let first_at = Timestamp::from_micros(1_795_000_000 * MICROS_A_SECOND);
        Attempt {
            delivery: "d1".to_owned(),
            number,
            first_at,
            at: first_at.plus_micros(seconds_since_first * MICROS_A_SECOND),
        }
    }

    fn status(code: u16) -> Failure {
        Failure::Status { code, retry_after: None }
    }

    #[test]
    fn what_may_pass_is_tried_again_and_what_will_not_is_not() {
        for code in [408, 425, 429, 500, 502, 503, 504, 599] {
            assert!(next(&attempt(1, 0), status(code)).is_some(), "{code}");
        }
        for code in [301, 302, 307, 400, 401, 403, 404, 405, 409, 410, 413, 422, 451] {
            assert_eq!(next(&attempt(1, 0), status(code)), None, "{code}");
        }
        assert!(next(&attempt(1, 0), Failure::Transport).is_some());
    }

    #[test]
    fn waits_grow_to_a_quarter_of_an_hour_and_end_after_a_day() {
        for (number, seconds) in [(1, 1), (2, 4), (3, 16), (4, 60), (5, 300), (6, 900), (7, 900), (u32::MAX, 900)] {
            let wait = backoff("d1", number).as_millis();
            let bounds = seconds * 1000..=seconds * 1250;
            assert!(bounds.contains(&wait), "{number}: {wait}");
        }
        assert!(next(&attempt(90, 85_200), Failure::Transport).is_some());
        assert_eq!(next(&attempt(100, 86_000), Failure::Transport), None);
    }

    #[test]
    fn a_receiver_may_ask_for_more_time_but_not_for_all_of_it() {
        let asks = |seconds| Failure::Status { code: 429, retry_after: Some(Duration::from_secs(seconds)) };
        assert_eq!(next(&attempt(1, 0), asks(120)), Some(Duration::from_secs(120)));
        assert_eq!(next(&attempt(1, 0), asks(1_000_000)), Some(RETRY_AFTER_MAX));
        assert!(next(&attempt(1, 0), asks(0)).unwrap() >= Duration::from_secs(1));
    }

    #[test]
    fn a_retry_after_is_read_in_both_forms() {
        let now = Timestamp::parse("2026-11-20T09:00:00Z").unwrap().at;
        for (header, seconds) in [
            ("120", Some(120)),
            (" 0 ", Some(0)),
            ("99999999999999999999999", Some(3600)),
            ("Fri, 20 Nov 2026 09:01:30 GMT", Some(90)),
            ("Fri, 20 Nov 2026 08:00:00 GMT", Some(0)),
            ("Sat, 21 Nov 2026 09:00:00 GMT", Some(3600)),
            ("-1", None),
            ("soon", None),
            ("", None),
            ("1.5", None),
        ] {
            assert_eq!(retry_after(header, now), seconds.map(Duration::from_secs), "{header}");
        }
    }

    proptest! {

        #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn the_wait_of_a_delivery_is_always_the_same_and_within_bounds(delivery in ".{0,40}", number in 1_u32..200) {
            let wait = backoff(&delivery, number);
            prop_assert_eq!(wait, backoff(&delivery, number));
            prop_assert!(wait >= Duration::from_secs(1) && wait <= Duration::from_secs(1125));
        }

        #[test]
        fn every_header_is_read_without_a_panic(header in ".{0,60}") {
            let wait = retry_after(&header, Timestamp::default());
            prop_assert!(wait.is_none_or(|wait| wait <= RETRY_AFTER_MAX));
        }
    }
}
