//! Which pod a new volume goes to.

use std::sync::Arc;

use tricircle_api::Fault;
use tricircle_db::models::{PodView, RoutingKind, ZoneService};
use tricircle_gateway::Call;
use tricircle_pods::{PodEntry, Service, Version};
use tricircle_scheduler::{Candidate, Demand, Group, NoPod, Pipeline, Room, bound_pods, follow};

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
    /// The pods that fit a request, best first; never none.
    pub(crate) async fn place(
        &self,
        call: &Call,
        request: &VolumeRequest,
    ) -> Result<Vec<Placed>, Fault> {
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
        let project_id = &call.context.project_id;
        let bindings = self.store.bindings(Some(project_id), None, false).await?;
        let bound_to = bound_pods(&bindings);
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
                speaks: speaks(entry, call),
                networks: true,
                room: Room::Unknown,
            })
            .collect();
        let demand = Demand {
            service: ZoneService::Volume,
            zone: zone.as_deref(),
            pinned_to: pinned_to.as_deref(),
            bound_to: &bound_to,
            tag: None,
            group: &Group::default(),
        };
        let named = zone.as_deref().unwrap_or_default();
        let pipeline = Pipeline::new(&self.config.scheduler);
        let best = pipeline.place(&demand, candidates);
        let best = best.map_err(|why| refusal(why, named))?;
        let places = best.into_iter().filter_map(|view| {
            let pod = snapshot.by_id(&view.pod.id)?.clone();
            let bottom_zone = zone
                .as_deref()
                .and_then(|zone| view.bottom_az(ZoneService::Volume, zone))
                .filter(|zone| !zone.is_empty())
                .map(str::to_owned);
            let first = || view.top_az(ZoneService::Volume, "").map(str::to_owned);
            Some(Placed {
                pod,
                zone: zone.clone().or_else(first),
                bottom_zone,
            })
        });
        let places: Vec<_> = places.collect();
        if places.is_empty() {
            return Err(refusal(NoPod::None, named));
        }
        Ok(places)
    }

    /// Binds the project to the pod that took its volume, where it is bound to one that
    /// takes nothing new.
    pub(crate) async fn follow_binding(&self, call: &Call, taken_by: &str) {
        let snapshot = self.pods.snapshot();
        let pods: Vec<&PodView> = snapshot.all.iter().map(|pod| &pod.view).collect();
        let project_id = &call.context.project_id;
        let followed = follow(&self.store, project_id, &pods, taken_by).await;
        if let Err(error) = followed {
            tracing::warn!(project.id = project_id, %error, "a binding stays with its pod");
        }
    }
}

/// Whether a pod speaks the microversion of the request, as far as is known.
fn speaks(pod: &PodEntry, call: &Call) -> bool {
    let asked = call.context.microversion.map(|version| Version {
        major: version.major,
        minor: version.minor,
    });
    match (asked, pod.versions(Service::Volume)) {
        (Some(asked), Some(span)) => (span.min..=span.max).contains(&asked),
        _ => true,
    }
}

fn refusal(why: NoPod, zone: &str) -> Fault {
    match why {
        NoPod::Zone => Fault::bad_request(format!("Availability zone '{zone}' is invalid.")),
        NoPod::Pinned => Fault::bad_request(format!(
            "Invalid input received: the source of the volume is not in availability zone \
             '{zone}'."
        )),
        NoPod::Version => Fault::bad_request(
            "No valid backend was found. No pod that fits speaks this microversion.",
        ),
        NoPod::None | NoPod::NotEnabled | NoPod::Tag | NoPod::Networks | NoPod::Group => {
            Fault::bad_request("No valid backend was found. No pod takes new volumes.")
        }
    }
}
