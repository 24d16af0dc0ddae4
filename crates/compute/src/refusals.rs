//! What Nova refuses of a create whose body keeps to the schema, before it looks anything
//! up: rules of policy, and fields that do not go together. In Nova's words and order.

use serde_json::Value;
use tricircle_api::{Fault, Microversion};
use tricircle_db::models::Flavor;
use tricircle_gateway::Call;
use tricircle_network::RequestedNetworks;

use crate::ServerRequest;

const CREATE: &str = "os_compute_api:servers:create";

/// Refuses what is wrong with the request itself.
pub(crate) fn check(call: &Call, request: &ServerRequest) -> Result<(), Fault> {
    let Some(server) = request.server() else {
        return Ok(());
    };
    let given = |key: &str| server.get(key).is_some_and(|value| !is_empty(value));
    if request.min_count > request.max_count {
        return Err(Fault::bad_request("min_count must be <= max_count"));
    }
    if given("trusted_image_certificates") {
        call.require(&format!("{CREATE}:trusted_certs"))?;
    }
    let forced = request.zone_host.trim_start_matches(':');
    if request.zone_host.matches(':').count() > 2 {
        return Err(Fault::bad_request(
            "Invalid input received: Unable to parse availability_zone",
        ));
    }
    if !forced.is_empty() {
        call.require(&format!("{CREATE}:forced_host"))?;
    }
    let destined = given("host") || given("hypervisor_hostname");
    if destined && call.context.version() >= Microversion::new(2, 74) {
        call.require("compute:servers:create:requested_destination")?;
        if !forced.is_empty() {
            return Err(Fault::bad_request(
                "One mechanism with host and/or hypervisor_hostname and another mechanism with \
                 zone:host:node are mutually exclusive.",
            ));
        }
    }
    let disks = ["block_device_mapping", "block_device_mapping_v2"];
    if disks.iter().all(|key| server.contains_key(*key)) {
        return Err(Fault::bad_request(
            "Using different block_device_mapping syntaxes is not allowed in the same request.",
        ));
    }
    let has_disks = disks.iter().any(|key| given(key));
    if has_disks {
        call.require(&format!("{CREATE}:attach_volume"))?;
    }
    if request.image_id.is_none() && !has_disks {
        return Err(Fault::bad_request("Missing imageRef attribute"));
    }
    if let RequestedNetworks::List(_) | RequestedNetworks::Auto = &request.networks {
        call.require(&format!("{CREATE}:attach_network"))?;
    }
    several(request, given("hostname"))
}

/// What only one server of several could have.
fn several(request: &ServerRequest, hostname: bool) -> Result<(), Fault> {
    if request.max_count < 2 {
        return Ok(());
    }
    if let RequestedNetworks::List(nics) = &request.networks {
        let specified = |nic: &&tricircle_network::RequestedNic| {
            nic.port.is_none() && nic.uuid.is_some() && nic.fixed_ip.is_some()
        };
        if nics.iter().any(|nic| specified(&nic)) {
            return Err(Fault::bad_request(
                "Failed to launch instances: max_count cannot be greater than 1 if an fixed_ip is \
                 specified.",
            ));
        }
        if nics.iter().any(|nic| nic.port.is_some()) {
            return Err(Fault::bad_request(
                "Failed to launch instances: Unable to launch multiple instances with a single \
                 configured port ID. Please launch your instance one by one with different ports.",
            ));
        }
    }
    if hostname {
        return Err(Fault::bad_request(
            "Unable to allocate a single hostname to multiple instances",
        ));
    }
    Ok(())
}

/// Nova's 403 for a server on a local disk whose flavor has none, where that is not
/// allowed: its image would take as much as it likes.
pub(crate) fn check_disk(
    call: &Call,
    request: &ServerRequest,
    flavor: &Flavor,
) -> Result<(), Fault> {
    if flavor.root_gb > 0 || is_volume_backed(request) {
        return Ok(());
    }
    let allowed = call.require(&format!("{CREATE}:zero_disk_flavor"));
    allowed.map_err(|_| {
        Fault::forbidden("Only volume-backed servers are allowed for flavors with zero disk.")
    })
}

/// Whether the first disk that a server boots from is a volume.
fn is_volume_backed(request: &ServerRequest) -> bool {
    let Some(server) = request.server() else {
        return false;
    };
    if server
        .get("block_device_mapping")
        .is_some_and(|disks| !is_empty(disks))
    {
        return request.image_id.is_none();
    }
    let disks = server
        .get("block_device_mapping_v2")
        .and_then(Value::as_array)
        .map_or(&[][..], Vec::as_slice);
    let is_root = |disk: &&Value| match disk.get("boot_index") {
        Some(Value::String(text)) => text == "0",
        Some(number) => number.as_i64() == Some(0),
        None => false,
    };
    disks.iter().find(is_root).is_some_and(|disk| {
        let text = |key: &str| disk.get(key).and_then(Value::as_str);
        // A volume goes nowhere else; all other sources say where.
        text("source_type") == Some("volume") || text("destination_type") == Some("volume")
    })
}

/// Python's idea of nothing.
fn is_empty(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::String(text) => text.is_empty(),
        Value::Array(list) => list.is_empty(),
        Value::Object(map) => map.is_empty(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: &str = "0b0aa3ce-7d6c-4a53-8d5f-3a1d2a3b4c5d";

    fn read(fields: Value) -> ServerRequest {
        let mut server = json!({"name": "vm", "flavorRef": "1"});
        for (key, value) in fields.as_object().unwrap() {
            server[key] = value.clone();
        }
        ServerRequest::read(&json!({ "server": server })).unwrap()
    }

    #[test]
    fn what_only_one_may_have_is_refused_of_several() {
        let refused = |fields: Value, hostname: bool| {
            let refused = several(&read(fields), hostname).err();
            refused.map(|fault| fault.message().to_owned())
        };
        let port = json!({"networks": [{"port": ID}], "max_count": 2});
        assert!(
            refused(port, false)
                .unwrap()
                .contains("single configured port ID")
        );
        let fixed = json!({"networks": [{"uuid": ID, "fixed_ip": "10.0.0.5"}], "max_count": 2});
        assert!(
            refused(fixed, false)
                .unwrap()
                .contains("fixed_ip is specified")
        );
        assert!(
            refused(json!({"max_count": 2}), true)
                .unwrap()
                .contains("hostname")
        );
        assert_eq!(refused(json!({"networks": [{"port": ID}]}), true), None);
        assert_eq!(refused(json!({"max_count": 2}), false), None);
    }

    #[test]
    fn a_server_is_backed_by_the_disk_it_boots_from() {
        for (disks, backed) in [
            (json!([]), false),
            (
                json!([{"source_type": "volume", "uuid": ID, "boot_index": 0}]),
                true,
            ),
            (
                json!([{"source_type": "volume", "uuid": ID, "boot_index": "0"}]),
                true,
            ),
            (
                json!([{"source_type": "volume", "uuid": ID, "boot_index": 1}]),
                false,
            ),
            (
                json!([{"source_type": "image", "uuid": ID, "boot_index": 0,
                    "destination_type": "local"}]),
                false,
            ),
            (
                json!([{"source_type": "image", "uuid": ID, "boot_index": 0,
                    "destination_type": "volume"}]),
                true,
            ),
        ] {
            let request = read(json!({"block_device_mapping_v2": disks}));
            assert_eq!(is_volume_backed(&request), backed, "{disks}");
        }
    }
}
