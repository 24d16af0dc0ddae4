//! Pods, zones, bindings.

use diesel::{
    BoolExpressionMethods, ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper,
    TextExpressionMethods,
};
use diesel_async::RunQueryDsl;

use super::Conn;
use super::dialect::transaction;
use crate::models::*;
use crate::schema::{
    pod_availability_zones, pod_bindings, pod_limits, pod_realizations, pods, resource_routings,
    sequences,
};
use crate::{DbError, now};

pub(crate) async fn pod_create(
    conn: &mut Conn,
    pod: &Pod,
    zones: &[PodZone],
) -> Result<Pod, DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        let mut pod = pod.clone();
        pod.ordinal = i32::try_from(next_value(conn, "pod_ordinal").await?)
            .map_err(|e| DbError::Corrupt(e.to_string()))?;
        diesel::insert_into(pods::table)
            .values(&pod)
            .execute(conn)
            .await?;
        insert_zones(conn, zones).await?;
        Ok(pod)
    })
    .await
}

pub(crate) async fn pods_all(conn: &mut Conn) -> Result<Vec<PodView>, DbError> {
    let rows: Vec<Pod> = pods::table
        .select(Pod::as_select())
        .order(pods::ordinal)
        .load(conn)
        .await?;
    let zones: Vec<PodZone> = pod_availability_zones::table
        .select(PodZone::as_select())
        .order((
            pod_availability_zones::service,
            pod_availability_zones::top_az,
        ))
        .load(conn)
        .await?;
    let limits: Vec<(String, Option<i32>)> = pod_limits::table
        .select((pod_limits::pod_id, pod_limits::mtu))
        .load(conn)
        .await?;
    Ok(rows
        .into_iter()
        .map(|pod| PodView {
            mtu: limits
                .iter()
                .find(|(id, _)| *id == pod.id)
                .and_then(|(_, mtu)| *mtu),
            zones: zones
                .iter()
                .filter(|z| z.pod_id == pod.id)
                .cloned()
                .collect(),
            pod,
        })
        .collect())
}

/// Keeps the largest MTU that networks may have in a pod. The pod's own row may come later.
pub(crate) async fn pod_mtu_set(conn: &mut Conn, pod_id: &str, mtu: i32) -> Result<(), DbError> {
    diesel::replace_into(pod_limits::table)
        .values((pod_limits::pod_id.eq(pod_id), pod_limits::mtu.eq(mtu)))
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn pod_update(
    conn: &mut Conn,
    id: &str,
    state: Option<PodState>,
    zones: Option<&[PodZone]>,
) -> Result<bool, DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        let found = diesel::update(pods::table.find(id))
            .set((
                state.map(|state| pods::state.eq(state)),
                pods::updated_at.eq(now()),
            ))
            .execute(conn)
            .await?;
        if found == 0 {
            return Ok(false);
        }
        if let Some(zones) = zones {
            diesel::delete(
                pod_availability_zones::table.filter(pod_availability_zones::pod_id.eq(id)),
            )
            .execute(conn)
            .await?;
            insert_zones(conn, zones).await?;
        }
        Ok(true)
    })
    .await
}

