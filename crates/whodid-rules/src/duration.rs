//! Spans of time as rules write them: `30s`, `15m`, `2h`, `7d`, `2w`, and IBM's `30 minutes`.

/// Microseconds in a second.
pub(crate) const SECOND: i64 = 1_000_000;

/// The span in microseconds; `None` for what is no span or not positive.
pub fn micros(text: &str) -> Option<i64> {
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let number: i64 = text[..digits].parse().ok()?;
    let seconds = match text[digits..].trim() {
        "s" | "sec" | "second" | "seconds" => 1,
        "m" | "min" | "minute" | "minutes" => 60,
        "h" | "hour" | "hours" => 3_600,
        "d" | "day" | "days" => 86_400,
        "w" | "week" | "weeks" => 604_800,
        // As the specification's reference implementation counts them.
        "M" | "month" | "months" => 2_629_746,
        "y" | "year" | "years" => 31_556_952,
        _ => return None,
    };
    number.checked_mul(seconds)?.checked_mul(SECOND).filter(|micros| *micros > 0)
}

/// A span in words for people: `15 minutes`, `1 hour`.
pub fn words(micros: i64) -> String {
    let seconds = micros / SECOND;
    for (unit, length) in [("week", 604_800), ("day", 86_400), ("hour", 3_600), ("minute", 60)] {
        if seconds >= length && seconds % length == 0 {
            let count = seconds / length;
            return format!("{count} {unit}{}", if count == 1 { "" } else { "s" });
        }
    }
    format!("{seconds} second{}", if seconds == 1 { "" } else { "s" })
}

/// A span as rules write it: `90s`, `15m`, `0s`.
pub fn short(micros: i64) -> String {
    let seconds = micros / SECOND;
    let units = [("w", 604_800), ("d", 86_400), ("h", 3_600), ("m", 60)];
    let unit = units.into_iter().find(|(_, length)| seconds >= *length && seconds % length == 0);
    unit.map_or_else(|| format!("{seconds}s"), |(unit, length)| format!("{}{unit}", seconds / length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_in_both_spellings() {
        for (text, seconds) in [
            ("30s", Some(30)),
            ("15m", Some(900)),
            ("30 minutes", Some(1_800)),
            ("24 hours", Some(86_400)),
            ("7d", Some(604_800)),
            ("0m", None),
            ("m", None),
            ("5 fortnights", None),
            ("99999999999999999y", None),
        ] {
            assert_eq!(micros(text), seconds.map(|seconds: i64| seconds * SECOND), "{text}");
        }
        assert_eq!(words(900 * SECOND), "15 minutes");
        assert_eq!(words(3_600 * SECOND), "1 hour");
        assert_eq!(words(90 * SECOND), "90 seconds");
        for (seconds, text) in [(0, "0s"), (90, "90s"), (900, "15m"), (7_200, "2h"), (86_400, "1d"), (604_800, "1w")] {
            assert_eq!(short(seconds * SECOND), text);
        }
    }
}
