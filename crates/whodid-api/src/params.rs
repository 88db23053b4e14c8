//! Query parameters of every route. A name that a route does not know is refused.

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which way a list runs; always by event time, then offset.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Order {
    /// Latest event time first.
    #[default]
    Desc,
    /// Earliest event time first.
    Asc,
}

/// What an export is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ExportFormat {
    /// One event a line.
    #[default]
    Ndjson,
    /// RFC 4180 with a header row; cells that a spreadsheet would run as a formula get a leading `'`.
    Csv,
    /// One event a line in strict CADF 1.0.
    Cadf,
    /// One event a line in the Activity Tracker profile.
    IbmAt,
}

impl ExportFormat {
    /// The text form.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Cadf => "cadf",
            Self::IbmAt => "ibm-at",
        }
    }
}

/// The format of what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum IngestFormat {
    /// Told from each event's own members.
    #[default]
    Auto,
    /// CADF 1.0, bare or in OpenStack's envelopes.
    Cadf,
    /// The Activity Tracker profile of CADF.
    IbmAt,
    /// AWS CloudTrail.
    #[serde(rename = "cloudtrail")]
    CloudTrail,
    /// Alibaba Cloud ActionTrail.
    #[serde(rename = "actiontrail")]
    ActionTrail,
    /// Kubernetes audit events.
    Kubernetes,
    /// Okta system log.
    Okta,
    /// Google Cloud audit logs.
    Gcp,
    /// Azure activity and sign-in logs.
    Azure,
    /// GitHub audit log.
    #[serde(rename = "github")]
    GitHub,
    /// Authentication logs of Linux machines, in the line forms of syslog.
    LinuxAuth,
    /// Any JSON object.
    Json,
}

macro_rules! filtered {
    ($(#[$doc:meta])* $type:ident { $($own:tt)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
        #[into_params(parameter_in = Query)]
        #[serde(deny_unknown_fields, default)]
        pub struct $type {
            /// The query; empty for everything. The language is described in docs/guide/search.md.
            #[param(nullable = false, example = "action:kms.* outcome:failure")]
            pub q: Option<String>,
            /// Start of the range of event time, inclusive: RFC 3339, seconds since 1970, `now-24h`, `24h` (that long ago) or `2 days ago`.
            #[param(nullable = false, example = "now-24h")]
            pub from: Option<String>,
            /// End of the range, exclusive; written like `from`.
            #[param(nullable = false, example = "now")]
            pub to: Option<String>,
            /// Only events of this space.
            #[param(nullable = false)]
            pub space: Option<String>,
            /// Only events of this region.
            #[param(nullable = false)]
            pub region: Option<String>,
            /// The stream to read; `activity` when not given.
            #[param(nullable = false)]
            pub stream: Option<String>,
            /// The account to read; needed only by members of several.
            #[param(nullable = false)]
            pub account: Option<String>,
            $($own)*
        }
    };
}

filtered!(
    /// Parameters of a search.
    SearchParams {
        /// Events on a page; 100 when not given.
        #[param(nullable = false, minimum = 1, maximum = 1000, default = 100)]
        pub limit: Option<u32>,
        /// `next_cursor` of the page before.
        #[param(nullable = false)]
        pub cursor: Option<String>,
        /// Newest or oldest first.
        #[param(inline, nullable = false)]
        pub order: Option<Order>,
    }
);

filtered!(
    /// Parameters of a count.
    CountParams {}
);

filtered!(
    /// Parameters of a histogram.
    HistogramParams {
        /// Width of a bucket: `auto`, `5m`, `1h`, `P1D`.
        #[param(nullable = false, default = "auto", example = "1h")]
        pub interval: Option<String>,
        /// What the bars are divided by: `outcome`, `result` (success, failure, denied, pending, unknown) or any field.
        #[param(nullable = false, default = "outcome", example = "result")]
        pub by: Option<String>,
    }
);

filtered!(
    /// Parameters of a list of values.
    TopParams {
        /// The field: a CADF path, an alias or a path of the raw event.
        #[param(required, example = "action")]
        pub field: String,
        /// How many values; 10 when not given.
        #[param(nullable = false, minimum = 1, maximum = 1000, default = 10)]
        pub limit: Option<u32>,
        /// Only values that begin with this, whatever its case.
        #[param(nullable = false)]
        pub prefix: Option<String>,
    }
);

filtered!(
    /// Parameters of several lists of values.
    FacetParams {
        /// A field; give the parameter several times, at most 20.
        #[param(required, example = json!(["outcome", "action"]))]
        pub field: Vec<String>,
        /// How many values of each; 8 when not given.
        #[param(nullable = false, minimum = 1, maximum = 1000, default = 8)]
        pub limit: Option<u32>,
    }
);

/// Parameters of the live tail.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct TailParams {
    /// The query; empty for everything. The language is described in docs/guide/search.md.
    #[param(nullable = false, example = "action:kms.* outcome:failure")]
    pub q: Option<String>,
    /// Refused: a tail shows what is recorded from now on. Here so that the refusal can say so.
    #[param(ignore)]
    pub from: Option<String>,
    /// Refused like `from`.
    #[param(ignore)]
    pub to: Option<String>,
    /// Only events of this space.
    #[param(nullable = false)]
    pub space: Option<String>,
    /// Only events of this region.
    #[param(nullable = false)]
    pub region: Option<String>,
    /// The stream to read; `activity` when not given.
    #[param(nullable = false)]
    pub stream: Option<String>,
    /// The account to read; needed only by members of several.
    #[param(nullable = false)]
    pub account: Option<String>,
}

