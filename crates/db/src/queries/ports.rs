//! Ports, with their addresses and security groups.

use std::collections::HashMap;

use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper,
};
use diesel_async::RunQueryDsl;

use super::Conn;
use super::dialect::transaction;
use super::floating_ips::drop_floating_ips;
use super::group_members::{groups_of, members_changed};
use super::jobs::job_enqueue;
use super::network_write::{
    Abort, check_revision, enqueue_if_realized, lock_live_network, lock_network, outcome, taken,
};
use super::quotas::{Counted, require_room};
use super::resources::realizations_of;
use super::subnets::insert_addresses;
use crate::models::*;
use crate::schema::{
    floating_ips, ip_allocations, networks, pod_realizations, port_security_groups, ports, routers,
    security_groups, subnets,
};
use crate::{DbError, now};

/// Makes ports with their addresses and groups, within their projects' limits, and gives
/// free ports (`claimed`) to a device: all of it or, when the answer is not
/// [`NetWrite::Done`], none.
pub(crate) async fn ports_allocate(
    conn: &mut Conn,
    new: &[PortView],
    claimed: &[String],
    device_id: &str,
    device_owner: &str,
    limit: i64,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let owners: Vec<&str> = new.iter().map(|v| v.port.project_id.as_str()).collect();
        require_room(conn, Counted::Port, &owners, limit).await?;
        lock_networks_of(conn, new, claimed).await?;
        for view in new {
            insert_port(conn, view).await?;
        }
        for id in claimed {
            claim(conn, id, device_id, device_owner).await?;
        }
        Ok(())
    })
    .await;
    outcome(result)
}

/// Takes the networks' rows in one order, so that two creates never wait for each other.
async fn lock_networks_of(
    conn: &mut Conn,
    new: &[PortView],
    claimed: &[String],
) -> Result<(), Abort> {
    let mut ids: Vec<String> = new.iter().map(|v| v.port.network_id.clone()).collect();
    for id in claimed {
        let port = port_row(conn, id).await?;
        ids.push(port.ok_or(Abort::Because(NetWrite::NotFound))?.network_id);
    }
    ids.sort_unstable();
    ids.dedup();
    for id in &ids {
        lock_live_network(conn, id).await?;
    }
    Ok(())
}

pub(super) async fn insert_port(conn: &mut Conn, view: &PortView) -> Result<(), Abort> {
    diesel::insert_into(ports::table)
        .values(&view.port)
        .execute(conn)
        .await
        .map_err(|error| taken(error, NetWrite::MacTaken))?;
    insert_fixed_ips(conn, &view.port.id, &view.fixed_ips).await?;
    insert_groups(conn, &view.port.id, &view.security_groups).await
}

async fn insert_fixed_ips(
    conn: &mut Conn,
    port_id: &str,
    wanted: &[IpAllocation],
) -> Result<(), Abort> {
    for address in wanted {
        let live: i64 = subnets::table
            .filter(subnets::id.eq(&address.subnet_id))
            .filter(subnets::state.eq(RowState::Live))
            .count()
            .get_result(conn)
            .await?;
        if live == 0 {
            return Err(Abort::Because(NetWrite::NotFound));
        }
    }
    let owned: Vec<IpAllocation> = wanted
        .iter()
        .map(|address| IpAllocation {
            port_id: Some(port_id.to_owned()),
            ..address.clone()
        })
        .collect();
    insert_addresses(conn, &owned).await
}

