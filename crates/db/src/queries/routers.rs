//! Routers: their rows, their interfaces and gateways (rows of ports), and what further
//! pods use in place of their addresses.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;

use super::Conn;
use super::dialect::transaction;
use super::group_members::members_behind;
use super::jobs::job_enqueue;
use super::network_write::{
    Abort, check_revision, lock_live_network, lock_network, outcome, taken,
};
use super::networks::insert_network;
use super::ports::{claim, insert_port, purge_port};
use super::quotas::{Counted, require_room};
use super::subnets::insert_addresses;
use crate::models::*;
use crate::schema::{
    bridge_networks, floating_ips, ip_allocations, pod_realizations, ports, routers, subnets,
};
use crate::{DbError, now};

/// Makes a router within its project's limit, with its gateway's port if it has one.
pub(crate) async fn router_create(
    conn: &mut Conn,
    router: &Router,
    gateway: Option<&PortView>,
    limit: i64,
    job: &NewJob,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let owner = [router.project_id.as_str()];
        require_room(conn, Counted::Router, &owner, limit).await?;
        diesel::insert_into(routers::table)
            .values(router)
            .execute(conn)
            .await?;
        if let Some(port) = gateway {
            lock_live_network(conn, &port.port.network_id).await?;
            insert_port(conn, port).await?;
            job_enqueue(conn, job).await?;
        }
        Ok(())
    })
    .await;
    outcome(result)
}

/// Routers by id, in that order.
pub(crate) async fn routers(
    conn: &mut Conn,
    filter: &RouterFilter,
) -> Result<Vec<Router>, DbError> {
    let mut query = routers::table
        .select(Router::as_select())
        .order(routers::id)
        .into_boxed();
    if !filter.ids.is_empty() {
        query = query.filter(routers::id.eq_any(filter.ids.clone()));
    }
    if !filter.project_ids.is_empty() {
        query = query.filter(routers::project_id.eq_any(filter.project_ids.clone()));
    }
    if !filter.names.is_empty() {
        query = query.filter(routers::name.eq_any(filter.names.clone()));
    }
    if !filter.deleting_too {
        query = query.filter(routers::state.eq(RowState::Live));
    }
    Ok(query.load(conn).await?)
}

