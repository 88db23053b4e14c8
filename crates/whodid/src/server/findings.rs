//! The Findings API of Security Advisor, for its clients: notes and occurrences that they make, and what rules found in
//! the same form.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use chrono::Datelike;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use whodid_api::{
    Author, Code, FindingPageParams, FindingSeverity, FindingType, FoundDetail, Note, NoteKind, NotePage, NoteWrite,
    Occurrence, OccurrenceContext, OccurrencePage, OccurrenceWrite, ProviderPage, ProviderParams, RemediationStep,
    Reporter,
};
use whodid_audit::{Deed, Told};
use whodid_engine::{Order, ReadRequest};
use whodid_meta::{Document, DocumentChange, DocumentKind, Expected};
use whodid_model::access::{Act, Permission, Who};
use whodid_model::{AccountName, StreamName, Timestamp};
use whodid_rules::Level;

use super::App;
use super::asked::Asked;
use super::auth::Caller;
use super::catalog::{Catalog, is_filter};
use super::failure::Failure;
use super::finding_cards::{whole_name, with_whole_names, wrong_elements};
use super::finding_pages::{note_page, page, provider_page};
use super::params::{NoParams, Params, Segments};

/// Longest id of a note, an occurrence or a provider, in characters.
const ID_CHARS_MAX: usize = 200;
/// Custom sections, cards of a section.
const SECTIONS_MAX: usize = 3;
const CARDS_MAX: usize = 6;
/// Request header by which an occurrence of the same id is replaced.
const REPLACE: &str = "replace-if-exists";
/// Under which whodid itself reports: an account's own rules, and alerts on searches.
const OWN_PROVIDERS: [&str; 2] = ["whodid", super::watching::PROVIDER];

/// A note or occurrence as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Stored<T> {
    pub provider: String,
    pub author: Author,
    pub value: T,
}

pub async fn providers(
    State(app): State<Arc<App>>,
    caller: Caller,
    Segments(account): Segments<String>,
    Params(params): Params<ProviderParams>,
) -> Result<Json<ProviderPage>, Failure> {
    let account = caller.needs(Permission::AlertsRead, Some(&account))?;
    provider_page(&app, &account, &params).await.map(Json)
}

pub async fn notes(
    State(app): State<Arc<App>>,
    caller: Caller,
    Segments((account, provider)): Segments<(String, String)>,
    Params(params): Params<FindingPageParams>,
) -> Result<Json<NotePage>, Failure> {
    let account = caller.needs(Permission::AlertsRead, Some(&account))?;
    let all = all_notes(&app, &account).await?;
    note_page(&all, &provider, None, &params).map(Json)
}

pub async fn note(
    State(app): State<Arc<App>>,
    caller: Caller,
    Segments((account, provider, id)): Segments<(String, String, String)>,
    Params(_): Params<NoParams>,
) -> Result<Json<Note>, Failure> {
    let account = caller.needs(Permission::AlertsRead, Some(&account))?;
    find_note(&app, &account, &provider, &id).await.map(Json)
}

pub async fn create_note(
    State(app): State<Arc<App>>,
    caller: Caller,
    Segments((account, provider)): Segments<(String, String)>,
    Params(_): Params<NoParams>,
    asked: Asked<NoteWrite>,
) -> Result<Json<Note>, Failure> {
    let account = caller.needs(Permission::FindingsWrite, Some(&account))?;
    let note = with_whole_names(&account, asked.read()?);
    caller.attempt.is_about(&note.id, &note.short_description);
    check_id("provider", &provider)?;
    refuse_note_of_rule(&app, &account, &provider, &note).await?;
    check_note(&app, &account, &provider, &note).await?;
    if find_note(&app, &account, &provider, &note.id).await.is_ok() {
        return Err(Failure::new(Code::NameTaken, "the provider has a note of this id already; PUT changes it"));
    }
    let told = Told::success(Deed::FindingNoteCreate, note.id.as_str(), note.short_description.as_str())
        .asked("provider", provider.as_str())
        .changed(None, Some(json!(note)));
    store(&app, &caller, &account, DocumentKind::Note, &provider, &note.id.clone(), &note, Expected::Absent, &[told])
        .await?;
    find_note(&app, &account, &provider, &note.id).await.map(Json)
}

