//! Limits of projects, and the lock under which what a project has is counted.
//!
//! Two creates that count at the same time both find room for one more, on any
//! isolation level that does not serialize them. So a create that is limited takes its
//! project's row of `project_locks` first, and its transaction counts what every create
//! before it has left. The row is taken before any other, in the order of the projects.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl};
use diesel_async::RunQueryDsl;

use super::Conn;
use super::dialect::transaction;
use super::network_write::Abort;
use crate::DbError;
use crate::models::*;
use crate::schema::{
    floating_ips, networks, ports, project_locks, project_quotas, routers, security_group_rules,
    security_groups, subnets,
};

/// A kind of thing that the top owns and counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Counted {
    Network,
    Subnet,
    Port,
    SecurityGroup,
    SecurityGroupRule,
    Router,
    FloatingIp,
}

impl Counted {
    /// Its name in the Networking API's quotas.
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Network => "network",
            Self::Subnet => "subnet",
            Self::Port => "port",
            Self::SecurityGroup => "security_group",
            Self::SecurityGroupRule => "security_group_rule",
            Self::Router => "router",
            Self::FloatingIp => "floatingip",
        }
    }
}

/// Whoever counts in this project comes after this transaction.
pub(super) async fn lock_project(conn: &mut Conn, project_id: &str) -> Result<(), DbError> {
    for _ in 0..2 {
        let taken = diesel::update(project_locks::table.find(project_id))
            .set(project_locks::turn.eq(project_locks::turn + 1))
            .execute(conn)
            .await?;
        if taken > 0 {
            return Ok(());
        }
        let made = diesel::insert_into(project_locks::table)
            .values((
                project_locks::project_id.eq(project_id),
                project_locks::turn.eq(1_i64),
            ))
            .execute(conn)
            .await
            .map_err(DbError::from);
        match made {
            Ok(_) => return Ok(()),
            // The project's first two creates came together.
            Err(DbError::Duplicate(_)) => {}
            Err(error) => return Err(error),
        }
    }
    Err(DbError::Busy("a project's lock".to_owned()))
}

/// Aborts unless the projects may have as many more as they are named in `owners`.
/// `configured` is the limit of projects that have none of their own.
pub(super) async fn require_room(
    conn: &mut Conn,
    counted: Counted,
    owners: &[&str],
    configured: i64,
) -> Result<(), Abort> {
    let mut wanted = std::collections::BTreeMap::<String, i64>::new();
    for owner in owners {
        *wanted.entry((*owner).to_owned()).or_default() += 1;
    }
    for (project_id, wanted) in wanted {
        let own: Option<i64> = project_quotas::table
            .find((&project_id, counted.name()))
            .select(project_quotas::hard_limit)
            .first(conn)
            .await
            .optional()?;
        let limit = own.unwrap_or(configured);
        if limit < 0 {
            continue;
        }
        lock_project(conn, &project_id).await?;
        if count(conn, counted, &project_id).await? + wanted > limit {
            return Err(Abort::Because(NetWrite::OverQuota(counted.name())));
        }
    }
    Ok(())
}

async fn count(conn: &mut Conn, counted: Counted, project_id: &str) -> Result<i64, DbError> {
    // Rules have no state: they go with their group or at once.
    macro_rules! live {
        ($table:ident) => {
            $table::table
                .filter($table::project_id.eq(project_id))
                .filter($table::state.eq(RowState::Live))
                .count()
                .get_result(conn)
                .await
        };
    }
    Ok(match counted {
        Counted::Network => live!(networks)?,
        Counted::Subnet => live!(subnets)?,
        Counted::Port => live!(ports)?,
        Counted::SecurityGroup => live!(security_groups)?,
        Counted::Router => live!(routers)?,
        Counted::FloatingIp => live!(floating_ips)?,
        Counted::SecurityGroupRule => {
            security_group_rules::table
                .filter(security_group_rules::project_id.eq(project_id))
                .count()
                .get_result(conn)
                .await?
        }
    })
}

/// What a project has, for its quotas.
pub(crate) async fn network_usage(
    conn: &mut Conn,
    project_id: &str,
) -> Result<NetworkUsage, DbError> {
    Ok(NetworkUsage {
        network: count(conn, Counted::Network, project_id).await?,
        subnet: count(conn, Counted::Subnet, project_id).await?,
        port: count(conn, Counted::Port, project_id).await?,
        security_group: count(conn, Counted::SecurityGroup, project_id).await?,
        security_group_rule: count(conn, Counted::SecurityGroupRule, project_id).await?,
        router: count(conn, Counted::Router, project_id).await?,
        floatingip: count(conn, Counted::FloatingIp, project_id).await?,
    })
}

/// The limits that were set for a project.
pub(crate) async fn project_quotas(
    conn: &mut Conn,
    project_id: &str,
) -> Result<Vec<(String, i64)>, DbError> {
    Ok(project_quotas::table
        .filter(project_quotas::project_id.eq(project_id))
        .order(project_quotas::resource)
        .select((project_quotas::resource, project_quotas::hard_limit))
        .load(conn)
        .await?)
}

/// Every limit that was set: project, resource, limit.
pub(crate) async fn project_quotas_all(
    conn: &mut Conn,
) -> Result<Vec<(String, String, i64)>, DbError> {
    Ok(project_quotas::table
        .order((project_quotas::project_id, project_quotas::resource))
        .select((
            project_quotas::project_id,
            project_quotas::resource,
            project_quotas::hard_limit,
        ))
        .load(conn)
        .await?)
}

/// Sets limits of a project; others stay.
pub(crate) async fn project_quotas_set(
    conn: &mut Conn,
    project_id: &str,
    limits: &[(String, i64)],
) -> Result<(), DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        for (resource, limit) in limits {
            diesel::delete(project_quotas::table.find((project_id, resource)))
                .execute(conn)
                .await?;
            diesel::insert_into(project_quotas::table)
                .values((
                    project_quotas::project_id.eq(project_id),
                    project_quotas::resource.eq(resource),
                    project_quotas::hard_limit.eq(limit),
                ))
                .execute(conn)
                .await?;
        }
        Ok::<(), DbError>(())
    })
    .await
}

/// A project follows the configuration again.
pub(crate) async fn project_quotas_delete(
    conn: &mut Conn,
    project_id: &str,
) -> Result<bool, DbError> {
    let gone =
        diesel::delete(project_quotas::table.filter(project_quotas::project_id.eq(project_id)))
            .execute(conn)
            .await?;
    Ok(gone > 0)
}
