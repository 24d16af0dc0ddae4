//! A list's query: what pages and sorts it, which is done here, and what filters it,
//! which is the pods' to do.

use std::collections::HashMap;

use tricircle_api::Fault;
use tricircle_db::models::RoutingKind;
use tricircle_pods::PodEntry;

use crate::list::ListSpec;
use crate::{Direction, SortKey};

/// The most items that a pod is asked for at a time: what services allow by default.
pub(crate) const LARGEST_PAGE: usize = 1000;

/// A list's query, read.
#[derive(Debug, PartialEq)]
pub(crate) struct Query {
    /// What goes to every pod as it is.
    pub(crate) filters: Vec<(String, String)>,
    pub(crate) keys: Vec<SortKey>,
    pub(crate) limit: Option<usize>,
    pub(crate) marker: Option<String>,
    pub(crate) offset: usize,
}

impl Query {
    /// Whether it is about all projects.
    pub(crate) fn asks_for_all(&self) -> bool {
        self.filters.iter().any(|(key, value)| {
            let no = ["0", "f", "false", "off", "n", "no"];
            key == "all_tenants" && !no.contains(&value.to_ascii_lowercase().as_str())
        })
    }
}

/// Takes a query apart.
pub(crate) fn read(spec: &ListSpec, pairs: Vec<(String, String)>) -> Result<Query, Fault> {
    let mut query = Query {
        filters: Vec::new(),
        keys: Vec::new(),
        limit: None,
        marker: None,
        offset: 0,
    };
    let mut names = Vec::new();
    let mut directions = Vec::new();
    for (key, value) in pairs {
        match key.as_str() {
            "limit" => query.limit = Some(limit(spec, &value)?),
            "offset" if spec.offset => query.offset = number("offset", &value)?,
            "marker" => query.marker = Some(value),
            "sort_key" => names.push(value),
            "sort_dir" => directions.push(direction(&value)?),
            "sort" if spec.combined_sort => {
                for part in value.split(',').map(str::trim).filter(|p| !p.is_empty()) {
                    let (name, dir) = part.split_once(':').unwrap_or((part, "desc"));
                    names.push(name.to_owned());
                    directions.push(direction(dir)?);
                }
            }
            _ => query.filters.push((key, value)),
        }
    }
    if names.is_empty() {
        names.push(spec.default_sort.0.to_owned());
        if directions.is_empty() {
            directions.push(spec.default_sort.1);
        }
    }
    let usual = directions.first().copied().unwrap_or(spec.default_sort.1);
    let fields: HashMap<_, _> = spec.sort_fields.iter().copied().collect();
    for (place, name) in names.into_iter().enumerate() {
        let direction = directions.get(place).copied().unwrap_or(usual);
        // A key that is not in the table is the pods' to refuse, in their own words.
        let field = match name == spec.id_key {
            true => "id",
            false => fields.get(name.as_str()).copied().unwrap_or(""),
        };
        query.keys.push(SortKey {
            field: field.to_owned(),
            name,
            direction,
        });
    }
    if !query.keys.iter().any(|key| key.name == spec.id_key) {
        query.keys.push(SortKey {
            name: spec.id_key.to_owned(),
            field: "id".to_owned(),
            direction: usual,
        });
    }
    Ok(query)
}

/// Nova checks a query against a schema, Cinder by hand.
fn limit(spec: &ListSpec, value: &str) -> Result<usize, Fault> {
    if spec.kind == RoutingKind::Server {
        return number("limit", value);
    }
    let whole: i64 = value
        .trim()
        .parse()
        .map_err(|_| Fault::bad_request("limit param must be an integer"))?;
    usize::try_from(whole).map_err(|_| Fault::bad_request("limit param must be positive"))
}

fn number(name: &str, value: &str) -> Result<usize, Fault> {
    value.parse().map_err(|_| {
        Fault::bad_request(format!(
            "Invalid input for query parameters {name}. Value: {value}. '{value}' does not match '^[0-9]*$'"
        ))
    })
}

