//! The calls of the conformance list, in files by service.
//!
//! `<name>` in URLs and bodies is filled in from the endpoints, the ids of
//! projects, and what earlier steps saved.

mod address_groups;
mod block;
mod compute;
mod identity;
mod more;
mod network;
mod routers;
mod step;

use serde_json::json;
pub use step::{Check, Step};
use step::{delete, get};

/// The whole list, in its order.
pub fn all() -> Vec<Step> {
    [
        identity::keystone(),
        network::networks(),
        network::subnets(),
        network::ports(),
        network::groups(),
        address_groups::all(),
        routers::prepare(),
        routers::gateways(),
        routers::interfaces(),
        routers::routes(),
        routers::floating(),
        routers::clean_up(),
        compute::flavors(),
        compute::server_refusals(),
        compute::server_life(),
        block::volumes(),
        block::placement(),
        more::identity(),
        more::network(),
        more::compute(),
        more::block(),
        clean_up(),
    ]
    .concat()
}

fn clean_up() -> Vec<Step> {
    let neutron = |tail: &str| format!("<neutron>/v2.0/{tail}");
    vec![
        delete("demo", "<nova>/servers/<server>", 204),
        get("demo", "<nova>/servers/<server>", 404).until("", json!(404)),
        delete("demo", "<nova>/servers/<server>", 404),
        get("demo", &neutron("ports/<port>"), 200).until("/port/device_id", json!("")),
        delete("demo", &neutron("ports/<port>"), 204),
        delete("demo", &neutron("ports/<port>"), 404),
        delete("demo", &neutron("ports/<b1>"), 204),
        delete("demo", &neutron("ports/<b2>"), 204),
        delete("demo", &neutron("security-groups/<group>"), 204),
        delete("demo", &neutron("subnets/<subnet>"), 204),
        delete("demo", &neutron("networks/<vlan>"), 204),
        delete("demo", &neutron("networks/<net>"), 204),
        delete("demo", &neutron("networks/<net>"), 404),
        delete("demo", "<nova>/os-keypairs/conf-k", 204).at("compute 2.10"),
        delete("admin", "<nova>/flavors/conf1", 202),
        delete("admin", "<nova>/flavors/conf1", 404),
    ]
}
