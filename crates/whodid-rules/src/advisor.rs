//! The JSON rule packages of Security Advisor, read as they are.
//!
//! A package is a list of rules in the dialect of json-rules-engine (source-systems.md §2.2): trees of `all`, `any`
//! and leaves of `fact`, `operator`, `value`. Equality is strict: 400 is not `"400"`. `occurrences` and `withInLast`
//! make a rule a correlation; `groupBy` is ours.

mod repair;

use std::borrow::Cow;
use std::collections::HashMap;

use serde_json::{Map, Value};
use whodid_decode::json::{Node, Value as NodeValue};
use whodid_model::Field;

use crate::correlation::{COUNT_MAX, Comparator, Kind};
use crate::duration;
use crate::hours::{Hours, minute_of_day};
use crate::meta::{Level, Meta, slug};
use crate::problem::Problem;
use crate::subject::Subject;

pub use repair::{Repair, repair};

/// Longest `withInLast`: 24 hours.
const SPAN_MICROS_MAX: i64 = 24 * 3_600 * duration::SECOND;
/// Most levels of conditions.
const DEPTH_MAX: usize = 32;
/// What the names of its findings begin with.
const FINDING_PREFIX: &str = "ata-";

/// A rule of a package, compiled.
#[derive(Debug, Clone)]
pub struct AdvisorRule {
    /// What it says about itself.
    pub meta: Meta,
    /// Whether it is switched off until somebody fills it in.
    pub is_dormant: bool,
    /// Whether the finding is of a kind that the account defines.
    pub is_custom: bool,
    /// Who is said to find it.
    pub provider: String,
    pub(crate) parts: Vec<Part>,
    pub(crate) window: Option<AdvisorWindow>,
    /// Of a correlation: the fields of its groups.
    pub group_by: Vec<String>,
}

/// What must match: one part for a rule over single events and for a count, several that coincide.
#[derive(Debug, Clone)]
pub(crate) struct Part {
    pub condition: Cond,
    /// How often, for parts that coincide.
    pub occurrences: u32,
}

/// The window of a correlation.
#[derive(Debug, Clone)]
pub(crate) struct AdvisorWindow {
    pub kind: Kind,
    pub span: i64,
    pub comparator: Comparator,
    pub bound: f64,
}

/// A condition.
#[derive(Debug, Clone)]
pub(crate) enum Cond {
    All(Vec<Cond>),
    Any(Vec<Cond>),
    Not(Box<Cond>),
    /// Whether the event lies in the hours, against what is asked.
    Hours(Hours, bool),
    /// The time of day as `HHMM`, compared with a minute of the day.
    Clock(Comparator, u16),
    Leaf(Leaf),
}

/// A test of one member of the event.
#[derive(Debug, Clone)]
pub(crate) struct Leaf {
    fact: Fact,
    operator: Operator,
    value: Operand,
}

#[derive(Debug, Clone)]
struct Fact {
    /// Where it lies in the raw event.
    path: Vec<String>,
    /// The same in our vocabulary, for events of other sources.
    ours: Option<Field>,
}

#[derive(Debug, Clone)]
enum Operand {
    Constant(Value),
    Fact(Fact),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    In,
    NotIn,
    Contains,
    DoesNotContain,
    Compare(Comparator),
}

/// A package as read.
#[derive(Debug, Default)]
pub struct Package {
    /// Its rules, in order.
    pub rules: Vec<AdvisorRule>,
    /// The hash of each, in the same order: of its JSON without blanks, members in the order of their names.
    pub versions: Vec<String>,
    /// What had to be mended before it was JSON.
    pub repairs: Vec<Repair>,
    /// What is wrong with single rules; these are left out.
    pub problems: Vec<Problem>,
}

