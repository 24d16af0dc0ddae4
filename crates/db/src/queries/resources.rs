//! Routings and realizations.

use std::time::Duration;

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;

use super::Conn;
use super::dialect::{database_now, transaction};
use super::floating_ips::routers_follow;
use super::group_members::members_follow;
use super::jobs::job_enqueue;
use super::ports::free_released;
use crate::models::*;
use crate::schema::{networks, pod_realizations, ports, resource_routings, subnets};
use crate::{DbError, now};

/// Most rows that one purge removes.
const PURGE: i64 = 200;

pub(crate) async fn routing_by_top(
    conn: &mut Conn,
    kind: RoutingKind,
    top_id: &str,
) -> Result<Option<Routing>, DbError> {
    Ok(resource_routings::table
        .filter(resource_routings::kind.eq(kind))
        .filter(resource_routings::top_id.eq(top_id))
        .select(Routing::as_select())
        .first(conn)
        .await
        .optional()?)
}

pub(crate) async fn routing_by_id(conn: &mut Conn, id: &str) -> Result<Option<Routing>, DbError> {
    Ok(resource_routings::table
        .find(id)
        .select(Routing::as_select())
        .first(conn)
        .await
        .optional()?)
}

pub(crate) async fn routings(
    conn: &mut Conn,
    filter: &RoutingFilter,
) -> Result<Vec<Routing>, DbError> {
    let mut query = resource_routings::table
        .select(Routing::as_select())
        .order((
            resource_routings::created_at.desc(),
            resource_routings::id.desc(),
        ))
        .into_boxed();
    if let Some(kind) = filter.kind {
        query = query.filter(resource_routings::kind.eq(kind));
    }
    if let Some(project_id) = &filter.project_id {
        query = query.filter(resource_routings::project_id.eq(project_id));
    }
    if let Some(pod_id) = &filter.pod_id {
        query = query.filter(resource_routings::pod_id.eq(pod_id));
    }
    if !filter.states.is_empty() {
        query = query.filter(resource_routings::state.eq_any(filter.states.clone()));
    }
    if let Some(limit) = filter.limit {
        query = query.limit(limit);
    }
    Ok(query.load(conn).await?)
}

/// Records where a resource was found; somebody who recorded it before wins.
pub(crate) async fn routing_found(conn: &mut Conn, routing: &Routing) -> Result<(), DbError> {
    match insert_routing(conn, routing).await {
        Err(DbError::Duplicate(_)) => Ok(()),
        other => other,
    }
}

pub(crate) async fn insert_routing(conn: &mut Conn, routing: &Routing) -> Result<(), DbError> {
    diesel::insert_into(resource_routings::table)
        .values(routing)
        .execute(conn)
        .await?;
    Ok(())
}

/// Moves a routing from one of the states `from` to `to`; false when it was in none.
pub(crate) async fn routing_move(
    conn: &mut Conn,
    id: &str,
    from: &[RoutingState],
    to: RoutingState,
) -> Result<bool, DbError> {
    let gone = matches!(to, RoutingState::Deleted | RoutingState::Failed).then(now);
    let moved = diesel::update(
        resource_routings::table
            .filter(resource_routings::id.eq(id))
            .filter(resource_routings::state.eq_any(from.to_vec())),
    )
    .set((
        resource_routings::state.eq(to),
        resource_routings::updated_at.eq(now()),
        gone.map(|moment| resource_routings::deleted_at.eq(Some(moment))),
    ))
    .execute(conn)
    .await?;
    Ok(moved > 0)
}

/// Makes room for an intent that is about to get its id: whoever asked for the resource
/// before, by an id seen in a pod's list, left a routing that knows less. False, and
/// nothing is changed, when the intent is no longer in one of the states `from`.
pub(crate) async fn forget_hints(
    conn: &mut Conn,
    intent_id: &str,
    from: &[RoutingState],
    top_id: &str,
) -> Result<bool, DbError> {
    // Takes the row, so that its state is still this when it is completed.
    let mine = diesel::update(
        resource_routings::table
            .filter(resource_routings::id.eq(intent_id))
            .filter(resource_routings::state.eq_any(from.to_vec())),
    )
    .set(resource_routings::updated_at.eq(now()))
    .execute(conn)
    .await?;
    let Some(intent) = routing_by_id(conn, intent_id).await? else {
        return Ok(false);
    };
    if mine == 0 {
        return Ok(false);
    }
    diesel::delete(
        resource_routings::table
            .filter(resource_routings::kind.eq(intent.kind))
            .filter(resource_routings::top_id.eq(top_id))
            .filter(resource_routings::id.ne(intent_id)),
    )
    .execute(conn)
    .await?;
    Ok(true)
}

