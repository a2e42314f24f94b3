//! What is released: krew's manifest, the archives and packages of `make dist`, the crate,
//! and the workflow that makes them on other platforms.

#![expect(clippy::unwrap_used, reason = "a test may end so")]

mod artifacts;
mod krew;
mod manifest;
mod workflow;

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const PROGRAM: &str = "kubectl-redis_cluster";
const VERSION: &str = env!("CARGO_PKG_VERSION");

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// What `make dist` has made.
fn release() -> PathBuf {
    let folder = root().join("target/dist");
    assert!(folder.join("SHA256SUMS").exists(), "there is no release to look at; make one first: make dist");
    folder
}

/// A command in the checkout's folder. What cargo tells a test would make the cargo that it
/// starts compile everything anew.
fn program(name: &str, arguments: &[&str]) -> Command {
    let mut command = Command::new(name);
    command.args(arguments).current_dir(root());
    let told = |name: &OsString| {
        ["CARGO_PKG_", "CARGO_MANIFEST_"].iter().any(|start| name.to_string_lossy().starts_with(start))
    };
    std::env::vars_os().filter(|(name, _)| told(name)).for_each(|(name, _)| _ = command.env_remove(name));
    command
}

/// What a command printed, which must have gone well.
fn output(command: &mut Command) -> String {
    let said = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    assert!(said.status.success(), "{command:?}: {}", String::from_utf8_lossy(&said.stderr));
    String::from_utf8(said.stdout).unwrap()
}

/// The sums and names of a SHA256SUMS.
fn sums(folder: &Path) -> Vec<(String, String)> {
    let text = fs::read_to_string(folder.join("SHA256SUMS")).unwrap();
    let line = |line: &str| line.split_once("  ").map(|(sum, name)| (sum.to_owned(), name.to_owned())).unwrap();
    text.lines().map(line).collect()
}

/// The names of a folder's files, sorted.
fn files(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
    let files = entries.filter(|entry| entry.file_type().unwrap().is_file());
    let mut names: Vec<String> = files.map(|file| file.file_name().into_string().unwrap()).collect();
    names.sort();
    names
}