pub(crate) async fn pod_delete(conn: &mut Conn, id: &str) -> Result<PodRemoval, DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        let routed: i64 = resource_routings::table
            .filter(resource_routings::pod_id.eq(id))
            .filter(resource_routings::state.ne_all([RoutingState::Deleted, RoutingState::Failed]))
            .count()
            .get_result(conn)
            .await?;
        // Flavors and keypairs that we made there do not keep a pod: they stay behind
        // as the operator's, like those that were there before. Nor do the pod's own
        // default groups, which were adopted and are never removed.
        let realized: i64 = pod_realizations::table
            .filter(pod_realizations::pod_id.eq(id))
            .filter(pod_realizations::kind.ne_all([
                RealizationKind::Flavor,
                RealizationKind::Keypair,
                RealizationKind::VolumeType,
            ]))
            .filter(pod_realizations::data.not_like("%\"adopted\":true%"))
            .count()
            .get_result(conn)
            .await?;
        let bound: i64 = pod_bindings::table
            .filter(pod_bindings::pod_id.eq(id))
            .filter(pod_bindings::ended_at.is_null())
            .count()
            .get_result(conn)
            .await?;
        if routed + realized + bound > 0 {
            return Ok(PodRemoval::InUse(routed + realized + bound));
        }
        diesel::delete(pod_realizations::table.filter(pod_realizations::pod_id.eq(id)))
            .execute(conn)
            .await?;
        diesel::delete(pod_availability_zones::table.filter(pod_availability_zones::pod_id.eq(id)))
            .execute(conn)
            .await?;
        diesel::delete(pod_limits::table.find(id))
            .execute(conn)
            .await?;
        let gone = diesel::delete(pods::table.find(id)).execute(conn).await?;
        Ok(if gone == 0 {
            PodRemoval::NotFound
        } else {
            PodRemoval::Removed
        })
    })
    .await
}

pub(crate) async fn binding_create(conn: &mut Conn, binding: &PodBinding) -> Result<(), DbError> {
    diesel::insert_into(pod_bindings::table)
        .values(binding)
        .execute(conn)
        .await?;
    Ok(())
}

pub(crate) async fn bindings(
    conn: &mut Conn,
    project_id: Option<&str>,
    pod_id: Option<&str>,
    ended_too: bool,
) -> Result<Vec<PodBinding>, DbError> {
    let mut query = pod_bindings::table
        .select(PodBinding::as_select())
        .order((pod_bindings::started_at, pod_bindings::id))
        .into_boxed();
    if let Some(project_id) = project_id {
        query = query.filter(pod_bindings::project_id.eq(project_id.to_owned()));
    }
    if let Some(pod_id) = pod_id {
        query = query.filter(pod_bindings::pod_id.eq(pod_id.to_owned()));
    }
    if !ended_too {
        query = query.filter(pod_bindings::ended_at.is_null());
    }
    Ok(query.load(conn).await?)
}

pub(crate) async fn binding_by_id(
    conn: &mut Conn,
    id: &str,
) -> Result<Option<PodBinding>, DbError> {
    Ok(pod_bindings::table
        .find(id)
        .select(PodBinding::as_select())
        .first(conn)
        .await
        .optional()?)
}

pub(crate) async fn binding_end(conn: &mut Conn, id: &str) -> Result<bool, DbError> {
    let ended = diesel::update(
        pod_bindings::table.filter(
            pod_bindings::id
                .eq(id)
                .and(pod_bindings::ended_at.is_null()),
        ),
    )
    .set((
        pod_bindings::ended_at.eq(Some(now())),
        pod_bindings::active_slot.eq(pod_bindings::id),
    ))
    .execute(conn)
    .await?;
    Ok(ended > 0)
}

async fn insert_zones(conn: &mut Conn, zones: &[PodZone]) -> Result<(), DbError> {
    // One by one: SQLite takes no batch through diesel-async.
    for zone in zones {
        diesel::insert_into(pod_availability_zones::table)
            .values(zone)
            .execute(conn)
            .await?;
    }
    Ok(())
}

/// The next number of a sequence, counted from 1; inside the caller's transaction.
async fn next_value(conn: &mut Conn, name: &str) -> Result<i64, DbError> {
    let counted = diesel::update(sequences::table.find(name))
        .set(sequences::next_value.eq(sequences::next_value + 1))
        .execute(conn)
        .await?;
    if counted == 0 {
        diesel::insert_into(sequences::table)
            .values((sequences::name.eq(name), sequences::next_value.eq(2)))
            .execute(conn)
            .await?;
        return Ok(1);
    }
    let next: i64 = sequences::table
        .find(name)
        .select(sequences::next_value)
        .first(conn)
        .await?;
    Ok(next - 1)
}
