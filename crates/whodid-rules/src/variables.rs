//! Whose values a variable has: a document of a package sees those of its package, and no others.
//!
//! *Invariant*: nothing that one package brings changes what a document of another means. A document of no package may
//! name the variables of packages: `%acme-payments.admins%` of one, or `%admins%` for as long as all that have such a
//! variable give it the same values. Where they do not, the document is left out and told; it never goes on with values
//! that somebody else's package brought.

use std::collections::BTreeMap;

use crate::package::Package;
use crate::problem::Problem;
use crate::sigma::Variables;

/// The values of the variables of packages.
#[derive(Debug, Clone, Default)]
pub struct Values {
    packages: BTreeMap<String, OfPackage>,
    /// What every document sees in the place of anything else.
    everywhere: Variables,
    is_test: bool,
}

#[derive(Debug, Clone)]
struct OfPackage {
    values: Variables,
    /// What its tests are written for: its own values, whatever an account gave.
    in_tests: Variables,
    is_lent: bool,
}

impl Values {
    /// Adds a package with the values that an account gave it; the others are its own. With `is_lent`, documents of no
    /// package may name its variables.
    pub fn add(&mut self, package: &Package, given: &Variables, is_lent: bool) {
        self.put(package, package.variables(given), is_lent);
    }

    /// Those of one package, with what is not filled in as in tests, so that all of it can be compiled.
    pub(crate) fn of_check(package: &Package, given: &Variables) -> Self {
        let mut values = Self::default();
        values.put(package, package.test_variables(given), true);
        values
    }

    fn put(&mut self, package: &Package, values: Variables, is_lent: bool) {
        let in_tests = package.test_variables(&Variables::new());
        self.packages.insert(package.manifest.id.clone(), OfPackage { values, in_tests, is_lent });
    }

    /// Gives values that every document sees, of whatever package it is, in the place of the package's.
    pub fn set(&mut self, everywhere: Variables) {
        self.everywhere.extend(everywhere);
    }

    /// The same for the tests of packages: each with the values that it brings, which is what they are written for.
    pub(crate) fn in_tests(&self) -> Self {
        Self { is_test: true, ..self.clone() }
    }

    /// What documents of a package see, or those of none.
    pub fn of<'v>(&'v self, package: Option<&'v str>) -> Scope<'v> {
        Scope { values: self, package }
    }

    fn of_packages(&self, name: &str) -> Result<&[String], NoValue> {
        let lent = |id: &str| self.packages.get(id).filter(|of| of.is_lent);
        if let Some((package, own)) = name.split_once('.')
            && let Some(values) = lent(package).and_then(|of| filled(&of.values, own))
        {
            return Ok(values);
        }
        let lenders = self.packages.iter().filter(|(_, of)| of.is_lent);
        let found: Vec<(&str, &[String])> =
            lenders.filter_map(|(id, of)| Some((id.as_str(), filled(&of.values, name)?))).collect();
        let Some((first, values)) = found.first().copied() else { return Err(NoValue::Missing(name.to_owned())) };
        if found.iter().all(|(_, others)| *others == values) {
            return Ok(values);
        }
        let packages: Vec<&str> = found.iter().map(|(id, _)| *id).collect();
        Err(NoValue::Unclear { name: name.to_owned(), first: first.to_owned(), packages: packages.join(", ") })
    }
}

/// Values that every document sees, of whatever package it is.
impl From<Variables> for Values {
    fn from(everywhere: Variables) -> Self {
        Self { everywhere, ..Self::default() }
    }
}

/// The values that documents of one package see, or those of none.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'v> {
    values: &'v Values,
    package: Option<&'v str>,
}

impl<'v> Scope<'v> {
    /// The values of a variable, one at least.
    ///
    /// # Errors
    /// There are none, or it is not clear whose are meant.
    pub fn get(self, name: &str) -> Result<&'v [String], NoValue> {
        let Self { values, package } = self;
        if let Some(everywhere) = filled(&values.everywhere, name) {
            return Ok(everywhere);
        }
        let Some(package) = package else { return values.of_packages(name) };
        let of = values.packages.get(package).map(|of| if values.is_test { &of.in_tests } else { &of.values });
        of.and_then(|of| filled(of, name)).ok_or_else(|| NoValue::Missing(name.to_owned()))
    }
}

fn filled<'v>(variables: &'v Variables, name: &str) -> Option<&'v [String]> {
    variables.get(name).filter(|values| !values.is_empty()).map(Vec::as_slice)
}

/// Why a variable has no value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoValue {
    /// Nobody gave one.
    #[error("the rule needs values for the variable '{0}'")]
    Missing(String),
    /// Several packages give different ones, and the document is of none of them.
    #[error(
        "the variable '{name}' differs between the packages {packages}; name the one that is meant, such as %{first}.{name}%"
    )]
    Unclear {
        /// The variable.
        name: String,
        /// One of the packages.
        first: String,
        /// All of them.
        packages: String,
    },
}

