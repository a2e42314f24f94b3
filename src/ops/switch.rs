//! Changes the mode of one worker's kube-proxy, or restores the old one.

use super::forwarding::{self, Forwarding, ObservedWorker, SYSTEM};
use super::probes::{self, ProbeOptions, measure_between};
use super::rights::{demand, on, stream};
use crate::context::Context;
use crate::error::Error;
use crate::interrupt::or_interrupted;
use crate::k8s::client::Server;
use crate::k8s::log_source::{LogOptions, LogSource};
use crate::k8s::logs::last_line;
use crate::k8s::objects::{Deletion, Run};
use crate::k8s::wait::{Progress, Stage, TimeLimit, until};
use crate::manifest::names::HELPER;
use crate::manifest::object::POD;
use crate::proxy::evidence::flag;
use crate::proxy::forwarder::{Forwarder, command_line};
use crate::proxy::helper::{self, HELPER_CONTAINER, MANIFESTS, Script};
use crate::proxy::mode::Mode;
use crate::proxy::static_pod::{MODE_FLAG, difference, is_kube_proxy, mode_flag, with_mode};
use futures::future::try_join;
use k8s_openapi::api::core::v1::Pod;
use serde_json::Value;
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::time::Instant;

pub struct Task<'a> {
    pub worker: &'a ObservedWorker,
    pub mode: Mode,
    /// The image of the helper pod; None for kube-proxy's own.
    pub image: Option<&'a str>,
    /// The image of the probe pods; None for no measurement.
    pub probe_image: Option<&'a str>,
    pub other: String,
    /// For the whole change; as long again to take it back.
    pub timeout: Duration,
}

#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    Progress(&'a Stage),
    /// A diff, or a message that stays on the screen.
    Note(&'a str),
}

const PAUSE: Duration = Duration::from_millis(300);
/// How long a kubelet may take to recreate a static pod's mirror pod.
const RETURN: Duration = Duration::from_secs(60);
/// How long another mode than the requested one may be that of the old kube-proxy, which is
/// terminating.
const DOUBT: Duration = Duration::from_secs(15);
/// How long the removal of the helper pod may take.
const REMOVAL: Duration = Duration::from_secs(30);

/// The forwarders, and the workers on which an earlier, killed run left its helper. There
/// kube-proxy may be restarting, so this waits for it.
///
/// # Errors
/// The server's, or a timeout.
pub async fn observe(server: &Server) -> Result<(Forwarding, BTreeSet<String>), Error> {
    // A server that cannot be reached at all is not waited for.
    let mut first = Some(try_join(forwarding::observe(server), left_behind(server)).await?);
    let awaited = "kube-proxy to restart after an earlier, aborted run";
    until(TimeLimit::within(RETURN), awaited, PAUSE, async || {
        let (forwarding, left_behind) = match first.take() {
            Some(first) => first,
            None => try_join(forwarding::observe(server), left_behind(server)).await?,
        };
        let reports = forwarding.workers.iter().map(|worker| &worker.report);
        let away: Vec<&str> = reports
            .filter(|report| report.forwarder == Forwarder::Unknown && left_behind.contains(&report.worker))
            .map(|report| report.worker.as_str())
            .collect();
        Ok(match away[..] {
            [] => Progress::Done((forwarding, left_behind)),
            ref workers => Progress::Pending(format!("none on {}", workers.join(", ")).into()),
        })
    })
    .await
}

/// The workers with a helper of an earlier, killed run.
async fn left_behind(server: &Server) -> Result<BTreeSet<String>, Error> {
    let helpers = server.list(POD, Some(SYSTEM), HELPER).await?;
    let worker = |pod: &Value| pod["metadata"]["labels"][HELPER].as_str().map(str::to_owned);
    Ok(helpers.iter().filter_map(worker).collect())
}

/// Checks everything with a server-side dry run.
///
/// # Errors
/// What the server rejects: a missing permission, an admission rule.
pub async fn rehearse(server: &Server, task: &Task<'_>) -> Result<(), Error> {
    let system = server.in_namespace(SYSTEM);
    let helper = on(POD, ["get", "create", "patch", "delete"]);
    let streams = stream("exec").into_iter().chain(stream("portforward"));
    demand(&system, &helper.into_iter().chain(streams).collect::<Vec<_>>()).await?;
    if task.probe_image.is_some() {
        demand(server, &probes::rights()).await?;
    }
    system.apply(&helper_pod(task), Run::ServerDry).await.map(drop)
}

