//! Routers at the top: making, changing, deleting.

use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tricircle_db::models::{
    GatewayChange, NetWrite, NewJob, PortFilter, PortView, ROUTER_GATEWAY, ROUTER_INTERFACE,
    ROUTER_SYNC, Router, RouterChange, SubnetFilter,
};
use tricircle_failpoint::hit;

use super::{GatewayUpdate, GatewayWish, RouterError};
use crate::error::unexpected;
use crate::write::ROUNDS;
use crate::{Network, NetworkError};

/// Most routes of a router, as Neutron has it by default.
pub const MOST_ROUTES: usize = 30;

/// A route of a user's.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Route {
    /// A prefix.
    pub destination: String,
    /// An address on one of the router's subnets.
    pub nexthop: String,
}

/// The routes of a router's row, or of a request that was checked.
pub fn routes_from_json(value: &Value) -> Vec<Route> {
    serde_json::from_value(value.clone()).unwrap_or_default()
}

/// A router with its gateway's port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RouterView {
    /// The row.
    pub router: Router,
    /// Its port on the external network.
    pub gateway: Option<PortView>,
}

impl Network {
    /// The job that brings a router's pods in step.
    pub(super) fn router_job(&self, router: &Router, request_id: &str) -> NewJob {
        NewJob {
            project_id: router.project_id.clone(),
            request_id: request_id.to_owned(),
            ..NewJob::new(ROUTER_SYNC, &router.id)
        }
    }

    /// A router that users see.
    pub(super) async fn live_router(&self, id: &str) -> Result<Router, NetworkError> {
        let found = self.store.router_by_id(id).await?;
        found
            .filter(|router| router.state == tricircle_db::models::RowState::Live)
            .ok_or_else(|| RouterError::RouterNotFound(id.to_owned()).into())
    }

    /// Routers with their gateways' ports.
    pub async fn router_views(
        &self,
        routers: Vec<Router>,
    ) -> Result<Vec<RouterView>, NetworkError> {
        let ids: Vec<String> = routers
            .iter()
            .filter_map(|router| router.gateway_port_id.clone())
            .collect();
        let mut gateways = match ids.is_empty() {
            true => Vec::new(),
            false => {
                let filter = PortFilter {
                    ids,
                    ..PortFilter::default()
                };
                self.store.ports(&filter).await?
            }
        };
        let views = routers.into_iter().map(|router| {
            let of = |view: &PortView| Some(&view.port.id) == router.gateway_port_id.as_ref();
            let gateway = gateways
                .iter()
                .position(of)
                .map(|at| gateways.swap_remove(at));
            RouterView { router, gateway }
        });
        Ok(views.collect())
    }

    /// Makes a router.
    pub async fn create_router(
        &self,
        draft: &Router,
        gateway: Option<&GatewayWish>,
        request_id: &str,
    ) -> Result<RouterView, NetworkError> {
        for _ in 0..ROUNDS {
            let mut router = draft.clone();
            let port = match gateway {
                Some(wish) => {
                    let port = self.gateway_port(&router.id, wish).await?;
                    router.gateway_network_id = Some(wish.network_id.clone());
                    router.gateway_port_id = Some(port.port.id.clone());
                    router.enable_snat = wish.enable_snat.unwrap_or(true);
                    Some(port)
                }
                None => None,
            };
            let job = self.router_job(&router, request_id);
            let limit = self.config.quota.router;
            let ended = self
                .store
                .router_create(&router, port.as_ref(), limit, &job)
                .await?;
            match ended {
                NetWrite::Done => {
                    hit("router_create.written");
                    self.jobs.wake_all();
                    return Ok(RouterView {
                        router,
                        gateway: port,
                    });
                }
                NetWrite::AddressTaken(_) | NetWrite::MacTaken => {}
                NetWrite::NotFound => {
                    let network = gateway.map(|wish| wish.network_id.clone());
                    return Err(NetworkError::NetworkNotFound(network.unwrap_or_default()));
                }
                other => return Err(unexpected("router_create", &other)),
            }
        }
        Err(NetworkError::IpAddressGenerationFailure(
            gateway
                .map(|wish| wish.network_id.clone())
                .unwrap_or_default(),
        ))
    }