pub async fn update_note(
    State(app): State<Arc<App>>,
    caller: Caller,
    Segments((account, provider, id)): Segments<(String, String, String)>,
    Params(_): Params<NoParams>,
    asked: Asked<NoteWrite>,
) -> Result<Json<Note>, Failure> {
    let account = caller.needs(Permission::FindingsWrite, Some(&account))?;
    let note = with_whole_names(&account, asked.read()?);
    let before = own_note(&app, &account, &provider, &id).await?;
    refuse_note_of_rule(&app, &account, &provider, &note).await?;
    same_id(&id, &note.id)?;
    check_note(&app, &account, &provider, &note).await?;
    let told = Told::success(Deed::FindingNoteUpdate, id.as_str(), note.short_description.as_str())
        .asked("provider", provider.as_str())
        .changed(Some(json!(before.note)), Some(json!(note)));
    store(&app, &caller, &account, DocumentKind::Note, &provider, &id, &note, Expected::Present, &[told]).await?;
    find_note(&app, &account, &provider, &id).await.map(Json)
}

pub async fn delete_note(
    State(app): State<Arc<App>>,
    caller: Caller,
    Segments((account, provider, id)): Segments<(String, String, String)>,
    Params(_): Params<NoParams>,
) -> Result<StatusCode, Failure> {
    let account = caller.needs(Permission::FindingsWrite, Some(&account))?;
    let before = own_note(&app, &account, &provider, &id).await?;
    let name = note_name(&account, &provider, &id);
    let used = own_occurrences(&app, &account).await?.into_iter();
    if used.filter(|(_, one)| one.occurrence.note_name == name).count() > 0 {
        return Err(Failure::new(Code::Conflict, "occurrences refer to this note; delete them first"));
    }
    let told = Told::success(Deed::FindingNoteDelete, id.as_str(), before.note.short_description.as_str())
        .asked("provider", provider.as_str())
        .changed(Some(json!(before.note)), None);
    delete(&app, &caller, &account, DocumentKind::Note, &provider, &id, told).await
}

pub async fn note_occurrences(
    State(app): State<Arc<App>>,
    caller: Caller,
    Segments((account, provider, id)): Segments<(String, String, String)>,
    Params(params): Params<FindingPageParams>,
) -> Result<Json<OccurrencePage>, Failure> {
    let account = caller.needs(Permission::AlertsRead, Some(&account))?;
    find_note(&app, &account, &provider, &id).await?;
    page(&app, &caller, &account, &provider, Some(&id), &params).await.map(Json)
}

pub async fn occurrences(
    State(app): State<Arc<App>>,
    caller: Caller,
    Segments((account, provider)): Segments<(String, String)>,
    Params(params): Params<FindingPageParams>,
) -> Result<Json<OccurrencePage>, Failure> {
    let account = caller.needs(Permission::AlertsRead, Some(&account))?;
    page(&app, &caller, &account, &provider, None, &params).await.map(Json)
}

pub async fn occurrence(
    State(app): State<Arc<App>>,
    caller: Caller,
    Segments((account, provider, id)): Segments<(String, String, String)>,
    Params(_): Params<NoParams>,
) -> Result<Json<Occurrence>, Failure> {
    let account = caller.needs(Permission::AlertsRead, Some(&account))?;
    find_occurrence(&app, &caller, &account, &provider, &id).await.map(Json)
}

pub async fn occurrence_note(
    State(app): State<Arc<App>>,
    caller: Caller,
    Segments((account, provider, id)): Segments<(String, String, String)>,
    Params(_): Params<NoParams>,
) -> Result<Json<Note>, Failure> {
    let account = caller.needs(Permission::AlertsRead, Some(&account))?;
    let found = find_occurrence(&app, &caller, &account, &provider, &id).await?;
    let (provider, id) = parts_of(&account, &found.occurrence.note_name)?;
    find_note(&app, &account, &provider, &id).await.map(Json)
}

pub async fn create_occurrence(
    State(app): State<Arc<App>>,
    caller: Caller,
    Segments((account, provider)): Segments<(String, String)>,
    Params(_): Params<NoParams>,
    headers: HeaderMap,
    asked: Asked<OccurrenceWrite>,
) -> Result<Json<Occurrence>, Failure> {
    let account = caller.needs(Permission::FindingsWrite, Some(&account))?;
    let occurrence = asked.read()?;
    caller.attempt.is_about(&occurrence.id, &occurrence.note_name);
    check_id("provider", &provider)?;
    check_id("id", &occurrence.id)?;
    let replaces = headers.get(REPLACE).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"true"));
    let known = app.meta.document(&account, DocumentKind::Occurrence, &document_id(&provider, &occurrence.id)).await?;
    if known.is_some() && !replaces {
        let detail = "the provider has an occurrence of this id already; send `Replace-If-Exists: true` to replace it";
        return Err(Failure::new(Code::NameTaken, detail));
    }
    report(&app, &caller, &account, &provider, occurrence, known.as_ref()).await.map(Json)
}

