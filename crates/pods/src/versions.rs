//! The microversions that pods speak.

use std::str::FromStr;

use futures_util::future::{join, join_all};
use serde_json::Value;

use crate::{PodEntry, PodHttp, Service, probe};

/// A microversion, e.g. 2.104.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Before the point.
    pub major: u16,
    /// After the point.
    pub minor: u16,
}

impl FromStr for Version {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let (major, minor) = text.split_once('.').ok_or(())?;
        Ok(Self {
            major: major.parse().map_err(drop)?,
            minor: minor.parse().map_err(drop)?,
        })
    }
}

impl std::fmt::Display for Version {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", self.major, self.minor)
    }
}

/// The lowest and highest microversion of something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VersionSpan {
    /// Lowest.
    pub min: Version,
    /// Highest.
    pub max: Version,
}

impl VersionSpan {
    /// What all of them speak; none when there are none or they have nothing in common.
    pub fn common(spans: impl Iterator<Item = Self>) -> Option<Self> {
        let common = spans.reduce(|a, b| Self {
            min: a.min.max(b.min),
            max: a.max.min(b.max),
        })?;
        (common.min <= common.max).then_some(common)
    }
}

/// The spans of one pod's services.
#[derive(Debug, Clone, Default)]
pub(crate) struct PodVersions {
    compute: Option<VersionSpan>,
    volume: Option<VersionSpan>,
}

impl PodVersions {
    pub(crate) fn of(&self, service: Service) -> Option<VersionSpan> {
        match service {
            Service::Compute => self.compute,
            Service::Volume => self.volume,
            _ => None,
        }
    }
}

/// Asks the pods for their version documents, all at once: every pod when `again`,
/// else only those that never answered.
pub(crate) async fn discover(http: &PodHttp, entries: &mut [PodEntry], again: bool) {
    let asked = entries.iter_mut().map(|entry| async move {
        if !entry.is_callable() {
            return;
        }
        let known = entry.versions.clone();
        let ask = |service| {
            let entry = &*entry;
            let known = known.of(service);
            async move {
                match again || known.is_none() {
                    true => span(http, entry, service).await.or(known),
                    false => known,
                }
            }
        };
        let (compute, volume) = join(ask(Service::Compute), ask(Service::Volume)).await;
        entry.versions = PodVersions { compute, volume };
    });
    join_all(asked).await;
}

async fn span(http: &PodHttp, entry: &PodEntry, service: Service) -> Option<VersionSpan> {
    let document = probe::document(http, entry, service).await;
    read(&document.ok()?)
}

/// Nova's `{"version": {…}}` and Cinder's `{"versions": [{…}]}`.
fn read(document: &Value) -> Option<VersionSpan> {
    let one = document
        .get("version")
        .or_else(|| document.get("versions")?.as_array()?.first())?;
    let read = |key: &str| one.get(key)?.as_str()?.parse().ok();
    Some(VersionSpan {
        min: read("min_version")?,
        max: read("version")?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn span(min: &str, max: &str) -> VersionSpan {
        VersionSpan {
            min: min.parse().unwrap(),
            max: max.parse().unwrap(),
        }
    }

    #[test]
    fn the_common_span_is_the_intersection() {
        let common = |spans: &[VersionSpan]| VersionSpan::common(spans.iter().copied());
        assert_eq!(common(&[]), None);
        assert_eq!(
            common(&[span("2.1", "2.104"), span("2.1", "2.96")]),
            Some(span("2.1", "2.96"))
        );
        assert_eq!(common(&[span("2.1", "2.53"), span("2.60", "2.96")]), None);
    }

    #[test]
    fn minor_versions_are_numbers_not_text() {
        assert!("2.9".parse::<Version>().unwrap() < "2.53".parse().unwrap());
        for bad in ["", "2", "2.", ".1", "2.1.1", "latest", "2.99999999"] {
            assert!(bad.parse::<Version>().is_err(), "{bad}");
        }
    }

    #[test]
    fn documents_of_nova_and_cinder_are_read_and_others_are_not() {
        let inside = json!({"min_version": "2.1", "version": "2.104"});
        for document in [json!({"version": inside}), json!({"versions": [inside]})] {
            assert_eq!(read(&document), Some(span("2.1", "2.104")));
        }
        for document in [
            json!(null),
            json!({"versions": []}),
            json!({"version": {"version": 2}}),
        ] {
            assert_eq!(read(&document), None);
        }
    }
}
