//! The addresses that nodes are known by and announce, and whether they are correct.

use super::context::{CheckContext, list};
use super::reach::{Places, address, address_to_meet, client_port, is_address, service_of};
use crate::cluster::finding::{Code, Finding};
use crate::cluster::identity::copies;
use crate::cluster::node::{LinkState, NodeId};
use crate::cluster::reply::NodeLine;
use crate::cluster::snapshot::{Member, Seen};
use crate::cluster::topology::NodeFacts;
use std::collections::{BTreeSet, HashMap};

pub(super) fn check(context: &CheckContext<'_>) -> Vec<Finding> {
    let known = Addresses::of(context);
    // Two pods with one ID have two addresses, until one is stopped.
    let copies = copies(context.snapshot);
    let is_double = |node: &NodeFacts| copies.iter().any(|copy| Some(copy.id) == node.id.as_ref());
    let reachable = context.topology.nodes().filter(|node| node.is_reachable() && !is_double(node));
    reachable.flat_map(|node| known.of_node(context, node)).collect()
}

struct Addresses<'a> {
    places: Places<'a>,
    /// Whether the Services of the namespace could be read.
    complete: bool,
    /// The lines about a node, with the name of the viewer.
    lines: HashMap<&'a NodeId, Vec<(&'a str, &'a NodeLine)>>,
}

impl<'a> Addresses<'a> {
    fn of(context: &CheckContext<'a>) -> Self {
        let mut lines: HashMap<&NodeId, Vec<(&str, &NodeLine)>> = HashMap::new();
        for (name, view) in context.views() {
            for line in &view.nodes {
                lines.entry(&line.id).or_default().push((name, line));
            }
        }
        Self { places: Places::of(context), complete: context.around().services.seen().is_some(), lines }
    }

    fn of_node(&self, context: &CheckContext<'a>, node: &NodeFacts) -> Vec<Finding> {
        let lines = || node.id.as_ref().and_then(|id| self.lines.get(id)).into_iter().flatten().copied();
        let elsewhere: Vec<(&str, &NodeLine)> = lines()
            .filter(|(_, line)| !line.endpoint.host.is_empty() && !self.places.is_of(&node.member, &line.endpoint))
            .collect();
        let is_other =
            |line: &NodeLine| self.places.owner(&line.endpoint).is_some_and(|owner| owner != node.member.name);
        let (taken, unknown): (Vec<_>, Vec<_>) = elsewhere.into_iter().partition(|(_, line)| is_other(line));
        let hosts: BTreeSet<&str> = lines().map(|(_, line)| line.endpoint.host.as_str()).collect();
        let unusable = |line: &NodeLine| {
            line.link == LinkState::Disconnected || line.flags.is_failed() || line.flags.is_suspected()
        };
        // An address that Kubernetes does not know may belong to a proxy in front of it: as long as the
        // links over it are up and all nodes know the same one, it is correct.
        let stale = self.complete
            && (unknown.iter().any(|(_, line)| unusable(line)) || (!unknown.is_empty() && hosts.len() > 1));
        // Peers repeat what a node announces: until that is right, nothing else helps.
        let announced = no_address(context, node).or_else(|| self.not_service(context, node));
        let known = || stale.then(|| self.outdated(context, node, &unknown));
        let others = (!taken.is_empty()).then(|| self.of_another(context, node, &taken));
        others.into_iter().chain(announced.or_else(known)).collect()
    }

    fn of_another(&self, context: &CheckContext<'_>, node: &NodeFacts, taken: &[(&str, &NodeLine)]) -> Finding {
        let name = &node.member.name;
        let seen = taken.iter().map(|(viewer, line)| {
            let owner = self.places.owner(&line.endpoint).unwrap_or("no node");
            format!("{viewer} has {}, which belongs to {owner}", line.endpoint)
        });
        Code::AddressOfAnother.found(
            name,
            format!("{name} is known by an address that belongs to another node"),
            list(seen),
            self.meet(context, node, taken),
        )
    }

