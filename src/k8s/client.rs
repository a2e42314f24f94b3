//! From kubeconfigs and flags to a client, with kubectl's rules of precedence:
//! `--kubeconfig`, `$KUBECONFIG` (a list), `~/.kube/config`, the pod that we run in.

use super::flags::ConnectionFlags;
use crate::error::{Error, ErrorKind, chain};
use crate::manifest::names::MANAGER;
use http::{HeaderName, HeaderValue};
use kube::Client;
use kube::client::ClientBuilder;
use kube::config::{AuthInfo, Cluster, Config, KubeConfigOptions, Kubeconfig, KubeconfigError};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// The API server: a client, and what is needed to speak well of it.
#[derive(Clone)]
pub struct Server {
    client: Client,
    address: String,
    namespace: String,
    deadline: Duration,
}

const REQUEST_DEADLINE: Duration = Duration::from_secs(30);
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

impl Server {
    /// Reads the configuration; nothing is sent yet.
    ///
    /// # Errors
    /// When there is no usable configuration, in kubectl's words.
    pub async fn connect(flags: &ConnectionFlags) -> Result<Self, Error> {
        let mut config = configuration(flags).await?;
        config.connect_timeout = Some(CONNECT_DEADLINE);
        config.disable_compression |= flags.disable_compression == Some(true);
        config.headers.push((HeaderName::from_static("user-agent"), user_agent()));
        let namespace = flags.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let address = address(&config.cluster_url);
        let builder = ClientBuilder::try_from(config).map_err(|error| Error::from_kube(&error, &address))?;
        let deadline = if flags.request_timeout.is_zero() { REQUEST_DEADLINE } else { flags.request_timeout };
        Ok(Self { client: builder.build(), address, namespace, deadline })
    }

    /// No server: for what needs none. Every request is refused at once.
    ///
    /// # Errors
    /// When not even that can be set up.
    pub fn nowhere(flags: &ConnectionFlags) -> Result<Self, Error> {
        // Port 1 of this machine: nobody listens there.
        let config = Config::new(http::Uri::from_static("http://127.0.0.1:1"));
        let client = Client::try_from(config).map_err(|error| Error::from_kube(&error, "nowhere"))?;
        let namespace = flags.namespace.clone().unwrap_or_else(|| "default".into());
        Ok(Self { client, address: "nowhere".into(), namespace, deadline: REQUEST_DEADLINE })
    }

    /// A server behind a client that is there already.
    pub fn with_client(client: Client, namespace: &str) -> Self {
        Self { client, address: "test".into(), namespace: namespace.into(), deadline: REQUEST_DEADLINE }
    }

    /// The namespace of the flags, of the context, or `default`.
    pub fn namespace(&self) -> &str {
        &self.namespace
    }

    /// The same server, for work in another namespace.
    #[must_use]
    pub fn in_namespace(&self, namespace: &str) -> Self {
        Self { namespace: namespace.to_owned(), ..self.clone() }
    }

    /// The client itself, for streams, which have no deadline of their own.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Waits for a request's answer, with a deadline.
    ///
    /// # Errors
    /// The server's own, in kubectl's words, or that the deadline passed.
    pub async fn answer<T>(&self, awaited: &str, request: impl Future<Output = kube::Result<T>>) -> Result<T, Error> {
        match tokio::time::timeout(self.deadline, request).await {
            Ok(answer) => answer.map_err(|error| self.error(&error)),
            Err(_) => Err(Error::timeout(self.deadline, format!("the API server at {}: {awaited}", self.address))),
        }
    }

    /// Words a failed request.
    pub fn error(&self, error: &kube::Error) -> Error {
        Error::from_kube(error, &self.address)
    }
}

fn user_agent() -> HeaderValue {
    let (os, arch) = (std::env::consts::OS, std::env::consts::ARCH);
    HeaderValue::from_str(&format!("{MANAGER}/v{} ({os}/{arch})", env!("CARGO_PKG_VERSION")))
        .unwrap_or(HeaderValue::from_static(MANAGER))
}

fn address(url: &http::Uri) -> String {
    let host = url.host().unwrap_or_default();
    let port = url.port_u16().unwrap_or(if url.scheme_str() == Some("http") { 80 } else { 443 });
    format!("{host}:{port}")
}

