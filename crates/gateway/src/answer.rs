//! What a user is told when a pod said no, or nothing.

use actix_web::http::StatusCode;
use tricircle_api::{Fault, FaultKind, chain};
use tricircle_db::models::RoutingKind;
use tricircle_pods::{PodError, is_proxys_excuse};

use crate::resolve::ResolveError;

/// A pod's fault is the user's fault, code and text; a pod that is away is 503.
pub fn pod_fault(error: PodError) -> Fault {
    let detail = chain(&error);
    match error {
        PodError::Status {
            code,
            message,
            retry_after,
            ..
        } if code < 500 || code == 501 => {
            let status = StatusCode::from_u16(code).unwrap_or(StatusCode::BAD_GATEWAY);
            let fault = Fault::new(FaultKind::of_status(status), message).with_detail(detail);
            match retry_after.and_then(|seconds| u32::try_from(seconds).ok()) {
                Some(seconds) => fault.with_retry_after(seconds),
                None => fault,
            }
        }
        PodError::Status { code, ref pod, .. } if is_proxys_excuse(code) => {
            Fault::pod_unavailable(pod, detail)
        }
        PodError::Status { .. } | PodError::Malformed { .. } => {
            bad_gateway("The service in the resource's pod failed to answer.").with_detail(detail)
        }
        PodError::Busy { .. } => {
            Fault::unavailable("The resource's pod has too many requests under way.")
                .with_retry_after(1)
                .with_detail(detail)
        }
        PodError::NoEndpoint { .. } | PodError::AuthMode(_) => {
            Fault::not_implemented("The resource's pod does not offer this service.")
                .with_detail(detail)
        }
        PodError::Unknown(ref pod)
        | PodError::Unreachable { ref pod, .. }
        | PodError::NoAnswer { ref pod }
        | PodError::Down { ref pod, .. }
        | PodError::Auth { ref pod, .. } => Fault::pod_unavailable(pod, detail),
    }
}

/// 502: the pod answered, but not as its API says.
pub(crate) fn bad_gateway(message: &'static str) -> Fault {
    Fault::new(FaultKind::Raw(502), message)
}

/// What a kind of resource is called at the start of a message.
pub(crate) fn title(kind: RoutingKind) -> &'static str {
    match kind {
        RoutingKind::Server => "Instance",
        RoutingKind::Volume => "Volume",
        RoutingKind::Snapshot => "Snapshot",
        RoutingKind::Backup => "Backup",
    }
}

/// What a user is told when a resource could not be found.
pub fn fault_of(error: ResolveError, kind: &str, id: &str) -> Fault {
    match error {
        ResolveError::NotFound => Fault::not_found(format!("{kind} {id} could not be found.")),
        ResolveError::PodAway(source) => pod_fault(source),
        ResolveError::Db(source) => Fault::from(source),
    }
}
