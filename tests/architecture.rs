//! The direction of dependencies: who may import whom.

#![expect(clippy::unwrap_used, reason = "a test may end so")]

use kubectl_redis_cluster::cluster::finding::Code;
use std::fs;
use std::path::{Path, PathBuf};

/// What each part may import of ours, and of others' crates what it must not.
const RULES: [(&str, &[&str], &[&str]); 10] = [
    ("cluster", &["cluster"], &["kube", "k8s_openapi", "redis", "tokio", "serde_json", "clap"]),
    ("manifest", &["manifest", "cluster"], &["kube", "redis", "tokio"]),
    ("proxy", &["proxy", "manifest", "cluster"], &["kube", "redis", "tokio"]),
    ("node", &["node", "cluster", "error"], &["kube", "k8s_openapi"]),
    ("k8s", &["k8s", "node", "manifest", "cluster", "error", "duration"], &["redis", "comfy_table"]),
    ("ops", &["ops", "k8s", "node", "manifest", "proxy", "cluster", "context", "error", "interrupt"], &["comfy_table"]),
    ("ui", &["ui", "cluster", "proxy", "error", "k8s"], &["kube", "redis", "tokio"]),
    (
        "completion",
        &["completion", "cli", "commands", "k8s", "manifest", "cluster", "error"],
        &["redis", "comfy_table"],
    ),
    ("error.rs", &[], &["redis", "tokio", "clap"]),
    ("context.rs", &["k8s", "node", "error"], &["redis", "clap"]),
];

fn sources(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.is_dir() || path.extension().is_some_and(|end| end == "rs"))
        .filter(|path| path.file_name().is_none_or(|name| name != "tests.rs"))
        .flat_map(|path| sources(&path))
        .collect()
}

/// The code of a file, without its tests: those may use anything.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    text.split("#[cfg(test)]").next().unwrap_or_default().to_owned()
}

fn own_imports(code: &str) -> Vec<String> {
    let word = |rest: &str| rest.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect::<String>();
    code.lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .flat_map(|line| line.split("crate::").skip(1).map(word).collect::<Vec<_>>())
        .filter(|name| !name.is_empty())
        .collect()
}

#[test]
fn imports_point_in_the_right_direction() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut wrong = Vec::new();
    for (part, own, foreign) in RULES {
        for path in sources(&root.join(part)) {
            let code = code(&path);
            let bad = own_imports(&code).into_iter().filter(|import| !own.contains(&import.as_str()));
            wrong.extend(bad.map(|import| format!("{} imports crate::{import}", path.display())));
            let named = |name: &&&str| {
                code.lines().any(|line| !line.trim_start().starts_with("//") && line.contains(&format!("{name}::")))
            };
            wrong.extend(foreign.iter().filter(named).map(|name| format!("{} uses {name}", path.display())));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn only_the_terminal_prints() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let prints = |path: &PathBuf| {
        let code = code(path);
        ["println!", "print!(", "io::stdout()", "io::stderr()"].iter().any(|word| code.contains(word))
    };
    let files: Vec<_> = sources(&root).into_iter().filter(prints).collect();
    assert_eq!(files, [root.join("ui/terminal.rs")]);
}

#[test]
fn every_file_says_what_it_is() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    for path in sources(&root) {
        assert!(fs::read_to_string(&path).unwrap().starts_with("//! "), "{}", path.display());
    }
}

/// The codes that are not made on purpose of real servers or pods, and why.
const BY_CHANCE_ONLY: [(&str, &str); 1] = [(
    "replica-of-nobody",
    "a race in the server: a replica that keeps an old address of its master; met when all addresses change, and then \
     mended by its hint",
)];

/// A finding that only made-up replies show may be none in life.
#[test]
fn every_code_is_found_in_something_real() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let real = ["redis", "e2e", "throwaway.rs"].iter().flat_map(|part| sources(&root.join(part)));
    let text: String = real.map(|path| fs::read_to_string(path).unwrap()).collect();
    let by_chance = |code: &Code| BY_CHANCE_ONLY.iter().any(|(name, _)| *name == code.name());
    let unseen: Vec<&str> = Code::ALL
        .into_iter()
        .filter(|code| !by_chance(code) && !text.contains(&format!("\"{code}\"")))
        .map(Code::name)
        .collect();
    assert!(unseen.is_empty(), "{unseen:?}");
}
