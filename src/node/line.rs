//! A connection to a server, and the reason when it is lost.

use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

pub trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}
impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

pub enum Line {
    /// The server itself, with Redis' protocol.
    Server {
        stream: Box<dyn Stream>,
        /// After the connection was lost: the reason.
        trouble: BoxFuture<'static, Option<String>>,
    },
    /// A `redis-cli` in the pod, or a relay around it, that reads commands and prints replies.
    Cli {
        /// Standard input and output.
        stream: Box<dyn Stream>,
        /// After the process ended: its standard error.
        trouble: BoxFuture<'static, Option<String>>,
    },
}
