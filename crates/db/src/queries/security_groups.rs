//! Security groups, rules, each project's default group; limits of projects.

use std::collections::{HashMap, HashSet};

use diesel::{
    BoolExpressionMethods, ExpressionMethods, JoinOnDsl, OptionalExtension, QueryDsl,
    SelectableHelper,
};
use diesel_async::RunQueryDsl;

use super::Conn;
use super::dialect::transaction;
use super::group_members::members_changed;
use super::jobs::job_enqueue;
use super::network_write::{Abort, check_revision, enqueue_if_realized, outcome};
use super::quotas::{Counted, require_room};
use crate::models::*;
use crate::schema::{
    default_security_groups, port_security_groups, ports, security_group_rules, security_groups,
};
use crate::{DbError, now};

/// Makes a group with its first rules, within the project's limit of groups.
pub(crate) async fn security_group_create(
    conn: &mut Conn,
    group: &SecurityGroup,
    rules: &[SecurityGroupRule],
    limit: i64,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let owner = [group.project_id.as_str()];
        require_room(conn, Counted::SecurityGroup, &owner, limit).await?;
        insert_group(conn, group, rules).await?;
        Ok(())
    })
    .await;
    outcome(result)
}

async fn insert_group(
    conn: &mut Conn,
    group: &SecurityGroup,
    rules: &[SecurityGroupRule],
) -> Result<(), DbError> {
    diesel::insert_into(security_groups::table)
        .values(group)
        .execute(conn)
        .await?;
    for rule in rules {
        insert_rule(conn, rule).await?;
    }
    Ok(())
}

async fn insert_rule(conn: &mut Conn, rule: &SecurityGroupRule) -> Result<(), DbError> {
    diesel::insert_into(security_group_rules::table)
        .values(&rule.clone().signed())
        .execute(conn)
        .await?;
    Ok(())
}

