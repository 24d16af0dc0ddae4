//! One more interface for a server that is there.
//!
//! Nova refuses an attach in other codes and words than a create, although the reasons
//! are the same: [`InterfaceError`] has them.

use tricircle_db::models::{NetworkFilter, PortView, RowState};
use uuid::Uuid;

use super::allocate::new_port;
use super::resolve::may_use;
use super::{Actor, PlannedNic, RequestedNic, ServerNetworks, TopPort, device_owner};
use crate::{Network, NetworkError};

/// Why a server does not get an interface. Display is the message that users see.
#[derive(Debug, thiserror::Error)]
pub enum InterfaceError {
    /// No such network, or none that the project may know of.
    #[error("Network {0} could not be found.")]
    NoNetwork(String),
    /// No such port, or none that the project may know of.
    #[error("Port id {0} could not be found.")]
    NoPort(String),
    /// The port is another project's than the server.
    #[error("Port {port} not usable for instance {server}.")]
    OtherProject {
        /// The port.
        port: String,
        /// The server.
        server: String,
    },
    /// Another device has the port.
    #[error("Port {0} is still in use.")]
    PortInUse(String),
    /// No network was named and the project has none.
    #[error("No specific network was requested and none are available for project '{0}'.")]
    NoneAvailable(String),
    /// No network was named and the project has several.
    #[error("Multiple possible networks found, use a Network ID to be more specific.")]
    Ambiguous,
    /// The network is external, and not for servers.
    #[error("It is not allowed to create an interface on external network {0}")]
    External(String),
    /// The address that was named is taken.
    #[error("Fixed IP {0} is already in use.")]
    AddressInUse(String),
    /// The network has no address left.
    #[error("No fixed IP addresses available for network: {0}")]
    NoMoreAddresses(String),
    /// The project has as many ports as it may have.
    #[error("Maximum number of ports exceeded")]
    PortLimit,
    /// Anything else, as for a create.
    #[error(transparent)]
    Other(NetworkError),
}

impl InterfaceError {
    /// Nova's code for it.
    pub fn status(&self) -> u16 {
        match self {
            Self::NoNetwork(_) | Self::NoPort(_) => 404,
            Self::PortInUse(_) | Self::AddressInUse(_) => 409,
            Self::External(_) | Self::PortLimit => 403,
            Self::OtherProject { .. }
            | Self::NoneAvailable(_)
            | Self::Ambiguous
            | Self::NoMoreAddresses(_) => 400,
            Self::Other(error) => error.compute_status(),
        }
    }
}

impl From<NetworkError> for InterfaceError {
    fn from(error: NetworkError) -> Self {
        match error {
            NetworkError::NetworkNotFound(id) => Self::NoNetwork(id),
            NetworkError::PortNotFound(id) => Self::NoPort(id),
            NetworkError::IpAddressAlreadyAllocated { ip, .. } => Self::AddressInUse(ip),
            NetworkError::IpAddressGenerationFailure(network) => Self::NoMoreAddresses(network),
            NetworkError::OverQuota(_) => Self::PortLimit,
            other => Self::Other(other),
        }
    }
}

impl From<tricircle_db::DbError> for InterfaceError {
    fn from(error: tricircle_db::DbError) -> Self {
        Self::Other(error.into())
    }
}

/// An interface to be. Nothing exists for it yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlannedInterface {
    /// The port: the user's own, or the id that a new one will have.
    pub port_id: String,
    /// Its one NIC, as of a new server.
    pub networks: ServerNetworks,
}

impl Network {
    /// What an attach means. `who.project_id` is the server's; who is no administrator
    /// is of that project.
    pub async fn plan_interface(
        &self,
        who: &Actor,
        server_id: &str,
        wanted: &RequestedNic,
    ) -> Result<PlannedInterface, InterfaceError> {
        let nic = match (&wanted.port, &wanted.uuid) {
            (Some(port), _) => self.own_port(who, server_id, port).await?,
            (None, Some(network)) => self.named_network(who, network).await?,
            (None, None) => self.only_usable_network(who).await?,
        };
        let fixed_ip = match &wanted.fixed_ip {
            Some(text) => Some(super::plan::parse_address(text)?),
            None => None,
        };
        let port_id = match &nic.port {
            Some(view) => view.port.id.clone(),
            None => Uuid::new_v4().to_string(),
        };
        let nic = PlannedNic {
            fixed_ip,
            tag: wanted.tag.clone(),
            ..nic
        };
        Ok(PlannedInterface {
            port_id,
            networks: ServerNetworks {
                security_groups: self.plan_groups(who, &[]).await?,
                who: who.clone(),
                nics: vec![nic],
            },
        })
    }

    async fn own_port(
        &self,
        who: &Actor,
        server_id: &str,
        id: &str,
    ) -> Result<PlannedNic, InterfaceError> {
        let found = self.store.port_by_id(id).await?;
        let port = usable_port(who, server_id, id, found)?;
        let network = self.store.network_by_id(&port.port.network_id).await?;
        let network = network.ok_or_else(|| InterfaceError::NoPort(id.to_owned()))?;
        Ok(PlannedNic {
            network: network.network,
            port: Some(port),
            fixed_ip: None,
            tag: None,
        })
    }

