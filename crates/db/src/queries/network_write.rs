//! How the network queries leave a transaction: with what they found, or rolled back.

use diesel::{ExpressionMethods, OptionalExtension, QueryDsl, SelectableHelper};
use diesel_async::RunQueryDsl;

use super::Conn;
use super::jobs::job_enqueue;
use crate::DbError;
use crate::models::*;
use crate::schema::{bridge_networks, networks, pod_realizations};

/// Why a transaction is rolled back: an answer for the caller, or an error.
pub(crate) enum Abort {
    Because(NetWrite),
    Db(DbError),
}

impl From<diesel::result::Error> for Abort {
    fn from(error: diesel::result::Error) -> Self {
        Self::Db(error.into())
    }
}

impl From<DbError> for Abort {
    fn from(error: DbError) -> Self {
        Self::Db(error)
    }
}

/// What a caller of the store sees of a finished or aborted transaction.
pub(crate) fn outcome(result: Result<(), Abort>) -> Result<NetWrite, DbError> {
    match result {
        Ok(()) => Ok(NetWrite::Done),
        Err(Abort::Because(why)) => Ok(why),
        Err(Abort::Db(error)) => Err(error),
    }
}

/// Turns a unique key that is taken into an answer.
pub(crate) fn taken(error: diesel::result::Error, why: NetWrite) -> Abort {
    match DbError::from(error) {
        DbError::Duplicate(_) => Abort::Because(why),
        other => Abort::Db(other),
    }
}

/// Refuses a write when `If-Match` named another revision.
pub(crate) fn check_revision(expected: Option<i64>, found: i64) -> Result<(), Abort> {
    match expected {
        Some(expected) if expected != found => Err(Abort::Because(NetWrite::OtherRevision(found))),
        _ => Ok(()),
    }
}

/// Refuses with [`NetWrite::Bound`] to take away what joins a project's routers.
pub(crate) async fn require_no_bridge(conn: &mut Conn, network_id: &str) -> Result<(), Abort> {
    let project: Option<String> = bridge_networks::table
        .filter(bridge_networks::network_id.eq(network_id))
        .select(bridge_networks::project_id)
        .first(conn)
        .await
        .optional()?;
    match project {
        None => Ok(()),
        Some(project) => Err(Abort::Because(NetWrite::Bound(project))),
    }
}

/// Takes a network's row for this transaction, so that what is made on it and its
/// delete come one after the other. An update that changes nothing locks on both
/// databases; `FOR UPDATE` exists on one only.
pub(crate) async fn lock_network(conn: &mut Conn, id: &str) -> Result<Option<Network>, DbError> {
    diesel::update(networks::table.find(id))
        .set(networks::revision_number.eq(networks::revision_number))
        .execute(conn)
        .await?;
    Ok(networks::table
        .find(id)
        .select(Network::as_select())
        .first(conn)
        .await
        .optional()?)
}

/// The same, for what needs a network that users see.
pub(crate) async fn lock_live_network(conn: &mut Conn, id: &str) -> Result<Network, Abort> {
    lock_network(conn, id)
        .await?
        .filter(|network| network.state == RowState::Live)
        .ok_or(Abort::Because(NetWrite::NotFound))
}

/// Pods that have a thing, or are about to, must follow its change: a job for that, in
/// the change's transaction. The job's resource is the thing's id.
pub(crate) async fn enqueue_if_realized(
    conn: &mut Conn,
    kind: RealizationKind,
    job: &NewJob,
) -> Result<(), DbError> {
    let realized: i64 = pod_realizations::table
        .filter(pod_realizations::kind.eq(kind))
        .filter(pod_realizations::top_id.eq(&job.resource_id))
        .count()
        .get_result(conn)
        .await?;
    if realized > 0 {
        job_enqueue(conn, job).await?;
    }
    Ok(())
}
