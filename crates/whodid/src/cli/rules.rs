//! Flags of `rules` and `packages`.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use whodid_decode::Format;

use super::ClientFlags;

/// What to do with rules.
#[derive(Debug, Subcommand)]
pub enum RulesVerb {
    /// Read rule files and tell what is wrong, one by one; needs no server
    #[command(
        after_help = "Examples:\n  whodid rules lint ./my-rules\n  whodid rules lint rule.yml --set admins=mara,noor --output json\n\nA variable without values is a warning: give it among the variables of a package, or by --set as here and at `rules test` and `rules match`.\n\nExit code 3 when a document cannot be used."
    )]
    Lint(LintFlags),
    /// Run the tests that stand beside rules; needs no server
    #[command(
        after_help = "Examples:\n  whodid rules test ./my-rules\n  whodid rules test ./my-rules --junit report.xml\n\nExit code 3 when a test fails."
    )]
    Test(TestFlags),
    /// Evaluate rules over a file of events; needs no server
    #[command(
        after_help = "Examples:\n  whodid rules match --rules ./my-rules --events events.ndjson --output ndjson\n  whodid rules match --rules rule.yml --events events.ndjson --correlations --output ndjson\n\nLogsources are left aside unless --route is given: the file's events are taken for what the rules are for."
    )]
    Match(MatchFlags),
    /// List the rules of a server
    #[command(after_help = "Examples:\n  whodid rules list\n  whodid rules list --enabled --package aws-basics")]
    List(RulesListFlags),
    /// Show a rule: its text, which version that is, and what was tuned of it
    #[command(after_help = "Examples:\n  whodid rules show key-deleted\n  whodid rules show key-deleted --output json")]
    Show(NamedFlags),
    /// Run a rule over what is stored, before it runs over what comes
    #[command(
        after_help = "Examples:\n  whodid rules backtest key-deleted --from 30d\n  whodid rules backtest ./my-rule.yml --from 2026-11-01 --to 2026-12-01 --output json\n\nA file is compared with the rule of the same id that the server has. Nothing is recorded and nobody told."
    )]
    Backtest(BacktestFlags),
    /// Switch a rule on; its tests must pass
    #[command(after_help = "Examples:\n  whodid rules enable key-deleted")]
    Enable(NamedFlags),
    /// Switch a rule off
    #[command(after_help = "Examples:\n  whodid rules disable key-deleted")]
    Disable(NamedFlags),
}

/// Flags of `rules list`.
#[derive(Debug, Args)]
pub struct RulesListFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// Only those that run
    #[arg(long)]
    pub enabled: bool,
    /// Only those of this package
    #[arg(long)]
    pub package: Option<String>,
}

/// Flags of `rules backtest`.
#[derive(Debug, Args)]
pub struct BacktestFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// The id of a rule that the server has, or a file
    #[arg(value_name = "ID|FILE")]
    pub rule: String,
    /// Since when: 30d, 2026-11-01
    #[arg(long, default_value = "30d")]
    pub from: String,
    /// Until before when; now when not given
    #[arg(long)]
    pub to: Option<String>,
    /// Another threshold
    #[arg(long)]
    pub threshold: Option<f64>,
}

/// Something that a server has.
#[derive(Debug, Args)]
pub struct NamedFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// Its id
    pub id: String,
}

/// Where rules are.
#[derive(Debug, Args)]
pub struct RuleFiles {
    /// Files and folders of rules (.yml, .yaml, .json), or a package's archive (.tar.gz)
    #[arg(required = true, value_name = "PATH")]
    pub paths: Vec<PathBuf>,
}

/// Flags of `rules lint`.
#[derive(Debug, Args)]
pub struct LintFlags {
    #[command(flatten)]
    pub files: RuleFiles,
    /// A value of a variable; several with commas
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub variables: Vec<String>,
}

/// Flags of `rules test`.
#[derive(Debug, Args)]
pub struct TestFlags {
    #[command(flatten)]
    pub files: RuleFiles,
    /// Write the outcome as JUnit XML too
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// A value of a variable; several with commas
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub variables: Vec<String>,
}

/// Flags of `rules match`.
#[derive(Debug, Args)]
pub struct MatchFlags {
    /// A file or folder of rules
    #[arg(long, value_name = "DIR|FILE")]
    pub rules: PathBuf,
    /// A file of events; `-` reads standard input
    #[arg(long, value_name = "FILE")]
    pub events: PathBuf,
    /// Also tell what correlations make of the matches
    #[arg(long)]
    pub correlations: bool,
    /// Also take dormant rules, which are switched off until somebody needs them
    #[arg(long)]
    pub with_dormant: bool,
    /// How to read the events
    #[arg(long, default_value = "auto", value_parser = format)]
    pub format: Format,
    /// Leave out rules whose logsource is another than the events'
    #[arg(long)]
    pub route: bool,
    /// A value of a variable; several with commas
    #[arg(long = "set", value_name = "NAME=VALUE")]
    pub variables: Vec<String>,
}

