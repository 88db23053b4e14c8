//! Correlation documents: several matches that mean more together.
//!
//! The kinds of the Sigma correlation specification 2.1.0, and ours beside them in the same form.

use serde::Serialize;
use yaml_serde::{Mapping, Value};

use rsigma_parser::{ConditionExpr, Quantifier, SelectorPattern};

use crate::condition;
use crate::duration;
use crate::meta::Meta;
use crate::problem::Problem;
use crate::yaml;

/// Longest span of a correlation: 90 days.
pub const SPAN_MICROS_MAX: i64 = 90 * 86_400 * duration::SECOND;
/// Most rules that one correlation refers to.
const RULES_MAX: usize = 64;
/// Most fields of a group.
const GROUP_FIELDS_MAX: usize = 16;
/// Most that a count can be asked for: what one group holds.
pub(crate) const COUNT_MAX: f64 = crate::window::ENTRIES_A_GROUP_MAX as f64;
/// Most alternatives that a condition such as `a and (b or c)` comes to.
const ALTERNATIVES_MAX: usize = 64;

/// What is counted or looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Events in the span.
    EventCount,
    /// Different values of a field in the span.
    ValueCount,
    /// The sum of a field's numbers.
    ValueSum,
    /// Their mean.
    ValueAvg,
    /// Their percentile, interpolated.
    ValuePercentile,
    /// Their median.
    ValueMedian,
    /// Matches of several rules within the span, in any order.
    Temporal,
    /// Matches of several rules within the span, each later than the one before.
    TemporalOrdered,
    /// The first rule without the second within the span after it.
    Absence,
    /// A group that was heard of and then no longer, for the span.
    Silence,
    /// A value, or a tuple of values, not seen within the span before.
    NewTerms,
    /// A sign-in from a kind of device the user has not used.
    NewDevice,
    /// A sign-in from a network or country that is rare for the user and for the account.
    UnusualLocation,
    /// Two successful acts of one user too far apart for the time between them.
    ImpossibleTravel,
    /// Sessions of one user from different devices and networks at the same time.
    ConcurrentSessions,
}

impl Kind {
    const NAMES: [(&'static str, Self); 15] = [
        ("event_count", Self::EventCount),
        ("value_count", Self::ValueCount),
        ("value_sum", Self::ValueSum),
        ("value_avg", Self::ValueAvg),
        ("value_percentile", Self::ValuePercentile),
        ("value_median", Self::ValueMedian),
        ("temporal", Self::Temporal),
        ("temporal_ordered", Self::TemporalOrdered),
        ("absence", Self::Absence),
        ("silence", Self::Silence),
        ("new_terms", Self::NewTerms),
        ("new_device", Self::NewDevice),
        ("unusual_location", Self::UnusualLocation),
        ("impossible_travel", Self::ImpossibleTravel),
        ("concurrent_sessions", Self::ConcurrentSessions),
    ];

    /// The name in a document.
    pub fn as_str(self) -> &'static str {
        Self::NAMES.iter().find(|(_, kind)| *kind == self).map_or("", |(name, _)| name)
    }

    /// Whether the Sigma specification knows the kind.
    pub fn is_sigma(self) -> bool {
        !matches!(
            self,
            Self::Absence
                | Self::Silence
                | Self::NewTerms
                | Self::NewDevice
                | Self::UnusualLocation
                | Self::ImpossibleTravel
                | Self::ConcurrentSessions
        )
    }

    fn is_temporal(self) -> bool {
        matches!(self, Self::Temporal | Self::TemporalOrdered)
    }

    fn has_numbers(self) -> bool {
        matches!(self, Self::ValueSum | Self::ValueAvg | Self::ValuePercentile | Self::ValueMedian)
    }
}

/// How a measured number is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Comparator {
    /// Less.
    Lt,
    /// Less or equal.
    Lte,
    /// Greater.
    Gt,
    /// Greater or equal.
    Gte,
    /// Equal.
    Eq,
    /// Not equal.
    Neq,
}

