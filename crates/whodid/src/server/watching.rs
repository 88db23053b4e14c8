//! Watches searches: what is recorded is counted as it comes, and what is news becomes a finding.
//!
//! One reader for each account and stream. What was counted, how far the reader came and the findings that came of it
//! are stored in one transaction, at most once a second where there is no news: a crash counts anew from there, and
//! tells nothing twice.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::json;
use whodid_alerts::preset::Preset;
use whodid_alerts::watch::{Fire, Kind, Operator, Trigger, Watch};
use whodid_api::SearchAlertWrite;
use whodid_audit::{Deed, Told};
use whodid_engine::{Engine, WatchedSearch};
use whodid_meta::{ChangeError, Document, DocumentKind, MetaError};
use whodid_model::{AccountName, Offset, StreamName, Timestamp, chain};

use super::App;
use super::search_alerts::{request, triggered};

/// How often windows are looked at.
const TICK: Duration = Duration::from_secs(1);
/// How often what is watched is read anew, for changes by another process.
const RELOAD: Duration = Duration::from_secs(60);
/// Windows end so much later: what was recorded just before must be there.
const SETTLE_MICROS: i64 = 1_000_000;
/// How often it is stored that somebody looks, and how long nobody may have before absence is not told of that time.
const ALIVE_MICROS: i64 = 30_000_000;
const GAP_MICROS: i64 = 120_000_000;
/// Sentences of matches that a finding tells.
const SENTENCES_MAX: usize = 5;
/// How often a change by another at the same moment is met with another try.
const TRIES: usize = 3;

/// An alert on a search as it is stored.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct StoredSearch {
    /// What was asked for.
    #[serde(flatten)]
    pub asked: SearchAlertWrite,
    /// The newest match before it was watched.
    #[serde(default)]
    pub seen_at: Option<Timestamp>,
    /// The record that came next in its stream when it was asked for: what comes from there on counts, however late the
    /// watching begins.
    #[serde(default)]
    pub from_offset: Option<u64>,
}

impl StoredSearch {
    /// The alert in a document.
    pub fn of(document: &Document) -> Option<Self> {
        let mut body = document.body.clone();
        let members = body.as_object_mut()?;
        let seen_at = members.remove("seen_at").and_then(|at| serde_json::from_value(at).ok()).flatten();
        let from_offset = members.remove("from_offset").and_then(|offset| offset.as_u64());
        Some(Self { asked: serde_json::from_value(body).ok()?, seen_at, from_offset })
    }
}

/// What is remembered of an account.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Memory {
    /// By stream: the record that is looked at next.
    cursors: BTreeMap<String, u64>,
    /// By alert.
    pub searches: BTreeMap<String, Remembered>,
    /// When this was last known to be true: nothing can be said to have been absent while nobody looked.
    alive_at: Option<Timestamp>,
}

impl Memory {
    /// Begins the windows of whoever waits for absence anew where nobody looked for a while.
    fn pass_over_gap(&mut self, now: Timestamp) {
        if self.alive_at.is_some_and(|alive| now.micros() - alive.micros() > GAP_MICROS) {
            for (key, window) in self.searches.values_mut().flat_map(|remembered| &mut remembered.windows) {
                if let Ok(trigger) = serde_json::from_str::<Trigger>(key) {
                    window.pass_over_gap(&trigger, now);
                }
            }
        }
        self.alive_at = Some(now);
    }

    /// What is stored of an account; nothing before the first, and where it cannot be read any more.
    pub async fn load(app: &App, account: &AccountName) -> Result<Self, MetaError> {
        let Some(stored) = app.meta.watch_state(account).await? else { return Ok(Self::default()) };
        Ok(serde_json::from_value(stored).unwrap_or_else(|error| {
            tracing::error!(account = %account, %error, "what alerts on searches remember cannot be read, and they begin anew");
            // Now, not where each of them once began.
            Self { alive_at: Some(crate::clock::now()), ..Self::default() }
        }))
    }
}

/// What is remembered of one alert on a search.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Remembered {
    /// The search it was counted for: another one begins anew.
    search: String,
    /// By trigger.
    windows: BTreeMap<String, Watch>,
    /// When it was last news.
    pub fired_at: Option<Timestamp>,
    /// When something last matched.
    pub matched_at: Option<Timestamp>,
    /// The alert is resolved by itself then, unless there is news again.
    resolves_at: Option<Timestamp>,
    /// The latest matches: records and sentences.
    latest: Vec<(String, String)>,
}

