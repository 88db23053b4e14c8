//! Doing what a plan says: finding things by the code of the other paths, and giving of them what was asked for.
//!
//! *Invariants*: what is read for one request is read once: an account's notes, and what its clients reported. An answer
//! has about [`ANSWER_BYTES_MAX`] bytes at most. A thing that is not there is null and told; a right that is missing, or
//! a part that is out of service, ends the whole.

use std::collections::HashMap;
use std::sync::Arc;

use futures::future::BoxFuture;
use serde_json::{Map, Value, json};
use whodid_api::{
    Code, FindingPageParams, FindingSeverity, GraphAnswer, GraphError, GraphErrorCode, Note, NoteKind, Occurrence,
    ProviderParams,
};
use whodid_model::AccountName;

use super::plan::{Arguments, Asked, Planned, What};
use super::schema::Question;
use crate::server::App;
use crate::server::auth::Caller;
use crate::server::failure::Failure;
use crate::server::finding_pages::{note_page, own_of, page_of, provider_page, q_of_rules};
use crate::server::findings::{all_notes, find_occurrence, no_note, note_name, own_occurrences};

/// Bytes of an answer, counted as texts and about as much for whatever else.
const ANSWER_BYTES_MAX: usize = 16 << 20;
/// What a member counts beside its name and its texts.
const MEMBER_BYTES: usize = 32;

/// Answers one request.
pub struct Answering<'a> {
    app: &'a App,
    caller: &'a Caller,
    account: &'a AccountName,
    notes: Option<Arc<Notes>>,
    own: Option<Arc<Vec<(String, Occurrence)>>>,
    /// Where in the answer it is.
    path: Vec<Value>,
    errors: Vec<GraphError>,
    bytes: usize,
    rows: usize,
}

/// The notes of an account.
struct Notes {
    /// With their providers; of several with one name the first counts.
    all: Vec<(String, Note)>,
    by_name: HashMap<String, usize>,
}

impl Notes {
    fn named(&self, name: &str) -> Option<&(String, Note)> {
        self.all.get(*self.by_name.get(name)?)
    }

    /// How grave an occurrence is: as it says, or as its note does.
    fn severity_of(&self, occurrence: &Occurrence) -> Option<FindingSeverity> {
        let stated = occurrence.occurrence.finding.as_ref().and_then(|finding| finding.severity);
        stated.or_else(|| {
            let (_, note) = self.named(&occurrence.occurrence.note_name)?;
            note.note.finding.as_ref().map(|finding| finding.severity)
        })
    }
}

/// Something that was found.
enum Thing {
    Root,
    Page { members: Value, items: Vec<Thing> },
    Note { provider: String, members: Value },
    Other { members: Value },
}

impl Thing {
    fn of_note(provider: &str, note: &Note) -> Self {
        Self::Note { provider: provider.to_owned(), members: json!(note) }
    }

    fn members(&self) -> &Value {
        match self {
            Self::Root => &Value::Null,
            Self::Page { members, .. } | Self::Note { members, .. } | Self::Other { members } => members,
        }
    }
}

impl<'a> Answering<'a> {
    pub fn new(app: &'a App, caller: &'a Caller, account: &'a AccountName) -> Self {
        let (path, errors) = (Vec::new(), Vec::new());
        Self { app, caller, account, notes: None, own: None, path, errors, bytes: 0, rows: 0 }
    }

    /// The answer, and how many things of lists it gives.
    pub async fn answer(mut self, plan: &[Planned]) -> Result<(GraphAnswer, usize), Failure> {
        let data = self.thing(plan, &Thing::Root).await?;
        Ok((GraphAnswer { data, errors: self.errors }, self.rows))
    }

