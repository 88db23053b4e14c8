//! Which rules may concern an event, told before its raw text is read, and again before it is parsed.
//!
//! Nearly every event concerns no rule at all. Two questions tell so at little cost: what do its columns leave over
//! ([`Screen::by_columns`], remembered for each combination of values), and does its text hold what a rule asks for
//! ([`Screen::by_text`], one pass for all rules)?
//!
//! *Invariant*: every rule that matches an event is among those that remain. Where that is not certain, the rule
//! remains; so the screen may be slow, and never keeps an event from a rule.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use aho_corasick::{AhoCorasick, AhoCorasickKind};
use parking_lot::RwLock;
use rsigma_eval::CompiledDetection;
use rsigma_eval::compiler::{compile_detection, eval_condition};
use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, LogSource, Modifier, SigmaRule, SigmaString, SigmaValue, StringPart,
};
use whodid_model::{Field, StreamName};
use whodid_query::{RecordField, Target};

use crate::correlation::written_out;
use crate::logsource;
use crate::native::{FieldTable, NativeEvent};
use crate::sigma::sorted_names;
use crate::subject::{Subject, Unread};

/// Columns by which rules are ruled out. They have few values each, and most rules ask for one of them.
const KEYS: [Field; 4] = [Field::Action, Field::CadfAction, Field::Outcome, Field::Service];
/// Combinations of values that are remembered.
const COMBINATIONS_MAX: usize = 8_192;
/// Questions after which a full memory is emptied: values change over the years.
const FULL_QUESTIONS_MAX: u64 = 1 << 20;
/// Texts of one clause beyond which it is not worth asking for each.
const CLAUSE_TEXTS_MAX: usize = 300;
/// Clauses of one rule that are asked for.
const CLAUSES_MAX: usize = 8;
/// Shortest text that is looked for.
const TEXT_BYTES_MIN: usize = 3;
/// Bytes of all texts up to which the faster automaton is worth its memory.
const FAST_BYTES_MAX: usize = 64 << 10;
/// Where one of these stands, a text may be written in another way than the rule writes it: JSON's escapes of ASCII,
/// and the letters beyond ASCII that fold to one of ASCII (İ to i, ſ to s, the Kelvin sign to k).
const DISGUISES: [&str; 12] = [
    "\\u002", "\\u003", "\\u004", "\\u005", "\\u006", "\\u007", "\\u0130", "\\u017f", "\\u212a", "\u{130}", "\u{17f}",
    "\u{212a}",
];

/// A prepared rule: its place among the rules, and the rule with its names encoded.
#[derive(Debug)]
struct Screened {
    logsource: LogSource,
    tree: Tree,
    /// How many clauses must be met; none where the text tells nothing.
    clauses: u8,
}

/// A rule's condition as far as the columns can judge it.
#[derive(Debug)]
enum Tree {
    Unknown,
    Item(Item),
    All(Vec<Tree>),
    Any(Vec<Tree>),
    Not(Box<Tree>),
}

#[derive(Debug)]
struct Item {
    /// The column that must be there; `None` for what whodid knows of every record.
    column: Option<Field>,
    detection: HashMap<String, CompiledDetection>,
}

/// Texts of which an event must hold one.
type Clause = Vec<String>;

/// What an event's text leaves over.
#[derive(Debug, Default)]
pub(crate) struct Remaining {
    /// Places of rules, ascending.
    pub rules: Vec<u32>,
    /// Whether it may have one of the actions that were given to [`Screen::new`].
    pub has_action: bool,
}

#[derive(Default)]
pub(crate) struct Screen {
    rules: Vec<Screened>,
    logsources: logsource::Known,
    texts: Option<AhoCorasick>,
    /// For each text the clauses that it meets: rule and clause. Disguises come first and have none.
    meets: Vec<Vec<(u32, u8)>>,
    /// Columns whose texts rules may ask for and that need not stand in the raw text.
    columns: Vec<Field>,
    /// Whether there are actions to tell of.
    has_actions: bool,
    /// Whether the text can tell that an event has none of them.
    knows_actions: bool,
    known: RwLock<HashMap<String, Arc<[u32]>>>,
    asked_while_full: AtomicU64,
}

