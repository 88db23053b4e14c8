//! Flags of `exceptions` and `silences`: what is found and not told.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ClientFlags;

/// What to do with exceptions.
#[derive(Debug, Subcommand)]
pub enum ExceptionsVerb {
    /// List exceptions: what rules match and nobody is told of
    #[command(
        after_help = "Examples:\n  whodid exceptions list\n  whodid exceptions list --due 30d --output csv > review.csv\n\n--due shows what is to be reviewed: exceptions that end within that time, that have ended, and that have no end."
    )]
    List(ExceptionsListFlags),
    /// Show an exception
    #[command(
        after_help = "Examples:\n  whodid exceptions show 0198c0de-…\n  whodid exceptions show 0198c0de-… --output json"
    )]
    Show(IdFlags),
    /// Make an exception from its JSON
    #[command(
        after_help = "Examples:\n  whodid exceptions create --file load-test.json\n  whodid exceptions create --file - < load-test.json"
    )]
    Create(CreateFlags),
    /// End an exception: what it silenced is told again, and it is gone from the list
    #[command(
        visible_alias = "delete",
        after_help = "Examples:\n  whodid exceptions end 0198c0de-…\n  whodid exceptions delete 0198c0de-…"
    )]
    End(IdFlags),
}

/// What to do with silences.
#[derive(Debug, Subcommand)]
pub enum SilencesVerb {
    /// List silences, those that are over too
    #[command(after_help = "Examples:\n  whodid silences list\n  whodid silences list --output csv > silences.csv")]
    List(ClientFlags),
    /// Make a silence from its JSON
    #[command(
        after_help = "Examples:\n  whodid silences create --file drill.json\n  echo '{\"rule_ids\": [\"aws-root-login\"], \"until\": \"8h\", \"reason\": \"drill\"}' | whodid silences create --file -"
    )]
    Create(CreateFlags),
    /// End a silence: channels are told again, and it is gone from the list
    #[command(
        visible_alias = "delete",
        after_help = "Examples:\n  whodid silences end 0198c0de-…\n  whodid silences delete 0198c0de-…"
    )]
    End(IdFlags),
}

/// Flags of `exceptions list`.
#[derive(Debug, Args)]
pub struct ExceptionsListFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// Only those that end within so long, have ended, or have no end: 30d
    #[arg(long, value_name = "DURATION")]
    pub due: Option<String>,
}

/// Something to be made.
#[derive(Debug, Args)]
pub struct CreateFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// The file; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub file: PathBuf,
}

/// One of them.
#[derive(Debug, Args)]
pub struct IdFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// Its id
    pub id: String,
}
