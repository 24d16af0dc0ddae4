//! What Nova would refuse is refused before anything is made.

use std::sync::Arc;

use tricircle_api::Fault;
use tricircle_db::models::{RoutingUsage, UsageLimits};
use tricircle_gateway::{Call, pod_fault};
use tricircle_pods::{PodEntry, Service};

use crate::flavors::segment;
use crate::{Compute, ServerRequest};

impl Compute {
    /// Nova's 400 for an image that is not there. All pods share the image service,
    /// so any of them knows.
    pub(crate) async fn check_image(
        &self,
        call: &Call,
        pod: &Arc<PodEntry>,
        image_id: &str,
    ) -> Result<(), Fault> {
        let session = self.pods.session_in(pod, &call.caller());
        let path = format!("/images/{}", segment(image_id));
        match session.get_json(Service::Image, &path).await {
            Ok(_) => Ok(()),
            Err(error) if error.is_not_found() => {
                Err(Fault::bad_request("Can not find requested image"))
            }
            Err(error) => Err(pod_fault(error)),
        }
    }

    /// The quota of a project.
    pub(crate) fn limits(&self) -> UsageLimits {
        let quota = &self.config.quota;
        UsageLimits {
            count: quota.instances,
            vcpus: quota.cores,
            ram_mb: quota.ram,
            size_gb: -1,
        }
    }
}

/// Nova's 403 for a create that would exceed the quota: the resources that do not fit,
/// by name, with what was asked, used and allowed.
pub(crate) fn over_quota(
    request: &ServerRequest,
    vcpus: i64,
    ram_mb: i64,
    used: RoutingUsage,
    limits: UsageLimits,
) -> Fault {
    let count = i64::from(request.min_count);
    let all = [
        ("cores", vcpus * count, used.vcpus, limits.vcpus),
        ("instances", count, used.count, limits.count),
        ("ram", ram_mb * count, used.ram_mb, limits.ram_mb),
    ];
    let over: Vec<_> = all
        .into_iter()
        .filter(|(_, wanted, used, limit)| *limit >= 0 && used + wanted > *limit)
        .collect();
    let join = |pick: fn(&(&str, i64, i64, i64)) -> String| {
        over.iter().map(pick).collect::<Vec<_>>().join(", ")
    };
    Fault::forbidden(format!(
        "Quota exceeded for {}: Requested {}, but already used {} of {} {}",
        join(|o| o.0.to_owned()),
        join(|o| o.1.to_string()),
        join(|o| o.2.to_string()),
        join(|o| o.3.to_string()),
        join(|o| o.0.to_owned()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_fault_names_each_resource_that_does_not_fit() {
        let request = ServerRequest::read(
            &json!({"server": {"name": "vm", "flavorRef": "1", "min_count": 2}}),
        )
        .unwrap();
        let used = RoutingUsage {
            count: 9,
            vcpus: 19,
            ram_mb: 512,
            size_gb: 0,
        };
        let limits = UsageLimits {
            count: 10,
            vcpus: 20,
            ram_mb: -1,
            size_gb: -1,
        };
        let fault = over_quota(&request, 1, 512, used, limits);
        assert_eq!(fault.status(), 403);
        assert_eq!(
            fault.message(),
            "Quota exceeded for cores, instances: Requested 2, 2, but already used 19, 9 of 20, 10 \
             cores, instances"
        );
    }
}
