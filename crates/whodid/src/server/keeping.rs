//! Stored events by day: counting them, how long they are kept, removing them.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde_json::Value;
use whodid_api::{
    Code, Day, Days, DaysParams, EraseParams, Erased, LookupParams, Retention, RetentionList, RetentionUpdate,
    Searchable,
};
use whodid_audit::{Deed, Outcome};
use whodid_engine::{Domain, Erasure};
use whodid_meta::RETENTION_FOREVER;
use whodid_model::access::Act;
use whodid_model::time::MICROS_A_DAY;
use whodid_model::{Permission, SpaceName, StreamName, Timestamp};

use super::App;
use super::asked::Asked;
use super::auth::Caller;
use super::failure::Failure;
use super::params::Params;

/// Most days of one request: ten years.
const DAYS_MAX: i64 = 3660;
/// Days before the last one when no first is given.
const DAYS_DEFAULT: i64 = 14;
const MICROS_AN_HOUR: i64 = MICROS_A_DAY / 24;

/// Some days, of them perhaps one hour each, and whose events of then.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Span {
    /// The first day's beginning.
    first: Timestamp,
    /// The last day's beginning.
    last: Timestamp,
    /// Only this hour of each.
    pub hour: Option<u32>,
    /// Whose.
    pub of: Domain,
}

impl Span {
    /// Reads what a request says. `today` stands in for a last day that is not given.
    pub fn read(
        (from, to, hour): (Option<&str>, Option<&str>, Option<u32>),
        (space, account_level): (Option<&str>, bool),
        today: Timestamp,
    ) -> Result<Self, Failure> {
        let bad = |text: String| Failure::new(Code::BadParameter, text);
        let day = |name: &str, text: &str| {
            let is_day = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
            let parsed = Timestamp::parse(text).ok().filter(|_| is_day);
            let shown: String = text.chars().take(40).collect();
            parsed
                .map(|parsed| parsed.at)
                .ok_or_else(|| bad(format!("`{name}` is {shown:?}; write a day as 2026-11-27")))
        };
        let last = match to {
            Some(text) => day("to", text)?,
            None => Timestamp::from_micros(today.micros() - today.micros().rem_euclid(MICROS_A_DAY)),
        };
        let first = match from {
            Some(text) => day("from", text)?,
            None => last.plus_micros(-DAYS_DEFAULT * MICROS_A_DAY),
        };
        if first > last {
            return Err(bad(format!("`from` ({}) must not lie after `to` ({})", first.date(), last.date())));
        }
        if (last.micros() - first.micros()) / MICROS_A_DAY >= DAYS_MAX {
            return Err(bad(format!(
                "`from` and `to` are more than {DAYS_MAX} days apart; ask for fewer days at once"
            )));
        }
        if hour.is_some_and(|hour| hour > 23) {
            return Err(bad("`hour` must lie between 0 and 23".to_owned()));
        }
        let of = match (space, account_level) {
            (Some(_), true) => {
                return Err(bad("events of a space are not the account's: give `space` or `account_level`".to_owned()));
            }
            (Some(space), false) => {
                Domain::Space(SpaceName::parse(space).map_err(|error| bad(format!("`space`: {error}")))?)
            }
            (None, true) => Domain::Account,
            (None, false) => Domain::All,
        };
        Ok(Self { first, last, hour, of })
    }

    /// The first day: `2026-11-27`.
    pub fn first_day(&self) -> String {
        self.first.date()
    }

    /// The last day.
    pub fn last_day(&self) -> String {
        self.last.date()
    }

    /// The times that it means, in order; days without an hour are one.
    pub fn times(&self) -> Vec<Range<Timestamp>> {
        let Some(hour) = self.hour else {
            return vec![self.first..self.last.plus_micros(MICROS_A_DAY)];
        };
        let days = (self.last.micros() - self.first.micros()) / MICROS_A_DAY;
        let begins =
            (0..=days).map(|day| self.first.plus_micros(day * MICROS_A_DAY + i64::from(hour) * MICROS_AN_HOUR));
        begins.map(|begin| begin..begin.plus_micros(MICROS_AN_HOUR)).collect()
    }

    /// The space that they belong to, where it is one.
    pub fn space(&self) -> Option<&SpaceName> {
        match &self.of {
            Domain::Space(space) => Some(space),
            Domain::All | Domain::Account => None,
        }
    }

    /// The rest of whose events they are, as a search says it.
    pub fn query(&self) -> String {
        let query = if self.of == Domain::Account { "-record.space:*" } else { "" };
        query.to_owned()
    }

