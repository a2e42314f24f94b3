//! Waits until the nodes of a new cluster have formed it, and says what holds it up.

use super::observe::{self, FoundNodes, Observation};
use super::questions::Scope;
use crate::cluster::snapshot::{Member, Snapshot};
use crate::cluster::topology::{State, Topology};
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::k8s::client::Server;
use crate::k8s::logs::{LogSource, last_line};
use crate::k8s::members::Which;
use crate::k8s::wait::{Progress, times, until_telling};
use crate::manifest::names::{self, ClusterName};
use crate::manifest::object::CONFIG_MAP;
use k8s_openapi::api::core::v1::Event;
use kube::Api;
use kube::api::ListParams;
use serde_json::json;
use std::time::Duration;
use tokio::time::Instant;

/// How long until the nodes are asked again.
const PAUSE: Duration = Duration::from_millis(300);
/// How long a node of a forming cluster is left alone, for each node that there is: a look at
/// it is work for its worker, which has it to start.
const REST_A_NODE: Duration = Duration::from_millis(500);
const LONGEST_REST: Duration = Duration::from_secs(30);
/// How long a list of the pods of a forming cluster is good for, for each pod on it: one of a
/// hundred is work for the API server (65 ms on two cores that are busy with their start).
const GOOD_A_POD: Duration = Duration::from_millis(30);
const LONG: Duration = Duration::from_secs(5);

/// Waits until every node says ok, all agree, no peer doubts another, and every
/// replica holds its master's data; tells `seen` how far it is at each look.
///
/// # Errors
/// When the deadline passes, with what holds it up; when nodes cannot be looked for.
pub async fn formed(
    context: &Context,
    which: &Which,
    deadline: Duration,
    seen: impl FnMut(&str) -> Result<(), Error>,
) -> Result<Observation, Error> {
    let begin = Instant::now();
    let mut forming = Forming {
        context,
        which,
        begin,
        listed: begin,
        found: FoundNodes::default(),
        due: None,
        says_ok: false,
        holdup: None,
    };
    let awaited = format!("redis cluster \"{}\" to form", which.title());
    until_telling(deadline, &awaited, PAUSE, seen, async || forming.look().await).await
}

/// A cluster that is waited for. The first node is asked at each look; until it says that the
/// cluster is ok, the pods are listed and the other nodes asked only now and then.
struct Forming<'a> {
    context: &'a Context,
    which: &'a Which,
    begin: Instant,
    /// What was found when the pods were listed.
    found: FoundNodes,
    listed: Instant,
    /// When all are asked again.
    due: Option<Instant>,
    /// Whether the first node has said ok once.
    says_ok: bool,
    /// What held it up when all were asked, in short and in full.
    holdup: Option<(String, String)>,
}

impl Forming<'_> {
    async fn look(&mut self) -> Result<Progress<Observation>, Error> {
        if !self.says_ok {
            if self.listed.elapsed() >= times(GOOD_A_POD, self.found.candidates.len()) {
                self.found = observe::find(self.context, self.which).await?;
                self.listed = Instant::now();
            }
            let first = observe::of(self.context, self.which, self.found.first(), Scope::Nodes).await?;
            let snapshot = first.snapshot(self.context.server.namespace());
            self.says_ok = snapshot.answered().any(|(_, view)| view.cluster.ok);
            let due = *self.due.get_or_insert(self.begin + rest(self.found.candidates.len()));
            if !self.says_ok && Instant::now() < due {
                return Ok(Progress::Pending(self.in_short(&first)));
            }
        }
        let observation = observe::cluster(self.context, self.which, Scope::Nodes).await?;
        self.due = Some(Instant::now() + rest(observation.nodes.len()));
        let snapshot = observation.snapshot(self.context.server.namespace());
        let topology = Topology::of(&snapshot);
        if topology.state == State::Ok && topology.agree && snapshot.doubted().is_empty() {
            return Ok(Progress::Done(observation));
        }
        // What is slow to find out is asked only when it takes long.
        let in_full = self.begin.elapsed() > LONG;
        let quick = quick_holdup(&observation);
        let why = if in_full { holdup(self.context, &observation).await } else { quick.clone() };
        self.holdup = quick.zip(why.clone());
        Ok(Progress::Pending(format!("{}{}", progress(&snapshot), because(why.as_deref()))))
    }

    /// `4 of 6 pods are ready; redis-001-node-302: its container is being created`
    fn in_short(&self, first: &Observation) -> String {
        let candidates = &self.found.candidates;
        let ready = candidates.iter().filter(|each| each.member.state.ready.is_some_and(|(ready, _)| ready)).count();
        let trouble = candidates.iter().find_map(|each| Some((each, each.target.as_ref().err()?)));
        let now = trouble.map(|(each, why)| format!("{}: {why}", each.member.name)).or_else(|| quick_holdup(first));
        let known = self.holdup.as_ref().filter(|(quick, _)| now.as_ref().is_none_or(|now| now == quick));
        let why = known.map(|(_, in_full)| in_full).or(now.as_ref());
        format!("{ready} of {} pods are ready{}", candidates.len(), because(why.map(String::as_str)))
    }
}

