//! `kubectl redis-cluster`: reads the command line, runs the command, says how it went.

use clap::Parser;
use kubectl_redis_cluster::cli::Cli;
use kubectl_redis_cluster::ui::terminal::Ui;
use std::process::ExitCode;

fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(usage) => return kubectl_redis_cluster::usage(&usage),
    };
    let mut ui = Ui::new(cli.color());
    kubectl_redis_cluster::start(cli, &mut ui)
}