/// An alert on a search, ready to be watched.
struct Search {
    id: String,
    asked: SearchAlertWrite,
    stream: StreamName,
    seen_at: Option<Timestamp>,
    from_offset: Option<u64>,
    written_at: Timestamp,
    search: WatchedSearch,
    /// When which channels are told. One entry for each different trigger.
    triggers: Vec<(String, Trigger, Vec<String>)>,
}

/// What an account watches.
#[derive(Default)]
struct Account {
    searches: Vec<Search>,
    memory: Memory,
    is_dirty: bool,
    stored: Option<Instant>,
}

/// The rule id of an alert's findings.
pub fn rule_id(id: &str) -> String {
    format!("search:{id}")
}

/// Goes on until the server stops.
pub async fn run(app: Arc<App>, engine: Engine) {
    let mut news = engine.news();
    let mut changed = app.watched.subscribe();
    let mut accounts: HashMap<AccountName, Account> = HashMap::new();
    let mut loaded: Option<Instant> = None;
    loop {
        news.borrow_and_update();
        let version = *changed.borrow_and_update();
        if version != *app.watching.borrow() {
            loaded = None;
        }
        if loaded.is_none_or(|loaded| loaded.elapsed() >= RELOAD) {
            match load(&app, &engine, &mut accounts).await {
                Ok(()) => {
                    loaded = Some(Instant::now());
                    app.watching.send_replace(version);
                }
                Err(error) => {
                    tracing::error!(%error, "alerts on searches cannot be read; those known before go on");
                    loaded = None;
                }
            }
        }
        let mut has_more = false;
        for (account, watched) in &mut accounts {
            match step(&app, &engine, account, watched).await {
                Ok(more) => has_more |= more,
                Err(error) => {
                    tracing::error!(account = %account, %error, "alerts on searches of this account wait");
                }
            }
        }
        if has_more {
            continue;
        }
        let is_watching = accounts.values().any(|watched| !watched.searches.is_empty());
        tokio::select! {
            () = app.stopped() => return,
            changed = news.changed(), if is_watching => if changed.is_err() { return },
            changed = changed.changed() => {
                if changed.is_err() {
                    return;
                }
            }
            () = tokio::time::sleep(TICK) => {}
        }
    }
}

/// Reads what is watched, and goes on with what is remembered of it.
async fn load(app: &App, engine: &Engine, accounts: &mut HashMap<AccountName, Account>) -> Result<(), String> {
    let known = app.meta.accounts().await.map_err(|error| chain(&error))?;
    accounts.retain(|name, _| known.iter().any(|account| account.name == *name));
    for account in known {
        let documents = app.meta.documents(&account.name, DocumentKind::Watch).await.map_err(|error| chain(&error))?;
        let presets = app.meta.documents(&account.name, DocumentKind::Preset).await.map_err(|error| chain(&error))?;
        let read = |document: &Document| match read(engine, document, &presets) {
            Ok(search) => search,
            Err(error) => {
                tracing::error!(account = %account.name, alert = document.id, %error, "an alert on a search cannot be watched");
                None
            }
        };
        let searches: Vec<Search> = documents.iter().filter_map(read).collect();
        if !accounts.contains_key(&account.name) {
            let memory = Memory::load(app, &account.name).await.map_err(|error| chain(&error))?;
            let mut begun = Account { memory, ..Account::default() };
            begun.memory.pass_over_gap(crate::clock::now());
            accounts.insert(account.name.clone(), begun);
        }
        if let Some(watched) = accounts.get_mut(&account.name) {
            let next = |stream: &StreamName| engine.next_offset(&account.name, stream).0;
            watched.take_up(&next, searches, crate::clock::now());
        }
    }
    Ok(())
}

