//! Keypairs of users.

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

use super::{Answer, Context, bad_request, fault, invalid, member, python};
use crate::ids;
use crate::request::Reply;
use crate::state::PodState;

/// One keypair; only its public half is kept.
#[derive(Clone, Debug)]
pub(crate) struct Keypair {
    pub(crate) name: String,
    pub(crate) public_key: String,
    pub(crate) fingerprint: String,
    pub(crate) kind: String,
    pub(crate) created: DateTime<Utc>,
    pub(crate) number: u64,
}

impl Keypair {
    fn brief(&self, minor: u32) -> Value {
        let mut body = json!({
            "name": self.name, "public_key": self.public_key, "fingerprint": self.fingerprint,
        });
        if let (true, Some(object)) = (minor >= 2, body.as_object_mut()) {
            object.insert("type".into(), json!(self.kind));
        }
        body
    }

    fn show(&self, minor: u32, user: &str) -> Value {
        let mut body = json!({
            "name": self.name, "public_key": self.public_key, "fingerprint": self.fingerprint,
            "user_id": user, "created_at": ids::naive(self.created), "deleted": false,
            "deleted_at": null, "id": self.number, "updated_at": null,
        });
        if let (true, Some(object)) = (minor >= 2, body.as_object_mut()) {
            object.insert("type".into(), json!(self.kind));
        }
        body
    }
}

pub(super) fn route(pod: &mut PodState, cx: &Context<'_>, rest: &[&str]) -> Answer {
    let user = owner(cx)?;
    let gone = |name: &str| fault(404, &format!("Keypair {name} not found for user {user}"));
    match (cx.request.method.as_str(), rest) {
        ("GET", []) => {
            let all: Vec<Value> = pod
                .nova
                .keypairs
                .iter()
                .filter(|((owner, _), _)| *owner == user)
                .map(|(_, pair)| json!({"keypair": pair.brief(cx.minor)}))
                .collect();
            Ok(Reply::ok(json!({ "keypairs": all })))
        }
        ("GET", [name]) => {
            let pair = pod
                .nova
                .keypairs
                .get(&(user.clone(), (*name).to_owned()))
                .ok_or_else(|| gone(name))?;
            Ok(Reply::ok(json!({"keypair": pair.show(cx.minor, &user)})))
        }
        ("POST", []) => create(pod, cx),
        ("DELETE", [name]) => {
            pod.nova
                .keypairs
                .remove(&(user.clone(), (*name).to_owned()))
                .ok_or_else(|| gone(name))?;
            Ok(Reply::empty(if cx.minor >= 2 { 204 } else { 202 }))
        }
        _ => Err(Reply::not_found_page()),
    }
}

/// Whose keypairs: the caller's, or from 2.10 another user's for an admin.
fn owner(cx: &Context<'_>) -> Result<String, Reply> {
    match cx.request.query.get("user_id") {
        Some(user) if cx.minor >= 10 && user != cx.caller.user_id => {
            super::require_admin(cx, "os_compute_api:os-keypairs:show")?;
            Ok(user.to_owned())
        }
        _ => Ok(cx.caller.user_id.clone()),
    }
}

fn create(pod: &mut PodState, cx: &Context<'_>) -> Answer {
    let given = member(cx.request, "keypair")?;
    let text = |key: &str| given.get(key).and_then(Value::as_str);
    let name = text("name").ok_or_else(|| {
        invalid(
            "keypair",
            &python(&Value::Object(given.clone())),
            "'name' is a required property",
        )
    })?;
    let user = match text("user_id") {
        Some(user) if cx.minor >= 10 && user != cx.caller.user_id => {
            super::require_admin(cx, "os_compute_api:os-keypairs:create")?;
            user.to_owned()
        }
        _ => cx.caller.user_id.clone(),
    };
    let key = (user.clone(), name.to_owned());
    let mut private_key = None;
    let public_key = match text("public_key") {
        Some(public) if is_public_key(public) => public.to_owned(),
        Some(_) => {
            return Err(bad_request(
                "Keypair data is invalid: failed to generate fingerprint",
            ));
        }
        None if cx.minor >= 92 => {
            return Err(invalid(
                "keypair",
                &python(&Value::Object(given.clone())),
                "'public_key' is a required property",
            ));
        }
        None => {
            let body = ids::secret(1600);
            private_key = Some(format!(
                "-----BEGIN RSA PRIVATE KEY-----\n{body}\n-----END RSA PRIVATE KEY-----\n"
            ));
            format!(
                "ssh-rsa AAAAB3NzaC1yc2E{} Generated-by-Nova",
                ids::secret(356)
            )
        }
    };
    if pod.nova.keypairs.contains_key(&key) {
        return Err(fault(409, &format!("Key pair '{name}' already exists.")));
    }
    pod.nova.sequence += 1;
    let pair = Keypair {
        name: name.to_owned(),
        fingerprint: fingerprint(&public_key),
        public_key,
        kind: text("type").unwrap_or("ssh").to_owned(),
        created: ids::now(),
        number: pod.nova.sequence,
    };
    let mut shown = pair.brief(cx.minor);
    if let Some(object) = shown.as_object_mut() {
        object.insert("user_id".into(), json!(user));
        if let Some(private) = private_key {
            object.insert("private_key".into(), json!(private));
        }
    }
    pod.nova.keypairs.insert(key, pair);
    Ok(Reply::json(
        if cx.minor >= 2 { 201 } else { 200 },
        json!({ "keypair": shown }),
    ))
}

/// Whether `text` looks like a public key: a kind, and enough base64.
fn is_public_key(text: &str) -> bool {
    let mut parts = text.split_whitespace();
    let known = parts
        .next()
        .is_some_and(|kind| kind.starts_with("ssh-") || kind.starts_with("ecdsa-"));
    known
        && parts.next().is_some_and(|body| {
            body.len() >= 64
                && body.len() % 4 == 0
                && body
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '/' | '='))
        })
}

/// Sixteen bytes that depend on the key, in the notation of MD5 fingerprints.
fn fingerprint(key: &str) -> String {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let half = |salt: u8| {
        let mut hasher = DefaultHasher::new();
        (salt, key).hash(&mut hasher);
        hasher.finish().to_be_bytes()
    };
    let bytes: Vec<String> = half(0)
        .iter()
        .chain(half(1).iter())
        .map(|byte| format!("{byte:02x}"))
        .collect();
    bytes.join(":")
}