fn rest(nodes: usize) -> Duration {
    times(REST_A_NODE, nodes).min(LONGEST_REST)
}

fn because(why: Option<&str>) -> String {
    why.map_or(String::new(), |why| format!("; {why}"))
}

/// Notes in the cluster's ConfigMap that it has formed: nodes whose volumes are all empty
/// after that do not begin anew by themselves. Nothing else depends on it.
///
/// # Errors
/// The server's.
pub async fn note_formed(server: &Server, name: &ClusterName) -> Result<(), Error> {
    let noted = server.get(CONFIG_MAP, name.as_str()).await?;
    if noted.is_some_and(|map| map["data"][names::FORMED].is_string()) {
        return Ok(());
    }
    server.add(CONFIG_MAP, name.as_str(), &json!({ "data": { names::FORMED: "yes" } })).await
}

/// `4 of 6 nodes answer, 2 say ok, 1 copy their master's data`
fn progress(snapshot: &Snapshot) -> String {
    let answered = snapshot.answered().count();
    let ok = snapshot.answered().filter(|(_, view)| view.cluster.ok).count();
    let copying = snapshot.answered().filter(|(_, view)| view.server.is_synced() == Some(false)).count();
    let nodes = snapshot.seen.len();
    let copying = if copying > 0 { format!(", {copying} copy their master's data") } else { String::new() };
    let doubted = snapshot.doubted().len();
    let doubted = if doubted > 0 { format!(", {doubted} still doubted by peers") } else { String::new() };
    format!("{answered} of {nodes} nodes answer, {ok} say ok{copying}{doubted}")
}

/// The first node that cannot be asked, and why.
fn quick_holdup(observation: &Observation) -> Option<String> {
    let (candidate, reason) =
        observation.nodes.iter().find_map(|(candidate, texts)| Some((candidate, texts.as_ref().err()?)))?;
    Some(format!("{}: {reason}", candidate.member.name))
}

/// The same with what Kubernetes or the pod itself says about it, or what would have to be
/// allowed to know that.
async fn holdup(context: &Context, observation: &Observation) -> Option<String> {
    let short = quick_holdup(observation)?;
    let (candidate, _) = observation.nodes.iter().find(|(_, texts)| texts.is_err())?;
    let event = last_warning(&context.server, &candidate.member).await;
    let line = match &candidate.member.pod {
        Some(pod) => {
            let source = LogSource { pod: pod.clone(), container: names::CONTAINER.into(), uid: String::new() };
            last_line(&context.server, &source).await
        }
        None => Ok(None),
    };
    let denied = [line.as_ref().err(), event.as_ref().err()].into_iter().flatten();
    let denied = denied.filter(|error| error.kind() == ErrorKind::Forbidden).map(Error::reason).collect::<Vec<_>>();
    let line = line.ok().flatten().map(|line| format!("it says: {line}"));
    let says: Vec<String> = line.or(event.ok().flatten()).into_iter().chain(denied).collect();
    Some(if says.is_empty() { short } else { format!("{short} ({})", says.join("; ")) })
}

/// The newest warning about a node's controller or its pod; not what was said of an earlier
/// pod of the same name.
async fn last_warning(server: &Server, node: &Member) -> Result<Option<String>, Error> {
    let api: Api<Event> = Api::namespaced(server.client(), server.namespace());
    let warnings = ListParams::default().fields("type=Warning");
    let events = server.answer("list events", api.list(&warnings)).await?.items;
    let is_about = |event: &&Event| {
        let object = &event.involved_object;
        object.name.as_ref() == Some(&node.name) || (object.uid.is_some() && object.uid == node.pod_uid)
    };
    let newest = events.iter().filter(is_about).max_by_key(|event| event.last_timestamp.clone());
    Ok(newest.and_then(|event| event.message.clone()))
}