fn read(engine: &Engine, document: &Document, presets: &[Document]) -> Result<Option<Search>, String> {
    let stored = StoredSearch::of(document).ok_or("it cannot be read")?;
    let asked = stored.asked;
    if !asked.is_enabled {
        return Ok(None);
    }
    let stream = StreamName::parse(&asked.stream).map_err(|error| error.to_string())?;
    let search = engine.watched_search(&stream, &request(&asked, &stream)).map_err(|error| chain(&error))?;
    let told: Vec<(Trigger, Option<String>)> = match (&asked.preset, &asked.channels, &asked.trigger) {
        (Some(preset), ..) => {
            let document = presets.iter().find(|document| document.id == *preset).ok_or("its preset is not there")?;
            let preset: Preset = serde_json::from_value(document.body.clone()).map_err(|error| error.to_string())?;
            preset.channels.into_iter().map(|told| (told.trigger, Some(told.channel))).collect()
        }
        (None, Some(channels), _) => {
            let told = channels.iter().map(|told| Ok((triggered(&told.trigger)?, Some(told.channel.clone()))));
            let told: Result<_, super::failure::Failure> = told.collect();
            told.map_err(|failure| failure.detail().to_owned())?
        }
        (None, None, Some(trigger)) => {
            vec![(triggered(trigger).map_err(|failure| failure.detail().to_owned())?, None)]
        }
        (None, None, None) => Vec::new(),
    };
    let mut triggers: Vec<(String, Trigger, Vec<String>)> = Vec::new();
    for (trigger, channel) in told {
        let key = json!(trigger).to_string();
        match triggers.iter_mut().find(|(known, ..)| *known == key) {
            Some((_, _, channels)) => channels.extend(channel),
            None => triggers.push((key, trigger, channel.into_iter().collect())),
        }
    }
    Ok(Some(Search {
        id: document.id.clone(),
        asked,
        stream,
        seen_at: stored.seen_at,
        from_offset: stored.from_offset,
        written_at: document.updated_at,
        search,
        triggers,
    }))
}

impl Account {
    /// Goes on with these searches: what is new begins where it was asked for, what is gone is forgotten. `next`: the record
    /// that comes next in a stream.
    fn take_up(&mut self, next: &dyn Fn(&StreamName) -> u64, searches: Vec<Search>, now: Timestamp) {
        let memory = &mut self.memory;
        let before = memory.clone();
        memory.searches.retain(|id, _| searches.iter().any(|search| search.id == *id));
        memory.cursors.retain(|stream, _| searches.iter().any(|search| search.stream.as_str() == stream));
        for search in &searches {
            let stream = search.stream.as_str();
            if !before.cursors.contains_key(stream) {
                // One that is older than what is remembered was watched before, and let go.
                let is_new = memory.alive_at.is_none_or(|alive| search.written_at > alive);
                let next = next(&search.stream);
                let from = search.from_offset.filter(|_| is_new).map_or(next, |from| from.min(next));
                let cursor = memory.cursors.entry(stream.to_owned()).or_insert(from);
                *cursor = from.min(*cursor);
            }
            let remembered = memory.searches.entry(search.id.clone()).or_default();
            let is = json!([search.asked.q, stream, search.asked.space, search.asked.region]).to_string();
            if remembered.search != is {
                *remembered = Remembered { search: is, matched_at: search.seen_at, ..Remembered::default() };
            }
            remembered.windows.retain(|key, _| search.triggers.iter().any(|(known, ..)| known == key));
            let seen = remembered.matched_at;
            for (key, trigger, _) in &search.triggers {
                remembered.windows.entry(key.clone()).or_insert_with(|| Watch::new(trigger, now, seen));
            }
        }
        self.is_dirty |= *memory != before;
        self.searches = searches;
    }

    /// Counts what came in one stream. What is news; `None` when nothing came.
    async fn look(
        &mut self,
        engine: &Engine,
        account: &AccountName,
        stream: &StreamName,
    ) -> Result<Option<Vec<Told>>, String> {
        let from = self.memory.cursors.get(stream.as_str()).copied().unwrap_or_default();
        let meant: Vec<&Search> = self.searches.iter().filter(|search| search.stream == *stream).collect();
        let searches = Arc::new(meant.iter().map(|search| search.search.clone()).collect());
        let step = engine.watch_from(account, stream, Offset(from), searches).await.map_err(|error| chain(&error))?;
        let Some(step) = step else { return Ok(None) };
        let mut told = Vec::new();
        for (search, found) in meant.into_iter().zip(step.found) {
            let Some(remembered) = self.memory.searches.get_mut(&search.id) else { continue };
            for matched in found.matches {
                // Windows that were over by then are told with their own matches.
                told.extend(remembered.tick(search, matched.at));
                let latest = matched.latest.into_iter().map(|(offset, text)| (format!("{stream}:{}", offset.0), text));
                remembered.latest.extend(latest);
                let over = remembered.latest.len().saturating_sub(SENTENCES_MAX);
                remembered.latest.drain(..over);
                remembered.matched_at = remembered.matched_at.max(Some(matched.at));
                for (key, trigger, channels) in &search.triggers {
                    let Some(window) = remembered.windows.get_mut(key) else { continue };
                    for fire in window.record(trigger, matched.at, matched.count) {
                        told.push(finding(search, trigger, channels, &fire, remembered.latest.as_slice()));
                        remembered.note(&fire, search, trigger);
                    }
                }
            }
        }
        if let Some(until) = step.until {
            // However busy the stream is: what was absent up to here is known.
            for search in self.searches.iter().filter(|search| search.stream == *stream) {
                let remembered = self.memory.searches.get_mut(&search.id);
                told.extend(remembered.into_iter().flat_map(|remembered| remembered.tick(search, until)));
            }
        }
        self.memory.cursors.insert(stream.as_str().to_owned(), step.next.0);
        self.is_dirty = true;
        Ok(Some(told))
    }