impl Comparator {
    const NAMES: [(&'static str, Self); 6] = [
        ("lt", Self::Lt),
        ("lte", Self::Lte),
        ("gt", Self::Gt),
        ("gte", Self::Gte),
        ("eq", Self::Eq),
        ("neq", Self::Neq),
    ];

    /// Whether `measured` stands so to `bound`.
    pub fn admits(self, measured: f64, bound: f64) -> bool {
        match self {
            Self::Lt => measured < bound,
            Self::Lte => measured <= bound,
            Self::Gt => measured > bound,
            Self::Gte => measured >= bound,
            Self::Eq => measured == bound,
            Self::Neq => measured != bound,
        }
    }

    /// Whether more can never make it false.
    pub fn grows(self) -> bool {
        matches!(self, Self::Gt | Self::Gte)
    }
}

/// One alternative of a condition over rules: all of some and none of others.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct Alternative {
    /// Rules that must have matched.
    pub all: Vec<usize>,
    /// Rules that must not have.
    pub none: Vec<usize>,
}

/// When a correlation fires.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub enum Condition {
    /// All of these comparisons hold for what is measured.
    Threshold(Vec<(Comparator, f64)>),
    /// One of these alternatives holds; indices into [`Correlation::rules`].
    Alternatives(Vec<Alternative>),
}

/// A name that stands for different fields of the rules referred to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Alias {
    /// The name.
    pub name: String,
    /// Reference of a rule, and the field in its events.
    pub fields: Vec<(String, String)>,
}

/// A correlation as read; its references are not looked up yet.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Correlation {
    /// What it says about itself.
    #[serde(flatten)]
    pub meta: Meta,
    /// What is counted or looked for.
    pub kind: Kind,
    /// The rules it refers to, by id, name or title.
    pub rules: Vec<String>,
    /// The fields whose values make a group; one group of all without.
    pub group_by: Vec<String>,
    /// The span, in microseconds.
    pub span_micros: i64,
    /// When it fires.
    pub condition: Condition,
    /// The field that values are taken from; several make a tuple. Of an event count, the field that says how often an
    /// event happened, once without.
    pub fields: Vec<String>,
    /// 0 to 100, of [`Kind::ValuePercentile`].
    pub percentile: f64,
    /// Names of groups that differ between the rules.
    pub aliases: Vec<Alias>,
    /// Whether the rules referred to are findings of their own too.
    pub generate: bool,
    /// Sign-ins or values seen before there is a finding, of kinds that learn.
    pub min_history: u32,
    /// Whether a device is no news in a network that its user has used before.
    pub trusts_networks: bool,
    /// Whether a network is no news with a device that its user has used before. A country always is.
    pub trusts_devices: bool,
}

