//! Regions, services, endpoints, and the catalog made of them.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::{KeystoneState, bad_request, fault, filter_by, linked, listing, member, not_found};
use crate::ids;
use crate::request::{Reply, Request};

impl KeystoneState {
    /// Makes sure that a region is there.
    pub(crate) fn ensure_region(&mut self, id: &str, parent: Option<&str>) {
        self.regions
            .entry(id.to_owned())
            .or_insert_with(|| json!({"id": id, "description": "", "parent_region_id": parent}));
    }

    /// Registers an endpoint in all three interfaces; makes the service and the
    /// region if they are missing. Endpoints of the same region and type that
    /// were there before are replaced.
    pub(crate) fn register_endpoint(&mut self, region: &str, service_type: &str, url: &str) {
        self.ensure_region(region, None);
        let service_id = self.ensure_service(service_type);
        self.endpoints.retain(|_, endpoint| {
            field(endpoint, "region_id") != Some(region)
                || field(endpoint, "service_id") != Some(&service_id)
        });
        for interface in ["public", "internal", "admin"] {
            let id = ids::hex_id();
            let endpoint = json!({
                "id": id, "interface": interface, "region_id": region,
                "service_id": service_id, "url": url, "enabled": true, "region": region,
            });
            self.endpoints.insert(id, endpoint);
        }
    }

    fn ensure_service(&mut self, service_type: &str) -> String {
        let found = self
            .services
            .iter()
            .find(|(_, service)| field(service, "type") == Some(service_type))
            .map(|(id, _)| id.clone());
        found.unwrap_or_else(|| {
            let name = match service_type {
                "identity" => "keystone",
                "compute" => "nova",
                "network" => "neutron",
                "volumev3" => "cinderv3",
                "block-storage" => "cinder",
                "image" => "glance",
                other => other,
            };
            let id = ids::hex_id();
            let service = json!({"name": name, "id": id, "type": service_type, "enabled": true});
            self.services.insert(id.clone(), service);
            id
        })
    }
}

fn field<'a>(value: &'a Value, key: &str) -> Option<&'a str> {
    value.get(key).and_then(Value::as_str)
}

/// The catalog as a token of `project` and `user` shows it.
pub(super) fn catalog(state: &KeystoneState, project: &str, user: &str) -> Vec<Value> {
    let enabled = |value: &Value| value.get("enabled") != Some(&Value::Bool(false));
    let mut by_service: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for (id, endpoint) in state.endpoints.iter().filter(|(_, e)| enabled(e)) {
        let (Some(service), Some(url)) = (field(endpoint, "service_id"), field(endpoint, "url"))
        else {
            continue;
        };
        by_service.entry(service).or_default().push(json!({
            "id": id,
            "interface": endpoint["interface"],
            "region_id": endpoint["region_id"],
            "url": substitute(url, project, user),
            "region": endpoint["region_id"],
        }));
    }
    state
        .services
        .iter()
        .filter(|(_, service)| enabled(service))
        .map(|(id, service)| {
            json!({
                "endpoints": by_service.remove(id.as_str()).unwrap_or_default(),
                "id": id,
                "type": service["type"],
                "name": service["name"],
            })
        })
        .collect()
}

fn substitute(url: &str, project: &str, user: &str) -> String {
    let mut url = url.to_owned();
    for (key, value) in [
        ("tenant_id", project),
        ("project_id", project),
        ("user_id", user),
    ] {
        for pattern in [format!("$({key})s"), format!("%({key})s")] {
            url = url.replace(&pattern, value);
        }
    }
    url
}