async fn insert_groups(conn: &mut Conn, port_id: &str, groups: &[String]) -> Result<(), Abort> {
    for group in groups {
        // The row is taken, so that the group's delete sees this port or is seen here.
        diesel::update(security_groups::table.find(group))
            .set(security_groups::revision_number.eq(security_groups::revision_number))
            .execute(conn)
            .await?;
        let live: i64 = security_groups::table
            .filter(security_groups::id.eq(group))
            .filter(security_groups::state.eq(RowState::Live))
            .count()
            .get_result(conn)
            .await?;
        if live == 0 {
            return Err(Abort::Because(NetWrite::NoGroup(group.clone())));
        }
        diesel::insert_into(port_security_groups::table)
            .values((
                port_security_groups::port_id.eq(port_id),
                port_security_groups::security_group_id.eq(group),
            ))
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// Gives a free port to a device; a port that the device has already is fine.
pub(super) async fn claim(
    conn: &mut Conn,
    id: &str,
    device_id: &str,
    device_owner: &str,
) -> Result<(), Abort> {
    let port = port_row(conn, id)
        .await?
        .filter(|port| port.state == RowState::Live)
        .ok_or(Abort::Because(NetWrite::NotFound))?;
    if !port.device_id.is_empty() && port.device_id != device_id {
        return Err(Abort::Because(NetWrite::Bound(port.device_id)));
    }
    diesel::update(ports::table.find(id))
        .set((
            ports::device_id.eq(device_id),
            ports::device_owner.eq(device_owner),
            ports::revision_number.eq(port.revision_number + 1),
            ports::updated_at.eq(now()),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

async fn port_row(conn: &mut Conn, id: &str) -> Result<Option<Port>, DbError> {
    Ok(ports::table
        .find(id)
        .select(Port::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// Ports by id, in that order.
pub(crate) async fn ports(conn: &mut Conn, filter: &PortFilter) -> Result<Vec<PortView>, DbError> {
    let mut query = ports::table
        .select(Port::as_select())
        .order(ports::id)
        .into_boxed();
    if !filter.ids.is_empty() {
        query = query.filter(ports::id.eq_any(filter.ids.clone()));
    }
    if !filter.project_ids.is_empty() {
        let own = ports::project_id.eq_any(filter.project_ids.clone());
        query = if filter.or_on_own_networks {
            let on_own = networks::table
                .filter(networks::project_id.eq_any(filter.project_ids.clone()))
                .select(networks::id);
            query.filter(own.or(ports::network_id.eq_any(on_own)))
        } else {
            query.filter(own)
        };
    }
    if !filter.network_ids.is_empty() {
        query = query.filter(ports::network_id.eq_any(filter.network_ids.clone()));
    }
    if !filter.device_ids.is_empty() {
        query = query.filter(ports::device_id.eq_any(filter.device_ids.clone()));
    }
    if !filter.device_owners.is_empty() {
        query = query.filter(ports::device_owner.eq_any(filter.device_owners.clone()));
    }
    if !filter.mac_addresses.is_empty() {
        query = query.filter(ports::mac_address.eq_any(filter.mac_addresses.clone()));
    }
    if !filter.names.is_empty() {
        query = query.filter(ports::name.eq_any(filter.names.clone()));
    }
    if !filter.deleting_too {
        query = query.filter(ports::state.eq(RowState::Live));
    }
    let rows = query.load(conn).await?;
    with_details(conn, rows).await
}

async fn with_details(conn: &mut Conn, rows: Vec<Port>) -> Result<Vec<PortView>, DbError> {
    let ids: Vec<String> = rows.iter().map(|port| port.id.clone()).collect();
    let owned: Vec<Option<String>> = ids.iter().cloned().map(Some).collect();
    let addresses: Vec<IpAllocation> = ip_allocations::table
        .filter(ip_allocations::port_id.eq_any(owned))
        .filter(ip_allocations::purpose.eq_any([AddressPurpose::Port, AddressPurpose::Gateway]))
        .order((ip_allocations::subnet_id, ip_allocations::ip_key))
        .select(IpAllocation::as_select())
        .load(conn)
        .await?;
    let groups: Vec<(String, String)> = port_security_groups::table
        .filter(port_security_groups::port_id.eq_any(ids))
        .order(port_security_groups::security_group_id)
        .select((
            port_security_groups::port_id,
            port_security_groups::security_group_id,
        ))
        .load(conn)
        .await?;
    let mut ips_of = HashMap::<String, Vec<IpAllocation>>::new();
    for address in addresses {
        if let Some(port) = address.port_id.clone() {
            ips_of.entry(port).or_default().push(address);
        }
    }
    let mut groups_of = HashMap::<String, Vec<String>>::new();
    for (port, group) in groups {
        groups_of.entry(port).or_default().push(group);
    }
    Ok(rows
        .into_iter()
        .map(|port| PortView {
            fixed_ips: ips_of.remove(&port.id).unwrap_or_default(),
            security_groups: groups_of.remove(&port.id).unwrap_or_default(),
            port,
        })
        .collect())
}

/// One port, also while it is being deleted.
pub(crate) async fn port_by_id(conn: &mut Conn, id: &str) -> Result<Option<PortView>, DbError> {
    let filter = PortFilter {
        ids: vec![id.to_owned()],
        deleting_too: true,
        ..PortFilter::default()
    };
    Ok(ports(conn, &filter).await?.into_iter().next())
}

/// Changes a live port; where given, its addresses and groups become exactly these. A
/// pod that has the port follows by `job`, and what it may still use of its addresses
/// stays taken until then.
pub(crate) async fn port_update(
    conn: &mut Conn,
    id: &str,
    change: &PortChange,
    fixed_ips: Option<&[IpAllocation]>,
    groups: Option<&[String]>,
    expected_revision: Option<i64>,
    job: &NewJob,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let gone = || Abort::Because(NetWrite::NotFound);
        let network = port_row(conn, id).await?.ok_or_else(gone)?.network_id;
        lock_live_network(conn, &network).await?;
        let port = port_row(conn, id)
            .await?
            .filter(|port| port.state == RowState::Live)
            .ok_or_else(gone)?;
        check_revision(expected_revision, port.revision_number)?;
        diesel::update(ports::table.find(id))
            .set((
                change,
                ports::revision_number.eq(port.revision_number + 1),
                ports::updated_at.eq(now()),
            ))
            .execute(conn)
            .await
            .map_err(|error| taken(error, NetWrite::MacTaken))?;
        if let Some(wanted) = fixed_ips {
            replace_fixed_ips(conn, id, wanted).await?;
        }
        let mut told = groups_of(conn, id).await?;
        if let Some(wanted) = groups {
            told.extend(wanted.iter().cloned());
            diesel::delete(
                port_security_groups::table.filter(port_security_groups::port_id.eq(id)),
            )
            .execute(conn)
            .await?;
            insert_groups(conn, id, wanted).await?;
        }
        enqueue_if_realized(conn, RealizationKind::Port, job).await?;
        let is_other_member = groups.is_some()
            || fixed_ips.is_some()
            || change.allowed_address_pairs.is_some()
            || change.port_security_enabled.is_some();
        if is_other_member {
            told.sort_unstable();
            told.dedup();
            members_changed(conn, &told, None).await?;
        }
        Ok(())
    })
    .await;
    outcome(result)
}

/// A port's addresses become these. Those that go are free at once where no pod can have
/// the port; else they are released when the pods have taken the change.
async fn replace_fixed_ips(
    conn: &mut Conn,
    id: &str,
    wanted: &[IpAllocation],
) -> Result<(), Abort> {
    let pods = realizations_of(conn, RealizationKind::Port, id).await?;
    let own = ip_allocations::table.filter(ip_allocations::port_id.eq(id));
    if !pods.is_empty() {
        diesel::update(own)
            .set(ip_allocations::purpose.eq(AddressPurpose::Releasing))
            .execute(conn)
            .await?;
        // One that the port had, or is just losing, may be its own again.
        for address in wanted {
            diesel::delete(own.filter(ip_allocations::ip_address.eq(&address.ip_address)))
                .execute(conn)
                .await?;
        }
    } else {
        diesel::delete(own).execute(conn).await?;
    }
    insert_fixed_ips(conn, id, wanted).await
}

/// Frees the addresses that a port no longer has, when no pod can be using them: every
/// pod that has the port was sent its present revision.
pub(super) async fn free_released(conn: &mut Conn, id: &str) -> Result<(), DbError> {
    let Some(port) = port_row(conn, id).await? else {
        return Ok(());
    };
    let sent = format!("r{}", port.revision_number);
    let pods = realizations_of(conn, RealizationKind::Port, id).await?;
    if pods.iter().all(|row| row.digest == sent) {
        diesel::delete(
            ip_allocations::table
                .filter(ip_allocations::port_id.eq(id))
                .filter(ip_allocations::purpose.eq(AddressPurpose::Releasing)),
        )
        .execute(conn)
        .await?;
    }
    Ok(())
}

/// Notes the status that a pod reports; users' revisions do not count it.
pub(crate) async fn port_set_status(
    conn: &mut Conn,
    id: &str,
    status: &str,
) -> Result<bool, DbError> {
    let changed = diesel::update(ports::table.find(id).filter(ports::status.ne(status)))
        .set(ports::status.eq(status))
        .execute(conn)
        .await?;
    Ok(changed > 0)
}

/// Ports of one device change to another: an intent got its server's id. Returns them.
pub(crate) async fn ports_move_device(
    conn: &mut Conn,
    from_device: &str,
    to_device: &str,
    device_owner: &str,
) -> Result<Vec<String>, DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        move_device(conn, from_device, to_device, device_owner).await
    })
    .await
}

/// The same within the caller's transaction.
pub(super) async fn move_device(
    conn: &mut Conn,
    from_device: &str,
    to_device: &str,
    device_owner: &str,
) -> Result<Vec<String>, DbError> {
    let moved: Vec<String> = ports::table
        .filter(ports::device_id.eq(from_device))
        .order(ports::id)
        .select(ports::id)
        .load(conn)
        .await?;
    diesel::update(ports::table.filter(ports::device_id.eq(from_device)))
        .set((
            ports::device_id.eq(to_device),
            ports::device_owner.eq(device_owner),
            ports::revision_number.eq(ports::revision_number + 1),
            ports::updated_at.eq(now()),
        ))
        .execute(conn)
        .await?;
    Ok(moved)
}

/// Begins to take a port from a device that is gone: a port that the gateway made is
/// deleted, with `job`, and whatever pods have of it goes. Returns those rows, and none
/// when the port is another device's meanwhile: whoever asks then was overtaken, and
/// must leave the port alone.
pub(crate) async fn port_release_begin(
    conn: &mut Conn,
    id: &str,
    device_id: &str,
    job: &NewJob,
) -> Result<Option<Vec<Realization>>, DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        // Takes the row, so that the port is this device's until all is marked.
        diesel::update(ports::table.find(id))
            .set(ports::revision_number.eq(ports::revision_number))
            .execute(conn)
            .await?;
        let found = port_row(conn, id).await?;
        let Some(port) = found.filter(|port| port.device_id == device_id) else {
            return Ok(None);
        };
        if port.created_by_gateway && port.state == RowState::Live {
            diesel::update(ports::table.find(id))
                .set((
                    ports::state.eq(RowState::Deleting),
                    ports::updated_at.eq(now()),
                ))
                .execute(conn)
                .await?;
            drop_floating_ips(conn, id).await?;
            let told = groups_of(conn, id).await?;
            members_changed(conn, &told, None).await?;
            job_enqueue(conn, job).await?;
        }
        diesel::update(
            pod_realizations::table
                .filter(pod_realizations::kind.eq(RealizationKind::Port))
                .filter(pod_realizations::top_id.eq(id)),
        )
        .set((
            pod_realizations::state.eq(RealizationState::Deleting),
            pod_realizations::updated_at.eq(now()),
        ))
        .execute(conn)
        .await?;
        Ok::<_, DbError>(Some(
            realizations_of(conn, RealizationKind::Port, id).await?,
        ))
    })
    .await
}

