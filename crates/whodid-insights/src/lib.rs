//! Insights: what is usual in an account, and what departs from it.
//!
//! Published statistics only. [`Detector::take`] is given every record, in order, and tells what begins, goes on and
//! ends; live detection, replay and evaluation all call it. Nothing here opens a file, reads a clock or logs.

mod act;
mod clock;
mod detector;
mod episode;
mod front;
mod grid;
mod kind;
mod names;
mod rate;
#[cfg(test)]
mod rate_tests;
mod score;
mod season;
mod series;
mod settings;
mod tail;

pub use act::{Act, NoPlaces, Places};
pub use detector::{Detector, Drops, LEARNING_BINS, Learning, STARTS_A_DAY_MAX};
pub use episode::{Change, EndReason, Method, Object, Test};
pub use front::HELD_MAX;
pub use grid::{Bin, Grid};
pub use kind::{Kind, Sensitivity, Stage};
pub use score::Scorer;
pub use settings::{Expected, Settings, matches};
