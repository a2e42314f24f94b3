//! The one trait that tests replace: opens a connection to a pod's server.
//!
//! Production: port-forward, or exec of redis-cli. Tests: a scripted node in
//! memory, or TCP to a real server.

use super::tls::Tls;
use crate::error::Error;
use futures::future::BoxFuture;
use tokio::io::{AsyncRead, AsyncWrite};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Via {
    /// Port-forward, or exec if port-forward is not possible
    #[default]
    Auto,
    /// Only port-forward
    PortForward,
    /// Only exec of redis-cli
    Exec,
}

#[derive(Clone, Debug)]
pub struct Target {
    pub pod: String,
    /// For exec.
    pub container: String,
    /// For port-forward.
    pub port: u16,
    /// None if the server does not use TLS.
    pub tls: Option<Tls>,
}

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

pub trait Dial: Send + Sync {
    fn dial<'a>(&'a self, target: &'a Target, via: Via) -> BoxFuture<'a, Result<Line, Error>>;

    /// Starts a relay ([`super::relay`]) in the server's pod.
    fn relay<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Line, Error>>;
}