    /// Tells what was asked for.
    pub fn note(&self, caller: &Caller) {
        caller.attempt.asks("from", self.first_day());
        caller.attempt.asks("to", self.last_day());
        if let Some(hour) = self.hour {
            caller.attempt.asks("hour", hour);
        }
        caller.attempt.asks_text("space", self.space().map(SpaceName::as_str));
        if self.of == Domain::Account {
            caller.attempt.asks("account_level", true);
        }
    }

    /// The statement that counts by day and format.
    fn statement(&self) -> String {
        let whole = self.first..self.last.plus_micros(MICROS_A_DAY);
        let mut text = format!(
            "SELECT date_trunc('day', event_time) AS day, source, count(*) AS events, sum(octet_length(raw)) AS bytes \
             FROM events WHERE event_time >= TIMESTAMP '{}' AND event_time < TIMESTAMP '{}'",
            whole.start, whole.end
        );
        if let Some(hour) = self.hour {
            text.push_str(&format!(" AND date_part('hour', event_time) = {hour}"));
        }
        match &self.of {
            Domain::All => {}
            Domain::Account => text.push_str(" AND space IS NULL"),
            // A name holds no quotes.
            Domain::Space(space) => text.push_str(&format!(" AND space = '{space}'")),
        }
        text.push_str(" GROUP BY 1, 2 ORDER BY 1, 2");
        text
    }
}

impl std::fmt::Display for Span {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str(&self.first_day())?;
        if self.first != self.last {
            write!(out, " to {}", self.last_day())?;
        }
        if let Some(hour) = self.hour {
            write!(out, ", hour {hour}")?;
        }
        match &self.of {
            Domain::All => Ok(()),
            Domain::Account => out.write_str(", of the account itself"),
            Domain::Space(space) => write!(out, ", of space {space}"),
        }
    }
}

pub async fn days(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<DaysParams>,
) -> Result<Json<Days>, Failure> {
    let scope = caller.access(Act::Read(&StreamName::activity()), params.account.as_deref())?;
    caller.attempt.is_about("activity", "");
    caller.attempt.asks("view", "days");
    let span = Span::read(
        (params.from.as_deref(), params.to.as_deref(), params.hour),
        (params.space.as_deref(), params.account_level.unwrap_or_default()),
        crate::clock::now(),
    )?;
    span.note(&caller);
    let answer = app.engine()?.sql(&scope, &span.statement()).await?;
    if answer.truncated {
        return Err(Failure::new(Code::BadParameter, "these are too many days at once; ask for fewer"));
    }
    let mut days: BTreeMap<String, Day> = BTreeMap::new();
    for row in answer.rows {
        let [Value::String(at), Value::String(source), events, bytes] = row.as_slice() else {
            return Err(Failure::new(Code::Internal, "counting by day gave no count"));
        };
        let date: String = at.chars().take(10).collect();
        let day = days.entry(date.clone()).or_insert_with(|| Day {
            date,
            count: 0,
            bytes: 0,
            types: Vec::new(),
            searchable: Searchable::All,
        });
        day.count += events.as_u64().unwrap_or_default();
        day.bytes += bytes.as_u64().unwrap_or_default();
        day.types.push(source.clone());
    }
    caller.attempt.answers("rows", days.values().map(|day| day.count).sum::<u64>());
    Ok(Json(Days { days: days.into_values().collect() }))
}

