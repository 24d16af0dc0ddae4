//! Refusals, for users.

use tricircle_api::{Fault, FaultKind};
use tricircle_db::models::{RoutingUsage, UsageLimits};

/// Cinder's 413 for a create that would exceed the quota.
pub(crate) fn over_quota(size_gb: i64, used: RoutingUsage, limits: UsageLimits) -> Fault {
    let message = if limits.count >= 0 && used.count + 1 > limits.count {
        format!(
            "VolumeLimitExceeded: Maximum number of volumes allowed ({}) exceeded for quota \
             'volumes'.",
            limits.count
        )
    } else {
        format!(
            "VolumeSizeExceedsAvailableQuota: Requested volume or snapshot exceeds allowed \
             gigabytes quota. Requested {size_gb}G, quota is {}G and {}G has been consumed.",
            limits.size_gb, used.size_gb
        )
    };
    Fault::new(FaultKind::TooLarge, message).with_retry_after(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fault_names_the_quota_that_is_exceeded() {
        let limits = UsageLimits {
            count: 2,
            size_gb: 10,
            ..UsageLimits::NONE
        };
        let used = |count, size_gb| RoutingUsage {
            count,
            size_gb,
            ..RoutingUsage::default()
        };
        let fault = over_quota(1, used(2, 2), limits);
        assert_eq!(fault.status(), 413);
        assert!(
            fault
                .message()
                .contains("Maximum number of volumes allowed (2)")
        );
        let fault = over_quota(5, used(1, 6), limits);
        assert!(
            fault
                .message()
                .contains("Requested 5G, quota is 10G and 6G")
        );
    }
}
