//! The fields every event has a place for, and the one table that names them.
//!
//! A field is a text column of the stored table. Its query names are the CADF path and the aliases
//! that users of the earlier systems know. Anything else in an event is found by its own path in
//! the raw text, and `raw.` before a path means the raw text even where a field has the same name.
//! So an alias may only be a name that no source uses for something else. Adding a field: a line here, a decoder that fills it, a new schema version.

/// How a field's text is written in the raw JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Written {
    /// As a JSON string.
    Text,
    /// As any JSON value; the text is that value's JSON.
    Json,
}

macro_rules! fields {
    ($( $(#[$doc:meta])* $variant:ident, $column:literal, $path:literal, [$($alias:literal),*], $written:ident, $mark:expr; )*) => {
        /// A text column of an event. See the module's table for column names and query paths.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum Field { $( $(#[$doc])* $variant, )* }

        impl Field {
            /// All fields, in column order.
            pub const ALL: [Self; [$($column),*].len()] = [ $(Self::$variant),* ];

            /// How many fields there are.
            pub const COUNT: usize = Self::ALL.len();

            /// Column name in the stored table and in SQL.
            pub fn column(self) -> &'static str {
                match self { $( Self::$variant => $column, )* }
            }

            /// The CADF path by which queries name the field.
            pub fn path(self) -> &'static str {
                match self { $( Self::$variant => $path, )* }
            }

            /// Further names that queries may use.
            pub fn aliases(self) -> &'static [&'static str] {
                match self { $( Self::$variant => &[$($alias),*], )* }
            }

            /// Whether the text is a string or JSON.
            pub fn written(self) -> Written {
                match self { $( Self::$variant => Written::$written, )* }
            }

            /// The control character that stands in the stored raw template where this field's text
            /// was cut out; `None` for fields that are derived and never cut.
            /// Valid JSON holds no such character, so a mark is never ambiguous.
            pub fn mark(self) -> Option<u8> {
                match self { $( Self::$variant => $mark, )* }
            }
        }
    };
}

fields! {
    /// The sender's id of the event, or one made at ingest.
    Id, "id", "id", ["eventId", "eventID", "_id"], Text, Some(0x01);
    /// The action as received: `kms.secrets.delete`, `created.user`, `DeleteTrail`.
    Action, "action", "action", ["eventName"], Text, Some(0x02);
    /// The action in the CADF taxonomy: `delete`, `read/list`, `authenticate/login`.
    CadfAction, "cadf_action", "cadf.action", ["cadf_action"], Text, None;
    /// `success`, `failure`, `pending` or `unknown`.
    Outcome, "outcome", "outcome", [], Text, Some(0x03);
    /// `normal`, `warning` or `critical`.
    Severity, "severity", "severity", ["level", "_level"], Text, Some(0x04);
    /// `read` or `write`.
    Access, "access", "access", ["record.access"], Text, None;
    /// The sender's sentence about the event.
    Message, "message", "message", ["line", "_line"], Text, Some(0x05);
    /// The service it happened in: `kms`, `iam.amazonaws.com`.
    Service, "service", "service", ["_platform", "platform", "host", "_host", "eventSource"], Text, Some(0x06);
    /// The instance of the service: a CRN, a cluster, an organisation.
    App, "app", "app", ["_app", "logSourceCRN"], Text, Some(0x07);
    /// Where it happened.
    Region, "region", "region", ["record.region", "awsRegion", "acsRegion"], Text, Some(0x08);
    /// Identifier of who acted.
    InitiatorId, "initiator_id", "initiator.id", [], Text, Some(0x0b);
    /// Readable name of who acted.
    InitiatorName, "initiator_name", "initiator.name", [], Text, Some(0x0c);
    /// Kind of who acted: `service/security/account/user`.
    InitiatorType, "initiator_type", "initiator.typeURI", [], Text, Some(0x0e);
    /// Kind of the credential used: `token`, `apikey`.
    CredentialType, "credential_type", "initiator.credential.type", [], Text, Some(0x0f);
    /// Identifier of the credential used: an access key id, a masked token.
    CredentialId, "credential_id", "initiator.credential.id", ["initiator.credential.token"], Text, Some(0x10);
    /// Network address the call came from.
    Address, "initiator_address", "initiator.host.address", ["sourceIPAddress"], Text, Some(0x11);
    /// User agent of the call.
    Agent, "initiator_agent", "initiator.host.agent", ["userAgent"], Text, Some(0x12);
    /// Identifier of what it was done to.
    TargetId, "target_id", "target.id", [], Text, Some(0x13);
    /// Readable name of what it was done to.
    TargetName, "target_name", "target.name", [], Text, Some(0x14);
    /// Kind of what it was done to: `kms/secrets`.
    TargetType, "target_type", "target.typeURI", [], Text, Some(0x15);
    /// Who observed and reported it.
    Observer, "observer_name", "observer.name", [], Text, Some(0x16);
    /// Status code: `403`.
    ReasonCode, "reason_code", "reason.reasonCode", [], Text, Some(0x17);
    /// Status text: `Forbidden`; an error code such as `AccessDenied`.
    ReasonType, "reason_type", "reason.reasonType", [], Text, Some(0x18);
    /// Why it failed, in words.
    ReasonText, "reason_text", "reason.reasonForFailure", [], Text, Some(0x19);
    /// Joins the events of one request or transaction.
    CorrelationId, "correlation_id", "correlationId", [], Text, Some(0x1a);
    /// What was asked for, as JSON.
    RequestData, "request_data", "requestData", [], Json, Some(0x1b);
    /// What was answered, as JSON.
    ResponseData, "response_data", "responseData", [], Json, Some(0x1c);
}

/// The suffix of the Kibana-era Activity Tracker: `target.typeURI_str` means `target.typeURI` as text.
pub const STRING_SUFFIX: &str = "_str";

impl Field {
    /// Index into arrays that hold one entry a field.
    pub fn index(self) -> usize {
        self as usize
    }

    /// Finds the field that a query means by `name`, by path, column or alias, with or without `_str`.
    /// Names are matched exactly; `None` means the name is a path in the raw event.
    pub fn named(name: &str) -> Option<Self> {
        let bare = name.strip_suffix(STRING_SUFFIX).unwrap_or(name);
        Self::ALL
            .into_iter()
            .find(|field| field.path() == bare || field.column() == bare || field.aliases().contains(&bare))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_mark_is_a_control_character_that_json_forbids_and_stands_once() {
        let mut seen = Vec::new();
        for field in Field::ALL {
            let Some(mark) = field.mark() else { continue };
            assert!(mark > 0 && mark < 0x1f && !matches!(mark, b'\t' | b'\n' | b'\r'), "{field:?}");
            assert!(!seen.contains(&mark), "{field:?} shares its mark");
            seen.push(mark);
        }
    }

    #[test]
    fn no_two_fields_answer_to_one_name() {
        for field in Field::ALL {
            for name in [field.path(), field.column()].into_iter().chain(field.aliases().iter().copied()) {
                assert_eq!(Field::named(name), Some(field), "{name}");
                assert_eq!(Field::named(&format!("{name}_str")), Some(field), "{name}_str");
            }
        }
        assert_eq!(Field::named("requestParameters.bucketName"), None);
    }
}
