//! Completion of `kubectl redis-cluster <TAB>`.
//!
//! kubectl (1.26 and newer) runs the program `kubectl_complete-redis_cluster` with the words
//! after the plugin's name, the last being the one under the cursor, and reads lines of
//! `CANDIDATE<tab>DESCRIPTION` from it, and a last one, `:DIRECTIVE`. This binary is that
//! program when it is called by that name.

mod values;

use crate::cli;
use crate::commands::completion::link::PLUGIN;
use crate::k8s::live_values::LiveValues;
use clap::{Arg, Command, ValueHint};
use clap_complete::engine::{ArgValueCompleter, CompletionCandidate, complete};
use std::ffi::{OsStr, OsString};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use values::Asked;

/// The end of the name of the program that kubectl looks for; oc puts its own before the underline.
const PROGRAM_END: &str = "_complete-redis_cluster";

/// What the programs that other tools install by that name call by custom.
const BY_WORD: &str = "__complete";

/// cobra's ShellCompDirectiveNoSpace.
const NO_SPACE: u8 = 2;
/// cobra's ShellCompDirectiveNoFileComp.
const NO_FILES: u8 = 4;

/// The words to complete, if this is a completion request.
pub fn asked(words: &[OsString]) -> Option<&[OsString]> {
    let (program, rest) = words.split_first()?;
    let stem = Path::new(program).file_stem().and_then(OsStr::to_str)?;
    match rest.split_first() {
        _ if stem.ends_with(PROGRAM_END) => Some(rest),
        Some((word, rest)) if word == BY_WORD => Some(rest),
        _ => None,
    }
}

/// The response to kubectl. On failure there are no candidates: kubectl cannot show errors.
pub fn answer(words: &[OsString]) -> String {
    let asked = Arc::new(Asked::new(words));
    let wants_files = Arc::new(AtomicBool::new(false));
    let command = with_values(cli::command(), &asked, &wants_files);
    let current = words.last().and_then(|word| word.to_str()).unwrap_or_default();
    let offers = offers(command, words, current);
    let mut directive = match wants_files.load(Ordering::Relaxed) {
        true => 0,
        false => NO_FILES,
    };
    if offers.iter().any(|offer| offer.value.ends_with(['/', '='])) {
        directive |= NO_SPACE;
    }
    let lines: String = offers.iter().map(Offer::line).collect();
    format!("{lines}:{directive}")
}

struct Offer {
    value: String,
    help: Option<String>,
}

impl Offer {
    fn line(&self) -> String {
        let help = self.help.as_deref().and_then(|help| help.lines().next());
        help.map_or(format!("{}\n", self.value), |help| format!("{}\t{help}\n", self.value))
    }
}

fn offers(mut command: Command, words: &[OsString], current: &str) -> Vec<Offer> {
    let mut all = vec![OsString::from(PLUGIN)];
    match words {
        [] => all.push(OsString::new()),
        words => all.extend(words.iter().cloned()),
    }
    let index = all.len() - 1;
    // kubectl's scripts expect only what follows the equals sign.
    let before =
        current.starts_with("--").then(|| current.split_once('=')).flatten().map(|(flag, _)| format!("{flag}="));
    let offer = |candidate: &CompletionCandidate| {
        let value = candidate.get_value().to_string_lossy().into_owned();
        let value = before.as_ref().and_then(|before| value.strip_prefix(before)).unwrap_or(&value).to_owned();
        Offer { value, help: candidate.get_help().map(ToString::to_string) }
    };
    let candidates = complete(&mut command, all, index, None).unwrap_or_default();
    let shown = candidates.iter().filter(|candidate| !candidate.is_hide_set()).map(offer);
    // Like kubectl, offer flags only after a dash.
    shown.filter(|offer| current.starts_with('-') || !offer.value.starts_with('-')).collect()
}

/// Gives each flag and argument what finds its values.
fn with_values(command: Command, asked: &Arc<Asked>, wants_files: &Arc<AtomicBool>) -> Command {
    let completed = |arg: Arg| match (arg.get::<LiveValues>().copied(), arg.get_value_hint()) {
        (Some(values), _) => arg.add(live(values, asked)),
        (None, ValueHint::FilePath | ValueHint::AnyPath | ValueHint::DirPath) => arg.add(files(wants_files)),
        _ => arg,
    };
    command.mut_args(completed).mut_subcommands(|verb| verb.mut_args(completed))
}

fn live(values: LiveValues, asked: &Arc<Asked>) -> ArgValueCompleter {
    let asked = Arc::clone(asked);
    ArgValueCompleter::new(move |current: &OsStr| {
        let current = current.to_string_lossy();
        let found = asked.values(values).into_iter().filter(|value| value.name.starts_with(&*current));
        found.map(|value| CompletionCandidate::new(value.name).help(value.about.map(Into::into))).collect()
    })
}

/// The shell knows the files.
fn files(wants_files: &Arc<AtomicBool>) -> ArgValueCompleter {
    let wants_files = Arc::clone(wants_files);
    ArgValueCompleter::new(move |_: &OsStr| {
        wants_files.store(true, Ordering::Relaxed);
        Vec::new()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<OsString> {
        line.split(' ').map(OsString::from).collect()
    }

    fn offered(line: &str) -> Vec<String> {
        answer(&words(line)).lines().map(str::to_owned).collect()
    }

    #[test]
    fn by_name_and_by_word() {
        assert_eq!(asked(&words("/bin/kubectl_complete-redis_cluster info")), Some(&words("info")[..]));
        assert_eq!(asked(&words("oc_complete-redis_cluster.exe ")), Some(&words("")[..]));
        assert_eq!(asked(&words("kubectl-redis_cluster __complete in")), Some(&words("in")[..]));
        assert_eq!(asked(&words("kubectl-redis_cluster info __complete")), None);
    }

    #[test]
    fn commands_with_their_descriptions() {
        assert_eq!(offered("accept"), ["accept-loss\tAccept data loss and bring a shard back into service", ":4"]);
        assert!(offered("").iter().all(|line| !line.starts_with('-')));
    }

    #[test]
    fn values_of_a_kind_behind_a_space_and_behind_an_equals_sign() {
        let formats = |line| {
            offered(line).iter().map(|line| line.split('\t').next().unwrap_or("").to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(formats("list -o j"), ["json", ":4"]);
        assert_eq!(formats("list --output=j"), ["json", ":4"]);
        assert_eq!(formats("list --outp"), ["--output", ":4"]);
    }

    #[test]
    fn files_are_the_shells_work() {
        assert_eq!(offered("info --kubeconfig "), [":0"]);
    }

    #[test]
    fn hidden_flags_stay_hidden_and_global_ones_are_offered() {
        let flags = offered("info --").join("\n");
        assert!(flags.contains("--tls-secret\t") && flags.contains("--context\t"), "{flags}");
        assert!(!flags.contains("--cache-dir") && !flags.contains("--password"), "{flags}");
    }
}
