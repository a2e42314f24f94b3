//! The one trait that tests replace: opens a connection to a pod's server.
//!
//! Production: port-forward, or exec of redis-cli. Tests: a scripted node in
//! memory, or TCP to a real server.

use super::line::Line;
use super::tls::Tls;
use crate::error::Error;
use futures::future::BoxFuture;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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

pub trait Dial: Send + Sync {
    fn dial<'a>(&'a self, target: &'a Target, via: Via) -> BoxFuture<'a, Result<Line, Error>>;

    /// Starts a relay ([`super::relay`]) in the server's pod.
    fn relay<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Line, Error>>;
}
