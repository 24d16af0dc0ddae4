//! Limits of the Compute API, and what is counted against them.

use std::collections::BTreeMap;

use diesel::{ExpressionMethods, QueryDsl};
use diesel_async::RunQueryDsl;

use super::dialect::transaction;
use super::{Conn, quotas, resources};
use crate::models::*;
use crate::schema::{compute_quota_classes, compute_quotas, resource_routings};
use crate::{DbError, now};

/// The class that stands for every project's limits.
const DEFAULT_CLASS: &str = "default";

/// The limits that were set for a user in a project, for the project, and for all. An
/// empty user has none.
pub(crate) async fn compute_quotas(
    conn: &mut Conn,
    project_id: &str,
    user_id: &str,
) -> Result<ComputeQuotas, DbError> {
    let rows: Vec<(String, String, i64)> = compute_quotas::table
        .filter(compute_quotas::project_id.eq(project_id))
        .filter(compute_quotas::user_id.eq_any(["", user_id]))
        .select((
            compute_quotas::user_id,
            compute_quotas::resource,
            compute_quotas::hard_limit,
        ))
        .load(conn)
        .await?;
    let mut found = ComputeQuotas {
        default: compute_quota_class(conn, DEFAULT_CLASS).await?,
        ..ComputeQuotas::default()
    };
    for (owner, resource, limit) in rows {
        let of = if owner.is_empty() {
            &mut found.project
        } else {
            &mut found.user
        };
        of.insert(resource, limit);
    }
    Ok(found)
}

/// What the users of a project were given of its limits, summed up.
pub(crate) async fn compute_quotas_of_users(
    conn: &mut Conn,
    project_id: &str,
) -> Result<BTreeMap<String, i64>, DbError> {
    let rows: Vec<(String, i64)> = compute_quotas::table
        .filter(compute_quotas::project_id.eq(project_id))
        .filter(compute_quotas::user_id.ne(""))
        .select((compute_quotas::resource, compute_quotas::hard_limit))
        .load(conn)
        .await?;
    let mut sums = BTreeMap::new();
    for (resource, limit) in rows {
        *sums.entry(resource).or_insert(0) += limit;
    }
    Ok(sums)
}

/// Sets limits of a project, or of a user in it; others stay.
pub(crate) async fn compute_quotas_set(
    conn: &mut Conn,
    project_id: &str,
    user_id: &str,
    limits: &[(String, i64)],
) -> Result<(), DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        // Those who count under these limits come before or after the change.
        quotas::lock_project(conn, project_id).await?;
        for (resource, limit) in limits {
            diesel::delete(compute_quotas::table.find((project_id, user_id, resource)))
                .execute(conn)
                .await?;
            diesel::insert_into(compute_quotas::table)
                .values((
                    compute_quotas::project_id.eq(project_id),
                    compute_quotas::user_id.eq(user_id),
                    compute_quotas::resource.eq(resource),
                    compute_quotas::hard_limit.eq(limit),
                ))
                .execute(conn)
                .await?;
        }
        Ok::<(), DbError>(())
    })
    .await
}

/// Forgets the limits of a project and its users, or of one user in it.
pub(crate) async fn compute_quotas_delete(
    conn: &mut Conn,
    project_id: &str,
    user_id: Option<&str>,
) -> Result<(), DbError> {
    let of_project = compute_quotas::table.filter(compute_quotas::project_id.eq(project_id));
    match user_id {
        Some(user_id) => {
            diesel::delete(of_project.filter(compute_quotas::user_id.eq(user_id)))
                .execute(conn)
                .await?
        }
        None => diesel::delete(of_project).execute(conn).await?,
    };
    Ok(())
}

/// The limits of a class.
pub(crate) async fn compute_quota_class(
    conn: &mut Conn,
    class_name: &str,
) -> Result<BTreeMap<String, i64>, DbError> {
    let rows: Vec<(String, i64)> = compute_quota_classes::table
        .filter(compute_quota_classes::class_name.eq(class_name))
        .select((
            compute_quota_classes::resource,
            compute_quota_classes::hard_limit,
        ))
        .load(conn)
        .await?;
    Ok(rows.into_iter().collect())
}

