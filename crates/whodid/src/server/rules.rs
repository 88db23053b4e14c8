//! Rules and exceptions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use serde_json::json;
use whodid_api::{
    Code, DetectionStatus, FiringPolicy, Level, LookupParams, RuleCheck, RuleCheckRequest, RuleCreate, RuleDetail,
    RuleException, RuleExceptionCreate, RuleExceptionList, RuleList, RuleMatch, RuleProblem, RuleSummary,
    RuleTestOutcome, RuleTuning, RuleUpdate,
};
use whodid_audit::{Deed, Told};
use whodid_decode::Format;
use whodid_meta::{DocumentChange, DocumentKind, Expected};
use whodid_model::access::Permission;
use whodid_model::{AccountName, StreamName, Timestamp};
use whodid_rules::{
    Body, Build, Document, Exception, ExceptionScope, Gravity, Outcome, Policy, Problem, RuleSet, Run, SigmaFilter,
};

use super::App;
use super::asked::{Asked, hash_of, measured};
use super::auth::Caller;
use super::catalog::{Catalog, InForce, Origin, StoredRule, StoredTuning, is_filter, with_referred};
use super::failure::Failure;
use super::keys::expiry;
use super::members::{Members, maker};
use super::params::{Id, Params};
use super::rule_change::{
    filters, in_force, look_at_audit, refuse_guard_off, refuse_lowered_guard, versions, with_filters, with_versions,
    would_blind,
};

/// Longest text of a reason, an owner.
const WORDS_MAX: usize = 1_000;

pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<RuleList>, Failure> {
    let account = caller.needs(Permission::RulesRead, params.account.as_deref())?;
    let known = app.rules_of(&account).await?;
    let catalog = &known.catalog;
    let rules = catalog.documents.iter().map(|(document, origin)| summary(&known, document, origin)).collect();
    let problems = catalog.problems.iter().chain(&known.problems).map(problem).collect();
    let detection = app.engine()?.detect_status(&account).map(|status| DetectionStatus {
        rules: status.rules as u64,
        behind: status.behind,
        dropped_groups: status.drops.groups,
        dropped_matches: status.drops.matches,
        without_group: status.drops.without_group,
        dropped_windows: status.drops.windows,
        forgotten_values: status.drops.values,
        state_bytes: status.state_bytes as u64,
    });
    Ok(Json(RuleList { rules, problems, detection }))
}

