//! One volume, in the first of the fitting pods that takes it.
//!
//! Each try is an intent of its own, so a crash between two tries leaves what a crash in
//! one leaves, and the job of each ends it. What follows from a failure is decided by
//! [`Ended::next`]; here it is done.

use std::time::Instant;

use serde_json::Value;
use tricircle_api::{Fault, FaultKind};
use tricircle_db::models::{Routing, RoutingState};
use tricircle_failpoint::hit;
use tricircle_gateway::{Call, pod_fault};
use tricircle_intent::{Around, Ended, Next, Weight, most_telling, time_left};
use tricircle_pods::{PodError, Service};

use crate::create::unconfirmed;
use crate::placement::Placed;
use crate::{VOLUME_RECOVER, VolumeRequest, Volumes};

/// A try that made no volume, as far as is known.
pub(crate) enum Failed {
    /// At the top, before the pod was asked for anything.
    AtTop(Fault),
    /// Before there was an intent, in or because of the pod.
    Before(Ended, Fault),
    /// In the pod, with an intent.
    InPod(Box<Routing>, Ended, Fault),
    /// The pod made it, and then something went wrong that another pod cannot mend.
    Afterwards(Fault),
}

impl Volumes {
    /// Makes the volume in the first of `places` that takes it.
    pub(crate) async fn create_in_first(
        &self,
        call: &Call,
        request: &VolumeRequest,
        places: Vec<Placed>,
    ) -> Result<Value, Fault> {
        let begun = Instant::now();
        let mut refusals = Vec::new();
        let mut left = places.into_iter();
        while let Some(placed) = left.next() {
            let tried = Box::pin(self.create_in(call, request, &placed, begun)).await;
            let (intent, ended, fault) = match tried {
                Ok(answer) => {
                    self.follow_binding(call, placed.pod.id()).await;
                    return Ok(answer);
                }
                // What an earlier try still counts for may be the reason: its own is better.
                Err(Failed::AtTop(fault)) => {
                    return Err(most_telling(refusals).unwrap_or(fault));
                }
                Err(Failed::Afterwards(fault)) => return Err(fault),
                Err(Failed::Before(ended, fault)) => (None, ended, fault),
                Err(Failed::InPod(intent, ended, fault)) => (Some(intent), ended, fault),
            };
            let next = ended.next(Around {
                pods_left: left.len() > 0,
                time_left: self.time_for_another(begun).is_some(),
                holds: false,
            });
            let clear = match (next, &intent) {
                (Next::Leave, _) => return Err(fault),
                (_, None) => true,
                (Next::Undo | Next::UndoAndGoOn, Some(intent)) => self.give_up(intent).await,
                (Next::AbandonAndGoOn, Some(intent)) => self.abandon(intent).await,
            };
            let weight = match ended {
                Ended::Here(weight) => weight,
                Ended::Request => return Err(fault),
                Ended::Unclear | Ended::Silent if !clear => return Err(fault),
                Ended::Unclear | Ended::Silent => Weight::Away,
            };
            if next == Next::Undo {
                refusals.push((weight, fault));
                break;
            }
            tracing::info!(
                pod.name = placed.pod.region(),
                detail = fault.detail(),
                %fault,
                "a pod did not take a volume; the next one is tried"
            );
            refusals.push((weight, fault));
        }
        let told = most_telling(refusals);
        Err(told.unwrap_or_else(|| Fault::bad_request("No valid backend was found.")))
    }

    async fn create_in(
        &self,
        call: &Call,
        request: &VolumeRequest,
        placed: &Placed,
        begun: Instant,
    ) -> Result<Value, Failed> {
        let before =
            |error: PodError| Failed::Before(Ended::of_preparation(&error), pod_fault(error));
        let volume_type = self
            .type_in_pod(call, placed, request.volume_type.as_deref())
            .await
            .map_err(before)?;
        let intent = self
            .begin(call, request, placed)
            .await
            .map_err(Failed::AtTop)?;
        hit("volume_create.intended");
        let wanted = request.for_pod(
            &intent.id,
            placed.bottom_zone.as_deref(),
            volume_type.as_deref(),
        );
        let Some(limit) = self.time_for_another(begun) else {
            let late = Fault::new(
                FaultKind::PodTimeout,
                "The volume could not be asked for in time.",
            );
            let ended = Ended::Here(Weight::Away);
            return Err(Failed::InPod(Box::new(intent), ended, late));
        };
        let session = call.session(&placed.pod).with_timeout(limit);
        let made = session
            .post_json(Service::Volume, "/volumes", &wanted)
            .await;
        hit("volume_create.posted");
        match made {
            Ok(answer) => self
                .complete(call, placed, &intent, answer)
                .await
                .map_err(Failed::Afterwards),
            Err(error) => {
                let ended = Ended::of_create(&error);
                let fault = match ended {
                    Ended::Unclear | Ended::Silent => unconfirmed(&error),
                    _ => pod_fault(error),
                };
                Err(Failed::InPod(Box::new(intent), ended, fault))
            }
        }
    }

    /// How long a pod may take that is asked now. No longer than the job of the first try
    /// waits, which began with the request.
    fn time_for_another(&self, begun: Instant) -> Option<std::time::Duration> {
        let grace = self.config.jobs.create_grace;
        time_left(grace, self.config.client.create_timeout, begun)
    }

    /// The pod refused: the intent is over. True when it is.
    async fn give_up(&self, intent: &Routing) -> bool {
        let from = [RoutingState::Creating];
        let ended = self.store.intent_failed(&intent.id, &from, VOLUME_RECOVER);
        ended.await.unwrap_or_else(|error| {
            tracing::warn!(intent.id = intent.id, %error, "a failed create is left to its job");
            false
        })
    }

    /// Leaves a try to its job, which removes what it finds. False when the job took the
    /// intent meanwhile: it may adopt a volume.
    async fn abandon(&self, intent: &Routing) -> bool {
        let from = [RoutingState::Creating];
        let moved = self
            .store
            .routing_move(&intent.id, &from, RoutingState::Abandoned)
            .await;
        hit("volume_try.abandoned");
        moved.unwrap_or_else(|error| {
            tracing::warn!(intent.id = intent.id, %error, "a try could not be given up");
            false
        })
    }
}
