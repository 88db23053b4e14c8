//! The rules of an account as they are in force: packages, the account's own, tuning and exceptions, compiled.
//!
//! Made anew from the metadata whenever something of it changes, and handed to the engine, which goes on with what
//! unchanged rules remember. Who looks at rules looks at the same, as long as nothing has changed since.
//!
//! A filter narrows rules, so it is held to what rules are held to: it is listed, switched and deleted like one, and
//! it is in force only where its package is, or where a rule is that stands in the same text. How far it reaches is for
//! the compiler to say: [`RuleSet::compile`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};
use whodid_engine::Engine;
use whodid_meta::{Document as Stored, DocumentKind, DocumentVersion, Expected, MetaError};
use whodid_model::{AccountName, StreamName};
use whodid_rules::{
    Build, Document, Exception, Gravity, Loaded, Package, Problem, RuleSet, Tuning, Values, Variables, builtin,
};

use super::App;
use super::failure::Failure;
use crate::locations::Locations;

/// What rules are made of.
const KINDS: [DocumentKind; 4] =
    [DocumentKind::Package, DocumentKind::Rule, DocumentKind::RuleTuning, DocumentKind::Exception];
/// Accounts whose rules are kept ready to be shown; those of others are read again.
const READY_MAX: usize = 4;

/// How long a change of rules waits for detection to come to what was told of it.
const LOOKED_AT_WAIT: std::time::Duration = std::time::Duration::from_secs(2);

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
    /// The file in the account's storage that it is made of, of one that is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub laid_file: Option<String>,
    /// Whether whoever installed it may not read the audit log: its rules see nothing of it then.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub without_audit: bool,
}

/// What is kept of a rule of the account's own.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredRule {
    /// Its text, which may hold several rules.
    pub text: String,
    /// Whether whoever wrote it may not read the audit log: its rules see nothing of it then.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub without_audit: bool,
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
#[derive(Debug, Clone)]
pub struct KnownPackage {
    /// The package.
    pub package: Package,
    /// Whether it came with whodid.
    pub is_builtin: bool,
    /// What the account made of it.
    pub stored: StoredPackage,
    /// The revision of that, where something is stored.
    pub revision: Option<i64>,
    /// The hash that pins it.
    pub digest: String,
    /// How many rules it has, filters not counted.
    pub rules: u64,
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

