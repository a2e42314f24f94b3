//! Gives one worker's kube-proxy another mode, or leaves the worker as it was.

use super::forwarding::{self, Forwarding, ObservedWorker, SYSTEM};
use super::probes::{self, Wish, measure_between};
use super::rights::{demand, on, stream};
use crate::context::Context;
use crate::error::Error;
use crate::interrupt::or_interrupted;
use crate::k8s::client::Server;
use crate::k8s::objects::{Deletion, Run};
use crate::k8s::wait::{Progress, until};
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

/// What is to be done on a worker.
pub struct Task<'a> {
    /// The worker.
    pub worker: &'a ObservedWorker,
    /// The mode that it shall have.
    pub mode: Mode,
    /// The image of the helper pod; kube-proxy's own where none is named.
    pub image: Option<&'a str>,
    /// The image of the pods to measure between; none where nothing is measured.
    pub probe_image: Option<&'a str>,
    /// A second worker to measure with.
    pub other: String,
    /// The longest for each step.
    pub deadline: Duration,
}

/// What is told on the way.
#[derive(Clone, Copy, Debug)]
pub enum Step<'a> {
    /// How far it is.
    Progress(&'a str),
    /// Lines of a difference, or a sentence that should stay on the screen.
    Note(&'a str),
}

const PAUSE: Duration = Duration::from_millis(300);
/// How long a kubelet may take to make a static pod's mirror anew.
const RETURN: Duration = Duration::from_secs(60);
/// How long another mode than the one asked for is taken for the old kube-proxy's, which
/// ends.
const DOUBT: Duration = Duration::from_secs(15);

/// What forwards on each worker, and the workers that an earlier run, ended by force, left in the
/// middle. There kube-proxy may be on its way back at this moment: that is waited for.
///
/// # Errors
/// The server's, or that it does not come back.
pub async fn look(server: &Server) -> Result<(Forwarding, BTreeSet<String>), Error> {
    until(RETURN, "kube-proxy to come back where an earlier run was ended", PAUSE, async || {
        let (forwarding, left_behind) = try_join(forwarding::observe(server), left_behind(server)).await?;
        let reports = forwarding.workers.iter().map(|worker| &worker.report);
        let away: Vec<&str> = reports
            .filter(|report| report.forwarder == Forwarder::Unknown && left_behind.contains(&report.worker))
            .map(|report| report.worker.as_str())
            .collect();
        Ok(match away[..] {
            [] => Progress::Done((forwarding, left_behind)),
            ref workers => Progress::Pending(format!("none on {}", workers.join(", "))),
        })
    })
    .await
}

/// The helpers of an earlier run that was ended by force: their workers.
async fn left_behind(server: &Server) -> Result<BTreeSet<String>, Error> {
    let helpers = server.list(POD, Some(SYSTEM), HELPER).await?;
    let worker = |pod: &Value| pod["metadata"]["labels"][HELPER].as_str().map(str::to_owned);
    Ok(helpers.iter().filter_map(worker).collect())
}

/// Lets the server judge everything that will be needed, without making it.
///
/// # Errors
/// What it refuses: a missing right, an admission rule.
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
    let lifetime = task.deadline.as_secs() * 4 + 60;
    helper::pod(&task.worker.report.worker, SYSTEM, image, lifetime)
}

/// Sets the mode. After a failure or Ctrl-C the worker has its old manifest again; in any
/// case no helper is left.
///
/// # Errors
/// What went wrong, and whether the worker is as it was.
pub async fn set(context: &Context, task: &Task<'_>, mut tell: impl FnMut(Step<'_>)) -> Result<(), Error> {
    let system = context.server.in_namespace(SYSTEM);
    let change = ModeChange { context, system, task, name: helper::name(&task.worker.report.worker) };
    let mut old = None;
    let result = match or_interrupted(change.make(&mut old, &mut tell)).await {
        Ok(()) => change.measure(&mut tell).await,
        failed => failed,
    };
    let result = match (result, &old) {
        (Ok(()), Some(old)) => change.run(&helper::tidy(&old.file)).await.map(drop),
        (Err(error), Some(old)) => Err(change.take_back(old, error, &mut tell).await),
        (result, None) => result,
    };
    let removed = change.remove_helper().await;
    result.and(removed)
}

