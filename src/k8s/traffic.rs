//! Observes requests to the API server: warnings, which kubectl prints and kube drops, and with
//! `-v` every request.

use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;
use tower::{Layer, Service};

pub enum Notice {
    /// A warning of the API server; each is reported once.
    Warning(String),
    /// A request or its response, for `-v`.
    Traffic(String),
}

pub type Listener = Arc<dyn Fn(Notice) + Send + Sync>;

/// The levels of `-v` from which on requests, and also response headers, are logged, as in kubectl.
/// Bodies may contain secrets and are never logged.
const REQUESTS: u8 = 6;
const HEADERS: u8 = 8;

/// Reports the requests of a client to a [`Listener`].
#[derive(Clone)]
pub struct RequestObserver {
    listener: Listener,
    verbosity: u8,
    /// The API server's URL: requests have only the path.
    server: String,
    warned: Arc<Mutex<HashSet<String>>>,
}

impl RequestObserver {
    pub fn new(listener: Listener, verbosity: u8) -> Self {
        Self { listener, verbosity, server: String::new(), warned: Arc::default() }
    }

    #[must_use]
    pub fn to(mut self, server: &http::Uri) -> Self {
        self.server = server.to_string().trim_end_matches('/').to_owned();
        self
    }

    fn tell(&self, from: u8, text: impl FnOnce() -> String) {
        if self.verbosity >= from {
            (self.listener)(Notice::Traffic(text()));
        }
    }

    fn warn(&self, headers: &HeaderMap) {
        for value in headers.get_all(http::header::WARNING) {
            let Some(text) = value.to_str().ok().and_then(warning) else { continue };
            let is_new = self.warned.lock().unwrap_or_else(PoisonError::into_inner).insert(text.clone());
            if is_new {
                (self.listener)(Notice::Warning(text));
            }
        }
    }
}

impl<S> Layer<S> for RequestObserver {
    type Service = ObservedService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        ObservedService { inner, observer: self.clone() }
    }
}

#[derive(Clone)]
pub struct ObservedService<S> {
    inner: S,
    observer: RequestObserver,
}

impl<S, B, C> Service<Request<B>> for ObservedService<S>
where
    S: Service<Request<B>, Response = Response<C>>,
    S::Future: Send + 'static,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<S::Response, S::Error>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let observer = self.observer.clone();
        let what = format!("{} {}{}", request.method(), observer.server, request.uri());
        // Before the response, so that hanging requests are visible.
        observer.tell(HEADERS, || what.clone());
        let (begin, answer) = (Instant::now(), self.inner.call(request));
        async move {
            let answer = answer.await;
            let took = begin.elapsed().as_millis();
            match &answer {
                Ok(response) => {
                    observer.tell(REQUESTS, || format!("{what} {} in {took} milliseconds", response.status()));
                    observer.tell(HEADERS, || format!("Response Headers:{}", lines(response.headers())));
                    observer.warn(response.headers());
                }
                Err(_) => observer.tell(REQUESTS, || format!("{what} failed after {took} milliseconds")),
            }
            answer
        }
        .boxed()
    }
}

fn lines(headers: &HeaderMap) -> String {
    let line = |(name, value): (&http::HeaderName, &http::HeaderValue)| {
        format!("\n    {name}: {}", String::from_utf8_lossy(value.as_bytes()))
    };
    headers.iter().map(line).collect()
}

/// The text of a warning (RFC 7234, section 5.5): `299 AGENT "TEXT"`. Other codes than 299 are
/// transient.
fn warning(value: &str) -> Option<String> {
    let (_, rest) = value.strip_prefix("299 ")?.split_once(" \"")?;
    let mut text = String::new();
    let mut characters = rest.chars();
    loop {
        match characters.next()? {
            '"' => return Some(text),
            '\\' => text.push(characters.next()?),
            other => text.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn warnings_of_the_api_server() {
        assert_eq!(warning(r#"299 - "policy/v1beta1 is deprecated""#).as_deref(), Some("policy/v1beta1 is deprecated"));
        assert_eq!(warning(r#"299 agent "say \"a\\b\"" "date""#).as_deref(), Some(r#"say "a\b""#));
        for odd in ["", "110 - \"stale\"", "299 - \"open", "299 -"] {
            assert_eq!(warning(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_warning_is_given_once() {
        let heard = Arc::new(Mutex::new(Vec::new()));
        let listener = {
            let heard = Arc::clone(&heard);
            Arc::new(move |notice| {
                if let Notice::Warning(text) = notice {
                    heard.lock().expect("a list").push(text);
                }
            })
        };
        let observer = RequestObserver::new(listener, 0);
        let mut headers = HeaderMap::new();
        headers.append("warning", http::HeaderValue::from_static("299 - \"a\""));
        headers.append("warning", http::HeaderValue::from_static("299 - \"b\""));
        observer.warn(&headers);
        observer.warn(&headers);
        assert_eq!(*heard.lock().expect("a list"), ["a", "b"]);
    }
}
