//! A service's routes as a table: what it answers, and by which policy rule.
//!
//! The gateways have a table of their own, in which most lines pass through. The services
//! that answer everything by themselves use this one. Handlers ask for their rule, since
//! only they know the resource that it is about; the table names it, so that a test can
//! walk over all lines and see that each is refused to those whom its rule refuses.

use actix_web::dev::HttpServiceFactory;
use actix_web::http::Method;
use actix_web::web::{self, ServiceConfig};
use actix_web::{FromRequest, Handler, Responder, Route};

/// Who may call a line of the table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Access {
    /// Whom this rule of the policy allows.
    Rule(String),
    /// Everybody with a token, for the reason given.
    Anybody(&'static str),
}

impl Access {
    /// By a rule.
    pub fn rule(name: impl Into<String>) -> Self {
        Self::Rule(name.into())
    }
}

/// One method of one path.
pub struct Line {
    /// The method.
    pub method: Method,
    /// The path in actix's pattern language.
    pub path: String,
    /// Who may call it.
    pub access: Access,
    route: Box<dyn Fn() -> Route>,
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {} {:?}", self.method, self.path, self.access)
    }
}

impl Line {
    /// A line of the table.
    pub fn new<F, Args>(method: Method, path: impl Into<String>, access: Access, handler: F) -> Self
    where
        F: Handler<Args>,
        Args: FromRequest + 'static,
        F::Output: Responder + 'static,
    {
        let word = method.clone();
        Self {
            method,
            path: path.into(),
            access,
            route: Box::new(move || web::method(word.clone()).to(handler.clone())),
        }
    }
}

/// Registers the lines in their order, those of one path as one resource. `otherwise`
/// answers other methods of a path; without it they are 405 in the service's style.
pub fn register(config: &mut ServiceConfig, lines: &[Line], otherwise: Option<fn() -> Route>) {
    let mut done: Vec<&str> = Vec::new();
    for line in lines {
        if !done.contains(&line.path.as_str()) {
            done.push(&line.path);
            config.service(resource(lines, &line.path, otherwise));
        }
    }
}

fn resource(
    lines: &[Line],
    path: &str,
    otherwise: Option<fn() -> Route>,
) -> impl HttpServiceFactory + 'static {
    let mut resource = web::resource(path.to_owned());
    for line in lines.iter().filter(|line| line.path == path) {
        resource = resource.route((line.route)());
    }
    match otherwise {
        Some(route) => resource.default_service(route()),
        None => resource,
    }
}
