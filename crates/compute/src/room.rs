//! What room pods have for a server: their Placement's word.
//!
//! Asked only where it decides between pods, briefly, and believed for a moment. A pod
//! that does not say in time, or does not understand, is one of unknown room, never a full
//! one. What Nova itself would ask has more conditions than are asked here, so a pod may
//! refuse where there seemed to be room, and then the next one is tried; but one that has
//! no candidate here has none for Nova.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};
use tricircle_db::models::Flavor;
use tricircle_gateway::Call;
use tricircle_pods::{PodEntry, Service, fan_out};
use tricircle_scheduler::Room;

use crate::{Compute, ServerRequest};

/// Forbidden traits, the limit, and providers' roots are understood from here on.
const VERSION: &str = "1.29";

/// The most answers kept.
const KEPT: usize = 1024;

/// The trait of hosts that an operator took out of service.
const OUT_OF_SERVICE: &str = "!COMPUTE_STATUS_DISABLED";

/// What pods said lately. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Rooms(Arc<Mutex<HashMap<Asked, (Instant, Room)>>>);

/// A pod's id, and what it was asked.
type Asked = (String, String);

impl Rooms {
    fn get(&self, asked: &Asked, believed: Duration) -> Option<Room> {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let (since, room) = kept.get(asked)?;
        (since.elapsed() < believed).then_some(*room)
    }

    fn keep(&self, asked: Asked, room: Room, believed: Duration) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= KEPT {
            kept.retain(|_, (since, _)| since.elapsed() < believed);
        }
        // Whoever asks for so many different things at once gains nothing from this.
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert(asked, (Instant::now(), room));
    }
}

impl Compute {
    /// What room these pods have, by pod; those that did not say are left out.
    pub(crate) async fn rooms(
        &self,
        call: &Call,
        pods: Vec<Arc<PodEntry>>,
        flavor: &Flavor,
        request: &ServerRequest,
    ) -> BTreeMap<String, Room> {
        let config = &self.config.scheduler;
        let Some(query) = query(flavor, request.image_id.is_some(), config.capacity_limit) else {
            return BTreeMap::new();
        };
        let mut known = BTreeMap::new();
        let mut unknown = Vec::new();
        for pod in pods {
            let asked = (pod.id().to_owned(), query.clone());
            match self.rooms.get(&asked, config.capacity_cache_time) {
                Some(room) => {
                    known.insert(asked.0, room);
                }
                None if pod.endpoints.root(Service::Placement).is_some() => unknown.push(pod),
                None => {}
            }
        }
        let deadline = config.capacity_timeout;
        let answers = fan_out(unknown, deadline, |pod| {
            let admin = self.pods.admin(pod.id(), call.request_id());
            let path = format!("/allocation_candidates?{query}");
            async move {
                let session = admin?.at_placement_version(VERSION).with_timeout(deadline);
                session.get_json(Service::Placement, &path).await
            }
        });
        for answer in answers.await {
            if let Some(room) = answer.result.ok().and_then(|body| room_in(&body)) {
                let asked = (answer.pod.id().to_owned(), query.clone());
                known.insert(asked.0.clone(), room);
                self.rooms.keep(asked, room, config.capacity_cache_time);
            }
        }
        known
    }
}

