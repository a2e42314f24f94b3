//! The workflow, the scripts and the manifest agree, and pack all platforms.

use crate::krew::platforms;
use crate::manifest::{file_of, hold_to_the_rules, template};
use crate::{PROGRAM, VERSION, files, output, program, root};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

fn workflow() -> String {
    fs::read_to_string(root().join(".github/workflows/release.yml")).unwrap()
}

/// Rust's names of the platforms that are compiled for.
fn targets() -> Vec<String> {
    let workflow: Value = serde_saphyr::from_str(&workflow()).unwrap();
    let matrix = workflow.pointer("/jobs/compile/strategy/matrix/include").and_then(Value::as_array).unwrap();
    matrix.iter().map(|row| row["target"].as_str().unwrap().to_owned()).collect()
}

fn names(script: &str) -> String {
    output(&mut program("bash", &["-euc", &format!(". dist/names.sh; {script}")]))
}

#[test]
fn the_scripts_name_the_archives_that_the_manifest_asks_for() {
    let script: Vec<String> = targets().iter().map(|target| format!("archive_of $(platform {target})\n")).collect();
    let archives = names(&script.concat());
    let made: BTreeSet<&str> = archives.lines().collect();
    let template = template();
    let wanted: Vec<String> =
        platforms(&template).iter().map(|one| file_of(one).replace("${VERSION}", &format!("v{VERSION}"))).collect();
    assert_eq!(made, wanted.iter().map(String::as_str).collect());
    assert_eq!(wanted.len(), 6);
}

/// What is spelled in one place only cannot differ.
#[test]
fn the_workflow_leaves_the_names_to_the_scripts() {
    let text = workflow();
    for name in [PROGRAM, ".tar.gz", ".zip", ".deb", ".cdx.json"] {
        assert!(!text.contains(name), "the workflow spells {name}");
    }
    let folder = names("echo $DIST_BUILD/programs");
    assert_eq!(text.matches(folder.trim()).count(), 2, "artifacts are not where dist/compile and dist/pack have them");
    let scripts: Vec<&str> =
        text.split_whitespace().filter(|word| word.starts_with("dist/") || word.starts_with("krew/")).collect();
    assert_eq!(scripts, ["dist/names.sh", "dist/compile", "dist/pack", "krew/fill"]);
    for script in &scripts[1..] {
        let mode = fs::metadata(root().join(script)).unwrap().permissions().mode();
        assert_eq!(mode & 0o111, 0o111, "{script} cannot be executed");
    }
}

/// Scripts with Windows' line ends run neither on its runner nor in a pod.
#[test]
fn a_checkout_on_windows_has_the_same_files() {
    let said = output(&mut program("git", &["check-attr", "eol", "--", "src/manifest/guard.sh", "dist/compile"]));
    assert_eq!(said.matches("eol: lf").count(), 2, "{said}");
}

fn pack(programs: &Path, release: &Path, umask: &str, zone: &str) {
    let script = format!("umask {umask}; dist/pack \"$@\"");
    let paths = [programs, release].map(|path| path.to_str().unwrap());
    output(program("bash", &["-euc", &script, "pack", paths[0], paths[1]]).env("TZ", zone));
}

/// With programs that are none, for packing does not look into them.
#[test]
fn all_platforms_are_packed_and_twice_the_same() {
    let folder = tempfile::tempdir().unwrap();
    let programs = folder.path().join("programs");
    for target in targets() {
        let name = names(&format!("program_of $(platform {target})"));
        fs::create_dir_all(programs.join(&target)).unwrap();
        fs::write(programs.join(&target).join(name.trim()), &target).unwrap();
    }
    let (first, second) = (folder.path().join("first"), folder.path().join("second"));
    pack(&programs, &first, "022", "UTC");
    assert_eq!(hold_to_the_rules(&first), 6);
    pack(&programs, &second, "077", "Asia/Tokyo");
    let debs = files(&first).iter().filter(|name| name.ends_with(".deb")).count();
    assert_eq!((debs, files(&first)), (2, files(&second)));
    for file in files(&first) {
        assert!(fs::read(first.join(&file)).unwrap() == fs::read(second.join(&file)).unwrap(), "{file} differs");
    }
}
