//! Accepted advisories: `RUSTSEC-2026-0001 until 2026-12-31: why it does not concern us`, one a line.

use anyhow::{Result, bail};

#[derive(Debug, PartialEq, Eq)]
pub struct Exception {
    pub id: String,
    /// Last day on which it holds, as `2026-12-31`.
    pub until: String,
    pub reason: String,
}

pub fn parse(text: &str) -> Result<Vec<Exception>> {
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines.map(parse_line).collect()
}

fn parse_line(line: &str) -> Result<Exception> {
    let Some((head, reason)) = line.split_once(':') else { bail!("no reason in {line:?}") };
    let words: Vec<&str> = head.split_whitespace().collect();
    let [id, "until", until] = words[..] else { bail!("write `ID until YYYY-MM-DD: reason`, not {line:?}") };
    let is_date = until.len() == 10
        && until
            .bytes()
            .enumerate()
            .all(|(at, byte)| if at == 4 || at == 7 { byte == b'-' } else { byte.is_ascii_digit() });
    if !is_date || reason.trim().is_empty() {
        bail!("write `ID until YYYY-MM-DD: reason`, not {line:?}");
    }
    Ok(Exception { id: id.into(), until: until.into(), reason: reason.trim().into() })
}

/// The date of a day counted from 1970-01-01. Source: Howard Hinnant, "chrono-compatible low-level
/// date algorithms", `civil_from_days`, for days after 1970.
pub fn date_of_day(day: u64) -> String {
    let shifted = day + 719_468;
    let era = shifted / 146_097;
    let of_era = shifted % 146_097;
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_shifted = (5 * of_year + 2) / 153;
    let day_of_month = of_year - (153 * month_shifted + 2) / 5 + 1;
    let month = if month_shifted < 10 { month_shifted + 3 } else { month_shifted - 9 };
    let year = year_of_era + era * 400 + u64::from(month <= 2);
    format!("{year:04}-{month:02}-{day_of_month:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_exception_has_an_id_a_last_day_and_a_reason() {
        let parsed = parse("# accepted\n\nRUSTSEC-2026-0001 until 2026-12-31: only in tests\n").unwrap();
        assert_eq!(
            parsed,
            [Exception { id: "RUSTSEC-2026-0001".into(), until: "2026-12-31".into(), reason: "only in tests".into() }]
        );
        for wrong in [
            "RUSTSEC-1: why",
            "RUSTSEC-1 until soon: why",
            "RUSTSEC-1 until 2026-12-31",
            "RUSTSEC-1 until 2026-12-31:  ",
        ] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn days_become_dates_over_leap_years() {
        for (day, date) in [
            (0, "1970-01-01"),
            (59, "1970-03-01"),
            (11_016, "2000-02-29"),
            (20_458, "2026-01-05"),
            (20_513, "2026-03-01"),
        ] {
            assert_eq!(date_of_day(day), date);
        }
    }
}
