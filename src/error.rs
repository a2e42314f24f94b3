//! The one error that commands return, and the only place that converts foreign errors.

use crate::cluster::commands::Caller;
use kube::client::AuthError;
use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;
use tokio_rustls::rustls::{CertificateError, Error as TlsError};

/// Decides how an error is printed, and the exit status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ErrorKind {
    /// Something that the user can change: arguments, files, a declined confirmation.
    User,
    /// The API server returned an error; the message is complete and in kubectl's words.
    Api,
    /// The API server cannot answer now: it is overloaded, starting, or without its store.
    Unavailable,
    /// The API server is unreachable, or the connection was lost.
    Unreachable,
    /// The API server returned NotFound.
    NotFound,
    /// The API server returned Forbidden.
    Forbidden,
    /// The Redis server rejected the password or the command.
    Refused,
    /// The Redis server does not run in cluster mode.
    NotClustered,
    /// The Redis server runs, and rejects the command while it loads its data.
    Loading,
    Timeout,
    /// The reader of standard output is gone.
    BrokenPipe,
    Interrupted,
}

/// What could not be done, why, and what may help.
#[derive(Debug)]
pub struct Error {
    kind: ErrorKind,
    wording: Wording,
    message: String,
    causes: Vec<String>,
    hints: Vec<String>,
}

/// Whose sentence a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wording {
    /// kubectl's for what the API server said: complete as it is.
    Kubectl,
    Ours,
}

impl ErrorKind {
    fn wording(self) -> Wording {
        match self {
            Self::Api | Self::Unavailable | Self::Unreachable | Self::NotFound | Self::Forbidden => Wording::Kubectl,
            _ => Wording::Ours,
        }
    }
}

impl Error {
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self { kind, wording: kind.wording(), message: message.into(), causes: Vec::new(), hints: Vec::new() }
    }

    pub fn user(message: impl fmt::Display) -> Self {
        Self::new(ErrorKind::User, message.to_string())
    }

    /// `awaited` says what was waited for, and its last state.
    pub fn timeout(deadline: Duration, awaited: impl fmt::Display) -> Self {
        Self::new(ErrorKind::Timeout, format!("timed out after {} waiting for {awaited}", seconds(deadline)))
    }

    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }

    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Says what could not be done; the message so far becomes the first cause. The kind stays: what
    /// may pass still may.
    #[must_use]
    pub fn context(mut self, doing: impl Into<String>) -> Self {
        let cause = std::mem::replace(&mut self.message, doing.into());
        self.causes.insert(0, cause);
        self.wording = Wording::Ours;
        self
    }

    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Whether the same request may succeed later with nothing changed by the user.
    pub fn may_pass(&self) -> bool {
        matches!(self.kind, ErrorKind::Unavailable | ErrorKind::Unreachable | ErrorKind::Timeout)
    }

    /// Without the prefix `error: `.
    pub fn message(&self) -> &str {
        &self.message
    }

    pub fn hints(&self) -> &[String] {
        &self.hints
    }

    /// The immediate cause first.
    pub fn causes(&self) -> &[String] {
        &self.causes
    }

    /// The first line, as kubectl prints it.
    pub fn headline(&self) -> String {
        match self.wording {
            Wording::Kubectl => self.message.clone(),
            Wording::Ours => format!("error: {}", self.message),
        }
    }

    /// Why something was skipped, on one line: the missing permission if that is the reason, else
    /// the first line.
    pub fn reason(&self) -> String {
        match self.hints.first() {
            Some(permission) if self.kind == ErrorKind::Forbidden => permission.clone(),
            _ => self.headline().trim_start_matches("error: ").to_owned(),
        }
    }

    /// A failed request in kubectl's words. `server` is its `HOST:PORT`.
    pub fn from_kube(error: &kube::Error, server: &str, caller: &Caller) -> Self {
        match error {
            kube::Error::Api(status) => Self::from_status(status, caller),
            kube::Error::UpgradeConnection(kube::client::UpgradeConnectionError::ProtocolSwitch(code)) => {
                Self::from_upgrade(*code)
            }
            kube::Error::Auth(auth) => Self::from_login(auth, None, caller),
            other => Self::from_transport(other, server),
        }
    }

    fn from_status(status: &kube::core::Status, caller: &Caller) -> Self {
        let (kind, text) = match status.reason.as_str() {
            "Unauthorized" => {
                let text = format!("error: You must be logged in to the server ({})", status.message);
                (ErrorKind::Api, text)
            }
            "Invalid" => (ErrorKind::Api, format!("The {}", status.message)),
            "NotFound" => (ErrorKind::NotFound, format!("Error from server (NotFound): {}", status.message)),
            "Forbidden" => (ErrorKind::Forbidden, format!("Error from server (Forbidden): {}", status.message)),
            "" => (of_code(status.code), format!("Error from server: {}", status.message)),
            reason => (of_code(status.code), format!("Error from server ({reason}): {}", status.message)),
        };
        let error = Self::new(kind, text);
        match missing_permission(&status.message, caller) {
            Some(permission) if kind == ErrorKind::Forbidden => error.hint(permission),
            _ => error,
        }
    }

    /// kube drops the body of a refused upgrade: only the status code is known.
    fn from_upgrade(code: http::StatusCode) -> Self {
        let kind = if code == http::StatusCode::FORBIDDEN { ErrorKind::Forbidden } else { of_code(code.as_u16()) };
        Self::new(kind, format!("Error from server: cannot open a stream to the pod ({code})"))
    }

    /// In kubectl's words.
    pub fn no_credentials(why: &str) -> Self {
        Self::new(ErrorKind::Api, format!("Unable to connect to the server: getting credentials: {why}"))
    }

    /// In kubectl's words; `program` is the kubeconfig's exec plugin.
    pub fn from_login(error: &AuthError, program: Option<&str>, caller: &Caller) -> Self {
        let executable = program.map_or_else(|| "the program".to_owned(), |program| format!("executable {program}"));
        let mut output = None;
        let text = match error {
            AuthError::AuthExecStart(io) => format!("exec: {executable} cannot be run: {io}"),
            AuthError::AuthExecRun { out, .. } => {
                output = Some(String::from_utf8_lossy(&out.stderr).trim().to_owned()).filter(|text| !text.is_empty());
                let status = out.status.code().map_or(out.status.to_string(), |code| format!("exit code {code}"));
                format!("exec: {executable} failed with {status}")
            }
            other => chain(other),
        };
        output.into_iter().fold(Self::no_credentials(&text), Self::cause).hint(format!(
            "check the user's entry in your kubeconfig: {}",
            caller.kubectl_without_namespace("config view --minify")
        ))
    }

    fn from_transport(error: &kube::Error, server: &str) -> Self {
        let refused = sources(error)
            .filter_map(|source| source.downcast_ref::<std::io::Error>())
            .any(|io| io.kind() == std::io::ErrorKind::ConnectionRefused);
        if refused {
            let text =
                format!("The connection to the server {server} was refused - did you specify the right host or port?");
            return Self::new(ErrorKind::Unreachable, text);
        }
        let deepest = sources(error).last().map_or_else(|| error.to_string(), ToString::to_string);
        let certificate = sources(error).find_map(|source| match tls_error(source) {
            Some(TlsError::InvalidCertificate(reason)) => Some(x509(reason)),
            _ => None,
        });
        let kind = if certificate.is_some() { ErrorKind::Api } else { ErrorKind::Unreachable };
        let text = match certificate {
            Some(reason) => format!("tls: failed to verify certificate: x509: {reason}"),
            None if deepest == NO_CONNECTION => format!("dial tcp {server}: i/o timeout"),
            None if deepest.contains(NO_SUCH_HOST) => {
                format!("lookup {}: no such host", server.rsplit_once(':').map_or(server, |(host, _)| host))
            }
            None => deepest,
        };
        Self::new(kind, format!("Unable to connect to the server: {text}"))
    }
}

