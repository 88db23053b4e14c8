//! The rules of an account as they are in force: packages, the account's own, tuning and exceptions, compiled.
//!
//! Made anew from the metadata whenever something of it changes, and handed to the engine, which goes on with what
//! unchanged rules remember.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};
use whodid_engine::Engine;
use whodid_meta::{Document as Stored, DocumentKind, MetaError};
use whodid_model::AccountName;
use whodid_rules::{Build, Document, Exception, Package, Problem, RuleSet, Tuning, Variables, builtin};

use super::App;
use super::failure::Failure;

/// What is kept of a package.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoredPackage {
    /// Whether its rules run; as it says itself when not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_enabled: Option<bool>,
    /// Values that the account gave.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub variables: Variables,
    /// Its files, of an installed one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub files: Option<BTreeMap<String, String>>,
}

/// What is kept of a rule of the account's own.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredRule {
    /// Its text, which may hold several rules.
    pub text: String,
}

/// What is kept of the tuning of a rule.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct StoredTuning {
    /// Whether it runs; as it says itself when not there.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_enabled: Option<bool>,
    /// What else differs.
    #[serde(flatten)]
    pub tuning: Tuning,
}

/// A package with what the account made of it.
#[derive(Debug)]
pub struct KnownPackage {
    /// The package.
    pub package: Package,
    /// Whether it came with whodid.
    pub is_builtin: bool,
    /// What the account made of it.
    pub stored: StoredPackage,
}

impl KnownPackage {
    /// Whether its rules run.
    pub fn is_enabled(&self) -> bool {
        self.stored.is_enabled.unwrap_or(!self.package.manifest.needs_configuration)
    }

    /// The values of its variables.
    pub fn variables(&self) -> Variables {
        self.package.variables(&self.stored.variables)
    }
}

/// Where a rule comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// A package, by id.
    Package(String),
    /// The account's own text, by the id it is kept under.
    Own(String),
}

/// The documents of the packages that came with whodid, read once for all accounts.
static BUILTIN: LazyLock<BTreeMap<String, Vec<Arc<Document>>>> = LazyLock::new(|| {
    let read = |package: &Package| package.documents().documents.into_iter().map(Arc::new).collect();
    builtin().iter().map(|package| (package.manifest.id.clone(), read(package))).collect()
});

/// Everything that an account's rules are made of.
#[derive(Debug, Default)]
pub struct Catalog {
    /// Packages by id.
    pub packages: BTreeMap<String, KnownPackage>,
    /// The account's own texts by id.
    pub own: BTreeMap<String, Stored>,
    /// Tuning by rule id.
    pub tuning: BTreeMap<String, StoredTuning>,
    /// Exceptions with how they are kept.
    pub exceptions: Vec<(Exception, Stored)>,
    /// Every document with where it comes from.
    pub documents: Vec<(Arc<Document>, Origin)>,
    /// What is wrong with single documents.
    pub problems: Vec<Problem>,
}

