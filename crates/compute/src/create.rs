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
//! the server, nothing is undone here: the job looks. What follows from a failure, and
//! when these steps are gone through in another pod, is [`tries`](crate::tries).

use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tricircle_api::{Fault, FaultKind, schema};
use tricircle_db::models::{
    Flavor, IntentOutcome, Keypair, NewJob, Routing, RoutingKind, RoutingState,
};
use tricircle_failpoint::hit;
use tricircle_gateway::{Call, pod_fault};
use tricircle_intent::Ended;
use tricircle_intent::time_left;
use tricircle_network::{Actor, ServerNetworks};
use tricircle_pods::{PodError, Service};

use crate::body::{InPod, for_pod};
use crate::checks::{fitting, over_quota};
use crate::fault::network_fault;
use crate::groups::{Joined, group_is_full, no_such_group};
use crate::placement::Placed;
use crate::tries::Failed;
use crate::{
    Compute, Intent, SERVER_RECOVER, SERVER_REMOVE, ServerRequest, create_schema, refusals,
};

/// How often a server is placed whose group comes to be elsewhere.
const REPLACED: usize = 3;

/// Everything that was looked up before the first side effect.
pub(crate) struct Prepared {
    request: ServerRequest,
    flavor: Flavor,
    keypair: Option<Keypair>,
    pub(crate) networks: ServerNetworks,
    group: Option<Joined>,
}

impl Compute {
    /// `POST /servers`: the answer's body. Status is 202.
    pub async fn create(&self, call: &Call, body: Value) -> Result<Value, Fault> {
        if let Some(body) = body.as_object() {
            schema::body(&create_schema::create(call.context.version()), body)?;
        }
        let Some(request) = ServerRequest::read(&body) else {
            return self.refused_by_a_pod(call, &body).await;
        };
        refusals::check(call, &request)?;
        for _ in 0..REPLACED {
            match self.create_placed(call, request.clone()).await? {
                Some(answer) => return Ok(answer),
                // The group's first server went to another pod a moment ago.
                None => tracing::info!("a server is placed anew, where its group is"),
            }
        }
        Err(Fault::conflict(
            "The servers of the server group are being created in another availability zone.",
        ))
    }

