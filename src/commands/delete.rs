//! `delete`: deletes a cluster of this tool, and keeps its data by default.

use super::dry_run::DryRun;
use super::verb::{Invocation, Running, Verb, done};
use crate::cluster::commands::Caller;
use crate::context::Context;
use crate::duration;
use crate::error::Error;
use crate::k8s::live_values::LiveValues;
use crate::k8s::objects::{Deletion, Run};
use crate::k8s::wait::{Stage, TimeLimit};
use crate::manifest::names::ClusterName;
use crate::manifest::object::{CLAIM, Kind, POD};
use crate::ops::remove::{self, Data, Inventory, ToDelete};
use crate::ui::terminal::Ui;
use std::time::Duration;

/// Delete a cluster; its volumes and password are kept unless --delete-data
///
/// Only objects with this tool's labels are deleted. The same create afterwards brings the cluster
/// back with all its keys.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  kubectl redis-cluster delete redis-001\n  \
                        kubectl redis-cluster delete redis-001 --yes --delete-data")]
pub struct Args {
    /// Name of the cluster
    #[arg(value_parser = str::parse::<ClusterName>, add = LiveValues::Clusters)]
    name: ClusterName,
    /// Do not ask for confirmation
    #[arg(short, long)]
    yes: bool,
    /// Keep the volumes and the Secret (the default)
    #[arg(long, conflicts_with = "delete_data")]
    keep_data: bool,
    /// Delete the volumes with all keys, and the Secret
    #[arg(long)]
    delete_data: bool,
    /// Only show what would be deleted: none, client or server
    #[arg(long, value_enum, value_name = "STRATEGY", default_value = "none")]
    dry_run: DryRun,
    /// Wait until all pods are gone
    #[arg(long, value_name = "BOOL", default_value_t = true, num_args = 0..=1, require_equals = true,
          default_missing_value = "true", action = clap::ArgAction::Set)]
    wait: bool,
    /// How long to wait before giving up
    #[arg(long, value_name = "DURATION", value_parser = duration::parse, default_value = "2m")]
    timeout: Duration,
    /// Seconds that each pod gets to terminate (default: the pod's own)
    #[arg(long, value_name = "SECONDS")]
    grace_period: Option<u32>,
    /// Succeed if the cluster does not exist
    #[arg(long)]
    ignore_not_found: bool,
    /// Output format
    #[arg(short, long, value_enum, value_name = "FORMAT")]
    output: Option<NameOutput>,
}

/// Output formats of commands that print messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum NameOutput {
    /// `type/name`.
    Name,
}

impl Verb for Args {
    fn run<'a>(&'a self, invocation: Invocation<'a>, ui: &'a mut Ui) -> Running<'a> {
        done(run(invocation.context, self, ui))
    }

    fn after_interrupt(&self, caller: &Caller) -> Vec<String> {
        vec![self.going_on(caller)]
    }
}

impl Args {
    fn delete(&self, caller: &Caller, data: Data) -> String {
        let flag = if data == Data::Delete { " --delete-data" } else { "" };
        format!("{}{flag}", caller.plugin_on("delete", &(&self.name).into()))
    }

    fn going_on(&self, caller: &Caller) -> String {
        let data = if self.delete_data { Data::Delete } else { Data::Keep };
        let again = self.delete(caller, data);
        format!("deleted objects are gone, the others still exist; to continue, run: {again}")
    }
}

/// # Errors
/// If there is no such cluster, if the user declines, and the server's.
async fn run(context: &Context, args: &Args, ui: &mut Ui) -> Result<(), Error> {
    let mut deadline = TimeLimit::within(args.timeout);
    let inventory = async {
        let budget = context.server.budget_kind().await?;
        remove::inventory(&context.server, &args.name, budget).await
    };
    let inventory = deadline.bound("the objects to be listed", inventory).await?;
    let data = if args.delete_data { Data::Delete } else { Data::Keep };
    if inventory.objects.is_empty() && (data == Data::Keep || inventory.data.is_empty()) {
        return not_found(context, args, &inventory);
    }
    let given_up: &[ToDelete] = if data == Data::Delete { &inventory.data } else { &[] };
    let Some(run) = args.dry_run.run() else {
        let mut shown = inventory.objects.iter().filter(|object| object.kind != POD).chain(given_up);
        return shown.try_for_each(|object| show(args, object, ui));
    };
    let rights = remove::rights(&context.server, inventory.objects.iter().chain(given_up));
    deadline.bound("your permissions to be reviewed", rights).await?;
    let asks = run == Run::Real && !args.yes;
    if asks && !deadline.without(ui.confirm(&question(context, args, &inventory, data))).await? {
        ui.note("deletion is cancelled");
        return Ok(());
    }
    let options = Deletion { run, grace_period: args.grace_period };
    let done = delete(context, (args, deadline), (&inventory.objects, given_up), &options, ui);
    let done = deadline.bound("the objects to be deleted", done).await;
    done.map_err(|error| error.hint(args.going_on(context.server.caller())))?;
    if data == Data::Keep && run == Run::Real && !inventory.data.is_empty() {
        ui.note(&kept(context, args, &inventory));
    }
    Ok(())
}

