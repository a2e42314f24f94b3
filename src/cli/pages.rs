//! The help pages: commands in groups, and the flags of every command on a page of their own,
//! as kubectl has it.

use clap::{ArgAction, Command};
use std::fmt::Write;

/// The commands as the first page groups them.
const GROUPS: [(&str, &[&str]); 4] = [
    ("Basic commands", &["create", "info", "list", "logs", "delete"]),
    ("Troubleshooting", &["check", "accept-loss"]),
    ("Source addresses", &["check-proxy-mode", "set-gke-proxy-mode"]),
    ("Other commands", &["completion", "options", "version", "help"]),
];

/// The flag of every command that each page shows too.
const SHOWN_EVERYWHERE: &str = "namespace";

const OPTIONS_HINT: &str = "Use \"kubectl redis-cluster options\" for the flags that every command takes.";

/// Gives the pages kubectl's form.
pub fn dress(command: Command) -> Command {
    let command = hide_global_flags(last_wins(command));
    let groups = groups(&command);
    let template = format!(
        "{{about-with-newline}}\n{groups}Usage: {{usage}}\n\nOptions:\n{{options}}\n\n{{after-help}}\n\nUse \"kubectl redis-cluster \
         COMMAND --help\" for more about a command.\n{OPTIONS_HINT}\n"
    );
    let dressed = command.mut_subcommands(|verb| {
        let verb = last_wins(verb);
        let examples = verb.get_after_help().map(|text| format!("{text}\n\n")).unwrap_or_default();
        verb.after_help(format!("{examples}{OPTIONS_HINT}"))
    });
    dressed.help_template(template)
}

/// Of a flag that is given twice the last counts, as with kubectl.
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
        // clap makes it later.
        None => "Show this page, or the page of a command".into(),
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
