//! The job that makes the top follow what the pod has of an interface.
//!
//! Nova attaches while the caller waits and detaches later; both leave an entry among the
//! server's actions, with an event that is finished when it is over. So what is still
//! going to happen can be seen, whatever became of whoever asked for it.

use async_trait::async_trait;
use serde_json::Value;
use tricircle_db::models::{RealizationKind, RoutingKind};
use tricircle_failpoint::hit;
use tricircle_intent::pod_job_error;
use tricircle_jobs::{JobError, JobKind, JobRun};
use tricircle_pods::{PodError, PodSession, Service};

use crate::fault::network_job_error;
use crate::{Compute, INTERFACE_SETTLE};

/// How many of the newest actions on a server's interfaces are looked at.
const ACTIONS: usize = 50;

/// How long after it was wished for something that is under way is waited for, in seconds:
/// the pod's compute service may have died in the middle and will never end it.
const PATIENCE: i64 = 3600;

/// Waits until a pod is done with an attach or detach. Then a port that is on the server
/// stays the server's; one that is not is deleted, if the gateway made it, or the user's
/// to use again.
#[derive(Debug, Clone)]
pub struct InterfaceSettle(pub Compute);

#[async_trait]
impl JobKind for InterfaceSettle {
    fn name(&self) -> &'static str {
        INTERFACE_SETTLE
    }

    async fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let wish: Value = run.payload()?;
        let wished_at = wish["wished_at"].as_i64().unwrap_or_default();
        let waited = tricircle_db::now().and_utc().timestamp() - wished_at;
        let look = Look {
            port_id: run.resource_id(),
            pod_id: run.pod_id(),
            request_id: run.request_id(),
            patient: waited < PATIENCE,
        };
        match self.0.settle_interface(&look).await? {
            Settled::UnderWay => Err(JobError::transient("the pod is still at work on it")),
            Settled::Kept | Settled::Released => Ok(()),
        }
    }
}

/// Which port is looked at.
pub(super) struct Look<'a> {
    pub(super) port_id: &'a str,
    /// The pod of the server.
    pub(super) pod_id: &'a str,
    pub(super) request_id: &'a str,
    /// Wait for what is under way.
    pub(super) patient: bool,
}

/// How it ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Settled {
    /// The pod is not done.
    UnderWay,
    /// The port is the server's, or no business of ours.
    Kept,
    /// It is the server's no more.
    Released,
}

/// What a pod is doing to the interfaces of a server.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct UnderWay {
    attach: bool,
    detach: bool,
}

impl Compute {
    pub(super) async fn settle_interface(&self, look: &Look<'_>) -> Result<Settled, JobError> {
        let Some(view) = self.store.port_by_id(look.port_id).await? else {
            return Ok(Settled::Released);
        };
        let server_id = view.port.device_id;
        let kind = RoutingKind::Server;
        let routing = self.store.routing_by_top(kind, &server_id).await?;
        if routing.is_none_or(|row| row.pod_id != look.pod_id) {
            // Nobody's, or a server's in another pod, which has a job of its own.
            return Ok(Settled::Kept);
        }
        let admin = self
            .pods
            .admin(look.pod_id, look.request_id)
            .map_err(|error| pod_job_error(look.pod_id, error))?;
        let in_pod = |error| pod_job_error(look.pod_id, error);
        // In this order: what is not under way any more has shown its effect.
        let under_way = match look.patient {
            true => under_way(&admin, &server_id).await.map_err(in_pod)?,
            false => UnderWay::default(),
        };
        let bound = self.is_on(&admin, look.port_id, &server_id).await?;
        hit("interface_settle.looked");
        let settled = decide(bound, under_way);
        if settled == Settled::Released {
            self.network
                .release_abandoned_interface(look.port_id, &server_id, look.request_id)
                .await
                .map_err(|error| network_job_error(look.pod_id, error))?;
            hit("interface_settle.released");
            tracing::info!(
                port.id = look.port_id,
                server.id = server_id,
                "a port came off a server"
            );
        }
        Ok(settled)
    }

