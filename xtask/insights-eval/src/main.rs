//! `cargo xtask insights-eval`: how good insights are, on made-up accounts.
//!
//! Each seed is one account of 500 series ([`world`]), and every minute of it goes through the detector as it would in
//! production ([`account`]). What is printed is what docs/insights.md holds.
#![allow(clippy::print_stdout, reason = "a program for the terminal")]

mod account;
mod cost;
mod figures;
mod people;
mod report;
mod world;

use std::sync::atomic::{AtomicU64, Ordering};

use anyhow::{Result, bail};
use whodid_insights::Sensitivity;

use account::Outcome;
use report::Report;
use world::Plan;

const USAGE: &str = "\
Usage: cargo xtask insights-eval [--seeds N] [--first N] [--quiet-weeks N] [--markdown] [--why] [--people]

  --seeds N         made-up accounts (200), with the seeds from --first (0) on
  --quiet-weeks N   weeks to learn from before anything is injected (4); two weeks with injections follow
  --markdown        the tables of docs/insights.md
  --people          insights of addresses instead, in a company of 1,000 people
  --why             each injection that was missed or late, and each false start";

/// One account in so many is also run with each other sensitivity, and one in so many through its first week alone.
const OTHER_SENSITIVITY_EVERY: u64 = 4;
const FIRST_WEEK_EVERY: u64 = 2;
const THREADS: usize = 2;

/// What is asked for on the command line.
struct Wanted {
    seeds: u64,
    first: u64,
    quiet_weeks: u32,
    is_markdown: bool,
    says_why: bool,
    of_people: bool,
}

/// What came of one seed.
#[derive(Default)]
struct Results {
    /// Low, normal and high.
    by_sensitivity: [Vec<Outcome>; 3],
    first_weeks: Vec<Outcome>,
}

fn main() -> Result<()> {
    let wanted = Wanted::parse(std::env::args().skip(1))?;
    if wanted.of_people {
        people::run(wanted.first, wanted.seeds);
        return Ok(());
    }
    let plan = Plan {
        series: 500,
        quiet_weeks: wanted.quiet_weeks,
        weeks: 2,
        bursts_a_week: 8,
        ramps_a_week: 3,
        error_bursts_a_week: 4,
    };
    let next = AtomicU64::new(wanted.first);
    let all: Vec<Results> = std::thread::scope(|scope| {
        let work = || {
            let mut mine = Results::default();
            loop {
                let seed = next.fetch_add(1, Ordering::Relaxed);
                if seed >= wanted.first + wanted.seeds {
                    return mine;
                }
                mine.run(seed, plan);
            }
        };
        let workers: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().expect("a worker does not panic")).collect()
    });
    let mut results = Results::default();
    for part in all {
        results.add(part);
    }
    let report = Report { results: &results, plan, cost: cost::nanos_per_event(plan), is_markdown: wanted.is_markdown };
    print!("{report}");
    if wanted.says_why {
        for outcome in &results.by_sensitivity[1] {
            outcome.why().iter().for_each(|line| println!("{line}"));
        }
    }
    Ok(())
}

impl Results {
    fn run(&mut self, seed: u64, plan: Plan) {
        self.by_sensitivity[1].push(account::run(seed, plan, Sensitivity::Normal));
        if seed.is_multiple_of(OTHER_SENSITIVITY_EVERY) {
            self.by_sensitivity[0].push(account::run(seed, plan, Sensitivity::Low));
            self.by_sensitivity[2].push(account::run(seed, plan, Sensitivity::High));
        }
        if seed.is_multiple_of(FIRST_WEEK_EVERY) {
            let first_week =
                Plan { quiet_weeks: 0, weeks: 1, bursts_a_week: 0, ramps_a_week: 0, error_bursts_a_week: 0, ..plan };
            self.first_weeks.push(account::run(seed, first_week, Sensitivity::Normal));
        }
    }

    fn add(&mut self, other: Self) {
        for (mine, theirs) in self.by_sensitivity.iter_mut().zip(other.by_sensitivity) {
            mine.extend(theirs);
        }
        self.first_weeks.extend(other.first_weeks);
    }
}

impl Wanted {
    fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Self> {
        let mut wanted =
            Self { seeds: 200, first: 0, quiet_weeks: 4, is_markdown: false, says_why: false, of_people: false };
        while let Some(argument) = arguments.next() {
            let mut number = || match arguments.next().map(|number| number.parse::<u32>()) {
                Some(Ok(number)) => Ok(number),
                _ => bail!("{argument} asks for a number\n\n{USAGE}"),
            };
            match argument.as_str() {
                "--seeds" => wanted.seeds = u64::from(number()?.max(1)),
                "--first" => wanted.first = u64::from(number()?),
                "--quiet-weeks" => wanted.quiet_weeks = number()?,
                "--markdown" => wanted.is_markdown = true,
                "--why" => wanted.says_why = true,
                "--people" => wanted.of_people = true,
                _ => bail!("unknown argument {argument:?}\n\n{USAGE}"),
            }
        }
        Ok(wanted)
    }
}
