//! What a create may look like, at each microversion, as Nova's schema has it.
//!
//! A body that does not keep to it is refused before anything is looked up. What is
//! beyond a schema is in `checks`.

use serde_json::{Map, Value, json};
use tricircle_api::Microversion;

fn boolean() -> Value {
    json!({
        "type": ["boolean", "string"],
        "enum": [
            true, "True", "TRUE", "true", "1", "ON", "On", "on", "YES", "Yes", "yes",
            false, "False", "FALSE", "false", "0", "OFF", "Off", "off", "NO", "No", "no",
        ],
    })
}

fn name() -> Value {
    json!({"type": "string", "format": "name", "minLength": 1, "maxLength": 255})
}

fn uuid() -> Value {
    json!({"type": "string", "format": "uuid"})
}

fn address() -> Value {
    json!({"type": "string", "oneOf": [{"format": "ipv4"}, {"format": "ipv6"}]})
}

fn count() -> Value {
    json!({
        "type": ["integer", "string"], "pattern": "^[0-9]*$", "minimum": 1, "minLength": 1,
    })
}

fn host() -> Value {
    json!({"type": "string", "pattern": "^[a-zA-Z0-9-._]*$", "minLength": 1, "maxLength": 255})
}

fn tag() -> Value {
    json!({"type": "string", "pattern": "^[^,/]*$", "minLength": 1, "maxLength": 60})
}

/// Tags of interfaces and disks: with 2.32, and again from 2.42 on; those of interfaces
/// went with 2.37 only.
fn is_tagged(minor: u16, until: u16) -> bool {
    (32..=until).contains(&minor) || minor >= 42
}

fn networks(minor: u16) -> Value {
    let id = if minor >= 37 {
        uuid()
    } else {
        json!({"type": "string"})
    };
    let mut nic = Map::new();
    nic.insert("fixed_ip".to_owned(), address());
    nic.insert(
        "port".to_owned(),
        json!({"type": ["string", "null"], "format": "uuid"}),
    );
    nic.insert("uuid".to_owned(), id);
    if is_tagged(minor, 36) {
        nic.insert("tag".to_owned(), tag());
    }
    let list = json!({
        "type": "array",
        "items": {"type": "object", "properties": nic, "additionalProperties": false},
    });
    if minor >= 37 {
        json!({"oneOf": [list, {"type": "string", "enum": ["none", "auto"]}]})
    } else {
        list
    }
}

/// A disk of `block_device_mapping`, which the newer list has more of.
fn disk(minor: u16, newer: bool) -> Value {
    let short = || json!({"type": "string", "maxLength": 255});
    let mut disk = Map::new();
    let mut add = |key: &str, value: Value| {
        disk.insert(key.to_owned(), value);
    };
    add("virtual_name", short());
    add("volume_id", uuid());
    add("snapshot_id", uuid());
    add(
        "volume_size",
        json!({
            "type": ["integer", "string"], "pattern": "^[0-9]+$", "minimum": 1,
            "maximum": 0x7FFF_FFFF_i64,
        }),
    );
    add(
        "device_name",
        json!({
            "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[a-zA-Z0-9._/-]*$",
        }),
    );
    add("delete_on_termination", boolean());
    add("no_device", json!({}));
    add(
        "connection_info",
        json!({"type": "string", "maxLength": 16_777_215}),
    );
    if newer {
        add(
            "source_type",
            json!({"type": "string", "enum": ["volume", "image", "snapshot", "blank"]}),
        );
        add(
            "uuid",
            json!({
                "type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[a-zA-Z0-9._-]*$",
            }),
        );
        add("image_id", uuid());
        add(
            "destination_type",
            json!({"type": "string", "enum": ["local", "volume"]}),
        );
        add("guest_format", short());
        add("device_type", short());
        add("disk_bus", short());
        add(
            "boot_index",
            json!({"type": ["integer", "string", "null"], "pattern": "^-?[0-9]+$"}),
        );
        if is_tagged(minor, 32) {
            add("tag", tag());
        }
        if minor >= 67 {
            add(
                "volume_type",
                json!({"type": ["string", "null"], "minLength": 0, "maxLength": 255}),
            );
        }
    }
    json!({
        "type": "array",
        "items": {"type": "object", "properties": disk, "additionalProperties": false},
    })
}

