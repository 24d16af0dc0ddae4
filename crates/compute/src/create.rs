//! Making a server.
//!
//! Order of side effects, and what a crash after each leaves:
//!
//! | step | side effect | healed by |
//! |---|---|---|
//! | 1 | intent row and `server_recover` job, one transaction | the job fails the intent |
//! | 2 | ports at the top, held by the intent | the job releases them |
//! | 3 | flavor, keypair, networks, ports in the pod | the job removes the ports |
//! | 4 | the server in the pod, marked with the intent's id | the job adopts it |
//! | 5 | routing complete, ports moved to the server, job ended, one transaction | nothing to heal |
//!
//! A failure that is known is undone at once. When nobody knows whether the pod made
//! the server, nothing is undone here: the job looks.

use std::time::{Duration, Instant};

use actix_web::http::StatusCode;
use serde_json::{Value, json};
use tricircle_api::{Fault, FaultKind};
use tricircle_db::models::{
    Flavor, IntentOutcome, Keypair, NewJob, Routing, RoutingKind, RoutingState, RoutingUsage,
};
use tricircle_failpoint::hit;
use tricircle_gateway::{Call, pod_fault};
use tricircle_intent::time_left;
use tricircle_network::{Actor, ServerNetworks};
use tricircle_pods::{PodError, Service};

use crate::body::{InPod, for_pod};
use crate::checks::over_quota;
use crate::fault::network_fault;
use crate::placement::Placed;
use crate::{Compute, Intent, SERVER_RECOVER, SERVER_REMOVE, ServerRequest};

/// Everything that was looked up before the first side effect.
struct Prepared {
    request: ServerRequest,
    flavor: Flavor,
    keypair: Option<Keypair>,
    networks: ServerNetworks,
    placed: Placed,
}

impl Compute {
    /// `POST /servers`: the answer's body. Status is 202.
    pub async fn create(&self, call: &Call, body: Value) -> Result<Value, Fault> {
        let Some(request) = ServerRequest::read(&body) else {
            return self.refused_by_a_pod(call, &body).await;
        };
        let prepared = self.prepare(call, request).await?;
        let request = &prepared.request;
        self.check_quota(call, &prepared).await?;
        let reservation_id = reservation();
        let mut made: Vec<Value> = Vec::new();
        for name in request.names() {
            let intent = Intent {
                id: uuid::Uuid::new_v4().to_string(),
                name,
                reservation_id: reservation_id.clone(),
            };
            match self.create_one(call, &prepared, &intent).await {
                Ok(answer) => made.push(answer),
                // Nova makes as many as it can from min_count to max_count, or none.
                Err(fault) if made.len() >= request.min_count as usize => {
                    tracing::warn!(detail = fault.detail(), %fault, "one of several servers was not made");
                    break;
                }
                Err(fault) => {
                    let pod_id = prepared.placed.pod.id();
                    for id in made.iter().filter_map(server_id) {
                        if let Err(error) = self.take_back(call, pod_id, id).await {
                            tracing::warn!(server.id = id, %error, "a server of a failed create stays");
                        }
                    }
                    return Err(fault);
                }
            }
        }
        if request.return_reservation_id {
            return Ok(json!({"reservation_id": reservation_id}));
        }
        Ok(made.into_iter().next().unwrap_or_default())
    }

    /// A body that cannot be read is sent to a pod as it is, for Nova's own words.
    async fn refused_by_a_pod(&self, call: &Call, body: &Value) -> Result<Value, Fault> {
        let pod = call.any_pod()?;
        let session = call.session(&pod);
        match session.post_json(Service::Compute, "/servers", body).await {
            Err(error) => Err(pod_fault(error)),
            Ok(answer) => {
                // Nova understood what we did not. A server that is on no network of the
                // top and in no quota must not stay.
                tracing::error!("a pod accepted a server create that could not be read here");
                if let Some(id) = answer.pointer("/server/id").and_then(Value::as_str) {
                    let path = format!("/servers/{id}");
                    if let Err(error) = session.delete(Service::Compute, &path).await {
                        tracing::error!(server.id = id, %error, "it could not be removed");
                    }
                }
                Err(Fault::bad_request(
                    "The request body could not be understood.",
                ))
            }
        }
    }

