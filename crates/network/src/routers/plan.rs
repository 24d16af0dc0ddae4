//! Which pod has what of a router: a pure function over plain data.
//!
//! * A pod has a part of a router when it has a subnet that the router joins, or is where
//!   the router leaves to the outside.
//! * Parts in more than one pod are joined by the bridge network. A subnet that a pod does
//!   not have is reached over it by one route; servers that are in a further pod of that
//!   subnet by a route each, so that their traffic takes no detour, as far as there is room.
//! * A pod that has the external network leaves by itself; others by the first that has it:
//!   their default route leads there, and addresses are translated there once.
//! * A floating IP is where its router leaves for the pod of its server. Where that is
//!   another pod, the server's subnet is made there too, and the floating IP leads to an
//!   address on it.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use ipnet::IpNet;

use super::Route;

/// What decides about the parts of a router.
#[derive(Debug, Clone, Default)]
pub(crate) struct Facts {
    /// Whether users still have the router.
    pub live: bool,
    /// The pods, first come first.
    pub pods: Vec<String>,
    /// Its interfaces.
    pub interfaces: Vec<InterfaceFacts>,
    /// The pods where it can leave, best first; empty without gateway.
    pub exits: Vec<String>,
    /// Floating IPs that lead through it.
    pub floating: Vec<FloatingFacts>,
    /// The user's routes.
    pub routes: Vec<Route>,
}

/// A subnet that a router joins.
#[derive(Debug, Clone)]
pub(crate) struct InterfaceFacts {
    /// The interface's port.
    pub port_id: String,
    /// The subnet.
    pub subnet_id: String,
    /// Its prefix.
    pub cidr: IpNet,
    /// Whether it can be in more than one pod.
    pub spans: bool,
    /// The pods that have it.
    pub pods: BTreeSet<String>,
    /// Servers' addresses on it and their pods, where it is in more than one.
    pub hosts: Vec<(IpAddr, String)>,
}

/// A floating IP that leads through a router.
#[derive(Debug, Clone)]
pub(crate) struct FloatingFacts {
    /// Its id.
    pub id: String,
    /// The port that it leads to.
    pub port_id: String,
    /// The subnet of the address that it leads to.
    pub subnet_id: String,
    /// The pod of the port, if it is in one.
    pub pod: Option<String>,
}

/// Where a route leads.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Via {
    /// To the part in this pod, over the bridge network.
    Pod(String),
    /// To this address, as the user said.
    Address(String),
}

/// A floating IP in a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Floating {
    /// Its id.
    pub id: String,
    /// The port that it leads to.
    pub port_id: String,
    /// The port is in another pod: something stands for it here.
    pub elsewhere: bool,
}

/// What a pod has of a router.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Part {
    /// Interfaces by their ports.
    pub interfaces: BTreeSet<String>,
    /// Whether it leaves to the outside here.
    pub gateway: bool,
    /// Whether it is joined to other parts.
    pub bridge: bool,
    /// Destination and where that is reached.
    pub routes: BTreeMap<String, Via>,
    /// Floating IPs.
    pub floating: Vec<Floating>,
}

/// The parts of a router by pod. `host_routes`: most routes to single servers in a part.
pub(crate) fn layout(facts: &Facts, host_routes: usize) -> BTreeMap<String, Part> {
    let mut parts: BTreeMap<String, Part> = BTreeMap::new();
    if !facts.live {
        return parts;
    }
    let mut there: Vec<BTreeSet<String>> = facts
        .interfaces
        .iter()
        .map(|interface| interface.pods.clone())
        .collect();
    place_floating_ips(facts, &mut there, &mut parts);
    for (interface, pods) in facts.interfaces.iter().zip(&there) {
        for pod in pods {
            let part = parts.entry(pod.clone()).or_default();
            part.interfaces.insert(interface.port_id.clone());
        }
    }
    if let Some(exit) = facts.exits.first() {
        parts.entry(exit.clone()).or_default();
    }
    let joined = parts.len() > 1;
    for (pod, part) in &mut parts {
        part.gateway = facts.exits.contains(pod);
        part.bridge = joined;
        part.routes = routes(facts, &there, pod, host_routes);
    }
    parts
}

/// Puts floating IPs where the router leaves for their servers; the subnets that they
/// lead to are wanted there.
fn place_floating_ips(
    facts: &Facts,
    there: &mut [BTreeSet<String>],
    parts: &mut BTreeMap<String, Part>,
) {
    for floating in &facts.floating {
        let (Some(pod), Some(exit)) = (&floating.pod, facts.exits.first()) else {
            continue;
        };
        let own = facts.exits.contains(pod);
        let at = if own { pod } else { exit };
        let on = facts
            .interfaces
            .iter()
            .position(|interface| interface.subnet_id == floating.subnet_id);
        let Some((interface, pods)) =
            on.and_then(|on| Some((facts.interfaces.get(on)?, there.get_mut(on)?)))
        else {
            continue;
        };
        if !own && !interface.spans {
            continue;
        }
        pods.insert(at.clone());
        parts
            .entry(at.clone())
            .or_default()
            .floating
            .push(Floating {
                id: floating.id.clone(),
                port_id: floating.port_id.clone(),
                elsewhere: !own,
            });
    }
}

