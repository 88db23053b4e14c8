//! The Findings API.

use crate::{
    FindingPageParams, GraphAnswer, GraphRequest, Note, NotePage, NoteWrite, Occurrence, OccurrencePage,
    OccurrenceWrite, ProviderPage, ProviderParams,
};

/// List providers
///
/// Those that notes or occurrences name, and those of the rules.
#[utoipa::path(get, path = "/findings/v1/{account}/providers", operation_id = "listProviders", tag = "findings",
    params(("account" = String, Path, description = "The account"), ProviderParams),
    responses((status = 200, description = "By id", body = ProviderPage)), security(("key" = []), ("session" = [])))]
pub fn list_providers() {}

/// List notes
///
/// Also one for each finding type of the rules; those are read-only.
#[utoipa::path(get, path = "/findings/v1/{account}/providers/{provider}/notes", operation_id = "listNotes", tag = "findings",
    params(("account" = String, Path, description = "The account"), ("provider" = String, Path, description = "The provider"), FindingPageParams),
    responses((status = 200, description = "A page, by id", body = NotePage)), security(("key" = []), ("session" = [])))]
pub fn list_notes() {}

/// Make a note
///
/// It holds exactly the member that its `kind` names.
#[utoipa::path(post, path = "/findings/v1/{account}/providers/{provider}/notes", operation_id = "createNote", tag = "findings",
    params(("account" = String, Path, description = "The account"), ("provider" = String, Path, description = "The provider")), request_body = NoteWrite,
    responses((status = 200, description = "The note", body = Note)), security(("key" = []), ("session" = [])))]
pub fn create_note() {}

/// Look at a note
#[utoipa::path(get, path = "/findings/v1/{account}/providers/{provider}/notes/{id}", operation_id = "getNote", tag = "findings",
    params(("account" = String, Path, description = "The account"), ("provider" = String, Path, description = "The provider"), ("id" = String, Path, description = "The note's id")),
    responses((status = 200, description = "The note", body = Note)), security(("key" = []), ("session" = [])))]
pub fn get_note() {}

/// Change a note
#[utoipa::path(put, path = "/findings/v1/{account}/providers/{provider}/notes/{id}", operation_id = "updateNote", tag = "findings",
    params(("account" = String, Path, description = "The account"), ("provider" = String, Path, description = "The provider"), ("id" = String, Path, description = "The note's id")), request_body = NoteWrite,
    responses((status = 200, description = "The note as it is now", body = Note)), security(("key" = []), ("session" = [])))]
pub fn update_note() {}

/// Delete a note
///
/// Refused while occurrences refer to it.
#[utoipa::path(delete, path = "/findings/v1/{account}/providers/{provider}/notes/{id}", operation_id = "deleteNote", tag = "findings",
    params(("account" = String, Path, description = "The account"), ("provider" = String, Path, description = "The provider"), ("id" = String, Path, description = "The note's id")),
    responses((status = 200, description = "It is gone")), security(("key" = []), ("session" = [])))]
pub fn delete_note() {}

/// List the occurrences of a note
#[utoipa::path(get, path = "/findings/v1/{account}/providers/{provider}/notes/{id}/occurrences", operation_id = "listNoteOccurrences", tag = "findings",
    params(("account" = String, Path, description = "The account"), ("provider" = String, Path, description = "The provider"), ("id" = String, Path, description = "The note's id"), FindingPageParams),
    responses((status = 200, description = "A page", body = OccurrencePage)), security(("key" = []), ("session" = [])))]
pub fn list_note_occurrences() {}

/// List occurrences
#[utoipa::path(get, path = "/findings/v1/{account}/providers/{provider}/occurrences", operation_id = "listOccurrences", tag = "findings",
    params(("account" = String, Path, description = "The account"), ("provider" = String, Path, description = "The provider"), FindingPageParams),
    responses((status = 200, description = "A page", body = OccurrencePage)), security(("key" = []), ("session" = [])))]
pub fn list_occurrences() {}

/// Report an occurrence
///
/// It becomes an event in the stream `findings`, and an alert where it is grave enough.
#[utoipa::path(post, path = "/findings/v1/{account}/providers/{provider}/occurrences", operation_id = "createOccurrence", tag = "findings",
    params(("account" = String, Path, description = "The account"), ("provider" = String, Path, description = "The provider"),
        ("Replace-If-Exists" = Option<bool>, Header, description = "Whether one of the same id is replaced; else that is refused", nullable = false)), request_body = OccurrenceWrite,
    responses((status = 200, description = "The occurrence", body = Occurrence)), security(("key" = []), ("session" = [])))]
pub fn create_occurrence() {}

/// Look at an occurrence
#[utoipa::path(get, path = "/findings/v1/{account}/providers/{provider}/occurrences/{id}", operation_id = "getOccurrence", tag = "findings",
    params(("account" = String, Path, description = "The account"), ("provider" = String, Path, description = "The provider"), ("id" = String, Path, description = "The occurrence's id")),
    responses((status = 200, description = "The occurrence", body = Occurrence)), security(("key" = []), ("session" = [])))]
pub fn get_occurrence() {}

/// Change an occurrence
///
/// What a rule found cannot be changed.
#[utoipa::path(put, path = "/findings/v1/{account}/providers/{provider}/occurrences/{id}", operation_id = "updateOccurrence", tag = "findings",
    params(("account" = String, Path, description = "The account"), ("provider" = String, Path, description = "The provider"), ("id" = String, Path, description = "The occurrence's id")), request_body = OccurrenceWrite,
    responses((status = 200, description = "The occurrence as it is now", body = Occurrence)), security(("key" = []), ("session" = [])))]
pub fn update_occurrence() {}

/// Delete an occurrence
///
/// The event that told of it stays.
#[utoipa::path(delete, path = "/findings/v1/{account}/providers/{provider}/occurrences/{id}", operation_id = "deleteOccurrence", tag = "findings",
    params(("account" = String, Path, description = "The account"), ("provider" = String, Path, description = "The provider"), ("id" = String, Path, description = "The occurrence's id")),
    responses((status = 200, description = "It is gone")), security(("key" = []), ("session" = [])))]
pub fn delete_occurrence() {}

/// Look at the note of an occurrence
#[utoipa::path(get, path = "/findings/v1/{account}/providers/{provider}/occurrences/{id}/note", operation_id = "getOccurrenceNote", tag = "findings",
    params(("account" = String, Path, description = "The account"), ("provider" = String, Path, description = "The provider"), ("id" = String, Path, description = "The occurrence's id")),
    responses((status = 200, description = "The note", body = Note)), security(("key" = []), ("session" = [])))]
pub fn get_occurrence_note() {}

/// Query with GraphQL
///
/// Read-only: `providers`, `notes`, `note`, `occurrences` and `occurrence`, with the members that the other routes give
/// them; a note has `occurrences`, an occurrence its `note`. The guide has the schema; there is no introspection but
/// `__typename`. What is not found is null, and told under `errors`; a query that cannot be read, or asks for more than
/// 8 levels, 200 fields, 128 lists or 50,000 objects, is a problem.
#[utoipa::path(post, path = "/findings/v1/{account}/graph", operation_id = "queryFindings", tag = "findings",
    params(("account" = String, Path, description = "The account")),
    request_body(content(
        (GraphRequest = "application/json"),
        (String = "application/graphql", example = "{ notes(provider_id: \"acme\") { notes { id short_description } next_page_token } }"),
    ), description = "The query, with a key also as it is"),
    responses((status = 200, description = "What was found", body = GraphAnswer)), security(("key" = []), ("session" = [])))]
pub fn query_findings() {}