/// First the objects, then, when no pod uses it, the data.
async fn delete(
    context: &Context,
    (args, deadline): (&Args, TimeLimit),
    (objects, data): (&[ToDelete], &[ToDelete]),
    options: &Deletion,
    ui: &mut Ui,
) -> Result<(), Error> {
    remove::delete(&context.server, objects, options, |object| show(args, object, ui)).await?;
    gone(context, (args, deadline), (POD, options), ui).await?;
    remove::delete(&context.server, data, options, |object| show(args, object, ui)).await?;
    if data.is_empty() { Ok(()) } else { gone(context, (args, deadline), (CLAIM, options), ui).await }
}

/// Unless `--wait=false`.
async fn gone(
    context: &Context,
    (args, deadline): (&Args, TimeLimit),
    (kind, options): (Kind, &Deletion),
    ui: &mut Ui,
) -> Result<(), Error> {
    if !args.wait || options.run != Run::Real {
        return Ok(());
    }
    let progress = |stage: &Stage| {
        ui.progress(stage);
        Ok(())
    };
    remove::gone(&context.server, &args.name, kind, deadline, progress).await?;
    ui.conclude(&format!("all {} of \"{}\" are gone", kind.plural, args.name));
    Ok(())
}

fn show(args: &Args, object: &ToDelete, ui: &mut Ui) -> Result<(), Error> {
    let ToDelete { kind, name } = object;
    ui.line(&match args.output {
        Some(_) => format!("{}/{name}", kind.display()),
        None => format!("{} \"{name}\" deleted{}", kind.display(), args.dry_run.suffix()),
    })
}

fn not_found(context: &Context, args: &Args, inventory: &Inventory) -> Result<(), Error> {
    if args.ignore_not_found {
        return Ok(());
    }
    let namespace = context.server.namespace();
    let caller = context.server.caller();
    let error = Error::user(format!("redis cluster \"{}\" not found in namespace \"{namespace}\"", args.name));
    Err(if inventory.data.is_empty() {
        error.hint(format!("to list all clusters, run: {}", caller.list_everywhere()))
    } else {
        let delete = args.delete(caller, Data::Delete);
        error.hint(format!("only its kept data exists; to delete it, run: {delete}"))
    })
}

fn question(context: &Context, args: &Args, inventory: &Inventory, data: Data) -> String {
    let pods = inventory.objects.iter().filter(|object| object.kind == POD).count();
    let has_volumes = inventory.data.iter().any(|object| object.kind == CLAIM);
    let data = match data {
        Data::Keep if has_volumes => "its volumes and password are kept",
        Data::Keep => "it has no volumes, so all its keys are lost",
        Data::Delete => "with its volumes and password, so all its keys are lost permanently",
    };
    let namespace = context.server.namespace();
    format!("Delete redis cluster \"{}\" of {pods} nodes in namespace \"{namespace}\"; {data}. Continue?", args.name)
}

fn kept(context: &Context, args: &Args, inventory: &Inventory) -> String {
    let volumes = inventory.data.iter().filter(|object| object.kind == CLAIM).count();
    let kept = match (volumes, inventory.data.len() - volumes) {
        (0, _) => "the Secret is kept".to_owned(),
        (volumes, 0) => format!("{volumes} volumes are kept"),
        (volumes, _) => format!("{volumes} volumes and the Secret are kept"),
    };
    let give_up = args.delete(context.server.caller(), Data::Delete);
    format!("{kept}: the same create takes over what is there; to give it up: {give_up}")
}
