//! Which requests are repeated: those that an API server under load rejects, but not those that it
//! only hands on to a kubelet. Of a worker without power it answers 503 at once, as often as it is
//! asked, and a repetition until the deadline would say no more.

use http::{Request, Response, StatusCode};
use kube::client::{Body, retry};
use tower::BoxError;
use tower::retry::Policy;

/// kube's own policy, except for kubelets.
#[derive(Clone)]
pub struct Retries(retry::RetryPolicy);

impl Default for Retries {
    fn default() -> Self {
        Self(retry::RetryPolicy::server_retry())
    }
}

impl<R> Policy<Request<Body>, Response<R>, BoxError> for Retries {
    type Future = tokio::time::Sleep;

    fn retry(
        &mut self,
        request: &mut Request<Body>,
        result: &mut Result<Response<R>, BoxError>,
    ) -> Option<Self::Future> {
        let is_overload = result.as_ref().is_ok_and(|response| response.status() == StatusCode::TOO_MANY_REQUESTS);
        if is_for_kubelet(request.uri().path()) && !is_overload {
            return None;
        }
        self.0.retry(request, result)
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        Policy::<Request<Body>, Response<R>, BoxError>::clone_request(&mut self.0, request)
    }
}

/// Whether the API server forwards the request to a worker: `nodes/NAME/proxy/…`, `pods/NAME/log`
/// and the streams.
fn is_for_kubelet(path: &str) -> bool {
    let words: Vec<&str> = path.trim_matches('/').split('/').collect();
    let is_subresource = |kind: &str, names: &[&str]| {
        words.windows(3).any(|words| words[0] == kind && names.contains(&words[2])) && words.first() == Some(&"api")
    };
    is_subresource("nodes", &["proxy"]) || is_subresource("pods", &["log", "exec", "portforward", "attach", "proxy"])
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU32, Ordering};
    use tower::retry::RetryLayer;
    use tower::{Layer, ServiceExt};

    /// How often a request is sent to a server that always gives this answer.
    async fn sent(path: &str, status: u16) -> u32 {
        let count = Arc::new(AtomicU32::new(0));
        let counter = Arc::clone(&count);
        let server = tower::service_fn(move |_: Request<Body>| {
            counter.fetch_add(1, Ordering::Relaxed);
            let answer = Response::builder().status(status).body(()).expect("an answer");
            async move { Ok::<_, BoxError>(answer) }
        });
        let request = Request::get(path).body(Body::empty()).expect("a request");
        // Kubernetes' clients give up after half a minute.
        let answer = RetryLayer::new(Retries::default()).layer(server).oneshot(request);
        let _ = tokio::time::timeout(std::time::Duration::from_secs(30), answer).await;
        count.load(Ordering::Relaxed)
    }

    #[tokio::test(start_paused = true)]
    async fn a_dead_kubelet_is_asked_once() {
        for path in [
            "/api/v1/nodes/node-3/proxy/stats/summary",
            "/api/v1/namespaces/a/pods/b/log",
            "/api/v1/namespaces/a/pods/b/portforward",
        ] {
            assert_eq!(sent(path, 503).await, 1, "{path}");
            assert_eq!(sent(path, 504).await, 1, "{path}");
            assert!(sent(path, 429).await > 1, "{path}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn an_api_server_under_load_is_asked_again() {
        for path in ["/api/v1/nodes", "/api/v1/namespaces/proxy/pods", "/apis/apps/v1/namespaces/pods/b/log"] {
            assert!(sent(path, 503).await > 1, "{path}");
        }
        assert_eq!(sent("/api/v1/nodes", 404).await, 1);
    }
}
