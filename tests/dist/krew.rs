//! What krew and the reviewers of its index ask of a manifest and of an archive.

use regex::Regex;
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::fs;
use std::path::Path;
use std::process::Command;

/// The platforms that krew knows.
pub const PLATFORMS: [(&str, &[&str]); 3] = [
    ("windows", &["386", "amd64", "arm64"]),
    ("linux", &["386", "amd64", "arm", "arm64", "ppc64le"]),
    ("darwin", &["386", "amd64", "arm64"]),
];

/// Names that Windows keeps for devices.
const DEVICES: &str = r"(?i)^(CON|PRN|AUX|NUL|COM[1-9]|LPT[1-9])$";
const LICENSE: &str = r"(?i)^(LICENSE(\.txt|\.md)?|LICENSES.*|COPYING(\.txt)?)$";

fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).expect("a pattern").is_match(text)
}

/// A field's text; empty where it is not there.
pub fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

pub fn platforms(manifest: &Value) -> &[Value] {
    manifest.pointer("/spec/platforms").and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// What is wrong with a manifest of this file name.
pub fn manifest(file: &str, manifest: &Value) -> Vec<String> {
    let field = |pointer| text(manifest, pointer);
    let name = field("/metadata/name");
    let short = field("/spec/shortDescription");
    let description = field("/spec/description");
    let version = field("/spec/version").strip_prefix('v').map(semver::Version::parse);
    let rules = [
        (file == format!("{name}.yaml"), "the file is not called NAME.yaml"),
        (matches(r"^[\w-]+$", name), "the name has other characters than letters, digits, - and _"),
        (!matches(DEVICES, name), "the name is one of Windows' devices"),
        (field("/apiVersion") == "krew.googlecontainertools.github.com/v1alpha2", "apiVersion is another"),
        (field("/kind") == "Plugin", "kind is not Plugin"),
        (!short.is_empty() && !short.contains('\n'), "shortDescription is not one line"),
        (short.chars().count() <= 50, "shortDescription is longer than 50 characters"),
        (matches!(version, Some(Ok(_))), "version is not v and a semantic version"),
        (field("/spec/homepage").starts_with("https://"), "homepage is no address"),
        (!description.is_empty(), "there is no description"),
        (description.lines().all(|line| line.chars().count() <= 80), "description is wider than 80 columns"),
        (!description.contains("kubectl redis-cluster"), "description has a usage example"),
        (!platforms(manifest).is_empty(), "there is no platform"),
    ];
    let mut wrong = complaints(&rules);
    wrong.extend(platforms(manifest).iter().flat_map(platform));
    for (os, arch) in PLATFORMS.iter().flat_map(|(os, all)| all.iter().map(move |arch| (*os, *arch))) {
        let count = platforms(manifest).iter().filter(|platform| selects(&platform["selector"], os, arch)).count();
        if count > 1 {
            wrong.push(format!("{count} platforms match {os}/{arch}"));
        }
    }
    wrong
}

fn complaints(rules: &[(bool, &str)]) -> Vec<String> {
    rules.iter().filter(|(holds, _)| !holds).map(|(_, complaint)| (*complaint).to_owned()).collect()
}

fn platform(platform: &Value) -> Vec<String> {
    let windows = selects_any(&platform["selector"], &["windows"]);
    let bin = text(platform, "/bin");
    let files = platform.get("files").map(|files| files.as_array().map_or(&[][..], Vec::as_slice));
    let paths = |name| files.into_iter().flatten().map(move |file| text(file, name));
    complaints(&[
        (!text(platform, "/uri").is_empty(), "uri is empty"),
        (matches("^[a-f0-9]{64}$", text(platform, "/sha256")), "sha256 is not 64 lower-case hexadecimal digits"),
        (!bin.is_empty(), "bin is empty"),
        (!windows || bin.ends_with(".exe"), "bin is no .exe on Windows"),
        (files != Some(&[]), "files is empty"),
        (paths("/from").all(|path| !path.is_empty()), "files has no from"),
        (paths("/to").all(is_clean), "files has a to that is no clean path"),
        (asks_only_for_os_and_arch(&platform["selector"]), "selector is empty or asks for more than os and arch"),
        (selects_any(&platform["selector"], &["windows", "linux", "darwin"]), "selector matches no platform"),
    ])
}

/// Whether Go's filepath.Clean would leave a relative path as it is.
fn is_clean(path: &str) -> bool {
    path == "." || path.split('/').all(|part| !["", ".", ".."].contains(&part))
}

fn expressions(selector: &Value) -> &[Value] {
    selector["matchExpressions"].as_array().map_or(&[], Vec::as_slice)
}

fn asks_only_for_os_and_arch(selector: &Value) -> bool {
    let labels = selector["matchLabels"].as_object().into_iter().flatten().map(|(key, _)| key.as_str());
    let mut keys = labels.chain(expressions(selector).iter().map(|expression| text(expression, "/key"))).peekable();
    keys.peek().is_some() && keys.all(|key| ["os", "arch"].contains(&key))
}

fn selects_any(selector: &Value, systems: &[&str]) -> bool {
    let known = PLATFORMS.iter().filter(|(os, _)| systems.contains(os));
    known.into_iter().any(|(os, all)| all.iter().any(|arch| selects(selector, os, arch)))
}

/// Whether a platform's selector is for this system.
pub fn selects(selector: &Value, os: &str, arch: &str) -> bool {
    let value = |key: &str| match key {
        "os" => Some(os),
        "arch" => Some(arch),
        _ => None,
    };
    let labels = selector["matchLabels"].as_object();
    labels.into_iter().flatten().all(|(key, wanted)| value(key) == wanted.as_str())
        && expressions(selector).iter().all(|expression| {
            let value = value(text(expression, "/key"));
            let listed = || expression["values"].as_array().into_iter().flatten().any(|one| one.as_str() == value);
            match text(expression, "/operator") {
                "In" => listed(),
                "NotIn" => !listed(),
                "Exists" => value.is_some(),
                _ => value.is_none(),
            }
        })
}

/// What is wrong with the archive that a manifest's platform is about.
pub fn archive(file: &Path, platform: &Value) -> Vec<String> {
    let content = fs::read(file).expect("an archive");
    let entries = match content.get(..4) {
        Some([0x1f, 0x8b, ..]) => entries(Command::new("tar").args(["-tzvPf"]).arg(file), 5),
        Some(b"PK\x03\x04") => entries(Command::new("unzip").args(["-Z", "-s"]).arg(file), 8),
        _ => None,
    };
    let Some(entries) = entries else {
        return vec!["it is neither a zip nor a tar.gz".to_owned()];
    };
    let bin = text(platform, "/bin");
    let program = entries.iter().find(|(_, name)| name == bin);
    let runs = |mode: &str| bin.ends_with(".exe") || mode.starts_with("-rwxr-xr-x");
    complaints(&[
        (sha256(&content) == text(platform, "/sha256"), "sha256 is another file's"),
        (entries.iter().all(|(mode, _)| mode.starts_with(['-', 'd'])), "it has more than files and folders"),
        (entries.iter().all(|(_, name)| stays_inside(name)), "it has a path that leads out of it"),
        (program.is_some(), "bin is not in it"),
        (program.is_none_or(|(mode, _)| runs(mode)), "bin cannot be executed"),
        (entries.iter().any(|(_, name)| matches(LICENSE, name)), "there is no LICENSE"),
    ])
}

fn stays_inside(name: &str) -> bool {
    !name.contains("..") && !name.starts_with(['/', '\\'])
}

/// The modes and names of a long listing's entries; none when there is no such archive.
fn entries(list: &mut Command, fields_before_name: usize) -> Option<Vec<(String, String)>> {
    let listed = list.env("LC_ALL", "C").output().expect("tar and unzip are installed");
    let pattern = format!(r"^([-dlhcbps][-rwxsStT]{{9}}) +(?:\S+ +){{{}}}(.*)$", fields_before_name - 1);
    let line = Regex::new(&pattern).expect("a pattern");
    let entry = |text: &str| line.captures(text).map(|part| (part[1].to_owned(), part[2].to_owned()));
    let entries = String::from_utf8_lossy(&listed.stdout).lines().filter_map(entry).collect::<Vec<_>>();
    (listed.status.success() && !entries.is_empty()).then_some(entries)
}

pub fn sha256(content: &[u8]) -> String {
    Sha256::digest(content).iter().map(|byte| format!("{byte:02x}")).collect()
}