impl fmt::Display for Error {
    /// Message and causes on one line, for a table row or a finding.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        self.causes.iter().try_for_each(|cause| write!(f, ": {cause}"))
    }
}

impl StdError for Error {}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        if error.kind() == std::io::ErrorKind::BrokenPipe {
            Self::new(ErrorKind::BrokenPipe, "the output was closed")
        } else {
            Self::new(ErrorKind::User, format!("cannot write the output: {error}"))
        }
    }
}

/// An API server that is overloaded, starting, or without its store, says so by these.
fn of_code(code: u16) -> ErrorKind {
    if matches!(code, 429 | 500..=599) { ErrorKind::Unavailable } else { ErrorKind::Api }
}

/// The standard library's message for a name without an address.
const NO_SUCH_HOST: &str = "failed to lookup address information";

/// Unwraps a TLS error from (even nested) I/O errors.
fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a TlsError> {
    match error.downcast_ref::<std::io::Error>() {
        Some(wrapped) => tls_error(wrapped.get_ref()?),
        None => error.downcast_ref(),
    }
}

/// tokio's message for a timeout; here, that of the connection.
const NO_CONNECTION: &str = "deadline has elapsed";

/// Go's messages, which users search for.
fn x509(reason: &CertificateError) -> String {
    match reason {
        CertificateError::UnknownIssuer => "certificate signed by unknown authority".into(),
        CertificateError::Expired
        | CertificateError::ExpiredContext { .. }
        | CertificateError::NotValidYet
        | CertificateError::NotValidYetContext { .. } => {
            format!("certificate has expired or is not yet valid: {reason}")
        }
        CertificateError::NotValidForNameContext { expected, presented } => {
            // In debug form: `DnsName("host")`.
            let name = |shown: &String| {
                let inner = shown.split_once('(').map_or(shown.as_str(), |(_, inner)| inner);
                inner.trim_end_matches(')').trim_matches('"').to_owned()
            };
            let names: Vec<String> = presented.iter().map(name).collect();
            format!("certificate is valid for {}, not {}", names.join(", "), expected.to_str())
        }
        other => other.to_string(),
    }
}

