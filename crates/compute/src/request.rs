//! What a user asks for when creating a server, as far as the top must know it.
//!
//! Everything else in the body is kept and passed on. A body that cannot be read
//! here is not judged here: the pods' Nova refuses it in its own words.

use serde_json::{Map, Value};
use tricircle_network::{RequestedNetworks, RequestedNic};

/// A create, read.
#[derive(Debug, Clone)]
pub struct ServerRequest {
    /// The whole body as it came.
    pub body: Map<String, Value>,
    /// `name`.
    pub name: String,
    /// `flavorRef`, without the URL that old clients put before the id.
    pub flavor_id: String,
    /// `imageRef`; none when booted from a volume.
    pub image_id: Option<String>,
    /// Zone of the top.
    pub zone: Option<String>,
    /// What follows the zone in `zone:host:node`, with its colon; administrators only.
    pub zone_host: String,
    /// `networks`.
    pub networks: RequestedNetworks,
    /// Names or ids of `security_groups`.
    pub groups: Vec<String>,
    /// `key_name`.
    pub key_name: Option<String>,
    /// Volumes that are to be attached: they decide over the pod.
    pub volumes: Vec<String>,
    /// `min_count`.
    pub min_count: u32,
    /// `max_count`.
    pub max_count: u32,
    /// `return_reservation_id`.
    pub return_reservation_id: bool,
}

/// What one server of a create is about: its intent.
#[derive(Debug, Clone)]
pub struct Intent {
    /// Id of the routing row, and of the mark in the pod.
    pub id: String,
    /// Name of this server.
    pub name: String,
    /// The reservation that all servers of the create share.
    pub reservation_id: String,
}

impl ServerRequest {
    /// Reads a body; none when it has not the shape that the API asks for.
    pub fn read(body: &Value) -> Option<Self> {
        let body = body.as_object()?.clone();
        let server = body.get("server")?.as_object()?;
        let text = |key: &str| server.get(key).and_then(Value::as_str).map(str::to_owned);
        let min_count = count(server.get("min_count"), 1)?;
        let max_count = count(server.get("max_count"), min_count)?;
        if max_count < min_count {
            return None;
        }
        let (zone, zone_host) = split_zone(optional_text(server.get("availability_zone"))?);
        Some(Self {
            name: text("name")?,
            flavor_id: last_segment(&reference(server.get("flavorRef")?)?),
            image_id: match server.get("imageRef") {
                None | Some(Value::Null) => None,
                Some(value) => Some(last_segment(value.as_str()?)).filter(|id| !id.is_empty()),
            },
            zone,
            zone_host,
            networks: networks(server.get("networks"))?,
            groups: groups(server.get("security_groups"))?,
            key_name: optional_text(server.get("key_name"))?,
            volumes: volumes(server)?,
            min_count,
            max_count,
            return_reservation_id: truthy(server.get("return_reservation_id")),
            body,
        })
    }

    /// The `server` object.
    pub fn server(&self) -> Option<&Map<String, Value>> {
        self.body.get("server")?.as_object()
    }

    /// The names of the servers: the user's for one, numbered for several, as Nova
    /// numbers them.
    /// One after the other: a user may ask for more than fit into memory.
    pub fn names(&self) -> impl Iterator<Item = String> + '_ {
        (1..=self.max_count).map(|n| match self.max_count {
            1 => self.name.clone(),
            _ => format!("{}-{n}", self.name),
        })
    }
}

