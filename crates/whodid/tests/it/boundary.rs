//! What every test starts from: an initialised folder, the binary on a free port, and requests to it.

use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Longest a server may take until it answers, on a busy machine.
const START_MAX: Duration = Duration::from_secs(60);

/// The binary, without the environment of whoever runs the tests.
pub fn whodid() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_whodid"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("WHODID_") {
            command.env_remove(name);
        }
    }
    // What `events send` remembers must not come from, or stay on, the machine of whoever runs the tests.
    static STATE: std::sync::OnceLock<tempfile::TempDir> = std::sync::OnceLock::new();
    command.env("XDG_STATE_HOME", STATE.get_or_init(|| tempfile::tempdir().unwrap()).path());
    command
}

/// Runs the binary to its end.
pub fn run(arguments: &[&str]) -> Output {
    whodid().args(arguments).stdin(Stdio::null()).output().unwrap()
}

/// What `init` printed.
#[derive(Debug, Clone)]
pub struct Keys {
    pub admin_link: String,
    pub admin_token: String,
    pub ingestion_key: String,
    pub service_key: String,
}

impl Keys {
    pub fn link_token(&self) -> &str {
        self.admin_link.split("token=").nth(1).unwrap_or_default()
    }
}

pub fn init(data: &Path) -> Keys {
    let output = run(&["init", "--data", data.to_str().unwrap(), "--output", "json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |name: &str| printed[name].as_str().unwrap().to_owned();
    Keys {
        admin_link: text("admin_link"),
        admin_token: text("admin_token"),
        ingestion_key: text("ingestion_key"),
        service_key: text("service_key"),
    }
}

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
    pub url: String,
    pub keys: Keys,
    /// Everything the server wrote.
    pub log: Arc<Mutex<String>>,
    folder: Arc<tempfile::TempDir>,
    environment: Vec<(String, String)>,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
        // Whatever a test is about: no server ever writes its keys or a password of its people into its log.
        if !std::thread::panicking() {
            let log = self.log.lock().unwrap();
            let keys = [&self.keys.admin_token, &self.keys.ingestion_key, &self.keys.service_key];
            let secrets = keys
                .into_iter()
                .filter_map(|key| key.get(16..))
                .chain([self.keys.link_token(), crate::person::PASSWORD]);
            for secret in secrets.filter(|secret| !secret.is_empty()) {
                assert!(!log.contains(secret), "a secret stands in the log of a server");
            }
        }
    }
}

/// A server that has just been asked to start.
struct Started {
    child: Child,
    log: Arc<Mutex<String>>,
}

fn spawn(data: &Path, environment: &[(String, String)]) -> Started {
    let mut child = whodid()
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .env("WHODID_LOG__LEVEL", "debug")
        .envs(environment.iter().cloned())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let log = Arc::new(Mutex::new(String::new()));
    let streams: [Box<dyn Read + Send>; 2] =
        [Box::new(child.stdout.take().unwrap()), Box::new(child.stderr.take().unwrap())];
    for stream in streams {
        let log = Arc::clone(&log);
        std::thread::spawn(move || {
            for line in BufReader::new(stream).lines().map_while(Result::ok) {
                let mut log = log.lock().unwrap();
                log.push_str(&line);
                log.push('\n');
            }
        });
    }
    Started { child, log }
}

impl Server {
    /// A server on a fresh, initialised folder.
    pub async fn start() -> Self {
        Self::start_with(&[]).await
    }

