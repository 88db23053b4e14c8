//! What shows an insight: who and what it is made of, against who and what is usual, and the first of its records.

use std::collections::BTreeMap;

use whodid_insights::{Kind, Object, SILENT, Stage};
use whodid_lake::Snapshot;
use whodid_model::result::DENIED;
use whodid_model::time::MICROS_A_DAY;
use whodid_model::{AccountName, Offset, Outcome, StreamName, Timestamp, chain};
use whodid_query::{Expr, Test, quoted};
use whodid_search::{Filter, Order, Top, Visible};

use super::{OURSELVES, Told};
use crate::engine::Engine;
use crate::error::Error;
use crate::read::{search_error, target_of};
use crate::row::Row;

/// Days before the start that are the baseline.
pub(super) const BASELINE_DAYS: i64 = 7;
/// Values of an attribute that are told, and records.
const VALUES_MAX: usize = 5;
const RECORDS_MAX: usize = 20;
/// How often it is looked up. The last time without attributes: an insight is told without them rather than never.
const TRIES: u32 = 3;
/// Names of so many bytes may be cut: the detector keeps 200 bytes, less what is part of a character.
const CUT_BYTES: usize = 197;

/// What shows an insight.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// The search that finds its events, without the times.
    pub query: String,
    /// Where its events are.
    pub stream: Option<StreamName>,
    /// Up to when they are, in microseconds.
    pub until: i64,
    /// Minutes of the insight, and of the time before that it is compared with.
    pub minutes: f64,
    pub baseline_minutes: f64,
    /// Whether they could be counted, and events of each.
    pub is_counted: bool,
    pub count: u64,
    pub baseline_count: u64,
    pub attributes: Vec<Attribute>,
    /// Why there are no attributes.
    pub missing: Option<String>,
    /// The first records.
    pub records: Vec<Offset>,
}

/// The most frequent values of one thing, and how often in the insight and before.
#[derive(Debug)]
pub(super) struct Attribute {
    /// As the vendors name it.
    pub name: &'static str,
    pub insight: Vec<(String, u64)>,
    pub baseline: Vec<(String, u64)>,
}

/// The search for the events of an insight. Exact texts, so that nothing else is found. `actions`: those that it is made
/// of, where its object names none.
pub(super) fn query_of(kind: Kind, object: &Object, actions: &[String]) -> String {
    if kind == Kind::TrailConcealmentInsight && object.action == SILENT {
        // The last of what it sent, not what it did not.
        return exact("record.source", &object.service);
    }
    let mut parts: Vec<String> = Vec::new();
    if !object.action.is_empty() {
        parts.push(exact("action", &object.action));
    } else if !actions.is_empty() {
        parts.push(any(actions.iter().map(|action| exact("action", action))));
    }
    let is_of_changes = matches!(kind, Kind::PolicyChangeInsight | Kind::PasswordChangeInsight);
    // Somebody's changes are counted in all services and regions together; the object names the last.
    if !(is_of_changes && object.principal.is_some()) {
        if !object.service.is_empty() {
            parts.push(exact("service", &object.service));
        }
        match object.region.as_str() {
            "" => {}
            "global" => parts.push(any([exact("region", "global"), "-region:*".to_owned()])),
            region => parts.push(exact("region", region)),
        }
    }
    if let Some(address) = &object.address {
        parts.push(exact("initiator.host.address", address));
    }
    if let Some(credential) = &object.credential {
        parts.push(exact("initiator.credential.id", credential));
    }
    if let Some(principal) = object.principal.as_ref().filter(|_| kind != Kind::IpInsight) {
        parts.push(any(PRINCIPAL.fields.iter().map(|field| exact(field, principal))));
    }
    if let Some(code) = &object.code {
        let mut codes = vec![exact("reason.reasonType", code), exact("reason.reasonCode", code)];
        if code == Outcome::Failure.as_str() || code == DENIED {
            codes.push(format!("(-reason.reasonType:* -reason.reasonCode:* result:{code})"));
        }
        parts.push(format!("outcome:failure {}", any(codes)));
    } else if is_of_changes || kind == Kind::TrailConcealmentInsight {
        parts.push("-outcome:failure -outcome:pending".to_owned());
    } else {
        parts.push("-outcome:pending".to_owned());
    }
    // What was done in whodid is in a stream of its own.
    if !object.source.is_empty() && object.source != OURSELVES {
        parts.push(exact("record.source", &object.source));
    }
    parts.join(" ")
}

