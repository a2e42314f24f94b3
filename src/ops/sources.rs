//! Measures the source IP that a server sees for a connection from another pod through its Service.

use super::access::{Passwords, passwords, way};
use super::tell::tell;
use crate::cluster::nodes_conf::PORT;
use crate::context::Context;
use crate::error::Error;
use crate::k8s::members::{self, Candidate, Which};
use crate::manifest::object::POD;
use crate::node::connection::Credentials;
use crate::proxy::measure::{Measurement, PodLocation, own_service, pairs, source_of};
use crate::proxy::suitability::AtHand;
use futures::future::try_join3;
use futures::{StreamExt, stream};
use k8s_openapi::api::core::v1::{Pod, Service};
use std::time::Duration;

const AT_ONCE: usize = 8;

#[derive(Clone, Debug)]
pub struct Station {
    pub place: PodLocation,
    /// The container of the server.
    pub container: String,
    /// The pod's IP.
    pub address: String,
    /// The Service that selects only this pod, or why there is none.
    pub service: Result<(String, u16), String>,
    pub credentials: Credentials,
}

/// The stations of a running cluster, whether its nodes announce their addresses, and a note if one
/// does not report it.
///
/// # Errors
/// If the cluster cannot be found.
pub async fn of_cluster(context: &Context, which: &Which) -> Result<(Vec<Station>, AtHand, Option<String>), Error> {
    let server = &context.server;
    let (candidates, pods, services) = try_join3(
        members::find(server, which, &context.choice),
        members::list::<Pod>(server, "pods", which.selector()),
        members::list::<Service>(server, "services", String::new()),
    )
    .await?;
    let passwords = passwords(context, &candidates, Passwords::new()).await?;
    let stations =
        candidates.iter().filter_map(|candidate| station(context, candidate, &passwords, (&pods, &services)));
    let announced = stream::iter(candidates.iter().filter(|candidate| candidate.target.is_ok()))
        .map(|candidate| announces(context, candidate))
        .buffered(AT_ONCE)
        .collect::<Vec<_>>();
    let announced = announced.await;
    let failed = announced.iter().find_map(|each| each.as_ref().err());
    let note = failed.map(|error| format!("it is unknown whether every node announces its address: {error}"));
    let announced: Vec<Option<bool>> = announced.into_iter().map(Result::ok).collect();
    Ok((stations.collect(), AtHand::of(&announced), note))
}

fn station(
    context: &Context,
    candidate: &Candidate,
    passwords: &Passwords,
    (pods, services): (&[Pod], &[Service]),
) -> Option<Station> {
    let target = candidate.target.as_ref().ok()?;
    let pod = pods.iter().find(|pod| pod.metadata.name.as_ref() == Some(&target.pod))?;
    Some(Station {
        place: PodLocation { pod: target.pod.clone(), worker: candidate.member.worker.clone()? },
        container: target.container.clone(),
        address: candidate.member.pod_ip.clone()?,
        service: own_service(pod, pods, services).ok_or_else(|| "no Service selects only this pod".to_owned()),
        credentials: way(context, candidate, passwords).1,
    })
}

async fn announces(context: &Context, candidate: &Candidate) -> Result<bool, Error> {
    let port = candidate.target.as_ref().map_or(PORT, |target| target.port);
    let reply = tell(context, candidate, port, &["CONFIG", "GET", "cluster-announce-ip"]).await?;
    Ok(reply.lines().nth(1).is_some_and(|address| !address.trim().is_empty()))
}

pub async fn measure(context: &Context, stations: &[Station]) -> Vec<Measurement> {
    let places: Vec<PodLocation> = stations.iter().map(|station| station.place.clone()).collect();
    stream::iter(pairs(&places))
        .map(|(from, to)| between(context, &stations[from], &stations[to]))
        .buffered(AT_ONCE)
        .collect()
        .await
}

async fn between(context: &Context, from: &Station, to: &Station) -> Measurement {
    let seen = match &to.service {
        Ok(service) => source(context, from, service, &to.credentials).await,
        Err(reason) => Err(reason.clone()),
    };
    let mut expected = from.address.clone();
    if seen.as_ref().is_ok_and(|seen| *seen != expected) {
        expected = address_now(context, from).await.unwrap_or(expected);
    }
    Measurement { from: from.place.clone(), to: to.place.clone(), expected, seen }
}

/// A pod with a recreated sandbox has a new IP: read it again before a source IP counts as
/// rewritten.
async fn address_now(context: &Context, station: &Station) -> Option<String> {
    let pod = context.server.get(POD, &station.place.pod).await.ok()??;
    pod["status"]["podIP"].as_str().map(str::to_owned)
}

/// The end of standard input does not reach a pod before Kubernetes 1.30: the shell counts the lines.
const SCRIPT: &str = "cli=$(command -v redis-cli || command -v valkey-cli) || { echo 'no redis-cli in this image' >&2; exit 1; }; \
     left=$2; while [ \"$left\" -gt 0 ] && IFS= read -r line; do printf '%s\\n' \"$line\"; left=$((left - 1)); done | \"$cli\" -h \"$0\" -p \"$1\"";

/// The connection's name in CLIENT LIST: several connections to the same server are measured in
/// parallel.
fn connection_name(from: &Station) -> String {
    format!("kubectl-redis-cluster-probe:{}", from.place.pod)
}

async fn source(
    context: &Context,
    from: &Station,
    (host, port): &(String, u16),
    credentials: &Credentials,
) -> Result<String, String> {
    let name = connection_name(from);
    let mut lines: Vec<String> = credentials.login().into_iter().collect();
    lines.extend([format!("CLIENT SETNAME {name}"), "CLIENT LIST".to_owned()]);
    let input: String = lines.iter().map(|line| format!("{line}\n")).collect();
    let (port, count) = (port.to_string(), lines.len().to_string());
    let command = ["sh", "-c", SCRIPT, host, &port, &count];
    let run = context.server.exec(&from.place.pod, &from.container, &command, &input);
    // redis-cli has no timeout of its own here.
    let deadline = context.ask_timeout.max(Duration::from_secs(1));
    let ended = match tokio::time::timeout(deadline, run).await {
        Ok(Ok(ended)) => ended,
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_) => return Err(format!("no response within {}", crate::error::seconds(deadline))),
    };
    source_of(&ended.out, &name).ok_or_else(|| {
        let said = [ended.err.trim(), ended.out.trim()].into_iter().find(|text| !text.is_empty());
        said.and_then(|text| text.lines().last()).unwrap_or("no response").to_owned()
    })
}