fn helper_pod(task: &Task<'_>) -> crate::manifest::object::Object {
    let own = task.worker.pod.as_ref().and_then(|pod| pod.spec.as_ref()?.containers.first()?.image.as_deref());
    let image = task.image.or(own).unwrap_or_default();
    let lifetime = task.timeout.as_secs() * 4 + 60;
    helper::pod(&task.worker.report.worker, SYSTEM, image, lifetime)
}

/// After a failure or Ctrl-C, restores the worker's old manifest; always removes the helper.
///
/// # Errors
/// What failed, and whether the old manifest was restored.
pub async fn set(context: &Context, task: &Task<'_>, mut tell: impl FnMut(Step<'_>)) -> Result<(), Error> {
    let system = context.server.in_namespace(SYSTEM);
    let deadline = TimeLimit::within(task.timeout);
    let change = ModeChange { context, system, task, deadline, name: helper::name(&task.worker.report.worker) };
    let mut old = None;
    let made = deadline.bound("the mode to change", change.make(&mut old, &mut tell));
    let result = match or_interrupted(made).await {
        Ok(()) => change.measure(&mut tell).await,
        failed => failed,
    };
    let result = match (result, &old) {
        (Ok(()), Some(old)) => change.run(&helper::tidy(&old.file)).await.map(drop),
        (Err(error), Some(old)) => Err(change.take_back(old, error, &mut tell).await),
        (result, None) => result,
    };
    let removed = change.remove_helper(TimeLimit::within(REMOVAL)).await;
    match (result, removed) {
        (result, Ok(())) => result,
        (Ok(()), Err(failure)) => Err(change.left_behind(failure)),
        (Err(error), Err(failure)) => Err(change.left_behind(error.cause(failure.to_string()))),
    }
}

#[derive(Clone)]
struct Manifest {
    file: String,
    text: String,
}

struct ModeChange<'a> {
    context: &'a Context,
    system: Server,
    task: &'a Task<'a>,
    deadline: TimeLimit,
    /// The helper pod's name.
    name: String,
}