    pub async fn start_with(environment: &[(&str, &str)]) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let keys = init(&folder.path().join("data"));
        Self::on(folder, keys, environment).await
    }

    /// A server on a folder that is initialised already.
    pub async fn on(folder: Arc<tempfile::TempDir>, keys: Keys, environment: &[(&str, &str)]) -> Self {
        let environment: Vec<(String, String)> =
            environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        let started = spawn(&folder.path().join("data"), &environment);
        let mut server = Self { child: started.child, url: String::new(), keys, log: started.log, folder, environment };
        server.wait_until_ready().await;
        server
    }

    /// Starts again on the same folder, however the last run ended.
    pub async fn restart(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        let started = spawn(&self.data(), &self.environment);
        let earlier = std::mem::take(&mut *self.log.lock().unwrap());
        started.log.lock().unwrap().insert_str(0, &earlier.replace("address=", "earlier="));
        (self.child, self.log) = (started.child, started.log);
        self.wait_until_ready().await;
    }

    /// Sets a value of the environment for the next start.
    pub fn set(&mut self, name: &str, value: &str) {
        self.environment.retain(|(known, _)| known != name);
        self.environment.push((name.to_owned(), value.to_owned()));
    }

    async fn wait_until_ready(&mut self) {
        let deadline = Instant::now() + START_MAX;
        loop {
            let log = self.log.lock().unwrap().clone();
            if let Some(address) = log.split("address=").nth(1).and_then(|rest| rest.split_whitespace().next()) {
                self.url = format!("http://{address}");
                return;
            }
            if let Some(status) = self.child.try_wait().unwrap() {
                std::thread::sleep(Duration::from_millis(100));
                panic!("the server ended with {status}:\n{}", self.log.lock().unwrap());
            }
            assert!(Instant::now() < deadline, "the server did not start:\n{log}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn folder(&self) -> Arc<tempfile::TempDir> {
        Arc::clone(&self.folder)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Asks the server to stop and waits for it; its exit code.
    pub async fn stop(&mut self) -> Option<i32> {
        self.terminate();
        self.ended().await
    }

    /// Asks the server to stop.
    pub fn terminate(&self) {
        let told = Command::new("kill").arg("-TERM").arg(self.pid().to_string()).status().unwrap();
        assert!(told.success());
    }

    /// Waits until the log holds these words.
    pub async fn says(&self, words: &str) {
        let deadline = Instant::now() + START_MAX;
        while !self.log.lock().unwrap().contains(words) {
            assert!(Instant::now() < deadline, "{words:?} is not in the log");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Waits for the server's end; its exit code.
    pub async fn ended(&mut self) -> Option<i32> {
        let deadline = Instant::now() + START_MAX;
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status.code();
            }
            assert!(Instant::now() < deadline, "the server did not stop");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        client().request(method.parse().unwrap(), format!("{}{path}", self.url))
    }

    pub fn get(&self, path: &str) -> reqwest::RequestBuilder {
        self.request("GET", path)
    }

    /// A JSON answer to the service key.
    pub async fn read(&self, path: &str) -> Value {
        let (status, body) = answer(self.get(path).bearer_auth(&self.keys.service_key)).await;
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// Sends a body with the ingestion key.
    pub async fn send(&self, body: impl Into<reqwest::Body>) -> (u16, Value) {
        answer(self.request("POST", "/api/v1/events").bearer_auth(&self.keys.ingestion_key).body(body)).await
    }

    pub async fn count(&self) -> u64 {
        self.read("/api/v1/events/count").await["count"].as_u64().unwrap()
    }

    /// Runs a client verb against this server.
    pub fn run(&self, key: &str, arguments: &[&str]) -> Output {
        whodid()
            .args(arguments)
            .env("WHODID_URL", &self.url)
            .env("WHODID_KEY", key)
            .stdin(Stdio::null())
            .output()
            .unwrap()
    }

    /// Signs in with a new link; the cookie as a browser sends it.
    pub async fn sign_in(&self) -> String {
        let output = run(&["sign-in-link", "--data", self.data().to_str().unwrap(), "--output", "json"]);
        let printed: Value = serde_json::from_slice(&output.stdout).unwrap();
        let token = printed["admin_link"].as_str().unwrap().split("token=").nth(1).unwrap().to_owned();
        let response = self.get(&format!("/sign-in?token={token}")).send().await.unwrap();
        assert_eq!(response.status(), 303);
        let cookie = response.headers()["set-cookie"].to_str().unwrap().to_owned();
        cookie.split(';').next().unwrap().to_owned()
    }
}

/// A client that follows nothing and keeps nothing.
pub fn client() -> reqwest::Client {
    static CLIENT: std::sync::OnceLock<reqwest::Client> = std::sync::OnceLock::new();
    let make = || {
        reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            // Every test has a runtime of its own; a connection must not outlive it in a shared pool.
            .pool_max_idle_per_host(0)
            .timeout(Duration::from_secs(120))
            .build()
            .unwrap()
    };
    CLIENT.get_or_init(make).clone()
}

/// Status and JSON body; null for an empty one.
pub async fn answer(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    let status = response.status().as_u16();
    let bytes = response.bytes().await.unwrap();
    let body = if bytes.is_empty() { Value::Null } else { serde_json::from_slice(&bytes).unwrap_or_default() };
    (status, body)
}

/// Status and problem code.
pub async fn refused(request: reqwest::RequestBuilder) -> (u16, String) {
    let (status, body) = answer(request).await;
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

/// An event as a CADF source sends it.
pub fn event(id: &str, who: &str, action: &str, outcome: &str, time: &str) -> String {
    serde_json::json!({
        "typeURI": "http://schemas.dmtf.org/cloud/audit/1.0/event",
        "eventType": "activity",
        "id": id,
        "eventTime": time,
        "action": action,
        "outcome": outcome,
        "initiator": {"id": format!("u-{who}"), "name": who, "typeURI": "service/security/account/user", "host": {"address": "192.0.2.7"}},
        "target": {"id": "t-1", "name": "k17", "typeURI": "kms/secrets"},
        "observer": {"id": "o-1", "name": "kms", "typeURI": "service/security"},
    })
    .to_string()
}