/// What to do with packages.
#[derive(Debug, Subcommand)]
pub enum PackagesVerb {
    /// Begin a package of your own: a folder with a manifest, a rule and its tests; needs no server
    #[command(
        after_help = "Examples:\n  whodid packages new ./acme-payments --title 'Acme payments' --author 'Acme security'\n  whodid packages check ./acme-payments\n\nThe folder's name becomes the package's id."
    )]
    New(NewFlags),
    /// Read, compile and test a package; needs no server
    #[command(
        after_help = "Examples:\n  whodid packages check ./my-package\n  whodid packages check my-package.tar.gz\n\nExit code 3 when something is wrong."
    )]
    Check(PackagePath),
    /// Make an archive of a folder; needs no server
    #[command(after_help = "Examples:\n  whodid packages pack ./my-package --file my-package.tar.gz")]
    Pack(PackFlags),
    /// What differs between two versions; needs no server
    #[command(
        after_help = "Examples:\n  whodid packages diff old.tar.gz new.tar.gz\n  whodid packages diff ./v1 ./v2 --output json\n\nA table shows the lines that differ in each file; JSON names rules and variables."
    )]
    Diff(DiffFlags),
    /// List the packages of a server
    #[command(after_help = "Examples:\n  whodid packages list")]
    List(ClientFlags),
    /// Look at the account's storage for rule files now, and list the packages
    #[command(
        after_help = "Examples:\n  aws s3 cp kms-rules.json s3://bucket/IBM.rules/activities/ && whodid packages refresh\n\nA server looks by itself every minute. Exit code 3 when a file cannot be used."
    )]
    Refresh(ClientFlags),
    /// Install or upgrade a package on a server
    #[command(
        after_help = "Examples:\n  whodid packages install my-package.tar.gz --dry-run\n  whodid packages install ./my-package\n\nAll or nothing. What was tuned stays."
    )]
    Install(InstallFlags),
    /// Write a package of a server to a file
    #[command(after_help = "Examples:\n  whodid packages download aws-basics --file aws-basics.tar.gz")]
    Download {
        #[command(flatten)]
        named: NamedFlags,
        /// The archive to write
        #[arg(long, value_name = "FILE")]
        file: PathBuf,
    },
    /// Switch a package on
    #[command(after_help = "Examples:\n  whodid packages enable okta-basics")]
    Enable(NamedFlags),
    /// Switch a package off
    #[command(after_help = "Examples:\n  whodid packages disable okta-basics")]
    Disable(NamedFlags),
    /// Remove a package that was installed
    #[command(after_help = "Examples:\n  whodid packages remove my-package")]
    Remove(NamedFlags),
}

/// Flags of `packages install`.
#[derive(Debug, Args)]
pub struct InstallFlags {
    #[command(flatten)]
    pub client: ClientFlags,
    /// A folder with a package.yaml, or an archive
    pub path: PathBuf,
    /// Only tell what would come of it
    #[arg(long)]
    pub dry_run: bool,
    /// Refuse any other package than this one: sha256:…
    #[arg(long)]
    pub digest: Option<String>,
}

/// Flags of `packages new`.
#[derive(Debug, Args)]
pub struct NewFlags {
    /// The folder to make; one that is there must be empty
    #[arg(value_name = "FOLDER")]
    pub folder: PathBuf,
    /// What people call it
    #[arg(long)]
    pub title: Option<String>,
    /// Who writes it
    #[arg(long, default_value = "unknown")]
    pub author: String,
    /// The licence of its rules
    #[arg(long, default_value = "Apache-2.0")]
    pub licence: String,
}

/// A package.
#[derive(Debug, Args)]
pub struct PackagePath {
    /// A folder with a package.yaml, or an archive
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
}

/// Flags of `packages pack`.
#[derive(Debug, Args)]
pub struct PackFlags {
    #[command(flatten)]
    pub package: PackagePath,
    /// The archive to write
    #[arg(long, value_name = "FILE")]
    pub file: PathBuf,
}

/// Flags of `packages diff`.
#[derive(Debug, Args)]
pub struct DiffFlags {
    /// The older package
    pub old: PathBuf,
    /// The newer one
    pub new: PathBuf,
}

fn format(text: &str) -> Result<Format, String> {
    Format::parse(text).ok_or_else(|| {
        let names: Vec<&str> = Format::ALL.iter().map(|format| format.as_str()).collect();
        format!("one of {}", names.join(", "))
    })
}
