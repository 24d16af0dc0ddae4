//! Subnets, and the addresses on them that belong to no port.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, NullableExpressionMethods, OptionalExtension,
    QueryDsl, SelectableHelper,
};
use diesel_async::RunQueryDsl;

use super::Conn;
use super::dialect::transaction;
use super::jobs::job_enqueue;
use super::network_write::{
    Abort, check_revision, enqueue_if_realized, lock_live_network, lock_network, outcome,
    require_no_bridge, taken,
};
use super::quotas::{Counted, require_room};
use crate::models::*;
use crate::schema::{ip_allocations, networks, ports, subnets};
use crate::{DbError, now};

/// Makes a subnet within its project's limit and takes the addresses `reserved` on it.
///
/// `siblings` are the subnets that overlaps were checked against; when the network
/// has others by now the answer is [`NetWrite::Changed`].
pub(crate) async fn subnet_create(
    conn: &mut Conn,
    subnet: &Subnet,
    reserved: &[IpAllocation],
    siblings: &[String],
    limit: i64,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let owner = [subnet.project_id.as_str()];
        require_room(conn, Counted::Subnet, &owner, limit).await?;
        lock_live_network(conn, &subnet.network_id).await?;
        let mut found: Vec<String> = subnets::table
            .filter(subnets::network_id.eq(&subnet.network_id))
            .select(subnets::id)
            .load(conn)
            .await?;
        let mut known = siblings.to_vec();
        found.sort_unstable();
        known.sort_unstable();
        if found != known {
            return Err(Abort::Because(NetWrite::Changed));
        }
        diesel::insert_into(subnets::table)
            .values(subnet)
            .execute(conn)
            .await?;
        insert_addresses(conn, reserved).await
    })
    .await;
    outcome(result)
}

/// Takes addresses; one that is taken aborts the transaction.
pub(crate) async fn insert_addresses(
    conn: &mut Conn,
    wanted: &[IpAllocation],
) -> Result<(), Abort> {
    for address in wanted {
        diesel::insert_into(ip_allocations::table)
            .values(address)
            .execute(conn)
            .await
            .map_err(|error| taken(error, NetWrite::AddressTaken(address.ip_address.clone())))?;
    }
    Ok(())
}

/// Subnets by id, in that order.
pub(crate) async fn subnets(
    conn: &mut Conn,
    filter: &SubnetFilter,
) -> Result<Vec<Subnet>, DbError> {
    let mut query = subnets::table
        .select(Subnet::as_select())
        .order(subnets::id)
        .into_boxed();
    if !filter.ids.is_empty() {
        query = query.filter(subnets::id.eq_any(filter.ids.clone()));
    }
    if !filter.project_ids.is_empty() {
        let own = subnets::project_id.eq_any(filter.project_ids.clone());
        query = if filter.or_visible_to_all {
            let open = networks::table
                .filter(
                    networks::shared
                        .eq(true)
                        .or(networks::router_external.eq(true)),
                )
                .select(networks::id);
            query.filter(own.or(subnets::network_id.eq_any(open)))
        } else {
            query.filter(own)
        };
    }
    if !filter.network_ids.is_empty() {
        query = query.filter(subnets::network_id.eq_any(filter.network_ids.clone()));
    }
    if !filter.names.is_empty() {
        query = query.filter(subnets::name.eq_any(filter.names.clone()));
    }
    if !filter.deleting_too {
        query = query.filter(subnets::state.eq(RowState::Live));
    }
    Ok(query.load(conn).await?)
}

