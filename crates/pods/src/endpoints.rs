//! Where a pod's services are, as Keystone's catalog says.

use tricircle_keystone::Endpoint;
use url::Url;

/// A service of a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Service {
    /// Nova.
    Compute,
    /// Cinder.
    Volume,
    /// Neutron.
    Network,
    /// Glance.
    Image,
    /// Placement.
    Placement,
}

impl Service {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Compute,
        Self::Volume,
        Self::Network,
        Self::Image,
        Self::Placement,
    ];

    /// Types under which the service stands in catalogs, the current one first
    /// (the service types authority has aliases for old ones).
    pub const fn types(self) -> &'static [&'static str] {
        match self {
            Self::Compute => &["compute"],
            Self::Volume => &["block-storage", "volumev3", "block-store", "volume"],
            Self::Network => &["network"],
            Self::Image => &["image"],
            Self::Placement => &["placement"],
        }
    }

    /// The current type.
    pub const fn name(self) -> &'static str {
        self.types()[0]
    }

    /// What stands between the endpoint's root and the paths that the rest of the
    /// project writes (`/servers`, `/networks`, …).
    const fn version_segment(self) -> &'static str {
        match self {
            Self::Compute => "v2.1",
            Self::Volume => "v3",
            Self::Network => "v2.0",
            Self::Image => "v2",
            Self::Placement => "",
        }
    }
}

/// The roots of one pod's services.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Endpoints {
    found: Vec<(Service, Url)>,
}

impl Endpoints {
    /// Picks a region's endpoints of one interface out of a catalog. A project id
    /// at the end of an URL, or a version, is cut off: the roots are compared and
    /// put together here alone.
    pub fn of_region(catalog: &[Endpoint], region: &str, interface: &str) -> Self {
        let find = |service: Service| {
            service.types().iter().find_map(|wanted| {
                catalog
                    .iter()
                    .find(|endpoint| {
                        endpoint.region == region
                            && endpoint.interface == interface
                            && endpoint.service_type == *wanted
                    })
                    .and_then(|endpoint| root(&endpoint.url, service))
            })
        };
        Self {
            found: Service::ALL
                .into_iter()
                .filter_map(|service| Some((service, find(service)?)))
                .collect(),
        }
    }

    /// The root of a service, without version and without a slash at the end:
    /// `http://pod1:8774` or `http://pod1/compute`.
    pub fn root(&self, service: Service) -> Option<&str> {
        self.found
            .iter()
            .find(|(known, _)| *known == service)
            .map(|(_, url)| url.as_str().trim_end_matches('/'))
    }

    /// Root with the version: what links in the service's answers start with.
    pub fn base(&self, service: Service) -> Option<String> {
        let root = self.root(service)?;
        Some(match service.version_segment() {
            "" => root.to_owned(),
            version => format!("{root}/{version}"),
        })
    }

    /// The services that the region has.
    pub fn services(&self) -> impl Iterator<Item = Service> + '_ {
        self.found.iter().map(|(service, _)| *service)
    }

    /// True when the region has nothing at all.
    pub fn is_empty(&self) -> bool {
        self.found.is_empty()
    }
}

/// Cuts version and project off an endpoint's URL.
fn root(url: &str, service: Service) -> Option<Url> {
    // Catalog templates that Keystone did not fill in would not parse.
    let mut parsed = Url::parse(url).ok()?;
    if !matches!(parsed.scheme(), "http" | "https") || parsed.host_str().is_none() {
        return None;
    }
    parsed.set_query(None);
    parsed.set_fragment(None);
    let segments: Vec<&str> = parsed.path().split('/').filter(|s| !s.is_empty()).collect();
    let is_version = |segment: &&str| {
        segment
            .strip_prefix('v')
            .is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()))
    };
    let keep = match segments.iter().position(is_version) {
        Some(at) if !service.version_segment().is_empty() => &segments[..at],
        _ => &segments[..],
    };
    let path = keep.join("/");
    parsed.set_path(&path);
    Some(parsed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(region: &str, kind: &str, url: &str) -> Endpoint {
        Endpoint {
            region: region.to_owned(),
            service_type: kind.to_owned(),
            interface: "public".to_owned(),
            url: url.to_owned(),
        }
    }

    #[test]
    fn versions_and_projects_are_cut_off_endpoint_urls() {
        for (kind, url, wanted) in [
            ("compute", "http://h:8774/v2.1", "http://h:8774/v2.1"),
            ("compute", "http://h:8774/v2.1/abc", "http://h:8774/v2.1"),
            (
                "compute",
                "https://h/compute/v2.1/",
                "https://h/compute/v2.1",
            ),
            ("volumev3", "http://h:8776/v3/abc", "http://h:8776/v3"),
            ("network", "http://h:9696", "http://h:9696/v2.0"),
            (
                "network",
                "http://h/networking/",
                "http://h/networking/v2.0",
            ),
            ("image", "http://h:9292/", "http://h:9292/v2"),
            ("placement", "http://h/placement", "http://h/placement"),
        ] {
            let all = Endpoints::of_region(&[endpoint("Pod1", kind, url)], "Pod1", "public");
            let service = all.services().next().unwrap();
            assert_eq!(all.base(service).unwrap(), wanted, "{url}");
        }
    }

    #[test]
    fn only_the_asked_region_and_well_formed_urls_count() {
        let catalog = [
            endpoint("Pod2", "compute", "http://other/v2.1"),
            endpoint("Pod1", "network", "not a url"),
            endpoint("Pod1", "image", "ftp://h/"),
        ];
        assert!(Endpoints::of_region(&catalog, "Pod1", "public").is_empty());
    }

    #[test]
    fn the_current_service_type_wins_over_its_aliases() {
        let catalog = [
            endpoint("Pod1", "volumev3", "http://old/v3"),
            endpoint("Pod1", "block-storage", "http://new/v3"),
        ];
        let all = Endpoints::of_region(&catalog, "Pod1", "public");
        assert_eq!(all.root(Service::Volume), Some("http://new"));
    }
}