pub async fn update_occurrence(
    State(app): State<Arc<App>>,
    caller: Caller,
    Segments((account, provider, id)): Segments<(String, String, String)>,
    Params(_): Params<NoParams>,
    asked: Asked<OccurrenceWrite>,
) -> Result<Json<Occurrence>, Failure> {
    let account = caller.needs(Permission::FindingsWrite, Some(&account))?;
    let occurrence = asked.read()?;
    let known = own_occurrence(&app, &caller, &account, &provider, &id).await?;
    same_id(&id, &occurrence.id)?;
    report(&app, &caller, &account, &provider, occurrence, Some(&known)).await.map(Json)
}

pub async fn delete_occurrence(
    State(app): State<Arc<App>>,
    caller: Caller,
    Segments((account, provider, id)): Segments<(String, String, String)>,
    Params(_): Params<NoParams>,
) -> Result<StatusCode, Failure> {
    let account = caller.needs(Permission::FindingsWrite, Some(&account))?;
    let known = own_occurrence(&app, &caller, &account, &provider, &id).await?;
    let before = known.body["value"].clone();
    let told = Told::success(Deed::FindingDelete, id.as_str(), before["note_name"].as_str().unwrap_or_default())
        .asked("provider", provider.as_str())
        .changed(Some(before), None);
    delete(&app, &caller, &account, DocumentKind::Occurrence, &provider, &id, told).await
}

/// Keeps an occurrence, and tells of it in the stream of findings.
async fn report(
    app: &App,
    caller: &Caller,
    account: &AccountName,
    provider: &str,
    mut occurrence: OccurrenceWrite,
    known: Option<&Document>,
) -> Result<Occurrence, Failure> {
    occurrence.note_name = whole_name(account, &occurrence.note_name);
    let (note_provider, note_id) = parts_of(account, &occurrence.note_name)?;
    refuse_as_rule(app, account, provider, Some((note_provider.as_str(), note_id.as_str()))).await?;
    let note = find_note(app, account, &note_provider, &note_id)
        .await
        .map_err(|_| Failure::new(Code::BadJson, "`note_name` names no note of this account; make the note first"))?;
    check_occurrence(&note.note, &occurrence)?;
    let id = occurrence.id.clone();
    let stated = note.note.finding.as_ref().map(|finding| finding.severity);
    let severity = occurrence.finding.as_ref().and_then(|finding| finding.severity).or(stated);
    let level = match severity {
        Some(FindingSeverity::Critical) => "critical",
        Some(FindingSeverity::High) => "high",
        Some(FindingSeverity::Medium) => "medium",
        Some(FindingSeverity::Low) => "low",
        // A number is no finding.
        None => "informational",
    };
    let resource = occurrence.context.as_ref().and_then(|context| {
        context.resource_name.clone().or_else(|| context.resource_id.clone()).or_else(|| context.resource_crn.clone())
    });
    let sentence = match &resource {
        Some(resource) => format!("{}: {resource}", note.note.short_description),
        None => note.note.short_description.clone(),
    };
    // Not the deed of a change: who reads findings shall not see each correction as a finding of its own.
    let mut finding = Told::success(Deed::FindingCreate, id.as_str(), sentence.as_str())
        .asked("provider", provider)
        .asked("findingType", note_id.as_str())
        .asked("noteName", occurrence.note_name.as_str())
        .asked("ruleTitle", note.note.short_description.as_str())
        .asked("sentence", sentence.as_str())
        .asked("level", level)
        .asked("key", format!("{provider}/{id}"))
        .asked("occurrenceId", id.as_str())
        .asked("occurrence", json!(occurrence))
        .asked("longDescription", note.note.long_description.as_str())
        .asked("reportedBy", json!(note.note.reported_by))
        .asked("author", json!(author(caller, account)));
    if let Some(resource) = resource {
        finding = finding.asked("group", json!({"resource": resource}));
    }
    let deed = if known.is_some() { Deed::FindingUpdate } else { Deed::FindingCreate };
    let before = known.map(|known| known.body["value"].clone());
    let told = Told::success(deed, id.as_str(), sentence.as_str())
        .asked("provider", provider)
        .changed(before, Some(json!(occurrence)));
    let body = json!(Stored { provider: provider.to_owned(), author: author(caller, account), value: &occurrence });
    let change = DocumentChange {
        kind: DocumentKind::Occurrence,
        id: document_id(provider, &id),
        body: Some(body),
        secret: None,
        expected: known.map_or(Expected::Absent, |known| Expected::Revision(known.revision)),
    };
    let now = crate::clock::now();
    let by = caller.attempt.actor();
    // A number is counted on cards, and is nothing that somebody found.
    let finding = Some(&finding).filter(|_| note.note.kind == NoteKind::Finding);
    app.meta.change_documents_and_find(&by, account, &[change], &[told], finding, now).await?;
    let stored = app.meta.document(account, DocumentKind::Occurrence, &document_id(provider, &id)).await?;
    stored
        .and_then(|stored| shown_occurrence(account, &stored, Some(&note)))
        .ok_or_else(|| Failure::new(Code::Internal, "a stored occurrence cannot be read"))
}