    /// Ends the windows that are over.
    fn tick(&mut self, now: Timestamp) -> Vec<Told> {
        let mut told = Vec::new();
        for search in &self.searches {
            let Some(remembered) = self.memory.searches.get_mut(&search.id) else { continue };
            let before = remembered.windows.clone();
            told.extend(remembered.tick(search, now));
            self.is_dirty |= remembered.windows != before;
        }
        told
    }

    /// Alerts whose searches had no news for a whole window.
    fn over(&mut self, now: Timestamp) -> Vec<String> {
        let mut over = Vec::new();
        for (id, remembered) in &mut self.memory.searches {
            if remembered.resolves_at.is_some_and(|at| at <= now) {
                remembered.resolves_at = None;
                self.is_dirty = true;
                over.push(id.clone());
            }
        }
        over
    }
}

impl Remembered {
    /// Ends the windows that are over.
    fn tick(&mut self, search: &Search, now: Timestamp) -> Vec<Told> {
        let mut told = Vec::new();
        for (key, trigger, channels) in &search.triggers {
            let Some(window) = self.windows.get_mut(key) else { continue };
            for fire in window.tick(trigger, now) {
                told.push(finding(search, trigger, channels, &fire, self.latest.as_slice()));
                self.note(&fire, search, trigger);
            }
        }
        told
    }

    fn note(&mut self, fire: &Fire, search: &Search, trigger: &Trigger) {
        self.fired_at = self.fired_at.max(Some(match fire.kind {
            Kind::Immediate => self.matched_at.unwrap_or(fire.from),
            Kind::Terminal => fire.until,
        }));
        let end = fire.until.plus_micros(trigger.interval().seconds() * 1_000_000 + SETTLE_MICROS);
        if search.asked.auto_resolve {
            self.resolves_at = self.resolves_at.max(Some(end));
        }
    }
}

/// Looks at what came, ends windows, and stores what came of it. Whether there may be more.
async fn step(app: &App, engine: &Engine, account: &AccountName, watched: &mut Account) -> Result<bool, String> {
    if watched.searches.is_empty() && !watched.is_dirty {
        return Ok(false);
    }
    let before = (watched.memory.clone(), watched.is_dirty);
    let worked = work(app, engine, account, watched).await;
    if worked.is_err() {
        // Anew from what is stored: nothing of it was told.
        (watched.memory, watched.is_dirty) = before;
    }
    worked
}

async fn work(app: &App, engine: &Engine, account: &AccountName, watched: &mut Account) -> Result<bool, String> {
    let now = crate::clock::now();
    let (mut told, mut has_more) = (Vec::new(), false);
    let streams: Vec<StreamName> =
        watched.memory.cursors.keys().filter_map(|name| StreamName::parse(name).ok()).collect();
    for stream in streams {
        if let Some(found) = watched.look(engine, account, &stream).await? {
            has_more = true;
            told.extend(found);
        }
    }
    if !has_more {
        told.extend(watched.tick(now.plus_micros(-SETTLE_MICROS)));
        // Before anything is stored: what failed after that would be done again, and told twice.
        for id in watched.over(now) {
            resolve(app, account, &id).await?;
        }
    }
    let is_due = watched.stored.is_none_or(|stored| stored.elapsed() >= TICK);
    if watched.memory.alive_at.is_none_or(|alive| now.micros() - alive.micros() >= ALIVE_MICROS) {
        watched.memory.alive_at = Some(now);
        watched.is_dirty = true;
    }
    if !told.is_empty() || (watched.is_dirty && is_due) {
        let memory = json!(watched.memory);
        app.meta.store_watch_state(account, &memory, &told, now).await.map_err(|error| match error {
            ChangeError::Meta(error) => chain(&error),
            other => other.to_string(),
        })?;
        watched.is_dirty = false;
        watched.stored = Some(Instant::now());
    }
    Ok(has_more)
}

