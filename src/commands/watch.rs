//! The arguments of commands with `--watch`, and how they refresh.

use crate::error::Error;
use crate::k8s::wait::pause_for;
use crate::ui::terminal::Ui;
use std::time::Duration;

#[derive(Clone, Copy, Debug, clap::Args)]
pub struct WatchArgs {
    /// Watch for changes until Ctrl-C; without a terminal, print only changes
    #[arg(short, long)]
    pub watch: bool,
    /// Refresh interval
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse, default_value = "2s", requires = "watch")]
    interval: Duration,
}

impl WatchArgs {
    /// Prints what `poll` returns, until Ctrl-C or until the reader is gone.
    ///
    /// # Errors
    /// That of the first poll; later errors are printed, because the next poll may succeed.
    pub async fn run<T>(
        self,
        ui: &mut Ui,
        mut poll: impl AsyncFnMut() -> Result<(String, T), Error>,
    ) -> Result<T, Error> {
        let (mut shown, outcome) = poll().await?;
        if !self.watch {
            ui.line(&shown)?;
            return Ok(outcome);
        }
        ui.replace("", &shown)?;
        loop {
            pause_for(self.interval).await;
            match poll().await {
                Ok((text, _)) => {
                    ui.replace(&shown, &text)?;
                    shown = text;
                }
                Err(error) => ui.error(&error),
            }
        }
    }
}
