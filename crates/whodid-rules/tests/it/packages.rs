//! Packages: folders and archives, good and hostile.

use std::collections::BTreeMap;
use std::io::Write;

use crate::world::{documents, matches, received};
use whodid_rules::{Build, Document, Package, PackageError, RuleSet, Values, Variables};

const MANIFEST: &str = "id: my-rules\nversion: 1.2.0\ntitle: Mine\nlicence: Apache-2.0\nauthor: mara\nsources: [cadf]\nvariables:\n  admins: {type: text, description: who may, default: [root]}\n";
const RULE: &str = "title: T\nid: my-rules-t\nlogsource: {category: activity}\ndetection: {sel: {action: a}, known: {'initiator.name|expand': '%admins%'}, condition: sel and not known}\ntests:\n  - name: matches\n    event: {time: '2026-01-01T00:00:00Z', action: a, user: eve}\n    expect: match\n  - name: the known one\n    event: {time: '2026-01-01T00:00:00Z', action: a, user: root}\n    expect: no_match\n";

fn files() -> BTreeMap<String, String> {
    BTreeMap::from([("package.yaml".to_owned(), MANIFEST.to_owned()), ("rules/t.yml".to_owned(), RULE.to_owned())])
}

#[test]
fn a_package_survives_its_archive_and_keeps_its_digest() {
    let package = Package::from_files(files()).unwrap();
    let archive = package.to_archive().unwrap();
    assert_eq!(archive, package.to_archive().unwrap(), "the same package gives the same bytes");
    let again = Package::from_archive(&archive).unwrap();
    assert_eq!(again, package);
    assert_eq!(again.digest(), package.digest());
    let changed = files().into_iter().chain([("rules/u.yml".to_owned(), RULE.replace("my-rules-t", "u"))]).collect();
    assert_ne!(Package::from_files(changed).unwrap().digest(), package.digest());
}

#[test]
fn a_package_is_checked_with_its_tests() {
    let package = Package::from_files(files()).unwrap();
    let check = package.check(&Variables::new(), received());
    assert!(check.is_good(), "{check:?}");
    assert_eq!((check.rules, check.tests.len()), (1, 2));
    let mut broken = files();
    broken.insert("rules/t.yml".to_owned(), RULE.replace("expect: no_match", "expect: match"));
    let check = Package::from_files(broken).unwrap().check(&Variables::new(), received());
    assert!(!check.is_good());
    assert_eq!(check.tests[1].detail.as_deref(), Some("0 matches instead"));
}

#[test]
fn defaults_are_one_value_or_a_list_and_of_the_kind_that_the_variable_has() {
    let with = |variable: &str| {
        let manifest = MANIFEST.replace("{type: text, description: who may, default: [root]}", variable);
        Package::from_files(files().into_iter().chain([("package.yaml".to_owned(), manifest)]).collect())
    };
    let default = |variable: &str| with(variable).unwrap().manifest.variables["admins"].default.clone();
    assert_eq!(default("{type: number, default: [5, 2.5]}"), ["5", "2.5"]);
    assert_eq!(default("{type: text, default: mara}"), ["mara"]);
    assert_eq!(default("{type: network, default: [10.0.0.0/8, '2001:db8::1']}"), ["10.0.0.0/8", "2001:db8::1"]);
    for (wrong, told) in [
        ("{type: number, default: many}", "the default of the variable 'admins': 'many' is not a number"),
        ("{type: network, default: [10.0.0.0/40]}", "'10.0.0.0/40' is not an address or a network"),
        ("{type: text, default: {a: b}}", "invalid type"),
    ] {
        let refused = match with(wrong) {
            Ok(package) => {
                let check = package.check(&Variables::new(), received());
                assert!(!check.is_good(), "{wrong}");
                check.problems[0].message.clone()
            }
            Err(error) => error.to_string(),
        };
        assert!(refused.contains(told), "{wrong}: {refused}");
    }
}

