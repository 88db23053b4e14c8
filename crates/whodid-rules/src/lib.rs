//! Rules: what to look for in events, and the one function that looks.
//!
//! Sigma rules, correlations and filters, Security Advisor packages, and kinds of ours become one [`RuleSet`].
//! [`RuleSet::step`] takes an event and a [`State`] and tells [`Hit`]s; live detection, tests and backtests all call
//! it, so they cannot disagree. Nothing here opens a file, reads a clock or logs: time comes with the events.

mod address;
pub mod advisor;
mod agent;
mod bounds;
mod builtin;
mod condition;
mod correlate;
mod correlation;
mod document;
mod duration;
mod exception;
mod fault;
mod folding;
mod habits;
mod hours;
mod keys;
mod learning;
mod lint;
mod logsource;
mod meta;
mod native;
mod network;
mod package;
mod policy;
mod problem;
mod require;
mod room;
mod ruleset;
mod run;
mod screen;
mod sigma;
mod state;
mod subject;
mod testing;
mod variables;
mod version;
mod window;
mod yaml;

pub use address::{Address, Vocabulary};
pub use agent::{Class, Device};
pub use builtin::builtin;
pub use correlate::{kind_words, threshold_of};
pub use correlation::{Correlation, Kind};
pub use document::{Body, Document, Loaded, load};
pub use duration::{micros as span_micros, short as span_text, words as span_words};
pub use exception::{Exception, ExceptionScope};
pub use folding::Verdict;
pub use hours::{Hours, HoursError, StatedHours};
pub use learning::Past;
pub use lint::{Linted, lint};
pub use logsource::{ACTIVITY, INSIGHTS, OURSELVES};
pub use meta::{Extension, Level, Meta, NextStep};
pub use network::{Locate, Location, Nowhere, distance_km, network};
pub use package::{
    ARCHIVE_BYTES_MAX, Area, Check, Difference, MANIFEST, Manifest, Package, PackageError, Variable, VariableType,
};
pub use policy::Policy;
pub use problem::{Gravity, Problem};
pub use ruleset::{Build, Hit, Rule, RuleKind, RuleSet, Tuning, is_guard};
pub use run::{Outcome, Run, run_all_tests, run_tests};
pub use sigma::{SELF_PACKAGE, SigmaDetection, SigmaFilter, Variables};
pub use state::{
    Drops, LATENESS_MICROS, SETTLE_MICROS, SNAPSHOT_VERSION, STATE_BYTES_MAX, Snapshot, SnapshotView, State,
};
pub use subject::{NoTexts, Place, Raw, Subject, Texts, Unread};
pub use testing::{Expect, RuleTest};
pub use variables::{NoValue, Scope, Values};
pub use version::Version;
