//! One pod's part of a router: what it is made of there, and bringing it there.
//!
//! The order is such that Neutron never refuses a step because of one that is still to
//! come: floating IPs before what they lead through, routes before the interfaces that
//! their next hops are on, and the reverse when things are added. Each step looks at what
//! is there and does nothing when that is as wanted, so all of it may run again from any
//! point. A part that was brought in order as it is wanted now costs no call.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use serde_json::{Value, json};
use tricircle_db::models::{
    AddressPurpose, PortView, RealizationKind, RealizationState, RowState, Subnet,
};
use tricircle_failpoint::hit;
use tricircle_pods::{PodSession, Service};

use super::facts::Known;
use super::plan::{Part, Via};
use crate::realize::{Makers, Wanted, body};
use crate::{Network, NetworkError};

/// A port of a part: what it is to be there.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct PartPort {
    pub kind: RealizationKind,
    /// Id at the top: of the interface's port, or of the router.
    pub top_id: String,
    pub network: String,
    /// Subnet in the pod and address.
    pub fixed_ips: Vec<(String, String)>,
}

/// The gateway of a part.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct PartGateway {
    port_id: String,
    network: String,
    enable_snat: bool,
    fixed_ips: Vec<(String, String)>,
}

/// A part in the pod's own ids and addresses.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct PartInPod {
    name: String,
    admin_state_up: bool,
    ports: Vec<PartPort>,
    gateway: Option<PartGateway>,
    routes: BTreeSet<(String, String)>,
    floating: Vec<(String, String, String)>,
}

impl PartInPod {
    /// What is kept as the digest of a part that was brought in order. Another version of
    /// this program may think of another one, and then brings it in order once more.
    fn digest(&self) -> String {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        format!("p{:016x}", hasher.finish())
    }
}

impl Network {
    /// Brings a part in order; `again`: though it is recorded as in order.
    pub(super) async fn bring_part(
        &self,
        session: &PodSession,
        known: &Known,
        part: &Part,
        again: bool,
    ) -> Result<(), NetworkError> {
        let pod_id = session.pod().id();
        let router = &known.router;
        let wanted = self.part_in_pod(session, known, part).await?;
        let digest = wanted.digest();
        let held = self
            .present(RealizationKind::Router, &router.id, pod_id)
            .await?;
        if !again && held.is_some_and(|row| row.digest == digest) {
            return Ok(());
        }
        let bottom = self.router_in(session, known).await?;
        // From here on nobody knows how the part is, until it is as wanted.
        self.digest_of_part(session, known, "").await?;
        let actual = session
            .get_json(Service::Network, &format!("/routers/{bottom}"))
            .await;
        let actual = match actual {
            Ok(mut answer) => answer["router"].take(),
            Err(error) if error.is_not_found() => {
                self.forget_part(session, known).await?;
                return Err(error.into());
            }
            Err(error) => return Err(error.into()),
        };
        self.drop_floating(session, known, part).await?;
        let routes = routes_of(&actual);
        self.change_routes_in(
            session,
            &bottom,
            "remove",
            routes.difference(&wanted.routes),
        )
        .await?;
        self.gateway_in(session, known, &bottom, &wanted, &actual)
            .await?;
        let keep = wanted
            .ports
            .iter()
            .map(|port| (port.kind, port.top_id.as_str()));
        self.drop_ports(session, known, &bottom, &keep.collect::<Vec<_>>())
            .await?;
        self.attach_ports(session, known, &bottom, &wanted.ports)
            .await?;
        self.change_routes_in(session, &bottom, "add", wanted.routes.difference(&routes))
            .await?;
        if actual["name"] != json!(wanted.name)
            || actual["admin_state_up"] != json!(wanted.admin_state_up)
        {
            let change = json!({"router": {
                "name": wanted.name,
                "admin_state_up": wanted.admin_state_up,
            }});
            let path = format!("/routers/{bottom}");
            session.put_json(Service::Network, &path, &change).await?;
            hit("router_part.changed");
        }
        self.bring_floating(session, known, part).await?;
        self.digest_of_part(session, known, &digest).await
    }

    /// Records how a part is.
    async fn digest_of_part(
        &self,
        session: &PodSession,
        known: &Known,
        digest: &str,
    ) -> Result<(), NetworkError> {
        let found = self
            .present(
                RealizationKind::Router,
                &known.router.id,
                session.pod().id(),
            )
            .await?;
        match found {
            Some(row) if row.digest != digest => self.pushed(session, &row, digest).await,
            _ => Ok(()),
        }
    }