impl Catalog {
    /// Reads what an account has.
    pub async fn load(app: &App, account: &AccountName) -> Result<Self, MetaError> {
        let mut catalog = Self::default();
        let mut stored: HashMap<String, StoredPackage> = HashMap::new();
        for document in app.meta.documents(account, DocumentKind::Package).await? {
            match serde_json::from_value(document.body) {
                Ok(package) => drop(stored.insert(document.id, package)),
                Err(error) => {
                    catalog.problems.push(Problem::error("package", format!("the package {}: {error}", document.id)))
                }
            }
        }
        for package in builtin() {
            let id = package.manifest.id.clone();
            let kept = stored.remove(&id).unwrap_or_default();
            catalog.packages.insert(id, KnownPackage { package: package.clone(), is_builtin: true, stored: kept });
        }
        for (id, mut kept) in stored {
            let Some(files) = kept.files.take() else { continue };
            match Package::from_files(files) {
                Ok(package) => {
                    drop(catalog.packages.insert(id, KnownPackage { package, is_builtin: false, stored: kept }))
                }
                Err(error) => catalog.problems.push(Problem::error("package", format!("the package {id}: {error}"))),
            }
        }
        for (id, known) in &catalog.packages {
            let documents = match BUILTIN.get(id).filter(|_| known.is_builtin) {
                Some(documents) => documents.clone(),
                None => {
                    let loaded = known.package.documents();
                    catalog.problems.extend(loaded.problems);
                    loaded.documents.into_iter().map(Arc::new).collect()
                }
            };
            catalog.documents.extend(documents.into_iter().map(|document| (document, Origin::Package(id.clone()))));
        }
        for document in app.meta.documents(account, DocumentKind::Rule).await? {
            if let Ok(rule) = serde_json::from_value::<StoredRule>(document.body.clone()) {
                let loaded = whodid_rules::load(&format!("own/{}", document.id), &rule.text);
                catalog.problems.extend(loaded.problems);
                let own = loaded.documents.into_iter().map(|one| (Arc::new(one), Origin::Own(document.id.clone())));
                catalog.documents.extend(own);
            }
            catalog.own.insert(document.id.clone(), document);
        }
        for document in app.meta.documents(account, DocumentKind::RuleTuning).await? {
            if let Ok(tuning) = serde_json::from_value(document.body) {
                catalog.tuning.insert(document.id, tuning);
            }
        }
        for document in app.meta.documents(account, DocumentKind::Exception).await? {
            match serde_json::from_value::<Exception>(document.body.clone()) {
                Ok(exception) => catalog.exceptions.push((exception, document)),
                Err(error) => catalog
                    .problems
                    .push(Problem::error("exception", format!("the exception {}: {error}", document.id))),
            }
        }
        Ok(catalog)
    }

    /// Whether a rule runs.
    pub fn is_enabled(&self, document: &Document, origin: &Origin) -> bool {
        let is_dormant = match &document.body {
            whodid_rules::Body::Advisor(rule) => rule.is_dormant,
            _ => document.meta().extension.dormant,
        };
        let of_package = match origin {
            Origin::Package(id) => self.packages.get(id).is_some_and(KnownPackage::is_enabled),
            Origin::Own(_) => true,
        };
        let by_itself = matches!(origin, Origin::Package(_)) && !is_dormant;
        of_package && self.tuning.get(&document.meta().id).and_then(|tuning| tuning.is_enabled).unwrap_or(by_itself)
    }

    /// The values of all variables.
    pub fn variables(&self) -> Variables {
        self.packages
            .values()
            .filter(|known| known.is_enabled())
            .flat_map(KnownPackage::variables)
            .filter(|(_, values)| !values.is_empty())
            .collect()
    }

    /// The rules that run, compiled, with those that correlations among them refer to.
    pub fn compile(&self) -> (RuleSet, Vec<Problem>) {
        let mut tuning: BTreeMap<String, Tuning> = BTreeMap::new();
        let (mut documents, mut silent) = (Vec::new(), BTreeSet::new());
        let running = self.running();
        for ((document, origin), runs) in self.documents.iter().zip(running) {
            if !runs {
                continue;
            }
            let id = document.meta().id.clone();
            if !is_filter(document) && !self.is_enabled(document, origin) {
                silent.insert(id.clone());
            }
            let mut tuned = self.tuning.get(&id).map(|stored| stored.tuning.clone()).unwrap_or_default();
            tuned.dormant = Some(false);
            tuning.insert(id, tuned);
            documents.push(document.as_ref());
        }
        let build = Build {
            documents,
            variables: self.variables(),
            tuning,
            exceptions: self.exceptions.iter().map(|(exception, _)| exception.clone()).collect(),
            with_dormant: false,
            silent,
            routes: true,
        };
        RuleSet::compile(&build)
    }

