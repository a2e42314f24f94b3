//! `set-gke-proxy-mode`: gives kube-proxy another mode, worker by worker.

use super::choice::{Word, one_of};
use super::verb::{Invocation, Running, Verb, done};
use crate::context::Context;
use crate::duration;
use crate::error::{Error, ErrorKind};
use crate::interrupt::or_interrupted;
use crate::k8s::live_values::LiveValues;
use crate::k8s::wait::TimeLimit;
use crate::ops::forwarding::{Forwarding, ObservedWorker, is_ready};
use crate::ops::probes::{ProbeOptions, measure_between};
use crate::ops::switch::{self, Step, Task};
use crate::proxy::evidence::flag;
use crate::proxy::forwarder::command_line;
use crate::proxy::mode::Mode;
use crate::proxy::provider::{Provider, refuse};
use crate::proxy::static_pod::MODE_FLAG;
use crate::ui::terminal::Ui;
use std::collections::BTreeSet;
use std::time::Duration;

/// Set kube-proxy's mode on GKE workers, through the API server
///
/// On one worker after the other, a short-lived privileged pod edits the manifest of kube-proxy's
/// static pod. The new kube-proxy must report the requested mode, and Services must still forward;
/// otherwise the worker gets its old manifest back and all others stay unchanged. If it was
/// interrupted, run it again to continue.
///
/// The change is not permanent: workers that GKE creates, repairs or upgrades later have the stock
/// manifest.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  kubectl redis-cluster set-gke-proxy-mode iptables --dry-run\n  \
                        kubectl redis-cluster set-gke-proxy-mode iptables\n  \
                        kubectl redis-cluster set-gke-proxy-mode ipvs --node gke-a-pool-1 --yes")]
pub struct Args {
    /// Mode of kube-proxy
    #[arg(value_parser = one_of(MODES))]
    mode: Mode,
    /// Only this worker (repeatable)
    #[arg(long, value_name = "NAME", add = LiveValues::Workers)]
    node: Vec<String>,
    /// Image of the helper pod, with a shell (default: kube-proxy's own)
    #[arg(long, value_name = "IMAGE")]
    image: Option<String>,
    /// Image of the pods that measure whether Services still forward
    #[arg(long, value_name = "IMAGE", default_value = "redis:8.0")]
    probe_image: String,
    /// Measure whether Services still forward
    #[arg(long, value_name = "BOOL", default_value_t = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", action = clap::ArgAction::Set)]
    probe: bool,
    /// How long the change of a worker may take before its old manifest is restored
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "2m")]
    timeout: Duration,
    /// Only show what would be done
    #[arg(long)]
    dry_run: bool,
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
    /// Also allow workers that are not GKE's, if kube-proxy is a static pod
    #[arg(long)]
    allow_any_provider: bool,
}

const MODES: [(Word, Mode); 5] = [
    (
        Word("userspace", "Through the kube-proxy process; servers see the worker's address as the source"),
        Mode::Userspace,
    ),
    (Word("iptables", "With iptables rules"), Mode::Iptables),
    (Word("ipvs", "With the kernel's load balancer"), Mode::Ipvs),
    (Word("nftables", "With nftables rules"), Mode::Nftables),
    (Word("kernelspace", "With the Virtual Filtering Platform of Windows"), Mode::Kernelspace),
];

impl Verb for Args {
    fn run<'a>(&'a self, invocation: Invocation<'a>, ui: &'a mut Ui) -> Running<'a> {
        done(run(invocation.context, self, ui))
    }

    fn cleans_up(&self) -> bool {
        true
    }
}

/// # Errors
/// A refusal before any change; or the first failure, after which that worker has its old manifest
/// and the others are unchanged.
async fn run(context: &Context, args: &Args, ui: &mut Ui) -> Result<(), Error> {
    let (forwarding, left_behind) = or_interrupted(switch::observe(&context.server)).await?;
    forwarding.notes.iter().for_each(|note| ui.note(&format!("note: {note}")));
    let workers = chosen(args, &forwarding)?;
    refuse_any(context, args, &workers)?;
    let tasks: Vec<Task<'_>> = workers.iter().map(|worker| task(args, worker, &forwarding)).collect();
    let is_done = |task: &Task<'_>| {
        task.worker.report.mode == Some(args.mode) && !left_behind.contains(&task.worker.report.worker)
    };
    let (done, pending): (Vec<_>, Vec<_>) = tasks.into_iter().partition(is_done);
    done.iter().try_for_each(|task| ui.line(&format!("node/{} unchanged", task.worker.report.worker)))?;
    let Some(first) = pending.first() else { return Ok(()) };
    show_plan(args, &pending, ui);
    if args.dry_run {
        return Ok(());
    }
    or_interrupted(switch::rehearse(&context.server, first)).await?;
    if !args.yes && !or_interrupted(ui.confirm(&question(args, &pending))).await? {
        ui.note("nothing was changed");
        return Ok(());
    }
    baseline(context, args, &pending, ui).await?;
    for (index, task) in pending.iter().enumerate() {
        let set = switch::set(context, task, |step| tell(step, ui)).await;
        set.map_err(|error| remaining(error, &pending[index + 1..]))?;
        ui.line(&format!("node/{} set to {}", task.worker.report.worker, args.mode))?;
    }
    Ok(())
}

