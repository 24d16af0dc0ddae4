//! Members of security groups, as pods are told of those in other pods; and the wish that
//! they are, in the transaction of whatever changes them.

use std::collections::{BTreeSet, HashMap};

use diesel::{ExpressionMethods, JoinOnDsl, QueryDsl};
use diesel_async::RunQueryDsl;

use super::Conn;
use super::dialect::transaction;
use super::jobs::job_enqueue;
use super::resources::{realizations_of, realizations_of_all};
use crate::DbError;
use crate::models::*;
use crate::schema::{ip_allocations, port_security_groups, ports, security_group_rules};

/// Most values of one statement.
const PART: usize = 500;

/// The live ports that a group protects, by id.
pub(crate) async fn group_members(
    conn: &mut Conn,
    group_id: &str,
) -> Result<Vec<GroupMember>, DbError> {
    let rows: Vec<(String, String, String)> = port_security_groups::table
        .inner_join(ports::table.on(ports::id.eq(port_security_groups::port_id)))
        .filter(port_security_groups::security_group_id.eq(group_id))
        .filter(ports::state.eq(RowState::Live))
        .filter(ports::port_security_enabled.eq(true))
        .order(ports::id)
        .select((ports::id, ports::network_id, ports::allowed_address_pairs))
        .load(conn)
        .await?;
    let ids: Vec<String> = rows.iter().map(|row| row.0.clone()).collect();
    let mut pods = HashMap::<String, Vec<String>>::new();
    for row in realizations_of_all(conn, RealizationKind::Port, &ids).await? {
        if row.state != RealizationState::Deleting {
            pods.entry(row.top_id).or_default().push(row.pod_id);
        }
    }
    let mut addresses = HashMap::<String, Vec<String>>::new();
    for part in ids.chunks(PART) {
        let part: Vec<Option<String>> = part.iter().cloned().map(Some).collect();
        let found: Vec<(Option<String>, String)> = ip_allocations::table
            .filter(ip_allocations::port_id.eq_any(part))
            .filter(ip_allocations::purpose.eq(AddressPurpose::Port))
            .order((ip_allocations::subnet_id, ip_allocations::ip_key))
            .select((ip_allocations::port_id, ip_allocations::ip_address))
            .load(conn)
            .await?;
        for (port, address) in found {
            addresses
                .entry(port.unwrap_or_default())
                .or_default()
                .push(address);
        }
    }
    Ok(rows
        .into_iter()
        .map(|(port_id, network_id, allowed_address_pairs)| GroupMember {
            addresses: addresses.remove(&port_id).unwrap_or_default(),
            pods: pods.remove(&port_id).unwrap_or_default(),
            port_id,
            network_id,
            allowed_address_pairs,
        })
        .collect())
}

/// Every interface of the routers that have one on any of these networks.
pub(crate) async fn router_legs(
    conn: &mut Conn,
    network_ids: &[String],
) -> Result<Vec<RouterLeg>, DbError> {
    let mut routers = BTreeSet::new();
    for part in network_ids.chunks(PART) {
        let found: Vec<String> = ports::table
            .filter(ports::network_id.eq_any(part.to_vec()))
            .filter(ports::device_owner.eq(ROUTER_INTERFACE))
            .filter(ports::state.eq(RowState::Live))
            .select(ports::device_id)
            .load(conn)
            .await?;
        routers.extend(found);
    }
    let routers: Vec<String> = routers.into_iter().collect();
    let mut legs = Vec::new();
    for part in routers.chunks(PART) {
        let found: Vec<(String, String)> = ports::table
            .filter(ports::device_id.eq_any(part.to_vec()))
            .filter(ports::device_owner.eq(ROUTER_INTERFACE))
            .filter(ports::state.eq(RowState::Live))
            .order((ports::device_id, ports::network_id))
            .select((ports::device_id, ports::network_id))
            .load(conn)
            .await?;
        legs.extend(found.into_iter().map(|(router_id, network_id)| RouterLeg {
            router_id,
            network_id,
        }));
    }
    Ok(legs)
}

