//! The properties of a verb, next to its arguments.

use crate::cluster::commands::Caller;
use crate::context::Context;
use crate::error::Error;
use crate::k8s::flags::Creates;
use crate::outcome::Outcome;
use crate::ui::terminal::Ui;
use futures::future::LocalBoxFuture;

pub type Running<'a> = LocalBoxFuture<'a, Result<Outcome, Error>>;

#[derive(Clone, Copy)]
pub struct Invocation<'a> {
    pub context: &'a Context,
    /// The whole command line, for verbs that need it; a function, because it depends on the verbs.
    pub command_line: fn() -> clap::Command,
}

/// Whether a command needs the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    Server,
    /// Does less without one.
    ServerIfThere,
    /// Does not even read the kubeconfig.
    Nothing,
}

pub trait Verb {
    fn run<'a>(&'a self, invocation: Invocation<'a>, ui: &'a mut Ui) -> Running<'a>;

    /// Whether it is a check, with exit status 0, 1 or 2.
    fn judges(&self) -> bool {
        false
    }

    /// Whether it handles Ctrl-C itself, to clean up.
    fn cleans_up(&self) -> bool {
        false
    }

    fn creates(&self) -> Creates {
        Creates::Nothing
    }

    fn wants_server(&self) -> Wants {
        Wants::Server
    }

    /// Hints after Ctrl-C.
    fn after_interrupt(&self, _caller: &Caller) -> Vec<String> {
        Vec::new()
    }
}

/// For verbs without a check's exit status.
pub fn done<'a>(work: impl Future<Output = Result<(), Error>> + 'a) -> Running<'a> {
    Box::pin(async { work.await.map(|()| Outcome::Done) })
}
