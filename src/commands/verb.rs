//! What a verb is, beside its arguments.

use crate::context::Context;
use crate::error::Error;
use crate::outcome::Outcome;
use crate::ui::terminal::Ui;
use futures::future::LocalBoxFuture;

/// A verb that is at work.
pub type Running<'a> = LocalBoxFuture<'a, Result<Outcome, Error>>;

/// What a verb works with, beside its arguments.
#[derive(Clone, Copy)]
pub struct Invocation<'a> {
    /// The API server, and how its nodes are asked.
    pub context: &'a Context,
    /// The whole command line, for verbs that speak of it: it knows the verbs, so they cannot know it.
    pub command_line: fn() -> clap::Command,
}

/// What a command wants of the API server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wants {
    /// It cannot do without.
    Server,
    /// It does less without.
    ServerIfThere,
    /// Not even a look at the kubeconfig.
    Nothing,
}

/// What is said of a verb where its arguments are.
pub trait Verb {
    /// Does it.
    fn run<'a>(&'a self, invocation: Invocation<'a>, ui: &'a mut Ui) -> Running<'a>;

    /// Whether it answers a question, with an exit status of three.
    fn judges(&self) -> bool {
        false
    }

    /// Whether it ends by itself after Ctrl-C, since it has something to put away.
    fn cleans_up(&self) -> bool {
        false
    }

    /// What it wants of the API server.
    fn wants_server(&self) -> Wants {
        Wants::Server
    }

    /// What to do when Ctrl-C ended it in the middle.
    fn after_interrupt(&self) -> Vec<String> {
        Vec::new()
    }
}

/// The work of a verb that does not judge: when it ends well, it is done.
pub fn done<'a>(work: impl Future<Output = Result<(), Error>> + 'a) -> Running<'a> {
    Box::pin(async { work.await.map(|()| Outcome::Done) })
}
