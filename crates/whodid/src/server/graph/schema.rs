//! What can be asked for in GraphQL: the members of the Findings API under their own names, and the questions that lead
//! from one thing to others.
//!
//! IBM published the path and no schema, so this one is ours. The guide shows it, and a test holds it against the JSON
//! that the other paths answer.

/// A kind of thing, and what can be asked of it.
#[derive(Debug)]
pub struct Type {
    pub name: &'static str,
    members: &'static [Member],
}

/// Something that can be asked of a thing.
#[derive(Debug)]
pub struct Member {
    pub name: &'static str,
    pub shape: Shape,
}

/// What a member is.
#[derive(Debug, Clone, Copy)]
pub enum Shape {
    /// A value, given as it is.
    Value,
    /// A part of the thing.
    Part(&'static Type),
    /// Parts of the thing.
    Parts(&'static Type),
    /// What stands on a page.
    Items(&'static Type),
    /// Something else, which has to be found.
    Asked(Question),
}

/// How something else is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Question {
    Providers,
    Notes,
    Note,
    Occurrences,
    Occurrence,
    OccurrencesOfNote,
    NoteOfOccurrence,
}

impl Question {
    /// What is found.
    pub fn answer(self) -> &'static Type {
        match self {
            Self::Providers => &PROVIDER_PAGE,
            Self::Notes => &NOTE_PAGE,
            Self::Note | Self::NoteOfOccurrence => &NOTE,
            Self::Occurrences | Self::OccurrencesOfNote => &OCCURRENCE_PAGE,
            Self::Occurrence => &OCCURRENCE,
        }
    }

    /// The arguments it takes, and how many of the first of them it needs.
    pub fn arguments(self) -> (&'static [&'static str], usize) {
        match self {
            Self::Providers => (&["limit", "skip", "start_provider_id", "end_provider_id"], 0),
            Self::Notes => (&["provider_id", "kind", "page_size", "page_token"], 1),
            Self::Note | Self::Occurrence => (&["provider_id", "id"], 2),
            Self::Occurrences => (&["provider_id", "note_id", "kind", "severity", "page_size", "page_token"], 1),
            Self::OccurrencesOfNote => (&["kind", "severity", "page_size", "page_token"], 0),
            Self::NoteOfOccurrence => (&[], 0),
        }
    }
}

impl Type {
    pub fn member(&self, name: &str) -> Option<&'static Member> {
        self.members.iter().find(|member| member.name == name)
    }

    /// The names of its members, to be told to who asked for another.
    pub fn names(&self) -> String {
        let names: Vec<&str> = self.members.iter().map(|member| member.name).collect();
        names.join(", ")
    }
}

const fn value(name: &'static str) -> Member {
    Member { name, shape: Shape::Value }
}

const fn part(name: &'static str, of: &'static Type) -> Member {
    Member { name, shape: Shape::Part(of) }
}

const fn parts(name: &'static str, of: &'static Type) -> Member {
    Member { name, shape: Shape::Parts(of) }
}

const fn items(name: &'static str, of: &'static Type) -> Member {
    Member { name, shape: Shape::Items(of) }
}

const fn asked(name: &'static str, question: Question) -> Member {
    Member { name, shape: Shape::Asked(question) }
}

/// Where every query begins.
pub static QUERY: Type = Type {
    name: "Query",
    members: &[
        asked("providers", Question::Providers),
        asked("notes", Question::Notes),
        asked("note", Question::Note),
        asked("occurrences", Question::Occurrences),
        asked("occurrence", Question::Occurrence),
    ],
};

static PROVIDER_PAGE: Type = Type {
    name: "ProviderPage",
    members: &[items("providers", &PROVIDER), value("limit"), value("skip"), value("total_count")],
};

static PROVIDER: Type = Type { name: "Provider", members: &[value("id"), value("name")] };

static NOTE_PAGE: Type = Type { name: "NotePage", members: &[items("notes", &NOTE), value("next_page_token")] };

static OCCURRENCE_PAGE: Type =
    Type { name: "OccurrencePage", members: &[items("occurrences", &OCCURRENCE), value("next_page_token")] };

