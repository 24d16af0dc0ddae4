//! GET /servers and /servers/detail: filters, order, pages.

use std::cmp::Ordering;

use chrono::{DateTime, Utc};
use regex::Regex;
use serde_json::{Value, json};

use super::{Answer, Context, Server, bad_request, fault, forbidden, view};
use crate::request::Reply;
use crate::state::PodState;

const MAX_LIMIT: usize = 1000;

/// Query keys that are known; the others are an error from 2.75.
const KNOWN: &[&str] = &[
    "user_id",
    "project_id",
    "tenant_id",
    "launch_index",
    "image_ref",
    "image",
    "kernel_id",
    "ramdisk_id",
    "hostname",
    "key_name",
    "instance_type_id",
    "flavor",
    "host",
    "host_status",
    "display_name",
    "name",
    "display_description",
    "description",
    "status",
    "vm_state",
    "task_state",
    "power_state",
    "node",
    "reservation_id",
    "uuid",
    "access_ip_v4",
    "access_ip_v6",
    "ip",
    "ip6",
    "config_drive",
    "all_tenants",
    "availability_zone",
    "deleted",
    "locked",
    "changes-since",
    "changes-before",
    "tags",
    "tags-any",
    "not-tags",
    "not-tags-any",
    "sort_key",
    "sort_dir",
    "limit",
    "marker",
    "progress",
    "root_device_name",
    "terminated_at",
    "launched_at",
    "created_at",
    "updated_at",
    "auto_disk_config",
    "locked_by",
    "soft_deleted",
];

const SORT_KEYS: &[&str] = &[
    "access_ip_v4",
    "access_ip_v6",
    "auto_disk_config",
    "availability_zone",
    "config_drive",
    "created_at",
    "display_description",
    "display_name",
    "host",
    "hostname",
    "image_ref",
    "instance_type_id",
    "kernel_id",
    "key_name",
    "launch_index",
    "launched_at",
    "locked_by",
    "node",
    "power_state",
    "progress",
    "project_id",
    "ramdisk_id",
    "root_device_name",
    "task_state",
    "terminated_at",
    "updated_at",
    "user_id",
    "uuid",
    "vm_state",
    "locked",
];

pub(super) fn list(pod: &PodState, cx: &Context<'_>, detail: bool) -> Answer {
    let query = &cx.request.query;
    check_query(cx)?;
    let all_tenants = query.truthy("all_tenants");
    if all_tenants && !cx.caller.is_admin() {
        let what = if detail { "detail" } else { "index" };
        return Err(forbidden(&format!(
            "os_compute_api:servers:{what}:get_all_tenants"
        )));
    }
    let filter = Filter::parse(cx)?;
    let mut found: Vec<&Server> = pod
        .nova
        .servers
        .values()
        .filter(|s| {
            if all_tenants {
                query
                    .get("project_id")
                    .or_else(|| query.get("tenant_id"))
                    .is_none_or(|project| s.project_id == project)
            } else {
                s.project_id == cx.caller.project_id
            }
        })
        .filter(|s| filter.matches(pod, s))
        .collect();
    sort(cx, &mut found)?;
    if let Some(marker) = query.get("marker") {
        let at = found
            .iter()
            .position(|s| s.id == marker)
            .ok_or_else(|| bad_request(&format!("marker [{marker}] not found")))?;
        found.drain(..=at);
    }
    let limit = query
        .get("limit")
        .and_then(|v| v.parse::<usize>().ok())
        .unwrap_or(MAX_LIMIT)
        .min(MAX_LIMIT);
    let more = limit > 0 && found.len() >= limit;
    found.truncate(limit);
    let shown: Vec<Value> = found
        .iter()
        .map(|s| {
            if detail {
                view::detail(pod, cx, s)
            } else {
                view::brief(cx, s)
            }
        })
        .collect();
    let mut body = json!({ "servers": shown });
    if let (true, Some(last), Some(object)) = (more, found.last(), body.as_object_mut()) {
        let href = format!(
            "{}{}?{}",
            cx.request.base,
            cx.request.path,
            query.with("marker", &last.id)
        );
        object.insert(
            "servers_links".into(),
            json!([{"rel": "next", "href": href}]),
        );
    }
    Ok(Reply::ok(body))
}

