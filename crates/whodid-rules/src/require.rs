//! What an event must hold to concern a rule at all, as a condition of the search language: a backtest then reads only
//! what may matter.
//!
//! *Invariant*: every event that a rule matches satisfies its condition. Where that is not certain the condition says
//! nothing, so a rule may be slow to test and is never tested on too little.

use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, LogSource, Modifier, SigmaString, SigmaValue, SpecialChar, StringPart,
};
use whodid_model::{Field, StreamName};
use whodid_query::{Expr, RecordField, Target, Test};

use crate::address::Vocabulary;
use crate::correlation::written_out;
use crate::logsource;
use crate::sigma::{SigmaDetection, expand, sorted_names};
use crate::variables::Scope;

/// Values of one item beyond which it is not worth asking for each.
const VALUES_MAX: usize = 200;
/// Letters beyond ASCII whose small form is one of ASCII, or begins with one: the Sigma library folds them, the search
/// language does not.
const KELVIN: &str = "\u{212a}";
const DOTTED_I: &str = "\u{130}";

/// What events that a detection matches have in common. With `routes`, their source too.
pub(crate) fn of_detection(detection: &SigmaDetection, variables: Scope<'_>, routes: bool) -> Expr {
    let section = &detection.rule.detection;
    let names = sorted_names(&section.named);
    let items = Items { variables, vocabulary: detection.vocabulary() };
    let of_name = |name: &str| section.named.get(name).map_or(Expr::All, |named| items.of_named(named));
    let conditions = section.conditions.iter();
    let asked = any(conditions.map(|condition| of_condition(&written_out(condition, &names), &of_name)));
    if routes { Expr::and([of_logsource(detection.logsource()), asked]) } else { asked }
}

/// What events that need one of these actions have in common; an empty name stands for any.
pub(crate) fn of_actions<'a>(actions: impl Iterator<Item = &'a String>) -> Expr {
    let of_action = |action: &String| match action.is_empty() {
        true => Expr::All,
        false => of_text_anywhere(&SigmaString::from_raw(action), Shape { begins_anyhow: false, ends_anyhow: false }),
    };
    any(actions.map(of_action))
}

/// At least one of these: nothing, where one says nothing.
pub(crate) fn any(members: impl Iterator<Item = Expr>) -> Expr {
    let nothing = Expr::or([]);
    let members: Vec<Expr> = members.filter(|member| *member != nothing).collect();
    if members.contains(&Expr::All) { Expr::All } else { Expr::or(members) }
}

/// Those sources that a rule is not kept from.
fn of_logsource(rule: &LogSource) -> Expr {
    let is = |target: RecordField, text: &str| Expr::term(Target::Record(target), Test::exact(text, true));
    let own = is(RecordField::Stream, StreamName::audit().as_str());
    if logsource::is_for_insights(rule) {
        return is(RecordField::Stream, StreamName::insights().as_str());
    }
    let others = logsource::others(rule);
    let of_others = match others.is_empty() {
        true => Expr::All,
        false => Expr::negate(Expr::or(others.iter().map(|source| is(RecordField::Source, source)))),
    };
    if logsource::is_for_ourselves(rule) {
        any([own, of_others].into_iter())
    } else {
        Expr::and([Expr::negate(own), of_others])
    }
}

fn of_condition(condition: &ConditionExpr, of_name: &dyn Fn(&str) -> Expr) -> Expr {
    match condition {
        ConditionExpr::And(members) => Expr::and(members.iter().map(|member| of_condition(member, of_name))),
        ConditionExpr::Or(members) => any(members.iter().map(|member| of_condition(member, of_name))),
        ConditionExpr::Identifier(name) => of_name(name),
        ConditionExpr::Not(_) | ConditionExpr::Selector { .. } => Expr::All,
    }
}

/// The items of one rule.
struct Items<'r> {
    variables: Scope<'r>,
    vocabulary: Vocabulary,
}

impl Items<'_> {
    fn of_named(&self, detection: &Detection) -> Expr {
        match detection {
            Detection::AllOf(items) => Expr::and(items.iter().map(|item| self.of_item(item))),
            Detection::And(members) => Expr::and(members.iter().map(|member| self.of_named(member))),
            Detection::AnyOf(members) => any(members.iter().map(|member| self.of_named(member))),
            Detection::Keywords(_) | Detection::ArrayMatch { .. } | Detection::Conditional { .. } => Expr::All,
        }
    }

    fn of_item(&self, item: &DetectionItem) -> Expr {
        let Some(name) = &item.field.name else { return Expr::All };
        let column = match whodid_query::resolve(name) {
            // What whodid knows of the record stands neither in the event nor in its fields.
            Some(Target::Record(_)) => return Expr::All,
            Some(Target::Field(field)) if self.vocabulary == Vocabulary::Ours => Some(field),
            _ => None,
        };
        let mut item = item.clone();
        if expand(&mut item, self.variables).is_err() {
            return Expr::All;
        }
        let anywhere = of_values(&item, &of_text_anywhere);
        // Asked first is what whodid read as the field, and the raw text only where that is nothing.
        match column.filter(|field| !matches!(field, Field::RequestData | Field::ResponseData)) {
            None => anywhere,
            Some(field) => {
                let target = Target::Field(field);
                let in_column = of_values(&item, &|text, shape| of_text(&target, text, shape));
                let is_missing = Expr::negate(Expr::term(target.clone(), Test::Exists));
                any([in_column, Expr::and([is_missing, anywhere])].into_iter())
            }
        }
    }
}