fn server(minor: u16) -> Map<String, Value> {
    let mut server = Map::new();
    let mut add = |since: u16, key: &str, value: Value| {
        if minor >= since {
            server.insert(key.to_owned(), value);
        }
    };
    add(1, "name", name());
    add(
        1,
        "imageRef",
        json!({"oneOf": [
            {"type": "string", "format": "uuid"}, {"type": "string", "maxLength": 0},
        ]}),
    );
    add(
        1,
        "flavorRef",
        json!({"type": ["string", "integer"], "minLength": 1}),
    );
    add(1, "adminPass", json!({"type": "string"}));
    add(
        1,
        "metadata",
        json!({
            "type": "object",
            "patternProperties": {
                "^[a-zA-Z0-9-_:. ]{1,255}$": {"type": "string", "maxLength": 255},
            },
            "additionalProperties": false,
        }),
    );
    add(1, "networks", networks(minor));
    add(
        1,
        "OS-DCF:diskConfig",
        json!({"type": "string", "enum": ["AUTO", "MANUAL"]}),
    );
    add(1, "accessIPv4", json!({"type": "string", "format": "ipv4"}));
    add(1, "accessIPv6", json!({"type": "string", "format": "ipv6"}));
    if minor < 57 {
        add(
            1,
            "personality",
            json!({
                "type": "array",
                "items": {
                    "type": "object",
                    "properties": {
                        "path": {"type": "string"},
                        "contents": {"type": "string", "format": "base64"},
                    },
                    "additionalProperties": false,
                },
            }),
        );
    }
    add(1, "availability_zone", name());
    add(1, "block_device_mapping", disk(minor, false));
    add(1, "block_device_mapping_v2", disk(minor, true));
    add(1, "config_drive", boolean());
    add(1, "key_name", name());
    add(1, "min_count", count());
    add(1, "max_count", count());
    add(1, "return_reservation_id", boolean());
    add(
        1,
        "security_groups",
        json!({
            "type": "array",
            "items": {
                "type": "object", "properties": {"name": name()}, "additionalProperties": false,
            },
        }),
    );
    add(
        1,
        "user_data",
        json!({"type": "string", "format": "base64", "maxLength": 65_535}),
    );
    add(
        19,
        "description",
        json!({"type": ["string", "null"], "minLength": 0, "maxLength": 255}),
    );
    add(
        52,
        "tags",
        json!({"type": "array", "items": tag(), "maxItems": 50}),
    );
    add(
        63,
        "trusted_image_certificates",
        json!({
            "type": ["array", "null"], "minItems": 1, "maxItems": 50, "uniqueItems": true,
            "items": {"type": "string", "minLength": 1},
        }),
    );
    add(74, "host", host());
    add(74, "hypervisor_hostname", host());
    add(
        90,
        "hostname",
        json!({
            "type": "string", "pattern": "^[a-zA-Z0-9]+[a-zA-Z0-9-]*[a-zA-Z0-9]+$",
            "minLength": 2, "maxLength": 63,
        }),
    );
    // From 2.94 on a whole domain name.
    add(94, "hostname", host());
    server
}

fn hints() -> Value {
    let ids = json!({"type": "array", "items": uuid()});
    json!({
        "type": "object",
        "properties": {
            "group": {"oneOf": [ids, uuid()]},
            "different_host": {"oneOf": [uuid(), ids]},
            "same_host": {"type": ["string", "array"], "items": uuid()},
            "query": {"type": ["string", "object"]},
            "target_cell": name(),
            "different_cell": {"type": ["string", "array"], "items": {"type": "string"}},
            "build_near_host_ip": address(),
            "cidr": {"type": "string", "pattern": "^/[0-9a-f.:]+$"},
        },
        "additionalProperties": true,
    })
}

