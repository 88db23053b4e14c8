//! Packages of rules: listed, installed from an archive, changed, given back, removed.
//!
//! One that is made of a file in the account's storage ([`super::bucket_rules`]) goes the same way in and out, and is
//! changed there alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use whodid_api::{
    Code, LookupParams, PackageCheck, PackageContent, PackageFileChange, PackageFiles, PackageInstallParams,
    PackageInstalled, PackageList, PackageProblem, PackageSummary, PackageUpdate, PackageVariable,
};
use whodid_audit::{Actor, Deed, Told};
use whodid_meta::{DocumentChange, DocumentKind, Expected};
use whodid_model::access::Permission;
use whodid_model::{AccountName, Timestamp};
use whodid_rules::{Check, Difference, Document, Gravity, Manifest, NoValue, Package, PackageError, Problem};

use super::App;
use super::asked::Asked;
use super::auth::Caller;
use super::bucket_rules::{self, Problems};
use super::catalog::{Catalog, InForce, KnownPackage, Origin, StoredPackage, is_filter};
use super::failure::Failure;
use super::params::{Id, Params};
use super::rule_change::{
    Versions, filters, look_at_audit, refuse_guard_off, versions, with_difference, with_filters, would_blind,
};
use super::rules::{outcome, problem};

/// Ids that no installed package has: `POST /api/v1/packages/refresh` and `check` would hide them.
const TAKEN_IDS: [&str; 2] = ["check", "refresh"];
/// What `replaces` says of a package that is to be new.
const NONE: &str = "none";
/// Files whose texts are told where two versions of a package differ, and the bytes that these may have together.
const FILES_TOLD_MAX: usize = 200;
const FILES_TOLD_BYTES_MAX: usize = 1 << 20;

pub async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<PackageList>, Failure> {
    let account = caller.needs(Permission::RulesRead, params.account.as_deref())?;
    let known = app.rules_of(&account).await?;
    Ok(Json(listed(&known.catalog, &app.bucket_rules.problems(&account))))
}

pub async fn refresh(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
) -> Result<Json<PackageList>, Failure> {
    let account = caller.manages(Permission::RulesManage, params.account.as_deref())?;
    bucket_rules::look_now(&app, &account).await?;
    let known = app.rules_of(&account).await?;
    Ok(Json(listed(&known.catalog, &app.bucket_rules.problems(&account))))
}

fn listed(catalog: &Catalog, problems: &Problems) -> PackageList {
    let is_shown = |file: &Option<String>| file.as_deref().is_some_and(|file| catalog.package_of_file(file).is_some());
    let others = problems.iter().filter(|(file, _)| !is_shown(file));
    let others = others.map(|(file, message)| PackageProblem { file: file.clone(), message: message.clone() });
    PackageList {
        packages: catalog.packages.values().map(|known| summary(known, problems)).collect(),
        problems: others.collect(),
    }
}

