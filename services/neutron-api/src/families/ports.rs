//! Ports: address, MAC and groups are decided at the top; what only the pod knows
//! (status, binding) is read from the pod when one port is looked at.

use std::collections::HashMap;

use serde_json::Value;
use tricircle_db::models::{
    Network, Port, PortChange, PortFilter, PortView, RealizationKind, RowState,
};
use tricircle_network::PortDraft;
use tricircle_network::ipam::FixedIpWish;
use tricircle_network::resource::tables::PORT;
use tricircle_network::resource::{Body, ListQuery, Resource, ResourceError, Row};

use super::{narrowed, owners, router_ports};
use crate::call::{Call, failed, refused, written};
use crate::family::{Done, Family};
use crate::{rows, writes};

/// `/v2.0/ports`
pub struct Ports;

impl Family for Ports {
    const RESOURCE: &'static Resource = &PORT;

    async fn rows(call: &Call, query: &ListQuery) -> Done<Vec<Row>> {
        let filter = PortFilter {
            ids: narrowed(query, "id"),
            project_ids: owners(query, call.projects()),
            or_on_own_networks: !call.any_project(),
            network_ids: narrowed(query, "network_id"),
            device_ids: narrowed(query, "device_id"),
            device_owners: narrowed(query, "device_owner"),
            mac_addresses: narrowed(query, "mac_address"),
            names: narrowed(query, "name"),
            deleting_too: false,
        };
        let views = call.api.store.ports(&filter).await?;
        let ids = views.iter().map(|view| view.port.network_id.clone());
        let networks = writes::networks_by_id(call, ids.collect()).await?;
        let rows = views
            .iter()
            .map(|view| rows::port(view, networks.get(&view.port.network_id)));
        Ok(rows.collect())
    }

    async fn row(call: &Call, id: &str) -> Done<Option<Row>> {
        let Some(view) = live(call, id).await? else {
            return Ok(None);
        };
        let network = call.api.store.network_by_id(&view.port.network_id).await?;
        let mut row = rows::port(&view, network.as_ref().map(|view| &view.network));
        read_through(call, &view.port, &mut row).await;
        Ok(Some(row))
    }

    async fn target(call: &Call, body: &Body) -> Done<Row> {
        let id = body.text("network_id").unwrap_or_default();
        let view = writes::visible_network(call, id).await?;
        Ok(rows::with_network(body.values.clone(), &view.network))
    }

    async fn create(call: &Call, bodies: &[Body]) -> Done<Vec<Row>> {
        let mut networks: HashMap<String, Network> = HashMap::new();
        let mut drafts = Vec::new();
        for body in bodies {
            let id = body.text("network_id").unwrap_or_default();
            let network = writes::known_network(call, id).await?.network;
            let port = port_of(&network, body)?;
            router_ports::refuse_router_parts(call, &port.device_owner, &port.device_id).await?;
            let groups = groups_of(call, &port, body).await?;
            check_security(body, port.port_security_enabled, &groups)?;
            networks.insert(network.id.clone(), network);
            drafts.push(PortDraft {
                port,
                fixed_ips: writes::wished_addresses(call, body.get("fixed_ips")).await?,
                security_groups: groups,
            });
        }
        let made = call.api.network.create_ports(&drafts);
        let views = made.await.map_err(failed)?;
        let rows = views
            .iter()
            .map(|view| rows::port(view, networks.get(&view.port.network_id)));
        Ok(rows.collect())
    }

    async fn update(call: &Call, row: &Row, body: &Body, revision: Option<i64>) -> Done<Row> {
        let id = Resource::id_of(row);
        let gone = || refused(PORT.not_found(id));
        let view = live(call, id).await?.ok_or_else(gone)?;
        let secure = body
            .flag("port_security_enabled")
            .unwrap_or(view.port.port_security_enabled);
        let groups = match body.has("security_groups") {
            true => Some(named_groups(call, body).await?),
            false => None,
        };
        check_change(&view, body, secure, groups.as_deref())?;
        let change = change_of(call, &view.port, body);
        if !body.values.is_empty() {
            let wishes = writes::wished_addresses(call, body.get("fixed_ips")).await?;
            let wishes = wishes.map(|wishes| keep_addresses(&view, wishes));
            let wishes = router_ports::check_change(call, &view, body, wishes).await?;
            let changed = call.api.network.update_port(
                id,
                &change,
                wishes.as_deref(),
                groups.as_deref(),
                revision,
                call.context.request_id(),
            );
            written(revision, changed.await)?;
            call.push(RealizationKind::Port, id).await;
        }
        Self::row(call, id).await?.ok_or_else(gone)
    }

