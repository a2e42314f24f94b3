//! The only polling loop: a check, a pause, a deadline.

use crate::error::{Error, ErrorKind};
use std::time::Duration;
use tokio::time::Instant;

pub enum Progress<T> {
    Done(T),
    /// Not yet; the text says how far it is.
    Pending(String),
}

/// A check that takes longer than this is pause enough.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Polls until the check is done. The pause is as long as a check takes, within limits, so that
/// polling does not slow down what it waits for.
///
/// # Errors
/// The check's own, or a timeout with the last state.
pub async fn until<T>(
    deadline: Duration,
    awaited: &str,
    pause: Duration,
    mut check: impl AsyncFnMut() -> Result<Progress<T>, Error>,
) -> Result<T, Error> {
    let end = Instant::now() + deadline;
    let mut last = String::new();
    loop {
        let begin = Instant::now();
        last = match tokio::time::timeout_at(end.max(begin + pause), check()).await {
            Ok(Ok(Progress::Done(value))) => return Ok(value),
            Ok(Ok(Progress::Pending(seen))) => seen,
            Ok(Err(error)) => return Err(error),
            Err(_) if last.is_empty() => "the first check did not finish".to_owned(),
            Err(_) => format!("{last}; the last check did not finish"),
        };
        if Instant::now() + pause > end {
            return Err(Error::timeout(deadline, format!("{awaited}: {last}")));
        }
        let rest = begin.elapsed().clamp(pause, pause.max(LONGEST_PAUSE));
        pause_for(rest.min(end - Instant::now())).await;
    }
}

/// The same with progress: `tell` gets the state after each check. A temporarily unreachable API
/// server does not end the wait.
///
/// # Errors
/// Those of [`until`] and of `tell`.
pub async fn until_telling<T>(
    deadline: Duration,
    awaited: &str,
    pause: Duration,
    mut tell: impl FnMut(&str) -> Result<(), Error>,
    mut check: impl AsyncFnMut() -> Result<Progress<T>, Error>,
) -> Result<T, Error> {
    until(deadline, awaited, pause, async || {
        let progress = match check().await {
            Err(error) if matches!(error.kind(), ErrorKind::Unreachable | ErrorKind::Timeout) => {
                Progress::Pending(error.message().to_owned())
            }
            other => other?,
        };
        if let Progress::Pending(text) = &progress {
            tell(text)?;
        }
        Ok(progress)
    })
    .await
}

/// Multiplies an interval: the more objects to poll, the less often.
pub fn times(duration: Duration, count: usize) -> Duration {
    duration.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The pause between polls without an end.
#[expect(clippy::disallowed_methods, reason = "the one home of the ban")]
pub async fn pause_for(pause: Duration) {
    tokio::time::sleep(pause).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[tokio::test(start_paused = true)]
    async fn ends_when_done() {
        let mut left = 3;
        let done = until(SECOND * 10, "it", SECOND, async || {
            left -= 1;
            Ok(if left == 0 { Progress::Done(7) } else { Progress::Pending(left.to_string()) })
        });
        assert_eq!(done.await.expect("done"), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_says_what_was_seen_last() {
        let never = until::<()>(SECOND * 2, "six nodes", SECOND, async || Ok(Progress::Pending("5 of 6".into())));
        let error = never.await.expect_err("late").headline();
        assert_eq!(error, "error: timed out after 2s waiting for six nodes: 5 of 6");
    }

    #[tokio::test(start_paused = true)]
    async fn an_unreachable_server_does_not_end_the_wait() {
        let mut checks = ["5 of 6", "unreachable", "6 of 6"].into_iter();
        let mut told = Vec::new();
        let tell = |text: &str| {
            told.push(text.to_owned());
            Ok(())
        };
        let done = until_telling(SECOND * 10, "six nodes", SECOND, tell, async || match checks.next() {
            Some("unreachable") => Err(Error::new(ErrorKind::Unreachable, "no route")),
            Some("5 of 6") => Ok(Progress::Pending("5 of 6".into())),
            _ => Ok(Progress::Done(6)),
        });
        assert_eq!(done.await.expect("done"), 6);
        assert_eq!(told, ["5 of 6", "no route"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_check_keeps_the_last_state() {
        let mut checks = 0;
        let hangs = until::<()>(SECOND * 4, "six nodes", SECOND, async || {
            checks += 1;
            if checks > 2 {
                std::future::pending::<()>().await;
            }
            Ok(Progress::Pending("5 of 6".into()))
        });
        let error = hangs.await.expect_err("late").headline();
        assert_eq!(error, "error: timed out after 4s waiting for six nodes: 5 of 6; the last check did not finish");
    }
}
