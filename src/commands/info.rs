//! `info`: the state of a cluster, from every node's own view.

use super::target::{TargetArgs, only_one};
use super::verb::{Invocation, Running, Verb, done};
use super::watch::{Polled, WatchArgs};
use crate::cluster::health::{Hints, check};
use crate::cluster::snapshot::Snapshot;
use crate::cluster::topology::Topology;
use crate::context::Context;
use crate::error::Error;
use crate::k8s::members::Which;
use crate::ops::observe::{self, Observation};
use crate::ops::questions::Scope;
use crate::ui::terminal::Ui;
use crate::ui::topology::{Width, render};
use crate::ui::{findings, json};

/// Show the shards, nodes and slots of a cluster, and its problems
///
/// All nodes are queried in parallel. A node that does not respond has a row with the reason. With
/// -o json, a node's "scripts" is the version of the start-up scripts that started its server, or
/// null if that is unknown.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  kubectl redis-cluster info\n  kubectl redis-cluster info redis-001 -o wide\n  \
                        kubectl redis-cluster info redis-001 -o json | jq .status.state\n  \
                        kubectl redis-cluster info -l app=redis -o raw")]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    watch: WatchArgs,
    /// Output format; raw prints each node's CLUSTER NODES (sorted) and CLUSTER INFO
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Output>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Output {
    Wide,
    Json,
    Yaml,
    Name,
    Raw,
}

impl Verb for Args {
    fn run<'a>(&'a self, invocation: Invocation<'a>, ui: &'a mut Ui) -> Running<'a> {
        done(run(invocation.context, self, ui))
    }
}

/// # Errors
/// If the cluster cannot be found. Unreachable nodes are no error.
async fn run(context: &Context, args: &Args, ui: &mut Ui) -> Result<(), Error> {
    let which = args.target.which(context).await?;
    if args.output == Some(Output::Raw) {
        return raw(&observe::cluster(context, &which, Scope::Verbatim).await?, ui);
    }
    let colored = ui.is_colored();
    args.watch.run(ui, async |room| poll(context, &which, args, (colored, room)).await).await
}

async fn poll(
    context: &Context,
    which: &Which,
    args: &Args,
    (colored, room): (bool, Option<usize>),
) -> Result<Polled<()>, Error> {
    let scope = if args.output == Some(Output::Name) { Scope::Nodes } else { Scope::Zones };
    let snapshot = observe::cluster(context, which, scope).await?.snapshot(context.server.caller());
    if matches!(which, Which::Selected(_)) {
        only_one(&snapshot)?;
    }
    let (text, findings) = text(args, &snapshot, (colored, room));
    let (ageless, _) = self::text(args, &snapshot.without_ages(), (colored, room));
    Ok(Polled { text, key: ageless + &findings, outcome: () })
}

/// And the key of the findings that it shows.
fn text(args: &Args, snapshot: &Snapshot, (colored, room): (bool, Option<usize>)) -> (String, String) {
    let topology = Topology::of(snapshot);
    let report = check(snapshot, &topology);
    let table = |width| {
        let table = render(snapshot.name(), &topology, width, colored);
        let found = findings::short(&report, &Hints { snapshot }.command("check"), colored);
        [table, found].into_iter().filter(|part| !part.is_empty()).collect::<Vec<_>>().join("\n\n")
    };
    let object = || json::cluster_info(snapshot, &topology, &report);
    let text = match args.output {
        None => table(Width::Normal(room)),
        Some(Output::Wide) => table(Width::Wide),
        Some(Output::Json) if args.watch.watch => object().to_string(),
        Some(Output::Json) => json::pretty(&object()),
        Some(Output::Yaml) => json::yaml(&object()),
        Some(Output::Name | Output::Raw) => return (pod_names(&topology), String::new()),
    };
    (text, report.key())
}

fn pod_names(topology: &Topology) -> String {
    let pods = topology.nodes().filter_map(|node| node.member.pod.as_ref());
    pods.map(|pod| format!("pod/{pod}")).collect::<Vec<_>>().join("\n")
}

/// The output of the original example's script, byte for byte: pods ordered by name.
fn raw(observation: &Observation, ui: &mut Ui) -> Result<(), Error> {
    let mut pods: Vec<_> = observation
        .nodes
        .iter()
        .filter_map(|(candidate, texts)| Some((candidate.member.pod.as_ref()?, texts)))
        .collect();
    pods.sort_by_key(|(pod, _)| *pod);
    for (pod, texts) in pods {
        ui.data(format!("======================================\nPod: {pod}\n").as_bytes())?;
        match texts {
            Ok(texts) => {
                let mut lines: Vec<&str> = texts.nodes.lines().collect();
                lines.sort_unstable();
                let nodes: String = lines.into_iter().map(|line| format!("{line}\n")).collect();
                ui.data(nodes.as_bytes())?;
                ui.data(texts.cluster_info.as_bytes())?;
            }
            Err(reason) => {
                ui.flush()?;
                ui.note(&format!("error: cannot query pod \"{pod}\": {reason}"));
            }
        }
    }
    ui.flush()
}