impl Screen {
    /// A screen for prepared rules, in order: names encoded in `fields`, placeholders filled in. `actions` are those
    /// of rules that are kept elsewhere.
    pub fn new<'r>(
        rules: impl Iterator<Item = &'r SigmaRule>,
        fields: &FieldTable,
        actions: impl Iterator<Item = &'r str>,
    ) -> Self {
        let mut builder =
            Builder { fields, texts: HashMap::new(), list: Vec::new(), meets: Vec::new(), columns: Vec::new() };
        DISGUISES.iter().for_each(|text| {
            builder.text(text);
        });
        let screened: Vec<Screened> = rules.zip(0..).map(|(rule, place)| builder.screened(rule, place)).collect();
        let (mut has_actions, mut knows_actions) = (false, true);
        for action in actions {
            has_actions = true;
            match piece(&[action]) {
                Some(piece) => builder.meet(&piece, ACTIONS, 0),
                None => knows_actions = false,
            }
        }
        let bytes: usize = builder.list.iter().map(String::len).sum();
        let kind = if bytes <= FAST_BYTES_MAX { AhoCorasickKind::DFA } else { AhoCorasickKind::ContiguousNFA };
        let texts = AhoCorasick::builder().ascii_case_insensitive(true).kind(Some(kind)).build(&builder.list).ok();
        Self {
            rules: screened,
            logsources: logsource::Known::new(),
            texts,
            meets: builder.meets,
            columns: builder.columns,
            has_actions,
            knows_actions,
            known: RwLock::default(),
            asked_while_full: AtomicU64::new(0),
        }
    }

    /// The rules that an event may match as far as its columns tell, ascending. With `routes`, without those whose logsource
    /// the event's source contradicts.
    pub fn by_columns(&self, event: &Unread<'_>, routes: bool, fields: &FieldTable) -> Arc<[u32]> {
        let mut key = String::with_capacity(160);
        let texts = [Some(event.source), Some(event.place.stream.as_str())].into_iter();
        for text in texts.chain(KEYS.iter().map(|field| event.texts.text(*field))) {
            push(&mut key, text);
        }
        if let Some(known) = self.known.read().get(&key) {
            return Arc::clone(known);
        }
        if self.is_full() {
            return self.routed(&event.without_raw(), routes).collect();
        }
        let subject = event.without_raw();
        let native = NativeEvent { subject, fields };
        let remains = |place: &u32| self.rules[*place as usize].tree.judge(&native) != Some(false);
        let remaining: Arc<[u32]> = self.routed(&subject, routes).filter(remains).collect();
        self.known.write().insert(key, Arc::clone(&remaining));
        remaining
    }

    /// The rules that are not for other sources, ascending.
    pub fn routed<'s>(&'s self, subject: &Subject<'_>, routes: bool) -> impl Iterator<Item = u32> + use<'s> {
        let logsource = if routes { self.logsources.of(subject) } else { None };
        let is_of_insights = routes && subject.place.stream == StreamName::insights();
        let is_meant = move |(_, rule): &(u32, &Screened)| {
            if is_of_insights && !logsource::is_for_insights(&rule.logsource) {
                return false;
            }
            logsource.is_none_or(|logsource| !logsource::contradicts(&rule.logsource, logsource))
        };
        (0..).zip(&self.rules).filter(is_meant).map(|(place, _)| place)
    }

    fn is_full(&self) -> bool {
        if self.known.read().len() < COMBINATIONS_MAX {
            return false;
        }
        if self.asked_while_full.fetch_add(1, Ordering::Relaxed) < FULL_QUESTIONS_MAX {
            return true;
        }
        self.asked_while_full.store(0, Ordering::Relaxed);
        self.known.write().clear();
        false
    }

    /// Of `rules`, those that an event may match as far as its text tells.
    pub fn by_text(&self, rules: &[u32], event: &Unread<'_>, raw: &str) -> Remaining {
        let all = || Remaining { rules: rules.to_vec(), has_action: true };
        let asks = self.has_actions || rules.iter().any(|place| self.rules[*place as usize].clauses > 0);
        let Some(automaton) = self.texts.as_ref().filter(|_| asks) else { return all() };
        let mut met = vec![0_u8; self.rules.len()];
        let mut has_action = !self.knows_actions;
        for text in std::iter::once(raw).chain(self.columns.iter().filter_map(|field| event.texts.text(*field))) {
            for found in automaton.find_overlapping_iter(text) {
                let text = found.pattern().as_usize();
                if text < DISGUISES.len() {
                    return all();
                }
                for (rule, clause) in &self.meets[text] {
                    match met.get_mut(*rule as usize) {
                        Some(met) => *met |= 1 << clause,
                        None => has_action = true,
                    }
                }
            }
        }
        let is_met = |place: &u32| {
            let index = *place as usize;
            u16::from(met[index]) + 1 == 1 << self.rules[index].clauses
        };
        Remaining { rules: rules.iter().copied().filter(is_met).collect(), has_action }
    }
}

