//! The outer middleware: what happens to every request and every answer,
//! whoever gives it.

use std::time::Instant;

use actix_web::body::{BodySize, BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::http::header::{
    ACCEPT, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue, RETRY_AFTER, VARY, WWW_AUTHENTICATE,
};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};
use tracing::Instrument;

use crate::context::RequestContext;
use crate::metrics::{InFlight, observe, route_of};
use crate::microversion::{NOVA_HEADER, STANDARD_HEADER};
use crate::request_id::{COMPUTE_REQUEST_ID, REQUEST_ID};
use crate::site::Site;
use crate::{Fault, FaultKind, FaultStyle, Microversion, RequestIds, body};

/// The version an answer names, left in the request by who agreed on it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct NamedVersion(pub(crate) Microversion);

/// Headers by which a WSGI server in front tells a service who asks; from a
/// client they are lies.
const IDENTITY_HEADERS: &[&str] = &[
    "x-identity-status",
    "x-domain-id",
    "x-domain-name",
    "x-project-id",
    "x-project-name",
    "x-project-domain-id",
    "x-project-domain-name",
    "x-user-id",
    "x-user-name",
    "x-user-domain-id",
    "x-user-domain-name",
    "x-user",
    "x-role",
    "x-roles",
    "x-tenant",
    "x-tenant-id",
    "x-tenant-name",
    "x-is-admin-project",
    "x-service-catalog",
    "openstack-system-scope",
    "x-service-identity-status",
    "x-service-domain-id",
    "x-service-domain-name",
    "x-service-project-id",
    "x-service-project-name",
    "x-service-project-domain-id",
    "x-service-project-domain-name",
    "x-service-user-id",
    "x-service-user-name",
    "x-service-user-domain-id",
    "x-service-user-domain-name",
    "x-service-roles",
];

/// Drops headers with `_` in their names, as most web servers do: behind WSGI they are
/// the same as those with `-`, so that two services would read one request differently.
fn drop_ambiguous(headers: &mut HeaderMap) {
    let names: Vec<HeaderName> = headers
        .keys()
        .filter(|name| name.as_str().contains('_'))
        .cloned()
        .collect();
    for name in names {
        headers.remove(name);
    }
}

pub(crate) async fn edge(
    mut request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let started = Instant::now();
    let site = Site::of(request.request())?;
    let in_flight = InFlight::enter(site.name());
    let ids = RequestIds::for_request(request.headers());
    for name in IDENTITY_HEADERS {
        request.headers_mut().remove(*name);
    }
    drop_ambiguous(request.headers_mut());
    request.extensions_mut().insert(ids.clone());
    let unread = body::Unread::default();
    let bounded = body::bound(&mut request, site.max_body(), &unread);

    let span = tracing::info_span!(
        "request",
        req.id = %ids.id,
        req.global_id = ids.global.as_deref(),
    );
    async move {
        let response = match bounded {
            Ok(()) => next.call(request).await?.map_into_boxed_body(),
            Err(fault) => request.into_response(fault.error_response()),
        };
        let response = finish(&site, &ids, response, started);
        let response = response.map_body(|_, body| unread.held_by(body));
        drop(in_flight);
        Ok(response)
    }
    .instrument(span)
    .await
}

/// Renders a fault, sets headers, counts and logs.
fn finish(
    site: &Site,
    ids: &RequestIds,
    response: ServiceResponse<BoxBody>,
    started: Instant,
) -> ServiceResponse<BoxBody> {
    let fault = fault_in(site, &response);
    let mut response = match &fault {
        Some(fault) => {
            let accept = response
                .request()
                .headers()
                .get(ACCEPT)
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .to_owned();
            let (request, bare) = response.into_parts();
            ServiceResponse::new(
                request,
                rendered(site.style(), fault, &accept, bare.headers()),
            )
        }
        None => response,
    };

    let version = response
        .request()
        .extensions()
        .get::<NamedVersion>()
        .map(|named| named.0);
    let status = response.status();
    let headers = response.headers_mut();
    set_request_id(headers, site.style(), ids);
    if let Some(version) = version {
        set_version(headers, site.style(), version);
    }
    if status == StatusCode::UNAUTHORIZED && !headers.contains_key(WWW_AUTHENTICATE) {
        headers.insert(WWW_AUTHENTICATE, site.0.www_authenticate.clone());
    }

    let took = started.elapsed();
    let route = route_of(&response);
    observe(
        site.name(),
        response.request().method(),
        &route,
        status,
        took,
    );
    log(&response, &route, fault.as_ref(), took);
    response
}

