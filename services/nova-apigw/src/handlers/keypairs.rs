//! Keypairs: kept at the top. A pod's Nova checks or generates them, so that the top
//! needs no key formats of its own, and has the first copy.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::web::Payload;
use serde_json::{Value, json};
use tricircle_api::{Fault, Microversion};
use tricircle_db::DbError;
use tricircle_db::models::{Keypair, Realization, RealizationKind};
use tricircle_gateway::{Call, pod_fault};
use tricircle_pods::{PodError, Service};

use super::read;
use crate::state::State;

fn typed(call: &Call) -> bool {
    call.context.version() >= Microversion::new(2, 2)
}

fn brief(call: &Call, keypair: &Keypair) -> Value {
    let mut item = json!({
        "name": keypair.name, "public_key": keypair.public_key,
        "fingerprint": keypair.fingerprint,
    });
    if typed(call) {
        item["type"] = json!(keypair.key_type);
    }
    item
}

/// Lists the user's keypairs.
pub(crate) async fn index(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let user_id = user_asked_for(&call, "os_compute_api:os-keypairs:index")?;
    let keypairs = state.compute.store.keypairs(&user_id).await?;
    let list: Vec<Value> = keypairs
        .iter()
        .map(|keypair| json!({"keypair": brief(&call, keypair)}))
        .collect();
    Ok(HttpResponse::Ok().json(json!({"keypairs": list})))
}

/// Whose keypairs the call is about: from 2.10 on the query may name another user, for
/// those whom the rule allows it.
fn user_asked_for(call: &Call, rule: &str) -> Result<String, Fault> {
    let asked = (call.context.version() >= Microversion::new(2, 10))
        .then(|| call.query_pairs())
        .into_iter()
        .flatten()
        .find(|(key, _)| key == "user_id")
        .map(|(_, user_id)| user_id);
    let user_id = asked.unwrap_or_else(|| call.context.user_id.clone());
    call.require_on(rule, &call.context.project_id, &user_id)?;
    Ok(user_id)
}

async fn find(state: &State, call: &Call, rule: &str) -> Result<Keypair, Fault> {
    let (user_id, name) = (&user_asked_for(call, rule)?, call.param("name"));
    let found = state.compute.store.keypair_by_name(user_id, name).await?;
    found.ok_or_else(|| Fault::not_found(format!("Keypair {name} not found for user {user_id}")))
}

/// Shows a keypair.
pub(crate) async fn show(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let keypair = find(&state, &call, "os_compute_api:os-keypairs:show").await?;
    let mut item = brief(&call, &keypair);
    item["created_at"] = json!(
        keypair
            .created_at
            .format("%Y-%m-%dT%H:%M:%S.%6f")
            .to_string()
    );
    item["deleted"] = json!(false);
    item["deleted_at"] = Value::Null;
    item["updated_at"] = Value::Null;
    item["id"] = json!(1);
    item["user_id"] = json!(keypair.user_id);
    Ok(HttpResponse::Ok().json(json!({"keypair": item})))
}

/// Imports or generates a keypair.
pub(crate) async fn create(
    state: State,
    call: Call,
    payload: Payload,
) -> Result<HttpResponse, Fault> {
    let (body, _) = read(&call, payload).await?;
    let store = &state.compute.store;
    let wanted = body.get("keypair").and_then(|k| k.get("name"));
    if let Some(name) = wanted.and_then(Value::as_str)
        && store
            .keypair_by_name(&call.context.user_id, name)
            .await?
            .is_some()
    {
        return Err(exists(name));
    }
    let used = store.keypairs(&call.context.user_id).await?.len();
    let limit = state.compute.config.quota.key_pairs;
    if limit >= 0 && i64::try_from(used).is_ok_and(|used| used >= limit) {
        return Err(Fault::forbidden("Quota exceeded, too many key pairs."));
    }
    let pod = call.any_pod()?;
    let session = call.session(&pod);
    let name = wanted
        .and_then(Value::as_str)
        .unwrap_or_default()
        .to_owned();
    let body = Value::Object(body);
    let mut made = session
        .post_json(Service::Compute, "/os-keypairs", &body)
        .await;
    if made.as_ref().is_err_and(PodError::is_conflict) {
        // The top has none of this name, so the pod's is what a create that was cut off,
        // or a delete while the pod was away, left there.
        state.compute.remove_stray_keypair(&session, &name).await?;
        made = session
            .post_json(Service::Compute, "/os-keypairs", &body)
            .await;
    }
    let made = made.map_err(pod_fault)?;
    let text = |key: &str| {
        made.get("keypair")
            .and_then(|keypair| keypair.get(key))
            .and_then(Value::as_str)
            .map(str::to_owned)
    };
    let keypair = Keypair {
        id: uuid::Uuid::new_v4().to_string(),
        user_id: text("user_id").unwrap_or_else(|| call.context.user_id.clone()),
        name: text("name").unwrap_or_default(),
        key_type: text("type").unwrap_or_else(|| "ssh".to_owned()),
        fingerprint: text("fingerprint").unwrap_or_default(),
        public_key: text("public_key").unwrap_or_default(),
        created_at: tricircle_db::now(),
    };
    match store.keypair_create(&keypair).await {
        Ok(()) => {}
        Err(DbError::Duplicate(_)) => return Err(exists(&keypair.name)),
        Err(error) => return Err(error.into()),
    }
    let top_id = format!("{}/{}", keypair.user_id, keypair.name);
    let intent = Realization::intent(RealizationKind::Keypair, &top_id, pod.id(), "");
    let row = store.realization_claim(&intent).await?;
    store
        .realization_present(&row.id, &keypair.name, &keypair.id, &json!({}))
        .await?;
    let status = if typed(&call) {
        StatusCode::CREATED
    } else {
        StatusCode::OK
    };
    Ok(HttpResponse::build(status).json(made))
}

fn exists(name: &str) -> Fault {
    Fault::conflict(format!("Key pair '{name}' already exists."))
}

/// Deletes a keypair, at the top and in the pods that have it.
pub(crate) async fn delete(
    state: State,
    call: Call,
    _payload: Payload,
) -> Result<HttpResponse, Fault> {
    let keypair = find(&state, &call, "os_compute_api:os-keypairs:delete").await?;
    state.compute.remove_keypair(&call, &keypair.name).await?;
    state
        .compute
        .store
        .keypair_delete(&keypair.user_id, &keypair.name)
        .await?;
    Ok(if typed(&call) {
        HttpResponse::NoContent().finish()
    } else {
        HttpResponse::Accepted().finish()
    })
}
