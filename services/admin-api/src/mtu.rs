//! The largest MTU that a network may have in a pod.
//!
//! Neutron shows it nowhere. It tells it when it refuses a network that wants more, which
//! leaves nothing behind.

use serde_json::{Value, json};
use tricircle_api::Fault;
use tricircle_pods::{PodError, PodSession, Service};

use crate::registration::fault_of;
use crate::state::State;

/// More than any wire carries.
const TOO_MUCH: u32 = 1_000_000;

/// What Neutron's refusal says before the number.
const REFUSAL: &str = "Requested MTU is too big, maximum is ";

/// Asks a pod. None: it does not say, or has no limit.
pub(crate) async fn largest(state: &State, session: &PodSession) -> Result<Option<i32>, Fault> {
    let options = &state.config.tricircle;
    let Some(range) = options.network_vlan_ranges.first() else {
        return Ok(None);
    };
    let region = session.pod().region();
    let mut mappings = options.physical_network_mappings.iter();
    let there = mappings
        .find(|one| one.region == region && one.top == range.physical_network)
        .map_or(&range.physical_network, |one| &one.bottom);
    let probe = json!({"network": {
        "name": "tricircle-mtu-probe",
        "provider:network_type": "vlan",
        "provider:physical_network": there,
        "mtu": TOO_MUCH,
    }});
    match session
        .post_json(Service::Network, "/networks", &probe)
        .await
    {
        Err(PodError::Status { message, .. }) => Ok(in_refusal(&message)),
        Err(error) => Err(fault_of(error)),
        // A pod without any limit made it.
        Ok(made) => {
            if let Some(id) = made.pointer("/network/id").and_then(Value::as_str) {
                let path = format!("/networks/{id}");
                let gone = session.delete(Service::Network, &path).await;
                gone.map_err(fault_of)?;
            }
            Ok(None)
        }
    }
}

/// The number in Neutron's refusal.
fn in_refusal(message: &str) -> Option<i32> {
    let (_, rest) = message.split_once(REFUSAL)?;
    let end = rest
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(rest.len());
    rest.get(..end)?.parse().ok().filter(|mtu| *mtu > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_number_is_read_from_the_refusal_and_from_nothing_else() {
        for (message, mtu) in [
            (
                "Invalid input for operation: Requested MTU is too big, maximum is 1500.",
                Some(1500),
            ),
            ("Requested MTU is too big, maximum is 9000", Some(9000)),
            ("Requested MTU is too big, maximum is 0.", None),
            ("Requested MTU is too big, maximum is 99999999999.", None),
            (
                "physical_network 'x' unknown for VLAN provider network",
                None,
            ),
            ("", None),
        ] {
            assert_eq!(in_refusal(message), mtu, "{message}");
        }
    }
}