static NOTE: Type = Type {
    name: "Note",
    members: &[
        value("id"),
        value("kind"),
        value("short_description"),
        value("long_description"),
        part("reported_by", &REPORTER),
        parts("related_url", &RELATED_URL),
        value("shared"),
        value("expiration_time"),
        value("create_time"),
        value("update_time"),
        part("author", &AUTHOR),
        part("finding", &FINDING_TYPE),
        part("kpi", &KPI_TYPE),
        part("card", &CARD),
        part("section", &SECTION),
        asked("occurrences", Question::OccurrencesOfNote),
    ],
};

static OCCURRENCE: Type = Type {
    name: "Occurrence",
    members: &[
        value("id"),
        value("note_name"),
        value("kind"),
        value("name"),
        value("provider_id"),
        value("provider_name"),
        value("short_description"),
        value("long_description"),
        part("reported_by", &REPORTER),
        value("resource_url"),
        value("remediation"),
        value("create_time"),
        value("update_time"),
        value("create_timestamp"),
        value("update_timestamp"),
        value("insertion_timestamp"),
        value("update_week_date"),
        value("record"),
        part("author", &AUTHOR),
        part("context", &CONTEXT),
        part("finding", &FINDING),
        part("kpi", &KPI),
        asked("note", Question::NoteOfOccurrence),
    ],
};

static AUTHOR: Type =
    Type { name: "Author", members: &[value("account_id"), value("email"), value("id"), value("kind")] };

static REPORTER: Type = Type { name: "Reporter", members: &[value("id"), value("title"), value("url")] };

static RELATED_URL: Type = Type { name: "RelatedUrl", members: &[value("label"), value("url")] };

static REMEDIATION_STEP: Type = Type { name: "RemediationStep", members: &[value("title"), value("url")] };

static FINDING_TYPE: Type =
    Type { name: "FindingType", members: &[value("severity"), parts("next_steps", &REMEDIATION_STEP)] };

static KPI_TYPE: Type = Type { name: "KpiType", members: &[value("aggregation_type"), value("severity")] };

static SECTION: Type = Type { name: "Section", members: &[value("title"), value("image")] };

static CARD: Type = Type {
    name: "Card",
    members: &[
        value("section"),
        value("order"),
        value("title"),
        value("subtitle"),
        value("finding_note_names"),
        value("requires_configuration"),
        value("badge_text"),
        value("badge_image"),
        parts("elements", &CARD_ELEMENT),
    ],
};

/// Of each kind, with the members that the kind has.
static CARD_ELEMENT: Type = Type {
    name: "CardElement",
    members: &[
        value("kind"),
        value("text"),
        part("value_type", &VALUE_TYPE),
        parts("value_types", &VALUE_TYPE),
        value("default_interval"),
        value("default_time_range"),
    ],
};

static VALUE_TYPE: Type = Type {
    name: "ValueType",
    members: &[value("kind"), value("text"), value("finding_note_names"), value("kpi_note_names")],
};

static CONTEXT: Type = Type {
    name: "Context",
    members: &[
        value("region"),
        value("resource_crn"),
        value("resource_id"),
        value("resource_name"),
        value("resource_type"),
        value("service_crn"),
        value("service_name"),
        value("environment_name"),
        value("component_name"),
        value("toolchain_id"),
        value("account_id"),
    ],
};

static FINDING: Type = Type {
    name: "Finding",
    members: &[
        value("severity"),
        value("certainty"),
        parts("next_steps", &REMEDIATION_STEP),
        part("network_connection", &NETWORK_CONNECTION),
        part("data_transferred", &DATA_TRANSFERRED),
    ],
};

static NETWORK_CONNECTION: Type = Type {
    name: "NetworkConnection",
    members: &[value("direction"), value("protocol"), part("client", &SOCKET_ADDRESS), part("server", &SOCKET_ADDRESS)],
};

static SOCKET_ADDRESS: Type = Type { name: "SocketAddress", members: &[value("address"), value("port")] };

static DATA_TRANSFERRED: Type = Type {
    name: "DataTransferred",
    members: &[value("client_bytes"), value("server_bytes"), value("client_packets"), value("server_packets")],
};