/// Each named worker must exist.
fn chosen<'a>(args: &Args, forwarding: &'a Forwarding) -> Result<Vec<&'a ObservedWorker>, Error> {
    let wanted: BTreeSet<&String> = args.node.iter().collect();
    let all = forwarding.workers.iter();
    let workers: Vec<&ObservedWorker> =
        all.filter(|worker| wanted.is_empty() || wanted.contains(&worker.report.worker)).collect();
    let missing = wanted.iter().find(|name| !workers.iter().any(|worker| worker.report.worker == ***name));
    match missing {
        Some(name) => {
            Err(Error::new(ErrorKind::NotFound, format!("Error from server (NotFound): nodes \"{name}\" not found")))
        }
        None => Ok(workers),
    }
}

/// Rejects all if one worker cannot be changed: no partial changes.
fn refuse_any(context: &Context, args: &Args, workers: &[&ObservedWorker]) -> Result<(), Error> {
    let provider = if args.allow_any_provider { Provider::Any } else { Provider::Gke };
    for worker in workers {
        refuse(&worker.node, &worker.report, args.mode, provider, context.server.caller())
            .map_err(|refusal| Error::user(format!("cannot set the mode: {refusal}")).hint(refusal.instead))?;
        if !is_ready(&worker.node) {
            return Err(Error::user(format!("cannot set the mode: {} is not ready", worker.report.worker))
                .hint("select the other workers with --node"));
        }
    }
    Ok(())
}

fn task<'a>(args: &'a Args, worker: &'a ObservedWorker, forwarding: &Forwarding) -> Task<'a> {
    let ready = forwarding.workers.iter().filter(|other| is_ready(&other.node)).map(|other| &other.report.worker);
    let name = &worker.report.worker;
    Task {
        worker,
        mode: args.mode,
        image: args.image.as_deref(),
        probe_image: args.probe.then_some(args.probe_image.as_str()),
        other: ready.into_iter().find(|other| *other != name).unwrap_or(name).clone(),
        timeout: args.timeout,
    }
}

/// The change as a diff of flags: the file itself is read later.
fn show_plan(args: &Args, pending: &[Task<'_>], ui: &mut Ui) {
    for Task { worker, .. } in pending {
        let line = worker.pod.as_ref().map(command_line).unwrap_or_default();
        let old = flag(&line, MODE_FLAG).map(|mode| format!("\n-  --proxy-mode={mode}")).unwrap_or_default();
        let mode = worker.report.mode.map_or("unknown".to_owned(), |mode| mode.to_string());
        ui.note(&format!(
            "{}: kube-proxy from {mode} to {}{old}\n+  --proxy-mode={}",
            worker.report.worker, args.mode, args.mode
        ));
    }
    ui.warning("workers that GKE creates, repairs or upgrades later have the stock manifest");
}

fn question(args: &Args, pending: &[Task<'_>]) -> String {
    let workers: Vec<&str> = pending.iter().map(|task| task.worker.report.worker.as_str()).collect();
    match &workers[..] {
        [worker] => format!("Set kube-proxy to {} mode on {worker}?", args.mode),
        workers => format!("Set kube-proxy to {} mode on {}, one after the other?", args.mode, workers.join(", ")),
    }
}

/// Measures before any change: a Service that does not forward now must not cause a rollback later.
async fn baseline(context: &Context, args: &Args, pending: &[Task<'_>], ui: &mut Ui) -> Result<(), Error> {
    let Some(first) = pending.first().filter(|_| args.probe) else { return Ok(()) };
    let mut workers: Vec<String> = pending.iter().map(|task| task.worker.report.worker.clone()).collect();
    if let [only] = &workers[..] {
        workers = vec![only.clone(), first.other.clone()];
    }
    let options = ProbeOptions { image: args.probe_image.clone(), deadline: TimeLimit::within(args.timeout) };
    let measured = measure_between(context, &workers, &options, |stage| ui.progress(stage)).await;
    let measured = measured.map_err(|error| match error.kind() {
        ErrorKind::Interrupted => error,
        _ => error
            .context("cannot measure whether Services forward")
            .hint("skip the measurement with --probe=false, or specify another image with --probe-image"),
    })?;
    if let Some((each, why)) = measured.iter().find_map(|each| Some((each, each.seen.as_ref().err()?))) {
        return Err(Error::user(format!(
            "from {} to {}: the Service does not forward even before the change: {why}",
            each.from.worker, each.to.worker
        ))
        .hint("nothing was changed; go without measuring: --probe=false"));
    }
    Ok(())
}

fn tell(step: Step<'_>, ui: &mut Ui) {
    match step {
        Step::Progress(stage) => ui.progress(stage),
        Step::Note(text) => ui.note(text),
    }
}

fn remaining(error: Error, rest: &[Task<'_>]) -> Error {
    let rest: Vec<&str> = rest.iter().map(|task| task.worker.report.worker.as_str()).collect();
    let error = if rest.is_empty() { error } else { error.hint(format!("not changed: {}", rest.join(", "))) };
    error.hint("to continue where it stopped, run the same command again")
}