/// Sets limits of a class; others stay.
pub(crate) async fn compute_quota_class_set(
    conn: &mut Conn,
    class_name: &str,
    limits: &[(String, i64)],
) -> Result<(), DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        for (resource, limit) in limits {
            diesel::delete(compute_quota_classes::table.find((class_name, resource)))
                .execute(conn)
                .await?;
            diesel::insert_into(compute_quota_classes::table)
                .values((
                    compute_quota_classes::class_name.eq(class_name),
                    compute_quota_classes::resource.eq(resource),
                    compute_quota_classes::hard_limit.eq(limit),
                ))
                .execute(conn)
                .await?;
        }
        Ok::<(), DbError>(())
    })
    .await
}

/// What a project has of servers, and a user where one is named.
pub(crate) async fn server_usage(
    conn: &mut Conn,
    project_id: &str,
    user_id: Option<&str>,
) -> Result<RoutingUsage, DbError> {
    let Some(user_id) = user_id else {
        return resources::routing_usage(conn, RoutingKind::Server, project_id).await;
    };
    let rows: Vec<(i32, i32)> = resource_routings::table
        .filter(resource_routings::kind.eq(RoutingKind::Server))
        .filter(resource_routings::project_id.eq(project_id))
        .filter(resource_routings::user_id.eq(user_id))
        .filter(resource_routings::deleted_at.is_null())
        .select((resource_routings::vcpus, resource_routings::ram_mb))
        .load(conn)
        .await?;
    let mut used = RoutingUsage::default();
    for (vcpus, ram_mb) in rows {
        used.count += 1;
        used.vcpus += i64::from(vcpus);
        used.ram_mb += i64::from(ram_mb);
    }
    Ok(used)
}

/// What there is of servers and may be, of a project and, where it has limits of its own,
/// of a user in it.
pub(crate) async fn server_room(
    conn: &mut Conn,
    project_id: &str,
    user_id: &str,
    configured: &UsageLimits,
) -> Result<ServerRoom, DbError> {
    let set = compute_quotas(conn, project_id, user_id).await?;
    let limits = set.servers_of_project(configured);
    let project = (server_usage(conn, project_id, None).await?, limits);
    let user = if set.limits_servers_of_user() {
        let used = server_usage(conn, project_id, Some(user_id)).await?;
        Some((used, set.servers_of_user(configured)))
    } else {
        None
    };
    Ok(ServerRoom { project, user })
}

/// Counts a server as what it is and as what it becomes, whichever is more, unless the
/// project would have more than it may; then nothing is written. The job that is written
/// with it makes the row follow the pod.
pub(crate) async fn server_grow(
    conn: &mut Conn,
    row: &Routing,
    vcpus: i32,
    ram_mb: i32,
    job: &NewJob,
    configured: &UsageLimits,
) -> Result<Option<ServerRoom>, DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        quotas::lock_project(conn, &row.project_id).await?;
        // What it counts as now, not when the caller looked.
        let (old_vcpus, old_ram_mb): (i32, i32) = resource_routings::table
            .find(&row.id)
            .select((resource_routings::vcpus, resource_routings::ram_mb))
            .first(conn)
            .await?;
        let room = server_room(conn, &row.project_id, &row.user_id, configured).await?;
        let more = RoutingUsage {
            count: 0,
            vcpus: i64::from(vcpus.saturating_sub(old_vcpus).max(0)),
            ram_mb: i64::from(ram_mb.saturating_sub(old_ram_mb).max(0)),
            size_gb: 0,
        };
        if room.exceeded_by_growth(more).is_some() {
            return Ok(Some(room));
        }
        diesel::update(resource_routings::table.find(&row.id))
            .set((
                resource_routings::vcpus.eq(vcpus.max(old_vcpus)),
                resource_routings::ram_mb.eq(ram_mb.max(old_ram_mb)),
                resource_routings::updated_at.eq(now()),
            ))
            .execute(conn)
            .await?;
        super::jobs::job_enqueue(conn, job).await?;
        Ok(None)
    })
    .await
}

/// A server is as large as the pod says.
pub(crate) async fn server_sized(
    conn: &mut Conn,
    row_id: &str,
    flavor_id: &str,
    vcpus: i32,
    ram_mb: i32,
) -> Result<(), DbError> {
    diesel::update(resource_routings::table.find(row_id))
        .set((
            resource_routings::flavor_id.eq(flavor_id),
            resource_routings::vcpus.eq(vcpus),
            resource_routings::ram_mb.eq(ram_mb),
            resource_routings::updated_at.eq(now()),
        ))
        .execute(conn)
        .await?;
    Ok(())
}
