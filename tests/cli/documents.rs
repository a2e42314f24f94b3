//! What the documents say is what the program does.

use std::fs;
use std::path::{Path, PathBuf};

/// The commands of a text: on lines of its code blocks and in its sentences, also where
/// they are part of a longer line.
fn commands(text: &str) -> Vec<String> {
    let mut in_block = false;
    let mut found = Vec::new();
    for line in text.lines() {
        if line.trim_start().starts_with("```") {
            in_block = !in_block;
            continue;
        }
        // The pages of the commands show their form, and speak of others in quotation marks.
        if line.starts_with("Usage: ") || line.contains("\"kubectl ") {
            continue;
        }
        let pieces: Vec<&str> = if in_block { vec![line] } else { line.split('`').skip(1).step_by(2).collect() };
        let commands = pieces.iter().flat_map(|piece| piece.split("kubectl redis-cluster ").skip(1));
        found.extend(commands.map(|rest| rest.split(['|', '#', ')', '>', ';']).next().unwrap_or_default().to_owned()));
    }
    found
}

/// The documents: what people read first, and all of `docs`.
fn documents() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let in_folder =
        |name: &str| fs::read_dir(root.join(name)).expect("a folder").map(|entry| entry.expect("it").path());
    let folders = [".", "docs", "docs/commands", "docs/rights"];
    let documents: Vec<_> = folders
        .into_iter()
        .flat_map(in_folder)
        .filter(|path| path.extension().is_some_and(|extension| extension == "md"))
        .collect();
    assert!(documents.len() >= 15, "only {documents:?} found");
    documents
}

#[test]
fn links_lead_to_files() {
    let mut count = 0;
    for document in documents() {
        let text = fs::read_to_string(&document).expect("text");
        for link in text.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
            let is_here = !link.is_empty() && !link.contains("://");
            let target = document.parent().expect("a folder").join(link);
            assert!(!is_here || target.exists(), "{}: {link}", document.display());
            count += usize::from(is_here);
        }
    }
    assert!(count >= 20, "only {count} links found");
}

/// The commands in the documents are ones that the binary has.
#[test]
fn the_documents_say_only_what_works() {
    for document in documents() {
        let text = fs::read_to_string(&document).expect("text");
        for line in commands(&text) {
            let words = std::iter::once("kubectl").chain(line.split_whitespace());
            let parsed = kubectl_redis_cluster::cli::command().try_get_matches_from(words);
            assert!(parsed.is_ok(), "{}: {line}: {}", document.display(), parsed.expect_err("refused"));
        }
    }
}

#[test]
fn the_readme_knows_every_command() {
    let readme = include_str!("../../README.md");
    assert!(commands(readme).len() >= 10);
    let verbs: Vec<_> =
        kubectl_redis_cluster::cli::command().get_subcommands().map(|verb| verb.get_name().to_owned()).collect();
    for verb in verbs {
        assert!(
            readme.contains(&format!("| [`{verb}`](docs/commands/{verb}.md) |")),
            "{verb} is not in the README's table"
        );
    }
}
