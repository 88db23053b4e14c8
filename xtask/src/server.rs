//! A whodid server of our own for a test or a measurement: a folder, keys, a process.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// How long a server may take until it answers.
const START_MAX: Duration = Duration::from_secs(60);
/// How long a graceful stop may take.
const STOP_MAX: Duration = Duration::from_secs(60);

/// What `whodid init` made.
#[derive(Debug, Clone)]
pub struct Keys {
    pub admin_link: String,
    pub ingestion: String,
    pub service: String,
    pub admin_token: String,
}

/// Makes a data folder with `whodid init`.
pub fn init(binary: &Path, data: &Path) -> Result<Keys> {
    let mut command = plain(binary);
    command.args(["init", "--output", "json", "--data"]).arg(data);
    let made: Value =
        serde_json::from_str(&crate::process::capture(&mut command)?).context("`whodid init` printed no JSON")?;
    let text =
        |name: &str| made[name].as_str().map(String::from).with_context(|| format!("`whodid init` printed no {name}"));
    Ok(Keys {
        admin_link: text("admin_link")?,
        ingestion: text("ingestion_key")?,
        service: text("service_key")?,
        admin_token: text("admin_token")?,
    })
}

/// The binary without the settings of whoever runs us: it refuses variables that it does not know, such as ours.
fn plain(binary: &Path) -> Command {
    let mut command = Command::new(binary);
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("WHODID_") {
            command.env_remove(name);
        }
    }
    command
}

/// A running server; killed when dropped.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pub port: u16,
}

impl Server {
    /// Starts `whodid serve` on a free port; its log goes to `log`.
    pub fn start(binary: &Path, data: &Path, log: &Path) -> Result<Self> {
        let port = free_port()?;
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).context("no log file")?;
        let child = plain(binary)
            .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data"])
            .arg(data)
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()
            .with_context(|| format!("{} did not start", binary.display()))?;
        Ok(Self { child, port })
    }

    /// Waits until the server says that it is ready.
    pub fn wait_ready(&mut self) -> Result<()> {
        let started = Instant::now();
        while started.elapsed() < START_MAX {
            if let Some(status) = self.child.try_wait()? {
                bail!("the server ended with {status}");
            }
            let answer = crate::bench::http::Connection::open(self.port)
                .and_then(|mut connection| connection.get("/health/ready", ""));
            if answer.is_ok_and(|answer| answer.status == 200) {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
        bail!("the server was not ready after {} s", START_MAX.as_secs());
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Asks the server to stop and waits for it.
    pub fn stop(mut self) -> Result<ExitStatus> {
        crate::process::run(Command::new("kill").args(["-TERM", &self.pid().to_string()]))?;
        let asked = Instant::now();
        while asked.elapsed() < STOP_MAX {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        bail!("the server did not stop within {} s", STOP_MAX.as_secs());
    }

    /// SIGKILL, as a crash.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill().context("the server could not be killed")?;
        self.child.wait().map(drop).context("the server was lost")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_port() -> Result<u16> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.port())
}

/// A folder that is removed when dropped.
#[derive(Debug)]
pub struct Scratch(pub PathBuf);

impl Scratch {
    /// Makes an empty folder `name` in `within`.
    pub fn new(within: &Path, name: &str) -> Result<Self> {
        let folder = within.join(format!("{name}-{}", std::process::id()));
        if folder.exists() {
            std::fs::remove_dir_all(&folder)?;
        }
        std::fs::create_dir_all(&folder).with_context(|| format!("{} cannot be made", folder.display()))?;
        Ok(Self(folder))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
