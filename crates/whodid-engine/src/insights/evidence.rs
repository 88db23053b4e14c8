//! What shows an insight: who and what it is made of, against who and what is usual, and the first of its records.

use whodid_insights::{Kind, Object, SILENT};
use whodid_model::time::MICROS_A_DAY;
use whodid_model::{AccountName, Offset, StreamName, Timestamp};
use whodid_query::quoted;
use whodid_search::{Filter, Order, Visible};

use super::Told;
use crate::engine::Engine;
use crate::error::Error;
use crate::read::search_error;
use crate::row::Row;

/// Days before the start that are the baseline.
pub(super) const BASELINE_DAYS: i64 = 7;
/// Values of an attribute that are told, and records.
const VALUES_MAX: usize = 5;
const RECORDS_MAX: usize = 20;

/// What shows an insight.
#[derive(Debug, Default)]
pub(super) struct Shown {
    /// The search that finds its events, without the times.
    pub query: String,
    /// Where its events are.
    pub stream: Option<StreamName>,
    /// Minutes of the insight, and of the time before that it is compared with.
    pub minutes: f64,
    pub baseline_minutes: f64,
    /// Events of each.
    pub count: u64,
    pub baseline_count: u64,
    pub attributes: Vec<Attribute>,
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

/// The search for the events of an insight. Exact texts, so that nothing else is found.
pub(super) fn query_of(kind: Kind, object: &Object) -> String {
    let mut parts: Vec<String> = Vec::new();
    let mut exact = |field: &str, text: &str| parts.push(format!("{field}:==={}", quoted(text)));
    if kind == Kind::TrailConcealmentInsight && object.action == SILENT {
        // The last of what it sent, not what it did not.
        exact("record.source", &object.service);
        return parts.join(" ");
    }
    if !object.action.is_empty() {
        exact("action", &object.action);
    }
    if !object.service.is_empty() {
        exact("service", &object.service);
    }
    if !object.region.is_empty() && object.region != "global" {
        exact("region", &object.region);
    }
    if let Some(address) = &object.address {
        exact("initiator.host.address", address);
    }
    if let Some(credential) = &object.credential {
        exact("initiator.credential.id", credential);
    }
    if let Some(principal) = object.principal.as_ref().filter(|_| kind != Kind::IpInsight) {
        let principal = quoted(principal);
        parts.push(format!("(initiator.name:==={principal} OR initiator.id:==={principal})"));
    }
    if object.region == "global" {
        parts.push("-region:*".to_owned());
    }
    if let Some(code) = &object.code {
        let text = quoted(code);
        let is_word = code == "failure" || code == "denied";
        let bare = if is_word { " OR (-reason.reasonType:* -reason.reasonCode:*)" } else { "" };
        parts.push(format!("outcome:failure (reason.reasonType:==={text} OR reason.reasonCode:==={text}{bare})"));
    }
    parts.join(" ")
}

/// The attributes of a kind: the vendors' name, and the field.
fn attributes_of(kind: Kind) -> &'static [(&'static str, &'static str)] {
    match kind {
        Kind::IpInsight => &[
            ("userAgent", "initiator.host.agent"),
            ("principalId", "initiator.name"),
            ("apiRelated", "action"),
            ("errorCode", "reason.reasonType"),
        ],
        Kind::TrailConcealmentInsight => {
            &[("principalId", "initiator.name"), ("sourceIpAddress", "initiator.host.address")]
        }
        _ => &[
            ("principalId", "initiator.name"),
            ("userAgent", "initiator.host.agent"),
            ("sourceIpAddress", "initiator.host.address"),
            ("errorCode", "reason.reasonType"),
        ],
    }
}

impl Engine {
    /// What shows an insight, of the records before the offset that was seen then: the same whenever it is asked.
    pub(super) async fn insight_evidence(&self, account: &AccountName, told: &Told) -> Result<Shown, Error> {
        let change = &told.change;
        let stream =
            if change.object.source == super::OURSELVES { StreamName::audit() } else { StreamName::activity() };
        let query = query_of(change.kind, &change.object);
        let (start, until) =
            (Timestamp::from_micros(change.start), Timestamp::from_micros(change.until.max(change.start + 1)));
        let from = start.plus_micros(-BASELINE_DAYS * MICROS_A_DAY);
        let mut shown = Shown {
            query: query.clone(),
            minutes: minutes_between(start, until),
            baseline_minutes: minutes_between(from, start),
            ..Shown::default()
        };
        let Some(table) = self.inner.known_table(account, &stream) else { return Ok(shown) };
        let parsed =
            whodid_query::parse(&query).map_err(|error| Error::internal("reading the search of an insight", error))?;
        let mut filter = Filter::of(parsed, Visible::all(stream.clone()));
        // What was seen then, so that it is the same whenever it is asked.
        if stream == StreamName::activity() {
            filter.before_offset = Some(told.before);
        } else {
            filter.recorded_to = Some(Timestamp::from_micros(told.recorded.saturating_add(1)));
        }
        let snapshot = table.snapshot();
        let fields = attributes_of(change.kind);
        let targets = fields.iter().map(|(_, field)| crate::read::target_of(field)).collect::<Result<Vec<_>, _>>()?;
        let searcher = &self.inner.searcher;
        let mut within = filter.clone();
        (within.from, within.to) = (Some(start), Some(until));
        let insight = searcher.facets(&snapshot, &within, &targets, VALUES_MAX).await.map_err(search_error)?.value;
        let mut before = filter;
        (before.from, before.to) = (Some(from), Some(start));
        let baseline = searcher.facets(&snapshot, &before, &targets, VALUES_MAX * 4).await.map_err(search_error)?.value;
        shown.count = insight.first().map_or(0, total);
        shown.baseline_count = baseline.first().map_or(0, total);
        for ((name, _), (insight, baseline)) in fields.iter().zip(insight.iter().zip(&baseline)) {
            let values = |top: &whodid_search::Top, most: usize| {
                let mut values = top.values.clone();
                // What has no code did not fail; the vendors write null for it.
                if *name == "errorCode" && top.missing > 0 {
                    values.push(("null".to_owned(), top.missing));
                }
                values.sort_by(|(a, more), (b, less)| less.cmp(more).then_with(|| a.cmp(b)));
                values.truncate(most);
                values
            };
            shown.attributes.push(Attribute {
                name,
                insight: values(insight, VALUES_MAX),
                baseline: values(baseline, VALUES_MAX),
            });
        }
        let page =
            searcher.list(&snapshot, &within, Order::OldestFirst, None, RECORDS_MAX).await.map_err(search_error)?;
        shown.records = page.rows.iter().flat_map(Row::all).map(Row::offset).collect();
        shown.stream = Some(stream);
        Ok(shown)
    }
}

fn total(top: &whodid_search::Top) -> u64 {
    top.values.iter().map(|(_, count)| count).sum::<u64>() + top.other + top.missing
}

fn minutes_between(from: Timestamp, to: Timestamp) -> f64 {
    ((to.micros() - from.micros()) as f64 / 60e6).max(1.0)
}
