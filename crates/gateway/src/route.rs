//! The surface of a gateway as a table, and the table as an actix service.

use std::rc::Rc;

use actix_web::http::Method;
use actix_web::web::{self, Payload, ServiceConfig};
use actix_web::{HttpRequest, HttpResponse};
use futures_util::future::LocalBoxFuture;
use tricircle_api::{Fault, RequestContext};
use tricircle_db::models::RoutingKind;
use tricircle_pods::Service;

use crate::list::ListSpec;
use crate::rewrite::FieldRule;
use crate::{Call, Gateway, collect, forward, list, translate};

/// A call that the top answers by itself.
pub type Handler =
    Rc<dyn Fn(Call, Payload) -> LocalBoxFuture<'static, Result<HttpResponse, Fault>>>;

/// Wraps an async function as a [`Handler`].
pub fn local<F, Fut>(function: F) -> Strategy
where
    F: Fn(Call, Payload) -> Fut + 'static,
    Fut: Future<Output = Result<HttpResponse, Fault>> + 'static,
{
    Strategy::Local(handler(function))
}

/// Wraps an async function that passes the call on to a pod in the end.
pub fn inspected<F, Fut>(function: F) -> Strategy
where
    F: Fn(Call, Payload) -> Fut + 'static,
    Fut: Future<Output = Result<HttpResponse, Fault>> + 'static,
{
    Strategy::Inspected(handler(function))
}

fn handler<F, Fut>(function: F) -> Handler
where
    F: Fn(Call, Payload) -> Fut + 'static,
    Fut: Future<Output = Result<HttpResponse, Fault>> + 'static,
{
    Rc::new(move |call, payload| Box::pin(function(call, payload)))
}

/// How a route is answered.
#[derive(Clone)]
pub enum Strategy {
    /// By the top itself, which therefore checks a policy rule of its own.
    Local(Handler),
    /// Looked at by the top and then passed on with the user's own token: what is
    /// allowed is the pod's to say.
    Inspected(Handler),
    /// Forwarded to the pod of the resource whose id is `{id}` in the path.
    ByResource(RoutingKind),
    /// The same for calls whose path or answer holds ids of ports, networks or security
    /// groups: these are the top's for the user and the pod's for the pod.
    Translated(RoutingKind),
    /// All pods' lists in one order, page by page.
    List(&'static ListSpec),
    /// All pods' collections one after another: `{"services": […]}`.
    Collect(&'static str),
    /// Forwarded to any pod: they all give the same answer.
    AnyPod,
    /// Known, and not served yet: 501.
    NotYet,
}

/// One line of the table.
#[derive(Clone)]
pub struct Route {
    /// The methods; empty: all.
    pub methods: &'static [Method],
    /// Path after version and project, in actix's pattern language.
    pub path: &'static str,
    /// How it is answered.
    pub strategy: Strategy,
    /// Policy rule that is checked here, with the caller's own project as the target.
    /// None where the pod checks its own.
    pub rule: Option<&'static str>,
}

impl Route {
    /// A line of the table whose policy is the pods' business.
    pub fn new(methods: &'static [Method], path: &'static str, strategy: Strategy) -> Self {
        Self {
            methods,
            path,
            strategy,
            rule: None,
        }
    }

    /// Whether the top answers by itself: such a line needs a rule. All others end in a
    /// call to a pod with the user's token, or in 501.
    pub fn needs_rule(&self) -> bool {
        matches!(self.strategy, Strategy::Local(_))
    }

    /// The same with a policy rule of the top.
    #[must_use]
    pub fn rule(self, rule: &'static str) -> Self {
        Self {
            rule: Some(rule),
            ..self
        }
    }
}

/// Everything that makes one gateway different from another.
#[derive(Debug, Clone, Copy)]
pub struct Surface {
    /// The pods' service behind it.
    pub service: Service,
    /// First path segment with its slash: `/v2.1`.
    pub version: &'static str,
    /// Fields of answers that are rewritten.
    pub fields: &'static [FieldRule],
}

/// Registers the table: each route with and without the project id in its path, as
/// Nova and Cinder have it, in the table's order.
pub fn configure(config: &mut ServiceConfig, gateway: &Gateway, routes: &[Route]) {
    let mut done: Vec<&'static str> = Vec::new();
    for route in routes {
        if done.contains(&route.path) {
            continue;
        }
        done.push(route.path);
        let version = gateway.surface.version;
        // The project goes first: its pattern cannot match a collection's name.
        let patterns = [
            format!("{version}/{{project_id:[0-9a-f-]+}}{}", route.path),
            format!("{version}{}", route.path),
        ];
        let mut resource = web::resource(patterns);
        for line in routes.iter().filter(|line| line.path == route.path) {
            if line.methods.is_empty() {
                let handler = entry(gateway.clone(), line);
                resource = resource.default_service(web::route().to(handler));
            }
            for method in line.methods {
                let handler = entry(gateway.clone(), line);
                resource = resource.route(web::method(method.clone()).to(handler));
            }
        }
        config.service(resource);
    }
}

fn entry(
    gateway: Gateway,
    line: &Route,
) -> impl Fn(
    HttpRequest,
    RequestContext,
    Payload,
) -> LocalBoxFuture<'static, Result<HttpResponse, Fault>>
+ Clone
+ 'static {
    let rule = line.rule;
    let strategy = line.strategy.clone();
    move |request, context, payload| {
        let gateway = gateway.clone();
        let strategy = strategy.clone();
        Box::pin(async move {
            let call = Call::new(gateway, request, context)?;
            if let Some(rule) = rule {
                call.require(rule)?;
            }
            run(call, strategy, payload).await
        })
    }
}

async fn run(call: Call, strategy: Strategy, payload: Payload) -> Result<HttpResponse, Fault> {
    match strategy {
        Strategy::Local(handler) | Strategy::Inspected(handler) => handler(call, payload).await,
        Strategy::ByResource(kind) => forward::by_resource(&call, kind, payload).await,
        Strategy::Translated(kind) => translate::by_resource(&call, kind, payload).await,
        Strategy::List(spec) => list::list(&call, spec).await,
        Strategy::Collect(key) => collect::collect(&call, key).await,
        Strategy::AnyPod => forward::any_pod(&call, payload).await,
        Strategy::NotYet => Err(Fault::not_implemented(
            "This call is not supported over several pods yet.",
        )),
    }
}
