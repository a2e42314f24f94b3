//! `check`: problems of a cluster and their fixes.

use super::choice::one_of;
use super::target::{TargetArgs, only_one};
use super::verb::{Invocation, Running, Verb};
use super::watch::{Polled, WatchArgs};
use crate::cluster::finding::Severity;
use crate::cluster::health::{Report, Verdict, check, failure_impacts};
use crate::cluster::snapshot::Snapshot;
use crate::cluster::topology::Topology;
use crate::context::Context;
use crate::error::Error;
use crate::k8s::members::Which;
use crate::ops::observe;
use crate::ops::questions::Scope;
use crate::outcome::Outcome;
use crate::ui::findings::full;
use crate::ui::json::{self, Form};
use crate::ui::terminal::Ui;
use crate::ui::topology::summary;

/// Report problems and suggest fixes
///
/// Every node is queried for its view, its replication and its settings, and Kubernetes for pods,
/// Services, PodDisruptionBudgets, volumes and workers. What cannot be checked is reported.
///
/// Exit status: 0 healthy, 1 problems found, 2 check incomplete.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  kubectl redis-cluster check\n  \
                        kubectl redis-cluster check redis-001 --severity error\n  \
                        kubectl redis-cluster check -l app=redis -o json | jq '.findings[].code'\n  \
                        kubectl redis-cluster check redis-001 --watch")]
pub struct Args {
    #[command(flatten)]
    target: TargetArgs,
    /// Minimum severity that affects the exit status; all findings are shown
    #[arg(long, value_parser = one_of(SEVERITIES.map(|each| (each.as_str(), each))), value_name = "SEVERITY", default_value = "warning")]
    severity: Severity,
    /// Also search for keys in slots that another master owns: 16384 small commands to each master
    #[arg(long)]
    search_multiple_owners: bool,
    #[command(flatten)]
    watch: WatchArgs,
    /// Output format
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<Form>,
}

const SEVERITIES: [Severity; 3] = [Severity::Info, Severity::Warning, Severity::Error];

impl Verb for Args {
    fn run<'a>(&'a self, invocation: Invocation<'a>, ui: &'a mut Ui) -> Running<'a> {
        Box::pin(run(invocation.context, self, ui))
    }

    fn judges(&self) -> bool {
        true
    }
}

/// # Errors
/// If it cannot be found.
async fn run(context: &Context, args: &Args, ui: &mut Ui) -> Result<Outcome, Error> {
    let which = args.target.which(context).await?;
    let colored = ui.is_colored();
    let verdict = args.watch.run(ui, async |_| poll(context, &which, args, colored).await).await?;
    Ok(match verdict {
        Verdict::Healthy => Outcome::Done,
        Verdict::Unhealthy => Outcome::Bad,
        Verdict::Unclear => Outcome::Unclear,
    })
}

/// One check.
async fn poll(context: &Context, which: &Which, args: &Args, colored: bool) -> Result<Polled<Verdict>, Error> {
    let scope = if args.search_multiple_owners { Scope::AllAndKeys } else { Scope::All };
    let snapshot = observe::cluster(context, which, scope).await?.snapshot(context.server.caller());
    if matches!(which, Which::Selected(_)) {
        only_one(&snapshot)?;
    }
    let (text, report) = text(args, &snapshot, colored);
    let (ageless, _) = self::text(args, &snapshot.without_ages(), colored);
    Ok(Polled { text, key: ageless + &report.key(), outcome: report.verdict(args.severity) })
}

fn text(args: &Args, snapshot: &Snapshot, colored: bool) -> (String, Report) {
    let topology = Topology::of(snapshot);
    let report = check(snapshot, &topology);
    let text = match args.output {
        None => {
            let found = full(&report, &failure_impacts(&topology), report.verdict(args.severity), colored);
            format!("{}\n\n{found}", summary(snapshot.name(), &topology, colored))
        }
        // One document per line, for programs that read a stream.
        Some(Form::Json) if args.watch.watch => json::cluster_info(snapshot, &topology, &report).to_string(),
        Some(form) => form.text(&json::cluster_info(snapshot, &topology, &report)),
    };
    (text, report)
}
