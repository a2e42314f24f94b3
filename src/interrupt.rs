//! Ctrl-C: work that ends where it is, so that what it has begun can be put away.

use crate::error::{Error, ErrorKind};

/// Waits for the end of `work`, or for Ctrl-C, which ends it where it is.
///
/// # Errors
/// That of the work; [`ErrorKind::Interrupted`] after Ctrl-C.
pub async fn or_interrupted<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::select! {
        result = work => result,
        Ok(()) = tokio::signal::ctrl_c() => Err(Error::new(ErrorKind::Interrupted, "interrupted")),
    }
}
