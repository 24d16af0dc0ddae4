//! Members of security groups that are in other pods.
//!
//! A rule that admits the members of a group admits, in a pod, those whose ports the pod
//! has. Of the others the pod is told by their addresses: in an address group of its own
//! Neutron, one for each group that a rule there names, and in a second rule that names
//! that address group. Where the pod has no address groups each address gets a rule.
//!
//! Members count that a packet from them can come from: on a network that the pod has
//! too, or one that a router joins to such a network. A pod whose group has no members
//! elsewhere is told nothing, and has nothing of this.
//!
//! One job for each group and pod brings it about, from what the rows say now. Addresses
//! are changed by difference, and new ones come before old ones go; rules come after what
//! they name, and go before it.

use std::collections::{BTreeSet, HashSet};
use std::net::IpAddr;

use ipnet::IpNet;
use serde_json::{Value, json};
use tricircle_db::models::{
    GroupMember, NewJob, Realization, RealizationKind, RealizationState, RouterLeg, RowState,
    SECURITY_GROUP_MEMBERS, SecurityGroup,
};
use tricircle_failpoint::hit;
use tricircle_pods::{PodSession, Service};

use super::body::{mark, parsed};
use super::ensure::{Wanted, delete_quietly, id_of};
use super::remove::Makers;
use super::rules::Elsewhere;
use crate::{Network, NetworkError};

const KIND: RealizationKind = RealizationKind::AddressGroup;

/// The digest of a list that the rules of the pod name.
const NAMED: &str = "named";

/// The networks that packets reach a pod from: its own, and those that a router joins to
/// one of them.
pub(crate) fn joined(of_pod: &HashSet<String>, legs: &[RouterLeg]) -> HashSet<String> {
    let routers: HashSet<&str> = legs
        .iter()
        .filter(|leg| of_pod.contains(&leg.network_id))
        .map(|leg| leg.router_id.as_str())
        .collect();
    let behind = legs
        .iter()
        .filter(|leg| routers.contains(leg.router_id.as_str()))
        .map(|leg| leg.network_id.clone());
    of_pod.iter().cloned().chain(behind).collect()
}

/// The addresses of members that are in pods, but not in this one, and on one of the
/// networks: their own and those that they may send from besides.
pub(crate) fn addresses_elsewhere(
    members: &[GroupMember],
    pod_id: &str,
    networks: &HashSet<String>,
) -> BTreeSet<IpNet> {
    let elsewhere = members.iter().filter(|member| {
        networks.contains(&member.network_id)
            && !member.pods.is_empty()
            && member.pods.iter().all(|pod| pod != pod_id)
    });
    let texts = elsewhere.flat_map(|member| {
        let pairs = parsed(&member.allowed_address_pairs);
        let mut all = member.addresses.clone();
        let pairs = pairs.as_array().into_iter().flatten();
        all.extend(pairs.filter_map(|pair| Some(pair["ip_address"].as_str()?.to_owned())));
        all
    });
    texts.filter_map(|text| prefix(&text)).collect()
}

/// An address as a prefix of its own, or a prefix without what is behind it.
fn prefix(text: &str) -> Option<IpNet> {
    let host = || text.parse::<IpAddr>().map(IpNet::from);
    let net = text.parse::<IpNet>().or_else(|_| host());
    net.ok().map(|net| net.trunc())
}

/// The wish that a pod is told of a group's members.
pub fn members_wish(group_id: &str, pod_id: &str, project_id: &str) -> NewJob {
    NewJob {
        pod_id: pod_id.to_owned(),
        project_id: project_id.to_owned(),
        ..NewJob::new(SECURITY_GROUP_MEMBERS, group_id)
    }
}

