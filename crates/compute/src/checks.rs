//! What Nova would refuse is refused before anything is made.

use std::sync::Arc;

use serde_json::Value;
use tricircle_api::Fault;
use tricircle_db::models::{Flavor, RoutingUsage, ServerRoom, UsageLimits};
use tricircle_gateway::{Call, pod_fault};
use tricircle_pods::{PodEntry, Service};
use tricircle_quota::Limits;

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

    /// Nova's 403 for more metadata, or more or larger files, than a server may have.
    pub(crate) async fn check_limits(
        &self,
        call: &Call,
        request: &ServerRequest,
    ) -> Result<(), Fault> {
        let server = request.server();
        let metadata = server
            .and_then(|server| server.get("metadata")?.as_object())
            .map_or(0, serde_json::Map::len);
        let files = server
            .and_then(|server| server.get("personality")?.as_array())
            .map_or(&[][..], Vec::as_slice);
        if metadata == 0 && files.is_empty() {
            return Ok(());
        }
        let context = &call.context;
        let set = self
            .store
            .compute_quotas(&context.project_id, &context.user_id)
            .await?;
        let limits = Limits::configured(&self.config.quota);
        let limit = |name: &str| {
            let configured = limits.get(name);
            let (project, user) = (
                set.of_project(name, configured),
                set.of_user(name, configured),
            );
            // Each of the two must hold, and a negative one always does.
            match (project, user) {
                (..0, other) | (other, ..0) => other,
                (project, user) => project.min(user),
            }
        };
        over_limits(metadata, files, limit)
    }

    /// The limits that a project has where nobody set others.
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

/// What of these exceeds a limit, in Nova's words and order.
fn over_limits(metadata: usize, files: &[Value], limit: impl Fn(&str) -> i64) -> Result<(), Fault> {
    let over =
        |limit: i64, size: usize| limit >= 0 && i64::try_from(size).is_ok_and(|size| size > limit);
    let allowed = limit("metadata_items");
    if over(allowed, metadata) {
        return Err(Fault::forbidden(format!(
            "Maximum number of metadata items exceeds {allowed}"
        )));
    }
    if over(limit("injected_files"), files.len()) {
        return Err(Fault::forbidden("Personality file limit exceeded"));
    }
    let longest = |key: &str| {
        let texts = files.iter().filter_map(|file| file.get(key)?.as_str());
        texts.map(str::len).max().unwrap_or(0)
    };
    let allowed = limit("injected_file_path_bytes");
    if over(allowed, longest("path")) {
        return Err(Fault::forbidden(format!(
            "Personality file path exceeds maximum {allowed}"
        )));
    }
    let allowed = limit("injected_file_content_bytes");
    if over(allowed, longest("contents")) {
        return Err(Fault::forbidden(format!(
            "Personality file content exceeds maximum {allowed}"
        )));
    }
    Ok(())
}

/// How many servers of a flavor there is room for, at most `wanted`, and the usage and
/// limits that leave no more.
pub(crate) fn fitting(
    room: &ServerRoom,
    flavor: &Flavor,
    wanted: u32,
) -> (u32, (RoutingUsage, UsageLimits)) {
    std::iter::once(room.project)
        .chain(room.user)
        .map(|(used, limits)| {
            let each = |limit: i64, used: i64, of_one: i64| match (limit, of_one) {
                // What is over its limit already takes no more, however small.
                (0.., 0) if used > limit => 0,
                (..0, _) | (_, ..=0) => i64::MAX,
                _ => limit.saturating_sub(used).max(0) / of_one,
            };
            let most = each(limits.count, used.count, 1)
                .min(each(limits.vcpus, used.vcpus, i64::from(flavor.vcpus)))
                .min(each(
                    limits.ram_mb,
                    used.ram_mb,
                    i64::from(flavor.memory_mb),
                ));
            let most = u32::try_from(most).unwrap_or(u32::MAX).min(wanted);
            (most, (used, limits))
        })
        .reduce(|project, user| if user.0 < project.0 { user } else { project })
        .unwrap_or((wanted, room.project))
}

/// Nova's 403 for a create that would exceed the quota.
pub(crate) fn over_quota(
    request: &ServerRequest,
    flavor: &Flavor,
    used: RoutingUsage,
    limits: UsageLimits,
) -> Fault {
    let (min, max) = (request.min_count, request.max_count);
    let count = if min == max {
        min.to_string()
    } else {
        format!("{min}-{max}")
    };
    let wanted = RoutingUsage {
        count: i64::from(max),
        vcpus: i64::from(flavor.vcpus) * i64::from(max),
        ram_mb: i64::from(flavor.memory_mb) * i64::from(max),
        size_gb: 0,
    };
    exceeded(wanted, &count, used, limits)
}

/// The same for a server that grows.
pub(crate) fn over_quota_grown(
    more: RoutingUsage,
    used: RoutingUsage,
    limits: UsageLimits,
) -> Fault {
    exceeded(more, "0", used, limits)
}