impl Correlation {
    /// Reads a document that has a `correlation`.
    ///
    /// # Errors
    /// The first thing that makes it unusable.
    pub fn read(document: &Mapping, problems: &mut Vec<Problem>) -> Result<Self, Problem> {
        let meta = Meta::read(document, problems);
        let bad = |message: String| Problem::error("correlation", message);
        crate::bounds::check_conditions(document)?;
        if meta.extension.hours.is_some() {
            return Err(bad("'whodid.hours' belongs to the rules that are correlated".to_owned()));
        }
        let body = document
            .get("correlation")
            .and_then(Value::as_mapping)
            .ok_or_else(|| bad("'correlation' must be a mapping".to_owned()))?;
        check_members(body)?;
        let type_name = yaml::text(body, "type").unwrap_or_default();
        let kind = Kind::NAMES.iter().find(|(name, _)| *name == type_name).map(|(_, kind)| *kind).ok_or_else(|| {
            let names: Vec<&str> = Kind::NAMES.iter().map(|(name, _)| *name).collect();
            bad(format!("the correlation type '{type_name}' is not one of {}", names.join(", ")))
        })?;
        if let Some(window) = yaml::text(body, "window").filter(|window| window != "sliding") {
            return Err(Problem::error(
                "unsupported",
                format!("the window '{window}' is not of the specification; windows slide"),
            ));
        }
        let mut rules = yaml::texts(body, "rules");
        let span_text = yaml::text(body, "timespan").or_else(|| yaml::text(body, "timeframe"));
        let span_text = span_text.ok_or_else(|| bad("'timespan' is missing, such as timespan: 15m".to_owned()))?;
        let span_micros = duration::micros(&span_text).filter(|micros| *micros <= SPAN_MICROS_MAX);
        let span_micros = span_micros
            .ok_or_else(|| bad(format!("the timespan '{span_text}' is none such as 15m, or longer than 90 days")))?;
        let (condition, fields, percentile) = read_condition(body, kind, &mut rules)?;
        if rules.is_empty() {
            return Err(bad("'rules' must name at least one rule".to_owned()));
        }
        if rules.len() > RULES_MAX {
            return Err(bad(format!("'rules' names {} rules, and {RULES_MAX} are allowed", rules.len())));
        }
        if kind == Kind::Absence && rules.len() != 2 {
            return Err(
                bad("'rules' of an absence must name two rules: what happens, and what must follow".to_owned()),
            );
        }
        let group_by = yaml::texts(body, "group-by");
        if group_by.len() > GROUP_FIELDS_MAX {
            return Err(bad(format!("'group-by' names {} fields, and {GROUP_FIELDS_MAX} are allowed", group_by.len())));
        }
        if fields.is_empty() && matches!(kind, Kind::ValueCount | Kind::NewTerms)
            || kind.has_numbers() && fields.len() != 1
        {
            return Err(bad(format!("'condition.field' must name the field whose values a {} takes", kind.as_str())));
        }
        let generate = [document.get("generate"), body.get("generate")]
            .into_iter()
            .flatten()
            .any(|value| value.as_bool() == Some(true));
        let min_history = body.get("min_history").map_or(Ok(5), |value| {
            value
                .as_u64()
                .and_then(|number| u32::try_from(number).ok())
                .ok_or_else(|| bad("'min_history' must be a number from 0".to_owned()))
        })?;
        let is_set = |name: &str| body.get(name).and_then(Value::as_bool).unwrap_or(false);
        let asks_too_much = |(comparator, bound): &(Comparator, f64)| {
            !matches!(comparator, Comparator::Lt | Comparator::Lte | Comparator::Neq) && *bound > COUNT_MAX
        };
        if let (Kind::EventCount | Kind::ValueCount, Condition::Threshold(comparisons)) = (kind, &condition)
            && comparisons.iter().any(asks_too_much)
        {
            return Err(bad(format!("a condition can ask for {COUNT_MAX} at most")));
        }
        Ok(Self {
            meta,
            kind,
            rules,
            group_by,
            span_micros,
            condition,
            fields,
            percentile,
            aliases: read_aliases(body),
            generate,
            min_history,
            trusts_networks: is_set("trust_known_networks"),
            trusts_devices: is_set("trust_known_devices"),
        })
    }
}

fn check_members(body: &Mapping) -> Result<(), Problem> {
    const MEMBERS: [&str; 13] = [
        "type",
        "rules",
        "group-by",
        "timespan",
        "timeframe",
        "condition",
        "aliases",
        "generate",
        "window",
        "field",
        "min_history",
        "trust_known_networks",
        "trust_known_devices",
    ];
    match body.keys().filter_map(Value::as_str).find(|name| !MEMBERS.contains(name)) {
        None => Ok(()),
        Some(name) => {
            Err(Problem::error("correlation", format!("'correlation.{name}' is not one of {}", MEMBERS.join(", "))))
        }
    }
}

type ReadCondition = (Condition, Vec<String>, f64);