    /// Of each document whether it runs: it is switched on, or a correlation that runs refers to it.
    fn running(&self) -> Vec<bool> {
        let is_on =
            |(document, origin): &(Arc<Document>, Origin)| is_filter(document) || self.is_enabled(document, origin);
        let mut running: Vec<bool> = self.documents.iter().map(is_on).collect();
        let mut waiting: Vec<usize> = (0..running.len()).filter(|index| running[*index]).collect();
        while let Some(index) = waiting.pop() {
            for name in referred(&self.documents[index].0) {
                for (other, (document, _)) in self.documents.iter().enumerate() {
                    if !running[other] && document.is_called(name) {
                        running[other] = true;
                        waiting.push(other);
                    }
                }
            }
        }
        running
    }

    /// A correlation that runs, stands in another text, and refers to one of these documents.
    pub fn who_needs(&self, ids: &[&str]) -> Option<&Document> {
        let is_of_these = |document: &Document| ids.contains(&document.meta().id.as_str());
        let named = |name: &String| {
            let mut called = self.documents.iter().filter(|(document, _)| document.is_called(name));
            called.any(|(document, _)| is_of_these(document))
        };
        let running = self.running();
        let others = self.documents.iter().zip(running).filter(|((document, _), runs)| *runs && !is_of_these(document));
        others.map(|((document, _), _)| document.as_ref()).find(|document| referred(document).iter().any(named))
    }

    /// The documents beside these, those of the same id left out.
    pub fn others(&self, than: &[Document]) -> Vec<&Document> {
        let is_other = |other: &&Document| !than.iter().any(|document| document.meta().id == other.meta().id);
        self.documents.iter().map(|(document, _)| document.as_ref()).filter(is_other).collect()
    }
}

/// Documents with everything that their correlations refer to, and all filters.
pub fn with_referred<'d>(roots: Vec<&'d Document>, all: &[&'d Document]) -> Vec<&'d Document> {
    let mut found = roots;
    let mut at = 0;
    while let Some(document) = found.get(at).copied() {
        for name in referred(document) {
            let referred = all.iter().find(|other| other.is_called(name) && !is_filter(other));
            found.extend(referred.filter(|other| !found.iter().any(|known| std::ptr::eq(*known, **other))));
        }
        at += 1;
    }
    let filters = all.iter().copied().filter(|other| is_filter(other));
    found.extend(filters.filter(|filter| !found.iter().any(|known| std::ptr::eq(*known, *filter))).collect::<Vec<_>>());
    found
}

/// Whether a document only narrows others.
pub fn is_filter(document: &Document) -> bool {
    matches!(document.body, whodid_rules::Body::Filter(_))
}

/// The names of the rules that a correlation is made of.
fn referred(document: &Document) -> &[String] {
    match &document.body {
        whodid_rules::Body::Correlation(correlation) => &correlation.rules,
        _ => &[],
    }
}

impl App {
    /// Gives rules the database of where addresses are.
    pub fn with_locations(&self, rules: RuleSet) -> RuleSet {
        match &self.locations {
            Some(locations) => rules.with_locations(Box::new(crate::locations::Shared(Arc::clone(locations)))),
            None => rules,
        }
    }

    /// Puts the rules of an account into force as they are now.
    pub async fn refresh_rules(&self, account: &AccountName) -> Result<(), Failure> {
        self.put_into_force(self.engine()?, account).await
    }

    /// The same of every account, before the server takes events: none may come by unseen.
    pub async fn begin_rules(&self, engine: &Engine, accounts: &[whodid_meta::Account]) {
        for account in accounts {
            if let Err(failure) = self.put_into_force(engine, &account.name).await {
                tracing::error!(account = %account.name, error = failure.detail(), "the rules of this account do not run");
            }
        }
    }

    async fn put_into_force(&self, engine: &Engine, account: &AccountName) -> Result<(), Failure> {
        let _turn = self.refreshing_rules.lock().await;
        let catalog = Catalog::load(self, account).await?;
        let compiled = tokio::task::spawn_blocking(move || catalog.compile()).await;
        let (rules, problems) = compiled.map_err(|error| Failure::internal("compiling rules", &error))?;
        if let Some(first) = problems.first() {
            tracing::warn!(account = %account, problems = problems.len(), %first, "some rules cannot be used");
        }
        engine.set_rules(account, Arc::new(self.with_locations(rules))).await?;
        Ok(())
    }
}
