//! Links to the next and previous page of a list.

use actix_web::HttpRequest;
use serde_json::{Value, json};
use url::form_urlencoded;

use crate::site::Site;

/// The link to the page after the item `last_id`, in the form of
/// `servers_links`: this request's URL with another marker.
pub fn next(site: &Site, request: &HttpRequest, last_id: &str) -> Value {
    let query = with_parameters(
        request.query_string(),
        &["marker", "page_reverse"],
        &[("marker", last_id)],
    );
    link(site, request, "next", &query)
}

/// The link to the page before the item `first_id`, as Neutron gives it.
pub fn previous(site: &Site, request: &HttpRequest, first_id: &str) -> Value {
    let query = with_parameters(
        request.query_string(),
        &["marker", "page_reverse"],
        &[("marker", first_id), ("page_reverse", "True")],
    );
    link(site, request, "previous", &query)
}

fn link(site: &Site, request: &HttpRequest, rel: &str, query: &str) -> Value {
    let base = site.base_url(request);
    json!({"rel": rel, "href": format!("{base}{}?{query}", request.path())})
}

/// A query without the named parameters and with the given ones at its end.
pub fn with_parameters(query: &str, without: &[&str], with: &[(&str, &str)]) -> String {
    let mut out = form_urlencoded::Serializer::new(String::new());
    for (name, value) in form_urlencoded::parse(query.as_bytes()) {
        if !without.contains(&name.as_ref()) {
            out.append_pair(&name, &value);
        }
    }
    out.extend_pairs(with);
    out.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_marker_is_replaced_and_the_rest_kept() {
        assert_eq!(
            with_parameters(
                "limit=2&marker=a&name=x%26y&name=z",
                &["marker"],
                &[("marker", "b")]
            ),
            "limit=2&name=x%26y&name=z&marker=b"
        );
        assert_eq!(
            with_parameters("", &["marker"], &[("marker", "b")]),
            "marker=b"
        );
    }
}