/// Which ends of a value are left open.
#[derive(Clone, Copy)]
struct Shape {
    begins_anyhow: bool,
    ends_anyhow: bool,
}

fn of_values(item: &DetectionItem, of_text: &dyn Fn(&SigmaString, Shape) -> Expr) -> Expr {
    let known = [Modifier::All, Modifier::Cased, Modifier::StartsWith, Modifier::EndsWith, Modifier::Contains];
    let is_known = item.field.modifiers.iter().all(|modifier| known.contains(modifier));
    if !is_known || item.values.is_empty() || item.values.len() > VALUES_MAX {
        return Expr::All;
    }
    let has = |modifier| item.field.has_modifier(modifier);
    let contains = has(Modifier::Contains);
    let shape = Shape {
        begins_anyhow: contains || has(Modifier::EndsWith),
        ends_anyhow: contains || has(Modifier::StartsWith),
    };
    let values = item.values.iter().map(|value| match value {
        SigmaValue::String(text) => of_text(text, shape),
        _ => Expr::All,
    });
    if has(Modifier::All) { Expr::and(values) } else { any(values) }
}

/// The texts between a value's wildcards, an empty one at each open end.
fn pieces(text: &SigmaString, shape: Shape) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for part in &text.parts {
        match part {
            StringPart::Plain(plain) => pieces.last_mut().into_iter().for_each(|last| last.push_str(plain)),
            StringPart::Special(SpecialChar::WildcardMulti | SpecialChar::WildcardSingle) => pieces.push(String::new()),
        }
    }
    if shape.begins_anyhow {
        pieces.insert(0, String::new());
    }
    if shape.ends_anyhow {
        pieces.push(String::new());
    }
    pieces
}

/// A value that stands somewhere in the event. Objects are matched as JSON text, which no value of an event is; so only
/// what begins with a letter or digit says something. Numbers and the like may be written otherwise.
fn of_text_anywhere(text: &SigmaString, shape: Shape) -> Expr {
    let pieces = pieces(text, shape);
    let begins_plainly = pieces[0].starts_with(|first: char| first.is_ascii_alphanumeric());
    let is_word = |text: &str| {
        text.parse::<f64>().is_err() && !["true", "false", "null"].contains(&text.to_ascii_lowercase().as_str())
    };
    if !begins_plainly || (pieces.len() == 1 && !is_word(&pieces[0])) {
        return Expr::All;
    }
    of_pieces(&Target::Any, &pieces)
}

/// A value of a field whose whole text is matched.
fn of_text(target: &Target, text: &SigmaString, shape: Shape) -> Expr {
    of_pieces(target, &pieces(text, shape))
}

fn of_pieces(target: &Target, pieces: &[String]) -> Expr {
    if pieces.iter().all(String::is_empty) || !pieces.iter().all(|piece| piece.is_ascii()) {
        return Expr::All;
    }
    let test = match pieces {
        [whole] => Test::exact(whole, false),
        _ => Test::wildcard(&pieces.iter().map(String::as_str).collect::<Vec<&str>>(), false, true),
    };
    let has_k = pieces.iter().any(|piece| piece.contains(['k', 'K']));
    // Of the two letters that it becomes, the second is beyond ASCII.
    let has_i = pieces[..pieces.len() - 1].iter().any(|piece| piece.ends_with(['i', 'I']));
    let folded = [(has_k, KELVIN), (has_i, DOTTED_I)].into_iter().filter(|(is_there, _)| *is_there);
    let folded = folded.map(|(_, letter)| Expr::term(target.clone(), Test::wildcard(&["", letter, ""], false, true)));
    Expr::or(std::iter::once(Expr::term(target.clone(), test)).chain(folded))
}

#[cfg(test)]
pub(crate) mod tests {
    #![allow(clippy::unwrap_used)]
    use whodid_decode::json::{self, Node};
    use whodid_model::Field;
    use whodid_query::{EventView, Query, RecordField, walk::Tree};

    use crate::subject::Unread;
    use crate::{Build, RuleSet, load};

