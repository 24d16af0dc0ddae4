//! Floating IPs, and which routers have to follow when ports come, move and go.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;

use super::Conn;
use super::dialect::transaction;
use super::jobs::job_enqueue;
use super::network_write::{Abort, check_revision, lock_live_network, outcome, taken};
use super::ports::{insert_port, purge_port};
use super::quotas::{Counted, require_room};
use super::routers::{lock_live_router, mark_port_deleting, routers_on};
use crate::models::*;
use crate::schema::{floating_ips, ip_allocations, pod_realizations, ports};
use crate::{DbError, now};

/// Makes a floating IP within its project's limit, with the port that holds its address.
/// [`NetWrite::Bound`]: its target has one on this network already.
pub(crate) async fn floating_ip_create(
    conn: &mut Conn,
    floating: &FloatingIp,
    port: &PortView,
    limit: i64,
    request_id: &str,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let owner = [floating.project_id.as_str()];
        require_room(conn, Counted::FloatingIp, &owner, limit).await?;
        lock_live_network(conn, &port.port.network_id).await?;
        insert_port(conn, port).await?;
        if let Some(router) = &floating.router_id {
            lock_live_router(conn, router).await?;
            job_enqueue(conn, &follow(router, request_id)).await?;
        }
        diesel::insert_into(floating_ips::table)
            .values(floating)
            .execute(conn)
            .await
            .map_err(|error| taken(error, bound(floating.port_id.as_deref())))?;
        Ok(())
    })
    .await;
    outcome(result)
}

fn bound(port_id: Option<&str>) -> NetWrite {
    NetWrite::Bound(port_id.unwrap_or_default().to_owned())
}

/// The job that brings a router's pods in step.
fn follow(router_id: &str, request_id: &str) -> NewJob {
    NewJob {
        request_id: request_id.to_owned(),
        ..NewJob::new(ROUTER_SYNC, router_id)
    }
}

/// Floating IPs by id, in that order.
pub(crate) async fn floating_ips(
    conn: &mut Conn,
    filter: &FloatingIpFilter,
) -> Result<Vec<FloatingIp>, DbError> {
    let mut query = floating_ips::table
        .select(FloatingIp::as_select())
        .order(floating_ips::id)
        .into_boxed();
    if !filter.ids.is_empty() {
        query = query.filter(floating_ips::id.eq_any(filter.ids.clone()));
    }
    if !filter.project_ids.is_empty() {
        query = query.filter(floating_ips::project_id.eq_any(filter.project_ids.clone()));
    }
    if !filter.port_ids.is_empty() {
        query = query.filter(floating_ips::port_id.eq_any(filter.port_ids.clone()));
    }
    if !filter.router_ids.is_empty() {
        query = query.filter(floating_ips::router_id.eq_any(filter.router_ids.clone()));
    }
    if !filter.network_ids.is_empty() {
        query = query.filter(floating_ips::floating_network_id.eq_any(filter.network_ids.clone()));
    }
    if !filter.deleting_too {
        query = query.filter(floating_ips::state.eq(RowState::Live));
    }
    Ok(query.load(conn).await?)
}

