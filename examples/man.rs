//! Writes the man pages, one for each command: `cargo run --example man -- FOLDER`.

use clap::{Command, CommandFactory};
use clap_mangen::Man;
use kubectl_redis_cluster::cli::Cli;
use roff::{Roff, bold, roman};
use std::fs::{self, File};
use std::io::{Error, Result, Write};
use std::path::Path;

/// What kubectl looks for, and so what people ask `man` for.
const PROGRAM: &str = "kubectl-redis_cluster";

/// How commands end that do not say it in their help.
const USUAL: &str = "0 success, 1 failure.";

fn main() -> Result<()> {
    let folder = std::env::args_os().nth(1).ok_or_else(|| Error::other("no folder given"))?;
    fs::create_dir_all(&folder)?;
    let mut program = Cli::command().display_name(PROGRAM).disable_help_subcommand(true);
    program.build();
    pages(&program, Path::new(&folder))
}

fn pages(command: &Command, folder: &Path) -> Result<()> {
    let shown = || command.get_subcommands().filter(|verb| !verb.is_hide_set());
    shown().try_for_each(|verb| pages(verb, folder))?;

    let about = command.get_long_about().or(command.get_about()).map(ToString::to_string).unwrap_or_default();
    let (about, statuses) = about.split_once("\n\nExit status: ").unwrap_or((&about, USUAL));
    // Every flag of every command is too much for a synopsis.
    let usage = command.clone().render_usage().to_string();
    let usage = usage.trim_start_matches("Usage: ").to_owned();
    let man = Man::new(command.clone().override_usage(usage).long_about(about.to_owned()))
        .source(format!("{PROGRAM} {}", env!("CARGO_PKG_VERSION")))
        .manual("kubectl redis-cluster");

    let mut page = File::create(folder.join(man.get_filename()))?;
    man.render_title(&mut page)?;
    man.render_name_section(&mut page)?;
    man.render_synopsis_section(&mut page)?;
    man.render_description_section(&mut page)?;
    if shown().next().is_some() {
        man.render_subcommands_section(&mut page)?;
    }
    man.render_options_section(&mut page)?;
    examples(command).to_writer(&mut page)?;
    exit_status(statuses).to_writer(&mut page)?;
    see_also(command).to_writer(&mut page)?;
    page.flush()
}

fn section(title: &str) -> Roff {
    let mut part = Roff::new();
    part.control("SH", [title]);
    part
}

fn examples(command: &Command) -> Roff {
    let Some(help) = command.get_after_help().map(ToString::to_string) else { return Roff::new() };
    let mut part = section("EXAMPLES");
    part.control("nf", []);
    for line in help.trim_start_matches("Examples:\n").lines() {
        part.text([roman(line.strip_prefix("  ").unwrap_or(line))]);
    }
    part.control("fi", []);
    part
}

/// From the help's form, "0 healthy, 1 something was found.", to a list.
fn exit_status(statuses: &str) -> Roff {
    let mut part = section("EXIT STATUS");
    for status in statuses.trim_end_matches('.').split(", ") {
        let (number, meaning) = status.split_once(' ').unwrap_or((status, ""));
        part.control("TP", []);
        part.text([bold(number)]);
        part.text([roman(meaning)]);
    }
    part.control("PP", []);
    part.text([roman("A usage error gives 1, and Ctrl-C 130.")]);
    part
}

fn see_also(command: &Command) -> Roff {
    let mut part = section("SEE ALSO");
    if command.get_display_name() != Some(PROGRAM) {
        part.text([bold(PROGRAM), roman("(1),")]);
    }
    part.text([bold("kubectl"), roman("(1)")]);
    part
}