fn sources<'a>(error: &'a (dyn StdError + 'static)) -> impl Iterator<Item = &'a (dyn StdError + 'static)> {
    std::iter::successors(Some(error), |each| (*each).source())
}

/// An error and its sources on one line, without repetitions.
pub fn chain(error: &(dyn StdError + 'static)) -> String {
    let mut line = String::new();
    for source in sources(error) {
        let text = source.to_string();
        if line.is_empty() {
            line = text;
        } else if !line.contains(&text) {
            line = format!("{line}: {text}");
        }
    }
    line
}

/// `cannot list resource "pods" in API group "" in the namespace "x"` names the missing permission.
fn missing_permission(message: &str, caller: &Caller) -> Option<String> {
    let (_, rest) = message.split_once(" cannot ")?;
    let (verb, rest) = rest.split_once(" resource \"")?;
    let (resource, rest) = rest.split_once('"')?;
    let namespace = rest.split_once("in the namespace \"").and_then(|(_, name)| name.split('"').next());
    Some(format!("you need permission to {verb} {resource}: {}", caller.may(verb, resource, namespace)))
}

/// As Go prints durations: `5s`, `1.5s`, `2m0s`.
pub fn seconds(duration: Duration) -> String {
    let whole = duration.as_secs();
    match (whole, duration.subsec_millis()) {
        (60.., _) => format!("{}m{}s", whole / 60, whole % 60),
        (_, 0) => format!("{whole}s"),
        (0, millis) => format!("{millis}ms"),
        (_, millis) => format!("{}s", format!("{whole}.{millis:03}").trim_end_matches('0')),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(reason: &str, message: &str) -> kube::Error {
        let mut status = kube::core::Status::failure(message, reason);
        status.code = 400;
        kube::Error::Api(Box::new(status))
    }

    fn headline(reason: &str, message: &str) -> String {
        Error::from_kube(&status(reason, message), "host:6443", &Caller::default()).headline()
    }

    #[test]
    fn the_servers_errors_in_kubectls_words() {
        assert_eq!(headline("NotFound", "pods \"x\" not found"), "Error from server (NotFound): pods \"x\" not found");
        assert_eq!(headline("", "boom"), "Error from server: boom");
        assert_eq!(headline("Unauthorized", "no"), "error: You must be logged in to the server (no)");
        assert_eq!(headline("Invalid", "Pod \"x\" is invalid: spec"), "The Pod \"x\" is invalid: spec");
    }

    #[test]
    fn a_missing_permission_is_named() {
        let message =
            "pods is forbidden: User \"bob\" cannot list resource \"pods\" in API group \"\" in the namespace \"a\"";
        let error = Error::from_kube(&status("Forbidden", message), "", &Caller::default());
        assert_eq!(error.kind(), ErrorKind::Forbidden);
        assert_eq!(error.hints(), ["you need permission to list pods: kubectl auth can-i list pods -n a"]);
        assert_eq!(error.reason(), error.hints()[0]);
        let message = "nodes \"n\" is forbidden: User \"bob\" cannot get resource \"nodes/proxy\" in API group \"\" at the cluster scope";
        let error = Error::from_kube(&status("Forbidden", message), "", &Caller::default());
        assert_eq!(
            error.hints(),
            ["you need permission to get nodes/proxy: kubectl auth can-i get nodes --subresource=proxy -A"]
        );
    }

    #[test]
    fn context_keeps_the_servers_sentence() {
        let error = Error::from_kube(&status("Conflict", "changed"), "", &Caller::default())
            .context("cannot create service \"x\"");
        assert_eq!(error.headline(), "error: cannot create service \"x\"");
        assert_eq!(error.causes(), ["Error from server (Conflict): changed"]);
    }

    #[test]
    fn context_keeps_what_may_pass_apart_from_what_never_does() {
        let of = |code, reason: &str| {
            let mut status = kube::core::Status::failure("so it is", reason);
            status.code = code;
            Error::from_kube(&kube::Error::Api(Box::new(status)), "", &Caller::default()).context("cannot do it")
        };
        let may_pass = [(429, "TooManyRequests"), (500, ""), (503, "ServiceUnavailable"), (504, "Timeout")];
        assert!(may_pass.iter().all(|(code, reason)| of(*code, reason).may_pass()));
        let never = [(401, "Unauthorized"), (403, "Forbidden"), (404, "NotFound"), (409, "Conflict"), (422, "Invalid")];
        assert!(!never.iter().any(|(code, reason)| of(*code, reason).may_pass()));
        assert_eq!(of(403, "Forbidden").kind(), ErrorKind::Forbidden);
        assert_eq!(of(403, "Forbidden").headline(), "error: cannot do it");
        let refused = Error::new(ErrorKind::Refused, "the server rejected the password").context("cannot query a");
        assert_eq!((refused.kind(), refused.may_pass()), (ErrorKind::Refused, false));
    }

    #[test]
    fn durations() {
        let text = |millis| seconds(Duration::from_millis(millis));
        assert_eq!([text(5000), text(1500), text(250), text(300_000)], ["5s", "1.5s", "250ms", "5m0s"]);
    }
}