static KPI: Type = Type { name: "Kpi", members: &[value("value"), value("total")] };

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use serde_json::{Value, json};
    use whodid_api::{Note, NotePage, Occurrence, OccurrencePage, Provider, ProviderPage};

    use super::*;

    /// Members of the JSON that cannot be asked for as they are.
    fn missing(of: &Type, json: &Value, at: &str, found: &mut Vec<String>) {
        for (name, value) in json.as_object().into_iter().flatten() {
            let at = format!("{at}.{name}");
            match of.member(name).map(|member| member.shape) {
                Some(Shape::Value) => {
                    let is_plain = |value: &Value| !value.is_object() && !value.is_array();
                    let all_plain = value.as_array().is_some_and(|all| all.iter().all(is_plain));
                    if !is_plain(value) && !all_plain {
                        found.push(at);
                    }
                }
                Some(Shape::Part(part)) => missing(part, value, &at, found),
                Some(Shape::Parts(part) | Shape::Items(part)) => {
                    for value in value.as_array().unwrap() {
                        missing(part, value, &at, found);
                    }
                }
                Some(Shape::Asked(_)) | None => found.push(at),
            }
        }
    }

    #[test]
    fn every_member_that_the_other_paths_answer_can_be_asked_for() {
        let steps = json!([{"title": "t", "url": "u"}]);
        let value_type = json!({"kind": "FINDING_COUNT", "finding_note_names": ["n"], "text": "t"});
        let kpis = json!({"kind": "KPI", "kpi_note_names": ["n"], "text": "t"});
        let author = json!({"account_id": "a", "email": "e", "id": "i", "kind": "user"});
        let note: Note = serde_json::from_value(json!({
            "id": "n", "kind": "FINDING", "short_description": "s", "long_description": "l", "shared": true,
            "reported_by": {"id": "r", "title": "t", "url": "u"}, "related_url": [{"label": "l", "url": "u"}],
            "expiration_time": "e", "create_time": "c", "update_time": "u", "author": author,
            "finding": {"severity": "HIGH", "next_steps": steps},
            "kpi": {"aggregation_type": "SUM", "severity": "LOW"},
            "section": {"title": "t", "image": "i"},
            "card": {"section": "s", "order": 1, "title": "t", "subtitle": "s", "finding_note_names": ["n"],
                "requires_configuration": true, "badge_text": "b", "badge_image": "i", "elements": [
                    {"kind": "NUMERIC", "text": "t", "value_type": value_type, "default_time_range": "1d"},
                    {"kind": "BREAKDOWN", "text": "t", "value_types": [kpis], "default_time_range": "1d"},
                    {"kind": "TIME_SERIES", "text": "t", "value_types": [value_type], "default_interval": "1d",
                        "default_time_range": "1d"}]}
        }))
        .unwrap();
        let occurrence: Occurrence = serde_json::from_value(json!({
            "id": "o", "note_name": "n", "kind": "FINDING", "resource_url": "u", "remediation": "r",
            "context": {"region": "r", "resource_crn": "c", "resource_id": "i", "resource_name": "n",
                "resource_type": "t", "service_crn": "c", "service_name": "n", "environment_name": "e",
                "component_name": "c", "toolchain_id": "t", "account_id": "a"},
            "finding": {"severity": "HIGH", "certainty": "LOW", "next_steps": steps,
                "network_connection": {"direction": "d", "protocol": "p", "client": {"address": "a", "port": 1},
                    "server": {"address": "a", "port": 1}},
                "data_transferred": {"client_bytes": 1, "server_bytes": 1, "client_packets": 1, "server_packets": 1}},
            "kpi": {"value": 1.0, "total": 2.0}, "short_description": "s", "long_description": "l", "name": "n",
            "provider_id": "p", "provider_name": "n", "reported_by": {"id": "r", "title": "t", "url": "u"},
            "author": author, "create_time": "c",
            "update_time": "u", "create_timestamp": 1, "update_timestamp": 1, "insertion_timestamp": 1,
            "update_week_date": "w", "record": "findings:1"
        }))
        .unwrap();
        let provider = Provider { name: "n".to_owned(), id: "i".to_owned() };
        let mut found = Vec::new();
        let pages = [
            ("notes", json!(NotePage { notes: vec![note], next_page_token: String::new() })),
            ("occurrences", json!(OccurrencePage { occurrences: vec![occurrence], next_page_token: String::new() })),
            ("providers", json!(ProviderPage { providers: vec![provider], limit: 1, skip: 0, total_count: 1 })),
        ];
        for (name, page) in pages {
            let Some(Shape::Asked(question)) = QUERY.member(name).map(|member| member.shape) else { panic!("{name}") };
            missing(question.answer(), &page, name, &mut found);
        }
        assert_eq!(found, Vec::<String>::new());
    }
}