/// The resources that do not fit, by name, with what was asked, used and allowed.
fn exceeded(wanted: RoutingUsage, count: &str, used: RoutingUsage, limits: UsageLimits) -> Fault {
    let all = [
        (
            "cores",
            wanted.vcpus,
            wanted.vcpus.to_string(),
            used.vcpus,
            limits.vcpus,
        ),
        (
            "instances",
            wanted.count,
            count.to_owned(),
            used.count,
            limits.count,
        ),
        (
            "ram",
            wanted.ram_mb,
            wanted.ram_mb.to_string(),
            used.ram_mb,
            limits.ram_mb,
        ),
    ];
    let over: Vec<_> = all
        .into_iter()
        .filter(|(_, wanted, _, used, limit)| *limit >= 0 && used + wanted > *limit)
        .collect();
    let join = |pick: fn(&(&str, i64, String, i64, i64)) -> String| {
        over.iter().map(pick).collect::<Vec<_>>().join(", ")
    };
    Fault::forbidden(format!(
        "Quota exceeded for {}: Requested {}, but already used {} of {} {}",
        join(|o| o.0.to_owned()),
        join(|o| o.2.clone()),
        join(|o| o.3.to_string()),
        join(|o| o.4.to_string()),
        join(|o| o.0.to_owned()),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn limits(count: i64, vcpus: i64, ram_mb: i64) -> UsageLimits {
        UsageLimits {
            count,
            vcpus,
            ram_mb,
            size_gb: -1,
        }
    }

    fn used(count: i64, vcpus: i64, ram_mb: i64) -> RoutingUsage {
        RoutingUsage {
            count,
            vcpus,
            ram_mb,
            size_gb: 0,
        }
    }

    fn flavor(vcpus: i32, memory_mb: i32) -> Flavor {
        let now = tricircle_db::now();
        Flavor {
            id: String::new(),
            flavor_id: "1".to_owned(),
            name: String::new(),
            memory_mb,
            vcpus,
            root_gb: 1,
            ephemeral_gb: 0,
            swap_mb: 0,
            rxtx_factor: 1.0,
            is_public: true,
            disabled: false,
            description: None,
            extra_specs: "{}".to_owned(),
            created_at: now,
            updated_at: now,
        }
    }

    #[test]
    fn the_fault_names_each_resource_that_does_not_fit() {
        let read = |counts: serde_json::Value| {
            let mut server = json!({"name": "vm", "flavorRef": "1"});
            for (key, value) in counts.as_object().unwrap() {
                server[key] = value.clone();
            }
            ServerRequest::read(&json!({ "server": server })).unwrap()
        };
        for (counts, message) in [
            (
                json!({"min_count": 2}),
                "Quota exceeded for cores, instances: Requested 2, 2, but already used 19, 9 of \
                 20, 10 cores, instances",
            ),
            (
                json!({"min_count": 2, "max_count": 3}),
                "Quota exceeded for cores, instances: Requested 3, 2-3, but already used 19, 9 of \
                 20, 10 cores, instances",
            ),
        ] {
            let fault = over_quota(
                &read(counts),
                &flavor(1, 512),
                used(9, 19, 512),
                limits(10, 20, -1),
            );
            assert_eq!(fault.status(), 403);
            assert_eq!(fault.message(), message);
        }
        let fault = over_quota_grown(used(0, 2, 0), used(10, 19, 512), limits(10, 20, 512));
        assert_eq!(
            fault.message(),
            "Quota exceeded for cores: Requested 2, but already used 19 of 20 cores"
        );
    }

    #[test]
    fn metadata_and_files_are_limited() {
        let limit = |name: &str| match name {
            "metadata_items" => 2,
            "injected_files" => 1,
            "injected_file_path_bytes" => 4,
            _ => 8,
        };
        let file = |path: &str, contents: &str| json!({"path": path, "contents": contents});
        for (metadata, files, message) in [
            (2, vec![file("/a", "YQ==")], None),
            (
                3,
                vec![],
                Some("Maximum number of metadata items exceeds 2"),
            ),
            (
                0,
                vec![file("/a", ""), file("/b", "")],
                Some("Personality file limit exceeded"),
            ),
            (
                0,
                vec![file("/long", "")],
                Some("Personality file path exceeds maximum 4"),
            ),
            (
                0,
                vec![file("/a", "123456789")],
                Some("Personality file content exceeds maximum 8"),
            ),
        ] {
            let refused = over_limits(metadata, &files, limit).err();
            assert_eq!(refused.as_ref().map(Fault::message), message);
            assert!(refused.is_none_or(|fault| fault.status() == 403));
        }
        assert!(over_limits(500, &[], |_| -1).is_ok());
    }

    #[test]
    fn as_many_as_fit_are_made() {
        for (project, user, flavor, wanted, fit) in [
            (limits(10, 20, -1), None, flavor(1, 512), 5, 5),
            (limits(10, 20, -1), None, flavor(1, 512), 50, 8),
            (limits(-1, 20, -1), None, flavor(5, 512), 50, 3),
            (limits(-1, -1, 2048), None, flavor(1, 512), 50, 2),
            (limits(-1, -1, -1), None, flavor(1, 512), 50, 50),
            (limits(1, -1, -1), None, flavor(1, 512), 50, 0),
            (limits(-1, -1, 512), None, flavor(1, 0), 1, 0),
            (
                limits(10, 20, -1),
                Some(limits(3, -1, -1)),
                flavor(1, 512),
                50,
                2,
            ),
        ] {
            let room = ServerRoom {
                project: (used(2, 2, 1024), project),
                user: user.map(|limits| (used(1, 1, 512), limits)),
            };
            assert_eq!(fitting(&room, &flavor, wanted).0, fit, "{room:?}");
        }
    }
}
