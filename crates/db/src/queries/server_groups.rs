//! Server groups and their servers.

use diesel::{ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;

use super::dialect::transaction;
use super::{Conn, compute_quotas, jobs, quotas};
use crate::DbError;
use crate::models::*;
use crate::schema::{pod_realizations, resource_routings, server_group_members, server_groups};

/// Writes a group, unless its project or its user has as many as they may; then nothing
/// is written.
pub(crate) async fn server_group_create(
    conn: &mut Conn,
    group: &ServerGroup,
    configured: i64,
) -> Result<bool, DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        let (project_id, user_id) = (&group.project_id, &group.user_id);
        quotas::lock_project(conn, project_id).await?;
        let set = compute_quotas::compute_quotas(conn, project_id, user_id).await?;
        let over = |limit: i64, used: i64| limit >= 0 && used >= limit;
        let project = server_group_count(conn, project_id, None).await?;
        let user = server_group_count(conn, project_id, Some(user_id)).await?;
        if over(set.of_project("server_groups", configured), project)
            || over(set.of_user("server_groups", configured), user)
        {
            return Ok(false);
        }
        diesel::insert_into(server_groups::table)
            .values(group)
            .execute(conn)
            .await?;
        Ok::<bool, DbError>(true)
    })
    .await
}

/// How many groups a project has, or a user in it.
pub(crate) async fn server_group_count(
    conn: &mut Conn,
    project_id: &str,
    user_id: Option<&str>,
) -> Result<i64, DbError> {
    let mut query = server_groups::table
        .filter(server_groups::project_id.eq(project_id.to_owned()))
        .count()
        .into_boxed();
    if let Some(user_id) = user_id {
        query = query.filter(server_groups::user_id.eq(user_id.to_owned()));
    }
    Ok(query.get_result(conn).await?)
}

/// The groups of a project, or of all, in the order in which they were made.
pub(crate) async fn server_groups(
    conn: &mut Conn,
    project_id: Option<&str>,
    offset: i64,
    limit: i64,
) -> Result<Vec<ServerGroup>, DbError> {
    let mut query = server_groups::table
        .select(ServerGroup::as_select())
        .order((server_groups::created_at, server_groups::id))
        .offset(offset)
        .limit(limit)
        .into_boxed();
    if let Some(project_id) = project_id {
        query = query.filter(server_groups::project_id.eq(project_id.to_owned()));
    }
    Ok(query.load(conn).await?)
}

pub(crate) async fn server_group_by_id(
    conn: &mut Conn,
    id: &str,
) -> Result<Option<ServerGroup>, DbError> {
    Ok(server_groups::table
        .find(id)
        .select(ServerGroup::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// The servers of groups that are not gone, those that are being made included.
pub(crate) async fn server_group_members(
    conn: &mut Conn,
    group_ids: &[String],
) -> Result<Vec<ServerGroupMember>, DbError> {
    let mut found = Vec::new();
    for part in group_ids.chunks(500) {
        let rows: Vec<(String, Option<String>, String, String)> = server_group_members::table
            .inner_join(
                resource_routings::table
                    .on(server_group_members::routing_id.eq(resource_routings::id)),
            )
            .filter(server_group_members::group_id.eq_any(part.to_vec()))
            .filter(resource_routings::deleted_at.is_null())
            .order((resource_routings::created_at, resource_routings::id))
            .select((
                server_group_members::group_id,
                resource_routings::top_id,
                resource_routings::pod_id,
                resource_routings::user_id,
            ))
            .load(conn)
            .await?;
        found.extend(
            rows.into_iter()
                .map(|(group_id, server_id, pod_id, user_id)| ServerGroupMember {
                    group_id,
                    server_id,
                    pod_id,
                    user_id,
                }),
        );
    }
    Ok(found)
}

/// Why a server may not join a group.
pub(super) enum Refused {
    /// The group is gone.
    Gone,
    /// Its user has as many servers in it as he may.
    Full,
    /// It has a server in another pod.
    Elsewhere,
}

/// Puts a new server into a group. The caller holds the lock of the server's project; the
/// group's own is taken here, since a group may have servers of several.
pub(super) async fn join(
    conn: &mut Conn,
    row: &Routing,
    join: &GroupJoin,
) -> Result<Option<Refused>, DbError> {
    // The group's row is written, so that those who join together come one by one.
    let there = diesel::update(server_groups::table.find(&join.group_id))
        .set(server_groups::policy.eq(server_groups::policy))
        .execute(conn)
        .await?;
    if there == 0 {
        return Ok(Some(Refused::Gone));
    }
    let members = server_group_members(conn, std::slice::from_ref(&join.group_id)).await?;
    let set = compute_quotas::compute_quotas(conn, &row.project_id, &row.user_id).await?;
    let limit = set
        .of_project("server_group_members", join.configured)
        .min(set.of_user("server_group_members", join.configured));
    let own = members.iter().filter(|m| m.user_id == row.user_id).count();
    if limit >= 0 && i64::try_from(own).is_ok_and(|own| own >= limit) {
        return Ok(Some(Refused::Full));
    }
    if join.one_pod && members.iter().any(|m| m.pod_id != row.pod_id) {
        return Ok(Some(Refused::Elsewhere));
    }
    diesel::insert_into(server_group_members::table)
        .values((
            server_group_members::routing_id.eq(&row.id),
            server_group_members::group_id.eq(&join.group_id),
        ))
        .execute(conn)
        .await?;
    Ok(None)
}

/// Deletes a group, with the job that removes it from the pods. False when it is gone.
pub(crate) async fn server_group_delete(
    conn: &mut Conn,
    id: &str,
    job: &NewJob,
) -> Result<bool, DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        let gone = diesel::delete(server_groups::table.find(id))
            .execute(conn)
            .await?;
        if gone == 0 {
            return Ok(false);
        }
        diesel::delete(server_group_members::table.filter(server_group_members::group_id.eq(id)))
            .execute(conn)
            .await?;
        jobs::job_enqueue(conn, job).await?;
        Ok::<bool, DbError>(true)
    })
    .await
}

/// What pods call the groups of the top: the id in the pod, and at the top.
pub(crate) async fn server_group_ids(conn: &mut Conn) -> Result<Vec<(String, String)>, DbError> {
    let rows: Vec<(Option<String>, String)> = pod_realizations::table
        .filter(pod_realizations::kind.eq(RealizationKind::ServerGroup))
        .filter(pod_realizations::bottom_id.is_not_null())
        .select((pod_realizations::bottom_id, pod_realizations::top_id))
        .load(conn)
        .await?;
    Ok(rows
        .into_iter()
        .filter_map(|(bottom, top)| Some((bottom?, top)))
        .collect())
}