/// What Placement is asked for a server of this flavor; none where a flavor asks for what
/// can not be said in one plain request.
fn query(flavor: &Flavor, from_image: bool, limit: u32) -> Option<String> {
    let mebibytes = |mb: i32| (i64::from(mb) + 1023) / 1024;
    // Booted from a volume, a server takes no root disk of its host.
    let root = if from_image { flavor.root_gb } else { 0 };
    let disk = i64::from(root) + i64::from(flavor.ephemeral_gb) + mebibytes(flavor.swap_mb);
    let mut resources: BTreeMap<String, i64> = [
        ("VCPU".to_owned(), i64::from(flavor.vcpus)),
        ("MEMORY_MB".to_owned(), i64::from(flavor.memory_mb)),
        ("DISK_GB".to_owned(), disk),
    ]
    .into();
    let mut traits = vec![OUT_OF_SERVICE.to_owned()];
    let specs: Map<String, Value> = serde_json::from_str(&flavor.extra_specs).unwrap_or_default();
    for (key, value) in &specs {
        let value = value.as_str().unwrap_or_default().trim();
        match key.split_once(':') {
            Some(("resources", class)) => {
                resources.insert(class.to_owned(), value.parse().ok()?);
            }
            Some(("trait", name)) => match value {
                "required" => traits.push(name.to_owned()),
                "forbidden" => traits.push(format!("!{name}")),
                _ => return None,
            },
            // Its CPUs are of another class then.
            Some(("hw", "cpu_policy")) if value != "shared" => return None,
            // Groups of resources, which need not be of one provider.
            Some((head, _)) if head.starts_with("resources") || head.starts_with("trait") => {
                return None;
            }
            _ => {}
        }
    }
    let wanted: Vec<String> = resources
        .iter()
        .filter(|(_, amount)| **amount > 0)
        .map(|(class, amount)| format!("{class}:{amount}"))
        .collect();
    if wanted.is_empty() {
        return None;
    }
    Some(
        url::form_urlencoded::Serializer::new(String::new())
            .append_pair("resources", &wanted.join(","))
            .append_pair("required", &traits.join(","))
            .append_pair("limit", &limit.max(1).to_string())
            .finish(),
    )
}