/// A user's port is free again; nothing when another device has it meanwhile.
pub(crate) async fn port_unbind(
    conn: &mut Conn,
    id: &str,
    device_id: &str,
) -> Result<bool, DbError> {
    let changed = diesel::update(
        ports::table
            .filter(ports::id.eq(id))
            .filter(ports::device_id.eq(device_id)),
    )
    .set((
        ports::device_id.eq(""),
        ports::device_owner.eq(""),
        ports::status.eq("DOWN"),
        ports::revision_number.eq(ports::revision_number + 1),
        ports::updated_at.eq(now()),
    ))
    .execute(conn)
    .await?;
    Ok(changed > 0)
}

/// Accepts the delete of a port: users no longer see it, its addresses stay taken.
pub(crate) async fn port_mark_deleting(
    conn: &mut Conn,
    id: &str,
    expected_revision: Option<i64>,
    job: &NewJob,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let gone = || Abort::Because(NetWrite::NotFound);
        let network = port_row(conn, id).await?.ok_or_else(gone)?.network_id;
        lock_network(conn, &network).await?;
        let port = port_row(conn, id)
            .await?
            .filter(|port| port.state == RowState::Live)
            .ok_or_else(gone)?;
        check_revision(expected_revision, port.revision_number)?;
        require_no_router(conn, &port).await?;
        diesel::update(ports::table.find(id))
            .set((
                ports::state.eq(RowState::Deleting),
                ports::updated_at.eq(now()),
            ))
            .execute(conn)
            .await?;
        drop_floating_ips(conn, id).await?;
        let told = groups_of(conn, id).await?;
        members_changed(conn, &told, None).await?;
        job_enqueue(conn, job).await?;
        Ok(())
    })
    .await;
    outcome(result)
}

