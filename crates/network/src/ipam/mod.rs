//! Addresses: what a subnet may look like, and which address a port gets.
//!
//! Everything here is arithmetic over plain data. What is taken is read before and
//! kept true by the key of `ip_allocations`; a caller that lost a race chooses again.

mod choose;
mod infrastructure;
mod mac;
mod range;
mod subnet;

pub use choose::{AddressChoice, FixedIpWish, SubnetState, choose_addresses};
pub use infrastructure::{PodAddresses, choose_for_pod};
pub use mac::{eui64, random_mac};
pub use range::{Pool, number, pools_from_json, pools_to_json};
pub use subnet::{
    Gateway, SubnetPlan, SubnetWish, check_gateway_change, check_overlap, plan_subnet,
};