fn read_condition(body: &Mapping, kind: Kind, rules: &mut Vec<String>) -> Result<ReadCondition, Problem> {
    let bad = |message: String| Problem::error("condition", message);
    let direct_fields = yaml::texts(body, "field");
    match body.get("condition") {
        None if kind.is_temporal() => {
            // The specification's default, written out: the Sigma library would take one rule for enough.
            Ok((Condition::Threshold(vec![(Comparator::Gte, rules.len() as f64)]), direct_fields, 50.0))
        }
        None if kind == Kind::Absence => {
            let alternative = Alternative { all: vec![0], none: vec![1] };
            Ok((Condition::Alternatives(vec![alternative]), direct_fields, 50.0))
        }
        None if !kind.is_sigma() => Ok((Condition::Threshold(vec![(Comparator::Gte, 1.0)]), direct_fields, 50.0)),
        None => Err(bad("'condition' is missing, such as condition: {gte: 5}".to_owned())),
        Some(Value::Mapping(mapping)) => {
            let mut comparisons = Vec::new();
            for (name, value) in mapping {
                let name = name.as_str().unwrap_or_default();
                if let Some((_, comparator)) = Comparator::NAMES.iter().find(|(known, _)| *known == name) {
                    let bound = value.as_f64().or_else(|| value.as_str().and_then(|text| text.trim().parse().ok()));
                    let bound = bound.filter(|bound| bound.is_finite());
                    comparisons.push((*comparator, bound.ok_or_else(|| bad(format!("'condition.{name}' must be a number")))?));
                } else if !["field", "percentile"].contains(&name) {
                    return Err(bad(format!("'condition.{name}' is not one of lt, lte, gt, gte, eq, neq, field, percentile")));
                }
            }
            if comparisons.is_empty() {
                return Err(bad("'condition' needs a comparison, such as gte: 5".to_owned()));
            }
            let percentile = mapping.get("percentile").map_or(Ok(50.0), |value| {
                value.as_f64().filter(|rank| (0.0..=100.0).contains(rank)).ok_or_else(|| bad("'condition.percentile' must lie between 0 and 100".to_owned()))
            })?;
            let fields = yaml::texts(mapping, "field");
            Ok((Condition::Threshold(comparisons), if fields.is_empty() { direct_fields } else { fields }, percentile))
        }
        Some(Value::String(text)) if kind.is_temporal() => {
            let is_name = |word: &str| rules.iter().any(|rule| rule == word);
            let expression = condition::read(text, &is_name).map_err(bad)?;
            let mut names = Vec::new();
            names_in(&expression, &mut names)?;
            if rules.is_empty() {
                rules.clone_from(&names);
            }
            if let Some(unknown) = names.iter().find(|name| !rules.contains(name)) {
                return Err(bad(format!("the condition names '{unknown}', which 'rules' does not")));
            }
            if let Some(unused) = rules.iter().find(|rule| !names.contains(rule)) {
                return Err(bad(format!("'rules' names '{unused}', which the condition does not")));
            }
            let alternatives = alternatives(&expression, false, rules)?;
            if alternatives.iter().any(|alternative| alternative.all.is_empty()) {
                return Err(bad("a condition of nothing but 'not' has nothing to begin with; name a rule that must match".to_owned()));
            }
            Ok((Condition::Alternatives(alternatives), direct_fields, 50.0))
        }
        Some(_) => Err(bad("'condition' must be a mapping such as {gte: 5}, or for a temporal correlation a text such as 'a and not b'".to_owned())),
    }
}

fn names_in(expression: &ConditionExpr, names: &mut Vec<String>) -> Result<(), Problem> {
    match expression {
        ConditionExpr::And(members) | ConditionExpr::Or(members) => {
            members.iter().try_for_each(|member| names_in(member, names))
        }
        ConditionExpr::Not(member) => names_in(member, names),
        ConditionExpr::Identifier(name) => {
            if !names.contains(name) {
                names.push(name.clone());
            }
            Ok(())
        }
        ConditionExpr::Selector { .. } => {
            Err(Problem::error("condition", "'1 of …' is for selections; name the rules one by one"))
        }
    }
}

