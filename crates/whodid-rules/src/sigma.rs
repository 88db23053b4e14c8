//! Sigma detections, read and matched by the `rsigma` library behind a narrow seam.
//!
//! Known traps of the library are closed here: names are resolved by us, so that objects can be matched as compact
//! JSON; filters are laid over rules by id, name or title; placeholders are filled in; selectors are written out
//! before a filter's selections join a rule's.

use std::collections::{BTreeMap, HashMap};

use rsigma_eval::{CompiledRule, compile_rule, evaluate_rule};
use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, FieldSpec, FilterRule, FilterRuleTarget, LogSource, Modifier, SigmaRule,
    SigmaString, SigmaValue, parse_sigma_yaml,
};
use yaml_serde::{Mapping, Value};

use crate::address::{Form, Member, Vocabulary};
use crate::bounds::{PatternRoom, check_conditions};
use crate::condition;
use crate::correlation::written_out;
use crate::fault;
use crate::logsource;
use crate::meta::Meta;
use crate::native::{FieldTable, NativeEvent};
use crate::problem::Problem;
use crate::screen::Screen;
use crate::subject::Subject;
use crate::variables::{NoValue, Scope};

/// The package by which whodid watches itself.
pub const SELF_PACKAGE: &str = "whodid-self";

/// Values that rules name by placeholders such as `%admins%`.
pub type Variables = BTreeMap<String, Vec<String>>;

/// A detection rule as read.
#[derive(Debug, Clone)]
pub struct SigmaDetection {
    /// What it says about itself.
    pub meta: Meta,
    pub(crate) rule: SigmaRule,
}

/// A filter as read.
#[derive(Debug, Clone)]
pub struct SigmaFilter {
    /// What it says about itself.
    pub meta: Meta,
    filter: FilterRule,
}

impl SigmaFilter {
    /// Puts values in the places of its variables: what it is laid over may see others, or none. Tells of those that
    /// have none.
    pub(crate) fn fill_in(&mut self, variables: Scope<'_>) -> Vec<Problem> {
        let mut missing = Vec::new();
        for detection in self.filter.detection.named.values_mut() {
            for_items(detection, &mut |item| missing.extend(expand(item, variables).err().into_iter().flatten()));
        }
        fault::of_variables(missing)
    }

    /// Values with which those of its variables that have none can be compiled all the same.
    pub(crate) fn stand_ins(&self, variables: Scope<'_>, found: &mut Variables) {
        stand_ins(&self.filter.detection.named, variables, found);
    }

    /// The rules that it names, by id, name or title; `None`: any.
    pub fn rules(&self) -> Option<&[String]> {
        match &self.filter.rules {
            FilterRuleTarget::Any => None,
            FilterRuleTarget::Specific(names) => Some(names),
        }
    }
}

/// A document that is no correlation.
pub(crate) enum Read {
    Rule(Box<SigmaDetection>),
    Filter(Box<SigmaFilter>),
}

/// Reads a rule or a filter.
///
/// # Errors
/// The first thing that makes it unusable.
pub(crate) fn read(document: &Mapping, problems: &mut Vec<Problem>) -> Result<Read, Problem> {
    let meta = Meta::read(document, problems);
    let error = |message: String| Problem::error("sigma", message);
    check_conditions(document)?;
    if meta.title.is_empty() {
        return Err(error("'title' is missing".to_owned()));
    }
    let mut prepared = document.clone();
    for name in ["detection", "filter"] {
        if let Some(section) = prepared.get_mut(name).and_then(Value::as_mapping_mut) {
            condition::prepare(section).map_err(error)?;
        }
    }
    // The library reads text; what it is given here has been through one parser already.
    let text =
        yaml_serde::to_string(&prepared).map_err(|cause| error(format!("the document cannot be written: {cause}")))?;
    let mut collection = parse_sigma_yaml(&text).map_err(|cause| error(condition::on_one_line(&cause.to_string())))?;
    if let Some(filter) = collection.filters.pop() {
        let section = &filter.detection;
        condition::check_selectors(&section.conditions, &sorted_names(&section.named), problems);
        if filter.rules == FilterRuleTarget::Any && !names_any(document) {
            return Err(error("'filter.rules' must name the rules that it filters, or be 'any'".to_owned()));
        }
        return Ok(Read::Filter(Box::new(SigmaFilter { meta, filter })));
    }
    match collection.rules.pop() {
        Some(rule) => {
            let section = &rule.detection;
            condition::check_selectors(&section.conditions, &sorted_names(&section.named), problems);
            if !document.contains_key("logsource") {
                let message = "'logsource' is missing, so the rule is asked about every event of every source; name the \
                               source, or {category: activity} for a rule that uses whodid's own names of fields";
                problems.push(Problem::warning("logsource", message));
            }
            if let Some(timeframe) = &rule.detection.timeframe {
                problems.push(Problem::warning(
                    "timeframe",
                    format!("'timeframe: {timeframe}' is of an earlier Sigma and means nothing without a correlation"),
                ));
            }
            Ok(Read::Rule(Box::new(SigmaDetection { meta, rule })))
        }
        None => {
            let message = fault::of_keys(document).or_else(|| collection.errors.into_iter().next());
            let message = message.unwrap_or_else(|| "this is no Sigma rule".to_owned());
            Err(error(condition::on_one_line(&message)))
        }
    }
}