/// Puts a value into the key of a combination so that no two combinations have the same key.
fn push(key: &mut String, text: Option<&str>) {
    use std::fmt::Write as _;
    let _ = match text {
        Some(text) => write!(key, "{}:{text}", text.len()),
        None => write!(key, "-"),
    };
}

/// Stands for a rule where an action is meant.
const ACTIONS: u32 = u32::MAX;

struct Builder<'f> {
    fields: &'f FieldTable,
    texts: HashMap<String, usize>,
    list: Vec<String>,
    meets: Vec<Vec<(u32, u8)>>,
    columns: Vec<Field>,
}

impl Builder<'_> {
    fn text(&mut self, text: &str) -> usize {
        let text = text.to_ascii_lowercase();
        if let Some(index) = self.texts.get(&text) {
            return *index;
        }
        self.list.push(text.clone());
        self.meets.push(Vec::new());
        self.texts.insert(text, self.list.len() - 1);
        self.list.len() - 1
    }

    fn meet(&mut self, text: &str, rule: u32, clause: u8) {
        let index = self.text(text);
        self.meets[index].push((rule, clause));
    }

    fn screened(&mut self, rule: &SigmaRule, place: u32) -> Screened {
        let named = &rule.detection.named;
        let names = sorted_names(named);
        let conditions: Vec<ConditionExpr> =
            rule.detection.conditions.iter().map(|condition| written_out(condition, &names)).collect();
        let tree = Tree::Any(conditions.iter().map(|condition| self.tree_of_condition(condition, named)).collect());
        let clauses = one_of(conditions.iter().map(|condition| self.clauses_of_condition(condition, named)));
        let clauses: Vec<Clause> = clauses.into_iter().take(CLAUSES_MAX).collect();
        for (clause, texts) in (0..).zip(&clauses) {
            texts.iter().for_each(|text| self.meet(text, place, clause));
        }
        Screened { logsource: rule.logsource.clone(), tree, clauses: clauses.len() as u8 }
    }

    fn tree_of_condition(&self, condition: &ConditionExpr, named: &HashMap<String, Detection>) -> Tree {
        let each =
            |members: &[ConditionExpr]| members.iter().map(|member| self.tree_of_condition(member, named)).collect();
        match condition {
            ConditionExpr::And(members) => Tree::All(each(members)),
            ConditionExpr::Or(members) => Tree::Any(each(members)),
            ConditionExpr::Not(member) => Tree::Not(Box::new(self.tree_of_condition(member, named))),
            ConditionExpr::Identifier(name) => named.get(name).map_or(Tree::Unknown, |named| self.tree_of(named)),
            ConditionExpr::Selector { .. } => Tree::Unknown,
        }
    }

    fn tree_of(&self, detection: &Detection) -> Tree {
        match detection {
            Detection::AllOf(items) => Tree::All(items.iter().map(|item| self.tree_of_item(item)).collect()),
            Detection::And(members) => Tree::All(members.iter().map(|member| self.tree_of(member)).collect()),
            Detection::AnyOf(members) => Tree::Any(members.iter().map(|member| self.tree_of(member)).collect()),
            Detection::Keywords(_) | Detection::ArrayMatch { .. } | Detection::Conditional { .. } => Tree::Unknown,
        }
    }

    fn tree_of_item(&self, item: &DetectionItem) -> Tree {
        let address = item.field.name.as_ref().and_then(|name| self.fields.decode(name));
        // Only what our vocabulary answers first. Another case or form of a name is looked for behind that and in the raw
        // text, which the columns say nothing of.
        let column = match address.and_then(|address| address.first_asked()) {
            Some(Target::Field(field)) if KEYS.contains(field) => Some(*field),
            Some(Target::Record(RecordField::Source | RecordField::Stream)) => None,
            _ => return Tree::Unknown,
        };
        if item.field.has_modifier(Modifier::FieldRef) {
            return Tree::Unknown;
        }
        match compile_detection(&Detection::AllOf(vec![item.clone()])) {
            Ok(compiled) => Tree::Item(Item { column, detection: HashMap::from([(ITEM.to_owned(), compiled)]) }),
            Err(_) => Tree::Unknown,
        }
    }

    fn clauses_of_condition(&mut self, condition: &ConditionExpr, named: &HashMap<String, Detection>) -> Vec<Clause> {
        match condition {
            ConditionExpr::And(members) => {
                members.iter().flat_map(|member| self.clauses_of_condition(member, named)).collect()
            }
            ConditionExpr::Or(members) => one_of(members.iter().map(|member| self.clauses_of_condition(member, named))),
            ConditionExpr::Identifier(name) => named.get(name).map_or(Vec::new(), |named| self.clauses_of(named)),
            ConditionExpr::Not(_) | ConditionExpr::Selector { .. } => Vec::new(),
        }
    }

    fn clauses_of(&mut self, detection: &Detection) -> Vec<Clause> {
        match detection {
            Detection::AllOf(items) => items.iter().flat_map(|item| self.clauses_of_item(item)).collect(),
            Detection::And(members) => members.iter().flat_map(|member| self.clauses_of(member)).collect(),
            Detection::AnyOf(members) => one_of(members.iter().map(|member| self.clauses_of(member))),
            Detection::Keywords(values) => one_of(values.iter().map(clauses_of_value)),
            Detection::ArrayMatch { .. } | Detection::Conditional { .. } => Vec::new(),
        }
    }

    fn clauses_of_item(&mut self, item: &DetectionItem) -> Vec<Clause> {
        let Some(address) = item.field.name.as_ref().and_then(|name| self.fields.decode(name)) else {
            return Vec::new();
        };
        let column = match address.ours() {
            None => None,
            Some(Target::Field(field) | Target::Json { field, .. }) => Some(*field),
            Some(Target::Record(_) | Target::Raw(_) | Target::Any) => return Vec::new(),
        };
        let known = [Modifier::All, Modifier::Cased, Modifier::StartsWith, Modifier::EndsWith, Modifier::Contains];
        if !address.is_flat() || !item.field.modifiers.iter().all(|modifier| known.contains(modifier)) {
            return Vec::new();
        }
        let values = item.values.iter().map(clauses_of_value);
        let clauses = if item.field.has_modifier(Modifier::All) { values.flatten().collect() } else { one_of(values) };
        if let Some(column) = column.filter(|column| !clauses.is_empty() && !self.columns.contains(column)) {
            self.columns.push(column);
        }
        clauses
    }
}

