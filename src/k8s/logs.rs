//! Logs of many containers as one stream of lines, in time order.

use super::client::Server;
use super::log_order::{LogLine, Order, Resume};
use super::server_container::{ServerChoice, server_container};
use super::wait::{Progress, TimeLimit, until};
use crate::error::{Error, ErrorKind};
use futures::stream::FuturesUnordered;
use futures::{AsyncBufRead, AsyncBufReadExt, StreamExt, TryStreamExt};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use kube::runtime::{WatchStreamExt, watcher};
use std::collections::BTreeSet;
use std::pin::Pin;
use std::time::Duration;
use tokio::sync::mpsc;

/// Options with the meanings of `kubectl logs`.
#[derive(Clone, Debug, Default)]
pub struct LogOptions {
    /// None for the server's container.
    pub container: Option<String>,
    /// Which container is the server's.
    pub choice: ServerChoice,
    pub since: Option<Timestamp>,
    /// Lines of recent log to show per container.
    pub tail: Option<i64>,
    /// The previous container's log.
    pub previous: bool,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogSource {
    pub pod: String,
    pub container: String,
    /// The pod's UID: a StatefulSet's next pod has the same name.
    pub uid: String,
}

#[derive(Debug)]
pub enum LogEvent {
    Line(usize, LogLine),
    /// A new source, with the next number.
    Source(LogSource),
    /// A message for standard error.
    Note(String),
}

impl LogSource {
    pub fn of(pod: &Pod, options: &LogOptions) -> Option<Self> {
        let container =
            options.container.clone().or_else(|| Some(server_container(pod, &options.choice)?.name.clone()))?;
        Some(Self { pod: pod.metadata.name.clone()?, container, uid: pod.metadata.uid.clone().unwrap_or_default() })
    }
}

type Reader = Pin<Box<dyn AsyncBufRead + Send>>;

type Opened = Result<Reader, Error>;

/// How long live lines wait for earlier lines of slower sources.
const PACE: Duration = Duration::from_millis(8);

#[derive(Clone)]
pub struct Logs {
    server: Server,
    pods: Api<Pod>,
    options: LogOptions,
}

impl Logs {
    pub fn new(server: &Server, options: LogOptions) -> Self {
        let pods = Api::namespaced(server.client(), server.namespace());
        Self { server: server.clone(), pods, options }
    }

    async fn open(&self, source: &LogSource, parameters: LogParams) -> Opened {
        let parameters = LogParams { container: Some(source.container.clone()), timestamps: true, ..parameters };
        let opened = self.server.answer("a pod's log", self.pods.log_stream(&source.pod, &parameters)).await;
        Ok(Box::pin(opened?))
    }

    fn parameters(&self) -> LogParams {
        LogParams {
            since_time: self.options.since,
            tail_lines: self.options.tail,
            previous: self.options.previous,
            ..LogParams::default()
        }
    }

    /// The current logs in time order; returns where each source ended.
    ///
    /// A container without a log becomes a note. Memory use is bounded: one line of
    /// each source.
    ///
    /// # Errors
    /// If no log could be opened, or `each` fails.
    pub async fn read(
        &self,
        sources: &[LogSource],
        mut each: impl FnMut(LogEvent) -> Result<(), Error>,
    ) -> Result<Vec<Resume>, Error> {
        let opened = futures::future::join_all(sources.iter().map(|source| self.open(source, self.parameters()))).await;
        let mut failures = Vec::new();
        let mut readers: Vec<Option<Reader>> = Vec::new();
        for (source, opened) in sources.iter().zip(opened) {
            readers.push(opened.map_err(|error| failures.push((source, error))).ok());
        }
        if failures.len() == sources.len()
            && let Some((_, error)) = failures.pop()
        {
            return Err(error);
        }
        for (source, error) in failures {
            each(LogEvent::Note(format!("no logs from {}: {error}", source.pod)))?;
        }
        let mut resumes = vec![Resume::default(); sources.len()];
        let mut order = Order::default();
        for (index, reader) in readers.iter_mut().enumerate() {
            advance(&mut order, index, reader, &mut resumes[index]).await?;
        }
        while let Some((index, line)) = order.pop() {
            each(LogEvent::Line(index, line))?;
            advance(&mut order, index, &mut readers[index], &mut resumes[index]).await?;
        }
        Ok(resumes)
    }

