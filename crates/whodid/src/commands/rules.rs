//! `whodid rules` and `whodid packages`: what needs no server; what does stands in `installed.rs`.

use std::collections::BTreeMap;
use std::io::{BufRead, Read, Write};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};
use whodid_rules::{Build, Document, Gravity, Hit, Loaded, Outcome, Package, RuleSet, Run, Values, Variables};

use super::installed;
use crate::cli::rules::{DiffFlags, LintFlags, MatchFlags, NewFlags, PackFlags, PackagesVerb, RulesVerb, TestFlags};
use crate::output::{self, Output};
use crate::{End, Usage};

/// Bytes of events that are decoded together.
const TOGETHER_BYTES: usize = 4 << 20;

/// Runs `whodid rules`.
pub async fn run(verb: RulesVerb, output: Output) -> Result<End> {
    match verb {
        RulesVerb::Lint(flags) => lint(&flags, output),
        RulesVerb::Test(flags) => test(&flags, output),
        RulesVerb::Match(flags) => match_file(&flags, output),
        RulesVerb::List(flags) => installed::list(&flags, output).await,
        RulesVerb::Show(flags) => installed::show(&flags, output).await,
        RulesVerb::Backtest(flags) => installed::backtest(&flags, output).await,
        RulesVerb::Enable(flags) => installed::switch(&flags, true, output).await,
        RulesVerb::Disable(flags) => installed::switch(&flags, false, output).await,
    }
}

/// Runs `whodid packages`.
pub async fn packages(verb: PackagesVerb, output: Output) -> Result<End> {
    match verb {
        PackagesVerb::New(flags) => begin(&flags, output),
        PackagesVerb::Check(package) => check(&package.path, output),
        PackagesVerb::Pack(flags) => pack(&flags, output),
        PackagesVerb::Diff(flags) => diff(&flags, output),
        PackagesVerb::List(client) => installed::packages(&client, output).await,
        PackagesVerb::Refresh(client) => installed::refresh(&client, output).await,
        PackagesVerb::Install(flags) => installed::install(&flags, output).await,
        PackagesVerb::Download { named, file } => installed::download(&named, &file).await,
        PackagesVerb::Enable(flags) => installed::switch_package(&flags, true, output).await,
        PackagesVerb::Disable(flags) => installed::switch_package(&flags, false, output).await,
        PackagesVerb::Remove(flags) => installed::remove(&flags, output).await,
    }
}

fn lint(flags: &LintFlags, output: Output) -> Result<End> {
    let (loaded, mut variables) = read(&flags.files.paths)?;
    variables.set(given(&flags.variables)?);
    let linted = whodid_rules::lint(&loaded, &variables);
    let rows: Vec<Value> = linted.problems.iter().map(|problem| json!(problem)).collect();
    let columns = [
        ("file", "/file"),
        ("line", "/line"),
        ("rule", "/rule"),
        ("gravity", "/gravity"),
        ("code", "/code"),
        ("message", "/message"),
    ];
    let document = json!({"rules": linted.rules, "problems": rows});
    output::rows(output, &columns, &rows, &document)?;
    if output == Output::Table {
        let counted = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
        let (rules, left_out) = (counted(linted.rules, "rule"), counted(linted.left_out, "document"));
        output::note(&format!("{rules} can be used; {left_out} cannot"));
    }
    Ok(if linted.left_out > 0 { End::Found } else { End::Done })
}