    /// What a change that was made of this expects to find.
    pub fn expected(&self) -> Expected {
        self.revision.map_or(Expected::Any, Expected::Revision)
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

impl Origin {
    /// The id of the account's own text.
    fn text(&self) -> Option<&str> {
        match self {
            Self::Own(id) => Some(id),
            Self::Package(_) => None,
        }
    }
}

/// The documents of the packages that came with whodid, read once for all accounts.
pub static BUILTIN: LazyLock<BTreeMap<String, Vec<Arc<Document>>>> = LazyLock::new(|| {
    let read = |package: &Package| package.documents().documents.into_iter().map(Arc::new).collect();
    builtin().iter().map(|package| (package.manifest.id.clone(), read(package))).collect()
});

/// What an account's rules are made of, as it is stored.
#[derive(Debug, Default)]
struct Kept {
    packages: Vec<Stored>,
    own: Vec<Stored>,
    tuning: Vec<Stored>,
    exceptions: Vec<Stored>,
}

impl Kept {
    async fn load(app: &App, account: &AccountName) -> Result<Self, MetaError> {
        Ok(Self {
            packages: app.meta.documents(account, DocumentKind::Package).await?,
            own: app.meta.documents(account, DocumentKind::Rule).await?,
            tuning: app.meta.documents(account, DocumentKind::RuleTuning).await?,
            exceptions: app.meta.documents(account, DocumentKind::Exception).await?,
        })
    }

    fn versions(&self) -> Vec<DocumentVersion> {
        let all = [&self.packages, &self.own, &self.tuning, &self.exceptions];
        let versions = KINDS.into_iter().zip(all);
        let mut versions: Vec<DocumentVersion> =
            versions.flat_map(|(kind, documents)| documents.iter().map(move |one| one.version(kind))).collect();
        versions.sort();
        versions
    }
}

/// The rules of an account, read and compiled.
#[derive(Debug)]
pub struct InForce {
    /// What they were made of.
    versions: Vec<DocumentVersion>,
    /// What they are made of.
    pub catalog: Catalog,
    /// Those that run.
    pub rules: Arc<RuleSet>,
    /// Ids of the rules that report what they find.
    pub reported: BTreeSet<String>,
    /// What is wrong with the rules that run.
    pub problems: Vec<Problem>,
}

impl InForce {
    fn of(kept: Kept, locations: Option<&Arc<Locations>>) -> Self {
        let versions = kept.versions();
        let catalog = Catalog::read(kept);
        let (rules, problems) = catalog.compile();
        let reported = rules.rules().iter().filter(|rule| rule.is_reported).map(|rule| rule.meta.id.clone()).collect();
        Self { versions, catalog, rules: Arc::new(with_locations(locations, rules)), reported, problems }
    }

    /// What keeps a rule or filter, by its id, from being in force though it is switched on, or a part of one that is.
    pub fn problem_of(&self, id: &str) -> Option<&Problem> {
        let is_of_it = |problem: &&Problem| problem.gravity == Gravity::Error && problem.rule.as_deref() == Some(id);
        self.problems.iter().find(is_of_it)
    }

    /// What would be wrong with rules that run, were a package as `changed`: with other values or another switch,
    /// new, or of another version.
    pub fn stopped_by(&self, changed: KnownPackage) -> Vec<Problem> {
        let (_, problems) = self.catalog.with_package(changed).compile();
        let running = self.catalog.running();
        let running = self.catalog.documents.iter().zip(running).filter(|(_, runs)| *runs);
        let ran: BTreeSet<&str> = running.map(|((document, _), _)| document.meta().id.as_str()).collect();
        let ran_well = |id: &str| ran.contains(id) && self.problem_of(id).is_none();
        let is_lost =
            |problem: &Problem| problem.gravity == Gravity::Error && problem.rule.as_deref().is_some_and(ran_well);
        problems.into_iter().filter(is_lost).collect()
    }
}

/// Rules of accounts that were looked at lately, the latest first.
#[derive(Debug, Default)]
pub struct Ready(Mutex<Vec<(AccountName, Arc<InForce>)>>);

impl Ready {
    fn get(&self, account: &AccountName, versions: &[DocumentVersion]) -> Option<Arc<InForce>> {
        let ready = self.0.lock();
        let known = ready.iter().find(|(name, known)| name == account && known.versions == versions);
        known.map(|(_, known)| Arc::clone(known))
    }

    fn put(&self, account: &AccountName, known: &Arc<InForce>) {
        let mut ready = self.0.lock();
        ready.retain(|(name, _)| name != account);
        ready.truncate(READY_MAX - 1);
        ready.insert(0, (account.clone(), Arc::clone(known)));
    }
}

/// Everything that an account's rules are made of.
#[derive(Debug, Clone, Default)]
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
    /// Own texts in which a rule is switched on.
    texts_on: BTreeSet<String>,
}

impl Catalog {
    /// Reads what is stored of an account.
    fn read(kept: Kept) -> Self {
        let mut catalog = Self::default();
        let mut stored: HashMap<String, (StoredPackage, i64)> = HashMap::new();
        for document in kept.packages {
            match serde_json::from_value(document.body) {
                Ok(package) => drop(stored.insert(document.id, (package, document.revision))),
                Err(error) => {
                    catalog.problems.push(Problem::error("package", format!("the package {}: {error}", document.id)))
                }
            }
        }
        for package in builtin() {
            let (kept, revision) = stored.remove(&package.manifest.id).unzip();
            catalog.add_package(package.clone(), true, kept.unwrap_or_default(), revision);
        }
        let mut installed: Vec<(String, (StoredPackage, i64))> = stored.into_iter().collect();
        installed.sort_by(|(one, _), (other, _)| one.cmp(other));
        for (id, (mut kept, revision)) in installed {
            let Some(files) = kept.files.take() else { continue };
            match Package::from_files(files) {
                Ok(package) => catalog.add_package(package, false, kept, Some(revision)),
                Err(error) => catalog.problems.push(Problem::error("package", format!("the package {id}: {error}"))),
            }
        }
        for document in kept.own {
            if let Ok(rule) = serde_json::from_value::<StoredRule>(document.body.clone()) {
                let loaded = whodid_rules::load(&format!("own/{}", document.id), &rule.text);
                catalog.problems.extend(loaded.problems);
                let own = loaded.documents.into_iter().map(|one| (Arc::new(one), Origin::Own(document.id.clone())));
                catalog.documents.extend(own);
            }
            catalog.own.insert(document.id.clone(), document);
        }
        for document in kept.tuning {
            if let Ok(tuning) = serde_json::from_value(document.body) {
                catalog.tuning.insert(document.id, tuning);
            }
        }
        for document in kept.exceptions {
            match serde_json::from_value::<Exception>(document.body.clone()) {
                Ok(exception) => catalog.exceptions.push((exception, document)),
                Err(error) => catalog
                    .problems
                    .push(Problem::error("exception", format!("the exception {}: {error}", document.id))),
            }
        }
        let is_on = |(document, origin): &&(Arc<Document>, Origin)| {
            !is_filter(document) && matches!(origin, Origin::Own(_)) && catalog.is_enabled(document, origin)
        };
        let texts_on = catalog.documents.iter().filter(is_on).filter_map(|(_, origin)| origin.text());
        let texts_on = texts_on.map(str::to_owned).collect();
        Self { texts_on, ..catalog }
    }

