//! Cinder and Placement.

use serde_json::{Value, json};

use super::step::{Step, call, delete, get, post};

pub fn volumes() -> Vec<Step> {
    let v = "<cinder>/volumes";
    let one = "<cinder>/volumes/<volume>";
    let attachments = "<nova>/servers/<server>/os-volume_attachments";
    let wanted = json!({"volumeAttachment": {"volumeId": "<volume>"}});
    let bad = |code: u16, fields: Value| {
        let mut body = json!({"size": 1});
        let object = body.as_object_mut().unwrap();
        object.extend(fields.as_object().unwrap().clone());
        post("demo", v, code, json!({ "volume": body }))
    };
    vec![
        get("none", v, 401),
        get("demo", v, 200).at("volume 3.71"),
        get("demo", v, 406).at("volume 3.99"),
        get("demo", v, 400).at("volume abc"),
        get("demo", &format!("{v}/<nothing>"), 404),
        get("demo", &format!("{v}?limit=-1"), 400),
        get("demo", &format!("{v}?marker=zz"), 404),
        get("demo", &format!("{v}?sort=zz"), 400),
        get("demo2", v, 400),
        bad(400, json!({"size": 0})),
        bad(400, json!({"size": "a"})),
        bad(400, json!({"availability_zone": "zz"})),
        bad(404, json!({"volume_type": "zz"})),
        bad(400, json!({"imageRef": "zz"})),
        post("demo", v, 400, json!({"volume": {"name": "x"}})),
        post("demo", v, 400, json!({"foo": 1})),
        call("demo", "POST", v, 400).raw("{bad"),
        bad(202, json!({"name": "conf-v"})).save("volume", "/volume/id"),
        get("demo", one, 200).until("/volume/status", json!("available")),
        get("demo", one, 200).at("volume 3.71"),
        get("demo", v, 200),
        get("demo", &format!("{v}/detail"), 200).at("volume 3.69"),
        get("demo", &format!("{v}?limit=1"), 200),
        get("demo", "<cinder>/types/default", 200).code_only(),
        get("demo", "<cinder>/types/zz", 404),
        get("demo", "<cinder>/os-availability-zone", 200),
        get("demo", "<cinder>/limits", 200),
        get("demo", "<cinder>/os-services", 403),
        post(
            "demo",
            attachments,
            404,
            json!({"volumeAttachment": {"volumeId": "<nothing>"}}),
        ),
        post("demo", attachments, 400, json!({"volumeAttachment": {}})),
        post("demo", attachments, 200, wanted.clone()),
        get("demo", one, 200).until("/volume/status", json!("in-use")),
        post("demo", attachments, 400, wanted),
        delete("demo", one, 400),
        get("demo", attachments, 200),
        get("demo", attachments, 200).at("compute 2.70"),
        get("demo", attachments, 200).at("compute 2.89"),
        get("demo", &format!("{attachments}/<volume>"), 200),
        get("demo", &format!("{attachments}/<nothing>"), 404),
        get("demo", "<cinder>/attachments", 200).at("volume 3.50"),
        delete("demo", &format!("{attachments}/<volume>"), 202),
        get("demo", one, 200).until("/volume/status", json!("available")),
        post("demo", &format!("{one}/action"), 400, json!({"foo": {}})),
        post(
            "demo",
            &format!("{one}/action"),
            403,
            json!({"os-reset_status": {"status": "error"}}),
        ),
        post(
            "demo",
            &format!("{one}/action"),
            202,
            json!({"os-extend": {"new_size": 2}}),
        ),
        get("demo", one, 200).until("/volume/size", json!(2)),
        post(
            "demo",
            "<cinder>/snapshots",
            202,
            json!({"snapshot": {"volume_id": "<volume>"}}),
        )
        .save("snapshot", "/snapshot/id"),
        get("demo", "<cinder>/snapshots/<snapshot>", 200)
            .until("/snapshot/status", json!("available")),
        delete("demo", one, 400),
        delete("demo", "<cinder>/snapshots/<snapshot>", 202),
        get("demo", "<cinder>/snapshots/<snapshot>", 404).until("", json!(404)),
        delete("demo", one, 202),
        get("demo", one, 404).until("", json!(404)),
    ]
}

pub fn placement() -> Vec<Step> {
    let version = "placement 1.36";
    let candidates = "<placement>/allocation_candidates?resources=VCPU";
    vec![
        get("none", "<placement>/", 200),
        get("none", "<placement>/resource_providers", 401),
        get("demo", "<placement>/resource_providers", 403).code_only(),
        get("admin", "<placement>/resource_providers", 200).at(version),
        get("admin", &format!("{candidates}:1"), 200)
            .at(version)
            .code_only(),
        get("admin", &format!("{candidates}:1000000"), 200)
            .at(version)
            .code_only(),
        get("admin", "<placement>/allocation_candidates", 400)
            .at(version)
            .code_only(),
    ]
}
