//! What an event must hold to concern a rule at all, as a condition of the search language: a backtest then reads only
//! what may matter.
//!
//! *Invariant*: every event that a rule matches satisfies its condition. Where that is not certain the condition says
//! nothing, so a rule may be slow to test and is never tested on too little.

use rsigma_parser::{
    ConditionExpr, Detection, DetectionItem, Modifier, SigmaString, SigmaValue, SpecialChar, StringPart,
};
use whodid_query::{Expr, Target, Test};

use crate::correlation::written_out;
use crate::sigma::{SigmaDetection, Variables, expand, sorted_names};

/// Values of one item beyond which it is not worth asking for each.
const VALUES_MAX: usize = 200;

/// What events that a detection matches have in common.
pub(crate) fn of_detection(detection: &SigmaDetection, variables: &Variables) -> Expr {
    let section = &detection.rule.detection;
    let names = sorted_names(&section.named);
    let of_name = |name: &str| section.named.get(name).map_or(Expr::All, |named| of_named(named, variables));
    any(section.conditions.iter().map(|condition| of_condition(&written_out(condition, &names), &of_name)))
}

/// What events that need one of these actions have in common; an empty name stands for any.
pub(crate) fn of_actions<'a>(actions: impl Iterator<Item = &'a String>) -> Expr {
    any(actions.map(|action| if action.is_empty() { Expr::All } else { equal(action) }))
}

/// At least one of these: nothing, where one says nothing.
pub(crate) fn any(members: impl Iterator<Item = Expr>) -> Expr {
    let nothing = Expr::or([]);
    let members: Vec<Expr> = members.filter(|member| *member != nothing).collect();
    if members.contains(&Expr::All) { Expr::All } else { Expr::or(members) }
}

fn of_condition(condition: &ConditionExpr, of_name: &dyn Fn(&str) -> Expr) -> Expr {
    match condition {
        ConditionExpr::And(members) => Expr::and(members.iter().map(|member| of_condition(member, of_name))),
        ConditionExpr::Or(members) => any(members.iter().map(|member| of_condition(member, of_name))),
        ConditionExpr::Identifier(name) => of_name(name),
        ConditionExpr::Not(_) | ConditionExpr::Selector { .. } => Expr::All,
    }
}

fn of_named(detection: &Detection, variables: &Variables) -> Expr {
    match detection {
        Detection::AllOf(items) => Expr::and(items.iter().map(|item| of_item(item, variables))),
        Detection::And(members) => Expr::and(members.iter().map(|member| of_named(member, variables))),
        Detection::AnyOf(members) => any(members.iter().map(|member| of_named(member, variables))),
        Detection::Keywords(_) | Detection::ArrayMatch { .. } | Detection::Conditional { .. } => Expr::All,
    }
}

fn of_item(item: &DetectionItem, variables: &Variables) -> Expr {
    let Some(name) = &item.field.name else { return Expr::All };
    // What whodid knows of the record stands neither in the event nor in its fields.
    if matches!(whodid_query::resolve(name), Some(Target::Record(_))) {
        return Expr::All;
    }
    let mut item = item.clone();
    if expand(&mut item, variables).is_err() {
        return Expr::All;
    }
    let known = [Modifier::All, Modifier::Cased, Modifier::StartsWith];
    let is_known = item.field.modifiers.iter().all(|modifier| known.contains(modifier));
    if !is_known || item.values.is_empty() || item.values.len() > VALUES_MAX {
        return Expr::All;
    }
    let starts = item.field.has_modifier(Modifier::StartsWith);
    let values = item.values.iter().map(|value| match value {
        SigmaValue::String(text) => of_text(text, starts),
        _ => Expr::All,
    });
    if item.field.has_modifier(Modifier::All) { Expr::and(values) } else { any(values) }
}

/// A value, or the beginning of one. Objects are matched as JSON text, which no value of an event is; so only what
/// begins with a letter or digit says something.
fn of_text(text: &SigmaString, starts: bool) -> Expr {
    let mut pieces = vec![String::new()];
    for part in &text.parts {
        match part {
            StringPart::Plain(plain) => pieces.last_mut().into_iter().for_each(|last| last.push_str(plain)),
            StringPart::Special(SpecialChar::WildcardMulti | SpecialChar::WildcardSingle) => pieces.push(String::new()),
        }
    }
    let begins_plainly = pieces[0].starts_with(|first: char| first.is_ascii_alphanumeric());
    if !begins_plainly || !pieces.iter().all(|piece| piece.is_ascii()) {
        return Expr::All;
    }
    if pieces.len() == 1 && !starts {
        return equal(&pieces[0]);
    }
    if starts {
        pieces.push(String::new());
    }
    let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
    Expr::term(Target::Any, Test::wildcard(&pieces, false, true))
}

/// Numbers and the like may be written otherwise in an event.
fn equal(text: &str) -> Expr {
    let is_word =
        text.parse::<f64>().is_err() && !["true", "false", "null"].contains(&text.to_ascii_lowercase().as_str());
    if is_word && text.is_ascii() { Expr::term(Target::Any, Test::exact(text, false)) } else { Expr::All }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use crate::{Build, RuleSet, load};

    fn required(detection: &str) -> String {
        let text = format!("title: T\nid: t\nlogsource: {{category: activity}}\ndetection:\n{detection}");
        let loaded = load("t.yml", &text);
        let documents = loaded.documents.iter().collect();
        let (rules, problems) = RuleSet::compile(&Build { documents, ..Build::default() });
        assert!(problems.is_empty() && loaded.problems.is_empty(), "{problems:?} {:?}", loaded.problems);
        whodid_query::Query { expr: rules.required().clone() }.to_string()
    }

    #[test]
    fn values_that_must_be_there_are_asked_for() {
        assert_eq!(
            required("  a: {action: [x.read, x.write], outcome: failure}\n  condition: a\n"),
            "(==x.read OR ==x.write) ==failure"
        );
        let text = required(
            "  a: {action: kms.delete}\n  b: {initiator.name: root}\n  n: {target.name: t}\n  condition: 1 of them and a and not n\n",
        );
        assert!(text.contains("kms.delete") && !text.contains('-'), "{text}");
        assert!(required("  a: {action|startswith: kms.}\n  condition: a\n").contains("kms.*"));
        assert!(required("  a: {action: 'kms.*.delete'}\n  condition: a\n").contains("kms.*.delete"));
    }

    #[test]
    fn what_is_not_certain_is_not_asked_for() {
        for detection in [
            "  a: {action|contains: kms}\n  condition: a\n",
            "  a: {action|re: 'kms.*'}\n  condition: a\n",
            "  a: {action: '*.delete'}\n  condition: a\n",
            "  a: {reason.reasonCode: 403}\n  condition: a\n",
            "  a: {reason.reasonCode: '403'}\n  condition: a\n",
            "  a: {requestParameters: '{\"a\":1}'}\n  condition: a\n",
            "  a: {source: aws}\n  condition: a\n",
            "  a: [kms]\n  condition: a\n",
            "  a: {action: x}\n  condition: not a\n",
            "  a: {action: x}\n  b: {action|contains: y}\n  condition: a or b\n",
            "  a: {initiator.address|cidr: 10.0.0.0/8}\n  condition: a\n",
            "  a: {action: Straße}\n  condition: a\n",
        ] {
            assert_eq!(required(detection), "", "{detection}");
        }
    }
}