/// What a finding's event tells, as an occurrence: of a rule, or what a client reported. `None` where it is neither.
pub(super) fn of_event(account: &AccountName, event: &Value) -> Option<Occurrence> {
    let data = &event["requestData"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let (provider, note) = (data["provider"].as_str()?, data["findingType"].as_str()?);
    let at = Timestamp::parse(event["eventTime"].as_str()?).ok()?.at;
    let recorded = Timestamp::parse(event["record"]["recorded_at"].as_str()?).ok()?.at;
    let initiator = &event["initiator"];
    let (occurrence, author_id, email, kind) = match serde_json::from_value(data["occurrence"].clone()) {
        Ok(reported) => (reported, text(&initiator["id"]), text(&initiator["name"]), "user"),
        Err(_) => (
            found_by_rule(account, event, note_name(account, provider, note)),
            text(&data["ruleId"]),
            String::new(),
            "rule",
        ),
    };
    let title = text(&data["ruleTitle"]);
    let why = || data["why"].as_str().map_or_else(|| title.clone(), |why| format!("{title}: {why}"));
    let long = data["longDescription"].as_str().map_or_else(why, str::to_owned);
    let short = if kind == "rule" { text(&event["message"]) } else { title };
    let made = Author { account_id: account.to_string(), email, id: author_id, kind: kind.to_owned() };
    // What a client reported says itself who it was, and what its note says.
    let author = serde_json::from_value(data["author"].clone()).unwrap_or(made);
    let by = serde_json::from_value(data["reportedBy"].clone()).unwrap_or_else(|_| whodid_reports());
    let times = Times { created: at, updated: at, came: recorded };
    let said = Said { short, long, by };
    let record = event["record"]["id"].as_str().map(str::to_owned);
    Some(Occurrence { record, ..told_of(account, provider, occurrence, said, author, times) })
}

fn found_by_rule(account: &AccountName, event: &Value, note_name: String) -> OccurrenceWrite {
    let data = &event["requestData"];
    let member = |value: &Value| value.as_str().map(str::to_owned);
    let (resource, steps) = (&data["resource"], data["nextSteps"].as_array());
    let step = |step: &Value| RemediationStep {
        title: step["title"].as_str().unwrap_or_default().to_owned(),
        url: member(&step["url"]),
    };
    OccurrenceWrite {
        id: event["id"].as_str().unwrap_or_default().to_owned(),
        note_name,
        kind: NoteKind::Finding,
        resource_url: None,
        remediation: None,
        context: Some(OccurrenceContext {
            account_id: Some(account.to_string()),
            region: member(&resource["region"]),
            resource_id: member(&resource["id"]),
            resource_name: member(&resource["name"]),
            resource_type: member(&resource["type"]),
            service_name: Some(member(&resource["service"]).unwrap_or_else(|| "whodid".to_owned())),
            ..OccurrenceContext::default()
        }),
        finding: Some(FoundDetail {
            severity: Level::parse(data["level"].as_str().unwrap_or("medium")).map(severity_of),
            certainty: None,
            next_steps: steps.into_iter().flatten().map(step).collect(),
            network_connection: None,
            data_transferred: None,
        }),
        kpi: None,
    }
}

/// What a note says of its occurrences.
struct Said {
    short: String,
    long: String,
    by: Reporter,
}

impl Said {
    fn by(note: &NoteWrite) -> Self {
        Self {
            short: note.short_description.clone(),
            long: note.long_description.clone(),
            by: note.reported_by.clone(),
        }
    }

    /// Of an occurrence whose note is gone.
    fn nothing() -> Self {
        Self { short: String::new(), long: String::new(), by: whodid_reports() }
    }
}

fn whodid_reports() -> Reporter {
    Reporter { id: "whodid".to_owned(), title: "whodid".to_owned(), url: None }
}

struct Times {
    created: Timestamp,
    updated: Timestamp,
    came: Timestamp,
}

fn told_of(
    account: &AccountName,
    provider: &str,
    occurrence: OccurrenceWrite,
    said: Said,
    author: Author,
    times: Times,
) -> Occurrence {
    let millis = |at: Timestamp| at.micros() / 1000;
    let provider_name = format!("{account}/providers/{provider}");
    Occurrence {
        name: format!("{provider_name}/occurrences/{}", occurrence.id),
        provider_id: provider.to_owned(),
        provider_name,
        occurrence,
        short_description: said.short,
        long_description: said.long,
        reported_by: said.by,
        author,
        create_time: times.created.to_string(),
        update_time: times.updated.to_string(),
        create_timestamp: millis(times.created),
        update_timestamp: millis(times.updated),
        insertion_timestamp: millis(times.came),
        update_week_date: week_date(times.updated),
        record: None,
    }
}

/// Refuses what would pass for what rules find: under the name of a package or of whodid itself, or as an occurrence of
/// a note that is a rule's, whether the rule runs or not.
async fn refuse_as_rule(
    app: &App,
    account: &AccountName,
    provider: &str,
    note: Option<(&str, &str)>,
) -> Result<(), Failure> {
    let known = app.rules_of(account).await?;
    let of_rules = |name: &str| OWN_PROVIDERS.contains(&name) || known.catalog.packages.contains_key(name);
    for name in std::iter::once(provider).chain(note.map(|(provider, _)| provider)) {
        if of_rules(name) {
            let detail = format!(
                "`{name}` is the provider of what whodid's rules find, and only they report there; report under a \
                 provider of your own, with a note of its own"
            );
            return Err(Failure::new(Code::NameTaken, detail));
        }
    }
    let Some((provider, id)) = note else { return Ok(()) };
    match rule_of_note(&known.catalog, provider, id) {
        Some(document) => Err(is_of_rule(document, provider, id)),
        None => Ok(()),
    }
}

/// Refuses a note that is a rule's, but for the rules that leave their note to the account (`custom` in Security
/// Advisor's packages): the account may say what it is about, and only the rule reports to it.
async fn refuse_note_of_rule(
    app: &App,
    account: &AccountName,
    provider: &str,
    note: &NoteWrite,
) -> Result<(), Failure> {
    refuse_as_rule(app, account, provider, None).await?;
    let known = app.rules_of(account).await?;
    match rule_of_note(&known.catalog, provider, &note.id).filter(|_| !is_ones_own(&known.catalog, provider, note)) {
        Some(document) => Err(is_of_rule(document, provider, &note.id)),
        None => Ok(()),
    }
}

/// Whether a note that an account made stands for itself: it is no rule's, or that of a custom rule and of findings.
fn is_ones_own(catalog: &Catalog, provider: &str, note: &NoteWrite) -> bool {
    let is_left = |document: &whodid_rules::Document| document.is_custom() && note.kind == NoteKind::Finding;
    rule_of_note(catalog, provider, &note.id).is_none_or(is_left)
}

fn rule_of_note<'a>(catalog: &'a Catalog, provider: &str, id: &str) -> Option<&'a whodid_rules::Document> {
    let is_meant = |document: &whodid_rules::Document| {
        let meta = document.meta();
        let kind = meta.extension.finding_type.as_ref().unwrap_or(&meta.id);
        !is_filter(document) && document.provider() == provider && kind == id
    };
    let all = catalog.documents.iter().map(|(document, _)| &**document);
    // Several rules may find the same; one that needs its note is enough to keep it.
    all.filter(|document| is_meant(document)).min_by_key(|document| document.is_custom())
}