pub async fn get(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<Json<RuleDetail>, Failure> {
    let account = caller.needs(Permission::RulesRead, params.account.as_deref())?;
    let known = app.rules_of(&account).await?;
    Ok(Json(detail(&known, &id)?))
}

pub async fn create(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    asked: Asked<RuleCreate>,
) -> Result<(StatusCode, Json<RuleDetail>), Failure> {
    let account = caller.manages(Permission::RulesManage, params.account.as_deref())?;
    let request = asked.read()?;
    let now = crate::clock::now();
    let documents = usable(&app, &request.text).await?;
    let first = documents.iter().find(|document| !is_filter(document)).unwrap_or(&documents[0]);
    let (id, title) = (first.meta().id.clone(), first.meta().title.clone());
    caller.attempt.is_about(&id, &title);
    let known = app.rules_of(&account).await?;
    refuse_taken(&known.catalog, &documents, None)?;
    if request.is_enabled {
        refuse_failing(&app, &known, &documents, now).await?;
    }
    let without_audit = !may_read_audit(&caller, &account);
    let mut changes = vec![stored_rule(&id, &request.text, without_audit, Expected::Absent)];
    let has_rule = documents.iter().any(|document| !is_filter(document));
    for document in documents.iter() {
        // A filter beside rules has no switch of its own as yet: it goes with them.
        let is_enabled = (!has_rule || !is_filter(document)).then_some(request.is_enabled);
        let tuning = StoredTuning { is_enabled, ..StoredTuning::default() };
        changes.push(stored_tuning(&document.meta().id, &tuning));
    }
    let mut after = in_force(first, request.is_enabled, &whodid_rules::Tuning::default(), without_audit);
    after["text"] = json!(request.text);
    let told = Told::success(Deed::RuleCreate, id.as_str(), title.as_str())
        .asked("textHash", measured(&request.text))
        .changed(None, Some(after));
    let told = with_versions(told, "ruleVersions", &versions(documents.iter()));
    let told = with_filters(told, &filters(documents.iter()));
    app.meta.change_documents(&caller.attempt.actor(), &account, &changes, &[told], now).await?;
    app.refresh_rules(&account).await?;
    let known = app.rules_of(&account).await?;
    Ok((StatusCode::CREATED, Json(detail(&known, &id)?)))
}

pub async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
    asked: Asked<RuleUpdate>,
) -> Result<Json<RuleDetail>, Failure> {
    let account = caller.manages(Permission::RulesManage, params.account.as_deref())?;
    let request = asked.read()?;
    let now = crate::clock::now();
    let known = app.rules_of(&account).await?;
    let catalog = &known.catalog;
    let (document, origin) = find(catalog, &id)?;
    caller.attempt.is_about(&id, &document.meta().title);
    if is_filter(document) && (request.level.is_some() || request.threshold.is_some() || request.policy.is_some()) {
        let detail = "a filter finds nothing itself, so it has no `level`, `threshold` or `policy`";
        return Err(Failure::new(Code::BadJson, detail));
    }
    if request.threshold.is_some() && whodid_rules::threshold_of(document).is_none() {
        let detail = "the rule compares with no number, so it has no `threshold`; how many matches make a finding is `policy.threshold`";
        return Err(Failure::new(Code::BadJson, detail));
    }
    let old = catalog.tuning.get(&id).cloned().unwrap_or_default();
    let new = tuned(&old, &request, &document.meta().extension.policy)?;
    let is_stated = stated_switch(catalog, document, origin);
    let (was_on, is_switched_on) = (old.is_enabled.unwrap_or(is_stated), new.is_enabled.unwrap_or(is_stated));
    let deed = match (was_on, is_switched_on) {
        (true, false) => Deed::RuleDisable,
        (false, true) => Deed::RuleEnable,
        _ => Deed::RuleUpdate,
    };
    caller.attempt.is_a(deed);
    if whodid_rules::is_guard(&id) && request.is_enabled == Some(false) {
        refuse_guard_off(&caller, &account, &format!("`{id}`"))?;
    }
    refuse_lowered_guard(document, &request, &new.tuning)?;
    let mut told = Told::success(deed, id.as_str(), document.meta().title.as_str());
    let without_audit = catalog.is_without_audit(origin);
    let mut before = in_force(document, was_on, &old.tuning, without_audit);
    let mut after = in_force(document, is_switched_on, &new.tuning, without_audit);
    let same_text = of_text(catalog, document, origin);
    let mut changes = Vec::new();
    let mut documents = Arc::new(with_its_filters(catalog, document, origin));
    // What a new text brings is looked at also where only others of the text are switched on: its filters are in force.
    let mut is_on = catalog.is_enabled(document, origin);
    if let Some(text) = &request.text {
        let Origin::Own(own) = origin else {
            let detail = "a rule of a package is not changed; tune it, or copy its text into a rule of your own";
            return Err(Failure::new(Code::BadJson, detail));
        };
        let is_blind = !may_read_audit(&caller, &account);
        if is_blind && !without_audit && look_at_audit(&same_text) {
            return Err(would_blind(&format!("the text of `{id}`")));
        }
        documents = usable(&app, text).await?;
        let Some(changed) = documents.iter().find(|document| document.meta().id == id) else {
            return Err(Failure::new(Code::BadJson, format!("the new text has no rule with the id `{id}`; ids stay")));
        };
        after = in_force(changed, is_switched_on, &new.tuning, is_blind);
        refuse_taken(catalog, &documents, Some(own))?;
        is_on |= documents.iter().any(is_filter) && catalog.is_text_on(own);
        let expected = request.revision.map_or(Expected::Present, Expected::Revision);
        changes.push(stored_rule(own, text, is_blind, expected));
        let old_text = catalog.own.get(own).map(|stored| stored.body["text"].clone()).unwrap_or_default();
        told = told
            .asked("textHashBefore", measured(old_text.as_str().unwrap_or_default()))
            .asked("textHash", measured(text));
        told = with_versions(told, "ruleVersionsBefore", &versions(same_text));
        told = with_versions(told, "ruleVersions", &versions(documents.iter()));
        told = with_filters(told, &filters(documents.iter()));
        before["text"] = old_text;
        after["text"] = json!(text);
    } else {
        told = with_filters(told, &filters(same_text.iter().copied()));
        told = with_versions(told, "ruleVersions", &versions(same_text));
    }
    if new.is_enabled == Some(true) || request.text.is_some() && is_on {
        refuse_failing(&app, &known, &documents, now).await?;
    }
    if new != old {
        changes.push(stored_tuning(&id, &new));
    }
    if !changes.is_empty() {
        let told = told.changed(Some(before), Some(after));
        app.meta.change_documents(&caller.attempt.actor(), &account, &changes, &[told], now).await?;
        app.refresh_rules(&account).await?;
    }
    let known = app.rules_of(&account).await?;
    Ok(Json(detail(&known, &id)?))
}