/// Strings and integers: old clients send flavor ids as numbers.
fn reference(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn last_segment(reference: &str) -> String {
    reference
        .trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned()
}

/// A text or nothing; anything else is malformed (the outer `None`).
fn optional_text(value: Option<&Value>) -> Option<Option<String>> {
    match value {
        None | Some(Value::Null) => Some(None),
        Some(Value::String(text)) => Some(Some(text.clone()).filter(|text| !text.is_empty())),
        Some(_) => None,
    }
}

fn count(value: Option<&Value>, default: u32) -> Option<u32> {
    let number = match value {
        None | Some(Value::Null) => return Some(default),
        // The quota ends it long before that many.
        Some(Value::Number(number)) => u32::try_from(number.as_u64()?).unwrap_or(u32::MAX),
        Some(Value::String(text)) => u32::try_from(text.parse::<u64>().ok()?).unwrap_or(u32::MAX),
        Some(_) => return None,
    };
    (number > 0).then_some(number)
}

fn truthy(value: Option<&Value>) -> bool {
    match value {
        Some(Value::Bool(yes)) => *yes,
        Some(Value::String(text)) => {
            ["1", "t", "true", "on", "y", "yes"].contains(&text.to_ascii_lowercase().as_str())
        }
        _ => false,
    }
}

/// `zone[:host[:node]]`.
fn split_zone(zone: Option<String>) -> (Option<String>, String) {
    match zone {
        None => (None, String::new()),
        Some(text) => match text.split_once(':') {
            None => (Some(text), String::new()),
            Some((zone, host)) => (
                Some(zone.to_owned()).filter(|zone| !zone.is_empty()),
                format!(":{host}"),
            ),
        },
    }
}

fn networks(value: Option<&Value>) -> Option<RequestedNetworks> {
    match value {
        None | Some(Value::Null) => Some(RequestedNetworks::Absent),
        Some(Value::String(word)) if word == "auto" => Some(RequestedNetworks::Auto),
        Some(Value::String(word)) if word == "none" => Some(RequestedNetworks::None),
        Some(Value::Array(list)) if list.is_empty() => Some(RequestedNetworks::Absent),
        Some(Value::Array(list)) => {
            let nics: Option<Vec<_>> = list.iter().map(nic).collect();
            nics.map(RequestedNetworks::List)
        }
        Some(_) => None,
    }
}

fn nic(value: &Value) -> Option<RequestedNic> {
    let map = value.as_object()?;
    let nic = RequestedNic {
        uuid: optional_text(map.get("uuid"))?,
        port: optional_text(map.get("port"))?,
        fixed_ip: optional_text(map.get("fixed_ip"))?,
        tag: optional_text(map.get("tag"))?,
    };
    let ids = [&nic.uuid, &nic.port];
    let well_formed = ids
        .into_iter()
        .flatten()
        .all(|id| uuid::Uuid::parse_str(id).is_ok());
    (well_formed && (nic.uuid.is_some() || nic.port.is_some())).then_some(nic)
}

fn groups(value: Option<&Value>) -> Option<Vec<String>> {
    match value {
        None | Some(Value::Null) => Some(Vec::new()),
        Some(Value::Array(list)) => list
            .iter()
            // Nova takes no notice of an entry without name.
            .filter(|group| group.as_object().is_none_or(|map| map.contains_key("name")))
            .map(|group| group.get("name")?.as_str().map(str::to_owned))
            .collect(),
        Some(_) => None,
    }
}

/// Volumes of `block_device_mapping_v2` and of the older `block_device_mapping`.
fn volumes(server: &Map<String, Value>) -> Option<Vec<String>> {
    let mut found = Vec::new();
    for (list, id_key) in [
        ("block_device_mapping_v2", "uuid"),
        ("block_device_mapping", "volume_id"),
    ] {
        let devices = match server.get(list) {
            None | Some(Value::Null) => continue,
            Some(value) => value.as_array()?,
        };
        for device in devices {
            let device = device.as_object()?;
            let is_volume = id_key == "volume_id"
                || device.get("source_type").and_then(Value::as_str) == Some("volume");
            if let (true, Some(id)) = (is_volume, device.get(id_key).and_then(Value::as_str)) {
                found.push(id.to_owned());
            }
        }
    }
    Some(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const ID: &str = "0b0aa3ce-7d6c-4a53-8d5f-3a1d2a3b4c5d";

    fn read(extra: Value) -> Option<ServerRequest> {
        let mut server = json!({"name": "vm", "flavorRef": "1", "imageRef": ID});
        for (key, value) in extra.as_object().unwrap() {
            server[key] = value.clone();
        }
        ServerRequest::read(&json!({"server": server}))
    }

    #[test]
    fn zones_may_name_a_host_for_administrators() {
        for (zone, wanted, host) in [
            (json!("az1"), Some("az1"), ""),
            (json!("az1:h1"), Some("az1"), ":h1"),
            (json!("az1:h1:n1"), Some("az1"), ":h1:n1"),
            (json!(":h1"), None, ":h1"),
            (json!(null), None, ""),
        ] {
            let request = read(json!({"availability_zone": zone})).unwrap();
            assert_eq!(request.zone.as_deref(), wanted);
            assert_eq!(request.zone_host, host);
        }
    }

    #[test]
    fn references_may_be_urls_and_numbers() {
        let request = read(json!({
            "flavorRef": "http://h/v2/flavors/42", "imageRef": format!("http://h/images/{ID}")
        }))
        .unwrap();
        assert_eq!(request.flavor_id, "42");
        assert_eq!(request.image_id.as_deref(), Some(ID));
        assert_eq!(read(json!({"flavorRef": 7})).unwrap().flavor_id, "7");
        assert_eq!(read(json!({"imageRef": ""})).unwrap().image_id, None);
    }

    #[test]
    fn several_servers_are_numbered_and_share_nothing_else() {
        let request = read(json!({"min_count": 2})).unwrap();
        assert!(request.names().eq(["vm-1", "vm-2"]));
        assert_eq!(read(json!({"max_count": "3"})).unwrap().names().count(), 3);
        assert!(read(json!({})).unwrap().names().eq(["vm"]));
        let many = read(json!({"max_count": u64::MAX})).unwrap();
        assert_eq!(many.names().next().unwrap(), "vm-1");
    }

    #[test]
    fn networks_and_volumes_are_read() {
        let request = read(json!({
            "networks": [{"uuid": ID, "fixed_ip": "10.0.0.5", "tag": "t"}, {"port": ID}],
            "block_device_mapping_v2": [
                {"source_type": "volume", "uuid": "v1"},
                {"source_type": "image", "uuid": "i1"},
                {"source_type": "blank"},
            ],
            "block_device_mapping": [{"volume_id": "v2"}],
        }))
        .unwrap();
        assert_eq!(request.volumes, ["v1", "v2"]);
        match request.networks {
            RequestedNetworks::List(nics) => assert_eq!(nics.len(), 2),
            other => panic!("{other:?}"),
        }
        assert!(matches!(
            read(json!({"networks": "none"})).unwrap().networks,
            RequestedNetworks::None
        ));
    }

    #[test]
    fn a_group_without_name_is_no_group() {
        let request = read(json!({"security_groups": [{}, {"name": "web"}]})).unwrap();
        assert_eq!(request.groups, ["web"]);
    }

    #[test]
    fn malformed_bodies_are_left_to_the_pods() {
        for body in [json!(null), json!([]), json!({}), json!({"server": []})] {
            assert!(ServerRequest::read(&body).is_none());
        }
        for extra in [
            json!({"name": 5}),
            json!({"networks": "other"}),
            json!({"networks": [{}]}),
            json!({"networks": [{"uuid": "no uuid"}]}),
            json!({"networks": {"uuid": ID}}),
            json!({"security_groups": ["a"]}),
            json!({"min_count": 0}),
            json!({"min_count": 3, "max_count": 2}),
            json!({"flavorRef": null}),
            json!({"availability_zone": 1}),
            json!({"block_device_mapping_v2": {}}),
        ] {
            assert!(read(extra.clone()).is_none(), "{extra}");
        }
    }
}
