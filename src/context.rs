//! What every command needs.

use crate::error::Error;
use crate::k8s::client::Server;
use crate::k8s::members::{Which, cluster_names};
use crate::k8s::server_container::ServerChoice;
use crate::node::dial::{Dial, Via};
use crate::node::tls::Tls;
use std::time::Duration;
use tokio::sync::OnceCell;

pub struct Context {
    pub server: Server,
    pub dial: Box<dyn Dial>,
    pub via: Via,
    /// How long to wait for the response of one node.
    pub ask_timeout: Duration,
    /// The ACL user to authenticate as.
    pub redis_user: Option<String>,
    /// The Secret and key of the password, if the user gave them.
    pub auth_secret: Option<(String, String)>,
    /// None if the nodes do not use TLS.
    pub tls: Option<TlsOptions>,
    /// Which container and port of a pod is the server.
    pub choice: ServerChoice,
}

/// `--tls` and `--tls-secret`.
#[derive(Debug, Default)]
pub struct TlsOptions {
    /// The Secret with the CA; without it, no certificate is verified.
    pub secret: Option<String>,
    /// The Secret is read once per command.
    pub resolved: OnceCell<Tls>,
}

impl Context {
    /// By selector, by name, or the only cluster of the namespace.
    ///
    /// # Errors
    /// If there is no cluster or more than one to choose from.
    pub async fn which(&self, name: Option<&str>, selector: Option<&str>) -> Result<Which, Error> {
        match (name, selector) {
            (Some(_), Some(_)) => Err(Error::user("a name and a selector cannot be specified together")),
            (None, Some(selector)) => Ok(Which::Selected(selector.to_owned())),
            (Some(name), None) => name.parse().map(Which::Named).map_err(Error::user),
            (None, None) => self.only_cluster().await,
        }
    }

    async fn only_cluster(&self) -> Result<Which, Error> {
        let names = cluster_names(&self.server).await?;
        let namespace = self.server.namespace();
        match names.iter().collect::<Vec<_>>()[..] {
            [name] => name.parse().map(Which::Named).map_err(Error::user),
            [] => {
                let caller = self.server.caller();
                let elsewhere = caller.list_everywhere();
                Err(Error::user(format!("no redis cluster found in namespace \"{namespace}\""))
                    .hint(format!("to create one, run: {}", caller.plugin("create NAME")))
                    .hint(format!("for other namespaces, run: {elsewhere}; for pods of other tools, add -l SELECTOR")))
            }
            ref names => {
                let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
                Err(Error::user(format!(
                    "namespace \"{namespace}\" has {} redis clusters: specify one by name",
                    names.len()
                ))
                .hint(names.join(", ")))
            }
        }
    }
}
