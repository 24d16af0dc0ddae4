//! What is changed in a pod's answer so that it reads as the top's.
//!
//! Links start with the pod's endpoint: they are replaced byte by byte, without
//! parsing. Zones and the few other fields of the surface's table need the JSON;
//! it is parsed only when one of the table's words stands in the body.

use memchr::memmem;
use serde_json::Value;
use tricircle_db::models::{PodView, ZoneService};

use crate::FloatingAddresses;

/// One field of answers that is not passed on as it is.
#[derive(Debug, Clone, Copy)]
pub struct FieldRule {
    /// The key, at any depth.
    pub key: &'static str,
    /// What happens to its value.
    pub work: FieldWork,
}

/// What happens to a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FieldWork {
    /// The pod's zone becomes the top's.
    Zone(ZoneService),
    /// It is left out: ours, and nothing to users.
    Drop,
}

/// Turns one pod's answers into the top's.
#[derive(Debug, Clone)]
pub struct Rewriter {
    pod_root: String,
    top_root: String,
    fields: &'static [FieldRule],
    view: PodView,
    floating: FloatingAddresses,
}

impl Rewriter {
    /// `pod_root` and `top_root` are endpoint roots without version and without a
    /// slash at the end.
    pub fn new(
        pod_root: &str,
        top_root: &str,
        fields: &'static [FieldRule],
        view: PodView,
    ) -> Self {
        Self {
            pod_root: pod_root.to_owned(),
            top_root: top_root.to_owned(),
            fields,
            view,
            floating: FloatingAddresses::default(),
        }
    }

    /// With the floating IPs of other pods.
    #[must_use]
    pub fn with_floating(mut self, floating: &FloatingAddresses) -> Self {
        self.floating = floating.clone();
        self
    }

    /// A whole JSON body. What is no JSON after all is returned with its links
    /// replaced.
    pub fn body(&self, bytes: Vec<u8>) -> Vec<u8> {
        let bytes = replace(bytes, self.pod_root.as_bytes(), self.top_root.as_bytes());
        if !self.needs_parsing(&bytes) {
            return bytes;
        }
        match serde_json::from_slice::<Value>(&bytes) {
            Ok(mut value) => {
                self.fields_in(&mut value);
                self.floating.add_to(&mut value);
                serde_json::to_vec(&value).unwrap_or(bytes)
            }
            Err(_) => bytes,
        }
    }

    /// A JSON value that was parsed for other reasons: links and fields.
    pub fn value(&self, value: &mut Value) {
        self.links_in(value);
        self.fields_in(value);
        self.floating.add_to(value);
    }

    /// A header that may hold an URL of the pod (`Location`).
    pub fn header(&self, value: &str) -> String {
        match value.strip_prefix(&self.pod_root) {
            Some(rest) => format!("{}{rest}", self.top_root),
            None => value.to_owned(),
        }
    }

    fn needs_parsing(&self, bytes: &[u8]) -> bool {
        self.floating.concern(bytes)
            || self
                .fields
                .iter()
                .any(|rule| memmem::find(bytes, rule.key.as_bytes()).is_some())
    }

    fn links_in(&self, value: &mut Value) {
        match value {
            Value::String(text) if text.contains(&self.pod_root) => {
                *text = text.replace(&self.pod_root, &self.top_root);
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.links_in(item)),
            Value::Object(map) => map.values_mut().for_each(|item| self.links_in(item)),
            _ => {}
        }
    }

    fn fields_in(&self, value: &mut Value) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.fields_in(item)),
            Value::Object(map) => {
                map.retain(|key, _| {
                    !self
                        .fields
                        .iter()
                        .any(|rule| rule.work == FieldWork::Drop && rule.key == key)
                });
                for (key, inside) in map.iter_mut() {
                    let rule = self.fields.iter().find(|rule| rule.key == key);
                    match (rule.map(|rule| rule.work), &mut *inside) {
                        (Some(FieldWork::Zone(service)), Value::String(zone)) => {
                            if !zone.is_empty()
                                && let Some(top) = self.view.top_az(service, zone)
                            {
                                *zone = top.to_owned();
                            }
                        }
                        _ => self.fields_in(inside),
                    }
                }
            }
            _ => {}
        }
    }
}

