//! The one loop that waits: a check, a pause, a deadline.

use crate::error::{Error, ErrorKind};
use std::time::Duration;
use tokio::time::Instant;

/// What a check found.
pub enum Progress<T> {
    /// What was waited for is there.
    Done(T),
    /// Not yet; the text says how far it is.
    Pending(String),
}

/// A check that takes longer waits itself.
const LONGEST_REST: Duration = Duration::from_secs(2);

/// Checks again and again until it is done, and rests in between as long as a check takes,
/// within reason: whoever is waited for has something else to do.
///
/// # Errors
/// The check's own, or that the deadline passed, with what was seen last.
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
            Err(_) if last.is_empty() => "the first look did not end".to_owned(),
            Err(_) => format!("{last}; the last look did not end"),
        };
        if Instant::now() + pause > end {
            return Err(Error::timeout(deadline, format!("{awaited}: {last}")));
        }
        let rest = begin.elapsed().clamp(pause, pause.max(LONGEST_REST));
        pause_for(rest.min(end - Instant::now())).await;
    }
}

/// The same for what somebody is told of: `tell` hears how far it is after each look. An API
/// server that is away for a while, after it was there, ends no wait.
///
/// # Errors
/// As of `until`, and those of `tell`.
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

/// A duration so many times over: what many have to be looked at for is looked at less often.
pub fn times(duration: Duration, count: usize) -> Duration {
    duration.saturating_mul(u32::try_from(count).unwrap_or(u32::MAX))
}

/// The pause between two looks that have no end of their own.
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
    async fn a_server_that_is_away_for_a_while_ends_no_wait() {
        let mut looks = ["5 of 6", "away", "6 of 6"].into_iter();
        let mut told = Vec::new();
        let tell = |text: &str| {
            told.push(text.to_owned());
            Ok(())
        };
        let done = until_telling(SECOND * 10, "six nodes", SECOND, tell, async || match looks.next() {
            Some("away") => Err(Error::new(ErrorKind::Unreachable, "no route")),
            Some("5 of 6") => Ok(Progress::Pending("5 of 6".into())),
            _ => Ok(Progress::Done(6)),
        });
        assert_eq!(done.await.expect("done"), 6);
        assert_eq!(told, ["5 of 6", "no route"]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_look_that_does_not_end_hides_nothing_that_was_seen() {
        let mut looks = 0;
        let hangs = until::<()>(SECOND * 4, "six nodes", SECOND, async || {
            looks += 1;
            if looks > 2 {
                std::future::pending::<()>().await;
            }
            Ok(Progress::Pending("5 of 6".into()))
        });
        let error = hangs.await.expect_err("late").headline();
        assert_eq!(error, "error: timed out after 4s waiting for six nodes: 5 of 6; the last look did not end");
    }
}
