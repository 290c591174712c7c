//! `docs/security-requirements.md` says for every requirement which test shows it. Here that is held to be true:
//! each requirement stands there once, and each test it names exists.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::{Path, PathBuf},
};

const PAGE: &str = "docs/security-requirements.md";

/// The groups of requirements, and how many each has.
const GROUPS: &[(&str, u32)] = &[
    ("PW", 18),
    ("ID", 12),
    ("LG", 10),
    ("EN", 10),
    ("RL", 14),
    ("TO", 14),
    ("SM", 13),
    ("RC", 9),
    ("TK", 14),
    ("JW", 17),
    ("RR", 13),
    ("SE", 13),
    ("CB", 13),
    ("AZ", 10),
    ("IN", 12),
    ("AU", 9),
    ("CF", 15),
    ("CG", 10),
];

/// How a row without a test begins its last cell; what follows says why.
const WITHOUT_TEST: &[&str] = &["review: ", "not built: ", "does not apply: ", "differs: "];

/// One row of the page.
struct Row {
    id: String,
    tests: Vec<String>,
    evidence: String,
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn rows() -> Vec<Row> {
    let page = fs::read_to_string(root().join(PAGE)).expect("the page");
    page.lines().filter_map(row).collect()
}

fn row(line: &str) -> Option<Row> {
    let cells: Vec<&str> = line.strip_prefix("| ")?.strip_suffix(" |")?.split(" | ").collect();
    let id = cells.first()?.trim();
    let (group, number) = id.split_once('-')?;
    if !GROUPS.iter().any(|(name, _)| *name == group) || number.len() != 2 {
        return None;
    }
    let evidence = (*cells.last()?).to_owned();
    let named = evidence.split('`').skip(1).step_by(2).filter(|name| name.contains('_'));
    let tests = named.map(str::to_owned).collect();
    assert_eq!(cells.len(), 4, "{id} needs id, source, what holds, and evidence");
    Some(Row { id: id.to_owned(), tests, evidence })
}

/// Every function of the workspace that a test runner runs: what carries the attribute, and the cases of the
/// contract suites, which a macro turns into tests for each adapter.
fn tests_of_the_workspace() -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for folder in ["crates", "tests"] {
        collect(&root().join(folder), &mut names);
    }
    names
}

fn collect(folder: &Path, names: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder").map(|entry| entry.expect("an entry").path()) {
        if entry.is_dir() {
            if entry.file_name().is_some_and(|name| name != "target") {
                collect(&entry, names);
            }
        } else if entry.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&entry).expect("a source file");
            let is_suite = entry.to_string_lossy().contains("auth-testkit/src/contract");
            names.extend(tests_in(&source, is_suite));
        }
    }
}

fn tests_in(source: &str, is_suite: bool) -> Vec<String> {
    let mut found = Vec::new();
    let mut marked = false;
    for line in source.lines().map(str::trim_start) {
        if line.starts_with("#[test]") || (line.starts_with("#[") && line.contains("::test")) {
            marked = true;
        } else if let Some(name) = function_name(line) {
            if marked || (is_suite && line.starts_with("pub")) {
                found.push(name.to_owned());
            }
            marked = false;
        } else if !line.starts_with("#[") {
            marked = marked && (line.starts_with("//") || line.starts_with(')'));
        }
    }
    found
}

fn function_name(line: &str) -> Option<&str> {
    let rest = line.trim_start_matches("pub ").trim_start_matches("async ").strip_prefix("fn ")?;
    rest.split(|c: char| !c.is_alphanumeric() && c != '_').next()
}

#[test]
fn every_requirement_stands_there_once() {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    for row in rows() {
        *seen.entry(row.id).or_default() += 1;
    }
    let expected: BTreeMap<String, u32> = GROUPS
        .iter()
        .flat_map(|(group, count)| (1..=*count).map(move |number| (format!("{group}-{number:02}"), 1)))
        .collect();
    assert_eq!(seen, expected);
}

#[test]
fn every_named_test_exists() {
    let known = tests_of_the_workspace();
    let missing: Vec<String> = rows()
        .iter()
        .flat_map(|row| row.tests.iter().map(move |test| (row, test)))
        .filter(|(_, test)| !known.contains(*test))
        .map(|(row, test)| format!("{}: {test}", row.id))
        .collect();
    assert_eq!(missing, [""; 0], "named in {PAGE}, but no test of that name exists");
}

#[test]
fn whatever_has_no_test_says_why() {
    let silent: Vec<String> = rows()
        .into_iter()
        .filter(|row| row.tests.is_empty())
        .filter(|row| !WITHOUT_TEST.iter().any(|mark| row.evidence.starts_with(mark)))
        .map(|row| row.id)
        .collect();
    assert_eq!(silent, [""; 0], "a row names a test, or begins with one of {WITHOUT_TEST:?}");
}

#[test]
fn the_summary_counts_right() {
    let page = fs::read_to_string(root().join(PAGE)).expect("the page");
    let rows = rows();
    let tested = rows.iter().filter(|row| !row.tests.is_empty()).count();
    let of = |mark: &str| rows.iter().filter(|row| row.evidence.starts_with(mark)).count();
    let summary = format!(
        "{} requirements: {tested} with tests, {} by review, {} answered differently, {} not applicable, {} not built yet.",
        rows.len(),
        of("review: "),
        of("differs: "),
        of("does not apply: "),
        of("not built: "),
    );
    assert!(page.contains(&summary), "{PAGE} should say: {summary}");
}
