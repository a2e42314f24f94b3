//! Logs of many containers as one stream of lines, in time order.

use super::client::Server;
use super::log_order::{LogLine, Order, Resume};
use super::log_source::{LogOptions, LogSource};
use super::log_stream::{LogStream, Read, open};
use super::wait::{Progress, TimeLimit, until};
use crate::error::{Error, ErrorKind};
use futures::future::join_all;
use futures::stream::FuturesUnordered;
use futures::{AsyncBufReadExt, StreamExt, TryStreamExt};
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::LogParams;
use kube::runtime::{WatchStreamExt, watcher};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::sync::mpsc;

#[derive(Debug)]
pub enum LogEvent {
    Line(usize, LogLine),
    /// A new source, with the next number.
    Source(LogSource),
    /// A message for standard error.
    Note(String),
}

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

    /// The current logs in time order; returns where each source ended.
    ///
    /// A container without a log, and one whose log breaks off, becomes a note. Memory use is
    /// bounded: one line of each source.
    ///
    /// # Errors
    /// If no log could be opened, or `each` fails.
    pub async fn read(
        &self,
        sources: &[LogSource],
        mut each: impl FnMut(LogEvent) -> Result<(), Error>,
    ) -> Result<Vec<Resume>, Error> {
        let (mut streams, mut failures) = self.open_all(sources).await;
        if failures.len() == sources.len()
            && let Some((_, error)) = failures.pop()
        {
            return Err(error);
        }
        for (source, error) in failures {
            each(LogEvent::Note(format!("no logs from {}: {error}", source.pod)))?;
        }
        merge(sources, &mut streams, &mut each).await?;
        Ok(streams.into_iter().map(|stream| stream.resume).collect())
    }

    /// Those that cannot be opened have no lines.
    async fn open_all<'a>(&self, sources: &'a [LogSource]) -> (Vec<LogStream>, Vec<(&'a LogSource, Error)>) {
        let parameters = LogStream::parameters(&self.options);
        let opened = join_all(sources.iter().map(async |source| {
            let mut stream = LogStream::new(&self.server, source, parameters.clone(), Resume::default());
            let opened = stream.open().await;
            (stream, opened.err().map(|error| (source, error)))
        }));
        let (streams, failures): (Vec<_>, Vec<_>) = opened.await.into_iter().unzip();
        (streams, failures.into_iter().flatten().collect())
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
        let (mut streams, mut failures) = self.open_all(&sources).await;
        if failures.len() == sources.len()
            && let Some((_, error)) = failures.pop_if(|(_, error)| error.kind() == ErrorKind::Forbidden)
        {
            return Err(error);
        }
        for (source, error) in failures {
            each(LogEvent::Note(format!("no logs from {} yet: {error}", source.pod)))?;
        }
        merge(&sources, &mut streams, &mut each).await?;
        let resumes = streams.into_iter().map(|stream| stream.resume);
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
        Follower { logs: self.clone(), index, source, resume, is_told: false, events: events.clone() }
    }
}

/// All lines of all streams in time order. One that breaks for good is told; the others go on.
async fn merge(
    sources: &[LogSource],
    streams: &mut [LogStream],
    each: &mut impl FnMut(LogEvent) -> Result<(), Error>,
) -> Result<(), Error> {
    let mut order = Order::default();
    let first = join_all(streams.iter_mut().map(LogStream::next)).await;
    for (index, next) in first.into_iter().enumerate() {
        take(&mut order, (index, &sources[index]), next, each)?;
    }
    while let Some((index, line)) = order.pop() {
        each(LogEvent::Line(index, line))?;
        let next = streams[index].next().await;
        take(&mut order, (index, &sources[index]), next, each)?;
    }
    Ok(())
}

fn take(
    order: &mut Order,
    (index, source): (usize, &LogSource),
    next: Result<Option<LogLine>, Error>,
    each: &mut impl FnMut(LogEvent) -> Result<(), Error>,
) -> Result<(), Error> {
    match next {
        Ok(Some(line)) => order.push(index, line),
        Ok(None) => {}
        Err(error) => each(LogEvent::Note(format!("the log of {} breaks off here: {error}", source.pod)))?,
    }
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
    /// That its log cannot be opened now.
    is_told: bool,
    events: mpsc::Sender<LogEvent>,
}

/// How long a followed log may say nothing before it is opened anew: a stream that hangs looks like a
/// server that has nothing to say.
const QUIET: Duration = Duration::from_secs(60);
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

    /// Sends all new lines until the container ends or the stream breaks; `next_run` finds out which.
    /// Fails only if the receiver is gone.
    async fn copy(&mut self, parameters: LogParams) -> Result<(), mpsc::error::SendError<LogEvent>> {
        let options = &self.logs.options;
        let parameters = LogParams { since_time: options.since, tail_lines: options.tail, ..parameters };
        let mut stream = LogStream::new(&self.logs.server, &self.source, parameters, self.resume.clone());
        let mut is_open = false;
        loop {
            if !is_open && let Err(error) = stream.open().await {
                return self.tell(&error).await;
            }
            (is_open, self.is_told) = (true, false);
            match stream.read(QUIET).await {
                Read::Line(line) => {
                    self.resume = stream.resume.clone();
                    self.events.send(LogEvent::Line(self.index, line)).await?;
                }
                // It may hang.
                Read::Quiet => is_open = false,
                Read::End | Read::Broken(_) => return Ok(()),
            }
        }
    }

    /// That a log cannot be opened, once until it can. One of a container that has not started yet is
    /// no news.
    async fn tell(&mut self, error: &Error) -> Result<(), mpsc::error::SendError<LogEvent>> {
        if self.is_told || !(error.may_pass() || error.kind() == ErrorKind::Forbidden) {
            return Ok(());
        }
        self.is_told = true;
        self.events.send(LogEvent::Note(format!("no new lines from {} for now: {error}", self.source.pod))).await
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
    let reader = open(server, source, LogParams { tail_lines: Some(1), ..LogParams::default() }).await?;
    let lines: Result<Vec<String>, _> = reader.lines().try_collect().await;
    let lines = lines.map_err(|error| Error::user(format!("a log stream was cut off: {error}")))?;
    let text = |line: &String| line.split_once(' ').map_or(line.as_str(), |(_, text)| text).to_owned();
    Ok(lines.last().map(text))
}
