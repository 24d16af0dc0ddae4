//! Errors of the layers below as faults of the Compute API.

use actix_web::http::StatusCode;
use tricircle_api::{Fault, FaultKind};
use tricircle_jobs::JobError;
use tricircle_network::NetworkError;

/// A networking error in Nova's code and words.
pub(crate) fn network_fault(error: NetworkError) -> Fault {
    let (code, message) = error.compute_fault();
    let status = StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let detail = tricircle_api::chain(&error);
    Fault::new(FaultKind::of_status(status), message).with_detail(detail)
}

/// A networking error as the end of a job's run.
pub(crate) fn network_job_error(pod_id: &str, error: NetworkError) -> JobError {
    match error {
        NetworkError::Pod(error) => tricircle_intent::pod_job_error(pod_id, error),
        NetworkError::Db(error) => error.into(),
        other => JobError::transient(other),
    }
}
