//! Making a volume.
//!
//! | step | side effect | healed by |
//! |---|---|---|
//! | 1 | intent row and `volume_recover` job, one transaction | the job fails the intent |
//! | 2 | the volume in the pod, marked with the intent's id | the job adopts it |
//! | 3 | routing complete, job ended, one transaction | nothing to heal |
//!
//! When nobody knows whether the pod made the volume, nothing is undone here: the job
//! looks.

use std::time::Instant;

use actix_web::http::StatusCode;
use serde_json::Value;
use tricircle_api::{Fault, FaultKind, chain};
use tricircle_db::models::{
    IntentOutcome, NewJob, Routing, RoutingKind, RoutingState, UsageLimits,
};
use tricircle_failpoint::hit;
use tricircle_gateway::{Call, pod_fault};
use tricircle_intent::time_left;
use tricircle_pods::{PodError, Service};

use crate::fault::over_quota;
use crate::placement::Placed;
use crate::{VOLUME_RECOVER, VolumeRequest, Volumes};

impl Volumes {
    /// `POST /volumes`: the answer's body. Status is 202.
    pub async fn create(&self, call: &Call, body: Value) -> Result<Value, Fault> {
        let Some(request) = VolumeRequest::read(&body) else {
            return self.refused_by_a_pod(call, &body).await;
        };
        let placed = self.place(call, &request).await?;
        let volume_type = self
            .type_in_pod(call, &placed, request.volume_type.as_deref())
            .await?;
        // From before the row on: the job's clock starts with it.
        let begun = Instant::now();
        let intent = self.begin(call, &request, &placed).await?;
        hit("volume_create.intended");
        let wanted = request.for_pod(
            &intent.id,
            placed.bottom_zone.as_deref(),
            volume_type.as_deref(),
        );
        let grace = self.config.jobs.create_grace;
        let Some(limit) = time_left(grace, self.config.client.create_timeout, begun) else {
            self.give_up(&intent).await;
            return Err(Fault::new(
                FaultKind::PodTimeout,
                "The volume could not be asked for in time.",
            ));
        };
        let session = call.session(&placed.pod).with_timeout(limit);
        let made = session
            .post_json(Service::Volume, "/volumes", &wanted)
            .await;
        hit("volume_create.posted");
        match made {
            Ok(answer) => self.complete(call, &placed, &intent, answer).await,
            Err(error) if error.outcome_unknown() => Err(unconfirmed(&error)),
            Err(error) => {
                self.give_up(&intent).await;
                Err(pod_fault(error))
            }
        }
    }

    /// A body that cannot be read is sent to a pod as it is, for Cinder's own words.
    async fn refused_by_a_pod(&self, call: &Call, body: &Value) -> Result<Value, Fault> {
        let pod = call.any_pod()?;
        let session = call.session(&pod);
        match session.post_json(Service::Volume, "/volumes", body).await {
            Err(error) => Err(pod_fault(error)),
            Ok(answer) => {
                // Cinder understood what we did not. A volume that is in no quota, and that
                // no job knows of should we die now, must not stay.
                tracing::error!("a pod accepted a volume create that could not be read here");
                if let Some(id) = answer.pointer("/volume/id").and_then(Value::as_str) {
                    let path = format!("/volumes/{id}");
                    if let Err(error) = session.delete(Service::Volume, &path).await {
                        tracing::error!(volume.id = id, %error, "it could not be removed");
                    }
                }
                Err(Fault::bad_request(
                    "The request body could not be understood.",
                ))
            }
        }
    }