async fn configuration(flags: &ConnectionFlags) -> Result<Config, Error> {
    refuse_half_impersonation(flags)?;
    let Some(mut kubeconfig) = kubeconfig(flags)? else { return without_kubeconfig(flags).await };
    override_entries(&mut kubeconfig, flags)?;
    let options =
        KubeConfigOptions { context: flags.context.clone(), cluster: flags.cluster.clone(), user: flags.user.clone() };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|error| wording(&error))?;
    with_connection_flags(config, flags)
}

/// The merged kubeconfig; none where no file is there.
fn kubeconfig(flags: &ConnectionFlags) -> Result<Option<Kubeconfig>, Error> {
    if let Some(path) = &flags.kubeconfig {
        let missing = |error| Error::user(format!("stat {}: {error}", path.display()));
        std::fs::metadata(path).map_err(|error| missing(plain(&error)))?;
        return read(path).map(Some);
    }
    let mut merged: Option<Kubeconfig> = None;
    for path in standard_files().iter().filter(|path| path.exists()) {
        let next = read(path)?;
        merged = Some(match merged {
            Some(kubeconfig) => kubeconfig.merge(next).map_err(|error| wording(&error))?,
            None => next,
        });
    }
    Ok(merged)
}

/// `$KUBECONFIG`'s files, or the one in the home folder.
fn standard_files() -> Vec<PathBuf> {
    match std::env::var_os("KUBECONFIG").filter(|list| !list.is_empty()) {
        Some(list) => std::env::split_paths(&list).filter(|path| !path.as_os_str().is_empty()).collect(),
        None => std::env::home_dir().map(|home| home.join(".kube").join("config")).into_iter().collect(),
    }
}

fn read(path: &Path) -> Result<Kubeconfig, Error> {
    Kubeconfig::read_from(path)
        .map_err(|error| Error::user(format!("error loading config file \"{}\": {}", path.display(), chain(&error))))
}

/// The words of the operating system without Rust's own addition.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    text.split(" (os error").next().unwrap_or(&text).to_lowercase()
}

async fn without_kubeconfig(flags: &ConnectionFlags) -> Result<Config, Error> {
    if let Some(server) = &flags.server {
        let url = server.parse().map_err(|error| Error::user(format!("--server \"{server}\": {error}")))?;
        let mut config = Config::new(url);
        credentials(&mut config.auth_info, flags);
        return with_connection_flags(config, flags);
    }
    let named = flags.context.as_ref().or(flags.cluster.as_ref()).or(flags.user.as_ref());
    if let Some(name) = named {
        return Err(Error::user(format!("no kubeconfig has an entry \"{name}\": {}", looked_at())));
    }
    Config::incluster().map_err(|_| {
        Error::user(format!("no kubeconfig found ({}) and not running in a cluster", looked_at()))
            .hint("name one with --kubeconfig or the variable KUBECONFIG")
    })
}

fn looked_at() -> String {
    let files: Vec<_> = standard_files().iter().map(|path| path.display().to_string()).collect();
    if files.is_empty() { "there is no home folder".into() } else { format!("looked at {}", files.join(", ")) }
}

/// Puts the flags into the entries that the context names, where client-go would
/// let them win over what the files say.
fn override_entries(kubeconfig: &mut Kubeconfig, flags: &ConnectionFlags) -> Result<(), Error> {
    let context = flags.context.as_ref().or(kubeconfig.current_context.as_ref()).cloned();
    let context = context.and_then(|name| kubeconfig.contexts.iter().find(|each| each.name == name));
    let context = context.and_then(|named| named.context.clone());
    let user = flags.user.clone().or_else(|| context.as_ref().and_then(|context| context.user.clone()));
    let cluster = flags.cluster.clone().or_else(|| context.as_ref().map(|context| context.cluster.clone()));
    if let Some(user) = user.filter(|user| !user.is_empty()) {
        let entry = kubeconfig.auth_infos.iter_mut().find(|each| each.name == user);
        let entry = entry.ok_or_else(|| Error::user(format!("auth info \"{user}\" does not exist")))?;
        credentials(entry.auth_info.get_or_insert_default(), flags);
    }
    if let Some(entry) = cluster.and_then(|name| kubeconfig.clusters.iter_mut().find(|each| each.name == name)) {
        endpoint(entry.cluster.get_or_insert_default(), flags);
    }
    Ok(())
}

