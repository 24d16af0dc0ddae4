//! [`Call`]: one request's caller, and what the policy lets it do.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::StatusCode;
use actix_web::{FromRequest, HttpRequest, web};
use serde_json::Value;
use tricircle_api::{Fault, FaultKind, RequestContext};
use tricircle_db::models::RealizationKind;
use tricircle_network::NetworkError;
use tricircle_network::resource::{Action, Chain, Projection, Resource, ResourceError, Row};
use tricircle_network::servers::Actor;
use tricircle_policy::{Credentials, Target};

use crate::state::Api;

/// What a handler works with. Handlers take it as an argument.
#[derive(Clone)]
pub struct Call {
    /// What the service holds.
    pub api: Arc<Api>,
    /// Who asks, under which id.
    pub context: RequestContext,
    credentials: Credentials,
    admin: bool,
}

impl FromRequest for Call {
    type Error = Fault;
    type Future = Ready<Result<Self, Fault>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let context = match RequestContext::from_request(request, payload).into_inner() {
            Ok(context) => context,
            Err(fault) => return ready(Err(fault)),
        };
        let Some(api) = request.app_data::<web::Data<Api>>() else {
            return ready(Err(Fault::internal("the app has no state")));
        };
        let api = Arc::clone(&api.clone().into_inner());
        let credentials = context.credentials();
        let admin = api.policy.is_admin(&credentials);
        ready(Ok(Self {
            api,
            context,
            credentials,
            admin,
        }))
    }
}

impl Call {
    /// Whether the caller is an administrator, by policy.
    pub fn is_admin(&self) -> bool {
        self.admin
    }

    /// Whether the caller may name other projects as owners.
    pub fn any_project(&self) -> bool {
        self.admin || self.context.roles().iter().any(|role| role == "service")
    }

    /// The caller, as the network crate knows callers.
    pub fn actor(&self) -> Actor {
        Actor {
            project_id: self.context.project_id.clone(),
            user_id: self.context.user_id.clone(),
            is_admin: self.admin,
            request_id: self.context.request_id().to_owned(),
        }
    }

    /// The caller's project.
    pub fn project_id(&self) -> &str {
        &self.context.project_id
    }

    /// The projects that a list is limited to in the database: all for
    /// administrators. What the policy says of each row comes after.
    pub fn projects(&self) -> Vec<String> {
        if self.any_project() {
            Vec::new()
        } else {
            vec![self.project_id().to_owned()]
        }
    }

    /// Whether the rule holds for this target. An attribute without a rule of its
    /// own goes with the resource; an action without a rule is nobody's.
    pub fn may(&self, rule: &str, target: &Target) -> bool {
        let policy = &self.api.policy;
        if rule.contains(':') && !policy.has_rule(rule) {
            return true;
        }
        policy.allows(rule, &self.credentials, target)
    }

    /// Refuses with Neutron's 403 unless all rules of the chain hold.
    pub fn require(&self, chain: &Chain, target: &Target) -> Result<(), Fault> {
        if chain.rules().all(|rule| self.may(rule, target)) {
            Ok(())
        } else {
            Err(refused(chain.denied()))
        }
    }

    /// Whether the caller may know of this row.
    pub fn sees(&self, resource: &Resource, row: &Row) -> bool {
        self.admin || self.may(&resource.rule(Action::Get), &Target::from(row.clone()))
    }

    /// Brings what changed at the top to the pods that have it, as far as they can be
    /// reached now; the job that was written with the change does the rest.
    pub async fn push(&self, kind: RealizationKind, id: &str) {
        let pushed = self
            .api
            .network
            .push(kind, id, self.context.request_id())
            .await;
        if pushed.is_err() {
            tracing::info!(resource.id = id, "not all pods have the change");
        }
    }

    /// What the caller sees of rows of this kind.
    pub fn projection(&self, resource: &'static Resource) -> Projection {
        let target = Target::of_caller(&self.credentials);
        Projection::new(resource, |rule| self.may(rule, &target))
    }
}

/// A refusal of the resource framework as a fault.
pub fn refused(error: ResourceError) -> Fault {
    let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
    Fault::new(FaultKind::of_status(status), error.message).with_type(error.kind)
}

/// An error of the network crate as a fault.
pub fn failed(error: NetworkError) -> Fault {
    let error = match error {
        NetworkError::Db(error) => return Fault::from(error),
        NetworkError::Internal(detail) => return Fault::internal(detail),
        other => other,
    };
    let (code, kind) = error.status();
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Fault::new(FaultKind::of_status(status), error.to_string()).with_type(kind)
}

/// The outcome of a write that may insist on a revision.
pub fn written<T>(revision: Option<i64>, outcome: Result<T, NetworkError>) -> Result<(), Fault> {
    match outcome {
        Ok(_) => Ok(()),
        Err(NetworkError::OtherRevision { found }) => Err(refused(ResourceError::wrong_revision(
            revision.unwrap_or_default(),
            found,
        ))),
        Err(error) => Err(failed(error)),
    }
}

/// JSON text of a row as a value; text that is none is `fallback`.
pub fn json_or(text: &str, fallback: Value) -> Value {
    serde_json::from_str(text).unwrap_or(fallback)
}
