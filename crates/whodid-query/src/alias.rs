//! Two names of one action: what Activity Tracker called its own deeds, whodid calls with a prefix of its own.
//!
//! Searches and rules of Activity Tracker name `logdnaat.view.create`; the same deed in whodid is
//! `whodid.view.create`. A test of an action, or of any value, whose text begins with the old prefix is met by the
//! new one too. The tree that is printed keeps what was written; the second test is added where a query is made
//! ready for evaluation ([`crate::Query::at`]), so that every evaluator sees it.

use whodid_model::Field;

use crate::ast::{Target, Term, Test};

/// How the actions of Activity Tracker itself begin.
const THEIRS: &str = "logdnaat.";
/// How those of whodid begin.
const OURS: &str = "whodid.";

/// The test for the same action under whodid's name; `None` for a test that names none of Activity Tracker's.
pub(crate) fn of(term: &Term) -> Option<Term> {
    if !matches!(term.target, Target::Any | Target::Field(Field::Action)) {
        return None;
    }
    let mut test = term.test.clone();
    // A text that ignores case is folded already, so the plain comparison is right for both.
    let begin = match &mut test {
        Test::Prefix { text, .. } | Test::Exact { text, .. } | Test::Phrase { text } => text,
        Test::Wildcard { pieces, .. } => pieces.first_mut()?,
        Test::Exists | Test::Compare(_) | Test::Cidr(_) => return None,
    };
    let rest = begin.strip_prefix(THEIRS)?;
    *begin = format!("{OURS}{rest}");
    Some(Term { target: term.target.clone(), test })
}
