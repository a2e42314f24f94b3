//! `options`: the flags that every command takes.

use super::verb::{Invocation, Running, Verb, Wants, done};
use crate::ui::terminal::Ui;

/// List the flags of all commands
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  kubectl redis-cluster options")]
pub struct Args {}

impl Verb for Args {
    fn run<'a>(&'a self, invocation: Invocation<'a>, ui: &'a mut Ui) -> Running<'a> {
        done(async move { ui.line(&page(&(invocation.command_line)())) })
    }

    fn wants_server(&self) -> Wants {
        Wants::Nothing
    }
}

/// The page of the global flags, before [`crate::cli::pages::dress`].
pub fn page(command: &clap::Command) -> String {
    let global = command.get_arguments().filter(|arg| arg.is_global_set() && !arg.is_hide_set()).cloned();
    let mut page = clap::Command::new("options")
        .disable_help_flag(true)
        .help_template("{all-args}")
        .color(clap::ColorChoice::Never)
        .args(global);
    format!("The following options can be passed to any command:\n\n{}", page.render_help().to_string().trim_end())
}