fn check_query(cx: &Context<'_>) -> Result<(), Reply> {
    let query = &cx.request.query;
    if let Some(limit) = query.get("limit")
        && !limit.chars().all(|c| c.is_ascii_digit())
    {
        return Err(bad_request(&format!(
            "Invalid input for query parameters limit. Value: {limit}. '{limit}' does not \
             match '^[0-9]*$'"
        )));
    }
    for key in query.all("sort_key") {
        if !SORT_KEYS.contains(&key) {
            let names: Vec<String> = SORT_KEYS.iter().map(|k| format!("'{k}'")).collect();
            return Err(bad_request(&format!(
                "Invalid input for query parameters sort_key. Value: {key}. '{key}' is not one \
                 of [{}]",
                names.join(", ")
            )));
        }
    }
    if cx.minor >= 75 {
        let unknown = query
            .pairs()
            .map(|(key, _)| key)
            .find(|key| !KNOWN.contains(key) && !key.starts_with('_'));
        if let Some(key) = unknown {
            return Err(bad_request(&format!(
                "'{key}' does not match any of the regexes: '^_'"
            )));
        }
    }
    let status = query.get("status").unwrap_or_default();
    if status.eq_ignore_ascii_case("deleted") && !cx.caller.is_admin() {
        return Err(fault(403, "Only administrators may list deleted instances"));
    }
    Ok(())
}

/// The filters of a query.
struct Filter<'a> {
    cx: &'a Context<'a>,
    name: Option<Regex>,
    ip: Option<Regex>,
    since: Option<DateTime<Utc>>,
    before: Option<DateTime<Utc>>,
    deleted: Option<bool>,
    statuses: Vec<String>,
}

impl<'a> Filter<'a> {
    fn parse(cx: &'a Context<'a>) -> Result<Self, Reply> {
        let query = &cx.request.query;
        let regex = |key: &str| {
            query
                .get(key)
                .map(|text| {
                    Regex::new(text).map_err(|_| {
                        bad_request(&format!(
                            "Invalid input for query parameters {key}. Value: {text}. '{text}' \
                             is not a 'regex'"
                        ))
                    })
                })
                .transpose()
        };
        let time = |key: &str| {
            query
                .get(key)
                .map(|text| {
                    parse_time(text).ok_or_else(|| {
                        bad_request(&format!(
                            "Invalid input for query parameters {key}. Value: {text}. '{text}' \
                             is not a 'date-time'"
                        ))
                    })
                })
                .transpose()
        };
        let since = time("changes-since")?;
        let statuses: Vec<String> = query.all("status").map(str::to_uppercase).collect();
        let deleted = if cx.caller.is_admin() {
            query.get("deleted").map(crate::request::truthy)
        } else {
            None
        };
        Ok(Filter {
            cx,
            name: regex("name")?,
            ip: regex("ip")?,
            since,
            before: time("changes-before")?,
            deleted: match (deleted, since) {
                (Some(deleted), _) => Some(deleted),
                // A list of changes shows what was deleted, too.
                (None, Some(_)) => None,
                (None, None) => Some(statuses.iter().any(|s| s == "DELETED")),
            },
            statuses,
        })
    }

    fn matches(&self, pod: &PodState, server: &Server) -> bool {
        let query = &self.cx.request.query;
        let equal = |key: &str, have: &str| query.get(key).is_none_or(|wanted| wanted == have);
        let tags_all = |key: &str| {
            query.get(key).is_none_or(|t| {
                t.split(',')
                    .all(|tag| server.tags.iter().any(|have| have == tag))
            })
        };
        let tags_any = |key: &str| {
            query.get(key).is_none_or(|t| {
                t.split(',')
                    .any(|tag| server.tags.iter().any(|have| have == tag))
            })
        };
        let flavor = query
            .get("flavor")
            .map(|flavor| flavor.rsplit('/').next().unwrap_or(flavor));
        let image = query
            .get("image")
            .map(|image| image.rsplit('/').next().unwrap_or(image));
        self.deleted.is_none_or(|d| d == server.is_deleted())
            && self.name.as_ref().is_none_or(|r| r.is_match(&server.name))
            && self.since.is_none_or(|t| server.updated >= t)
            && self.before.is_none_or(|t| server.updated <= t)
            && (self.statuses.is_empty() || self.statuses.iter().any(|s| s == server.status()))
            && flavor.is_none_or(|f| f == server.flavor.id)
            && image.is_none_or(|i| i == server.image)
            && equal("uuid", &server.id)
            && (equal("reservation_id", &server.reservation_id) || !self.cx.caller.is_admin())
            && (equal("availability_zone", &server.zone) || self.cx.minor < 83)
            && (equal("user_id", &server.user_id) || !self.cx.caller.is_admin())
            && (query
                .get("key_name")
                .is_none_or(|k| server.key_name.as_deref() == Some(k))
                || self.cx.minor < 83)
            && (query
                .get("locked")
                .is_none_or(|l| server.locked == crate::request::truthy(l))
                || self.cx.minor < 73)
            && (query
                .get("host")
                .is_none_or(|h| server.launched.is_some() && h == pod.compute_host())
                || !self.cx.caller.is_admin())
            && tags_all("tags")
            && tags_any("tags-any")
            && (query.get("not-tags").is_none() || !tags_all("not-tags"))
            && (query.get("not-tags-any").is_none() || !tags_any("not-tags-any"))
            && self.ip.as_ref().is_none_or(|r| has_address(pod, server, r))
    }
}