filtered!(
    /// Parameters of an export.
    ExportParams {
        /// NDJSON or CSV.
        #[param(inline, nullable = false)]
        pub format: Option<ExportFormat>,
        /// Columns of a CSV: CADF paths, columns or paths of the raw event, with commas between them.
        #[param(nullable = false, example = "eventTime,initiator.name,action,target.name,outcome")]
        pub columns: Option<String>,
        /// Newest or oldest first; `asc` when not given.
        #[param(inline, nullable = false)]
        pub order: Option<Order>,
    }
);

/// Parameters of sending events.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct IngestParams {
    /// What the body holds; `auto` when not given.
    #[param(inline, nullable = false)]
    pub format: Option<IngestFormat>,
    /// The account to write to; needed only by members of several.
    #[param(nullable = false)]
    pub account: Option<String>,
}

/// Parameters of reading one event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct LookupParams {
    /// The account to read; needed only by members of several.
    #[param(nullable = false)]
    pub account: Option<String>,
}

/// Parameters of reading one's own activity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct OwnActivityParams {
    /// Query text; everything when not given.
    #[param(nullable = false)]
    pub q: Option<String>,
    /// Start of the range of event time: RFC 3339, `now-24h` or `24h`.
    #[param(nullable = false)]
    pub from: Option<String>,
    /// End of the range, exclusive.
    #[param(nullable = false)]
    pub to: Option<String>,
    /// Events on a page; 50 when not given.
    #[param(nullable = false, minimum = 1, maximum = 1000, default = 50)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(nullable = false)]
    pub cursor: Option<String>,
    /// The account to read; needed only by members of several.
    #[param(nullable = false)]
    pub account: Option<String>,
}

/// What an access review is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ReviewFormat {
    /// One JSON object.
    #[default]
    Json,
    /// One line for each role of each user, and for each key.
    Csv,
}

/// Parameters of an access review.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct AccessReviewParams {
    /// What it is written as.
    #[param(nullable = false, inline)]
    pub format: Option<ReviewFormat>,
    /// The account to review; needed only by members of several.
    #[param(nullable = false)]
    pub account: Option<String>,
}

/// Parameters of going to the identity provider.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct OidcStartParams {
    /// The page to come back to: a path of this server.
    #[param(nullable = false)]
    pub next: Option<String>,
}

/// What the identity provider says when it sends the browser back.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(default)]
pub struct OidcCallbackParams {
    /// The one-time code.
    #[param(nullable = false)]
    pub code: Option<String>,
    /// Which sign-in it belongs to.
    #[param(nullable = false)]
    pub state: Option<String>,
    /// Why there is no code.
    #[param(nullable = false)]
    pub error: Option<String>,
    /// Which provider answers.
    #[param(nullable = false)]
    pub iss: Option<String>,
}

/// Parameters of reading an event's neighbours.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct AroundParams {
    /// How many on each side; 20 when not given.
    #[param(nullable = false, minimum = 1, maximum = 200, default = 20)]
    pub count: Option<u32>,
    /// The account to read; needed only by members of several.
    #[param(nullable = false)]
    pub account: Option<String>,
}

/// Parameters of the list of field names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct FieldParams {
    /// Only names that begin with this, whatever its case.
    #[param(nullable = false)]
    pub prefix: Option<String>,
    /// The stream; only the fields of `activity` are listed.
    #[param(nullable = false)]
    pub stream: Option<String>,
    /// The account to read; needed only by members of several.
    #[param(nullable = false)]
    pub account: Option<String>,
}

/// Parameters of the list of rejects.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct RejectParams {
    /// Rejects on a page; 100 when not given.
    #[param(nullable = false, minimum = 1, maximum = 1000, default = 100)]
    pub limit: Option<u32>,
    /// `next_cursor` of the page before.
    #[param(nullable = false)]
    pub cursor: Option<String>,
    /// Only rejects with this code.
    #[param(nullable = false, example = "not_json")]
    pub code: Option<String>,
    /// The account to read; needed only by members of several.
    #[param(nullable = false)]
    pub account: Option<String>,
}

/// Parameters of running SQL.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct SqlParams {
    /// The account to read; needed only by members of several.
    #[param(nullable = false)]
    pub account: Option<String>,
}

/// Parameters of checking a query text.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct QueryCheckParams {
    /// The query text.
    #[param(required, example = "action:kms.* -outcome:success")]
    pub q: String,
}

/// Parameters of a sign-in link.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields, default)]
pub struct SignInParams {
    /// The one-time token; without it the page that asks for one is shown.
    #[param(nullable = false)]
    pub token: Option<String>,
    /// Why an earlier try failed; for the page only.
    #[param(nullable = false)]
    pub error: Option<String>,
    /// Where to go after signing in; for the page only.
    #[param(nullable = false)]
    pub next: Option<String>,
}

impl std::fmt::Debug for SignInParams {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("SignInParams").field("error", &self.error).finish_non_exhaustive()
    }
}
