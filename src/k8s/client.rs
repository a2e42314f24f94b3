//! The API server: a client with deadlines and kubectl's error messages.

use super::ahead::{self, OpenAhead};
use super::flags::ConnectionFlags;
use super::kubeconfig::{Login, configuration};
use super::traffic::{Listener, RequestObserver};
use crate::cluster::commands::{Caller, GivenFlags};
use crate::error::Error;
use crate::manifest::names::MANAGER;
use http::{HeaderName, HeaderValue};
use kube::Client;
use kube::config::Config;
use std::sync::Arc;
use std::time::Duration;

#[derive(Clone)]
pub struct Server {
    client: Client,
    open_ahead: OpenAhead,
    address: String,
    caller: Caller,
    deadline: Duration,
}

const REQUEST_DEADLINE: Duration = Duration::from_secs(30);
const CONNECT_DEADLINE: Duration = Duration::from_secs(10);

impl Server {
    /// Reads the configuration and sends nothing yet. `listener` receives warnings and requests.
    ///
    /// # Errors
    /// If there is no usable configuration, in kubectl's words.
    pub async fn connect(flags: &ConnectionFlags, listener: Listener) -> Result<Self, Error> {
        let config = configuration(flags, Login::MayAsk).await?;
        let deadline = if flags.request_timeout.is_zero() { REQUEST_DEADLINE } else { flags.request_timeout };
        Self::configured(config, flags, RequestObserver::new(listener, flags.verbosity), deadline)
    }

    /// For shell completion: never prompts, prints nothing and gives up soon.
    ///
    /// # Errors
    /// If there is no usable configuration.
    pub async fn connect_without_prompts(flags: &ConnectionFlags, deadline: Duration) -> Result<Self, Error> {
        let mut config = configuration(flags, Login::MayNotAsk).await?;
        config.default_retry = false;
        Self::configured(config, flags, RequestObserver::new(Arc::new(|_| ()), 0), deadline)
    }

    fn configured(
        mut config: Config,
        flags: &ConnectionFlags,
        observer: RequestObserver,
        deadline: Duration,
    ) -> Result<Self, Error> {
        config.disable_compression |= flags.disable_compression == Some(true);
        config.headers.push((HeaderName::from_static("user-agent"), user_agent()));
        let namespace = flags.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let caller = Caller { namespace, connection: flags.given(), ..Caller::default() };
        let address = address(&config.cluster_url);
        let observer = observer.to(&config.cluster_url);
        let program = config.auth_info.exec.as_ref().and_then(|program| program.command.clone());
        let made = ahead::client(config, CONNECT_DEADLINE.min(deadline), &observer);
        let (client, open_ahead) = made.map_err(|error| match &error {
            kube::Error::Auth(login) => Error::from_login(login, program.as_deref(), &caller),
            other => Error::from_kube(other, &address, &caller),
        })?;
        Ok(Self { client, open_ahead, address, caller, deadline })
    }

    /// For commands that need no server: every request fails at once.
    ///
    /// # Errors
    /// If no client can be built.
    pub fn nowhere(flags: &ConnectionFlags) -> Result<Self, Error> {
        // Nothing listens on port 1.
        let config = Config::new(http::Uri::from_static("http://127.0.0.1:1"));
        let client =
            Client::try_from(config).map_err(|error| Error::from_kube(&error, "nowhere", &Caller::default()))?;
        let namespace = flags.namespace.clone().unwrap_or_else(|| "default".into());
        Ok(Self { address: "nowhere".into(), ..Self::with_client(client, &namespace) })
    }

    /// For tests.
    pub fn with_client(client: Client, namespace: &str) -> Self {
        let open_ahead = Arc::new(|_| ());
        let caller = Caller { namespace: namespace.into(), ..Caller::default() };
        Self { client, open_ahead, address: "test".into(), caller, deadline: REQUEST_DEADLINE }
    }

    /// From the flags or the context, else `default`.
    pub fn namespace(&self) -> &str {
        &self.caller.namespace
    }

    /// What every command repeats that is printed for the user.
    pub fn caller(&self) -> &Caller {
        &self.caller
    }

    /// With the flags that the user gave.
    #[must_use]
    pub fn called_with(mut self, connection: GivenFlags, nodes: GivenFlags) -> Self {
        (self.caller.connection, self.caller.nodes) = (connection, nodes);
        self
    }

    #[must_use]
    pub fn in_namespace(&self, namespace: &str) -> Self {
        let caller = Caller { namespace: namespace.to_owned(), ..self.caller.clone() };
        Self { caller, ..self.clone() }
    }

    /// Pre-opens connections to save handshakes, if many requests follow the first.
    pub fn open_ahead(&self, count: usize) {
        (self.open_ahead)(count);
    }

    /// For streams, which have no deadline.
    pub fn client(&self) -> Client {
        self.client.clone()
    }

    /// Awaits a request, with a deadline.
    ///
    /// # Errors
    /// The server's, in kubectl's words, or a timeout.
    pub async fn answer<T>(&self, awaited: &str, request: impl Future<Output = kube::Result<T>>) -> Result<T, Error> {
        match tokio::time::timeout(self.deadline, request).await {
            Ok(answer) => answer.map_err(|error| self.error(&error)),
            Err(_) => Err(Error::timeout(self.deadline, format!("the API server at {}: {awaited}", self.address))),
        }
    }

    /// How long a stream that should deliver at once may say nothing.
    pub fn patience(&self) -> Duration {
        self.deadline
    }

    pub fn error(&self, error: &kube::Error) -> Error {
        Error::from_kube(error, &self.address, &self.caller)
    }
}

fn user_agent() -> HeaderValue {
    HeaderValue::from_str(&format!("{MANAGER}/v{} ({})", env!("CARGO_PKG_VERSION"), platform()))
        .unwrap_or(HeaderValue::from_static(MANAGER))
}

/// As in Kubernetes: `linux/amd64`.
pub fn platform() -> String {
    let arch = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let os = if std::env::consts::OS == "macos" { "darwin" } else { std::env::consts::OS };
    format!("{os}/{arch}")
}

fn address(url: &http::Uri) -> String {
    let host = url.host().unwrap_or_default();
    let port = url.port_u16().unwrap_or(if url.scheme_str() == Some("http") { 80 } else { 443 });
    format!("{host}:{port}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_port() {
        assert_eq!(address(&"https://host".parse().expect("a URL")), "host:443");
        assert_eq!(address(&"https://1.2.3.4:6443/base".parse().expect("a URL")), "1.2.3.4:6443");
    }
}
