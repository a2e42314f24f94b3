//! What `make dist` leaves: the program, archives, packages, man pages, SBOM, checksums; and
//! what `cargo package` would publish.

use crate::krew;
use crate::manifest::of_release;
use crate::{PROGRAM, VERSION, files, output, program, release, root, sums};
use clap::CommandFactory;
use kubectl_redis_cluster::cli::Cli;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use tempfile::TempDir;

fn archive() -> PathBuf {
    release().join(format!("{PROGRAM}_v{VERSION}_linux_amd64.tar.gz"))
}

fn unpacked() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    output(program("tar", &["-xzf"]).arg(archive()).arg("-C").arg(folder.path()));
    folder
}

fn debian_package() -> String {
    release().join(format!("kubectl-redis-cluster_{VERSION}_amd64.deb")).to_str().unwrap().to_owned()
}

#[test]
fn the_program_needs_nothing_of_the_machine() {
    let folder = unpacked();
    let path = folder.path().join(PROGRAM);
    let headers = output(program("readelf", &["--program-headers", "--dynamic", "--wide"]).arg(&path));
    assert!(headers.contains("LOAD"), "{headers}");
    for word in ["INTERP", "NEEDED"] {
        assert!(!headers.contains(word), "{headers}");
    }
    let said = output(Command::new(&path).args(["version", "--client"]).env_clear().current_dir("/"));
    assert_eq!(said, format!("Client Version: v{VERSION}\n"));
}

/// Where it was compiled is nobody's business, and would make it another elsewhere.
#[test]
fn the_program_names_no_path_of_the_machine() {
    let folder = unpacked();
    let content = fs::read(folder.path().join(PROGRAM)).unwrap();
    let home = std::env::var_os("CARGO_HOME").or(std::env::var_os("HOME")).unwrap();
    let names = |path: &[u8]| content.windows(path.len()).any(|part| part == path);
    assert!(names(b"/crates/"), "no path at all is found");
    for path in [root(), Path::new(&home)] {
        let path = format!("{}/", path.display());
        assert!(!names(path.as_bytes()), "{path} is in the program");
    }
}

/// Makes an archive with one thing changed, and says what krew's rules find.
fn with(change: &str) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    let content = folder.path().join("content");
    fs::create_dir(&content).unwrap();
    let script =
        format!("install /dev/null {PROGRAM}; echo text | tee LICENSE >README.md; {change}; tar -czf ../archive -- *");
    output(Command::new("bash").args(["-euc", &script]).current_dir(&content));
    let file = folder.path().join("archive");
    let sha256 = krew::sha256(&fs::read(&file).unwrap());
    krew::archive(&file, &json!({ "bin": PROGRAM, "sha256": sha256 }))
}

#[test]
fn every_rule_of_an_archive_can_fail() {
    assert_eq!(with("true"), [""; 0]);
    assert_eq!(with("mv LICENSE copying.TXT"), [""; 0]);
    for (change, complaint) in [
        ("rm LICENSE", "there is no LICENSE"),
        ("mv LICENSE LICENCE", "there is no LICENSE"),
        ("ln -s LICENSE link", "it has more than files and folders"),
        ("ln LICENSE link", "it has more than files and folders"),
        ("mv kubectl-redis_cluster kubectl-redis-cluster", "bin is not in it"),
        ("mkdir x; mv kubectl* x", "bin is not in it"),
        ("chmod 644 kubectl-redis_cluster", "bin cannot be executed"),
        ("touch ../x; tar -czPf ../archive -- ../x *; exit", "it has a path that leads out of it"),
        ("touch ../x; tar -czPf ../archive -- \"${PWD%/*}/x\" *; exit", "it has a path that leads out of it"),
        ("tar -cf ../archive -- *; exit", "it is neither a zip nor a tar.gz"),
        ("tar -cJf ../archive -- *; exit", "it is neither a zip nor a tar.gz"),
        ("gzip <LICENSE >../archive; exit", "it is neither a zip nor a tar.gz"),
        (
            "ln -s LICENSE link; zip -qy ../archive.zip -- *; mv ../archive.zip ../archive; exit",
            "it has more than files and folders",
        ),
        ("rm LICENSE; zip -q ../archive.zip -- *; mv ../archive.zip ../archive; exit", "there is no LICENSE"),
    ] {
        assert_eq!(with(change), [complaint], "{change}");
    }
}

