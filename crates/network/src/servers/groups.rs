//! Security groups of a server: those of all its ports.

use tricircle_db::models::{
    NetWrite, PortChange, PortView, RealizationKind, SecurityGroup, SecurityGroupFilter,
    SecurityGroupView,
};
use tricircle_failpoint::hit;

use super::Actor;
use crate::error::unexpected;
use crate::{Network, NetworkError};

/// How often a port's groups are read anew because somebody else changed the port.
const ROUNDS: usize = 8;

/// Why the ports of a server were not changed. Display is the message that users see.
#[derive(Debug, thiserror::Error)]
pub enum ServerPortsError {
    /// No group of this name or id.
    #[error("Security group {name} is not found for project {project}")]
    NoGroup {
        /// What was asked for.
        name: String,
        /// The caller's project.
        project: String,
    },
    /// Several groups of this name.
    #[error("Multiple security_group matches found for name '{0}', use an ID to be more specific.")]
    SeveralGroups(String),
    /// The server has no port.
    #[error("instance_id {0} could not be found as device id on any ports")]
    NoPorts(String),
    /// A port without address or without port security.
    #[error(
        "Network requires port_security_enabled and subnet associated in order to apply security \
         groups."
    )]
    NotGuarded,
    /// A port has the group already.
    #[error("Invalid input for security_groups. Reason: Duplicate items in the list: '{0}'.")]
    HasGroup(String),
    /// No port has the group.
    #[error("Security group {name} not associated with the instance {server}")]
    HasNotGroup {
        /// What was asked for.
        name: String,
        /// The server.
        server: String,
    },
    /// No port has the address.
    #[error("Instance {server} does not have fixed IP '{address}'.")]
    HasNotAddress {
        /// The address.
        address: String,
        /// The server.
        server: String,
    },
    /// The server has no port on the network that was named.
    #[error("Network could not be found for instance {0}.")]
    NotOnNetwork(String),
    /// The network has no address left.
    #[error("No fixed IP addresses available for network: {0}")]
    NoMoreAddresses(String),
    /// Anything else.
    #[error(transparent)]
    Other(#[from] NetworkError),
}

impl ServerPortsError {
    /// Nova's code for it.
    pub fn status(&self) -> u16 {
        match self {
            Self::NoGroup { .. }
            | Self::NoPorts(_)
            | Self::HasNotGroup { .. }
            | Self::NotOnNetwork(_) => 404,
            Self::SeveralGroups(_) => 409,
            Self::NotGuarded
            | Self::HasGroup(_)
            | Self::HasNotAddress { .. }
            | Self::NoMoreAddresses(_) => 400,
            Self::Other(error) => error.status().0,
        }
    }
}

impl From<tricircle_db::DbError> for ServerPortsError {
    fn from(error: tricircle_db::DbError) -> Self {
        Self::Other(error.into())
    }
}

/// What becomes of the groups of a port.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Change {
    Add,
    Remove,
}

impl Network {
    /// Gives all ports of a server a group more; `name` is its name or id. The pods
    /// follow at once, as far as they can be reached, and by a job.
    ///
    /// As in Nova, a port that cannot have it ends the work: those before it have it.
    pub async fn add_server_group(
        &self,
        who: &Actor,
        server_id: &str,
        name: &str,
    ) -> Result<(), ServerPortsError> {
        let group = self.group_meant(who, name).await?;
        for view in self.ports_to_change(server_id).await? {
            self.change_groups(who, view, &group, Change::Add).await?;
        }
        Ok(())
    }

    /// Takes a group from all ports of a server that have it.
    pub async fn remove_server_group(
        &self,
        who: &Actor,
        server_id: &str,
        name: &str,
    ) -> Result<(), ServerPortsError> {
        let group = self.group_meant(who, name).await?;
        let mut had = false;
        for view in self.ports_to_change(server_id).await? {
            had |= self
                .change_groups(who, view, &group, Change::Remove)
                .await?;
        }
        match had {
            true => Ok(()),
            false => Err(ServerPortsError::HasNotGroup {
                name: name.to_owned(),
                server: server_id.to_owned(),
            }),
        }
    }