/// Gives an intent its id: the pod answered. False when the intent is no longer in
/// one of the states `from`: somebody else decided over it meanwhile.
pub(crate) async fn routing_complete(
    conn: &mut Conn,
    id: &str,
    from: &[RoutingState],
    top_id: &str,
) -> Result<bool, DbError> {
    let moved = diesel::update(
        resource_routings::table
            .filter(resource_routings::id.eq(id))
            .filter(resource_routings::state.eq_any(from.to_vec())),
    )
    .set((
        resource_routings::state.eq(RoutingState::Active),
        resource_routings::top_id.eq(Some(top_id)),
        resource_routings::bottom_id.eq(Some(top_id)),
        resource_routings::updated_at.eq(now()),
    ))
    .execute(conn)
    .await?;
    Ok(moved > 0)
}

/// A resource is in another pod than its routing says. False when the routing is gone, or
/// names another pod than `from` meanwhile.
pub(crate) async fn routing_rehome(
    conn: &mut Conn,
    id: &str,
    from: &str,
    to: &str,
) -> Result<bool, DbError> {
    let changed = diesel::update(
        resource_routings::table
            .filter(resource_routings::id.eq(id))
            .filter(resource_routings::pod_id.eq(from))
            .filter(resource_routings::state.eq(RoutingState::Active)),
    )
    .set((
        resource_routings::pod_id.eq(to),
        resource_routings::updated_at.eq(now()),
    ))
    .execute(conn)
    .await?;
    Ok(changed > 0)
}

/// Forgets a routing that nobody is working on. False when there is none in these states.
pub(crate) async fn routing_forget(
    conn: &mut Conn,
    id: &str,
    states: &[RoutingState],
) -> Result<bool, DbError> {
    let gone = diesel::delete(
        resource_routings::table
            .filter(resource_routings::id.eq(id))
            .filter(resource_routings::state.eq_any(states.to_vec())),
    )
    .execute(conn)
    .await?;
    Ok(gone > 0)
}

pub(crate) async fn routing_usage(
    conn: &mut Conn,
    kind: RoutingKind,
    project_id: &str,
) -> Result<RoutingUsage, DbError> {
    let rows: Vec<(i32, i32, i32)> = resource_routings::table
        .filter(resource_routings::kind.eq(kind))
        .filter(resource_routings::project_id.eq(project_id))
        .filter(resource_routings::deleted_at.is_null())
        .select((
            resource_routings::vcpus,
            resource_routings::ram_mb,
            resource_routings::size_gb,
        ))
        .load(conn)
        .await?;
    Ok(rows
        .iter()
        .fold(RoutingUsage::default(), |sum, row| RoutingUsage {
            count: sum.count + 1,
            vcpus: sum.vcpus + i64::from(row.0),
            ram_mb: sum.ram_mb + i64::from(row.1),
            size_gb: sum.size_gb + i64::from(row.2),
        }))
}

/// The realization of a thing in a pod, made as an intent when there is none.
pub(crate) async fn realization_claim(
    conn: &mut Conn,
    intent: &Realization,
) -> Result<Realization, DbError> {
    let claimed = transaction!(conn, async |conn: &mut Conn| {
        if let Some(found) =
            realization_find(conn, intent.kind, &intent.top_id, &intent.pod_id).await?
        {
            return Ok(found);
        }
        diesel::insert_into(pod_realizations::table)
            .values(intent)
            .execute(conn)
            .await?;
        Ok(intent.clone())
    })
    .await;
    match claimed {
        // Somebody else's insert came between our look and ours.
        Err(DbError::Duplicate(_)) => {
            realization_find(conn, intent.kind, &intent.top_id, &intent.pod_id)
                .await?
                .ok_or(DbError::Stale("a realization"))
        }
        other => other,
    }
}

pub(crate) async fn realization_find(
    conn: &mut Conn,
    kind: RealizationKind,
    top_id: &str,
    pod_id: &str,
) -> Result<Option<Realization>, DbError> {
    Ok(pod_realizations::table
        .filter(pod_realizations::kind.eq(kind))
        .filter(pod_realizations::top_id.eq(top_id))
        .filter(pod_realizations::pod_id.eq(pod_id))
        .select(Realization::as_select())
        .first(conn)
        .await
        .optional()?)
}

pub(crate) async fn realizations_of(
    conn: &mut Conn,
    kind: RealizationKind,
    top_id: &str,
) -> Result<Vec<Realization>, DbError> {
    Ok(pod_realizations::table
        .filter(pod_realizations::kind.eq(kind))
        .filter(pod_realizations::top_id.eq(top_id))
        .order(pod_realizations::pod_id)
        .select(Realization::as_select())
        .load(conn)
        .await?)
}

