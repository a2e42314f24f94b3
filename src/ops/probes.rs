//! Creates short-lived pods for measurements, one per worker, and removes them.

use super::rights::{Right, demand, on, stream};
use super::sources::{Station, measure};
use crate::cluster::nodes_conf::PORT;
use crate::context::Context;
use crate::error::{Error, ErrorKind};
use crate::interrupt::or_interrupted;
use crate::k8s::objects::{Deletion, Run};
use crate::k8s::wait::{Progress, Stage, TimeLimit, until};
use crate::manifest::names::CONTAINER;
use crate::manifest::object::{POD, SERVICE};
use crate::node::connection::Credentials;
use crate::proxy::measure::{Measurement, PodLocation};
use crate::proxy::probe::Probe;
use futures::future::{join_all, try_join_all};
use serde_json::Value;
use std::time::Duration;

pub struct ProbeOptions {
    /// Must have a Redis or Valkey server and its CLI.
    pub image: String,
    /// For the pods and what is measured between them.
    pub deadline: TimeLimit,
}

/// All permissions that probes need.
pub fn rights() -> Vec<Right> {
    let pods = on(POD, ["get", "create", "patch", "delete"]);
    let services = on(SERVICE, ["create", "patch", "delete"]);
    pods.into_iter().chain(services).chain(stream("exec")).collect()
}

const AWAITED: &str = "the probe pods to respond";

/// Removes the probes also after a failure or Ctrl-C.
///
/// # Errors
/// If a permission is missing, or a probe cannot be created, is not ready in time, or cannot be removed.
pub async fn measure_between(
    context: &Context,
    workers: &[String],
    options: &ProbeOptions,
    seen: impl FnMut(&Stage),
) -> Result<Vec<Measurement>, Error> {
    let rights = rights();
    or_interrupted(options.deadline.bound(AWAITED, demand(&context.server, &rights))).await?;
    let probes = Probes::new(workers)?;
    let measured = options.deadline.bound(AWAITED, probes.measure(context, options, seen));
    let measured = or_interrupted(measured).await;
    let removed = probes.remove(context).await;
    let measured = measured?;
    removed.map(|()| measured)
}

/// Pods and Services that exist or will be created.
struct Probes(Vec<Probe>);

impl Probes {
    /// Creates nothing yet.
    fn new(workers: &[String]) -> Result<Self, Error> {
        let random = getrandom::u32().map_err(|error| Error::user(format!("cannot get random numbers: {error}")))?;
        let id = format!("{random:08x}");
        let probe = |(index, worker): (usize, &String)| Probe { id: id.clone(), worker: worker.clone(), index };
        Ok(Self(workers.iter().enumerate().map(probe).collect()))
    }

    async fn measure(
        &self,
        context: &Context,
        options: &ProbeOptions,
        mut seen: impl FnMut(&Stage),
    ) -> Result<Vec<Measurement>, Error> {
        let services = try_join_all(self.0.iter().map(|probe| make(context, probe, &options.image))).await?;
        let stations = until(options.deadline, AWAITED, Duration::from_millis(300), async || {
            let pods = try_join_all(self.0.iter().map(|probe| async { context.server.get(POD, &probe.name()).await }));
            let stations: Vec<Result<Station, String>> = (self.0.iter().zip(&services).zip(pods.await?))
                .map(|((probe, service), pod)| station(probe, service, pod.as_ref()))
                .collect();
            let Some(why) = stations.iter().find_map(|station| station.as_ref().err()) else {
                return Ok(Progress::Done(stations.into_iter().filter_map(Result::ok).collect::<Vec<_>>()));
            };
            let running = stations.iter().filter(|station| station.is_ok()).count();
            let stage = Stage::new(format!("{running} of {} probe pods run", stations.len()), format!("; {why}"));
            seen(&stage);
            Ok(Progress::Pending(stage))
        })
        .await?;
        answered(context, &stations, options.deadline, seen).await
    }

    /// Removes all existing probes; returns the first failure, but still removes the rest. A pod
    /// that is left over ends by itself.
    async fn remove(&self, context: &Context) -> Result<(), Error> {
        let options = Deletion { run: Run::Real, grace_period: Some(0) };
        let removed = self.0.iter().flat_map(|probe| [(SERVICE, probe.name()), (POD, probe.name())]);
        let removed =
            join_all(removed.map(|(kind, name)| async move { context.server.delete(kind, &name, &options).await }));
        removed.await.into_iter().find_map(Result::err).map_or(Ok(()), Err)
    }
}

async fn make(context: &Context, probe: &Probe, image: &str) -> Result<String, Error> {
    let namespace = context.server.namespace();
    let pod = context.server.apply(&probe.pod(namespace, image), Run::Real).await?;
    let uid = pod["metadata"]["uid"].as_str().unwrap_or_default();
    let service = context.server.apply(&probe.service(namespace, uid), Run::Real).await?;
    Ok(service["spec"]["clusterIP"].as_str().unwrap_or_default().to_owned())
}

/// A running probe, or why it is not running.
fn station(probe: &Probe, service: &str, pod: Option<&Value>) -> Result<Station, String> {
    let status = pod.map_or(&Value::Null, |pod| &pod["status"]);
    let container = &status["containerStatuses"][0];
    let waiting = container["state"]["waiting"]["reason"].as_str();
    let phase = status["phase"].as_str().unwrap_or("gone");
    if phase != "Running" {
        return Err(format!("on {}: {}", probe.worker, waiting.unwrap_or(phase)));
    }
    Ok(Station {
        place: PodLocation { pod: probe.name(), worker: probe.worker.clone() },
        container: CONTAINER.to_owned(),
        address: status["podIP"].as_str().unwrap_or_default().to_owned(),
        service: Ok((service.to_owned(), PORT)),
        credentials: Credentials::default(),
    })
}

/// kube-proxy needs a moment to apply new Services: repeats until all connections respond or the
/// deadline passes; then missing responses are part of the result.
async fn answered(
    context: &Context,
    stations: &[Station],
    deadline: TimeLimit,
    mut seen: impl FnMut(&Stage),
) -> Result<Vec<Measurement>, Error> {
    let mut last = Vec::new();
    let all = until(deadline, "the probe pods' Services", Duration::from_secs(1), async || {
        last = measure(context, stations).await;
        let pending = last.iter().filter(|each| each.seen.is_err()).count();
        if pending == 0 {
            return Ok(Progress::Done(()));
        }
        let stage = Stage::from(format!("{pending} of {} connections have no response yet", last.len()));
        seen(&stage);
        Ok(Progress::Pending(stage))
    });
    match all.await {
        Err(error) if error.kind() != ErrorKind::Timeout || last.is_empty() => Err(error),
        _ => Ok(last),
    }
}
