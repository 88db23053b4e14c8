//! The HTTP contract: request and response types and the OpenAPI 3.1 document. No logic.
//!
//! Everything here is a promise to strangers: the web UI, the command line and other people's
//! programs read these shapes. `openapi.json` at the root is printed from this crate; its diff is
//! the review of a change. Names of members never change their meaning; new members may come.

mod accounts;
mod advisor;
mod alerts;
mod cards;
mod document;
mod events;
mod findings;
mod graph;
mod insights;
mod keeping;
mod keys;
mod me;
mod params;
mod paths;
mod people;
mod problem;
mod rejects;
mod rules;
mod search_alerts;
mod server;
mod sessions;
mod sql;

pub use accounts::{Account, AccountCreate, AccountList, Settings, SettingsUpdate};
pub use advisor::{
    AdvisorAlertSource, AdvisorChannel, AdvisorChannelDone, AdvisorChannelGone, AdvisorChannelList,
    AdvisorChannelParams, AdvisorChannelShown, AdvisorChannelTest, AdvisorChannelType, AdvisorChannelWrite,
    AdvisorChannelsGone, AdvisorPublicKey, AdvisorSeverities, AdvisorSeverity,
};
pub use alerts::{
    Alert, AlertAct, AlertCounts, AlertDelivery, AlertDetail, AlertEntry, AlertNote, AlertPage, AlertParams,
    AlertStatus, Channel, ChannelList, ChannelSource, ChannelWrite, Delivery, DeliveryAttempt, DeliveryList,
    DeliveryParams, GroupPair, NoticeKey, Receiver, Silence, SilenceCreate, SilenceList, SyslogTransport,
    WebhookMethod, WebhookSigning,
};
pub use cards::{
    CardList, CardSection, ElementKind, FindingDays, FindingDaysParams, RuleDays, ShownCard, ShownElement, ShownValue,
};
pub use document::{document, document_json};
pub use events::{
    Around, Bucket, Cadf, Count, Credential, Event, EventPage, Facet, Facets, FieldName, FieldOrigin, Fields,
    Histogram, Host, IngestReply, Initiator, Lookup, Observer, QueryCheck, Reason, Record, Rejected, Related,
    RelatedRecord, Stats, Target, Top, ValueCount,
};
pub use findings::{
    Author, Card, CardElement, Certainty, FindingPageParams, FindingSeverity, FindingType, FoundDetail, KpiType,
    KpiValue, Note, NoteKind, NotePage, NoteWrite, Occurrence, OccurrenceContext, OccurrencePage, OccurrenceWrite,
    Provider, ProviderPage, ProviderParams, RelatedUrl, RemediationStep, Reporter, Section, ValueType,
};
pub use graph::{GraphAnswer, GraphError, GraphErrorCode, GraphLocation, GraphRequest};
pub use insights::{
    CloudTrailMetricData, ExpectedCreate, ExpectedInsight, ExpectedInsightList, ExpectedPreview, Insight,
    InsightCounts, InsightEpisode, InsightFeedback, InsightForm, InsightKindShown, InsightMetricData,
    InsightMetricParams, InsightPage, InsightParams, InsightPattern, InsightPointShown, InsightSensitivity,
    InsightSeriesParams, InsightSeriesShown, InsightSettings, InsightState, InsightStatusShown, InsightType,
    InsightVerdict, MetricDataType, MetricForm,
};
pub use keeping::{
    Day, Days, DaysParams, DownloadCreate, DownloadSession, DownloadSessionList, EraseParams, Erased, Retention,
    RetentionList, RetentionUpdate, Searchable,
};
pub use keys::{KeyCreate, KeyCreated, KeyKind, KeyList, KeyRotate, KeyScope, KeySummary, KeyUpdate, TokenCreate};
pub use me::{
    LastSignIn, Me, Membership, NotMe, NotMeDone, OwnSession, PasswordChange, Reauthenticate, RecoveryCodes, TotpCode,
    TotpSetUp,
};
pub use params::{
    AccessReviewParams, AroundParams, CountParams, ExportFormat, ExportParams, FacetParams, FieldParams,
    HistogramParams, IngestFormat, IngestParams, LookupParams, OidcCallbackParams, OidcStartParams, Order,
    OwnActivityParams, QueryCheckParams, RejectParams, ReviewFormat, SearchParams, SignInParams, SqlParams, TailParams,
    TopParams,
};
pub use people::{
    AccessReview, Binding, BindingCreate, BindingList, Group, GroupCreate, GroupList, GroupMember, GroupUpdate,
    HeldRole, Invitation, InvitationCreate, InvitationCreated, InvitationList, LinkCreated, PermissionInfo,
    ReviewedUser, Role, RoleCreate, RoleList, RoleToGive, RoleUpdate, UserEntry, UserList, UserUpdate,
};
pub use problem::{Code, Problem};
pub use rejects::{RawEncoding, Reject, RejectCount, RejectPage, RejectRecord, RejectSummary};
pub use rules::{
    Backtest, BacktestActor, BacktestDay, BacktestDifference, BacktestRequest, BacktestSample, DetectionStatus,
    FiringPolicy, Level, PackageCheck, PackageContent, PackageFileChange, PackageFiles, PackageInstallParams,
    PackageInstalled, PackageList, PackageProblem, PackageSummary, PackageUpdate, PackageVariable, RuleCheck,
    RuleCheckRequest, RuleCreate, RuleDetail, RuleException, RuleExceptionCreate, RuleExceptionList, RuleList,
    RuleMatch, RuleProblem, RuleSummary, RuleTestOutcome, RuleTuning, RuleUpdate,
};
pub use search_alerts::{
    Blackout, BlackoutTimes, Preset, PresetList, PresetWrite, SearchAlert, SearchAlertList, SearchAlertWrite,
    ToldChannel, Trigger, TriggerInterval, TriggerOperator,
};
pub use server::{Degraded, Live, LocationsInUse, Ready, Status, UnavailableTable};
pub use sessions::{
    Challenge, IdentityProvider, InvitationAccept, LinkInfo, LinkKind, LinkLook, Need, PasswordResetCommit,
    PasswordResetRequest, SessionList, SessionSummary, SessionsEnded, SignIn, SignInMethods, SignedIn, User,
};
pub use sql::{SqlAnswer, SqlColumn, SqlRequest};

/// Media type of every error body (RFC 9457).
pub const PROBLEM_JSON: &str = "application/problem+json";
