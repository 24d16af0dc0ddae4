//! Which headers cross the gateway.

use actix_web::http::header::{HeaderMap as ActixHeaders, HeaderName as ActixName};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// Headers that belong to one connection (RFC 9110, 7.6.1), whatever `Connection` says.
const HOP_BY_HOP: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Headers of a request that the gateway itself decides: where it goes, who asks,
/// how long the body is, and what a client could use to pose as somebody else.
const REPLACED_IN_REQUESTS: &[&str] = &[
    "host",
    "expect",
    "content-length",
    "accept-encoding",
    "x-auth-token",
    "x-storage-token",
    "x-service-token",
    "x-subject-token",
    "x-openstack-request-id",
    "openstack-api-version",
    "x-openstack-nova-api-version",
    "forwarded",
];

/// Prefixes of headers that keystonemiddleware would set, or that name proxies.
const IDENTITY_PREFIXES: &[&str] = &[
    "x-user",
    "x-project",
    "x-tenant",
    "x-roles",
    "x-role",
    "x-domain",
    "x-service-",
    "x-identity-",
    "x-is-admin",
    "x-forwarded-",
    "openstack-system-scope",
];

/// Headers of an answer that the gateway itself sets.
const REPLACED_IN_ANSWERS: &[&str] = &[
    "content-length",
    "date",
    "server",
    "x-openstack-request-id",
    "x-compute-request-id",
    "openstack-api-version",
    "x-openstack-nova-api-version",
    "vary",
];

/// Whether a WSGI server would hand it on under the name of another header: to it
/// `X_Roles` and `X-Roles` are the same.
fn is_ambiguous(name: &str) -> bool {
    name.contains('_')
}

/// The client's headers as they go to the pod.
pub(crate) fn to_pod(from: &ActixHeaders) -> HeaderMap {
    let named = connection_names(from.get_all("connection").filter_map(|v| v.to_str().ok()));
    let mut out = HeaderMap::with_capacity(from.len());
    for (name, value) in from {
        let name = name.as_str();
        if is_hop(name, &named)
            || is_ambiguous(name)
            || REPLACED_IN_REQUESTS.contains(&name)
            || IDENTITY_PREFIXES
                .iter()
                .any(|prefix| name.starts_with(prefix))
        {
            continue;
        }
        if let (Ok(name), Ok(value)) = (
            HeaderName::from_bytes(name.as_bytes()),
            HeaderValue::from_bytes(value.as_bytes()),
        ) {
            out.append(name, value);
        }
    }
    out
}

/// The pod's headers that go to the client, as pairs to append.
pub(crate) fn to_client(
    from: &HeaderMap,
) -> impl Iterator<Item = (ActixName, actix_web::http::header::HeaderValue)> + '_ {
    let named = connection_names(
        from.get_all("connection")
            .iter()
            .filter_map(|v| v.to_str().ok()),
    );
    from.iter().filter_map(move |(name, value)| {
        let word = name.as_str();
        if is_hop(word, &named) || REPLACED_IN_ANSWERS.contains(&word) {
            return None;
        }
        Some((
            ActixName::from_bytes(word.as_bytes()).ok()?,
            actix_web::http::header::HeaderValue::from_bytes(value.as_bytes()).ok()?,
        ))
    })
}

fn is_hop(name: &str, named: &[String]) -> bool {
    HOP_BY_HOP.contains(&name) || named.iter().any(|other| other == name)
}

/// The headers that `Connection` declares to be of this connection only.
fn connection_names<'a>(values: impl Iterator<Item = &'a str>) -> Vec<String> {
    values
        .flat_map(|value| value.split(','))
        .map(|name| name.trim().to_ascii_lowercase())
        .filter(|name| !name.is_empty())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn only_end_to_end_headers_reach_the_pod() {
        let request = TestRequest::default()
            .insert_header(("connection", "close, X-Secret-Hop"))
            .insert_header(("x-secret-hop", "1"))
            .insert_header(("transfer-encoding", "chunked"))
            .insert_header(("content-length", "5"))
            .insert_header(("host", "top"))
            .insert_header(("x-auth-token", "t"))
            .insert_header(("x-roles", "admin"))
            .insert_header(("x_roles", "admin"))
            .insert_header(("x_auth_token", "t2"))
            .insert_header(("x-storage-token", "t3"))
            .insert_header(("x-service-token", "t4"))
            .insert_header(("x-project-id", "other"))
            .insert_header(("x-forwarded-for", "1.2.3.4"))
            .insert_header(("content-type", "application/json"))
            .append_header(("accept", "a/b"))
            .append_header(("accept", "c/d"))
            .to_http_request();
        let out = to_pod(request.headers());
        let mut names: Vec<&str> = out.keys().map(HeaderName::as_str).collect();
        names.sort_unstable();
        assert_eq!(names, ["accept", "content-type"]);
        assert_eq!(out.get_all("accept").iter().count(), 2);
    }

    #[test]
    fn answers_lose_lengths_and_request_ids_of_the_pod() {
        let mut from = HeaderMap::new();
        for (name, value) in [
            ("content-length", "10"),
            ("keep-alive", "5"),
            ("x-openstack-request-id", "req-pod"),
            ("location", "http://pod/x"),
            ("content-type", "application/json"),
        ] {
            from.insert(name, HeaderValue::from_static(value));
        }
        let mut names: Vec<String> = to_client(&from).map(|(n, _)| n.to_string()).collect();
        names.sort_unstable();
        assert_eq!(names, ["content-type", "location"]);
    }
}
