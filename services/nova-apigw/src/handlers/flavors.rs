//! Flavors: kept at the top, made in pods when first needed.

use actix_web::HttpResponse;
use actix_web::web::Payload;
use serde_json::{Map, Value, json};
use tricircle_api::{Fault, Microversion};
use tricircle_db::DbError;
use tricircle_db::models::Flavor;
use tricircle_gateway::Call;

use super::{links, read};
use crate::state::State;

fn since(call: &Call, minor: u16) -> bool {
    call.context.version() >= Microversion::new(2, minor)
}

fn brief(call: &Call, flavor: &Flavor) -> Value {
    let mut item = json!({
        "id": flavor.flavor_id, "name": flavor.name,
        "links": links(call, &format!("/flavors/{}", flavor.flavor_id)),
    });
    if since(call, 55) {
        item["description"] = json!(flavor.description);
    }
    item
}

fn detailed(call: &Call, flavor: &Flavor) -> Value {
    let mut item = brief(call, flavor);
    item["ram"] = json!(flavor.memory_mb);
    item["disk"] = json!(flavor.root_gb);
    item["vcpus"] = json!(flavor.vcpus);
    item["swap"] = match flavor.swap_mb {
        0 if !since(call, 75) => json!(""),
        swap => json!(swap),
    };
    item["OS-FLV-EXT-DATA:ephemeral"] = json!(flavor.ephemeral_gb);
    item["OS-FLV-DISABLED:disabled"] = json!(flavor.disabled);
    item["os-flavor-access:is_public"] = json!(flavor.is_public);
    item["rxtx_factor"] = json!(flavor.rxtx_factor);
    if since(call, 61) {
        item["extra_specs"] = specs_of(flavor);
    }
    item
}

fn specs_of(flavor: &Flavor) -> Value {
    serde_json::from_str(&flavor.extra_specs).unwrap_or_else(|_| json!({}))
}

fn missing(id: &str) -> Fault {
    Fault::not_found(format!("Flavor {id} could not be found."))
}

/// The flavor in the path, if the caller may see it.
async fn find(state: &State, call: &Call) -> Result<Flavor, Fault> {
    let id = call.param("flavor");
    let store = &state.compute.store;
    let flavor = store
        .flavor_by_flavor_id(id)
        .await?
        .ok_or_else(|| missing(id))?;
    if flavor.is_public || call.context.is_admin() {
        return Ok(flavor);
    }
    let granted = store.flavor_access_list(id).await?;
    if granted.contains(&call.context.project_id) {
        Ok(flavor)
    } else {
        Err(missing(id))
    }
}

