//! Settings of a sender whose names are answered by the test.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use whodid_alerts::deliver::Settings;
use whodid_alerts::resolver::Resolver;
use whodid_alerts::{AllowList, Issuer, Sender};

/// Answers by table and counts how often it was asked. A second question gets the second answer, if there is one.
#[derive(Debug, Default)]
pub struct Names {
    answers: HashMap<String, Vec<Vec<IpAddr>>>,
    pub asked: AtomicUsize,
}

impl Names {
    /// One host with its answers in the order of questions; the last one stays.
    pub fn of(host: &str, answers: &[&[&str]]) -> Arc<Self> {
        let parsed = |answer: &&[&str]| answer.iter().map(|text| text.parse().unwrap()).collect();
        let answers = answers.iter().map(parsed).collect();
        Arc::new(Self { answers: HashMap::from([(host.to_owned(), answers)]), asked: AtomicUsize::new(0) })
    }
}

#[async_trait::async_trait]
impl Resolver for Names {
    async fn resolve(&self, host: &str) -> std::io::Result<Vec<IpAddr>> {
        let asked = self.asked.fetch_add(1, Ordering::SeqCst);
        let answers = self.answers.get(host).ok_or_else(|| std::io::Error::other("no such host"))?;
        Ok(answers[asked.min(answers.len() - 1)].clone())
    }
}

/// Nothing is allowed, no name is known, no mail server is set.
pub fn settings() -> Settings {
    Settings {
        mail: None,
        allow: AllowList::default(),
        resolver: Arc::new(Names::default()),
        roots_pem: Vec::new(),
        hostname: "whodid.example.com".to_owned(),
        issuer: Issuer { name: "whodid".to_owned(), findings_url: "https://whodid.example.com/findings".to_owned() },
        key: None,
    }
}

/// This machine may be reached at a port, by plain HTTP too.
pub fn open(port: u16) -> AllowList {
    AllowList { addresses: vec!["127.0.0.0/8".parse().unwrap()], hosts: Vec::new(), ports: vec![port], http: true }
}

pub fn sender(port: u16) -> Sender {
    Sender::new(Settings { allow: open(port), ..settings() }).unwrap()
}
