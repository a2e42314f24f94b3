//! The direction of dependencies: who may import whom.

#![expect(clippy::unwrap_used, reason = "a test may end so")]

use kubectl_redis_cluster::cluster::finding::Code;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// What each part may import of ours, and of others' crates what it must not.
const RULES: [(&str, &[&str], &[&str]); 17] = [
    ("cluster", &["cluster"], &["kube", "k8s_openapi", "redis", "tokio", "serde_json", "clap"]),
    ("manifest", &["manifest", "cluster"], &["kube", "redis", "tokio", "clap"]),
    ("proxy", &["proxy", "manifest", "cluster"], &["kube", "redis", "tokio", "clap"]),
    ("node", &["node", "cluster", "error"], &["kube", "k8s_openapi", "clap"]),
    ("k8s", &["k8s", "node", "manifest", "cluster", "error", "duration"], &["redis", "comfy_table"]),
    (
        "ops",
        &["ops", "k8s", "node", "manifest", "proxy", "cluster", "context", "error", "interrupt"],
        &["comfy_table", "clap"],
    ),
    ("ui", &["ui", "cluster", "proxy", "error", "k8s"], &["kube", "redis", "tokio"]),
    (
        "commands",
        &[
            "commands",
            "ops",
            "ui",
            "k8s",
            "manifest",
            "proxy",
            "cluster",
            "context",
            "duration",
            "error",
            "interrupt",
            "outcome",
        ],
        &["kube", "redis", "tokio", "comfy_table"],
    ),
    (
        "cli.rs",
        &["commands", "context", "ui", "k8s", "node", "manifest", "cluster", "duration", "error", "outcome"],
        &["kube", "k8s_openapi", "redis", "tokio", "comfy_table"],
    ),
    ("cli", &[], &["kube", "k8s_openapi", "redis", "tokio", "comfy_table"]),
    (
        "completion",
        &["completion", "cli", "commands", "k8s", "manifest", "cluster", "error"],
        &["redis", "comfy_table"],
    ),
    ("context.rs", &["k8s", "node", "cluster", "error"], &["redis", "clap"]),
    ("interrupt.rs", &["error"], &["kube", "redis", "clap"]),
    ("error.rs", &["cluster"], &["redis", "tokio", "clap"]),
    ("outcome.rs", &[], &["kube", "redis", "tokio", "clap"]),
    ("duration.rs", &[], &["kube", "redis", "tokio", "clap"]),
    ("main.rs", &[], &["kube", "k8s_openapi", "redis", "tokio", "clap"]),
];

fn sources(path: &Path) -> Vec<PathBuf> {
    if path.is_file() {
        return vec![path.to_owned()];
    }
    let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
    entries
        .filter(|path| path.is_dir() || path.extension().is_some_and(|end| end == "rs"))
        .filter(|path| path.file_stem().is_none_or(|name| name != "tests"))
        .flat_map(|path| sources(&path))
        .collect()
}

/// The code of a file, without its tests: those may use anything.
fn code(path: &Path) -> String {
    let text = fs::read_to_string(path).unwrap();
    let tests = ["#[cfg(test)]", "#[cfg(all(test,"].iter().filter_map(|mark| text.find(mark)).min();
    text[..tests.unwrap_or(text.len())].to_owned()
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

/// A file of src by the path that `use` knows it by: `ui::json`; nothing for lib.rs.
type Module = Vec<String>;

/// The code of every module. main.rs is none: it is another crate.
fn modules() -> BTreeMap<Module, String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let module = |path: &Path| -> Module {
        let path = path.strip_prefix(&root).unwrap().with_extension("");
        let words = path.iter().map(|word| word.to_str().unwrap().to_owned());
        words.filter(|word| word != "mod" && word != "lib").collect()
    };
    let files = sources(&root).into_iter().filter(|path| *path != root.join("main.rs"));
    files.map(|path| (module(&path), code(&path))).collect()
}

/// Reads `a::{b, c::d}` as `a::b` and `a::c::d`; what comes behind does not matter.
fn paths(text: &str) -> Vec<Vec<String>> {
    let end = text.find(|c: char| !c.is_alphanumeric() && c != '_').unwrap_or(text.len());
    let (word, rest) = text.split_at(end);
    let tails = match rest.strip_prefix("::") {
        Some(group) if group.starts_with('{') => members(&group[1..]).into_iter().flat_map(paths).collect(),
        Some(rest) => paths(rest),
        None => vec![Vec::new()],
    };
    tails.into_iter().map(|tail| [vec![word.to_owned()], tail].concat()).collect()
}

/// The members of a group in braces, of which the opening one was read.
fn members(group: &str) -> Vec<&str> {
    let (mut members, mut begin, mut depth) = (Vec::new(), 0, 0);
    for (index, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            ',' | '}' if depth == 0 => {
                members.push(group[begin..index].trim());
                begin = index + 1;
            }
            '}' => depth -= 1,
            _ => (),
        }
        if c == '}' && depth == 0 && begin == index + 1 {
            break;
        }
    }
    members
}

