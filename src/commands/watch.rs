//! The arguments of commands that can look again and again, and how they do.

use crate::error::Error;
use crate::k8s::wait::pause_for;
use crate::ui::terminal::Ui;
use std::time::Duration;

/// Whether to look once, or until Ctrl-C.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct WatchArgs {
    /// Look again and again until Ctrl-C; where the output is no terminal, show what has changed
    #[arg(short, long)]
    pub watch: bool,
    /// How long to wait between two looks
    #[arg(long, value_name = "DURATION", value_parser = crate::duration::parse, default_value = "2s", requires = "watch")]
    interval: Duration,
}

impl WatchArgs {
    /// Shows what `look` sees, until Ctrl-C or until nobody reads any more.
    ///
    /// # Errors
    /// That of the first look; a later one is shown, since the next may go well.
    pub async fn run<T>(
        self,
        ui: &mut Ui,
        mut look: impl AsyncFnMut() -> Result<(String, T), Error>,
    ) -> Result<T, Error> {
        let (mut shown, outcome) = look().await?;
        if !self.watch {
            ui.line(&shown)?;
            return Ok(outcome);
        }
        ui.replace("", &shown)?;
        loop {
            pause_for(self.interval).await;
            match look().await {
                Ok((text, _)) => {
                    ui.replace(&shown, &text)?;
                    shown = text;
                }
                Err(error) => ui.error(&error),
            }
        }
    }
}
