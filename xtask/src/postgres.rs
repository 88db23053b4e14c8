//! A PostgreSQL server for the tests of the metadata: private, without promises, gone afterwards.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

use crate::output::Output;
use crate::process;
use crate::tools;

/// A server that runs until it is dropped.
#[derive(Debug)]
pub struct Postgres {
    programs: PathBuf,
    folder: PathBuf,
    /// For `WHODID_TEST_POSTGRES`.
    pub url: String,
}

impl Postgres {
    /// Installs PostgreSQL where that is allowed and needed, and starts a server of our own on a free port.
    pub fn start(output: &Output) -> Result<Self> {
        let programs = tools::postgres(output)?;
        // Outside the build's folders, which the server's own user may not enter.
        let folder = std::env::temp_dir().join(format!("whodid-postgres-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir(&folder).with_context(|| format!("cannot make {}", folder.display()))?;
        if tools::is_root() {
            process::run(Command::new("chown").arg("postgres").arg(&folder))?;
        }
        let data = folder.join("data");
        let text = |path: &Path| path.display().to_string();
        quiet(as_server(&programs.join("initdb")).args([
            "-D",
            &text(&data),
            "-A",
            "trust",
            "-U",
            "whodid",
            "-E",
            "UTF8",
            "--locale=C.UTF-8",
            "--no-sync",
        ]))?;
        // Nobody has the port between this and the server's start but by bad luck.
        let port = TcpListener::bind("127.0.0.1:0").context("no free port")?.local_addr()?.port();
        let options = format!(
            "-c listen_addresses=127.0.0.1 -c port={port} -c unix_socket_directories={} -c fsync=off \
             -c synchronous_commit=off -c full_page_writes=off -c max_connections=200",
            text(&folder)
        );
        let log = text(&folder.join("log"));
        quiet(as_server(&programs.join("pg_ctl")).args([
            "-D",
            &text(&data),
            "-l",
            &log,
            "-w",
            "-o",
            &options,
            "start",
        ]))?;
        let url = format!("postgres://whodid@127.0.0.1:{port}/postgres");
        Ok(Self { programs, folder, url })
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let data = self.folder.join("data").display().to_string();
        let stopped = quiet(as_server(&self.programs.join("pg_ctl")).args(["-D", &data, "-m", "immediate", "stop"]));
        if let Err(error) = stopped.and_then(|()| Ok(std::fs::remove_dir_all(&self.folder)?)) {
            println!("the PostgreSQL server of the tests could not be removed: {error:#}");
        }
    }
}

/// PostgreSQL refuses to run as root, whom Debian's package has made a user for.
fn as_server(program: &Path) -> Command {
    if !tools::is_root() {
        return Command::new(program);
    }
    let mut command = Command::new("runuser");
    command.args(["-u", "postgres", "--"]).arg(program);
    command
}

fn quiet(command: &mut Command) -> Result<()> {
    // The server inherits what it writes to; a pipe would be waited for until it ends.
    let status = command.current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status();
    let status = status.with_context(|| format!("{:?} did not start", command.get_program()))?;
    if !status.success() {
        bail!("{:?} ended with {status}", command.get_args().last().unwrap_or_default());
    }
    Ok(())
}