fn names_any(document: &Mapping) -> bool {
    let rules = document.get("filter").and_then(|filter| filter.get("rules"));
    rules.and_then(Value::as_str).is_some_and(|rules| rules.eq_ignore_ascii_case("any"))
}

impl SigmaDetection {
    /// Whose names the rule uses first: ours when its logsource has the category `activity`.
    pub fn vocabulary(&self) -> Vocabulary {
        if self.rule.logsource.category.as_deref() == Some(logsource::ACTIVITY) {
            Vocabulary::Ours
        } else {
            Vocabulary::Source
        }
    }

    /// The sources it is for: product, service, category, as the rule states them.
    pub fn logsource(&self) -> &LogSource {
        &self.rule.logsource
    }

    /// The names of the fields it asks for, each once.
    pub fn field_names(&self) -> Vec<String> {
        let mut names: Vec<String> = Vec::new();
        for detection in self.rule.detection.named.values() {
            visit_items(detection, &mut |item| {
                if let Some(name) = item.field.name.as_ref().filter(|name| !names.contains(name)) {
                    names.push(name.clone());
                }
            });
        }
        names.sort();
        names
    }

    /// Values with which those of its variables that have none can be compiled all the same.
    pub(crate) fn stand_ins(&self, variables: Scope<'_>, found: &mut Variables) {
        stand_ins(&self.rule.detection.named, variables, found);
    }

    /// Lays a filter over the rule, when it is meant.
    fn lay(&mut self, filter: &SigmaFilter, number: usize) -> bool {
        let is_named = match &filter.filter.rules {
            FilterRuleTarget::Any => true,
            FilterRuleTarget::Specific(names) => names.iter().any(|name| self.is_called(name)),
        };
        if !is_named || !logsource::contains(filter.filter.logsource.as_ref(), &self.rule.logsource) {
            return false;
        }
        let own_names = sorted_names(&self.rule.detection.named);
        let filter_names = sorted_names(&filter.filter.detection.named);
        let renamed = |name: &str| format!("{OF_FILTER}{number}_{name}");
        for condition in &mut self.rule.detection.conditions {
            let own = written_out(condition, &own_names);
            let filters = &filter.filter.detection.conditions;
            let theirs = filters.iter().map(|condition| rename(&written_out(condition, &filter_names), &renamed));
            // Side by side, however many filters there are: nested ones would go as deep as there are filters.
            let own = match own {
                ConditionExpr::And(members) => members,
                other => vec![other],
            };
            *condition = ConditionExpr::And(own.into_iter().chain(theirs).collect());
        }
        for (name, detection) in &filter.filter.detection.named {
            self.rule.detection.named.insert(renamed(name), detection.clone());
        }
        true
    }

    pub(crate) fn is_called(&self, name: &str) -> bool {
        self.meta.id == name || self.meta.name.as_deref() == Some(name) || self.meta.title == name
    }
}

/// How the names of selections begin that a filter has brought; its number and `_` follow.
pub(crate) const OF_FILTER: &str = "_filter";

pub(crate) fn sorted_names(named: &HashMap<String, Detection>) -> Vec<String> {
    let mut names: Vec<String> = named.keys().cloned().collect();
    names.sort();
    names
}

