//! Rules, packages and exceptions.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use whodid_api::{
    Code, DetectionStatus, FiringPolicy, Level, LookupParams, PackageInstallParams, PackageInstalled, PackageList,
    PackageSummary, PackageUpdate, PackageVariable, RuleCheck, RuleCheckRequest, RuleCreate, RuleDetail, RuleException,
    RuleExceptionCreate, RuleExceptionList, RuleList, RuleMatch, RuleProblem, RuleSummary, RuleTestOutcome, RuleTuning,
    RuleUpdate,
};
use whodid_audit::{Deed, Told};
use whodid_decode::Format;
use whodid_meta::{DocumentChange, DocumentKind, Expected};
use whodid_model::Timestamp;
use whodid_model::access::Permission;
use whodid_rules::{
    Build, Document, Exception, ExceptionScope, Gravity, Outcome, Package, PackageError, Policy, Problem, RuleSet, Run,
};

use super::App;
use super::asked::Asked;
use super::auth::Caller;
use super::catalog::{Catalog, KnownPackage, Origin, StoredPackage, StoredRule, StoredTuning};
use super::failure::Failure;
use super::keys::expiry;
use super::params::{Id, Params};

/// Longest text of a reason, an owner.
const WORDS_MAX: usize = 1_000;

pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<RuleList>, Failure> {
    let account = caller.needs(Permission::RulesRead, params.account.as_deref())?;
    let catalog = Catalog::load(&app, &account).await?;
    let (compiled, problems) = catalog.compile();
    let rules = catalog.documents.iter().filter(|(document, _)| !is_filter(document));
    let rules = rules.map(|(document, origin)| summary(&catalog, document, origin, &compiled)).collect();
    let problems = catalog.problems.iter().chain(&problems).map(problem).collect();
    let detection = app.engine()?.detect_status(&account).map(|status| DetectionStatus {
        rules: status.rules as u64,
        behind: status.behind,
        dropped_groups: status.drops.groups,
        dropped_matches: status.drops.matches,
        without_group: status.drops.without_group,
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
    let catalog = Catalog::load(&app, &account).await?;
    Ok(Json(detail(&catalog, &id)?))
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
    let (documents, _) = usable(&request.text)?;
    let first = documents.iter().find(|document| !is_filter(document)).unwrap_or(&documents[0]);
    let (id, title) = (first.meta().id.clone(), first.meta().title.clone());
    caller.attempt.is_about(&id, &title);
    let catalog = Catalog::load(&app, &account).await?;
    refuse_taken(&catalog, &documents, None)?;
    if request.is_enabled {
        refuse_failing(&catalog, &documents, now)?;
    }
    let mut changes = vec![stored_rule(&id, &request.text, Expected::Absent)];
    for document in documents.iter().filter(|document| !is_filter(document)) {
        let tuning = StoredTuning { is_enabled: Some(request.is_enabled), ..StoredTuning::default() };
        changes.push(stored_tuning(&document.meta().id, &tuning));
    }
    let after = json!({"text": request.text, "isEnabled": request.is_enabled});
    let told = Told::success(Deed::RuleCreate, id.as_str(), title.as_str()).changed(None, Some(after));
    app.meta.change_documents(&caller.attempt.actor(), &account, &changes, &[told], now).await?;
    app.refresh_rules(&account).await?;
    let catalog = Catalog::load(&app, &account).await?;
    Ok((StatusCode::CREATED, Json(detail(&catalog, &id)?)))
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
    let catalog = Catalog::load(&app, &account).await?;
    let (document, origin) = find(&catalog, &id)?;
    caller.attempt.is_about(&id, &document.meta().title);
    let old = catalog.tuning.get(&id).cloned().unwrap_or_default();
    let new = tuned(&old, &request, &document.meta().extension.policy)?;
    let deed = match (old.is_enabled, new.is_enabled) {
        (before, after) if before == after => Deed::RuleUpdate,
        (_, Some(true)) => Deed::RuleEnable,
        _ => Deed::RuleDisable,
    };
    caller.attempt.is_a(deed);
    let (mut before, mut after) = (json!(old), json!(new));
    let mut changes = Vec::new();
    let mut documents = vec![Document::clone(document)];
    if let Some(text) = &request.text {
        let Origin::Own(own) = origin else {
            let detail = "a rule of a package is not changed; tune it, or copy its text into a rule of your own";
            return Err(Failure::new(Code::BadJson, detail));
        };
        documents = usable(text)?.0;
        if !documents.iter().any(|document| document.meta().id == id) {
            return Err(Failure::new(Code::BadJson, format!("the new text has no rule with the id `{id}`; ids stay")));
        }
        refuse_taken(&catalog, &documents, Some(own))?;
        let expected = request.revision.map_or(Expected::Present, Expected::Revision);
        changes.push(stored_rule(own, text, expected));
        before["text"] = catalog.own.get(own).map(|stored| stored.body["text"].clone()).unwrap_or_default();
        after["text"] = json!(text);
    }
    if new.is_enabled == Some(true) || request.text.is_some() && catalog.is_enabled(document, origin) {
        refuse_failing(&catalog, &documents, now)?;
    }
    if new != old {
        changes.push(stored_tuning(&id, &new));
    }
    if !changes.is_empty() {
        let told = Told::success(deed, id.as_str(), document.meta().title.as_str()).changed(Some(before), Some(after));
        app.meta.change_documents(&caller.attempt.actor(), &account, &changes, &[told], now).await?;
        app.refresh_rules(&account).await?;
    }
    let catalog = Catalog::load(&app, &account).await?;
    Ok(Json(detail(&catalog, &id)?))
}

pub async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<StatusCode, Failure> {
    let account = caller.manages(Permission::RulesManage, params.account.as_deref())?;
    let catalog = Catalog::load(&app, &account).await?;
    let (document, origin) = find(&catalog, &id)?;
    let title = document.meta().title.clone();
    let mut changes = Vec::new();
    let mut before = json!(catalog.tuning.get(&id));
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
            let same_text = catalog.documents.iter().filter(|(_, other)| other == origin);
            same_text.for_each(|(document, _)| forget(&document.meta().id));
            before = catalog.own.get(own).map(|stored| stored.body.clone()).unwrap_or_default();
            let expected = Expected::Present;
            changes.push(DocumentChange {
                kind: DocumentKind::Rule,
                id: own.clone(),
                body: None,
                secret: None,
                expected,
            });
        }
        Origin::Package(_) => forget(&id),
    }
    let told = Told::success(Deed::RuleDelete, id.as_str(), title.as_str()).changed(Some(before), None);
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
    let catalog = Catalog::load(&app, &account).await?;
    let now = crate::clock::now();
    let checked = tokio::task::spawn_blocking(move || checked(&catalog, &request, now)).await;
    checked.map_err(|error| Failure::internal("checking rules", &error)).map(Json)
}

