//! What must stand in an event for a query to match it: a cheap test to skip most events by.

use crate::ast::{Expr, Target, Test};

/// What every matching event must hold, as a list of which each member is a list of alternatives:
/// of each member at least one text stands somewhere in the event.
///
/// The texts are ASCII in lower case, without `"`, `\`, `/` and control characters, so JSON writes them as they are.
/// To be compared with ASCII letters folded (nothing else need be). "In the event" means in the text of one of its fields
/// or in its raw JSON; a value that is in the raw JSON only because some field was cut out of it may be spread over both,
/// and a raw text that holds `\u` may hold letters as escapes: such an event must not be skipped.
///
/// Empty when the query says nothing of the kind: exclusions, comparisons, networks, what is only known of the record.
pub fn literals(expr: &Expr) -> Vec<Vec<String>> {
    match expr {
        Expr::All | Expr::Not(_) => Vec::new(),
        Expr::And(members) => members.iter().flat_map(literals).collect(),
        Expr::Or(members) => {
            let mut alternatives = Vec::new();
            for member in members {
                // One requirement stands for the member; the one whose shortest text is longest skips most.
                let best = literals(member).into_iter().max_by_key(|texts| texts.iter().map(String::len).min());
                let Some(best) = best else { return Vec::new() };
                alternatives.extend(best);
            }
            alternatives.sort();
            alternatives.dedup();
            vec![alternatives]
        }
        Expr::Term(term) if matches!(term.target, Target::Record(_)) => Vec::new(),
        Expr::Term(term) => match &term.test {
            Test::Exists | Test::Compare(_) | Test::Cidr(_) => Vec::new(),
            Test::Prefix { text, .. } | Test::Exact { text, .. } | Test::Phrase { text } => plain_runs(text).collect(),
            Test::Wildcard { pieces, .. } => pieces.iter().flat_map(|piece| plain_runs(piece)).collect(),
        },
    }
}

fn plain_runs(text: &str) -> impl Iterator<Item = Vec<String>> {
    let is_plain = |character: char| matches!(character, ' '..='~') && !matches!(character, '"' | '\\' | '/');
    text.split(move |character| !is_plain(character))
        .filter(|run| !run.is_empty())
        .map(|run| vec![run.to_ascii_lowercase()])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(query: &str, expected: &str) {
        let expr = crate::parse(query).map(|query| query.expr);
        let found =
            expr.map(|expr| literals(&expr).iter().map(|texts| texts.join("|")).collect::<Vec<_>>().join(" & "));
        assert_eq!(found.as_deref(), Ok(expected), "{query}");
    }

    #[test]
    fn every_part_of_a_conjunction_is_required() {
        check("Alice action:=Delete", "alice & delete");
        check("\"access approved\" -bob", "access approved");
        check("service/security/Größe", "service & security & gr & e");
        check("action:kms.*.delete", "kms. & .delete");
    }

    #[test]
    fn alternatives_need_one_text_each() {
        check("action:[create,delete]", "create|delete");
        check("(a bob OR carol) x", "bob|carol & x");
        check("a OR b OR a", "a|b");
        check("a OR reason.reasonCode:>=400", "");
        check("(a OR -b) c", "c");
    }

    #[test]
    fn what_needs_no_text_requires_none() {
        for query in ["", "-a", "f:*", "f:>5", "f:10.0.0.0/8", "space:dev", "日本", "eventTime:>now-1h"] {
            check(query, "");
        }
    }
}
