//! Version documents: how clients find out what a service speaks, before they
//! have a token.

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};
use serde_json::{Value, json};

use crate::FaultStyle;
use crate::site::Site;

/// What a path is, as far as letting somebody in is concerned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Visit {
    /// Below the API root: needs a token.
    Protected,
    /// `/healthcheck`
    Health,
    /// `/metrics`
    Metrics,
    /// A version document.
    Document(Document),
    /// Nothing is there.
    Unknown,
}

/// Which version document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Document {
    /// `/`
    Root,
    /// The API root, such as `/v2.1/`.
    Version,
    /// Nova's answer for every path without version.
    Choices,
}

impl Document {
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Root => "/",
            Self::Version => "/{version}",
            Self::Choices => "/{unversioned}",
        }
    }

    pub(crate) fn has_version(self) -> bool {
        !matches!(self, Self::Choices)
    }
}

fn api_root(style: FaultStyle) -> &'static str {
    match style {
        FaultStyle::Nova => "/v2.1",
        FaultStyle::Cinder => "/v3",
        FaultStyle::Neutron => "/v2.0",
        FaultStyle::Admin => "/v1.0",
    }
}

pub(crate) fn visit(style: FaultStyle, method: &Method, path: &str) -> Visit {
    let reading = matches!(*method, Method::GET | Method::HEAD);
    match path {
        "/healthcheck" if reading => return Visit::Health,
        "/metrics" if reading => return Visit::Metrics,
        "/" | "" if reading => return Visit::Document(Document::Root),
        _ => {}
    }
    match path.strip_prefix(api_root(style)) {
        Some("" | "/") if reading => Visit::Document(Document::Version),
        Some("") => Visit::Protected,
        Some(below) if below.starts_with('/') => Visit::Protected,
        _ if style == FaultStyle::Nova => Visit::Document(Document::Choices),
        _ => Visit::Unknown,
    }
}

/// Renders a document with links for this request.
pub(crate) fn document(site: &Site, request: &HttpRequest, which: Document) -> HttpResponse {
    let base = site.base_url(request);
    let (min, max) = match &site.0.versions {
        Some(versions) => {
            let range = versions.get();
            (range.min.to_string(), range.max.to_string())
        }
        None => (String::new(), String::new()),
    };
    let root = format!("{base}{}/", api_root(site.style()));
    let (status, body) = match (site.style(), which) {
        (FaultStyle::Nova, Document::Root) => (
            StatusCode::OK,
            json!({"versions": [nova_version(&root, &min, &max)]}),
        ),
        (FaultStyle::Nova, Document::Version) => {
            let mut version = nova_version(&root, &min, &max);
            version["links"] = json!([
                {"rel": "self", "href": root},
                {"rel": "describedby", "type": "text/html", "href": "http://docs.openstack.org/"},
            ]);
            version["media-types"] = media_types("compute", "2.1");
            (StatusCode::OK, json!({ "version": version }))
        }
        (_, Document::Choices) => (
            StatusCode::MULTIPLE_CHOICES,
            json!({"choices": [{
                "id": "v2.1",
                "status": "CURRENT",
                "links": [{"rel": "self", "href": format!("{base}/v2.1{}", request.path())}],
                "media-types": media_types("compute", "2.1"),
            }]}),
        ),
        (FaultStyle::Cinder, which) => {
            let status = match which {
                Document::Root => StatusCode::MULTIPLE_CHOICES,
                _ => StatusCode::OK,
            };
            (
                status,
                json!({"versions": [cinder_version(&root, &min, &max)]}),
            )
        }
        (FaultStyle::Neutron, Document::Root) => (
            StatusCode::OK,
            json!({"versions": [simple_version("v2.0", &root)]}),
        ),
        (FaultStyle::Neutron, Document::Version) => {
            (StatusCode::OK, json!({"resources": resources(site, &root)}))
        }
        (FaultStyle::Admin, Document::Root) => (
            StatusCode::OK,
            json!({"versions": [simple_version("v1.0", &root)]}),
        ),
        (FaultStyle::Admin, Document::Version) => {
            let mut version = simple_version("v1.0", &root);
            version["resources"] = resources(site, &root);
            (StatusCode::OK, json!({ "version": version }))
        }
    };
    HttpResponse::build(status).json(body)
}

fn nova_version(root: &str, min: &str, max: &str) -> Value {
    json!({
        "id": "v2.1",
        "status": "CURRENT",
        "version": max,
        "min_version": min,
        "updated": "2013-07-23T11:33:21Z",
        "links": [{"rel": "self", "href": root}],
    })
}

fn cinder_version(root: &str, min: &str, max: &str) -> Value {
    json!({
        "id": "v3.0",
        "status": "CURRENT",
        "version": max,
        "min_version": min,
        "updated": "2023-08-31T00:00:00Z",
        "links": [
            {"rel": "describedby", "type": "text/html", "href": "https://docs.openstack.org/"},
            {"rel": "self", "href": root},
        ],
        "media-types": media_types("volume", "3"),
    })
}

fn simple_version(id: &str, root: &str) -> Value {
    json!({"id": id, "status": "CURRENT", "links": [{"rel": "self", "href": root}]})
}

fn media_types(service: &str, version: &str) -> Value {
    json!([{
        "base": "application/json",
        "type": format!("application/vnd.openstack.{service}+json;version={version}"),
    }])
}

fn resources(site: &Site, root: &str) -> Value {
    site.0
        .resources
        .iter()
        .map(|(name, collection)| {
            json!({
                "name": name,
                "collection": collection,
                "links": [{"rel": "self", "href": format!("{root}{collection}")}],
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_below_the_api_root_needs_a_token() {
        use Document::*;
        use FaultStyle::*;
        for (style, path, expected) in [
            (Nova, "/", Visit::Document(Root)),
            (Nova, "/v2.1", Visit::Document(Version)),
            (Nova, "/v2.1/", Visit::Document(Version)),
            (Nova, "/v2.1/servers", Visit::Protected),
            (Nova, "/v2.1//servers", Visit::Protected),
            (Nova, "/v2.10/servers", Visit::Document(Choices)),
            (Nova, "//v2.1/servers", Visit::Document(Choices)),
            (Nova, "/v3/", Visit::Document(Choices)),
            (Cinder, "/v3/", Visit::Document(Version)),
            (Cinder, "/v3/p/volumes", Visit::Protected),
            (Cinder, "/foo", Visit::Unknown),
            (Neutron, "/v2.0/networks.json", Visit::Protected),
            (Neutron, "/v2.0", Visit::Document(Version)),
            (Neutron, "/v2", Visit::Unknown),
            (Admin, "/v1.0/pods", Visit::Protected),
            (Admin, "/healthcheck", Visit::Health),
            (Admin, "/metrics", Visit::Metrics),
            (Admin, "/metrics/", Visit::Unknown),
        ] {
            assert_eq!(
                visit(style, &Method::GET, path),
                expected,
                "{style:?} {path}"
            );
        }
        assert_eq!(visit(Nova, &Method::POST, "/v2.1"), Visit::Protected);
        assert_eq!(visit(Admin, &Method::POST, "/metrics"), Visit::Unknown);
    }
}
