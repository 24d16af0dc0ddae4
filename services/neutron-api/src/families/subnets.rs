//! Subnets: prefix, gateway and pools are decided at creation by the network
//! crate's arithmetic; what is said here is how requests become it.

use std::net::IpAddr;

use serde_json::{Value, json};
use tricircle_db::models::{RealizationKind, RowState, Subnet, SubnetChange, SubnetFilter};
use tricircle_network::ipam::{
    Gateway, Pool, SubnetWish, plan_subnet, pools_from_json, pools_to_json,
};
use tricircle_network::resource::tables::SUBNET;
use tricircle_network::resource::{Body, ListQuery, Resource, ResourceError, Row};

use super::{narrowed, owners};
use crate::call::{Call, failed, refused, written};
use crate::family::{Done, Family};
use crate::{rows, writes};

/// Most name servers and routes of a subnet, as Neutron has them by default.
const MOST_NAMESERVERS: usize = 5;
const MOST_ROUTES: usize = 20;

/// `/v2.0/subnets`
pub struct Subnets;

impl Family for Subnets {
    const RESOURCE: &'static Resource = &SUBNET;

    async fn rows(call: &Call, query: &ListQuery) -> Done<Vec<Row>> {
        let filter = SubnetFilter {
            ids: narrowed(query, "id"),
            project_ids: owners(query, call.projects()),
            or_visible_to_all: !call.any_project(),
            network_ids: narrowed(query, "network_id"),
            names: narrowed(query, "name"),
            deleting_too: false,
        };
        let subnets = call.api.store.subnets(&filter).await?;
        let ids = subnets.iter().map(|subnet| subnet.network_id.clone());
        let networks = writes::networks_by_id(call, ids.collect()).await?;
        let rows = subnets
            .iter()
            .map(|subnet| rows::subnet(subnet, networks.get(&subnet.network_id)));
        Ok(rows.collect())
    }

    async fn row(call: &Call, id: &str) -> Done<Option<Row>> {
        let Some(subnet) = live(call, id).await? else {
            return Ok(None);
        };
        let network = writes::live_network(call, &subnet.network_id).await?;
        Ok(network.map(|view| rows::subnet(&subnet, Some(&view.network))))
    }

    async fn target(call: &Call, body: &Body) -> Done<Row> {
        let id = body.text("network_id").unwrap_or_default();
        let view = writes::visible_network(call, id).await?;
        Ok(rows::with_network(body.values.clone(), &view.network))
    }

    async fn create(call: &Call, bodies: &[Body]) -> Done<Vec<Row>> {
        let mut made = Vec::new();
        for body in bodies {
            match create_one(call, body).await {
                Ok(subnet) => made.push(subnet),
                Err(fault) => {
                    for subnet in &made {
                        if remove(call, &subnet.id, None).await.is_err() {
                            tracing::error!(subnet.id = %subnet.id, "a subnet of a failed bulk create is left");
                        }
                    }
                    return Err(fault);
                }
            }
        }
        let mut shown = Vec::new();
        for subnet in &made {
            shown.extend(Self::row(call, &subnet.id).await?);
        }
        Ok(shown)
    }

    async fn update(call: &Call, row: &Row, body: &Body, revision: Option<i64>) -> Done<Row> {
        let id = Resource::id_of(row);
        let gone = || refused(SUBNET.not_found(id));
        let subnet = live(call, id).await?.ok_or_else(gone)?;
        let change = change_of(&subnet, body)?;
        if !body.values.is_empty() {
            let changed =
                call.api
                    .network
                    .update_subnet(id, &change, revision, call.context.request_id());
            written(revision, changed.await)?;
            call.push(RealizationKind::Subnet, id).await;
        }
        Self::row(call, id).await?.ok_or_else(gone)
    }

    async fn delete(call: &Call, row: &Row, revision: Option<i64>) -> Done<()> {
        remove(call, Resource::id_of(row), revision).await
    }
}

async fn live(call: &Call, id: &str) -> Done<Option<Subnet>> {
    let subnet = call.api.store.subnet_by_id(id).await?;
    Ok(subnet.filter(|subnet| subnet.state == RowState::Live))
}

async fn remove(call: &Call, id: &str, revision: Option<i64>) -> Done<()> {
    let gone = call
        .api
        .network
        .delete_subnet(id, revision, call.context.request_id());
    written(revision, gone.await)
}