/// The name of an item among its detections.
const ITEM: &str = "item";

impl Tree {
    /// Whether an event satisfies it; `None` where its columns do not tell.
    fn judge(&self, event: &NativeEvent<'_>) -> Option<bool> {
        match self {
            Self::Unknown => None,
            Self::Item(item) => {
                let is_there = item.column.is_none_or(|column| event.subject.texts.text(column).is_some());
                let name = ConditionExpr::Identifier(ITEM.to_owned());
                is_there.then(|| eval_condition(&name, &item.detection, event, &mut Vec::new()))
            }
            Self::All(members) => all(members.iter().map(|member| member.judge(event))),
            Self::Any(members) => {
                all(members.iter().map(|member| member.judge(event).map(|holds| !holds))).map(|none| !none)
            }
            Self::Not(member) => member.judge(event).map(|holds| !holds),
        }
    }
}

/// Whether all hold: not, as soon as one does not.
fn all(members: impl Iterator<Item = Option<bool>>) -> Option<bool> {
    let mut holds = Some(true);
    for member in members {
        match member {
            Some(true) => {}
            Some(false) => return Some(false),
            None => holds = None,
        }
    }
    holds
}

/// What holds if one of several does: a text of the best clause of each.
fn one_of(members: impl Iterator<Item = Vec<Clause>>) -> Vec<Clause> {
    let mut members: Vec<Vec<Clause>> = members.collect();
    if members.len() <= 1 {
        return members.pop().unwrap_or_default();
    }
    let mut together = Clause::new();
    for mut clauses in members {
        // The longer its shortest text, the seldomer a clause is met.
        let shortest = |clause: &Clause| clause.iter().map(String::len).min().unwrap_or_default();
        let Some(best) = (0..clauses.len()).max_by_key(|index| (shortest(&clauses[*index]), usize::MAX - *index))
        else {
            return Vec::new();
        };
        together.append(&mut clauses[best]);
        if together.len() > CLAUSE_TEXTS_MAX {
            return Vec::new();
        }
    }
    vec![together]
}