fn endpoint(cluster: &mut Cluster, flags: &ConnectionFlags) {
    if let Some(server) = &flags.server {
        cluster.server = Some(server.clone());
    }
    if let Some(file) = &flags.certificate_authority {
        cluster.certificate_authority = Some(file.display().to_string());
        cluster.certificate_authority_data = None;
    }
    if let Some(insecure) = flags.insecure_skip_tls_verify {
        cluster.insecure_skip_tls_verify = Some(insecure);
        cluster.certificate_authority_data.take_if(|_| insecure);
        cluster.certificate_authority.take_if(|_| insecure);
    }
}

/// A token or certificate on the command line wins over everything in the files.
fn credentials(user: &mut AuthInfo, flags: &ConnectionFlags) {
    if flags.token.is_some() || flags.username.is_some() {
        *user = AuthInfo { impersonate: user.impersonate.take(), ..AuthInfo::default() };
        user.token = flags.token.clone().map(Into::into);
        user.username = flags.username.clone();
        user.password = flags.password.clone().map(Into::into);
    }
    if let Some(file) = &flags.client_certificate {
        user.client_certificate = Some(file.display().to_string());
        user.client_certificate_data = None;
    }
    if let Some(file) = &flags.client_key {
        user.client_key = Some(file.display().to_string());
        user.client_key_data = None;
    }
    if let Some(name) = &flags.impersonate {
        user.impersonate = Some(name.clone());
        user.impersonate_groups = Some(flags.impersonate_groups.clone());
        user.impersonate_uid = flags.impersonate_uid.clone();
    }
}

fn refuse_half_impersonation(flags: &ConnectionFlags) -> Result<(), Error> {
    let half = !flags.impersonate_groups.is_empty() || flags.impersonate_uid.is_some();
    if flags.impersonate.is_none() && half {
        return Err(Error::user("requesting uid or groups without impersonating a user").hint("add --as USER"));
    }
    Ok(())
}

fn with_connection_flags(mut config: Config, flags: &ConnectionFlags) -> Result<Config, Error> {
    if let Some(name) = &flags.tls_server_name {
        config.tls_server_name = Some(name.clone());
    }
    if let Some(insecure) = flags.insecure_skip_tls_verify {
        config.accept_invalid_certs = insecure;
    }
    if let Some(file) = flags.certificate_authority.as_ref().filter(|_| config.root_cert.is_none()) {
        std::fs::metadata(file).map_err(|error| {
            Error::user(format!("unable to read certificate-authority {}: {error}", file.display()))
        })?;
        config.root_cert_file = Some(file.clone());
    }
    Ok(config)
}

/// kubectl's sentences for a kubeconfig that does not hold together.
fn wording(error: &KubeconfigError) -> Error {
    let text = match error {
        KubeconfigError::LoadContext(name) => {
            format!("Error in configuration: context was not found for specified context: {name}")
        }
        KubeconfigError::LoadClusterOfContext(name) => {
            format!("Error in configuration: cluster \"{name}\" does not exist")
        }
        KubeconfigError::CurrentContextNotSet => {
            return Error::user("the kubeconfig has no current context")
                .hint("choose one with --context, or for good: kubectl config use-context NAME");
        }
        other => return Error::user(chain(other)),
    };
    Error::new(ErrorKind::Api, text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_port() {
        assert_eq!(address(&"https://host".parse().expect("a URL")), "host:443");
        assert_eq!(address(&"https://1.2.3.4:6443/base".parse().expect("a URL")), "1.2.3.4:6443");
    }

    #[test]
    fn a_token_on_the_command_line_silences_the_file() {
        let mut user = AuthInfo { username: Some("old".into()), ..AuthInfo::default() };
        user.client_certificate_data = Some("old".into());
        credentials(&mut user, &ConnectionFlags { token: Some("new".into()), ..ConnectionFlags::default() });
        assert!(user.token.is_some());
        assert_eq!((user.username, user.client_certificate_data), (None, None));
    }

    #[test]
    fn a_group_without_a_user_is_refused() {
        let flags = ConnectionFlags { impersonate_groups: vec!["g".into()], ..ConnectionFlags::default() };
        assert!(refuse_half_impersonation(&flags).is_err());
    }
}
