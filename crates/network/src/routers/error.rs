//! What Neutron says about routers and floating IPs, in its words.

/// A refusal that has to do with routers or floating IPs. Display is what users see.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[allow(missing_docs)] // The messages say what the variants mean.
pub enum RouterError {
    #[error("Router {0} could not be found")]
    RouterNotFound(String),
    #[error("Router {router} has ports still attached: {ports}")]
    RouterInUse { router: String, ports: String },
    #[error("Router {router} does not have an interface with id {port}")]
    InterfaceNotFound { router: String, port: String },
    #[error("Router {router} has no interface on subnet {subnet}")]
    InterfaceNotFoundForSubnet { router: String, subnet: String },
    #[error("Subnet on port {port} does not match the requested subnet {subnet}.")]
    SubnetMismatch { port: String, subnet: String },
    #[error(
        "Router interface for subnet {subnet} on router {router} cannot be deleted, as it is required by one or more floating IPs."
    )]
    InterfaceInUseByFloatingIp { router: String, subnet: String },
    #[error(
        "Router interface for subnet {subnet} on router {router} cannot be deleted, as it is required by one or more routes."
    )]
    InterfaceInUseByRoute { router: String, subnet: String },
    #[error(
        "Gateway cannot be updated for router {router}, since a gateway to external network {network} is required by one or more floating IPs."
    )]
    GatewayInUse { router: String, network: String },
    #[error("Bad router request: {0}.")]
    BadRouter(String),
    #[error("Invalid input for operation: Invalid format for routes: {routes}, {reason}.")]
    InvalidRoutes {
        routes: String,
        reason: &'static str,
    },
    #[error(
        "Unable to complete operation for {router}. The number of routes exceeds the maximum {most}."
    )]
    RoutesExhausted { router: String, most: usize },
    #[error("Floating IP {0} could not be found")]
    FloatingIpNotFound(String),
    #[error("Bad floatingip request: {0}.")]
    BadFloatingIp(String),
    #[error(
        "External network {network} is not reachable from subnet {subnet}.  Therefore, cannot associate Port {port} with a Floating IP."
    )]
    NotReachable {
        network: String,
        subnet: String,
        port: String,
    },
    #[error(
        "Cannot associate floating IP {address} ({floating}) with port {port} using fixed IP {fixed}, as that fixed IP already has a floating IP on external network {network}."
    )]
    AlreadyAssociated {
        address: String,
        floating: String,
        port: String,
        fixed: String,
        network: String,
    },
    #[error("Port {port} cannot be deleted directly via the port API: has device owner {owner}.")]
    ServicePortInUse { port: String, owner: String },
    #[error("Current gateway ip {ip} already in use by port {port}. Unable to update.")]
    GatewayIpInUse { ip: String, port: String },
    #[error(
        "External network {0} cannot be updated to be made non-external, since it has existing gateway ports."
    )]
    ExternalNetworkInUse(String),
    #[error(
        "The following device_id {0} is not owned by your project or matches another project router."
    )]
    ForeignDevice(String),
    #[error(
        "Unable to complete the operation on port {0} because the port still has an associated floating IP."
    )]
    PortHasFloatingIp(String),
    #[error("Bad port request: {0}.")]
    BadPort(String),
}

impl RouterError {
    /// HTTP status and the name of Neutron's exception.
    pub fn status(&self) -> (u16, &'static str) {
        match self {
            Self::RouterNotFound(_) => (404, "RouterNotFound"),
            Self::RouterInUse { .. } => (409, "RouterInUse"),
            Self::InterfaceNotFound { .. } => (404, "RouterInterfaceNotFound"),
            Self::InterfaceNotFoundForSubnet { .. } => (404, "RouterInterfaceNotFoundForSubnet"),
            Self::SubnetMismatch { .. } => (400, "SubnetMismatchForPort"),
            Self::InterfaceInUseByFloatingIp { .. } => (409, "RouterInterfaceInUseByFloatingIP"),
            Self::InterfaceInUseByRoute { .. } => (409, "RouterInterfaceInUseByRoute"),
            Self::GatewayInUse { .. } => (409, "RouterExternalGatewayInUseByFloatingIp"),
            Self::BadRouter(_) | Self::BadFloatingIp(_) | Self::BadPort(_) => (400, "BadRequest"),
            Self::ServicePortInUse { .. } => (409, "ServicePortInUse"),
            Self::GatewayIpInUse { .. } => (409, "GatewayIpInUse"),
            Self::ExternalNetworkInUse(_) => (409, "ExternalNetworkInUse"),
            Self::ForeignDevice(_) => (409, "DeviceIDNotOwnedByTenant"),
            Self::PortHasFloatingIp(_) => (409, "FipAssociated"),
            Self::InvalidRoutes { .. } => (400, "InvalidRoutes"),
            Self::RoutesExhausted { .. } => (400, "RoutesExhausted"),
            Self::FloatingIpNotFound(_) => (404, "FloatingIPNotFound"),
            Self::NotReachable { .. } => (404, "ExternalGatewayForFloatingIPNotFound"),
            Self::AlreadyAssociated { .. } => (409, "FloatingIPPortAlreadyAssociated"),
        }
    }
}
