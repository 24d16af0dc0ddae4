//! What all lists of the admin API share: filters, limit, marker, next link.

use actix_web::HttpRequest;
use serde_json::{Map, Value, json};
use tricircle_api::{Fault, Site, links};
use tricircle_db::Timestamp;

/// One entry of a list, as it is shown.
pub(crate) type Item = Map<String, Value>;

/// A list's query, checked.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Listing {
    filters: Vec<(String, String)>,
    limit: Option<usize>,
    marker: Option<String>,
}

impl Listing {
    /// Reads a query; a parameter that is neither `limit`, `marker` nor one of
    /// the known filters is a 400, as a mistyped filter would list everything.
    pub(crate) fn parse(
        query: &[(String, String)],
        known: &[&str],
        max_limit: u64,
    ) -> Result<Self, Fault> {
        let max = usize::try_from(max_limit).unwrap_or(usize::MAX);
        let mut listing = Self {
            limit: Some(max),
            ..Self::default()
        };
        for (name, value) in query {
            match name.as_str() {
                "limit" => {
                    let limit: usize = value.parse().map_err(|_| {
                        Fault::bad_request(format!(
                            "limit must be a non-negative integer, not {value:?}"
                        ))
                    })?;
                    // 0 means the largest page, as in the ancestors.
                    listing.limit = Some(if limit == 0 { max } else { limit.min(max) });
                }
                "marker" => listing.marker = Some(value.clone()),
                name if known.contains(&name) => {
                    listing.filters.push((name.to_owned(), value.clone()));
                }
                name => {
                    return Err(Fault::bad_request(format!(
                        "{name:?} is no filter here; there are {}",
                        known.join(", ")
                    )));
                }
            }
        }
        Ok(listing)
    }

    /// The value asked for, where one filter has one value.
    pub(crate) fn filter(&self, name: &str) -> Option<&str> {
        let mut values = self.filters.iter().filter(|(n, _)| n == name);
        match (values.next(), values.next()) {
            (Some((_, value)), None) => Some(value),
            _ => None,
        }
    }

    /// Whether each filter has one value, so that a database can apply it.
    pub(crate) fn is_plain(&self) -> bool {
        let names = self.filters.iter().map(|(name, _)| name);
        names.collect::<std::collections::BTreeSet<_>>().len() == self.filters.len()
    }

    /// The entry after which the page begins.
    pub(crate) fn marker(&self) -> Option<&str> {
        self.marker.as_deref()
    }

    /// How many entries are needed to know the page and whether there is more.
    pub(crate) fn needed(&self) -> Option<i64> {
        let limit = i64::try_from(self.limit?).ok()?;
        limit.checked_add(1)
    }

    /// Whether an item has, for each filter, one of the values asked for.
    pub(crate) fn fits(&self, item: &Item) -> bool {
        self.filters.iter().all(|(name, _)| {
            self.filters
                .iter()
                .filter(|(other, _)| other == name)
                .any(|(_, wanted)| match item.get(name) {
                    Some(Value::String(text)) => text == wanted,
                    Some(Value::Number(number)) => number.to_string() == *wanted,
                    _ => false,
                })
        })
    }

    /// One page of the items, which come in their order, with the link to the
    /// next one if there is more.
    pub(crate) fn page(
        &self,
        collection: &str,
        items: Vec<Item>,
        site: &Site,
        request: &HttpRequest,
    ) -> Result<Value, Fault> {
        let (page, next) = self.cut(items)?;
        Ok(linked(collection, page, next, site, request))
    }

    /// The same where the items are already those after the marker.
    pub(crate) fn page_of_rest(
        &self,
        collection: &str,
        items: Vec<Item>,
        site: &Site,
        request: &HttpRequest,
    ) -> Value {
        let (page, next) = self.first(items.into_iter());
        linked(collection, page, next, site, request)
    }

    fn cut(&self, items: Vec<Item>) -> Result<(Vec<Item>, Option<String>), Fault> {
        let start = match &self.marker {
            None => 0,
            Some(marker) => {
                let at = items.iter().position(|item| id_of(item) == *marker);
                at.ok_or_else(|| unknown_marker(marker))? + 1
            }
        };
        Ok(self.first(items.into_iter().skip(start)))
    }

    /// The first page of what fits.
    fn first(&self, items: impl Iterator<Item = Item>) -> (Vec<Item>, Option<String>) {
        let mut rest: Vec<_> = items.filter(|item| self.fits(item)).collect();
        let limit = self.limit.unwrap_or(usize::MAX);
        let more = rest.len() > limit;
        rest.truncate(limit);
        let next = more.then(|| rest.last().map(id_of)).flatten();
        (rest, next)
    }
}

fn id_of(item: &Item) -> String {
    let id = item.get("id").and_then(Value::as_str);
    id.unwrap_or_default().to_owned()
}

/// 400: there is no such entry.
pub(crate) fn unknown_marker(marker: &str) -> Fault {
    Fault::bad_request(format!("marker {marker:?} is not in the list"))
}

fn linked(
    collection: &str,
    page: Vec<Item>,
    next: Option<String>,
    site: &Site,
    request: &HttpRequest,
) -> Value {
    let mut body = json!({ collection: page });
    if let Some(last) = next {
        body[format!("{collection}_links")] = json!([links::next(site, request, &last)]);
    }
    body
}

/// A moment as the API shows it.
pub(crate) fn moment(at: Timestamp) -> String {
    at.format("%Y-%m-%dT%H:%M:%S%.6fZ").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn query(text: &str) -> Vec<(String, String)> {
        text.split('&')
            .filter(|pair| !pair.is_empty())
            .filter_map(|pair| pair.split_once('='))
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect()
    }

    fn items() -> Vec<Map<String, Value>> {
        [("a", "p1"), ("b", "p2"), ("c", "p1"), ("d", "p1")]
            .iter()
            .map(|(id, project)| {
                json!({"id": id, "project_id": project})
                    .as_object()
                    .unwrap()
                    .clone()
            })
            .collect()
    }

    fn ids(text: &str) -> (Vec<String>, Option<String>) {
        let listing = Listing::parse(&query(text), &["project_id"], 1000).unwrap();
        let (page, next) = listing.cut(items()).unwrap();
        let ids = page.iter().map(|i| i["id"].as_str().unwrap().to_owned());
        (ids.collect(), next)
    }

    fn of(ids: &[&str], next: Option<&str>) -> (Vec<String>, Option<String>) {
        (
            ids.iter().map(|&s| s.to_owned()).collect(),
            next.map(str::to_owned),
        )
    }

    #[test]
    fn pages_follow_each_other_without_gap() {
        assert_eq!(ids(""), of(&["a", "b", "c", "d"], None));
        assert_eq!(ids("limit=2&project_id=p1"), of(&["a", "c"], Some("c")));
        assert_eq!(ids("limit=2&project_id=p1&marker=c"), of(&["d"], None));
        assert_eq!(ids("limit=0&marker=d"), of(&[], None));
        assert_eq!(
            ids("project_id=p2&project_id=p1&limit=1"),
            of(&["a"], Some("a"))
        );
    }

    #[test]
    fn what_is_not_understood_is_refused() {
        for bad in ["limit=-1", "limit=x", "colour=red"] {
            assert!(
                Listing::parse(&query(bad), &["project_id"], 10).is_err(),
                "{bad}"
            );
        }
        let unknown = Listing::parse(&query("marker=zz"), &[], 10).unwrap();
        assert_eq!(unknown.cut(items()).unwrap_err().status().as_u16(), 400);
    }
}
