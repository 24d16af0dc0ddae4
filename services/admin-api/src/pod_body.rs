//! Pods on the wire: what a request may say, and what an answer shows.

use serde_json::{Map, Value, json};
use tricircle_api::Fault;
use tricircle_db::models::{PodState, PodView, PodZone, ZoneService};

use crate::listing::moment;

/// The services that zones belong to, in the order they are shown.
const ZONE_SERVICES: [ZoneService; 3] = [
    ZoneService::Compute,
    ZoneService::Volume,
    ZoneService::Network,
];

/// The longest name of a region or zone.
const LONGEST_NAME: usize = 255;

/// From the least of IPv4 to the most that an IP packet can be.
const MTU: std::ops::RangeInclusive<i64> = 68..=65_535;

/// A zone of the top and what it is called in the pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ZonePair {
    pub(crate) service: ZoneService,
    pub(crate) top: String,
    pub(crate) bottom: String,
}

/// What a create or update says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PodRequest {
    pub(crate) region_name: Option<String>,
    pub(crate) zones: Option<Vec<ZonePair>>,
    pub(crate) state: Option<PodState>,
    /// The largest MTU of networks there.
    pub(crate) mtu: Option<i32>,
}

impl PodRequest {
    pub(crate) fn parse(body: &Map<String, Value>) -> Result<Self, Fault> {
        const KNOWN: [&str; 7] = [
            "region_name",
            "pod_name",
            "az_name",
            "pod_az_name",
            "availability_zones",
            "state",
            "mtu",
        ];
        if let Some(unknown) = body.keys().find(|key| !KNOWN.contains(&key.as_str())) {
            return Err(Fault::bad_request(format!(
                "A pod has no field {unknown:?}."
            )));
        }
        let region_name = match (text(body, "region_name")?, text(body, "pod_name")?) {
            (Some(region), Some(pod)) if region != pod => {
                return Err(Fault::bad_request(
                    "region_name and pod_name mean the same and differ.",
                ));
            }
            (region, pod) => region.or(pod),
        };
        if region_name.as_deref() == Some("") {
            return Err(Fault::bad_request("region_name must not be empty."));
        }
        let state = text(body, "state")?
            .map(|word| {
                word.parse::<PodState>()
                    .map_err(|_| Fault::bad_request("state must be enabled, draining or disabled."))
            })
            .transpose()?;
        Ok(Self {
            region_name,
            zones: zones(body)?,
            state,
            mtu: mtu(body)?,
        })
    }

    /// The zones as rows of a pod.
    pub(crate) fn rows(zones: &[ZonePair], pod_id: &str) -> Vec<PodZone> {
        zones
            .iter()
            .map(|zone| PodZone {
                pod_id: pod_id.to_owned(),
                service: zone.service,
                top_az: zone.top.clone(),
                bottom_az: zone.bottom.clone(),
            })
            .collect()
    }
}

fn text(body: &Map<String, Value>, name: &str) -> Result<Option<String>, Fault> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) if text.chars().count() > LONGEST_NAME => Err(
            Fault::bad_request(format!("{name} has more than {LONGEST_NAME} characters.")),
        ),
        Some(Value::String(text)) if text.chars().any(char::is_control) => Err(Fault::bad_request(
            format!("{name} has control characters."),
        )),
        Some(Value::String(text)) => Ok(Some(text.trim().to_owned())),
        Some(_) => Err(Fault::bad_request(format!("{name} must be a string."))),
    }
}

fn mtu(body: &Map<String, Value>) -> Result<Option<i32>, Fault> {
    match body.get("mtu") {
        None | Some(Value::Null) => Ok(None),
        Some(value) => value
            .as_i64()
            .filter(|mtu| MTU.contains(mtu))
            .and_then(|mtu| i32::try_from(mtu).ok())
            .map(Some)
            .ok_or_else(|| {
                let (least, most) = (MTU.start(), MTU.end());
                Fault::bad_request(format!("mtu must be a number from {least} to {most}."))
            }),
    }
}

/// Zones come as the one pair `az_name`, `pod_az_name` for all services, or per
/// service under `availability_zones`.
fn zones(body: &Map<String, Value>) -> Result<Option<Vec<ZonePair>>, Fault> {
    let az_name = text(body, "az_name")?;
    let pod_az_name = text(body, "pod_az_name")?;
    let Some(listed) = body.get("availability_zones").filter(|v| !v.is_null()) else {
        return match (az_name, pod_az_name) {
            (None, None) => Ok(None),
            (None, Some(_)) => Err(Fault::bad_request("pod_az_name needs az_name beside it.")),
            (Some(top), _) if top.is_empty() => {
                Err(Fault::bad_request("az_name must not be empty."))
            }
            (Some(top), bottom) => Ok(Some(
                ZONE_SERVICES
                    .into_iter()
                    .map(|service| ZonePair {
                        service,
                        top: top.clone(),
                        bottom: bottom.clone().unwrap_or_default(),
                    })
                    .collect(),
            )),
        };
    };
    if az_name.is_some() || pod_az_name.is_some() {
        return Err(Fault::bad_request(
            "Zones are given by az_name or by availability_zones, not by both.",
        ));
    }
    let shape = || {
        Fault::bad_request(
            "availability_zones must be like {\"compute\": [{\"top\": \"az1\", \"bottom\": \
             \"nova\"}]}.",
        )
    };
    let by_service = listed.as_object().ok_or_else(shape)?;
    let mut pairs: Vec<ZonePair> = Vec::new();
    for (service, entries) in by_service {
        let service: ZoneService = service.parse().map_err(|_| {
            Fault::bad_request(format!(
                "{service:?} has no availability zones; compute, volume and network have."
            ))
        })?;
        for entry in entries.as_array().ok_or_else(shape)? {
            let entry = entry.as_object().ok_or_else(shape)?;
            let top = text(entry, "top")?.filter(|top| !top.is_empty());
            let top = top.ok_or_else(shape)?;
            if pairs.iter().any(|p| p.service == service && p.top == top) {
                return Err(Fault::bad_request(format!(
                    "Zone {top:?} of {service} is given twice."
                )));
            }
            pairs.push(ZonePair {
                service,
                top,
                bottom: text(entry, "bottom")?.unwrap_or_default(),
            });
        }
    }
    if !pairs.iter().any(|p| p.service == ZoneService::Compute) {
        return Err(Fault::bad_request(
            "availability_zones needs at least one zone of compute.",
        ));
    }
    Ok(Some(pairs))
}

