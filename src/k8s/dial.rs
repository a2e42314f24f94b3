//! Connections to a pod's server: port-forward, or exec if that is not possible.

use super::client::Server;
use super::exec::refused;
use crate::error::Error;
use crate::node::dial::{Dial, Target, Via};
use crate::node::line::Line;
use crate::node::relay;
use futures::FutureExt;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::AttachParams;
use std::time::Duration;
use tokio::io::AsyncReadExt;

/// Connects through the API server.
pub struct PodDial {
    server: Server,
}

impl PodDial {
    pub fn new(server: Server) -> Self {
        Self { server }
    }

    fn refused(&self, error: &kube::Error, target: &Target, subresource: &str) -> Error {
        refused(&self.server, self.server.error(error), &target.pod, subresource)
    }

    fn pods(&self) -> Api<Pod> {
        Api::namespaced(self.server.client(), self.server.namespace())
    }

    /// Through the API server and the kubelet; opens no local port.
    async fn port_forward(&self, target: &Target) -> Result<Line, Error> {
        let opened = self.pods().portforward(&target.pod, &[target.port]).await;
        let mut forwarder = opened.map_err(|error| self.refused(&error, target, "portforward"))?;
        let stream =
            forwarder.take_stream(target.port).ok_or_else(|| Error::user("port-forward returned no stream"))?;
        let trouble = forwarder.take_error(target.port);
        let trouble = async move { soon(trouble?).await.map(|text| without_noise(&text)) }.boxed();
        Ok(Line::Server { stream: Box::new(stream), trouble })
    }

    async fn exec(&self, target: &Target, command: Vec<String>) -> Result<Line, Error> {
        let parameters = AttachParams {
            container: Some(target.container.clone()),
            max_stdout_buf_size: Some(1 << 20),
            ..AttachParams::default().stdin(true).stdout(true).stderr(true).tty(false)
        };
        let opened = self.pods().exec(&target.pod, command, &parameters).await;
        let mut process = opened.map_err(|error| self.refused(&error, target, "exec"))?;
        let (Some(output), Some(input), Some(mut errors)) = (process.stdout(), process.stdin(), process.stderr())
        else {
            return Err(Error::user("exec returned no streams"));
        };
        let trouble = async move {
            let mut text = String::new();
            soon(errors.read_to_string(&mut text).map(Result::ok)).await;
            // Dropping it earlier would end the process.
            drop(process);
            Some(without_repetitions(&text)).filter(|text| !text.is_empty())
        };
        Ok(Line::Cli { stream: Box::new(tokio::io::join(output, input)), trouble: trouble.boxed() })
    }
}

/// A shell that passes each line to redis-cli at once: the end of standard input does not reach a
/// pod before Kubernetes 1.30. Certificates are not verified: nothing is between redis-cli and the
/// server, and the CA may be anywhere in the pod, or missing.
pub fn redis_cli(target: &Target) -> Vec<String> {
    const SCRIPT: &str = "cli=$(command -v redis-cli || command -v valkey-cli) || { echo 'no redis-cli in this image' >&2; exit 1; }; \
         while IFS= read -r line; do printf '%s\\n' \"$line\"; done | \"$cli\" -p \"$0\" \"$@\"";
    let tls: &[&str] = if target.tls.is_some() { &["--tls", "--insecure"] } else { &[] };
    let port = target.port.to_string();
    ["sh", "-c", SCRIPT, &port].iter().chain(tls).map(|word| (*word).to_owned()).collect()
}

/// The reason for a lost connection arrives with it, or never.
async fn soon<T>(answer: impl Future<Output = Option<T>>) -> Option<T> {
    tokio::time::timeout(Duration::from_millis(300), answer).await.ok().flatten()
}

/// redis-cli repeats its error for every command.
fn without_repetitions(text: &str) -> String {
    let mut lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    lines.dedup();
    lines.join("; ")
}

/// Shortens the kubelet's message.
fn without_noise(text: &str) -> String {
    if text.contains("connection refused") { "nothing listens on its port".to_owned() } else { text.trim().to_owned() }
}

impl Dial for PodDial {
    fn dial<'a>(&'a self, target: &'a Target, via: Via) -> BoxFuture<'a, Result<Line, Error>> {
        async move {
            match via {
                Via::PortForward => self.port_forward(target).await,
                Via::Exec => self.exec(target, redis_cli(target)).await,
                Via::Auto => match self.port_forward(target).await {
                    Ok(line) => Ok(line),
                    // If both fail, port-forward's error is the useful one.
                    Err(refusal) => self.exec(target, redis_cli(target)).await.map_err(|_| refusal),
                },
            }
        }
        .boxed()
    }

    fn relay<'a>(&'a self, target: &'a Target) -> BoxFuture<'a, Result<Line, Error>> {
        self.exec(target, relay::command()).boxed()
    }
}