/// A package of one rule, named after it, that lets these names be.
fn letting(id: &str, admins: &str) -> Package {
    let manifest = MANIFEST.replace("my-rules", id).replace("[root]", admins);
    let rule = RULE.replace("my-rules-t", &format!("{id}-t")).split("tests:").next().unwrap().to_owned();
    Package::from_files(BTreeMap::from([("package.yaml".to_owned(), manifest), ("t.yml".to_owned(), rule)])).unwrap()
}

/// What each rule of these packages matches of two users' events, and each of a text of no package, with what is wrong.
fn matched(packages: &[Package], text: &str) -> (Vec<String>, Vec<String>) {
    let mut values = Values::default();
    packages.iter().for_each(|package| values.add(package, &Variables::new(), true));
    let mut all: Vec<Document> = packages.iter().flat_map(|package| package.documents().documents).collect();
    all.extend(documents(text));
    let build = Build { documents: all.iter().collect(), variables: values, ..Build::default() };
    let (rules, problems) = RuleSet::compile(&build);
    let event = |user: &str| format!("{{\"time\":\"2026-01-01T00:00:00Z\",\"action\":\"a\",\"user\":\"{user}\"}}\n");
    let found = matches(&rules, &[event("mara"), event("eve")].concat());
    let told = problems.iter().map(|problem| format!("{} {}", problem.rule.as_deref().unwrap_or(""), problem.code));
    (found, told.collect())
}

/// Once, the package that came last gave the values to all.
#[test]
fn packages_that_share_the_name_of_a_variable_keep_their_own_values() {
    let packages = [letting("acme-pay", "[mara]"), letting("zz-helper", "['*']")];
    assert_eq!(matched(&packages, ""), (vec!["acme-pay-t: 1".to_owned()], Vec::new()));
    let [acme, _] = packages;
    assert_eq!(matched(&[acme], ""), (vec!["acme-pay-t: 1".to_owned()], Vec::new()), "the same without the other");
}

#[test]
fn a_rule_of_no_package_is_left_out_where_packages_differ_and_it_names_none() {
    let packages = [letting("acme-pay", "[mara]"), letting("zz-helper", "['*']")];
    let own = |variable: &str| {
        format!(
            "title: Own\nid: own\nlogsource: {{category: activity}}\n\
             detection: {{sel: {{'initiator.name|expand': '{variable}'}}, condition: sel}}\n"
        )
    };
    let (found, told) = matched(&packages, &own("%admins%"));
    assert_eq!((found, told), (vec!["acme-pay-t: 1".to_owned()], vec!["own ambiguous_variable".to_owned()]));
    let (found, told) = matched(&packages, &own("%acme-pay.admins%"));
    assert_eq!((found, told), (vec!["acme-pay-t: 1".to_owned(), "own: 0".to_owned()], Vec::new()));
    let (found, told) = matched(&[letting("acme-pay", "[mara]"), letting("zz", "[mara]")], &own("%admins%"));
    assert_eq!((found.last().map(String::as_str), told), (Some("own: 0"), Vec::new()), "they agree");
}

/// The filter sees its own values also where it is laid over a rule that sees others.
#[test]
fn a_filter_of_no_package_sees_what_it_names_itself() {
    let packages = [letting("acme-pay", "[nobody]"), letting("zz-helper", "[eve]")];
    let filter = "title: Known\nid: known\nlogsource: {category: activity}\n\
        filter: {rules: [acme-pay-t], sel: {'initiator.name|expand': '%zz-helper.admins%'}, condition: not sel}\n";
    let (found, told) = matched(&packages, filter);
    assert_eq!((found, told), (vec!["acme-pay-t: 0".to_owned(), "zz-helper-t: 0".to_owned()], Vec::new()));
}

/// A rule for working hours is tested at noon in UTC; an account in Tokyo may have it nevertheless.
#[test]
fn tests_of_a_package_have_its_own_values_whatever_an_account_gave() {
    let package = Package::from_files(files()).unwrap();
    let given = Variables::from([("admins".to_owned(), vec!["eve".to_owned()])]);
    assert!(package.check(&given, received()).is_good(), "{:?}", package.check(&given, received()));
}

