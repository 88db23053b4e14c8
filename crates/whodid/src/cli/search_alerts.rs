//! Flags of `search-alerts` and `presets`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::ClientFlags;

/// What to do with alerts on searches.
#[derive(Debug, Subcommand)]
pub enum SearchAlertsVerb {
    /// List alerts on searches
    #[command(after_help = "Examples:\n  whodid search-alerts list")]
    List(ClientFlags),
    /// Make an alert on a search from its JSON
    #[command(
        after_help = "Examples:\n  echo '{\"name\": \"Denied deletions\", \"q\": \"action:*.delete outcome:failure\", \"trigger\": {\"operator\": \"presence\", \"trigger_limit\": 5, \"trigger_interval\": \"5m\", \"immediate\": true}}' | whodid search-alerts create --file -"
    )]
    Create {
        #[command(flatten)]
        client: ClientFlags,
        /// The file; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// Watch it again
    #[command(after_help = "Examples:\n  whodid search-alerts enable \"Denied deletions\"")]
    Enable(NamedFlags),
    /// Watch it no more until it is switched on again
    #[command(after_help = "Examples:\n  whodid search-alerts disable \"Denied deletions\"")]
    Disable(NamedFlags),
    /// Delete an alert on a search; what it raised stays
    #[command(after_help = "Examples:\n  whodid search-alerts delete \"Denied deletions\"")]
    Delete(NamedFlags),
}

/// What to do with presets.
#[derive(Debug, Subcommand)]
pub enum PresetsVerb {
    /// List presets
    #[command(after_help = "Examples:\n  whodid presets list")]
    List(ClientFlags),
    /// Make a preset from its JSON
    #[command(
        after_help = "Examples:\n  echo '{\"name\": \"On call\", \"channels\": [{\"channel\": \"0198c0de-…\", \"trigger\": {\"operator\": \"presence\", \"immediate\": true}}]}' | whodid presets create --file -"
    )]
    Create {
        #[command(flatten)]
        client: ClientFlags,
        /// The file; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// Delete a preset, with the alerts built on it
    #[command(after_help = "Examples:\n  whodid presets delete \"On call\"")]
    Delete(NamedFlags),
}

/// One of them.
#[derive(Debug, Args)]
pub struct NamedFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// Its id, or its name
    pub name: String,
}
