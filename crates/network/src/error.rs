//! What can go wrong in networking, with Neutron's own words for what users see.
//!
//! One enum serves the Networking API (code, exception type, message) and the
//! compute gateway ([`NetworkError::compute_fault`]): both show the texts that
//! clients know from the real services.

use tricircle_db::DbError;
use tricircle_db::models::NetWrite;
use tricircle_pods::PodError;

use crate::routers::RouterError;

/// An error of this crate. Display is the message that users see.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // The messages say what the variants mean.
pub enum NetworkError {
    #[error("Network {0} could not be found.")]
    NetworkNotFound(String),
    #[error("Subnet {0} could not be found.")]
    SubnetNotFound(String),
    #[error("Port {0} could not be found.")]
    PortNotFound(String),
    #[error("Security group {0} does not exist")]
    SecurityGroupNotFound(String),
    #[error("Security group rule {0} does not exist")]
    SecurityGroupRuleNotFound(String),
    #[error("Security group rule already exists. Rule id is {0}.")]
    SecurityGroupRuleExists(String),
    #[error("Security Group {0} in use.")]
    SecurityGroupInUse(String),
    #[error("Insufficient rights for removing default security group.")]
    SecurityGroupCannotRemoveDefault,
    #[error(
        "Unable to complete operation on network {0}. There are one or more ports still in use on the network, id for these ports is: {1}."
    )]
    NetworkInUse(String, String),
    #[error(
        "Unable to complete operation on subnet {0}: One or more ports have an IP allocation from this subnet."
    )]
    SubnetInUse(String),
    #[error(
        "Unable to complete operation on port {port} for network {network}. Port already has an attached device {device}."
    )]
    PortInUse {
        port: String,
        network: String,
        device: String,
    },
    #[error("Unable to complete operation for network {network}. The mac address {mac} is in use.")]
    MacAddressInUse { network: String, mac: String },
    #[error("IP address {ip} already allocated in subnet {subnet}")]
    IpAddressAlreadyAllocated { ip: String, subnet: String },
    #[error("IP address {0} is not a valid IP for the specified subnet.")]
    InvalidIpForSubnet(String),
    #[error("IP address {0} is not a valid IP for any of the subnets on the specified network.")]
    InvalidIpForNetwork(String),
    #[error(
        "IPv6 address {ip} cannot be directly assigned to a port on subnet {subnet} as the subnet is configured for automatic addresses"
    )]
    AllocationOnAutoAddressSubnet { ip: String, subnet: String },
    #[error("No more IP addresses available on network {0}.")]
    IpAddressGenerationFailure(String),
    #[error("Unable to generate unique mac on network {0}.")]
    MacAddressGenerationFailure(String),
    #[error("The allocation pool {0} is not valid.")]
    InvalidAllocationPool(String),
    #[error("The allocation pool {pool} spans beyond the subnet cidr {cidr}.")]
    OutOfBoundsAllocationPool { pool: String, cidr: String },
    #[error("Found overlapping allocation pools: {first} {second} for subnet {cidr}.")]
    OverlappingAllocationPools {
        first: String,
        second: String,
        cidr: String,
    },
    #[error("Gateway ip {ip} conflicts with allocation pool {pool}.")]
    GatewayConflictWithAllocationPools { ip: String, pool: String },
    #[error(
        "Unable to create the network. The VLAN {vlan} on physical network {physical_network} is in use."
    )]
    VlanIdInUse { vlan: i32, physical_network: String },
    #[error("Unable to create the flat network. Physical network {0} is in use.")]
    FlatNetworkInUse(String),
    #[error("Unable to create the network. No project network is available for allocation.")]
    NoNetworkAvailable,
    #[error("Invalid input for operation: {0}.")]
    InvalidInput(String),
    #[error("Quota exceeded for resources: ['{0}'].")]
    OverQuota(&'static str),
    #[error("Revision does not match If-Match header: found {found}.")]
    OtherRevision { found: i64 },
    /// What a pod has stands in the way of what the top wants there.
    #[error("{0}")]
    PodConflict(String),
    /// A request that can not be served as it is: Nova's 400.
    #[error("{0}")]
    BadRequest(String),
    /// A request that collides with what is there: Nova's 409.
    #[error("{0}")]
    Conflict(String),
    /// A request that the project may not make: Nova's 403.
    #[error("{0}")]
    Forbidden(String),
    /// What is wrong with a router or floating IP.
    #[error(transparent)]
    Router(#[from] RouterError),
    #[error("{0}")]
    Pod(#[from] PodError),
    #[error("The server could not comply with the request: its database is not available.")]
    Db(#[from] DbError),
    /// Rows or answers that are not what this version writes and expects.
    #[error("An unknown error has occurred.")]
    Internal(String),
}

impl NetworkError {
    /// HTTP status and the name of Neutron's exception.
    pub fn status(&self) -> (u16, &'static str) {
        match self {
            Self::NetworkNotFound(_) => (404, "NetworkNotFound"),
            Self::SubnetNotFound(_) => (404, "SubnetNotFound"),
            Self::PortNotFound(_) => (404, "PortNotFound"),
            Self::SecurityGroupNotFound(_) => (404, "SecurityGroupNotFound"),
            Self::SecurityGroupRuleNotFound(_) => (404, "SecurityGroupRuleNotFound"),
            Self::SecurityGroupRuleExists(_) => (409, "SecurityGroupRuleExists"),
            Self::SecurityGroupInUse(_) => (409, "SecurityGroupInUse"),
            Self::SecurityGroupCannotRemoveDefault => (409, "SecurityGroupCannotRemoveDefault"),
            Self::NetworkInUse(..) => (409, "NetworkInUse"),
            Self::SubnetInUse(_) => (409, "SubnetInUse"),
            Self::PortInUse { .. } => (409, "PortInUse"),
            Self::MacAddressInUse { .. } => (409, "MacAddressInUse"),
            Self::IpAddressAlreadyAllocated { .. } => (409, "IpAddressAlreadyAllocated"),
            Self::InvalidIpForSubnet(_) => (400, "InvalidIpForSubnet"),
            Self::InvalidIpForNetwork(_) => (400, "InvalidIpForNetwork"),
            Self::AllocationOnAutoAddressSubnet { .. } => (400, "AllocationOnAutoAddressSubnet"),
            Self::IpAddressGenerationFailure(_) => (409, "IpAddressGenerationFailure"),
            Self::MacAddressGenerationFailure(_) => (503, "MacAddressGenerationFailure"),
            Self::InvalidAllocationPool(_) => (400, "InvalidAllocationPool"),
            Self::OutOfBoundsAllocationPool { .. } => (400, "OutOfBoundsAllocationPool"),
            Self::OverlappingAllocationPools { .. } => (409, "OverlappingAllocationPools"),
            Self::GatewayConflictWithAllocationPools { .. } => {
                (409, "GatewayConflictWithAllocationPools")
            }
            Self::VlanIdInUse { .. } => (409, "VlanIdInUse"),
            Self::FlatNetworkInUse(_) => (409, "FlatNetworkInUse"),
            Self::NoNetworkAvailable => (503, "NoNetworkAvailable"),
            Self::InvalidInput(_) => (400, "InvalidInput"),
            Self::OverQuota(_) => (409, "OverQuota"),
            Self::OtherRevision { .. } => (412, "RevisionNumberConstraintFailed"),
            Self::PodConflict(_) => (409, "Conflict"),
            Self::BadRequest(_) => (400, "BadRequest"),
            Self::Conflict(_) => (409, "Conflict"),
            Self::Forbidden(_) => (403, "Forbidden"),
            Self::Router(error) => error.status(),
            Self::Pod(error) if error.is_transient() || error.is_down() => {
                (503, "ServiceUnavailable")
            }
            Self::Pod(error) => match error.code() {
                Some(code @ (400 | 403 | 404 | 409)) => (code, "PodRefused"),
                _ => (503, "ServiceUnavailable"),
            },
            Self::Db(_) => (503, "ServiceUnavailable"),
            Self::Internal(_) => (500, "HTTPInternalServerError"),
        }
    }

    /// The code that a server create is answered with: Nova has 400 for what a
    /// request names and is not there, and Neutron's codes for the rest.
    pub fn compute_status(&self) -> u16 {
        match self {
            Self::NetworkNotFound(_) | Self::PortNotFound(_) | Self::SecurityGroupNotFound(_) => {
                400
            }
            Self::Pod(error) if error.code().is_some_and(|code| code < 500) => 500,
            other => other.status().0,
        }
    }

    /// Code and text of the fault that a server create is answered with.
    pub fn compute_fault(&self) -> (u16, String) {
        match self {
            Self::OverQuota(_) => (403, "Maximum number of ports exceeded".to_owned()),
            other => (other.compute_status(), other.to_string()),
        }
    }

    /// Trying again later may help: a pod or the database is away.
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Pod(error) => error.is_transient() || error.is_down() || error.outcome_unknown(),
            Self::Db(_) => true,
            _ => false,
        }
    }

    /// The pod that gave no answer at all, if that is what went wrong.
    pub fn is_pod_down(&self) -> bool {
        matches!(self, Self::Pod(error) if error.is_down())
    }

    /// The region of the pod that nothing can be had from, if that is what went wrong.
    pub fn down_pod(&self) -> Option<&str> {
        match self {
            Self::Pod(error) if error.is_down() => error.region(),
            _ => None,
        }
    }
}

/// Answers of the store that mean the same wherever they come from.
pub(crate) fn unexpected(what: &str, answer: &NetWrite) -> NetworkError {
    match answer {
        NetWrite::OtherRevision(found) => NetworkError::OtherRevision { found: *found },
        NetWrite::OverQuota(resource) => NetworkError::OverQuota(resource),
        NetWrite::NoGroup(id) => NetworkError::SecurityGroupNotFound(id.clone()),
        other => NetworkError::Internal(format!("{what}: {other:?}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_types_and_texts_are_neutrons() {
        for (error, status, text) in [
            (
                NetworkError::NetworkNotFound("n".to_owned()),
                (404, "NetworkNotFound"),
                "Network n could not be found.",
            ),
            (
                NetworkError::IpAddressGenerationFailure("n".to_owned()),
                (409, "IpAddressGenerationFailure"),
                "No more IP addresses available on network n.",
            ),
            (
                NetworkError::NoNetworkAvailable,
                (503, "NoNetworkAvailable"),
                "Unable to create the network. No project network is available for allocation.",
            ),
            (
                NetworkError::InvalidInput("Gateway is not valid on subnet".to_owned()),
                (400, "InvalidInput"),
                "Invalid input for operation: Gateway is not valid on subnet.",
            ),
        ] {
            assert_eq!(error.status(), status);
            assert_eq!(error.to_string(), text);
        }
    }
}