impl Network {
    /// Brings what a pod knows of a group's members in other pods in line with the rows.
    pub(crate) async fn sync_members(
        &self,
        group_id: &str,
        pod_id: &str,
        request_id: &str,
    ) -> Result<(), NetworkError> {
        let session = self.admin(pod_id, request_id)?;
        let _held = self
            .locks
            .lock(format!("members/{group_id}/{pod_id}"))
            .await;
        let found = self.store.security_group_by_id(group_id).await?;
        let group = found
            .map(|view| view.group)
            .filter(|group| group.state == RowState::Live);
        let naming = self.store.groups_naming(group_id, pod_id).await?;
        let wanted = match &group {
            Some(group) if !naming.is_empty() => self.elsewhere(&group.id, pod_id).await?,
            _ => BTreeSet::new(),
        };
        hit("members.read");
        let mut row = self.store.realization_find(KIND, group_id, pod_id).await?;
        if let Some(going) = row.take_if(|row| row.state == RealizationState::Deleting) {
            // Somebody died while it went.
            self.remove_from_pod(&going, request_id, Makers::Perhaps)
                .await?;
        }
        match (group, row) {
            (Some(group), row) if !wanted.is_empty() => {
                let told = row.is_some_and(|row| row.bottom_id.is_some());
                match told || self.has_lists(&session).await? {
                    true => self.list(&session, &group, &wanted, &naming).await,
                    false => self.rules_again(&session, &naming).await,
                }
            }
            (_, Some(row)) => {
                self.remove_from_pod(&row, request_id, Makers::Perhaps)
                    .await
            }
            // Where there are no lists, rules of members that are gone go now.
            (_, None) if naming.is_empty() || self.has_lists(&session).await? => Ok(()),
            (_, None) => self.rules_again(&session, &naming).await,
        }
    }

    /// The addresses of a group's members that a pod is to be told.
    async fn elsewhere(
        &self,
        group_id: &str,
        pod_id: &str,
    ) -> Result<BTreeSet<IpNet>, NetworkError> {
        let members = self.store.group_members(group_id).await?;
        let mut networks: Vec<String> = members.iter().map(|m| m.network_id.clone()).collect();
        networks.sort_unstable();
        networks.dedup();
        let legs = self.store.router_legs(&networks).await?;
        networks.extend(legs.iter().map(|leg| leg.network_id.clone()));
        networks.sort_unstable();
        networks.dedup();
        let kind = RealizationKind::Network;
        let rows = self.store.realizations_of_all(kind, &networks).await?;
        let of_pod: HashSet<String> = rows
            .into_iter()
            .filter(|row| row.pod_id == pod_id)
            .map(|row| row.top_id)
            .collect();
        let reach = joined(&of_pod, &legs);
        Ok(addresses_elsewhere(&members, pod_id, &reach))
    }

    /// How rules in a pod are to reach the members of a group that are in other pods.
    pub(crate) async fn told_of(
        &self,
        session: &PodSession,
        group_id: &str,
    ) -> Result<Elsewhere, NetworkError> {
        let pod_id = session.pod().id();
        let row = self.present(KIND, group_id, pod_id).await?;
        if let Some(list) = row.and_then(|row| row.bottom_id) {
            return Ok(Elsewhere::Listed(list));
        }
        let addresses = self.elsewhere(group_id, pod_id).await?;
        // A pod that has lists gets one from the job, which sends the rules again.
        if addresses.is_empty() || self.has_lists(session).await? {
            return Ok(Elsewhere::Nobody);
        }
        Ok(Elsewhere::Spelled(addresses))
    }