/// One router, also while it is being deleted.
pub(crate) async fn router_by_id(conn: &mut Conn, id: &str) -> Result<Option<Router>, DbError> {
    Ok(routers::table
        .find(id)
        .select(Router::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// Takes a router's row for this transaction; only one that users see.
pub(super) async fn lock_live_router(conn: &mut Conn, id: &str) -> Result<Router, Abort> {
    diesel::update(routers::table.find(id))
        .set(routers::revision_number.eq(routers::revision_number))
        .execute(conn)
        .await?;
    router_by_id(conn, id)
        .await?
        .filter(|router| router.state == RowState::Live)
        .ok_or(Abort::Because(NetWrite::NotFound))
}

/// Changes a live router; the port of an older gateway is deleted. Floating IPs that lead
/// through the router keep its gateway.
pub(crate) async fn router_update(
    conn: &mut Conn,
    id: &str,
    change: &RouterChange,
    gateway: &GatewayChange,
    expected_revision: Option<i64>,
    job: &NewJob,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let router = lock_live_router(conn, id).await?;
        check_revision(expected_revision, router.revision_number)?;
        diesel::update(routers::table.find(id))
            .set((
                change,
                routers::revision_number.eq(router.revision_number + 1),
                routers::updated_at.eq(now()),
            ))
            .execute(conn)
            .await?;
        set_gateway(conn, &router, gateway).await?;
        job_enqueue(conn, job).await?;
        Ok(())
    })
    .await;
    outcome(result)
}

async fn set_gateway(
    conn: &mut Conn,
    router: &Router,
    gateway: &GatewayChange,
) -> Result<(), Abort> {
    let port = match gateway {
        GatewayChange::Keep => return Ok(()),
        GatewayChange::Clear => None,
        GatewayChange::Set(port) => Some(port),
    };
    let network = port.map(|view| view.port.network_id.clone());
    if router.gateway_network_id != network {
        require_no_floating_ips(conn, &router.id).await?;
    }
    if let Some(old) = &router.gateway_port_id {
        mark_port_deleting(conn, old).await?;
    }
    if let Some(view) = port {
        lock_live_network(conn, &view.port.network_id).await?;
        insert_port(conn, view).await?;
    }
    diesel::update(routers::table.find(&router.id))
        .set((
            routers::gateway_network_id.eq(network),
            routers::gateway_port_id.eq(port.map(|view| view.port.id.clone())),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

async fn require_no_floating_ips(conn: &mut Conn, router_id: &str) -> Result<(), Abort> {
    let used: Vec<String> = floating_ips::table
        .filter(floating_ips::router_id.eq(router_id))
        .filter(floating_ips::state.eq(RowState::Live))
        .select(floating_ips::id)
        .load(conn)
        .await?;
    match used.is_empty() {
        true => Ok(()),
        false => Err(Abort::Because(NetWrite::InUse(used))),
    }
}

/// A port of the cloud's own goes: users no longer see it.
pub(super) async fn mark_port_deleting(conn: &mut Conn, id: &str) -> Result<(), DbError> {
    diesel::update(ports::table.find(id))
        .set((
            ports::state.eq(RowState::Deleting),
            ports::updated_at.eq(now()),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Accepts the delete of a router; interfaces keep it.
pub(crate) async fn router_mark_deleting(
    conn: &mut Conn,
    id: &str,
    expected_revision: Option<i64>,
    job: &NewJob,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let router = lock_live_router(conn, id).await?;
        check_revision(expected_revision, router.revision_number)?;
        let interfaces: Vec<String> = ports::table
            .filter(ports::device_id.eq(id))
            .filter(ports::device_owner.eq(ROUTER_INTERFACE))
            .filter(ports::state.eq(RowState::Live))
            .order(ports::id)
            .select(ports::id)
            .load(conn)
            .await?;
        if !interfaces.is_empty() {
            return Err(Abort::Because(NetWrite::InUse(interfaces)));
        }
        require_no_floating_ips(conn, id).await?;
        if let Some(port) = &router.gateway_port_id {
            mark_port_deleting(conn, port).await?;
        }
        diesel::update(routers::table.find(id))
            .set((
                routers::state.eq(RowState::Deleting),
                routers::updated_at.eq(now()),
            ))
            .execute(conn)
            .await?;
        job_enqueue(conn, job).await?;
        Ok(())
    })
    .await;
    outcome(result)
}

/// Gives a router an interface: a new port, or a free port of the user's.
///
/// `siblings` are the interfaces that overlaps were checked against; when the router has
/// others by now the answer is [`NetWrite::Changed`]. `gateway_of`: the new port takes
/// the gateway address of this subnet, which another port may have already.
pub(crate) async fn router_interface_add(
    conn: &mut Conn,
    router_id: &str,
    siblings: &[String],
    port: &PortView,
    gateway_of: Option<&str>,
    job: &NewJob,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let router = lock_live_router(conn, router_id).await?;
        let mut found: Vec<String> = ports::table
            .filter(ports::device_id.eq(router_id))
            .filter(ports::device_owner.eq(ROUTER_INTERFACE))
            .filter(ports::state.eq(RowState::Live))
            .select(ports::id)
            .load(conn)
            .await?;
        let mut known = siblings.to_vec();
        found.sort_unstable();
        known.sort_unstable();
        if found != known {
            return Err(Abort::Because(NetWrite::Changed));
        }
        lock_live_network(conn, &port.port.network_id).await?;
        match gateway_of {
            Some(subnet_id) => {
                insert_port(conn, port).await?;
                take_gateway_address(conn, subnet_id, &port.port.id).await?;
            }
            None => claim(conn, &port.port.id, router_id, ROUTER_INTERFACE).await?,
        }
        members_behind(conn, router_id, &port.port.network_id).await?;
        diesel::update(routers::table.find(router_id))
            .set((
                routers::revision_number.eq(router.revision_number + 1),
                routers::updated_at.eq(now()),
            ))
            .execute(conn)
            .await?;
        job_enqueue(conn, job).await?;
        Ok(())
    })
    .await;
    outcome(result)
}

/// The users' gateway address of a subnet becomes a port's. An interface that is on its way
/// out of the pods lets go of it: whoever comes after it in a pod waits there.
async fn take_gateway_address(
    conn: &mut Conn,
    subnet_id: &str,
    port_id: &str,
) -> Result<(), Abort> {
    let gateway: Option<Option<String>> = subnets::table
        .find(subnet_id)
        .filter(subnets::state.eq(RowState::Live))
        .select(subnets::gateway_ip)
        .first(conn)
        .await
        .optional()?;
    let Some(Some(gateway)) = gateway else {
        return Err(Abort::Because(NetWrite::NotFound));
    };
    let address = ip_allocations::table
        .filter(ip_allocations::subnet_id.eq(subnet_id))
        .filter(ip_allocations::ip_address.eq(&gateway))
        .filter(ip_allocations::purpose.eq(AddressPurpose::Gateway));
    let holder: Option<Option<String>> = address
        .select(ip_allocations::port_id)
        .first(conn)
        .await
        .optional()?;
    if let Some(Some(holder)) = holder {
        let live: i64 = ports::table
            .find(holder)
            .filter(ports::state.eq(RowState::Live))
            .count()
            .get_result(conn)
            .await?;
        if live > 0 {
            return Err(Abort::Because(NetWrite::AddressTaken(gateway)));
        }
    }
    let taken = diesel::update(address)
        .set(ip_allocations::port_id.eq(Some(port_id)))
        .execute(conn)
        .await?;
    match taken {
        0 => Err(Abort::Because(NetWrite::AddressTaken(gateway))),
        _ => Ok(()),
    }
}

/// Takes an interface from a router; floating IPs that need it keep it.
pub(crate) async fn router_interface_remove(
    conn: &mut Conn,
    router_id: &str,
    port_id: &str,
    job: &NewJob,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let router = lock_live_router(conn, router_id).await?;
        let network: Option<String> = ports::table
            .find(port_id)
            .filter(ports::device_id.eq(router_id))
            .filter(ports::device_owner.eq(ROUTER_INTERFACE))
            .filter(ports::state.eq(RowState::Live))
            .select(ports::network_id)
            .first(conn)
            .await
            .optional()?;
        let network = network.ok_or(Abort::Because(NetWrite::NotFound))?;
        let on: Vec<String> = ip_allocations::table
            .filter(ip_allocations::port_id.eq(port_id))
            .select(ip_allocations::subnet_id)
            .load(conn)
            .await?;
        let behind = ip_allocations::table
            .filter(ip_allocations::subnet_id.eq_any(on))
            .filter(ip_allocations::purpose.eq(AddressPurpose::Port))
            .select(ip_allocations::port_id);
        let used: Vec<String> = floating_ips::table
            .filter(floating_ips::router_id.eq(router_id))
            .filter(floating_ips::state.eq(RowState::Live))
            .filter(floating_ips::port_id.eq_any(behind))
            .select(floating_ips::id)
            .load(conn)
            .await?;
        if !used.is_empty() {
            return Err(Abort::Because(NetWrite::InUse(used)));
        }
        mark_port_deleting(conn, port_id).await?;
        members_behind(conn, router_id, &network).await?;
        diesel::update(routers::table.find(router_id))
            .set((
                routers::revision_number.eq(router.revision_number + 1),
                routers::updated_at.eq(now()),
            ))
            .execute(conn)
            .await?;
        job_enqueue(conn, job).await?;
        Ok(())
    })
    .await;
    outcome(result)
}

/// Removes for good what pods no longer have of a router: ports of deleted interfaces
/// and gateways, and at last the router itself, with the bridge network that it was the
/// last one on (by a job of the kind `bridge_job`). True when the router's row is gone.
pub(crate) async fn router_finish(
    conn: &mut Conn,
    id: &str,
    bridge_job: &str,
) -> Result<bool, DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        let Some(router) = router_by_id(conn, id).await? else {
            return Ok(true);
        };
        let going: Vec<Port> = ports::table
            .filter(ports::device_id.eq(id))
            .filter(ports::device_owner.eq_any([ROUTER_INTERFACE, ROUTER_GATEWAY]))
            .filter(ports::state.eq(RowState::Deleting))
            .select(Port::as_select())
            .load(conn)
            .await?;
        let in_pods: Vec<Realization> = pod_realizations::table
            .filter(
                pod_realizations::kind
                    .eq_any([RealizationKind::Router, RealizationKind::BridgePort]),
            )
            .filter(pod_realizations::top_id.eq(id))
            .select(Realization::as_select())
            .load(conn)
            .await?;
        let mut left = 0;
        for port in going {
            let interfaces: i64 = pod_realizations::table
                .filter(pod_realizations::kind.eq(RealizationKind::RouterInterface))
                .filter(pod_realizations::top_id.eq(&port.id))
                .count()
                .get_result(conn)
                .await?;
            // A pod's part of the router remembers the gateway that it was given.
            let gateway = in_pods.iter().any(|row| row.data.contains(&port.id));
            match interfaces == 0 && !gateway {
                true => purge_port(conn, &port).await?,
                false => left += 1,
            }
        }
        if router.state != RowState::Deleting || left > 0 || !in_pods.is_empty() {
            return Ok(false);
        }
        diesel::delete(ip_allocations::table.filter(ip_allocations::port_id.eq(id)))
            .execute(conn)
            .await?;
        diesel::delete(routers::table.find(id))
            .execute(conn)
            .await?;
        retire(conn, &router.project_id, bridge_job).await?;
        Ok::<_, DbError>(true)
    })
    .await
}

