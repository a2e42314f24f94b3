//! Reliable Redis Clusters on any Kubernetes, with nothing installed in it.
//!
//! Every command follows the same steps: observe, decide, act, show.
//!
//! ```text
//! completion      shell completion with live values
//! cli             the command line: the flags of every command, and the help pages
//! commands        one file for each verb: its arguments, and what it is and does
//! context         what every command needs: server, namespace, deadlines
//! ops             observe and act: composes k8s, node and cluster
//! k8s             the API server: client, objects, pods, streams, logs
//! node            one connection to one Redis node; the trait `Dial`
//! cluster         pure: slots, nodes, views, topology, findings
//! manifest        pure: from a spec to Kubernetes objects
//! proxy           pure: what forwards Services, and in which mode
//! ui              the terminal: tables, JSON, progress, errors
//! ```
//!
//! `tests/architecture.rs` defines which of them may import which; there are no import cycles.
//!
//! To read it in five minutes: [`commands`], [`commands::info`],
//! [`cluster::topology`], [`node::dial`].

pub mod cli;
pub mod cluster;
pub mod commands;
pub mod completion;
pub mod context;
pub mod duration;
pub mod error;
pub mod interrupt;
pub mod k8s;
pub mod manifest;
pub mod node;
pub mod ops;
pub mod outcome;
pub mod proxy;
pub mod ui;

use cli::{Cli, Page};
use context::Context;
use error::{Error, ErrorKind};
use interrupt::or_interrupted;
use outcome::Outcome;
use std::ffi::OsString;
use std::process::ExitCode;
use ui::terminal::{Color, Ui};

/// The exit status of bash and kubectl after Ctrl-C.
const INTERRUPTED: u8 = 130;

/// What a failure gives.
const FAILED: u8 = 1;

/// Runs a command to its end and prints its error, if any.
///
/// One thread is enough: almost all time is spent waiting.
pub fn start(cli: Cli, ui: &mut Ui) -> ExitCode {
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return finish(Err(Error::user(format!("cannot start: {error}"))), false, ui).into(),
    };
    runtime.block_on(run(cli, ui, Cli::connect)).into()
}

/// Runs a command on the server that `connect` finds, prints its error, if any, and returns the
/// exit status.
pub async fn run(cli: Cli, ui: &mut Ui, connect: impl AsyncFnOnce(&Cli, &Ui) -> Result<Context, Error>) -> u8 {
    let judges = cli.command.verb().judges();
    let result = result(cli, ui, connect).await;
    finish(result, judges, ui)
}

/// A check that fails is an incomplete check.
fn finish(result: Result<Outcome, Error>, judges: bool, ui: &mut Ui) -> u8 {
    let error = match result.and_then(|outcome| ui.flush().map(|()| outcome)) {
        Ok(outcome) => return outcome.status(),
        Err(error) => error,
    };
    ui.error(&error);
    match error.kind() {
        ErrorKind::BrokenPipe => 0,
        ErrorKind::Interrupted => INTERRUPTED,
        _ if judges => Outcome::Unclear.status(),
        _ => FAILED,
    }
}

/// Finds the API server and runs a command until it ends or the user presses Ctrl-C; after that,
/// its error has a hint how to continue.
async fn result(
    cli: Cli,
    ui: &mut Ui,
    connect: impl AsyncFnOnce(&Cli, &Ui) -> Result<Context, Error>,
) -> Result<Outcome, Error> {
    let mut aftermath = Vec::new();
    // Boxed: a command's future is large, and is handed on.
    let work = Box::pin(async {
        let context = connect(&cli, ui).await?;
        aftermath = cli.command.verb().after_interrupt(context.server.caller());
        cli.run_in(&context, ui).await
    });
    if cli.command.verb().cleans_up() {
        return work.await;
    }
    or_interrupted(work).await.map_err(|error| match error.kind() {
        ErrorKind::Interrupted => aftermath.into_iter().fold(error, Error::hint),
        _ => error,
    })
}

/// Help, the version, or a usage error, for which kubectl's exit status is 1.
pub fn show(page: &Page) -> ExitCode {
    let mut ui = Ui::new(Color::Auto);
    if page.is_complaint {
        ui.note(&page.text);
        return FAILED.into();
    }
    finish(ui.line(&page.text).map(|()| Outcome::Done), false, &mut ui).into()
}

/// Prints completions for kubectl.
pub fn complete(words: &[OsString]) -> ExitCode {
    let mut ui = Ui::new(Color::Never);
    // kubectl drops all candidates if the exit status is not 0.
    let _ = ui.line(&completion::answer(words));
    ExitCode::SUCCESS
}