/// The fault that an answer stands for, if it is not one from a pod.
fn fault_in(site: &Site, response: &ServiceResponse<BoxBody>) -> Option<Fault> {
    if let Some(fault) = response.response().extensions().get::<Fault>() {
        return Some(fault.clone());
    }
    if let Some(error) = response.response().error() {
        return Some(Fault::from_framework(error));
    }
    // What the router answers on its own has no body at all.
    let empty = matches!(
        response.response().body().size(),
        BodySize::None | BodySize::Sized(0)
    );
    let routed = response.headers().contains_key(CONTENT_TYPE);
    match (response.status(), site.style()) {
        _ if !empty || routed => None,
        (StatusCode::METHOD_NOT_ALLOWED, FaultStyle::Nova | FaultStyle::Cinder) => {
            Some(Fault::no_such_path())
        }
        (StatusCode::METHOD_NOT_ALLOWED, FaultStyle::Neutron) => Some(Fault::new(
            FaultKind::MethodNotAllowed,
            "The server could not comply with the request since it is either malformed or \
             otherwise incorrect.",
        )),
        (StatusCode::METHOD_NOT_ALLOWED, FaultStyle::Admin) => Some(Fault::new(
            FaultKind::MethodNotAllowed,
            "The method is not allowed for this resource.",
        )),
        _ => None,
    }
}

fn rendered(
    style: FaultStyle,
    fault: &Fault,
    accept: &str,
    headers: &HeaderMap,
) -> HttpResponse<BoxBody> {
    let rendered = style.render(fault, accept);
    let mut builder = HttpResponse::build(rendered.status);
    for (name, value) in headers {
        builder.append_header((name.clone(), value.clone()));
    }
    builder.insert_header((CONTENT_TYPE, rendered.content_type));
    if let Some(seconds) = rendered.retry_after {
        builder.insert_header((RETRY_AFTER, seconds.to_string()));
    }
    builder.body(rendered.body)
}

fn set_request_id(headers: &mut HeaderMap, style: FaultStyle, ids: &RequestIds) {
    let Ok(value) = HeaderValue::from_str(&ids.id) else {
        return;
    };
    if matches!(style, FaultStyle::Nova | FaultStyle::Cinder) {
        headers.insert(HeaderName::from_static(COMPUTE_REQUEST_ID), value.clone());
    } else {
        headers.remove(COMPUTE_REQUEST_ID);
    }
    headers.insert(HeaderName::from_static(REQUEST_ID), value);
}

/// Names the effective version, unless the answer came from a pod and names it
/// already.
fn set_version(headers: &mut HeaderMap, style: FaultStyle, version: Microversion) {
    let (service, own): (&str, &[&str]) = match style {
        FaultStyle::Nova => (
            "compute",
            &["OpenStack-API-Version", "X-OpenStack-Nova-API-Version"],
        ),
        FaultStyle::Cinder => ("volume", &["OpenStack-API-Version"]),
        FaultStyle::Neutron | FaultStyle::Admin => return,
    };
    if headers.contains_key(STANDARD_HEADER) {
        return;
    }
    if let Ok(value) = HeaderValue::from_str(&format!("{service} {version}")) {
        headers.insert(HeaderName::from_static(STANDARD_HEADER), value);
    }
    if style == FaultStyle::Nova
        && let Ok(value) = HeaderValue::from_str(&version.to_string())
    {
        headers.insert(HeaderName::from_static(NOVA_HEADER), value);
    }
    for name in own {
        headers.append(VARY, HeaderValue::from_static(name));
    }
}

/// One line for each request; the cause of a failure is told here and nowhere
/// else. The query stays out: it is long and of little use without the answer.
fn log(
    response: &ServiceResponse<BoxBody>,
    route: &str,
    fault: Option<&Fault>,
    took: std::time::Duration,
) {
    let request = response.request();
    let extensions = request.extensions();
    let context = extensions.get::<RequestContext>();
    let project = context.map(|c| c.project_id.as_str());
    let user = context.map(|c| c.user_id.as_str());
    let status = response.status();
    let method = request.method().as_str();
    let path = request.path();
    let duration_ms = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
    let detail = fault.and_then(Fault::detail);
    if status.is_server_error() {
        tracing::error!(
            http.status = status.as_u16(),
            duration_ms,
            project.id = project,
            user.id = user,
            error = detail,
            "{method} {path} failed"
        );
    } else if matches!(route, "/healthcheck" | "/metrics") {
        tracing::debug!(
            http.status = status.as_u16(),
            duration_ms,
            "{method} {path}"
        );
    } else {
        tracing::info!(
            http.status = status.as_u16(),
            duration_ms,
            project.id = project,
            user.id = user,
            error = detail,
            "{method} {path}"
        );
    }
}
