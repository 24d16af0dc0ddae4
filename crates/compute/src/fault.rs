//! Errors of the layers below as faults of the Compute API.

use actix_web::http::StatusCode;
use tricircle_api::{Fault, FaultKind};
use tricircle_jobs::JobError;
use tricircle_network::NetworkError;
use tricircle_pods::PodError;

/// A networking error in Nova's code and words.
pub(crate) fn network_fault(error: NetworkError) -> Fault {
    let (code, message) = error.compute_fault();
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let detail = tricircle_api::chain(&error);
    Fault::new(FaultKind::of_status(status), message).with_detail(detail)
}

/// The networks of the server took all the time that there was.
pub(crate) fn too_late() -> Fault {
    Fault::new(
        FaultKind::PodTimeout,
        "The pod took too long to prepare the networks of the server.",
    )
}

/// The pod may have made the server, and did not say so.
pub(crate) fn unconfirmed(error: &PodError) -> Fault {
    let kind = match error {
        PodError::NoAnswer { .. } => FaultKind::PodTimeout,
        // The fault is the pod's, not ours.
        _ => FaultKind::of_status(StatusCode::BAD_GATEWAY),
    };
    Fault::new(
        kind,
        "The pod did not confirm the creation of the server. It will appear in the list of \
         servers if it was made.",
    )
    .with_detail(tricircle_api::chain(error))
}

/// A networking error as the end of a job's run.
pub(crate) fn network_job_error(pod_id: &str, error: NetworkError) -> JobError {
    match error {
        NetworkError::Pod(error) => tricircle_intent::pod_job_error(pod_id, error),
        NetworkError::Db(error) => error.into(),
        other => JobError::transient(other),
    }
}
