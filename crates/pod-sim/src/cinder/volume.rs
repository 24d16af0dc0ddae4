//! A volume, how it is shown, and how it is attached.

use chrono::{DateTime, Utc};
use serde_json::{Map, Value, json};

use super::Context;
use crate::ids;
use crate::nova::VolumeLink;
use crate::request::Request;

/// One attachment of a volume to a server.
#[derive(Clone, Debug)]
pub(crate) struct Attachment {
    pub(crate) id: String,
    pub(crate) server_id: String,
    pub(crate) device: String,
    pub(crate) attached: DateTime<Utc>,
    /// `reserved`, `attaching` or `attached`.
    pub(crate) status: String,
}

/// One volume.
#[derive(Clone, Debug)]
pub(crate) struct Volume {
    pub(crate) id: String,
    pub(crate) name: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) project_id: String,
    pub(crate) user_id: String,
    pub(crate) size: u64,
    pub(crate) status: String,
    pub(crate) zone: String,
    pub(crate) volume_type: String,
    pub(crate) type_id: String,
    pub(crate) metadata: Map<String, Value>,
    pub(crate) bootable: bool,
    pub(crate) multiattach: bool,
    pub(crate) snapshot_id: Option<String>,
    pub(crate) source_id: Option<String>,
    pub(crate) image_id: Option<String>,
    pub(crate) created: DateTime<Utc>,
    pub(crate) updated: Option<DateTime<Utc>>,
    pub(crate) attachments: Vec<Attachment>,
}

impl Volume {
    /// A volume that is being made.
    pub(crate) fn new(project: &str, user: &str, size: u64) -> Self {
        Volume {
            id: ids::uuid(),
            name: None,
            description: None,
            project_id: project.to_owned(),
            user_id: user.to_owned(),
            size,
            status: "creating".into(),
            zone: "nova".into(),
            volume_type: "__DEFAULT__".into(),
            type_id: String::new(),
            metadata: Map::new(),
            bootable: false,
            multiattach: false,
            snapshot_id: None,
            source_id: None,
            image_id: None,
            created: ids::now(),
            updated: None,
            attachments: Vec::new(),
        }
    }

    /// Promises the volume to a server.
    pub(crate) fn reserve(&mut self, link: &VolumeLink, server: &str) {
        self.status = "reserved".into();
        self.attachments.push(Attachment {
            id: link.attachment_id.clone(),
            server_id: server.to_owned(),
            device: link.device.clone(),
            attached: ids::now(),
            status: "reserved".into(),
        });
    }

    /// Attaches the volume to a server, whether it was reserved or not.
    pub(crate) fn attach(&mut self, link: &VolumeLink, server: &str) {
        if !self.attachments.iter().any(|a| a.id == link.attachment_id) {
            self.reserve(link, server);
        }
        for attachment in &mut self.attachments {
            if attachment.id == link.attachment_id {
                attachment.status = "attached".into();
            }
        }
        self.status = "in-use".into();
        self.updated = Some(ids::now());
    }

    /// Frees the volume from a server.
    pub(crate) fn detach(&mut self, server: &str) {
        self.attachments.retain(|a| a.server_id != server);
        self.settle();
    }

    /// The status that follows from the attachments.
    pub(super) fn settle(&mut self) {
        self.status = if self.attachments.is_empty() {
            "available".into()
        } else {
            "in-use".into()
        };
        self.updated = Some(ids::now());
    }

    pub(super) fn brief(&self, request: &Request) -> Value {
        json!({"id": self.id, "name": self.name, "links": self.links(request)})
    }

    fn links(&self, request: &Request) -> Value {
        let tail = format!("{}/volumes/{}", self.project_id, self.id);
        json!([
            {"rel": "self", "href": format!("{}/v3/{tail}", request.base)},
            {"rel": "bookmark", "href": format!("{}/{tail}", request.base)},
        ])
    }

    /// As the answer to a create or update shows it.
    pub(super) fn summary(&self, cx: &Context<'_>) -> Map<String, Value> {
        let mut view = Map::new();
        let mut put = |key: &str, value: Value| view.insert(key.to_owned(), value);
        put("id", json!(self.id));
        put("status", json!(self.status));
        put("size", json!(self.size));
        put("availability_zone", json!(self.zone));
        put("created_at", json!(ids::naive(self.created)));
        put("updated_at", json!(self.updated.map(ids::naive)));
        put("name", json!(self.name));
        put("description", json!(self.description));
        put("volume_type", json!(self.volume_type));
        put("snapshot_id", json!(self.snapshot_id));
        put("source_volid", json!(self.source_id));
        put("metadata", json!(self.metadata));
        put("links", self.links(cx.request));
        put("user_id", json!(self.user_id));
        let bootable = if self.bootable { "true" } else { "false" };
        put("bootable", json!(bootable));
        put("encrypted", json!(false));
        put("replication_status", Value::Null);
        put("consistencygroup_id", Value::Null);
        put("multiattach", json!(self.multiattach));
        put("attachments", Value::Array(self.attachment_views()));
        if cx.minor >= 13 {
            put("group_id", Value::Null);
        }
        if cx.minor >= 48 {
            put("shared_targets", json!(false));
            put("service_uuid", Value::Null);
        }
        if cx.minor >= 63 {
            put("volume_type_id", json!(self.type_id));
        }
        if cx.minor >= 69 {
            put("consumes_quota", json!(true));
        }
        view
    }

    /// As a show or a detailed list shows it.
    pub(super) fn detail(&self, cx: &Context<'_>, host: &str) -> Value {
        let mut view = self.summary(cx);
        view.insert(
            "os-vol-tenant-attr:tenant_id".into(),
            json!(self.project_id),
        );
        if cx.caller.is_admin() {
            view.insert("migration_status".into(), Value::Null);
            view.insert("os-vol-mig-status-attr:migstat".into(), Value::Null);
            view.insert("os-vol-mig-status-attr:name_id".into(), Value::Null);
            view.insert(
                "os-vol-host-attr:host".into(),
                json!(format!("{host}@podsim#podsim")),
            );
        }
        if let Some(image) = &self.image_id {
            view.insert("volume_image_metadata".into(), json!({"image_id": image}));
        }
        Value::Object(view)
    }

    fn attachment_views(&self) -> Vec<Value> {
        self.attachments
            .iter()
            .filter(|a| a.status == "attached")
            .map(|a| {
                json!({
                    "id": self.id, "attachment_id": a.id, "volume_id": self.id,
                    "server_id": a.server_id, "host_name": null, "device": a.device,
                    "attached_at": ids::naive(a.attached),
                })
            })
            .collect()
    }
}