    async fn prepare(&self, call: &Call, request: ServerRequest) -> Result<Prepared, Fault> {
        let context = &call.context;
        let is_admin = context.is_admin();
        let flavor = self
            .usable_flavor(&request.flavor_id, &context.project_id, is_admin)
            .await?;
        let keypair = match &request.key_name {
            Some(name) => Some(self.usable_keypair(&context.user_id, name).await?),
            None => None,
        };
        let pinned_to = self.pod_of_volumes(call, &request).await?;
        let places = self.place(call, &request, pinned_to).await?;
        if let (Some(image_id), Some(place)) = (&request.image_id, places.first()) {
            self.check_image(call, &place.pod, image_id).await?;
        }
        let actor = Actor {
            project_id: context.project_id.clone(),
            user_id: context.user_id.clone(),
            is_admin,
            request_id: call.request_id().to_owned(),
        };
        let networks = self
            .network
            .plan(&actor, &request.networks, &request.groups)
            .await
            .map_err(network_fault)?;
        // The first pod in which the networks may be, else the reason why the best
        // one is not possible.
        let mut reason = None;
        for placed in places {
            match self
                .network
                .check_pod(&networks, placed.pod.id(), &placed.zone)
            {
                Ok(()) => {
                    return Ok(Prepared {
                        request,
                        flavor,
                        keypair,
                        networks,
                        placed,
                    });
                }
                Err(error) => reason = reason.or(Some(error)),
            }
        }
        Err(match reason {
            Some(error) => network_fault(error),
            None => Fault::bad_request("No valid host was found."),
        })
    }

    async fn create_one(
        &self,
        call: &Call,
        prepared: &Prepared,
        intent: &Intent,
    ) -> Result<Value, Fault> {
        // From before the row on: the job's clock starts with it.
        let begun = Instant::now();
        self.begin(call, prepared, intent).await?;
        hit("server_create.intended");
        let made = self.make(call, prepared, intent, begun).await;
        hit("server_create.posted");
        match made {
            Ok(server) => self.complete(call, prepared, intent, server).await,
            Err(Failure::Unknown(fault)) => Err(fault),
            Err(Failure::Known(fault)) => {
                self.undo(prepared, intent).await;
                Err(fault)
            }
        }
    }

    /// Whether as many as are wanted at least fit at all; each intent counts again.
    async fn check_quota(&self, call: &Call, prepared: &Prepared) -> Result<(), Fault> {
        let (flavor, limits) = (&prepared.flavor, self.limits());
        let (vcpus, ram_mb) = (i64::from(flavor.vcpus), i64::from(flavor.memory_mb));
        let count = i64::from(prepared.request.min_count);
        let kind = RoutingKind::Server;
        let project_id = &call.context.project_id;
        let used = self.store.routing_usage(kind, project_id).await?;
        let wanted = RoutingUsage {
            count,
            vcpus: vcpus.saturating_mul(count),
            ram_mb: ram_mb.saturating_mul(count),
            size_gb: 0,
        };
        if limits.allow(used, wanted) {
            Ok(())
        } else {
            Err(over_quota(&prepared.request, vcpus, ram_mb, used, limits))
        }
    }

    async fn begin(&self, call: &Call, prepared: &Prepared, intent: &Intent) -> Result<(), Fault> {
        let (request, flavor) = (&prepared.request, &prepared.flavor);
        let now = tricircle_db::now();
        let row = Routing {
            id: intent.id.clone(),
            kind: RoutingKind::Server,
            top_id: None,
            pod_id: prepared.placed.pod.id().to_owned(),
            bottom_id: None,
            project_id: call.context.project_id.clone(),
            user_id: call.context.user_id.clone(),
            name: intent.name.chars().take(255).collect(),
            state: RoutingState::Creating,
            availability_zone: Some(prepared.placed.zone.clone()),
            flavor_id: Some(flavor.flavor_id.clone()),
            image_id: request.image_id.clone(),
            vcpus: flavor.vcpus,
            ram_mb: flavor.memory_mb,
            size_gb: 0,
            reservation_id: Some(intent.reservation_id.clone()),
            request_id: call.context.request_id().to_owned(),
            created_at: now,
            updated_at: now,
            deleted_at: None,
        };
        let limits = self.limits();
        let job = NewJob {
            pod_id: row.pod_id.clone(),
            project_id: row.project_id.clone(),
            run_after: self.config.jobs.create_grace,
            request_id: row.request_id.clone(),
            ..NewJob::new(SERVER_RECOVER, &intent.id)
        };
        match self.store.intent_begin(&row, &job, &limits).await? {
            IntentOutcome::Begun => Ok(()),
            IntentOutcome::OverQuota(used) => Err(over_quota(
                request,
                i64::from(flavor.vcpus),
                i64::from(flavor.memory_mb),
                used,
                limits,
            )),
        }
    }

