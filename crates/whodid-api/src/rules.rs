//! Rules, packages and exceptions: what is looked for, and what is not to be told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

/// How grave what a rule finds is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// Worth a record, not a look.
    Informational,
    /// A look when there is time.
    Low,
    /// What a rule without a level finds.
    Medium,
    /// A look today.
    High,
    /// A look now.
    Critical,
}

/// A rule as a list shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleSummary {
    /// Its id.
    pub id: String,
    /// What people call it.
    pub title: String,
    /// What it looks for.
    pub description: String,
    /// `match`, `event_count`, `new_terms` and so on.
    pub kind: String,
    /// How grave, tuning applied.
    pub level: Level,
    /// The package it comes from; not there for the account's own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub package: Option<String>,
    /// Who wrote it.
    pub author: String,
    /// Its licence, where one is stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub license: Option<String>,
    /// `attack.t1098` and the like.
    pub tags: Vec<String>,
    /// The finding type, as Security Advisor knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub finding_type: Option<String>,
    /// Whether it runs.
    pub is_enabled: bool,
    /// Whether its matches are findings; a rule that only feeds a correlation has none, nor has one with a `problem`.
    pub is_reported: bool,
    /// What keeps it from running though it is enabled, and how to mend it; not there when it runs or is switched off.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// Whether something of it was changed for this account.
    pub is_tuned: bool,
    /// Tests that stand beside it.
    pub tests: u64,
}

/// Something that is wrong with a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleProblem {
    /// The file, or the package and file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Which document of it, from 1.
    pub document: u64,
    /// The line, from 1: where the text cannot be read, else where the document begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<u64>,
    /// The rule, where it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<String>,
    /// `error` leaves the document out, `warning` does not.
    pub gravity: String,
    /// Stable code: `yaml`, `unsupported`.
    pub code: String,
    /// What is wrong and how to mend it.
    pub message: String,
}

/// How detection stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DetectionStatus {
    /// Rules that run.
    pub rules: u64,
    /// Records that wait to be looked at.
    pub behind: u64,
    /// Groups of correlations that were let go because memory was full.
    pub dropped_groups: u64,
    /// Matches that were let go because their group was full.
    pub dropped_matches: u64,
    /// Matches without a value for a field of their group.
    pub without_group: u64,
    /// Windows that were not judged again for a late match, because there were too many.
    #[serde(default)]
    pub dropped_windows: u64,
    /// Values and networks that learning rules had to forget.
    #[serde(default)]
    pub forgotten_values: u64,
    /// Bytes that correlations remember, about.
    pub state_bytes: u64,
}

/// The rules of an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleList {
    /// Every rule, of packages and the account's own.
    pub rules: Vec<RuleSummary>,
    /// What is wrong with single ones.
    pub problems: Vec<RuleProblem>,
    /// How detection stands; not there when no rule runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detection: Option<DetectionStatus>,
}

/// When a match becomes a finding. Members that are not there are as the rule says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct FiringPolicy {
    /// The fields whose values together make one finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, max_items = 16)]
    pub dedup_key: Option<Vec<String>>,
    /// For how long matches of one key are folded into one finding: `60m`; `0` for none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub dedup_window: Option<String>,
    /// Matches of one key before there is a finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 1)]
    pub threshold: Option<u32>,
    /// Within how long: `10m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub threshold_window: Option<String>,
    /// Most findings a day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, minimum = 0)]
    pub daily_cap: Option<u32>,
}

/// A rule with all of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleDetail {
    /// As a list shows it.
    pub rule: RuleSummary,
    /// Its file's text, which may hold other rules too.
    pub text: String,
    /// The SHA-256 of that text, in hexadecimal: `requestData.textHash` of the audit log.
    pub text_hash: String,
    /// Where to read more.
    pub references: Vec<String>,
    /// When it may be wrong.
    pub false_positives: Vec<String>,
    /// What to do about a finding.
    pub next_steps: Vec<String>,
    /// Which text it is: the SHA-256, in hexadecimal, of its own document in its file, lines ending in `\n`; of a rule
    /// of Security Advisor, of its JSON without blanks and with members in the order of their names. Findings carry it as
    /// `requestData.ruleVersion`, changes in the audit log as `requestData.ruleVersions`.
    pub version: String,
    /// Whether it sees nothing of the audit log, because whoever wrote its text or installed its package may not read
    /// that.
    pub without_audit: bool,
    /// Of the account's own rule: to be sent with a change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<i64>,
    /// What was changed of it for this account.
    pub tuning: RuleTuning,
    /// What its text says.
    pub stated: RuleTuning,
}