/// Reads a package. A broken rule never takes its neighbours with it.
///
/// # Errors
/// The file is no JSON even after repair, or holds no list of rules.
pub fn read(text: &str) -> Result<Package, Problem> {
    if text.len() > crate::yaml::FILE_BYTES_MAX {
        return Err(Problem::error(
            "too_large",
            format!("the file has {} bytes, and {} are allowed", text.len(), crate::yaml::FILE_BYTES_MAX),
        ));
    }
    let (json, repairs) = match serde_json::from_str::<Value>(text) {
        Ok(json) => (json, Vec::new()),
        Err(first) => {
            let (repaired, repairs) = repair(text);
            let json = serde_json::from_str(&repaired);
            (
                json.map_err(|_| Problem::error("json", format!("this is no JSON, and could not be mended: {first}")))?,
                repairs,
            )
        }
    };
    let rules = match json {
        Value::Array(rules) => rules,
        rule @ Value::Object(_) => vec![rule],
        _ => {
            return Err(Problem::error("json", "a package is a list of rules, [{\"conditions\": …, \"event\": …}, …]"));
        }
    };
    let mut package = Package { repairs, ..Package::default() };
    let read: Vec<Result<AdvisorRule, Problem>> = rules.iter().map(read_rule).collect();
    let mut titles: HashMap<String, String> = HashMap::new();
    for rule in read.iter().flatten() {
        let title = titles.entry(rule.meta.id.clone()).or_insert_with(|| rule.meta.title.clone());
        if rule.meta.title < *title {
            title.clone_from(&rule.meta.title);
        }
    }
    for (index, (rule, read)) in rules.iter().zip(read).enumerate() {
        match read {
            Ok(mut read) => {
                if titles.get(&read.meta.id).is_some_and(|title| *title != read.meta.title) {
                    // Names that differ only in signs are two rules to Security Advisor: neither may be left out. Which
                    // of them has the plain id hangs on the names, not on their order in the file.
                    let sign = crate::ruleset::fingerprint(&read.meta.title);
                    read.meta.id = format!("{}-{}", read.meta.id, &sign[..8]);
                }
                if package.rules.iter().any(|other| other.meta.id == read.meta.id) {
                    let problem = Problem::error("duplicate", "another rule of the package has the same event.type");
                    package.problems.push(Problem { document: index + 1, ..problem.of(&read.meta.id) });
                } else {
                    package.rules.push(read);
                    package.versions.push(crate::ruleset::version_of(&rule.to_string()));
                }
            }
            Err(problem) => package.problems.push(Problem { document: index + 1, ..problem }),
        }
    }
    Ok(package)
}

fn read_rule(rule: &Value) -> Result<AdvisorRule, Problem> {
    let bad = |message: &str| Problem::error("rule", message);
    let rule = rule.as_object().ok_or_else(|| bad("a rule must be an object"))?;
    let event = rule.get("event").and_then(Value::as_object).ok_or_else(|| bad("'event' is missing"))?;
    let title =
        event.get("type").and_then(Value::as_str).ok_or_else(|| bad("'event.type' is missing: the rule's name"))?;
    let of = |problem: Problem| problem.of(title);
    let none = Map::new();
    let params = event.get("params").and_then(Value::as_object).unwrap_or(&none);
    let finding_type = params.get("findingType").and_then(Value::as_str);
    let finding_type = finding_type.ok_or_else(|| of(bad("'event.params.findingType' is missing")))?;
    let root = rule.get("conditions").ok_or_else(|| of(bad("'conditions' is missing")))?;
    let root = root.as_object().filter(|root| root.contains_key("all") || root.contains_key("any"));
    let root = root.ok_or_else(|| of(bad("'conditions' must be {\"all\": […]} or {\"any\": […]}")))?;
    let kind = rule.get("type").and_then(Value::as_str).unwrap_or("boolean");
    let (parts, window) = match kind {
        "aggregate" => aggregate(root).map_err(of)?,
        "coincident" => coincident(root).map_err(of)?,
        _ => (vec![Part { condition: condition(&Value::Object(root.clone()), 0).map_err(of)?, occurrences: 1 }], None),
    };
    let severity = params.get("severity").and_then(Value::as_str).and_then(Level::parse);
    let mut meta = Meta {
        id: slug(title),
        title: title.to_owned(),
        description: rule.get("comment").and_then(Value::as_str).unwrap_or_default().trim().to_owned(),
        level: severity.unwrap_or_default(),
        ..Meta::default()
    };
    // Under this name findings, notes and cards know it; packages leave the prefix out.
    let plain = finding_type.strip_prefix(FINDING_PREFIX).unwrap_or(finding_type);
    meta.extension.finding_type = Some(format!("{FINDING_PREFIX}{plain}"));
    let group_by = match rule.get("groupBy") {
        None => Vec::new(),
        Some(Value::String(field)) => vec![field.clone()],
        Some(Value::Array(fields)) => fields.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
        Some(_) => return Err(of(bad("'groupBy' must be a field or a list of fields"))),
    };
    if !group_by.is_empty() && window.is_none() {
        return Err(of(bad("'groupBy' is for rules of type aggregate or coincident")));
    }
    Ok(AdvisorRule {
        meta,
        is_dormant: rule.get("dormant").and_then(Value::as_bool).unwrap_or(false),
        is_custom: params.get("custom").and_then(Value::as_bool).unwrap_or(false),
        provider: params.get("providerId").and_then(Value::as_str).unwrap_or("security-advisor").to_owned(),
        parts,
        window,
        group_by,
    })
}

