//! Who may know whom: every dependency edge of the workspace against the tables below.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;

/// Crates that touch the world. Each knows the domain and nothing else of the workspace.
const ADAPTERS: &[&str] = &[
    "auth-breach",
    "auth-cognito",
    "auth-crypto",
    "auth-memory",
    "auth-otlp",
    "auth-postgres",
    "auth-redis",
    "auth-smtp",
    "auth-sns",
    "auth-sqlite",
];

/// All that the domain may be built from: no I/O, no async runtime, no serde, no framework, no clock, no chance.
const PURE: &[&str] = &[
    "async-trait",
    "base64",
    "chrono",
    "data-encoding",
    "hmac",
    "idna",
    "mockall",
    "phonenumber",
    "secrecy",
    "sha2",
    "subtle",
    "thiserror",
    "unicode-normalization",
    "zeroize",
];

/// What the domain's own tests may use: real adapters instead of fakes where an outcome is the point.
const DOMAIN_TESTS: &[&str] = &["auth-crypto", "auth-memory", "auth-smtp", "auth-sqlite", "auth-testkit"];

/// Families of crates, by how their names begin, and the only members that may name them.
const CONFINED: &[(&str, &[&str])] = &[
    ("actix", &["auth-bench", "auth-benches", "auth-e2e", "auth-http", "auth-server", "auth-verifier"]),
    ("aws-", &["auth-cognito", "auth-sns"]),
    ("deadpool-redis", &["auth-redis"]),
    ("diesel", &["auth-postgres", "auth-sqlite"]),
    ("hyper", &["auth-breach", "auth-otlp", "auth-verifier"]),
    ("opentelemetry", &["auth-otlp"]),
    ("redis", &["auth-redis"]),
    ("tracing-opentelemetry", &["auth-otlp"]),
];

/// One dependency as a manifest declares it.
struct Edge {
    from: String,
    to: String,
    /// A dev-dependency; build dependencies count as normal ones.
    dev: bool,
    optional: bool,
}

#[test]
fn crates_know_only_whom_they_may() {
    let edges: Vec<Edge> = members().iter().flat_map(edges_of).collect();
    assert!(edges.len() > 50, "cargo metadata lists only {} dependencies", edges.len());

    let found = violations(&edges);

    assert!(found.is_empty(), "forbidden dependencies:\n{}", found.join("\n"));
}

#[test]
fn forbidden_edges_are_found() {
    for (from, to) in [
        ("auth-domain", "tokio"),
        ("auth-domain", "serde"),
        ("auth-domain", "auth-sqlite"),
        ("auth-domain", "mockall"), // only optional
        ("auth-sqlite", "auth-crypto"),
        ("auth-sqlite", "auth-testkit"),
        ("auth-http", "auth-memory"),
        ("auth-http", "auth-server"),
        ("auth-http", "diesel"),
        ("auth-testkit", "auth-sqlite"),
        ("auth-memory", "actix-web"),
        ("auth-server", "diesel_migrations"),
        ("auth-server", "aws-sdk-sns"),
        ("auth-server", "deadpool-redis"),
        ("auth-server", "hyper-rustls"),
        ("auth-testkit", "redis"),
        ("auth-verifier", "auth-domain"),
        ("auth-newcomer", "auth-domain"),
    ] {
        let found = violations(&[edge(from, to)]);
        assert_eq!(found.len(), 1, "{from} -> {to}: {found:?}");
    }
    let dev = |from, to| Edge { dev: true, ..edge(from, to) };
    for (from, to) in
        [("auth-sqlite", "auth-crypto"), ("auth-http", "auth-sqlite"), ("auth-domain", "auth-http")]
    {
        assert_eq!(violations(&[dev(from, to)]).len(), 1, "{from} -> {to} in tests");
    }
}

#[test]
fn allowed_edges_pass() {
    let edges = [
        edge("auth-domain", "thiserror"),
        Edge { optional: true, ..edge("auth-domain", "mockall") },
        Edge { dev: true, ..edge("auth-domain", "auth-sqlite") },
        Edge { dev: true, ..edge("auth-domain", "tokio") },
        edge("auth-sqlite", "auth-domain"),
        edge("auth-sqlite", "diesel"),
        Edge { dev: true, ..edge("auth-sqlite", "auth-testkit") },
        edge("auth-http", "actix-web"),
        edge("auth-server", "auth-sqlite"),
        Edge { dev: true, ..edge("auth-e2e", "auth-server") },
    ];

    assert_eq!(violations(&edges), Vec::<String>::new());
}