/// The same of many things.
pub(crate) async fn realizations_of_all(
    conn: &mut Conn,
    kind: RealizationKind,
    top_ids: &[String],
) -> Result<Vec<Realization>, DbError> {
    let mut found = Vec::new();
    // A statement holds so many values and no more.
    for part in top_ids.chunks(500) {
        let rows: Vec<Realization> = pod_realizations::table
            .filter(pod_realizations::kind.eq(kind))
            .filter(pod_realizations::top_id.eq_any(part.to_vec()))
            .order((pod_realizations::top_id, pod_realizations::pod_id))
            .select(Realization::as_select())
            .load(conn)
            .await?;
        found.extend(rows);
    }
    Ok(found)
}

/// What a pod has of one kind for one project.
pub(crate) async fn realizations_in(
    conn: &mut Conn,
    kind: RealizationKind,
    pod_id: &str,
    project_id: &str,
) -> Result<Vec<Realization>, DbError> {
    Ok(pod_realizations::table
        .filter(pod_realizations::kind.eq(kind))
        .filter(pod_realizations::pod_id.eq(pod_id))
        .filter(pod_realizations::project_id.eq(project_id))
        .order(pod_realizations::top_id)
        .select(Realization::as_select())
        .load(conn)
        .await?)
}

/// What pods have of these, whatever kind of thing each is.
pub(crate) async fn realizations_of_any(
    conn: &mut Conn,
    top_ids: &[String],
) -> Result<Vec<Realization>, DbError> {
    let mut found = Vec::new();
    for part in top_ids.chunks(500) {
        let rows: Vec<Realization> = pod_realizations::table
            .filter(pod_realizations::top_id.eq_any(part.to_vec()))
            .select(Realization::as_select())
            .load(conn)
            .await?;
        found.extend(rows);
    }
    found.sort_by(|a, b| {
        let key = |row: &Realization| (row.pod_id.clone(), row.kind.as_str(), row.top_id.clone());
        key(a).cmp(&key(b))
    });
    Ok(found)
}

/// What the ids of a pod are at the top; ids that are not ours are left out.
pub(crate) async fn realizations_by_bottom(
    conn: &mut Conn,
    pod_id: &str,
    bottom_ids: &[String],
) -> Result<Vec<Realization>, DbError> {
    Ok(pod_realizations::table
        .filter(pod_realizations::pod_id.eq(pod_id))
        .filter(pod_realizations::bottom_id.eq_any(bottom_ids.to_vec()))
        .select(Realization::as_select())
        .load(conn)
        .await?)
}

/// All realizations, of one pod or one project where given; for admins and audits.
pub(crate) async fn realizations(
    conn: &mut Conn,
    pod_id: Option<&str>,
    project_id: Option<&str>,
) -> Result<Vec<Realization>, DbError> {
    let mut query = pod_realizations::table
        .select(Realization::as_select())
        .order((pod_realizations::created_at.desc(), pod_realizations::id))
        .into_boxed();
    if let Some(pod_id) = pod_id {
        query = query.filter(pod_realizations::pod_id.eq(pod_id.to_owned()));
    }
    if let Some(project_id) = project_id {
        query = query.filter(pod_realizations::project_id.eq(project_id.to_owned()));
    }
    Ok(query.load(conn).await?)
}

/// The pod has it now: its id there, what was sent, and what else to remember. False
/// when the row is gone or going: somebody removes the thing, and what was made
/// meanwhile is the caller's to take back.
pub(crate) async fn realization_present(
    conn: &mut Conn,
    id: &str,
    bottom_id: &str,
    digest: &str,
    data: &serde_json::Value,
) -> Result<bool, DbError> {
    let changed = diesel::update(
        pod_realizations::table
            .filter(pod_realizations::id.eq(id))
            .filter(pod_realizations::state.ne(RealizationState::Deleting)),
    )
    .set((
        pod_realizations::state.eq(RealizationState::Present),
        pod_realizations::bottom_id.eq(Some(bottom_id)),
        pod_realizations::digest.eq(digest),
        pod_realizations::data.eq(data.to_string()),
        pod_realizations::updated_at.eq(now()),
    ))
    .execute(conn)
    .await?;
    Ok(changed > 0)
}