fn is_of_rule(document: &whodid_rules::Document, provider: &str, id: &str) -> Failure {
    let detail = format!(
        "the note `{id}` of `{provider}` is that of the rule `{}`, and only the rule reports to it; make a note with \
         another id and report to that",
        document.meta().id
    );
    Failure::new(Code::Conflict, detail)
}

/// The finding types of the rules, as notes with their providers.
pub(super) async fn of_rules(app: &App, account: &AccountName) -> Result<Vec<(String, Note)>, Failure> {
    let known = app.rules_of(account).await?;
    let mut notes: Vec<(String, Note)> = Vec::new();
    for rule in known.rules.rules().iter().filter(|rule| rule.is_reported) {
        let meta = &rule.meta;
        let id = meta.extension.finding_type.clone().unwrap_or_else(|| meta.id.clone());
        let steps = meta.extension.next_steps.iter();
        let steps = steps.map(|step| RemediationStep { title: step.title.clone(), url: step.url.clone() });
        let note = NoteWrite {
            id,
            kind: NoteKind::Finding,
            short_description: meta.title.clone(),
            long_description: meta.description.clone(),
            reported_by: Reporter {
                id: "whodid".to_owned(),
                title: "whodid".to_owned(),
                url: Some(app.config.base_url()),
            },
            related_url: Vec::new(),
            shared: true,
            expiration_time: None,
            create_time: None,
            update_time: None,
            finding: Some(FindingType { severity: severity_of(meta.level), next_steps: steps.collect() }),
            kpi: None,
            card: None,
            section: None,
        };
        let author = Author {
            account_id: account.to_string(),
            email: String::new(),
            id: meta.id.clone(),
            kind: "rule".to_owned(),
        };
        notes.push((rule.provider.clone(), Note { note, author }));
    }
    Ok(notes)
}

