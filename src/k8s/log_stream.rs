//! One container's log, opened anew where it broke, without losing or repeating a line.

use super::client::Server;
use super::log_order::{LogLine, Resume};
use super::log_source::{LogOptions, LogSource};
use crate::error::Error;
use futures::{AsyncBufRead, AsyncBufReadExt};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use std::pin::Pin;
use std::time::Duration;

pub(super) type Reader = Pin<Box<dyn AsyncBufRead + Send>>;

/// How often a stream is opened anew before one line has come.
const ATTEMPTS: u32 = 3;

/// # Errors
/// The server's, or a timeout.
pub(super) async fn open(server: &Server, source: &LogSource, parameters: LogParams) -> Result<Reader, Error> {
    let pods: Api<Pod> = Api::namespaced(server.client(), server.namespace());
    let parameters = LogParams { container: Some(source.container.clone()), timestamps: true, ..parameters };
    let opened = server.answer("a pod's log", pods.log_stream(&source.pod, &parameters)).await;
    Ok(Box::pin(opened?))
}

/// What is read from a stream.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Read {
    Line(LogLine),
    /// The container has ended, or has written no more so far.
    End,
    /// Nothing for too long.
    Quiet,
    /// The stream broke, for this reason.
    Broken(String),
}

pub(super) struct LogStream {
    server: Server,
    source: LogSource,
    /// From the beginning.
    parameters: LogParams,
    pub(super) resume: Resume,
    reader: Option<Reader>,
}

impl LogStream {
    pub(super) fn new(server: &Server, source: &LogSource, parameters: LogParams, resume: Resume) -> Self {
        Self { server: server.clone(), source: source.clone(), parameters, resume, reader: None }
    }

    pub(super) fn parameters(options: &LogOptions) -> LogParams {
        LogParams {
            since_time: options.since,
            tail_lines: options.tail,
            previous: options.previous,
            ..LogParams::default()
        }
    }

    /// From the beginning, or after the last line that was read.
    ///
    /// # Errors
    /// The server's, or a timeout.
    pub(super) async fn open(&mut self) -> Result<(), Error> {
        self.resume.reopened();
        let parameters = match self.resume.since() {
            None => self.parameters.clone(),
            // The lines that are left may be more or fewer than were asked for.
            since_time => LogParams { since_time, tail_lines: None, ..self.parameters.clone() },
        };
        self.reader = Some(open(&self.server, &self.source, parameters).await?);
        Ok(())
    }

    /// The next line that was not read before, of an open stream.
    pub(super) async fn read(&mut self, patience: Duration) -> Read {
        loop {
            let Some(reader) = &mut self.reader else { return Read::End };
            let mut bytes = Vec::new();
            match tokio::time::timeout(patience, reader.read_until(b'\n', &mut bytes)).await {
                Err(_) => return Read::Quiet,
                Ok(Err(error)) => return Read::Broken(error.to_string()),
                Ok(Ok(0)) => return Read::End,
                Ok(Ok(_)) => {}
            }
            let line = LogLine::parse(&bytes, self.resume.since());
            if self.resume.is_new(&line) {
                return Read::Line(line);
            }
        }
    }

    /// The next line of a log that is read to its end.
    ///
    /// # Errors
    /// If the stream breaks or hangs again and again.
    pub(super) async fn next(&mut self) -> Result<Option<LogLine>, Error> {
        let patience = self.server.patience();
        let mut attempts = 0;
        loop {
            let why = match self.read(patience).await {
                Read::Line(line) => return Ok(Some(line)),
                Read::End => return Ok(None),
                Read::Quiet => format!("nothing came for {}", crate::error::seconds(patience)),
                Read::Broken(why) => why,
            };
            attempts += 1;
            if attempts == ATTEMPTS {
                return Err(Error::user(format!("its stream was cut off: {why}")));
            }
            self.open().await?;
        }
    }
}
