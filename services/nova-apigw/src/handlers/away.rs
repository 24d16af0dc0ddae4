//! Servers in a pod that does not answer, as Nova shows servers in a cell that is down
//! (the Compute API guide's "Handling Down Cells"): what the routing knows, with the
//! status UNKNOWN.

use serde_json::{Map, Value, json};
use tricircle_api::{Fault, Microversion};
use tricircle_db::models::{Flavor, Routing};
use tricircle_gateway::{AwayRecords, Call};

use super::links;
use crate::state::State;

const fn since(minor: u16) -> Microversion {
    Microversion::new(2, minor)
}

/// What lists have of such servers. The filters are those that Nova lets users give.
pub(crate) static RECORDS: AwayRecords = AwayRecords {
    since: since(69),
    filters: &[
        ("reservation_id", since(1)),
        ("name", since(1)),
        ("status", since(1)),
        ("image", since(1)),
        ("flavor", since(1)),
        ("ip", since(1)),
        ("changes-since", since(1)),
        ("ip6", since(5)),
        ("tags", since(26)),
        ("tags-any", since(26)),
        ("not-tags", since(26)),
        ("not-tags-any", since(26)),
        ("changes-before", since(66)),
        ("locked", since(73)),
        ("availability_zone", since(83)),
        ("config_drive", since(83)),
        ("key_name", since(83)),
        ("created_at", since(83)),
        ("launched_at", since(83)),
        ("terminated_at", since(83)),
        ("power_state", since(83)),
        ("task_state", since(83)),
        ("vm_state", since(83)),
        ("progress", since(83)),
        ("user_id", since(83)),
        ("hostname", since(90)),
    ],
    all_filters_rule: "os_compute_api:servers:allow_all_filters",
    rules: [
        "os_compute_api:servers:index",
        "os_compute_api:servers:detail",
    ],
    all_projects_rules: [
        "os_compute_api:servers:index:get_all_tenants",
        "os_compute_api:servers:detail:get_all_tenants",
    ],
    record,
};

fn record(call: &Call, routing: &Routing, brief: bool) -> Value {
    let id = routing.top_id.as_deref().unwrap_or_default();
    let links = links(call, &format!("/servers/{id}"));
    match brief {
        true => json!({"id": id, "status": "UNKNOWN", "links": links}),
        false => json!({
            "id": id,
            "status": "UNKNOWN",
            "tenant_id": routing.project_id,
            "created": routing.created_at.format("%Y-%m-%dT%H:%M:%SZ").to_string(),
            "links": links,
        }),
    }
}

/// The body of a show.
pub(crate) async fn shown(state: &State, call: &Call, routing: &Routing) -> Result<Value, Fault> {
    let flavor = match &routing.flavor_id {
        Some(id) => state.compute.store.flavor_by_flavor_id(id).await?,
        None => None,
    };
    let mut server = record(call, routing, false);
    let version = call.context.version();
    let zone = routing.availability_zone.as_deref();
    let user = Some(routing.user_id.as_str());
    let known = |text: Option<&str>| json!(text.filter(|t| !t.is_empty()).unwrap_or("UNKNOWN"));
    server["image"] = image(call, routing.image_id.as_deref(), version);
    server["flavor"] = flavor.map_or_else(|| json!({}), |flavor| embedded(&flavor));
    server["OS-EXT-AZ:availability_zone"] = known(zone);
    server["OS-EXT-STS:power_state"] = json!(0);
    server["user_id"] = known(user);
    if version >= since(71) {
        server["server_groups"] = json!([]);
    }
    Ok(json!({ "server": server }))
}

/// The image's id and link; an empty text for a server that was booted from a volume.
fn image(call: &Call, id: Option<&str>, version: Microversion) -> Value {
    let Some(id) = id.filter(|id| !id.is_empty()) else {
        return json!("");
    };
    let href = format!("{}/images/{id}", call.top_root);
    let mut image = json!({"id": id, "links": [{"rel": "bookmark", "href": href}]});
    if version >= since(98) {
        image["properties"] = json!({});
    }
    image
}

/// A flavor as servers embed it from 2.47 on.
fn embedded(flavor: &Flavor) -> Value {
    let mut shown = Map::new();
    shown.insert("vcpus".to_owned(), json!(flavor.vcpus));
    shown.insert("ram".to_owned(), json!(flavor.memory_mb));
    shown.insert("disk".to_owned(), json!(flavor.root_gb));
    shown.insert("ephemeral".to_owned(), json!(flavor.ephemeral_gb));
    shown.insert("swap".to_owned(), json!(flavor.swap_mb));
    shown.insert("original_name".to_owned(), json!(flavor.name));
    let specs = serde_json::from_str(&flavor.extra_specs).unwrap_or_else(|_| json!({}));
    shown.insert("extra_specs".to_owned(), specs);
    Value::Object(shown)
}
