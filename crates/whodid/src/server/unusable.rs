//! Rules that cannot be used are told in the account's audit log, each thing that is wrong once while it lasts: nobody
//! misses what a rule no longer finds.
//!
//! What was told is known to this run only. So the first look of each run tells all of it: rules that a newer whodid
//! does not understand any more are among it.

use std::collections::{BTreeMap, BTreeSet};

use parking_lot::Mutex;
use whodid_audit::{Actor, Deed, Told};
use whodid_engine::Engine;
use whodid_model::{AccountName, StreamName, chain};
use whodid_rules::{Gravity, Problem};

use super::App;

/// Most that is told of one change; a package that cannot be used may have thousands of rules.
const TOLD_MAX: usize = 100;

/// What is wrong with the rules of each account, and was told.
#[derive(Debug, Default)]
pub struct Lasting(Mutex<BTreeMap<AccountName, BTreeSet<String>>>);

impl Lasting {
    /// Takes everything that is wrong with an account's rules now, and gives what was not wrong before.
    fn take<'p>(&self, account: &AccountName, problems: impl Iterator<Item = &'p Problem>) -> Vec<&'p Problem> {
        let errors = problems.filter(|problem| problem.gravity == Gravity::Error);
        let now: BTreeMap<String, &Problem> = errors.map(|problem| (sameness(problem), problem)).collect();
        let mut all = self.0.lock();
        let before = all.insert(account.clone(), now.keys().cloned().collect()).unwrap_or_default();
        let count: usize = all.values().map(BTreeSet::len).sum();
        metrics::gauge!("whodid_rules_problems").set(count as f64);
        now.into_iter().filter(|(text, _)| !before.contains(text)).map(|(_, problem)| problem).collect()
    }

    /// Says that these could not be told: the next look tells them.
    fn give_back(&self, account: &AccountName, untold: &[&Problem]) {
        if let Some(known) = self.0.lock().get_mut(account) {
            for problem in untold {
                known.remove(&sameness(problem));
            }
        }
    }
}

/// What makes two problems the same. Not the line: it moves with every edit above it.
fn sameness(problem: &Problem) -> String {
    let (file, rule) = (problem.file.as_deref().unwrap_or_default(), problem.rule.as_deref().unwrap_or_default());
    format!("{file}\n{rule}\n{}\n{}", problem.code, problem.message)
}

/// What is told of one.
fn told_of(problem: &Problem) -> Told {
    let target = problem.rule.as_deref().or(problem.file.as_deref()).unwrap_or_default();
    let mut told = Told::success(Deed::RuleStop, target, "")
        .answered("code", problem.code)
        .answered("problem", problem.to_string());
    if let Some(file) = &problem.file {
        told = told.answered("file", file.as_str());
    }
    if let Some(line) = problem.line {
        told = told.answered("line", line);
    }
    told
}

impl App {
    /// Tells what is newly wrong with the rules of an account. It is looked at by the rules that are in force then, so
    /// call it after these were set.
    pub(super) async fn tell_unusable(&self, engine: &Engine, account: &AccountName, problems: &[&Problem]) {
        let untold = self.unusable.take(account, problems.iter().copied());
        if untold.is_empty() {
            return;
        }
        let event = |told: &Told| {
            let (id, now) = (uuid::Uuid::now_v7().to_string(), crate::clock::now());
            whodid_audit::event(&self.installation, account, now, &id, &Actor::system(), told)
        };
        let mut events: Vec<String> = untold.iter().take(TOLD_MAX).map(|problem| event(&told_of(problem))).collect();
        if let Some(more) = untold.len().checked_sub(TOLD_MAX).filter(|more| *more > 0) {
            let text = format!("{more} further rules cannot be used; the list of rules shows them");
            let told = Told::success(Deed::RuleStop, "", "").answered("code", "further").answered("problem", text);
            events.push(event(&told));
        }
        if let Err(error) = engine.record(account, &StreamName::audit(), events).await {
            self.unusable.give_back(account, &untold);
            tracing::error!(account = %account, error = %chain(&error), "rules that cannot be used are not told yet; the next change of rules tells them");
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn told(lasting: &Lasting, problems: &[Problem]) -> Vec<String> {
        let account = AccountName::default_account();
        lasting.take(&account, problems.iter()).into_iter().filter_map(|problem| problem.rule.clone()).collect()
    }

    #[test]
    fn what_is_wrong_with_a_rule_is_told_once_while_it_lasts_and_again_when_it_comes_back() {
        let (lasting, wrong) = (Lasting::default(), |rule| Problem::error("unknown_variable", "no such").of(rule));
        assert_eq!(told(&lasting, &[wrong("a")]), ["a"]);
        assert_eq!(told(&lasting, &[wrong("a"), wrong("b")]), ["b"]);
        assert_eq!(told(&lasting, &[Problem { line: Some(9), ..wrong("b") }]), Vec::<String>::new(), "it only moved");
        assert_eq!(told(&lasting, &[wrong("a"), wrong("b")]), ["a"], "it was mended meanwhile");
        let other = Problem { message: "another thing".to_owned(), ..wrong("b") };
        assert_eq!(told(&lasting, &[wrong("a"), other]), ["b"]);
    }

    #[test]
    fn what_leaves_no_rule_out_is_not_told() {
        assert_eq!(told(&Lasting::default(), &[Problem::warning("slow", "slow").of("a")]), Vec::<String>::new());
    }

    #[test]
    fn what_could_not_be_told_is_told_by_the_next_look() {
        let (lasting, account) = (Lasting::default(), AccountName::default_account());
        let problems = [Problem::error("yaml", "cannot be read").of("a")];
        let untold = lasting.take(&account, problems.iter());
        lasting.give_back(&account, &untold);
        assert_eq!(told(&lasting, &problems), ["a"]);
    }

    #[test]
    fn what_is_told_names_the_rule_and_what_is_wrong() {
        let problem =
            Problem { file: Some("own/1".to_owned()), line: Some(3), ..Problem::error("yaml", "odd").of("a") };
        let told = told_of(&problem);
        assert_eq!(told.target_id, "a");
        assert_eq!(told.response["code"], "yaml");
        assert_eq!(told.response["problem"], "own/1: line 3: a: odd");
        assert_eq!(told.response["line"], 3);
    }
}
