//! One server, in the first of the fitting pods that takes it.
//!
//! Each try is an intent of its own with ports of its own, so a crash between two tries
//! leaves what a crash in one leaves, and the job of each ends it. What follows from a
//! failure is decided by [`Ended::next`]; here it is done.

use std::time::Instant;

use serde_json::Value;
use tricircle_api::Fault;
use tricircle_db::DbError;
use tricircle_db::models::RoutingState;
use tricircle_failpoint::hit;
use tricircle_gateway::{Call, pod_fault};
use tricircle_intent::{Around, Ended, Next, Weight, most_telling};
use tricircle_network::NetworkError;
use tricircle_pods::PodError;

use crate::create::Prepared;
use crate::fault::{network_fault, too_late, unconfirmed};
use crate::placement::Placed;
use crate::{Compute, Intent};

/// A try that made no server, as far as is known.
pub(crate) enum Failed {
    /// At the top, before the pod was asked for anything.
    AtTop(Fault),
    /// In or because of the pod.
    InPod(Ended, Fault),
    /// The group of the server came to be in another pod.
    Displaced,
    /// The pod made it, and then something went wrong that another pod cannot mend.
    Afterwards(Fault),
}

impl Failed {
    /// A call failed that prepares the server in the pod.
    pub(crate) fn preparing(error: PodError) -> Self {
        Self::InPod(Ended::of_preparation(&error), pod_fault(error))
    }

    /// The networks could not be had in the pod.
    pub(crate) fn realizing(error: NetworkError) -> Self {
        Self::InPod(of_network(&error), network_fault(error))
    }

    /// The create itself failed.
    pub(crate) fn posting(error: PodError) -> Self {
        match Ended::of_create(&error) {
            ended @ (Ended::Unclear | Ended::Silent) => Self::InPod(ended, unconfirmed(&error)),
            ended => Self::InPod(ended, pod_fault(error)),
        }
    }

    /// The time of the request is over.
    pub(crate) fn too_late() -> Self {
        Self::InPod(Ended::Here(Weight::Away), too_late())
    }
}

impl From<DbError> for Failed {
    fn from(error: DbError) -> Self {
        Self::AtTop(error.into())
    }
}

impl From<Failed> for Fault {
    fn from(failed: Failed) -> Self {
        match failed {
            Failed::AtTop(fault) | Failed::InPod(_, fault) | Failed::Afterwards(fault) => fault,
            Failed::Displaced => {
                Fault::conflict("The server group is in another availability zone.")
            }
        }
    }
}

/// What a networking error says about other pods.
fn of_network(error: &NetworkError) -> Ended {
    match error {
        NetworkError::PodConflict(_) | NetworkError::PodRefused(_) => Ended::Here(Weight::Conflict),
        NetworkError::OnePodOnly(_) => Ended::Here(Weight::Elsewhere),
        NetworkError::Pod(error) => Ended::of_preparation(error),
        _ => Ended::Request,
    }
}

impl Compute {
    /// Makes one server of a create and returns the answer and its pod, which is left at the
    /// front of `places`: the next server of the create need not try those before it. None when
    /// the server's group came to be in another pod while it was placed.
    pub(crate) async fn create_one(
        &self,
        call: &Call,
        prepared: &Prepared,
        places: &mut Vec<Placed>,
        name: &str,
        reservation_id: &str,
    ) -> Result<Option<(Value, Placed)>, Fault> {
        let begun = Instant::now();
        let mut refusals = Vec::new();
        let holds = prepared.networks.names_what_is_single();
        let mut left = std::mem::take(places).into_iter();
        while let Some(placed) = left.next() {
            let intent = Intent {
                id: uuid::Uuid::new_v4().to_string(),
                name: name.to_owned(),
                reservation_id: reservation_id.to_owned(),
            };
            // Boxed: all that a create does in a pod is in this one future.
            let tried = Box::pin(self.create_in(call, prepared, &placed, &intent, begun)).await;
            let (ended, fault) = match tried {
                Ok(answer) => {
                    places.push(placed.clone());
                    places.extend(left);
                    return Ok(Some((answer, placed)));
                }
                // What an earlier try still holds may be the reason: its own is better.
                Err(Failed::AtTop(fault)) => {
                    return Err(most_telling(refusals).unwrap_or(fault));
                }
                Err(Failed::Displaced) => return Ok(None),
                Err(Failed::Afterwards(fault)) => return Err(fault),
                Err(Failed::InPod(ended, fault)) => (ended, fault),
            };
            let around = Around {
                pods_left: left.len() > 0,
                time_left: self.time_to_post(begun).is_some(),
                holds,
            };
            let next = ended.next(around);
            let clear = match next {
                Next::Leave => return Err(fault),
                Next::Undo | Next::UndoAndGoOn => self.undo(&placed, &intent).await,
                Next::AbandonAndGoOn => self.abandon(&intent).await,
            };
            let weight = match ended {
                Ended::Here(weight) => weight,
                Ended::Request => return Err(fault),
                Ended::Unclear | Ended::Silent if !clear => return Err(fault),
                Ended::Unclear | Ended::Silent => Weight::Away,
            };
            if next != Next::Undo {
                tracing::info!(
                    pod.name = placed.pod.region(),
                    detail = fault.detail(),
                    %fault,
                    "a pod did not take a server; the next one is tried"
                );
            }
            refusals.push((weight, fault));
            if next == Next::Undo || (holds && !clear) {
                break;
            }
        }
        let told = most_telling(refusals);
        Err(told.unwrap_or_else(|| Fault::bad_request("No valid host was found.")))
    }

    async fn create_in(
        &self,
        call: &Call,
        prepared: &Prepared,
        placed: &Placed,
        intent: &Intent,
        begun: Instant,
    ) -> Result<Value, Failed> {
        let begun_here = self.begin(call, prepared, placed, intent).await;
        if !begun_here.map_err(Failed::AtTop)? {
            return Err(Failed::Displaced);
        }
        hit("server_create.intended");
        let made = self.make(call, prepared, placed, intent, begun).await;
        hit("server_create.posted");
        if let Err(Failed::AtTop(_)) = &made {
            self.undo(placed, intent).await;
        }
        self.complete(call, prepared, placed, intent, made?)
            .await
            .map_err(Failed::Afterwards)
    }

    /// Leaves a try to its job, which removes what it finds. False when the job took the
    /// intent meanwhile: it may adopt a server.
    async fn abandon(&self, intent: &Intent) -> bool {
        let from = [RoutingState::Creating];
        let moved = self
            .store
            .routing_move(&intent.id, &from, RoutingState::Abandoned)
            .await;
        hit("server_try.abandoned");
        moved.unwrap_or_else(|error| {
            tracing::warn!(intent.id = intent.id, %error, "a try could not be given up");
            false
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_one_pod_has_may_be_otherwise_in_another() {
        let text = String::new;
        let away = || PodError::NoAnswer {
            pod: "Pod1".to_owned(),
        };
        for (error, ended) in [
            (
                NetworkError::PodConflict(text()),
                Ended::Here(Weight::Conflict),
            ),
            (
                NetworkError::OnePodOnly(text()),
                Ended::Here(Weight::Elsewhere),
            ),
            (NetworkError::Pod(away()), Ended::Here(Weight::Away)),
            (NetworkError::NetworkNotFound(text()), Ended::Request),
            (NetworkError::BadRequest(text()), Ended::Request),
            (NetworkError::Internal(text()), Ended::Request),
        ] {
            assert_eq!(of_network(&error), ended, "{error:?}");
        }
    }
}