    async fn named_network(&self, who: &Actor, id: &str) -> Result<PlannedNic, InterfaceError> {
        let found = self.store.network_by_id(id).await?;
        let live = found.filter(|view| view.network.state == RowState::Live);
        match live.map(|view| view.network) {
            Some(network) if may_use(who, &network) => Ok(PlannedNic {
                network,
                port: None,
                fixed_ip: None,
                tag: None,
            }),
            Some(network) if network.router_external => {
                Err(InterfaceError::External(id.to_owned()))
            }
            _ => Err(InterfaceError::NoNetwork(id.to_owned())),
        }
    }

    /// The network that an attach means which names none.
    async fn only_usable_network(&self, who: &Actor) -> Result<PlannedNic, InterfaceError> {
        let filter = NetworkFilter {
            project_ids: vec![who.project_id.clone()],
            or_visible_to_all: true,
            ..NetworkFilter::default()
        };
        let all = self.store.networks(&filter).await?;
        let mut usable = all.into_iter().map(|view| view.network).filter(|network| {
            !network.router_external && (network.shared || network.project_id == who.project_id)
        });
        match (usable.next(), usable.next()) {
            (None, _) => Err(InterfaceError::NoneAvailable(who.project_id.clone())),
            (Some(_), Some(_)) => Err(InterfaceError::Ambiguous),
            (Some(network), None) => Ok(PlannedNic {
                network,
                port: None,
                fixed_ip: None,
                tag: None,
            }),
        }
    }

    /// Makes the port of a planned interface, or takes the user's own, for the server.
    /// Nothing is left when this fails.
    pub async fn allocate_interface(
        &self,
        planned: &PlannedInterface,
        server_id: &str,
        availability_zone: &str,
    ) -> Result<Vec<TopPort>, InterfaceError> {
        let owner = device_owner(availability_zone);
        let PlannedInterface { port_id, networks } = planned;
        let mut ports = Vec::with_capacity(1);
        for nic in &networks.nics {
            let (drafts, claimed) = match &nic.port {
                Some(_) => (Vec::new(), vec![port_id.clone()]),
                None => {
                    let mut draft = new_port(networks, nic, server_id, &owner);
                    draft.port.id.clone_from(port_id);
                    (vec![draft], Vec::new())
                }
            };
            let made = self.allocate_ports(&drafts, &claimed, server_id, &owner);
            made.await.map_err(|error| match error {
                // Somebody else's server was faster.
                NetworkError::Conflict(_) => InterfaceError::PortInUse(port_id.clone()),
                other => other.into(),
            })?;
            ports.push(TopPort {
                id: port_id.clone(),
                network_id: nic.network.id.clone(),
                tag: nic.tag.clone(),
                created_by_gateway: nic.port.is_none(),
                request_id: networks.who.request_id.clone(),
            });
        }
        Ok(ports)
    }
}

/// A port that a server of this project may get.
fn usable_port(
    who: &Actor,
    server_id: &str,
    id: &str,
    found: Option<PortView>,
) -> Result<PortView, InterfaceError> {
    let live = found.filter(|view| view.port.state == RowState::Live);
    let known = live.filter(|view| who.is_admin || view.port.project_id == who.project_id);
    let view = known.ok_or_else(|| InterfaceError::NoPort(id.to_owned()))?;
    if view.port.project_id != who.project_id {
        return Err(InterfaceError::OtherProject {
            port: id.to_owned(),
            server: server_id.to_owned(),
        });
    }
    if !view.port.device_id.is_empty() {
        return Err(InterfaceError::PortInUse(id.to_owned()));
    }
    Ok(view)
}

#[cfg(test)]
mod tests {
    use tricircle_db::models::Port;

    use super::*;

    #[test]
    fn a_port_is_refused_in_novas_codes() {
        let port = |project: &str, device: &str| PortView {
            port: Port {
                project_id: project.to_owned(),
                device_id: device.to_owned(),
                ..Port::default()
            },
            fixed_ips: Vec::new(),
            security_groups: Vec::new(),
        };
        let mut deleted = port("p1", "");
        deleted.port.state = RowState::Deleting;
        for (is_admin, found, wanted) in [
            (false, None, Err(404)),
            (false, Some(deleted), Err(404)),
            (false, Some(port("p2", "")), Err(404)),
            (true, Some(port("p2", "")), Err(400)),
            (false, Some(port("p1", "server")), Err(409)),
            (false, Some(port("p1", "")), Ok(())),
        ] {
            let who = Actor {
                project_id: "p1".to_owned(),
                is_admin,
                ..Actor::default()
            };
            let ended = usable_port(&who, "s", "id", found);
            assert_eq!(ended.map(drop).map_err(|error| error.status()), wanted);
        }
    }

    #[test]
    fn errors_of_ports_have_the_words_of_an_attach() {
        for (error, status, text) in [
            (
                NetworkError::IpAddressGenerationFailure("n".to_owned()),
                400,
                "No fixed IP addresses available for network: n",
            ),
            (
                NetworkError::IpAddressAlreadyAllocated {
                    ip: "10.0.0.5".to_owned(),
                    subnet: "s".to_owned(),
                },
                409,
                "Fixed IP 10.0.0.5 is already in use.",
            ),
            (
                NetworkError::OverQuota("port"),
                403,
                "Maximum number of ports exceeded",
            ),
        ] {
            let error = InterfaceError::from(error);
            assert_eq!(
                (error.status(), error.to_string()),
                (status, text.to_owned())
            );
        }
    }
}
