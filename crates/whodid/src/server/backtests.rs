//! Rules run over what is stored, before they run over what comes.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use serde_json::json;
use whodid_api::{
    Backtest, BacktestActor, BacktestDay, BacktestDifference, BacktestRequest, BacktestSample, Code, LookupParams,
};
use whodid_engine::{BacktestReport, ReadRequest};
use whodid_model::access::Permission;
use whodid_model::time::MICROS_A_DAY;
use whodid_model::{AccessScope, StreamName, Timestamp};
use whodid_rules::{
    Body, Build, Document, Exception, ExceptionScope, Gravity, INSIGHTS, OURSELVES, Problem, RuleSet, Tuning,
};

use super::App;
use super::asked::{Asked, beginning, measured};
use super::auth::Caller;
use super::catalog::{Catalog, is_filter, with_referred};
use super::failure::Failure;
use super::params::Params;
use super::rules::{policy_of, problem};
use super::search::refuse_secret;

/// Longest a backtest may take; what it found until then is its answer.
const TIME_MAX: Duration = Duration::from_secs(60);
/// The range when none is asked for.
const FROM: &str = "now-30d";

pub async fn run(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    asked: Asked<BacktestRequest>,
) -> Result<Json<Backtest>, Failure> {
    let account = caller.needs(Permission::RulesRead, params.account.as_deref())?;
    let asked = asked.read()?;
    let now = crate::clock::now();
    // A rule over what is stored is a search of it, and is told as one: with what was looked for.
    if let Some(text) = &asked.text {
        caller.attempt.asks("textHash", measured(text));
        caller.attempt.asks("text", beginning(text));
        refuse_secret("`text`", text)?;
    }
    if let Some(exception) = &asked.exception {
        let text = json!(exception).to_string();
        caller.attempt.asks("exception", beginning(&text));
        refuse_secret("`exception`", &text)?;
    }
    let known = app.rules_of(&account).await?;
    let request = ReadRequest {
        from: Some(asked.from.clone().unwrap_or_else(|| FROM.to_owned())),
        to: asked.to.clone(),
        ..ReadRequest::default()
    };
    let prepared = app.compiling.work(move || prepare(&known.catalog, &asked)).await??;
    caller.attempt.is_about(&prepared.id, &prepared.title);
    caller.attempt.asks("ruleVersion", prepared.version.as_str());
    caller.attempt.asks_text("from", request.from.as_deref());
    caller.attempt.asks_text("to", request.to.as_deref());
    // Whoever may read rules may not therefore read events.
    let may_audit = super::rules::may_read_audit(&caller, &account);
    // Of a rule for both streams, whoever may not read the audit log sees the rest, as the rule would live.
    let meant = prepared
        .streams
        .iter()
        .filter(|stream| may_audit || prepared.streams.len() == 1 || **stream != StreamName::audit());
    let scopes: Vec<AccessScope> =
        meant.map(|stream| caller.reads(Some(stream), params.account.as_deref())).collect::<Result<_, _>>()?;
    let days = days(&request, now)?;
    let test = whodid_engine::Backtest {
        rules: Arc::new(app.with_locations(prepared.tested)),
        compared: prepared.compared.map(|rules| Arc::new(app.with_locations(rules))),
        rule: prepared.id.clone(),
        request,
        time_max: TIME_MAX,
    };
    let _turn = app.backtesting.acquire().await;
    let report = app.engine()?.backtest(&scopes, test).await?;
    caller.attempt.answers("rows", report.matches);
    Ok(Json(shown(prepared.id, prepared.title, report, days, &prepared.problems)))
}

struct Prepared {
    id: String,
    title: String,
    /// The hash of its text.
    version: String,
    tested: RuleSet,
    compared: Option<RuleSet>,
    streams: Vec<StreamName>,
    problems: Vec<Problem>,
}

