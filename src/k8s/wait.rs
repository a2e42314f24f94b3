//! The only polling loop: a check, a pause, a deadline.

use crate::error::Error;
use std::fmt;
use std::time::Duration;
use tokio::time::Instant;

pub enum Progress<T> {
    Done(T),
    /// Not yet.
    Pending(Stage),
}

/// How far something is, in one sentence.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stage {
    /// Differs only if the state has changed.
    pub state: String,
    /// The rest of the sentence, which may differ each time.
    pub detail: String,
}

impl Stage {
    pub fn new(state: impl Into<String>, detail: impl Into<String>) -> Self {
        Self { state: state.into(), detail: detail.into() }
    }
}

impl<T: Into<String>> From<T> for Stage {
    fn from(state: T) -> Self {
        Self::new(state, "")
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.state, self.detail)
    }
}

/// When to give up: one for all waits of a command.
#[derive(Clone, Copy, Debug)]
pub struct TimeLimit {
    end: Instant,
    /// What the user gave.
    given: Duration,
}

/// How long after the deadline work without a wait of its own is ended.
const GRACE: Duration = Duration::from_secs(1);

impl TimeLimit {
    /// From now on.
    pub fn within(given: Duration) -> Self {
        Self { end: Instant::now() + given, given }
    }

    /// Awaits what does not count, such as the user's answer to a question.
    pub async fn without<T>(&mut self, work: impl Future<Output = T>) -> T {
        let begin = Instant::now();
        let value = work.await;
        self.end += begin.elapsed();
        value
    }

    /// At most this long.
    #[must_use]
    pub fn at_most(self, longest: Duration) -> Self {
        Self { end: self.end.min(Instant::now() + longest), ..self }
    }

    /// Ends work that outlasts the deadline, such as a request to a hanging server. The waits in it
    /// end before that and say more.
    ///
    /// # Errors
    /// The work's own, or a timeout.
    pub async fn bound<T>(self, awaited: &str, work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
        let bounded = tokio::time::timeout_at(self.end + GRACE, work).await;
        bounded.unwrap_or_else(|_| Err(Error::timeout(self.given, awaited)))
    }
}

/// A check that takes longer than this is pause enough.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Polls until the check is done. The pause is as long as a check takes, within limits, so that
/// polling does not slow down what it waits for.
///
/// # Errors
/// Those of [`until_telling`].
pub async fn until<T>(
    deadline: TimeLimit,
    awaited: &str,
    pause: Duration,
    check: impl AsyncFnMut() -> Result<Progress<T>, Error>,
) -> Result<T, Error> {
    until_telling(deadline, awaited, pause, |_| Ok(()), check).await
}