    fn add_package(&mut self, package: Package, is_builtin: bool, stored: StoredPackage, revision: Option<i64>) {
        let id = package.manifest.id.clone();
        let documents = match BUILTIN.get(&id).filter(|_| is_builtin) {
            Some(documents) => documents.clone(),
            None => {
                let loaded = package.documents();
                self.problems.extend(loaded.problems);
                loaded.documents.into_iter().map(Arc::new).collect()
            }
        };
        let rules = documents.iter().filter(|document| !is_filter(document)).count() as u64;
        let known = KnownPackage { digest: package.digest(), package, is_builtin, stored, revision, rules };
        self.documents.extend(documents.into_iter().map(|document| (document, Origin::Package(id.clone()))));
        self.packages.insert(id, known);
    }

    /// Whether a rule runs, or a filter is laid over rules.
    pub fn is_enabled(&self, document: &Document, origin: &Origin) -> bool {
        if let Origin::Package(id) = origin
            && !self.packages.get(id).is_some_and(KnownPackage::is_enabled)
        {
            return false;
        }
        let switched = self.tuning.get(&document.meta().id).and_then(|tuning| tuning.is_enabled);
        switched.unwrap_or_else(|| match origin {
            Origin::Package(_) => match &document.body {
                whodid_rules::Body::Advisor(rule) => !rule.is_dormant,
                _ => !document.meta().extension.dormant,
            },
            // A filter goes with the rules that it stands beside; where it stands alone it is switched like a rule.
            Origin::Own(text) => is_filter(document) && self.texts_on.contains(text),
        })
    }

    /// The package that is made of a file in the account's storage.
    pub fn package_of_file(&self, path: &str) -> Option<&KnownPackage> {
        self.packages.values().find(|known| known.stored.laid_file.as_deref() == Some(path))
    }

    /// Reads a text that is not kept. What has the id of a package's rule is looked at as that rule: with the values
    /// of the package.
    pub fn load(&self, file: &str, text: &str) -> Loaded {
        let mut loaded = whodid_rules::load(file, text);
        for document in &mut loaded.documents {
            let mut known = self.documents.iter().map(|(known, _)| known);
            let known = known.find(|known| known.meta().id == document.meta().id);
            document.package = known.and_then(|known| known.package.clone());
        }
        loaded
    }

    /// Whether something of an own text is in force.
    pub fn is_text_on(&self, text: &str) -> bool {
        let mut of_text = self.documents.iter().filter(|(_, origin)| origin.text() == Some(text));
        of_text.any(|(document, origin)| self.is_enabled(document, origin))
    }

    /// The values of all variables, of each package its own. The account's own rules may name those of packages that
    /// are switched on.
    pub fn variables(&self) -> Values {
        let mut values = Values::default();
        for known in self.packages.values() {
            values.add(&known.package, &known.stored.variables, known.is_enabled());
        }
        values
    }

    /// The same with a package changed.
    fn with_package(&self, changed: KnownPackage) -> Self {
        let mut other = self.clone();
        let id = Origin::Package(changed.package.manifest.id.clone());
        other.documents.retain(|(_, origin)| *origin != id);
        let KnownPackage { package, is_builtin, stored, revision, .. } = changed;
        other.add_package(package, is_builtin, stored, revision);
        other
    }

    /// Whether whoever wrote something may not read the audit log.
    pub fn is_without_audit(&self, origin: &Origin) -> bool {
        match origin {
            Origin::Package(id) => self.packages.get(id).is_some_and(|known| known.stored.without_audit),
            Origin::Own(id) => {
                self.own.get(id).is_some_and(|document| document.body["without_audit"].as_bool() == Some(true))
            }
        }
    }

