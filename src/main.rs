//! `kubectl redis-cluster`: parses the command line, runs the command, sets the exit status.

use kubectl_redis_cluster::ui::terminal::Ui;
use kubectl_redis_cluster::{cli, complete, completion, show, start};
use std::ffi::OsString;
use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<OsString> = std::env::args_os().collect();
    if let Some(unfinished) = completion::asked(&words) {
        return complete(unfinished);
    }
    match cli::parse(&words) {
        Ok(cli) => {
            let mut ui = Ui::new(cli.color());
            start(cli, &mut ui)
        }
        Err(page) => show(&page),
    }
}
