//! The binary: reads flags, environment and clock, opens sockets, and calls what it composes.

mod cli;
mod client;
mod clock;
mod commands;
mod config;
mod countries;
mod locations;
mod output;
mod server;
mod sse;

use std::process::ExitCode;

use clap::Parser;

use crate::cli::{Cli, ConfigVerb, Verb};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// How a command ended, where it did not fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum End {
    /// Exit code 0.
    Done,
    /// Exit code 3: it worked and found something that wants a look (rejects, failed checks).
    Found,
}

/// The command was called wrongly: exit code 2, as for a flag that does not exist.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Usage(String);

fn main() -> ExitCode {
    // A wrong flag ends here with exit code 2.
    let cli = Cli::parse();
    let shows_a_secret = cli.verb.shows_a_secret();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            output::note(&format!("error: cannot start threads: {error}"));
            return ExitCode::FAILURE;
        }
    };
    let result = runtime.block_on(run(cli));
    // Blocking reads of standard input cannot be interrupted; do not wait for them.
    runtime.shutdown_background();
    match result {
        Ok(End::Done) => ExitCode::SUCCESS,
        Ok(End::Found) => ExitCode::from(3),
        Err(error) if !shows_a_secret && is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            output::note(&format!("error: {error:#}"));
            let is_usage = error.is::<config::ConfigError>() || error.is::<Usage>();
            if is_usage { ExitCode::from(2) } else { ExitCode::FAILURE }
        }
    }
}

/// The reader of our output has seen enough, as in `whodid … | head`.
fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error
        .chain()
        .filter_map(|cause| cause.downcast_ref::<std::io::Error>())
        .any(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
}

async fn run(cli: Cli) -> anyhow::Result<End> {
    let output = cli.output;
    match cli.verb {
        Verb::Serve(flags) => commands::serve::run(&load(&flags.server)?, flags.starts_in).await,
        Verb::Init(flags) => commands::init::run(&load(&flags)?, output).await,
        Verb::Demo(flags) => commands::demo::run(flags).await,
        Verb::Generate(flags) => commands::generate::run(&flags),
        Verb::Events(verb) => commands::events::run(verb, output).await,
        Verb::Rejects(verb) => commands::rejects::run(verb, output).await,
        Verb::Rules(verb) => commands::rules::run(verb, output).await,
        Verb::Packages(verb) => commands::rules::packages(verb, output).await,
        Verb::Findings(flags) => commands::alerts::findings(&flags, output).await,
        Verb::Insights(verb) => commands::insights::run(verb, output).await,
        Verb::Alerts(verb) => commands::alerts::run(verb, output).await,
        Verb::Channels(verb) => commands::alerts::channels(verb, output).await,
        Verb::Exceptions(verb) => commands::exceptions::run(verb, output).await,
        Verb::Silences(verb) => commands::exceptions::silences(verb, output).await,
        Verb::SearchAlerts(verb) => commands::search_alerts::run(verb, output).await,
        Verb::Presets(verb) => commands::search_alerts::presets(verb, output).await,
        Verb::Keys(verb) => commands::keys::run(verb, output).await,
        Verb::Accounts(verb) => commands::rights::accounts(verb, output).await,
        Verb::Users(verb) => commands::rights::users(verb, output).await,
        Verb::Groups(verb) => commands::rights::groups(verb, output).await,
        Verb::Roles(verb) => commands::rights::roles(verb, output).await,
        Verb::Sessions(verb) => commands::rights::sessions(verb, output).await,
        Verb::Tokens(verb) => commands::rights::tokens(verb, output).await,
        Verb::Whoami(client) => commands::rights::whoami(&client, output).await,
        Verb::Activity(flags) => commands::rights::activity(&flags, output).await,
        Verb::At(verb) => commands::at::run(verb, output).await,
        Verb::AccessReview(client) => commands::rights::access_review(&client, output).await,
        Verb::Backup(flags) => commands::backup::backup(&load(&flags.server)?, &flags, output).await,
        Verb::Restore(flags) => commands::backup::restore(&load(&flags.server)?, &flags, output).await,
        Verb::Sql(flags) => commands::sql::run(&flags, output).await,
        Verb::SignInLink(flags) => commands::init::sign_in_link(&load(&flags)?, output).await,
        Verb::Config(ConfigVerb::Check(flags)) => commands::config_check::run(&load(&flags)?, output),
        Verb::Salvage(flags) => commands::salvage::run(&load(&flags.server)?, &flags, output),
        Verb::Locations(verb) => commands::locations::run(verb, |flags| Ok(load(flags)?), output).await,
        Verb::Doctor(flags) => commands::doctor::run(&load(&flags)?, output).await,
        Verb::Openapi => {
            use std::io::Write;
            std::io::stdout().lock().write_all(whodid_api::document_json().as_bytes())?;
            Ok(End::Done)
        }
        Verb::Version => {
            output::object(output, &serde_json::json!({ "version": env!("CARGO_PKG_VERSION") }))?;
            Ok(End::Done)
        }
    }
}

fn load(flags: &cli::ServerFlags) -> Result<config::Config, config::ConfigError> {
    let environment: Vec<(String, String)> = std::env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    config::load(&flags.to_config(), &environment)
}