#[test]
fn a_checksum_of_another_file_is_seen() {
    let mut platform = of_release(&release()).pointer("/spec/platforms/0").unwrap().clone();
    assert_eq!(krew::archive(&archive(), &platform), [""; 0]);
    platform["sha256"] = krew::sha256(b"another").into();
    assert_eq!(krew::archive(&archive(), &platform), ["sha256 is another file's"]);
}

#[test]
fn the_checksums_are_of_all_files() {
    let folder = release();
    let sums = sums(&folder);
    for (sum, name) in &sums {
        assert_eq!(krew::sha256(&fs::read(folder.join(name)).unwrap()), *sum, "{name}");
    }
    let names: Vec<String> = sums.into_iter().map(|(_, name)| name).collect();
    let files: Vec<String> = files(&folder).into_iter().filter(|name| name != "SHA256SUMS").collect();
    assert_eq!(names, files);
    for name in ["_linux_amd64.tar.gz", "_amd64.deb", ".cdx.json"] {
        assert!(names.iter().any(|file| file.ends_with(name)), "{name}: {names:?}");
    }
}

/// The names of the pages that the commands should have.
fn pages() -> Vec<String> {
    fn walk(command: &clap::Command, name: &str, pages: &mut Vec<String>) {
        for verb in command.get_subcommands().filter(|verb| !verb.is_hide_set()) {
            walk(verb, &format!("{name}-{}", verb.get_name()), pages);
        }
        pages.push(format!("{name}.1"));
    }
    let mut pages = Vec::new();
    walk(&Cli::command(), PROGRAM, &mut pages);
    pages.sort();
    pages
}

#[test]
fn every_command_has_a_man_page() {
    let folder = release().join("man");
    assert_eq!(files(&folder), pages());
    assert_eq!(files(&unpacked().path().join("man")), pages());
    for page in pages() {
        let said =
            program("groff", &["-K", "utf8", "-T", "utf8", "-P-cbu", "-man", "-ww"]).arg(folder.join(&page)).output();
        let said = said.expect("groff is installed");
        assert!(said.status.success() && said.stderr.is_empty(), "{page}: {}", String::from_utf8_lossy(&said.stderr));
        let text = String::from_utf8(said.stdout).unwrap();
        for part in ["SYNOPSIS", "DESCRIPTION", "--namespace", "EXAMPLES", "EXIT STATUS", "SEE ALSO"] {
            assert!(text.contains(part), "{page} has no {part}");
        }
    }
    let check = fs::read_to_string(folder.join(format!("{PROGRAM}-check.1"))).unwrap();
    assert!(check.contains("check incomplete"), "{check}");
}

#[test]
fn the_debian_package_has_what_debian_expects() {
    let listed = output(&mut program("dpkg-deb", &["--contents", &debian_package()]));
    let entries: Vec<Vec<&str>> = listed.lines().map(|line| line.split_whitespace().collect()).collect();
    let paths: Vec<String> = entries.iter().map(|entry| entry[5..].join(" ")).collect();
    let has = |path: &str| assert!(paths.iter().any(|one| one == path), "{path} is not in:\n{listed}");
    has(&format!("./usr/bin/{PROGRAM}"));
    has(&format!("./usr/bin/kubectl_complete-redis_cluster -> {PROGRAM}"));
    has("./usr/share/doc/kubectl-redis-cluster/copyright");
    has("./usr/share/doc/kubectl-redis-cluster/changelog.gz");
    pages().iter().for_each(|page| has(&format!("./usr/share/man/man1/{page}.gz")));
    for (script, path) in [
        ("kubectl-redis_cluster.bash", "bash-completion/completions/kubectl-redis_cluster"),
        ("_kubectl-redis_cluster", "zsh/vendor-completions/_kubectl-redis_cluster"),
        ("kubectl-redis_cluster.fish", "fish/vendor_completions.d/kubectl-redis_cluster.fish"),
    ] {
        let path = format!("./usr/share/{path}");
        let is_there = paths.contains(&path);
        assert_eq!(root().join("completions").join(script).exists(), is_there, "{path}");
    }
    for entry in &entries {
        assert_eq!(entry[1], "root/root", "{entry:?}");
        assert!(["drwxr-xr-x", "-rwxr-xr-x", "-rw-r--r--", "lrwxrwxrwx"].contains(&entry[0]), "{entry:?}");
    }
    let field = |name| output(&mut program("dpkg-deb", &["--field", &debian_package(), name])).trim().to_owned();
    let fields = ["Package", "Version", "Architecture"].map(field);
    assert_eq!(fields, ["kubectl-redis-cluster", &VERSION.replacen('-', "~", 1), "amd64"]);
    assert_eq!(field("Depends"), "", "a static program needs nothing");
    assert!(!field("Maintainer").is_empty() && !field("Description").is_empty());
    let size: u64 = field("Installed-Size").parse().unwrap();
    assert!(size * 1024 > fs::metadata(unpacked().path().join(PROGRAM)).unwrap().len(), "{size} KiB");
}