    /// The groups of a server with their rules, port by port as Nova lists them: one that
    /// two ports have comes twice. Those of other projects are for administrators.
    pub async fn server_groups(
        &self,
        who: &Actor,
        server_id: &str,
    ) -> Result<Vec<SecurityGroupView>, NetworkError> {
        let ports = self.server_ports(server_id).await?;
        let ids: Vec<String> = ports.into_iter().flat_map(|p| p.security_groups).collect();
        if ids.is_empty() {
            return Ok(Vec::new());
        }
        let filter = SecurityGroupFilter {
            ids: ids.clone(),
            ..SecurityGroupFilter::default()
        };
        let known = self.store.security_groups(&filter).await?;
        let of_port = |id: &String| known.iter().find(|view| view.group.id == *id).cloned();
        let visible = |view: &SecurityGroupView| sees(who, &view.group);
        Ok(ids.iter().filter_map(of_port).filter(visible).collect())
    }

    async fn ports_to_change(&self, server_id: &str) -> Result<Vec<PortView>, ServerPortsError> {
        let ports = self.server_ports(server_id).await?;
        match ports.is_empty() {
            true => Err(ServerPortsError::NoPorts(server_id.to_owned())),
            false => Ok(ports),
        }
    }

    async fn group_meant(&self, who: &Actor, name: &str) -> Result<String, ServerPortsError> {
        let filter = SecurityGroupFilter {
            ids: vec![name.to_owned()],
            ..SecurityGroupFilter::default()
        };
        let mut found = self.store.security_groups(&filter).await?;
        let filter = SecurityGroupFilter {
            project_ids: vec![who.project_id.clone()],
            ..SecurityGroupFilter::default()
        };
        // A project has its default group from the first time that somebody looks.
        self.store.default_security_group(&who.project_id).await?;
        found.extend(self.store.security_groups(&filter).await?);
        let all: Vec<SecurityGroup> = found.into_iter().map(|view| view.group).collect();
        meant(who, name, &all)
    }

    /// True when the port was changed.
    async fn change_groups(
        &self,
        who: &Actor,
        mut view: PortView,
        group: &str,
        change: Change,
    ) -> Result<bool, ServerPortsError> {
        let id = view.port.id.clone();
        for _ in 0..ROUNDS {
            let Some(wanted) = changed(&view, group, change)? else {
                return Ok(false);
            };
            let revision = view.port.revision_number;
            let job = self.sync_job(RealizationKind::Port, &id, &who.request_id);
            let nothing = PortChange::default();
            let ended = self
                .store
                .port_update(&id, &nothing, None, Some(&wanted), Some(revision), &job)
                .await?;
            match ended {
                NetWrite::Done => {
                    hit("server_ports.written");
                    self.push_port(&id, &who.request_id).await;
                    return Ok(true);
                }
                NetWrite::OtherRevision(_) => {}
                NetWrite::NotFound => return Ok(false),
                other => return Err(unexpected("port_update", &other).into()),
            }
            match self.store.port_by_id(&id).await? {
                Some(now) => view = now,
                None => return Ok(false),
            }
        }
        Err(NetworkError::Conflict(format!("Port {id} changes too fast; try again.")).into())
    }

    /// Brings a changed port to its pod, as far as that is possible now; the job that was
    /// written with the change does the rest.
    pub(super) async fn push_port(&self, id: &str, request_id: &str) {
        let pushed = self.push(RealizationKind::Port, id, request_id).await;
        if pushed.is_err() {
            tracing::info!(port.id = id, "the port's pod follows later");
        }
    }
}

fn sees(who: &Actor, group: &SecurityGroup) -> bool {
    who.is_admin || group.project_id == who.project_id
}

