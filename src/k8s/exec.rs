//! Runs a program in a container to its end, with text as its input.

use super::client::Server;
use crate::error::{Error, ErrorKind};
use crate::manifest::object::POD;
use futures::future::join3;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Status;
use kube::Api;
use kube::api::AttachParams;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// None if it could not be started.
    pub code: Option<i32>,
    pub out: String,
    /// Or why it could not be started.
    pub err: String,
}

impl Server {
    /// Runs `command` in a container of a pod of the namespace. The program must detect the end of
    /// its input by itself: the end of standard input does not reach a pod before Kubernetes 1.30.
    ///
    /// # Errors
    /// If it cannot be started, or takes longer than a request may.
    pub async fn exec(&self, pod: &str, container: &str, command: &[&str], input: &str) -> Result<Ended, Error> {
        let pods: Api<Pod> = Api::namespaced(self.client(), self.namespace());
        let parameters =
            AttachParams { container: Some(container.to_owned()), ..AttachParams::default().stdin(true).stderr(true) };
        let words: Vec<String> = command.iter().map(|word| (*word).to_owned()).collect();
        let run = async {
            let mut process = pods.exec(pod, words, &parameters).await?;
            let status = process.take_status();
            let (output, errors, stdin) = (process.stdout(), process.stderr(), process.stdin());
            let write = async {
                let mut stdin = stdin;
                if let Some(stdin) = &mut stdin {
                    // A program that exits early reports why itself.
                    let _ = stdin.write_all(input.as_bytes()).await;
                    let _ = stdin.flush().await;
                }
                stdin
            };
            let (_stdin, out, err) = join3(write, read(output), read(errors)).await;
            let status = match status {
                Some(status) => status.await,
                None => None,
            };
            Ok(ended(status, out, err))
        };
        let answer = self.answer(&format!("exec in pod {pod}"), run).await;
        answer.map_err(|error| refused(self, error, pod, "exec"))
    }
}

async fn read(stream: Option<impl tokio::io::AsyncRead + Unpin>) -> String {
    let mut bytes = Vec::new();
    if let Some(mut stream) = stream {
        // Output that arrived before a lost connection still counts.
        let _ = stream.read_to_end(&mut bytes).await;
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The kubelet reports the exit code as a cause of the failure.
fn ended(status: Option<Status>, out: String, err: String) -> Ended {
    let failed = status.filter(|status| status.status.as_deref() != Some("Success"));
    let Some(failure) = failed else { return Ended { code: Some(0), out, err } };
    let causes = failure.details.and_then(|details| details.causes).unwrap_or_default();
    let code = causes.iter().find(|cause| cause.reason.as_deref() == Some("ExitCode"));
    match code.and_then(|cause| cause.message.as_ref()?.parse().ok()) {
        Some(code) => Ended { code: Some(code), out, err },
        None => Ended { code: None, out, err: failure.message.unwrap_or(err) },
    }
}

/// The error for a stream to a pod; names a missing permission.
pub(super) fn refused(server: &Server, error: Error, pod: &str, subresource: &str) -> Error {
    if error.kind() != ErrorKind::Forbidden {
        return error.context(format!("cannot reach pod \"{pod}\" by {subresource}"));
    }
    let namespace = server.namespace();
    let resource = format!("{}/{subresource}", POD.plural);
    let check = server.caller().may("create", &resource, Some(namespace));
    Error::new(ErrorKind::Forbidden, format!("you may not use {resource} in the namespace \"{namespace}\""))
        .hint(format!("you need permission to get and create {resource}: {check}"))
}