/// The same for what was just made in the pod. Where the top's row is no longer the one
/// that was sent, `sync` brings the pod the newer one.
pub(crate) async fn realization_made(
    conn: &mut Conn,
    id: &str,
    bottom_id: &str,
    digest: &str,
    data: &serde_json::Value,
    sync: &NewJob,
) -> Result<bool, DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        if !realization_present(conn, id, bottom_id, digest, data).await? {
            return Ok(false);
        }
        let row = realization_by_id(conn, id).await?;
        if let Some(row) = &row {
            routers_follow(conn, row.kind, &row.top_id).await?;
            members_follow(conn, row).await?;
        }
        let revision = match row.map(|row| (row.kind, row.top_id)) {
            Some((RealizationKind::Network, id)) => {
                let rows = networks::table.find(id);
                rows.select(networks::revision_number).first(conn).await
            }
            Some((RealizationKind::Subnet, id)) => {
                let rows = subnets::table.find(id);
                rows.select(subnets::revision_number).first(conn).await
            }
            Some((RealizationKind::Port, id)) => {
                let rows = ports::table.find(id);
                rows.select(ports::revision_number).first::<i64>(conn).await
            }
            _ => return Ok(true),
        };
        if revision
            .optional()?
            .is_some_and(|revision| format!("r{revision}") != digest)
        {
            job_enqueue(conn, sync).await?;
        }
        Ok::<_, DbError>(true)
    })
    .await
}

/// A pod that has a thing was sent a newer revision of it; a port's addresses that no pod
/// uses any more are free then. False when somebody else sent it one meanwhile: which of
/// the two the pod took last is not known, and `sync` sends the present one again.
pub(crate) async fn realization_pushed(
    conn: &mut Conn,
    id: &str,
    before: &str,
    after: &str,
    sync: &NewJob,
) -> Result<bool, DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        let changed = diesel::update(
            pod_realizations::table
                .filter(pod_realizations::id.eq(id))
                .filter(pod_realizations::digest.eq(before)),
        )
        .set((
            pod_realizations::digest.eq(after),
            pod_realizations::updated_at.eq(now()),
        ))
        .execute(conn)
        .await?;
        let Some(row) = realization_by_id(conn, id).await? else {
            return Ok(true);
        };
        if changed == 0 {
            diesel::update(pod_realizations::table.find(id))
                .set(pod_realizations::digest.eq(""))
                .execute(conn)
                .await?;
            job_enqueue(conn, sync).await?;
            return Ok(false);
        }
        if row.kind == RealizationKind::Port {
            free_released(conn, &row.top_id).await?;
        }
        Ok::<_, DbError>(true)
    })
    .await
}

/// One realization.
pub(crate) async fn realization_by_id(
    conn: &mut Conn,
    id: &str,
) -> Result<Option<Realization>, DbError> {
    Ok(pod_realizations::table
        .find(id)
        .select(Realization::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// Keeps what an intent needs to remember before the pod is called.
pub(crate) async fn realization_remember(
    conn: &mut Conn,
    id: &str,
    state: RealizationState,
    data: &serde_json::Value,
) -> Result<bool, DbError> {
    let changed = diesel::update(pod_realizations::table.find(id))
        .set((
            pod_realizations::state.eq(state),
            pod_realizations::data.eq(data.to_string()),
            pod_realizations::updated_at.eq(now()),
        ))
        .execute(conn)
        .await?;
    Ok(changed > 0)
}

/// The pod no longer has the thing. Addresses that a port was losing are free then.
pub(crate) async fn realization_delete(conn: &mut Conn, id: &str) -> Result<bool, DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        let Some(row) = realization_by_id(conn, id).await? else {
            return Ok(false);
        };
        diesel::delete(pod_realizations::table.find(id))
            .execute(conn)
            .await?;
        if row.kind == RealizationKind::Port {
            free_released(conn, &row.top_id).await?;
        }
        routers_follow(conn, row.kind, &row.top_id).await?;
        members_follow(conn, &row).await?;
        Ok::<_, DbError>(true)
    })
    .await
}

/// Forgets routings of resources that went this long ago, oldest first; returns how many.
pub(crate) async fn routings_purge(
    conn: &mut Conn,
    older_than: Duration,
) -> Result<usize, DbError> {
    let now = database_now(conn).await?;
    let age = chrono::Duration::from_std(older_than).unwrap_or(chrono::Duration::MAX);
    let Some(before) = now.checked_sub_signed(age) else {
        return Ok(0);
    };
    let old: Vec<String> = resource_routings::table
        .filter(resource_routings::deleted_at.lt(before))
        .order(resource_routings::deleted_at)
        .limit(PURGE)
        .select(resource_routings::id)
        .load(conn)
        .await?;
    Ok(
        diesel::delete(resource_routings::table.filter(resource_routings::id.eq_any(&old)))
            .execute(conn)
            .await?,
    )
}