/// One floating IP, also while it is being deleted.
pub(crate) async fn floating_ip_by_id(
    conn: &mut Conn,
    id: &str,
) -> Result<Option<FloatingIp>, DbError> {
    Ok(floating_ips::table
        .find(id)
        .select(FloatingIp::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// Floating IPs that are in another pod than their servers.
pub(crate) async fn floating_ips_elsewhere(
    conn: &mut Conn,
) -> Result<Vec<FloatingElsewhere>, DbError> {
    let targets: Vec<String> = pod_realizations::table
        .filter(pod_realizations::kind.eq(RealizationKind::FloatingTarget))
        .filter(pod_realizations::state.eq(RealizationState::Present))
        .select(pod_realizations::top_id)
        .load(conn)
        .await?;
    let mut found = Vec::new();
    // A statement holds so many values and no more.
    for part in targets.chunks(500) {
        let macs: Vec<(String, String)> = ports::table
            .filter(ports::id.eq_any(part.to_vec()))
            .select((ports::id, ports::mac_address))
            .load(conn)
            .await?;
        let filter = FloatingIpFilter {
            port_ids: part.to_vec(),
            ..FloatingIpFilter::default()
        };
        for floating in floating_ips(conn, &filter).await? {
            let port = macs
                .iter()
                .find(|(port, _)| Some(port) == floating.port_id.as_ref());
            if let (Some((_, mac)), Some(fixed)) = (port, floating.fixed_ip_address) {
                found.push(FloatingElsewhere {
                    mac_address: mac.clone(),
                    fixed_ip_address: fixed,
                    floating_ip_address: floating.floating_ip_address,
                });
            }
        }
    }
    Ok(found)
}

async fn lock_live(conn: &mut Conn, id: &str) -> Result<FloatingIp, Abort> {
    diesel::update(floating_ips::table.find(id))
        .set(floating_ips::revision_number.eq(floating_ips::revision_number))
        .execute(conn)
        .await?;
    floating_ip_by_id(conn, id)
        .await?
        .filter(|floating| floating.state == RowState::Live)
        .ok_or(Abort::Because(NetWrite::NotFound))
}

/// Changes a live floating IP. `target`: where it leads from now on; `Some(None)`:
/// nowhere. The routers that it led and leads through follow.
pub(crate) async fn floating_ip_update(
    conn: &mut Conn,
    id: &str,
    description: Option<&str>,
    target: Option<Option<&FloatingTarget>>,
    expected_revision: Option<i64>,
    request_id: &str,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let floating = lock_live(conn, id).await?;
        check_revision(expected_revision, floating.revision_number)?;
        diesel::update(floating_ips::table.find(id))
            .set((
                floating_ips::revision_number.eq(floating.revision_number + 1),
                floating_ips::updated_at.eq(now()),
            ))
            .execute(conn)
            .await?;
        if let Some(description) = description {
            diesel::update(floating_ips::table.find(id))
                .set(floating_ips::description.eq(description))
                .execute(conn)
                .await?;
        }
        let Some(target) = target else {
            return Ok(());
        };
        if let Some(target) = target {
            lock_live_router(conn, &target.router_id).await?;
            job_enqueue(conn, &follow(&target.router_id, request_id)).await?;
        }
        if let Some(router) = &floating.router_id {
            job_enqueue(conn, &follow(router, request_id)).await?;
        }
        let status = match (target, &floating.port_id) {
            (Some(target), Some(port)) if *port == target.port_id => floating.status,
            _ => "DOWN".to_owned(),
        };
        diesel::update(floating_ips::table.find(id))
            .set((
                floating_ips::port_id.eq(target.map(|t| t.port_id.clone())),
                floating_ips::fixed_ip_address.eq(target.map(|t| t.fixed_ip_address.clone())),
                floating_ips::router_id.eq(target.map(|t| t.router_id.clone())),
                floating_ips::status.eq(status),
            ))
            .execute(conn)
            .await
            .map_err(|error| taken(error, bound(target.map(|t| t.port_id.as_str()))))?;
        Ok(())
    })
    .await;
    outcome(result)
}

/// Notes whether a floating IP works; users' revisions do not count it.
pub(crate) async fn floating_ip_set_status(
    conn: &mut Conn,
    id: &str,
    status: &str,
) -> Result<bool, DbError> {
    let changed = diesel::update(
        floating_ips::table
            .find(id)
            .filter(floating_ips::status.ne(status)),
    )
    .set(floating_ips::status.eq(status))
    .execute(conn)
    .await?;
    Ok(changed > 0)
}

/// Accepts the delete of a floating IP. Where no pod has it it is gone at once; else its
/// address stays taken until the pod is clean.
pub(crate) async fn floating_ip_mark_deleting(
    conn: &mut Conn,
    id: &str,
    expected_revision: Option<i64>,
    request_id: &str,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let floating = lock_live(conn, id).await?;
        check_revision(expected_revision, floating.revision_number)?;
        diesel::update(floating_ips::table.find(id))
            .set((
                floating_ips::state.eq(RowState::Deleting),
                floating_ips::port_id.eq(None::<String>),
                floating_ips::fixed_ip_address.eq(None::<String>),
                floating_ips::router_id.eq(None::<String>),
                floating_ips::updated_at.eq(now()),
            ))
            .execute(conn)
            .await?;
        mark_port_deleting(conn, &floating.floating_port_id).await?;
        if let Some(router) = &floating.router_id {
            job_enqueue(conn, &follow(router, request_id)).await?;
        }
        Ok(purge(conn, id).await?)
    })
    .await;
    outcome(result)
}

