//! Networks and their segments.

use diesel::{BoolExpressionMethods, ExpressionMethods, QueryDsl, SelectableHelper};
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
use crate::schema::{ip_allocations, network_segments, networks, ports, subnets};
use crate::{DbError, now};

/// Makes a network within its project's limit and takes its segment, if its type has one.
pub(crate) async fn network_create(
    conn: &mut Conn,
    network: &Network,
    limit: i64,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let owner = [network.project_id.as_str()];
        require_room(conn, Counted::Network, &owner, limit).await?;
        insert_network(conn, network).await
    })
    .await;
    outcome(result)
}

/// The row, and that of its segment.
pub(super) async fn insert_network(conn: &mut Conn, network: &Network) -> Result<(), Abort> {
    diesel::insert_into(networks::table)
        .values(network)
        .execute(conn)
        .await?;
    if network.physical_network.is_some() || network.segmentation_id.is_some() {
        diesel::insert_into(network_segments::table)
            .values((
                network_segments::network_id.eq(&network.id),
                network_segments::network_type.eq(&network.network_type),
                network_segments::physical_network
                    .eq(network.physical_network.clone().unwrap_or_default()),
                network_segments::segmentation_id.eq(network.segmentation_id.unwrap_or(0)),
            ))
            .execute(conn)
            .await
            .map_err(|error| taken(error, NetWrite::SegmentTaken))?;
    }
    Ok(())
}

/// The segments of one physical network that are taken (empty name: of none).
pub(crate) async fn network_segments_used(
    conn: &mut Conn,
    network_type: &str,
    physical_network: &str,
) -> Result<Vec<i32>, DbError> {
    Ok(network_segments::table
        .filter(network_segments::network_type.eq(network_type))
        .filter(network_segments::physical_network.eq(physical_network))
        .order(network_segments::segmentation_id)
        .select(network_segments::segmentation_id)
        .load(conn)
        .await?)
}

/// Networks by id, in that order.
pub(crate) async fn networks(
    conn: &mut Conn,
    filter: &NetworkFilter,
) -> Result<Vec<NetworkView>, DbError> {
    let mut query = networks::table
        .select(Network::as_select())
        .order(networks::id)
        .into_boxed();
    if !filter.ids.is_empty() {
        query = query.filter(networks::id.eq_any(filter.ids.clone()));
    }
    if !filter.project_ids.is_empty() {
        let own = networks::project_id.eq_any(filter.project_ids.clone());
        query = if filter.or_visible_to_all {
            query.filter(
                own.or(networks::shared.eq(true))
                    .or(networks::router_external.eq(true)),
            )
        } else {
            query.filter(own)
        };
    }
    if !filter.names.is_empty() {
        query = query.filter(networks::name.eq_any(filter.names.clone()));
    }
    if !filter.deleting_too {
        query = query.filter(networks::state.eq(RowState::Live));
    }
    let rows: Vec<Network> = query.load(conn).await?;
    let ids: Vec<&str> = rows.iter().map(|network| network.id.as_str()).collect();
    let on_them: Vec<(String, String)> = subnets::table
        .filter(subnets::network_id.eq_any(ids))
        .filter(subnets::state.eq(RowState::Live))
        .order(subnets::id)
        .select((subnets::network_id, subnets::id))
        .load(conn)
        .await?;
    let mut by_network = std::collections::HashMap::<String, Vec<String>>::new();
    for (network, subnet) in on_them {
        by_network.entry(network).or_default().push(subnet);
    }
    Ok(rows
        .into_iter()
        .map(|network| NetworkView {
            subnets: by_network.remove(&network.id).unwrap_or_default(),
            network,
        })
        .collect())
}

/// One network, also while it is being deleted.
pub(crate) async fn network_by_id(
    conn: &mut Conn,
    id: &str,
) -> Result<Option<NetworkView>, DbError> {
    let filter = NetworkFilter {
        ids: vec![id.to_owned()],
        deleting_too: true,
        ..NetworkFilter::default()
    };
    Ok(networks(conn, &filter).await?.into_iter().next())
}

/// Changes a live network and counts its revision up; pods that have it follow by `job`.
pub(crate) async fn network_update(
    conn: &mut Conn,
    id: &str,
    change: &NetworkChange,
    expected_revision: Option<i64>,
    job: &NewJob,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let network = lock_live_network(conn, id).await?;
        check_revision(expected_revision, network.revision_number)?;
        diesel::update(networks::table.find(id))
            .set((
                change,
                networks::revision_number.eq(network.revision_number + 1),
                networks::updated_at.eq(now()),
            ))
            .execute(conn)
            .await?;
        enqueue_if_realized(conn, RealizationKind::Network, job).await?;
        Ok(())
    })
    .await;
    outcome(result)
}

/// Accepts the delete of a network: users no longer see it nor its subnets.
///
/// Live ports of anybody but the infrastructure keep it.
pub(crate) async fn network_mark_deleting(
    conn: &mut Conn,
    id: &str,
    expected_revision: Option<i64>,
    job: &NewJob,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let network = lock_live_network(conn, id).await?;
        check_revision(expected_revision, network.revision_number)?;
        require_no_bridge(conn, id).await?;
        let used: Vec<String> = ports::table
            .filter(ports::network_id.eq(id))
            .filter(ports::state.eq(RowState::Live))
            .order(ports::id)
            .select(ports::id)
            .load(conn)
            .await?;
        if !used.is_empty() {
            return Err(Abort::Because(NetWrite::InUse(used)));
        }
        diesel::update(networks::table.find(id))
            .set((
                networks::state.eq(RowState::Deleting),
                networks::updated_at.eq(now()),
            ))
            .execute(conn)
            .await?;
        diesel::update(subnets::table.filter(subnets::network_id.eq(id)))
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

/// Removes a deleted network for good: every pod is clean. Its segment is free then.
pub(crate) async fn network_purge(conn: &mut Conn, id: &str) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let Some(network) = lock_network(conn, id).await? else {
            return Ok(());
        };
        if network.state != RowState::Deleting {
            return Err(Abort::Because(NetWrite::Changed));
        }
        let left: Vec<String> = ports::table
            .filter(ports::network_id.eq(id))
            .order(ports::id)
            .select(ports::id)
            .load(conn)
            .await?;
        if !left.is_empty() {
            return Err(Abort::Because(NetWrite::InUse(left)));
        }
        diesel::delete(ip_allocations::table.filter(ip_allocations::network_id.eq(id)))
            .execute(conn)
            .await?;
        diesel::delete(subnets::table.filter(subnets::network_id.eq(id)))
            .execute(conn)
            .await?;
        diesel::delete(network_segments::table.find(id))
            .execute(conn)
            .await?;
        diesel::delete(networks::table.find(id))
            .execute(conn)
            .await?;
        Ok(())
    })
    .await;
    outcome(result)
}

/// Ties a network to the one pod that it may be in; the first one wins.
pub(crate) async fn network_pin(
    conn: &mut Conn,
    id: &str,
    pod_id: &str,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let network = lock_live_network(conn, id).await?;
        match network.pinned_pod_id {
            Some(pod) if pod == pod_id => Ok(()),
            Some(pod) => Err(Abort::Because(NetWrite::Pinned(pod))),
            None => {
                diesel::update(networks::table.find(id))
                    .set(networks::pinned_pod_id.eq(Some(pod_id)))
                    .execute(conn)
                    .await?;
                Ok(())
            }
        }
    })
    .await;
    outcome(result)
}
