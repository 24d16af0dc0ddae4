//! Which pod a new server goes to.

use std::sync::Arc;

use tricircle_api::Fault;
use tricircle_db::models::{Flavor, PodView, RoutingKind, ZoneService};
use tricircle_gateway::Call;
use tricircle_network::{NetworkError, ServerNetworks};
use tricircle_pods::{PodEntry, Service, Version};
use tricircle_scheduler::{
    AFFINITY_TAG, Candidate, Demand, Group, NoPod, Pipeline, Room, bound_pods, follow,
};

use crate::fault::network_fault;
use crate::{Compute, ServerRequest};

/// The pod that was chosen.
#[derive(Debug, Clone)]
pub(crate) struct Placed {
    pub(crate) pod: Arc<PodEntry>,
    /// Zone at the top.
    pub(crate) zone: String,
    /// Zone in the pod; empty: the pod's default.
    pub(crate) bottom_zone: String,
}

/// A pod as it stands to a request.
struct Spot {
    pod: Arc<PodEntry>,
    /// Zone at the top; none: the pod has not the one that was named, or none at all.
    zone: Option<String>,
    /// Why its networks can not be there.
    refused: Option<NetworkError>,
}

impl Compute {
    /// Nova's 400 for a zone that no pod has. First of all, as in Nova.
    pub(crate) fn check_zone(&self, request: &ServerRequest) -> Result<(), Fault> {
        let snapshot = self.pods.snapshot();
        let mut all = snapshot.all.iter();
        match &request.zone {
            Some(zone)
                if !all.any(|pod| pod.view.bottom_az(ZoneService::Compute, zone).is_some()) =>
            {
                Err(refusal(NoPod::Zone))
            }
            _ => Ok(()),
        }
    }

    /// A pod that is asked what all pods know: one that answers, and in the zone that was
    /// named, so that no other pod's outage is in the way.
    pub(crate) fn pod_for_looks(
        &self,
        call: &Call,
        request: &ServerRequest,
    ) -> Result<Arc<PodEntry>, Fault> {
        let snapshot = self.pods.snapshot();
        let has_zone = |pod: &PodEntry| {
            let zone = request.zone.as_deref();
            zone.is_none_or(|zone| pod.view.bottom_az(ZoneService::Compute, zone).is_some())
        };
        let fitting = || snapshot.callable().filter(|pod| has_zone(pod));
        let answering = fitting().find(|pod| pod.answers(Service::Image));
        match answering.or_else(|| fitting().next()) {
            Some(pod) => Ok(pod.clone()),
            None => call.any_pod(),
        }
    }

    /// The pods that fit a request, best first; never none.
    pub(crate) async fn place(
        &self,
        call: &Call,
        request: &ServerRequest,
        flavor: &Flavor,
        networks: &ServerNetworks,
        pinned_to: Option<&str>,
    ) -> Result<Vec<Placed>, Fault> {
        let default = &self.config.tricircle.default_availability_zone;
        let zone = request.zone.clone().or_else(|| {
            Some(default.clone()).filter(|zone| !zone.is_empty() && pinned_to.is_none())
        });
        let snapshot = self.pods.snapshot();
        let load = self.store.routing_load(RoutingKind::Server).await?;
        let project_id = &call.context.project_id;
        let bindings = self.store.bindings(Some(project_id), None, false).await?;
        let bound_to = bound_pods(&bindings);
        let tag = tag_of(flavor);
        // A group of servers says what it prefers of the pods that fit, and pins its members.
        let group = Group::default();
        let demand = Demand {
            service: ZoneService::Compute,
            zone: zone.as_deref(),
            pinned_to,
            bound_to: &bound_to,
            tag: tag.as_deref(),
            group: &group,
        };
        let mut spots: Vec<Spot> = Vec::new();
        for pod in &snapshot.all {
            spots.push(self.spot(pod, zone.as_deref(), networks));
        }
        let candidates = spots.iter().map(|spot| Candidate {
            pod: &spot.pod.view,
            load: load
                .iter()
                .find(|(id, _)| id == spot.pod.id())
                .map_or(0, |(_, count)| *count),
            answers: spot.pod.answers(Service::Compute),
            speaks: speaks(&spot.pod, call),
            networks: spot.refused.is_none(),
            room: Room::Unknown,
        });
        let pipeline = Pipeline::new(&self.config.scheduler);
        let fitting = pipeline.fitting(&demand, candidates.collect());
        let mut fitting = match fitting {
            Ok(fitting) => fitting,
            Err(NoPod::Networks) => {
                let refused = spots.into_iter().find_map(|spot| spot.refused);
                return Err(refused.map_or_else(|| refusal(NoPod::Networks), network_fault));
            }
            Err(why) => return Err(refusal(why)),
        };
        // With one pod left there is nothing to compare: it says itself that it is full.
        let asks = pipeline.minds_room() && !self.config.scheduler.capacity_timeout.is_zero();
        if fitting.len() > 1 && asks {
            let pods = fitting.iter().filter(|one| one.answers);
            let pods = pods.filter_map(|one| snapshot.by_id(&one.pod.pod.id).cloned());
            let rooms = self.rooms(call, pods.collect(), flavor, request).await;
            for candidate in &mut fitting {
                let room = rooms.get(&candidate.pod.pod.id);
                candidate.room = room.copied().unwrap_or_default();
            }
            fitting = pipeline.fitting(&demand, fitting).map_err(refusal)?;
        }
        let ordered = pipeline.ordered(&demand, fitting);
        let places = ordered.into_iter().filter_map(|view| {
            let spot = spots.iter().find(|spot| spot.pod.id() == view.pod.id)?;
            let zone = spot.zone.clone()?;
            let bottom_zone = view.bottom_az(ZoneService::Compute, &zone)?.to_owned();
            Some(Placed {
                pod: spot.pod.clone(),
                zone,
                bottom_zone,
            })
        });
        let places: Vec<_> = places.collect();
        match places.is_empty() {
            true => Err(refusal(NoPod::None)),
            false => Ok(places),
        }
    }

