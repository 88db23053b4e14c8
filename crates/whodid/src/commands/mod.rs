//! One file a verb.

pub mod alerts;
pub mod at;
pub mod backup;
pub mod config_check;
pub mod demo;
pub mod doctor;
pub mod events;
pub mod exceptions;
pub mod generate;
pub mod init;
pub mod insights;
pub mod installed;
pub mod keys;
pub mod locations;
pub mod rejects;
pub mod rights;
pub mod rules;
pub mod salvage;
pub mod search_alerts;
pub mod send;
pub mod serve;
pub mod sql;
