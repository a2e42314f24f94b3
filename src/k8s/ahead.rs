//! Pre-opens connections to the API server: each takes two round trips, which can overlap with the
//! first request.

use super::retries::Retries;
use super::traffic::RequestObserver;
use futures::FutureExt;
use futures::future::BoxFuture;
use http::Uri;
use hyper_util::client::legacy::Client as HttpClient;
use hyper_util::rt::TokioExecutor;
use kube::Client;
use kube::client::{ClientBuilder, ConfigExt};
use kube::config::Config;
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tower::retry::RetryLayer;
use tower::{BoxError, Service, ServiceBuilder, ServiceExt};
use tower_http::decompression::DecompressionLayer;

/// Pre-opens this many connections.
pub type OpenAhead = Arc<dyn Fn(usize) + Send + Sync>;

/// A client, and the function that pre-opens its connections; it does nothing behind a proxy.
///
/// # Errors
/// kube's, if the configuration is unusable.
pub fn client(mut config: Config, deadline: Duration, observer: &RequestObserver) -> kube::Result<(Client, OpenAhead)> {
    config.connect_timeout = Some(deadline);
    if config.proxy_url.is_some() {
        // kube's own service cannot be cloned, which other retries would need.
        return Ok((ClientBuilder::try_from(config)?.with_layer(observer).build(), Arc::new(|_| ())));
    }
    let connector = Connector { inner: config.rustls_https_connector()?, deadline, ahead: Arc::default() };
    let open_ahead = {
        let (connector, server) = (connector.clone(), config.cluster_url.clone());
        move |count| connector.open_ahead(&server, count)
    };
    // The same layers as kube's own client, with another connector.
    let service = ServiceBuilder::new()
        .layer(config.base_uri_layer())
        .layer(DecompressionLayer::new().gzip(!config.disable_compression))
        .option_layer(config.default_retry.then(|| RetryLayer::new(Retries::default())))
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(HttpClient::builder(TokioExecutor::new()).build(connector));
    let client = ClientBuilder::new(service, config.default_namespace).with_layer(observer).build();
    Ok((client, Arc::new(open_ahead)))
}

/// Uses the pre-opened connections first, then opens new ones.
struct Connector<C: Service<Uri>> {
    inner: C,
    deadline: Duration,
    /// None before [`Connector::open_ahead`].
    ahead: Arc<Mutex<Option<Ahead<C::Response>>>>,
}

impl<C: Service<Uri> + Clone> Clone for Connector<C> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), deadline: self.deadline, ahead: Arc::clone(&self.ahead) }
    }
}

struct Ahead<T> {
    end: Instant,
    connections: Vec<JoinHandle<Result<T, BoxError>>>,
}

/// An API server closes a connection without a request after 32 s, and load balancers may do so
/// sooner.
const FRESH: Duration = Duration::from_secs(5);

impl<T> Ahead<T> {
    fn take(&mut self) -> Option<JoinHandle<Result<T, BoxError>>> {
        if Instant::now() > self.end {
            self.connections.clear();
        }
        self.connections.pop()
    }
}

impl<C> Connector<C>
where
    C: Service<Uri> + Clone + Send + 'static,
    C::Response: Send + 'static,
    C::Future: Send,
    C::Error: Into<BoxError> + Send,
{
    /// Only once: later requests find idle connections in the pool.
    fn open_ahead(&self, server: &Uri, count: usize) {
        let mut ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner);
        ahead.get_or_insert_with(|| Ahead {
            end: Instant::now() + FRESH,
            connections: (0..count).map(|_| tokio::spawn(self.open(server.clone()))).collect(),
        });
    }

    fn open(&self, server: Uri) -> BoxFuture<'static, Result<C::Response, BoxError>> {
        let (opening, deadline) = (self.inner.clone().oneshot(server), self.deadline);
        async move {
            let late = |elapsed| io::Error::new(io::ErrorKind::TimedOut, elapsed);
            tokio::time::timeout(deadline, opening).await.map_err(late)?.map_err(Into::into)
        }
        .boxed()
    }
}

impl<C> Service<Uri> for Connector<C>
where
    C: Service<Uri> + Clone + Send + 'static,
    C::Response: Send + 'static,
    C::Future: Send,
    C::Error: Into<BoxError> + Send,
{
    type Response = C::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<C::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, server: Uri) -> Self::Future {
        let ahead = self.ahead.lock().unwrap_or_else(PoisonError::into_inner).as_mut().and_then(Ahead::take);
        match ahead {
            Some(opened) => async move { opened.await? }.boxed(),
            None => self.open(server),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    /// A connector whose connections are numbers, in the order of opening.
    fn numbers() -> Connector<impl Service<Uri, Response = u32, Error = io::Error, Future: Send> + Clone + Send> {
        let opened = Arc::new(AtomicU32::new(0));
        let open = move |_: Uri| {
            let number = opened.fetch_add(1, Ordering::Relaxed) + 1;
            async move { Ok(number) }
        };
        Connector { inner: tower::service_fn(open), deadline: FRESH, ahead: Arc::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn pre_opened_connections_are_used_first() {
        let (mut connector, server) = (numbers(), Uri::from_static("https://host"));
        connector.open_ahead(&server, 2);
        connector.open_ahead(&server, 2);
        tokio::task::yield_now().await;
        let mut used = Vec::new();
        for _ in 0..4 {
            used.push(connector.call(server.clone()).await.expect("open"));
        }
        assert_eq!(used, [2, 1, 3, 4]);
    }

    #[tokio::test(start_paused = true)]
    async fn stale_connections_are_not_used() {
        let (mut connector, server) = (numbers(), Uri::from_static("https://host"));
        connector.open_ahead(&server, 1);
        tokio::time::advance(FRESH * 2).await;
        assert_eq!(connector.call(server).await.expect("open"), 2);
    }
}