fn test(flags: &TestFlags, output: Output) -> Result<End> {
    let (loaded, mut variables) = read(&flags.files.paths)?;
    variables.set(given(&flags.variables)?);
    for problem in &loaded.problems {
        output::note(&problem.to_string());
    }
    let documents: Vec<&Document> = loaded.documents.iter().collect();
    let now = crate::clock::now();
    let outcomes: Vec<Outcome> =
        documents.iter().flat_map(|document| whodid_rules::run_tests(document, &documents, &variables, now)).collect();
    let rows: Vec<Value> = outcomes.iter().map(|outcome| json!(outcome)).collect();
    let columns = [
        ("rule", "/rule_id"),
        ("test", "/name"),
        ("passed", "/passed"),
        ("matches", "/matches"),
        ("detail", "/detail"),
    ];
    let failed = outcomes.iter().filter(|outcome| !outcome.passed).count();
    let untested = documents.iter().filter(|document| document.tests.is_empty()).count();
    let document = json!({"tests": rows, "failed": failed, "rules_without_tests": untested});
    output::rows(output, &columns, &rows, &document)?;
    if let Some(path) = &flags.junit {
        std::fs::write(path, junit(&outcomes)).with_context(|| format!("writing {}", path.display()))?;
    }
    if output == Output::Table {
        output::note(&format!("tests: {}, failed: {failed}; rules without tests: {untested}", outcomes.len()));
    }
    Ok(if failed > 0 || loaded.problems.iter().any(|problem| problem.gravity == Gravity::Error) {
        End::Found
    } else {
        End::Done
    })
}

fn match_file(flags: &MatchFlags, output: Output) -> Result<End> {
    let (loaded, mut variables) = read(std::slice::from_ref(&flags.rules))?;
    variables.set(given(&flags.variables)?);
    let documents = loaded.documents.iter().collect();
    let build =
        Build { documents, variables, with_dormant: flags.with_dormant, routes: flags.route, ..Build::default() };
    let (rules, problems) = RuleSet::compile(&build);
    for problem in loaded.problems.iter().chain(&problems) {
        output::note(&problem.to_string());
    }
    let mut printer = Printer { rules: &rules, output, rows: Vec::new() };
    let mut run = Run::new(&rules);
    let mut hits: Vec<Hit> = Vec::new();
    let mut timeless = 0_u64;
    let now = crate::clock::now();
    let name = flags.events.display();
    each_part(&flags.events, &mut |part| {
        let mut result = Ok(());
        run.each(flags.format, part, now, &mut |number, event, rules, state| {
            for rule in rules.matches(event) {
                result = std::mem::replace(&mut result, Ok(())).and_then(|()| printer.matched(rule, number));
            }
            // Without a time of their own all would have happened together, now.
            let is_timed = event.place.event_time != now;
            timeless += u64::from(!is_timed);
            if flags.correlations && is_timed {
                rules.step(state, event, &mut hits);
                hits.retain(|hit| hit.start.is_some() || hit.why.is_some());
                for hit in hits.drain(..) {
                    result = std::mem::replace(&mut result, Ok(())).and_then(|()| printer.fired(&hit));
                }
            }
        });
        result
    })
    .with_context(|| format!("reading {name}"))?;
    if flags.correlations {
        run.finish(&mut hits);
        for hit in hits.iter().filter(|hit| hit.start.is_some() || hit.why.is_some()) {
            printer.fired(hit)?;
        }
        if timeless > 0 {
            output::note(&format!(
                "events without a time that is understood, left out of correlations: {timeless}; name it eventTime, time, timestamp or @timestamp"
            ));
        }
        let drops = run.drops();
        if drops.without_group > 0 {
            output::note(&format!(
                "matches without a value to group by, left out of correlations: {}",
                drops.without_group
            ));
        }
        if drops.groups + drops.matches > 0 {
            output::note(&format!(
                "memory was full: {} groups and {} matches were let go",
                drops.groups, drops.matches
            ));
        }
    }
    printer.finish()?;
    Ok(if problems.iter().chain(&loaded.problems).any(|problem| problem.gravity == Gravity::Error) {
        End::Found
    } else {
        End::Done
    })
}

/// Prints as it goes where the form allows it.
struct Printer<'r> {
    rules: &'r RuleSet,
    output: Output,
    rows: Vec<Value>,
}