/// One value of a field, letter by letter; of what the detector may have cut, all that begins so.
fn exact(field: &str, text: &str) -> String {
    match whodid_query::resolve(field) {
        Some(target) if text.len() >= CUT_BYTES => {
            Expr::term(target, Test::wildcard(&[text, ""], true, true)).to_string()
        }
        _ => format!("{field}:==={}", quoted(text)),
    }
}

fn any(terms: impl IntoIterator<Item = String>) -> String {
    let terms: Vec<String> = terms.into_iter().collect();
    if terms.len() == 1 { terms.concat() } else { format!("({})", terms.join(" OR ")) }
}

/// What an insight is broken down by.
#[derive(Debug, PartialEq)]
struct By {
    /// As the vendors name it.
    name: &'static str,
    /// Where it stands: in the first of these that an event has. The detector reads them so too.
    fields: &'static [&'static str],
}

const PRINCIPAL: By = By { name: "principalId", fields: &["initiator.name", "initiator.id"] };
const AGENT: By = By { name: "userAgent", fields: &["initiator.host.agent"] };
const ADDRESS: By = By { name: "sourceIpAddress", fields: &["initiator.host.address"] };
const ACTION: By = By { name: "apiRelated", fields: &["action"] };
/// Of what failed; the vendors write null for what did not.
const ERROR: By = By { name: "errorCode", fields: &["reason.reasonType", "reason.reasonCode", "record.result"] };

fn attributes_of(kind: Kind) -> &'static [By] {
    match kind {
        Kind::IpInsight => &[AGENT, PRINCIPAL, ACTION, ERROR],
        Kind::TrailConcealmentInsight => &[PRINCIPAL, ADDRESS],
        Kind::PolicyChangeInsight | Kind::PasswordChangeInsight => &[PRINCIPAL, AGENT, ADDRESS, ACTION],
        _ => &[PRINCIPAL, AGENT, ADDRESS, ERROR],
    }
}

/// How many events there are, and the most frequent values of each attribute.
type Counts = (u64, Vec<Vec<(String, u64)>>);

impl Engine {
    /// What shows an insight, of the records before the offset that was seen then: the same whenever it is asked. What
    /// cannot be looked up is left out, and why is told.
    pub(super) async fn insight_evidence(&self, account: &AccountName, told: &Told) -> Shown {
        let change = &told.change;
        let stream = if change.object.source == OURSELVES { StreamName::audit() } else { StreamName::activity() };
        let until = match change.stage {
            // Noticed before its bin was over.
            Stage::Start => change.until.min(told.recorded.saturating_add(1)),
            _ => change.until,
        };
        let until = until.max(change.start + 1);
        let first = told.since.unwrap_or(i64::MIN).max(change.start - BASELINE_DAYS * MICROS_A_DAY);
        let of_stream = stream.clone();
        let new = |missing| Shown {
            query: query_of(change.kind, &change.object, &change.actions),
            stream: Some(of_stream.clone()),
            until,
            minutes: minutes_between(change.start, until),
            baseline_minutes: minutes_between(first, change.start),
            missing,
            ..Shown::default()
        };
        let mut why = None;
        for attempt in 1..=TRIES {
            let by = if attempt < TRIES { attributes_of(change.kind) } else { &[] };
            let mut shown = new(why.take());
            match self.look_up(account, &stream, told, first, by, &mut shown).await {
                Ok(()) => return Shown { missing: shown.missing.filter(|_| attempt == TRIES), ..shown },
                Err(error) => {
                    tracing::error!(account = %account, insight = change.insight, attempt, error = %chain(&error), "what shows an insight cannot be looked up; after try {TRIES} it is told without");
                    why = Some(error.to_string());
                    // Where the engine ends, it is tried on without a pause.
                    if attempt < TRIES {
                        self.pause().await;
                    }
                }
            }
        }
        new(why)
    }