    fn outdated(&self, context: &CheckContext<'_>, node: &NodeFacts, seen: &[(&str, &NodeLine)]) -> Finding {
        let name = &node.member.name;
        let is = node.member.pod_ip.as_deref().unwrap_or("unknown");
        let said = list(seen.iter().map(|(viewer, line)| format!("{viewer} has {}", line.endpoint.host)));
        Code::AddressStale.found(
            name,
            format!("{name} has a stale address"),
            format!("{said}; its pod IP is {is}"),
            self.meet(context, node, seen),
        )
    }

    /// Only for nodes of this tool, which should announce their Service's address. One that was deleted
    /// and made again has another address; links that are up already hide it.
    fn not_service(&self, context: &CheckContext<'_>, node: &NodeFacts) -> Option<Finding> {
        let announces = node.server.as_ref()?.version.as_ref()?.split('.').next()?.parse::<u32>().ok()? >= 4;
        let service = service_of(context, &node.member).filter(|service| !service.addresses.is_empty())?;
        let endpoint = node.endpoint.as_ref().filter(|at| announces && !at.host.is_empty())?;
        let host = &endpoint.host;
        if service.addresses.contains(host) {
            return None;
        }
        let name = &node.member.name;
        let evidence = format!("{host} instead of {}", list(&service.addresses));
        let hint = announce(context, &node.member);
        if self.places.is_of(&node.member, endpoint) {
            let message = format!("{name} announces its pod's address instead of its Service's");
            return Some(Code::AddressNotService.found(name, message, evidence, hint));
        }
        let message = format!("{name} announces an address that its Service does not have");
        self.places.owner(endpoint).is_none().then(|| Code::AddressStale.found(name, message, evidence, hint))
    }

    /// CLUSTER MEET on a peer with a wrong address. A node that is wrong about itself must change what
    /// it announces: peers hear that again and again.
    fn meet(&self, context: &CheckContext<'_>, node: &NodeFacts, seen: &[(&str, &NodeLine)]) -> String {
        let Some(address) = address_to_meet(context, &self.places, &node.member) else {
            return context.hints.views_of_all();
        };
        let is_own = |line: &NodeLine| line.flags.is_myself();
        let announces_it = setting(context, &node.member, "cluster-announce-ip").is_some();
        let peer = seen.iter().find(|(_, line)| !is_own(line));
        let peer = peer.filter(|_| !announces_it || !seen.iter().any(|(_, line)| is_own(line)));
        let Some((peer, _)) = peer else { return announce(context, &node.member) };
        let peer = context.snapshot.seen.iter().find(|seen| seen.member.name == **peer);
        let meet = |peer: &Seen| context.hints.redis(&peer.member, &format!("cluster meet {address}"));
        peer.map_or_else(|| context.hints.views_of_all(), meet)
    }
}

/// What nobody expanded, such as `$(POD_IP)`. It is wrong whatever peers make of it: a cluster that has
/// never formed has no links that could be down.
fn no_address(context: &CheckContext<'_>, node: &NodeFacts) -> Option<Finding> {
    let host = &node.endpoint.as_ref().filter(|at| !is_address(&at.host))?.host;
    let name = &node.member.name;
    Some(Code::AddressStale.found(
        name,
        format!("{name} announces \"{host}\", which is no address: no other node can connect to it"),
        format!("cluster-announce-ip is {host}"),
        announce(context, &node.member),
    ))
}

/// Until its next start; what its configuration says is mended there.
fn announce(context: &CheckContext<'_>, member: &Member) -> String {
    let service = service_of(context, member).and_then(|service| address(member, service));
    let Some(address) = service.or(member.pod_ip.as_deref()) else { return context.hints.describe(member) };
    // Ports that were announced belong to the other address.
    let other_port = setting(context, member, "cluster-announce-port");
    let other_port = other_port.filter(|port| member.number.is_none() && *port != client_port(member).to_string());
    let ports = other_port.map_or("", |_| " cluster-announce-port 0 cluster-announce-bus-port 0");
    context.hints.redis(member, &format!("config set cluster-announce-ip {address}{ports}"))
}