    /// None when the server's group came to be in another pod while it was placed.
    async fn create_placed(
        &self,
        call: &Call,
        request: ServerRequest,
    ) -> Result<Option<Value>, Fault> {
        let (prepared, mut places) = Box::pin(self.prepare(call, request)).await?;
        let request = &prepared.request;
        let count = self.check_quota(call, &prepared).await?;
        if let Some(joined) = &prepared.group {
            self.check_group(call, joined, count).await?;
        }
        let reservation_id = reservation();
        let mut made: Vec<(Value, Placed)> = Vec::new();
        for name in request.names(count) {
            let one = self.create_one(call, &prepared, &mut places, &name, &reservation_id);
            match Box::pin(one).await {
                Ok(Some(server)) => made.push(server),
                Ok(None) => return Ok(None),
                // Nova makes as many as it can from min_count to max_count, or none.
                Err(fault) if made.len() >= request.min_count as usize => {
                    tracing::warn!(detail = fault.detail(), %fault, "one of several servers was not made");
                    break;
                }
                Err(fault) => {
                    for (answer, placed) in &made {
                        let Some(id) = server_id(answer) else {
                            continue;
                        };
                        if let Err(error) = self.take_back(call, placed.pod.id(), id).await {
                            tracing::warn!(server.id = id, %error, "a server of a failed create stays");
                        }
                    }
                    return Err(fault);
                }
            }
        }
        if let Some((_, placed)) = made.first() {
            self.follow_binding(call, placed.pod.id()).await;
        }
        if request.return_reservation_id {
            return Ok(Some(json!({"reservation_id": reservation_id})));
        }
        let first = made.into_iter().next().map(|(answer, _)| answer);
        Ok(Some(first.unwrap_or_default()))
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

    /// Looks up what is needed, and the pods that fit, best first; never none.
    async fn prepare(
        &self,
        call: &Call,
        request: ServerRequest,
    ) -> Result<(Prepared, Vec<Placed>), Fault> {
        let context = &call.context;
        let is_admin = context.is_admin();
        self.check_limits(call, &request).await?;
        let flavor = self
            .usable_flavor(&request.flavor_id, &context.project_id, is_admin)
            .await?;
        refusals::check_disk(call, &request, &flavor)?;
        let keypair = match &request.key_name {
            Some(name) => Some(self.usable_keypair(&context.user_id, name).await?),
            None => None,
        };
        let pinned_to = self.pod_of_volumes(call, &request).await?;
        let group = self.group_of(call, &request).await?;
        let of_group = group.as_ref().and_then(Joined::pinned_to);
        let pinned_to = match (pinned_to, of_group) {
            (Some(volumes), Some(group)) if volumes != group => {
                return Err(Fault::bad_request(
                    "No valid host was found. The server group is in another availability zone \
                     than the volumes.",
                ));
            }
            (pinned_to, of_group) => pinned_to.or(of_group.map(str::to_owned)),
        };
        self.check_zone(&request)?;
        if let Some(image_id) = &request.image_id {
            let pod = self.pod_for_looks(call, &request)?;
            self.check_image(call, &pod, image_id).await?;
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
        let pinned_to = pinned_to.as_deref();
        let places = self.place(call, &request, &flavor, &networks, pinned_to);
        let places = Box::pin(places).await?;
        let places = match &group {
            Some(joined) => joined.order(places),
            None => places,
        };
        let prepared = Prepared {
            request,
            flavor,
            keypair,
            networks,
            group,
        };
        Ok((prepared, places))
    }

    /// How many fit, at least as many as are wanted; each intent counts again.
    async fn check_quota(&self, call: &Call, prepared: &Prepared) -> Result<u32, Fault> {
        let (request, flavor) = (&prepared.request, &prepared.flavor);
        let context = &call.context;
        let room = self
            .store
            .server_room(&context.project_id, &context.user_id, &self.limits())
            .await?;
        let (fitting, (used, limits)) = fitting(&room, flavor, request.max_count);
        if fitting >= request.min_count {
            Ok(fitting)
        } else {
            Err(over_quota(request, flavor, used, limits))
        }
    }

    /// False when the server's group is in another pod by now.
    pub(crate) async fn begin(
        &self,
        call: &Call,
        prepared: &Prepared,
        placed: &Placed,
        intent: &Intent,
    ) -> Result<bool, Fault> {
        let (request, flavor) = (&prepared.request, &prepared.flavor);
        let now = tricircle_db::now();
        let row = Routing {
            id: intent.id.clone(),
            kind: RoutingKind::Server,
            top_id: None,
            pod_id: placed.pod.id().to_owned(),
            bottom_id: None,
            project_id: call.context.project_id.clone(),
            user_id: call.context.user_id.clone(),
            name: intent.name.chars().take(255).collect(),
            state: RoutingState::Creating,
            availability_zone: Some(placed.zone.clone()),
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
        let configured = self.config.quota.server_group_members;
        let group = prepared.group.as_ref();
        let join = group.map(|joined| joined.join(configured));
        let begun = self
            .store
            .intent_begin_in(&row, &job, &limits, join.as_ref());
        match begun.await? {
            IntentOutcome::Begun => Ok(true),
            IntentOutcome::GroupElsewhere => Ok(false),
            IntentOutcome::GroupFull => Err(group_is_full()),
            IntentOutcome::GroupGone => Err(Fault::bad_request(no_such_group(
                group.map_or("", |joined| joined.group.id.as_str()),
            ))),
            IntentOutcome::OverQuota(used, limits) => {
                Err(over_quota(request, flavor, used, limits))
            }
        }
    }

    pub(crate) async fn make(
        &self,
        call: &Call,
        prepared: &Prepared,
        placed: &Placed,
        intent: &Intent,
        begun: Instant,
    ) -> Result<Value, Failed> {
        let pod_id = placed.pod.id();
        let ports = self
            .network
            .allocate(&prepared.networks, &intent.id, &placed.zone)
            .await
            .map_err(|error| Failed::AtTop(network_fault(error)))?;
        hit("server_create.allocated");
        let admin = self
            .pods
            .admin(pod_id, call.request_id())
            .map_err(Failed::preparing)?;
        let user = self.pods.session_in(&placed.pod, &call.caller());
        let project_id = &call.context.project_id;
        let flavor = Box::pin(self.ensure_flavor(&admin, &prepared.flavor, project_id));
        let keypair = async {
            match &prepared.keypair {
                Some(keypair) => self.ensure_keypair(&user, keypair).await,
                None => Ok(()),
            }
        };
        let group = async {
            match &prepared.group {
                Some(joined) => self.ensure_group(&user, &joined.group).await.map(Some),
                None => Ok(None),
            }
        };
        let realized = Box::pin(self.network.realize_ports(pod_id, &ports));
        // No longer than the job waits before it takes back what it finds unfinished.
        let limit = self.time_to_post(begun).ok_or_else(Failed::too_late)?;
        let all = async { futures_util::join!(flavor, keypair, group, realized) };
        let all = actix_web::rt::time::timeout(limit, all).await;
        let (flavor, keypair, group, realized) = all.map_err(|_| Failed::too_late())?;
        // What the pod has against the networks tells most.
        let realized = realized.map_err(Failed::realizing)?;
        let group = flavor.and(keypair).and(group)?;
        let place = InPod {
            zone: &placed.bottom_zone,
            ports: &realized,
            group: group.as_deref(),
        };
        let body = for_pod(&prepared.request, intent, &place);
        hit("server_create.realized");
        let limit = self.time_to_post(begun).ok_or_else(Failed::too_late)?;
        let limit = limit.min(self.config.client.create_timeout);
        let mut session = call.session(&placed.pod).with_timeout(limit);
        // "none" is understood from 2.37 on, which takes all that older ones take.
        if realized.is_empty() && call.context.version() < tricircle_api::Microversion::new(2, 37) {
            session = session.at_compute_version("2.37");
        }
        let made = session.post_json(Service::Compute, "/servers", &body).await;
        let failed = match made {
            Ok(answer) => return Ok(answer),
            Err(error) => Failed::posting(error),
        };
        if let (Failed::InPod(_, fault), Some(bottom), Some(joined)) =
            (&failed, &group, &prepared.group)
            && fault.message() == no_such_group(bottom)
        {
            self.group_lost(pod_id, &joined.group.id).await;
            let again = Fault::unavailable(
                "The server group is being made anew in the availability zone. Try again.",
            );
            return Err(Failed::InPod(Ended::Request, again));
        }
        Err(failed)
    }

    /// How long the pod may still take before the job takes over.
    pub(crate) fn time_to_post(&self, begun: Instant) -> Option<Duration> {
        time_left(self.config.jobs.create_grace, Duration::MAX, begun)
    }

    pub(crate) async fn complete(
        &self,
        call: &Call,
        prepared: &Prepared,
        placed: &Placed,
        intent: &Intent,
        mut answer: Value,
    ) -> Result<Value, Fault> {
        let pod = &placed.pod;
        let Some(id) = answer.pointer("/server/id").and_then(Value::as_str) else {
            // The job finds it by its mark.
            return Err(pod_fault(PodError::Malformed {
                pod: pod.region().to_owned(),
                why: "no server id in the answer to a create".to_owned(),
            }));
        };
        let id = id.to_owned();
        let owner = format!("compute:{}", placed.zone);
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

    /// Takes back what this try made, as far as possible now; the job does the rest. True
    /// when nothing is left.
    pub(crate) async fn undo(&self, placed: &Placed, intent: &Intent) -> bool {
        let pod_id = placed.pod.id();
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
        let Err(error) = ended else {
            return true;
        };
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
        false
    }
}

fn server_id(answer: &Value) -> Option<&str> {
    answer.pointer("/server/id").and_then(Value::as_str)
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
