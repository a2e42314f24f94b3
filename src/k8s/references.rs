//! Which of the Secrets and ConfigMaps that pods cannot start without do not exist.

use super::client::Server;
use super::members::{Candidate, Which};
use crate::cluster::surroundings::{Configuration, Labels, Reference};
use crate::error::Error;
use crate::manifest::object::{CONFIG_MAP, SECRET};
use futures::future::join_all;
use std::collections::{BTreeMap, BTreeSet};

/// Those that do not exist, and what could not be found out. `known` Secrets have been read already.
pub async fn lost(
    server: &Server,
    which: &Which,
    candidates: &[Candidate],
    known: &BTreeSet<String>,
) -> (BTreeSet<Reference>, BTreeMap<String, String>) {
    let mut needed: BTreeMap<(Configuration, String), Reference> = BTreeMap::new();
    for reference in candidates.iter().flat_map(|each| &each.member.state.needs) {
        needed.entry((reference.kind, reference.name.clone())).or_insert_with(|| reference.clone());
    }
    needed.retain(|(kind, name), _| *kind != Configuration::Secret || !known.contains(name));
    let asked = needed.into_values().map(async |reference| (exists(server, &reference).await, reference));
    let (mut lost, mut unanswered) = (BTreeSet::new(), BTreeMap::new());
    for (exists, reference) in join_all(asked).await {
        match exists {
            Ok(true) => {}
            Ok(false) => drop(lost.insert(Reference { labels: labels(which, &reference.name), ..reference })),
            Err(error) => drop(unanswered.insert(plural(reference.kind).to_owned(), error.reason())),
        }
    }
    (lost, unanswered)
}

fn plural(kind: Configuration) -> &'static str {
    match kind {
        Configuration::Secret => "Secrets",
        Configuration::ConfigMap => "ConfigMaps",
    }
}

/// Reads no more than the metadata.
async fn exists(server: &Server, reference: &Reference) -> Result<bool, Error> {
    let kind = match reference.kind {
        Configuration::Secret => SECRET,
        Configuration::ConfigMap => CONFIG_MAP,
    };
    server.exists(kind, &reference.name).await
}

/// Those of this tool have the cluster's name.
fn labels(which: &Which, name: &str) -> Labels {
    match which {
        Which::Named(cluster) if cluster.as_str() == name => {
            serde_json::from_value(cluster.labels()).unwrap_or_default()
        }
        _ => Labels::new(),
    }
}