/// One subnet, also while it is being deleted.
pub(crate) async fn subnet_by_id(conn: &mut Conn, id: &str) -> Result<Option<Subnet>, DbError> {
    Ok(subnets::table
        .find(id)
        .select(Subnet::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// The row, its network's row taken; only what users see.
async fn lock_live_subnet(conn: &mut Conn, id: &str) -> Result<Subnet, Abort> {
    let gone = || Abort::Because(NetWrite::NotFound);
    let network = subnet_by_id(conn, id).await?.ok_or_else(gone)?.network_id;
    lock_live_network(conn, &network).await?;
    subnet_by_id(conn, id)
        .await?
        .filter(|subnet| subnet.state == RowState::Live)
        .ok_or_else(gone)
}

/// Changes a live subnet; a new gateway's address is taken, the old one's is free. Pods
/// that have it follow by `job`.
pub(crate) async fn subnet_update(
    conn: &mut Conn,
    id: &str,
    change: &SubnetChange,
    gateway: Option<&[IpAllocation]>,
    expected_revision: Option<i64>,
    job: &NewJob,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let subnet = lock_live_subnet(conn, id).await?;
        check_revision(expected_revision, subnet.revision_number)?;
        if let Some(gateway) = gateway {
            let held = subnet.gateway_ip.as_deref().unwrap_or_default();
            require_no_router_at(conn, id, held).await?;
            diesel::delete(
                ip_allocations::table
                    .filter(ip_allocations::subnet_id.eq(id))
                    .filter(ip_allocations::purpose.eq(AddressPurpose::Gateway))
                    .filter(ip_allocations::ip_address.eq(subnet.gateway_ip.unwrap_or_default())),
            )
            .execute(conn)
            .await?;
            insert_addresses(conn, gateway).await?;
        }
        diesel::update(subnets::table.find(id))
            .set((
                change,
                subnets::revision_number.eq(subnet.revision_number + 1),
                subnets::updated_at.eq(now()),
            ))
            .execute(conn)
            .await?;
        enqueue_if_realized(conn, RealizationKind::Subnet, job).await?;
        Ok(())
    })
    .await;
    outcome(result)
}

/// Refuses with [`NetWrite::InUse`] while a router's interface has an address.
async fn require_no_router_at(
    conn: &mut Conn,
    subnet_id: &str,
    address: &str,
) -> Result<(), Abort> {
    let interfaces = ports::table
        .filter(ports::device_owner.eq(ROUTER_INTERFACE))
        .filter(ports::state.eq(RowState::Live))
        .select(ports::id.nullable());
    let holders: Vec<Option<String>> = ip_allocations::table
        .filter(ip_allocations::subnet_id.eq(subnet_id))
        .filter(ip_allocations::ip_address.eq(address))
        .filter(ip_allocations::port_id.eq_any(interfaces))
        .select(ip_allocations::port_id)
        .load(conn)
        .await?;
    match holders.is_empty() {
        true => Ok(()),
        false => Err(Abort::Because(NetWrite::InUse(
            holders.into_iter().flatten().collect(),
        ))),
    }
}

/// Accepts the delete of a subnet; addresses of live ports keep it.
pub(crate) async fn subnet_mark_deleting(
    conn: &mut Conn,
    id: &str,
    expected_revision: Option<i64>,
    job: &NewJob,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let subnet = lock_live_subnet(conn, id).await?;
        check_revision(expected_revision, subnet.revision_number)?;
        require_no_bridge(conn, &subnet.network_id).await?;
        let live = ports::table
            .filter(ports::network_id.eq(&subnet.network_id))
            .filter(ports::state.eq(RowState::Live))
            .select(ports::id.nullable());
        let used: Vec<Option<String>> = ip_allocations::table
            .filter(ip_allocations::subnet_id.eq(id))
            .filter(ip_allocations::port_id.eq_any(live))
            .select(ip_allocations::port_id)
            .load(conn)
            .await?;
        if !used.is_empty() {
            let mut used: Vec<String> = used.into_iter().flatten().collect();
            used.sort_unstable();
            used.dedup();
            return Err(Abort::Because(NetWrite::InUse(used)));
        }
        diesel::update(subnets::table.find(id))
            .set((
                subnets::state.eq(RowState::Deleting),
                subnets::updated_at.eq(now()),
            ))
            .execute(conn)
            .await?;
        job_enqueue(conn, job).await?;
        Ok(())
    })
    .await;
    outcome(result)
}

