//! `completion`: shell scripts, and the link that kubectl uses for completion.

pub mod link;

use super::verb::{Invocation, Running, Verb, Wants, done};
use crate::error::Error;
use crate::ui::terminal::Ui;
use clap_complete::aot::{Shell, generate};
use link::{Done, Link, PLUGIN, PROGRAM};
use std::path::{Path, PathBuf};

/// Install completion for "kubectl redis-cluster", or print a shell's completion script
///
/// kubectl completes its plugins with a program on the PATH, kubectl_complete-redis_cluster.
/// "install" creates it as a link to this program. A script completes the program
/// kubectl-redis_cluster when it is called by that name.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  kubectl redis-cluster completion install\n  \
                        kubectl redis-cluster completion install --dir ~/.local/bin\n  \
                        kubectl redis-cluster completion bash")]
pub struct Args {
    /// install, uninstall, or the shell whose script to print
    #[arg(value_enum, value_name = "WHAT")]
    what: What,
    /// Directory of the link (default: that of this program)
    #[arg(long, value_name = "DIRECTORY", value_hint = clap::ValueHint::DirPath)]
    dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum What {
    /// Create the link that kubectl uses for completion
    Install,
    /// Remove this link
    Uninstall,
    Bash,
    Fish,
    Powershell,
    Zsh,
}

impl Verb for Args {
    fn run<'a>(&'a self, invocation: Invocation<'a>, ui: &'a mut Ui) -> Running<'a> {
        done(async move { run(invocation.command_line, self, ui) })
    }

    fn wants_server(&self) -> Wants {
        Wants::Nothing
    }
}

/// # Errors
/// If the link's path is taken or not writable.
fn run(command_line: fn() -> clap::Command, args: &Args, ui: &mut Ui) -> Result<(), Error> {
    let script = |shell| script(command_line(), shell);
    match args.what {
        What::Install => install(args, ui),
        What::Uninstall => {
            let link = link(args)?;
            let done = link.remove()?;
            let said = if done == Done::Made { "removed" } else { "not found" };
            ui.line(&format!("{} {said}", link.path.display()))
        }
        What::Bash => ui.line(&script(Shell::Bash)),
        What::Fish => ui.line(&script(Shell::Fish)),
        What::Powershell => ui.line(&script(Shell::PowerShell)),
        What::Zsh => ui.line(&script(Shell::Zsh)),
    }
}

fn link(args: &Args) -> Result<Link, Error> {
    let called = std::env::args_os().next().unwrap_or_default();
    Link::planned(Path::new(&called), args.dir.as_deref())
}

fn install(args: &Args, ui: &mut Ui) -> Result<(), Error> {
    let link = link(args)?;
    let done = link.make()?;
    let said = if done == Done::Made { "created" } else { "unchanged" };
    ui.line(&format!("{} {said}", link.path.display()))?;
    let folder = link.path.parent().unwrap_or(Path::new(""));
    let on_path = std::env::var_os("PATH").is_some_and(|path| std::env::split_paths(&path).any(|each| each == folder));
    if !on_path {
        ui.warning(&format!("{} is not on your PATH: kubectl does not find {PROGRAM} there", folder.display()));
    }
    ui.note("plugin completion needs kubectl's own completion: kubectl completion --help");
    Ok(())
}

/// Completes the program when it is called by its own name.
pub fn script(command: clap::Command, shell: Shell) -> String {
    let mut script = Vec::new();
    // The program's name instead of `kubectl redis-cluster`.
    let mut command = command.bin_name(PLUGIN);
    generate(shell, &mut command, PLUGIN, &mut script);
    String::from_utf8_lossy(&script).trim_end().to_owned()
}