    async fn delete(call: &Call, row: &Row, revision: Option<i64>) -> Done<()> {
        let id = Resource::id_of(row);
        router_ports::check_delete(call, id).await?;
        let request = call.context.request_id();
        let gone = call.api.network.delete_port(id, revision, request);
        written(revision, gone.await)
    }
}

async fn live(call: &Call, id: &str) -> Done<Option<PortView>> {
    let view = call.api.store.port_by_id(id).await?;
    Ok(view.filter(|view| view.port.state == RowState::Live))
}

/// Puts what the port's pod says of it into the row. A pod that is away leaves
/// what was last known.
async fn read_through(call: &Call, port: &Port, row: &mut Row) {
    let asked = call
        .api
        .network
        .port_in_pod(&port.id, call.context.request_id());
    let asked = tokio::time::timeout(call.api.config.client.list_timeout, asked);
    let found = match asked.await {
        Ok(Ok(Some(found))) => found,
        Ok(Ok(None)) => return,
        Ok(Err(error)) => {
            tracing::info!(port.id = %port.id, %error, "the port's pod does not say how it is");
            return;
        }
        Err(_) => {
            tracing::info!(port.id = %port.id, "the port's pod does not answer in time");
            return;
        }
    };
    for name in [
        "status",
        "binding:host_id",
        "binding:vif_type",
        "binding:vif_details",
        "binding:profile",
    ] {
        if let Some(value) = found.body.get(name) {
            row.insert(name.to_owned(), value.clone());
        }
    }
}

/// A subnet named without an address keeps the address that the port has on it.
fn keep_addresses(view: &PortView, mut wishes: Vec<FixedIpWish>) -> Vec<FixedIpWish> {
    let named: Vec<_> = wishes.iter().filter_map(|wish| wish.ip_address).collect();
    let mut kept: Vec<(&str, std::net::IpAddr)> = view
        .fixed_ips
        .iter()
        .filter_map(|own| Some((own.subnet_id.as_str(), own.ip_address.parse().ok()?)))
        .filter(|(_, ip)| !named.contains(ip))
        .collect();
    for wish in wishes.iter_mut().filter(|wish| wish.ip_address.is_none()) {
        let place = kept
            .iter()
            .position(|(subnet, _)| Some(*subnet) == wish.subnet_id.as_deref());
        wish.ip_address = place.map(|place| kept.remove(place).1);
    }
    wishes
}

fn port_of(network: &Network, body: &Body) -> Done<Port> {
    let text = |name: &str| body.text(name).unwrap_or_default().to_owned();
    Ok(Port {
        network_id: network.id.clone(),
        project_id: body.project_id().to_owned(),
        name: text("name"),
        description: text("description"),
        mac_address: text("mac_address"),
        admin_state_up: body.flag("admin_state_up").unwrap_or(true),
        device_id: text("device_id"),
        device_owner: text("device_owner"),
        port_security_enabled: body
            .flag("port_security_enabled")
            .unwrap_or(network.port_security_enabled && !is_infrastructure(body)),
        allowed_address_pairs: list_text(body, "allowed_address_pairs"),
        extra_dhcp_opts: dhcp_options(body),
        binding_vnic_type: body
            .text("binding:vnic_type")
            .unwrap_or("normal")
            .to_owned(),
        binding_profile: match body.get("binding:profile") {
            Value::Null => "{}".to_owned(),
            profile => profile.to_string(),
        },
        binding_host_id: text("binding:host_id"),
        ..Port::default()
    })
}

/// Ports of routers, DHCP servers and the like are trusted.
fn is_infrastructure(body: &Body) -> bool {
    body.text("device_owner")
        .is_some_and(|owner| owner.starts_with("network:"))
}

fn list_text(body: &Body, name: &str) -> String {
    match body.get(name) {
        Value::Null => "[]".to_owned(),
        list => list.to_string(),
    }
}

/// The options that have a value: one without is the wish that there be none.
fn dhcp_options(body: &Body) -> String {
    let mut options = body
        .get("extra_dhcp_opts")
        .as_array()
        .cloned()
        .unwrap_or_default();
    options.retain(|option| {
        option
            .get("opt_value")
            .is_some_and(|value| !value.is_null())
    });
    for option in &mut options {
        if let Some(option) = option.as_object_mut() {
            let version = match option.get("ip_version") {
                Some(version) if version == 6 || version == "6" => 6,
                _ => 4,
            };
            option.insert("ip_version".to_owned(), version.into());
        }
    }
    Value::Array(options).to_string()
}