fn direction(value: &str) -> Result<Direction, Fault> {
    match value {
        "asc" => Ok(Direction::Asc),
        "desc" => Ok(Direction::Desc),
        _ => Err(Fault::bad_request(
            "Invalid input received: Unknown sort direction, must be one of asc, desc",
        )),
    }
}

/// Path and query of one page of a pod, of at most `limit` items behind `marker`.
pub(crate) fn pod_path(
    spec: &ListSpec,
    query: &Query,
    limit: usize,
    marker: Option<&str>,
    pod: &PodEntry,
) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    for (key, value) in &query.filters {
        match key.as_str() {
            "availability_zone" => {
                let service = zone_service(spec.kind);
                // A zone of another pod matches nothing here.
                let bottom = pod.view.bottom_az(service, value).unwrap_or("-");
                if !bottom.is_empty() {
                    pairs.append_pair(key, bottom);
                }
            }
            _ => {
                pairs.append_pair(key, value);
            }
        }
    }
    if spec.combined_sort {
        let sort: Vec<String> = query
            .keys
            .iter()
            .map(|key| format!("{}:{}", key.name, key.direction.as_str()))
            .collect();
        pairs.append_pair("sort", &sort.join(","));
    } else {
        for key in &query.keys {
            pairs.append_pair("sort_key", &key.name);
            pairs.append_pair("sort_dir", key.direction.as_str());
        }
    }
    pairs.append_pair("limit", &limit.to_string());
    if let Some(marker) = marker {
        pairs.append_pair("marker", marker);
    }
    format!("{}?{}", spec.detail, pairs.finish())
}

fn zone_service(kind: RoutingKind) -> tricircle_db::models::ZoneService {
    match kind {
        RoutingKind::Server => tricircle_db::models::ZoneService::Compute,
        _ => tricircle_db::models::ZoneService::Volume,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SPEC: ListSpec = ListSpec {
        kind: RoutingKind::Server,
        collection: "servers",
        detail: "/servers/detail",
        brief: &["id", "name", "links"],
        sort_fields: &[("created_at", "created"), ("display_name", "name")],
        id_key: "uuid",
        default_sort: ("created_at", Direction::Desc),
        combined_sort: false,
        offset: false,
        all_projects_rule: None,
        away: None,
    };

    fn parse(text: &str) -> Result<Query, Fault> {
        let pairs = url::form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect();
        read(&SPEC, pairs)
    }

    fn order(query: &Query) -> Vec<(&str, &str, &str)> {
        query
            .keys
            .iter()
            .map(|k| (k.name.as_str(), k.field.as_str(), k.direction.as_str()))
            .collect()
    }

    #[test]
    fn every_order_is_total() {
        let by_time = [("created_at", "created", "desc"), ("uuid", "id", "desc")];
        assert_eq!(order(&parse("").unwrap()), by_time);
        assert_eq!(
            order(&parse("sort_key=display_name&sort_dir=asc").unwrap()),
            [("display_name", "name", "asc"), ("uuid", "id", "asc")]
        );
        assert_eq!(
            order(&parse("sort_key=uuid&sort_dir=asc").unwrap()),
            [("uuid", "id", "asc")]
        );
    }

    #[test]
    fn filters_go_to_the_pods_and_paging_does_not() {
        let query = parse("name=a%26b&limit=5&marker=m&status=ACTIVE&status=ERROR").unwrap();
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            query.filters,
            [
                pair("name", "a&b"),
                pair("status", "ACTIVE"),
                pair("status", "ERROR")
            ]
        );
        assert_eq!(query.limit, Some(5));
        assert_eq!(query.marker.as_deref(), Some("m"));
    }

    #[test]
    fn limits_and_directions_that_are_none_are_refused() {
        for bad in ["limit=-1", "limit=x", "limit=", "sort_dir=up", "limit=1.5"] {
            assert_eq!(parse(bad).unwrap_err().status(), 400, "{bad}");
        }
    }
}