/// Regions, services and endpoints; the caller was let in already.
pub(super) fn route(
    state: &mut KeystoneState,
    request: &Request,
    path: &[&str],
) -> Result<Reply, Reply> {
    let url = state.url.clone();
    let (plural, rest) = path.split_first().ok_or_else(Reply::not_found_page)?;
    let (singular, filters): (&str, &[&str]) = match *plural {
        "regions" => ("region", &["parent_region_id"]),
        "services" => ("service", &["type", "name"]),
        _ => ("endpoint", &["interface", "service_id", "region_id"]),
    };
    match (request.method.as_str(), rest) {
        ("GET", []) => {
            let items = table(state, plural)
                .iter()
                .map(|(id, value)| linked(&url, plural, id, value))
                .collect();
            Ok(listing(request, plural, filter_by(request, items, filters)))
        }
        ("POST", []) => {
            let given = member(request, singular)?;
            let id = given_id(singular, &given);
            let value = build(state, singular, &id, given)?;
            let shown = linked(&url, plural, &id, &value);
            table(state, plural).insert(id, value);
            Ok(Reply::json(201, json!({ singular: shown })))
        }
        ("GET", [id]) => {
            let value = table(state, plural)
                .get(*id)
                .ok_or_else(|| not_found(singular, id))?;
            Ok(Reply::ok(
                json!({singular: linked(&url, plural, id, value)}),
            ))
        }
        ("PATCH", [id]) => {
            let given = member(request, singular)?;
            let value = table(state, plural)
                .get_mut(*id)
                .ok_or_else(|| not_found(singular, id))?;
            if let Some(object) = value.as_object_mut() {
                object.extend(given.into_iter().filter(|(key, _)| key != "id"));
            }
            Ok(Reply::ok(
                json!({singular: linked(&url, plural, id, value)}),
            ))
        }
        ("DELETE", [id]) => {
            table(state, plural)
                .remove(*id)
                .ok_or_else(|| not_found(singular, id))?;
            if *plural == "services" {
                state
                    .endpoints
                    .retain(|_, endpoint| field(endpoint, "service_id") != Some(id));
            }
            Ok(Reply::empty(204))
        }
        _ => Err(Reply::not_found_page()),
    }
}

fn table<'a>(state: &'a mut KeystoneState, plural: &str) -> &'a mut BTreeMap<String, Value> {
    match plural {
        "regions" => &mut state.regions,
        "services" => &mut state.services,
        _ => &mut state.endpoints,
    }
}

fn given_id(singular: &str, given: &Map<String, Value>) -> String {
    match (singular, given.get("id").and_then(Value::as_str)) {
        ("region", Some(id)) => id.to_owned(),
        _ => ids::hex_id(),
    }
}

fn build(
    state: &KeystoneState,
    singular: &str,
    id: &str,
    given: Map<String, Value>,
) -> Result<Value, Reply> {
    let required = |keys: &[&str]| {
        keys.iter()
            .find(|key| !given.contains_key(**key))
            .map_or(Ok(()), |key| {
                Err(bad_request(&format!(
                    "Invalid input for field/attribute {singular}. '{key}' is a required property"
                )))
            })
    };
    let mut value = match singular {
        "region" => {
            if state.regions.contains_key(id) {
                return Err(fault(
                    409,
                    "Conflict",
                    &format!("Conflict occurred attempting to store region - Duplicate ID, {id}.."),
                ));
            }
            json!({"id": id, "description": "", "parent_region_id": null})
        }
        "service" => {
            required(&["type"])?;
            json!({"id": id, "enabled": true})
        }
        _ => {
            required(&["service_id", "interface", "url"])?;
            let region = given.get("region_id").or_else(|| given.get("region"));
            check_endpoint(state, &given, region)?;
            json!({"id": id, "enabled": true, "region": region, "region_id": region})
        }
    };
    if let Some(object) = value.as_object_mut() {
        object.extend(given.into_iter().filter(|(key, _)| key != "id"));
    }
    Ok(value)
}

fn check_endpoint(
    state: &KeystoneState,
    given: &Map<String, Value>,
    region: Option<&Value>,
) -> Result<(), Reply> {
    if let Some(region) = region.and_then(Value::as_str)
        && !state.regions.contains_key(region)
    {
        return Err(bad_request(
            "Expecting to find endpoint region_id in region table. The server could not comply \
             with the request since it is either malformed or otherwise incorrect. The client \
             is assumed to be in error.",
        ));
    }
    let service = given
        .get("service_id")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if !state.services.contains_key(service) {
        return Err(not_found("service", service));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_catalog_fills_in_the_project_in_both_notations() {
        let mut state = KeystoneState::default();
        state.register_endpoint("Pod1", "volumev3", "http://x/v3/$(project_id)s");
        state.register_endpoint("Pod2", "volumev3", "http://y/v3/%(tenant_id)s");
        let catalog = catalog(&state, "p", "u");
        assert_eq!(catalog.len(), 1);
        let urls: Vec<&str> = catalog[0]["endpoints"]
            .as_array()
            .unwrap()
            .iter()
            .filter(|e| e["interface"] == "public")
            .map(|e| e["url"].as_str().unwrap())
            .collect();
        assert_eq!(urls.len(), 2);
        assert!(urls.contains(&"http://x/v3/p") && urls.contains(&"http://y/v3/p"));
    }

    #[test]
    fn registering_again_replaces_the_url() {
        let mut state = KeystoneState::default();
        state.register_endpoint("R", "compute", "http://old");
        state.register_endpoint("R", "compute", "http://new");
        assert_eq!(state.endpoints.len(), 3);
        assert!(state.endpoints.values().all(|e| e["url"] == "http://new"));
    }
}