    /// The rules that run, compiled, with those that correlations among them refer to.
    fn compile(&self) -> (RuleSet, Vec<Problem>) {
        let mut tuning: BTreeMap<String, Tuning> = BTreeMap::new();
        let (mut documents, mut silent, mut without_audit) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        let running = self.running();
        for ((document, origin), runs) in self.documents.iter().zip(running) {
            if !runs {
                continue;
            }
            let id = document.meta().id.clone();
            if !self.is_enabled(document, origin) {
                silent.insert(id.clone());
            }
            if self.is_without_audit(origin) {
                without_audit.insert(id.clone());
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
            without_audit,
            routes: true,
        };
        RuleSet::compile(&build)
    }

    /// Of each document whether it runs: it is switched on, or a correlation that runs refers to it.
    fn running(&self) -> Vec<bool> {
        let is_on = |(document, origin): &(Arc<Document>, Origin)| self.is_enabled(document, origin);
        let mut running: Vec<bool> = self.documents.iter().map(is_on).collect();
        let mut waiting: Vec<usize> = (0..running.len()).filter(|index| running[*index]).collect();
        while let Some(index) = waiting.pop() {
            for name in referred(&self.documents[index].0) {
                for (other, (document, _)) in self.documents.iter().enumerate() {
                    if !running[other] && !is_filter(document) && document.is_called(name) {
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
            let mut called =
                self.documents.iter().filter(|(document, _)| !is_filter(document) && document.is_called(name));
            called.any(|(document, _)| is_of_these(document))
        };
        let running = self.running();
        let others = self.documents.iter().zip(running).filter(|((document, _), runs)| *runs && !is_of_these(document));
        others.map(|((document, _), _)| document.as_ref()).find(|document| referred(document).iter().any(named))
    }

    /// All documents but for filters that are switched off: those are laid over nothing.
    pub fn usable(&self) -> Vec<&Document> {
        let is_usable =
            |(document, origin): &&(Arc<Document>, Origin)| !is_filter(document) || self.is_enabled(document, origin);
        self.documents.iter().filter(is_usable).map(|(document, _)| document.as_ref()).collect()
    }

    /// The same beside these, those of the same id left out.
    pub fn others(&self, than: &[Document]) -> Vec<&Document> {
        let ids: BTreeSet<&str> = than.iter().map(|document| document.meta().id.as_str()).collect();
        let mut others = self.usable();
        others.retain(|other| !ids.contains(other.meta().id.as_str()));
        others
    }
}

/// Documents with everything that their correlations refer to, and all filters among `all`.
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

fn with_locations(locations: Option<&Arc<Locations>>, rules: RuleSet) -> RuleSet {
    match locations {
        Some(locations) => rules.with_locations(Box::new(crate::locations::Shared(Arc::clone(locations)))),
        None => rules,
    }
}

impl App {
    /// Gives rules the database of where addresses are.
    pub fn with_locations(&self, rules: RuleSet) -> RuleSet {
        with_locations(self.locations.as_ref(), rules)
    }

    /// What the rules of an account are made of, as it is now. Equal ones make equal rules.
    pub async fn rule_versions(&self, account: &AccountName) -> Result<Vec<DocumentVersion>, MetaError> {
        self.meta.document_versions(account, &KINDS).await
    }

    /// The rules of an account as they are now: read and compiled where something changed since they last were.
    pub async fn rules_of(&self, account: &AccountName) -> Result<Arc<InForce>, Failure> {
        let versions = self.rule_versions(account).await?;
        if let Some(known) = self.rules_ready.get(account, &versions) {
            return Ok(known);
        }
        let turn = self.compiling.turn().await?;
        // Whoever had the turn before may have done it.
        if let Some(known) = self.rules_ready.get(account, &versions) {
            return Ok(known);
        }
        let (kept, locations) = (Kept::load(self, account).await?, self.locations.clone());
        let known = Arc::new(turn.work(move || InForce::of(kept, locations.as_ref())).await?);
        self.rules_ready.put(account, &known);
        Ok(known)
    }

    /// Puts the rules of an account into force as they are now. What was told of the change is looked at first, by the
    /// rules as they were: nobody can switch off unseen what would have told of it.
    pub async fn refresh_rules(&self, account: &AccountName) -> Result<(), Failure> {
        let engine = self.engine()?;
        self.hand_over().await;
        if !engine.looked_at(account, &StreamName::audit(), LOOKED_AT_WAIT).await {
            tracing::warn!(account = %account, "detection is behind, and takes the changed rules up when it has come to what was told of the change");
        }
        self.put_into_force(engine, account).await
    }

    /// The same of every account, before the server takes events: none may come by unseen.
    pub async fn begin_rules(&self, engine: &Engine, accounts: &[whodid_meta::Account]) {
        for account in accounts {
            if let Err(failure) = self.put_into_force(engine, &account.name).await {
                tracing::error!(account = %account.name, error = failure.detail(), "the rules of this account do not run");
            }
        }
    }

    /// One after the other, and without a turn among those who only look: what was changed must come into force.
    async fn put_into_force(&self, engine: &Engine, account: &AccountName) -> Result<(), Failure> {
        let _turn = self.refreshing_rules.lock().await;
        let (kept, locations) = (Kept::load(self, account).await?, self.locations.clone());
        let compiled = tokio::task::spawn_blocking(move || InForce::of(kept, locations.as_ref())).await;
        let known = Arc::new(compiled.map_err(|error| Failure::internal("compiling rules", &error))?);
        if let Some(first) = known.problems.first() {
            tracing::warn!(account = %account, problems = known.problems.len(), %first, "some rules cannot be used");
        }
        engine.set_rules(account, Arc::clone(&known.rules)).await?;
        self.rules_ready.put(account, &known);
        let problems: Vec<&Problem> = known.problems.iter().chain(&known.catalog.problems).collect();
        self.tell_unusable(engine, account, &problems).await;
        Ok(())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use serde_json::{Value, json};
    use whodid_model::Timestamp;

    use super::*;

    const FILTER: &str = "title: Robots\nid: robots\nlogsource: {category: activity}\n\
        filter: {rules: any, sel: {initiator.name: robot}, condition: not sel}\n";
    const RULE: &str =
        "title: T\nid: t\nlogsource: {category: activity}\ndetection: {sel: {action: a}, condition: sel}\n";

    fn document(id: &str, body: Value) -> Stored {
        Stored {
            id: id.to_owned(),
            body,
            secret: None,
            revision: 1,
            created_at: Timestamp::default(),
            created_by: String::new(),
            updated_at: Timestamp::default(),
            updated_by: String::new(),
        }
    }

    /// What is in force of own texts with these switches.
    fn on(texts: &[&str], switches: &[(&str, bool)]) -> Vec<String> {
        let own = texts.iter().enumerate();
        let own = own.map(|(number, text)| document(&format!("text-{number}"), json!({"text": text}))).collect();
        let tuning = switches.iter().map(|(id, is_enabled)| document(id, json!({"is_enabled": is_enabled}))).collect();
        let catalog = Catalog::read(Kept { own, tuning, ..Kept::default() });
        assert!(catalog.problems.is_empty(), "{:?}", catalog.problems);
        let own = catalog.documents.iter().filter(|(_, origin)| matches!(origin, Origin::Own(_)));
        let on = own.filter(|(document, origin)| catalog.is_enabled(document, origin));
        on.map(|(document, _)| document.meta().id.clone()).collect()
    }

    #[test]
    fn a_filter_goes_with_the_rules_of_its_text_unless_it_is_switched_itself() {
        let both = format!("{RULE}---\n{FILTER}");
        assert_eq!(on(&[FILTER], &[]), Vec::<String>::new());
        assert_eq!(on(&[FILTER, RULE], &[("t", true)]), ["t"], "another text's rule is not its own");
        assert_eq!(on(&[FILTER], &[("robots", true)]), ["robots"]);
        assert_eq!(on(&[both.as_str()], &[]), Vec::<String>::new());
        assert_eq!(on(&[both.as_str()], &[("t", true)]), ["t", "robots"]);
        assert_eq!(on(&[both.as_str()], &[("t", true), ("robots", false)]), ["t"]);
        assert_eq!(on(&[both.as_str()], &[("t", false), ("robots", true)]), ["robots"]);
    }

    #[test]
    fn a_filter_of_a_package_is_in_force_where_the_package_is() {
        let manifest = "id: mine\nversion: 1.0.0\ntitle: Mine\nlicence: Apache-2.0\nauthor: mara\n\
            needs_configuration: true\n";
        let files = json!({"package.yaml": manifest, "robots.yml": FILTER});
        let is_on = |is_enabled: Option<bool>, switch: Option<bool>| {
            let packages = vec![document("mine", json!({"files": files, "is_enabled": is_enabled}))];
            let tuning = vec![document("robots", json!({"is_enabled": switch}))];
            let catalog = Catalog::read(Kept { packages, tuning, ..Kept::default() });
            let (filter, origin) = catalog.documents.iter().find(|(one, _)| one.meta().id == "robots").unwrap();
            catalog.is_enabled(filter, origin)
        };
        assert!(!is_on(None, None), "nobody has configured the package");
        assert!(!is_on(Some(false), None));
        assert!(!is_on(Some(false), Some(true)));
        assert!(is_on(Some(true), None));
        assert!(!is_on(Some(true), Some(false)));
    }
}
