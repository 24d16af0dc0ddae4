//! The inner middleware: who may come in.
//!
//! Nothing below a service's API root reaches a handler without a valid token.
//! What is open is listed in `discovery` and answered here, so that a route
//! added later can not be open by accident.

use actix_web::body::{BoxBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{ACCEPT, CONTENT_TYPE, HeaderMap};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage, HttpResponse, ResponseError};
use tricircle_config::SecretString;

use crate::context::Vouching;
use crate::discovery::{Visit, document, visit};
use crate::edge::NamedVersion;
use crate::metrics::{RouteLabel, page};
use crate::microversion::negotiate;
use crate::site::Site;
use crate::{Fault, FaultStyle, RequestContext, RequestIds, health};

pub(crate) async fn authenticate(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<BoxBody>, Error> {
    let site = Site::of(request.request())?;
    let response = match visit(site.style(), request.method(), request.path()) {
        Visit::Protected => match admit(&site, &request).await {
            Ok(context) => {
                request.extensions_mut().insert(context);
                return Ok(next.call(request).await?.map_into_boxed_body());
            }
            Err(fault) => fault.error_response(),
        },
        Visit::Health => {
            label(&request, "/healthcheck");
            health::answer(&site, header(request.headers(), ACCEPT.as_str())).await
        }
        Visit::Metrics => {
            label(&request, "/metrics");
            match page() {
                Some(text) => HttpResponse::Ok()
                    .insert_header((CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8"))
                    .body(text),
                None => Fault::not_found("Metrics are not collected.").error_response(),
            }
        }
        Visit::Document(which) => {
            label(&request, which.label());
            if which.has_version()
                && let Some(versions) = &site.0.versions
            {
                let min = versions.get().min;
                request.extensions_mut().insert(NamedVersion(min));
            }
            document(&site, request.request(), which)
        }
        Visit::Unknown => Fault::no_such_path().error_response(),
    };
    Ok(request.into_response(response))
}

fn label(request: &ServiceRequest, route: &'static str) {
    request
        .extensions_mut()
        .insert(RouteLabel(std::borrow::Cow::Borrowed(route)));
}

fn header<'a>(headers: &'a HeaderMap, name: &str) -> &'a str {
    headers
        .get(name)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default()
        .trim()
}

async fn admit(site: &Site, request: &ServiceRequest) -> Result<RequestContext, Fault> {
    let headers = request.headers();
    let auth_token = match header(headers, "x-auth-token") {
        // The name that object storage's clients use; keystonemiddleware takes it too.
        "" => header(headers, "x-storage-token"),
        token => token,
    };
    let service_token = header(headers, "x-service-token");
    if auth_token.is_empty() {
        return Err(Fault::unauthorized());
    }
    let keystone = &site.0.keystone;
    let (token, service) = if service_token.is_empty() {
        (keystone.validate(auth_token).await?, None)
    } else {
        let both = keystone
            .validate_with_service(auth_token, service_token)
            .await?;
        let vouching = Vouching {
            token: both.service,
            secret: SecretString::from(service_token),
        };
        (both.token, Some(vouching))
    };

    let method = request.method().as_str();
    // Access rules are about what users call. What a service calls for them follows from
    // a call that was permitted.
    let permitted = service.is_some()
        || token.access_rules.is_none()
        || site
            .0
            .service_types
            .iter()
            .any(|service_type| token.allows(service_type, method, request.path()));
    if !permitted {
        return Err(Fault::unauthorized()
            .with_detail("the application credential's access rules do not permit the request"));
    }

    let microversion = agree_on_version(site, request)?;
    if site.0.needs_project && token.project.is_none() {
        return Err(Fault::forbidden(
            "The request needs a token that is scoped to a project.",
        ));
    }
    let ids = request
        .extensions()
        .get::<RequestIds>()
        .cloned()
        .ok_or_else(|| Fault::internal("the request has no id"))?;
    Ok(RequestContext::new(
        ids,
        token,
        SecretString::from(auth_token),
        service,
        microversion,
    ))
}

/// The version of the request; leaves it for the answer's headers, also when
/// it is refused.
fn agree_on_version(
    site: &Site,
    request: &ServiceRequest,
) -> Result<Option<crate::Microversion>, Fault> {
    if !matches!(site.style(), FaultStyle::Nova | FaultStyle::Cinder) {
        return Ok(None);
    }
    let Some(versions) = &site.0.versions else {
        return Ok(None);
    };
    let agreed = negotiate(site.style(), request.headers(), versions.get());
    let named = match &agreed {
        Ok(version) => Some(*version),
        Err(refused) => refused.named,
    };
    if let Some(version) = named {
        request.extensions_mut().insert(NamedVersion(version));
    }
    agreed.map(Some).map_err(|refused| refused.fault)
}
