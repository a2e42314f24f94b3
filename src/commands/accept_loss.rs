//! `accept-loss`: brings a shard without data back into service.

use super::dry_run::DryRun;
use super::verb::{Invocation, Running, Verb, done};
use crate::cluster::commands::{Caller, ClusterRef};
use crate::cluster::loss::{Election, Loss, NoLoss, Remedy, accept, lost_shards};
use crate::cluster::topology::Topology;
use crate::context::Context;
use crate::duration;
use crate::error::Error;
use crate::k8s::live_values::LiveValues;
use crate::k8s::members::Which;
use crate::k8s::wait::{Stage, TimeLimit};
use crate::ops::observe::{self, Observation};
use crate::ops::questions::Scope;
use crate::ops::recover;
use crate::ui::terminal::Ui;
use std::time::Duration;

/// Accept data loss and bring a shard back into service
///
/// A node without data never starts as a master on its own while its shard may have data elsewhere:
/// it waits. If no copy of a shard is left, only you can decide that it may start empty. If a
/// replica has an older copy, that replica is promoted instead, and a node that has data but a
/// damaged nodes.conf starts with its data. Without --shard, this applies to all shards whose nodes
/// report that only you can decide.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  kubectl redis-cluster accept-loss redis-001\n  \
                        kubectl redis-cluster accept-loss redis-001 --shard 2 --yes")]
pub struct Args {
    /// Name of the cluster (default: the only one in the namespace)
    #[arg(add = LiveValues::Clusters)]
    name: Option<String>,
    /// Shard to give up (repeatable)
    #[arg(long, value_name = "NUMBER", add = LiveValues::Shards)]
    shard: Vec<u32>,
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
    /// Only show what would be done: none, client or server
    #[arg(long, value_enum, value_name = "STRATEGY", default_value = "none")]
    dry_run: DryRun,
    /// How long to wait for all shards before giving up
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "1m")]
    timeout: Duration,
}

impl Verb for Args {
    fn run<'a>(&'a self, invocation: Invocation<'a>, ui: &'a mut Ui) -> Running<'a> {
        done(run(invocation.context, self, ui))
    }

    fn after_interrupt(&self, caller: &Caller) -> Vec<String> {
        let info = match &self.name {
            Some(name) => caller.plugin_on("info", &ClusterRef::Named(name.clone())),
            None => caller.plugin("info"),
        };
        vec![format!("a node that was told to serve continues on its own; to see the result, run: {info}")]
    }
}

/// # Errors
/// If there is no data loss to accept, if the user declines, and if a node that was told to serve
/// does not do so in time.
async fn run(context: &Context, args: &Args, ui: &mut Ui) -> Result<(), Error> {
    let mut deadline = TimeLimit::within(args.timeout);
    let which = deadline.bound("the cluster to be found", context.which(args.name.as_deref(), None)).await?;
    let observation = deadline.bound("the nodes to respond", observe::cluster(context, &which, Scope::Nodes)).await?;
    let snapshot = observation.snapshot(context.server.caller());
    let topology = Topology::of(&snapshot);
    let shards = if args.shard.is_empty() { lost_shards(&snapshot) } else { args.shard.clone() };
    if shards.is_empty() {
        return Err(snapshot.unasked().into_iter().fold(nothing_lost(&which, context), Error::cause));
    }
    let losses: Vec<Loss<'_>> =
        shards.into_iter().map(|shard| accept(&topology, shard)).collect::<Result<_, NoLoss>>().map_err(|refusal| {
            let error = Error::user(refusal).hint(info(&which, context));
            snapshot.unasked().into_iter().fold(error, Error::cause)
        })?;
    for loss in &losses {
        ui.note(&sentence(loss));
    }
    let asks = args.dry_run == DryRun::None && !args.yes;
    if asks && !deadline.without(ui.confirm(&question(&which, context, &losses))).await? {
        ui.note("nothing was changed");
        return Ok(());
    }
    for loss in &losses {
        act(context, (args, deadline), (&which, &observation), loss, ui).await?;
    }
    Ok(())
}

async fn act(
    context: &Context,
    (args, deadline): (&Args, TimeLimit),
    (which, observation): (&Which, &Observation),
    loss: &Loss<'_>,
    ui: &mut Ui,
) -> Result<(), Error> {
    if args.dry_run == DryRun::None {
        let start = recover::start(context, observation, &loss.remedy);
        deadline.bound("the new owner to hear that it may serve", start).await?;
        let progress = |stage: &Stage| {
            ui.progress(stage);
            Ok(())
        };
        let served = recover::served(context, which, loss, deadline, progress).await;
        served.map_err(|error| error.hint(info(which, context)))?;
    }
    ui.line(&format!("shard/{} accepted{}", loss.shard, args.dry_run.suffix()))
}

fn sentence(loss: &Loss<'_>) -> String {
    let owner = &loss.remedy.new_owner().name;
    let what = match loss.remedy {
        Remedy::StartKept(_) => format!("{owner} starts as the new owner, with the data of its volume"),
        Remedy::StartEmpty(_) => format!("{owner} starts as the new owner, empty: all keys of the shard are lost"),
        Remedy::Promote(_, Election::Voted) => format!("{owner} is promoted with the copy that it has"),
        Remedy::Promote(_, Election::Unvoted) => {
            format!("{owner} is promoted with the copy that it has, without the votes of the other masters")
        }
    };
    let names: Vec<&str> = loss.given_up.iter().map(|member| member.name.as_str()).collect();
    let given_up = match names[..] {
        [] => String::new(),
        _ => format!("; data on {} is given up", names.join(", ")),
    };
    format!("shard {}: {what}{given_up}", loss.shard)
}

fn question(which: &Which, context: &Context, losses: &[Loss<'_>]) -> String {
    let shards = losses.iter().map(|loss| loss.shard.to_string()).collect::<Vec<_>>().join(", ");
    let namespace = context.server.namespace();
    format!(
        "Accept the loss in shard {shards} of redis cluster \"{}\" in namespace \"{namespace}\"? It cannot be undone.",
        which.title()
    )
}

fn nothing_lost(which: &Which, context: &Context) -> Error {
    let title = which.title();
    Error::user(format!("no shard of redis cluster \"{title}\" reports that its data is lost"))
        .hint("to give up a shard that waits for a node that will never come back, add --shard NUMBER")
        .hint(info(which, context))
}

fn info(which: &Which, context: &Context) -> String {
    let info = context.server.caller().plugin_on("info", &which.reference());
    format!("to see the state of each node, run: {info}")
}
