//! Live values from the kubeconfig and the API server.

use crate::cli::Cli;
use crate::cluster::node::NodeNumber;
use crate::error::Error;
use crate::k8s::client::Server;
use crate::k8s::flags::ConnectionFlags;
use crate::k8s::kubeconfig::kubeconfig;
use crate::k8s::live_values::LiveValues;
use crate::k8s::members::cluster_names;
use crate::manifest::names::{self, ClusterName};
use clap::{CommandFactory, FromArgMatches};
use k8s_openapi::api::core::v1::{Namespace, Node, Pod, Secret};
use k8s_openapi::api::scheduling::v1::PriorityClass;
use k8s_openapi::api::storage::v1::StorageClass;
use kube::api::{Api, ListParams, PartialObjectMeta};
use serde::de::DeserializeOwned;
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fmt::Debug;
use std::sync::mpsc;
use std::time::Duration;

/// How long to wait for values; kubectl's own start adds to what the user notices.
const TIMEOUT: Duration = Duration::from_millis(1200);

pub struct Value {
    pub name: String,
    pub about: Option<String>,
}

/// The server and the cluster, from the words before the cursor.
#[derive(Clone, Debug)]
pub struct Asked {
    flags: ConnectionFlags,
    cluster: Option<String>,
}

impl Asked {
    /// Parses an incomplete command line.
    pub fn new(words: &[OsString]) -> Self {
        let before = words.split_last().map_or(&[][..], |(_, before)| before);
        let line = std::iter::once(OsString::from("kubectl")).chain(before.iter().cloned());
        let matches = Cli::command().ignore_errors(true).try_get_matches_from(line).ok();
        let flags = matches.as_ref().and_then(|matches| ConnectionFlags::from_arg_matches(matches).ok());
        let verb = matches.as_ref().and_then(|matches| matches.subcommand());
        let cluster = verb.and_then(|(_, matches)| matches.try_get_one::<String>("name").ok().flatten().cloned());
        Self { flags: flags.unwrap_or_default(), cluster }
    }

    /// The existing values; none on failure or timeout. Runs in a thread, because an exec plugin of
    /// the kubeconfig may block.
    pub fn values(&self, values: LiveValues) -> Vec<Value> {
        let (tell, hear) = mpsc::channel();
        let asked = self.clone();
        std::thread::spawn(move || tell.send(asked.look_up(values).unwrap_or_default()));
        hear.recv_timeout(TIMEOUT).unwrap_or_default()
    }

    fn look_up(&self, values: LiveValues) -> Result<Vec<Value>, Error> {
        match values {
            LiveValues::Contexts | LiveValues::KubeconfigClusters | LiveValues::KubeconfigUsers => {
                return self.of_the_kubeconfig(values);
            }
            _ => (),
        }
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let server = Server::connect_without_prompts(&self.flags, TIMEOUT).await?;
            self.of_the_server(values, &server).await
        })
    }

    fn of_the_kubeconfig(&self, values: LiveValues) -> Result<Vec<Value>, Error> {
        let Some(config) = kubeconfig(&self.flags)? else { return Ok(Vec::new()) };
        let names: Vec<String> = match values {
            LiveValues::Contexts => config.contexts.into_iter().map(|each| each.name).collect(),
            LiveValues::KubeconfigClusters => config.clusters.into_iter().map(|each| each.name).collect(),
            _ => config.auth_infos.into_iter().map(|each| each.name).collect(),
        };
        Ok(plain(names))
    }

    async fn of_the_server(&self, values: LiveValues, server: &Server) -> Result<Vec<Value>, Error> {
        let (client, namespace) = (server.client(), server.namespace());
        let found = match values {
            LiveValues::Clusters => plain(cluster_names(server).await?),
            LiveValues::NodeNumbers => self
                .nodes(server)
                .await?
                .into_iter()
                .map(|(number, pod)| Value { name: number.to_string(), about: Some(format!("pod {pod}")) })
                .collect(),
            LiveValues::Shards => {
                let shards: BTreeSet<u32> = self.nodes(server).await?.into_keys().map(NodeNumber::shard).collect();
                plain(shards.into_iter().map(|shard| shard.to_string()))
            }
            LiveValues::Namespaces => plain(names(server, Api::<Namespace>::all(client)).await?),
            LiveValues::Workers => plain(names(server, Api::<Node>::all(client)).await?),
            LiveValues::Secrets => plain(names(server, Api::<Secret>::namespaced(client, namespace)).await?),
            LiveValues::StorageClasses => plain(names(server, Api::<StorageClass>::all(client)).await?),
            LiveValues::PriorityClasses => plain(names(server, Api::<PriorityClass>::all(client)).await?),
            _ => Vec::new(),
        };
        Ok(found)
    }

    /// The nodes of the named cluster, or of all clusters, with their pods.
    async fn nodes(&self, server: &Server) -> Result<BTreeMap<NodeNumber, String>, Error> {
        let selector = match &self.cluster {
            Some(name) => name.parse::<ClusterName>().map_err(Error::user)?.selector(),
            None => names::managed(),
        };
        let pods = list(server, Api::<Pod>::namespaced(server.client(), server.namespace()), &selector).await?;
        let node = |pod: PartialObjectMeta<Pod>| {
            let number = pod.metadata.labels?.get(names::NODE)?.parse().ok()?;
            Some((number, pod.metadata.name?))
        };
        Ok(pods.into_iter().filter_map(node).collect())
    }
}

fn plain(names: impl IntoIterator<Item = String>) -> Vec<Value> {
    names.into_iter().map(|name| Value { name, about: None }).collect()
}

async fn names<K: Clone + DeserializeOwned + Debug>(server: &Server, api: Api<K>) -> Result<Vec<String>, Error> {
    Ok(list(server, api, "").await?.into_iter().filter_map(|object| object.metadata.name).collect())
}

/// Requests only the metadata.
async fn list<K: Clone + DeserializeOwned + Debug>(
    server: &Server,
    api: Api<K>,
    selector: &str,
) -> Result<Vec<PartialObjectMeta<K>>, Error> {
    let parameters = ListParams::default().labels(selector);
    Ok(server.answer("names", api.list_metadata(&parameters)).await?.items)
}