impl NoValue {
    /// The stable code of the problem that packages differ.
    pub const UNCLEAR: &'static str = "ambiguous_variable";

    /// The stable code of the problem that it is.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Missing(_) => "needs_configuration",
            Self::Unclear { .. } => Self::UNCLEAR,
        }
    }

    pub(crate) fn problem(&self) -> Problem {
        Problem::error(self.code(), self.to_string())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    fn package(id: &str, admins: &str) -> Package {
        let manifest = format!(
            "id: {id}\nversion: 1.0.0\ntitle: T\nlicence: Apache-2.0\nauthor: mara\n\
             variables:\n  admins: {{type: text, default: [{admins}]}}\n"
        );
        Package::from_files(BTreeMap::from([("package.yaml".to_owned(), manifest)])).unwrap()
    }

    fn given(names: &[&str]) -> Variables {
        Variables::from([("admins".to_owned(), names.iter().map(|name| (*name).to_owned()).collect())])
    }

    fn values(packages: &[(Package, Variables)]) -> Values {
        let mut values = Values::default();
        packages.iter().for_each(|(package, given)| values.add(package, given, true));
        values
    }

    fn seen(values: &Values, package: Option<&str>, name: &str) -> Result<String, String> {
        values.of(package).get(name).map(|values| values.join(" ")).map_err(|error| error.to_string())
    }

    #[test]
    fn a_package_sees_its_own_values_whatever_others_have() {
        let values = values(&[(package("acme", "mara"), given(&["noor"])), (package("zz", "'*'"), Variables::new())]);
        assert_eq!(seen(&values, Some("acme"), "admins"), Ok("noor".to_owned()));
        assert_eq!(seen(&values, Some("zz"), "admins"), Ok("*".to_owned()));
        let missing = Err("the rule needs values for the variable 'admins'".to_owned());
        assert_eq!(seen(&values, Some("other"), "admins"), missing);
        let missing = Err("the rule needs values for the variable 'zz.admins'".to_owned());
        assert_eq!(seen(&values, Some("acme"), "zz.admins"), missing, "it reaches into no other");
    }

    #[test]
    fn a_document_of_no_package_names_the_package_where_values_differ() {
        let none = Variables::new();
        let agreed = values(&[(package("acme", "mara"), none.clone()), (package("zz", "mara"), none.clone())]);
        assert_eq!(seen(&agreed, None, "admins"), Ok("mara".to_owned()));
        let mut differing = values(&[(package("acme", "mara"), none.clone()), (package("zz", "'*'"), none.clone())]);
        assert_eq!(
            seen(&differing, None, "admins").unwrap_err(),
            "the variable 'admins' differs between the packages acme, zz; name the one that is meant, such as \
             %acme.admins%"
        );
        assert_eq!(differing.of(None).get("admins").unwrap_err().code(), NoValue::UNCLEAR);
        assert_eq!(seen(&differing, None, "acme.admins"), Ok("mara".to_owned()));
        assert_eq!(seen(&differing, None, "zz.admins"), Ok("*".to_owned()));
        // One that is switched off lends nothing, and one without values has nothing to say.
        differing.add(&package("zz", "'*'"), &none, false);
        assert_eq!(seen(&differing, None, "admins"), Ok("mara".to_owned()));
        assert!(seen(&differing, None, "zz.admins").is_err());
        differing.add(&package("zz", ""), &none, true);
        assert_eq!(seen(&differing, None, "admins"), Ok("mara".to_owned()));
    }

    #[test]
    fn tests_have_the_values_that_the_package_brings() {
        let given_some = values(&[(package("acme", "mara"), given(&["noor"])), (package("empty", ""), given(&[]))]);
        let in_tests = given_some.in_tests();
        assert_eq!(seen(&in_tests, Some("acme"), "admins"), Ok("mara".to_owned()));
        assert_eq!(seen(&in_tests, None, "admins"), Ok("noor".to_owned()), "an account's own tests are for its values");
        assert!(seen(&in_tests, Some("empty"), "admins").is_ok(), "so that its rules can be compiled");
    }

    #[test]
    fn what_is_given_for_all_is_seen_by_all() {
        let mut values = values(&[(package("acme", "mara"), Variables::new())]);
        values.set(given(&["noor"]));
        assert_eq!(seen(&values, Some("acme"), "admins"), Ok("noor".to_owned()));
        assert_eq!(seen(&values, None, "admins"), Ok("noor".to_owned()));
        assert_eq!(seen(&values.in_tests(), Some("acme"), "admins"), Ok("noor".to_owned()));
    }
}