    /// The pod's part as a router there.
    async fn router_in(&self, session: &PodSession, known: &Known) -> Result<String, NetworkError> {
        let router = &known.router;
        let kind = RealizationKind::Router;
        let pod_id = session.pod().id();
        if let Some(row) = self.present(kind, &router.id, pod_id).await?
            && let Some(id) = row.bottom_id
        {
            return Ok(id);
        }
        let (row, fresh) = self
            .claim(kind, &router.id, pod_id, &router.project_id)
            .await?;
        let wanted = Wanted {
            kind,
            top_id: &router.id,
            revision: 0,
            body: json!({
                "name": router.name,
                "description": body::mark(&router.id),
                "project_id": router.project_id,
                "admin_state_up": router.admin_state_up,
            }),
            data: json!({}),
            unique_in_pod: false,
        };
        self.ensure(session, row, fresh, wanted).await
    }

    /// Makes in the pod what the part is made of, and says what the part is there.
    async fn part_in_pod(
        &self,
        session: &PodSession,
        known: &Known,
        part: &Part,
    ) -> Result<PartInPod, NetworkError> {
        let router = &known.router;
        let mut ports = Vec::new();
        for id in &part.interfaces {
            if let Some(view) = known.port(id) {
                ports.push(self.interface_in(session, known, view).await?);
            }
        }
        let mut addresses = BTreeMap::new();
        if part.bridge {
            let (network, subnet) = self.bridge(&router.project_id).await?;
            let around = self.surroundings(session, &network.id).await?;
            for pod in part.routes.values().filter_map(|via| match via {
                Via::Pod(pod) => Some(pod),
                Via::Address(_) => None,
            }) {
                let address = self.address_in_pod(&subnet, &router.id, pod).await?;
                addresses.insert(pod.clone(), address);
            }
            let own = self
                .address_in_pod(&subnet, &router.id, session.pod().id())
                .await?;
            let on = around.subnets.get(&subnet.id).cloned().unwrap_or_default();
            ports.push(PartPort {
                kind: RealizationKind::BridgePort,
                top_id: router.id.clone(),
                network: around.network,
                fixed_ips: vec![(on, own)],
            });
        }
        let gateway = match part.gateway {
            true => self.part_gateway(session, known).await?,
            false => None,
        };
        let routes = part.routes.iter().filter_map(|(to, via)| {
            let hop = match via {
                Via::Address(address) => address.clone(),
                Via::Pod(pod) => addresses.get(pod)?.clone(),
            };
            Some((to.clone(), hop))
        });
        Ok(PartInPod {
            name: router.name.clone(),
            admin_state_up: router.admin_state_up,
            routes: routes.collect(),
            floating: part
                .floating
                .iter()
                .map(|one| {
                    let row = known.floating.get(&one.id);
                    let fixed = row.and_then(|row| row.fixed_ip_address.clone());
                    (
                        one.id.clone(),
                        one.port_id.clone(),
                        fixed.unwrap_or_default(),
                    )
                })
                .collect(),
            ports,
            gateway,
        })
    }

    /// An interface: each pod has an address of its own on a subnet, so that no two
    /// answer for one.
    async fn interface_in(
        &self,
        session: &PodSession,
        known: &Known,
        view: &PortView,
    ) -> Result<PartPort, NetworkError> {
        let pod_id = session.pod().id();
        let around = self.surroundings(session, &view.port.network_id).await?;
        let mut fixed_ips = Vec::new();
        for ip in &view.fixed_ips {
            let (Some(subnet), Some(bottom)) = (
                known.subnets.get(&ip.subnet_id),
                around.subnets.get(&ip.subnet_id),
            ) else {
                continue;
            };
            let address = match ip.purpose {
                AddressPurpose::Gateway => self.gateway_of_pod(subnet, pod_id).await?,
                _ => self.address_in_pod(subnet, &view.port.id, pod_id).await?,
            };
            fixed_ips.push((bottom.clone(), address));
        }
        Ok(PartPort {
            kind: RealizationKind::RouterInterface,
            top_id: view.port.id.clone(),
            network: around.network,
            fixed_ips,
        })
    }