impl Printer<'_> {
    fn matched(&mut self, rule: usize, number: u64) -> std::io::Result<()> {
        let meta = &self.rules.rules()[rule].meta;
        self.put(json!({"rule_id": meta.id, "title": meta.title, "event_index": number}))
    }

    fn fired(&mut self, hit: &Hit) -> std::io::Result<()> {
        let meta = &self.rules.rules()[hit.rule].meta;
        let group: BTreeMap<&str, &str> =
            hit.group.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        let mut row = json!({"rule_id": meta.id, "title": meta.title, "group": group, "time": hit.time.to_string()});
        if let Some(metric) = hit.metric {
            row["value"] = json!(metric);
        }
        if let Some(why) = &hit.why {
            row["why"] = json!(why);
        }
        self.put(row)
    }

    fn put(&mut self, row: Value) -> std::io::Result<()> {
        if self.output == Output::Ndjson {
            return writeln!(std::io::stdout().lock(), "{row}");
        }
        self.rows.push(row);
        Ok(())
    }

    fn finish(self) -> std::io::Result<()> {
        if self.output == Output::Ndjson {
            return Ok(());
        }
        let columns = [
            ("rule", "/rule_id"),
            ("title", "/title"),
            ("event", "/event_index"),
            ("time", "/time"),
            ("group", "/group"),
        ];
        output::rows(self.output, &columns, &self.rows, &json!(self.rows))
    }
}

/// Calls `act` with parts of a file, each of whole lines; with the whole file when it is one JSON document.
fn each_part(path: &Path, act: &mut dyn FnMut(&[u8]) -> std::io::Result<()>) -> std::io::Result<()> {
    let input: Box<dyn Read> =
        if path.as_os_str() == "-" { Box::new(std::io::stdin().lock()) } else { Box::new(std::fs::File::open(path)?) };
    let mut input = std::io::BufReader::with_capacity(TOGETHER_BYTES, input);
    let first = input.fill_buf()?.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    let mut part = Vec::new();
    if first == Some(b'[') {
        input.read_to_end(&mut part)?;
        return act(&part);
    }
    loop {
        let read = input.read_until(b'\n', &mut part)?;
        if read == 0 || part.len() >= TOGETHER_BYTES {
            act(&part)?;
            part.clear();
        }
        if read == 0 {
            return Ok(());
        }
    }
}

/// How long the smallest difference of two texts is looked for; a larger one is shown then.
const DIFFERENCE_TIME_MAX: std::time::Duration = std::time::Duration::from_secs(2);

/// What a new package begins with.
const MANIFEST_BEGIN: &str = "id: {id}
version: 0.1.0
title: {title}
description: ''
author: {author}
licence: {licence}
sources: []
variables: {}
";
const RULE_BEGIN: &str = "title: A secret was read
id: {id}-example
description: Change this rule, or put others beside it; each file below the folder is read.
level: medium
logsource: {category: activity}
detection:
  secret: {action: kms.secrets.read}
  condition: secret
tests:
  - name: a secret is read
    event: {action: kms.secrets.read, initiator: {name: mara}}
    expect: match
  - name: a list is no secret
    event: {action: kms.secrets.list, initiator: {name: mara}}
    expect: no_match
";

fn check(path: &Path, output: Output) -> Result<End> {
    let package = package(path)?;
    let check = package.check(&Variables::new(), crate::clock::now());
    let mut rows: Vec<Value> = check.problems.iter().map(|problem| json!(problem)).collect();
    rows.extend(check.tests.iter().filter(|test| !test.passed).map(|test| {
        json!({"rule": test.rule_id, "gravity": "error", "code": "test", "message": format!("{}: {}", test.name, test.detail.as_deref().unwrap_or_default())})
    }));
    let columns = [("rule", "/rule"), ("gravity", "/gravity"), ("code", "/code"), ("message", "/message")];
    let document = json!({"manifest": package.manifest, "digest": package.digest(), "check": check});
    output::rows(output, &columns, &rows, &document)?;
    if output == Output::Table {
        let manifest = &package.manifest;
        output::note(&format!(
            "{} {} by {} ({}): rules: {}, tests: {}, {}",
            manifest.id,
            manifest.version,
            manifest.author,
            manifest.licence,
            check.rules,
            check.tests.len(),
            package.digest()
        ));
    }
    Ok(if check.is_good() { End::Done } else { End::Found })
}