fn routes(
    facts: &Facts,
    there: &[BTreeSet<String>],
    pod: &str,
    host_routes: usize,
) -> BTreeMap<String, Via> {
    let mut routes = BTreeMap::new();
    let mut room = host_routes;
    let first =
        |pods: &BTreeSet<String>| facts.pods.iter().find(|pod| pods.contains(*pod)).cloned();
    if let Some(exit) = facts.exits.first()
        && !facts.exits.iter().any(|exit| exit == pod)
    {
        routes.insert("0.0.0.0/0".to_owned(), Via::Pod(exit.clone()));
    }
    for (interface, pods) in facts.interfaces.iter().zip(there) {
        let v4 = interface.cidr.addr().is_ipv4();
        let Some(owner) = first(pods).filter(|_| v4 && !pods.contains(pod)) else {
            continue;
        };
        let further = interface.hosts.iter().filter(|(_, at)| *at != owner);
        for (address, at) in further.take(room) {
            routes.insert(format!("{address}/32"), Via::Pod(at.clone()));
            room -= 1;
        }
        routes.insert(interface.cidr.trunc().to_string(), Via::Pod(owner));
    }
    for route in &facts.routes {
        let hop: Option<IpAddr> = route.nexthop.parse().ok();
        let on = facts
            .interfaces
            .iter()
            .zip(there)
            .find(|(interface, _)| hop.is_some_and(|hop| interface.cidr.contains(&hop)));
        let via = match on {
            Some((_, pods)) if pods.contains(pod) => Some(Via::Address(route.nexthop.clone())),
            Some((_, pods)) => first(pods).map(Via::Pod),
            // A next hop on the external network is reached where the router leaves.
            None if facts.exits.iter().any(|exit| exit == pod) => {
                Some(Via::Address(route.nexthop.clone()))
            }
            None => facts.exits.first().cloned().map(Via::Pod),
        };
        if let Some(via) = via {
            routes.insert(route.destination.clone(), via);
        }
    }
    routes
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(pods: &[&str]) -> BTreeSet<String> {
        pods.iter().map(|pod| (*pod).to_owned()).collect()
    }

    fn interface(name: &str, net: u8, pods: &[&str]) -> InterfaceFacts {
        InterfaceFacts {
            port_id: format!("port-{name}"),
            subnet_id: name.to_owned(),
            cidr: format!("10.0.{net}.0/24").parse().unwrap(),
            spans: true,
            pods: set(pods),
            hosts: Vec::new(),
        }
    }

    fn router(interfaces: Vec<InterfaceFacts>, exits: &[&str]) -> Facts {
        Facts {
            live: true,
            pods: vec!["p1".to_owned(), "p2".to_owned(), "p3".to_owned()],
            interfaces,
            exits: exits.iter().map(|pod| (*pod).to_owned()).collect(),
            ..Facts::default()
        }
    }

    fn told(part: &Part) -> String {
        let routes: Vec<String> = part
            .routes
            .iter()
            .map(|(to, via)| match via {
                Via::Pod(pod) => format!("{to}>{pod}"),
                Via::Address(address) => format!("{to}>{address}"),
            })
            .collect();
        let interfaces: Vec<&str> = part.interfaces.iter().map(String::as_str).collect();
        format!(
            "{} gw={} br={} [{}]",
            interfaces.join(","),
            part.gateway,
            part.bridge,
            routes.join(" ")
        )
    }

    #[test]
    fn parts_are_where_subnets_and_exits_are() {
        for (facts, wanted) in [
            // A router that joins nothing that is anywhere has no part.
            (router(vec![interface("a", 1, &[])], &[]), vec![]),
            // All in one pod: no bridge.
            (
                router(
                    vec![interface("a", 1, &["p1"]), interface("b", 2, &["p1"])],
                    &["p1"],
                ),
                vec![("p1", "port-a,port-b gw=true br=false []")],
            ),
            // Two networks in two pods.
            (
                router(
                    vec![interface("a", 1, &["p1"]), interface("b", 2, &["p2"])],
                    &[],
                ),
                vec![
                    ("p1", "port-a gw=false br=true [10.0.2.0/24>p2]"),
                    ("p2", "port-b gw=false br=true [10.0.1.0/24>p1]"),
                ],
            ),
            // The outside is in the other pod.
            (
                router(vec![interface("a", 1, &["p1"])], &["p2"]),
                vec![
                    ("p1", "port-a gw=false br=true [0.0.0.0/0>p2]"),
                    ("p2", " gw=true br=true [10.0.1.0/24>p1]"),
                ],
            ),
            // Each pod leaves by itself, and the third by the first of them.
            (
                router(vec![interface("a", 1, &["p1", "p2", "p3"])], &["p1", "p2"]),
                vec![
                    ("p1", "port-a gw=true br=true []"),
                    ("p2", "port-a gw=true br=true []"),
                    ("p3", "port-a gw=false br=true [0.0.0.0/0>p1]"),
                ],
            ),
        ] {
            let found: Vec<(String, String)> = layout(&facts, 16)
                .iter()
                .map(|(pod, part)| (pod.clone(), told(part)))
                .collect();
            let wanted: Vec<(String, String)> = wanted
                .into_iter()
                .map(|(pod, part)| (pod.to_owned(), part.to_owned()))
                .collect();
            assert_eq!(found, wanted);
        }
    }

    #[test]
    fn a_deleted_router_has_no_parts() {
        let facts = Facts {
            live: false,
            ..router(vec![interface("a", 1, &["p1"])], &["p1"])
        };
        assert!(layout(&facts, 16).is_empty());
    }

    #[test]
    fn servers_in_a_further_pod_of_a_subnet_have_routes_of_their_own_while_there_is_room() {
        let mut spanning = interface("b", 2, &["p2", "p3"]);
        spanning.hosts = vec![
            ("10.0.2.5".parse().unwrap(), "p2".to_owned()),
            ("10.0.2.6".parse().unwrap(), "p3".to_owned()),
            ("10.0.2.7".parse().unwrap(), "p3".to_owned()),
        ];
        let facts = router(vec![interface("a", 1, &["p1"]), spanning], &[]);
        for (room, wanted) in [
            (
                16,
                "port-a gw=false br=true [10.0.2.0/24>p2 10.0.2.6/32>p3 10.0.2.7/32>p3]",
            ),
            (1, "port-a gw=false br=true [10.0.2.0/24>p2 10.0.2.6/32>p3]"),
            (0, "port-a gw=false br=true [10.0.2.0/24>p2]"),
        ] {
            assert_eq!(told(&layout(&facts, room)["p1"]), wanted);
        }
        // Where the subnet is, it is reached by itself.
        assert_eq!(
            told(&layout(&facts, 16)["p3"]),
            "port-b gw=false br=true [10.0.1.0/24>p1]"
        );
    }

    #[test]
    fn a_floating_ip_is_where_the_router_leaves_for_its_server() {
        let floating = |pod: Option<&str>, spans: bool| {
            let mut of_server = interface("b", 2, &["p2"]);
            of_server.spans = spans;
            let mut facts = router(vec![interface("a", 1, &["p1"]), of_server], &["p1"]);
            facts.floating = vec![FloatingFacts {
                id: "f".to_owned(),
                port_id: "server".to_owned(),
                subnet_id: "b".to_owned(),
                pod: pod.map(str::to_owned),
            }];
            facts
        };
        // In another pod: the subnet is made where the router leaves.
        let parts = layout(&floating(Some("p2"), true), 16);
        assert_eq!(told(&parts["p1"]), "port-a,port-b gw=true br=true []");
        let wanted = |elsewhere| Floating {
            id: "f".to_owned(),
            port_id: "server".to_owned(),
            elsewhere,
        };
        assert_eq!(parts["p1"].floating, [wanted(true)]);
        assert!(parts["p2"].floating.is_empty());
        // A subnet that cannot be there, or a port that is nowhere: nothing leads to it.
        for facts in [floating(Some("p2"), false), floating(None, true)] {
            let parts = layout(&facts, 16);
            assert!(parts.values().all(|part| part.floating.is_empty()));
        }
        // In a pod that leaves by itself.
        let mut facts = floating(Some("p2"), true);
        facts.exits.push("p2".to_owned());
        assert_eq!(layout(&facts, 16)["p2"].floating, [wanted(false)]);
    }

    #[test]
    fn a_users_route_leads_to_the_pod_of_its_next_hop() {
        let mut facts = router(
            vec![interface("a", 1, &["p1"]), interface("b", 2, &["p2"])],
            &[],
        );
        facts.routes = vec![Route {
            destination: "192.168.0.0/16".to_owned(),
            nexthop: "10.0.1.9".to_owned(),
        }];
        let parts = layout(&facts, 16);
        assert_eq!(
            parts["p1"].routes["192.168.0.0/16"],
            Via::Address("10.0.1.9".to_owned())
        );
        assert_eq!(
            parts["p2"].routes["192.168.0.0/16"],
            Via::Pod("p1".to_owned())
        );
    }
}