    async fn look_up(
        &self,
        account: &AccountName,
        stream: &StreamName,
        told: &Told,
        first: i64,
        by: &[By],
        shown: &mut Shown,
    ) -> Result<(), Error> {
        let Some(table) = self.inner.known_table(account, stream) else {
            shown.is_counted = true;
            return Ok(());
        };
        let parsed = whodid_query::parse(&shown.query)
            .map_err(|error| Error::internal("reading the search of an insight", error))?;
        let mut filter = Filter::of(parsed, Visible::all(stream.clone()));
        // What was seen then, so that it is the same whenever it is asked.
        if *stream == StreamName::activity() {
            filter.before_offset = Some(told.before);
        } else {
            filter.recorded_to = Some(Timestamp::from_micros(told.recorded.saturating_add(1)));
        }
        let snapshot = table.snapshot();
        let start = Timestamp::from_micros(told.change.start);
        let mut within = filter.clone();
        (within.from, within.to) = (Some(start), Some(Timestamp::from_micros(shown.until)));
        let mut before = filter;
        (before.from, before.to) = (Some(Timestamp::from_micros(first)), Some(start));
        let (count, insight) = self.counts(&snapshot, &within, by, VALUES_MAX).await?;
        let (baseline_count, baseline) = self.counts(&snapshot, &before, by, VALUES_MAX * 4).await?;
        let page = self.inner.searcher.list(&snapshot, &within, Order::OldestFirst, None, RECORDS_MAX).await;
        shown.records = page.map_err(search_error)?.rows.iter().flat_map(Row::all).map(Row::offset).collect();
        (shown.count, shown.baseline_count, shown.is_counted) = (count, baseline_count, true);
        let values = by.iter().zip(insight.into_iter().zip(baseline));
        shown.attributes =
            values.map(|(by, (insight, baseline))| Attribute { name: by.name, insight, baseline }).collect();
        Ok(())
    }

    async fn counts(&self, snapshot: &Snapshot, filter: &Filter, by: &[By], most: usize) -> Result<Counts, Error> {
        // The result before all, of which every event has one: so all are counted.
        let fields = std::iter::once("record.result").chain(by.iter().map(|by| by.fields[0]));
        let targets = fields.map(target_of).collect::<Result<Vec<_>, _>>()?;
        let tops = self.inner.searcher.facets(snapshot, filter, &targets, most).await.map_err(search_error)?.value;
        let [results, tops @ ..] = tops.as_slice() else { return Ok((0, Vec::new())) };
        let has_failed = |result: &str| result == Outcome::Failure.as_str() || result == DENIED;
        let failed: u64 = results.values.iter().filter(|(result, _)| has_failed(result)).map(|(_, count)| count).sum();
        let all = total(results);
        let mut found = Vec::with_capacity(by.len());
        for (by, top) in by.iter().zip(tops) {
            let mut values: Vec<(String, u64)>;
            if *by == ERROR {
                values = Vec::new();
                if failed > 0 {
                    let outcome = Expr::term(target_of("outcome")?, Test::exact(Outcome::Failure.as_str(), true));
                    values = self.values(snapshot, narrowed(filter, outcome), by.fields, most).await?;
                }
                values.extend((all > failed).then(|| ("null".to_owned(), all - failed)));
            } else {
                values = top.values.clone();
                if let ([first, others @ ..], true) = (by.fields, top.missing > 0 && by.fields.len() > 1) {
                    let without = narrowed(filter, is_missing(first)?);
                    values.extend(self.values(snapshot, without, others, most).await?);
                }
            }
            found.push(most_frequent(values, most));
        }
        Ok((all, found))
    }