    /// The same, and then every new line, also from restarted containers and
    /// new pods that `selector` selects. Ends only if `each` fails.
    ///
    /// # Errors
    /// What `each` returns, or if pods cannot be read or watched.
    pub async fn follow(
        &self,
        sources: Vec<LogSource>,
        selector: &str,
        wanted: impl Fn(&Pod) -> bool,
        mut each: impl FnMut(LogEvent) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let resumes = match self.read(&sources, &mut each).await {
            Err(error) if error.kind() == ErrorKind::Forbidden => return Err(error),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => return Err(error),
            Ok(resumes) => resumes,
            Err(_) => vec![Resume::default(); sources.len()],
        };
        let (sender, mut events) = mpsc::channel(1024);
        let mut followers = FuturesUnordered::new();
        let mut known = BTreeSet::new();
        for (index, (source, resume)) in sources.into_iter().zip(resumes).enumerate() {
            known.insert(source.uid.clone());
            followers.push(self.follower(index, source, resume, &sender).run());
        }
        let watch = watcher(self.pods.clone(), watcher::Config::default().labels(selector));
        let mut pods = std::pin::pin!(watch.default_backoff().applied_objects());
        let mut order = Order::default();
        let mut ticks = tokio::time::interval(PACE);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                Some(event) = events.recv() => match event {
                    LogEvent::Line(index, line) => order.push(index, line),
                    other => each(other)?,
                },
                Some(ended) = followers.next() => ended?,
                _ = ticks.tick(), if !order.is_empty() => {
                    order.tick().into_iter().try_for_each(|(index, line)| each(LogEvent::Line(index, line)))?;
                }
                Some(pod) = pods.next() => match pod {
                    Ok(pod) => {
                        let source = LogSource::of(&pod, &self.options).filter(|source| wanted(&pod) && has_started(&pod, source));
                        if let Some(source) = source.filter(|source| known.insert(source.uid.clone())) {
                            each(LogEvent::Source(source.clone()))?;
                            let follower = self.follower(known.len() - 1, source, Resume::default(), &sender);
                            followers.push(follower.run());
                        }
                    }
                    Err(watcher::Error::WatchStartFailed(error) | watcher::Error::InitialListFailed(error))
                        if self.server.error(&error).kind() == ErrorKind::Forbidden => return Err(self.server.error(&error)),
                    // Temporary: the watch restarts itself.
                    Err(_) => {}
                },
            }
        }
    }

    fn follower(&self, index: usize, source: LogSource, resume: Resume, events: &mpsc::Sender<LogEvent>) -> Follower {
        Follower { logs: self.clone(), index, source, resume, events: events.clone() }
    }
}

async fn advance(
    order: &mut Order,
    index: usize,
    reader: &mut Option<Reader>,
    resume: &mut Resume,
) -> Result<(), Error> {
    let Some(open) = reader else { return Ok(()) };
    let mut bytes = Vec::new();
    let read = open.read_until(b'\n', &mut bytes).await;
    if read.map_err(|error| Error::user(format!("a log stream was cut off: {error}")))? == 0 {
        *reader = None;
        return Ok(());
    }
    let line = LogLine::parse(&bytes, resume.since());
    resume.is_new(&line);
    order.push(index, line);
    Ok(())
}

/// Whether a container may have written something.
fn has_started(pod: &Pod, source: &LogSource) -> bool {
    restarts(pod, source).is_some()
}

/// None if the container has not started yet.
fn restarts(pod: &Pod, source: &LogSource) -> Option<i32> {
    let statuses = pod.status.as_ref()?.container_statuses.as_deref()?;
    let status = statuses.iter().find(|status| status.name == source.container)?;
    let state = status.state.as_ref()?;
    (state.running.is_some() || state.terminated.is_some() || status.restart_count > 0).then_some(status.restart_count)
}

