//! Insights: what is usual in an account, and what departs from it.
//!
//! Published statistics only. [`Detector::take`] is given every record, in order, and tells what begins, goes on and
//! ends; live detection, replay and evaluation all call it. Nothing here opens a file, reads a clock or logs.

mod act;
mod address;
mod arrival;
mod band;
mod changes;
mod clock;
mod concealment;
mod cut;
mod detector;
mod episode;
mod front;
mod grid;
mod habit;
mod keys;
mod kind;
mod names;
mod place;
mod profile;
mod rate;
#[cfg(test)]
mod rate_tests;
mod region;
mod scene;
mod score;
mod season;
mod seen;
mod sentence;
mod series;
mod settings;
mod snapshot;
mod tail;
pub mod vendors;
mod words;

pub use act::{Act, NoPlaces, Places};
pub use band::{Band, bands};
pub use concealment::{SILENT, conceals};
pub use detector::{Detector, Drops, Learning};
pub use episode::{Change, EndReason, Method, Object, Test};
pub use grid::{Bin, Grid};
pub use kind::{Kind, Sensitivity, Stage};
pub use score::Scorer;
pub use sentence::sentence;
pub use settings::{Expected, Settings};
pub use snapshot::RestoreError;
pub use tail::upper_surprise;
