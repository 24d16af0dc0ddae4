//! What a request means, decided from rows: pure, and in Nova's words.

use tricircle_db::models::{Network as NetworkRow, NetworkView, PortView, SecurityGroup};

use super::Actor;
use crate::NetworkError;

/// Whether a project may put servers on a network.
pub(super) fn may_use(who: &Actor, network: &NetworkRow) -> bool {
    who.is_admin || network.shared || network.project_id == who.project_id
}

/// The network that a request means that names none.
///
/// `refuse_none`: `auto` was asked for.
pub(super) fn only_network(
    who: &Actor,
    all: Vec<NetworkView>,
    refuse_none: bool,
) -> Result<Option<NetworkView>, NetworkError> {
    // Administrators see every network, but mean their project's.
    let mut usable = all.into_iter().filter(|view| {
        !view.network.router_external
            && (view.network.shared || view.network.project_id == who.project_id)
    });
    match (usable.next(), usable.next()) {
        (Some(_), Some(_)) => Err(NetworkError::Conflict(
            "Multiple possible networks found, use a Network ID to be more specific.".to_owned(),
        )),
        (Some(only), None) => with_subnet(only).map(Some),
        (None, _) if refuse_none => Err(NetworkError::BadRequest(format!(
            "Unable to automatically allocate a network for project {}",
            who.project_id
        ))),
        (None, _) => Ok(None),
    }
}

/// A network that a server can be on.
pub(super) fn with_subnet(view: NetworkView) -> Result<NetworkView, NetworkError> {
    match view.subnets.is_empty() {
        true => Err(NetworkError::BadRequest(format!(
            "Network {} requires a subnet in order to boot instances on.",
            view.network.id
        ))),
        false => Ok(view),
    }
}

/// Whether a user's port can be given to a server.
pub(super) fn check_port(
    who: &Actor,
    id: &str,
    port: Option<&PortView>,
) -> Result<(), NetworkError> {
    let Some(view) = port.filter(|view| who.is_admin || view.port.project_id == who.project_id)
    else {
        return Err(NetworkError::BadRequest(format!(
            "Port id {id} could not be found."
        )));
    };
    if !view.port.device_id.is_empty() {
        return Err(NetworkError::Conflict(format!(
            "Port {id} is still in use."
        )));
    }
    if view.fixed_ips.is_empty() {
        return Err(NetworkError::BadRequest(format!(
            "Port {id} requires a FixedIP in order to be used."
        )));
    }
    Ok(())
}

/// The group that a name or id means, among a project's.
pub(super) fn group_named(name: &str, all: &[SecurityGroup]) -> Result<String, NetworkError> {
    if let Some(group) = all.iter().find(|group| group.id == name) {
        return Ok(group.id.clone());
    }
    let mut named = all.iter().filter(|group| group.name == name);
    match (named.next(), named.next()) {
        (Some(group), None) => Ok(group.id.clone()),
        (Some(_), Some(_)) => Err(NetworkError::Conflict(format!(
            "Multiple security_group matches found for name '{name}', use an ID to be more specific."
        ))),
        (None, _) => Err(NetworkError::BadRequest(format!(
            "Unable to find security_group with name or id '{name}'"
        ))),
    }
}

#[cfg(test)]
mod tests {
    use tricircle_db::models::Port;

    use super::*;

    fn actor() -> Actor {
        Actor {
            project_id: "p1".to_owned(),
            ..Actor::default()
        }
    }

    fn network(project: &str, shared: bool, subnets: usize) -> NetworkView {
        NetworkView {
            network: NetworkRow {
                project_id: project.to_owned(),
                shared,
                ..NetworkRow::default()
            },
            subnets: vec!["s".to_owned(); subnets],
        }
    }

    #[test]
    fn a_request_that_names_no_network_means_the_only_one() {
        let p1 = || network("p1", false, 1);
        for (all, auto, answer) in [
            (vec![], false, Ok(false)),
            (vec![], true, Err(400)),
            (vec![p1()], false, Ok(true)),
            (vec![p1(), network("p2", false, 1)], false, Ok(true)),
            (vec![p1(), network("p2", true, 1)], false, Err(409)),
            (vec![network("p1", false, 0)], false, Err(400)),
        ] {
            let found = only_network(&actor(), all, auto);
            let found = found
                .map(|view| view.is_some())
                .map_err(|e| e.compute_status());
            assert_eq!(found, answer);
        }
    }

    #[test]
    fn a_port_of_another_project_is_not_there_and_one_in_use_is_a_conflict() {
        let port = |project: &str, device: &str| PortView {
            port: Port {
                project_id: project.to_owned(),
                device_id: device.to_owned(),
                ..Port::default()
            },
            fixed_ips: Vec::new(),
            security_groups: Vec::new(),
        };
        for (found, code) in [
            (None, 400),
            (Some(port("p2", "")), 400),
            (Some(port("p1", "server")), 409),
            (Some(port("p1", "")), 400), // no address
        ] {
            let ended = check_port(&actor(), "id", found.as_ref());
            assert_eq!(ended.unwrap_err().compute_status(), code);
        }
    }

    #[test]
    fn groups_are_meant_by_id_or_by_a_name_that_is_one_groups() {
        let all: Vec<SecurityGroup> = ["web", "db", "db"]
            .iter()
            .map(|name| SecurityGroup::new("p1", name, ""))
            .collect();
        assert_eq!(group_named("web", &all).unwrap(), all[0].id);
        assert_eq!(group_named(&all[2].id, &all).unwrap(), all[2].id);
        assert_eq!(group_named("db", &all).unwrap_err().compute_status(), 409);
        let missing = group_named("nosuch", &all).unwrap_err();
        assert_eq!(missing.compute_status(), 400);
        assert_eq!(
            missing.to_string(),
            "Unable to find security_group with name or id 'nosuch'"
        );
    }
}
