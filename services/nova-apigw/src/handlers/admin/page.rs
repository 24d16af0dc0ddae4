//! Pages over what all pods have.
//!
//! What is listed here is small, a line for each host or migration, and pods number it
//! each for itself. So each pod is read to its end, and the top cuts the page.

use serde_json::{Value, json};
use tricircle_api::Fault;
use tricircle_gateway::Call;
use tricircle_pods::{PodError, PodSession, Service};

use super::{Said, ask_with};

/// The most pages that are read of a pod.
const PAGES: usize = 100;

/// The page that the query asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Page {
    /// The most items; the service's own limit where the query names none.
    pub(crate) limit: usize,
    /// The id behind which it begins.
    pub(crate) marker: Option<String>,
}

/// Nova's `get_limit_and_marker`.
pub(crate) fn asked(pairs: &[(String, String)], most: u64) -> Result<Page, Fault> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let last = |key: &str| {
        pairs
            .iter()
            .rfind(|(k, _)| k == key)
            .map(|(_, v)| v.clone())
    };
    let limit = match last("limit") {
        None => most,
        Some(text) => {
            let number: i64 = text
                .parse()
                .map_err(|_| Fault::bad_request("limit param must be an integer"))?;
            usize::try_from(number)
                .map_err(|_| Fault::bad_request("limit param must be positive"))?
                .min(most)
        }
    };
    Ok(Page {
        limit,
        marker: last("marker"),
    })
}

/// The query without what pages are made of.
pub(crate) fn rest(pairs: &[(String, String)]) -> String {
    let kept = pairs
        .iter()
        .filter(|(key, _)| !["limit", "marker"].contains(&key.as_str()));
    url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .finish()
}

/// Everything that each pod has of a collection: read page by page, by the id of the last
/// item.
pub(crate) async fn read_all(
    call: &Call,
    path: &str,
    query: &str,
    collection: &'static str,
    id_key: &'static str,
) -> Result<Vec<Said>, Fault> {
    ask_with(call, |session| {
        let (path, query) = (path.to_owned(), query.to_owned());
        async move { pages(&session, &path, &query, collection, id_key).await }
    })
    .await
}

async fn pages(
    session: &PodSession,
    path: &str,
    query: &str,
    collection: &str,
    id_key: &str,
) -> Result<Value, PodError> {
    let mut all: Vec<Value> = Vec::new();
    let mut marker: Option<String> = None;
    for _ in 0..PAGES {
        let mut target = format!("{path}?{query}");
        if let Some(marker) = &marker {
            target.push_str(&format!("&marker={marker}"));
        }
        let mut body = session
            .get_json(Service::Compute, target.trim_end_matches('?'))
            .await?;
        let page = super::items(&mut body, collection);
        let last = page.last().and_then(|item| item.get(id_key)).map(|id| {
            let text = id.as_str().map(str::to_owned);
            text.unwrap_or_else(|| id.to_string())
        });
        let more = body.get(format!("{collection}_links")).is_some();
        all.extend(page);
        match last {
            Some(last) if more && marker.as_ref() != Some(&last) => marker = Some(last),
            _ => break,
        }
    }
    Ok(json!({ collection: all }))
}

/// There is nothing behind which the page could begin.
#[derive(Debug)]
pub(crate) struct NoMarker(String);

impl NoMarker {
    /// Nova's words of hypervisors.
    pub(crate) fn not_found(self) -> Fault {
        Fault::bad_request(format!("marker [{}] not found", self.0))
    }

    /// Nova's words of migrations and servers.
    pub(crate) fn could_not_be_found(self) -> Fault {
        Fault::bad_request(format!("Marker {} could not be found.", self.0))
    }
}

/// The items of a page, and whether there is to be a link to a next one.
pub(crate) fn cut(
    all: Vec<Value>,
    id_key: &str,
    page: &Page,
) -> Result<(Vec<Value>, bool), NoMarker> {
    let text = |item: &Value| {
        let id = item.get(id_key);
        id.map(|id| id.as_str().map_or_else(|| id.to_string(), str::to_owned))
    };
    let begin = match &page.marker {
        None => 0,
        Some(marker) => {
            let at = all
                .iter()
                .position(|item| text(item).as_ref() == Some(marker));
            at.ok_or_else(|| NoMarker(marker.clone()))? + 1
        }
    };
    let part: Vec<Value> = all.into_iter().skip(begin).take(page.limit).collect();
    let full = !part.is_empty() && part.len() == page.limit;
    Ok((part, full))
}

/// `[{"rel": "next", …}]`: the same call with another marker.
pub(crate) fn next(call: &Call, pairs: &[(String, String)], last: &str) -> Value {
    let kept = pairs.iter().filter(|(key, _)| key != "marker");
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(kept)
        .append_pair("marker", last)
        .finish();
    let (root, path) = (&call.top_root, &call.path);
    json!([{"rel": "next", "href": format!("{root}/v2.1{path}?{query}")}])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(list: &[(&str, &str)]) -> Vec<(String, String)> {
        let owned = |(key, value): &(&str, &str)| ((*key).to_owned(), (*value).to_owned());
        list.iter().map(owned).collect()
    }

    #[test]
    fn pages_are_asked_for_as_novas_are() {
        let page = asked(&pairs(&[("limit", "5"), ("marker", "m")]), 1000).unwrap();
        assert_eq!(page.limit, 5);
        assert_eq!(page.marker.as_deref(), Some("m"));
        assert_eq!(asked(&[], 1000).unwrap().limit, 1000);
        assert_eq!(
            asked(&pairs(&[("limit", "5000")]), 1000).unwrap().limit,
            1000
        );
        for (limit, message) in [
            ("x", "limit param must be an integer"),
            ("-1", "limit param must be positive"),
        ] {
            let refused = asked(&pairs(&[("limit", limit)]), 1000).unwrap_err();
            assert_eq!(refused.message(), message);
        }
        assert_eq!(rest(&pairs(&[("limit", "5"), ("host", "a b")])), "host=a+b");
    }

    #[test]
    fn a_page_begins_behind_its_marker() {
        let all: Vec<Value> = (1..=5).map(|id| json!({ "id": id })).collect();
        let page = |limit, marker: Option<&str>| Page {
            limit,
            marker: marker.map(str::to_owned),
        };
        let (part, more) = cut(all.clone(), "id", &page(2, Some("2"))).unwrap();
        assert_eq!(part, [json!({"id": 3}), json!({"id": 4})]);
        assert!(more);
        let (part, more) = cut(all.clone(), "id", &page(2, Some("4"))).unwrap();
        assert_eq!((part.len(), more), (1, false));
        let lost = || cut(all.clone(), "id", &page(2, Some("9"))).unwrap_err();
        assert_eq!(lost().not_found().message(), "marker [9] not found");
        assert_eq!(
            lost().could_not_be_found().message(),
            "Marker 9 could not be found."
        );
    }
}
