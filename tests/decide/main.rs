//! What a node may start as, case by case (`cases.txt`): `src/manifest/decide.awk`, run by
//! every awk that an image may have.

mod case;

use case::{Case, Told, cases};
use std::path::Path;
use std::process::Command;

/// Debian's, Alpine's, and that of images with GNU's tools.
const AWKS: [&[&str]; 3] = [&["mawk"], &["busybox", "awk"], &["gawk", "--posix"]];

fn program() -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/manifest/decide.awk");
    std::fs::read_to_string(path).expect("the program")
}

/// What an awk decides in a case.
fn decided(awk: &[&str], program: &Path, case: &Case) -> Told {
    let folder = tempfile::tempdir().expect("a folder");
    let output = Command::new(awk[0])
        .args(&awk[1..])
        .args(case.arguments(program, folder.path()))
        .output()
        .expect("awk runs: apt-get install mawk busybox-static gawk");
    let errors = String::from_utf8_lossy(&output.stderr);
    if output.status.success() && errors.is_empty() {
        case.told(&String::from_utf8_lossy(&output.stdout), folder.path())
    } else {
        Told { decision: format!("failed: {errors}"), text: String::new() }
    }
}

fn write(folder: &tempfile::TempDir, program: &str) -> std::path::PathBuf {
    let path = folder.path().join("decide.awk");
    std::fs::write(&path, program).expect("written");
    path
}

#[test]
fn every_awk_decides_every_case() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = write(&folder, &program());
    let mut wrong = Vec::new();
    for case in cases() {
        let told = AWKS.map(|awk| decided(awk, &path, &case));
        let texts = told.each_ref().map(|told| &told.text);
        if told.iter().any(|told| told.decision != case.expected) || texts.iter().any(|text| *text != texts[0]) {
            wrong.push(format!("{}\n  expected {}\n  decided {told:#?}", case.name, case.expected));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Whether a line of the program is a rule: it ends a function, or passes over a node.
fn is_rule(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("if (") && [") return", ") continue"].iter().any(|end| line.contains(end))
}

/// Each rule is taken out once: a case must see that.
#[test]
fn no_rule_is_without_a_case() {
    let program = program();
    let lines: Vec<&str> = program.lines().collect();
    let cases = cases();
    let unseen: Vec<&str> = (0..lines.len())
        .filter(|index| is_rule(lines[*index]))
        .filter(|index| {
            let folder = tempfile::tempdir().expect("a folder");
            let rest: Vec<&str> = [&lines[..*index], &lines[index + 1..]].concat();
            let path = write(&folder, &rest.join("\n"));
            cases.iter().all(|case| decided(AWKS[0], &path, case).decision == case.expected)
        })
        .map(|index| lines[index].trim())
        .collect();
    assert!(unseen.is_empty(), "no case needs:\n{}", unseen.join("\n"));
}

/// The names of the verdicts in the order in which they stand there.
fn verdicts(text: &str, before: &[&str]) -> Vec<String> {
    let name = |rest: &str| rest.split(['"', '`']).next().unwrap_or_default().to_owned();
    let found = |line: &str| before.iter().find_map(|before| line.split_once(before).map(|(_, rest)| name(rest)));
    text.lines().filter_map(found).collect()
}

#[test]
fn the_page_has_the_rules_of_the_program() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/start.md");
    let page = std::fs::read_to_string(page).expect("the page");
    let of_program = verdicts(
        &program(),
        &["wait(\"", "wait_for_person(\"", "start(\"", "start_as_owner(\"", "start_as_replica(\""],
    );
    assert_eq!(verdicts(&page, &["| `"]), of_program);
    let picture = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/pictures/start.svg");
    let picture = std::fs::read_to_string(picture).expect("the picture");
    let undrawn: Vec<_> = of_program.iter().filter(|name| !picture.contains(&format!(">{name}<"))).collect();
    assert!(undrawn.is_empty(), "{undrawn:?}");
}
