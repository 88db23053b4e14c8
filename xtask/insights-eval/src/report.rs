//! What is printed: tables for the terminal, or for docs/insights.md.

use std::fmt;

use crate::Results;
use crate::account::{Injected, Outcome};
use crate::figures::{Share, poisson_interval, quantile};
use crate::world::{Class, Plan, Trouble};

pub struct Report<'a> {
    pub results: &'a Results,
    pub plan: Plan,
    /// Nanoseconds.
    pub cost: f64,
    pub is_markdown: bool,
}

const TROUBLES: [(Trouble, &str); 3] =
    [(Trouble::Burst, "bursts"), (Trouble::Ramp, "ramps"), (Trouble::ErrorBurst, "error bursts")];
const CLASSES: [(Class, &str); 3] = [(Class::Quiet, "quiet"), (Class::Noisy, "noisy"), (Class::Clock, "with a job")];

impl fmt::Display for Report<'_> {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let normal = &self.results.by_sensitivity[1];
        writeln!(
            to,
            "{} accounts of {} series, {} weeks to learn and {} with injections; 95 % intervals in brackets.\n",
            normal.len(),
            self.plan.series,
            self.plan.quiet_weeks,
            self.plan.weeks
        )?;
        self.row(to, &["what", "injected", "recall", "within 10 min, of those found", "delay median", "p95"])?;
        self.rule(to, 6)?;
        for (trouble, name) in TROUBLES {
            self.trouble(to, name, normal, |injected| injected.trouble == trouble)?;
            for (class, class_name) in CLASSES {
                let name = format!("{name}, {class_name} series");
                self.trouble(to, &name, normal, |injected| injected.trouble == trouble && injected.class == class)?;
            }
        }
        writeln!(to)?;
        self.row(to, &["false starts", "account-weeks", "number", "per account-week", "precision of all starts"])?;
        self.rule(to, 5)?;
        self.falses(to, "normal sensitivity", normal, None)?;
        for (class, name) in CLASSES {
            self.falses(to, &format!("of them {name} series"), normal, Some(class))?;
        }
        self.falses(to, "low sensitivity", &self.results.by_sensitivity[0], None)?;
        self.falses(to, "high sensitivity", &self.results.by_sensitivity[2], None)?;
        self.falses(to, "first week, after one day", &self.results.first_weeks, None)?;
        writeln!(to)?;
        self.row(to, &["sensitivity", "bursts", "ramps", "error bursts"])?;
        self.rule(to, 4)?;
        for (outcomes, name) in self.results.by_sensitivity.iter().zip(["low", "normal", "high"]) {
            let [bursts, ramps, errors] =
                TROUBLES.map(|(trouble, _)| share(recall(outcomes, |one| one.trouble == trouble)));
            self.row(to, &[name, &bursts, &ramps, &errors])?;
        }
        writeln!(to, "\nAn event costs {:.0} ns, with all that comes of it.", self.cost)
    }
}

impl Report<'_> {
    fn trouble(
        &self,
        to: &mut fmt::Formatter<'_>,
        name: &str,
        outcomes: &[Outcome],
        is_meant: impl Fn(&Injected) -> bool,
    ) -> fmt::Result {
        let recall = recall(outcomes, &is_meant);
        let mut delays: Vec<f64> = outcomes
            .iter()
            .flat_map(|outcome| &outcome.injected)
            .filter(|injected| is_meant(injected))
            .filter_map(|injected| injected.delay)
            .collect();
        let soon = Share { hits: delays.iter().filter(|delay| **delay <= 10.0).count(), trials: delays.len() };
        let minutes = |at: Option<f64>| at.map_or("–".to_owned(), |at| format!("{at:.1} min"));
        let (median, late) = (minutes(quantile(&mut delays, 0.5)), minutes(quantile(&mut delays, 0.95)));
        self.row(to, &[name, &recall.trials.to_string(), &share(recall), &share(soon), &median, &late])
    }

    fn falses(&self, to: &mut fmt::Formatter<'_>, name: &str, outcomes: &[Outcome], of: Option<Class>) -> fmt::Result {
        let weeks: u32 = outcomes.iter().map(|outcome| outcome.weeks).sum();
        let starts = outcomes.iter().flat_map(|outcome| &outcome.false_starts);
        let count = starts.filter(|start| of.is_none_or(|class| start.class == class)).count();
        let (low, high) = poisson_interval(count);
        let weekly = |count: f64| count / f64::from(weeks.max(1));
        let rate = format!("{:.2} [{:.2}, {:.2}]", weekly(count as f64), weekly(low), weekly(high));
        let right = recall(outcomes, |injected| of.is_none_or(|class| injected.class == class));
        let precision = Share { hits: right.hits, trials: right.hits + count };
        let precision = if right.trials == 0 { "–".to_owned() } else { share(precision) };
        self.row(to, &[name, &weeks.to_string(), &count.to_string(), &rate, &precision])
    }

    fn row(&self, to: &mut fmt::Formatter<'_>, cells: &[&str]) -> fmt::Result {
        if self.is_markdown {
            return writeln!(to, "| {} |", cells.join(" | "));
        }
        for (index, cell) in cells.iter().enumerate() {
            let width = if index == 0 { 28 } else { 24 };
            write!(to, "{cell:width$}")?;
        }
        writeln!(to)
    }

    fn rule(&self, to: &mut fmt::Formatter<'_>, columns: usize) -> fmt::Result {
        if !self.is_markdown {
            return Ok(());
        }
        writeln!(to, "| --- |{}", " ---: |".repeat(columns - 1))
    }
}

fn recall(outcomes: &[Outcome], is_meant: impl Fn(&Injected) -> bool) -> Share {
    let injected: Vec<&Injected> =
        outcomes.iter().flat_map(|outcome| &outcome.injected).filter(|injected| is_meant(injected)).collect();
    Share { hits: injected.iter().filter(|injected| injected.delay.is_some()).count(), trials: injected.len() }
}

fn share(share: Share) -> String {
    let (low, high) = share.interval();
    format!("{:.3} [{low:.3}, {high:.3}]", share.value())
}