async fn create_one(call: &Call, body: &Body) -> Done<Subnet> {
    let wish = wish_of(body)?;
    // What is wrong with the subnet itself is told before what is in its lists.
    plan_subnet(&wish).map_err(failed)?;
    check_lists(body, wish.ip_version, "new subnet")?;
    let text = |name: &str| body.text(name).unwrap_or_default().to_owned();
    let draft = Subnet {
        network_id: text("network_id"),
        project_id: body.project_id().to_owned(),
        name: text("name"),
        description: text("description"),
        dns_nameservers: list_text(body, "dns_nameservers"),
        host_routes: list_text(body, "host_routes"),
        ..Subnet::default()
    };
    let made = call.api.network.create_subnet(&draft, &wish);
    made.await.map_err(failed)
}

fn list_text(body: &Body, name: &str) -> String {
    match body.get(name) {
        Value::Null => "[]".to_owned(),
        list => list.to_string(),
    }
}

fn bad_subnets(message: &str) -> tricircle_api::Fault {
    refused(ResourceError::bad_subject("subnets", message))
}

fn wish_of(body: &Body) -> Done<SubnetWish> {
    if let Some(pool) = body.text("subnetpool_id") {
        return Err(refused(ResourceError::new(
            404,
            "SubnetPoolNotFound",
            format!("Subnet pool {pool} could not be found."),
        )));
    }
    let Some(cidr) = body.text("cidr") else {
        return Err(bad_subnets(
            "a subnetpool must be specified in the absence of a cidr",
        ));
    };
    if body.has("prefixlen") {
        return Err(bad_subnets(
            "cidr and prefixlen must not be supplied together",
        ));
    }
    Ok(SubnetWish {
        ip_version: if body.get("ip_version") == &json!(6) {
            6
        } else {
            4
        },
        cidr: cidr.to_owned(),
        gateway: match body.text("gateway_ip").map(str::parse) {
            Some(Ok(ip)) => Gateway::At(ip),
            _ if body.has("gateway_ip") => Gateway::None,
            _ => Gateway::Default,
        },
        pools: pools_of(body)?.filter(|pools| !pools.is_empty()),
        enable_dhcp: body.flag("enable_dhcp").unwrap_or(true),
        ipv6_ra_mode: body.text("ipv6_ra_mode").map(str::to_owned),
        ipv6_address_mode: body.text("ipv6_address_mode").map(str::to_owned),
    })
}

fn pools_of(body: &Body) -> Done<Option<Vec<Pool>>> {
    if !body.has("allocation_pools") {
        return Ok(None);
    }
    pools_from_json(body.get("allocation_pools"))
        .map(Some)
        .map_err(failed)
}

/// Name servers and routes: not too many, and of the subnet's address family.
fn check_lists(body: &Body, ip_version: i32, subnet: &str) -> Done<()> {
    let items = |name: &str| body.get(name).as_array().cloned().unwrap_or_default();
    let family = |text: &str, what: &str| {
        let ip = text.split('/').next().unwrap_or_default();
        let v4 = ip.parse::<IpAddr>().is_ok_and(|ip| ip.is_ipv4());
        if v4 == (ip_version == 4) {
            return Ok(());
        }
        Err(refused(ResourceError::invalid_input(format_args!(
            "{what} '{text}' does not match the ip_version '{ip_version}'"
        ))))
    };
    let exhausted = |kind: &'static str, what: &str, most: usize| {
        let message = format!(
            "Unable to complete operation for {subnet}. The number of {what} exceeds the limit \
             {most}."
        );
        Err(refused(ResourceError::new(400, kind, message)))
    };
    let servers = items("dns_nameservers");
    if servers.len() > MOST_NAMESERVERS {
        return exhausted(
            "DNSNameServersExhausted",
            "DNS nameservers",
            MOST_NAMESERVERS,
        );
    }
    for server in servers.iter().filter_map(Value::as_str) {
        family(server, "dns_nameserver")?;
    }
    let routes = items("host_routes");
    if routes.len() > MOST_ROUTES {
        return exhausted("HostRoutesExhausted", "host routes", MOST_ROUTES);
    }
    for route in &routes {
        for key in ["destination", "nexthop"] {
            family(
                route.get(key).and_then(Value::as_str).unwrap_or_default(),
                key,
            )?;
        }
    }
    Ok(())
}

/// What a PUT changes.
fn change_of(subnet: &Subnet, body: &Body) -> Done<SubnetChange> {
    check_lists(body, subnet.ip_version, &subnet.id)?;
    let text = |name: &str| body.text(name).map(str::to_owned);
    let list = |name: &str| body.has(name).then(|| list_text(body, name));
    Ok(SubnetChange {
        name: text("name"),
        description: text("description"),
        enable_dhcp: body.flag("enable_dhcp"),
        gateway_ip: body.has("gateway_ip").then(|| text("gateway_ip")),
        dns_nameservers: list("dns_nameservers"),
        host_routes: list("host_routes"),
        allocation_pools: pools_of(body)?.map(|pools| pools_to_json(&pools).to_string()),
        ..SubnetChange::default()
    })
}