/// Removes a deleted subnet for good: every pod is clean.
pub(crate) async fn subnet_purge(conn: &mut Conn, id: &str) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let Some(subnet) = subnet_by_id(conn, id).await? else {
            return Ok(());
        };
        lock_network(conn, &subnet.network_id).await?;
        if subnet.state != RowState::Deleting {
            return Err(Abort::Because(NetWrite::Changed));
        }
        let left: Vec<Option<String>> = ip_allocations::table
            .filter(ip_allocations::subnet_id.eq(id))
            .filter(ip_allocations::port_id.is_not_null())
            .select(ip_allocations::port_id)
            .load(conn)
            .await?;
        if !left.is_empty() {
            let left = left.into_iter().flatten().collect();
            return Err(Abort::Because(NetWrite::InUse(left)));
        }
        diesel::delete(ip_allocations::table.filter(ip_allocations::subnet_id.eq(id)))
            .execute(conn)
            .await?;
        diesel::delete(subnets::table.find(id))
            .execute(conn)
            .await?;
        Ok(())
    })
    .await;
    outcome(result)
}

/// Every address of a subnet that is taken, in numeric order.
pub(crate) async fn addresses_used(
    conn: &mut Conn,
    subnet_id: &str,
) -> Result<Vec<IpAllocation>, DbError> {
    Ok(ip_allocations::table
        .filter(ip_allocations::subnet_id.eq(subnet_id))
        .order(ip_allocations::ip_key)
        .select(IpAllocation::as_select())
        .load(conn)
        .await?)
}

/// What a pod has of a subnet for itself, taken now unless it has it already.
///
/// `take_gateway`: the users' gateway address is to be this pod's; when another pod
/// was faster the answer is [`NetWrite::Changed`]. The addresses are those that hold.
pub(crate) async fn addresses_reserve(
    conn: &mut Conn,
    subnet_id: &str,
    pod_id: &str,
    take_gateway: bool,
    wanted: &[IpAllocation],
) -> Result<(NetWrite, Vec<IpAllocation>), DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        lock_live_subnet(conn, subnet_id).await?;
        if !addresses_of_pod(conn, subnet_id, pod_id).await?.is_empty() {
            return Ok(());
        }
        if take_gateway {
            let own = ip_allocations::table
                .filter(ip_allocations::subnet_id.eq(subnet_id))
                .filter(ip_allocations::purpose.eq(AddressPurpose::Gateway))
                .filter(ip_allocations::pod_id.is_null());
            let free: i64 = own.count().get_result(conn).await?;
            if free == 0 {
                return Err(Abort::Because(NetWrite::Changed));
            }
            diesel::update(own)
                .set(ip_allocations::pod_id.eq(Some(pod_id)))
                .execute(conn)
                .await?;
        }
        insert_addresses(conn, wanted).await
    })
    .await;
    let ended = outcome(result)?;
    Ok((ended, addresses_of_pod(conn, subnet_id, pod_id).await?))
}

/// What pods have of subnets for themselves.
const OF_PODS: [AddressPurpose; 2] = [AddressPurpose::Gateway, AddressPurpose::Infrastructure];

async fn addresses_of_pod(
    conn: &mut Conn,
    subnet_id: &str,
    pod_id: &str,
) -> Result<Vec<IpAllocation>, DbError> {
    Ok(ip_allocations::table
        .filter(ip_allocations::subnet_id.eq(subnet_id))
        .filter(ip_allocations::pod_id.eq(pod_id))
        .filter(ip_allocations::purpose.eq_any(OF_PODS))
        .order(ip_allocations::ip_key)
        .select(IpAllocation::as_select())
        .load(conn)
        .await?)
}

/// Gives back what a pod had of a subnet for itself: the subnet is gone there.
pub(crate) async fn addresses_release(
    conn: &mut Conn,
    subnet_id: &str,
    pod_id: &str,
) -> Result<(), DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        let Some(subnet) = subnet_by_id(conn, subnet_id).await? else {
            return Ok(());
        };
        lock_network(conn, &subnet.network_id).await?;
        let of_pod = ip_allocations::table
            .filter(ip_allocations::subnet_id.eq(subnet_id))
            .filter(ip_allocations::pod_id.eq(pod_id))
            .filter(ip_allocations::purpose.eq_any(OF_PODS));
        let users = subnet.gateway_ip.unwrap_or_default();
        diesel::delete(of_pod.clone().filter(ip_allocations::ip_address.ne(&users)))
            .execute(conn)
            .await?;
        diesel::update(of_pod.filter(ip_allocations::ip_address.eq(&users)))
            .set(ip_allocations::pod_id.eq(None::<String>))
            .execute(conn)
            .await?;
        Ok::<(), DbError>(())
    })
    .await
}
