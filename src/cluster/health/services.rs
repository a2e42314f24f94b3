//! Services: their endpoints and ports.

use super::context::{CheckContext, list};
use crate::cluster::commands::quoted;
use crate::cluster::finding::{Code, Finding};
use crate::cluster::snapshot::Member;
use crate::cluster::surroundings::Service;
use std::collections::BTreeSet;
use std::net::IpAddr;

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    let Some(services) = context.around().services.seen() else { return Vec::new() };
    let lost = context.around().lost_services.iter().map(|(name, manifest)| lost(context, name, manifest));
    let concerned = services.iter().filter(|service| concerns(context, service));
    let without_endpoint = concerned.clone().filter_map(|service| without_endpoint(context, service));
    lost.chain(without_endpoint).chain(concerned.filter_map(|service| without_port(context, service))).collect()
}

/// Made again at the address that its node announces, nothing else has to change.
fn lost(context: &CheckContext<'_>, name: &str, manifest: &str) -> Finding {
    let announced = context.topology.nodes().find(|node| node.member.name == name).and_then(|node| {
        let at = node.endpoint.as_ref().filter(|at| node.is_reachable() && at.host.parse::<IpAddr>().is_ok())?;
        (node.member.pod_ip.as_ref() != Some(&at.host)).then_some(at.host.as_str())
    });
    let spec = "\"spec\":{";
    let at = announced.map(|address| format!("{spec}\"clusterIP\":\"{address}\","));
    let manifest = at.map_or(manifest.to_owned(), |at| manifest.replacen(spec, &at, 1));
    let evidence = match announced {
        Some(address) => format!("no Service of this name; {name} announces {address}"),
        None => "no Service of this name".into(),
    };
    let create = || format!("echo {} | {}", quoted(&manifest), context.hints.kubectl("create -f -"));
    let hint = if manifest.is_empty() { context.hints.create() } else { create() };
    Code::ServiceMissing.found(name, format!("Service {name} does not exist"), evidence, hint)
}

/// The nodes that announce an address of the Service, with the ports that they announce.
fn announcers<'a>(context: &CheckContext<'a>, service: &Service) -> Vec<(&'a str, u16, u16)> {
    let own = context.views().filter_map(|(name, view)| Some((name, view.myself()?)));
    own.filter(|(_, line)| service.is_at(&line.endpoint))
        .map(|(name, line)| {
            let port = line.endpoint.port;
            (name, port, line.bus_port.unwrap_or(port.saturating_add(10_000)))
        })
        .collect()
}

fn concerns(context: &CheckContext<'_>, service: &Service) -> bool {
    service.ours
        || context.snapshot.seen.iter().any(|seen| service.selects(&seen.member.state.labels))
        || !announcers(context, service).is_empty()
}

fn without_endpoint(context: &CheckContext<'_>, service: &Service) -> Option<Finding> {
    let members = || context.snapshot.seen.iter().map(|seen| &seen.member);
    // A missing pod is a finding about the node.
    let has_pod = service
        .number
        .is_none_or(|number| members().any(|member| member.number == Some(number) && member.pod.is_some()));
    if service.selector.is_empty() || !has_pod {
        return None;
    }
    let behind: Vec<&Member> = members().filter(|member| service.selects(&member.state.labels)).collect();
    let reached = |member: &&&Member| service.leads_to_unready || member.state.ready.is_none_or(|(ready, _)| ready);
    if behind.iter().any(|member| reached(&member)) {
        return None;
    }
    let selector = list(service.selector.iter().map(|(name, value)| format!("{name}={value}")));
    let evidence = if behind.is_empty() {
        format!("no pod of the cluster has the labels {selector}")
    } else {
        format!("none of its pods is ready: {}", list(behind.iter().map(|member| &member.name)))
    };
    Some(Code::ServiceWithoutEndpoint.found(
        &service.name,
        format!("Service {} has no ready endpoints", service.name),
        evidence,
        context.hints.kubectl(&format!("describe service {}", service.name)),
    ))
}

fn without_port(context: &CheckContext<'_>, service: &Service) -> Option<Finding> {
    let (node, port, bus) = announcers(context, service).into_iter().next()?;
    // Services that share an address each have some of its ports.
    let shares = |other: &&Service| !service.shared_addresses.is_disjoint(&other.shared_addresses);
    let others = context.around().services.seen().into_iter().flatten().filter(shares);
    let ports: BTreeSet<u16> = others.flat_map(|other| &other.ports).chain(&service.ports).copied().collect();
    let lacking: Vec<String> =
        [port, bus].into_iter().filter(|port| !ports.contains(port)).map(|port| port.to_string()).collect();
    (!lacking.is_empty()).then(|| {
        Code::ServiceWithoutPort.found(
            &service.name,
            format!("Service {} lacks port {} that {node} announces", service.name, lacking.join(" and ")),
            format!("its ports are {}", list(service.ports.iter().map(ToString::to_string))),
            context.hints.kubectl(&format!("edit service {}", service.name)),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::health::tests::{line, report, seen, whole};
    use crate::cluster::snapshot::Snapshot;

    fn without_service(manifest: &str) -> Snapshot {
        let mut snapshot = whole();
        let gone = seen(&mut snapshot.around.services).remove(3);
        snapshot.around.lost_services = [(gone.name, manifest.to_owned())].into();
        snapshot
    }

    fn found(snapshot: &Snapshot) -> (String, String) {
        let mut all = report(snapshot).findings;
        assert_eq!(all.iter().map(|finding| finding.code).collect::<Vec<_>>(), [Code::ServiceMissing], "{all:#?}");
        let only = all.remove(0);
        (only.subject, only.hint)
    }

    #[test]
    fn a_service_that_was_deleted_is_made_again_at_its_old_address() {
        let mut snapshot = without_service("{\"spec\":{\"a\":1}}");
        let expected = "echo '{\"spec\":{\"clusterIP\":\"198.19.0.22\",\"a\":1}}' | kubectl -n default create -f -";
        assert_eq!(found(&snapshot), ("redis-001-node-202".into(), expected.into()));
        // A node that announces its pod has no old one.
        let pod_ip = snapshot.seen[3].member.pod_ip.clone().expect("one");
        for index in 0..6 {
            line(&mut snapshot, index, 3).endpoint.host.clone_from(&pod_ip);
        }
        assert_eq!(found(&snapshot).1, "echo '{\"spec\":{\"a\":1}}' | kubectl -n default create -f -");
        assert_eq!(found(&without_service("")).1, "kubectl redis-cluster -n default create redis-001");
    }

    /// A load balancer's address with the client port of one Service and the bus port of another.
    #[test]
    fn services_that_share_an_address_share_its_ports() {
        let mut snapshot = whole();
        let services = seen(&mut snapshot.around.services);
        services.iter_mut().for_each(|service| service.ours = false);
        let bus = Service { name: "bus".into(), ports: [16379].into(), ..services[3].clone() };
        services[3].ports = [6379].into();
        services.push(bus);
        for service in [3, 6] {
            services[service].shared_addresses = std::mem::take(&mut services[service].addresses);
        }
        assert_eq!(report(&snapshot).findings, []);
        seen(&mut snapshot.around.services).pop();
        assert_eq!(report(&snapshot).findings[0].code, Code::ServiceWithoutPort);
    }
}
