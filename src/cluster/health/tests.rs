//! Faults applied to the snapshot of a healthy cluster, and the codes that must be found.

use super::*;
use crate::cluster::commands::{Caller, ClusterRef, GivenFlags};
use crate::cluster::finding::Code;
use crate::cluster::node::{Flags, LinkState, NodeId, NodeNumber};
use crate::cluster::reply::NodeLine;
use crate::cluster::shape::{Shape, Small};
use crate::cluster::slots::{SlotRange, SlotSet};
use crate::cluster::snapshot::{Rejection, Shell, View};
use crate::cluster::surroundings::{
    Budget, Claim, Configuration, Controller, End, Labels, Reference, Service, Surroundings, Trouble, TroubleKind,
    Usage, Worker,
};
use crate::cluster::topology::tests::{healthy, healthy_of};
use clap::Parser;
use std::collections::{BTreeMap, BTreeSet};
use std::process::Stdio;
use std::sync::Arc;

pub(super) fn whole() -> Snapshot {
    let mut snapshot = healthy();
    let label = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut services = Vec::new();
    for (index, seen) in snapshot.seen.iter_mut().enumerate() {
        let member = &mut seen.member;
        member.state.labels = Labels::from([label("app", "redis"), label("node", &member.name)]);
        member.state.ready = Some((true, 0));
        member.state.claims = vec![format!("data-{}", member.name)];
        member.state.memory_limit = Some(256 << 20);
        services.push(Service {
            name: member.name.clone(),
            number: member.number,
            ours: true,
            addresses: [format!("198.19.0.{}", [11, 12, 21, 22, 31, 32][index])].into(),
            selector: Labels::from([label("node", &member.name)]),
            ports: [6379, 16379].into(),
            leads_to_unready: true,
            ..Service::default()
        });
        if let Ok(view) = &mut seen.view {
            view.server.append_only = Some(true);
            view.server.backlog = Some(1 << 20);
            view.settings = Lookup::Seen(BTreeMap::from([label("save", ""), label("cluster-node-timeout", "5000")]));
        }
    }
    let names = || snapshot.seen.iter().map(|seen| format!("data-{}", seen.member.name));
    let bound = Claim { phase: "Bound".into(), deleted: false };
    let usage = Usage { used: 1 << 20, free: 1 << 30 };
    let worker = |name: &str| (name.to_owned(), Worker { ready: true, ..Worker::default() });
    snapshot.around = Surroundings {
        now: 10_000,
        services: Lookup::Seen(services),
        budgets: Lookup::Seen(vec![Budget {
            name: "redis-001".into(),
            selector: Some(Labels::from([label("app", "redis")])),
            max_unavailable: Some("1".into()),
            min_available: None,
        }]),
        claims: Lookup::Seen(names().map(|name| (name, bound.clone())).collect()),
        usage: Lookup::Seen(names().map(|name| (name, usage)).collect()),
        workers: Lookup::Seen(["node-1", "node-2", "node-3"].map(worker).into()),
        last_log_lines: Lookup::Seen(BTreeMap::new()),
        controllers: Lookup::Seen(Vec::new()),
        ..Surroundings::default()
    };
    snapshot
}

pub(super) fn report(snapshot: &Snapshot) -> Report {
    check(snapshot, &Topology::of(snapshot))
}

pub(super) fn view(snapshot: &mut Snapshot, index: usize) -> &mut View {
    snapshot.seen[index].view.as_mut().expect("it answers")
}

/// The line of the node at `viewer` about the node at `whose`.
pub(super) fn line(snapshot: &mut Snapshot, viewer: usize, whose: usize) -> &mut NodeLine {
    changed(view(snapshot, viewer), whose)
}

pub(super) fn changed(view: &mut View, whose: usize) -> &mut NodeLine {
    Arc::make_mut(&mut view.nodes[whose])
}

fn slots(ranges: &[&str]) -> SlotSet {
    ranges.iter().map(|range| range.parse::<SlotRange>().expect("slots")).collect()
}

