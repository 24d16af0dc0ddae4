//! The microversions that a gateway offers: what all its pods speak.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tricircle_api::{Microversion, SharedVersions, VersionRange};
use tricircle_pods::{Pods, Service, Version};

/// How often the range is looked at; it changes when pods come, go or are upgraded.
const EVERY: Duration = Duration::from_secs(2);

/// Offers from now on, until `stop`, the part of `ours` that every pod speaks, capped at
/// `cap` (empty: no cap). While no pod has answered yet, that is `ours`.
pub fn follow_pods(
    pods: &Pods,
    service: Service,
    ours: VersionRange,
    cap: &str,
    stop: CancellationToken,
) -> SharedVersions {
    let ours = match Microversion::parse(cap) {
        Some(cap) if cap < ours.max && cap >= ours.min => VersionRange { max: cap, ..ours },
        _ => ours,
    };
    let shared = SharedVersions::new(range(pods, service, ours));
    let (pods, follower) = (pods.clone(), shared.clone());
    tokio::spawn(async move {
        while stop
            .run_until_cancelled(tokio::time::sleep(EVERY))
            .await
            .is_some()
        {
            follower.set(range(&pods, service, ours));
        }
    });
    shared
}

fn range(pods: &Pods, service: Service, ours: VersionRange) -> VersionRange {
    let Some(span) = pods.snapshot().version_span(service) else {
        return ours;
    };
    let version = |version: Version| Microversion::new(version.major, version.minor);
    let theirs = VersionRange {
        min: version(span.min),
        max: version(span.max),
    };
    ours.intersection(theirs).unwrap_or(ours)
}