    /// The gateway address that a pod has of a subnet.
    async fn gateway_of_pod(&self, subnet: &Subnet, pod_id: &str) -> Result<String, NetworkError> {
        let used = self.store.addresses_used(&subnet.id).await?;
        let own = used.into_iter().find(|address| {
            address.purpose == AddressPurpose::Gateway && address.pod_id.as_deref() == Some(pod_id)
        });
        own.map(|address| address.ip_address).ok_or_else(|| {
            NetworkError::PodConflict(format!(
                "subnet {} has no gateway in pod {} yet",
                subnet.id,
                self.region(pod_id)
            ))
        })
    }

    async fn part_gateway(
        &self,
        session: &PodSession,
        known: &Known,
    ) -> Result<Option<PartGateway>, NetworkError> {
        let router = &known.router;
        let gateway = router
            .gateway_port_id
            .as_ref()
            .and_then(|id| known.port(id));
        let Some(view) = gateway else {
            return Ok(None);
        };
        let around = self.surroundings(session, &view.port.network_id).await?;
        let mut fixed_ips = Vec::new();
        for ip in &view.fixed_ips {
            let found = self.store.subnet_by_id(&ip.subnet_id).await?;
            let subnet = found.filter(|subnet| subnet.state == RowState::Live);
            let (Some(subnet), Some(bottom)) = (subnet, around.subnets.get(&ip.subnet_id)) else {
                continue;
            };
            let address = self
                .address_in_pod(&subnet, &view.port.id, session.pod().id())
                .await?;
            fixed_ips.push((bottom.clone(), address));
        }
        Ok(Some(PartGateway {
            port_id: view.port.id.clone(),
            network: around.network,
            enable_snat: router.enable_snat,
            fixed_ips,
        }))
    }

    /// Brings the gateway in order. The part's row remembers which ports of the top it may
    /// have the addresses of.
    async fn gateway_in(
        &self,
        session: &PodSession,
        known: &Known,
        bottom: &str,
        wanted: &PartInPod,
        actual: &Value,
    ) -> Result<(), NetworkError> {
        let info = match &wanted.gateway {
            Some(gateway) => json!({
                "network_id": gateway.network,
                "enable_snat": gateway.enable_snat,
                "external_fixed_ips": fixed_ips(&gateway.fixed_ips),
            }),
            None => Value::Null,
        };
        let remember = |ports: Vec<&str>| json!({ "gateway_ports": ports });
        let row = self
            .present(
                RealizationKind::Router,
                &known.router.id,
                session.pod().id(),
            )
            .await?;
        let Some(row) = row else {
            return Ok(());
        };
        let new: Vec<&str> = wanted
            .gateway
            .iter()
            .map(|gateway| gateway.port_id.as_str())
            .collect();
        let data = body::parsed(&row.data);
        let held: Vec<&str> = data["gateway_ports"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .collect();
        let mut both = held.clone();
        both.extend(new.iter().filter(|port| !held.contains(port)));
        if both != held {
            self.store
                .realization_remember(&row.id, RealizationState::Present, &remember(both))
                .await?;
            hit("router_part.gateway_intended");
        }
        if !same_gateway(&actual["external_gateway_info"], &info) {
            let change = json!({"router": {"external_gateway_info": info}});
            let path = format!("/routers/{bottom}");
            session.put_json(Service::Network, &path, &change).await?;
            hit("router_part.gateway_set");
        }
        if held != new {
            self.store
                .realization_remember(&row.id, RealizationState::Present, &remember(new))
                .await?;
            hit("router_part.gateway_recorded");
        }
        Ok(())
    }

    /// Adds or removes routes of the pod's router, by difference.
    async fn change_routes_in<'a>(
        &self,
        session: &PodSession,
        bottom: &str,
        how: &str,
        routes: impl Iterator<Item = &'a (String, String)>,
    ) -> Result<(), NetworkError> {
        let routes: Vec<Value> = routes
            .map(|(to, hop)| json!({"destination": to, "nexthop": hop}))
            .collect();
        if routes.is_empty() {
            return Ok(());
        }
        let path = format!("/routers/{bottom}/{how}_extraroutes");
        let change = json!({"router": {"routes": routes}});
        session.put_json(Service::Network, &path, &change).await?;
        hit("router_part.routes_changed");
        Ok(())
    }

