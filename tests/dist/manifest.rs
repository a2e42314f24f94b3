//! The manifest that krew/fill makes, and that krew's rules see what is wrong with one.

use crate::krew::{self, PLATFORMS, platforms, selects, text};
use crate::{VERSION, output, program, release, root, sums};
use serde_json::Value;
use std::fs;
use std::path::Path;
use std::process::Command;

const FILE: &str = "redis-cluster.yaml";
const REPOSITORY: &str = "https://git.example/owner/kubectl-redis-cluster";

fn parse(text: &str) -> Value {
    serde_saphyr::from_str(text).unwrap()
}

pub fn template() -> Value {
    parse(&fs::read_to_string(root().join("krew").join(FILE)).unwrap())
}

pub fn fill(arguments: &[&str]) -> Command {
    let mut command = program("krew/fill", arguments);
    command.env("REPOSITORY", REPOSITORY);
    command
}

/// The file at a platform's address.
pub fn file_of(platform: &Value) -> &str {
    text(platform, "/uri").rsplit('/').next().unwrap()
}

/// Well-formed checksums for all of the template's files, as one file.
fn made_up_sums(folder: &Path, count: usize) -> String {
    let template = template();
    let names =
        platforms(&template).iter().map(|platform| file_of(platform).replace("${VERSION}", &format!("v{VERSION}")));
    let lines: Vec<String> =
        names.take(count).map(|name| format!("{}  {name}\n", krew::sha256(name.as_bytes()))).collect();
    let path = folder.join(format!("{count}.sums"));
    fs::write(&path, lines.concat()).unwrap();
    path.to_str().unwrap().to_owned()
}

fn filled() -> String {
    let folder = tempfile::tempdir().unwrap();
    output(&mut fill(&[&made_up_sums(folder.path(), 6)]))
}

#[test]
fn the_manifest_of_all_platforms() {
    let manifest = parse(&filled());
    assert_eq!(krew::manifest(FILE, &manifest), [""; 0]);
    assert_eq!(text(&manifest, "/spec/version"), format!("v{VERSION}"));
    assert!(text(&manifest, "/spec/caveats").contains("kubectl redis-cluster completion install"));
    for os in ["linux", "darwin", "windows"] {
        for arch in ["amd64", "arm64"] {
            let ours: Vec<_> = platforms(&manifest).iter().filter(|one| selects(&one["selector"], os, arch)).collect();
            let [platform] = ours[..] else { panic!("{} platforms match {os}/{arch}", ours.len()) };
            let end = if os == "windows" { "zip" } else { "tar.gz" };
            let file = format!("kubectl-redis_cluster_v{VERSION}_{os}_{arch}.{end}");
            assert_eq!(text(platform, "/uri"), format!("{REPOSITORY}/releases/download/v{VERSION}/{file}"));
            assert_eq!(text(platform, "/sha256"), krew::sha256(file.as_bytes()));
        }
    }
}

/// Changes that each break one rule, and what krew's rules then say.
const BROKEN: [(&str, &str, &str); 28] = [
    ("name: redis-cluster", "name: redis", "the file is not called NAME.yaml"),
    ("name: redis-cluster", "name: redis.cluster", "the name has other characters"),
    ("name: redis-cluster", "name: com1", "the name is one of Windows' devices"),
    ("v1alpha2", "v1", "apiVersion is another"),
    ("kind: Plugin", "kind: Plug", "kind is not Plugin"),
    ("  shortDescription: Create", "  short: Create", "shortDescription is not one line"),
    ("shortDescription: ", "shortDescription: |\n    Two\n    ", "shortDescription is not one line"),
    ("shortDescription: ", "shortDescription: A kubectl plugin to ", "shortDescription is longer"),
    ("version: v", "version: ", "version is not v and a semantic version"),
    ("version: v", "version: v0.", "version is not v and a semantic version"),
    ("homepage: https", "homepage: ftp", "homepage is no address"),
    ("description: |", "about: |", "there is no description"),
    ("on any Kubernetes,", "on any Kubernetes, wherever it is,", "description is wider than 80 columns"),
    ("with your own", "kubectl redis-cluster info", "description has a usage example"),
    ("  platforms:", "  platforms: []\n  rest:", "there is no platform"),
    ("uri: https://", "url: https://", "uri is empty"),
    ("sha256: \"", "sha256: \"A", "sha256 is not 64 lower-case"),
    ("sha256: \"", "digest: \"", "sha256 is not 64 lower-case"),
    ("bin: kubectl-redis_cluster\n", "bin: \"\"\n", "bin is empty"),
    ("kubectl-redis_cluster.exe", "kubectl-redis_cluster.bat", "bin is no .exe on Windows"),
    ("bin: kubectl-redis_cluster\n", "bin: x\n      files: []\n", "files is empty"),
    ("bin: kubectl-redis_cluster\n", "bin: x\n      files: [{to: .}]\n", "files has no from"),
    ("bin: kubectl-redis_cluster\n", "bin: x\n      files: [{from: x, to: ./x}]\n", "no clean path"),
    ("matchLabels: {os: linux, arch: amd64}", "matchLabels: {}", "selector is empty"),
    ("matchLabels: {os: linux, arch: amd64}", "matchLabels: {os: linux, cpu: amd64}", "more than os and arch"),
    ("matchLabels: {os: linux, arch: amd64}", "matchLabels: {os: linux, arch: s390x}", "matches no platform"),
    ("matchLabels: {os: linux, arch: amd64}", "matchLabels: {os: linux}", "2 platforms match linux/arm64"),
    (
        "matchLabels: {os: linux, arch: amd64}",
        "matchExpressions: [{key: os, operator: NotIn, values: [windows]}]",
        "2 platforms match darwin/amd64",
    ),
];

