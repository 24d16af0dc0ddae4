//! The service catalog, flattened to one row per endpoint.

use serde::Deserialize;

/// The place of the project's id in an endpoint's URL.
const PROJECT: &str = "$(project_id)s";

/// One endpoint of the catalog.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    /// The region's id.
    pub region: String,
    /// The service type, such as `compute` or `volumev3`.
    pub service_type: String,
    /// `public`, `internal` or `admin`.
    pub interface: String,
    /// The URL without trailing slash. Where Keystone put in the id of a
    /// project, it says `$(project_id)s` again: see [`Endpoint::url_for`].
    pub url: String,
}

impl Endpoint {
    /// The URL for the given project.
    pub fn url_for(&self, project_id: &str) -> String {
        self.url.replace(PROJECT, project_id)
    }

    /// The URL up to the place where a project's id would stand, without
    /// trailing slash.
    pub fn base_url(&self) -> &str {
        self.url
            .split_once(PROJECT)
            .map_or(self.url.as_str(), |(base, _)| base)
            .trim_end_matches('/')
    }
}

/// The answer of `GET /v3/auth/catalog`.
#[derive(Debug, Deserialize)]
pub(crate) struct CatalogDocument {
    catalog: Vec<ServiceBody>,
}

#[derive(Debug, Deserialize)]
struct ServiceBody {
    #[serde(rename = "type")]
    kind: String,
    #[serde(default)]
    endpoints: Vec<EndpointBody>,
}

#[derive(Debug, Deserialize)]
struct EndpointBody {
    interface: String,
    region_id: Option<String>,
    region: Option<String>,
    url: String,
}

impl CatalogDocument {
    /// The endpoints, with `project_id` (the one the catalog was asked with)
    /// turned back into a placeholder.
    pub(crate) fn endpoints(self, project_id: Option<&str>) -> Vec<Endpoint> {
        self.catalog
            .into_iter()
            .flat_map(|service| {
                let kind = service.kind;
                service.endpoints.into_iter().map(move |endpoint| Endpoint {
                    region: endpoint.region_id.or(endpoint.region).unwrap_or_default(),
                    service_type: kind.clone(),
                    interface: endpoint.interface,
                    url: without_project(endpoint.url.trim_end_matches('/'), project_id),
                })
            })
            .collect()
    }
}

fn without_project(url: &str, project_id: Option<&str>) -> String {
    match project_id {
        Some(id) if !id.is_empty() => url.replace(id, PROJECT),
        _ => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_asking_project_becomes_a_placeholder_again() {
        let document: CatalogDocument = serde_json::from_value(serde_json::json!({"catalog": [
            {"type": "volumev3", "name": "cinder", "endpoints": [
                {"interface": "public", "region_id": "Pod1", "region": "Pod1",
                 "url": "http://127.0.0.1:8776/v3/svc1"}]},
            {"type": "compute", "endpoints": [
                {"interface": "admin", "region": "Pod2", "url": "http://127.0.0.1:8774/v2.1/"}]},
        ]}))
        .unwrap();
        let endpoints = document.endpoints(Some("svc1"));
        let [volume, compute] = endpoints.as_slice() else {
            panic!("{endpoints:?}")
        };
        assert_eq!(volume.url_for("p9"), "http://127.0.0.1:8776/v3/p9");
        assert_eq!(volume.base_url(), "http://127.0.0.1:8776/v3");
        assert_eq!(compute.url_for("p9"), "http://127.0.0.1:8774/v2.1");
        assert_eq!(compute.base_url(), "http://127.0.0.1:8774/v2.1");
        assert_eq!(
            (compute.region.as_str(), compute.interface.as_str()),
            ("Pod2", "admin")
        );
    }
}
