//! Services: their endpoints and ports.

use super::context::{CheckContext, list};
use crate::cluster::finding::{Code, Finding};
use crate::cluster::snapshot::Member;
use crate::cluster::surroundings::Service;
use std::collections::BTreeSet;

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    let Some(services) = context.around().services.seen() else { return Vec::new() };
    let concerned = services.iter().filter(|service| concerns(context, service));
    let without_endpoint = concerned.clone().filter_map(|service| without_endpoint(context, service));
    without_endpoint.chain(concerned.filter_map(|service| without_port(context, service))).collect()
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