/// `GET /flavors` and `/flavors/detail`: filters `is_public`, `minDisk`, `minRam`, sort
/// and paging.
pub(crate) async fn index(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let pairs = call.query_pairs();
    let get = |name: &str| {
        pairs
            .iter()
            .find(|(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    };
    let number = |name: &'static str| match get(name) {
        None => Ok(None),
        Some(text) => text
            .parse::<i32>()
            .map(Some)
            .map_err(|_| Fault::bad_request(format!("Invalid {name} filter [{text}]"))),
    };
    let (min_disk, min_ram) = (number("minDisk")?, number("minRam")?);
    let admin = call.context.is_admin();
    let project = call.context.project_id.as_str();
    let everything = admin && get("is_public").is_some();
    let visible_to = (!everything).then_some(project);
    let mut flavors = state.compute.store.flavors(visible_to).await?;
    if admin {
        match get("is_public").map(str::to_ascii_lowercase).as_deref() {
            Some("0" | "f" | "false" | "no") => flavors.retain(|flavor| !flavor.is_public),
            Some("none") => {}
            Some(_) => flavors.retain(|flavor| flavor.is_public),
            None => {}
        }
    }
    flavors.retain(|flavor| {
        min_disk.is_none_or(|least| flavor.root_gb >= least)
            && min_ram.is_none_or(|least| flavor.memory_mb >= least)
    });
    sort(&mut flavors, get("sort_key"), get("sort_dir"))?;
    if let Some(marker) = get("marker") {
        let place = flavors
            .iter()
            .position(|flavor| flavor.flavor_id == marker)
            .ok_or_else(|| Fault::bad_request(format!("marker [{marker}] not found")))?;
        flavors.drain(..=place);
    }
    let max = usize::try_from(state.compute.config.tricircle.max_limit).unwrap_or(1000);
    let limit = match get("limit") {
        None => max,
        Some(text) => text
            .parse::<usize>()
            .map_err(|_| Fault::bad_request("limit must be an integer of 0 or more"))?
            .min(max),
    };
    let more = flavors.len() > limit && limit > 0;
    flavors.truncate(limit);
    let is_detail = call.path.trim_end_matches('/').ends_with("/detail");
    let render = if is_detail { detailed } else { brief };
    let list: Vec<Value> = flavors.iter().map(|flavor| render(&call, flavor)).collect();
    let mut answer = json!({"flavors": list});
    if let (true, Some(last)) = (more, flavors.last()) {
        let path = call.request.uri().path();
        let query = tricircle_api::links::with_parameters(
            call.query(),
            &["marker"],
            &[("marker", &last.flavor_id)],
        );
        answer["flavors_links"] =
            json!([{"rel": "next", "href": format!("{}{path}?{query}", call.top_root)}]);
    }
    Ok(HttpResponse::Ok().json(answer))
}

fn sort(flavors: &mut [Flavor], key: Option<&str>, dir: Option<&str>) -> Result<(), Fault> {
    match key.unwrap_or("flavorid") {
        "flavorid" | "id" => flavors.sort_by(|a, b| a.flavor_id.cmp(&b.flavor_id)),
        "name" => flavors.sort_by(|a, b| a.name.cmp(&b.name)),
        "memory_mb" => flavors.sort_by_key(|flavor| flavor.memory_mb),
        "vcpus" => flavors.sort_by_key(|flavor| flavor.vcpus),
        "root_gb" => flavors.sort_by_key(|flavor| flavor.root_gb),
        "created_at" => flavors.sort_by_key(|flavor| flavor.created_at),
        other => {
            return Err(Fault::bad_request(format!(
                "Invalid input for query parameters sort_key. Value: {other}."
            )));
        }
    }
    if dir == Some("desc") {
        flavors.reverse();
    }
    Ok(())
}

/// `GET /flavors/{id}`.
pub(crate) async fn show(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let flavor = find(&state, &call).await?;
    Ok(HttpResponse::Ok().json(json!({"flavor": detailed(&call, &flavor)})))
}

/// `POST /flavors`.
pub(crate) async fn create(
    state: State,
    call: Call,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    let (body, _) = read(&call, payload).await?;
    let flavor = parse(&body)?;
    match state.compute.store.flavor_create(&flavor).await {
        Ok(()) => {}
        Err(DbError::Duplicate(_)) => {
            let same_id = state
                .compute
                .store
                .flavor_by_flavor_id(&flavor.flavor_id)
                .await?;
            return Err(Fault::conflict(match same_id {
                Some(_) => format!("Flavor with ID {} already exists.", flavor.flavor_id),
                None => format!("Flavor with name {} already exists.", flavor.name),
            }));
        }
        Err(error) => return Err(error.into()),
    }
    if !flavor.is_public {
        state
            .compute
            .store
            .flavor_access_add(&flavor.flavor_id, &call.context.project_id)
            .await?;
    }
    Ok(HttpResponse::Ok().json(json!({"flavor": detailed(&call, &flavor)})))
}

/// Reads the body of a create, in the bounds of Nova's schema.
fn parse(body: &Map<String, Value>) -> Result<Flavor, Fault> {
    let invalid = |field: &str, value: &Value| {
        Fault::bad_request(format!(
            "Invalid input for field/attribute {field}. Value: {}. It is not valid for a flavor",
            tricircle_api::json::python_repr(value)
        ))
    };
    let Some(Value::Object(wanted)) = body.get("flavor") else {
        return Err(Fault::bad_request(
            "Invalid input for field/attribute flavor. 'flavor' is a required property",
        ));
    };
    let number = |key: &str, least: i64, default: Option<i32>| {
        let value = match wanted.get(key) {
            None | Some(Value::Null) => {
                return default.ok_or_else(|| {
                    Fault::bad_request(format!(
                        "Invalid input for field/attribute flavor. '{key}' is a required property"
                    ))
                });
            }
            Some(value) => value,
        };
        let read = match value {
            Value::Number(number) => number.as_i64(),
            Value::String(text) => text.parse().ok(),
            _ => None,
        };
        read.filter(|number| *number >= least)
            .and_then(|number| i32::try_from(number).ok())
            .ok_or_else(|| invalid(key, value))
    };
    let name = match wanted.get("name") {
        Some(Value::String(name)) if (1..=255).contains(&name.trim().chars().count()) => {
            name.trim().to_owned()
        }
        other => return Err(invalid("name", other.unwrap_or(&Value::Null))),
    };
    let flavor_id = match wanted.get("id").or_else(|| wanted.get("flavorid")) {
        None | Some(Value::Null) => uuid::Uuid::new_v4().to_string(),
        Some(Value::String(id)) if id == "auto" => uuid::Uuid::new_v4().to_string(),
        Some(Value::String(id)) if !id.is_empty() && id.len() <= 255 && id.trim() == id => {
            id.clone()
        }
        Some(Value::Number(id)) => id.to_string(),
        Some(other) => return Err(invalid("id", other)),
    };
    let is_public = match wanted.get("os-flavor-access:is_public") {
        None | Some(Value::Null) => true,
        Some(Value::Bool(yes)) => *yes,
        Some(Value::String(text)) => match text.to_ascii_lowercase().as_str() {
            "true" | "1" | "on" | "yes" => true,
            "false" | "0" | "off" | "no" => false,
            _ => return Err(invalid("os-flavor-access:is_public", &json!(text))),
        },
        Some(other) => return Err(invalid("os-flavor-access:is_public", other)),
    };
    let now = tricircle_db::now();
    Ok(Flavor {
        id: uuid::Uuid::new_v4().to_string(),
        flavor_id,
        name,
        memory_mb: number("ram", 1, None)?,
        vcpus: number("vcpus", 1, None)?,
        root_gb: number("disk", 0, None)?,
        ephemeral_gb: number("OS-FLV-EXT-DATA:ephemeral", 0, Some(0))?,
        swap_mb: number("swap", 0, Some(0))?,
        rxtx_factor: match wanted.get("rxtx_factor") {
            None | Some(Value::Null) => 1.0,
            Some(Value::Number(factor)) => factor.as_f64().unwrap_or(1.0),
            Some(Value::String(text)) => text
                .parse()
                .map_err(|_| invalid("rxtx_factor", &json!(text)))?,
            Some(other) => return Err(invalid("rxtx_factor", other)),
        },
        is_public,
        disabled: false,
        description: wanted
            .get("description")
            .and_then(Value::as_str)
            .map(str::to_owned),
        extra_specs: "{}".to_owned(),
        created_at: now,
        updated_at: now,
    })
}

/// `PUT /flavors/{id}`: the description, from 2.55.
pub(crate) async fn update(
    state: State,
    call: Call,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    let (body, _) = read(&call, payload).await?;
    let mut flavor = find(&state, &call).await?;
    let Some(wanted) = body.get("flavor").and_then(|f| f.get("description")) else {
        return Err(Fault::bad_request(
            "Invalid input for field/attribute flavor. 'description' is a required property",
        ));
    };
    flavor.description = wanted.as_str().map(str::to_owned);
    let store = &state.compute.store;
    store
        .flavor_set_description(&flavor.flavor_id, flavor.description.as_deref())
        .await?;
    Ok(HttpResponse::Ok().json(json!({"flavor": detailed(&call, &flavor)})))
}

/// `DELETE /flavors/{id}`. Servers keep what they have of it; pods keep their copy.
pub(crate) async fn delete(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let id = call.param("flavor");
    if state.compute.store.flavor_delete(id).await? {
        Ok(HttpResponse::Accepted().finish())
    } else {
        Err(missing(id))
    }
}

/// `POST /flavors/{id}/action`: who may use a private flavor.
pub(crate) async fn action(
    state: State,
    call: Call,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    let (body, _) = read(&call, payload).await?;
    let flavor = find(&state, &call).await?;
    let store = &state.compute.store;
    let tenant = |key: &str| {
        body.get(key)
            .and_then(|action| action.get("tenant"))
            .and_then(Value::as_str)
    };
    let id = &flavor.flavor_id;
    if let Some(project) = tenant("addTenantAccess") {
        call.require("os_compute_api:os-flavor-access:add_tenant_access")?;
        if flavor.is_public {
            return Err(Fault::conflict("Can not add access to a public flavor."));
        }
        match store.flavor_access_add(id, project).await {
            Ok(()) => {}
            Err(DbError::Duplicate(_)) => {
                return Err(Fault::conflict(format!(
                    "Flavor access already exists for flavor {id} and project {project} combination."
                )));
            }
            Err(error) => return Err(error.into()),
        }
    } else if let Some(project) = tenant("removeTenantAccess") {
        call.require("os_compute_api:os-flavor-access:remove_tenant_access")?;
        if !store.flavor_access_remove(id, project).await? {
            return Err(Fault::not_found(format!(
                "Flavor access not found for {id} / {project} combination."
            )));
        }
    } else {
        return Err(Fault::bad_request("There is no such action"));
    }
    access_of(&state, id).await
}

/// `GET /flavors/{id}/os-flavor-access`.
pub(crate) async fn access(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let flavor = find(&state, &call).await?;
    if flavor.is_public {
        return Err(Fault::not_found(
            "Access list not available for public flavors.",
        ));
    }
    access_of(&state, &flavor.flavor_id).await
}

async fn access_of(state: &State, flavor_id: &str) -> Result<HttpResponse, Fault> {
    let projects = state.compute.store.flavor_access_list(flavor_id).await?;
    let list: Vec<Value> = projects
        .into_iter()
        .map(|project| json!({"flavor_id": flavor_id, "tenant_id": project}))
        .collect();
    Ok(HttpResponse::Ok().json(json!({"flavor_access": list})))
}

/// `GET /flavors/{id}/os-extra_specs`.
pub(crate) async fn specs(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let flavor = find(&state, &call).await?;
    Ok(HttpResponse::Ok().json(json!({"extra_specs": specs_of(&flavor)})))
}

/// `GET /flavors/{id}/os-extra_specs/{key}`.
pub(crate) async fn spec(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let flavor = find(&state, &call).await?;
    let key = call.param("key");
    match specs_of(&flavor).get(key) {
        Some(value) => Ok(HttpResponse::Ok().json(json!({ key: value }))),
        None => Err(no_spec(&flavor, key)),
    }
}

fn no_spec(flavor: &Flavor, key: &str) -> Fault {
    Fault::not_found(format!(
        "Flavor {} has no extra specs with key {key}.",
        flavor.flavor_id
    ))
}

/// `POST …/os-extra_specs` and `PUT …/os-extra_specs/{key}`.
pub(crate) async fn set_specs(
    state: State,
    call: Call,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    let (body, _) = read(&call, payload).await?;
    let flavor = find(&state, &call).await?;
    let key = call.param("key");
    let wanted = match key {
        "" => body.get("extra_specs").and_then(Value::as_object).cloned(),
        key => body
            .get(key)
            .filter(|_| body.len() == 1)
            .map(|value| Map::from_iter([(key.to_owned(), value.clone())])),
    };
    let wanted = wanted
        .ok_or_else(|| Fault::bad_request("Invalid input for field/attribute extra_specs."))?;
    let mut specs = specs_of(&flavor);
    for (key, value) in &wanted {
        let text = match value {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            other => {
                return Err(Fault::bad_request(format!(
                    "Invalid input for field/attribute {key}. Value: {}.",
                    tricircle_api::json::python_repr(other)
                )));
            }
        };
        specs[key.as_str()] = json!(text);
    }
    save_specs(&state, &flavor, &specs).await?;
    Ok(HttpResponse::Ok().json(match key {
        "" => json!({"extra_specs": wanted}),
        _ => Value::Object(wanted),
    }))
}

/// `DELETE …/os-extra_specs/{key}`.
pub(crate) async fn delete_spec(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let flavor = find(&state, &call).await?;
    let key = call.param("key");
    let mut specs = specs_of(&flavor);
    let removed = specs.as_object_mut().and_then(|map| map.remove(key));
    if removed.is_none() {
        return Err(no_spec(&flavor, key));
    }
    save_specs(&state, &flavor, &specs).await?;
    Ok(HttpResponse::Ok().finish())
}

async fn save_specs(state: &State, flavor: &Flavor, specs: &Value) -> Result<(), Fault> {
    state
        .compute
        .store
        .flavor_set_extra_specs(&flavor.flavor_id, &specs.to_string())
        .await?;
    Ok(())
}