fn pack(flags: &PackFlags, output: Output) -> Result<End> {
    let package = package(&flags.package.path)?;
    let archive = package.to_archive().context("writing the archive")?;
    std::fs::write(&flags.file, &archive).with_context(|| format!("writing {}", flags.file.display()))?;
    let row = json!({"id": package.manifest.id, "version": package.manifest.version, "bytes": archive.len(), "digest": package.digest()});
    let columns = [("package", "/id"), ("version", "/version"), ("bytes", "/bytes"), ("digest", "/digest")];
    output::rows(output, &columns, std::slice::from_ref(&row), &row)?;
    Ok(End::Done)
}

/// Makes the folder of a new package.
fn begin(flags: &NewFlags, output: Output) -> Result<End> {
    let folder = &flags.folder;
    let id =
        folder.file_name().and_then(|name| name.to_str()).context("the folder needs a name, which becomes the id")?;
    let title = flags.title.clone().unwrap_or_else(|| id.replace('-', " "));
    let texts = [&title, &flags.author, &flags.licence].map(|text| json!(text).to_string());
    let manifest = MANIFEST_BEGIN
        .replace("{id}", id)
        .replace("{title}", &texts[0])
        .replace("{author}", &texts[1])
        .replace("{licence}", &texts[2]);
    let rule = RULE_BEGIN.replace("{id}", id);
    let files = [(whodid_rules::MANIFEST, manifest), ("rules/example.yml", rule)];
    // What is wrong with the id is said before anything is written.
    let package = Package::from_files(files.iter().map(|(path, text)| ((*path).to_owned(), text.clone())).collect())
        .with_context(|| format!("a package cannot be called '{id}'"))?;
    if folder.is_dir()
        && std::fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?.next().is_some()
    {
        anyhow::bail!("{} is not empty: name another folder, or change the package that is there", folder.display());
    }
    for (path, text) in &files {
        let path = folder.join(path);
        std::fs::create_dir_all(path.parent().unwrap_or(folder))
            .with_context(|| format!("making {}", folder.display()))?;
        std::fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
    }
    output::object(output, &json!({"id": package.manifest.id, "version": package.manifest.version, "folder": folder}))?;
    output::note(&format!("now change the rule, then: whodid packages check {}", folder.display()));
    Ok(End::Done)
}

fn printable_lines(text: &str) -> String {
    let is_odd = |sign: char| sign.is_control() && sign != '\n' && sign != '\t';
    text.chars().map(|sign| if is_odd(sign) { char::REPLACEMENT_CHARACTER } else { sign }).collect()
}

/// The lines that differ between two texts, with three of those around them, as `diff -u` has them.
pub(super) fn line_difference(path: &str, before: &str, after: &str) -> String {
    // Texts of others, on a terminal: no control signs.
    let (before, after) = (printable_lines(before), printable_lines(after));
    let difference = similar::TextDiff::configure().timeout(DIFFERENCE_TIME_MAX).diff_lines(&before, &after);
    difference.unified_diff().header(&format!("a/{path}"), &format!("b/{path}")).to_string()
}

fn diff(flags: &DiffFlags, output: Output) -> Result<End> {
    let (old, new) = (package(&flags.old)?, package(&flags.new)?);
    let difference = old.difference(&new);
    if output == Output::Table {
        let paths: std::collections::BTreeSet<&String> = old.files.keys().chain(new.files.keys()).collect();
        let text = |package: &Package, path: &String| package.files.get(path).cloned().unwrap_or_default();
        for path in paths.into_iter().filter(|path| old.files.get(*path) != new.files.get(*path)) {
            output::line(line_difference(path, &text(&old, path), &text(&new, path)).trim_end())?;
        }
    }
    let row = |change: &'static str, kind: &'static str| move |name: &String| json!({"change": change, "kind": kind, "name": name});
    let mut rows: Vec<Value> = difference.added.iter().map(row("added", "rule")).collect();
    rows.extend(difference.removed.iter().map(row("removed", "rule")));
    rows.extend(difference.changed.iter().map(row("changed", "rule")));
    rows.extend(difference.variables_added.iter().map(row("added", "variable")));
    rows.extend(difference.variables_removed.iter().map(row("removed", "variable")));
    let columns = [("change", "/change"), ("kind", "/kind"), ("name", "/name")];
    output::rows(output, &columns, &rows, &json!(difference))?;
    Ok(End::Done)
}