#[test]
fn what_differs_between_versions_is_told_rule_by_rule() {
    let old = Package::from_files(files()).unwrap();
    let mut newer = files();
    newer.insert("rules/t.yml".to_owned(), RULE.replace("action: a}, known", "action: b}, known"));
    newer.insert("rules/u.yml".to_owned(), RULE.replace("my-rules-t", "my-rules-u"));
    let difference = old.difference(&Package::from_files(newer).unwrap());
    assert_eq!(
        (difference.added, difference.changed, difference.removed),
        (vec!["my-rules-u".to_owned()], vec!["my-rules-t".to_owned()], Vec::new())
    );
}

/// An archive of entries given as they are.
fn archive(entries: &[(&str, tar::EntryType, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (path, kind, content) in entries {
        let mut header = tar::Header::new_gnu();
        header.as_old_mut().name[..path.len()].copy_from_slice(path.as_bytes());
        header.set_size(content.len() as u64);
        header.set_entry_type(*kind);
        header.set_mode(0o644);
        if kind.is_symlink() {
            header.set_link_name("/etc/passwd").unwrap();
        }
        header.set_cksum();
        builder.append(&header, *content).unwrap();
    }
    builder.into_inner().unwrap().finish().unwrap()
}

#[test]
fn hostile_archives_are_refused() {
    use tar::EntryType::{Link, Regular, Symlink};
    let manifest: (&str, tar::EntryType, &[u8]) = ("package.yaml", Regular, MANIFEST.as_bytes());
    for (name, entries) in [
        ("a way out", vec![manifest, ("../evil.yml", Regular, b"x".as_slice())]),
        ("a way out in the middle", vec![manifest, ("rules/../../evil.yml", Regular, b"x")]),
        ("an absolute path", vec![manifest, ("/etc/evil.yml", Regular, b"x")]),
        ("a windows path", vec![manifest, ("c:\\evil.yml", Regular, b"x")]),
        ("a symbolic link", vec![manifest, ("rules/link.yml", Symlink, b"")]),
        ("a hard link", vec![manifest, ("rules/link.yml", Link, b"")]),
        ("bytes that are no text", vec![manifest, ("rules/x.yml", Regular, b"\xff\xfe")]),
        ("a file twice", vec![manifest, ("rules/x.yml", Regular, b"a"), ("rules/x.yml", Regular, b"b")]),
    ] {
        let refused = Package::from_archive(&archive(&entries));
        assert!(matches!(refused, Err(PackageError::Hostile { .. })), "{name}: {refused:?}");
    }
    assert!(matches!(Package::from_archive(b"no archive"), Err(PackageError::Archive(_))));
}

#[test]
fn a_bomb_is_refused_before_it_is_inflated() {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let mut header = tar::Header::new_gnu();
    header.set_path("rules/big.yml").unwrap();
    header.set_size(64 << 20);
    header.set_cksum();
    encoder.write_all(header.as_bytes()).unwrap();
    let chunk = vec![b'a'; 1 << 20];
    for _ in 0..64 {
        encoder.write_all(&chunk).unwrap();
    }
    let bomb = encoder.finish().unwrap();
    assert!(bomb.len() < 1 << 20);
    assert!(matches!(Package::from_archive(&bomb), Err(PackageError::TooLarge { .. })));
}

#[test]
fn a_manifest_that_is_wrong_is_told() {
    for (from, to, part) in [
        ("id: my-rules", "id: ../x", "small letters"),
        ("version: 1.2.0", "version: soon", "no version"),
        ("licence: Apache-2.0\n", "", "licence"),
        ("sources: [cadf]", "sources: [telepathy]", "no format"),
        ("author: mara", "author: mara\nextra: 1", "extra"),
    ] {
        let mut files = files();
        files.insert("package.yaml".to_owned(), MANIFEST.replace(from, to));
        let error = Package::from_files(files).unwrap_err().to_string();
        assert!(error.contains(part), "{to}: {error}");
    }
}