    /// Whether the pod says that the server has the port.
    async fn is_on(
        &self,
        admin: &PodSession,
        port_id: &str,
        server_id: &str,
    ) -> Result<bool, JobError> {
        let pod_id = admin.pod().id();
        let kind = RealizationKind::Port;
        let row = self.store.realization_find(kind, port_id, pod_id).await?;
        // Without an id its Nova cannot have been told of it.
        let Some(bottom_id) = row.and_then(|row| row.bottom_id) else {
            return Ok(false);
        };
        let path = format!("/ports/{bottom_id}?fields=device_id");
        match admin.get_json(Service::Network, &path).await {
            Ok(body) => {
                let device = body.pointer("/port/device_id").and_then(Value::as_str);
                Ok(device == Some(server_id))
            }
            Err(error) if error.is_not_found() => Ok(false),
            Err(error) => Err(pod_job_error(pod_id, error)),
        }
    }
}

/// What follows from what was seen.
fn decide(bound: bool, under_way: UnderWay) -> Settled {
    match bound {
        true if under_way.detach => Settled::UnderWay,
        true => Settled::Kept,
        false if under_way.attach => Settled::UnderWay,
        false => Settled::Released,
    }
}

async fn under_way(admin: &PodSession, server_id: &str) -> Result<UnderWay, PodError> {
    let path = format!("/servers/{server_id}/os-instance-actions");
    let listed = match admin.get_json(Service::Compute, &path).await {
        Ok(listed) => listed,
        // A server that is gone does nothing any more.
        Err(error) if error.is_not_found() => return Ok(UnderWay::default()),
        Err(error) => return Err(error),
    };
    let mut found = UnderWay::default();
    let actions = listed["instanceActions"].as_array().into_iter().flatten();
    let names = ["attach_interface", "detach_interface"];
    let actions = actions.filter(|one| names.iter().any(|name| one["action"] == **name));
    for action in actions.take(ACTIONS) {
        let request = action["request_id"].as_str().unwrap_or_default();
        let shown = match admin
            .get_json(Service::Compute, &format!("{path}/{request}"))
            .await
        {
            Ok(shown) => shown,
            Err(error) if error.is_not_found() => continue,
            Err(error) => return Err(error),
        };
        add(&mut found, &shown["instanceAction"]);
    }
    Ok(found)
}

/// An attach without event never reached its host: Nova's API waits for the host and has
/// told its caller by now. A detach without event waits for the host.
fn add(found: &mut UnderWay, action: &Value) {
    let events: &[Value] = action["events"].as_array().map_or(&[], Vec::as_slice);
    let unfinished = events.iter().any(|event| event["finish_time"].is_null());
    match action["action"].as_str() {
        Some("attach_interface") => found.attach |= unfinished,
        Some("detach_interface") => found.detach |= unfinished || events.is_empty(),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_what_may_still_change_the_port_is_waited_for() {
        let under_way = |attach, detach| UnderWay { attach, detach };
        for (bound, seen, wanted) in [
            (true, under_way(false, false), Settled::Kept),
            (true, under_way(true, false), Settled::Kept),
            (true, under_way(false, true), Settled::UnderWay),
            (false, under_way(false, false), Settled::Released),
            (false, under_way(false, true), Settled::Released),
            (false, under_way(true, false), Settled::UnderWay),
        ] {
            assert_eq!(decide(bound, seen), wanted, "{bound} {seen:?}");
        }
    }

    #[test]
    fn an_action_is_over_when_its_events_are() {
        let done = json!({"finish_time": "2026-11-22T10:00:00.000000", "result": "Success"});
        let running = json!({"finish_time": null, "result": null});
        for (name, events, attach, detach) in [
            ("attach_interface", json!([done]), false, false),
            ("attach_interface", json!([running]), true, false),
            ("attach_interface", json!([]), false, false),
            ("detach_interface", json!([done]), false, false),
            ("detach_interface", json!([running]), false, true),
            ("detach_interface", json!([]), false, true),
            ("reboot", json!([]), false, false),
        ] {
            let mut found = UnderWay::default();
            add(&mut found, &json!({"action": name, "events": events}));
            assert_eq!(found, UnderWay { attach, detach }, "{name} {events}");
        }
    }
}
