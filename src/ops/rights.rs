//! Checks permissions before a command starts: without them it would stop halfway.

use crate::error::Error;
use crate::k8s::client::Server;
use crate::manifest::object::{Kind, POD};
use crate::node::dial::Via;
use futures::future::join_all;
use std::fmt;

/// A permission in a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Right {
    verb: &'static str,
    kind: Kind,
    subresource: Option<&'static str>,
}

impl fmt::Display for Right {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.verb, self.kind.plural)?;
        self.subresource.map_or(Ok(()), |subresource| write!(f, "/{subresource}"))
    }
}

pub fn on<const N: usize>(kind: Kind, verbs: [&'static str; N]) -> [Right; N] {
    verbs.map(|verb| Right { verb, kind, subresource: None })
}

/// Streams to pods: the API server's version determines which of the two verbs it requires.
pub fn stream(subresource: &'static str) -> [Right; 2] {
    ["get", "create"].map(|verb| Right { verb, kind: POD, subresource: Some(subresource) })
}

/// One error for all missing permissions.
///
/// # Errors
/// Names all missing permissions.
pub async fn demand(server: &Server, wanted: &[Right]) -> Result<(), Error> {
    refuse(server, &missing(server, wanted).await)
}

/// Also requires a connection to the nodes by `via`: port-forward, or exec instead.
///
/// # Errors
/// Names all missing permissions.
pub async fn demand_with_way(server: &Server, wanted: &[Right], via: Via) -> Result<(), Error> {
    let mut all = missing(server, wanted).await;
    let forward = missing(server, &stream("portforward")).await;
    let exec = missing(server, &stream("exec")).await;
    let by_exec = via == Via::Exec || (via == Via::Auto && exec.is_empty());
    all.extend(if by_exec { exec } else { forward });
    refuse(server, &all)
}

fn refuse(server: &Server, missing: &[Right]) -> Result<(), Error> {
    if missing.is_empty() {
        return Ok(());
    }
    let namespace = server.namespace();
    let missing: Vec<String> = missing.iter().map(Right::to_string).collect();
    Err(Error::user(format!("you may not {} in the namespace \"{namespace}\"", missing.join(", ")))
        .hint(format!("to list your permissions, run: {}", server.caller().permissions())))
}

/// A permission that cannot be reviewed does not count as missing.
async fn missing(server: &Server, wanted: &[Right]) -> Vec<Right> {
    let answers = join_all(wanted.iter().map(|right| server.may(right.verb, right.kind, right.subresource))).await;
    wanted.iter().zip(answers).filter(|(_, allowed)| *allowed == Some(false)).map(|(right, _)| *right).collect()
}
