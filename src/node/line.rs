//! A line to a server: bytes in both directions, and why they ended.

use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

/// Bytes in both directions.
pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// A line to a server.
pub enum Line {
    /// The server itself: Redis' protocol.
    Server {
        /// The bytes.
        stream: Box<dyn Stream>,
        /// Says, once it broke, why.
        trouble: BoxFuture<'static, Option<String>>,
    },
    /// A `redis-cli` in the pod that reads commands and prints replies, or a relay of it.
    Cli {
        /// Its standard input and output.
        stream: Box<dyn Stream>,
        /// Says, once it ended, what it printed as error.
        trouble: BoxFuture<'static, Option<String>>,
    },
}