/// A manifest on the worker.
#[derive(Clone)]
struct Manifest {
    /// The file's name.
    file: String,
    text: String,
}

struct ModeChange<'a> {
    context: &'a Context,
    system: Server,
    task: &'a Task<'a>,
    /// The helper pod.
    name: String,
}

impl ModeChange<'_> {
    fn worker(&self) -> &str {
        &self.task.worker.report.worker
    }

    /// All steps but the measurement; `old` is what there is to go back to from the moment
    /// on in which something may differ from it.
    async fn make(&self, old: &mut Option<Manifest>, tell: &mut impl FnMut(Step<'_>)) -> Result<(), Error> {
        self.start_helper(tell).await?;
        let (current, kept) = self.manifests().await?;
        if kept.is_some() {
            tell(Step::Note(&format!("{}: an earlier change was interrupted: going on with it", self.worker())));
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
                return Err(cannot(&"what was written is not what is on the disk"));
            }
            self.run(&helper::commit(&file)).await?;
        }
        self.come_up(tell).await
    }

    async fn start_helper(&self, tell: &mut impl FnMut(Step<'_>)) -> Result<(), Error> {
        self.remove_helper().await?;
        self.system.apply(&helper_pod(self.task), Run::Real).await?;
        let awaited = format!("the helper pod \"{}\" to run", self.name);
        let running = until(self.task.deadline, &awaited, PAUSE, async || {
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
                return Err(Error::user(format!("{text}: {}", said.unwrap_or("it does not start")))
                    .hint("the helper's image must have a shell, cat, cp, mv and rm: name another with --image"));
            }
            tell(Step::Progress(&text));
            Ok(Progress::Pending(text))
        });
        running.await
    }

    /// The manifest of kube-proxy, and the one that an interrupted change has kept.
    async fn manifests(&self) -> Result<(Manifest, Option<Manifest>), Error> {
        let files = helper::files(&self.run(&helper::read()).await?);
        let current = files.iter().filter(|(name, text)| !name.starts_with("old/") && is_kube_proxy(text));
        let [(file, text)] = current.collect::<Vec<_>>()[..] else {
            return Err(Error::user(format!(
                "{}: {MANIFESTS} does not have just one manifest of kube-proxy",
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

    /// Waits for a kube-proxy made of the new manifest, in the mode asked for.
    async fn come_up(&self, tell: &mut impl FnMut(Step<'_>)) -> Result<(), Error> {
        let mode = self.task.mode;
        let awaited = format!("kube-proxy on {} to run in {mode} mode", self.worker());
        let mut wrong_since = None;
        until(self.task.deadline, &awaited, PAUSE, async || {
            let (pod, seen) = self.kube_proxy().await?;
            let is_new = asked_for(pod.as_ref()).as_deref() == Some(mode.as_str());
            match seen {
                Ok(seen) if is_new && seen == mode => return Ok(Progress::Done(())),
                Ok(seen) if is_new => {
                    let since = *wrong_since.get_or_insert_with(Instant::now);
                    if since.elapsed() >= DOUBT {
                        return Err(Error::user(format!(
                            "kube-proxy on {} runs in {seen} mode although it was asked for {mode}",
                            self.worker()
                        ))
                        .hint("what this mode needs may be missing on the worker, such as a module of its kernel"));
                    }
                }
                _ => wrong_since = None,
            }
            let text = match seen {
                Ok(seen) if is_new => format!("it runs in {seen} mode"),
                _ if !is_new => "the new manifest is not yet taken up".to_owned(),
                Ok(seen) => format!("it runs in {seen} mode"),
                Err(why) => why,
            };
            tell(Step::Progress(&format!("{}: {text}", self.worker())));
            Ok(Progress::Pending(text))
        })
        .await
    }

    /// The pod that the worker shows for its kube-proxy, and the mode that it answers.
    async fn kube_proxy(&self) -> Result<(Option<Pod>, Result<Mode, String>), Error> {
        let Some(name) = self.task.worker.pod.as_ref().and_then(|pod| pod.metadata.name.as_deref()) else {
            return Ok((None, Err("it has no pod".to_owned())));
        };
        let Some(pod) = self.system.get(POD, name).await? else {
            return Ok((None, Err(format!("pod {name} is not there"))));
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

    /// Whether Services still forward from this worker, and keep the source where the mode
    /// does.
    async fn measure(&self, tell: &mut impl FnMut(Step<'_>)) -> Result<(), Error> {
        let Some(image) = self.task.probe_image else { return Ok(()) };
        let workers = [self.worker().to_owned(), self.task.other.clone()];
        let wish = Wish { image: image.to_owned(), deadline: self.task.deadline };
        let measured = measure_between(self.context, &workers, &wish, |text| tell(Step::Progress(text))).await;
        for each in measured?.iter().filter(|each| each.from.worker == self.worker()) {
            let cannot =
                |why: String| Err(Error::user(format!("from {} to {}: {why}", each.from.worker, each.to.worker)));
            match (&each.seen, self.task.mode.keeps_source()) {
                (Err(why), _) => return cannot(format!("the Service does not forward: {why}")),
                (Ok(seen), Some(true)) if each.is_kept() == Some(false) => {
                    return cannot(format!("the source {} is still seen as {seen}", each.expected));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Puts the old manifest back and waits for the kube-proxy that it makes; adds to the
    /// error how the worker is left.
    async fn take_back(&self, old: &Manifest, error: Error, tell: &mut impl FnMut(Step<'_>)) -> Error {
        let (worker, file) = (self.worker(), &old.file);
        tell(Step::Note(&format!("{worker}: putting the old manifest back")));
        if let Err(failure) = self.run(&helper::restore(file)).await {
            return error.cause(failure.to_string()).hint(format!(
                "{worker} may have the new manifest still; the same command begins anew there, or put the old one back by hand: /etc/kubernetes/kubectl-redis-cluster/{file}.old"
            ));
        }
        let awaited = format!("the old kube-proxy on {worker}");
        let back = until(self.task.deadline, &awaited, PAUSE, async || {
            let (pod, mode) = self.kube_proxy().await?;
            let is_old = pod.is_some() && asked_for(pod.as_ref()) == mode_flag(&old.text);
            Ok(match mode {
                Ok(mode) if is_old => Progress::Done(mode),
                Ok(mode) => Progress::Pending(format!("it runs in {mode} mode")),
                Err(why) => Progress::Pending(why),
            })
        });
        match back.await {
            Ok(mode) => error.hint(format!("{worker} has its old manifest again, and its kube-proxy runs in {mode} mode")),
            Err(failure) => error.cause(failure.to_string()).hint(format!(
                "{worker} has its old manifest again, but its kube-proxy was not seen to run: kubectl -n {SYSTEM} get pods -o wide --field-selector spec.nodeName={worker}"
            )),
        }
    }

    /// Whether there was one or not; waits until it is gone, for the name is used again.
    async fn remove_helper(&self) -> Result<(), Error> {
        let options = Deletion { run: Run::Real, grace_period: Some(0) };
        self.system.delete(POD, &self.name, &options).await?;
        until(self.task.deadline, &format!("the helper pod \"{}\" to go", self.name), PAUSE, async || {
            Ok(match self.system.get(POD, &self.name).await? {
                None => Progress::Done(()),
                Some(_) => Progress::Pending("it is still there".to_owned()),
            })
        })
        .await
    }
}

/// The mode in the command line of kube-proxy's pod, which the kubelet made of its manifest.
fn asked_for(pod: Option<&Pod>) -> Option<String> {
    flag(&command_line(pod?), MODE_FLAG).map(str::to_owned)
}