/// A rule of the account's own to be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"text": "title: A key was deleted\nid: key-deleted\nlogsource: {category: activity}\ndetection:\n  sel: {action: kms.secrets.delete}\n  condition: sel\nlevel: high\n"}))]
pub struct RuleCreate {
    /// Sigma documents as YAML, or Security Advisor rules as JSON. The first rule names the whole.
    #[schema(min_length = 1)]
    pub text: String,
    /// Whether it runs at once. Its tests must pass then.
    #[serde(default)]
    pub is_enabled: bool,
}

/// What to change of a rule. Members that are not there stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"is_enabled": true, "level": "high"}))]
pub struct RuleUpdate {
    /// Another text; only of the account's own rules.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 1)]
    pub text: Option<String>,
    /// The revision that the new text was made from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub revision: Option<i64>,
    /// Whether it runs. Its tests must pass for that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub is_enabled: Option<bool>,
    /// Whether everything that was tuned is taken back first; on or off stays.
    #[serde(default)]
    pub reset: bool,
    /// Another level; `default` takes back what was set.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub level: Option<String>,
    /// What a correlation's first comparison is made with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub threshold: Option<f64>,
    /// When a match becomes a finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub policy: Option<FiringPolicy>,
}

/// Rules to be looked at without keeping them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"text": "title: T\nlogsource: {category: activity}\ndetection:\n  sel: {outcome: failure}\n  condition: sel\n", "events": [{"time": "2026-01-01T00:00:00Z", "action": "a", "outcome": "failure"}]}))]
pub struct RuleCheckRequest {
    /// Sigma documents as YAML, or Security Advisor rules as JSON.
    #[schema(min_length = 1)]
    pub text: String,
    /// Events to try them on: JSON documents, or lines of text.
    #[serde(default)]
    #[schema(max_items = 1000, value_type = Vec<Object>)]
    pub events: Vec<Value>,
}

/// What came of a test beside a rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleTestOutcome {
    /// The rule.
    pub rule_id: String,
    /// The test.
    pub name: String,
    /// How many matches there were.
    pub matches: u64,
    /// Whether it is as expected.
    pub passed: bool,
    /// What is wrong, in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}

/// A match of a rule among events that were tried.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleMatch {
    /// The rule.
    pub rule_id: String,
    /// Which event, from 0; the last of a correlation's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub event_index: Option<u64>,
    /// When.
    pub time: String,
    /// Why it is unusual, where the kind of rule can say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub why: Option<String>,
}

/// What came of looking at rules.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleCheck {
    /// Ids of the rules that can be used.
    pub rules: Vec<String>,
    /// What is wrong.
    pub problems: Vec<RuleProblem>,
    /// What came of the tests beside them.
    pub tests: Vec<RuleTestOutcome>,
    /// What they find in the events given.
    pub matches: Vec<RuleMatch>,
}

/// A package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PackageSummary {
    /// Its id.
    pub id: String,
    /// Its version.
    pub version: String,
    /// What people call it.
    pub title: String,
    /// What it is for.
    pub description: String,
    /// Who wrote it.
    pub author: String,
    /// The licence of its rules.
    pub licence: String,
    /// The formats whose events its rules need.
    pub sources: Vec<String>,
    /// Whether it came with whodid.
    pub is_builtin: bool,
    /// Whether its rules run.
    pub is_enabled: bool,
    /// Whether it stays off until its variables are filled in.
    pub needs_configuration: bool,
    /// Its rules.
    pub rules: u64,
    /// What an account may fill in.
    pub variables: Vec<PackageVariable>,
    /// The hash that pins it.
    pub digest: String,
    /// The file in the account's storage that it is made of; not there for one that was installed or came with whodid.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// Why that file as it is now cannot be used. The package is what the file was before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
}

/// Something that an account fills in.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PackageVariable {
    /// Its name.
    pub name: String,
    /// `text`, `network` or `number`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it is for.
    pub description: String,
    /// The values that hold.
    pub values: Vec<String>,
    /// Whether these are the package's own.
    pub is_default: bool,
}

/// Packages.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PackageList {
    /// By id.
    pub packages: Vec<PackageSummary>,
    /// What else is wrong with rule files in the account's storage: files that are no package, and the storage itself.
    pub problems: Vec<PackageProblem>,
}

