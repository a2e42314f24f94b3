//! The one seam: from a pod to a line on which its server answers.
//!
//! Production: port-forward, or exec of redis-cli. Tests: a scripted node in
//! memory, or TCP to a real server.

use super::line::Line;
use super::tls::Tls;
use crate::error::Error;
use futures::future::BoxFuture;

/// Which way to take to a pod's server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Via {
    /// Port-forward, or exec where that is refused or unsupported.
    #[default]
    Auto,
    /// Only port-forward.
    PortForward,
    /// Only exec of redis-cli.
    Exec,
}

/// Which server to reach.
#[derive(Clone, Debug)]
pub struct Target {
    /// The pod.
    pub pod: String,
    /// The container of the server, for exec.
    pub container: String,
    /// The client port, for port-forward.
    pub port: u16,
    /// How to speak TLS with it; none where it is plain.
    pub tls: Option<Tls>,
}

/// Opens lines.
pub trait Dial: Send + Sync {
    /// A line to the server, or why there is none.
    fn dial<'a>(&'a self, target: &'a Target, via: Via) -> BoxFuture<'a, Result<Line, Error>>;

    /// A line to the program of a relay in the server's pod.
    fn relay<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Line, Error>>;
}
