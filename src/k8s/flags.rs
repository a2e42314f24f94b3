//! kubectl's connection flags.

use super::live_values::LiveValues;
use crate::cluster::commands::GivenFlags;
use crate::duration;
use crate::manifest::spec::key_value;
use std::collections::HashMap;
use std::path::PathBuf;
use std::time::Duration;

/// What a command makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Creates {
    Nothing,
    /// With a password.
    Cluster,
}

/// Names and meanings are those of kubectl.
#[derive(Clone, Debug, Default, clap::Args)]
#[command(next_help_heading = "Connection flags (same as kubectl)")]
pub struct ConnectionFlags {
    /// Namespace for this request
    #[arg(short, long, global = true, value_name = "NAMESPACE", add = LiveValues::Namespaces)]
    pub namespace: Option<String>,
    /// Path to the kubeconfig file
    #[arg(long, global = true, value_name = "FILE")]
    pub kubeconfig: Option<PathBuf>,
    /// Name of the kubeconfig context to use
    #[arg(long, global = true, value_name = "NAME", add = LiveValues::Contexts)]
    pub context: Option<String>,
    /// Name of the kubeconfig cluster to use
    #[arg(long, global = true, value_name = "NAME", add = LiveValues::KubeconfigClusters)]
    pub cluster: Option<String>,
    /// Name of the kubeconfig user to use
    #[arg(long, global = true, value_name = "NAME", add = LiveValues::KubeconfigUsers)]
    pub user: Option<String>,
    /// Address and port of the API server
    #[arg(short, long, global = true, value_name = "URL")]
    pub server: Option<String>,
    /// Path to a CA certificate for the API server
    #[arg(long, global = true, value_name = "FILE")]
    pub certificate_authority: Option<PathBuf>,
    /// Do not verify the API server's certificate; this makes the connection insecure
    #[arg(long, global = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_name = "BOOL")]
    pub insecure_skip_tls_verify: Option<bool>,
    /// Server name to verify in the API server's certificate
    #[arg(long, global = true, value_name = "NAME")]
    pub tls_server_name: Option<String>,
    /// Path to a client certificate
    #[arg(long, global = true, value_name = "FILE")]
    pub client_certificate: Option<PathBuf>,
    /// Path to the key of the client certificate
    #[arg(long, global = true, value_name = "FILE")]
    pub client_key: Option<PathBuf>,
    /// Bearer token for the API server
    #[arg(long, global = true, value_name = "TOKEN")]
    pub token: Option<String>,
    /// User name for basic authentication
    #[arg(long, global = true, value_name = "NAME", hide = true)]
    pub username: Option<String>,
    /// Password for basic authentication
    #[arg(long, global = true, value_name = "PASSWORD", hide = true)]
    pub password: Option<String>,
    /// User to impersonate
    #[arg(long = "as", global = true, value_name = "USER")]
    pub impersonate: Option<String>,
    /// Group to impersonate (repeatable)
    #[arg(long = "as-group", global = true, value_name = "GROUP")]
    pub impersonate_groups: Vec<String>,
    /// UID to impersonate
    #[arg(long = "as-uid", global = true, value_name = "UID")]
    pub impersonate_uid: Option<String>,
    /// Extra attribute of the impersonated user (repeatable)
    #[arg(long = "as-user-extra", global = true, value_name = "KEY=VALUE", value_parser = key_value)]
    pub impersonate_user_extra: Vec<(String, String)>,
    /// How long to wait for a single request before giving up; 0 means the default of 30s
    #[arg(long, global = true, value_name = "DURATION",
          value_parser = duration::parse_timeout, default_value = "0")]
    pub request_timeout: Duration,
    /// Disable compression of the API server's responses
    #[arg(long, global = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_name = "BOOL")]
    pub disable_compression: Option<bool>,
    /// Cache directory of kubectl; accepted and ignored
    #[arg(long, global = true, value_name = "DIRECTORY", hide = true)]
    pub cache_dir: Option<PathBuf>,
    /// Log level for API requests: 6 logs each request, 8 also response headers
    #[arg(short = 'v', long = "v", global = true, value_name = "LEVEL", default_value = "0")]
    pub verbosity: u8,
}

impl ConnectionFlags {
    /// Those that select the API server and the user, as given.
    pub fn given(&self) -> GivenFlags {
        let path = |path: &Option<PathBuf>| path.as_ref().map(|path| path.display().to_string());
        let extra = self.impersonate_user_extra.iter().map(|(key, value)| format!("{key}={value}"));
        GivenFlags::default()
            .with("--kubeconfig", path(&self.kubeconfig))
            .with("--context", &self.context)
            .with("--cluster", &self.cluster)
            .with("--user", &self.user)
            .with("--server", &self.server)
            .with("--certificate-authority", path(&self.certificate_authority))
            .switch("--insecure-skip-tls-verify", self.insecure_skip_tls_verify)
            .with("--tls-server-name", &self.tls_server_name)
            .with("--client-certificate", path(&self.client_certificate))
            .with("--client-key", path(&self.client_key))
            .secret("--token", "TOKEN", self.token.as_ref())
            .with("--username", &self.username)
            .secret("--password", "PASSWORD", self.password.as_ref())
            .with("--as", &self.impersonate)
            .with("--as-group", &self.impersonate_groups)
            .with("--as-uid", &self.impersonate_uid)
            .with("--as-user-extra", extra)
    }

    /// kubectl's flag for basic authentication that looks like the cluster's login, where it
    /// cannot be what was meant: a password alone is none, and `create` makes logins of its own.
    pub fn mistaken_login(&self, creates: Creates) -> Option<&'static str> {
        match (&self.username, &self.password) {
            (None, Some(_)) => Some("--password"),
            (Some(_), Some(_)) if creates == Creates::Cluster => Some("--password"),
            (Some(_), None) if creates == Creates::Cluster => Some("--username"),
            _ => None,
        }
    }

    /// Kubernetes allows several values for one key.
    pub fn impersonate_extra(&self) -> Option<HashMap<String, Vec<String>>> {
        let mut extra: HashMap<String, Vec<String>> = HashMap::new();
        for (key, value) in &self.impersonate_user_extra {
            extra.entry(key.clone()).or_default().push(value.clone());
        }
        (!extra.is_empty()).then_some(extra)
    }
}