/// The modules that a module's code names, in `use` or elsewhere.
fn imports(module: &Module, code: &str, all: &BTreeMap<Module, String>) -> BTreeSet<Module> {
    let lines = code.lines().filter(|line| !line.trim_start().starts_with("//"));
    let code: String = lines.map(|line| format!("{line}\n")).collect();
    let children = code.lines().filter_map(|line| line.rsplit_once("mod ")?.1.strip_suffix(';'));
    let starts = ["crate", "super", "self"].into_iter().chain(children);
    let named = starts.flat_map(|start| {
        let whole = |index: &usize| !code[..*index].ends_with(|c: char| c.is_alphanumeric() || "_:".contains(c));
        let places =
            code.match_indices(&format!("{start}::")).map(|(index, _)| index).filter(whole).collect::<Vec<_>>();
        places.into_iter().flat_map(|index| paths(&code[index..])).collect::<Vec<_>>()
    });
    let found = named.filter_map(|path| {
        let ups = path.iter().take_while(|word| *word == "super").count();
        let base = if path[0] == "crate" { &[] } else { &module[..module.len() - ups] };
        let below = path.iter().skip_while(|word| ["crate", "super", "self"].contains(&word.as_str()));
        let full: Module = base.iter().chain(below).cloned().collect();
        (1..=full.len()).rev().map(|length| full[..length].to_vec()).find(|path| all.contains_key(path))
    });
    found.filter(|found| found != module).collect()
}

/// What is left when those are taken away, again and again, who import nobody or whom nobody imports.
fn circles(mut graph: BTreeMap<Module, BTreeSet<Module>>) -> BTreeMap<Module, BTreeSet<Module>> {
    loop {
        let size = graph.len();
        let imported: BTreeSet<Module> = graph.values().flatten().cloned().collect();
        graph.retain(|module, imports| !imports.is_empty() && imported.contains(module));
        let left: BTreeSet<Module> = graph.keys().cloned().collect();
        graph.values_mut().for_each(|imports| imports.retain(|module| left.contains(module)));
        if graph.len() == size {
            return graph;
        }
    }
}

#[test]
fn no_modules_import_each_other_in_a_circle() {
    let all = modules();
    let graph = all.iter().map(|(module, code)| (module.clone(), imports(module, code, &all))).collect();
    let line = |(module, imports): (&Module, &BTreeSet<Module>)| {
        let imports: Vec<String> = imports.iter().map(|import| import.join("::")).collect();
        format!("{} imports {}", module.join("::"), imports.join(", "))
    };
    let wrong: Vec<String> = circles(graph).iter().map(line).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Every verb has its own, and no other file names them.
const OF_EACH_VERB: [&str; 2] = ["Args", "Output"];

fn types(code: &str) -> Vec<String> {
    let name = |line: &str| {
        let line = line.trim_start_matches("pub(super) ").trim_start_matches("pub ");
        let rest = ["struct ", "enum ", "trait ", "type "].iter().find_map(|word| line.strip_prefix(word))?;
        Some(rest.chars().take_while(|c| c.is_alphanumeric()).collect())
    };
    code.lines().filter_map(name).collect()
}

#[test]
fn no_two_types_have_one_name() {
    let mut homes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (module, code) in modules() {
        for name in types(&code).into_iter().filter(|name| !OF_EACH_VERB.contains(&name.as_str())) {
            homes.entry(name).or_default().push(module.join("::"));
        }
    }
    homes.retain(|_, modules| modules.len() > 1);
    assert!(homes.is_empty(), "{homes:#?}");
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

/// Where else `kubectl` may be spelled: the command line's own name and its help.
const SPELL_KUBECTL: [&str; 5] =
    ["cli.rs", "cli/pages.rs", "commands/completion.rs", "completion/values.rs", "cluster/commands.rs"];

/// A command that is put together elsewhere forgets the context or the namespace.
#[test]
fn every_printed_command_comes_from_one_place() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let allowed: Vec<PathBuf> = SPELL_KUBECTL.iter().map(|file| root.join(file)).collect();
    let mut wrong = Vec::new();
    for path in sources(&root).into_iter().filter(|path| !allowed.contains(path)) {
        let mut in_examples = false;
        for line in code(&path).lines().filter(|line| !line.trim_start().starts_with("//")) {
            in_examples |= line.contains("after_help = \"Examples:");
            if !in_examples && (line.contains("kubectl ") || line.contains("\"kubectl\"")) {
                wrong.push(format!("{}: {}", path.display(), line.trim()));
            }
            in_examples &= !line.ends_with(['"', ']']);
        }
    }
    // What a pod prints cannot know the context.
    for entry in fs::read_dir(root.join("manifest")).unwrap().map(|entry| entry.unwrap().path()) {
        let is_script = entry.extension().is_some_and(|end| end == "sh" || end == "awk");
        let text = if is_script { fs::read_to_string(&entry).unwrap() } else { String::new() };
        let lines = text.lines().filter(|line| !line.trim_start().starts_with('#') && line.contains("kubectl "));
        wrong.extend(lines.map(|line| format!("{}: {}", entry.display(), line.trim())));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
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