/// What is wrong with rule files in an account's storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PackageProblem {
    /// The file; not there when it is the storage itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub file: Option<String>,
    /// What is wrong and how to mend it.
    pub message: String,
}

/// What to change of a package. Members that are not there stay as they are.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"is_enabled": true, "variables": {"admins": ["root"]}}))]
pub struct PackageUpdate {
    /// Whether its rules run.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub is_enabled: Option<bool>,
    /// Values of variables; an empty list takes the package's own back. Variables not named stay.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Object)]
    pub variables: Option<std::collections::BTreeMap<String, Vec<String>>>,
}

/// How to install a package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct PackageInstallParams {
    /// Account; one's own by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Only tell what would come of it.
    #[serde(default)]
    pub dry_run: bool,
    /// The hash that the package must have: `sha256:…`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// The hash of the installed package that this one was written on; refused when another is installed by now. `none`: refused when one is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replaces: Option<String>,
}

/// A package as its files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"files": {
    "package.yaml": "id: acme-payments\nversion: 1.0.0\ntitle: Acme payments\nauthor: Acme security\nlicence: Apache-2.0\n",
    "rules/payee.yml": "title: Payee changed\nid: payee-changed\nlogsource: {category: activity}\ndetection: {sel: {action: payments.payee.update}, condition: sel}\n"}}))]
pub struct PackageFiles {
    /// The text of each file by its path, `package.yaml` among them.
    #[schema(value_type = Object)]
    pub files: std::collections::BTreeMap<String, String>,
}

/// The files of an installed package.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PackageContent {
    /// The hash of the package: what `replaces` names when changed files are installed.
    pub digest: String,
    /// The text of each file by its path.
    #[schema(value_type = Object)]
    pub files: std::collections::BTreeMap<String, String>,
}

/// A file of a package that differs from the installed one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PackageFileChange {
    /// Its path.
    pub path: String,
    /// What stands in the installed package; not there for a new file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub before: Option<String>,
    /// What stands in this one; not there for a file that goes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub after: Option<String>,
}

/// What a package comes to, were it installed now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PackageCheck {
    /// The package.
    pub package: PackageSummary,
    /// The version that is installed; not there for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub previous_version: Option<String>,
    /// What is wrong.
    pub problems: Vec<RuleProblem>,
    /// What came of its tests.
    pub tests: Vec<RuleTestOutcome>,
    /// Rules that only this one has.
    pub added: Vec<String>,
    /// Rules that only the installed one has.
    pub removed: Vec<String>,
    /// Rules whose text differs.
    pub changed: Vec<String>,
    /// Files that differ from the installed package's: the first ones.
    pub files: Vec<PackageFileChange>,
    /// How many more differ.
    pub files_left_off: u64,
    /// Why it would not be installed, in words; not there where it would.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub refusal: Option<String>,
}

/// What came, or would come, of installing a package.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct PackageInstalled {
    /// The package.
    pub package: PackageSummary,
    /// Whether it was only tried.
    pub dry_run: bool,
    /// The version before; not there for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous_version: Option<String>,
    /// Rules that only the new one has.
    pub added: Vec<String>,
    /// Rules that only the old one had.
    pub removed: Vec<String>,
    /// Rules whose text differs; what was tuned of them stays.
    pub changed: Vec<String>,
    /// What is wrong with single rules, none of it grave.
    pub problems: Vec<RuleProblem>,
    /// Files that differ from those of the version before: the first ones, and only where it was tried.
    #[serde(default)]
    pub files: Vec<PackageFileChange>,
    /// How many more differ.
    #[serde(default)]
    pub files_left_off: u64,
}

/// What a rule is not to tell.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleException {
    /// Its id.
    pub id: String,
    /// The rules it is for; every rule when empty.
    pub rules: Vec<String>,
    /// Which events: fields, with Sigma's modifiers, and the values of each.
    #[schema(value_type = Object)]
    pub events: std::collections::BTreeMap<String, Vec<Value>>,
    /// Who answers for it: a member by name, or the text that was given.
    pub owner: String,
    /// Whether that is a member of the account, as of now.
    pub owner_is_member: bool,
    /// Why it is right.
    pub reason: String,
    /// When it ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// Whether it has ended.
    pub is_ended: bool,
    /// When it was made.
    pub created_at: String,
    /// Who made it.
    pub created_by: String,
}

/// Exceptions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleExceptionList {
    /// By id.
    pub exceptions: Vec<RuleException>,
}

