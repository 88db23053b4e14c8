//! Pages of providers, notes and occurrences, for whoever asks for them: the paths of the Findings API and its graph.

use std::collections::BTreeSet;

use serde_json::Value;
use whodid_api::{
    Code, FindingPageParams, FindingSeverity, Note, NoteKind, NotePage, Occurrence, OccurrencePage, Provider,
    ProviderPage, ProviderParams,
};
use whodid_engine::{Order, ReadRequest};
use whodid_meta::DocumentKind;
use whodid_model::access::Act;
use whodid_model::{AccountName, StreamName};

use super::App;
use super::auth::Caller;
use super::failure::Failure;
use super::findings::{note_name, of_event, of_rules, own_occurrences, provider_of};
use super::search::limit;

/// What begins the page token of what rules found.
const OF_RULES: &str = "r:";

pub async fn provider_page(app: &App, account: &AccountName, params: &ProviderParams) -> Result<ProviderPage, Failure> {
    let page = limit(params.limit, 100, 1000, "limit")?;
    let kept = app.meta.document_versions(account, &[DocumentKind::Note, DocumentKind::Occurrence]).await?;
    let mut ids: BTreeSet<String> = kept.iter().filter_map(|one| provider_of(&one.id)).map(str::to_owned).collect();
    ids.extend(of_rules(app, account).await?.into_iter().map(|(provider, _)| provider));
    let is_meant = |id: &String| {
        params.start_provider_id.as_ref().is_none_or(|start| id >= start)
            && params.end_provider_id.as_ref().is_none_or(|end| id <= end)
    };
    ids.retain(is_meant);
    let skip = params.skip.unwrap_or_default();
    let total_count = ids.len() as u64;
    let providers = ids.into_iter().skip(skip as usize).take(page);
    let providers = providers.map(|id| Provider { name: format!("{account}/providers/{id}"), id }).collect();
    Ok(ProviderPage { providers, limit: page as u32, skip, total_count })
}

/// A page of a provider's notes, of all kinds or of one, by id.
pub fn note_page(
    all: &[(String, Note)],
    provider: &str,
    kind: Option<NoteKind>,
    params: &FindingPageParams,
) -> Result<NotePage, Failure> {
    let size = limit(params.page_size, 100, 1000, "page_size")?;
    let mut notes: Vec<&Note> = all.iter().filter(|(of, _)| of == provider).map(|(_, note)| note).collect();
    notes.sort_by(|one, other| one.note.id.cmp(&other.note.id));
    notes.dedup_by(|one, other| one.note.id == other.note.id);
    let after = params.page_token.as_deref().unwrap_or_default();
    notes.retain(|note| note.note.id.as_str() > after && kind.is_none_or(|kind| note.note.kind == kind));
    let has_more = notes.len() > size;
    notes.truncate(size);
    let next_page_token = notes.last().filter(|_| has_more).map(|note| note.note.id.clone()).unwrap_or_default();
    Ok(NotePage { notes: notes.into_iter().cloned().collect(), next_page_token })
}

/// A page of the occurrences of a provider, or of one of its notes.
pub async fn page(
    app: &App,
    caller: &Caller,
    account: &AccountName,
    provider: &str,
    note: Option<&str>,
    params: &FindingPageParams,
) -> Result<OccurrencePage, Failure> {
    let is_of_rules = params.page_token.as_deref().is_some_and(|token| token.starts_with(OF_RULES));
    let own = if is_of_rules { Vec::new() } else { own_occurrences(app, account).await? };
    let own = own_of(&own, account, provider, note).collect();
    page_of(app, caller, account, own, Some(q_of_rules(provider, note, None)), params).await
}

/// What clients reported of a provider, or of one of its notes.
pub fn own_of<'a>(
    own: &'a [(String, Occurrence)],
    account: &AccountName,
    provider: &'a str,
    note: Option<&str>,
) -> impl Iterator<Item = &'a Occurrence> {
    let name = note.map(|id| note_name(account, provider, id));
    let is_meant = move |of: &str, one: &Occurrence| match &name {
        Some(name) => one.occurrence.note_name == *name,
        None => of == provider,
    };
    own.iter().filter(move |(of, one)| is_meant(of, one)).map(|(_, one)| one)
}

/// The search for what rules found of a provider: of all its notes or of one, of every severity or of one.
pub fn q_of_rules(provider: &str, note: Option<&str>, severity: Option<FindingSeverity>) -> String {
    let provider = whodid_query::quoted(provider);
    let mut q = format!("action:===whodid.finding.create requestData.ruleId:* requestData.provider:==={provider}");
    if let Some(note) = note {
        q.push_str(&format!(" requestData.findingType:==={}", whodid_query::quoted(note)));
    }
    q.push_str(match severity {
        None => "",
        Some(FindingSeverity::Low) => " (requestData.level:===low OR requestData.level:===informational)",
        Some(FindingSeverity::Medium) => " requestData.level:===medium",
        Some(FindingSeverity::High) => " requestData.level:===high",
        Some(FindingSeverity::Critical) => " requestData.level:===critical",
    });
    q
}

/// A page of what clients reported, and then of what rules found, each the latest first.
///
/// `own`: all that is meant of the first, in any order. `q`: what is meant of the second; `None` where nothing is.
pub async fn page_of(
    app: &App,
    caller: &Caller,
    account: &AccountName,
    mut own: Vec<&Occurrence>,
    q: Option<String>,
    params: &FindingPageParams,
) -> Result<OccurrencePage, Failure> {
    let size = limit(params.page_size, 100, 1000, "page_size")?;
    let token = params.page_token.as_deref().unwrap_or_default();
    let wrong = || Failure::new(Code::BadCursor, "the page token was not made by this route");
    let mut page = OccurrencePage { occurrences: Vec::new(), next_page_token: String::new() };
    if !token.starts_with(OF_RULES) {
        let skip: usize = if token.is_empty() { 0 } else { token.parse().map_err(|_| wrong())? };
        own.sort_by(|one, other| {
            (other.update_timestamp, &one.occurrence.id).cmp(&(one.update_timestamp, &other.occurrence.id))
        });
        let next = skip.saturating_add(size);
        let more = own.len() > next;
        page.occurrences.extend(own.into_iter().skip(skip).take(size).cloned());
        if more {
            page.next_page_token = next.to_string();
            return Ok(page);
        }
        if page.occurrences.len() == size {
            page.next_page_token = q.map(|_| OF_RULES.to_owned()).unwrap_or_default();
            return Ok(page);
        }
    }
    let Some(q) = q else { return Ok(page) };
    let cursor = token.strip_prefix(OF_RULES).filter(|cursor| !cursor.is_empty());
    let stream = StreamName::findings();
    let scope = caller.access(Act::Read(&stream), Some(account.as_str()))?;
    let request = ReadRequest { q, stream: Some(stream), ..ReadRequest::default() };
    let left = size - page.occurrences.len();
    let found = app.engine()?.list(&scope, &request, Order::NewestFirst, left, cursor).await?;
    let events = found.events.iter().filter_map(|text| serde_json::from_str::<Value>(text).ok());
    page.occurrences.extend(events.filter_map(|event| of_event(account, &event)));
    page.next_page_token = found.next_cursor.map(|cursor| format!("{OF_RULES}{cursor}")).unwrap_or_default();
    Ok(page)
}