/// The schema of a create at a version.
pub(crate) fn create(version: Microversion) -> Value {
    // From 2.37 on nobody gets networks without saying so.
    let required = if version.minor >= 37 {
        json!(["name", "flavorRef", "networks"])
    } else {
        json!(["name", "flavorRef"])
    };
    json!({
        "type": "object",
        "properties": {
            "server": {
                "type": "object",
                "properties": server(version.minor),
                "required": required,
                "additionalProperties": false,
            },
            "os:scheduler_hints": hints(),
            "OS-SCH-HNT:scheduler_hints": hints(),
        },
        "required": ["server"],
        "additionalProperties": false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tricircle_api::schema;

    const ID: &str = "0b0aa3ce-7d6c-4a53-8d5f-3a1d2a3b4c5d";

    fn said(minor: u16, fields: Value) -> Option<String> {
        let mut body = json!({"server": {"name": "vm", "flavorRef": "1", "imageRef": ID}});
        if minor >= 37 {
            body["server"]["networks"] = json!("none");
        }
        for (key, value) in fields.as_object().unwrap() {
            body["server"][key] = value.clone();
        }
        let schema = create(Microversion::new(2, minor));
        let refused = schema::body(&schema, body.as_object().unwrap()).err();
        refused.map(|fault| fault.message().to_owned())
    }

    #[test]
    fn fields_come_and_go_with_versions() {
        for (field, value, from, until) in [
            ("description", json!("d"), 19, 104),
            ("tags", json!(["t"]), 52, 104),
            (
                "personality",
                json!([{"path": "/a", "contents": "YQ=="}]),
                1,
                56,
            ),
            ("trusted_image_certificates", json!(["c"]), 63, 104),
            ("host", json!("h"), 74, 104),
            ("hypervisor_hostname", json!("h"), 74, 104),
            ("hostname", json!("h.example.org"), 94, 104),
            ("networks", json!("none"), 37, 104),
            ("networks", json!([{"uuid": ID, "tag": "t"}]), 42, 104),
            ("block_device_mapping_v2", json!([{"tag": "t"}]), 42, 104),
            (
                "block_device_mapping_v2",
                json!([{"volume_type": "t"}]),
                67,
                104,
            ),
        ] {
            let fits = |minor| said(minor, json!({ field: value })).is_none();
            assert!(fits(from) && fits(until), "{field} {value}");
            assert!(from == 1 || !fits(from - 1), "{field} before {from}");
            assert!(until == 104 || !fits(until + 1), "{field} after {until}");
        }
    }

    #[test]
    fn refusals_are_novas() {
        for (fields, message) in [
            (json!({"name": null}), "None is not of type 'string'"),
            (
                json!({"metadata": {"a b/": "x"}}),
                "'a b/' does not match any of the regexes: '^[a-zA-Z0-9-_:. ]{1,255}$'",
            ),
            (json!({"user_data": "a"}), "'a' is not a 'base64'"),
            (json!({"key_name": ""}), "'' should be non-empty"),
            (json!({"min_count": 0}), "0 is less than the minimum of 1"),
            (
                json!({"bogus": 1}),
                "Additional properties are not allowed ('bogus' was unexpected)",
            ),
            (
                json!({"imageRef": "zz"}),
                "'zz' is not valid under any of the given schemas",
            ),
            (
                json!({"networks": [{"uuid": "zz"}]}),
                "[{'uuid': 'zz'}] is not valid under any of the given schemas",
            ),
            (json!({"metadata": {"a": 1}}), "1 is not of type 'string'"),
            (json!({"tags": ["a,b"]}), "'a,b' does not match '^[^,/]*$'"),
        ] {
            let said = said(60, fields.clone()).unwrap_or_default();
            assert!(said.ends_with(message), "{fields}: {said}");
        }
    }

    #[test]
    fn networks_are_to_be_named_from_2_37_on() {
        let body = json!({"server": {"name": "vm", "flavorRef": "1", "imageRef": ID}});
        let judge = |minor| {
            schema::body(
                &create(Microversion::new(2, minor)),
                body.as_object().unwrap(),
            )
        };
        assert!(judge(36).is_ok());
        let refused = judge(37).unwrap_err();
        assert!(
            refused
                .message()
                .ends_with("'networks' is a required property")
        );
    }
}