    struct Seen<'a> {
        event: &'a Unread<'a>,
        raw: &'a str,
        tree: Option<&'a Node<'a>>,
    }

    impl EventView for Seen<'_> {
        fn field(&self, field: Field) -> Option<&str> {
            self.event.texts.text(field)
        }

        fn any_record(&self, field: RecordField, test: &mut dyn FnMut(&str) -> bool) -> bool {
            match field {
                RecordField::Source => test(self.event.source),
                RecordField::Stream => test(self.event.place.stream.as_str()),
                _ => panic!("no condition asks for {field:?}"),
            }
        }

        fn any_at(&self, path: &str, test: &mut dyn FnMut(&str) -> bool) -> bool {
            self.tree.is_some_and(|node| Tree::new(self.raw, node).any_at(path, test))
        }

        fn any_leaf(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
            match self.tree {
                Some(node) => Tree::new(self.raw, node).any_leaf(test),
                None => !self.raw.is_empty() && test(self.raw),
            }
        }
    }

    /// Whether an event satisfies what the rules require.
    pub(crate) fn is_satisfied(rules: &RuleSet, event: &Unread<'_>) -> bool {
        let raw = event.raw.text();
        let tree = json::parse(&raw).ok();
        Query { expr: rules.required().clone() }.matches(&Seen { event, raw: &raw, tree: tree.as_ref() })
    }

    fn required_of(logsource: &str, detection: &str) -> String {
        let text = format!("title: T\nid: t\nlogsource: {{{logsource}}}\ndetection:\n{detection}");
        let loaded = load("t.yml", &text);
        let documents = loaded.documents.iter().collect();
        let (rules, problems) = RuleSet::compile(&Build { documents, routes: true, ..Build::default() });
        assert!(problems.is_empty() && loaded.problems.is_empty(), "{problems:?} {:?}", loaded.problems);
        Query { expr: rules.required().clone() }.to_string()
    }

    fn required(detection: &str) -> String {
        required_of("category: activity", detection)
    }

    #[test]
    fn a_field_is_asked_first_and_the_raw_text_where_there_is_none() {
        let action = "(action:==x.read OR action:==x.write OR -action:* (==x.read OR ==x.write))";
        let outcome = "(outcome:==failure OR -outcome:* ==failure)";
        let detection = "  a: {action: [x.read, x.write], outcome: failure}\n  condition: a\n";
        assert_eq!(required(detection), format!("{action} {outcome}"));
        let text = required(
            "  a: {action: aws.delete}\n  b: {initiator.name: root}\n  n: {target.name: t}\n  condition: 1 of them and a and not n\n",
        );
        assert!(text.contains("aws.delete") && !text.contains("-target.name:="), "{text}");
        assert_eq!(required("  a: {action|contains: .x}\n  condition: a\n"), "action:*.x* OR -action:*");
        assert_eq!(required("  a: {action|endswith: .x}\n  condition: a\n"), "action:*.x OR -action:*");
        assert_eq!(
            required("  a: {reason.reasonCode: '403'}\n  condition: a\n"),
            "reason.reasonCode:==403 OR -reason.reasonCode:*"
        );
    }

    #[test]
    fn a_name_of_the_source_is_asked_anywhere_and_of_those_sources_only_that_it_is_for() {
        let text =
            required_of("product: aws, service: cloudtrail", "  a: {eventName|startswith: Delete}\n  condition: a\n");
        let (sources, asked) = text.rsplit_once(' ').unwrap();
        assert_eq!(asked, "delete*");
        assert!(
            sources.contains("okta") && sources.contains("linux-auth") && !sources.contains("cloudtrail"),
            "{text}"
        );
        assert!(sources.starts_with("-stream:"), "{text}");
        let own = required_of("product: whodid", "  a: {action|contains: whodid.}\n  condition: a\n");
        assert!(own.contains("stream:===audit") && !own.contains("-stream:"), "{own}");
        let pages = required_of("product: gcp, service: google_workspace.admin", "  a: {x: y}\n  condition: a\n");
        assert!(!pages.contains("gcp") && pages.contains("okta"), "some of that source are of the service: {pages}");
    }

    #[test]
    fn what_is_not_certain_is_not_asked_for() {
        for detection in [
            "  a: {action|re: 'x.*'}\n  condition: a\n",
            "  a: {action: '*'}\n  condition: a\n",
            "  a: {action: ''}\n  condition: a\n",
            "  a: {action: null}\n  condition: a\n",
            "  a: {reason.reasonCode: 403}\n  condition: a\n",
            "  a: {requestParameters: '{\"a\":1}'}\n  condition: a\n",
            "  a: {x: '403'}\n  condition: a\n",
            "  a: {x|contains: y}\n  condition: a\n",
            "  a: {source: aws}\n  condition: a\n",
            "  a: [xyz]\n  condition: a\n",
            "  a: {action: x}\n  condition: not a\n",
            "  a: {action: x}\n  b: {action|re: y}\n  condition: a or b\n",
            "  a: {initiator.address|cidr: 10.0.0.0/8}\n  condition: a\n",
            "  a: {action: Stra\u{df}e}\n  condition: a\n",
        ] {
            assert_eq!(required(detection), "", "{detection}");
        }
    }
}
