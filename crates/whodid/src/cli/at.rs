//! The verbs of the old Activity Tracker's command line.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ClientFlags;

/// Whose events.
#[derive(Debug, Clone, Args)]
pub struct DomainFlags {
    /// Events of the account itself, which belong to no space
    #[arg(short = 'a', long, env = "WHODID_AT_ACCOUNT_LEVEL", conflicts_with = "space")]
    pub at_account_level: bool,
    /// Events of this space; without it and -a all that you may see
    #[arg(long, env = "WHODID_SPACE")]
    pub space: Option<String>,
}

/// Which days, and whose events.
#[derive(Debug, Clone, Args)]
pub struct DaysFlags {
    /// First day, in UTC; two weeks before the last when not given
    #[arg(short = 's', long, value_name = "YYYY-MM-DD", env = "WHODID_AT_START")]
    pub start: Option<String>,
    /// Last day, in UTC, which counts; today when not given
    #[arg(short = 'e', long, value_name = "YYYY-MM-DD", env = "WHODID_AT_END")]
    pub end: Option<String>,
    #[command(flatten)]
    pub domain: DomainFlags,
}

/// Only an hour.
#[derive(Debug, Clone, Args)]
pub struct HourFlags {
    /// Only this hour of each day, in UTC
    #[arg(short = 'T', long, value_name = "HOUR", value_parser = clap::value_parser!(u32).range(0..24), env = "WHODID_AT_SEARCH_TIME")]
    pub search_time: Option<u32>,
}

/// `at …`
#[derive(Debug, Subcommand)]
pub enum AtVerb {
    /// Show for each day how many events are stored
    #[command(after_help = "Examples:\n  whodid at status\n  whodid at status -s 2026-11-01 -e 2026-11-27 -a")]
    Status {
        #[command(flatten)]
        client: ClientFlags,
        #[command(flatten)]
        days: DaysFlags,
    },
    /// Sessions for downloading events: at most 30 for each space
    #[command(subcommand)]
    Session(AtSessionVerb),
    /// Write the events of a session as gzip, one JSON event a line; each session gives them once
    #[command(
        after_help = "Examples:\n  whodid at download 5k2m9qtx1c8d -o events.json.gz\n  whodid at download 5k2m9qtx1c8d | zcat | head"
    )]
    Download {
        #[command(flatten)]
        client: ClientFlags,
        /// The session's id
        session: String,
        /// File to write, whole or not at all; `-` is standard output
        #[arg(short = 'o', long, value_name = "FILE", default_value = "-", env = "WHODID_AT_FILE")]
        file: PathBuf,
    },
    /// Remove the events of some days for good
    #[command(
        after_help = "Examples:\n  whodid at delete -s 2026-11-01 -e 2026-11-01 -a\n  whodid at delete -s 2026-11-01 -e 2026-11-07 -T 3 --space dev --yes\n\nAsks before it removes anything when a person is at the terminal. Audit records of whodid itself are never removed."
    )]
    Delete {
        #[command(flatten)]
        client: ClientFlags,
        /// First day, in UTC
        #[arg(short = 's', long, value_name = "YYYY-MM-DD", env = "WHODID_AT_START")]
        start: String,
        /// Last day, in UTC, which counts
        #[arg(short = 'e', long, value_name = "YYYY-MM-DD", env = "WHODID_AT_END")]
        end: String,
        #[command(flatten)]
        hour: HourFlags,
        #[command(flatten)]
        domain: DomainFlags,
        /// Do not ask
        #[arg(long, env = "WHODID_AT_YES")]
        yes: bool,
    },
    /// Show or set for how many days events are to be kept
    #[command(
        after_help = "Examples:\n  whodid at option\n  whodid at option -r 365 -a\n  whodid at option -r -1 --space dev\n\nWritten down and shown. Nothing is removed by itself yet: `whodid at delete` removes."
    )]
    Option {
        #[command(flatten)]
        client: ClientFlags,
        /// Days, or -1 for ever
        #[arg(short = 'r', long, value_name = "DAYS", allow_negative_numbers = true, env = "WHODID_AT_RETENTION")]
        retention: Option<i64>,
        /// The account as a whole, as without --space
        #[arg(short = 'a', long, env = "WHODID_AT_ACCOUNT_LEVEL", conflicts_with = "space")]
        at_account_level: bool,
        /// This space
        #[arg(long, env = "WHODID_SPACE")]
        space: Option<String>,
    },
}

/// `at session …`
#[derive(Debug, Subcommand)]
pub enum AtSessionVerb {
    /// Make a session
    #[command(
        after_help = "Examples:\n  whodid at session create\n  whodid at session create -s 2026-11-01 -e 2026-11-27 -T 14 --space dev"
    )]
    Create {
        #[command(flatten)]
        client: ClientFlags,
        #[command(flatten)]
        days: DaysFlags,
        #[command(flatten)]
        hour: HourFlags,
    },
    /// List your sessions
    #[command(after_help = "Examples:\n  whodid at session list\n  whodid at session list --output json")]
    List {
        #[command(flatten)]
        client: ClientFlags,
    },
    /// Show one of them
    #[command(
        after_help = "Examples:\n  whodid at session show 5k2m9qtx1c8d\n  whodid at session show 5k2m9qtx1c8d --output json"
    )]
    Show {
        #[command(flatten)]
        client: ClientFlags,
        /// Its id
        id: String,
    },
    /// Delete one of them
    #[command(
        after_help = "Examples:\n  whodid at session delete 5k2m9qtx1c8d\n  whodid at session delete 5k2m9qtx1c8d --account acme"
    )]
    Delete {
        #[command(flatten)]
        client: ClientFlags,
        /// Its id
        id: String,
    },
}
