//! The help pages: commands in groups, and global flags on a separate page, as in kubectl.

use clap::{ArgAction, Command};
use std::fmt::Write;

const GROUPS: [(&str, &[&str]); 4] = [
    ("Basic commands", &["create", "info", "list", "logs", "delete"]),
    ("Troubleshooting", &["check", "accept-loss"]),
    ("Source IPs", &["check-proxy-mode", "set-gke-proxy-mode"]),
    ("Other commands", &["completion", "options", "version", "help"]),
];

/// The global flag that every help page shows.
const SHOWN_EVERYWHERE: &str = "namespace";

const OPTIONS_HINT: &str =
    "Use \"kubectl redis-cluster options\" for a list of global command-line options (applies to all commands).";

/// Changes the pages to kubectl's format.
pub fn dress(command: Command) -> Command {
    let command = hide_global_flags(last_wins(command));
    let groups = groups(&command);
    let template = format!(
        "{{about-with-newline}}\n{groups}Usage: {{usage}}\n\nOptions:\n{{options}}\n\n{{after-help}}\n\nUse \"kubectl redis-cluster \
         COMMAND --help\" for more information about a command.\n{OPTIONS_HINT}\n"
    );
    let dressed = command.mut_subcommands(|verb| {
        let verb = last_wins(verb);
        let examples = verb.get_after_help().map(|text| format!("{text}\n\n")).unwrap_or_default();
        verb.after_help(format!("{examples}{OPTIONS_HINT}"))
    });
    dressed.help_template(template)
}

/// If a flag is repeated, the last one counts, as with kubectl.
fn last_wins(command: Command) -> Command {
    command.mut_args(|arg| match arg.get_action() {
        ArgAction::Set | ArgAction::SetTrue if !arg.is_positional() => {
            let id = arg.get_id().clone();
            arg.overrides_with(id)
        }
        _ => arg,
    })
}

fn hide_global_flags(command: Command) -> Command {
    command.mut_args(|arg| match arg.is_global_set() {
        true if arg.get_id() == SHOWN_EVERYWHERE => arg.help_heading(None),
        true => arg.hide_short_help(true).hide_long_help(true),
        false => arg,
    })
}

fn groups(command: &Command) -> String {
    let width = GROUPS.iter().flat_map(|(_, verbs)| verbs.iter()).map(|verb| verb.len()).max().unwrap_or_default();
    let about = |name: &str| match command.find_subcommand(name) {
        Some(verb) => verb.get_about().map(ToString::to_string).unwrap_or_default(),
        // clap creates it later.
        None => "Show this help, or the help of a command".into(),
    };
    GROUPS.iter().fold(String::new(), |mut text, (title, verbs)| {
        let _ = writeln!(text, "{title}:");
        for verb in *verbs {
            let _ = writeln!(text, "  {verb:width$}   {}", about(verb));
        }
        text.push('\n');
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli;

    #[test]
    fn every_command_is_in_one_group() {
        let mut grouped: Vec<&str> = GROUPS.iter().flat_map(|(_, verbs)| verbs.iter().copied()).collect();
        let command = cli::command();
        let mut there: Vec<&str> = command.get_subcommands().map(Command::get_name).chain(["help"]).collect();
        grouped.sort_unstable();
        there.sort_unstable();
        assert_eq!(grouped, there);
    }
}