    /// Changes a router; its pods follow by a job.
    pub async fn update_router(
        &self,
        id: &str,
        change: &RouterChange,
        gateway: &GatewayUpdate,
        expected_revision: Option<i64>,
        request_id: &str,
    ) -> Result<RouterView, NetworkError> {
        let not_found = || NetworkError::from(RouterError::RouterNotFound(id.to_owned()));
        for _ in 0..ROUNDS {
            let router = self.live_router(id).await?;
            let (written, snat) = self.gateway_change(&router, gateway).await?;
            // Routes that stay have to make sense with another gateway, too.
            let moves = *gateway != GatewayUpdate::Keep;
            let routes = change.routes.as_ref().or(moves.then_some(&router.routes));
            if let Some(routes) = routes {
                self.check_routes(&router, routes, gateway).await?;
            }
            let change = RouterChange {
                enable_snat: snat.or(change.enable_snat),
                ..change.clone()
            };
            let job = self.router_job(&router, request_id);
            let ended = self
                .store
                .router_update(id, &change, &written, expected_revision, &job)
                .await?;
            match ended {
                NetWrite::Done => {
                    hit("router_update.written");
                    self.jobs.wake_all();
                    let router = self.store.router_by_id(id).await?.ok_or_else(not_found)?;
                    let views = self.router_views(vec![router]).await?;
                    return views.into_iter().next().ok_or_else(not_found);
                }
                NetWrite::AddressTaken(_) | NetWrite::MacTaken => {}
                NetWrite::InUse(_) => {
                    return Err(RouterError::GatewayInUse {
                        router: id.to_owned(),
                        network: router.gateway_network_id.unwrap_or_default(),
                    }
                    .into());
                }
                NetWrite::NotFound => {
                    return Err(match &written {
                        GatewayChange::Set(port) => {
                            NetworkError::NetworkNotFound(port.port.network_id.clone())
                        }
                        _ => not_found(),
                    });
                }
                other => return Err(unexpected("router_update", &other)),
            }
        }
        Err(NetworkError::Conflict(format!(
            "Router {id} changes too fast; try again."
        )))
    }

    /// Adds and removes routes of a router; those that are there, or gone, are fine.
    pub async fn change_routes(
        &self,
        id: &str,
        add: &[Route],
        remove: &[Route],
        request_id: &str,
    ) -> Result<RouterView, NetworkError> {
        for _ in 0..ROUNDS {
            let router = self.live_router(id).await?;
            let held = serde_json::from_str(&router.routes).unwrap_or_default();
            let mut routes = routes_from_json(&held);
            routes.retain(|route| !remove.contains(route));
            for route in add {
                if !routes.contains(route) {
                    routes.push(route.clone());
                }
            }
            let change = RouterChange {
                routes: Some(serde_json::to_string(&routes).unwrap_or_default()),
                ..RouterChange::default()
            };
            // Two such requests at once must not lose each other's routes.
            let revision = Some(router.revision_number);
            let ended = self
                .update_router(id, &change, &GatewayUpdate::Keep, revision, request_id)
                .await;
            match ended {
                Err(NetworkError::OtherRevision { .. }) => {}
                other => return other,
            }
        }
        Err(NetworkError::Conflict(format!(
            "Router {id} changes too fast; try again."
        )))
    }

    /// Deletes a router. Users no longer see it when this returns.
    pub async fn delete_router(
        &self,
        id: &str,
        expected_revision: Option<i64>,
        request_id: &str,
    ) -> Result<(), NetworkError> {
        let router = self.live_router(id).await?;
        let job = self.router_job(&router, request_id);
        let ended = self
            .store
            .router_mark_deleting(id, expected_revision, &job)
            .await?;
        match ended {
            NetWrite::Done => {}
            NetWrite::NotFound => return Err(RouterError::RouterNotFound(id.to_owned()).into()),
            NetWrite::InUse(ports) => {
                return Err(RouterError::RouterInUse {
                    router: id.to_owned(),
                    ports: ports.join(", "),
                }
                .into());
            }
            other => return Err(unexpected("router_mark_deleting", &other)),
        }
        hit("router_delete.marked");
        self.jobs.wake_all();
        Ok(())
    }