    async fn make(
        &self,
        call: &Call,
        prepared: &Prepared,
        intent: &Intent,
        begun: Instant,
    ) -> Result<Value, Failure> {
        let placed = &prepared.placed;
        let pod_id = placed.pod.id();
        let ports = self
            .network
            .allocate(&prepared.networks, &intent.id, &placed.zone)
            .await
            .map_err(|error| Failure::Known(network_fault(error)))?;
        hit("server_create.allocated");
        let admin = self
            .pods
            .admin(pod_id, call.request_id())
            .map_err(|error| Failure::Known(pod_fault(error)))?;
        let user = self.pods.session_in(&placed.pod, &call.caller());
        let project_id = &call.context.project_id;
        let flavor = self.ensure_flavor(&admin, &prepared.flavor, project_id);
        let keypair = async {
            match &prepared.keypair {
                Some(keypair) => self.ensure_keypair(&user, keypair).await,
                None => Ok(()),
            }
        };
        let realized = async {
            self.network
                .realize_ports(pod_id, &ports)
                .await
                .map_err(network_fault)
        };
        // No longer than the job waits before it takes back what it finds unfinished.
        let limit = self.time_to_post(begun).ok_or_else(too_late)?;
        let all = async { futures_util::join!(flavor, keypair, realized) };
        let all = actix_web::rt::time::timeout(limit, all).await;
        let (flavor, keypair, realized) = all.map_err(|_| too_late())?;
        let realized = flavor.and(keypair).and(realized).map_err(Failure::Known)?;
        let place = InPod {
            zone: &placed.bottom_zone,
            ports: &realized,
        };
        let body = for_pod(&prepared.request, intent, &place);
        hit("server_create.realized");
        let limit = self.time_to_post(begun).ok_or_else(too_late)?;
        let limit = limit.min(self.config.client.create_timeout);
        let mut session = call.session(&placed.pod).with_timeout(limit);
        // "none" is understood from 2.37 on, which takes all that older ones take.
        if realized.is_empty() && call.context.version() < tricircle_api::Microversion::new(2, 37) {
            session = session.at_compute_version("2.37");
        }
        session
            .post_json(Service::Compute, "/servers", &body)
            .await
            .map_err(failure)
    }

    /// How long the pod may still take before the job takes over.
    pub(crate) fn time_to_post(&self, begun: Instant) -> Option<Duration> {
        time_left(self.config.jobs.create_grace, Duration::MAX, begun)
    }

    async fn complete(
        &self,
        call: &Call,
        prepared: &Prepared,
        intent: &Intent,
        mut answer: Value,
    ) -> Result<Value, Fault> {
        let pod = &prepared.placed.pod;
        let Some(id) = answer.pointer("/server/id").and_then(Value::as_str) else {
            // The job finds it by its mark.
            return Err(pod_fault(PodError::Malformed {
                pod: pod.region().to_owned(),
                why: "no server id in the answer to a create".to_owned(),
            }));
        };
        let id = id.to_owned();
        let owner = format!("compute:{}", prepared.placed.zone);
        let from = [RoutingState::Creating];
        let completed = self
            .store
            .intent_complete(&intent.id, &from, &id, &owner, SERVER_RECOVER)
            .await?;
        hit("server_create.recorded");
        if !completed {
            self.taken_over(call, intent, pod.id(), &id).await?;
        }
        call.gateway
            .routings
            .learn(RoutingKind::Server, &id, pod.id())
            .await;
        call.rewriter(pod).value(&mut answer);
        if let (Some(groups), Some(shown)) = (
            prepared
                .request
                .server()
                .and_then(|s| s.get("security_groups")),
            answer.pointer_mut("/server/security_groups"),
        ) {
            *shown = groups.clone();
        }
        Ok(answer)
    }