/// The condition as alternatives, `not` pushed down to the rules.
fn alternatives(expression: &ConditionExpr, is_negated: bool, rules: &[String]) -> Result<Vec<Alternative>, Problem> {
    let joined = |members: &[ConditionExpr], is_all: bool| {
        let parts: Vec<_> =
            members.iter().map(|member| alternatives(member, is_negated, rules)).collect::<Result<_, _>>()?;
        if is_all { product(parts) } else { Ok(parts.into_iter().flatten().collect()) }
    };
    let found = match expression {
        ConditionExpr::Identifier(name) => {
            let index = rules.iter().position(|rule| rule == name).into_iter().collect();
            Ok(vec![if is_negated {
                Alternative { all: Vec::new(), none: index }
            } else {
                Alternative { all: index, none: Vec::new() }
            }])
        }
        ConditionExpr::Not(member) => alternatives(member, !is_negated, rules),
        ConditionExpr::And(members) => joined(members, !is_negated),
        ConditionExpr::Or(members) => joined(members, is_negated),
        ConditionExpr::Selector { .. } => Ok(Vec::new()),
    }?;
    if found.len() > ALTERNATIVES_MAX {
        return Err(Problem::error(
            "condition",
            format!("the condition has more than {ALTERNATIVES_MAX} alternatives; split the rule"),
        ));
    }
    Ok(found)
}

fn product(parts: Vec<Vec<Alternative>>) -> Result<Vec<Alternative>, Problem> {
    let mut product = vec![Alternative::default()];
    for part in parts {
        let mut next = Vec::new();
        for left in &product {
            for right in &part {
                let mut both = left.clone();
                both.all.extend(right.all.iter().filter(|rule| !left.all.contains(rule)));
                both.none.extend(right.none.iter().filter(|rule| !left.none.contains(rule)));
                if !both.all.iter().any(|rule| both.none.contains(rule)) {
                    next.push(both);
                }
            }
        }
        if next.len() > ALTERNATIVES_MAX {
            return Err(Problem::error(
                "condition",
                format!("the condition has more than {ALTERNATIVES_MAX} alternatives; split the rule"),
            ));
        }
        product = next;
    }
    Ok(product)
}

fn read_aliases(body: &Mapping) -> Vec<Alias> {
    let Some(Value::Mapping(aliases)) = body.get("aliases") else { return Vec::new() };
    let mut read = Vec::new();
    for (name, fields) in aliases {
        let (Some(name), Some(fields)) = (name.as_str(), fields.as_mapping()) else { continue };
        let fields = fields.iter().filter_map(|(rule, field)| Some((yaml::scalar(rule)?, yaml::scalar(field)?)));
        read.push(Alias { name: name.to_owned(), fields: fields.collect() });
    }
    read
}

/// Selectors such as `1 of selection_*` as plain names, so that selections added later are not taken in.
pub(crate) fn written_out(expression: &ConditionExpr, names: &[String]) -> ConditionExpr {
    match expression {
        ConditionExpr::And(members) => {
            ConditionExpr::And(members.iter().map(|member| written_out(member, names)).collect())
        }
        ConditionExpr::Or(members) => {
            ConditionExpr::Or(members.iter().map(|member| written_out(member, names)).collect())
        }
        ConditionExpr::Not(member) => ConditionExpr::Not(Box::new(written_out(member, names))),
        ConditionExpr::Identifier(_) => expression.clone(),
        ConditionExpr::Selector { quantifier, pattern } => {
            let mut chosen: Vec<ConditionExpr> = names
                .iter()
                .filter(|name| match pattern {
                    SelectorPattern::Them => !name.starts_with('_'),
                    SelectorPattern::Pattern(pattern) => rsigma_parser::detection_name_matches(pattern, name),
                })
                .map(|name| ConditionExpr::Identifier(name.clone()))
                .collect();
            match quantifier {
                // One name is itself: an operator over it alone would be read otherwise.
                _ if chosen.len() == 1 && !matches!(quantifier, Quantifier::Count(2..)) => chosen.remove(0),
                Quantifier::Any if !chosen.is_empty() => ConditionExpr::Or(chosen),
                Quantifier::All if !chosen.is_empty() => ConditionExpr::And(chosen),
                _ => expression.clone(),
            }
        }
    }
}
