//! Asks beforehand for the rights that will be needed: what is begun without them would be
//! left half done.

use crate::error::Error;
use crate::k8s::client::Server;
use crate::manifest::object::{Kind, POD};
use crate::node::dial::Via;
use futures::future::join_all;
use std::fmt;

/// A right in a namespace.
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

/// Each of the verbs, on a kind.
pub fn on<const N: usize>(kind: Kind, verbs: [&'static str; N]) -> [Right; N] {
    verbs.map(|verb| Right { verb, kind, subresource: None })
}

/// Streams to pods: which of the two verbs is asked for depends on the API server's version.
pub fn stream(subresource: &'static str) -> [Right; 2] {
    ["get", "create"].map(|verb| Right { verb, kind: POD, subresource: Some(subresource) })
}

/// One error that names every right that is missing.
///
/// # Errors
/// That one.
pub async fn demand(server: &Server, wanted: &[Right]) -> Result<(), Error> {
    refuse(server, &missing(server, wanted).await)
}

/// The same, and a way to the nodes as the user wishes it: port-forward, or exec in its place.
///
/// # Errors
/// That one.
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
        .hint(format!("see what you may do there: kubectl auth can-i --list -n {namespace}")))
}

/// What may not even be asked is no right that is missing.
async fn missing(server: &Server, wanted: &[Right]) -> Vec<Right> {
    let answers = join_all(wanted.iter().map(|right| server.may(right.verb, right.kind, right.subresource))).await;
    wanted.iter().zip(answers).filter(|(_, allowed)| *allowed == Some(false)).map(|(right, _)| *right).collect()
}
