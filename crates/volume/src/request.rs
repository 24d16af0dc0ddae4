//! What a user asks for when creating a volume, and what the pod is asked. Pure.

use serde_json::{Map, Value, json};
use tricircle_db::models::RoutingKind;

use crate::INTENT_KEY;

/// A create, read as far as the top must know it. Everything else is passed on.
#[derive(Debug, Clone)]
pub struct VolumeRequest {
    /// The whole body as it came.
    body: Map<String, Value>,
    /// Name, or empty.
    pub name: String,
    /// GiB; 0 when it follows from the source.
    pub size_gb: i32,
    /// Zone of the top.
    pub zone: Option<String>,
    /// Name or id of the type.
    pub volume_type: Option<String>,
    /// Image that it is filled from.
    pub image_id: Option<String>,
    /// What it is made from: the pod that has it is the only one possible.
    pub source: Option<(RoutingKind, String)>,
}

impl VolumeRequest {
    /// Reads a body; none when it has not the shape that the API asks for.
    pub fn read(body: &Value) -> Option<Self> {
        let body = body.as_object()?.clone();
        let volume = body.get("volume")?.as_object()?;
        let text = |key: &str| {
            let text = volume.get(key).and_then(Value::as_str)?.trim();
            (!text.is_empty()).then(|| text.to_owned())
        };
        let size_gb = match volume.get("size") {
            None | Some(Value::Null) => 0,
            Some(Value::Number(size)) => i32::try_from(size.as_i64()?).ok()?,
            Some(Value::String(size)) => size.trim().parse().ok()?,
            Some(_) => return None,
        };
        let source = [
            (RoutingKind::Snapshot, "snapshot_id"),
            (RoutingKind::Volume, "source_volid"),
            (RoutingKind::Backup, "backup_id"),
        ]
        .into_iter()
        .find_map(|(kind, key)| Some((kind, text(key)?)));
        Some(Self {
            name: text("name")
                .or_else(|| text("display_name"))
                .unwrap_or_default(),
            size_gb,
            zone: text("availability_zone"),
            volume_type: text("volume_type"),
            image_id: text("imageRef").or_else(|| text("image_id")),
            source,
            body,
        })
    }

    /// The body for the pod: its own zone name, its name of the type, and our mark.
    pub(crate) fn for_pod(
        &self,
        intent_id: &str,
        zone: Option<&str>,
        volume_type: Option<&str>,
    ) -> Value {
        let mut body = self.body.clone();
        if let Some(volume) = body.get_mut("volume").and_then(Value::as_object_mut) {
            match zone {
                Some(zone) => {
                    volume.insert("availability_zone".to_owned(), json!(zone));
                }
                None => {
                    volume.remove("availability_zone");
                }
            }
            if let Some(name) = volume_type {
                volume.insert("volume_type".to_owned(), json!(name));
            }
            let metadata = volume.entry("metadata").or_insert(Value::Null);
            if metadata.is_null() {
                *metadata = json!({});
            }
            // Metadata that is no object is the pod's to refuse.
            if let Some(metadata) = metadata.as_object_mut() {
                metadata.insert(INTENT_KEY.to_owned(), json!(intent_id));
            }
        }
        Value::Object(body)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_decides_over_the_pod_is_read_and_the_rest_is_kept() {
        let body = json!({
            "volume": {
                "name": "v", "size": "3", "availability_zone": "az1", "snapshot_id": "s",
                "metadata": {"a": "b"}, "something_new": [1],
            },
            "OS-SCH-HNT:scheduler_hints": {"same_host": "x"},
        });
        let request = VolumeRequest::read(&body).unwrap();
        assert_eq!((request.name.as_str(), request.size_gb), ("v", 3));
        assert_eq!(
            request.source,
            Some((RoutingKind::Snapshot, "s".to_owned()))
        );
        assert_eq!(
            request.for_pod("i", Some("nova"), Some("fast")),
            json!({
                "volume": {
                    "name": "v", "size": "3", "availability_zone": "nova", "snapshot_id": "s",
                    "metadata": {"a": "b", "tricircle_intent": "i"}, "something_new": [1],
                    "volume_type": "fast",
                },
                "OS-SCH-HNT:scheduler_hints": {"same_host": "x"},
            })
        );
    }

    #[test]
    fn a_zone_that_the_pod_does_not_need_is_not_sent_and_bad_metadata_stays_bad() {
        let read = |volume: Value| VolumeRequest::read(&json!({"volume": volume})).unwrap();
        let request = read(json!({"size": 1, "availability_zone": "az1", "metadata": null}));
        assert_eq!(
            request.for_pod("i", None, None),
            json!({"volume": {"size": 1, "metadata": {"tricircle_intent": "i"}}})
        );
        let request = read(json!({"size": 1, "metadata": "x"}));
        assert_eq!(request.for_pod("i", None, None)["volume"]["metadata"], "x");
    }

    #[test]
    fn other_shapes_are_left_to_the_pod() {
        for body in [
            json!({}),
            json!([]),
            json!({"volume": 1}),
            json!({"volume": {"size": "big"}}),
            json!({"volume": {"size": 1.5}}),
            json!({"volume": {"size": [1]}}),
        ] {
            assert!(VolumeRequest::read(&body).is_none(), "{body}");
        }
    }
}