/// Removes a deleted floating IP for good where no pod has it.
pub(crate) async fn floating_ip_purge(conn: &mut Conn, id: &str) -> Result<(), DbError> {
    transaction!(conn, async |conn: &mut Conn| purge(conn, id).await).await
}

async fn purge(conn: &mut Conn, id: &str) -> Result<(), DbError> {
    let found = floating_ip_by_id(conn, id).await?;
    let Some(floating) = found.filter(|floating| floating.state == RowState::Deleting) else {
        return Ok(());
    };
    let in_pods: i64 = pod_realizations::table
        .filter(pod_realizations::kind.eq(RealizationKind::FloatingIp))
        .filter(pod_realizations::top_id.eq(id))
        .count()
        .get_result(conn)
        .await?;
    if in_pods > 0 {
        return Ok(());
    }
    let port: Option<Port> = ports::table
        .find(&floating.floating_port_id)
        .select(Port::as_select())
        .first(conn)
        .await
        .optional()?;
    if let Some(port) = port {
        purge_port(conn, &port).await?;
    }
    diesel::delete(floating_ips::table.find(id))
        .execute(conn)
        .await?;
    Ok(())
}

/// A port goes: its floating IPs lead nowhere, and their routers follow.
pub(super) async fn drop_floating_ips(conn: &mut Conn, port_id: &str) -> Result<(), DbError> {
    let led = floating_ips::table.filter(floating_ips::port_id.eq(port_id));
    let routers: Vec<Option<String>> = led.select(floating_ips::router_id).load(conn).await?;
    if routers.is_empty() {
        return Ok(());
    }
    diesel::update(led)
        .set((
            floating_ips::port_id.eq(None::<String>),
            floating_ips::fixed_ip_address.eq(None::<String>),
            floating_ips::router_id.eq(None::<String>),
            floating_ips::status.eq("DOWN"),
            floating_ips::revision_number.eq(floating_ips::revision_number + 1),
            floating_ips::updated_at.eq(now()),
        ))
        .execute(conn)
        .await?;
    for router in routers.into_iter().flatten() {
        job_enqueue(conn, &NewJob::new(ROUTER_SYNC, &router)).await?;
    }
    Ok(())
}

/// A subnet or port came to a pod or went from it: the routers that join it follow.
pub(super) async fn routers_follow(
    conn: &mut Conn,
    kind: RealizationKind,
    top_id: &str,
) -> Result<(), DbError> {
    let subnets = match kind {
        RealizationKind::Subnet => vec![top_id.to_owned()],
        RealizationKind::Port => {
            ip_allocations::table
                .filter(ip_allocations::port_id.eq(top_id))
                .filter(ip_allocations::purpose.eq(AddressPurpose::Port))
                .select(ip_allocations::subnet_id)
                .load(conn)
                .await?
        }
        _ => return Ok(()),
    };
    for router in routers_on(conn, &subnets).await? {
        job_enqueue(conn, &NewJob::new(ROUTER_SYNC, &router)).await?;
    }
    Ok(())
}
