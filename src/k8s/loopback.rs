//! HTTP requests to a worker's loopback, through a pod in the worker's network.

use super::client::Server;
use super::exec::refused;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const DEADLINE: Duration = Duration::from_secs(5);

impl Server {
    /// The body of the response.
    ///
    /// # Errors
    /// The reason in one sentence.
    pub async fn get_from_loopback(&self, pod: &str, port: u16, path: &str) -> Result<String, String> {
        let answer = tokio::time::timeout(DEADLINE, self.ask_loopback(pod, port, path)).await;
        answer.unwrap_or_else(|_| Err(format!("no response within {}", crate::error::seconds(DEADLINE))))
    }

    async fn ask_loopback(&self, pod: &str, port: u16, path: &str) -> Result<String, String> {
        let pods: Api<Pod> = Api::namespaced(self.client(), self.namespace());
        let forwarder = pods.portforward(pod, &[port]).await;
        let mut forwarder =
            forwarder.map_err(|error| refused(self, self.error(&error), pod, "portforward").to_string())?;
        let mut stream = forwarder.take_stream(port).ok_or("port-forward returned no stream")?;
        // HTTP/1.0: the response ends with the stream.
        let request = format!("GET {path} HTTP/1.0\r\n\r\n");
        stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).await.map_err(|error| error.to_string())?;
        body(&String::from_utf8_lossy(&answer))
    }
}

fn body(answer: &str) -> Result<String, String> {
    let (head, body) = answer.split_once("\r\n\r\n").ok_or("nothing listens there")?;
    let status = head.lines().next().unwrap_or_default();
    if status.split(' ').nth(1) == Some("200") { Ok(body.to_owned()) } else { Err(status.to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::body;

    #[test]
    fn answers() {
        assert_eq!(body("HTTP/1.0 200 OK\r\nDate: x\r\n\r\niptables"), Ok("iptables".into()));
        assert_eq!(body("HTTP/1.0 404 Not Found\r\n\r\nno"), Err("HTTP/1.0 404 Not Found".into()));
        assert_eq!(body(""), Err("nothing listens there".into()));
    }
}