    // Boxed, because things hold things.
    fn thing<'b>(&'b mut self, fields: &'b [Planned], of: &'b Thing) -> BoxFuture<'b, Result<Value, Failure>> {
        Box::pin(async move {
            let mut members = Map::new();
            for field in fields {
                self.path.push(Value::from(field.key.as_str()));
                let value = match &field.what {
                    What::Items(items) => self.items(items, of).await?,
                    What::Asked(asked) => self.asked(field, asked, of).await?,
                    What::TypeName(_) | What::Value | What::Part(_) | What::Parts(_) => {
                        self.member(field, of.members())?
                    }
                };
                self.path.pop();
                members.insert(field.key.clone(), value);
            }
            Ok(Value::Object(members))
        })
    }

    async fn items(&mut self, fields: &[Planned], of: &Thing) -> Result<Value, Failure> {
        let Thing::Page { items, .. } = of else { return Ok(Value::Null) };
        let mut values = Vec::with_capacity(items.len());
        for (place, item) in items.iter().enumerate() {
            self.path.push(Value::from(place));
            values.push(self.thing(fields, item).await?);
            self.path.pop();
        }
        Ok(Value::Array(values))
    }

    async fn asked(&mut self, field: &Planned, asked: &Asked, of: &Thing) -> Result<Value, Failure> {
        self.spend(field.key.len())?;
        match self.find(asked.question, &asked.arguments, of).await {
            Ok(Some(found)) => self.thing(&asked.fields, &found).await,
            Ok(None) => Ok(Value::Null),
            Err(failure) if matches!(failure.code().status(), 400 | 404) => {
                self.errors.push(GraphError {
                    message: failure.detail().to_owned(),
                    locations: vec![field.location],
                    path: self.path.clone(),
                    extensions: GraphErrorCode { code: failure.code() },
                });
                Ok(Value::Null)
            }
            Err(failure) => Err(failure),
        }
    }

    async fn find(&mut self, question: Question, arguments: &Arguments, of: &Thing) -> Result<Option<Thing>, Failure> {
        match question {
            Question::Providers => self.providers(arguments).await.map(Some),
            Question::Notes => {
                let notes = self.notes().await?;
                let page = note_page(&notes.all, &arguments.provider_id, arguments.kind, &page_params(arguments))?;
                let items: Vec<Thing> =
                    page.notes.iter().map(|note| Thing::of_note(&arguments.provider_id, note)).collect();
                self.rows += items.len();
                Ok(Some(Thing::Page { members: json!({"next_page_token": page.next_page_token}), items }))
            }
            Question::Note => {
                let notes = self.notes().await?;
                let name = note_name(self.account, &arguments.provider_id, &arguments.id);
                let (provider, note) = notes.named(&name).ok_or_else(no_note)?;
                self.rows += 1;
                Ok(Some(Thing::of_note(provider, note)))
            }
            Question::Occurrences => {
                let note = arguments.note_id.as_deref();
                if let Some(id) = note {
                    let name = note_name(self.account, &arguments.provider_id, id);
                    self.notes().await?.named(&name).ok_or_else(no_note)?;
                }
                self.occurrences(&arguments.provider_id, note, arguments).await.map(Some)
            }
            Question::Occurrence => {
                let (provider, id) = (&arguments.provider_id, &arguments.id);
                let found = find_occurrence(self.app, self.caller, self.account, provider, id).await?;
                self.rows += 1;
                Ok(Some(Thing::Other { members: json!(found) }))
            }
            Question::OccurrencesOfNote => {
                let Thing::Note { provider, members } = of else { return Ok(None) };
                let id = members["id"].as_str().unwrap_or_default();
                self.occurrences(provider, Some(id), arguments).await.map(Some)
            }
            // Of a rule that is gone there is no note any more.
            Question::NoteOfOccurrence => {
                let notes = self.notes().await?;
                let name = of.members()["note_name"].as_str().unwrap_or_default();
                Ok(notes.named(name).map(|(provider, note)| Thing::of_note(provider, note)))
            }
        }
    }

    async fn providers(&mut self, arguments: &Arguments) -> Result<Thing, Failure> {
        let params = ProviderParams {
            limit: arguments.limit,
            skip: arguments.skip,
            start_provider_id: arguments.start_provider_id.clone(),
            end_provider_id: arguments.end_provider_id.clone(),
        };
        let page = provider_page(self.app, self.account, &params).await?;
        let items = page.providers.iter().map(|provider| Thing::Other { members: json!(provider) }).collect();
        let members = json!({"limit": page.limit, "skip": page.skip, "total_count": page.total_count});
        Ok(Thing::Page { members, items })
    }

    async fn occurrences(
        &mut self,
        provider: &str,
        note: Option<&str>,
        arguments: &Arguments,
    ) -> Result<Thing, Failure> {
        let (notes, own) = (self.notes().await?, self.own().await?);
        let Arguments { kind, severity, .. } = *arguments;
        let is_meant = |one: &&Occurrence| {
            kind.is_none_or(|kind| one.occurrence.kind == kind)
                && severity.is_none_or(|severity| notes.severity_of(one) == Some(severity))
        };
        let own = own_of(&own, self.account, provider, note).filter(is_meant).collect();
        // Rules find nothing of another kind.
        let q = kind.is_none_or(|kind| kind == NoteKind::Finding).then(|| q_of_rules(provider, note, severity));
        let page = page_of(self.app, self.caller, self.account, own, q, &page_params(arguments)).await?;
        let items: Vec<Thing> = page.occurrences.iter().map(|one| Thing::Other { members: json!(one) }).collect();
        self.rows += items.len();
        Ok(Thing::Page { members: json!({"next_page_token": page.next_page_token}), items })
    }

    async fn notes(&mut self) -> Result<Arc<Notes>, Failure> {
        if let Some(known) = &self.notes {
            return Ok(Arc::clone(known));
        }
        let all = all_notes(self.app, self.account).await?;
        let mut by_name = HashMap::with_capacity(all.len());
        for (place, (provider, note)) in all.iter().enumerate() {
            by_name.entry(note_name(self.account, provider, &note.note.id)).or_insert(place);
        }
        let notes = Arc::new(Notes { all, by_name });
        self.notes = Some(Arc::clone(&notes));
        Ok(notes)
    }

    /// What clients reported.
    async fn own(&mut self) -> Result<Arc<Vec<(String, Occurrence)>>, Failure> {
        if let Some(known) = &self.own {
            return Ok(Arc::clone(known));
        }
        let own = Arc::new(own_occurrences(self.app, self.account).await?);
        self.own = Some(Arc::clone(&own));
        Ok(own)
    }

    /// A member of something that is at hand. What is not there is null.
    fn member(&mut self, field: &Planned, of: &Value) -> Result<Value, Failure> {
        self.spend(field.key.len())?;
        let value = &of[field.name];
        match &field.what {
            What::TypeName(name) => Ok(Value::from(*name)),
            What::Value => {
                self.spend(weight(value))?;
                Ok(value.clone())
            }
            What::Part(fields) => self.part(fields, value),
            What::Parts(fields) => {
                let Value::Array(values) = value else { return Ok(Value::Null) };
                values.iter().map(|value| self.part(fields, value)).collect::<Result<Vec<_>, _>>().map(Value::Array)
            }
            // Parts have none.
            What::Items(_) | What::Asked(_) => Ok(Value::Null),
        }
    }

    fn part(&mut self, fields: &[Planned], of: &Value) -> Result<Value, Failure> {
        if !of.is_object() {
            return Ok(Value::Null);
        }
        let mut members = Map::new();
        for field in fields {
            members.insert(field.key.clone(), self.member(field, of)?);
        }
        Ok(Value::Object(members))
    }

    /// Counts what is given, before it is copied.
    fn spend(&mut self, bytes: usize) -> Result<(), Failure> {
        self.bytes += bytes + MEMBER_BYTES;
        if self.bytes > ANSWER_BYTES_MAX {
            let detail = format!(
                "the answer would have more than {} MiB; ask for fewer fields, or for smaller pages",
                ANSWER_BYTES_MAX >> 20
            );
            return Err(Failure::new(Code::InvalidRequest, detail));
        }
        Ok(())
    }
}

fn page_params(arguments: &Arguments) -> FindingPageParams {
    FindingPageParams { page_size: arguments.page_size, page_token: arguments.page_token.clone() }
}

fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len(),
        Value::Array(values) => values.iter().map(|value| weight(value) + MEMBER_BYTES).sum(),
        Value::Object(members) => members.iter().map(|(name, value)| name.len() + weight(value) + MEMBER_BYTES).sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) => 0,
    }
}