fn clauses_of_value(value: &SigmaValue) -> Vec<Clause> {
    let SigmaValue::String(text) = value else { return Vec::new() };
    let text: &SigmaString = text;
    let plain = text.parts.iter().map(|part| match part {
        StringPart::Plain(plain) => plain.as_str(),
        StringPart::Special(_) => "",
    });
    piece(&plain.collect::<Vec<&str>>()).map(|piece| vec![piece]).into_iter().collect::<Vec<Clause>>()
}

/// The longest part of a text that stands in JSON as it is, wherever it stands: within one string, with nothing that may
/// be escaped, and no number, which may be written in several ways.
fn piece(parts: &[&str]) -> Option<String> {
    let is_cut = |c: char| !c.is_ascii() || c.is_ascii_control() || "\"\\/{}[]:,".contains(c);
    let is_told = |piece: &&str| {
        let small = piece.to_ascii_lowercase();
        let is_number = !small.bytes().any(|byte| byte.is_ascii_lowercase() && byte != b'e');
        piece.len() >= TEXT_BYTES_MIN && !is_number && !"infinity nan".contains(&small)
    };
    let pieces = parts.iter().flat_map(|part| part.split(is_cut));
    pieces.filter(is_told).max_by_key(|piece| piece.len()).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;
    use whodid_decode::Format;
    use whodid_model::Timestamp;

    use super::*;
    use crate::require::tests::is_satisfied;
    use crate::{Build, Document, RuleSet, Run, Variables, builtin, load};

    fn now() -> Timestamp {
        Timestamp::parse("2026-06-01T10:00:00Z").unwrap().at
    }

    /// Asks a rule set about events with and without the screen; how many matches there were. What matches must satisfy what
    /// a backtest asks the store for, too.
    fn same(rules: &RuleSet, events: &str) -> usize {
        let mut matches = 0;
        Run::new(rules).each(Format::Auto, events.as_bytes(), now(), &mut |_, event, rules, _| {
            let found = rules.matches(event);
            assert_eq!(found, rules.matches_unscreened(event), "{}", event.raw.text());
            let is_read = is_satisfied(rules, event);
            assert!(found.is_empty() || is_read, "{:?}: {}", rules.required(), event.raw.text());
            matches += found.len();
        });
        matches
    }

    fn compiled(documents: &[&Document], routes: bool) -> RuleSet {
        let given = ["admins", "allowed", "hours"].map(|name| (name.to_owned(), vec!["08:00-17:00".to_owned()]));
        let variables = Variables::from(given).into();
        let build = Build { documents: documents.to_vec(), variables, with_dormant: true, routes, ..Build::default() };
        RuleSet::compile(&build).0
    }

    fn one(detection: &str) -> RuleSet {
        let text = format!("title: T\nid: t\nlogsource: {{product: x}}\ndetection:\n{detection}");
        let loaded = load("t.yml", &text);
        assert!(loaded.problems.is_empty(), "{:?}", loaded.problems);
        compiled(&loaded.documents.iter().collect::<Vec<_>>(), false)
    }

    #[test]
    fn the_built_in_rules_match_the_same_events_with_and_without_the_screen() {
        let loaded: Vec<Document> = builtin().iter().flat_map(|package| package.documents().documents).collect();
        let documents: Vec<&Document> = loaded.iter().collect();
        let events: Vec<&String> =
            documents.iter().flat_map(|document| &document.tests).flat_map(|test| &test.events).collect();
        for routes in [false, true] {
            let rules = compiled(&documents, routes);
            let matches: usize = events.iter().map(|event| same(&rules, event)).sum();
            assert!(matches > 200, "{matches}");
            // Each for itself: what all of them require says nothing.
            for document in &documents {
                let rules = compiled(&[document], routes);
                document.tests.iter().flat_map(|test| &test.events).for_each(|event| {
                    same(&rules, event);
                });
            }
        }
    }

    #[test]
    fn a_text_is_found_however_the_event_writes_it() {
        let rules = one("  a: {name|contains: Kiss/the-frog}\n  condition: a\n");
        for text in [
            r"kiss/the-frog",
            r"XKISS\/THE-FROGX",
            r"\u006biss/the-frog",
            r"K\u0069ss\u002fthe\u002Dfrog",
            "\u{212a}iss/the-frog",
            r"\u212Aiss/the-frog",
        ] {
            let event = format!(r#"{{"time":"2026-06-01T10:00:00Z","name":"{text}"}}"#);
            assert_eq!(same(&rules, &event), 1, "{event}");
        }
        assert_eq!(same(&rules, r#"{"name":"the-frog"}"#), 0);
    }

    #[test]
    fn objects_lists_and_numbers_are_found_as_they_are_written() {
        let spaced = r#"{"p": {"Effect" : "Allow", "Action" : [ "s3:*" , "iam:Get*" ], "n": 1e3}}"#;
        for detection in [
            "  a: {p|contains: '\"Effect\":\"Allow\",\"Action\"'}\n  condition: a\n",
            "  a: {p|contains: 's3:\\*\",\"iam'}\n  condition: a\n",
            "  a: {p.n: 1000}\n  condition: a\n",
            "  a: {p.n: '1000.0'}\n  condition: a\n",
            "  a: {p.Action: 'iam:get*'}\n  condition: a\n",
            "  a: ['allow']\n  condition: a\n",
            "  a: {'p.Action|contains|all': [s3, iam]}\n  condition: a\n",
        ] {
            same(&one(detection), spaced);
        }
        assert_eq!(same(&one("  a: {p.Action: 'iam:get*'}\n  condition: a\n"), spaced), 1);
    }

    #[test]
    fn names_in_another_case_or_form_are_found_with_and_without_the_screen() {
        let any_case = one("  a: {act.KIND|contains: delete, Outcome: fine}\n  condition: a\n");
        assert_eq!(same(&any_case, r#"{"Act":{"Kind":"deleted"},"outCome":"fine"}"#), 1);
        let activity =
            "title: T\nid: t\nlogsource: {category: activity}\ndetection: {a: {ACTION: open}, condition: a}\n";
        let loaded = load("t.yml", activity);
        let rules = compiled(&[&loaded.documents[0]], true);
        assert_eq!(same(&rules, r#"{"time":"2026-06-01T10:00:00Z","action":"open"}"#), 1);
        assert_eq!(same(&rules, r#"{"time":"2026-06-01T10:00:00Z","action":"close"}"#), 0);
    }

    #[test]
    fn what_is_asked_below_columns_and_in_elements_is_found_with_and_without_the_screen() {
        let text = "title: T\nid: t\nsigma-version: 3\nlogsource: {category: activity}\ndetection: \
            {a: {requestData.BUCKET: storage, action|exists: true}, n: {'requestData.list[any]': {NAME: known}}, \
            condition: a and not n}";
        let loaded = load("t.yml", text);
        let rules = compiled(&[&loaded.documents[0]], true);
        let event = |data: &str| {
            format!(
                r#"{{"typeURI":"http://schemas.dmtf.org/cloud/audit/1.0/event","eventType":"activity","eventTime":"2026-06-01T10:00:00Z","action":"open","outcome":"success","initiator":{{"id":"u"}},"target":{{"id":"t"}},"observer":{{"id":"o"}},"requestData":{data}}}"#
            )
        };
        assert_eq!(same(&rules, &event(r#"{"bucket":"storage"}"#)), 1);
        assert_eq!(same(&rules, &event(r#""{\"bucket\":\"storage\",\"list\":[{\"name\":\"other\"}]}""#)), 1);
        assert_eq!(same(&rules, &event(r#"{"bucket":"storage","list":[{"Name":"known"}]}"#)), 0);
        assert_eq!(same(&rules, &event(r#""{\"bucket\":\"storage\",\"list\":[{\"Name\":\"known\"}]}""#)), 0);
        assert_eq!(same(&rules, &event(r#"{"bucket":"other"}"#)), 0);
    }

    #[test]
    fn a_column_that_is_not_there_rules_nothing_out() {
        let text = "title: T\nid: t\nlogsource: {category: activity}\n\
            detection: {a: {service: billing}, n: {outcome: success}, condition: a and not n}";
        let loaded = load("t.yml", text);
        let rules = compiled(&[&loaded.documents[0]], true);
        let event = r#"{"time":"2026-06-01T10:00:00Z","service":"billing","nothing":{"to":"see"}}"#;
        assert_eq!(same(&rules, event), 1);
        assert_eq!(same(&rules, r#"{"service":"billing","outcome":"success"}"#), 0);
        assert_eq!(same(&rules, "no JSON at all: billing"), 0);
    }

    #[test]
    fn what_the_columns_leave_over_is_told_by_them_alone() {
        let text = "title: T\nid: t\nlogsource: {category: activity}\n\
            detection: {a: {action|startswith: kms.}, b: {outcome: failure}, c: {target.name: x}, condition: (a or b) and c}";
        let loaded = load("t.yml", text);
        let rules = compiled(&[&loaded.documents[0]], true);
        let left = |event: &str| {
            let mut left = 0;
            Run::new(&rules).each(Format::Auto, event.as_bytes(), now(), &mut |_, event, rules, _| {
                left = rules.remaining_by_columns(event);
            });
            left
        };
        assert_eq!(left(r#"{"action":"iam.create","outcome":"success","target":{"name":"x"}}"#), 0);
        assert_eq!(left(r#"{"action":"kms.create","outcome":"success"}"#), 1);
        assert_eq!(left(r#"{"action":"iam.create","outcome":"failure"}"#), 1);
    }

    #[test]
    fn many_combinations_are_no_trouble() {
        let rules = one("  a: {act: open}\n  condition: a\n");
        let events: String = (0..COMBINATIONS_MAX + 50)
            .map(|number| format!("{{\"action\":\"a{number}\",\"act\":\"open\"}}\n"))
            .collect();
        assert_eq!(same(&rules, &events), COMBINATIONS_MAX + 50);
    }

    const WORDS: [&str; 10] =
        ["create", "delete", "Key", "\u{212a}ey", "\u{130}", "key/ring", "4e2", "true", "caf\u{e9}", "a\"b"];

    fn word() -> impl Strategy<Value = String> {
        prop::sample::select(&WORDS[..]).prop_map(str::to_owned)
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]
        #[test]
        fn no_rule_is_kept_from_an_event(
            fields in prop::collection::vec((prop::sample::select(&["action", "Outcome", "outcome", "x", "X.y", "x.y"][..]),
                prop::sample::select(&["", "|contains", "|startswith", "|endswith", "|contains|all", "|re", "|cased", "|neq", "|exists"][..]),
                prop::collection::vec(word(), 1..3)), 1..4),
            condition in prop::sample::select(&["all of them", "1 of them", "not a0", "a0 and not a1", "a0 or a1"][..]),
            ours in any::<bool>(),
            values in prop::collection::vec((prop::sample::select(&["action", "Action", "outcome", "x", "X"][..]), word(), any::<bool>()), 0..4),
        ) {
            let category = if ours { "category: activity" } else { "product: x" };
            let named: String = (0..2.max(fields.len()))
                .map(|index| {
                    let (field, modifier, values) = &fields[index % fields.len()];
                    format!("  a{index}: {{'{field}{modifier}': {}}}\n", serde_json::to_string(values).unwrap())
                })
                .collect();
            let text = format!("title: T\nid: t\nlogsource: {{{category}}}\ndetection:\n{named}  condition: {condition}\n");
            let loaded = load("t.yml", &text);
            prop_assert!(loaded.documents.len() == 1, "{text}");
            let rules = compiled(&[&loaded.documents[0]], true);
            let mut event = serde_json::Map::new();
            for (name, value, is_deep) in &values {
                let value = if *is_deep { serde_json::json!({"y": value}) } else { value.as_str().into() };
                event.insert((*name).to_owned(), value);
            }
            same(&rules, &serde_json::Value::Object(event).to_string());
        }
    }

    #[test]
    fn actions_of_other_rules_are_told_of() {
        let rules = r#"[{"conditions":{"all":[{"fact":"action","operator":"equal","value":"kms.key.delete"}]},
            "event":{"type":"t","params":{"findingType":"f"}}}]"#;
        let loaded = load("rules.json", rules);
        let rules = compiled(&loaded.documents.iter().collect::<Vec<_>>(), true);
        assert_eq!(same(&rules, r#"{"action":"kms.key.delete"}"#), 1);
        assert_eq!(same(&rules, r#"{"action":"kms.\u006bey.delete"}"#), 1);
        assert_eq!(same(&rules, r#"{"action":"kms.key.read"}"#), 0);
    }
}