/// How many servers the candidates of an answer have room for; none when it is not one.
/// A tree of providers counts once, by its best candidate.
fn room_in(answer: &Value) -> Option<Room> {
    let candidates = answer.get("allocation_requests")?.as_array()?;
    let summaries = answer.get("provider_summaries")?.as_object()?;
    let mut trees: BTreeMap<&str, u64> = BTreeMap::new();
    for candidate in candidates {
        let allocations = candidate.get("allocations")?.as_object()?;
        let mut tree = None;
        let mut fits = u64::MAX;
        for (provider, allocation) in allocations {
            let summary = summaries.get(provider)?;
            let root = summary.get("root_provider_uuid").and_then(Value::as_str);
            for (class, amount) in allocation.get("resources")?.as_object()? {
                let of = summary.get("resources")?.get(class)?;
                let number = |key: &str| of.get(key).and_then(Value::as_u64);
                let free = number("capacity")?.saturating_sub(number("used")?);
                fits = fits.min(free.checked_div(amount.as_u64()?)?);
                // Storage may be shared: the tree is that of the host.
                if tree.is_none() || matches!(class.as_str(), "VCPU" | "MEMORY_MB") {
                    tree = Some(root.unwrap_or(provider));
                }
            }
        }
        let best = trees.entry(tree?).or_default();
        *best = (*best).max(fits);
    }
    let all = trees
        .values()
        .fold(0_u64, |sum, fits| sum.saturating_add(*fits));
    Some(Room::For(all))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn flavor(root_gb: i32, swap_mb: i32, specs: Value) -> Flavor {
        let item = json!({
            "id": "f", "name": "f", "ram": 512, "vcpus": 2, "disk": root_gb, "swap": swap_mb,
            "OS-FLV-EXT-DATA:ephemeral": 0, "extra_specs": specs,
        });
        crate::flavors::read_flavor(&item).unwrap()
    }

    fn asked(root_gb: i32, swap_mb: i32, specs: Value, from_image: bool) -> Option<String> {
        let query = query(&flavor(root_gb, swap_mb, specs), from_image, 7)?;
        let pairs = url::form_urlencoded::parse(query.as_bytes());
        let values: Vec<_> = pairs.map(|(_, value)| value.into_owned()).collect();
        assert_eq!(values[2], "7");
        Some(format!("{} {}", values[0], values[1]))
    }

    #[test]
    fn a_flavor_is_what_nova_would_ask_for() {
        let none = "!COMPUTE_STATUS_DISABLED";
        for (root, swap, specs, from_image, query) in [
            (
                1,
                0,
                json!({}),
                true,
                Some(format!("DISK_GB:1,MEMORY_MB:512,VCPU:2 {none}")),
            ),
            (
                1,
                1,
                json!({}),
                true,
                Some(format!("DISK_GB:2,MEMORY_MB:512,VCPU:2 {none}")),
            ),
            (
                1,
                0,
                json!({}),
                false,
                Some(format!("MEMORY_MB:512,VCPU:2 {none}")),
            ),
            (
                0,
                0,
                json!({"resources:VCPU": "0", "resources:CUSTOM_IRON": "1", "other": "x"}),
                true,
                Some(format!("CUSTOM_IRON:1,MEMORY_MB:512 {none}")),
            ),
            (
                0,
                0,
                json!({"trait:HW_A": "required", "trait:HW_B": "forbidden"}),
                true,
                Some(format!("MEMORY_MB:512,VCPU:2 {none},HW_A,!HW_B")),
            ),
            (0, 0, json!({"hw:cpu_policy": "dedicated"}), true, None),
            (0, 0, json!({"resources1:VGPU": "1"}), true, None),
            (0, 0, json!({"trait_A:HW_A": "required"}), true, None),
            (0, 0, json!({"trait:HW_A": "perhaps"}), true, None),
            (0, 0, json!({"resources:VCPU": "many"}), true, None),
            (
                0,
                0,
                json!({"resources:VCPU": "0", "resources:MEMORY_MB": "0"}),
                true,
                None,
            ),
        ] {
            assert_eq!(
                asked(root, swap, specs.clone(), from_image),
                query,
                "{specs}"
            );
        }
    }

    fn summary(root: &str, cpu: [u64; 2], ram: [u64; 2]) -> Value {
        json!({
            "root_provider_uuid": root,
            "resources": {
                "VCPU": {"capacity": cpu[0], "used": cpu[1]},
                "MEMORY_MB": {"capacity": ram[0], "used": ram[1]},
                "DISK_GB": {"capacity": 10, "used": 0},
            },
        })
    }

    #[test]
    fn room_is_what_all_hosts_together_have() {
        let small = json!({"VCPU": 2, "MEMORY_MB": 512});
        let one = |provider: &str| json!({"allocations": {provider: {"resources": small}}});
        let summaries = json!({
            "a": summary("a", [8, 2], [4096, 0]),
            "b": summary("b", [64, 0], [1024, 0]),
            "c": summary("a", [2, 0], [512, 0]),
        });
        let of = |candidates: Value| {
            room_in(&json!({"allocation_requests": candidates, "provider_summaries": summaries}))
        };
        assert_eq!(of(json!([])), Some(Room::For(0)));
        assert_eq!(of(json!([one("a")])), Some(Room::For(3)), "by its CPUs");
        assert_eq!(of(json!([one("a"), one("b")])), Some(Room::For(5)));
        assert_eq!(
            of(json!([one("a"), one("c")])),
            Some(Room::For(3)),
            "a tree once"
        );
        let shared = json!({"allocations": {
            "a": {"resources": small}, "b": {"resources": {"DISK_GB": 5}},
        }});
        assert_eq!(of(json!([shared])), Some(Room::For(2)), "by its disk");
        assert_eq!(of(json!([one("gone")])), None);
        assert_eq!(room_in(&json!({"errors": []})), None);
    }

    #[test]
    fn what_was_said_is_believed_for_a_while_and_bounded() {
        let rooms = Rooms::default();
        let hour = Duration::from_secs(3600);
        let asked = |n: usize| ("pod".to_owned(), n.to_string());
        for n in 0..=KEPT {
            rooms.keep(asked(n), Room::For(1), hour);
        }
        assert_eq!(rooms.get(&asked(KEPT), hour), Some(Room::For(1)));
        assert_eq!(rooms.get(&asked(KEPT), Duration::ZERO), None);
        assert!(rooms.0.lock().unwrap().len() <= KEPT);
    }
}