type Parts = (Vec<Part>, Option<AdvisorWindow>);

/// What stands in a root `all` besides `withInLast`.
struct Members {
    span: i64,
    occurrences: Option<(Comparator, f64)>,
    rest: Vec<Value>,
}

fn members(root: &Map<String, Value>) -> Result<Members, Problem> {
    let bad = |message: &str| Problem::error("rule", message);
    let all = root.get("all").and_then(Value::as_array);
    let all = all.ok_or_else(|| bad("'withInLast' and 'occurrences' must stand in an 'all' at the root"))?;
    let (mut span, mut occurrences, mut rest) = (None, None, Vec::new());
    for member in all {
        match member.get("fact").and_then(Value::as_str) {
            Some("withInLast") => {
                let text = member.get("value").and_then(Value::as_str).unwrap_or_default();
                let micros = duration::micros(text).filter(|micros| *micros <= SPAN_MICROS_MAX);
                span = Some(micros.ok_or_else(|| {
                    bad(&format!("withInLast '{text}' is not \"N minutes\" (1 to 1440) or \"N hours\" (1 to 24)"))
                })?);
            }
            Some("occurrences") => occurrences = Some(count(member)?),
            _ => rest.push(member.clone()),
        }
    }
    let span = span.ok_or_else(|| bad("'withInLast' is missing from the root 'all'"))?;
    if rest.is_empty() {
        return Err(bad("the rule has no condition besides 'withInLast'"));
    }
    Ok(Members { span, occurrences, rest })
}

fn count(member: &Value) -> Result<(Comparator, f64), Problem> {
    let operator = member.get("operator").and_then(Value::as_str).unwrap_or_default();
    let comparator = match operator {
        "equal" => Comparator::Eq,
        "greaterThan" => Comparator::Gt,
        "greaterThanInclusive" => Comparator::Gte,
        other => {
            return Err(Problem::error(
                "rule",
                format!("'occurrences' takes equal, greaterThan or greaterThanInclusive, not '{other}'"),
            ));
        }
    };
    let number = member.get("value").and_then(Value::as_u64).filter(|number| *number > 0);
    let number = number.ok_or_else(|| Problem::error("rule", "'occurrences' must be a positive whole number"))?;
    if number as f64 > COUNT_MAX {
        return Err(Problem::error("rule", format!("'occurrences' can be {COUNT_MAX} at most")));
    }
    Ok((comparator, number as f64))
}

fn aggregate(root: &Map<String, Value>) -> Result<Parts, Problem> {
    let Members { span, occurrences, rest } = members(root)?;
    let (comparator, bound) =
        occurrences.ok_or_else(|| Problem::error("rule", "'occurrences' is missing from the root 'all'"))?;
    let condition = Cond::All(rest.iter().map(|member| condition(member, 1)).collect::<Result<_, _>>()?);
    let window = AdvisorWindow { kind: Kind::EventCount, span, comparator, bound };
    Ok((vec![Part { condition, occurrences: 1 }], Some(window)))
}

