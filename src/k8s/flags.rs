//! The connection flags that every kubectl user expects.

use super::live_values::LiveValues;
use crate::duration;
use crate::manifest::spec::key_value;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

/// How to reach the API server, with kubectl's names and meanings.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Connection flags, as kubectl has them")]
pub struct ConnectionFlags {
    /// The namespace to work in
    #[arg(short, long, global = true, value_name = "NAMESPACE", add = LiveValues::Namespaces)]
    pub namespace: Option<String>,
    /// The kubeconfig file to use
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// The context of the kubeconfig to use
    #[arg(long, global = true, value_name = "NAME", add = LiveValues::Contexts)]
    pub context: Option<String>,
    /// The cluster of the kubeconfig to use
    #[arg(long, global = true, value_name = "NAME", add = LiveValues::KubeconfigClusters)]
    pub cluster: Option<String>,
    /// The user of the kubeconfig to use
    #[arg(long, global = true, value_name = "NAME", add = LiveValues::KubeconfigUsers)]
    pub user: Option<String>,
    /// The address and port of the API server
    #[arg(short, long, global = true, value_name = "URL")]
    pub server: Option<String>,
    /// A file with the certificate authority of the API server
    #[arg(long, global = true, value_name = "FILE")]
    pub certificate_authority: Option<PathBuf>,
    /// Do not check the API server's certificate: the connection is not secure
    #[arg(long, global = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_name = "BOOL")]
    pub insecure_skip_tls_verify: Option<bool>,
    /// The name that the API server's certificate must have
    #[arg(long, global = true, value_name = "NAME")]
    pub tls_server_name: Option<String>,
    /// A file with a client certificate
    #[arg(long, global = true, value_name = "FILE")]
    pub client_certificate: Option<PathBuf>,
    /// A file with the client certificate's key
    #[arg(long, global = true, value_name = "FILE")]
    pub client_key: Option<PathBuf>,
    /// A bearer token
    #[arg(long, global = true, value_name = "TOKEN")]
    pub token: Option<String>,
    /// The name of a basic authentication
    #[arg(long, global = true, value_name = "NAME", hide = true)]
    pub username: Option<String>,
    /// The password of a basic authentication
    #[arg(long, global = true, value_name = "PASSWORD", hide = true)]
    pub password: Option<String>,
    /// The user to act as
    #[arg(long = "as", global = true, value_name = "USER")]
    pub impersonate: Option<String>,
    /// A group to act as, repeatable
    #[arg(long = "as-group", global = true, value_name = "GROUP")]
    pub impersonate_groups: Vec<String>,
    /// The user ID to act as
    #[arg(long = "as-uid", global = true, value_name = "UID")]
    pub impersonate_uid: Option<String>,
    /// A further attribute of the user to act as, repeatable
    #[arg(long = "as-user-extra", global = true, value_name = "KEY=VALUE", value_parser = key_value)]
    pub impersonate_user_extra: Vec<(String, String)>,
    /// The longest that a single request may take; 0 means the default of 30s
    #[arg(long, global = true, value_name = "DURATION",
          value_parser = duration::parse_timeout, default_value = "0")]
    pub request_timeout: Duration,
    /// Do not compress the API server's answers
    #[arg(long, global = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_name = "BOOL")]
    pub disable_compression: Option<bool>,
    /// A folder for what kubectl remembers of the API server; nothing is remembered here
    #[arg(long, global = true, value_name = "FOLDER", hide = true)]
    pub cache_dir: Option<PathBuf>,
    /// How much to tell of the requests: 6 each one, 8 the answers' headers, too
    #[arg(short = 'v', long = "v", global = true, value_name = "LEVEL", default_value = "0")]
    pub verbosity: u8,
}

impl ConnectionFlags {
    /// The further attributes to act with, as Kubernetes has them: several values for a key.
    pub fn impersonate_extra(&self) -> Option<HashMap<String, Vec<String>>> {
        let mut extra: HashMap<String, Vec<String>> = HashMap::new();
        for (key, value) in &self.impersonate_user_extra {
            extra.entry(key.clone()).or_default().push(value.clone());
        }
        (!extra.is_empty()).then_some(extra)
    }
}