/// Ends an alert whose search has no news any more.
async fn resolve(app: &App, account: &AccountName, id: &str) -> Result<(), String> {
    for _ in 0..TRIES {
        let latest = app.meta.latest_alert(account, &rule_id(id), id).await.map_err(|error| chain(&error))?;
        match super::alerting::resolve_by_itself(app, account, latest, crate::clock::now()).await {
            Err(ChangeError::Stale { .. }) => {}
            Err(error) => return Err(chain(&error)),
            Ok(()) => return Ok(()),
        }
    }
    Ok(())
}

/// What is told of a window.
fn finding(search: &Search, trigger: &Trigger, channels: &[String], fire: &Fire, latest: &[(String, String)]) -> Told {
    let (name, limit) = (search.asked.name.as_str(), trigger.trigger_limit);
    let events = |count: u64| if count == 1 { "1 event".to_owned() } else { format!("{count} events") };
    let clock = |at: Timestamp| {
        let at = chrono::DateTime::from_timestamp_micros(at.micros()).unwrap_or_default();
        at.format("%Y-%m-%d %H:%M:%S").to_string()
    };
    let (were, only) = (if limit == 1 { "was" } else { "were" }, if fire.count == 0 { "" } else { "only " });
    let within = format!("from {} to {} UTC", clock(fire.from), clock(fire.until));
    let sentence = match (trigger.operator, fire.kind) {
        (Operator::Presence, Kind::Immediate) => {
            format!(
                "{name}: {} matched since {} UTC, at least {limit} {were} waited for",
                events(fire.count),
                clock(fire.from)
            )
        }
        (Operator::Presence, Kind::Terminal) => {
            format!("{name}: {} matched {within}, at least {limit} {were} waited for", events(fire.count))
        }
        (Operator::Absence, _) => {
            format!("{name}: {only}{} matched {within}, at least {limit} {were} expected", events(fire.count))
        }
    };
    // What matched before has nothing to do with an absence.
    let shown = if trigger.operator == Operator::Presence { latest } else { &[] };
    let shown = &shown[shown.len().saturating_sub(usize::try_from(fire.count).unwrap_or(SENTENCES_MAX))..];
    let records: Vec<&str> = shown.iter().map(|(record, _)| record.as_str()).collect();
    let lines: Vec<&str> = shown.iter().map(|(_, sentence)| sentence.as_str()).collect();
    Told::success(Deed::FindingCreate, search.id.as_str(), sentence.as_str())
        .asked("provider", PROVIDER)
        .asked("findingType", search.id.as_str())
        .asked("ruleId", rule_id(&search.id))
        .asked("ruleTitle", name)
        .asked("level", json!(search.asked.severity))
        .asked("key", search.id.as_str())
        .asked("group", json!({"search": name}))
        .asked("sentence", sentence.as_str())
        .asked("evidence", json!(records))
        .asked("lines", json!(lines))
        .asked("query", search.asked.q.as_str())
        .asked("stream", search.asked.stream.as_str())
        .asked("operator", json!(trigger.operator))
        .asked("value", fire.count)
        .asked("from", fire.from.to_string())
        .asked("until", fire.until.to_string())
        .asked("channels", json!(channels))
}