fn checked(catalog: &Catalog, request: &RuleCheckRequest, now: Timestamp) -> RuleCheck {
    let loaded = whodid_rules::load("rule", &request.text);
    let documents: Vec<&Document> = loaded.documents.iter().collect();
    let variables = catalog.variables();
    let tests = documents.iter().flat_map(|document| whodid_rules::run_tests(document, &documents, &variables, now));
    let tests = tests.map(outcome).collect();
    let build =
        Build { documents: documents.clone(), variables: variables.clone(), with_dormant: true, ..Build::default() };
    let (rules, problems) = RuleSet::compile(&build);
    let mut matches = Vec::new();
    let mut run = Run::new(&rules);
    let mut hits = Vec::new();
    for event in &request.events {
        let text = event.as_str().map_or_else(|| event.to_string(), str::to_owned);
        run.each(Format::Auto, text.as_bytes(), now, &mut |number, subject, rules, state| {
            rules.matches(subject).into_iter().for_each(|rule| {
                let rule_id = rules.rules()[rule].meta.id.clone();
                let time = subject.place.event_time.to_string();
                matches.push(RuleMatch { rule_id, event_index: Some(number), time, why: None });
            });
            rules.step(state, subject, &mut hits);
        });
    }
    run.finish(&mut hits);
    for hit in hits.iter().filter(|hit| hit.start.is_some() || hit.why.is_some()) {
        matches.push(RuleMatch {
            rule_id: rules.rules()[hit.rule].meta.id.clone(),
            event_index: hit.evidence.last().map(|place| place.offset.0),
            time: hit.time.to_string(),
            why: hit.why.clone(),
        });
    }
    RuleCheck {
        rules: rules.rules().iter().map(|rule| rule.meta.id.clone()).collect(),
        problems: loaded.problems.iter().chain(&problems).map(problem).collect(),
        tests,
        matches,
    }
}