async fn groups_of(call: &Call, port: &Port, body: &Body) -> Done<Vec<String>> {
    if body.has("security_groups") {
        return named_groups(call, body).await;
    }
    if !port.port_security_enabled || is_infrastructure(body) {
        return Ok(Vec::new());
    }
    let default = call
        .api
        .store
        .default_security_group(&port.project_id)
        .await?;
    Ok(vec![default.group.id])
}

async fn named_groups(call: &Call, body: &Body) -> Done<Vec<String>> {
    let mut groups = Vec::new();
    for id in body.get("security_groups").as_array().into_iter().flatten() {
        let id = id.as_str().unwrap_or_default();
        groups.push(writes::visible_group(call, id).await?.group.id);
    }
    groups.sort_unstable();
    Ok(groups)
}

/// Groups and address pairs mean nothing without port security.
fn check_security(body: &Body, secure: bool, groups: &[String]) -> Done<()> {
    if secure {
        return Ok(());
    }
    let pairs = body.get("allowed_address_pairs").as_array();
    if pairs.is_some_and(|pairs| !pairs.is_empty()) {
        return Err(pairs_need_security());
    }
    if !groups.is_empty() {
        return Err(refused(ResourceError::new(
            400,
            "PortSecurityAndIPRequiredForSecurityGroups",
            "Port security must be enabled and port must have an IP address in order to use \
             security groups.",
        )));
    }
    Ok(())
}

fn pairs_need_security() -> tricircle_api::Fault {
    refused(ResourceError::new(
        409,
        "AddressPairAndPortSecurityRequired",
        "Port Security must be enabled in order to have allowed address pairs on a port.",
    ))
}

fn check_change(view: &PortView, body: &Body, secure: bool, groups: Option<&[String]>) -> Done<()> {
    let groups = groups.unwrap_or(&view.security_groups);
    if !secure && !groups.is_empty() {
        if body.has("security_groups") {
            return check_security(body, secure, groups);
        }
        return Err(refused(ResourceError::new(
            409,
            "PortSecurityPortHasSecurityGroup",
            "Port has security group associated. Cannot disable port security or IP address until \
             security group is removed.",
        )));
    }
    let keeps_pairs = !body.has("allowed_address_pairs") && view.port.allowed_address_pairs != "[]";
    if !secure && keeps_pairs {
        return Err(pairs_need_security());
    }
    check_security(body, secure, groups)
}

fn change_of(call: &Call, port: &Port, body: &Body) -> PortChange {
    let text = |name: &str| body.text(name).map(str::to_owned);
    let mac_address = match body.text("mac_address") {
        Some(mac) => Some(mac.to_owned()),
        None if body.has("mac_address") => Some(call.api.random_mac()),
        None => None,
    };
    PortChange {
        name: text("name"),
        description: text("description"),
        mac_address: mac_address.filter(|mac| *mac != port.mac_address),
        admin_state_up: body.flag("admin_state_up"),
        device_id: text("device_id"),
        device_owner: text("device_owner"),
        port_security_enabled: body.flag("port_security_enabled"),
        allowed_address_pairs: body
            .has("allowed_address_pairs")
            .then(|| list_text(body, "allowed_address_pairs")),
        extra_dhcp_opts: body
            .has("extra_dhcp_opts")
            .then(|| merged_options(&port.extra_dhcp_opts, body)),
        binding_vnic_type: text("binding:vnic_type"),
        binding_profile: body
            .has("binding:profile")
            .then(|| body.get("binding:profile").to_string()),
        binding_host_id: text("binding:host_id"),
        ..PortChange::default()
    }
}

/// An update names the options that change; the others stay.
fn merged_options(old: &str, body: &Body) -> String {
    let key = |option: &Value| {
        (
            option.get("opt_name").cloned(),
            option.get("ip_version").cloned().unwrap_or(4.into()),
        )
    };
    let named: Vec<_> = body
        .get("extra_dhcp_opts")
        .as_array()
        .into_iter()
        .flatten()
        .map(key)
        .collect();
    let old: Vec<Value> = serde_json::from_str(old).unwrap_or_default();
    let new: Vec<Value> = serde_json::from_str(&dhcp_options(body)).unwrap_or_default();
    let kept = old
        .into_iter()
        .filter(|option| !named.contains(&key(option)));
    Value::Array(kept.chain(new).collect()).to_string()
}
