//! The decision, case by case.
#![allow(clippy::unwrap_used)]
use super::*;