    /// Removes a part.
    pub(super) async fn remove_part(
        &self,
        session: &PodSession,
        known: &Known,
    ) -> Result<(), NetworkError> {
        let found = self
            .store
            .realization_find(
                RealizationKind::Router,
                &known.router.id,
                session.pod().id(),
            )
            .await?;
        let Some(row) = found else {
            return Ok(());
        };
        let nothing = Part::default();
        self.drop_floating(session, known, &nothing).await?;
        let there = self.what_is_there(session, &row).await?;
        let bottom = there.first().cloned().unwrap_or_default();
        if !bottom.is_empty() {
            let path = format!("/routers/{bottom}");
            let clear = json!({"router": {"routes": [], "external_gateway_info": null}});
            match session.put_json(Service::Network, &path, &clear).await {
                Err(error) if !error.is_not_found() => return Err(error.into()),
                _ => hit("router_part.cleared"),
            }
        }
        self.drop_ports(session, known, &bottom, &[]).await?;
        self.take_from_pod(&row, session.request_id(), Makers::Perhaps)
            .await?;
        if let Some(port) = &known.router.gateway_port_id {
            self.store
                .router_address_release(port, session.pod().id())
                .await?;
        }
        Ok(())
    }

    /// Forgets a part that its pod no longer has, so that it is made again.
    async fn forget_part(&self, session: &PodSession, known: &Known) -> Result<(), NetworkError> {
        for kind in [
            RealizationKind::FloatingIp,
            RealizationKind::RouterInterface,
            RealizationKind::BridgePort,
        ] {
            for row in self.rows_of_router(session, known, kind).await? {
                self.forget_if_missing(session, kind, &row.top_id).await?;
            }
        }
        self.forget_if_missing(session, RealizationKind::Router, &known.router.id)
            .await
    }

    /// What a pod has or may have for a router, of one kind.
    pub(super) async fn rows_of_router(
        &self,
        session: &PodSession,
        known: &Known,
        kind: RealizationKind,
    ) -> Result<Vec<tricircle_db::models::Realization>, NetworkError> {
        let pod_id = session.pod().id();
        let rows = self
            .store
            .realizations_in(kind, pod_id, &known.router.project_id)
            .await?;
        let router = json!(known.router.id);
        Ok(rows
            .into_iter()
            .filter(|row| body::parsed(&row.data)["router"] == router)
            .collect())
    }
}

pub(super) fn fixed_ips(addresses: &[(String, String)]) -> Vec<Value> {
    addresses
        .iter()
        .map(|(subnet, ip)| json!({"subnet_id": subnet, "ip_address": ip}))
        .collect()
}

/// The routes of a pod's router.
fn routes_of(router: &Value) -> BTreeSet<(String, String)> {
    let text = |route: &Value, key: &str| route[key].as_str().unwrap_or_default().to_owned();
    router["routes"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|route| (text(route, "destination"), text(route, "nexthop")))
        .collect()
}

/// Whether a gateway is as wanted, whatever the order of its addresses.
fn same_gateway(actual: &Value, wanted: &Value) -> bool {
    if wanted.is_null() || actual.is_null() {
        return wanted.is_null() && actual.is_null();
    }
    let ips = |info: &Value| -> BTreeSet<String> {
        info["external_fixed_ips"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|ip| ip["ip_address"].as_str().map(str::to_owned))
            .collect()
    };
    actual["network_id"] == wanted["network_id"]
        && actual["enable_snat"] == wanted["enable_snat"]
        && ips(actual) == ips(wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_is_compared_by_what_it_means() {
        let info = |ips: &[&str], snat: bool| {
            let ips: Vec<Value> = ips
                .iter()
                .map(|ip| json!({"subnet_id": "s", "ip_address": ip}))
                .collect();
            json!({"network_id": "n", "enable_snat": snat, "external_fixed_ips": ips})
        };
        let a = info(&["1.2.3.4", "fd00::4"], true);
        assert!(same_gateway(&a, &info(&["fd00::4", "1.2.3.4"], true)));
        assert!(!same_gateway(&a, &info(&["1.2.3.4"], true)));
        assert!(!same_gateway(&a, &info(&["1.2.3.4", "fd00::4"], false)));
        assert!(!same_gateway(&a, &Value::Null));
        assert!(same_gateway(&Value::Null, &Value::Null));
    }
}