/// The groups that a pod has, or is about to, and of which a rule admits the members of
/// `group_id`.
pub(crate) async fn groups_naming(
    conn: &mut Conn,
    group_id: &str,
    pod_id: &str,
) -> Result<Vec<String>, DbError> {
    let naming: Vec<String> = security_group_rules::table
        .filter(security_group_rules::remote_group_id.eq(group_id))
        .order(security_group_rules::security_group_id)
        .select(security_group_rules::security_group_id)
        .distinct()
        .load(conn)
        .await?;
    let rows = realizations_of_all(conn, RealizationKind::SecurityGroup, &naming).await?;
    Ok(rows
        .into_iter()
        .filter(|row| row.pod_id == pod_id && row.state != RealizationState::Deleting)
        .map(|row| row.top_id)
        .collect())
}

/// Wants one pod told of the members of these groups.
pub(crate) async fn group_members_wanted(
    conn: &mut Conn,
    groups: &[String],
    pod_id: &str,
) -> Result<(), DbError> {
    transaction!(conn, async |conn: &mut Conn| {
        members_changed(conn, groups, Some(pod_id)).await
    })
    .await
}

/// Members of these groups came, moved or went: wants the pods told that have the groups;
/// with `only`, that one alone. To be called in the transaction of the change.
///
/// A group that one pod has, and one that no rule names, has nobody to be told.
pub(super) async fn members_changed(
    conn: &mut Conn,
    groups: &[String],
    only: Option<&str>,
) -> Result<(), DbError> {
    for group in groups {
        let pods = realizations_of(conn, RealizationKind::SecurityGroup, group).await?;
        if pods.len() < 2 {
            continue;
        }
        let named: i64 = security_group_rules::table
            .filter(security_group_rules::remote_group_id.eq(group))
            .count()
            .get_result(conn)
            .await?;
        let told = realizations_of(conn, RealizationKind::AddressGroup, group).await?;
        if named == 0 && told.is_empty() {
            continue;
        }
        for row in pods {
            if only.is_none_or(|pod| pod == row.pod_id) {
                let job = NewJob {
                    pod_id: row.pod_id,
                    project_id: row.project_id,
                    ..NewJob::new(SECURITY_GROUP_MEMBERS, group)
                };
                job_enqueue(conn, &job).await?;
            }
        }
    }
    Ok(())
}

/// The groups of a port.
pub(super) async fn groups_of(conn: &mut Conn, port_id: &str) -> Result<Vec<String>, DbError> {
    Ok(port_security_groups::table
        .filter(port_security_groups::port_id.eq(port_id))
        .order(port_security_groups::security_group_id)
        .select(port_security_groups::security_group_id)
        .load(conn)
        .await?)
}

/// The groups of the ports on some networks.
async fn groups_on(conn: &mut Conn, network_ids: &[String]) -> Result<Vec<String>, DbError> {
    let mut groups = BTreeSet::new();
    for part in network_ids.chunks(PART) {
        let found: Vec<String> = port_security_groups::table
            .inner_join(ports::table.on(ports::id.eq(port_security_groups::port_id)))
            .filter(ports::network_id.eq_any(part.to_vec()))
            .filter(ports::state.eq(RowState::Live))
            .select(port_security_groups::security_group_id)
            .distinct()
            .load(conn)
            .await?;
        groups.extend(found);
    }
    Ok(groups.into_iter().collect())
}

/// What a pod has, or has no more, changes who is a member elsewhere: a port itself, a
/// network the ports on it.
pub(super) async fn members_follow(conn: &mut Conn, row: &Realization) -> Result<(), DbError> {
    match row.kind {
        RealizationKind::Port => {
            let groups = groups_of(conn, &row.top_id).await?;
            members_changed(conn, &groups, None).await
        }
        RealizationKind::Network => {
            let groups = groups_on(conn, std::slice::from_ref(&row.top_id)).await?;
            members_changed(conn, &groups, Some(&row.pod_id)).await
        }
        _ => Ok(()),
    }
}

/// A router got an interface on a network, or lost it: what it joins may reach each other,
/// or may no more.
pub(super) async fn members_behind(
    conn: &mut Conn,
    router_id: &str,
    network_id: &str,
) -> Result<(), DbError> {
    let mut networks: Vec<String> = ports::table
        .filter(ports::device_id.eq(router_id))
        .filter(ports::device_owner.eq(ROUTER_INTERFACE))
        .filter(ports::state.eq(RowState::Live))
        .select(ports::network_id)
        .load(conn)
        .await?;
    networks.push(network_id.to_owned());
    networks.sort_unstable();
    networks.dedup();
    let groups = groups_on(conn, &networks).await?;
    members_changed(conn, &groups, None).await
}