/// Follows one container through its restarts, until its pod is gone.
struct Follower {
    logs: Logs,
    index: usize,
    source: LogSource,
    resume: Resume,
    events: mpsc::Sender<LogEvent>,
}

/// Poll interval while a container is not running.
const POLL: Duration = Duration::from_millis(300);
/// How long to wait for a container to restart: longer than the maximum back-off of a crash loop
/// (5 minutes).
const RESTART_TIMEOUT: Duration = Duration::from_secs(600);

impl Follower {
    /// Fails only without permission to get the pod.
    async fn run(mut self) -> Result<(), Error> {
        let mut run = match self.restart_count().await {
            Err(error) if error.kind() == ErrorKind::Forbidden => return Err(error),
            run => run.ok().flatten(),
        };
        loop {
            if self.copy(LogParams { follow: true, ..LogParams::default() }).await.is_err() {
                return Ok(());
            }
            let Ok(next) = self.next_run(run).await else { return Ok(()) };
            // The last lines of the terminated container may be missing.
            if next != run && self.copy(LogParams { previous: true, ..LogParams::default() }).await.is_err() {
                return Ok(());
            }
            run = next;
        }
    }

    /// Sends all new lines of one stream. Fails only if the receiver is gone.
    async fn copy(&mut self, parameters: LogParams) -> Result<(), mpsc::error::SendError<LogEvent>> {
        self.resume.reopened();
        let parameters = match self.resume.since() {
            None => LogParams { since_time: self.logs.options.since, tail_lines: self.logs.options.tail, ..parameters },
            since_time => LogParams { since_time, ..parameters },
        };
        let Ok(mut reader) = self.logs.open(&self.source, parameters).await else { return Ok(()) };
        loop {
            let mut bytes = Vec::new();
            if !matches!(reader.read_until(b'\n', &mut bytes).await, Ok(1..)) {
                return Ok(());
            }
            let line = LogLine::parse(&bytes, self.resume.since());
            if self.resume.is_new(&line) {
                self.events.send(LogEvent::Line(self.index, line)).await?;
            }
        }
    }

    async fn restart_count(&self) -> Result<Option<i32>, Error> {
        let pod = self.logs.pods.get_opt(&self.source.pod);
        let pod = self.logs.server.answer("a pod", pod).await?;
        let same = pod.filter(|pod| pod.metadata.uid.as_deref() == Some(&self.source.uid));
        let gone = || Error::new(ErrorKind::NotFound, "the pod is gone");
        Ok(restarts(&same.ok_or_else(gone)?, &self.source))
    }

    /// Waits until the container is running, again or still. A deleted pod is an error.
    async fn next_run(&self, run: Option<i32>) -> Result<Option<i32>, Error> {
        let mut same = 0;
        until(TimeLimit::within(RESTART_TIMEOUT), "the container to run again", POLL, async || {
            match self.restart_count().await {
                Ok(next) if next != run => Ok(Progress::Done(next)),
                // Only the stream was lost, or the pod is terminating: reopen it after a while.
                Ok(next) if same == 3 => Ok(Progress::Done(next)),
                Ok(_) => {
                    same += 1;
                    Ok(Progress::Pending("it has not".into()))
                }
                Err(error) if error.kind() == ErrorKind::NotFound => Err(error),
                Err(error) => Ok(Progress::Pending(error.to_string().into())),
            }
        })
        .await
    }
}

/// The last log line of a container, or of its previous run; none if it has
/// written nothing.
///
/// # Errors
/// If its log cannot be read.
pub async fn last_line(server: &Server, source: &LogSource) -> Result<Option<String>, Error> {
    let logs = Logs::new(server, LogOptions { tail: Some(1), ..LogOptions::default() });
    let reader = logs.open(source, logs.parameters()).await?;
    let lines: Result<Vec<String>, _> = reader.lines().try_collect().await;
    let lines = lines.map_err(|error| Error::user(format!("a log stream was cut off: {error}")))?;
    let text = |line: &String| line.split_once(' ').map_or(line.as_str(), |(_, text)| text).to_owned();
    Ok(lines.last().map(text))
}