/// The routers that have an interface on one of these subnets.
pub(crate) async fn routers_on(
    conn: &mut Conn,
    subnet_ids: &[String],
) -> Result<Vec<String>, DbError> {
    let on = ip_allocations::table
        .filter(ip_allocations::subnet_id.eq_any(subnet_ids.to_vec()))
        .select(ip_allocations::port_id)
        .distinct();
    let holders: Vec<Option<String>> = on.load(conn).await?;
    let holders: Vec<String> = holders.into_iter().flatten().collect();
    let mut found: Vec<String> = Vec::new();
    // A statement holds so many values and no more.
    for part in holders.chunks(500) {
        let ids: Vec<String> = ports::table
            .filter(ports::id.eq_any(part.to_vec()))
            .filter(ports::device_owner.eq(ROUTER_INTERFACE))
            .select(ports::device_id)
            .load(conn)
            .await?;
        found.extend(ids);
    }
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// What a pod uses in place of an address that belongs to a router: what it has already;
/// the address of `owner` itself where no pod uses that yet; else `wanted`.
pub(crate) async fn router_address(
    conn: &mut Conn,
    owner: &str,
    pod_id: &str,
    wanted: &IpAllocation,
) -> Result<(NetWrite, Option<IpAllocation>), DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        lock_live_network(conn, &wanted.network_id).await?;
        let own = ip_allocations::table
            .filter(ip_allocations::subnet_id.eq(&wanted.subnet_id))
            .filter(ip_allocations::port_id.eq(owner));
        if router_address_of(conn, &wanted.subnet_id, owner, pod_id)
            .await?
            .is_some()
        {
            return Ok(());
        }
        let free = own
            .filter(ip_allocations::purpose.eq(AddressPurpose::Port))
            .filter(ip_allocations::pod_id.is_null());
        let given = diesel::update(free)
            .set(ip_allocations::pod_id.eq(Some(pod_id)))
            .execute(conn)
            .await?;
        if given > 0 {
            return Ok(());
        }
        insert_addresses(conn, std::slice::from_ref(wanted)).await
    })
    .await;
    let ended = outcome(result)?;
    let held = router_address_of(conn, &wanted.subnet_id, owner, pod_id).await?;
    Ok((ended, held))
}