pub async fn erase(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<EraseParams>,
) -> Result<Json<Erased>, Failure> {
    let scope = caller.access(Act::Manage(Permission::EventsErase), params.account.as_deref())?;
    caller.needs_fresh()?;
    caller.attempt.is_about("activity", "");
    for (name, day) in [("from", &params.from), ("to", &params.to)] {
        if day.is_empty() {
            return Err(Failure::new(Code::BadParameter, format!("`{name}` is missing: say which days are to go")));
        }
    }
    let span = Span::read(
        (Some(&params.from), Some(&params.to), params.hour),
        (params.space.as_deref(), params.account_level.unwrap_or_default()),
        crate::clock::now(),
    )?;
    span.note(&caller);
    caller.attempt.is_about("activity", &span.to_string());
    let engine = app.engine()?.clone();
    if params.dry_run == Some(true) {
        let count = engine.count_erasure(&scope, &Erasure { during: span.times(), of: span.of }).await?;
        caller.attempt.is_a(Deed::EventSearch);
        caller.attempt.asks("view", "removal");
        caller.attempt.answers("rows", count);
        app.tell_attempt(&caller.attempt, Outcome::Success).await?;
        return Ok(Json(Erased { count, bytes_freed: 0 }));
    }
    // Told before it is done: what happens to a server half way must not hide who asked.
    let ending = caller.attempt.begins(&app);
    app.tell_attempt(&caller.attempt, Outcome::Pending).await?;
    let erasure = Erasure { during: span.times(), of: span.of };
    let report = engine.erase(&scope, &erasure).await.map_err(Failure::from);
    if let Some(ending) = ending {
        match &report {
            Ok(report) => {
                let answered = [("rows", report.rows), ("bytes", report.bytes_freed)];
                let answered = answered.map(|(name, number)| (name.to_owned(), number.into()));
                ending.ends(answered.into_iter().collect(), None).await;
            }
            Err(failure) => ending.fails(failure).await,
        }
    }
    let report = report?;
    Ok(Json(Erased { count: report.rows, bytes_freed: report.bytes_freed }))
}

pub async fn retention(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<RetentionList>, Failure> {
    let account = caller.needs(Permission::SettingsRead, params.account.as_deref())?;
    let set = app.meta.retentions(&account).await?;
    let whole = set.iter().find(|(space, _)| space.is_none()).map_or(RETENTION_FOREVER, |(_, days)| *days);
    let mut retention = vec![Retention { space: None, days: whole }];
    let of_spaces = set.into_iter().filter_map(|(space, days)| Some((space?, days)));
    retention.extend(of_spaces.map(|(space, days)| Retention { space: Some(space.to_string()), days }));
    Ok(Json(RetentionList { retention }))
}

pub async fn set_retention(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    asked: Asked<RetentionUpdate>,
) -> Result<Json<Retention>, Failure> {
    let account = caller.manages(Permission::SettingsManage, params.account.as_deref())?;
    let request = asked.read()?;
    let space = request.space.as_deref().map(SpaceName::parse).transpose();
    let space = space.map_err(|error| Failure::new(Code::BadJson, format!("`space`: {error}")))?;
    caller.attempt.is_about(space.as_ref().map_or(account.as_str(), SpaceName::as_str), "");
    caller.attempt.asks("days", request.days);
    let by = caller.attempt.actor();
    app.meta.set_retention(&by, &account, space.as_ref(), request.days, crate::clock::now()).await?;
    Ok(Json(Retention { space: space.map(|space| space.to_string()), days: request.days }))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(text).unwrap().at
    }

    fn span(from: &str, to: &str, hour: Option<u32>) -> Result<Span, Failure> {
        Span::read((Some(from), Some(to), hour), (None, false), at("2026-11-27T10:00:00Z"))
    }

    #[test]
    fn without_days_it_is_the_last_two_weeks_and_today() {
        let span = Span::read((None, None, None), (None, false), at("2026-11-27T10:00:00Z")).unwrap();
        assert_eq!((span.first_day().as_str(), span.last_day().as_str()), ("2026-11-13", "2026-11-27"));
        assert_eq!(span.times(), [at("2026-11-13T00:00:00Z")..at("2026-11-28T00:00:00Z")]);
    }

    #[test]
    fn an_hour_is_that_hour_of_each_day() {
        let span = span("2026-02-28", "2026-03-01", Some(23)).unwrap();
        let expected = [
            at("2026-02-28T23:00:00Z")..at("2026-03-01T00:00:00Z"),
            at("2026-03-01T23:00:00Z")..at("2026-03-02T00:00:00Z"),
        ];
        assert_eq!(span.times(), expected);
    }

    #[test]
    fn what_is_no_span_of_days_is_refused() {
        for (from, to, hour) in [
            ("2026-11-28", "2026-11-27", None),
            ("2026-11-27T10:00:00Z", "2026-11-27", None),
            ("yesterday", "2026-11-27", None),
            ("2026-02-30", "2026-03-01", None),
            ("1990-01-01", "2026-03-01", None),
            ("2026-11-27", "2026-11-27", Some(24)),
        ] {
            let failure = span(from, to, hour).unwrap_err();
            assert_eq!(failure.code(), Code::BadParameter, "{from} {to} {hour:?}");
        }
        let both = Span::read((None, None, None), (Some("dev"), true), at("2026-11-27T10:00:00Z"));
        assert_eq!(both.unwrap_err().code(), Code::BadParameter);
    }
}