/// All notes with their providers: those that clients made, then those of the rules.
pub(super) async fn all_notes(app: &App, account: &AccountName) -> Result<Vec<(String, Note)>, Failure> {
    let documents = app.meta.documents(account, DocumentKind::Note).await?;
    let shown = |document: &Document| Some((document.body["provider"].as_str()?.to_owned(), shown_note(document)?));
    let known = app.rules_of(account).await?;
    let mut notes: Vec<_> = documents.iter().filter_map(shown).collect();
    notes.retain(|(provider, note)| is_ones_own(&known.catalog, provider, &note.note));
    let mut seen: BTreeSet<(String, String)> =
        notes.iter().map(|(provider, note): &(String, Note)| (provider.clone(), note.note.id.clone())).collect();
    let of_rules = of_rules(app, account).await?.into_iter();
    // What the account says of a note goes before what the rule says, and several rules may have the same.
    notes.extend(of_rules.filter(|(provider, note)| seen.insert((provider.clone(), note.note.id.clone()))));
    Ok(notes)
}

async fn own_notes(app: &App, account: &AccountName, provider: &str) -> Result<Vec<Note>, Failure> {
    let documents = app.meta.documents(account, DocumentKind::Note).await?;
    let of_provider = documents.iter().filter(|document| document.body["provider"] == provider);
    Ok(of_provider.filter_map(shown_note).collect())
}

fn shown_note(document: &Document) -> Option<Note> {
    let stored: Stored<NoteWrite> = serde_json::from_value(document.body.clone()).ok()?;
    let mut note = stored.value;
    note.create_time = Some(document.created_at.to_string());
    note.update_time = Some(document.updated_at.to_string());
    Some(Note { note, author: stored.author })
}

async fn find_note(app: &App, account: &AccountName, provider: &str, id: &str) -> Result<Note, Failure> {
    let own = app.meta.document(account, DocumentKind::Note, &document_id(provider, id)).await?;
    if let Some(note) = own.as_ref().and_then(shown_note)
        && is_ones_own(&app.rules_of(account).await?.catalog, provider, &note.note)
    {
        return Ok(note);
    }
    let mut of_rules = of_rules(app, account).await?.into_iter();
    let found = of_rules.find(|(of, note)| of == provider && note.note.id == id).map(|(_, note)| note);
    found.ok_or_else(no_note)
}

pub(super) fn no_note() -> Failure {
    Failure::new(Code::NotFound, "the provider has no such note in this account")
}

/// A note that can be changed.
async fn own_note(app: &App, account: &AccountName, provider: &str, id: &str) -> Result<Note, Failure> {
    let own = app.meta.document(account, DocumentKind::Note, &document_id(provider, id)).await?;
    if let Some(note) = own.as_ref().and_then(shown_note) {
        return Ok(note);
    }
    find_note(app, account, provider, id).await?;
    Err(Failure::new(Code::Conflict, "the note is a rule's; change the rule"))
}

pub(super) async fn own_occurrences(app: &App, account: &AccountName) -> Result<Vec<(String, Occurrence)>, Failure> {
    let documents = app.meta.documents(account, DocumentKind::Occurrence).await?;
    let notes = app.meta.documents(account, DocumentKind::Note).await?;
    let note = |name: &str| {
        let (provider, id) = parts_of(account, name).ok()?;
        let id = document_id(&provider, &id);
        notes.iter().find(|note| note.id == id).and_then(shown_note)
    };
    let shown = |document: &Document| {
        let name = document.body["value"]["note_name"].as_str().unwrap_or_default();
        let provider = document.body["provider"].as_str().unwrap_or_default().to_owned();
        Some((provider, shown_occurrence(account, document, note(name).as_ref())?))
    };
    Ok(documents.iter().filter_map(shown).collect())
}

fn shown_occurrence(account: &AccountName, document: &Document, note: Option<&Note>) -> Option<Occurrence> {
    let stored: Stored<OccurrenceWrite> = serde_json::from_value(document.body.clone()).ok()?;
    let said = note.map_or_else(Said::nothing, |note| Said::by(&note.note));
    let times = Times { created: document.created_at, updated: document.updated_at, came: document.created_at };
    Some(told_of(account, &stored.provider, stored.value, said, stored.author, times))
}