pub async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<StatusCode, Failure> {
    let account = caller.manages(Permission::RulesManage, params.account.as_deref())?;
    let known = app.rules_of(&account).await?;
    let catalog = &known.catalog;
    let (document, origin) = find(catalog, &id)?;
    let title = document.meta().title.clone();
    let mut told = Told::success(Deed::RuleDelete, id.as_str(), title.as_str());
    let mut changes = Vec::new();
    let old = catalog.tuning.get(&id).cloned().unwrap_or_default();
    let is_stated = stated_switch(catalog, document, origin);
    let without_audit = catalog.is_without_audit(origin);
    let mut before = in_force(document, old.is_enabled.unwrap_or(is_stated), &old.tuning, without_audit);
    let mut after = None;
    let same_text = of_text(catalog, document, origin);
    let mut forget = |id: &str| {
        if catalog.tuning.contains_key(id) {
            let expected = Expected::Any;
            changes.push(DocumentChange {
                kind: DocumentKind::RuleTuning,
                id: id.to_owned(),
                body: None,
                secret: None,
                expected,
            });
        }
    };
    match origin {
        Origin::Own(own) => {
            let ids: Vec<&str> = same_text.iter().map(|document| document.meta().id.as_str()).collect();
            if let Some(other) = catalog.who_needs(&ids) {
                let meta = other.meta();
                let detail =
                    format!("the rule \"{}\" ({}) refers to it; change or delete that first", meta.title, meta.id);
                return Err(Failure::new(Code::Conflict, detail));
            }
            ids.into_iter().for_each(&mut forget);
            before["text"] = catalog.own.get(own).map(|stored| stored.body["text"].clone()).unwrap_or_default();
            told = told.asked("textHashBefore", measured(before["text"].as_str().unwrap_or_default()));
            told = with_versions(told, "ruleVersionsBefore", &versions(same_text));
            let expected = Expected::Present;
            changes.push(DocumentChange {
                kind: DocumentKind::Rule,
                id: own.clone(),
                body: None,
                secret: None,
                expected,
            });
        }
        // The rule stays, and is what its package says again.
        Origin::Package(_) => {
            forget(&id);
            after = Some(in_force(document, is_stated, &whodid_rules::Tuning::default(), without_audit));
            told = with_versions(told, "ruleVersions", &versions(same_text));
        }
    }
    let told = told.changed(Some(before), after);
    app.meta.change_documents(&caller.attempt.actor(), &account, &changes, &[told], crate::clock::now()).await?;
    app.refresh_rules(&account).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn check(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    asked: Asked<RuleCheckRequest>,
) -> Result<Json<RuleCheck>, Failure> {
    let account = caller.needs(Permission::RulesRead, params.account.as_deref())?;
    let request = asked.read()?;
    let known = app.rules_of(&account).await?;
    let now = crate::clock::now();
    app.compiling.work(move || checked(&known.catalog, &request, now)).await.map(Json)
}

fn checked(catalog: &Catalog, request: &RuleCheckRequest, now: Timestamp) -> RuleCheck {
    let loaded = catalog.load("rule", &request.text);
    let all: Vec<&Document> = loaded.documents.iter().chain(catalog.others(&loaded.documents)).collect();
    let documents = with_referred(loaded.documents.iter().collect(), &all);
    let variables = catalog.variables();
    let own: Vec<&Document> = loaded.documents.iter().collect();
    let tests = whodid_rules::run_all_tests(&own, &documents, &variables, now).into_iter().map(outcome).collect();
    let is_called = |name: &str| loaded.documents.iter().any(|document| document.is_called(name));
    let is_meant = |id: &str| loaded.documents.iter().any(|document| document.meta().id == id);
    let build =
        Build { documents: documents.clone(), variables: variables.clone(), with_dormant: true, ..Build::default() };
    let (rules, problems) = RuleSet::compile(&build);
    let mut matches = Vec::new();
    let mut run = Run::new(&rules);
    let mut hits = Vec::new();
    for event in &request.events {
        let text = event.as_str().map_or_else(|| event.to_string(), str::to_owned);
        run.each(Format::Auto, text.as_bytes(), now, &mut |number, read, rules, state| {
            let matched = rules.matches(read).into_iter();
            matched.filter(|rule| is_meant(&rules.rules()[*rule].meta.id)).for_each(|rule| {
                let rule_id = rules.rules()[rule].meta.id.clone();
                let time = read.place.event_time.to_string();
                matches.push(RuleMatch { rule_id, event_index: Some(number), time, why: None });
            });
            rules.step(state, read, &mut hits);
        });
    }
    run.finish(&mut hits);
    let is_of_several = |hit: &&whodid_rules::Hit| hit.start.is_some() || hit.why.is_some();
    for hit in hits.iter().filter(is_of_several).filter(|hit| is_meant(&rules.rules()[hit.rule].meta.id)) {
        matches.push(RuleMatch {
            rule_id: rules.rules()[hit.rule].meta.id.clone(),
            event_index: hit.evidence.last().map(|place| place.offset.0),
            time: hit.time.to_string(),
            why: hit.why.clone(),
        });
    }
    RuleCheck {
        rules: rules.rules().iter().map(|rule| rule.meta.id.clone()).filter(|id| is_meant(id)).collect(),
        problems: loaded
            .problems
            .iter()
            .chain(problems.iter().filter(|problem| problem.rule.as_deref().is_none_or(is_called)))
            .map(problem)
            .collect(),
        tests,
        matches,
    }
}

pub async fn exceptions(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<RuleExceptionList>, Failure> {
    let account = caller.needs(Permission::RulesRead, params.account.as_deref())?;
    let known = app.rules_of(&account).await?;
    let now = crate::clock::now();
    let members = Members::of(&app, &account).await?;
    let exceptions = known.catalog.exceptions.iter().map(|(exception, stored)| {
        shown_exception(exception, stored.created_at, stored.created_by.clone(), &members, now)
    });
    Ok(Json(RuleExceptionList { exceptions: exceptions.collect() }))
}

pub async fn create_exception(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    asked: Asked<RuleExceptionCreate>,
) -> Result<(StatusCode, Json<RuleException>), Failure> {
    let account = caller.manages(Permission::RulesManage, params.account.as_deref())?;
    let request = asked.read()?;
    let now = crate::clock::now();
    let wrong = |text: String| Failure::new(Code::BadJson, text);
    if request.reason.trim().is_empty() || request.reason.chars().count() > WORDS_MAX {
        return Err(wrong(format!("`reason` says why the exception is right, in 1 to {WORDS_MAX} characters")));
    }
    let members = Members::of(&app, &account).await?;
    // Also a group or a mailbox may answer for one, which the answers say.
    let owner = match request.owner.as_deref().map(str::trim) {
        None => caller.label(),
        Some("") => {
            return Err(wrong("`owner` is empty; name a member, or leave it out to answer for it yourself".to_owned()));
        }
        Some(text) if text.chars().count() > WORDS_MAX => {
            return Err(wrong(format!("`owner` is too long; at most {WORDS_MAX} characters")));
        }
        Some(text) => members.label_of(text).unwrap_or_else(|| text.to_owned()),
    };
    let known = app.rules_of(&account).await?;
    let is_rule = |id: &String| known.catalog.documents.iter().any(|(document, _)| document.meta().id == *id);
    if let Some(unknown) = request.rules.iter().find(|id| !is_rule(id)) {
        let shown: String = unknown.chars().take(80).collect();
        return Err(wrong(format!("`rules`: there is no rule with the id {shown:?}")));
    }
    let exception = Exception {
        id: uuid::Uuid::now_v7().to_string(),
        scope: if request.rules.is_empty() { ExceptionScope::All } else { ExceptionScope::Rules(request.rules) },
        events: request.events,
        owner,
        reason: request.reason,
        expires_at: request.expires.as_deref().map(|text| expiry(text, now)).transpose()?,
    };
    let tried = exception.clone();
    let fault = app.compiling.work(move || tried.check().err()).await?;
    if let Some(problem) = fault {
        return Err(wrong(format!("`events`: {}", problem.message)));
    }
    let id = exception.id.clone();
    let body = json!(exception);
    let told =
        Told::success(Deed::ExceptionCreate, id.as_str(), exception.reason.as_str()).changed(None, Some(body.clone()));
    let change = DocumentChange {
        kind: DocumentKind::Exception,
        id,
        body: Some(body),
        secret: None,
        expected: Expected::Absent,
    };
    app.meta.change_documents(&caller.attempt.actor(), &account, &[change], &[told], now).await?;
    app.refresh_rules(&account).await?;
    Ok((StatusCode::CREATED, Json(shown_exception(&exception, now, maker(&caller), &members, now))))
}

pub async fn delete_exception(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<StatusCode, Failure> {
    let account = caller.manages(Permission::RulesManage, params.account.as_deref())?;
    let stored = app.meta.document(&account, DocumentKind::Exception, &id).await?;
    let stored = stored.ok_or_else(|| Failure::new(Code::NotFound, "there is no such exception in this account"))?;
    let told = Told::success(Deed::ExceptionDelete, id.as_str(), "").changed(Some(stored.body), None);
    let change =
        DocumentChange { kind: DocumentKind::Exception, id, body: None, secret: None, expected: Expected::Present };
    app.meta.change_documents(&caller.attempt.actor(), &account, &[change], &[told], crate::clock::now()).await?;
    app.refresh_rules(&account).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn find<'c>(catalog: &'c Catalog, id: &str) -> Result<(&'c Document, &'c Origin), Failure> {
    let found = catalog.documents.iter().find(|(document, _)| document.meta().id == id);
    let found = found.map(|(document, origin)| (document.as_ref(), origin));
    found.ok_or_else(|| Failure::new(Code::NotFound, "there is no such rule in this account"))
}

/// The documents that stand in one text of the account's own with a document; of a package's, the document itself.
fn of_text<'c>(catalog: &'c Catalog, document: &'c Document, origin: &Origin) -> Vec<&'c Document> {
    if matches!(origin, Origin::Package(_)) {
        return vec![document];
    }
    let same = catalog.documents.iter().filter(|(_, other)| other == origin);
    same.map(|(document, _)| document.as_ref()).collect()
}

/// Whether a rule is on where nobody has switched it, its package being on.
fn stated_switch(catalog: &Catalog, document: &Document, origin: &Origin) -> bool {
    match (origin, &document.body) {
        (Origin::Own(_), _) => catalog.is_enabled(document, origin),
        (Origin::Package(_), Body::Advisor(rule)) => !rule.is_dormant,
        (Origin::Package(_), _) => !document.meta().extension.dormant,
    }
}

/// A document, and those filters of its own text that come into force with it.
fn with_its_filters(catalog: &Catalog, document: &Document, origin: &Origin) -> Vec<Document> {
    let mut all = vec![document.clone()];
    if is_filter(document) || matches!(origin, Origin::Package(_)) {
        return all;
    }
    for (other, of) in &catalog.documents {
        let switched = catalog.tuning.get(&other.meta().id).and_then(|tuning| tuning.is_enabled);
        if of == origin && is_filter(other) && switched != Some(false) {
            all.push(Document::clone(other));
        }
    }
    all
}

/// The documents of a text, which must all be usable; one at least.
async fn usable(app: &App, text: &str) -> Result<Arc<Vec<Document>>, Failure> {
    let text = text.to_owned();
    app.compiling.work(move || read_usable(&text)).await?.map(Arc::new)
}

fn read_usable(text: &str) -> Result<Vec<Document>, Failure> {
    let wrong = |what: String| Failure::new(Code::BadJson, format!("`text`: {what}"));
    let loaded = whodid_rules::load("text", text);
    if let Some(problem) = loaded.problems.iter().find(|problem| problem.gravity == Gravity::Error) {
        return Err(wrong(problem.to_string()));
    }
    if loaded.documents.is_empty() {
        return Err(Failure::new(Code::BadJson, "`text` holds no rule"));
    }
    let build = Build { documents: loaded.documents.iter().collect(), with_dormant: true, ..Build::default() };
    let (_, problems) = RuleSet::compile(&build);
    let is_grave = |problem: &&Problem| {
        problem.gravity == Gravity::Error && !matches!(problem.code, "unknown_rule" | "needs_configuration")
    };
    if let Some(problem) = problems.iter().find(is_grave) {
        return Err(wrong(problem.to_string()));
    }
    // Filters are known by their ids too, and the compiler does not ask for these.
    let mut ids = BTreeSet::new();
    if let Some(twice) = loaded.documents.iter().find(|document| !ids.insert(document.meta().id.as_str())) {
        return Err(wrong(format!("two documents have the id `{}`; ids must differ", twice.meta().id)));
    }
    Ok(loaded.documents)
}

/// Refuses ids that other texts have.
fn refuse_taken(catalog: &Catalog, documents: &[Document], own: Option<&String>) -> Result<(), Failure> {
    let others = catalog.documents.iter().filter(|(_, origin)| match (origin, own) {
        (Origin::Own(id), Some(own)) => id != own,
        _ => true,
    });
    let ids: BTreeSet<&str> = others.map(|(document, _)| document.meta().id.as_str()).collect();
    match documents.iter().find(|document| ids.contains(document.meta().id.as_str())) {
        None => Ok(()),
        Some(document) => {
            let detail =
                format!("a rule with the id `{}` is there already; give this one another `id`", document.meta().id);
            Err(Failure::new(Code::NameTaken, detail))
        }
    }
}

/// Refuses to switch on what fails its tests or cannot be compiled among the others.
async fn refuse_failing(
    app: &App,
    known: &Arc<InForce>,
    documents: &Arc<Vec<Document>>,
    now: Timestamp,
) -> Result<(), Failure> {
    let (known, documents) = (Arc::clone(known), Arc::clone(documents));
    app.compiling.work(move || tried(&known.catalog, &documents, now)).await?
}

fn tried(catalog: &Catalog, documents: &[Document], now: Timestamp) -> Result<(), Failure> {
    let others = catalog.others(documents);
    let all: Vec<&Document> = documents.iter().chain(others.iter().copied()).collect();
    let variables = catalog.variables();
    let problems_of = |documents: Vec<&Document>| {
        let build = Build { documents, variables: variables.clone(), with_dormant: true, ..Build::default() };
        let (_, mut problems) = RuleSet::compile(&build);
        problems.retain(|problem| problem.gravity == Gravity::Error && problem.rule.is_some());
        problems
    };
    let problems = problems_of(all.clone());
    let ids: BTreeSet<&str> = documents.iter().map(|document| document.meta().id.as_str()).collect();
    let of_these = |problem: &&Problem| problem.rule.as_deref().is_some_and(|rule| ids.contains(rule));
    if let Some(problem) = problems.iter().find(of_these) {
        return Err(Failure::new(Code::BadJson, format!("the rule cannot run: {problem}")));
    }
    if documents.iter().any(is_filter) {
        // It is laid over rules that stand elsewhere, and must not take them out.
        let without = problems_of(others);
        let is_new = |problem: &&Problem| {
            !without.iter().any(|known| (&known.rule, known.code) == (&problem.rule, problem.code))
        };
        if let Some(problem) = problems.iter().find(is_new) {
            return Err(Failure::new(Code::BadJson, format!("with the filter another rule cannot run: {problem}")));
        }
    }
    let files: BTreeSet<&str> = documents.iter().map(|document| document.file.as_str()).collect();
    for file in files {
        let own_file: Vec<&Document> = all.iter().copied().filter(|other| other.file == file).collect();
        let tested: Vec<&Document> = documents.iter().filter(|document| document.file == file).collect();
        let outcomes = whodid_rules::run_all_tests(&tested, &own_file, &variables, now);
        if let Some(test) = outcomes.into_iter().find(|test| !test.passed) {
            let detail = format!(
                "the rule is not switched on, because its test \"{}\" fails: {}",
                test.name,
                test.detail.unwrap_or_default()
            );
            return Err(Failure::new(Code::Conflict, detail));
        }
    }
    Ok(())
}

/// Whether somebody may read the audit log. Whoever may not must not learn of it by rules either.
pub fn may_read_audit(caller: &Caller, account: &AccountName) -> bool {
    caller.reads(Some(&StreamName::audit()), Some(account.as_str())).is_ok()
}

fn stored_rule(id: &str, text: &str, without_audit: bool, expected: Expected) -> DocumentChange {
    let body = json!(StoredRule { text: text.to_owned(), without_audit });
    DocumentChange { kind: DocumentKind::Rule, id: id.to_owned(), body: Some(body), secret: None, expected }
}

fn stored_tuning(id: &str, tuning: &StoredTuning) -> DocumentChange {
    let body = json!(tuning);
    DocumentChange {
        kind: DocumentKind::RuleTuning,
        id: id.to_owned(),
        body: Some(body),
        secret: None,
        expected: Expected::Any,
    }
}

fn tuned(old: &StoredTuning, request: &RuleUpdate, stated: &Policy) -> Result<StoredTuning, Failure> {
    let wrong = |text: String| Failure::new(Code::BadJson, text);
    let mut new = old.clone();
    if request.reset {
        new.tuning = whodid_rules::Tuning::default();
    }
    new.is_enabled = request.is_enabled.or(old.is_enabled);
    match request.level.as_deref() {
        None => {}
        Some("default") => new.tuning.level = None,
        Some(level) => {
            let known = whodid_rules::Level::parse(level);
            new.tuning.level =
                Some(known.ok_or_else(|| {
                    wrong("`level` is informational, low, medium, high, critical or default".to_owned())
                })?);
        }
    }
    if let Some(threshold) = request.threshold {
        if !threshold.is_finite() || threshold < 0.0 {
            return Err(wrong("`threshold` is a number from 0".to_owned()));
        }
        new.tuning.threshold = Some(threshold);
    }
    if let Some(policy) = &request.policy {
        new.tuning.policy =
            Some(policy_of(policy, new.tuning.policy.unwrap_or_else(|| stated.clone())).map_err(wrong)?);
    }
    Ok(new)
}

pub fn policy_of(asked: &FiringPolicy, mut policy: Policy) -> Result<Policy, String> {
    let window = |name: &str, text: &Option<String>, old: i64| match text.as_deref() {
        None => Ok(old),
        Some("0" | "0s") => Ok(0),
        Some(text) => whodid_rules::span_micros(text).ok_or_else(|| format!("`policy.{name}` is a time such as 60m")),
    };
    policy.dedup_window_micros = window("dedup_window", &asked.dedup_window, policy.dedup_window_micros)?;
    policy.threshold_window_micros =
        window("threshold_window", &asked.threshold_window, policy.threshold_window_micros)?;
    let is_name = |name: &String| {
        let is_odd = |character: char| character.is_whitespace() || character.is_control() || character == '|';
        !name.is_empty() && name.len() <= 200 && !name.contains(is_odd)
    };
    if let Some(name) = asked.dedup_key.iter().flatten().find(|name| !is_name(name)) {
        return Err(format!("`policy.dedup_key`: {name:?} is no field name; use a path such as `initiator.name`"));
    }
    policy.dedup_key = asked.dedup_key.clone().unwrap_or(policy.dedup_key);
    policy.threshold = asked.threshold.unwrap_or(policy.threshold).max(1);
    // None at all would be a rule that is switched off: 0 takes the cap away.
    policy.daily_cap = asked.daily_cap.or(policy.daily_cap).filter(|cap| *cap > 0);
    Ok(policy)
}

fn summary(known: &InForce, document: &Document, origin: &Origin) -> RuleSummary {
    let (catalog, meta) = (&known.catalog, document.meta());
    let tuned = catalog.tuning.get(&meta.id);
    let level = tuned.and_then(|tuned| tuned.tuning.level).unwrap_or(meta.level);
    let is_tuned = tuned.is_some_and(|tuned| tuned.tuning != whodid_rules::Tuning::default());
    let is_enabled = catalog.is_enabled(document, origin);
    let problem = known.problem_of(&meta.id).filter(|_| is_enabled).map(|problem| problem.message.clone());
    RuleSummary {
        id: meta.id.clone(),
        title: meta.title.clone(),
        description: match &document.body {
            Body::Filter(filter) => format!("{} {}", reach(filter, origin), meta.description).trim_end().to_owned(),
            _ => meta.description.clone(),
        },
        kind: whodid_rules::kind_words(document).to_owned(),
        level: shown_level(level),
        package: match origin {
            Origin::Package(id) => Some(id.clone()),
            Origin::Own(_) => None,
        },
        author: meta.author.clone(),
        license: meta.license.clone(),
        tags: meta.tags.clone(),
        finding_type: meta.extension.finding_type.clone(),
        is_enabled,
        is_reported: known.reported.contains(&meta.id) && !is_filter(document) && problem.is_none(),
        problem,
        is_tuned,
        tests: document.tests.len() as u64,
    }
}

/// Which rules a filter narrows, in a sentence.
fn reach(filter: &SigmaFilter, origin: &Origin) -> String {
    let rules = match filter.rules() {
        None => "every rule".to_owned(),
        Some(names) => names.join(", "),
    };
    match origin {
        Origin::Package(id) => format!("Narrows {rules} of the package {id}."),
        Origin::Own(_) if filter.rules().is_none() => {
            format!("Narrows {rules} of the account but those of {}.", whodid_rules::SELF_PACKAGE)
        }
        Origin::Own(_) => format!("Narrows {rules}."),
    }
}

fn detail(known: &InForce, id: &str) -> Result<RuleDetail, Failure> {
    let catalog = &known.catalog;
    let (document, origin) = find(catalog, id)?;
    let meta = document.meta();
    let (text, revision) = match origin {
        Origin::Own(own) => {
            let stored = catalog.own.get(own);
            let text = stored.and_then(|stored| stored.body["text"].as_str()).unwrap_or_default().to_owned();
            (text, stored.map(|stored| stored.revision))
        }
        Origin::Package(package) => {
            let path = document.file.strip_prefix(&format!("{package}/")).unwrap_or(&document.file);
            let text = catalog.packages.get(package).and_then(|known| known.package.files.get(path)).cloned();
            (text.unwrap_or_else(|| document.text.clone()), None)
        }
    };
    Ok(RuleDetail {
        rule: summary(known, document, origin),
        text_hash: hash_of(&text),
        text,
        references: meta.references.clone(),
        false_positives: meta.false_positives.clone(),
        next_steps: meta.extension.next_steps.iter().map(|step| step.title.clone()).collect(),
        version: document.version.clone(),
        without_audit: catalog.is_without_audit(origin),
        revision,
        tuning: shown_tuning(catalog.tuning.get(id)),
        stated: RuleTuning {
            level: Some(shown_level(meta.level)),
            threshold: whodid_rules::threshold_of(document),
            policy: Some(shown_policy(&meta.extension.policy)),
        },
    })
}

fn shown_tuning(stored: Option<&StoredTuning>) -> RuleTuning {
    let tuning = stored.map(|stored| &stored.tuning);
    RuleTuning {
        level: tuning.and_then(|tuning| tuning.level).map(shown_level),
        threshold: tuning.and_then(|tuning| tuning.threshold),
        policy: tuning.and_then(|tuning| tuning.policy.as_ref()).map(shown_policy),
    }
}

fn shown_policy(policy: &Policy) -> FiringPolicy {
    FiringPolicy {
        dedup_key: Some(policy.dedup_key.clone()),
        dedup_window: Some(whodid_rules::span_text(policy.dedup_window_micros)),
        threshold: Some(policy.threshold),
        threshold_window: Some(whodid_rules::span_text(policy.threshold_window_micros)),
        daily_cap: policy.daily_cap,
    }
}

fn shown_exception(
    exception: &Exception,
    created_at: Timestamp,
    created_by: String,
    members: &Members,
    now: Timestamp,
) -> RuleException {
    RuleException {
        id: exception.id.clone(),
        rules: match &exception.scope {
            ExceptionScope::All => Vec::new(),
            ExceptionScope::Rules(rules) => rules.clone(),
        },
        events: exception.events.clone().into_iter().collect::<BTreeMap<_, _>>(),
        owner: members.name_of(&exception.owner),
        owner_is_member: members.has(&exception.owner),
        reason: exception.reason.clone(),
        expires_at: exception.expires_at.map(|at| at.to_string()),
        is_ended: !exception.holds_at(now),
        created_at: created_at.to_string(),
        created_by,
    }
}

pub fn problem(problem: &Problem) -> RuleProblem {
    RuleProblem {
        file: problem.file.clone(),
        document: problem.document as u64,
        line: problem.line.map(|line| line as u64),
        rule: problem.rule.clone(),
        gravity: if problem.gravity == Gravity::Error { "error" } else { "warning" }.to_owned(),
        code: problem.code.to_owned(),
        message: problem.message.clone(),
    }
}

pub fn outcome(outcome: Outcome) -> RuleTestOutcome {
    let Outcome { rule_id, name, matches, passed, detail, .. } = outcome;
    RuleTestOutcome { rule_id, name, matches, passed, detail }
}

fn shown_level(level: whodid_rules::Level) -> Level {
    match level {
        whodid_rules::Level::Informational => Level::Informational,
        whodid_rules::Level::Low => Level::Low,
        whodid_rules::Level::Medium => Level::Medium,
        whodid_rules::Level::High => Level::High,
        whodid_rules::Level::Critical => Level::Critical,
    }
}