    /// The values of the first of some fields that an event has.
    async fn values(
        &self,
        snapshot: &Snapshot,
        mut filter: Filter,
        fields: &[&str],
        most: usize,
    ) -> Result<Vec<(String, u64)>, Error> {
        let mut found = Vec::new();
        for field in fields {
            let targets = [target_of(field)?];
            let tops = self.inner.searcher.facets(snapshot, &filter, &targets, most).await.map_err(search_error)?.value;
            let missing: u64 = tops.iter().map(|top| top.missing).sum();
            found.extend(tops.into_iter().flat_map(|top| top.values));
            if missing == 0 {
                break;
            }
            filter = narrowed(&filter, is_missing(field)?);
        }
        Ok(found)
    }
}

fn is_missing(field: &str) -> Result<Expr, Error> {
    Ok(Expr::negate(Expr::term(target_of(field)?, Test::Exists)))
}

fn narrowed(filter: &Filter, expr: Expr) -> Filter {
    let mut narrowed = filter.clone();
    narrowed.query.expr = Expr::and([narrowed.query.expr, expr]);
    narrowed
}

/// Of several counts of a value the sum, the most frequent values first.
fn most_frequent(values: Vec<(String, u64)>, most: usize) -> Vec<(String, u64)> {
    let mut sums: BTreeMap<String, u64> = BTreeMap::new();
    for (value, count) in values {
        *sums.entry(value).or_default() += count;
    }
    let mut sums: Vec<(String, u64)> = sums.into_iter().collect();
    sums.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    sums.truncate(most);
    sums
}

fn total(top: &Top) -> u64 {
    top.values.iter().map(|(_, count)| count).sum::<u64>() + top.other + top.missing
}

fn minutes_between(from: i64, to: i64) -> f64 {
    (to.saturating_sub(from) as f64 / 60e6).max(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(kind: Kind, object: Object, actions: &[&str], expected: &str) {
        let actions: Vec<String> = actions.iter().map(|action| (*action).to_owned()).collect();
        let query = query_of(kind, &object, &actions);
        assert_eq!(query, expected);
        assert!(whodid_query::parse(&query).is_ok(), "{query}");
    }

    #[test]
    fn the_search_of_an_insight_finds_what_the_detector_counted() {
        let of = Object { source: "azure".into(), region: "global".into(), action: "a".into(), ..Object::default() };
        check(
            Kind::ApiCallRateInsight,
            of.clone(),
            &[],
            r#"action:==="a" (region:==="global" OR -region:*) -outcome:pending record.source:==="azure""#,
        );
        check(
            Kind::ApiErrorRateInsight,
            Object { code: Some("denied".into()), region: String::new(), ..of.clone() },
            &[],
            r#"action:==="a" outcome:failure (reason.reasonType:==="denied" OR reason.reasonCode:==="denied" OR (-reason.reasonType:* -reason.reasonCode:* result:denied)) record.source:==="azure""#,
        );
        let bob = Object { action: String::new(), service: "iam".into(), principal: Some("bob".into()), ..of };
        check(
            Kind::PolicyChangeInsight,
            bob.clone(),
            &["A", "B"],
            r#"(action:==="A" OR action:==="B") (initiator.name:==="bob" OR initiator.id:==="bob") -outcome:failure -outcome:pending record.source:==="azure""#,
        );
        check(
            Kind::PasswordChangeInsight,
            Object { principal: None, ..bob },
            &["A"],
            r#"action:==="A" service:==="iam" (region:==="global" OR -region:*) -outcome:failure -outcome:pending record.source:==="azure""#,
        );
        let silent =
            Object { source: "okta".into(), service: "okta".into(), action: SILENT.into(), ..Object::default() };
        check(Kind::TrailConcealmentInsight, silent, &[], r#"record.source:==="okta""#);
    }

    #[test]
    fn of_a_text_that_may_be_cut_all_that_begins_so_is_found() {
        let text = format!("a (b)\"*{}", "x".repeat(200));
        let query = whodid_query::parse(&exact("action", &text)).unwrap();
        let Expr::Term(term) = query.expr else { panic!("{query}") };
        assert_eq!(term.test, Test::wildcard(&[&text, ""], true, true));
    }
}