/// Who reports what searches find.
pub const PROVIDER: &str = "saved-search";

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use whodid_engine::ReadRequest;

    fn at(text: &str) -> Timestamp {
        Timestamp::parse(&format!("2026-06-01T{text}Z")).unwrap().at
    }

    fn account(asked: serde_json::Value, begun: &str) -> Account {
        let asked: SearchAlertWrite = serde_json::from_value(asked).unwrap();
        let stream = StreamName::activity();
        let search = WatchedSearch::read(&stream, &ReadRequest::default(), at("00:00:00")).unwrap();
        let trigger = triggered(asked.trigger.as_ref().unwrap()).unwrap();
        let seen_at = Some(at("09:00:00"));
        let windows = BTreeMap::from([("t".to_owned(), Watch::new(&trigger, at(begun), seen_at))]);
        let remembered = Remembered { windows, matched_at: seen_at, ..Remembered::default() };
        let triggers = vec![("t".to_owned(), trigger, vec!["c".to_owned()])];
        Account {
            searches: vec![Search {
                id: "s".to_owned(),
                asked,
                stream,
                seen_at,
                from_offset: Some(7),
                written_at: at(begun),
                search,
                triggers,
            }],
            memory: Memory { searches: BTreeMap::from([("s".to_owned(), remembered)]), ..Memory::default() },
            ..Account::default()
        }
    }

    fn told(found: &[Told]) -> Vec<String> {
        found.iter().map(|told| told.request["sentence"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn what_stays_out_is_news_when_its_window_is_over() {
        let absence =
            json!({"name": "Backup", "trigger": {"operator": "absence", "trigger_limit": 1, "terminal": true}});
        let mut account = account(absence, "10:00:00");
        assert!(account.tick(at("10:14:59")).is_empty());
        let found = account.tick(at("10:15:00"));
        let sentence =
            "Backup: 0 events matched from 2026-06-01 10:00:00 to 2026-06-01 10:15:00 UTC, at least 1 was expected";
        assert_eq!(told(&found), [sentence]);
        assert_eq!(found[0].request["channels"], json!(["c"]));
        assert!(account.tick(at("10:15:01")).is_empty(), "once for each window");
        assert_eq!(account.memory.searches["s"].fired_at, Some(at("10:15:00")));
    }

    #[test]
    fn an_alert_ends_by_itself_after_a_whole_window_without_news() {
        let asked =
            json!({"name": "Backup", "auto_resolve": true, "trigger": {"operator": "absence", "terminal": true}});
        let mut account = account(asked, "10:00:00");
        account.tick(at("10:15:00"));
        assert!(account.over(at("10:30:00")).is_empty(), "the window may still be news");
        assert_eq!(account.over(at("10:30:01")), ["s"]);
        assert!(account.over(at("10:30:02")).is_empty(), "once");
    }

    #[test]
    fn watching_begins_where_it_was_asked_for_however_late_it_begins() {
        let asked = json!({"name": "Keys", "trigger": {"operator": "presence", "immediate": true}});
        let begun = |alive: Option<&str>, cursor: Option<u64>| {
            let mut account = account(asked.clone(), "10:00:00");
            let searches = std::mem::take(&mut account.searches);
            let cursors = cursor.map(|cursor| ("activity".to_owned(), cursor)).into_iter().collect();
            account.memory = Memory { alive_at: alive.map(at), cursors, ..Memory::default() };
            account.take_up(&|_| 9, searches, at("10:00:05"));
            account.memory.cursors["activity"]
        };
        assert_eq!(begun(None, None), 7, "two events came before anybody looked");
        assert_eq!(begun(Some("09:59:59"), None), 7);
        assert_eq!(begun(Some("10:00:01"), None), 9, "it had been watched, and counts nothing again");
        assert_eq!(begun(Some("09:59:59"), Some(8)), 8, "the stream was watched anyway");
    }

    #[test]
    fn what_was_absent_while_nobody_looked_is_not_told() {
        let asked = json!({"name": "Backup", "trigger": {"operator": "absence", "terminal": true}});
        let mut account = account(asked, "10:00:00");
        let window = account.memory.searches.get_mut("s").unwrap().windows.remove("t").unwrap();
        let key = json!(account.searches[0].triggers[0].1).to_string();
        account.searches[0].triggers[0].0.clone_from(&key);
        account.memory.searches.get_mut("s").unwrap().windows.insert(key, window);
        let gap = |alive: &str, account: &Account| {
            let mut memory = account.memory.clone();
            memory.alive_at = Some(at(alive));
            memory.pass_over_gap(at("14:05:00"));
            memory
        };
        account.memory = gap("10:10:00", &account);
        assert_eq!(told(&account.tick(at("14:15:00"))).len(), 0, "nor the window in which it came back");
        assert_eq!(told(&account.tick(at("14:30:00"))).len(), 1);
        let before = account.memory.clone();
        let after = gap("14:04:30", &account);
        assert_eq!(after.searches, before.searches, "a short stop changes nothing");
    }

    #[test]
    fn what_is_remembered_is_read_back() {
        let asked = json!({"name": "Backup", "trigger": {"operator": "absence", "terminal": true}});
        let mut account = account(asked, "10:00:00");
        account.tick(at("10:15:00"));
        let read: Memory = serde_json::from_value(json!(account.memory)).unwrap();
        assert_eq!(read, account.memory);
    }
}
