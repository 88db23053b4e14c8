//! Flags of `alerts`, `channels` and `findings`.

use clap::{Args, Subcommand};

use super::ClientFlags;

/// What to do with alerts.
#[derive(Debug, Subcommand)]
pub enum AlertsVerb {
    /// List alerts, the latest first
    #[command(
        after_help = "Examples:\n  whodid alerts list\n  whodid alerts list --status open,acknowledged --severity high --assignee me\n  whodid alerts list --status all --from 2026-07-01 --to 2026-10-01 --limit 100000 --output csv > quarter.csv"
    )]
    List(AlertsListFlags),
    /// Show an alert with its evidence, notes and history
    #[command(after_help = "Examples:\n  whodid alerts show 0198c0de-…\n  whodid alerts show 0198c0de-… --output json")]
    Show(AlertFlags),
    /// Say that you look at an alert
    #[command(after_help = "Examples:\n  whodid alerts ack 0198c0de-…")]
    Ack(AlertFlags),
    /// Give an alert to somebody; to nobody in particular without --to
    #[command(
        after_help = "Examples:\n  whodid alerts assign 0198c0de-… --to mara\n  whodid alerts assign 0198c0de-… --to me"
    )]
    Assign {
        #[command(flatten)]
        alert: AlertFlags,
        /// Who is to look at it: a member's name or id; `me` for yourself
        #[arg(long)]
        to: Option<String>,
    },
    /// Write something to an alert
    #[command(after_help = "Examples:\n  whodid alerts note 0198c0de-… \"asked bob, he was on holiday\"")]
    Note {
        #[command(flatten)]
        alert: AlertFlags,
        /// What
        text: String,
    },
    /// Say that an alert is over
    #[command(after_help = "Examples:\n  whodid alerts resolve 0198c0de-… --reason \"was planned\"")]
    Resolve {
        #[command(flatten)]
        alert: AlertFlags,
        /// Why; alerts that tell of a rule or channel switched off are resolved with a reason only
        #[arg(long, default_value = "")]
        reason: String,
    },
    /// Say that an alert is not over after all
    #[command(after_help = "Examples:\n  whodid alerts reopen 0198c0de-…")]
    Reopen(AlertFlags),
    /// Let an alert tell nobody for some time
    #[command(after_help = "Examples:\n  whodid alerts silence 0198c0de-… --until 8h --reason \"keys are rolled\"")]
    Silence {
        #[command(flatten)]
        alert: AlertFlags,
        /// A time, or for how long: 8h, 2d
        #[arg(long)]
        until: String,
        /// Why
        #[arg(long)]
        reason: String,
    },
}

/// Flags of `alerts list`.
#[derive(Debug, Args)]
pub struct AlertsListFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// Where they stand: open, acknowledged, resolved, several with commas; all
    #[arg(long, default_value = "open,acknowledged")]
    pub status: String,
    /// This severity or a graver one: informational, low, medium, high, critical
    #[arg(long)]
    pub severity: Option<String>,
    /// Whom they are given to: a member's name or id; `me` for yourself
    #[arg(long)]
    pub assignee: Option<String>,
    /// Of this rule
    #[arg(long)]
    pub rule: Option<String>,
    /// Opened since when: 24h, 90d, 2026-07-01
    #[arg(long)]
    pub from: Option<String>,
    /// Opened until before when
    #[arg(long)]
    pub to: Option<String>,
    /// How many
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
}

/// One alert.
#[derive(Debug, Args)]
pub struct AlertFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// Its id
    pub id: String,
}

/// What to do with channels.
#[derive(Debug, Subcommand)]
pub enum ChannelsVerb {
    /// List channels
    #[command(after_help = "Examples:\n  whodid channels list")]
    List(ClientFlags),
    /// Make a channel from its JSON
    #[command(
        after_help = "Examples:\n  whodid channels create --file ops.json\n  echo '{\"name\": \"ops\", \"receiver\": {\"type\": \"slack\", \"url\": \"https://hooks.slack.com/services/…\"}}' | whodid channels create --file -"
    )]
    Create {
        #[command(flatten)]
        client: ClientFlags,
        /// The file; `-` reads standard input
        #[arg(long, value_name = "FILE")]
        file: std::path::PathBuf,
    },
    /// Try a channel and show what the receiver said
    #[command(
        after_help = "Examples:\n  whodid channels test 0198c0de-…\n\nExit code 3 when it did not take the notice."
    )]
    Test(ChannelFlags),
    /// Show what a channel was told, with every try
    #[command(after_help = "Examples:\n  whodid channels deliveries 0198c0de-…")]
    Deliveries(ChannelFlags),
    /// Delete a channel
    #[command(after_help = "Examples:\n  whodid channels delete 0198c0de-…")]
    Delete(ChannelFlags),
}

/// One channel.
#[derive(Debug, Args)]
pub struct ChannelFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// Its id, or its name
    pub channel: String,
}

/// Flags of `findings`.
#[derive(Debug, Args)]
pub struct FindingsFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// Since when: 24h, 7d, 2026-11-20
    #[arg(long, default_value = "7d")]
    pub from: String,
    /// Until before when
    #[arg(long)]
    pub to: Option<String>,
    /// Of this rule
    #[arg(long)]
    pub rule: Option<String>,
    /// How many
    #[arg(long, default_value_t = 100)]
    pub limit: usize,
}