    /// The ports of a router that users see: interfaces and gateway.
    pub(super) async fn router_ports(&self, id: &str) -> Result<Vec<PortView>, NetworkError> {
        let filter = PortFilter {
            device_ids: vec![id.to_owned()],
            device_owners: vec![ROUTER_INTERFACE.to_owned(), ROUTER_GATEWAY.to_owned()],
            ..PortFilter::default()
        };
        Ok(self.store.ports(&filter).await?)
    }

    /// Refuses routes whose next hop the router does not reach, or is. `gateway` is what
    /// becomes of its gateway.
    async fn check_routes(
        &self,
        router: &Router,
        routes: &str,
        gateway: &GatewayUpdate,
    ) -> Result<(), NetworkError> {
        let routes = routes_from_json(&serde_json::from_str(routes).unwrap_or_default());
        if routes.is_empty() {
            return Ok(());
        }
        let mut ports = self.router_ports(&router.id).await?;
        ports.retain(|view| {
            view.port.device_owner == ROUTER_INTERFACE
                || match gateway {
                    GatewayUpdate::Keep => true,
                    GatewayUpdate::Clear => false,
                    GatewayUpdate::Set(wish) => wish.network_id == view.port.network_id,
                }
        });
        let outside = match gateway {
            GatewayUpdate::Set(wish) => self.subnets_of(&wish.network_id).await?,
            _ => Vec::new(),
        };
        let on = ports.iter().flat_map(|view| &view.fixed_ips);
        let filter = SubnetFilter {
            ids: on.clone().map(|ip| ip.subnet_id.clone()).collect(),
            ..SubnetFilter::default()
        };
        let subnets = match filter.ids.is_empty() {
            true => Vec::new(),
            false => self.store.subnets(&filter).await?,
        };
        let all = subnets.iter().chain(&outside);
        let prefixes: Vec<IpNet> = all.filter_map(|s| s.cidr.parse().ok()).collect();
        let own: Vec<IpAddr> = on.filter_map(|ip| ip.ip_address.parse().ok()).collect();
        Ok(check_next_hops(&router.id, &routes, &prefixes, &own)?)
    }
}

fn check_next_hops(
    router: &str,
    routes: &[Route],
    prefixes: &[IpNet],
    own: &[IpAddr],
) -> Result<(), RouterError> {
    if routes.len() > MOST_ROUTES {
        return Err(RouterError::RoutesExhausted {
            router: router.to_owned(),
            most: MOST_ROUTES,
        });
    }
    let refuse = |reason| {
        let list: Vec<String> = routes
            .iter()
            .map(|r| {
                format!(
                    "{{'destination': '{}', 'nexthop': '{}'}}",
                    r.destination, r.nexthop
                )
            })
            .collect();
        Err(RouterError::InvalidRoutes {
            routes: format!("[{}]", list.join(", ")),
            reason,
        })
    };
    for route in routes {
        let Ok(hop) = route.nexthop.parse::<IpAddr>() else {
            return refuse("the nexthop is not connected with router");
        };
        if !prefixes.iter().any(|prefix| prefix.contains(&hop)) {
            return refuse("the nexthop is not connected with router");
        }
        if own.contains(&hop) {
            return refuse("the nexthop is used by router");
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_next_hop_is_connected_and_somebody_else() {
        let route = |nexthop: &str| Route {
            destination: "192.168.0.0/16".to_owned(),
            nexthop: nexthop.to_owned(),
        };
        let prefixes = ["10.0.1.0/24".parse().unwrap()];
        let own = ["10.0.1.1".parse().unwrap()];
        for (routes, refused) in [
            (vec![route("10.0.1.5")], None),
            (vec![route("10.0.2.5")], Some("InvalidRoutes")),
            (vec![route("10.0.1.1")], Some("InvalidRoutes")),
            (vec![route("10.0.1.5"); 31], Some("RoutesExhausted")),
        ] {
            let said = check_next_hops("r", &routes, &prefixes, &own);
            assert_eq!(said.err().map(|error| error.status().1), refused);
        }
    }
}
