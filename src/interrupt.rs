//! Ctrl-C: stops the work so that the caller can clean up.

use crate::error::{Error, ErrorKind};

/// Ctrl-C drops `work` at its current await point.
///
/// # Errors
/// That of the work; [`ErrorKind::Interrupted`] after Ctrl-C.
pub async fn or_interrupted<T>(work: impl Future<Output = Result<T, Error>>) -> Result<T, Error> {
    tokio::select! {
        result = work => result,
        Ok(()) = tokio::signal::ctrl_c() => Err(Error::new(ErrorKind::Interrupted, "interrupted")),
    }
}
