//! Flavors: owned at the top, made in a pod when first needed there.
//!
//! A flavor has the same id in every pod, so nothing in requests or answers needs
//! translation.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use tricircle_api::Fault;
use tricircle_db::models::{Flavor, Realization, RealizationKind, RealizationState};
use tricircle_failpoint::hit;
use tricircle_gateway::pod_fault;
use tricircle_pods::{PodError, PodSession, Service};

use crate::Compute;

/// What decides whether two flavors are the same, as a short text.
pub fn flavor_digest(flavor: &Flavor) -> String {
    let mut specs: Vec<_> = specs_of(flavor).into_iter().collect();
    specs.sort_by(|a, b| a.0.cmp(&b.0));
    let text = json!([
        flavor.name,
        flavor.memory_mb,
        flavor.vcpus,
        flavor.root_gb,
        flavor.ephemeral_gb,
        flavor.swap_mb,
        flavor.is_public,
        specs
    ])
    .to_string();
    Sha256::digest(text.as_bytes())
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn specs_of(flavor: &Flavor) -> Map<String, Value> {
    serde_json::from_str(&flavor.extra_specs).unwrap_or_default()
}

/// A flavor of a pod's answer as a row of the top; none when it is malformed.
pub(crate) fn read_flavor(item: &Value) -> Option<Flavor> {
    let int = |key: &str| i32::try_from(item.get(key).and_then(Value::as_i64)?).ok();
    let now = tricircle_db::now();
    Some(Flavor {
        id: uuid::Uuid::new_v4().to_string(),
        flavor_id: item.get("id")?.as_str()?.to_owned(),
        name: item.get("name")?.as_str()?.to_owned(),
        memory_mb: int("ram")?,
        vcpus: int("vcpus")?,
        root_gb: int("disk")?,
        ephemeral_gb: int("OS-FLV-EXT-DATA:ephemeral").unwrap_or(0),
        // An empty text below 2.75.
        swap_mb: int("swap").unwrap_or(0),
        rxtx_factor: item
            .get("rxtx_factor")
            .and_then(Value::as_f64)
            .unwrap_or(1.0),
        is_public: item
            .get("os-flavor-access:is_public")
            .and_then(Value::as_bool)
            .unwrap_or(true),
        disabled: false,
        description: item
            .get("description")
            .and_then(Value::as_str)
            .map(str::to_owned),
        extra_specs: item
            .get("extra_specs")
            .filter(|specs| specs.is_object())
            .map_or_else(|| "{}".to_owned(), Value::to_string),
        created_at: now,
        updated_at: now,
    })
}

impl Compute {
    /// A flavor that the project may use; Nova's 400 for one it may not or that is
    /// not there.
    pub(crate) async fn usable_flavor(
        &self,
        flavor_id: &str,
        project_id: &str,
        is_admin: bool,
    ) -> Result<Flavor, Fault> {
        let missing = || Fault::bad_request(format!("Flavor {flavor_id} could not be found."));
        let flavor = self
            .store
            .flavor_by_flavor_id(flavor_id)
            .await?
            .ok_or_else(missing)?;
        if flavor.is_public || is_admin {
            return Ok(flavor);
        }
        let granted = self.store.flavor_access_list(flavor_id).await?;
        if granted.iter().any(|project| project == project_id) {
            Ok(flavor)
        } else {
            Err(missing())
        }
    }

    /// Makes sure that a pod has the flavor. No call when it is known to have it.
    pub(crate) async fn ensure_flavor(
        &self,
        admin: &PodSession,
        flavor: &Flavor,
        project_id: &str,
    ) -> Result<(), Fault> {
        let pod_id = admin.pod().id().to_owned();
        let digest = flavor_digest(flavor);
        let kind = RealizationKind::Flavor;
        let intent = Realization::intent(kind, &flavor.flavor_id, &pod_id, "");
        let row = self.store.realization_claim(&intent).await?;
        hit("realize_flavor.intended");
        if row.state != RealizationState::Present || row.digest != digest {
            // A pod's own flavor with other extra specs is the operator's to sort out; one
            // that was the top's before follows the top.
            let was_ours = !row.digest.is_empty();
            self.make_flavor(admin, flavor, was_ours).await?;
            hit("realize_flavor.posted");
            self.store
                .realization_present(&row.id, &flavor.flavor_id, &digest, &json!({}))
                .await?;
        }
        if !flavor.is_public {
            let body = json!({"addTenantAccess": {"tenant": project_id}});
            let path = format!("/flavors/{}/action", segment(&flavor.flavor_id));
            match admin.post_json(Service::Compute, &path, &body).await {
                Err(error) if !error.is_conflict() => return Err(pod_fault(error)),
                _ => {}
            }
        }
        Ok(())
    }

    /// Makes sure that a server's pod has the flavor it is resized to.
    pub async fn prepare_resize(
        &self,
        call: &tricircle_gateway::Call,
        pod: &std::sync::Arc<tricircle_pods::PodEntry>,
        flavor_ref: &str,
    ) -> Result<(), Fault> {
        let context = &call.context;
        let flavor_id = flavor_ref.rsplit('/').next().unwrap_or_default();
        let flavor = self
            .usable_flavor(flavor_id, &context.project_id, context.is_admin())
            .await?;
        let admin = self
            .pods
            .admin(pod.id(), call.request_id())
            .map_err(pod_fault)?;
        self.ensure_flavor(&admin, &flavor, &context.project_id)
            .await
    }

    async fn make_flavor(
        &self,
        admin: &PodSession,
        flavor: &Flavor,
        was_ours: bool,
    ) -> Result<(), Fault> {
        let path = format!("/flavors/{}", segment(&flavor.flavor_id));
        let mut there = self.read_pod_flavor(admin, &path).await?;
        if there.is_none() {
            let body = json!({"flavor": {
                "id": flavor.flavor_id, "name": flavor.name, "ram": flavor.memory_mb,
                "vcpus": flavor.vcpus, "disk": flavor.root_gb, "swap": flavor.swap_mb,
                "OS-FLV-EXT-DATA:ephemeral": flavor.ephemeral_gb,
                "rxtx_factor": flavor.rxtx_factor,
                "os-flavor-access:is_public": flavor.is_public,
            }});
            match admin.post_json(Service::Compute, "/flavors", &body).await {
                Ok(_) => {}
                // Somebody was faster, or the reply to an earlier try was lost.
                Err(error) if error.is_conflict() => {}
                Err(error) => return Err(pod_fault(error)),
            }
            there = self.read_pod_flavor(admin, &path).await?;
        }
        if let Some(found) = &there
            && (was_ours || found.extra_specs == "{}")
            && specs_of(found) != specs_of(flavor)
        {
            self.sync_specs(admin, &path, &specs_of(found), &specs_of(flavor))
                .await?;
            there = self.read_pod_flavor(admin, &path).await?;
        }
        match there {
            Some(there) if flavor_digest(&there) == flavor_digest(flavor) => Ok(()),
            _ => Err(Fault::bad_request(format!(
                "Flavor {} differs in the pod of the requested availability zone.",
                flavor.flavor_id
            ))),
        }
    }

    /// Brings the extra specs of a pod's flavor from `old` to `new`.
    async fn sync_specs(
        &self,
        admin: &PodSession,
        path: &str,
        old: &Map<String, Value>,
        new: &Map<String, Value>,
    ) -> Result<(), Fault> {
        for key in old.keys().filter(|key| !new.contains_key(*key)) {
            let path = format!("{path}/os-extra_specs/{}", segment(key));
            match admin.delete(Service::Compute, &path).await {
                Err(error) if !error.is_not_found() => return Err(pod_fault(error)),
                _ => {}
            }
        }
        if !new.is_empty() {
            let body = json!({"extra_specs": new});
            admin
                .post_json(Service::Compute, &format!("{path}/os-extra_specs"), &body)
                .await
                .map_err(pod_fault)?;
        }
        Ok(())
    }

    async fn read_pod_flavor(
        &self,
        admin: &PodSession,
        path: &str,
    ) -> Result<Option<Flavor>, Fault> {
        let mut body = match admin.get_json(Service::Compute, path).await {
            Ok(body) => body,
            Err(error) if error.is_not_found() => return Ok(None),
            Err(error) => return Err(pod_fault(error)),
        };
        let specs = admin
            .get_json(Service::Compute, &format!("{path}/os-extra_specs"))
            .await
            .map_err(pod_fault)?;
        let Some(item) = body.get_mut("flavor").and_then(Value::as_object_mut) else {
            return Err(pod_fault(PodError::Malformed {
                pod: admin.pod().region().to_owned(),
                why: "no flavor in an answer".to_owned(),
            }));
        };
        let specs = specs
            .get("extra_specs")
            .cloned()
            .unwrap_or_else(|| Value::Object(Map::new()));
        item.insert("extra_specs".to_owned(), specs);
        Ok(read_flavor(&Value::Object(item.clone())))
    }
}

/// An id as a path segment.
pub(crate) fn segment(id: &str) -> String {
    url::form_urlencoded::byte_serialize(id.as_bytes())
        .collect::<String>()
        .replace('+', "%20")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flavors_of_old_and_new_microversions_are_the_same() {
        let old = json!({"id": "1", "name": "m1", "ram": 512, "vcpus": 1, "disk": 1, "swap": "",
            "OS-FLV-EXT-DATA:ephemeral": 0, "os-flavor-access:is_public": true, "rxtx_factor": 1.0});
        let new = json!({"id": "1", "name": "m1", "ram": 512, "vcpus": 1, "disk": 1, "swap": 0,
            "OS-FLV-EXT-DATA:ephemeral": 0, "os-flavor-access:is_public": true,
            "extra_specs": {}, "description": null});
        let digest = |item| flavor_digest(&read_flavor(&item).unwrap());
        assert_eq!(digest(old.clone()), digest(new));
        let mut bigger = old;
        bigger["ram"] = json!(1024);
        assert_ne!(
            digest(bigger.clone()),
            digest(json!({"id": "1", "name": "m1", "ram": 512,
            "vcpus": 1, "disk": 1}))
        );
        assert!(read_flavor(&json!({"id": 1})).is_none());
    }

    #[test]
    fn ids_with_odd_characters_stay_one_segment() {
        assert_eq!(segment("m1.tiny"), "m1.tiny");
        assert_eq!(segment("a b/c"), "a%20b%2Fc");
    }
}