/// What the node's configuration says; none if it says nothing, or may not be read.
fn setting<'a>(context: &CheckContext<'a>, member: &Member, name: &str) -> Option<&'a str> {
    let mut views = context.views();
    let (_, view) = views.find(|(viewer, _)| *viewer == member.name)?;
    view.settings.seen()?.get(name).map(String::as_str).filter(|value| !value.is_empty() && *value != "0")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cluster::finding::Severity;
    use crate::cluster::health::tests::{changed, each_view, line, report, seen, view, whole};
    use crate::cluster::node::Flags;
    use crate::cluster::reply::ServerInfo;
    use crate::cluster::snapshot::{Shell, Snapshot};
    use std::sync::Arc;

    /// Nodes of another tool, which are known by their pods.
    fn others() -> Snapshot {
        let mut snapshot = whole();
        for (index, seen) in snapshot.seen.iter_mut().enumerate() {
            (seen.member.number, seen.member.id) = (None, None);
            seen.member.pod_ip = Some(format!("198.18.0.{index}"));
            seen.member.state.host_ip = Some(format!("192.0.2.{}", index % 3));
        }
        for service in seen(&mut snapshot.around.services) {
            (service.number, service.ours) = (None, false);
        }
        snapshot
    }

    /// All views have this address of each node.
    fn known_at(snapshot: &mut Snapshot, at: impl Fn(usize) -> (&'static str, u16, u16)) {
        each_view(snapshot, |view| {
            for index in 0..view.nodes.len() {
                let (host, port, bus) = at(index);
                let line = changed(view, index);
                line.endpoint.host = host.into();
                line.endpoint.port = port;
                line.bus_port = Some(bus);
            }
        });
    }

    fn found(snapshot: &Snapshot) -> Vec<(Code, String, String)> {
        let found = report(snapshot).findings.into_iter();
        found.map(|finding| (finding.code, finding.subject, finding.hint)).collect()
    }

    fn port(base: u16, index: usize) -> u16 {
        base + u16::try_from(index).expect("small")
    }

    /// One worker's address for all, which is also that of the pods that run there.
    #[test]
    fn nodes_behind_node_ports_of_their_own_have_one_address() {
        let mut snapshot = others();
        for (index, service) in seen(&mut snapshot.around.services).iter_mut().enumerate() {
            service.node_ports = [port(31400, index), port(31410, index)].into();
        }
        known_at(&mut snapshot, |index| ("192.0.2.0", port(31400, index), port(31410, index)));
        assert_eq!(found(&snapshot), []);
        // The port of another one is not its own.
        each_view(&mut snapshot, |view| changed(view, 3).endpoint.port = 31401);
        let settings = [("cluster-announce-ip", "192.0.2.0"), ("cluster-announce-port", "31401")];
        seen(&mut view(&mut snapshot, 3).settings).extend(settings.map(|(name, value)| (name.into(), value.into())));
        let found = found(&snapshot);
        assert_eq!((found.len(), found[0].0, found[0].1.as_str()), (1, Code::AddressOfAnother, "redis-001-node-202"));
        let hint = "exec redis-001-node-202-0 -c redis -- redis-cli config set cluster-announce-ip 198.18.0.3 \
                    cluster-announce-port 0 cluster-announce-bus-port 0";
        assert!(found[0].2.ends_with(hint), "{}", found[0].2);
    }

    #[test]
    fn nodes_behind_one_load_balancer_or_on_the_host_network_have_one_address() {
        let mut snapshot = others();
        for (index, service) in seen(&mut snapshot.around.services).iter_mut().enumerate() {
            service.shared_addresses = ["203.0.113.1".to_owned()].into();
            service.ports = [port(7000, index), port(17000, index)].into();
        }
        known_at(&mut snapshot, |index| ("203.0.113.1", port(7000, index), port(17000, index)));
        assert_eq!(found(&snapshot), []);
        let mut snapshot = others();
        for (index, seen) in snapshot.seen.iter_mut().enumerate() {
            seen.member.pod_ip = Some("192.0.2.0".into());
            seen.member.state.host_ip = Some("192.0.2.0".into());
            let port = port(7000, index);
            if index == 0 {
                seen.member.state.host_ports = [port].into();
            } else {
                seen.member.shell = Some(Shell { port, ..seen.member.shell.clone().expect("one") });
            }
        }
        known_at(&mut snapshot, |index| ("192.0.2.0", port(7000, index), port(17000, index)));
        assert_eq!(found(&snapshot), []);
        each_view(&mut snapshot, |view| changed(view, 3).endpoint.port = 7001);
        assert_eq!(found(&snapshot)[0].0, Code::AddressOfAnother);
    }

    /// The cluster has never formed: nobody has a link that could be down.
    #[test]
    fn an_address_that_nobody_expanded_is_named_for_every_node_that_says_it() {
        let mut snapshot = others();
        for index in 0..6 {
            let view = view(&mut snapshot, index);
            let own = Arc::clone(&view.nodes[index]);
            view.nodes = vec![own];
            changed(view, 0).endpoint.host = "$(POD_IP)".into();
        }
        let named = |snapshot: &Snapshot| {
            let stale = found(snapshot).into_iter().filter(|(code, ..)| *code == Code::AddressStale);
            stale.map(|(_, subject, hint)| (subject, hint)).collect::<Vec<_>>()
        };
        assert_eq!(named(&snapshot).len(), 6);
        assert!(named(&snapshot)[0].1.ends_with("redis-cli config set cluster-announce-ip 198.18.0.0"));
        // After the first hint the other five are still named.
        changed(view(&mut snapshot, 0), 0).endpoint.host = "198.18.0.0".into();
        assert_eq!(named(&snapshot).len(), 5);
        for (index, host) in (1..6).zip(["POD_IP", "${IP}", "", "redis-4.redis.default.svc", "fd00::5"]) {
            changed(view(&mut snapshot, index), 0).endpoint.host = host.into();
        }
        let subjects: Vec<String> = named(&snapshot).into_iter().map(|(subject, _)| subject).collect();
        assert_eq!(subjects, ["redis-001-node-102", "redis-001-node-201"]);
    }

    /// What is up already hides it for as long as nobody connects anew.
    #[test]
    fn a_service_that_was_made_again_has_another_address() {
        let mut snapshot = whole();
        seen(&mut snapshot.around.services)[3].addresses = ["198.19.7.7".to_owned()].into();
        let all = report(&snapshot).findings;
        assert_eq!(all.len(), 1, "{all:#?}");
        assert_eq!((all[0].code, all[0].severity), (Code::AddressStale, Severity::Error));
        assert_eq!(all[0].evidence, "198.19.0.22 instead of 198.19.7.7");
        assert!(all[0].hint.ends_with("config set cluster-announce-ip 198.19.7.7"), "{}", all[0].hint);
        // Servers that cannot announce anything are known by their pods.
        view(&mut snapshot, 3).server =
            ServerInfo { version: Some("3.2.0".into()), ..view(&mut snapshot, 3).server.clone() };
        assert!(!found(&snapshot).iter().any(|(code, ..)| *code == Code::AddressStale));
        // One of two addresses is enough.
        let mut snapshot = whole();
        seen(&mut snapshot.around.services)[3].addresses.insert("fd00::3".into());
        assert_eq!(found(&snapshot), []);
    }

    /// MEET wants an address at which the node is, with the port of its bus.
    #[test]
    fn a_peer_is_led_to_an_address_that_the_node_has() {
        let hint = |snapshot: &Snapshot| {
            let found = found(snapshot).into_iter().find(|(code, ..)| *code == Code::AddressStale);
            found.expect("found").2.split_once("cluster meet ").map(|(_, address)| address.to_owned())
        };
        let lost = |snapshot: &mut Snapshot| {
            let line = line(snapshot, 0, 3);
            line.endpoint.host = "198.18.77.7".into();
            line.flags = Flags::default();
            line.link = LinkState::Disconnected;
        };
        // Of a node of this tool, its Service's.
        let mut snapshot = whole();
        lost(&mut snapshot);
        assert_eq!(hint(&snapshot).as_deref(), Some("198.19.0.22 6379"));
        // What it announces itself, by a NodePort.
        let mut snapshot = others();
        seen(&mut snapshot.around.services)[3].node_ports = [31403, 31413].into();
        each_view(&mut snapshot, |view| {
            let line = changed(view, 3);
            line.endpoint.host = "192.0.2.1".into();
            (line.endpoint.port, line.bus_port) = (31403, Some(31413));
        });
        lost(&mut snapshot);
        assert_eq!(hint(&snapshot).as_deref(), Some("192.0.2.1 31403 31413"));
        // Its pod's, if it announces nothing that is right.
        let mut snapshot = others();
        let stale = |view: &mut crate::cluster::snapshot::View| {
            changed(view, 3).endpoint.host = "198.18.99.9".into();
        };
        each_view(&mut snapshot, stale);
        snapshot.seen[3].member.state.bus_port = Some(20001);
        lost(&mut snapshot);
        assert_eq!(hint(&snapshot).as_deref(), Some("198.18.0.3 6379 20001"));
    }

    /// All addresses of the cluster, in Kubernetes and in Redis.
    fn over_ipv6() -> Snapshot {
        let mut snapshot = whole();
        let changed_ip = |address: &str| format!("2001:db8::{}", address.replace('.', ":"));
        each_view(&mut snapshot, |view| {
            for index in 0..view.nodes.len() {
                let host = &mut changed(view, index).endpoint.host;
                *host = changed_ip(host);
            }
            if let Some(master) = &mut view.server.master {
                master.host = changed_ip(&master.host);
            }
        });
        for seen in &mut snapshot.seen {
            seen.member.pod_ip = seen.member.pod_ip.as_deref().map(changed_ip);
        }
        for service in seen(&mut snapshot.around.services) {
            service.addresses = service.addresses.iter().map(|address| changed_ip(address)).collect();
        }
        snapshot
    }

    #[test]
    fn a_cluster_with_ipv6_addresses_is_checked_like_others() {
        let snapshot = over_ipv6();
        assert_eq!(report(&snapshot).findings, []);

        let mut lost = snapshot.clone();
        let stale = line(&mut lost, 0, 3);
        (stale.endpoint.host, stale.link) = ("2001:db8::7:7".into(), LinkState::Disconnected);
        stale.flags = Flags::default();
        let hints = found(&lost).into_iter().filter(|(code, ..)| *code == Code::AddressStale);
        let hints: Vec<String> = hints.map(|(_, _, hint)| hint).collect();
        assert_eq!(hints.len(), 1, "{hints:?}");
        assert!(hints[0].ends_with("cluster meet 2001:db8::198:19:0:22 6379"), "{hints:?}");

        let mut taken = snapshot.clone();
        let other = line(&mut taken, 0, 4).endpoint.clone();
        line(&mut taken, 0, 3).endpoint = other;
        let all = report(&taken).findings;
        let of_another = all.iter().find(|finding| finding.code == Code::AddressOfAnother).expect("found");
        assert!(of_another.evidence.contains("[2001:db8::198:19:0:31]:6379, which belongs to"), "{of_another:?}");

        // A Service of both families: MEET wants the pod's.
        let mut both = lost;
        seen(&mut both.around.services)[3].addresses.insert("198.19.0.22".into());
        let hint = found(&both).into_iter().find(|(code, ..)| *code == Code::AddressStale).expect("found").2;
        assert!(hint.ends_with("cluster meet 2001:db8::198:19:0:22 6379"), "{hint}");
        // The Service was made again.
        let mut anew = snapshot;
        seen(&mut anew.around.services)[3].addresses = ["2001:db8::8:8".to_owned()].into();
        let hint = found(&anew).into_iter().find(|(code, ..)| *code == Code::AddressStale).expect("found").2;
        assert!(hint.ends_with("config set cluster-announce-ip 2001:db8::8:8"), "{hint}");
    }
}