#[test]
fn the_debian_package_has_the_same_program() {
    let folder = tempfile::tempdir().unwrap();
    output(program("dpkg-deb", &["--extract", &debian_package()]).arg(folder.path()));
    let ours = fs::read(folder.path().join("usr/bin").join(PROGRAM)).unwrap();
    assert!(ours == fs::read(unpacked().path().join(PROGRAM)).unwrap());
}

#[test]
fn the_sbom_names_every_crate() {
    let file = release().join(format!("kubectl-redis-cluster_v{VERSION}.cdx.json"));
    let text = fs::read_to_string(file).unwrap();
    let sbom: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(sbom["bomFormat"], "CycloneDX");
    assert_eq!(sbom["metadata"]["component"]["name"], "kubectl-redis-cluster");
    let components = sbom["components"].as_array().unwrap();
    let named: BTreeSet<String> =
        components.iter().map(|one| format!("{} v{}", krew::text(one, "/name"), krew::text(one, "/version"))).collect();
    let tree = ["tree", "--locked", "--edges", "normal", "--target", "all", "--prefix", "none", "--format", "{p}"];
    let tree = output(&mut program(env!("CARGO"), &tree));
    let first_two = |line: &str| line.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
    let crates: BTreeSet<String> = tree.lines().skip(1).map(first_two).filter(|line| !line.is_empty()).collect();
    assert!(crates.len() > 100, "{crates:?}");
    let missing: Vec<_> = crates.difference(&named).collect();
    assert!(missing.is_empty(), "{missing:?}");
    assert!(components.iter().all(|one| one["purl"].is_string()), "{text}");
    assert!(!text.contains(&root().display().to_string()), "it names the checkout's folder");
}

/// Only what is needed to build the program and its man pages.
#[test]
fn the_crate_has_what_it_needs_and_no_more() {
    let listed = output(&mut program(env!("CARGO"), &["package", "--list", "--allow-dirty", "--locked", "--offline"]));
    let listed: BTreeSet<&str> = listed.lines().collect();
    let made = ["Cargo.toml.orig", ".cargo_vcs_info.json"];
    let alone = ["Cargo.toml", "Cargo.lock", "CHANGELOG.md", "LICENSE", "README.md"];
    let wanted =
        |path: &&str| alone.contains(path) || ["src/", "examples/", "docs/"].iter().any(|part| path.starts_with(part));
    let tracked = output(&mut program("git", &["ls-files", "--cached", "--others", "--exclude-standard"]));
    let wanted: BTreeSet<&str> = tracked.lines().filter(wanted).collect();
    assert!(wanted.len() > 100 && wanted.contains("src/manifest/guard.sh"), "{wanted:?}");
    assert_eq!(listed.difference(&wanted).filter(|path| !made.contains(path)).collect::<Vec<_>>(), [&""; 0]);
    assert_eq!(wanted.difference(&listed).collect::<Vec<_>>(), [&""; 0]);
}

#[test]
fn the_crate_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let make = ["package", "--no-verify", "--allow-dirty", "--locked", "--offline", "--quiet", "--target-dir"];
    output(program(env!("CARGO"), &make).arg(folder.path()));
    let name = format!("kubectl-redis-cluster-{VERSION}");
    let file = folder.path().join("package").join(format!("{name}.crate"));
    output(program("tar", &["-xzf"]).arg(file).arg("-C").arg(folder.path()));
    let read = ["metadata", "--locked", "--offline", "--no-deps", "--format-version", "1"];
    let metadata = output(program(env!("CARGO"), &read).current_dir(folder.path().join(name)));
    let metadata: Value = serde_json::from_str(&metadata).unwrap();
    let targets = metadata.pointer("/packages/0/targets").and_then(Value::as_array).unwrap();
    let targets: BTreeSet<&str> = targets.iter().map(|target| krew::text(target, "/name")).collect();
    assert_eq!(targets, BTreeSet::from(["kubectl_redis_cluster", PROGRAM, "man"]));
}