fn coincident(root: &Map<String, Value>) -> Result<Parts, Problem> {
    let Members { span, rest, .. } = members(root)?;
    let is_action = |member: &&Value| member.get("fact").and_then(Value::as_str) == Some("actions");
    let is_block = |member: &&Value| member.get("all").is_some() || member.get("any").is_some();
    let mut parts = Vec::new();
    if rest.iter().any(|member| is_action(&member)) {
        // The manual's spelling: one leaf for each action; what else stands there holds for each of them.
        let shared: Vec<Cond> = rest
            .iter()
            .filter(|member| !is_action(member))
            .map(|member| condition(member, 1))
            .collect::<Result<_, _>>()?;
        for member in rest.iter().filter(is_action) {
            let action = member
                .get("value")
                .and_then(Value::as_str)
                .ok_or_else(|| Problem::error("rule", "'actions contains' needs the name of an action"))?;
            let leaf = Leaf {
                fact: Fact::new("action", None),
                operator: Operator::Equal,
                value: Operand::Constant(action.into()),
            };
            let members = std::iter::once(Cond::Leaf(leaf)).chain(shared.iter().cloned());
            parts.push(Part { condition: Cond::All(members.collect()), occurrences: 1 });
        }
    } else {
        // The packages' spelling: one block for each.
        let shared: Vec<Cond> = rest
            .iter()
            .filter(|member| !is_block(member))
            .map(|member| condition(member, 1))
            .collect::<Result<_, _>>()?;
        for block in rest.iter().filter(is_block) {
            let mut occurrences = 1;
            let mut block = block.clone();
            if let Some(Value::Array(leaves)) = block.get_mut("all") {
                for leaf in leaves.iter().filter(|leaf| leaf.get("fact").and_then(Value::as_str) == Some("occurrences"))
                {
                    let (comparator, bound) = count(leaf)?;
                    occurrences = bound as u32 + u32::from(comparator == Comparator::Gt);
                }
                leaves.retain(|leaf| leaf.get("fact").and_then(Value::as_str) != Some("occurrences"));
            }
            let members = std::iter::once(condition(&block, 1)?).chain(shared.iter().cloned());
            parts.push(Part { condition: Cond::All(members.collect()), occurrences });
        }
    }
    if parts.len() < 2 || parts.len() > 64 {
        return Err(Problem::error("rule", "a coincident rule needs from two to 64 things that happen together"));
    }
    let bound = parts.len() as f64;
    Ok((parts, Some(AdvisorWindow { kind: Kind::Temporal, span, comparator: Comparator::Gte, bound })))
}

fn condition(value: &Value, depth: usize) -> Result<Cond, Problem> {
    let bad = |message: String| Problem::error("condition", message);
    if depth > DEPTH_MAX {
        return Err(bad(format!("conditions are nested deeper than {DEPTH_MAX} levels")));
    }
    let object = value.as_object().ok_or_else(|| bad(format!("{value} is no condition")))?;
    let list = |name: &str| -> Result<Option<Vec<Cond>>, Problem> {
        let Some(members) = object.get(name) else { return Ok(None) };
        let members = members.as_array().ok_or_else(|| bad(format!("'{name}' must be a list")))?;
        Ok(Some(members.iter().map(|member| condition(member, depth + 1)).collect::<Result<_, _>>()?))
    };
    if let Some(members) = list("all")? {
        return Ok(Cond::All(members));
    }
    if let Some(members) = list("any")? {
        return Ok(Cond::Any(members));
    }
    if let Some(member) = object.get("not") {
        return Ok(Cond::Not(Box::new(condition(member, depth + 1)?)));
    }
    if object.contains_key("condition") {
        return Err(bad("named conditions are not part of a package; write the condition out".to_owned()));
    }
    leaf(object)
}

fn leaf(object: &Map<String, Value>) -> Result<Cond, Problem> {
    let bad = |message: String| Problem::error("condition", message);
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let fact = text("fact").ok_or_else(|| bad("a condition needs 'fact', 'operator' and 'value'".to_owned()))?;
    let operator_name = text("operator").ok_or_else(|| bad(format!("the condition on '{fact}' has no 'operator'")))?;
    let value = object.get("value").ok_or_else(|| bad(format!("the condition on '{fact}' has no 'value'")))?;
    let none = Map::new();
    let params = object.get("params").and_then(Value::as_object).unwrap_or(&none);
    let zone = params.get("timeZone").and_then(Value::as_str).unwrap_or("UTC");
    match fact {
        "timeOfDay" => {
            let minute = |name: &str| {
                let text = params.get(name).and_then(Value::as_str).unwrap_or_default();
                minute_of_day(text).ok_or_else(|| bad(format!("'timeOfDay' needs params.{name} as HHMM, not '{text}'")))
            };
            let zone = zone.parse().map_err(|_| bad(format!("'{zone}' is no IANA time zone")))?;
            let hours = Hours::daily(minute("dayStartTime")?, minute("dayEndTime")?, false, zone);
            let asked = value.as_bool().ok_or_else(|| bad("'timeOfDay' must be true or false".to_owned()))?;
            match operator_name {
                "equal" => Ok(Cond::Hours(hours, asked)),
                "notEqual" => Ok(Cond::Hours(hours, !asked)),
                other => Err(bad(format!("'timeOfDay' takes equal, not '{other}'"))),
            }
        }
        "event_time" => {
            let text = value.as_str().unwrap_or_default();
            let minute =
                minute_of_day(text).ok_or_else(|| bad(format!("'event_time' is compared with HHMM, not '{value}'")))?;
            match operator(operator_name)? {
                Operator::Compare(comparator) => Ok(Cond::Clock(comparator, minute)),
                _ => Err(bad(format!("'event_time' takes lessThan or greaterThan, not '{operator_name}'"))),
            }
        }
        "occurrences" | "withInLast" | "actions" => {
            Err(bad(format!("'{fact}' belongs in the root 'all' of an aggregate or coincident rule")))
        }
        _ => {
            let operand = match value.as_object().filter(|value| value.contains_key("fact")) {
                Some(other) => {
                    let name = other.get("fact").and_then(Value::as_str).unwrap_or_default();
                    Operand::Fact(Fact::new(name, other.get("path").and_then(Value::as_str)))
                }
                None => Operand::Constant(value.clone()),
            };
            let operator = operator(operator_name)?;
            if matches!(operator, Operator::In | Operator::NotIn)
                && matches!(&operand, Operand::Constant(value) if !value.is_array())
            {
                return Err(bad(format!("'{operator_name}' needs a list of values for '{fact}'")));
            }
            Ok(Cond::Leaf(Leaf { fact: Fact::new(fact, text("path")), operator, value: operand }))
        }
    }
}