/// The same with progress: `tell` gets the stage after each check. What may pass, such as an
/// unreachable API server, does not end the wait; what never does, such as a missing permission,
/// ends it at once.
///
/// # Errors
/// The check's own and those of `tell`, or a timeout with the last stage.
pub async fn until_telling<T>(
    deadline: TimeLimit,
    awaited: &str,
    pause: Duration,
    mut tell: impl FnMut(&Stage) -> Result<(), Error>,
    mut check: impl AsyncFnMut() -> Result<Progress<T>, Error>,
) -> Result<T, Error> {
    let end = deadline.end;
    let mut last = String::new();
    loop {
        let begin = Instant::now();
        last = match tokio::time::timeout_at(end.max(begin + pause), check()).await {
            Ok(Ok(Progress::Done(value))) => return Ok(value),
            Ok(Ok(Progress::Pending(stage))) => {
                tell(&stage)?;
                stage.to_string()
            }
            Ok(Err(error)) if error.may_pass() => {
                tell(&error.to_string().into())?;
                error.to_string()
            }
            Ok(Err(error)) => return Err(error),
            Err(_) if last.is_empty() => "the first check did not finish".to_owned(),
            Err(_) => format!("{last}; the last check did not finish"),
        };
        if Instant::now() + pause > end {
            return Err(Error::timeout(deadline.given, format!("{awaited}: {last}")));
        }
        let rest = begin.elapsed().clamp(pause, pause.max(LONGEST_PAUSE));
        pause_for(rest.min(end - Instant::now())).await;
    }
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
    use crate::error::ErrorKind;

    const SECOND: Duration = Duration::from_secs(1);

    fn seconds(count: u32) -> TimeLimit {
        TimeLimit::within(SECOND * count)
    }

    #[tokio::test(start_paused = true)]
    async fn ends_when_done() {
        let mut left = 3;
        let done = until(seconds(10), "it", SECOND, async || {
            left -= 1;
            Ok(if left == 0 { Progress::Done(7) } else { Progress::Pending(left.to_string().into()) })
        });
        assert_eq!(done.await.expect("done"), 7);
    }

    #[tokio::test(start_paused = true)]
    async fn a_deadline_says_what_was_seen_last() {
        let never = until::<()>(seconds(2), "six nodes", SECOND, async || Ok(Progress::Pending("5 of 6".into())));
        let error = never.await.expect_err("late").headline();
        assert_eq!(error, "error: timed out after 2s waiting for six nodes: 5 of 6");
    }

    /// Also when something was said about it on the way.
    #[tokio::test(start_paused = true)]
    async fn what_may_pass_does_not_end_the_wait() {
        let mut checks = ["5 of 6", "unreachable", "overloaded", "6 of 6"].into_iter();
        let mut told = Vec::new();
        let tell = |stage: &Stage| {
            told.push(stage.to_string());
            Ok(())
        };
        let done = until_telling(seconds(10), "six nodes", SECOND, tell, async || match checks.next() {
            Some("unreachable") => Err(Error::new(ErrorKind::Unreachable, "no route")),
            Some("overloaded") => Err(Error::new(ErrorKind::Unavailable, "too many").context("cannot query a")),
            Some("5 of 6") => Ok(Progress::Pending("5 of 6".into())),
            _ => Ok(Progress::Done(6)),
        });
        assert_eq!(done.await.expect("done"), 6);
        assert_eq!(told, ["5 of 6", "no route", "cannot query a: too many"]);
    }

    #[tokio::test(start_paused = true)]
    async fn what_never_passes_ends_the_wait_at_once() {
        for kind in [ErrorKind::Forbidden, ErrorKind::Refused, ErrorKind::NotFound, ErrorKind::User, ErrorKind::Api] {
            let begin = Instant::now();
            let fails = until::<()>(seconds(10), "it", SECOND, async || {
                Err(Error::new(kind, "you may not").context("cannot query a"))
            });
            assert_eq!(fails.await.expect_err("at once").headline(), "error: cannot query a");
            assert_eq!(begin.elapsed(), Duration::ZERO, "{kind:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_hanging_check_keeps_the_last_state() {
        let mut checks = 0;
        let hangs = until::<()>(seconds(4), "six nodes", SECOND, async || {
            checks += 1;
            if checks > 2 {
                std::future::pending::<()>().await;
            }
            Ok(Progress::Pending("5 of 6".into()))
        });
        let error = hangs.await.expect_err("late").headline();
        assert_eq!(error, "error: timed out after 4s waiting for six nodes: 5 of 6; the last check did not finish");
    }

    #[tokio::test(start_paused = true)]
    async fn two_waits_share_one_deadline_and_what_hangs_between_them_ends_too() {
        let begin = Instant::now();
        let deadline = seconds(20);
        let first =
            until::<()>(deadline.at_most(SECOND * 15), "one", SECOND, async || Ok(Progress::Pending("no".into())));
        first.await.expect_err("late");
        assert_eq!(begin.elapsed(), SECOND * 15);
        until::<()>(deadline, "two", SECOND, async || Ok(Progress::Pending("no".into()))).await.expect_err("late");
        assert_eq!(begin.elapsed(), SECOND * 20);
        let hangs = deadline.bound("three", std::future::pending::<Result<(), Error>>());
        assert_eq!(hangs.await.expect_err("late").headline(), "error: timed out after 20s waiting for three");
        assert_eq!(begin.elapsed(), SECOND * 21);
    }
}
