//! The files that are made from the command line: completion scripts and a page for each
//! command. `GENERATE=1 cargo test --test generated` makes them anew.

#![expect(clippy::unwrap_used, reason = "a test may end so")]

use clap::{Command, CommandFactory};
use clap_complete::aot::Shell;
use kubectl_redis_cluster::cli::{self, Cli};
use kubectl_redis_cluster::commands::completion::script;
use kubectl_redis_cluster::commands::options;
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Compares the files of a folder with what they should be, names and texts.
fn hold(folder: &str, wanted: &[(String, String)]) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join(folder);
    if std::env::var_os("GENERATE").is_some() {
        fs::create_dir_all(&folder).unwrap();
        for (name, text) in wanted {
            fs::write(folder.join(name), text).unwrap();
        }
    }
    let names: BTreeSet<String> = wanted.iter().map(|(name, _)| name.clone()).collect();
    let there = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    assert_eq!(there.collect::<BTreeSet<_>>(), names, "{}", folder.display());
    for (name, text) in wanted {
        let path = folder.join(name);
        assert!(
            fs::read_to_string(&path).unwrap() == *text,
            "{} is not what the binary says; make it anew: GENERATE=1 cargo test --test generated",
            path.display()
        );
    }
}

#[test]
fn completions() {
    let of = |name: &str, shell| (name.to_owned(), script(Cli::command(), shell) + "\n");
    let shim = "#!/bin/sh\n# What kubectl runs for `kubectl redis-cluster <TAB>`, where a link to the program cannot be.\n\
                exec kubectl-redis_cluster __complete \"$@\"\n";
    hold(
        "completions",
        &[
            of("kubectl-redis_cluster.bash", Shell::Bash),
            of("_kubectl-redis_cluster", Shell::Zsh),
            of("kubectl-redis_cluster.fish", Shell::Fish),
            of("_kubectl-redis_cluster.ps1", Shell::PowerShell),
            ("kubectl_complete-redis_cluster".into(), shim.into()),
        ],
    );
}

#[test]
fn a_page_for_each_command() {
    let mut whole = cli::command().term_width(100).disable_help_subcommand(true);
    whole.build();
    let page = |verb: &Command| {
        let mut verb = verb.clone();
        let name = verb.get_name().to_owned();
        let text = match name.as_str() {
            "options" => options::page(&Cli::command().term_width(100)),
            _ => verb.render_long_help().to_string(),
        };
        let text: Vec<&str> = text.trim_end().lines().map(str::trim_end).collect();
        (format!("{name}.md"), format!("# kubectl redis-cluster {name}\n\n```text\n{}\n```\n", text.join("\n")))
    };
    let pages: Vec<_> = whole.get_subcommands().map(page).collect();
    hold("docs/commands", &pages);
}
