//! The service under test: a few handlers in each service's style.

use std::time::Duration;

use actix_web::{HttpResponse, web};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use tricircle_api::{
    Fault, FaultStyle, HealthCheck, JsonBody, Microversion, RequestContext, Running, Service,
    SharedVersions, VersionRange, require_own_project,
};
use tricircle_config::{Config, SecretString, Service as Listen};
use tricircle_keystone::Keystone;
use tricircle_pod_sim::SimCloud;

pub(crate) struct Bench {
    pub(crate) cloud: SimCloud,
    pub(crate) keystone: Keystone,
    pub(crate) running: Running,
    pub(crate) shutdown: CancellationToken,
    pub(crate) versions: SharedVersions,
    pub(crate) http: reqwest::Client,
}

/// An answer with its body read.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
}

impl Answer {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.text).unwrap_or_else(|e| panic!("{e}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn headers_of(&self, name: &str) -> Vec<&str> {
        let values = self.headers.get_all(name).iter();
        values.map(|value| value.to_str().unwrap()).collect()
    }
}

pub(crate) fn root(style: FaultStyle) -> &'static str {
    match style {
        FaultStyle::Nova => "/v2.1",
        FaultStyle::Cinder => "/v3",
        FaultStyle::Neutron => "/v2.0",
        FaultStyle::Admin => "/v1.0",
    }
}

pub(crate) fn config(cloud: &SimCloud) -> Config {
    let mut config = Config::default();
    config.keystone_authtoken.auth_url = cloud.keystone_url();
    config.keystone_authtoken.www_authenticate_uri = "http://keystone.example/v3".to_owned();
    config.keystone_authtoken.password = SecretString::from("secret");
    config.keystone_authtoken.http_request_max_retries = 0;
    config.default.shutdown_timeout = Duration::from_secs(2);
    config
}

impl Bench {
    pub(crate) async fn start(style: FaultStyle) -> Self {
        Self::start_with(style, |config| config).await
    }

    pub(crate) async fn start_with(
        style: FaultStyle,
        change: impl FnOnce(Config) -> Config,
    ) -> Self {
        let cloud = SimCloud::start().await.unwrap();
        let config = change(config(&cloud));
        let keystone = Keystone::new(&config.keystone_authtoken).unwrap();
        let listen = Listen {
            bind_host: "127.0.0.1".to_owned(),
            bind_port: 0,
            workers: 1,
            public_endpoint: config.nova_apigw.public_endpoint.clone(),
        };
        let major = if style == FaultStyle::Cinder { 3 } else { 2 };
        let versions = SharedVersions::new(VersionRange {
            min: Microversion::new(major, 1),
            max: Microversion::new(major, 50),
        });
        let shutdown = CancellationToken::new();
        let health = keystone.clone();
        let running = Service::new("bench", style, &config, &listen, keystone.clone())
            .unwrap()
            .versions(versions.clone())
            .resources(vec![("network", "networks")])
            .health_check(HealthCheck::required("keystone", move || {
                let keystone = health.clone();
                async move { keystone.refresh_catalog().await.is_ok() }
            }))
            .health_check(HealthCheck::informative("broker", || async { false }))
            .configure(move |routes| {
                routes.service(
                    web::scope(root(style))
                        .service(
                            web::resource("/echo")
                                .route(web::get().to(whoami))
                                .route(web::post().to(echo)),
                        )
                        .route("/fails/{how}", web::get().to(fails))
                        .service(web::resource("/{project}/own").route(web::get().to(own))),
                );
            })
            .start(&shutdown)
            .unwrap();
        Self {
            cloud,
            keystone,
            running,
            shutdown,
            versions,
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
        }
    }

    pub(crate) fn request(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let method = reqwest::Method::from_bytes(method.as_bytes()).unwrap();
        self.http
            .request(method, format!("{}{path}", self.running.url()))
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.request("GET", path)).await
    }

    /// A request of the user `demo`.
    pub(crate) async fn as_demo(&self, method: &str, path: &str) -> reqwest::RequestBuilder {
        let token = self.cloud.token("demo", "demo").await.unwrap();
        self.request(method, path)
            .header("X-Auth-Token", token)
            .header("Accept", "application/json")
    }
}

pub(crate) async fn answer(request: reqwest::RequestBuilder) -> Answer {
    let response = request.send().await.unwrap();
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.text().await.unwrap(),
    }
}

async fn whoami(context: RequestContext, request: actix_web::HttpRequest) -> HttpResponse {
    let smuggled = request
        .headers()
        .keys()
        .any(|name| ["x-roles", "x_roles"].contains(&name.as_str()));
    HttpResponse::Ok().json(json!({
        "user": context.user_id,
        "project": context.project_id,
        "admin": context.is_admin(),
        "global": context.global_request_id(),
        "version": context.version().to_string(),
        "smuggled": smuggled,
    }))
}

async fn echo(_context: RequestContext, body: JsonBody) -> HttpResponse {
    HttpResponse::Ok().json(body.into_value())
}

async fn fails(how: web::Path<String>) -> Result<HttpResponse, Fault> {
    Err(match how.as_str() {
        "inside" => Fault::internal("the secret cause"),
        "limit" => Fault::over_limit("slow down").with_retry_after(3),
        "pod" => Fault::pod_unavailable("Pod1", "connection refused by 10.0.0.7"),
        _ => Fault::not_found("Thing x could not be found.").with_type("ThingNotFound"),
    })
}

async fn own(
    context: RequestContext,
    project: web::Path<String>,
    site: tricircle_api::Site,
) -> Result<HttpResponse, Fault> {
    require_own_project(&context, &project, site.style())?;
    Ok(HttpResponse::NoContent().finish())
}
