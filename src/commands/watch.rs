//! The arguments of commands with `--watch`, and how they refresh.

use crate::duration;
use crate::error::{Error, seconds};
use crate::k8s::wait::pause_for;
use crate::ui::terminal::Ui;
use jiff::Timestamp;
use std::time::Duration;

#[derive(Clone, Copy, Debug, clap::Args)]
pub struct WatchArgs {
    /// Watch for changes until Ctrl-C; without a terminal, print only changes
    #[arg(short, long)]
    pub watch: bool,
    /// Refresh interval
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "2s", requires = "watch")]
    interval: Duration,
}

/// What a poll returns.
pub struct Polled<T> {
    pub text: String,
    /// Differs only if something but ages has changed.
    pub key: String,
    pub outcome: T,
}

impl WatchArgs {
    /// Prints what `poll` returns for the terminal's width, until Ctrl-C or until the reader is gone.
    ///
    /// # Errors
    /// That of the first poll; later errors are printed, because the next poll may succeed.
    pub async fn run<T>(
        self,
        ui: &mut Ui,
        mut poll: impl AsyncFnMut(Option<usize>) -> Result<Polled<T>, Error>,
    ) -> Result<T, Error> {
        let mut last = poll(ui.columns()).await?;
        if !self.watch {
            ui.line(&last.text)?;
            return Ok(last.outcome);
        }
        self.show(ui, None, &last.text)?;
        // Elsewhere than on a terminal, a failure is told once.
        let mut failure = String::new();
        loop {
            pause_for(self.interval).await;
            match poll(ui.columns()).await {
                Ok(polled) => {
                    failure.clear();
                    let is_news = polled.key != last.key;
                    last = polled;
                    if ui.has_screen() || is_news {
                        self.show(ui, None, &last.text)?;
                    }
                }
                Err(error) if ui.has_screen() => self.show(ui, Some(&error), &last.text)?,
                Err(error) => {
                    if failure != error.to_string() {
                        ui.error(&error);
                    }
                    failure = error.to_string();
                }
            }
        }
    }

    fn show(self, ui: &mut Ui, failure: Option<&Error>, text: &str) -> Result<(), Error> {
        if !ui.has_screen() {
            return ui.line(text);
        }
        let time = Timestamp::now().strftime("%Y-%m-%d %H:%M:%S UTC");
        let every = seconds(self.interval);
        match failure {
            None => ui.screen(&format!("{time}, every {every}"), text),
            Some(error) => {
                ui.screen(&format!("{time}, every {every}: {}; below is what was seen last", error.reason()), text)
            }
        }
    }
}