    /// The job was faster: it adopted the server, or it did not see it yet and took its
    /// ports away, and then the server must go too.
    async fn taken_over(
        &self,
        call: &Call,
        intent: &Intent,
        pod_id: &str,
        server_id: &str,
    ) -> Result<(), Fault> {
        let row = self.store.routing_by_id(&intent.id).await?;
        if row.is_some_and(|row| row.top_id.as_deref() == Some(server_id)) {
            return Ok(());
        }
        tracing::warn!(
            server.id = server_id,
            "a create came too late and is undone"
        );
        self.take_back(call, pod_id, server_id).await?;
        Err(Fault::new(
            FaultKind::PodTimeout,
            "The pod took too long to create the server.",
        ))
    }

    /// Removes a server that must not stay, with the job that sees it gone.
    async fn take_back(&self, call: &Call, pod_id: &str, server_id: &str) -> Result<(), Fault> {
        let job = NewJob {
            pod_id: pod_id.to_owned(),
            project_id: call.context.project_id.clone(),
            request_id: call.request_id().to_owned(),
            // Not before the pod was asked: a server that lives then stays.
            run_after: self.config.jobs.create_grace,
            ..NewJob::new(SERVER_REMOVE, server_id)
        };
        let kind = RoutingKind::Server;
        self.store.removal_begin(kind, server_id, &job).await?;
        hit("server_take_back.intended");
        let admin = self
            .pods
            .admin(pod_id, call.request_id())
            .map_err(pod_fault)?;
        admin
            .delete(Service::Compute, &format!("/servers/{server_id}"))
            .await
            .map_err(pod_fault)?;
        hit("server_take_back.asked");
        let soon = NewJob {
            run_after: Duration::ZERO,
            ..job
        };
        self.jobs.enqueue(&soon).await?;
        Ok(())
    }

    /// Takes back what this create made, as far as possible now; the job does the rest.
    async fn undo(&self, prepared: &Prepared, intent: &Intent) {
        let pod_id = prepared.placed.pod.id();
        hit("server_undo.begun");
        let released = self.network.release(&intent.id, pod_id).await;
        hit("server_undo.released");
        let ended = match released {
            Ok(()) => self
                .store
                .intent_failed(&intent.id, &[RoutingState::Creating], SERVER_RECOVER)
                .await
                .map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(error) = ended {
            tracing::warn!(
                intent.id = intent.id,
                error,
                "the rest of a failed create is left to its job"
            );
            // No server can come any more: the job need not wait for it.
            let soon = NewJob {
                pod_id: pod_id.to_owned(),
                ..NewJob::new(SERVER_RECOVER, &intent.id)
            };
            if let Err(error) = self.jobs.enqueue(&soon).await {
                tracing::warn!(%error, "its job runs when its time comes");
            }
        }
    }
}

/// The networks of the server took all the time that there was.
fn too_late() -> Failure {
    Failure::Known(Fault::new(
        FaultKind::PodTimeout,
        "The pod took too long to prepare the networks of the server.",
    ))
}

fn server_id(answer: &Value) -> Option<&str> {
    answer.pointer("/server/id").and_then(Value::as_str)
}

/// How a create failed.
enum Failure {
    /// The pod has no server.
    Known(Fault),
    /// The pod may have one.
    Unknown(Fault),
}

fn failure(error: PodError) -> Failure {
    if error.outcome_unknown() {
        let code = match error {
            PodError::NoAnswer { .. } => FaultKind::PodTimeout,
            // The fault is the pod's, not ours.
            _ => FaultKind::of_status(StatusCode::BAD_GATEWAY),
        };
        Failure::Unknown(
            Fault::new(
                code,
                "The pod did not confirm the creation of the server. It will appear in the list of \
                 servers if it was made.",
            )
            .with_detail(tricircle_api::chain(&error)),
        )
    } else {
        Failure::Known(pod_fault(error))
    }
}

/// A reservation id as Nova makes them: `r-` and eight letters or digits.
fn reservation() -> String {
    const LETTERS: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";
    let text: String = (0..8)
        .filter_map(|_| LETTERS.get(rand::random_range(0..LETTERS.len())))
        .map(|byte| char::from(*byte))
        .collect();
    format!("r-{text}")
}