    /// Whether the pod has address groups at all.
    async fn has_lists(&self, session: &PodSession) -> Result<bool, NetworkError> {
        let path = "/extensions/address-group";
        match session.get_json(Service::Network, path).await {
            Ok(_) => Ok(true),
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    /// Makes the pod's list of a group's members elsewhere these, and has it named.
    async fn list(
        &self,
        session: &PodSession,
        group: &SecurityGroup,
        wanted: &BTreeSet<IpNet>,
        naming: &[String],
    ) -> Result<(), NetworkError> {
        let row = self.list_row(session, group, wanted).await?;
        if row.digest == NAMED {
            return Ok(());
        }
        self.rules_again(session, naming).await?;
        hit("members.named");
        let again = members_wish(&group.id, session.pod().id(), &group.project_id);
        self.store
            .realization_pushed(&row.id, &row.digest, NAMED, &again)
            .await?;
        Ok(())
    }

    /// The row of a list that the pod has, with these addresses in it.
    async fn list_row(
        &self,
        session: &PodSession,
        group: &SecurityGroup,
        wanted: &BTreeSet<IpNet>,
    ) -> Result<Realization, NetworkError> {
        let pod_id = session.pod().id();
        if let Some(row) = self.present(KIND, &group.id, pod_id).await? {
            match self.fill(session, &row, wanted).await {
                Err(NetworkError::Pod(error)) if error.is_not_found() => {
                    // Removed behind our back, or an address was: seen when it is made.
                    self.forget_if_missing(session, KIND, &group.id).await?;
                }
                other => return other.map(|()| row),
            }
        }
        let (row, fresh) = self
            .claim(KIND, &group.id, pod_id, &group.project_id)
            .await?;
        let all: Vec<String> = wanted.iter().map(ToString::to_string).collect();
        let body = json!({
            "name": group.name,
            "description": mark(&group.id),
            "project_id": group.project_id,
            "addresses": all,
        });
        let thing = Wanted {
            kind: KIND,
            top_id: &group.id,
            revision: 0,
            body,
            data: json!({}),
            unique_in_pod: false,
        };
        self.ensure(session, row, fresh, thing).await?;
        let row = self.present(KIND, &group.id, pod_id).await?;
        let row = row.ok_or_else(|| NetworkError::SecurityGroupNotFound(group.id.clone()))?;
        // An earlier try may have made it, with what was so then.
        self.fill(session, &row, wanted).await?;
        Ok(row)
    }

    /// Brings the addresses of a list in line, by difference.
    async fn fill(
        &self,
        session: &PodSession,
        row: &Realization,
        wanted: &BTreeSet<IpNet>,
    ) -> Result<(), NetworkError> {
        let path = format!(
            "/address-groups/{}",
            row.bottom_id.as_deref().unwrap_or_default()
        );
        let shown = session.get_json(Service::Network, &path).await?;
        let have: BTreeSet<IpNet> = shown["address_group"]["addresses"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|net| prefix(net.as_str()?))
            .collect();
        for (verb, which) in [
            ("add_addresses", wanted.difference(&have)),
            ("remove_addresses", have.difference(wanted)),
        ] {
            let which: Vec<String> = which.map(ToString::to_string).collect();
            if which.is_empty() {
                continue;
            }
            let body = json!({ "addresses": which });
            session
                .put_json(Service::Network, &format!("{path}/{verb}"), &body)
                .await?;
            hit("members.changed");
        }
        Ok(())
    }

    /// Removes the rules that name a list of a pod: Neutron keeps it while there are any.
    pub(crate) async fn unname(
        &self,
        session: &PodSession,
        list_id: &str,
    ) -> Result<(), NetworkError> {
        let path = format!("/security-group-rules?remote_address_group_id={list_id}&fields=id");
        let found = session.get_json(Service::Network, &path).await?;
        let rules: Vec<&Value> = found["security_group_rules"]
            .as_array()
            .into_iter()
            .flatten()
            .collect();
        for rule in rules {
            let id = id_of(session, rule)?;
            delete_quietly(session, &format!("/security-group-rules/{id}")).await?;
            hit("members.unnamed");
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn member(network: &str, address: &str, pods: &[&str]) -> GroupMember {
        GroupMember {
            network_id: network.to_owned(),
            addresses: vec![address.to_owned()],
            pods: pods.iter().map(|pod| (*pod).to_owned()).collect(),
            ..GroupMember::default()
        }
    }

    fn set(names: &[&str]) -> HashSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    fn leg(router: &str, network: &str) -> RouterLeg {
        RouterLeg {
            router_id: router.to_owned(),
            network_id: network.to_owned(),
        }
    }

    #[test]
    fn a_pod_is_reached_from_its_networks_and_what_a_router_joins_to_them() {
        let legs = [
            leg("r1", "a"),
            leg("r1", "b"),
            leg("r2", "c"),
            leg("r2", "d"),
        ];
        assert_eq!(joined(&set(&["a"]), &legs), set(&["a", "b"]));
        assert_eq!(joined(&set(&["x"]), &legs), set(&["x"]));
        assert_eq!(joined(&set(&[]), &legs), set(&[]));
        assert_eq!(joined(&set(&["b", "c"]), &legs), set(&["a", "b", "c", "d"]));
    }

    #[test]
    fn told_are_the_addresses_of_members_in_other_pods_that_reach_this_one() {
        let mut wide = member("a", "fd00::5", &["p2"]);
        wide.allowed_address_pairs =
            r#"[{"ip_address": "10.0.9.7/24"}, {"mac_address": "x"}, {"ip_address": "zz"}]"#
                .to_owned();
        let members = [
            member("a", "10.0.1.5", &["p2"]),
            member("a", "10.0.1.6", &["p1"]),
            member("a", "10.0.1.7", &[]),
            member("far", "10.0.2.5", &["p2"]),
            // One that moves is in both for a while.
            member("a", "10.0.1.8", &["p1", "p2"]),
            wide,
        ];
        let told = addresses_elsewhere(&members, "p1", &set(&["a"]));
        let told: Vec<String> = told.iter().map(ToString::to_string).collect();
        assert_eq!(told, ["10.0.1.5/32", "10.0.9.0/24", "fd00::5/128"]);
    }
}
