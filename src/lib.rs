//! Reliable Redis Clusters on any Kubernetes, with nothing installed in it.
//!
//! Every command is the same sentence: observe, decide, act, show.
//!
//! ```text
//! cli, commands   what was typed, and one file for each verb
//! context         what every command needs: server, namespace, deadlines
//! ops             observe and act: composes k8s, node and cluster
//! k8s             the API server: client, objects, pods, streams, logs
//! node            one connection to one Redis node; the seam `Dial`
//! cluster         pure: slots, nodes, views, topology, findings
//! manifest        pure: from a wish to Kubernetes objects
//! ui              the terminal: tables, JSON, progress, errors
//! ```
//!
//! To read it in five minutes: [`commands`], [`commands::info`],
//! [`cluster::topology`], [`node::dial`].

pub mod cli;
pub mod cluster;
pub mod commands;
pub mod context;
pub mod duration;
pub mod error;
pub mod k8s;
pub mod manifest;
pub mod node;
pub mod ops;
pub mod ui;

use cli::Cli;
use error::{Error, ErrorKind};
use std::process::ExitCode;
use ui::terminal::Ui;

/// What bash and kubectl give for a command that Ctrl-C ended.
const INTERRUPTED: u8 = 130;

/// Runs a command to its end and prints its error, if any.
///
/// One thread is enough: the work is waiting for others.
pub fn start(cli: Cli, ui: &mut Ui) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return finish(Err(Error::user(format!("cannot start: {error}"))), ui),
    };
    let result = runtime.block_on(run(cli, ui));
    finish(result, ui)
}

fn finish(result: Result<(), Error>, ui: &mut Ui) -> ExitCode {
    let Err(error) = result.and_then(|()| ui.flush()) else { return ExitCode::SUCCESS };
    ui.error(&error);
    match error.kind() {
        ErrorKind::BrokenPipe => ExitCode::SUCCESS,
        ErrorKind::Interrupted => ExitCode::from(INTERRUPTED),
        _ => ExitCode::FAILURE,
    }
}

/// Runs a command until it ends or the user presses Ctrl-C.
///
/// # Errors
/// The command's own; after Ctrl-C, how to go on.
pub async fn run(cli: Cli, ui: &mut Ui) -> Result<(), Error> {
    let aftermath = cli.command.after_interrupt();
    tokio::select! {
        result = cli.run(ui) => result,
        Ok(()) = tokio::signal::ctrl_c() => {
            let interrupted = Error::new(ErrorKind::Interrupted, "interrupted");
            Err(aftermath.into_iter().fold(interrupted, Error::hint))
        }
    }
}

/// Prints help, the version, or what is wrong with the command line. kubectl's exit
/// status for wrong usage is 1.
pub fn usage(usage: &clap::Error) -> ExitCode {
    // Nobody reads help that cannot be printed.
    let _ = usage.print();
    if usage.use_stderr() { ExitCode::FAILURE } else { ExitCode::SUCCESS }
}
