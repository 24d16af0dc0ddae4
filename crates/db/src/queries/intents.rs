//! Creates and deletes of resources that pods own, each with the job that heals it.
//!
//! The intent and its job are one transaction, written before the pod is called; so
//! are the end of a create and the end of its job.

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;

use super::dialect::transaction;
use super::{Conn, jobs, ports, quotas, resources};
use crate::models::*;
use crate::schema::resource_routings;
use crate::{DbError, now};

/// Writes an intent with the job that adopts or undoes it, unless the project would
/// have more than `limits` allow; then nothing is written.
pub(crate) async fn intent_begin(
    conn: &mut Conn,
    intent: &Routing,
    job: &NewJob,
    limits: &UsageLimits,
) -> Result<IntentOutcome, DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        if *limits != UsageLimits::NONE {
            quotas::lock_project(conn, &intent.project_id).await?;
        }
        let used = resources::routing_usage(conn, intent.kind, &intent.project_id).await?;
        let wanted = RoutingUsage {
            count: 1,
            vcpus: i64::from(intent.vcpus),
            ram_mb: i64::from(intent.ram_mb),
            size_gb: i64::from(intent.size_gb),
        };
        if !limits.allow(used, wanted) {
            return Ok(IntentOutcome::OverQuota(used));
        }
        resources::insert_routing(conn, intent).await?;
        jobs::job_enqueue(conn, job).await?;
        Ok(IntentOutcome::Begun)
    })
    .await
}

/// The pod has the resource: the intent gets its id, the ports made for it follow, and
/// the job that watched over it has nothing left to do. False when somebody else
/// decided over the intent meanwhile.
pub(crate) async fn intent_complete(
    conn: &mut Conn,
    intent_id: &str,
    from: &[RoutingState],
    top_id: &str,
    device_owner: &str,
    job_kind: &str,
) -> Result<bool, DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        if !resources::forget_hints(conn, intent_id, from, top_id).await?
            || !resources::routing_complete(conn, intent_id, from, top_id).await?
        {
            return Ok(false);
        }
        ports::move_device(conn, intent_id, top_id, device_owner).await?;
        jobs::job_cancel(conn, job_kind, intent_id).await?;
        Ok(true)
    })
    .await
}

/// The create failed and nothing is left of it. False when somebody else decided over
/// the intent meanwhile.
pub(crate) async fn intent_failed(
    conn: &mut Conn,
    intent_id: &str,
    from: &[RoutingState],
    job_kind: &str,
) -> Result<bool, DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        if !resources::routing_move(conn, intent_id, from, RoutingState::Failed).await? {
            return Ok(false);
        }
        jobs::job_cancel(conn, job_kind, intent_id).await?;
        Ok(true)
    })
    .await
}

/// Writes that a resource is to go, with the job that sees it gone and cleans up after
/// it, before the pod is asked.
pub(crate) async fn removal_begin(
    conn: &mut Conn,
    kind: RoutingKind,
    top_id: &str,
    job: &NewJob,
) -> Result<Job, DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        diesel::update(
            resource_routings::table
                .filter(resource_routings::kind.eq(kind))
                .filter(resource_routings::top_id.eq(top_id))
                .filter(resource_routings::state.eq(RoutingState::Active)),
        )
        .set((
            resource_routings::state.eq(RoutingState::Deleting),
            resource_routings::updated_at.eq(now()),
        ))
        .execute(conn)
        .await?;
        jobs::job_enqueue(conn, job).await
    })
    .await
}

/// The pod refused the removal: the resource stays.
pub(crate) async fn removal_refused(
    conn: &mut Conn,
    kind: RoutingKind,
    top_id: &str,
    job_kind: &str,
) -> Result<(), DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        diesel::update(
            resource_routings::table
                .filter(resource_routings::kind.eq(kind))
                .filter(resource_routings::top_id.eq(top_id))
                .filter(resource_routings::state.eq(RoutingState::Deleting)),
        )
        .set((
            resource_routings::state.eq(RoutingState::Active),
            resource_routings::updated_at.eq(now()),
        ))
        .execute(conn)
        .await?;
        jobs::job_cancel(conn, job_kind, top_id).await?;
        Ok(())
    })
    .await
}

/// How many resources of a kind each pod keeps for Tricircle.
pub(crate) async fn routing_load(
    conn: &mut Conn,
    kind: RoutingKind,
) -> Result<Vec<(String, i64)>, DbError> {
    Ok(resource_routings::table
        .filter(resource_routings::kind.eq(kind))
        .filter(resource_routings::deleted_at.is_null())
        .group_by(resource_routings::pod_id)
        .select((resource_routings::pod_id, diesel::dsl::count_star()))
        .load(conn)
        .await?)
}
