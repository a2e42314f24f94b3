//! Whose an address is. It is an IP address and a port: behind NodePorts, load balancers and on the
//! host network several nodes share an IP address.

use super::context::CheckContext;
use crate::cluster::node::Endpoint;
use crate::cluster::snapshot::Member;
use crate::cluster::surroundings::Service;
use std::collections::BTreeSet;

pub(super) struct Places<'a> {
    places: Vec<Place<'a>>,
    /// Addresses of one pod or one Service alone: no NodePort is reached there.
    exclusive: BTreeSet<&'a str>,
    /// Addresses at which NodePorts are reached; others may be forwarded there from outside.
    workers: BTreeSet<&'a str>,
}

struct Place<'a> {
    member: &'a Member,
    /// Those that lead to it.
    services: Vec<&'a Service>,
}

impl<'a> Places<'a> {
    pub fn of(context: &CheckContext<'a>) -> Self {
        let services = || context.around().services.seen().into_iter().flatten();
        let members = || context.snapshot.seen.iter().map(|seen| &seen.member);
        let place = |member: &'a Member| Place {
            member,
            services: services().filter(|service| service.selects(&member.state.labels)).collect(),
        };
        let pods = members().filter(|member| !is_on_host(member)).filter_map(|member| member.pod_ip.as_deref());
        let clusters = services().flat_map(|service| service.addresses.iter().map(String::as_str));
        let workers = context.around().workers.seen().into_iter().flat_map(|workers| workers.values());
        let workers = workers.flat_map(|worker| worker.addresses.iter().map(String::as_str));
        let hosts = members().filter_map(|member| member.state.host_ip.as_deref());
        Self {
            places: members().map(place).collect(),
            exclusive: pods.chain(clusters).collect(),
            workers: workers.chain(hosts).collect(),
        }
    }

    /// Whether Kubernetes leads from this address to the node.
    pub fn is_of(&self, member: &Member, at: &Endpoint) -> bool {
        let is_worker = self.workers.contains(at.host.as_str());
        let own = self.places.iter().find(|place| place.member.name == member.name);
        own.is_some_and(|place| is_at(place, at) || is_worker && has_node_port(place, at.port))
    }

    /// The node at this address; none if several are. Whoever has a NodePort has it at all addresses
    /// that nobody else has.
    pub fn owner(&self, at: &Endpoint) -> Option<&'a str> {
        let is_outside = !self.exclusive.contains(at.host.as_str());
        let owns = |place: &&Place<'_>| is_at(place, at) || is_outside && has_node_port(place, at.port);
        let mut owners = self.places.iter().filter(owns).map(|place| place.member.name.as_str());
        owners.next().filter(|_| owners.next().is_none())
    }
}

fn is_at(place: &Place<'_>, at: &Endpoint) -> bool {
    let member = place.member;
    let is_host = [&member.pod_ip, &member.state.host_ip].iter().any(|host| host.as_ref() == Some(&at.host));
    let on_host = member.state.host_ports.contains(&at.port) || is_on_host(member) && client_port(member) == at.port;
    let is_pod = member.pod_ip.as_ref() == Some(&at.host) && !is_on_host(member);
    is_pod || is_host && on_host || place.services.iter().any(|service| service.is_at(at))
}

fn has_node_port(place: &Place<'_>, port: u16) -> bool {
    place.services.iter().any(|service| service.node_ports.contains(&port))
}

/// Whether the pod has its worker's address.
fn is_on_host(member: &Member) -> bool {
    member.pod_ip.is_some() && member.pod_ip == member.state.host_ip
}

/// In the pod.
pub(super) fn client_port(member: &Member) -> u16 {
    member.shell.as_ref().map_or(6379, |shell| shell.port)
}

/// Whether this can be an address or a host name: `$(POD_IP)`, which nobody expanded, cannot.
pub(super) fn is_address(host: &str) -> bool {
    host.chars().all(|sign| sign.is_ascii_alphanumeric() || ".:-".contains(sign))
}

/// For CLUSTER MEET: `ADDRESS PORT [BUS-PORT]`, what the node announces, if that is right; else its
/// Service's or its pod's.
pub(super) fn address_to_meet(context: &CheckContext<'_>, places: &Places<'_>, member: &Member) -> Option<String> {
    let own = context.views().find_map(|(name, view)| (name == member.name).then(|| view.myself()).flatten());
    let announced = own.filter(|line| places.is_of(member, &line.endpoint));
    let (host, port, bus) = match (announced, service_of(context, member)) {
        (Some(line), _) => (line.endpoint.host.as_str(), line.endpoint.port, line.bus_port),
        (None, Some(service)) => (address(member, service)?, 6379, None),
        (None, None) => (member.pod_ip.as_deref()?, client_port(member), member.state.bus_port),
    };
    let bus = bus.filter(|bus| Some(*bus) != port.checked_add(10_000));
    Some(format!("{host} {port}{}", bus.map(|bus| format!(" {bus}")).unwrap_or_default()))
}

/// The Service of a node of this tool.
pub(super) fn service_of<'a>(context: &CheckContext<'a>, member: &Member) -> Option<&'a Service> {
    let number = member.number?;
    let services = context.around().services.seen()?;
    services.iter().find(|service| service.ours && service.number == Some(number))
}

/// Of the pod's IP family.
pub(super) fn address<'a>(member: &Member, service: &'a Service) -> Option<&'a str> {
    let is_v6 = |address: &str| address.contains(':');
    let family = member.pod_ip.as_deref().map(is_v6);
    let alike = service.addresses.iter().find(|address| Some(is_v6(address)) == family);
    alike.or(service.addresses.first()).map(String::as_str)
}