fn rename(expression: &ConditionExpr, renamed: &impl Fn(&str) -> String) -> ConditionExpr {
    match expression {
        ConditionExpr::And(members) => {
            ConditionExpr::And(members.iter().map(|member| rename(member, renamed)).collect())
        }
        ConditionExpr::Or(members) => ConditionExpr::Or(members.iter().map(|member| rename(member, renamed)).collect()),
        ConditionExpr::Not(member) => ConditionExpr::Not(Box::new(rename(member, renamed))),
        ConditionExpr::Identifier(name) => ConditionExpr::Identifier(renamed(name)),
        ConditionExpr::Selector { .. } => expression.clone(),
    }
}

/// A filter or a rule, with the package it is of.
pub(crate) struct Owned<'p, T> {
    pub package: Option<&'p str>,
    pub item: T,
}

/// Lays filters over rules; those that meet no rule are told, each by its place in `filters`. The filter of a package reaches
/// the rules of that package; one of an account's own reaches all, except those by which whodid watches itself.
pub(crate) fn lay_filters(
    rules: &mut [Owned<'_, &mut SigmaDetection>],
    filters: &[Owned<'_, SigmaFilter>],
) -> Vec<(usize, Problem)> {
    let mut problems = Vec::new();
    for (number, Owned { package, item: filter }) in filters.iter().enumerate() {
        let mut is_used = false;
        for rule in rules.iter_mut() {
            let is_reached = match package {
                Some(_) => rule.package == *package,
                None => rule.package != Some(SELF_PACKAGE),
            };
            is_used |= is_reached && rule.item.lay(filter, number);
        }
        if !is_used {
            let why = match filter.rules() {
                None => "its logsource takes none of them in".to_owned(),
                Some(names) => {
                    let names: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
                    format!("none of {} is here with a logsource that the filter's takes in", names.join(", "))
                }
            };
            problems.push((
                number,
                Problem::warning("unused_filter", format!("the filter meets none of the rules: {why}")),
            ));
        }
    }
    problems
}

/// Compiled detections. Rules are known by the numbers they are added under.
#[derive(Default)]
pub(crate) struct Matcher {
    /// Ascending by number.
    rules: Vec<(usize, CompiledRule)>,
    /// As compiled, for the screen.
    prepared: Vec<SigmaRule>,
    pub fields: FieldTable,
}

impl std::fmt::Debug for Matcher {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Matcher").field("rules", &self.rules.len()).finish_non_exhaustive()
    }
}

impl Matcher {
    /// Compiles rules, each under its number, ascending, with the values that it sees. Those that cannot be compiled are
    /// told by number.
    pub fn add(&mut self, rules: &[(usize, &SigmaDetection, Scope<'_>)]) -> Vec<(usize, Problem)> {
        let mut problems = Vec::new();
        let mut room = PatternRoom::default();
        'rules: for (number, detection, variables) in rules {
            let mut rule = detection.rule.clone();
            // Copied into every match, and of no use there.
            rule.custom_attributes.clear();
            rule.tags.clear();
            rule.falsepositives.clear();
            rule.description = None;
            let vocabulary = detection.vocabulary();
            let mut missing = Vec::new();
            for detection in rule.detection.named.values_mut() {
                *detection = mended(std::mem::replace(detection, Detection::Keywords(Vec::new())));
                for_items(detection, &mut |item| missing.extend(expand(item, *variables).err().into_iter().flatten()));
                ask_for_values(detection, false);
                self.encode(detection, vocabulary);
            }
            for pattern in patterns(&rule) {
                if let Err(problem) = room.take(&pattern) {
                    problems.push((*number, problem));
                    continue 'rules;
                }
            }
            if !missing.is_empty() {
                problems.extend(fault::of_variables(missing).into_iter().map(|problem| (*number, problem)));
                continue;
            }
            match compile_rule(&rule) {
                Ok(compiled) => {
                    self.rules.push((*number, compiled));
                    self.prepared.push(rule);
                }
                Err(error) => {
                    let texts = fault::of_rule(&rule, &error, &self.fields).into_iter();
                    problems.extend(texts.map(|text| (*number, Problem::error("unsupported", text))));
                }
            }
        }
        problems
    }

    /// The screen before these rules, and before others that need one of these actions.
    pub fn screen(&mut self, actions: &[&str]) -> Screen {
        let prepared = std::mem::take(&mut self.prepared);
        Screen::new(prepared.iter(), &self.fields, actions.iter().copied())
    }

    /// The number of the rule at a place.
    pub fn number(&self, place: u32) -> usize {
        self.rules[place as usize].0
    }

    /// Puts what stands for fields into the places of their names.
    fn encode(&mut self, detection: &mut Detection, vocabulary: Vocabulary) {
        match detection {
            Detection::AllOf(items) => {
                for item in items {
                    if let Some(name) = &item.field.name {
                        item.field.name = Some(self.fields.encode(name, vocabulary, form_of(item)));
                    }
                    self.encode_rest(item, vocabulary);
                }
            }
            Detection::AnyOf(members) | Detection::And(members) => {
                members.iter_mut().for_each(|member| self.encode(member, vocabulary));
            }
            Detection::Keywords(_) => {}
            Detection::ArrayMatch { field, body, .. } => {
                let mut members = Vec::new();
                self.encode_body(body, vocabulary, &mut members);
                *field = self.fields.encode_list(field, vocabulary, members);
            }
            Detection::Conditional { named, .. } => {
                named.values_mut().for_each(|member| self.encode(member, vocabulary));
            }
        }
    }

    /// The same for what is asked of a list's elements, where names lead from the element on; `members` gets all of them.
    fn encode_body(&mut self, body: &mut Detection, vocabulary: Vocabulary, members: &mut Vec<Member>) {
        match body {
            Detection::AllOf(items) => {
                for item in items {
                    if let Some(name) = &item.field.name {
                        let form = form_of(item);
                        item.field.name = Some(self.fields.encode_member(name, form, Vec::new(), members));
                    }
                    self.encode_rest(item, vocabulary);
                }
            }
            Detection::AnyOf(parts) | Detection::And(parts) => {
                parts.iter_mut().for_each(|part| self.encode_body(part, vocabulary, members));
            }
            Detection::Keywords(_) => {}
            Detection::ArrayMatch { field, body, .. } => {
                let mut below = Vec::new();
                self.encode_body(body, vocabulary, &mut below);
                *field = self.fields.encode_member(field, Form::Elements, below, members);
            }
            Detection::Conditional { named, .. } => {
                named.values_mut().for_each(|part| self.encode_body(part, vocabulary, members));
            }
        }
    }

    /// What else an item says of fields: others that it refers to, which are the event's, and the form of its own.
    fn encode_rest(&mut self, item: &mut DetectionItem, vocabulary: Vocabulary) {
        item.field.modifiers.retain(|modifier| *modifier != Modifier::Week);
        if item.field.has_modifier(Modifier::FieldRef) {
            for value in &mut item.values {
                if let SigmaValue::String(text) = value {
                    *text = SigmaString::from_raw(&self.fields.encode(&text.original, vocabulary, Form::Flat));
                }
            }
        }
    }

    /// The numbers of those rules at `places` that an event matches, in their order.
    pub fn matches(&self, subject: &Subject<'_>, places: &[u32], found: &mut Vec<usize>) {
        let event = NativeEvent { subject: *subject, fields: &self.fields };
        let matching = places.iter().map(|place| &self.rules[*place as usize]);
        found.extend(matching.filter(|(_, rule)| evaluate_rule(rule, &event).is_some()).map(|(number, _)| *number));
    }
}

/// In which form an item takes the value of its field.
fn form_of(item: &DetectionItem) -> Form {
    match &item.field {
        field if field.has_modifier(Modifier::Week) => Form::Week,
        field if field.has_modifier(Modifier::Exists) => Form::Presence,
        _ => Form::Flat,
    }
}

/// Has every item with `|neq` ask for values besides: what is not there, or null, is not another value. The library says
/// so of absent fields, and not of null, nor of a field that is referred to, which is the event's even in an element.
fn ask_for_values(detection: &mut Detection, is_in_element: bool) {
    match detection {
        Detection::AllOf(items) => {
            let mut asked = Vec::new();
            for item in items.iter().filter(|item| item.field.has_modifier(Modifier::Neq)) {
                if is_in_element && item.field.name.is_none() {
                    // The element itself.
                    asked.push(DetectionItem {
                        field: FieldSpec::new(None, vec![Modifier::Neq]),
                        values: vec![SigmaValue::Null],
                    });
                }
                let refers = item.field.has_modifier(Modifier::FieldRef) && !is_in_element;
                let referred = item.values.iter().filter_map(|value| match value {
                    SigmaValue::String(text) if refers => Some(&text.original),
                    _ => None,
                });
                asked.extend(item.field.name.iter().chain(referred).map(|name| DetectionItem {
                    field: FieldSpec::new(Some(name.clone()), vec![Modifier::Neq]),
                    values: vec![SigmaValue::Null],
                }));
            }
            items.append(&mut asked);
        }
        Detection::AnyOf(members) | Detection::And(members) => {
            members.iter_mut().for_each(|member| ask_for_values(member, is_in_element));
        }
        Detection::Keywords(_) => {}
        Detection::ArrayMatch { body, .. } => ask_for_values(body, true),
        Detection::Conditional { named, .. } => {
            named.values_mut().for_each(|member| ask_for_values(member, is_in_element));
        }
    }
}

/// A detection in a form that the library matches as the specification means it.
fn mended(detection: Detection) -> Detection {
    match detection {
        Detection::AllOf(mut items) => {
            items.iter_mut().for_each(mend_base64_offset);
            let (keywords, items): (Vec<_>, Vec<_>) = items.into_iter().partition(is_keyword_list);
            if keywords.is_empty() {
                return Detection::AllOf(items);
            }
            // Left alone, these would have to equal a whole value.
            let mut parts = if items.is_empty() { Vec::new() } else { vec![Detection::AllOf(items)] };
            for item in keywords {
                if item.field.has_modifier(Modifier::All) {
                    parts.extend(item.values.into_iter().map(|value| Detection::Keywords(vec![as_text(value)])));
                } else {
                    parts.push(Detection::Keywords(item.values.into_iter().map(as_text).collect()));
                }
            }
            Detection::And(parts)
        }
        Detection::AnyOf(members) => Detection::AnyOf(members.into_iter().map(mended).collect()),
        Detection::And(members) => Detection::And(members.into_iter().map(mended).collect()),
        Detection::Keywords(values) => Detection::Keywords(values.into_iter().map(as_text).collect()),
        other @ (Detection::ArrayMatch { .. } | Detection::Conditional { .. }) => other,
    }
}

/// A keyword is looked for as it is written, a number too.
fn as_text(value: SigmaValue) -> SigmaValue {
    match value {
        SigmaValue::Integer(number) => SigmaValue::String(SigmaString::from_raw(&number.to_string())),
        SigmaValue::Float(number) => SigmaValue::String(SigmaString::from_raw(&number.to_string())),
        other => other,
    }
}

/// Keywords written as `'|all': […]`.
fn is_keyword_list(item: &DetectionItem) -> bool {
    item.field.name.is_none()
        && item.field.modifiers.iter().all(|modifier| matches!(modifier, Modifier::All | Modifier::Contains))
}

/// `base64offset` written out. The library keeps the last character of each pattern even where it depends on what
/// follows, so that it finds a text only at the end of what was encoded.
fn mend_base64_offset(item: &mut DetectionItem) {
    let modifiers = &item.field.modifiers;
    let is_offset = modifiers.contains(&Modifier::Base64Offset);
    if !is_offset
        || modifiers.contains(&Modifier::All) && item.values.len() > 1
        || modifiers.contains(&Modifier::Expand)
    {
        return;
    }
    let encode = |text: &str| -> Vec<u8> {
        let wide =
            |unit: u16| if modifiers.contains(&Modifier::Utf16be) { unit.to_be_bytes() } else { unit.to_le_bytes() };
        let mark: &[u8] = if modifiers.contains(&Modifier::Utf16) { &[0xff, 0xfe] } else { &[] };
        if modifiers.iter().any(|modifier| matches!(modifier, Modifier::Wide | Modifier::Utf16be | Modifier::Utf16)) {
            mark.iter().copied().chain(text.encode_utf16().flat_map(wide)).collect()
        } else {
            text.as_bytes().to_vec()
        }
    };
    let mut values = Vec::with_capacity(item.values.len() * 3);
    for value in &item.values {
        let SigmaValue::String(text) = value else { return };
        let Some(plain) = text.as_plain() else { return };
        let bytes = encode(&plain);
        for offset in 0..3_usize {
            let mut padded = vec![b' '; offset];
            padded.extend_from_slice(&bytes);
            let encoded = data_encoding::BASE64.encode(&padded);
            // What depends on the bytes before and behind is cut off.
            let start = [0, 2, 3][offset];
            let end = encoded.len() - [0, 3, 2][padded.len() % 3];
            if let Some(pattern) = encoded.get(start..end).filter(|pattern| !pattern.is_empty()) {
                values.push(SigmaValue::String(SigmaString::from_raw(pattern)));
            }
        }
    }
    item.values = values;
    item.field.modifiers.retain(|modifier| {
        !matches!(
            modifier,
            Modifier::Base64Offset | Modifier::Wide | Modifier::Utf16 | Modifier::Utf16be | Modifier::All
        )
    });
}

/// Fills placeholders in; why some have no values is the error.
pub(crate) fn expand(item: &mut DetectionItem, variables: Scope<'_>) -> Result<(), Vec<NoValue>> {
    if !item.field.has_modifier(Modifier::Expand) {
        return Ok(());
    }
    let mut values = Vec::with_capacity(item.values.len());
    let mut missing = Vec::new();
    for value in &item.values {
        let SigmaValue::String(text) = value else {
            values.push(value.clone());
            continue;
        };
        for filled in fill(&text.original, variables, &mut missing) {
            values.push(SigmaValue::String(SigmaString::new(&filled)));
        }
    }
    if !missing.is_empty() {
        return Err(missing);
    }
    item.values = values;
    item.field.modifiers.retain(|modifier| *modifier != Modifier::Expand);
    Ok(())
}

/// Every text that comes of putting a variable's values in the place of `%name%`. `missing` gets why one has none.
fn fill(text: &str, variables: Scope<'_>, missing: &mut Vec<NoValue>) -> Vec<String> {
    let Some((before, rest)) = text.split_once('%') else { return vec![text.to_owned()] };
    let Some((name, after)) = rest.split_once('%') else { return vec![text.to_owned()] };
    let known = match variables.get(name) {
        Ok(known) => known,
        Err(error) => {
            missing.push(error);
            &[]
        }
    };
    let afters = fill(after, variables, missing);
    known.iter().flat_map(|value| afters.iter().map(move |after| format!("{before}{value}{after}"))).collect()
}

/// Adds a value for each variable that has none: a network where one is asked for, else what is a text and a number.
fn stand_ins(named: &HashMap<String, Detection>, variables: Scope<'_>, found: &mut Variables) {
    for detection in named.values() {
        visit_items(detection, &mut |item| {
            let is_network = item.field.has_modifier(Modifier::Cidr);
            let mut item = item.clone();
            for error in expand(&mut item, variables).err().into_iter().flatten() {
                let NoValue::Missing(name) = error else { continue };
                if is_network {
                    found.insert(name, vec!["192.0.2.0/24".to_owned()]);
                } else {
                    found.entry(name).or_insert_with(|| vec!["0".to_owned()]);
                }
            }
        });
    }
}

fn for_items(detection: &mut Detection, act: &mut impl FnMut(&mut DetectionItem)) {
    match detection {
        Detection::AllOf(items) => items.iter_mut().for_each(act),
        Detection::AnyOf(members) | Detection::And(members) => {
            members.iter_mut().for_each(|member| for_items(member, act));
        }
        Detection::Keywords(_) => {}
        Detection::ArrayMatch { body, .. } => for_items(body, act),
        Detection::Conditional { named, .. } => named.values_mut().for_each(|member| for_items(member, act)),
    }
}

/// The regular expressions of a rule.
fn patterns(rule: &SigmaRule) -> Vec<String> {
    let mut patterns = Vec::new();
    for detection in rule.detection.named.values() {
        visit_items(detection, &mut |item| {
            if item.field.has_modifier(Modifier::Re) {
                patterns.extend(item.values.iter().filter_map(|value| match value {
                    SigmaValue::String(text) => Some(text.original.clone()),
                    _ => None,
                }));
            }
        });
    }
    patterns
}

pub(crate) fn visit_items(detection: &Detection, act: &mut impl FnMut(&DetectionItem)) {
    match detection {
        Detection::AllOf(items) => items.iter().for_each(act),
        Detection::AnyOf(members) | Detection::And(members) => {
            members.iter().for_each(|member| visit_items(member, act))
        }
        Detection::Keywords(_) => {}
        Detection::ArrayMatch { body, .. } => visit_items(body, act),
        Detection::Conditional { named, .. } => named.values().for_each(|member| visit_items(member, act)),
    }
}
