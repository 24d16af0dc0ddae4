//! The job that ends an unfinished create.

use async_trait::async_trait;
use serde_json::{Value, json};
use tricircle_db::models::RoutingState;
use tricircle_failpoint::hit;
use tricircle_intent::{pod_job_error, take_over};
use tricircle_jobs::{JobError, JobKind, JobRun};
use tricircle_pods::{PodError, PodSession, Service};

use crate::{INTENT_KEY, VOLUME_RECOVER, Volumes};

/// Adopts the volume that an unfinished create left in the pod, or gives it up.
#[derive(Debug, Clone)]
pub struct VolumeRecover(pub Volumes);

#[async_trait]
impl JobKind for VolumeRecover {
    fn name(&self) -> &'static str {
        VOLUME_RECOVER
    }

    async fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let store = &self.0.store;
        let Some(intent) = take_over(store, run.resource_id()).await? else {
            return Ok(());
        };
        hit("volume_recover.taken_over");
        let pod_id = &intent.pod_id;
        let in_pod = |error| pod_job_error(pod_id, error);
        let admin = self
            .0
            .pods
            .admin(pod_id, run.request_id())
            .map_err(in_pod)?;
        let found = find_by_mark(&admin, &intent.id).await.map_err(in_pod)?;
        let from = [RoutingState::Recovering];
        match found {
            Some(id) => {
                store
                    .intent_complete(&intent.id, &from, &id, "", "")
                    .await?;
                hit("volume_recover.adopted");
                tracing::info!(volume.id = id, "adopted the volume of an unfinished create");
            }
            None => {
                let to = RoutingState::Failed;
                store.routing_move(&intent.id, &from, to).await?;
                tracing::info!(intent.id = intent.id, "gave up an unfinished create");
            }
        }
        Ok(())
    }
}

/// The volume in the pod that carries the intent's mark.
async fn find_by_mark(admin: &PodSession, intent_id: &str) -> Result<Option<String>, PodError> {
    let mark = json!({INTENT_KEY: intent_id}).to_string();
    let query = url::form_urlencoded::Serializer::new(String::new())
        .append_pair("all_tenants", "1")
        .append_pair("metadata", &mark)
        .finish();
    let path = format!("/volumes/detail?{query}");
    let body = admin.get_json(Service::Volume, &path).await?;
    let Some(volumes) = body.get("volumes").and_then(Value::as_array) else {
        return Err(PodError::Malformed {
            pod: admin.pod().region().to_owned(),
            why: "no volumes in a list".to_owned(),
        });
    };
    Ok(marked(volumes, intent_id))
}

/// The pod's filter is not believed: an older Cinder ignores filters it does not know.
fn marked(volumes: &[Value], intent_id: &str) -> Option<String> {
    let pointer = format!("/metadata/{INTENT_KEY}");
    let found = volumes
        .iter()
        .find(|volume| volume.pointer(&pointer).and_then(Value::as_str) == Some(intent_id))?;
    Some(found.get("id")?.as_str()?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_volume_with_the_mark_is_found() {
        let volumes = [
            json!({"id": "a", "metadata": {}}),
            json!({"id": "b", "metadata": {"tricircle_intent": "other"}}),
            json!({"id": "c", "metadata": {"tricircle_intent": "i"}}),
        ];
        assert_eq!(marked(&volumes, "i").as_deref(), Some("c"));
        assert_eq!(marked(&volumes[..2], "i"), None);
    }
}