fn operator(name: &str) -> Result<Operator, Problem> {
    Ok(match name {
        "equal" => Operator::Equal,
        "notEqual" => Operator::NotEqual,
        "in" => Operator::In,
        "notIn" => Operator::NotIn,
        "contains" => Operator::Contains,
        "doesNotContain" => Operator::DoesNotContain,
        "lessThan" => Operator::Compare(Comparator::Lt),
        "lessThanInclusive" => Operator::Compare(Comparator::Lte),
        "greaterThan" => Operator::Compare(Comparator::Gt),
        "greaterThanInclusive" => Operator::Compare(Comparator::Gte),
        other => {
            return Err(Problem::error(
                "operator",
                format!(
                    "the operator '{other}' is not one of equal, notEqual, in, notIn, contains, doesNotContain, lessThan, lessThanInclusive, greaterThan, greaterThanInclusive"
                ),
            ));
        }
    })
}

impl Fact {
    fn new(fact: &str, path: Option<&str>) -> Self {
        let path = path.unwrap_or_default().trim_start_matches('$').trim_start_matches('.');
        let parts: Vec<String> =
            std::iter::once(fact).chain(path.split('.')).filter(|part| !part.is_empty()).map(str::to_owned).collect();
        let ours = Field::named(&parts.join("."));
        Self { path: parts, ours }
    }

    /// Its value in an event. Strictly of the raw event, and of our vocabulary for sources that name it otherwise.
    fn value<'a>(&self, subject: &Subject<'a>) -> Option<Found<'a>> {
        let mut node = subject.tree;
        for part in &self.path {
            node = node.and_then(|node| node.get(part));
        }
        match node {
            Some(node) => Some(Found::Node(node)),
            None => subject.texts.text(self.ours?).map(|text| Found::Text(Cow::Borrowed(text))),
        }
    }
}

#[derive(Debug, Clone)]
enum Found<'a> {
    Node(&'a Node<'a>),
    Text(Cow<'a, str>),
}

impl Found<'_> {
    fn is(&self, value: &Value) -> bool {
        match self {
            // Our fields are texts whatever the event had: a number is the number it is written as.
            Self::Text(text) => match value {
                Value::String(value) => value == text,
                Value::Number(number) => {
                    text.trim().parse::<f64>().ok().is_some_and(|text| number.as_f64() == Some(text))
                }
                Value::Bool(truth) => *text == if *truth { "true" } else { "false" },
                Value::Null | Value::Array(_) | Value::Object(_) => false,
            },
            Self::Node(node) => node_is(node, value),
        }
    }

    fn number(&self) -> Option<f64> {
        match self {
            Self::Text(text) => text.trim().parse().ok(),
            Self::Node(node) => match &node.value {
                NodeValue::Int(number) => Some(*number as f64),
                NodeValue::Float(number) => Some(*number),
                NodeValue::Text(text) => text.trim().parse().ok(),
                _ => None,
            },
        }
    }

    fn contains(&self, value: &Value) -> Option<bool> {
        match self {
            Self::Node(Node { value: NodeValue::Array(items), .. }) => {
                Some(items.iter().any(|item| node_is(item, value)))
            }
            _ => None,
        }
    }

    fn to_value(&self) -> Value {
        match self {
            Self::Text(text) => Value::from(text.as_ref()),
            Self::Node(node) => match &node.value {
                NodeValue::Null => Value::Null,
                NodeValue::Bool(truth) => Value::from(*truth),
                NodeValue::Int(number) => Value::from(*number),
                NodeValue::Float(number) => Value::from(*number),
                NodeValue::Text(text) => Value::from(text.as_ref()),
                NodeValue::Array(items) => items.iter().map(|item| Found::Node(item).to_value()).collect(),
                NodeValue::Object(_) => Value::Null,
            },
        }
    }
}