/// The rule documents of files, folders and archives, and the values of variables of the packages among them.
fn read(paths: &[PathBuf]) -> Result<(Loaded, Values)> {
    let (mut all, mut variables) = (Loaded::default(), Values::default());
    for path in paths {
        let is_package = is_archive(path) || path.join(whodid_rules::MANIFEST).is_file();
        if is_package {
            let package = package(path)?;
            let loaded = package.documents();
            all.documents.extend(loaded.documents);
            all.problems.extend(loaded.problems);
            variables.add(&package, &Variables::new(), true);
            continue;
        }
        let mut files = BTreeMap::new();
        collect(path, path, &mut files)?;
        if files.is_empty() {
            anyhow::bail!(Usage(format!("{} holds no rule file (.yml, .yaml, .json)", path.display())));
        }
        for (name, text) in files {
            let loaded = whodid_rules::load(&name, &text);
            all.documents.extend(loaded.documents);
            all.problems.extend(loaded.problems);
        }
    }
    Ok((all, variables))
}

fn is_archive(path: &Path) -> bool {
    path.is_file() && [".tar.gz", ".tgz"].iter().any(|ending| path.to_string_lossy().ends_with(ending))
}

pub(super) fn package(path: &Path) -> Result<Package> {
    if path.is_dir() {
        let mut files = BTreeMap::new();
        collect(path, path, &mut files)?;
        let files = files.into_iter().map(|(name, text)| {
            let inside = Path::new(&name)
                .strip_prefix(path)
                .map_or(name.clone(), |inside| inside.to_string_lossy().into_owned());
            (inside, text)
        });
        return Package::from_files(files.collect()).with_context(|| format!("reading the package {}", path.display()));
    }
    let bytes = std::fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Package::from_archive(&bytes).with_context(|| format!("reading the package {}", path.display()))
}

/// The rule files at and below a path, by name. Hidden folders are left aside.
fn collect(root: &Path, path: &Path, files: &mut BTreeMap<String, String>) -> Result<()> {
    let context = || format!("reading {}", path.display());
    if path.is_dir() {
        let mut entries: Vec<PathBuf> =
            std::fs::read_dir(path).with_context(context)?.flatten().map(|entry| entry.path()).collect();
        entries.sort();
        for entry in entries {
            let is_hidden = entry.file_name().is_some_and(|name| name.to_string_lossy().starts_with('.'));
            if !is_hidden {
                collect(root, &entry, files)?;
            }
        }
        return Ok(());
    }
    let is_rules = path.extension().is_some_and(|ending| ["yml", "yaml", "json"].iter().any(|known| ending == *known));
    if is_rules || path == root {
        files.insert(path.display().to_string(), std::fs::read_to_string(path).with_context(context)?);
    }
    Ok(())
}

fn given(variables: &[String]) -> Result<Variables> {
    let mut given = Variables::new();
    for variable in variables {
        let (name, values) =
            variable.split_once('=').ok_or_else(|| Usage(format!("--set takes NAME=VALUE, not '{variable}'")))?;
        given.insert(name.trim().to_owned(), values.split(',').map(|value| value.trim().to_owned()).collect());
    }
    Ok(given)
}

fn junit(outcomes: &[Outcome]) -> String {
    let failed = outcomes.iter().filter(|outcome| !outcome.passed).count();
    let mut text = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuite name=\"rules\" tests=\"{}\" failures=\"{failed}\">\n",
        outcomes.len()
    );
    for outcome in outcomes {
        let (rule, name) = (escaped(&outcome.rule_id), escaped(&outcome.name));
        match &outcome.detail {
            None => text.push_str(&format!("  <testcase classname=\"{rule}\" name=\"{name}\"/>\n")),
            Some(detail) => text.push_str(&format!(
                "  <testcase classname=\"{rule}\" name=\"{name}\"><failure message=\"{}\"/></testcase>\n",
                escaped(detail)
            )),
        }
    }
    text.push_str("</testsuite>\n");
    text
}

fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            character if character.is_control() => escaped.push(' '),
            character => escaped.push(character),
        }
    }
    escaped
}
