//! Names of the jobs that carry on what a request began.

pub const NETWORK_REMOVE: &str = "network_remove";
pub const SUBNET_REMOVE: &str = "subnet_remove";
pub const PORT_REMOVE: &str = "port_remove";
pub const SECURITY_GROUP_REMOVE: &str = "security_group_remove";
pub const SECURITY_GROUP_SYNC: &str = "security_group_sync";