/// An exception to be made.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"rules": ["account-sign-in-failed-logins"], "events": {"initiator.name": ["load-test"]}, "reason": "the load test signs in wrongly on purpose", "expires": "7d"}))]
pub struct RuleExceptionCreate {
    /// The rules it is for; every rule when empty.
    #[serde(default)]
    #[schema(max_items = 100)]
    pub rules: Vec<String>,
    /// Which events: fields, with Sigma's modifiers, and the values of each. All must hold.
    #[schema(value_type = Object)]
    pub events: std::collections::BTreeMap<String, Vec<Value>>,
    /// Who answers for it: a member's name, in any case, or id, or any other text; whoever makes it by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub owner: Option<String>,
    /// Why it is right.
    #[schema(min_length = 1, max_length = 1000)]
    pub reason: String,
    /// When it ends: RFC 3339, or a duration from now such as `7d`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub expires: Option<String>,
}

/// A rule to be run over what is stored.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"id": "key-deleted", "from": "now-30d"}))]
pub struct BacktestRequest {
    /// A rule that is there; with `text`, the rule of the text that is meant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 1)]
    pub id: Option<String>,
    /// A text that is not kept. Compared with the rule of the same id, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, min_length = 1)]
    pub text: Option<String>,
    /// Start of the range of event time; `now-30d` when it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "now-30d")]
    pub from: Option<String>,
    /// End of the range; now when it is not there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "now")]
    pub to: Option<String>,
    /// Another threshold, as tuning would set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub threshold: Option<f64>,
    /// Another policy, as tuning would set it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub policy: Option<FiringPolicy>,
    /// An exception to be tried: `silenced` of `matches` is what it would have silenced. Field names with their values.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, value_type = Option<BTreeMap<String, Vec<Object>>>)]
    pub exception: Option<BTreeMap<String, Vec<Value>>>,
}

/// Hits of a day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BacktestDay {
    /// `2026-11-20`, UTC.
    pub day: String,
    /// Matches and firings.
    pub matches: u64,
    /// What would have been findings.
    pub findings: u64,
}

/// How often somebody did it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BacktestActor {
    /// Who.
    pub name: String,
    /// How often.
    pub count: u64,
}

/// One hit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BacktestSample {
    /// When.
    pub time: String,
    /// What happened, in a sentence.
    pub sentence: String,
    /// Who, where it is known.
    #[schema(required)]
    pub actor: Option<String>,
    /// Records that show it, the newest last: `activity:42`.
    pub evidence: Vec<String>,
    /// Whether an exception silences it.
    pub is_silenced: bool,
}

/// How the tested rule differs from the one that is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct BacktestDifference {
    /// Hits of both.
    pub both: u64,
    /// Hits of the tested one only.
    pub added: u64,
    /// Hits of the one that is there only.
    pub removed: u64,
    /// Some of the added ones.
    pub added_samples: Vec<BacktestSample>,
    /// Some of the removed ones.
    pub removed_samples: Vec<BacktestSample>,
}

/// What a rule would have found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Backtest {
    /// The rule.
    pub rule_id: String,
    /// Its title.
    pub title: String,
    /// Events that were read: those that may concern the rule.
    pub events_read: u64,
    /// Matches and firings.
    pub matches: u64,
    /// What would have been findings, after folding and exceptions.
    pub findings: u64,
    /// Matches that an exception silences.
    pub silenced: u64,
    /// Findings a day, over the days of the range.
    pub findings_per_day: f64,
    /// Days with hits, oldest first.
    pub days: Vec<BacktestDay>,
    /// Who did it most.
    pub actors: Vec<BacktestActor>,
    /// The first hits.
    pub samples: Vec<BacktestSample>,
    /// Compared with the rule that is there; null where there is none, or where there was too much to compare.
    #[schema(required)]
    pub difference: Option<BacktestDifference>,
    /// Event time at which the time ran out; null when everything was looked at.
    #[schema(required)]
    pub stopped_at: Option<String>,
    /// Groups and matches that correlations had to let go.
    pub dropped: u64,
    /// What it took, in milliseconds.
    pub took_ms: u64,
    /// What is wrong with the rule or those it needs.
    pub problems: Vec<RuleProblem>,
}

/// What was changed of a rule for this account, or what its text says.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleTuning {
    /// How grave.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub level: Option<Level>,
    /// What a correlation's first comparison is made with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,
    /// When a match becomes a finding.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<FiringPolicy>,
}