/// The group that a name or id means: an id before a name, a name among the project's.
fn meant(who: &Actor, name: &str, all: &[SecurityGroup]) -> Result<String, ServerPortsError> {
    let by_id = all
        .iter()
        .find(|group| group.id == name && sees(who, group));
    if let Some(group) = by_id {
        return Ok(group.id.clone());
    }
    let mut named = all
        .iter()
        .filter(|group| group.name == name && group.project_id == who.project_id);
    match (named.next(), named.next()) {
        (Some(group), None) => Ok(group.id.clone()),
        (Some(_), Some(_)) => Err(ServerPortsError::SeveralGroups(name.to_owned())),
        (None, _) => Err(ServerPortsError::NoGroup {
            name: name.to_owned(),
            project: who.project_id.clone(),
        }),
    }
}

/// The groups that a port is to have, `None` where nothing changes.
fn changed(
    view: &PortView,
    group: &str,
    change: Change,
) -> Result<Option<Vec<String>>, ServerPortsError> {
    let mut groups = view.security_groups.clone();
    let place = groups.iter().position(|have| have == group);
    match (change, place) {
        (Change::Add, _) if !view.port.port_security_enabled || view.fixed_ips.is_empty() => {
            Err(ServerPortsError::NotGuarded)
        }
        (Change::Add, Some(_)) => Err(ServerPortsError::HasGroup(group.to_owned())),
        (Change::Add, None) => {
            groups.push(group.to_owned());
            Ok(Some(groups))
        }
        (Change::Remove, Some(place)) => {
            groups.remove(place);
            Ok(Some(groups))
        }
        (Change::Remove, None) => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use tricircle_db::models::{AddressPurpose, IpAllocation, Port, Subnet};

    use super::*;

    fn who(project: &str, is_admin: bool) -> Actor {
        Actor {
            project_id: project.to_owned(),
            is_admin,
            ..Actor::default()
        }
    }

    #[test]
    fn an_id_goes_before_a_name_and_a_name_is_of_the_project() {
        let mut all: Vec<SecurityGroup> = [("p1", "web"), ("p1", "db"), ("p1", "db"), ("p2", "x")]
            .iter()
            .map(|(project, name)| SecurityGroup::new(project, name, ""))
            .collect();
        // Somebody named a group like the id of another.
        let id = all[0].id.clone();
        all[1].name = id;
        let user = who("p1", false);
        assert_eq!(meant(&user, "web", &all).unwrap(), all[0].id);
        assert_eq!(meant(&user, &all[0].id, &all).unwrap(), all[0].id);
        assert_eq!(meant(&user, "db", &all).unwrap(), all[2].id);
        all[1].name = "db".to_owned();
        let several = meant(&user, "db", &all).unwrap_err();
        assert_eq!(several.status(), 409);
        let missing = meant(&user, "x", &all).unwrap_err();
        assert_eq!(missing.status(), 404);
        assert_eq!(
            missing.to_string(),
            "Security group x is not found for project p1"
        );
        assert!(meant(&user, &all[3].id, &all).is_err());
        assert!(meant(&who("p1", true), &all[3].id, &all).is_ok());
    }

    #[test]
    fn a_port_gets_a_group_once_and_only_with_address_and_security() {
        let subnet = Subnet::default();
        let address = "10.0.0.5".parse().unwrap();
        let mut view = PortView {
            port: Port {
                port_security_enabled: true,
                ..Port::default()
            },
            fixed_ips: vec![IpAllocation::new(&subnet, address, AddressPurpose::Port)],
            security_groups: vec!["a".to_owned()],
        };
        let with = |view: &PortView, group: &str, change| changed(view, group, change).ok();
        let list = |ids: &[&str]| Some(Some(ids.iter().map(|id| (*id).to_owned()).collect()));
        assert_eq!(with(&view, "b", Change::Add), list(&["a", "b"]));
        assert_eq!(with(&view, "a", Change::Add), None);
        assert_eq!(with(&view, "a", Change::Remove), list(&[]));
        assert_eq!(with(&view, "b", Change::Remove), Some(None));
        view.fixed_ips.clear();
        assert_eq!(with(&view, "b", Change::Add), None);
        assert_eq!(with(&view, "a", Change::Remove), list(&[]));
    }
}
