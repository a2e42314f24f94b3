//! `options`: the flags that every command takes.

use crate::cli::{Cli, pages};
use crate::error::Error;
use crate::ui::terminal::Ui;
use clap::CommandFactory;

/// Show the flags that every command takes
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  kubectl redis-cluster options")]
pub struct Args {}

/// Shows them.
///
/// # Errors
/// When nobody reads any more.
pub fn run(_: &Args, ui: &mut Ui) -> Result<(), Error> {
    ui.line(&pages::options(&Cli::command()))
}