    fn spot(&self, pod: &Arc<PodEntry>, zone: Option<&str>, networks: &ServerNetworks) -> Spot {
        let view = &pod.view;
        let zone = match zone {
            Some(zone) => view
                .bottom_az(ZoneService::Compute, zone)
                .map(|_| zone.to_owned()),
            None => view.top_az(ZoneService::Compute, "").map(str::to_owned),
        };
        let checked = zone
            .as_ref()
            .map(|zone| self.network.check_pod(networks, pod.id(), zone));
        Spot {
            pod: pod.clone(),
            zone,
            refused: checked.and_then(Result::err),
        }
    }

    /// Binds the project to the pod that took its servers, where it is bound to one that
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

    /// The pod in which the volumes and snapshots of a request are; one that is nowhere is
    /// Nova's 400, several pods are refused.
    pub(crate) async fn pod_of_volumes(
        &self,
        call: &Call,
        request: &ServerRequest,
    ) -> Result<Option<String>, Fault> {
        let of_kind = |kind: RoutingKind, ids: &'_ [String]| {
            ids.iter().map(|id| (kind, id.clone())).collect::<Vec<_>>()
        };
        let mut all = of_kind(RoutingKind::Volume, &request.volumes);
        all.extend(of_kind(RoutingKind::Snapshot, &request.snapshots));
        let mut found: Option<String> = None;
        for (kind, id) in all {
            let pod = call.pod_of(kind, &id).await.map_err(|fault| {
                match (fault.status().as_u16(), kind) {
                    (404, RoutingKind::Snapshot) => Fault::bad_request(format!(
                        "Block Device Mapping is Invalid: failed to get snapshot {id}."
                    )),
                    (404, _) => Fault::bad_request(format!("Volume {id} could not be found.")),
                    _ => fault,
                }
            })?;
            match &found {
                Some(other) if other != pod.id() => {
                    return Err(Fault::bad_request(
                        "The volumes of the server are in different availability zones.",
                    ));
                }
                _ => found = Some(pod.id().to_owned()),
            }
        }
        Ok(found)
    }
}

/// The tag that a flavor asks for in its pod.
fn tag_of(flavor: &Flavor) -> Option<String> {
    let specs: serde_json::Value = serde_json::from_str(&flavor.extra_specs).ok()?;
    let tag = specs.get(AFFINITY_TAG)?.as_str()?;
    (!tag.is_empty()).then(|| tag.to_owned())
}

/// Whether a pod speaks the microversion of the request, as far as is known.
fn speaks(pod: &PodEntry, call: &Call) -> bool {
    let asked = call.context.microversion.map(|version| Version {
        major: version.major,
        minor: version.minor,
    });
    match (asked, pod.versions(Service::Compute)) {
        (Some(asked), Some(span)) => (span.min..=span.max).contains(&asked),
        _ => true,
    }
}

/// Nova's 400, in its words where it has some.
fn refusal(why: NoPod) -> Fault {
    Fault::bad_request(match why {
        NoPod::Zone => "The requested availability zone is not available",
        NoPod::Pinned => {
            "A volume of the server is in another availability zone than the one requested."
        }
        NoPod::None | NoPod::NotEnabled => "No valid host was found. No pod takes new servers.",
        NoPod::Tag => {
            "No valid host was found. No pod that takes new servers has the flavor's affinity tag."
        }
        NoPod::Version => "No valid host was found. No pod that fits speaks this microversion.",
        NoPod::Networks => "No valid host was found. The networks can not be in one pod.",
        NoPod::Group => "No valid host was found. No pod that fits is one for the server's group.",
    })
}