    async fn begin(
        &self,
        call: &Call,
        request: &VolumeRequest,
        placed: &Placed,
    ) -> Result<Routing, Fault> {
        let context = &call.context;
        let now = tricircle_db::now();
        let intent = Routing {
            id: uuid::Uuid::new_v4().to_string(),
            kind: RoutingKind::Volume,
            top_id: None,
            pod_id: placed.pod.id().to_owned(),
            bottom_id: None,
            project_id: context.project_id.clone(),
            user_id: context.user_id.clone(),
            name: request.name.chars().take(255).collect(),
            state: RoutingState::Creating,
            availability_zone: placed.zone.clone(),
            flavor_id: short(request.volume_type.as_ref()),
            image_id: short(request.image_id.as_ref()),
            vcpus: 0,
            ram_mb: 0,
            size_gb: request.size_gb.max(0),
            reservation_id: None,
            request_id: context.request_id().to_owned(),
            created_at: now,
            updated_at: now,
            deleted_at: None,
        };
        let job = NewJob {
            pod_id: intent.pod_id.clone(),
            project_id: intent.project_id.clone(),
            run_after: self.config.jobs.create_grace,
            request_id: intent.request_id.clone(),
            ..NewJob::new(VOLUME_RECOVER, &intent.id)
        };
        let limits = UsageLimits {
            count: self.config.quota.volumes,
            size_gb: self.config.quota.gigabytes,
            ..UsageLimits::NONE
        };
        match self.store.intent_begin(&intent, &job, &limits).await? {
            IntentOutcome::Begun => Ok(intent),
            IntentOutcome::OverQuota(used) => {
                Err(over_quota(i64::from(request.size_gb), used, limits))
            }
        }
    }

    async fn complete(
        &self,
        call: &Call,
        placed: &Placed,
        intent: &Routing,
        mut answer: Value,
    ) -> Result<Value, Fault> {
        let Some(id) = answer.pointer("/volume/id").and_then(Value::as_str) else {
            // The job finds it by its mark.
            return Err(unconfirmed(&PodError::Malformed {
                pod: placed.pod.region().to_owned(),
                why: "no volume id in the answer to a create".to_owned(),
            }));
        };
        let id = id.to_owned();
        let completed = self
            .store
            .intent_complete(
                &intent.id,
                &[RoutingState::Creating],
                &id,
                "",
                VOLUME_RECOVER,
            )
            .await?;
        hit("volume_create.recorded");
        if !completed {
            self.taken_over(call, intent, &id).await?;
        }
        call.gateway
            .routings
            .learn(RoutingKind::Volume, &id, placed.pod.id())
            .await;
        call.rewriter(&placed.pod).value(&mut answer);
        Ok(answer)
    }

    /// The job was faster: it adopted the volume, or it did not see it yet and gave the
    /// intent up, and then the volume gets a routing of its own: it is as good as any.
    async fn taken_over(&self, call: &Call, intent: &Routing, id: &str) -> Result<(), Fault> {
        tracing::warn!(
            volume.id = id,
            "an unfinished create was taken over by its job"
        );
        let now = tricircle_db::now();
        let found = Routing {
            id: uuid::Uuid::new_v4().to_string(),
            top_id: Some(id.to_owned()),
            bottom_id: Some(id.to_owned()),
            state: RoutingState::Active,
            request_id: call.request_id().to_owned(),
            created_at: now,
            updated_at: now,
            ..intent.clone()
        };
        Ok(self.store.routing_found(&found).await?)
    }

    /// The pod refused: the intent is over.
    async fn give_up(&self, intent: &Routing) {
        let from = [RoutingState::Creating];
        let ended = self.store.intent_failed(&intent.id, &from, VOLUME_RECOVER);
        if let Err(error) = ended.await {
            tracing::warn!(intent.id = intent.id, %error, "a failed create is left to its job");
        }
    }
}

fn short(text: Option<&String>) -> Option<String> {
    text.map(|text| text.chars().take(255).collect())
}

/// The pod may have made it.
fn unconfirmed(error: &PodError) -> Fault {
    let kind = match error {
        PodError::NoAnswer { .. } => FaultKind::PodTimeout,
        // The fault is the pod's, not ours.
        _ => FaultKind::of_status(StatusCode::BAD_GATEWAY),
    };
    Fault::new(
        kind,
        "The pod did not confirm the creation of the volume. It will appear in the list of \
         volumes if it was made.",
    )
    .with_detail(chain(error))
}