fn node_is(node: &Node<'_>, value: &Value) -> bool {
    match (&node.value, value) {
        (NodeValue::Null, Value::Null) => true,
        (NodeValue::Bool(one), Value::Bool(other)) => one == other,
        (NodeValue::Int(one), Value::Number(other)) => other.as_f64() == Some(*one as f64),
        (NodeValue::Float(one), Value::Number(other)) => other.as_f64() == Some(*one),
        (NodeValue::Text(one), Value::String(other)) => one.as_ref() == other,
        _ => false,
    }
}

impl Cond {
    /// Whether an event meets the condition.
    pub fn holds(&self, subject: &Subject<'_>) -> bool {
        match self {
            Self::All(members) => members.iter().all(|member| member.holds(subject)),
            Self::Any(members) => members.iter().any(|member| member.holds(subject)),
            Self::Not(member) => !member.holds(subject),
            Self::Hours(hours, asked) => hours.holds(subject.place.event_time) == *asked,
            Self::Clock(comparator, minute) => {
                let of_day =
                    subject.place.event_time.micros().rem_euclid(86_400 * duration::SECOND) / (60 * duration::SECOND);
                comparator.admits(of_day as f64, f64::from(*minute))
            }
            Self::Leaf(leaf) => leaf.holds(subject),
        }
    }

    /// The actions of which an event must have one; `None` when any action may do.
    pub fn required_actions(&self) -> Option<Vec<String>> {
        match self {
            Self::All(members) => members.iter().find_map(Self::required_actions),
            Self::Any(members) if !members.is_empty() => {
                let actions: Option<Vec<Vec<String>>> = members.iter().map(Self::required_actions).collect();
                actions.map(|actions| actions.concat())
            }
            Self::Leaf(Leaf { fact, operator, value: Operand::Constant(value) }) if fact.path == ["action"] => {
                match (operator, value) {
                    (Operator::Equal, Value::String(action)) => Some(vec![action.clone()]),
                    (Operator::In, Value::Array(actions)) => {
                        actions.iter().map(|action| action.as_str().map(str::to_owned)).collect()
                    }
                    _ => None,
                }
            }
            _ => None,
        }
    }
}

impl Leaf {
    fn holds(&self, subject: &Subject<'_>) -> bool {
        let fact = self.fact.value(subject);
        let other;
        let value = match &self.value {
            Operand::Constant(value) => value,
            Operand::Fact(path) => {
                other = path.value(subject).map_or(Value::Null, |found| found.to_value());
                &other
            }
        };
        let is_one_of =
            |fact: &Found<'_>| value.as_array().is_some_and(|values| values.iter().any(|value| fact.is(value)));
        match (self.operator, &fact) {
            (Operator::Equal, Some(fact)) => fact.is(value),
            (Operator::Equal, None) => false,
            (Operator::NotEqual, fact) => !fact.as_ref().is_some_and(|fact| fact.is(value)),
            (Operator::In, fact) => fact.as_ref().is_some_and(is_one_of),
            (Operator::NotIn, fact) => !fact.as_ref().is_some_and(is_one_of),
            (Operator::Contains, fact) => fact.as_ref().and_then(|fact| fact.contains(value)) == Some(true),
            (Operator::DoesNotContain, fact) => fact.as_ref().and_then(|fact| fact.contains(value)) == Some(false),
            (Operator::Compare(comparator), fact) => {
                let numbers = fact
                    .as_ref()
                    .and_then(Found::number)
                    .zip(value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()));
                numbers.is_some_and(|(one, other)| comparator.admits(one, other))
            }
        }
    }
}