/// Refuses with [`NetWrite::Bound`] a port that a router or floating IP is made of. It goes
/// with these.
async fn require_no_router(conn: &mut Conn, port: &Port) -> Result<(), Abort> {
    let there: i64 = match port.device_owner.as_str() {
        ROUTER_INTERFACE | ROUTER_GATEWAY => {
            let routers = routers::table.find(&port.device_id);
            routers.count().get_result(conn).await?
        }
        FLOATING_IP => {
            let floating = floating_ips::table.find(&port.device_id);
            floating.count().get_result(conn).await?
        }
        _ => 0,
    };
    match there {
        0 => Ok(()),
        _ => Err(Abort::Because(NetWrite::Bound(port.device_owner.clone()))),
    }
}

/// Removes a deleted port for good and frees its addresses: it is gone in every pod.
pub(crate) async fn port_purge(conn: &mut Conn, id: &str) -> Result<(), DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        let found = port_row(conn, id).await?;
        match found.filter(|port| port.state == RowState::Deleting) {
            Some(port) => purge_port(conn, &port).await,
            None => Ok(()),
        }
    })
    .await
}

/// The same within the caller's transaction. A gateway's address stays the gateway's.
pub(super) async fn purge_port(conn: &mut Conn, port: &Port) -> Result<(), DbError> {
    lock_network(conn, &port.network_id).await?;
    let own = ip_allocations::table.filter(ip_allocations::port_id.eq(&port.id));
    diesel::update(own.filter(ip_allocations::purpose.eq(AddressPurpose::Gateway)))
        .set(ip_allocations::port_id.eq(None::<String>))
        .execute(conn)
        .await?;
    diesel::delete(own).execute(conn).await?;
    diesel::delete(port_security_groups::table.filter(port_security_groups::port_id.eq(&port.id)))
        .execute(conn)
        .await?;
    diesel::delete(ports::table.find(&port.id))
        .execute(conn)
        .await?;
    Ok(())
}