pub async fn install(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<PackageInstallParams>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<PackageInstalled>, Failure> {
    let account = caller.manages(Permission::RulesManage, params.account.as_deref())?;
    let (digest, package) = read(&app, &caller, &headers, body).await?;
    caller.attempt.is_about(&package.manifest.id, &package.manifest.title);
    caller.attempt.asks("digest", digest.as_str());
    if let Some(wanted) = params.digest.as_ref().filter(|wanted| **wanted != digest) {
        let detail = format!("the archive is not the one that was meant: it has {digest}, and {wanted} was asked for");
        return Err(Failure::new(Code::BadParameter, detail));
    }
    let rules = app.rules_of(&account).await?;
    let installed = rules.catalog.packages.get(&package.manifest.id).map(|known| known.digest.as_str());
    let is_meant = |wanted: &str| if wanted == NONE { installed.is_none() } else { installed == Some(wanted) };
    if let Some(wanted) = params.replaces.as_deref().filter(|wanted| !is_meant(wanted)) {
        if wanted == NONE {
            let id = &package.manifest.id;
            let detail = format!("a package with the id `{id}` is installed: edit that one, or give yours another id");
            return Err(Failure::new(Code::NameTaken, detail));
        }
        let installed = installed.map_or("none is installed".to_owned(), |digest| format!("{digest} is installed"));
        let detail = format!(
            "the package was changed by somebody else meanwhile: {installed}, and this was written on {wanted}. Look at \
             what is there now, and change that"
        );
        return Err(Failure::new(Code::Conflict, detail));
    }
    let now = crate::clock::now();
    let mut candidate = Candidate::of(&app, &rules, package, digest, None, now).await?;
    may_be_changed_by(&caller, &account, &rules.catalog, &candidate.known.package.manifest.id)?;
    candidate.is_without_audit(!super::rules::may_read_audit(&caller, &account));
    if params.dry_run {
        let (files, files_left_off) = candidate.changes;
        return Ok(Json(PackageInstalled { dry_run: true, files, files_left_off, ..candidate.installed }));
    }
    candidate.install(&app, &caller.attempt.actor(), &account, now).await.map(Json)
}

/// The package in a body: its files as JSON, or its archive.
async fn read(app: &App, caller: &Caller, headers: &HeaderMap, body: Body) -> Result<(String, Package), Failure> {
    let held = super::body::read(headers, body, &app.body_memory).await?;
    caller.still_valid(app).await?;
    let bytes = held.bytes.clone();
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let is_json = kind.split(';').next().is_some_and(|kind| kind.trim().eq_ignore_ascii_case("application/json"));
    let read = move || {
        let package = if is_json {
            let given: PackageFiles = serde_json::from_slice(&bytes)
                .map_err(|error| Failure::new(Code::BadJson, super::body::json_detail(&error)))?;
            Package::from_files(given.files)
        } else {
            Package::from_archive(&bytes)
        };
        package.map(|package| (package.digest(), package)).map_err(refuse)
    };
    app.compiling.work(read).await?
}

pub async fn check(
    State(app): State<Arc<App>>,
    caller: Caller,
    Params(params): Params<LookupParams>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<PackageCheck>, Failure> {
    let account = caller.needs(Permission::RulesRead, params.account.as_deref())?;
    let (digest, package) = read(&app, &caller, &headers, body).await?;
    let rules = app.rules_of(&account).await?;
    let now = crate::clock::now();
    let refusal = may_be_installed(&rules.catalog, &package.manifest, None)
        .and_then(|()| may_be_changed_by(&caller, &account, &rules.catalog, &package.manifest.id))
        .err();
    let known = Arc::clone(&rules);
    let examined = app.compiling.work(move || Examined::of(package, &known.catalog, now)).await?;
    let problems = examined.checked.problems.iter().map(problem).collect();
    let tests = examined.checked.tests.iter().cloned().map(outcome).collect();
    let (files, files_left_off) = examined.changes(&rules.catalog);
    let summary = summary(&examined.known(&rules.catalog, digest.clone(), None), &Problems::new());
    let previous_version = rules.catalog.packages.get(&summary.id).map(|old| old.package.manifest.version.to_string());
    let (added, removed, changed) = examined.rule_changes(&rules.catalog);
    let refusal = match refusal {
        Some(refusal) => Some(refusal),
        None => Candidate::of_examined(&app, &rules, examined, digest, None).await.err(),
    };
    let refusal = refusal.map(|refusal| refusal.detail().to_owned());
    let package = summary;
    Ok(Json(PackageCheck {
        package,
        previous_version,
        problems,
        tests,
        added,
        removed,
        changed,
        files,
        files_left_off,
        refusal,
    }))
}

pub async fn files(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<Json<PackageContent>, Failure> {
    let account = caller.needs(Permission::RulesRead, params.account.as_deref())?;
    let rules = app.rules_of(&account).await?;
    let known = known(&rules.catalog, &id)?;
    Ok(Json(PackageContent { digest: known.digest.clone(), files: known.package.files.clone() }))
}

pub async fn download(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<Response, Failure> {
    let account = caller.needs(Permission::RulesRead, params.account.as_deref())?;
    let rules = app.rules_of(&account).await?;
    let version = known(&rules.catalog, &id)?.package.manifest.version.to_string();
    let of = id.clone();
    let pack = move || known(&rules.catalog, &of).map(|known| known.package.to_archive());
    let archive = app.compiling.work(pack).await??.map_err(|error| Failure::internal("writing a package", &error))?;
    let name = format!("attachment; filename=\"{id}-{version}.tar.gz\"");
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static("application/gzip")),
        (
            header::CONTENT_DISPOSITION,
            HeaderValue::from_str(&name).map_err(|error| Failure::internal("naming a file", &error))?,
        ),
    ];
    Ok((headers, archive).into_response())
}

pub async fn update(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
    asked: Asked<PackageUpdate>,
) -> Result<Json<PackageSummary>, Failure> {
    let account = caller.manages(Permission::RulesManage, params.account.as_deref())?;
    let request = asked.read()?;
    let rules = app.rules_of(&account).await?;
    let known = known(&rules.catalog, &id)?;
    caller.attempt.is_about(&id, &known.package.manifest.title);
    let is_guard = |document: &&Document| whodid_rules::is_guard(&document.meta().id);
    if request.is_enabled == Some(false) && documents_of(&rules.catalog, &id).iter().any(is_guard) {
        caller.attempt.is_a(Deed::PackageDisable);
        refuse_guard_off(&caller, &account, &format!("the package `{id}`"))?;
    }
    let mut stored = known.stored.clone();
    for (name, values) in request.variables.into_iter().flatten() {
        let Some(variable) = known.package.manifest.variables.get(&name) else {
            let names: Vec<&str> = known.package.manifest.variables.keys().map(String::as_str).collect();
            return Err(Failure::new(
                Code::BadJson,
                format!("`variables`: the package has no `{name}`; it has {}", names.join(", ")),
            ));
        };
        if let Some(fault) = values.iter().find_map(|value| variable.kind.fault(value)) {
            return Err(Failure::new(Code::BadJson, format!("`variables.{name}`: {fault}")));
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
    let new = KnownPackage {
        package: known.package.clone(),
        is_builtin: known.is_builtin,
        stored: stored.clone(),
        revision: known.revision,
        digest: known.digest.clone(),
        rules: known.rules,
    };
    if new.is_enabled() && new.package.manifest.needs_configuration {
        let empty = new.variables().into_iter().find(|(_, values)| values.is_empty());
        if let Some((name, _)) = empty {
            return Err(Failure::new(
                Code::BadJson,
                format!("the package needs values for its variable `{name}` before it can run"),
            ));
        }
    }
    if new.is_enabled() != known.is_enabled() || new.variables() != known.variables() {
        let (rules, new) = (Arc::clone(&rules), new.clone());
        if let Some(problem) = app.compiling.work(move || stopped(&rules, &new)).await? {
            let detail = format!("nothing was changed, because a rule could not run with it: {problem}");
            return Err(Failure::new(Code::BadJson, detail));
        }
    }
    // What holds, whether it was ever stored or the package says so itself.
    let shown = |known: &KnownPackage| json!({"is_enabled": known.is_enabled(), "variables": known.variables()});
    let told = Told::success(deed, id.as_str(), known.package.manifest.title.as_str())
        .changed(Some(shown(known)), Some(shown(&new)));
    let files = (!known.is_builtin).then(|| known.package.files.clone());
    let body = json!(StoredPackage { files, ..stored });
    // Its files go along: one that was upgraded meanwhile must not be taken back by a switch.
    let expected = known.expected();
    let change = DocumentChange { kind: DocumentKind::Package, id, body: Some(body), secret: None, expected };
    app.meta.change_documents(&caller.attempt.actor(), &account, &[change], &[told], crate::clock::now()).await?;
    app.refresh_rules(&account).await?;
    Ok(Json(summary(&new, &app.bucket_rules.problems(&account))))
}

/// What would be wrong with a rule of a package were it changed so, or with another that runs as things are.
fn stopped(rules: &InForce, changed: &KnownPackage) -> Option<Problem> {
    let old = rules.catalog.packages.get(&changed.package.manifest.id)?;
    if old.stored.variables != changed.stored.variables {
        // Of all of its rules: one that is switched off must not be found unusable when somebody needs it.
        let before = old.package.problems(&old.stored.variables);
        let after = changed.package.problems(&changed.stored.variables);
        let is_new = |problem: &Problem| problem.gravity == Gravity::Error && !before.contains(problem);
        if let Some(problem) = after.into_iter().find(is_new) {
            return Some(problem);
        }
    }
    rules.stopped_by(changed.clone()).into_iter().next()
}

pub async fn delete(
    State(app): State<Arc<App>>,
    caller: Caller,
    Id(id): Id,
    Params(params): Params<LookupParams>,
) -> Result<StatusCode, Failure> {
    let account = caller.manages(Permission::RulesManage, params.account.as_deref())?;
    let rules = app.rules_of(&account).await?;
    let known = known(&rules.catalog, &id)?;
    if known.is_builtin {
        return Err(Failure::new(Code::Conflict, "this package came with whodid; switch it off instead"));
    }
    if let Some(file) = &known.stored.laid_file {
        return Err(of_file(file));
    }
    remove(&app, &caller.attempt.actor(), &account, known, crate::clock::now()).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Removes a package, whoever asks.
pub async fn remove(
    app: &App,
    by: &Actor,
    account: &AccountName,
    known: &KnownPackage,
    now: Timestamp,
) -> Result<(), Failure> {
    let manifest = &known.package.manifest;
    let rules = app.rules_of(account).await?;
    let gone = versions(documents_of(&rules.catalog, &manifest.id));
    let told = Told::success(Deed::PackageDelete, manifest.id.as_str(), manifest.title.as_str());
    let told = with_file(told, known).changed(Some(told_of(known)), None);
    let told = with_difference(told, &gone, &Versions::new());
    let (id, expected) = (manifest.id.clone(), Expected::Present);
    let change = DocumentChange { kind: DocumentKind::Package, id, body: None, secret: None, expected };
    app.meta.change_documents(by, account, &[change], &[told], now).await?;
    app.refresh_rules(account).await
}

/// A package that may be installed: compiled, tested, and held against what the account has.
#[derive(Debug)]
pub struct Candidate {
    known: KnownPackage,
    expected: Expected,
    told: Told,
    /// What comes of it.
    installed: PackageInstalled,
    /// Files that differ, and how many more do.
    changes: (Vec<PackageFileChange>, u64),
}

impl Candidate {
    /// Looks at a package, whoever brings it. `laid_file` is the file in the account's storage that it is made of.
    pub async fn of(
        app: &App,
        rules: &Arc<InForce>,
        package: Package,
        digest: String,
        laid_file: Option<&str>,
        now: Timestamp,
    ) -> Result<Self, Failure> {
        may_be_installed(&rules.catalog, &package.manifest, laid_file)?;
        let known = Arc::clone(rules);
        let examined = app.compiling.work(move || Examined::of(package, &known.catalog, now)).await?;
        Self::of_examined(app, rules, examined, digest, laid_file).await
    }

    /// The same of one that was examined, and [may be installed](may_be_installed) as far as its manifest goes.
    async fn of_examined(
        app: &App,
        rules: &Arc<InForce>,
        examined: Examined,
        digest: String,
        laid_file: Option<&str>,
    ) -> Result<Self, Failure> {
        let catalog = &rules.catalog;
        let manifest = examined.package.manifest.clone();
        let id = manifest.id.clone();
        let old = catalog.packages.get(&id);
        let checked = &examined.checked;
        if !checked.is_good() {
            let first =
                checked.problems.iter().find(|problem| problem.gravity == Gravity::Error).map(ToString::to_string);
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
        let others = catalog.documents.iter().filter(|(_, origin)| *origin != Origin::Package(id.clone()));
        let taken =
            others.map(|(document, _)| &document.meta().id).find(|other| examined.versions.contains_key(*other));
        if let Some(taken) = taken {
            return Err(Failure::new(Code::NameTaken, format!("a rule with the id `{taken}` is there already")));
        }
        let known = examined.known(catalog, digest, laid_file);
        if !known.package.manifest.variables.is_empty() {
            let (rules, trial) = (Arc::clone(rules), known.clone());
            let stopped = app.compiling.work(move || rules.stopped_by(trial)).await?;
            if let Some(problem) = stopped.iter().find(|problem| problem.code == NoValue::UNCLEAR) {
                let detail = format!("nothing was installed, because a rule that runs could not with it: {problem}");
                return Err(Failure::new(Code::Conflict, detail));
            }
        }
        let (added, removed, changed) = examined.rule_changes(catalog);
        let installed = PackageInstalled {
            package: summary(&known, &Problems::new()),
            dry_run: false,
            added,
            removed,
            changed,
            problems: checked.problems.iter().map(problem).collect(),
            files: Vec::new(),
            files_left_off: 0,
            previous_version: old.map(|old| old.package.manifest.version.to_string()),
        };
        let deed = if old.is_some() { Deed::PackageUpdate } else { Deed::PackageCreate };
        let told = Told::success(deed, id.as_str(), manifest.title.as_str());
        let told = with_file(told, &known).changed(old.map(told_of), Some(told_of(&known)));
        let told = with_difference(told, &versions(documents_of(catalog, &id)), &examined.versions);
        let told = with_filters(told, &examined.filters);
        let changes = examined.changes(catalog);
        Ok(Self { expected: known.expected(), known, told, installed, changes })
    }

    /// Says whether its rules see nothing of the audit log, because whoever brings it may not read that.
    fn is_without_audit(&mut self, is_blind: bool) {
        self.known.stored.without_audit = is_blind;
        if let Some((_, after)) = &mut self.told.change {
            *after = Some(told_of(&self.known));
        }
    }

    /// Puts it into force.
    pub async fn install(
        self,
        app: &App,
        by: &Actor,
        account: &AccountName,
        now: Timestamp,
    ) -> Result<PackageInstalled, Failure> {
        let Self { known, expected, told, installed, changes: _ } = self;
        let id = known.package.manifest.id.clone();
        let body = json!(StoredPackage { files: Some(known.package.files), ..known.stored });
        let change = DocumentChange { kind: DocumentKind::Package, id, body: Some(body), secret: None, expected };
        app.meta.change_documents(by, account, &[change], &[told], now).await?;
        app.refresh_rules(account).await?;
        Ok(installed)
    }
}

/// Whether somebody may put another version in the place of the installed one, if one is.
fn may_be_changed_by(caller: &Caller, account: &AccountName, catalog: &Catalog, id: &str) -> Result<(), Failure> {
    if !super::rules::may_read_audit(caller, account) && sees_audit(catalog, id) {
        return Err(would_blind(&format!("the installed version of `{id}`")));
    }
    Ok(())
}

/// Whether a package may be installed as far as its manifest tells.
fn may_be_installed(catalog: &Catalog, manifest: &Manifest, laid_file: Option<&str>) -> Result<(), Failure> {
    let id = &manifest.id;
    if let Some(wanted) = &manifest.min_version
        && whodid_rules::Version::parse(env!("CARGO_PKG_VERSION")).is_some_and(|own| own < *wanted)
    {
        let detail = format!("the package needs whodid {wanted} or newer, and this is {}", env!("CARGO_PKG_VERSION"));
        return Err(Failure::new(Code::BadParameter, detail));
    }
    let old = catalog.packages.get(id);
    if old.is_some_and(|old| old.is_builtin) {
        return Err(Failure::new(
            Code::NameTaken,
            format!("the package `{id}` came with whodid; give yours another id"),
        ));
    }
    if TAKEN_IDS.contains(&id.as_str()) {
        return Err(Failure::new(Code::NameTaken, format!("no package can have the id `{id}`")));
    }
    if let Some(old) = old.filter(|old| old.stored.laid_file.as_deref() != laid_file) {
        return Err(match &old.stored.laid_file {
            Some(file) => of_file(file),
            None => Failure::new(Code::NameTaken, format!("a package with the id `{id}` is installed")),
        });
    }
    if let Some(old) = old.filter(|old| old.package.manifest.version > manifest.version) {
        let detail = format!(
            "version {} is installed, and {} is older; remove it first to go back",
            old.package.manifest.version, manifest.version
        );
        return Err(Failure::new(Code::Conflict, detail));
    }
    Ok(())
}

/// What is told of a package that came, changed or went.
fn told_of(known: &KnownPackage) -> serde_json::Value {
    json!({
        "version": known.package.manifest.version,
        "digest": known.digest,
        "is_enabled": known.is_enabled(),
        "without_audit": known.stored.without_audit,
    })
}

/// The rules and filters of a package that is installed; none of one that is not.
fn documents_of<'c>(catalog: &'c Catalog, id: &str) -> Vec<&'c Document> {
    let is_of = |origin: &Origin| matches!(origin, Origin::Package(package) if package == id);
    let documents = catalog.documents.iter().filter(|(_, origin)| is_of(origin));
    documents.map(|(document, _)| document.as_ref()).collect()
}

/// Whether rules of a package that is installed look at the audit log, and may.
fn sees_audit(catalog: &Catalog, id: &str) -> bool {
    let may = catalog.packages.get(id).is_some_and(|known| !known.stored.without_audit);
    may && look_at_audit(&documents_of(catalog, id))
}

fn with_file(told: Told, known: &KnownPackage) -> Told {
    match &known.stored.laid_file {
        Some(file) => told.asked("file", file.as_str()),
        None => told,
    }
}

/// Refuses to change here what is changed elsewhere.
fn of_file(file: &str) -> Failure {
    let detail = format!(
        "the package is made of the file `{file}` in the account's storage, which is the truth: change or remove it \
         there. Here it can be switched off, and its rules tuned"
    );
    Failure::new(Code::Conflict, detail)
}

/// A package that was read, compiled and tested.
struct Examined {
    package: Package,
    checked: Check,
    /// The versions of its rules and filters.
    versions: Versions,
    /// The ids of its filters.
    filters: Vec<String>,
    /// How many rules it has, filters not counted.
    rules: u64,
    /// From the one that is installed, if one is.
    difference: Difference,
}

impl Examined {
    fn of(package: Package, catalog: &Catalog, now: Timestamp) -> Self {
        let old = catalog.packages.get(&package.manifest.id);
        let given = old.map(|old| old.stored.variables.clone()).unwrap_or_default();
        let documents = package.documents().documents;
        Self {
            checked: package.check(&given, now),
            versions: versions(&documents),
            filters: filters(&documents),
            rules: documents.iter().filter(|document| !is_filter(document)).count() as u64,
            difference: old.map(|old| old.package.difference(&package)).unwrap_or_default(),
            package,
        }
    }

    /// As it would be known, were it installed.
    fn known(&self, catalog: &Catalog, digest: String, laid_file: Option<&str>) -> KnownPackage {
        let old = catalog.packages.get(&self.package.manifest.id);
        let kept = old.map(|old| old.stored.clone()).unwrap_or_default();
        KnownPackage {
            package: self.package.clone(),
            is_builtin: false,
            stored: StoredPackage { files: None, laid_file: laid_file.map(str::to_owned), ..kept },
            revision: old.and_then(|old| old.revision),
            digest,
            rules: self.rules,
        }
    }

    /// The ids of rules that come, go, and change.
    fn rule_changes(&self, catalog: &Catalog) -> (Vec<String>, Vec<String>, Vec<String>) {
        let Difference { added, removed, changed, .. } = self.difference.clone();
        let is_new = !catalog.packages.contains_key(&self.package.manifest.id);
        (if is_new { self.versions.keys().cloned().collect() } else { added }, removed, changed)
    }

    /// The files that differ from those of the installed package, as many as are told, and how many more there are.
    /// None of a package that is new: all of it is.
    fn changes(&self, catalog: &Catalog) -> (Vec<PackageFileChange>, u64) {
        let Some(old) = catalog.packages.get(&self.package.manifest.id) else { return (Vec::new(), 0) };
        let (old, new) = (&old.package.files, &self.package.files);
        let paths: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
        let (mut told, mut left_off, mut bytes) = (Vec::new(), 0, 0);
        for path in paths.into_iter().filter(|path| old.get(*path) != new.get(*path)) {
            let (before, after) = (old.get(path), new.get(path));
            bytes += before.map_or(0, String::len) + after.map_or(0, String::len);
            if told.len() == FILES_TOLD_MAX || bytes > FILES_TOLD_BYTES_MAX {
                left_off += 1;
                continue;
            }
            let (before, after) = (before.cloned(), after.cloned());
            told.push(PackageFileChange { path: path.clone(), before, after });
        }
        (told, left_off)
    }
}

fn known<'c>(catalog: &'c Catalog, id: &str) -> Result<&'c KnownPackage, Failure> {
    catalog.packages.get(id).ok_or_else(|| Failure::new(Code::NotFound, "there is no such package in this account"))
}

fn summary(known: &KnownPackage, problems: &Problems) -> PackageSummary {
    let manifest = &known.package.manifest;
    let file = known.stored.laid_file.clone();
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
        rules: known.rules,
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
        digest: known.digest.clone(),
        problem: file.is_some().then(|| problems.get(&file).cloned()).flatten(),
        file,
    }
}

fn refuse(error: PackageError) -> Failure {
    let code = if matches!(error, PackageError::TooLarge { .. }) { Code::BodyTooLarge } else { Code::InvalidRequest };
    Failure::new(code, error.to_string())
}