/// The default group of a project, made with its four rules at the first call.
///
/// Two first calls at once make one group: the key of `default_security_groups`
/// refuses the second, which then finds the first one's.
pub(crate) async fn default_security_group(
    conn: &mut Conn,
    project_id: &str,
) -> Result<SecurityGroupView, DbError> {
    for _ in 0..3 {
        if let Some(view) = find_default(conn, project_id).await? {
            return Ok(view);
        }
        let group = SecurityGroup::new(project_id, "default", "Default security group");
        let made = transaction!(conn, async |conn: &mut Conn| {
            diesel::insert_into(default_security_groups::table)
                .values((
                    default_security_groups::project_id.eq(project_id),
                    default_security_groups::security_group_id.eq(&group.id),
                ))
                .execute(conn)
                .await?;
            insert_group(conn, &group, &default_rules(&group)).await
        })
        .await;
        match made {
            Ok(()) | Err(DbError::Duplicate(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Err(DbError::Stale("the project's default security group"))
}

async fn find_default(
    conn: &mut Conn,
    project_id: &str,
) -> Result<Option<SecurityGroupView>, DbError> {
    let id: Option<String> = default_security_groups::table
        .find(project_id)
        .select(default_security_groups::security_group_id)
        .first(conn)
        .await
        .optional()?;
    match id {
        Some(id) => security_group_by_id(conn, &id).await,
        None => Ok(None),
    }
}

/// Groups by id, in that order, with their rules.
pub(crate) async fn security_groups(
    conn: &mut Conn,
    filter: &SecurityGroupFilter,
) -> Result<Vec<SecurityGroupView>, DbError> {
    let mut query = security_groups::table
        .select(SecurityGroup::as_select())
        .order(security_groups::id)
        .into_boxed();
    if !filter.ids.is_empty() {
        query = query.filter(security_groups::id.eq_any(filter.ids.clone()));
    }
    if !filter.project_ids.is_empty() {
        query = query.filter(security_groups::project_id.eq_any(filter.project_ids.clone()));
    }
    if !filter.names.is_empty() {
        query = query.filter(security_groups::name.eq_any(filter.names.clone()));
    }
    if !filter.deleting_too {
        query = query.filter(security_groups::state.eq(RowState::Live));
    }
    let groups: Vec<SecurityGroup> = query.load(conn).await?;
    let ids: Vec<String> = groups.iter().map(|group| group.id.clone()).collect();
    let defaults: HashSet<String> = default_security_groups::table
        .filter(default_security_groups::security_group_id.eq_any(ids.clone()))
        .select(default_security_groups::security_group_id)
        .load::<String>(conn)
        .await?
        .into_iter()
        .collect();
    let rules = SecurityGroupRuleFilter {
        security_group_ids: ids,
        ..SecurityGroupRuleFilter::default()
    };
    let mut rules_of = HashMap::<String, Vec<SecurityGroupRule>>::new();
    if !groups.is_empty() {
        for rule in security_group_rules(conn, &rules).await? {
            let group = rule.security_group_id.clone();
            rules_of.entry(group).or_default().push(rule);
        }
    }
    Ok(groups
        .into_iter()
        .map(|group| SecurityGroupView {
            is_default: defaults.contains(&group.id),
            rules: rules_of.remove(&group.id).unwrap_or_default(),
            group,
        })
        .collect())
}

/// One group, also while it is being deleted.
pub(crate) async fn security_group_by_id(
    conn: &mut Conn,
    id: &str,
) -> Result<Option<SecurityGroupView>, DbError> {
    let filter = SecurityGroupFilter {
        ids: vec![id.to_owned()],
        deleting_too: true,
        ..SecurityGroupFilter::default()
    };
    Ok(security_groups(conn, &filter).await?.into_iter().next())
}

/// Rules by id, in that order.
pub(crate) async fn security_group_rules(
    conn: &mut Conn,
    filter: &SecurityGroupRuleFilter,
) -> Result<Vec<SecurityGroupRule>, DbError> {
    let mut query = security_group_rules::table
        .select(SecurityGroupRule::as_select())
        .order(security_group_rules::id)
        .into_boxed();
    if !filter.ids.is_empty() {
        query = query.filter(security_group_rules::id.eq_any(filter.ids.clone()));
    }
    if !filter.project_ids.is_empty() {
        query = query.filter(security_group_rules::project_id.eq_any(filter.project_ids.clone()));
    }
    if !filter.security_group_ids.is_empty() {
        query = query.filter(
            security_group_rules::security_group_id.eq_any(filter.security_group_ids.clone()),
        );
    }
    if !filter.remote_group_ids.is_empty() {
        query = query.filter(
            security_group_rules::remote_group_id.eq_any(
                filter
                    .remote_group_ids
                    .iter()
                    .cloned()
                    .map(Some)
                    .collect::<Vec<_>>(),
            ),
        );
    }
    Ok(query.load(conn).await?)
}

/// Takes a live group's row for this transaction.
async fn lock_group(conn: &mut Conn, id: &str) -> Result<SecurityGroup, Abort> {
    diesel::update(security_groups::table.find(id))
        .set(security_groups::revision_number.eq(security_groups::revision_number))
        .execute(conn)
        .await?;
    security_groups::table
        .find(id)
        .select(SecurityGroup::as_select())
        .first(conn)
        .await
        .optional()?
        .filter(|group: &SecurityGroup| group.state == RowState::Live)
        .ok_or(Abort::Because(NetWrite::NotFound))
}

async fn count_revision(conn: &mut Conn, group: &SecurityGroup) -> Result<(), DbError> {
    diesel::update(security_groups::table.find(&group.id))
        .set((
            security_groups::revision_number.eq(group.revision_number + 1),
            security_groups::updated_at.eq(now()),
        ))
        .execute(conn)
        .await?;
    Ok(())
}

/// Changes a live group; pods that have it follow by `job`.
pub(crate) async fn security_group_update(
    conn: &mut Conn,
    id: &str,
    name: Option<&str>,
    description: Option<&str>,
    stateful: Option<bool>,
    expected_revision: Option<i64>,
    job: &NewJob,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let group = lock_group(conn, id).await?;
        check_revision(expected_revision, group.revision_number)?;
        diesel::update(security_groups::table.find(id))
            .set((
                name.map(|name| security_groups::name.eq(name)),
                description.map(|text| security_groups::description.eq(text)),
                stateful.map(|stateful| security_groups::stateful.eq(stateful)),
                security_groups::revision_number.eq(group.revision_number + 1),
                security_groups::updated_at.eq(now()),
            ))
            .execute(conn)
            .await?;
        enqueue_if_realized(conn, RealizationKind::SecurityGroup, job).await?;
        Ok(())
    })
    .await;
    outcome(result)
}

/// Accepts the delete of a group; ports that have it keep it, and so does being
/// the default one, except for an admin (`default_too`).
pub(crate) async fn security_group_mark_deleting(
    conn: &mut Conn,
    id: &str,
    default_too: bool,
    expected_revision: Option<i64>,
    job: &NewJob,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let group = lock_group(conn, id).await?;
        check_revision(expected_revision, group.revision_number)?;
        let used: Vec<String> = port_security_groups::table
            .inner_join(ports::table.on(ports::id.eq(port_security_groups::port_id)))
            .filter(port_security_groups::security_group_id.eq(id))
            .filter(ports::state.eq(RowState::Live))
            .order(ports::id)
            .select(ports::id)
            .load(conn)
            .await?;
        if !used.is_empty() {
            return Err(Abort::Because(NetWrite::InUse(used)));
        }
        let is_default: i64 = default_security_groups::table
            .filter(default_security_groups::security_group_id.eq(id))
            .count()
            .get_result(conn)
            .await?;
        if is_default > 0 && !default_too {
            return Err(Abort::Because(NetWrite::IsDefault));
        }
        diesel::delete(
            default_security_groups::table
                .filter(default_security_groups::security_group_id.eq(id)),
        )
        .execute(conn)
        .await?;
        let named: Vec<Option<String>> = security_group_rules::table
            .filter(security_group_rules::security_group_id.eq(id))
            .filter(security_group_rules::remote_group_id.is_not_null())
            .select(security_group_rules::remote_group_id)
            .distinct()
            .load(conn)
            .await?;
        // Rules elsewhere that admitted its members go with it, as in Neutron.
        diesel::delete(
            security_group_rules::table.filter(
                security_group_rules::security_group_id
                    .eq(id)
                    .or(security_group_rules::remote_group_id.eq(id)),
            ),
        )
        .execute(conn)
        .await?;
        diesel::update(security_groups::table.find(id))
            .set((
                security_groups::state.eq(RowState::Deleting),
                security_groups::updated_at.eq(now()),
            ))
            .execute(conn)
            .await?;
        let mut named: Vec<String> = named.into_iter().flatten().collect();
        // Its own list goes with it.
        named.retain(|group| group != id);
        members_changed(conn, &named, None).await?;
        job_enqueue(conn, job).await?;
        Ok(())
    })
    .await;
    outcome(result)
}

