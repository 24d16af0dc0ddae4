//! Microversions: which version of the compute or block storage API a request
//! is made in.
//!
//! The range a gateway offers is what all its pods share; it changes when pods
//! come and go, hence [`SharedVersions`], which the service updates and every
//! request reads.

use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};

use actix_web::http::header::HeaderMap;

use crate::{Fault, FaultKind, FaultStyle};

/// The header all services share.
pub(crate) const STANDARD_HEADER: &str = "openstack-api-version";
/// Nova's own older header.
pub(crate) const NOVA_HEADER: &str = "x-openstack-nova-api-version";

/// A version such as 2.104. Ordered by number, not by text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Microversion {
    /// The part before the dot.
    pub major: u16,
    /// The part after the dot.
    pub minor: u16,
}

impl Microversion {
    /// A version from its parts.
    pub const fn new(major: u16, minor: u16) -> Self {
        Self { major, minor }
    }

    /// Reads `2.104`; no sign, no blank, no leading zero.
    pub fn parse(text: &str) -> Option<Self> {
        let (major, minor) = text.split_once('.')?;
        let number = |digits: &str| {
            let plain = digits.bytes().all(|b| b.is_ascii_digit());
            let canonical = digits == "0" || !digits.starts_with('0');
            (plain && canonical)
                .then(|| digits.parse::<u16>().ok())
                .flatten()
        };
        let version = Self::new(number(major)?, number(minor)?);
        (version.major > 0).then_some(version)
    }
}

impl fmt::Display for Microversion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The lowest and highest version offered, both included.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionRange {
    /// The lowest, which a request without version gets.
    pub min: Microversion,
    /// The highest, which `latest` means.
    pub max: Microversion,
}

impl VersionRange {
    /// What both ranges offer; `None` when they have nothing in common.
    pub fn intersection(self, other: Self) -> Option<Self> {
        let shared = Self {
            min: self.min.max(other.min),
            max: self.max.min(other.max),
        };
        (shared.min <= shared.max).then_some(shared)
    }

    /// Whether the version is offered.
    pub fn contains(self, version: Microversion) -> bool {
        self.min <= version && version <= self.max
    }
}

/// A range that all workers read and the service updates.
#[derive(Debug, Clone)]
pub struct SharedVersions(Arc<RwLock<VersionRange>>);

impl SharedVersions {
    /// Starts with this range.
    pub fn new(range: VersionRange) -> Self {
        Self(Arc::new(RwLock::new(range)))
    }

    /// The range now.
    pub fn get(&self) -> VersionRange {
        *self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Offers another range from now on.
    pub fn set(&self, range: VersionRange) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = range;
    }
}

/// Why a request's version is refused, and the version its answer names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refused {
    pub(crate) fault: Fault,
    pub(crate) named: Option<Microversion>,
}

/// The version a request asks for, within what is offered.
pub(crate) fn negotiate(
    style: FaultStyle,
    headers: &HeaderMap,
    range: VersionRange,
) -> Result<Microversion, Refused> {
    let asked = match style {
        FaultStyle::Nova => nova_asked(headers),
        FaultStyle::Cinder => cinder_asked(headers)?,
        FaultStyle::Neutron | FaultStyle::Admin => None,
    };
    let Some(asked) = asked else {
        return Ok(range.min);
    };
    if asked == "latest" {
        return Ok(range.max);
    }
    let Some(version) = Microversion::parse(&asked) else {
        return Err(Refused {
            fault: Fault::bad_request(format!(
                "API Version String {asked} is of invalid format. Must be of format \
                 MajorNum.MinorNum."
            )),
            named: None,
        });
    };
    if range.contains(version) {
        return Ok(version);
    }
    Err(Refused {
        fault: Fault::new(
            FaultKind::NotAcceptable,
            format!(
                "Version {version} is not supported by the API. Minimum is {} and maximum is {}.",
                range.min, range.max
            ),
        ),
        named: Some(version),
    })
}

/// All values of a header, as if they stood in one line with commas.
fn folded(headers: &HeaderMap, name: &str) -> Option<String> {
    let values: Vec<&str> = headers
        .get_all(name)
        .filter_map(|value| value.to_str().ok())
        .collect();
    (!values.is_empty()).then(|| values.join(","))
}

/// Nova: the last `compute X` of the shared header, else the last value of its
/// own; other services' entries and broken ones are passed over.
fn nova_asked(headers: &HeaderMap) -> Option<String> {
    let standard = folded(headers, STANDARD_HEADER).and_then(|value| {
        value.rsplit(',').find_map(|entry| {
            let (service, version) = entry.trim().split_once(char::is_whitespace)?;
            service
                .eq_ignore_ascii_case("compute")
                .then(|| version.trim().to_owned())
        })
    });
    standard.or_else(|| {
        let value = folded(headers, NOVA_HEADER)?;
        value
            .rsplit(',')
            .next()
            .map(|version| version.trim().to_owned())
    })
}