impl ModeChange<'_> {
    fn worker(&self) -> &str {
        &self.task.worker.report.worker
    }

    /// All steps except the measurement; `old` is set as soon as there is something to restore.
    async fn make(&self, old: &mut Option<Manifest>, tell: &mut impl FnMut(Step<'_>)) -> Result<(), Error> {
        self.start_helper(tell).await?;
        let (current, kept) = self.manifests().await?;
        if kept.is_some() {
            tell(Step::Note(&format!("{}: continuing an earlier, interrupted change", self.worker())));
            old.clone_from(&kept);
        }
        let path = format!("{MANIFESTS}/{}", current.file);
        let cannot = |why: &dyn std::fmt::Display| Error::user(format!("{}: cannot edit {path}: {why}", self.worker()));
        let edited = with_mode(&current.text, self.task.mode).map_err(|why| cannot(&why))?;
        if edited != current.text {
            let lines = difference(&current.text, &edited).join("\n");
            tell(Step::Note(&format!("{}: {path}\n{lines}", self.worker())));
            let file = current.file.clone();
            old.get_or_insert(current);
            if self.run(&helper::prepare(&file, &edited)).await?.trim_end() != edited.trim_end() {
                return Err(cannot(&"the written file differs from the new manifest"));
            }
            self.run(&helper::commit(&file)).await?;
        }
        self.come_up(tell).await
    }

    async fn start_helper(&self, tell: &mut impl FnMut(Step<'_>)) -> Result<(), Error> {
        self.remove_helper(self.deadline).await?;
        self.system.apply(&helper_pod(self.task), Run::Real).await?;
        let awaited = format!("the helper pod \"{}\" to run", self.name);
        let running = until(self.deadline, &awaited, PAUSE, async || {
            let pod = self.system.get(POD, &self.name).await?.unwrap_or_default();
            let state = &pod["status"]["containerStatuses"][0]["state"];
            let reason = state["waiting"]["reason"].as_str().or(state["terminated"]["reason"].as_str());
            let phase = pod["status"]["phase"].as_str().unwrap_or("Pending");
            if phase == "Running" && !state["running"].is_null() {
                return Ok(Progress::Done(()));
            }
            let text = format!("{}: {}", self.name, reason.unwrap_or(phase));
            if phase == "Failed" || reason.is_some_and(|reason| reason.contains("Error")) {
                let said = state["waiting"]["message"].as_str().or(state["terminated"]["message"].as_str());
                return Err(Error::user(format!("{text}: {}", said.unwrap_or("it does not start"))).hint(
                    "the helper's image must have a shell, cat, cp, mv and rm: specify another one with --image",
                ));
            }
            let stage = Stage::new(format!("{}: starting the helper pod", self.worker()), format!("; {text}"));
            tell(Step::Progress(&stage));
            Ok(Progress::Pending(stage))
        });
        running.await
    }

    /// kube-proxy's manifest, and the old one that an interrupted change kept.
    async fn manifests(&self) -> Result<(Manifest, Option<Manifest>), Error> {
        let files = helper::files(&self.run(&helper::read()).await?);
        let current = files.iter().filter(|(name, text)| !name.starts_with("old/") && is_kube_proxy(text));
        let [(file, text)] = current.collect::<Vec<_>>()[..] else {
            return Err(Error::user(format!(
                "{}: {MANIFESTS} does not have exactly one kube-proxy manifest",
                self.worker()
            )));
        };
        let of = |text: &String| Manifest { file: file.clone(), text: text.clone() };
        let kept = files.iter().find(|(name, _)| *name == format!("old/{file}.old"));
        Ok((of(text), kept.map(|(_, text)| of(text))))
    }

    async fn run(&self, script: &Script) -> Result<String, Error> {
        let ended = self.system.exec(&self.name, HELPER_CONTAINER, &["sh", "-c", &script.text], &script.input).await?;
        match ended.code {
            Some(0) => Ok(ended.out),
            _ => Err(Error::user(format!("{}: the helper pod failed: {}", self.worker(), ended.err.trim()))),
        }
    }

    /// Waits until kube-proxy runs with the new manifest, in the requested mode.
    async fn come_up(&self, tell: &mut impl FnMut(Step<'_>)) -> Result<(), Error> {
        let mode = self.task.mode;
        let awaited = format!("kube-proxy on {} to run in {mode} mode", self.worker());
        let mut wrong_since = None;
        until(self.deadline, &awaited, PAUSE, async || {
            let (pod, seen) = self.kube_proxy().await?;
            let is_new = asked_for(pod.as_ref()).as_deref() == Some(mode.as_str());
            match seen {
                Ok(seen) if is_new && seen == mode => return Ok(Progress::Done(())),
                Ok(seen) if is_new => {
                    let since = *wrong_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= DOUBT {
                        return Err(Error::user(format!(
                            "kube-proxy on {} runs in {seen} mode instead of {mode}",
                            self.worker()
                        ))
                        .hint("a requirement of this mode may be missing on the worker, such as a kernel module"));
                    }
                }
                _ => wrong_since = None,
            }
            if let Some(pod) = pod.as_ref().filter(|pod| is_new && crash_loops(pod)) {
                return Err(self.crash(pod).await);
            }
            let (state, detail) = match seen {
                _ if !is_new => ("the kubelet has not applied the new manifest yet".to_owned(), String::new()),
                Ok(seen) => (format!("kube-proxy runs in {seen} mode"), String::new()),
                Err(why) => ("kube-proxy is starting".to_owned(), format!("; {why}")),
            };
            let stage = Stage::new(format!("{}: {state}", self.worker()), detail);
            tell(Step::Progress(&stage));
            Ok(Progress::Pending(stage))
        })
        .await
    }

    /// A kube-proxy that ended more than once; the last log line is part of the error.
    async fn crash(&self, pod: &Pod) -> Error {
        let (mode, worker) = (self.task.mode, self.worker());
        let error = Error::user(format!("kube-proxy on {worker} crash-loops in {mode} mode"));
        let Some(source) = LogSource::of(pod, &LogOptions::default()) else { return error };
        match last_line(&self.system, &source).await {
            Ok(Some(line)) => error.cause(format!("its last log line: {line}")),
            Ok(None) => error,
            Err(unread) => error.cause(format!("its log cannot be read: {}", unread.reason())),
        }
    }

    /// kube-proxy's mirror pod, and the mode that kube-proxy reports.
    async fn kube_proxy(&self) -> Result<(Option<Pod>, Result<Mode, String>), Error> {
        let Some(name) = self.task.worker.pod.as_ref().and_then(|pod| pod.metadata.name.as_deref()) else {
            return Ok((None, Err("it has no pod".to_owned())));
        };
        let Some(pod) = self.system.get(POD, name).await? else {
            return Ok((None, Err(format!("pod {name} does not exist"))));
        };
        let pod: Pod = serde_json::from_value(pod).map_err(|error| Error::user(format!("pod {name}: {error}")))?;
        let statuses = pod.status.iter().filter_map(|status| status.container_statuses.as_ref()).flatten();
        let state = statuses.filter_map(|status| status.state.as_ref()).next();
        if let Some(waiting) = state.and_then(|state| state.waiting.as_ref()) {
            let why = format!("its container is not running: {}", waiting.reason.as_deref().unwrap_or("waiting"));
            return Ok((Some(pod), Err(why)));
        }
        let answer = forwarding::ask(&self.system, &pod).await;
        let mode = answer.mode.ok_or(answer.says);
        Ok((Some(pod), mode))
    }

    /// Checks that Services still forward from this worker, and preserve the source IP if the mode
    /// does.
    async fn measure(&self, tell: &mut impl FnMut(Step<'_>)) -> Result<(), Error> {
        let Some(image) = self.task.probe_image else { return Ok(()) };
        let workers = [self.worker().to_owned(), self.task.other.clone()];
        let options = ProbeOptions { image: image.to_owned(), deadline: self.deadline };
        let measured = measure_between(self.context, &workers, &options, |stage| tell(Step::Progress(stage))).await;
        for each in measured?.iter().filter(|each| each.from.worker == self.worker()) {
            let cannot =
                |why: String| Err(Error::user(format!("from {} to {}: {why}", each.from.worker, each.to.worker)));
            match (&each.seen, self.task.mode.keeps_source()) {
                (Err(why), _) => return cannot(format!("the Service does not forward: {why}")),
                (Ok(seen), Some(true)) if each.is_kept() == Some(false) => {
                    return cannot(format!("the source IP {} is still rewritten to {seen}", each.expected));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Restores the old manifest and waits for its kube-proxy; adds the worker's state to the
    /// error.
    async fn take_back(&self, old: &Manifest, error: Error, tell: &mut impl FnMut(Step<'_>)) -> Error {
        let (worker, file) = (self.worker(), &old.file);
        tell(Step::Note(&format!("{worker}: restoring the old manifest")));
        if let Err(failure) = self.run(&helper::restore(file)).await {
            return error.cause(failure.to_string()).hint(format!(
                "{worker} may still have the new manifest; run the same command again, or restore the old one manually from /etc/kubernetes/kubectl-redis-cluster/{file}.old"
            ));
        }
        let awaited = format!("the old kube-proxy on {worker}");
        let back = until(TimeLimit::within(self.task.timeout), &awaited, PAUSE, async || {
            let (pod, mode) = self.kube_proxy().await?;
            let is_old = pod.is_some() && asked_for(pod.as_ref()) == mode_flag(&old.text);
            Ok(match mode {
                Ok(mode) if is_old => Progress::Done(mode),
                Ok(mode) => Progress::Pending(format!("it runs in {mode} mode").into()),
                Err(why) => Progress::Pending(why.into()),
            })
        });
        match back.await {
            Ok(mode) => {
                error.hint(format!("{worker} has its old manifest again, and its kube-proxy runs in {mode} mode"))
            }
            Err(failure) => {
                let words = format!("get pods -o wide --field-selector spec.nodeName={worker}");
                let see = self.system.caller().kubectl(&words);
                error
                    .cause(failure.to_string())
                    .hint(format!("{worker} has its old manifest again, but its kube-proxy is not running yet: {see}"))
            }
        }
    }

    /// Also if there is none; waits until it is gone, because its name is reused.
    async fn remove_helper(&self, deadline: TimeLimit) -> Result<(), Error> {
        let options = Deletion { run: Run::Real, grace_period: Some(0) };
        let awaited = format!("the helper pod \"{}\" to be deleted", self.name);
        until(deadline, &awaited, PAUSE, async || {
            let is_there = self.system.delete(POD, &self.name, &options).await?;
            Ok(match is_there && self.system.get(POD, &self.name).await?.is_some() {
                false => Progress::Done(()),
                true => Progress::Pending("it still exists".into()),
            })
        })
        .await
    }

    /// A privileged pod must not stay unnoticed.
    fn left_behind(&self, error: Error) -> Error {
        let (name, worker) = (&self.name, self.worker());
        let remove = self.system.caller().kubectl(&format!("delete pod {name} --grace-period=0 --force"));
        error.hint(format!(
            "the privileged helper pod \"{name}\" may still run on {worker}; to remove it, run: {remove}"
        ))
    }
}

/// Whether the kubelet waits before it starts a container again that has ended more than once.
fn crash_loops(pod: &Pod) -> bool {
    let statuses = pod.status.iter().filter_map(|status| status.container_statuses.as_ref()).flatten();
    let mut reasons = statuses.filter_map(|status| status.state.as_ref()?.waiting.as_ref()?.reason.as_deref());
    reasons.any(|reason| reason == "CrashLoopBackOff")
}

/// The mode in the command line of kube-proxy's mirror pod.
fn asked_for(pod: Option<&Pod>) -> Option<String> {
    flag(&command_line(pod?), MODE_FLAG).map(str::to_owned)
}