async fn router_address_of(
    conn: &mut Conn,
    subnet_id: &str,
    owner: &str,
    pod_id: &str,
) -> Result<Option<IpAllocation>, DbError> {
    Ok(ip_allocations::table
        .filter(ip_allocations::subnet_id.eq(subnet_id))
        .filter(ip_allocations::port_id.eq(owner))
        .filter(ip_allocations::pod_id.eq(pod_id))
        .select(IpAllocation::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// A pod no longer uses what it had in place of an address of `owner`.
pub(crate) async fn router_address_release(
    conn: &mut Conn,
    owner: &str,
    pod_id: &str,
) -> Result<(), DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        let held = ip_allocations::table
            .filter(ip_allocations::port_id.eq(owner))
            .filter(ip_allocations::pod_id.eq(pod_id));
        diesel::delete(held.filter(ip_allocations::purpose.eq(AddressPurpose::Router)))
            .execute(conn)
            .await?;
        diesel::update(held.filter(ip_allocations::purpose.eq(AddressPurpose::Port)))
            .set(ip_allocations::pod_id.eq(None::<String>))
            .execute(conn)
            .await?;
        Ok::<(), DbError>(())
    })
    .await
}

/// A project's bridge network.
pub(crate) async fn bridge_of(
    conn: &mut Conn,
    project_id: &str,
) -> Result<Option<BridgeNetwork>, DbError> {
    Ok(bridge_networks::table
        .find(project_id)
        .select(BridgeNetwork::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// The prefixes of all bridge networks.
pub(crate) async fn bridge_prefixes(conn: &mut Conn) -> Result<Vec<String>, DbError> {
    Ok(bridge_networks::table
        .order(bridge_networks::cidr)
        .select(bridge_networks::cidr)
        .load(conn)
        .await?)
}

/// Makes a project's bridge network with its subnet. [`NetWrite::Changed`]: the project
/// has one, or somebody else took the prefix.
pub(crate) async fn bridge_create(
    conn: &mut Conn,
    bridge: &BridgeNetwork,
    network: &Network,
    subnet: &Subnet,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        diesel::insert_into(bridge_networks::table)
            .values(bridge)
            .execute(conn)
            .await
            .map_err(|error| taken(error, NetWrite::Changed))?;
        insert_network(conn, network).await?;
        diesel::insert_into(subnets::table)
            .values(subnet)
            .execute(conn)
            .await?;
        Ok(())
    })
    .await;
    outcome(result)
}

/// Forgets a project's bridge network when no router uses it; `job` removes it from the
/// pods. False when it is in use.
pub(crate) async fn bridge_retire(
    conn: &mut Conn,
    project_id: &str,
    job_kind: &str,
) -> Result<bool, DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        retire(conn, project_id, job_kind).await
    })
    .await
}

/// The same within the caller's transaction.
async fn retire(conn: &mut Conn, project_id: &str, job_kind: &str) -> Result<bool, DbError> {
    let Some(bridge) = bridge_of(conn, project_id).await? else {
        return Ok(true);
    };
    lock_network(conn, &bridge.network_id).await?;
    let used: i64 = ip_allocations::table
        .filter(ip_allocations::network_id.eq(&bridge.network_id))
        .filter(ip_allocations::port_id.is_not_null())
        .count()
        .get_result(conn)
        .await?;
    if used > 0 {
        return Ok(false);
    }
    diesel::delete(bridge_networks::table.find(project_id))
        .execute(conn)
        .await?;
    diesel::update(crate::schema::networks::table.find(&bridge.network_id))
        .set(crate::schema::networks::state.eq(RowState::Deleting))
        .execute(conn)
        .await?;
    diesel::update(subnets::table.filter(subnets::network_id.eq(&bridge.network_id)))
        .set(subnets::state.eq(RowState::Deleting))
        .execute(conn)
        .await?;
    job_enqueue(conn, &NewJob::new(job_kind, &bridge.network_id)).await?;
    Ok(true)
}
