//! What goes between here and the API server: its warnings, which kubectl prints and kube
//! drops, and, for those who ask with `-v`, every request.

use futures::FutureExt;
use futures::future::BoxFuture;
use http::{HeaderMap, Request, Response};
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;
use tower::{Layer, Service};

/// Something that the user should hear of in the middle of a request.
pub enum Notice {
    /// A warning of the API server, each once.
    Warning(String),
    /// A request or what came of it.
    Traffic(String),
}

/// Hears of it.
pub type Listener = Arc<dyn Fn(Notice) + Send + Sync>;

/// From which `-v` on each request is told, and from which on its beginning and the answer's
/// headers, too; as kubectl's. What is sent has secrets, and is not told.
const REQUESTS: u8 = 6;
const HEADERS: u8 = 8;

/// Puts an ear to every request of a client.
#[derive(Clone)]
pub struct Overheard {
    listener: Listener,
    verbosity: u8,
    /// The API server's URL: the requests that are overheard have only the path behind it.
    server: String,
    warned: Arc<Mutex<HashSet<String>>>,
}

impl Overheard {
    /// Tells `listener` what `verbosity` asks for.
    pub fn new(listener: Listener, verbosity: u8) -> Self {
        Self { listener, verbosity, server: String::new(), warned: Arc::default() }
    }

    /// The same for the requests to this URL.
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

impl<S> Layer<S> for Overheard {
    type Service = Listening<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Listening { inner, ear: self.clone() }
    }
}

/// A client whose requests are overheard.
#[derive(Clone)]
pub struct Listening<S> {
    inner: S,
    ear: Overheard,
}

impl<S, B, C> Service<Request<B>> for Listening<S>
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
        let ear = self.ear.clone();
        let what = format!("{} {}{}", request.method(), ear.server, request.uri());
        // Before its answer, so that one which hangs is known.
        ear.tell(HEADERS, || what.clone());
        let (begin, answer) = (Instant::now(), self.inner.call(request));
        async move {
            let answer = answer.await;
            let took = begin.elapsed().as_millis();
            match &answer {
                Ok(response) => {
                    ear.tell(REQUESTS, || format!("{what} {} in {took} milliseconds", response.status()));
                    ear.tell(HEADERS, || format!("Response Headers:{}", lines(response.headers())));
                    ear.warn(response.headers());
                }
                Err(_) => ear.tell(REQUESTS, || format!("{what} failed after {took} milliseconds")),
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

/// The text of a warning, as RFC 7234, section 5.5, writes it: `299 AGENT "TEXT"`. Codes other
/// than 299 say nothing that lasts.
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
        let ear = Overheard::new(listener, 0);
        let mut headers = HeaderMap::new();
        headers.append("warning", http::HeaderValue::from_static("299 - \"a\""));
        headers.append("warning", http::HeaderValue::from_static("299 - \"b\""));
        ear.warn(&headers);
        ear.warn(&headers);
        assert_eq!(*heard.lock().expect("a list"), ["a", "b"]);
    }
}
