//! `accept-loss`: a shard whose data is gone serves again, on a person's word.

use super::dry_run::DryRun;
use super::verb::{Invocation, Running, Verb, done};
use crate::cluster::loss::{Election, Loss, NoLoss, Remedy, accept, lost_shards};
use crate::cluster::topology::Topology;
use crate::context::Context;
use crate::duration;
use crate::error::Error;
use crate::k8s::live_values::LiveValues;
use crate::k8s::members::Which;
use crate::ops::observe::{self, Observation};
use crate::ops::questions::Scope;
use crate::ops::recover;
use crate::ui::terminal::Ui;
use std::time::Duration;

/// Let a shard serve again whose keys are lost
///
/// A node without data never starts as a master by itself while its shard may have data
/// elsewhere: it waits. When no copy of a shard is left, only a person can say that it
/// may start empty. Where a replica has an older copy, that one takes over instead.
/// Without --shard this means the shards of which every node says that its data is gone.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  kubectl redis-cluster accept-loss redis-001\n  \
                        kubectl redis-cluster accept-loss redis-001 --shard 2 --yes")]
pub struct Args {
    /// The cluster; the namespace's only one when not given
    #[arg(add = LiveValues::Clusters)]
    name: Option<String>,
    /// A shard to give up, repeatable
    #[arg(long, value_name = "NUMBER", add = LiveValues::Shards)]
    shard: Vec<u32>,
    /// Do not ask
    #[arg(short, long)]
    yes: bool,
    /// Only show what would be done: none, client or server
    #[arg(long, value_enum, value_name = "WHERE", default_value = "none")]
    dry_run: DryRun,
    /// The longest to wait until the shards are served
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "1m")]
    timeout: Duration,
}

impl Verb for Args {
    fn run<'a>(&'a self, invocation: Invocation<'a>, ui: &'a mut Ui) -> Running<'a> {
        done(run(invocation.context, self, ui))
    }

    fn after_interrupt(&self) -> Vec<String> {
        vec![
            "a node that was told to serve goes on without you; see what became of it: kubectl redis-cluster info"
                .into(),
        ]
    }
}

/// Accepts the loss of shards.
///
/// # Errors
/// When there is no loss to accept, when the user does not want it, and when a node
/// that was told to serve does not in time.
async fn run(context: &Context, args: &Args, ui: &mut Ui) -> Result<(), Error> {
    let which = context.which(args.name.as_deref(), None).await?;
    let observation = observe::cluster(context, &which, Scope::Nodes).await?;
    let snapshot = observation.snapshot(context.server.namespace());
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
    if args.dry_run == DryRun::None && !args.yes && !ui.confirm(&question(&which, context, &losses)).await? {
        ui.note("nothing was changed");
        return Ok(());
    }
    for loss in &losses {
        act(context, args, (&which, &observation), loss, ui).await?;
    }
    Ok(())
}

async fn act(
    context: &Context,
    args: &Args,
    (which, observation): (&Which, &Observation),
    loss: &Loss<'_>,
    ui: &mut Ui,
) -> Result<(), Error> {
    if args.dry_run == DryRun::None {
        recover::start(context, observation, &loss.remedy).await?;
        let progress = |text: &str| {
            ui.progress(text);
            Ok(())
        };
        let served = recover::served(context, which, loss, args.timeout, progress).await;
        served.map_err(|error| error.hint(info(which, context)))?;
    }
    ui.line(&format!("shard/{} accepted{}", loss.shard, args.dry_run.suffix()))
}

fn sentence(loss: &Loss<'_>) -> String {
    let heir = &loss.remedy.heir().name;
    let what = match loss.remedy {
        Remedy::StartEmpty(_) => format!("{heir} starts as its owner, empty: all its keys are lost"),
        Remedy::Promote(_, Election::Voted) => format!("{heir} takes over with the copy that it has"),
        Remedy::Promote(_, Election::Unvoted) => {
            format!("{heir} takes over with the copy that it has, without the votes of the other masters")
        }
    };
    let names: Vec<&str> = loss.given_up.iter().map(|member| member.name.as_str()).collect();
    let given_up = match names[..] {
        [] => String::new(),
        _ => format!("; what {} may hold is given up", names.join(", ")),
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
    Error::user(format!("no shard of redis cluster \"{title}\" says that its data is gone"))
        .hint("to give up a shard that waits for a node that will never come back, name it: --shard NUMBER")
        .hint(info(which, context))
}

fn info(which: &Which, context: &Context) -> String {
    format!("see what each node says: kubectl redis-cluster -n {} info {}", context.server.namespace(), which.title())
}