/// Cinder: the first entry that speaks of `volume`; a header without any is
/// refused.
fn cinder_asked(headers: &HeaderMap) -> Result<Option<String>, Refused> {
    let Some(value) = folded(headers, STANDARD_HEADER) else {
        return Ok(None);
    };
    value
        .split(',')
        .find(|entry| entry.contains("volume"))
        .and_then(|entry| {
            let mut words = entry.split_whitespace();
            match (words.next(), words.next(), words.next()) {
                (Some(_), Some(version), None) => Some(Some(version.to_owned())),
                _ => None,
            }
        })
        .ok_or_else(|| Refused {
            fault: Fault::bad_request(
                "The server could not comply with the request since it is either malformed or \
                 otherwise incorrect.",
            ),
            named: None,
        })
}

#[cfg(test)]
mod tests {
    use actix_web::http::header::{HeaderName, HeaderValue};

    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            map.append(
                HeaderName::from_static(name),
                HeaderValue::from_static(value),
            );
        }
        map
    }

    const NOVA: VersionRange = VersionRange {
        min: Microversion::new(2, 1),
        max: Microversion::new(2, 100),
    };
    const CINDER: VersionRange = VersionRange {
        min: Microversion::new(3, 0),
        max: Microversion::new(3, 71),
    };

    fn nova(pairs: &[(&'static str, &'static str)]) -> Result<String, (u16, Option<String>)> {
        outcome(negotiate(FaultStyle::Nova, &headers(pairs), NOVA))
    }

    fn cinder(pairs: &[(&'static str, &'static str)]) -> Result<String, (u16, Option<String>)> {
        outcome(negotiate(FaultStyle::Cinder, &headers(pairs), CINDER))
    }

    fn outcome(result: Result<Microversion, Refused>) -> Result<String, (u16, Option<String>)> {
        result.map(|v| v.to_string()).map_err(|refused| {
            (
                refused.fault.status().as_u16(),
                refused.named.map(|v| v.to_string()),
            )
        })
    }

    #[test]
    fn versions_order_by_number_and_parse_strictly() {
        assert!(Microversion::parse("2.9") < Microversion::parse("2.10"));
        for bad in [
            "", "2", "2.", ".1", "02.1", "2.01", "+2.1", "2.1.1", "2.x", "0.1", "2.99999",
        ] {
            assert_eq!(Microversion::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn nova_reads_both_headers() {
        let ok = |v: &str| Ok(v.to_owned());
        assert_eq!(nova(&[]), ok("2.1"));
        assert_eq!(nova(&[(STANDARD_HEADER, "compute 2.30")]), ok("2.30"));
        assert_eq!(nova(&[(STANDARD_HEADER, "Compute  2.30")]), ok("2.30"));
        assert_eq!(nova(&[(STANDARD_HEADER, "compute latest")]), ok("2.100"));
        assert_eq!(nova(&[(NOVA_HEADER, "2.10")]), ok("2.10"));
        assert_eq!(
            nova(&[(STANDARD_HEADER, "volume 3.1"), (NOVA_HEADER, "2.10")]),
            ok("2.10")
        );
        assert_eq!(
            nova(&[
                (STANDARD_HEADER, "compute 2.2, compute 2.3"),
                (NOVA_HEADER, "2.10")
            ]),
            ok("2.3")
        );
        assert_eq!(
            nova(&[
                (STANDARD_HEADER, "compute 2.2"),
                (STANDARD_HEADER, "volume 3.5")
            ]),
            ok("2.2")
        );
    }

    #[test]
    fn a_bad_version_is_400_and_one_out_of_range_406_that_names_it() {
        assert_eq!(nova(&[(STANDARD_HEADER, "compute abc")]), Err((400, None)));
        assert_eq!(
            nova(&[(STANDARD_HEADER, "compute 2.104")]),
            Err((406, Some("2.104".to_owned())))
        );
        assert_eq!(
            cinder(&[(STANDARD_HEADER, "volume 2.9")]),
            Err((406, Some("2.9".to_owned())))
        );
    }

    #[test]
    fn cinder_refuses_a_header_without_an_entry_for_it() {
        let ok = |v: &str| Ok(v.to_owned());
        assert_eq!(cinder(&[]), ok("3.0"));
        assert_eq!(cinder(&[(STANDARD_HEADER, "volume 3.50")]), ok("3.50"));
        assert_eq!(
            cinder(&[(STANDARD_HEADER, "compute 2.1,volume latest")]),
            ok("3.71")
        );
        assert_eq!(
            cinder(&[(STANDARD_HEADER, "compute 2.1")]),
            Err((400, None))
        );
        assert_eq!(cinder(&[(STANDARD_HEADER, "volume")]), Err((400, None)));
    }

    #[test]
    fn ranges_intersect() {
        let other = VersionRange {
            min: Microversion::new(2, 53),
            max: Microversion::new(2, 104),
        };
        assert_eq!(
            NOVA.intersection(other),
            Some(VersionRange {
                min: Microversion::new(2, 53),
                max: Microversion::new(2, 100)
            })
        );
        assert_eq!(NOVA.intersection(CINDER), None);
        let shared = SharedVersions::new(NOVA);
        shared.clone().set(other);
        assert_eq!(shared.get(), other);
    }
}