pub(super) async fn find_occurrence(
    app: &App,
    caller: &Caller,
    account: &AccountName,
    provider: &str,
    id: &str,
) -> Result<Occurrence, Failure> {
    let own = app.meta.document(account, DocumentKind::Occurrence, &document_id(provider, id)).await?;
    if let Some(own) = own {
        let name = own.body["value"]["note_name"].as_str().unwrap_or_default();
        let (provider, note) = parts_of(account, name).unwrap_or_default();
        let note = app.meta.document(account, DocumentKind::Note, &document_id(&provider, &note)).await?;
        if let Some(found) = shown_occurrence(account, &own, note.as_ref().and_then(shown_note).as_ref()) {
            return Ok(found);
        }
    }
    let stream = StreamName::findings();
    let scope = caller.access(Act::Read(&stream), Some(account.as_str()))?;
    let quoted = whodid_query::quoted(id);
    let q = format!("action:===whodid.finding.create requestData.ruleId:* id:==={quoted}");
    let request = ReadRequest { q, stream: Some(stream), ..ReadRequest::default() };
    let found = app.engine()?.list(&scope, &request, Order::NewestFirst, 1, None).await?;
    let event = found.events.first().and_then(|text| serde_json::from_str::<Value>(text).ok());
    let event = event.filter(|event| event["requestData"]["provider"] == provider);
    event
        .and_then(|event| of_event(account, &event))
        .ok_or_else(|| Failure::new(Code::NotFound, "the provider has no such occurrence in this account"))
}

/// An occurrence that can be changed.
async fn own_occurrence(
    app: &App,
    caller: &Caller,
    account: &AccountName,
    provider: &str,
    id: &str,
) -> Result<Document, Failure> {
    let own = app.meta.document(account, DocumentKind::Occurrence, &document_id(provider, id)).await?;
    if let Some(own) = own {
        return Ok(own);
    }
    find_occurrence(app, caller, account, provider, id).await?;
    Err(Failure::new(
        Code::Conflict,
        "a rule found this, and it stays as it was found; make an exception, or resolve its alert",
    ))
}

#[allow(clippy::too_many_arguments, reason = "each is of one act, and none belongs with another")]
async fn store<T: Serialize>(
    app: &App,
    caller: &Caller,
    account: &AccountName,
    kind: DocumentKind,
    provider: &str,
    id: &str,
    value: &T,
    expected: Expected,
    told: &[Told],
) -> Result<(), Failure> {
    let body = json!(Stored { provider: provider.to_owned(), author: author(caller, account), value });
    let id = document_id(provider, id);
    let change = DocumentChange { kind, id, body: Some(body), secret: None, expected };
    app.meta.change_documents(&caller.attempt.actor(), account, &[change], told, crate::clock::now()).await?;
    Ok(())
}

async fn delete(
    app: &App,
    caller: &Caller,
    account: &AccountName,
    kind: DocumentKind,
    provider: &str,
    id: &str,
    told: Told,
) -> Result<StatusCode, Failure> {
    let id = document_id(provider, id);
    let change = DocumentChange { kind, id, body: None, secret: None, expected: Expected::Present };
    app.meta.change_documents(&caller.attempt.actor(), account, &[change], &[told], crate::clock::now()).await?;
    Ok(StatusCode::OK)
}

fn author(caller: &Caller, account: &AccountName) -> Author {
    let (id, email, kind) = match &caller.principal().who {
        Who::User { id, name, .. } => (id.clone(), name.clone(), "user"),
        Who::Key { id, .. } => (id.clone(), String::new(), "service"),
    };
    Author { account_id: account.to_string(), email, id, kind: kind.to_owned() }
}

/// Ids have no control characters, so this one parts them.
fn document_id(provider: &str, id: &str) -> String {
    format!("{provider}\u{1f}{id}")
}

pub(super) fn provider_of(document_id: &str) -> Option<&str> {
    document_id.split_once('\u{1f}').map(|(provider, _)| provider)
}

pub(super) fn note_name(account: &AccountName, provider: &str, id: &str) -> String {
    format!("{account}/providers/{provider}/notes/{id}")
}

/// Provider and id of `{account}/providers/{provider}/notes/{id}`.
fn parts_of(account: &AccountName, name: &str) -> Result<(String, String), Failure> {
    let rest = name.strip_prefix(account.as_str()).and_then(|rest| rest.strip_prefix("/providers/"));
    let parts = rest.and_then(|rest| rest.split_once("/notes/"));
    parts.map(|(provider, id)| (provider.to_owned(), id.to_owned())).ok_or_else(|| {
        let detail = format!("`note_name` must read {account}/providers/PROVIDER/notes/ID");
        Failure::new(Code::BadJson, detail)
    })
}

fn check_id(what: &str, id: &str) -> Result<(), Failure> {
    let is_plain = |character: char| character.is_ascii_graphic() && !matches!(character, '/' | '"' | '\\');
    if id.is_empty() || id.chars().count() > ID_CHARS_MAX || !id.chars().all(is_plain) {
        let detail = format!(
            "`{what}` has 1 to {ID_CHARS_MAX} letters, digits and signs such as `-`, without blank, slash or quote"
        );
        return Err(Failure::new(Code::BadJson, detail));
    }
    Ok(())
}