/// Removes a deleted group for good: every pod is clean.
pub(crate) async fn security_group_purge(conn: &mut Conn, id: &str) -> Result<(), DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        let gone = diesel::delete(
            security_groups::table
                .filter(security_groups::id.eq(id))
                .filter(security_groups::state.eq(RowState::Deleting)),
        )
        .execute(conn)
        .await?;
        if gone > 0 {
            diesel::delete(
                port_security_groups::table.filter(port_security_groups::security_group_id.eq(id)),
            )
            .execute(conn)
            .await?;
        }
        Ok::<(), DbError>(())
    })
    .await
}

/// The wish that the pods get a group's rules.
fn sync_of(group: &SecurityGroup, job_kind: &str) -> NewJob {
    let mut job = NewJob::new(job_kind, &group.id);
    job.project_id.clone_from(&group.project_id);
    job
}

/// Adds rules to a group, all or none; a rule that is there already is named. Where
/// pods have the group, a job of `job_kind` brings them the change.
pub(crate) async fn security_group_rules_create(
    conn: &mut Conn,
    rules: &[SecurityGroupRule],
    job_kind: &str,
    limit: i64,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let owners: Vec<&str> = rules.iter().map(|rule| rule.project_id.as_str()).collect();
        require_room(conn, Counted::SecurityGroupRule, &owners, limit).await?;
        for rule in rules {
            let rule = rule.clone().signed();
            let group = lock_group(conn, &rule.security_group_id).await?;
            if let Some(remote) = &rule.remote_group_id {
                lock_group(conn, remote)
                    .await
                    .map_err(|_| Abort::Because(NetWrite::NoGroup(remote.clone())))?;
            }
            let same: Option<String> = security_group_rules::table
                .filter(security_group_rules::security_group_id.eq(&group.id))
                .filter(security_group_rules::signature.eq(&rule.signature))
                .select(security_group_rules::id)
                .first(conn)
                .await
                .optional()?;
            if let Some(id) = same {
                return Err(Abort::Because(NetWrite::DuplicateRule(id)));
            }
            insert_rule(conn, &rule).await?;
            count_revision(conn, &group).await?;
            let job = sync_of(&group, job_kind);
            enqueue_if_realized(conn, RealizationKind::SecurityGroup, &job).await?;
        }
        Ok(())
    })
    .await;
    outcome(result)
}

/// Takes a rule away from its group; pods follow as with new rules.
pub(crate) async fn security_group_rule_delete(
    conn: &mut Conn,
    id: &str,
    job_kind: &str,
) -> Result<NetWrite, DbError> {
    let result = transaction!(conn, async |conn: &mut Conn| {
        let found: Option<(String, Option<String>)> = security_group_rules::table
            .find(id)
            .select((
                security_group_rules::security_group_id,
                security_group_rules::remote_group_id,
            ))
            .first(conn)
            .await
            .optional()?;
        let (group, remote) = found.ok_or(Abort::Because(NetWrite::NotFound))?;
        let group = lock_group(conn, &group).await?;
        let gone = diesel::delete(security_group_rules::table.find(id))
            .execute(conn)
            .await?;
        if gone == 0 {
            return Err(Abort::Because(NetWrite::NotFound));
        }
        count_revision(conn, &group).await?;
        let job = sync_of(&group, job_kind);
        enqueue_if_realized(conn, RealizationKind::SecurityGroup, &job).await?;
        // It may have been the last rule that named the group.
        let remote: Vec<String> = remote.into_iter().collect();
        members_changed(conn, &remote, None).await?;
        Ok(())
    })
    .await;
    outcome(result)
}
