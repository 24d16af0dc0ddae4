//! Which pod a new volume goes to.

use std::sync::Arc;

use tricircle_api::Fault;
use tricircle_db::models::{RoutingKind, ZoneService};
use tricircle_gateway::Call;
use tricircle_pods::{PodEntry, Service};
use tricircle_scheduler::{Candidate, Demand, NoPod, place};

use crate::{VolumeRequest, Volumes};

/// The pod that was chosen.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) pod: Arc<PodEntry>,
    /// Zone at the top.
    pub(crate) zone: Option<String>,
    /// Zone to be sent to the pod; none: the pod knows best.
    pub(crate) bottom_zone: Option<String>,
}

impl Volumes {
    /// The pod for a request.
    pub(crate) async fn place(
        &self,
        call: &Call,
        request: &VolumeRequest,
    ) -> Result<Placed, Fault> {
        let pinned_to = match &request.source {
            Some((kind, id)) => Some(call.pod_of(*kind, id).await?.id().to_owned()),
            None => None,
        };
        let default = &self.config.tricircle.default_availability_zone;
        let zone = request.zone.clone().or_else(|| {
            let is_free = pinned_to.is_none() && !default.is_empty();
            is_free.then(|| default.clone())
        });
        let snapshot = self.pods.snapshot();
        let load = self.store.routing_load(RoutingKind::Volume).await?;
        let bound_to: Vec<String> = self
            .store
            .bindings(Some(&call.context.project_id), None, false)
            .await?
            .into_iter()
            .map(|binding| binding.pod_id)
            .collect();
        let candidates = snapshot
            .all
            .iter()
            .map(|entry| Candidate {
                pod: &entry.view,
                load: load
                    .iter()
                    .find(|(id, _)| id == entry.id())
                    .map_or(0, |(_, count)| *count),
                answers: entry.answers(Service::Volume),
            })
            .collect();
        let demand = Demand {
            service: ZoneService::Volume,
            zone: zone.as_deref(),
            pinned_to: pinned_to.as_deref(),
            bound_to: &bound_to,
        };
        let named = zone.as_deref().unwrap_or_default();
        let best = place(&demand, candidates).map_err(|why| refusal(&why, named))?;
        let chosen = best.first().and_then(|view| snapshot.by_id(&view.pod.id));
        let Some(pod) = chosen.cloned() else {
            return Err(refusal(&NoPod::None, named));
        };
        let view = &pod.view;
        let bottom_zone = zone
            .as_deref()
            .and_then(|zone| view.bottom_az(ZoneService::Volume, zone))
            .filter(|zone| !zone.is_empty())
            .map(str::to_owned);
        let zone = zone.or_else(|| view.top_az(ZoneService::Volume, "").map(str::to_owned));
        Ok(Placed {
            pod,
            zone,
            bottom_zone,
        })
    }
}

fn refusal(why: &NoPod, zone: &str) -> Fault {
    match why {
        NoPod::Zone => Fault::bad_request(format!("Availability zone '{zone}' is invalid.")),
        NoPod::Pinned => Fault::bad_request(format!(
            "Invalid input received: the source of the volume is not in availability zone \
             '{zone}'."
        )),
        NoPod::None | NoPod::NotEnabled => {
            Fault::bad_request("No valid backend was found. No pod takes new volumes.")
        }
    }
}
