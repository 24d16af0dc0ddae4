//! Volume types are the pods' own so far: one name in all pods, an id in each.

use serde_json::Value;
use tricircle_api::Fault;
use tricircle_gateway::{Call, pod_fault};
use tricircle_pods::{PodError, PodSession, Service, fan_out};

use crate::Volumes;
use crate::placement::Placed;

impl Volumes {
    /// How the chosen pod calls the type that the user named; none: as the user does.
    ///
    /// A name is the same everywhere. An id that this pod does not know may be another
    /// pod's: then that pod says the name. What nobody knows is left to the pod, whose
    /// Cinder refuses it in its own words.
    pub(crate) async fn type_in_pod(
        &self,
        call: &Call,
        placed: &Placed,
        named: Option<&str>,
    ) -> Result<Option<String>, Fault> {
        let Some(id) = named.filter(|named| uuid::Uuid::try_parse(named).is_ok()) else {
            return Ok(None);
        };
        let here = self.pods.session_in(&placed.pod, &call.caller());
        match name_of(&here, id).await {
            Ok(_) => return Ok(None),
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(pod_fault(error)),
        }
        let snapshot = self.pods.snapshot();
        let others = snapshot.callable().cloned();
        let deadline = self.config.client.list_timeout;
        let answers = fan_out(others, deadline, |pod| {
            let session = self.pods.session_in(&pod, &call.caller());
            let id = id.to_owned();
            async move { name_of(&session, &id).await }
        })
        .await;
        Ok(answers
            .into_iter()
            .find_map(|answer| answer.result.ok().flatten()))
    }
}

async fn name_of(session: &PodSession, id: &str) -> Result<Option<String>, PodError> {
    let body = session
        .get_json(Service::Volume, &format!("/types/{id}"))
        .await?;
    let name = body.pointer("/volume_type/name").and_then(Value::as_str);
    Ok(name.map(str::to_owned))
}