fn same_id(path: &str, body: &str) -> Result<(), Failure> {
    if path == body { Ok(()) } else { Err(Failure::new(Code::BadJson, "`id` must be that of the path; ids stay")) }
}

async fn check_note(app: &App, account: &AccountName, provider: &str, note: &NoteWrite) -> Result<(), Failure> {
    check_id("id", &note.id)?;
    let wrong = |text: String| Err(Failure::new(Code::BadJson, text));
    let long = |what: &str, text: &str, max: usize| {
        (text.chars().count() > max).then(|| format!("`{what}` has more than {max} characters"))
    };
    let members = [
        ("finding", note.finding.is_some(), note.kind == NoteKind::Finding),
        ("kpi", note.kpi.is_some(), note.kind == NoteKind::Kpi),
        ("card", note.card.is_some(), matches!(note.kind, NoteKind::Card | NoteKind::CardConfigured)),
        ("section", note.section.is_some(), note.kind == NoteKind::Section),
    ];
    for (member, is_there, is_meant) in members {
        if is_meant && !is_there {
            return wrong(format!("a note of this `kind` needs the member `{member}`"));
        }
        if is_there && !is_meant {
            return wrong(format!("a note of this `kind` has no member `{member}`; leave it out"));
        }
    }
    let texts =
        [("short_description", &note.short_description, 200), ("long_description", &note.long_description, 4000)];
    if let Some(text) = texts.into_iter().find_map(|(what, text, max)| long(what, text, max)) {
        return wrong(text);
    }
    if note.kpi.as_ref().is_some_and(|kpi| kpi.aggregation_type != "SUM") {
        return wrong("`kpi.aggregation_type` is SUM".to_owned());
    }
    let own = own_notes(app, account, provider).await?;
    let others = || own.iter().filter(|other| other.note.id != note.id);
    if note.section.is_some() && others().filter(|other| other.note.section.is_some()).count() >= SECTIONS_MAX {
        return wrong(format!("there are {SECTIONS_MAX} sections already, and no room for more"));
    }
    if let Some(card) = &note.card {
        let beside: Vec<_> = others().filter_map(|other| other.note.card.as_ref()).collect();
        let beside: Vec<_> = beside.into_iter().filter(|other| other.section == card.section).collect();
        if beside.len() >= CARDS_MAX {
            return wrong(format!("the section has {CARDS_MAX} cards already, and no room for more"));
        }
        if card.order.is_some_and(|order| beside.iter().any(|other| other.order == Some(order))) {
            return wrong("`card.order` is another card's place".to_owned());
        }
        if card.order.is_some_and(|order| usize::from(order) > beside.len() + 1 || order == 0) {
            return wrong(format!("`card.order` is the next free place, {}", beside.len() + 1));
        }
        let texts = [
            ("card.section", &card.section, 30),
            ("card.title", &card.title, 28),
            ("card.subtitle", &card.subtitle, 30),
        ];
        if let Some(text) = texts.into_iter().find_map(|(what, text, max)| long(what, text, max)) {
            return wrong(text);
        }
        if let Some(text) = wrong_elements(&card.elements) {
            return wrong(text);
        }
    }
    Ok(())
}

fn check_occurrence(note: &NoteWrite, occurrence: &OccurrenceWrite) -> Result<(), Failure> {
    let wrong = |text: &str| Err(Failure::new(Code::BadJson, text));
    if note.kind != occurrence.kind {
        return wrong("`kind` is not that of the note");
    }
    match occurrence.kind {
        NoteKind::Finding if occurrence.finding.is_none() || occurrence.kpi.is_some() => {
            wrong("an occurrence of a FINDING holds the member `finding` and not `kpi`")
        }
        NoteKind::Kpi if occurrence.kpi.is_none() || occurrence.finding.is_some() => {
            wrong("an occurrence of a KPI holds the member `kpi` and not `finding`")
        }
        NoteKind::Card | NoteKind::CardConfigured | NoteKind::Section => {
            wrong("cards and sections do not occur; only FINDING and KPI do")
        }
        NoteKind::Finding | NoteKind::Kpi => Ok(()),
    }
}

fn severity_of(level: Level) -> FindingSeverity {
    match level {
        Level::Informational | Level::Low => FindingSeverity::Low,
        Level::Medium => FindingSeverity::Medium,
        Level::High => FindingSeverity::High,
        Level::Critical => FindingSeverity::Critical,
    }
}

/// ISO 8601 week date: `2026-W48-6`.
fn week_date(at: Timestamp) -> String {
    let date = chrono::DateTime::from_timestamp_micros(at.micros()).unwrap_or_default().date_naive();
    let week = date.iso_week();
    format!("{}-W{:02}-{}", week.year(), week.week(), date.weekday().number_from_monday())
}