/// docs/decisions/001-licences.md: nothing that others link brings a crate under the GPL in unasked.
#[test]
fn the_crate_under_the_gpl_is_asked_for_by_the_server_alone() {
    for member in members() {
        let name = text(&member, "name");
        for dependency in list(&member, "dependencies")
            .iter()
            .filter(|dependency| text(dependency, "name") == "actix-governor")
        {
            assert!(name == "auth-http" && dependency["optional"] == true, "{name} links it");
        }
        let by_default = member["features"]["default"].as_array().cloned().unwrap_or_default();
        assert_eq!(by_default.contains(&"edge-limit".into()), name == "auth-server", "{name}");
    }
}

#[test]
fn members_share_the_lints() {
    for member in members() {
        let manifest = read(Path::new(text(&member, "manifest_path")));
        assert!(
            manifest.contains("[lints]\nworkspace = true\n"),
            "{} lacks `[lints] workspace = true`",
            text(&member, "name")
        );
    }
}

#[test]
fn only_the_wiring_names_adapters() {
    let source = root().join("crates/auth-server/src");
    let adapters: Vec<String> = ADAPTERS.iter().map(|name| name.replace('-', "_")).collect();
    let mut named = Vec::new();
    for path in rust_files(&source) {
        let place = path.strip_prefix(&source).expect("the file lies under the directory that was listed");
        if place == Path::new("wire.rs") || place.starts_with("wire") {
            continue;
        }
        for (index, line) in read(&path).lines().enumerate() {
            if adapters.iter().any(|name| line.contains(name.as_str())) {
                named.push(format!("{}:{}: {}", place.display(), index + 1, line.trim()));
            }
        }
    }

    assert!(named.is_empty(), "adapters are named outside wire.rs:\n{}", named.join("\n"));
}

/// The edges that the tables forbid, one sentence each.
fn violations(edges: &[Edge]) -> Vec<String> {
    edges
        .iter()
        .filter_map(|edge| Some(format!("{} -> {}: {}", edge.from, edge.to, refusal(edge)?)))
        .collect()
}

/// Why an edge is forbidden; `None` if it is allowed.
fn refusal(edge: &Edge) -> Option<&'static str> {
    let (from, to) = (edge.from.as_str(), edge.to.as_str());
    if CONFINED.iter().any(|(family, members)| to.starts_with(family) && !members.contains(&from)) {
        return Some("this family of crates is confined to other members");
    }
    let ours = to.starts_with("auth-");
    match from {
        "auth-server" | "auth-e2e" | "auth-benches" => None,
        "auth-bench" => (ours && to != "auth-testkit").then_some("measures the server from outside"),
        "auth-domain" if edge.dev => {
            (ours && !DOMAIN_TESTS.contains(&to)).then_some("not for the domain's tests")
        }
        "auth-domain" if to == "mockall" => (!edge.optional).then_some("mocks must be optional"),
        "auth-domain" => (!PURE.contains(&to)).then_some("not on the list of pure crates"),
        // Others link it: what it brings along is theirs, too.
        "auth-verifier" => ours.then_some("knows no other member"),
        "auth-http" | "auth-testkit" => outer(to, edge.dev),
        _ if ADAPTERS.contains(&from) => outer(to, edge.dev),
        _ => Some("this member has no row in the tables"),
    }
}

/// The rule of adapters, of the HTTP face and of the test kit.
fn outer(to: &str, dev: bool) -> Option<&'static str> {
    let allowed = !to.starts_with("auth-") || to == "auth-domain" || (dev && to == "auth-testkit");
    (!allowed).then_some("may know auth-domain alone, and auth-testkit in tests")
}

fn edge(from: &str, to: &str) -> Edge {
    Edge { from: from.to_owned(), to: to.to_owned(), dev: false, optional: false }
}

fn edges_of(member: &Value) -> Vec<Edge> {
    list(member, "dependencies")
        .iter()
        .map(|dependency| Edge {
            dev: dependency["kind"] == "dev",
            optional: dependency["optional"] == true,
            ..edge(text(member, "name"), text(dependency, "name"))
        })
        .collect()
}

/// The packages of this workspace, as Cargo describes them.
fn members() -> Vec<Value> {
    let output = Command::new(env!("CARGO"))
        .args(["metadata", "--no-deps", "--format-version", "1", "--offline"])
        .current_dir(root())
        .output()
        .expect("cargo can be started");
    assert!(output.status.success(), "cargo metadata failed: {}", String::from_utf8_lossy(&output.stderr));
    let metadata: Value = serde_json::from_slice(&output.stdout).expect("cargo metadata writes JSON");
    list(&metadata, "packages").to_vec()
}

fn rust_files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).unwrap_or_else(|error| panic!("{}: {error}", directory.display()));
    let mut files = Vec::new();
    for entry in entries {
        let path = entry.expect("a listed entry can be read").path();
        if path.is_dir() {
            files.extend(rust_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    files
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_else(|| panic!("cargo metadata has no text `{key}`"))
}

fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("cargo metadata has no list `{key}`"))
}
