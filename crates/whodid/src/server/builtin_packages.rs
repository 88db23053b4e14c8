//! Packages that came with whodid are other ones once it was upgraded, though nobody changed a rule. Each such change
//! is told once in the audit log of every account, by whodid itself.
//!
//! What was told last is kept beside the account's rules, and changes together with its record. Where nothing is kept
//! yet all packages are noted, and nothing is told: what the account had before is not known, if it had any.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use whodid_audit::{Actor, Deed, Told};
use whodid_meta::{DocumentChange, DocumentKind, Expected};
use whodid_model::AccountName;
use whodid_rules::{Document, Package, builtin};

use super::App;
use super::catalog::BUILTIN;
use super::failure::Failure;
use super::rule_change::{Versions, filters, versions, with_difference, with_filters};

/// What is kept of a package.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Noted {
    title: String,
    version: String,
    digest: String,
    /// The versions of its rules and filters.
    rules: Versions,
    /// The ids of its filters.
    filters: Vec<String>,
}

/// Packages by id.
type Packages = BTreeMap<String, Noted>;

/// Those of this whodid.
static OURS: LazyLock<Packages> =
    LazyLock::new(|| builtin().iter().map(|package| (package.manifest.id.clone(), Noted::of(package))).collect());

impl Noted {
    fn of(package: &Package) -> Self {
        let manifest = &package.manifest;
        let documents = BUILTIN.get(&manifest.id).into_iter().flatten();
        let documents: Vec<&Document> = documents.map(AsRef::as_ref).collect();
        Self {
            title: manifest.title.clone(),
            version: manifest.version.to_string(),
            digest: package.digest(),
            rules: versions(documents.iter().copied()),
            filters: filters(documents),
        }
    }

    /// What of it is told before and after.
    fn told(&self) -> Value {
        json!({"version": self.version, "digest": self.digest})
    }
}

/// What is to be kept and told, where these are the packages now and `noted` were those before.
fn difference(noted: &Packages, now: &Packages) -> (Vec<DocumentChange>, Vec<Told>) {
    let (mut changes, mut told) = (Vec::new(), Vec::new());
    let ids: BTreeSet<&String> = noted.keys().chain(now.keys()).collect();
    for id in ids {
        let (before, after) = (noted.get(id), now.get(id));
        if before == after {
            continue;
        }
        let (body, expected) = (after.map(|after| json!(after)), Expected::Any);
        let kind = DocumentKind::BuiltinPackage;
        changes.push(DocumentChange { kind, id: id.clone(), body, secret: None, expected });
        if !noted.is_empty() {
            told.push(told_of(id, before, after));
        }
    }
    (changes, told)
}

fn told_of(id: &str, before: Option<&Noted>, after: Option<&Noted>) -> Told {
    let deed = match (before, after) {
        (None, _) => Deed::PackageCreate,
        (Some(_), Some(_)) => Deed::PackageUpdate,
        (Some(_), None) => Deed::PackageDelete,
    };
    let title = after.or(before).map_or("", |package| package.title.as_str());
    let told = Told::success(deed, id, title)
        .asked("whodidVersion", env!("CARGO_PKG_VERSION"))
        .changed(before.map(Noted::told), after.map(Noted::told));
    let none = Versions::new();
    let rules = [before, after].map(|package| package.map_or(&none, |package| &package.rules));
    let told = with_difference(told, rules[0], rules[1]);
    match after {
        Some(after) => with_filters(told, &after.filters),
        None => told,
    }
}

impl App {
    /// Tells an account which packages that came with whodid are others than it was told last. To be called when their
    /// rules are in force.
    ///
    /// # Errors
    /// The metadata does not answer, takes no more records now, or what is kept cannot be read.
    pub(super) async fn tell_builtin_packages(&self, account: &AccountName) -> Result<(), Failure> {
        let mut noted = Packages::new();
        for document in self.meta.documents(account, DocumentKind::BuiltinPackage).await? {
            let package = serde_json::from_value(document.body)
                .map_err(|error| Failure::internal("reading what was told of a package", &error))?;
            noted.insert(document.id, package);
        }
        let (changes, told) = difference(&noted, &OURS);
        if !changes.is_empty() {
            self.meta.change_documents(&Actor::system(), account, &changes, &told, crate::clock::now()).await?;
        }
        Ok(())
    }

    /// The same for each of these accounts, when the server begins.
    pub async fn tell_all_builtin_packages(self: Arc<Self>, accounts: Vec<whodid_meta::Account>) {
        for account in accounts {
            if let Err(failure) = self.tell_builtin_packages(&account.name).await {
                tracing::error!(account = %account.name, error = failure.detail(), "it is not told yet which packages that came with whodid are others now; the next start tells it");
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    /// A package of rules whose versions are these.
    fn package(version: &str, rules: &[(&str, &str)]) -> Noted {
        Noted {
            title: "P".to_owned(),
            version: version.to_owned(),
            digest: format!("sha256:{version}"),
            rules: rules.iter().map(|(id, version)| ((*id).to_owned(), (*version).to_owned())).collect(),
            filters: Vec::new(),
        }
    }

    fn packages(of: &[(&str, Noted)]) -> Packages {
        of.iter().map(|(id, package)| ((*id).to_owned(), package.clone())).collect()
    }

    #[test]
    fn an_upgrade_tells_each_package_that_came_went_or_changed_and_its_rules() {
        let same = package("1.0.0", &[("s", "1")]);
        let before = packages(&[
            ("gone", package("1.0.0", &[("g", "1")])),
            ("other", package("1.0.0", &[("a", "1"), ("b", "1")])),
            ("same", same.clone()),
        ]);
        let now = packages(&[
            ("new", package("1.0.0", &[("n", "1")])),
            ("other", package("1.1.0", &[("a", "2"), ("c", "1")])),
            ("same", same),
        ]);
        let (changes, told) = difference(&before, &now);
        let kept = changes.iter().map(|change| (change.id.as_str(), change.body.is_some()));
        assert_eq!(kept.collect::<Vec<_>>(), [("gone", false), ("new", true), ("other", true)]);
        let deeds: Vec<(Deed, &str)> = told.iter().map(|told| (told.deed, told.target_id.as_str())).collect();
        let expected = [(Deed::PackageDelete, "gone"), (Deed::PackageCreate, "new"), (Deed::PackageUpdate, "other")];
        assert_eq!(deeds, expected);
        let expected = json!({
            "whodidVersion": env!("CARGO_PKG_VERSION"), "rulesAdded": {"c": "1"}, "rulesRemoved": {"b": "1"},
            "rulesChangedBefore": {"a": "1"}, "rulesChanged": {"a": "2"},
        });
        assert_eq!(Value::Object(told[2].request.clone()), expected);
        let side = |version: &str| Some(json!({"version": version, "digest": format!("sha256:{version}")}));
        assert_eq!(told[2].change, Some((side("1.0.0"), side("1.1.0"))));
    }

    #[test]
    fn what_was_told_is_told_once_and_what_an_account_begins_with_is_not() {
        let (changes, told) = difference(&Packages::new(), &OURS);
        assert_eq!((changes.len(), told.len()), (builtin().len(), 0));
        // As it is read at the next start.
        let kept = changes.into_iter().map(|change| (change.id, serde_json::from_value(change.body.unwrap()).unwrap()));
        let kept: Packages = kept.collect();
        let (changes, told) = difference(&kept, &OURS);
        assert!(changes.is_empty() && told.is_empty(), "{changes:?}");
    }
}