#[test]
fn every_rule_of_a_manifest_can_fail() {
    let good = filled();
    for (from, to, complaint) in BROKEN {
        let bad = good.replacen(from, to, 1);
        assert_ne!(good, bad, "{from} is not in the manifest");
        let said = krew::manifest(FILE, &parse(&bad));
        assert!(said.iter().any(|said| said.contains(complaint)), "{to}: {said:?} and not: {complaint}");
    }
}

#[test]
fn what_is_no_mistake_is_none() {
    for (from, to) in [
        ("bin: kubectl-redis_cluster\n", "bin: x\n      files: [{from: '*', to: .}, {from: x, to: x/y}]\n"),
        ("matchLabels: {os: linux, arch: amd64}", "matchExpressions: [{key: arch, operator: In, values: [ppc64le]}]"),
        ("kind: Plugin", "kind: Plugin\nmore: fields"),
        ("version: v", "version: v1.0.0-rc.1 # "),
    ] {
        let other = filled().replacen(from, to, 1);
        assert_eq!(krew::manifest(FILE, &parse(&other)), [""; 0], "{to}");
    }
}

#[test]
fn fill_refuses_what_would_make_no_manifest() {
    let folder = tempfile::tempdir().unwrap();
    let (five, six) = (made_up_sums(folder.path(), 5), made_up_sums(folder.path(), 6));
    let refused = |command: &mut Command, complaint: &str| {
        let said = command.output().unwrap();
        let err = String::from_utf8_lossy(&said.stderr);
        assert!(!said.status.success() && said.stdout.is_empty() && err.contains(complaint), "{command:?}: {said:?}");
    };
    refused(&mut fill(&[&five]), &format!("no checksum of kubectl-redis_cluster_v{VERSION}_windows_arm64.zip"));
    refused(&mut fill(&["--only", "linux/s390x", &six]), "the template has no platform linux/s390x");
    refused(&mut fill(&["--only"]), "--only of which platform?");
    refused(&mut fill(&[]), "no file with checksums");
    refused(fill(&[&six]).env_remove("REPOSITORY"), "REPOSITORY is not set");
    refused(&mut fill(&["no-such-file"]), "no-such-file");
    let some = output(&mut fill(&["--only", "linux/arm64", "--only", "darwin/amd64", &five]));
    assert_eq!(platforms(&parse(&some)).len(), 2);
}

/// The manifest for the archives that are there, and these.
pub fn of_release(folder: &Path) -> Value {
    let names: Vec<String> = sums(folder).into_iter().map(|(_, name)| name).collect();
    let pairs = PLATFORMS.iter().flat_map(|(os, all)| all.iter().map(move |arch| (os, arch)));
    let built = pairs.filter(|(os, arch)| names.iter().any(|name| name.contains(&format!("_{os}_{arch}."))));
    let only: Vec<String> = built.flat_map(|(os, arch)| ["--only".to_owned(), format!("{os}/{arch}")]).collect();
    let sums = folder.join("SHA256SUMS");
    let arguments: Vec<&str> = only.iter().map(String::as_str).chain(sums.to_str()).collect();
    parse(&output(&mut fill(&arguments)))
}

/// Holds a folder's archives to krew's rules; says how many there are.
pub fn hold_to_the_rules(folder: &Path) -> usize {
    let manifest = of_release(folder);
    assert_eq!(krew::manifest(FILE, &manifest), [""; 0]);
    for platform in platforms(&manifest) {
        let file = folder.join(file_of(platform));
        assert_eq!(krew::archive(&file, platform), [""; 0], "{}", file.display());
    }
    platforms(&manifest).len()
}

#[test]
fn the_release_can_be_installed_by_krew() {
    assert!(hold_to_the_rules(&release()) > 0);
}
