//! Which pod a new server goes to.

use std::sync::Arc;

use tricircle_api::Fault;
use tricircle_db::models::{RoutingKind, ZoneService};
use tricircle_gateway::Call;
use tricircle_pods::{PodEntry, Service};
use tricircle_scheduler::{Candidate, Demand, NoPod, place};

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

impl Compute {
    /// The pods that fit a request, best first; never empty.
    pub(crate) async fn place(
        &self,
        call: &Call,
        request: &ServerRequest,
        pinned_to: Option<String>,
    ) -> Result<Vec<Placed>, Fault> {
        let default = &self.config.tricircle.default_availability_zone;
        let zone = request.zone.clone().or_else(|| {
            Some(default.clone()).filter(|zone| !zone.is_empty() && pinned_to.is_none())
        });
        let snapshot = self.pods.snapshot();
        let load = self.store.routing_load(RoutingKind::Server).await?;
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
                answers: entry.answers(Service::Compute),
            })
            .collect();
        let demand = Demand {
            service: ZoneService::Compute,
            zone: zone.as_deref(),
            pinned_to: pinned_to.as_deref(),
            bound_to: &bound_to,
        };
        let order = place(&demand, candidates).map_err(|why| match why {
            NoPod::Zone => Fault::bad_request("The requested availability zone is not available"),
            NoPod::Pinned => Fault::bad_request(
                "A volume of the server is in another availability zone than the one requested.",
            ),
            NoPod::None | NoPod::NotEnabled => {
                Fault::bad_request("No valid host was found. No pod takes new servers.")
            }
        })?;
        Ok(order
            .into_iter()
            .filter_map(|view| {
                let pod = snapshot.by_id(&view.pod.id)?.clone();
                let zone = match &zone {
                    Some(zone) => zone.clone(),
                    None => view.top_az(ZoneService::Compute, "")?.to_owned(),
                };
                let bottom_zone = view.bottom_az(ZoneService::Compute, &zone)?.to_owned();
                Some(Placed {
                    pod,
                    zone,
                    bottom_zone,
                })
            })
            .collect())
    }

    /// The pod in which the volumes of a request are; a volume that is nowhere is
    /// Nova's 400, volumes in several pods are refused.
    pub(crate) async fn pod_of_volumes(
        &self,
        call: &Call,
        request: &ServerRequest,
    ) -> Result<Option<String>, Fault> {
        let mut found: Option<String> = None;
        for id in &request.volumes {
            let pod = call
                .pod_of(RoutingKind::Volume, id)
                .await
                .map_err(|fault| match fault.status().as_u16() {
                    404 => Fault::bad_request(format!("Volume {id} could not be found.")),
                    _ => fault,
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