fn prepare(catalog: &Catalog, asked: &BacktestRequest) -> Result<Prepared, Failure> {
    let wrong = |text: String| Failure::new(Code::BadJson, text);
    let loaded = asked.text.as_ref().map(|text| catalog.load("text", text));
    if let Some(problem) = loaded.iter().flat_map(|loaded| &loaded.problems).find(|one| one.gravity == Gravity::Error) {
        return Err(wrong(format!("`text`: {problem}")));
    }
    let own: Vec<&Document> = loaded.iter().flat_map(|loaded| &loaded.documents).collect();
    let known = catalog.usable();
    let find = |among: &[&'_ Document], id: &str| {
        among.iter().position(|document| document.meta().id == id && !is_filter(document))
    };
    let tested = match (&asked.id, own.is_empty()) {
        (Some(id), false) => find(&own, id).map(|at| own[at]),
        // A correlation stands behind what it correlates, and is what is meant.
        (None, false) => own
            .iter()
            .rev()
            .find(|document| matches!(document.body, Body::Correlation(_)))
            .or_else(|| own.iter().find(|document| !is_filter(document)))
            .copied(),
        (Some(id), true) => find(&known, id).map(|at| known[at]),
        (None, true) => return Err(wrong("give `id`, a rule that is there, or `text`, one that is not".to_owned())),
    };
    let tested = tested.ok_or_else(|| match own.is_empty() {
        true => Failure::new(Code::NotFound, "there is no such rule in this account"),
        false => wrong("`text` holds no rule of that id".to_owned()),
    })?;
    let id = tested.meta().id.clone();
    let loaded = loaded.as_ref().map_or(&[][..], |loaded| &loaded.documents);
    let all: Vec<&Document> = loaded.iter().chain(catalog.others(loaded)).collect();
    let documents = with_referred(vec![tested], &all);
    let mut tuning = catalog.tuning.get(&id).map(|stored| stored.tuning.clone()).unwrap_or_default();
    let before = tuning.clone();
    tuning.threshold = asked.threshold.or(tuning.threshold);
    if let Some(policy) = &asked.policy {
        let base = tuning.policy.clone().unwrap_or_else(|| tested.meta().extension.policy.clone());
        tuning.policy = Some(policy_of(policy, base).map_err(wrong)?);
    }
    let mut exceptions: Vec<Exception> = catalog.exceptions.iter().map(|(exception, _)| exception.clone()).collect();
    if let Some(events) = &asked.exception {
        let exception = Exception {
            id: "tried".to_owned(),
            scope: ExceptionScope::Rules(vec![id.clone()]),
            events: events.clone(),
            owner: String::new(),
            reason: String::new(),
            expires_at: None,
        };
        exception.check().map_err(|problem| wrong(format!("`exception`: {}", problem.message)))?;
        exceptions.push(exception);
    }
    let streams = streams(&documents);
    let compile = |documents: Vec<&Document>, tuning: Tuning, exceptions: &[Exception]| {
        RuleSet::compile(&Build {
            documents,
            variables: catalog.variables(),
            tuning: BTreeMap::from([(id.clone(), Tuning { dormant: Some(false), ..tuning })]),
            exceptions: exceptions.to_vec(),
            with_dormant: true,
            silent: std::collections::BTreeSet::new(),
            without_audit: std::collections::BTreeSet::new(),
            routes: true,
        })
    };
    let (rules, problems) = compile(documents, tuning.clone(), &exceptions);
    if let Some(problem) = problems.iter().find(|one| one.gravity == Gravity::Error && one.rule.as_ref() == Some(&id)) {
        return Err(wrong(format!("the rule cannot run: {problem}")));
    }
    let is_other = !own.is_empty() || tuning != before;
    let compared = find(&known, &id).filter(|_| is_other).map(|at| {
        let stored: Vec<Exception> = catalog.exceptions.iter().map(|(exception, _)| exception.clone()).collect();
        compile(with_referred(vec![known[at]], &known), before, &stored).0
    });
    Ok(Prepared {
        title: tested.meta().title.clone(),
        version: tested.version.clone(),
        tested: rules,
        compared,
        streams,
        problems: problems.into_iter().filter(|problem| problem.code != "unused_filter").collect(),
        id,
    })
}

/// The streams whose events rules may match: what whodid tells of itself, what others tell, or both.
fn streams(documents: &[&Document]) -> Vec<StreamName> {
    let is_of_insights = |document: &&Document| matches!(&document.body, Body::Detection(one) if one.logsource().product.as_deref() == Some(INSIGHTS));
    if documents.iter().any(is_of_insights) {
        return vec![StreamName::insights()];
    }
    let reach = |document: &&Document| match &document.body {
        Body::Detection(detection) => match detection.logsource().product.as_deref() {
            Some(OURSELVES) => (false, true),
            Some(_) => (true, false),
            None => (true, true),
        },
        Body::Advisor(_) => (true, true),
        Body::Correlation(_) | Body::Filter(_) => (false, false),
    };
    let reaches: Vec<(bool, bool)> = documents.iter().map(reach).collect();
    let mut streams = Vec::new();
    if reaches.iter().any(|(activity, _)| *activity) || reaches.iter().all(|(_, audit)| !audit) {
        streams.push(StreamName::activity());
    }
    if reaches.iter().any(|(_, audit)| *audit) {
        streams.push(StreamName::audit());
    }
    streams
}

/// How many days the range has, begun ones included.
fn days(request: &ReadRequest, now: Timestamp) -> Result<f64, Failure> {
    let time = |text: &Option<String>| match text {
        Some(text) => {
            whodid_query::parse_time(text, now).map_err(|error| Failure::new(Code::BadTime, error.to_string()))
        }
        None => Ok(now),
    };
    let (from, to) = (time(&request.from)?, time(&request.to)?);
    Ok(((to.micros() - from.micros()) as f64 / MICROS_A_DAY as f64).ceil().max(1.0))
}

fn shown(id: String, title: String, report: BacktestReport, days: f64, problems: &[Problem]) -> Backtest {
    let samples = |samples: Vec<whodid_engine::BacktestSample>| -> Vec<BacktestSample> {
        let shown = |sample: whodid_engine::BacktestSample| BacktestSample {
            time: sample.time.to_string(),
            sentence: sample.sentence,
            actor: sample.actor,
            evidence: sample.evidence,
            is_silenced: sample.silenced_by.is_some(),
        };
        samples.into_iter().map(shown).collect()
    };
    let day = |day: i64| Timestamp::from_micros(day * MICROS_A_DAY).to_string().chars().take(10).collect();
    Backtest {
        rule_id: id,
        title,
        events_read: report.events_read,
        matches: report.matches,
        findings: report.findings,
        silenced: report.silenced,
        findings_per_day: report.findings as f64 / days,
        days: report
            .days
            .iter()
            .map(|(at, hits)| BacktestDay { day: day(*at), matches: hits.matches, findings: hits.findings })
            .collect(),
        actors: report.actors.into_iter().map(|(name, count)| BacktestActor { name, count }).collect(),
        samples: samples(report.samples),
        difference: report.difference.map(|difference| BacktestDifference {
            both: difference.both,
            added: difference.added,
            removed: difference.removed,
            added_samples: samples(difference.added_samples),
            removed_samples: samples(difference.removed_samples),
        }),
        stopped_at: report.stopped_at.map(|at| at.to_string()),
        dropped: report.drops.groups + report.drops.matches,
        took_ms: u64::try_from(report.took.as_millis()).unwrap_or(u64::MAX),
        problems: problems.iter().map(problem).collect(),
    }
}