/// A pod as answers show it.
pub(crate) fn shown(view: &PodView) -> Map<String, Value> {
    let first = view
        .zones
        .iter()
        .find(|zone| zone.service == ZoneService::Compute);
    let mut zones = Map::new();
    for service in ZONE_SERVICES {
        let pairs: Vec<Value> = view
            .zones
            .iter()
            .filter(|zone| zone.service == service)
            .map(|zone| json!({"top": zone.top_az, "bottom": zone.bottom_az}))
            .collect();
        zones.insert(service.to_string(), Value::Array(pairs));
    }
    let pod = &view.pod;
    let mut shown = Map::new();
    for (name, value) in [
        ("id", json!(pod.id)),
        ("region_name", json!(pod.region_name)),
        ("pod_name", json!(pod.region_name)),
        (
            "az_name",
            json!(first.map_or("", |zone| zone.top_az.as_str())),
        ),
        (
            "pod_az_name",
            json!(first.map_or("", |zone| zone.bottom_az.as_str())),
        ),
        ("availability_zones", Value::Object(zones)),
        ("state", json!(pod.state)),
        ("mtu", json!(view.mtu)),
        ("auth_mode", json!(pod.auth_mode)),
        ("ordinal", json!(pod.ordinal)),
        ("created_at", json!(moment(pod.created_at))),
        ("updated_at", json!(moment(pod.updated_at))),
    ] {
        shown.insert(name.to_owned(), value);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(body: Value) -> Result<PodRequest, String> {
        PodRequest::parse(body.as_object().unwrap()).map_err(|fault| fault.message().to_owned())
    }

    fn pair(service: ZoneService, top: &str, bottom: &str) -> ZonePair {
        ZonePair {
            service,
            top: top.to_owned(),
            bottom: bottom.to_owned(),
        }
    }

    #[test]
    fn one_zone_name_stands_for_all_services() {
        let request = parse(json!({"region_name": "Pod1", "az_name": "az1"})).unwrap();
        assert_eq!(request.region_name.as_deref(), Some("Pod1"));
        assert_eq!(
            request.zones.unwrap(),
            ZONE_SERVICES.map(|service| pair(service, "az1", ""))
        );
        let old = parse(json!({"pod_name": "Pod1", "az_name": "az1", "pod_az_name": "nova"}));
        let old = old.unwrap();
        assert_eq!(old.region_name.as_deref(), Some("Pod1"));
        assert!(old.zones.unwrap().iter().all(|zone| zone.bottom == "nova"));
    }

    #[test]
    fn zones_may_be_named_per_service() {
        let request = parse(json!({"availability_zones": {
            "compute": [{"top": "az1", "bottom": "nova"}, {"top": "az2"}],
            "volume": [{"top": "az1", "bottom": "ceph"}],
        }}))
        .unwrap();
        assert_eq!(
            request.zones.unwrap(),
            [
                pair(ZoneService::Compute, "az1", "nova"),
                pair(ZoneService::Compute, "az2", ""),
                pair(ZoneService::Volume, "az1", "ceph"),
            ]
        );
    }

    #[test]
    fn what_can_not_be_meant_is_refused_with_its_reason() {
        for (body, part) in [
            (json!({"region_name": ""}), "must not be empty"),
            (json!({"region_name": 5}), "must be a string"),
            (json!({"region_name": "a\nb"}), "control characters"),
            (json!({"region_name": "x".repeat(256)}), "255"),
            (json!({"region_name": "a", "pod_name": "b"}), "differ"),
            (json!({"dc": "a"}), "no field \"dc\""),
            (json!({"state": "gone"}), "enabled, draining or disabled"),
            (json!({"mtu": 67}), "from 68 to 65535"),
            (json!({"mtu": "1500"}), "from 68 to 65535"),
            (json!({"az_name": ""}), "must not be empty"),
            (json!({"pod_az_name": "nova"}), "needs az_name"),
            (
                json!({"az_name": "a", "availability_zones": {}}),
                "not by both",
            ),
            (json!({"availability_zones": []}), "must be like"),
            (json!({"availability_zones": {}}), "at least one"),
            (
                json!({"availability_zones": {"compute": [{}]}}),
                "must be like",
            ),
            (
                json!({"availability_zones": {"image": []}}),
                "no availability zones",
            ),
            (
                json!({"availability_zones": {"compute": [{"top": "a"}, {"top": "a"}]}}),
                "twice",
            ),
        ] {
            let message = parse(body.clone()).unwrap_err();
            assert!(message.contains(part), "{body}: {message}");
        }
    }
}