pub async fn packages(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<PackageList>, Failure> {
    let account = caller.needs(Permission::RulesRead, params.account.as_deref())?;
    let catalog = Catalog::load(&app, &account).await?;
    Ok(Json(PackageList { packages: catalog.packages.values().map(package_summary).collect() }))
}

pub async fn install(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<PackageInstallParams>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<PackageInstalled>, Failure> {
    let account = caller.manages(Permission::RulesManage, params.account.as_deref())?;
    let held = super::body::read(&headers, body, &app.body_memory).await?;
    caller.still_valid(&app).await?;
    let bytes = held.bytes.clone();
    let read = tokio::task::spawn_blocking(move || Package::from_archive(&bytes)).await;
    let package = read.map_err(|error| Failure::internal("reading a package", &error))?.map_err(refuse_package)?;
    let manifest = &package.manifest;
    let (id, now) = (manifest.id.clone(), crate::clock::now());
    caller.attempt.is_about(&id, &manifest.title);
    caller.attempt.asks("digest", package.digest());
    if let Some(digest) = params.digest.as_ref().filter(|digest| **digest != package.digest()) {
        let detail = format!(
            "the archive is not the one that was meant: it has {}, and {digest} was asked for",
            package.digest()
        );
        return Err(Failure::new(Code::BadParameter, detail));
    }
    if let Some(wanted) = &manifest.min_version
        && whodid_rules::Version::parse(env!("CARGO_PKG_VERSION")).is_some_and(|own| own < *wanted)
    {
        let detail = format!("the package needs whodid {wanted} or newer, and this is {}", env!("CARGO_PKG_VERSION"));
        return Err(Failure::new(Code::BadParameter, detail));
    }
    let catalog = Catalog::load(&app, &account).await?;
    let old = catalog.packages.get(&id);
    if old.is_some_and(|old| old.is_builtin) {
        return Err(Failure::new(
            Code::NameTaken,
            format!("the package `{id}` came with whodid; give yours another id"),
        ));
    }
    if let Some(old) = old.filter(|old| old.package.manifest.version > manifest.version) {
        let detail = format!(
            "version {} is installed, and {} is older; remove it first to go back",
            old.package.manifest.version, manifest.version
        );
        return Err(Failure::new(Code::Conflict, detail));
    }
    let given = old.map(|old| old.stored.variables.clone()).unwrap_or_default();
    let (checked, package) = tokio::task::spawn_blocking(move || (package.check(&given, now), package))
        .await
        .map_err(|error| Failure::internal("checking a package", &error))?;
    if !checked.is_good() {
        let first = checked.problems.iter().find(|problem| problem.gravity == Gravity::Error).map(ToString::to_string);
        let failed = checked.tests.iter().find(|test| !test.passed);
        let failed = failed.map(|test| {
            format!(
                "{}: the test \"{}\" fails: {}",
                test.rule_id,
                test.name,
                test.detail.as_deref().unwrap_or_default()
            )
        });
        return Err(Failure::new(
            Code::BadJson,
            format!("nothing was installed. {}", first.or(failed).unwrap_or_default()),
        ));
    }
    let documents = package.documents().documents;
    let others = catalog.documents.iter().filter(|(_, origin)| *origin != Origin::Package(id.clone()));
    let taken = others
        .map(|(document, _)| &document.meta().id)
        .find(|other| documents.iter().any(|one| one.meta().id == **other));
    if let Some(taken) = taken {
        return Err(Failure::new(Code::NameTaken, format!("a rule with the id `{taken}` is there already")));
    }
    let difference = old.map(|old| old.package.difference(&package)).unwrap_or_default();
    let previous_version = old.map(|old| old.package.manifest.version.to_string());
    let kept = old.map(|old| old.stored.clone()).unwrap_or_default();
    let known = KnownPackage { stored: StoredPackage { files: None, ..kept.clone() }, is_builtin: false, package };
    let installed = PackageInstalled {
        package: package_summary(&known),
        dry_run: params.dry_run,
        added: if old.is_some() {
            difference.added
        } else {
            documents.iter().map(|one| one.meta().id.clone()).collect()
        },
        removed: difference.removed,
        changed: difference.changed,
        problems: checked.problems.iter().map(problem).collect(),
        previous_version,
    };
    if params.dry_run {
        return Ok(Json(installed));
    }
    let body = json!(StoredPackage { files: Some(known.package.files.clone()), ..kept });
    let change = DocumentChange {
        kind: DocumentKind::Package,
        id: id.clone(),
        body: Some(body),
        secret: None,
        expected: Expected::Any,
    };
    let of =
        |known: &KnownPackage| json!({"version": known.package.manifest.version, "digest": known.package.digest()});
    let deed = if old.is_some() { Deed::PackageUpdate } else { Deed::PackageCreate };
    let told =
        Told::success(deed, id.as_str(), known.package.manifest.title.as_str()).changed(old.map(of), Some(of(&known)));
    app.meta.change_documents(&caller.attempt.actor(), &account, &[change], &[told], now).await?;
    app.refresh_rules(&account).await?;
    Ok(Json(installed))
}

pub async fn download(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<Response, Failure> {
    let account = caller.needs(Permission::RulesRead, params.account.as_deref())?;
    let catalog = Catalog::load(&app, &account).await?;
    let known = known(&catalog, &id)?;
    let archive = known.package.to_archive().map_err(|error| Failure::internal("writing a package", &error))?;
    let name = format!("attachment; filename=\"{id}-{}.tar.gz\"", known.package.manifest.version);
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/gzip")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&name).map_err(|error| Failure::internal("naming a file", &error))?,
        ),
    ];
    Ok((headers, archive).into_response())
}

pub async fn update_package(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
    asked: Asked<PackageUpdate>,
) -> Result<Json<PackageSummary>, Failure> {
    let account = caller.manages(Permission::RulesManage, params.account.as_deref())?;
    let request = asked.read()?;
    let catalog = Catalog::load(&app, &account).await?;
    let known = known(&catalog, &id)?;
    caller.attempt.is_about(&id, &known.package.manifest.title);
    let mut stored = known.stored.clone();
    for (name, values) in request.variables.into_iter().flatten() {
        if !known.package.manifest.variables.contains_key(&name) {
            let names: Vec<&str> = known.package.manifest.variables.keys().map(String::as_str).collect();
            return Err(Failure::new(
                Code::BadJson,
                format!("`variables`: the package has no `{name}`; it has {}", names.join(", ")),
            ));
        }
        if values.is_empty() {
            stored.variables.remove(&name);
        } else {
            stored.variables.insert(name, values);
        }
    }
    stored.is_enabled = request.is_enabled.or(stored.is_enabled);
    let deed = match (known.stored.is_enabled, stored.is_enabled) {
        (before, after) if before == after => Deed::PackageUpdate,
        (_, Some(true)) => Deed::PackageEnable,
        _ => Deed::PackageDisable,
    };
    caller.attempt.is_a(deed);
    let new = KnownPackage { package: known.package.clone(), is_builtin: known.is_builtin, stored: stored.clone() };
    if new.is_enabled() && new.package.manifest.needs_configuration {
        let empty = new.variables().into_iter().find(|(_, values)| values.is_empty());
        if let Some((name, _)) = empty {
            return Err(Failure::new(
                Code::BadJson,
                format!("the package needs values for its variable `{name}` before it can run"),
            ));
        }
    }
    let shown = |stored: &StoredPackage| json!(StoredPackage { files: None, ..stored.clone() });
    let told = Told::success(deed, id.as_str(), known.package.manifest.title.as_str())
        .changed(Some(shown(&known.stored)), Some(shown(&stored)));
    let files = (!known.is_builtin).then(|| known.package.files.clone());
    let body = json!(StoredPackage { files, ..stored });
    let change =
        DocumentChange { kind: DocumentKind::Package, id, body: Some(body), secret: None, expected: Expected::Any };
    app.meta.change_documents(&caller.attempt.actor(), &account, &[change], &[told], crate::clock::now()).await?;
    app.refresh_rules(&account).await?;
    Ok(Json(package_summary(&new)))
}

pub async fn delete_package(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<StatusCode, Failure> {
    let account = caller.manages(Permission::RulesManage, params.account.as_deref())?;
    let catalog = Catalog::load(&app, &account).await?;
    let known = known(&catalog, &id)?;
    if known.is_builtin {
        return Err(Failure::new(Code::Conflict, "this package came with whodid; switch it off instead"));
    }
    let before = json!({"version": known.package.manifest.version, "digest": known.package.digest()});
    let told = Told::success(Deed::PackageDelete, id.as_str(), known.package.manifest.title.as_str())
        .changed(Some(before), None);
    let change =
        DocumentChange { kind: DocumentKind::Package, id, body: None, secret: None, expected: Expected::Present };
    app.meta.change_documents(&caller.attempt.actor(), &account, &[change], &[told], crate::clock::now()).await?;
    app.refresh_rules(&account).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub async fn exceptions(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<RuleExceptionList>, Failure> {
    let account = caller.needs(Permission::RulesRead, params.account.as_deref())?;
    let catalog = Catalog::load(&app, &account).await?;
    let now = crate::clock::now();
    let exceptions = catalog.exceptions.iter();
    let exceptions =
        exceptions.map(|(exception, stored)| shown_exception(exception, stored.created_at, &stored.created_by, now));
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
    let catalog = Catalog::load(&app, &account).await?;
    let is_rule = |id: &String| catalog.documents.iter().any(|(document, _)| document.meta().id == *id);
    if let Some(unknown) = request.rules.iter().find(|id| !is_rule(id)) {
        let shown: String = unknown.chars().take(80).collect();
        return Err(wrong(format!("`rules`: there is no rule with the id {shown:?}")));
    }
    let exception = Exception {
        id: uuid::Uuid::now_v7().to_string(),
        scope: if request.rules.is_empty() { ExceptionScope::All } else { ExceptionScope::Rules(request.rules) },
        events: request.events,
        owner: request.owner.unwrap_or_else(|| caller.label()),
        reason: request.reason,
        expires_at: request.expires.as_deref().map(|text| expiry(text, now)).transpose()?,
    };
    exception.check().map_err(|problem| wrong(format!("`events`: {}", problem.message)))?;
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
    Ok((StatusCode::CREATED, Json(shown_exception(&exception, now, &caller.label(), now))))
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

pub fn is_filter(document: &Document) -> bool {
    matches!(document.body, whodid_rules::Body::Filter(_))
}

fn find<'c>(catalog: &'c Catalog, id: &str) -> Result<(&'c Document, &'c Origin), Failure> {
    let found = catalog.documents.iter().find(|(document, _)| document.meta().id == id && !is_filter(document));
    let found = found.map(|(document, origin)| (document.as_ref(), origin));
    found.ok_or_else(|| Failure::new(Code::NotFound, "there is no such rule in this account"))
}

fn known<'c>(catalog: &'c Catalog, id: &str) -> Result<&'c KnownPackage, Failure> {
    catalog.packages.get(id).ok_or_else(|| Failure::new(Code::NotFound, "there is no such package in this account"))
}

/// The documents of a text, which must all be usable.
fn usable(text: &str) -> Result<(Vec<Document>, Vec<Problem>), Failure> {
    let loaded = whodid_rules::load("text", text);
    if let Some(problem) = loaded.problems.iter().find(|problem| problem.gravity == Gravity::Error) {
        return Err(Failure::new(Code::BadJson, format!("`text`: {problem}")));
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
        return Err(Failure::new(Code::BadJson, format!("`text`: {problem}")));
    }
    Ok((loaded.documents, loaded.problems))
}

/// Refuses ids that other texts have.
fn refuse_taken(catalog: &Catalog, documents: &[Document], own: Option<&String>) -> Result<(), Failure> {
    let others = catalog.documents.iter().filter(|(_, origin)| match (origin, own) {
        (Origin::Own(id), Some(own)) => id != own,
        _ => true,
    });
    let ids: Vec<&String> = others.map(|(document, _)| &document.meta().id).collect();
    match documents.iter().find(|document| ids.contains(&&document.meta().id)) {
        None => Ok(()),
        Some(document) => {
            let detail =
                format!("a rule with the id `{}` is there already; give this one another `id`", document.meta().id);
            Err(Failure::new(Code::NameTaken, detail))
        }
    }
}

/// Refuses to switch on what fails its tests or cannot be compiled among the others.
fn refuse_failing(catalog: &Catalog, documents: &[Document], now: Timestamp) -> Result<(), Failure> {
    let ids: Vec<&String> = documents.iter().map(|document| &document.meta().id).collect();
    let others = catalog
        .documents
        .iter()
        .map(|(document, _)| document.as_ref())
        .filter(|other| !ids.contains(&&other.meta().id));
    let all: Vec<&Document> = documents.iter().chain(others).collect();
    let variables = catalog.variables();
    let build = Build { documents: all.clone(), variables: variables.clone(), with_dormant: true, ..Build::default() };
    let (_, problems) = RuleSet::compile(&build);
    let of_these = |problem: &&Problem| {
        problem.gravity == Gravity::Error && problem.rule.as_ref().is_some_and(|rule| ids.contains(&rule))
    };
    if let Some(problem) = problems.iter().find(of_these) {
        return Err(Failure::new(Code::BadJson, format!("the rule cannot run: {problem}")));
    }
    for document in documents {
        let own_file: Vec<&Document> = all.iter().copied().filter(|other| other.file == document.file).collect();
        let failed =
            whodid_rules::run_tests(document, &own_file, &variables, now).into_iter().find(|test| !test.passed);
        if let Some(test) = failed {
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

fn stored_rule(id: &str, text: &str, expected: Expected) -> DocumentChange {
    let body = json!(StoredRule { text: text.to_owned() });
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
    policy.dedup_key = asked.dedup_key.clone().unwrap_or(policy.dedup_key);
    policy.threshold = asked.threshold.unwrap_or(policy.threshold).max(1);
    policy.daily_cap = asked.daily_cap.or(policy.daily_cap);
    Ok(policy)
}

fn summary(catalog: &Catalog, document: &Document, origin: &Origin, compiled: &RuleSet) -> RuleSummary {
    let meta = document.meta();
    let tuned = catalog.tuning.get(&meta.id);
    let running = compiled.rules().iter().find(|rule| rule.meta.id == meta.id);
    let level = tuned.and_then(|tuned| tuned.tuning.level).unwrap_or(meta.level);
    let is_tuned = tuned.is_some_and(|tuned| tuned.tuning != whodid_rules::Tuning::default());
    RuleSummary {
        id: meta.id.clone(),
        title: meta.title.clone(),
        description: meta.description.clone(),
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
        is_enabled: catalog.is_enabled(document, origin),
        is_reported: running.is_some_and(|rule| rule.is_reported),
        is_tuned,
        tests: document.tests.len() as u64,
    }
}

fn detail(catalog: &Catalog, id: &str) -> Result<RuleDetail, Failure> {
    let (document, origin) = find(catalog, id)?;
    let (compiled, _) = catalog.compile();
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
        rule: summary(catalog, document, origin, &compiled),
        text,
        references: meta.references.clone(),
        false_positives: meta.false_positives.clone(),
        next_steps: meta.extension.next_steps.iter().map(|step| step.title.clone()).collect(),
        version: document.fingerprint(),
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

fn package_summary(known: &KnownPackage) -> PackageSummary {
    let manifest = &known.package.manifest;
    let rules = known.package.documents().documents;
    PackageSummary {
        id: manifest.id.clone(),
        version: manifest.version.to_string(),
        title: manifest.title.clone(),
        description: manifest.description.clone(),
        author: manifest.author.clone(),
        licence: manifest.licence.clone(),
        sources: manifest.sources.clone(),
        is_builtin: known.is_builtin,
        is_enabled: known.is_enabled(),
        needs_configuration: manifest.needs_configuration,
        rules: rules.iter().filter(|document| !is_filter(document)).count() as u64,
        variables: manifest
            .variables
            .iter()
            .map(|(name, variable)| {
                let given = known.stored.variables.get(name);
                PackageVariable {
                    name: name.clone(),
                    kind: serde_json::to_value(variable.kind)
                        .ok()
                        .and_then(|kind| kind.as_str().map(str::to_owned))
                        .unwrap_or_default(),
                    description: variable.description.clone(),
                    values: given.unwrap_or(&variable.default).clone(),
                    is_default: given.is_none(),
                }
            })
            .collect(),
        digest: known.package.digest(),
    }
}

fn shown_exception(exception: &Exception, created_at: Timestamp, created_by: &str, now: Timestamp) -> RuleException {
    RuleException {
        id: exception.id.clone(),
        rules: match &exception.scope {
            ExceptionScope::All => Vec::new(),
            ExceptionScope::Rules(rules) => rules.clone(),
        },
        events: exception.events.clone().into_iter().collect::<BTreeMap<_, _>>(),
        owner: exception.owner.clone(),
        reason: exception.reason.clone(),
        expires_at: exception.expires_at.map(|at| at.to_string()),
        is_ended: !exception.holds_at(now),
        created_at: created_at.to_string(),
        created_by: created_by.to_owned(),
    }
}

pub fn problem(problem: &Problem) -> RuleProblem {
    RuleProblem {
        file: problem.file.clone(),
        document: problem.document as u64,
        rule: problem.rule.clone(),
        gravity: if problem.gravity == Gravity::Error { "error" } else { "warning" }.to_owned(),
        code: problem.code.to_owned(),
        message: problem.message.clone(),
    }
}

fn outcome(outcome: Outcome) -> RuleTestOutcome {
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

fn refuse_package(error: PackageError) -> Failure {
    let code = if matches!(error, PackageError::TooLarge { .. }) { Code::BodyTooLarge } else { Code::InvalidRequest };
    Failure::new(code, error.to_string())
}