fn replace(bytes: Vec<u8>, from: &[u8], to: &[u8]) -> Vec<u8> {
    if from.is_empty() {
        return bytes;
    }
    let mut found = memmem::find_iter(&bytes, from).peekable();
    if found.peek().is_none() {
        return bytes;
    }
    let mut out = Vec::with_capacity(bytes.len() + 64);
    let mut last = 0;
    for at in found {
        out.extend_from_slice(&bytes[last..at]);
        out.extend_from_slice(to);
        last = at + from.len();
    }
    out.extend_from_slice(&bytes[last..]);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;
    use tricircle_db::models::{AuthMode, Pod, PodState, PodZone};

    const FIELDS: &[FieldRule] = &[
        FieldRule {
            key: "OS-EXT-AZ:availability_zone",
            work: FieldWork::Zone(ZoneService::Compute),
        },
        FieldRule {
            key: "tricircle_intent",
            work: FieldWork::Drop,
        },
    ];

    fn rewriter() -> Rewriter {
        let pod = Pod {
            id: "p".to_owned(),
            region_name: "Pod1".to_owned(),
            ordinal: 1,
            state: PodState::Enabled,
            auth_mode: AuthMode::Shared,
            created_at: tricircle_db::now(),
            updated_at: tricircle_db::now(),
        };
        let zone = |top: &str, bottom: &str| PodZone {
            pod_id: "p".to_owned(),
            service: ZoneService::Compute,
            top_az: top.to_owned(),
            bottom_az: bottom.to_owned(),
        };
        let zones = vec![zone("az1", "nova"), zone("az1-fast", "fast")];
        Rewriter::new(
            "http://pod1:8774",
            "https://top/compute",
            FIELDS,
            PodView {
                pod,
                zones,
                mtu: None,
            },
        )
    }

    fn through(body: Value) -> Value {
        serde_json::from_slice(&rewriter().body(body.to_string().into_bytes())).unwrap()
    }

    #[test]
    fn links_zones_and_our_own_marks_are_rewritten() {
        let body = json!({"server": {
            "links": [{"href": "http://pod1:8774/v2.1/servers/1"}],
            "OS-EXT-AZ:availability_zone": "nova",
            "scheduler_hints": {"tricircle_intent": "i", "group": "g"},
        }});
        assert_eq!(
            through(body.clone()),
            json!({"server": {
                "links": [{"href": "https://top/compute/v2.1/servers/1"}],
                "OS-EXT-AZ:availability_zone": "az1",
                "scheduler_hints": {"group": "g"},
            }})
        );
        let mut value = body.clone();
        rewriter().value(&mut value);
        assert_eq!(value, through(body));
    }

    #[test]
    fn a_zone_of_the_pod_has_its_own_name_at_the_top_and_an_empty_one_stays_empty() {
        for (bottom, top) in [("fast", "az1-fast"), ("unmapped", "az1"), ("", "")] {
            let answer = through(json!({"OS-EXT-AZ:availability_zone": bottom}));
            assert_eq!(answer["OS-EXT-AZ:availability_zone"], top);
        }
    }

    #[test]
    fn what_is_no_json_only_has_its_links_replaced() {
        let out = rewriter().body(b"see http://pod1:8774/x {tricircle_intent".to_vec());
        assert_eq!(out, b"see https://top/compute/x {tricircle_intent");
    }

    #[test]
    fn location_headers_point_to_the_top() {
        assert_eq!(
            rewriter().header("http://pod1:8774/v2.1/x"),
            "https://top/compute/v2.1/x"
        );
        assert_eq!(
            rewriter().header("http://glance/v2/images/1"),
            "http://glance/v2/images/1"
        );
    }
}
