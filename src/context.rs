//! The few things that every command needs.

use crate::error::Error;
use crate::k8s::client::Server;
use crate::k8s::members::{Which, cluster_names};
use crate::node::dial::{Dial, Via};
use crate::node::tls::Tls;
use std::time::Duration;
use tokio::sync::OnceCell;

/// Where we are and how nodes are asked.
pub struct Context {
    /// The API server and the namespace.
    pub server: Server,
    /// Opens lines to the nodes.
    pub dial: Box<dyn Dial>,
    /// Which way they take.
    pub via: Via,
    /// The longest that one node may take to answer.
    pub ask_timeout: Duration,
    /// The ACL user to ask as.
    pub redis_user: Option<String>,
    /// The Secret and key of the password, where the user names them.
    pub auth_secret: Option<(String, String)>,
    /// The wish to speak TLS with the nodes; none where they are plain.
    pub tls: Option<TlsWish>,
}

/// How the user wishes to speak TLS.
#[derive(Debug, Default)]
pub struct TlsWish {
    /// The Secret with the CA; without one no certificate is checked.
    pub secret: Option<String>,
    /// What came of it: the Secret is read once a command.
    pub fulfilled: OnceCell<Tls>,
}

impl Context {
    /// The cluster that the user means: by selector, by name, or the only one.
    ///
    /// # Errors
    /// When there is none or more than one to choose from.
    pub async fn which(&self, name: Option<&str>, selector: Option<&str>) -> Result<Which, Error> {
        match (name, selector) {
            (Some(_), Some(_)) => Err(Error::user("a name and a selector cannot be given together")),
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
            [] => Err(Error::user(format!("no redis cluster found in namespace \"{namespace}\""))
                .hint("make one: kubectl redis-cluster create NAME")
                .hint("see other namespaces: kubectl redis-cluster list -A; pods of other tools: add -l SELECTOR")),
            ref names => {
                let names: Vec<&str> = names.iter().map(|name| name.as_str()).collect();
                Err(Error::user(format!("namespace \"{namespace}\" has {} redis clusters: name one", names.len()))
                    .hint(names.join(", ")))
            }
        }
    }
}
