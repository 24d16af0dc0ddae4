//! The kinds of resources that this service has, one file each.

mod floatingips;
mod networks;
mod ports;
pub mod router_actions;
mod router_ports;
mod routers;
mod security_group_rules;
mod security_groups;
mod subnets;

pub use floatingips::FloatingIps;
pub use networks::Networks;
pub use ports::Ports;
pub use routers::Routers;
pub use security_group_rules::SecurityGroupRules;
pub use security_groups::SecurityGroups;
pub use subnets::Subnets;

use tricircle_network::resource::ListQuery;

/// The values that the database may narrow a list to; none while a marker has to
/// be found among all rows that the caller may see.
fn narrowed(query: &ListQuery, name: &str) -> Vec<String> {
    if query.page.marker.is_some() {
        return Vec::new();
    }
    let values = query.exact(name).unwrap_or_default();
    // Ids are ASCII; MariaDB refuses to compare them with anything else.
    match values.iter().all(|value| value.is_ascii()) {
        true => values,
        false => Vec::new(),
    }
}

/// The same for owners, of whom callers without special rights have only one.
fn owners(query: &ListQuery, projects: Vec<String>) -> Vec<String> {
    if !projects.is_empty() {
        return projects;
    }
    let named = narrowed(query, "project_id");
    if named.is_empty() {
        narrowed(query, "tenant_id")
    } else {
        named
    }
}
