//! `check-proxy-mode`: what forwards Services, and whether that suits Redis Cluster.

use super::target::TargetArgs;
use super::verb::{Invocation, Running, Verb};
use crate::cluster::commands::ClusterRef;
use crate::context::Context;
use crate::duration;
use crate::error::{Error, ErrorKind};
use crate::interrupt::or_interrupted;
use crate::k8s::members::{Which, cluster_names};
use crate::k8s::wait::TimeLimit;
use crate::ops::forwarding::{self, Forwarding, is_ready};
use crate::ops::probes::{ProbeOptions, measure_between};
use crate::ops::sources;
use crate::outcome::Outcome;
use crate::proxy::evidence::WorkerReport;
use crate::proxy::measure::Measurement;
use crate::proxy::suitability::{self, AtHand, Suitability};
use crate::ui::forwarding::{Shown, render, to_json};
use crate::ui::json::Form;
use crate::ui::terminal::Ui;
use std::time::Duration;

/// Show kube-proxy's mode on each worker and check whether source IPs are preserved
///
/// Nodes that do not announce their addresses (Redis 3, the original example) learn them from
/// connections: if Services rewrite the source IP, they mistake each other for the workers. It is
/// measured between the nodes of a cluster, or with --probe between short-lived pods, one per
/// worker.
///
/// Exit status: 0 suits or harmless, 1 fails, 2 unknown.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  kubectl redis-cluster check-proxy-mode\n  \
                        kubectl redis-cluster check-proxy-mode --probe\n  \
                        kubectl redis-cluster check-proxy-mode -l app=redis\n  \
                        kubectl redis-cluster check-proxy-mode redis-001 -o json")]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Measure between short-lived pods in this namespace, one per worker
    #[arg(long)]
    probe: bool,
    /// Image of these pods, with a Redis or Valkey server
    #[arg(long, value_name = "IMAGE", default_value = "redis:8.0")]
    image: String,
    /// How long to wait before giving up
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "1m")]
    timeout: Duration,
    /// Output format
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Form>,
}

impl Verb for Args {
    fn run<'a>(&'a self, invocation: Invocation<'a>, ui: &'a mut Ui) -> Running<'a> {
        Box::pin(run(invocation.context, self, ui))
    }

    fn judges(&self) -> bool {
        true
    }

    fn cleans_up(&self) -> bool {
        true
    }
}

/// # Errors
/// If the workers cannot be listed, or the named cluster cannot be found.
async fn run(context: &Context, args: &Args, ui: &mut Ui) -> Result<Outcome, Error> {
    let deadline = TimeLimit::within(args.timeout);
    let looking = futures::future::try_join(forwarding::observe(&context.server), at_hand(context, args));
    let (forwarding, CheckedCluster { cluster, mut measured, at_hand, notes }) =
        or_interrupted(deadline.bound("what forwards Services", looking)).await?;
    forwarding.notes.iter().chain(&notes).for_each(|note| ui.note(&format!("note: {note}")));
    if args.probe {
        measured.extend(probed(context, args, (&forwarding, deadline), ui).await?);
    }
    let workers: Vec<WorkerReport> = forwarding.workers.into_iter().map(|worker| worker.report).collect();
    let sources = suitability::sources(&workers, &measured);
    let suitability = suitability::suitability(at_hand, sources);
    let (cluster, caller) = (cluster.as_ref(), context.server.caller());
    let shown = Shown { workers: &workers, measured: &measured, at_hand, cluster, caller, sources, suitability };
    ui.line(&match args.output {
        None => render(&shown, ui.is_colored()),
        Some(form) => form.text(&to_json(&shown)),
    })?;
    Ok(match suitability {
        Suitability::Suits | Suitability::Harmless => Outcome::Done,
        Suitability::Fails => Outcome::Bad,
        Suitability::Unknown => Outcome::Unclear,
    })
}

struct CheckedCluster {
    /// None if the verdict is for none.
    cluster: Option<ClusterRef>,
    /// Between its nodes.
    measured: Vec<Measurement>,
    at_hand: AtHand,
    /// For the user.
    notes: Vec<String>,
}

async fn at_hand(context: &Context, args: &Args) -> Result<CheckedCluster, Error> {
    let (which, mut notes) = match (&args.target.name, &args.target.selector) {
        (None, None) => only_cluster(context).await?,
        _ => (Some(args.target.which(context).await?), Vec::new()),
    };
    let Some(which) = which else {
        return Ok(CheckedCluster { cluster: None, measured: Vec::new(), at_hand: AtHand::Nothing, notes });
    };
    let (stations, at_hand, note) = sources::of_cluster(context, &which).await?;
    notes.extend(note);
    let measured = sources::measure(context, &stations).await;
    Ok(CheckedCluster { cluster: Some(which.reference()), measured, at_hand, notes })
}

/// The namespace's only cluster; none if there is none or more than one.
async fn only_cluster(context: &Context) -> Result<(Option<Which>, Vec<String>), Error> {
    let names = match cluster_names(&context.server).await {
        Ok(names) => Vec::from_iter(names),
        Err(error) if error.kind() == ErrorKind::Forbidden => {
            let namespace = context.server.namespace();
            let text = format!("no permission to read Services in namespace \"{namespace}\": no cluster is checked");
            return Ok((None, vec![format!("{text}; {}", error.reason())]));
        }
        Err(error) => return Err(error),
    };
    match &names[..] {
        [] => Ok((None, Vec::new())),
        [name] => Ok((Some(Which::Named(name.parse().map_err(Error::user)?)), Vec::new())),
        names => Ok((None, vec![format!("no cluster is checked; specify one of {}", names.join(", "))])),
    }
}

/// Creates pods, measures between them, and removes them, also after a failure or Ctrl-C.
async fn probed(
    context: &Context,
    args: &Args,
    (forwarding, deadline): (&Forwarding, TimeLimit),
    ui: &mut Ui,
) -> Result<Vec<Measurement>, Error> {
    let (ready, not_ready): (Vec<_>, Vec<_>) = forwarding.workers.iter().partition(|worker| is_ready(&worker.node));
    for worker in not_ready {
        ui.note(&format!("note: {} is not ready: no probe pod is created there", worker.report.worker));
    }
    let workers: Vec<String> = ready.into_iter().map(|worker| worker.report.worker.clone()).collect();
    let options = ProbeOptions { image: args.image.clone(), deadline };
    measure_between(context, &workers, &options, |stage| ui.progress(stage)).await
}