fn has_address(pod: &PodState, server: &Server, wanted: &Regex) -> bool {
    view::addresses(pod, server, false)
        .values()
        .filter_map(Value::as_array)
        .flatten()
        .filter_map(|address| address.get("addr")?.as_str())
        .any(|address| wanted.is_match(address))
}

/// ISO 8601 in the forms that Nova takes; without a zone it is UTC.
fn parse_time(text: &str) -> Option<DateTime<Utc>> {
    let text = text.replace(' ', "+");
    DateTime::parse_from_rfc3339(&text)
        .map(|time| time.with_timezone(&Utc))
        .ok()
        .or_else(|| {
            [
                "%Y-%m-%dT%H:%M:%S%.f",
                "%Y-%m-%dT%H:%M:%S%.fZ",
                "%Y-%m-%dT%H:%M",
            ]
            .iter()
            .find_map(|format| chrono::NaiveDateTime::parse_from_str(&text, format).ok())
            .map(|time| time.and_utc())
        })
}

fn sort(cx: &Context<'_>, found: &mut [&Server]) -> Result<(), Reply> {
    let query = &cx.request.query;
    let mut keys: Vec<(&str, bool)> = Vec::new();
    let directions: Vec<&str> = query.all("sort_dir").collect();
    for (at, key) in query.all("sort_key").enumerate() {
        let direction = directions.get(at).copied().unwrap_or("desc");
        if !matches!(direction, "asc" | "desc") {
            return Err(bad_request(&format!(
                "Invalid input for query parameters sort_dir. Value: {direction}. \
                 '{direction}' is not one of ['asc', 'desc']"
            )));
        }
        keys.push((key, direction == "asc"));
    }
    // What was not said is sorted by creation and id, newest first.
    let default = keys.first().is_none_or(|(_, ascending)| !ascending);
    for key in ["created_at", "id"] {
        keys.push((key, !default));
    }
    found.sort_by(|a, b| {
        keys.iter()
            .map(|(key, ascending)| {
                let order = compare(a, b, key);
                if *ascending { order } else { order.reverse() }
            })
            .fold(Ordering::Equal, Ordering::then)
    });
    Ok(())
}

fn compare(a: &Server, b: &Server, key: &str) -> Ordering {
    match key {
        "created_at" => a.created.cmp(&b.created),
        "updated_at" => a.updated.cmp(&b.updated),
        "launched_at" => a.launched.cmp(&b.launched),
        "display_name" => a.name.cmp(&b.name),
        "hostname" => a.hostname.cmp(&b.hostname),
        "vm_state" => a.state.cmp(&b.state),
        "task_state" => a.task.cmp(&b.task),
        "power_state" => a.power_state().cmp(&b.power_state()),
        "project_id" => a.project_id.cmp(&b.project_id),
        "user_id" => a.user_id.cmp(&b.user_id),
        "image_ref" => a.image.cmp(&b.image),
        "key_name" => a.key_name.cmp(&b.key_name),
        "launch_index" => a.launch_index.cmp(&b.launch_index),
        "availability_zone" => a.zone.cmp(&b.zone),
        "uuid" | "id" => a.id.cmp(&b.id),
        _ => Ordering::Equal,
    }
}
