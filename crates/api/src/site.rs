//! [`Site`]: what middlewares and handlers of one running service share.

use std::future::{Ready, ready};
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::http::header::{HOST, HeaderValue};
use actix_web::{FromRequest, HttpRequest};
use tokio_util::sync::CancellationToken;
use tricircle_keystone::Keystone;

use crate::{Fault, FaultStyle, HealthCheck, SharedVersions};

/// One service's face to the outside. Handlers may take it as an argument.
#[derive(Clone)]
pub struct Site(pub(crate) Arc<SiteData>);

pub(crate) struct SiteData {
    pub(crate) name: &'static str,
    pub(crate) style: FaultStyle,
    pub(crate) service_types: Vec<String>,
    pub(crate) keystone: Keystone,
    pub(crate) www_authenticate: HeaderValue,
    pub(crate) versions: Option<SharedVersions>,
    pub(crate) public_endpoint: String,
    pub(crate) use_forwarded_headers: bool,
    pub(crate) max_body: usize,
    pub(crate) needs_project: bool,
    pub(crate) resources: Vec<(&'static str, &'static str)>,
    pub(crate) health: Vec<HealthCheck>,
    pub(crate) stopping: CancellationToken,
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site")
            .field("name", &self.0.name)
            .field("style", &self.0.style)
            .finish_non_exhaustive()
    }
}

impl Site {
    /// The service's name, such as `nova-apigw`.
    pub fn name(&self) -> &'static str {
        self.0.name
    }

    /// The format of the service's faults.
    pub fn style(&self) -> FaultStyle {
        self.0.style
    }

    /// The most bytes of a request body that are read into memory.
    pub fn max_body(&self) -> usize {
        self.0.max_body
    }

    /// Scheme, host and prefix that the client used, without trailing slash:
    /// the start of every link in answers.
    pub fn base_url(&self, request: &HttpRequest) -> String {
        if !self.0.public_endpoint.is_empty() {
            return self.0.public_endpoint.clone();
        }
        if self.0.use_forwarded_headers {
            let connection = request.connection_info();
            let prefix = request
                .headers()
                .get("x-forwarded-prefix")
                .and_then(|value| value.to_str().ok())
                .unwrap_or_default()
                .trim_end_matches('/');
            return format!("{}://{}{prefix}", connection.scheme(), connection.host());
        }
        let host = request
            .headers()
            .get(HOST)
            .and_then(|value| value.to_str().ok())
            .or_else(|| request.uri().authority().map(|a| a.as_str()))
            .unwrap_or("localhost");
        format!("http://{host}")
    }

    pub(crate) fn of(request: &HttpRequest) -> Result<Self, Fault> {
        request
            .app_data::<Self>()
            .cloned()
            .ok_or_else(|| Fault::internal("the app has no site"))
    }
}

impl FromRequest for Site {
    type Error = Fault;
    type Future = Ready<Result<Self, Fault>>;

    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(Self::of(request))
    }
}