fn flags<const N: usize>(flags: [&'static str; N]) -> Flags {
    flags.into_iter().collect()
}

pub(super) fn seen<T>(lookup: &mut Lookup<T>) -> &mut T {
    match lookup {
        Lookup::Seen(value) => value,
        Lookup::Skipped | Lookup::Denied(_) => panic!("it was checked"),
    }
}

pub(super) fn trouble(snapshot: &mut Snapshot, index: usize, kind: TroubleKind) {
    snapshot.seen[index].member.state.trouble = Some(Trouble { kind, text: "so it is".into() });
    snapshot.seen[index].view = Err("so it is".into());
}

pub(super) fn each_view(snapshot: &mut Snapshot, change: impl Fn(&mut View)) {
    snapshot.seen.iter_mut().filter_map(|seen| seen.view.as_mut().ok()).for_each(change);
}

mod members;

/// A pod with a copy of the volume of the node at `index`, and without its keys.
fn copy(snapshot: &mut Snapshot, index: usize) {
    let mut copy = snapshot.seen[index].clone();
    copy.member.name = "copy-0".into();
    copy.member.pod = Some("copy-0".into());
    copy.member.pod_ip = Some("198.18.9.9".into());
    (copy.member.number, copy.member.id) = (None, None);
    copy.member.state.controller = Some(Controller { kind: "StatefulSet".into(), name: "copy".into() });
    copy.member.state.claims = Vec::new();
    copy.view.as_mut().expect("it answers").server.keys = 0;
    snapshot.seen.push(copy);
}

fn set(view: &mut View, name: &str, value: &str) {
    seen(&mut view.settings).insert(name.to_owned(), value.to_owned());
}

/// Its peers see its flag, and so does it.
fn never_elected(snapshot: &mut Snapshot, whose: usize) {
    each_view(snapshot, |view| {
        let line = changed(view, whose);
        line.flags = line
            .flags
            .iter()
            .chain([Flags::NO_FAILOVER])
            .map(str::to_owned)
            .collect::<Vec<_>>()
            .iter()
            .map(String::as_str)
            .collect();
    });
}

/// These do not respond, and their peers have marked them FAIL.
fn fail(snapshot: &mut Snapshot, whose: &[usize]) {
    whose.iter().for_each(|index| snapshot.seen[*index].view = Err("no answer".into()));
    each_view(snapshot, |view| whose.iter().for_each(|index| changed(view, *index).flags = flags(["fail"])));
}

fn configuration(kind: Configuration) -> Reference {
    let (variables, labels) = (BTreeMap::new(), Labels::new());
    Reference { kind, name: "redis-001".into(), variables, has_more: true, labels }
}

type Scenario = (fn(&mut Snapshot), &'static [Code]);

/// A change to a healthy cluster, and the codes of all findings after it. 0, 2 and 4 are the
/// masters, 1, 3 and 5 their replicas.
const SCENARIOS: &[Scenario] = &[
    (|_| (), &[]),
    (
        |snapshot| each_view(snapshot, |view| changed(view, 0).slots = SlotSet::default()),
        &[Code::SlotsUncovered, Code::MasterWithoutSlots, Code::TooFewMasters],
    ),
    (
        |snapshot| line(snapshot, 2, 2).slots = slots(&["0-100", "5461-10922"]),
        &[Code::SlotsOwnedTwice, Code::ViewsDisagree],
    ),
    (
        |snapshot| view(snapshot, 0).astray = ["9000".parse().expect("a slot")].into_iter().collect(),
        &[Code::KeysAstray],
    ),
    (|snapshot| line(snapshot, 0, 0).open = vec![format!("[7->-{:0>40}]", 201)], &[Code::SlotsOpen]),
    (|snapshot| view(snapshot, 0).cluster.ok = false, &[Code::StateFail]),
    (|snapshot| line(snapshot, 0, 0).epoch = 2, &[Code::EpochsCollide]),
    (|snapshot| line(snapshot, 0, 3).flags = flags(["slave", "fail?"]), &[Code::NodeSuspected]),
    (|snapshot| line(snapshot, 0, 3).flags = flags(["slave", "fail"]), &[Code::NodeFailed]),
    (|snapshot| line(snapshot, 0, 3).flags = flags(["slave", "noaddr"]), &[Code::NodeWithoutAddress]),
    (|snapshot| line(snapshot, 0, 3).link = LinkState::Disconnected, &[Code::BusLinkDown]),
    (
        |snapshot| {
            let mut stranger = line(snapshot, 0, 3).clone();
            stranger.id = "f".repeat(40).parse().expect("an ID");
            stranger.flags = flags(["handshake"]);
            view(snapshot, 0).nodes.push(Arc::new(stranger));
        },
        &[Code::NodeInHandshake],
    ),
    (
        |snapshot| {
            let id: NodeId = "f".repeat(40).parse().expect("an ID");
            each_view(snapshot, |view| {
                let mut stranger = changed(view, 3).clone();
                stranger.id = id.clone();
                stranger.flags = flags(["slave"]);
                stranger.endpoint.host = "198.19.9.9".into();
                view.nodes.push(Arc::new(stranger));
            });
        },
        &[Code::ForeignNode],
    ),
    (
        |snapshot| {
            each_view(snapshot, |view| {
                changed(view, 0).slots = slots(&["0-2000"]);
                changed(view, 2).slots = slots(&["2001-10922"]);
            });
        },
        &[Code::SlotsUneven],
    ),
    (
        |snapshot| {
            snapshot.seen.remove(1);
            snapshot.seen.iter_mut().for_each(|seen| (seen.member.number, seen.member.id) = (None, None));
        },
        &[Code::NodeWithoutPod],
    ),
    (|snapshot| copy(snapshot, 0), &[Code::SameNodeId]),
    (|snapshot| copy(snapshot, 1), &[Code::SameNodeId]),
    (|snapshot| snapshot.around.bystanders = vec!["exporter".into()], &[Code::PodNotANode]),
    (|snapshot| line(snapshot, 0, 3).endpoint.host = "198.19.0.21".into(), &[Code::AddressOfAnother]),
    (|snapshot| line(snapshot, 3, 3).endpoint.host = "198.18.77.7".into(), &[Code::AddressStale]),
    (
        |snapshot| {
            let ip = snapshot.seen[3].member.pod_ip.clone().expect("an address");
            each_view(snapshot, |view| changed(view, 3).endpoint.host.clone_from(&ip));
        },
        &[Code::AddressNotService],
    ),
    (|snapshot| view(snapshot, 1).server.link_up = Some(false), &[Code::ReplicaLinkDown]),
    (
        |snapshot| {
            let server = &mut view(snapshot, 1).server;
            server.link_up = Some(false);
            server.master = Some(crate::cluster::node::Endpoint { host: "198.18.77.7".into(), port: 6379 });
        },
        &[Code::ReplicaOfNobody],
    ),
    (
        |snapshot| {
            let id = line(snapshot, 3, 3).id.clone();
            each_view(snapshot, |view| changed(view, 1).master = Some(id.clone()));
        },
        &[Code::ReplicaMissing, Code::ReplicaOfReplica],
    ),
    (|snapshot| view(snapshot, 0).server.offset = Some(64 << 20), &[Code::ReplicaLags]),
    (
        |snapshot| {
            view(snapshot, 1).server.sync_in_progress = true;
            view(snapshot, 0).server.full_syncs = 7;
        },
        &[Code::ReplicaLinkDown, Code::FullSyncLoop],
    ),
    (
        |snapshot| {
            view(snapshot, 0).server.keys = 500;
            view(snapshot, 1).server.keys = 0;
        },
        &[Code::ReplicaEmpty],
    ),
    (
        |snapshot| {
            each_view(snapshot, |view| set(view, "maxmemory-policy", "noeviction"));
            view(snapshot, 0).server.max_memory = Some(1 << 19);
        },
        &[Code::WritesRefused],
    ),
    (
        |snapshot| {
            each_view(snapshot, |view| set(view, "maxmemory-policy", "allkeys-lru"));
            view(snapshot, 0).server.max_memory = Some(1 << 19);
        },
        &[],
    ),
    (
        |snapshot| {
            each_view(snapshot, |view| set(view, "appendonly", "yes"));
            view(snapshot, 0).server.failed_writes = vec!["aof_last_write_status".into()];
        },
        &[Code::PersistenceFails, Code::WritesRefused],
    ),
    (|snapshot| never_elected(snapshot, 1), &[Code::FailoverDisabled]),
    (
        |snapshot| {
            each_view(snapshot, |view| set(view, "protected-mode", "yes"));
            view(snapshot, 0).needs_no_password = true;
        },
        &[Code::ClientsDenied],
    ),
    (
        |snapshot| {
            each_view(snapshot, |view| set(view, "maxclients", "20"));
            view(snapshot, 0).server.connections = Some(20);
        },
        &[Code::ClientsLimit],
    ),
    (
        |snapshot| {
            each_view(snapshot, |view| set(view, "maxclients", "20"));
            view(snapshot, 0).server.connections = Some(19);
        },
        &[],
    ),
    (
        |snapshot| {
            let text = "CLUSTER NODES: BUSY Redis is busy running a script. You can only call SCRIPT KILL.";
            snapshot.seen[0].view = Err(NoResponse::Rejected(Rejection::Script, text.into()));
        },
        &[Code::NodeBusy],
    ),
    (
        |snapshot| snapshot.seen[0].view = Err(NoResponse::Rejected(Rejection::ClientsLimit, "ERR max".into())),
        &[Code::ClientsLimit],
    ),
    (
        |snapshot| snapshot.seen[1].view = Err(NoResponse::Rejected(Rejection::NoMaster, "MASTERDOWN".into())),
        &[Code::ReplicaLinkDown],
    ),
    (|snapshot| fail(snapshot, &[0, 2]), &[Code::NodeUnreachable, Code::MajorityLost]),
    (|snapshot| fail(snapshot, &[0]), &[Code::NodeUnreachable]),
    (
        |snapshot| snapshot.seen[1].view = Err(NoResponse::Loading("CLUSTER NODES: LOADING it".into())),
        &[Code::NodeLoading],
    ),
    (|snapshot| snapshot.seen[1].view = Err("no answer".into()), &[Code::NodeUnreachable]),
    (|snapshot| snapshot.seen[1].view = Err(NoResponse::Waiting("waiting for node 102".into())), &[Code::NodeWaiting]),
    (|snapshot| snapshot.seen[1].view = Err(NoResponse::DataLost("gone".into())), &[Code::DataLost]),
    (
        |snapshot| snapshot.seen[1].view = Err(NoResponse::Refused("CLUSTER NODES: NOAUTH".into())),
        &[Code::PasswordsDiffer],
    ),
    (|snapshot| snapshot.seen[1].view = Err(NoResponse::Refused("no rights".into())), &[]),
    (|snapshot| snapshot.seen[1].view = Err(NoResponse::NotClustered("off".into())), &[Code::ClusterModeOff]),
    (|snapshot| trouble(snapshot, 1, TroubleKind::NoPod), &[Code::PodMissing]),
    (|snapshot| trouble(snapshot, 1, TroubleKind::Deleted), &[Code::PodDeleted]),
    (|snapshot| trouble(snapshot, 1, TroubleKind::Unschedulable), &[Code::PodUnschedulable]),
    (|snapshot| trouble(snapshot, 1, TroubleKind::Image), &[Code::ImageNotPulled]),
    (|snapshot| trouble(snapshot, 1, TroubleKind::Container), &[Code::ContainerNotMade]),
    (|snapshot| trouble(snapshot, 1, TroubleKind::CrashLoop), &[Code::CrashLoop]),
    (|snapshot| trouble(snapshot, 1, TroubleKind::OutOfMemory), &[Code::OutOfMemory]),
    (|snapshot| trouble(snapshot, 1, TroubleKind::Starting), &[Code::PodStarting]),
    (|snapshot| snapshot.seen[1].member.state.ready = Some((false, 0)), &[Code::PodNotReady]),
    (|snapshot| snapshot.seen[1].member.state.ready = Some((false, 9_980)), &[]),
    (
        |snapshot| {
            snapshot.seen[1].member.state.ready = Some((false, 0));
            view(snapshot, 1).server.uptime_seconds = Some(20);
        },
        &[],
    ),
    (
        |snapshot| {
            snapshot.seen[1].member.state.ready = Some((false, 0));
            snapshot.seen[1].member.state.probe_delay = 105;
        },
        &[],
    ),
    (
        |snapshot| {
            let state = &mut snapshot.seen[1].member.state;
            state.restarts = 1;
            state.last_end = Some(End { reason: "OOMKilled".into(), code: 137, at: Some(9_000) });
        },
        &[Code::OutOfMemory],
    ),
    (
        |snapshot| {
            let state = &mut snapshot.seen[1].member.state;
            state.restarts = 1;
            state.last_end = Some(End { reason: "Error".into(), code: 1, at: Some(9_000) });
        },
        &[Code::ContainerRestarted],
    ),
    (
        |snapshot| snapshot.seen.iter_mut().take(3).for_each(|seen| seen.member.worker = Some("node-1".into())),
        &[Code::ShardOnOneWorker, Code::MajorityOnOneWorker],
    ),
    (
        |snapshot| snapshot.seen.iter_mut().take(3).for_each(|seen| seen.member.zone = Some("zone-9".into())),
        &[Code::ShardInOneZone, Code::MajorityInOneZone],
    ),
    (
        |snapshot| seen(&mut snapshot.around.workers).get_mut("node-1").expect("it").ready = false,
        &[Code::WorkerNotReady],
    ),
    (
        |snapshot| {
            seen(&mut snapshot.around.workers).get_mut("node-1").expect("it").pressure = vec!["DiskPressure".into()];
        },
        &[Code::WorkerUnderPressure],
    ),
    (|snapshot| seen(&mut snapshot.around.budgets).clear(), &[Code::BudgetMissing]),
    (|snapshot| seen(&mut snapshot.around.budgets)[0].max_unavailable = Some("50%".into()), &[Code::BudgetUseless]),
    (
        |snapshot| {
            let second = Budget { name: "b".into(), ..seen(&mut snapshot.around.budgets)[0].clone() };
            seen(&mut snapshot.around.budgets).push(second);
        },
        &[Code::BudgetsOverlap],
    ),
    (
        |snapshot| {
            let gone = seen(&mut snapshot.around.services).remove(1);
            snapshot.around.lost_services.insert(gone.name, "{\"spec\":{}}".into());
        },
        &[Code::ServiceMissing],
    ),
    (
        |snapshot| snapshot.around.lost_configuration = [configuration(Configuration::Secret)].into(),
        &[Code::SecretMissing],
    ),
    (
        |snapshot| snapshot.around.lost_configuration = [configuration(Configuration::ConfigMap)].into(),
        &[Code::ConfigMapMissing],
    ),
    (
        |snapshot| {
            seen(&mut snapshot.around.services)[1].selector = Labels::from([("node".into(), "nobody".into())]);
        },
        // The Service's address no longer counts as the node's.
        &[Code::ServiceWithoutEndpoint],
    ),
    (|snapshot| seen(&mut snapshot.around.services)[1].ports = [6379].into(), &[Code::ServiceWithoutPort]),
    (
        |snapshot| seen(&mut snapshot.around.claims).values_mut().next().expect("one").phase = "Lost".into(),
        &[Code::VolumeLost],
    ),
    (
        |snapshot| seen(&mut snapshot.around.usage).values_mut().next().expect("one").used = 100 << 30,
        &[Code::VolumeFull],
    ),
    (
        |snapshot| view(snapshot, 1).server.failed_writes = vec!["aof_last_write_status".into()],
        &[Code::PersistenceFails],
    ),
    (|snapshot| view(snapshot, 1).server.append_only = Some(false), &[Code::PersistenceOff]),
    (|snapshot| view(snapshot, 1).server.version = Some("7.2.0".into()), &[Code::VersionsDiffer]),
    (
        |snapshot| {
            seen(&mut view(snapshot, 1).settings).insert("cluster-node-timeout".into(), "1000".into());
        },
        &[Code::SettingsDiffer],
    ),
    (|snapshot| view(snapshot, 1).server.max_memory = Some(0), &[Code::MaxmemoryTooHigh]),
    (
        |snapshot| {
            snapshot.seen.retain(|seen| seen.member.number.is_some_and(NodeNumber::is_initial_master));
            each_view(snapshot, |view| view.nodes.retain(|line| line.master.is_none()));
            seen(&mut snapshot.around.services)
                .retain(|service| service.number.is_some_and(NodeNumber::is_initial_master));
        },
        &[Code::NoReplica],
    ),
    (
        |snapshot| {
            view(snapshot, 5).nodes.retain(|line| line.flags.is_myself());
            for index in 0..5 {
                view(snapshot, index).nodes.remove(5);
            }
        },
        &[Code::ReplicaMissing, Code::ViewsDisagree, Code::PodOutsideCluster],
    ),
    (|snapshot| forget(snapshot, 1, &[0, 2, 3, 4, 5]), &[Code::ViewsDisagree, Code::NodeForgotten]),
    // Two of three masters elect it, and one of them is its own.
    (|snapshot| forget(snapshot, 1, &[4]), &[Code::ViewsDisagree, Code::NodeForgotten]),
    (|snapshot| forget(snapshot, 1, &[0, 3, 5]), &[Code::ViewsDisagree]),
];

/// Removes a node from the views of others.
fn forget(snapshot: &mut Snapshot, whose: usize, viewers: &[usize]) {
    let id = line(snapshot, whose, whose).id.clone();
    viewers.iter().for_each(|viewer| view(snapshot, *viewer).nodes.retain(|line| line.id != id));
}

#[test]
fn each_fault_has_its_codes_and_no_others() {
    let mut wrong = Vec::new();
    for (index, (change, expected)) in SCENARIOS.iter().enumerate() {
        let mut snapshot = whole();
        change(&mut snapshot);
        let found: BTreeSet<Code> = report(&snapshot).findings.iter().map(|finding| finding.code).collect();
        let expected: BTreeSet<Code> = expected.iter().copied().collect();
        if found != expected {
            wrong.push(format!("scenario {index}: expected {expected:?}, found {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_code_is_found_in_some_scenario() {
    let found: BTreeSet<Code> = SCENARIOS.iter().flat_map(|(_, codes)| codes.iter().copied()).collect();
    let missing: Vec<_> = Code::ALL.into_iter().filter(|code| !found.contains(code)).collect();
    assert_eq!(missing, []);
}

/// What a user may have given, each with something to quote.
fn given() -> Caller {
    let connection = GivenFlags::default().with("--context", Some("my staging")).with("--as", Some("o'neill"));
    let nodes = GivenFlags::default().with("--redis-user", Some("ops")).with("--auth-secret", Some("x/y"));
    Caller { namespace: "elsewhere".into(), connection, nodes }
}

/// The words of every kubectl that a shell runs for a command.
fn calls(command: &str) -> Vec<Vec<String>> {
    let folder = tempfile::tempdir().expect("a folder");
    let script = format!("kubectl() {{ printf '%s\\n' \"$@\" >\"$(mktemp -p \"$0\")\"; }}; {command}");
    let status =
        std::process::Command::new("sh").args(["-c", &script]).arg(folder.path()).stdin(Stdio::null()).status();
    assert!(status.expect("a shell").success(), "{command}");
    let files = std::fs::read_dir(folder.path()).expect("a folder").map(|file| file.expect("a file").path());
    files.map(|file| std::fs::read_to_string(file).expect("text").lines().map(str::to_owned).collect()).collect()
}

/// Asserts that every kubectl of a hint has all that was given, and that it exists.
fn assert_complete(hint: &str, cluster: &[&str]) {
    let calls = calls(hint);
    assert!(!calls.is_empty(), "{hint}");
    for words in calls {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        let is_plugin = words[0] == "redis-cluster";
        let rest = &words[usize::from(is_plugin)..];
        let rest = rest.strip_prefix(&["--context", "my staging", "--as", "o'neill"]).expect(hint);
        if !is_plugin && rest[..2] == ["describe", "node"] {
            continue;
        }
        let rest = rest.strip_prefix(&["-n", "elsewhere"]).expect(hint);
        if is_plugin {
            let verb = rest.strip_prefix(&["--redis-user", "ops", "--auth-secret", "x/y"]).expect(hint);
            assert_eq!(verb[1..=cluster.len()], *cluster, "{hint}");
            let parsed = crate::cli::Cli::try_parse_from(&words);
            parsed.unwrap_or_else(|error| panic!("{hint}: {error}"));
        } else {
            let verbs = [
                "describe", "get", "exec", "logs", "edit", "create", "delete", "patch", "scale", "set", "label",
                "replace",
            ];
            assert!(verbs.contains(&rest[0]), "{hint}");
        }
    }
}

#[test]
fn every_hint_is_a_command_that_exists_and_repeats_what_was_given() {
    let targets = [
        (ClusterRef::Named("redis-001".into()), &["redis-001"][..]),
        (ClusterRef::Selected("app".into()), &["-l", "app"]),
        (ClusterRef::Selected("app in (a,b)".into()), &["-l", "app in (a,b)"]),
    ];
    for (change, _) in SCENARIOS {
        for (cluster, arguments) in &targets {
            let mut snapshot = whole();
            (snapshot.caller, snapshot.cluster) = (given(), cluster.clone());
            for seen in &mut snapshot.seen {
                let instance = ("app.kubernetes.io/instance".to_owned(), "redis-001".to_owned());
                seen.member.state.labels.extend([instance]);
            }
            change(&mut snapshot);
            for finding in report(&snapshot).findings {
                let is_ours_only = finding.hint.contains("accept-loss");
                assert_complete(&finding.hint, if is_ours_only { &["redis-001"] } else { arguments });
            }
        }
    }
}

#[test]
fn redis_cli_logs_in_as_this_tool_did() {
    let mut snapshot = whole();
    snapshot.caller = given();
    let hint = |snapshot: &Snapshot| Hints { snapshot }.redis(&snapshot.seen[0].member, "config set save \"\"");
    let in_pod = |snapshot: &Snapshot| {
        let exec = calls(&hint(snapshot)).into_iter().find(|words| words.contains(&"exec".to_owned()));
        exec.expect("one").rsplitn(2, |word| word == "--").next().expect("a command").join(" ")
    };
    let shell = |snapshot: &mut Snapshot, change: fn(&mut Shell)| {
        change(snapshot.seen[0].member.shell.as_mut().expect("a pod"));
    };
    shell(&mut snapshot, |shell| (shell.user, shell.flags) = (Some("o'neill".into()), "--tls --insecure "));
    assert_eq!(in_pod(&snapshot), "redis-cli --user o'neill --tls --insecure config set save ");
    shell(&mut snapshot, |shell| shell.password_variable = Some("REDIS_PASSWORD".into()));
    let cli = "redis-cli --user 'o'\\''neill' --tls --insecure config set save \"\"";
    assert_eq!(in_pod(&snapshot), format!("sh -c REDISCLI_AUTH=\"$REDIS_PASSWORD\" {cli}"));
    shell(&mut snapshot, |shell| shell.password_secret = Some(("s".into(), "my.key".into())));
    assert_eq!(in_pod(&snapshot), format!("sh -c IFS= read -r REDISCLI_AUTH; export REDISCLI_AUTH; {cli}"));
    let secret = "get secret s -o go-template='{{index .data \"my.key\" | base64decode}}' | kubectl ";
    assert!(hint(&snapshot).contains(secret), "{}", hint(&snapshot));
    assert_complete(&hint(&snapshot), &[]);
    let talking = Hints { snapshot: &snapshot }.redis_on_terminal(&snapshot.seen[0].member, "-c");
    assert_complete(&talking, &[]);
}

/// A pod of the selector may run a cluster of its own.
#[test]
fn cluster_wide_hints_run_on_a_member_of_the_cluster() {
    let mut snapshot = whole();
    let stranger = {
        let view = view(&mut snapshot, 0);
        view.nodes.retain(|line| line.flags.is_myself());
        Arc::make_mut(&mut view.nodes[0]).slots = SlotSet::default();
        snapshot.seen[0].member.name.clone()
    };
    for index in 1..6 {
        view(&mut snapshot, index).nodes.remove(0);
    }
    let best = Hints { snapshot: &snapshot }.best_known().expect("many").name.clone();
    assert_ne!(best, stranger);
    // A node that all others forgot still knows them.
    let mut snapshot = whole();
    for index in 1..6 {
        view(&mut snapshot, index).nodes.remove(0);
    }
    assert_eq!(
        Hints { snapshot: &snapshot }.best_known().map(|member| member.name.as_str()),
        Some("redis-001-node-102")
    );
}

#[test]
fn what_may_not_be_asked_is_no_verdict_where_it_matters() {
    let mut snapshot = whole();
    snapshot.around.budgets = Lookup::Denied("you may not".into());
    snapshot.around.last_log_lines = Lookup::Denied("you may not".into());
    assert_eq!(report(&snapshot).verdict(Severity::Info), Verdict::Healthy);
    snapshot.seen[1].view = Err(NoResponse::Refused("you may not".into()));
    let asked = report(&snapshot);
    assert_eq!(asked.gaps.iter().map(|gap| gap.matters).collect::<Vec<_>>(), [false, false, true]);
    assert_eq!(asked.verdict(Severity::Warning), Verdict::Unclear);
    snapshot.seen[3].view = Err("no answer".into());
    assert_eq!(report(&snapshot).verdict(Severity::Warning), Verdict::Unhealthy);
    assert_eq!(report(&snapshot).verdict(Severity::Error), Verdict::Unclear);
}

#[test]
fn no_response_at_all_is_our_fault_unless_kubernetes_knows_a_reason() {
    let mut snapshot = whole();
    snapshot.seen.iter_mut().for_each(|seen| seen.view = Err("no answer".into()));
    assert_eq!(report(&snapshot).verdict(Severity::Warning), Verdict::Unclear);
    trouble(&mut snapshot, 0, TroubleKind::CrashLoop);
    assert_eq!(report(&snapshot).verdict(Severity::Warning), Verdict::Unhealthy);
}

#[test]
fn what_losing_a_place_would_cost() {
    let mut snapshot = whole();
    for index in [0, 1, 2] {
        snapshot.seen[index].member.worker = Some("node-9".into());
    }
    let all = failure_impacts(&Topology::of(&snapshot));
    let worst = all.iter().find(|loss| loss.name == "node-9").expect("it");
    assert_eq!((worst.nodes, worst.masters, &worst.shards[..], worst.majority_left), (3, 2, &[1][..], false));
}

#[test]
fn nobody_knows_what_a_loss_would_cost_if_nobody_responded() {
    let mut snapshot = whole();
    snapshot.seen.iter_mut().for_each(|seen| seen.view = Err("no answer".into()));
    assert_eq!(failure_impacts(&Topology::of(&snapshot)), []);
}

#[test]
fn a_replica_that_is_never_elected_saves_no_shard() {
    let lost = |snapshot: &Snapshot| -> BTreeSet<u32> {
        failure_impacts(&Topology::of(snapshot)).into_iter().flat_map(|impact| impact.shards).collect()
    };
    let mut snapshot = whole();
    snapshot.seen.iter_mut().for_each(|seen| seen.member.zone = None);
    assert_eq!(lost(&snapshot), [].into());
    never_elected(&mut snapshot, 1);
    assert_eq!(lost(&snapshot), [1].into());
    // Nor does one whose data is too old.
    let stale = view(&mut snapshot, 3);
    stale.server.link_up = Some(false);
    set(stale, "cluster-replica-validity-factor", "10");
    assert_eq!(lost(&snapshot), [1, 2].into());
}

#[test]
fn one_replica_that_is_elected_is_enough() {
    let mut snapshot = healthy_of(Shape::new(3, 2, Small::Refused).expect("valid"));
    never_elected(&mut snapshot, 1);
    let codes: Vec<Code> = report(&snapshot).findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, []);
    never_elected(&mut snapshot, 2);
    let codes: Vec<Code> = report(&snapshot).findings.iter().map(|finding| finding.code).collect();
    assert_eq!(codes, [Code::FailoverDisabled]);
}

/// Its pod's preStop hook gives up its candidacy, and its peers remember that.
#[test]
fn a_replica_that_stopped_is_missing_and_nothing_else() {
    let mut snapshot = whole();
    never_elected(&mut snapshot, 1);
    snapshot.seen[1].view = Err(NoResponse::Waiting("waiting".into()));
    let found = report(&snapshot).findings;
    assert!(found.iter().all(|finding| finding.code != Code::FailoverDisabled), "{found:?}");
}

#[test]
fn without_a_majority_no_loss_leaves_one() {
    let mut snapshot = whole();
    fail(&mut snapshot, &[0, 2]);
    let topology = Topology::of(&snapshot);
    assert!(failure_impacts(&topology).iter().all(|impact| !impact.majority_left));
    let first = &check(&snapshot, &topology).findings[0];
    assert_eq!(
        (first.code, first.evidence.as_str()),
        (Code::MajorityLost, "gone: redis-001-node-101, redis-001-node-201; left: redis-001-node-301")
    );
    let takeover = |pod: &str| format!("exec redis-001-node-{pod}-0 -c redis -- redis-cli cluster failover takeover");
    assert!(first.hint.contains(&takeover("102")) && first.hint.contains(&takeover("202")), "{}", first.hint);
}

/// A server that restarts has the Secret's password; but not if that is the one that differs.
#[test]
fn passwords_are_unified_by_those_that_most_nodes_have() {
    let hint = |rejecting: &[usize]| {
        let mut snapshot = whole();
        for index in rejecting {
            snapshot.seen[*index].view = Err(NoResponse::Refused("CLUSTER NODES: NOAUTH".into()));
        }
        let found = report(&snapshot).findings.into_iter().find(|finding| finding.code == Code::PasswordsDiffer);
        found.expect("found").hint
    };
    assert!(hint(&[1]).ends_with("delete pod redis-001-node-102-0"));
    let mut bare = whole();
    let member = &mut bare.seen[1].member;
    (member.number, member.id) = (None, None);
    member.shell.as_mut().expect("a shell").password_variable = Some("REDIS_PASSWORD".into());
    bare.seen[1].view = Err(NoResponse::Refused("CLUSTER NODES: NOAUTH".into()));
    let found = report(&bare).findings.into_iter().find(|finding| finding.code == Code::PasswordsDiffer);
    assert!(!found.expect("found").hint.contains("delete"), "nobody makes its pod again");
    assert!(hint(&[1, 2, 3, 4]).ends_with("exec redis-001-node-102-0 -c redis -- printenv REDISCLI_AUTH"));
}

#[test]
fn no_hint_ends_persistence_or_evicts_keys() {
    let hint = |change: &dyn Fn(&mut Snapshot), code: Code| {
        let mut snapshot = whole();
        change(&mut snapshot);
        let found = report(&snapshot).findings.into_iter().find(|finding| finding.code == code);
        found.expect("found").hint
    };
    let setting = |name: &'static str, majority: &'static str, odd: &'static str| {
        move |snapshot: &mut Snapshot| {
            each_view(snapshot, |view| {
                seen(&mut view.settings).insert(name.into(), majority.into());
            });
            seen(&mut view(snapshot, 3).settings).insert(name.into(), odd.into());
        }
    };
    let differ = |name, majority, odd| hint(&setting(name, majority, odd), Code::SettingsDiffer);
    assert!(differ("appendonly", "no", "yes").ends_with("config set appendonly \"yes\""));
    assert!(differ("save", "", "60 1").ends_with("config set save \"60 1\""));
    assert!(differ("save", "60 1", "").contains(" redis-001-node-202-0 "));
    // One node uses 1 MiB.
    assert!(differ("maxmemory", "2097152", "0").ends_with("config set maxmemory \"2097152\""));
    assert!(differ("maxmemory", "1000000", "0").ends_with(" info redis-001 -o wide"));

    let too_high = |used: u64| {
        let change = move |snapshot: &mut Snapshot| {
            each_view(snapshot, |view| {
                (view.server.max_memory, view.server.used_memory) = (Some(250 << 20), Some(used));
            });
        };
        hint(&change, Code::MaxmemoryTooHigh)
    };
    assert!(too_high(100 << 20).ends_with(" --cluster call 127.0.0.1:6379 config set maxmemory 167772160"));
    assert!(too_high(200 << 20).contains(" describe pod "));
    let one = |snapshot: &mut Snapshot| view(snapshot, 3).server.max_memory = Some(250 << 20);
    assert!(hint(&one, Code::MaxmemoryTooHigh).ends_with("redis-cli config set maxmemory 167772160"));
}

#[test]
fn the_useless_one_of_two_budgets_is_deleted_and_no_pod_that_nobody_makes_again() {
    let mut snapshot = whole();
    let budgets = seen(&mut snapshot.around.budgets);
    budgets.insert(0, Budget { name: "a".into(), max_unavailable: Some("50%".into()), ..budgets[0].clone() });
    let hint = |snapshot: &Snapshot, code: Code| {
        let found = report(snapshot).findings.into_iter().find(|finding| finding.code == code);
        found.expect("found").hint
    };
    assert!(hint(&snapshot, Code::BudgetsOverlap).ends_with("delete poddisruptionbudget a"));

    view(&mut snapshot, 0).server.keys = 500;
    view(&mut snapshot, 1).server.keys = 0;
    assert!(hint(&snapshot, Code::ReplicaEmpty).contains(" delete pod "));
    snapshot.seen.iter_mut().for_each(|seen| (seen.member.number, seen.member.state.controller) = (None, None));
    assert!(!hint(&snapshot, Code::ReplicaEmpty).contains(" delete pod "));
}

/// `fix` and CLUSTER FORGET lose keys if a node that has them did not respond.
#[test]
fn no_hint_forgets_a_node_that_may_have_keys() {
    let hint = |snapshot: &Snapshot, code: Code| {
        let found = report(snapshot).findings.into_iter().find(|finding| finding.code == code);
        found.expect("found").hint
    };
    let mut snapshot = whole();
    each_view(&mut snapshot, |view| changed(view, 0).slots = SlotSet::default());
    // Of keys that its last owner has, it knows.
    assert!(
        hint(&snapshot, Code::SlotsUncovered).contains("node-101-0 -c redis -- redis-cli cluster addslotsrange 0 5460")
    );
    each_view(&mut snapshot, |view| changed(view, 0).slots = slots(&["0-5459"]));
    assert!(hint(&snapshot, Code::SlotsUncovered).contains("--cluster fix"));
    snapshot.seen[5].view = Err("no answer".into());
    assert!(!hint(&snapshot, Code::SlotsUncovered).contains("--cluster fix"));
    view(&mut snapshot, 0).astray = ["9000".parse().expect("a slot")].into_iter().collect();
    assert!(!hint(&snapshot, Code::KeysAstray).contains("--cluster fix"));

    let mut snapshot = whole();
    snapshot.seen.iter_mut().for_each(|seen| (seen.member.number, seen.member.id) = (None, None));
    let mut without_replica = snapshot.clone();
    without_replica.seen.remove(1);
    assert!(hint(&without_replica, Code::NodeWithoutPod).contains("cluster forget"));
    snapshot.seen.remove(0);
    assert!(!hint(&snapshot, Code::NodeWithoutPod).contains("cluster forget"));
}

/// What is stopped must have nothing to lose.
#[test]
fn only_a_copy_without_keys_is_stopped() {
    let hint = |snapshot: &Snapshot| {
        let found = report(snapshot).findings.into_iter().find(|finding| finding.code == Code::SameNodeId);
        let found = found.expect("found");
        (found.subject, found.hint)
    };
    let mut snapshot = whole();
    copy(&mut snapshot, 0);
    let stop = "kubectl -n default scale statefulset copy --replicas 0";
    assert_eq!(hint(&snapshot), ("copy-0".into(), stop.into()));
    let mut with_keys = snapshot.clone();
    view(&mut with_keys, 6).server.keys = 2;
    assert_eq!(hint(&with_keys), ("copy-0".into(), "kubectl -n default describe pod copy-0".into()));
    // The one that Kubernetes knows longer is the empty one.
    view(&mut with_keys, 0).server.keys = 0;
    assert_eq!(hint(&with_keys).0, "redis-001-node-101");
    // Its controller keeps nodes, too.
    let controller = snapshot.seen[6].member.state.controller.clone();
    snapshot.seen[3].member.state.controller = controller;
    assert_eq!(hint(&snapshot).1, "kubectl -n default describe pod copy-0");
}

/// A node whose pod was replaced and does not respond is no node without a pod.
#[test]
fn nodes_that_may_be_silent_pods_are_not_forgotten() {
    let mut snapshot = whole();
    snapshot.seen.iter_mut().for_each(|seen| (seen.member.number, seen.member.id) = (None, None));
    for index in [1, 3] {
        snapshot.seen[index].member.pod_ip = Some(format!("198.18.99.{index}"));
        trouble(&mut snapshot, index, TroubleKind::CrashLoop);
        each_view(&mut snapshot, |view| changed(view, index).flags = flags(["slave", "fail"]));
    }
    let findings = report(&snapshot).findings;
    assert!(findings.iter().all(|finding| finding.code != Code::NodeWithoutPod), "{findings:?}");
    assert_eq!(findings.iter().filter(|finding| finding.code == Code::CrashLoop).count(), 2);
}
