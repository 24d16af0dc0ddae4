//! [`RequestContext`]: who asks, in what version, under which id.

use std::future::{Ready, ready};
use std::ops::Deref;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};
use tricircle_config::SecretString;
use tricircle_keystone::Token;
use tricircle_policy::Credentials;

use crate::{Fault, FaultStyle, Microversion, RequestIds};

/// What a handler knows of its request and passes on to whatever it calls.
/// Cheap to clone.
#[derive(Debug, Clone)]
pub struct RequestContext(Arc<ContextData>);

/// The fields of a [`RequestContext`].
#[derive(Debug)]
pub struct ContextData {
    /// The request's id and the caller's.
    pub ids: RequestIds,
    /// The validated token.
    pub token: Arc<Token>,
    /// The token as the client sent it: pods are called with it.
    pub auth_token: SecretString,
    /// The token of the service that calls on the user's behalf.
    pub service: Option<Vouching>,
    /// The project the token is scoped to; empty for tokens without project,
    /// which only the admin API lets in.
    pub project_id: String,
    /// The user.
    pub user_id: String,
    /// The effective microversion of compute and block storage requests.
    pub microversion: Option<Microversion>,
}

/// The service that calls on the user's behalf.
#[derive(Debug)]
pub struct Vouching {
    /// What its token stands for.
    pub token: Arc<Token>,
    /// The token as it was sent: pods are called with it too.
    pub secret: SecretString,
}

impl Deref for RequestContext {
    type Target = ContextData;

    fn deref(&self) -> &ContextData {
        &self.0
    }
}

impl RequestContext {
    /// Puts a context together; the middleware and tests do.
    pub fn new(
        ids: RequestIds,
        token: Arc<Token>,
        auth_token: SecretString,
        service: Option<Vouching>,
        microversion: Option<Microversion>,
    ) -> Self {
        Self(Arc::new(ContextData {
            ids,
            project_id: token
                .project
                .as_ref()
                .map(|project| project.id.clone())
                .unwrap_or_default(),
            user_id: token.user_id.clone(),
            token,
            auth_token,
            service,
            microversion,
        }))
    }

    /// Our id of the request, `req-<uuid>`.
    pub fn request_id(&self) -> &str {
        &self.ids.id
    }

    /// The caller's id of the request.
    pub fn global_request_id(&self) -> Option<&str> {
        self.ids.global.as_deref()
    }

    /// The roles of the token, implied ones included.
    pub fn roles(&self) -> &[String] {
        &self.token.roles
    }

    /// Whether the token has the admin role.
    pub fn is_admin(&self) -> bool {
        self.token.has_role("admin")
    }

    /// The token of the service that calls on the user's behalf, as it was sent.
    pub fn service_token(&self) -> Option<SecretString> {
        self.service.as_ref().map(|service| service.secret.clone())
    }

    /// The effective microversion, 0.0 where the service has none.
    pub fn version(&self) -> Microversion {
        self.microversion.unwrap_or(Microversion::new(0, 0))
    }

    /// The caller as policy rules see it.
    pub fn credentials(&self) -> Credentials {
        let token = &self.token;
        Credentials {
            user_id: Some(token.user_id.clone()),
            user_domain_id: Some(token.user_domain_id.clone()),
            project_id: token.project.as_ref().map(|p| p.id.clone()),
            project_domain_id: token.project.as_ref().map(|p| p.domain_id.clone()),
            domain_id: token.domain_id.clone(),
            system_scope: token.system.then(|| "all".to_owned()),
            roles: token.roles.clone(),
            service_roles: self
                .service
                .as_ref()
                .map(|service| service.token.roles.clone())
                .unwrap_or_default(),
            is_admin: false,
            is_admin_project: token.is_admin_project,
        }
    }
}

impl FromRequest for RequestContext {
    type Error = Fault;
    type Future = Ready<Result<Self, Fault>>;

    /// Fails only in handlers of routes that need no token.
    fn from_request(request: &HttpRequest, _payload: &mut Payload) -> Self::Future {
        ready(
            request
                .extensions()
                .get::<Self>()
                .cloned()
                .ok_or_else(Fault::unauthorized),
        )
    }
}

/// Refuses a project id in the path that is not the token's, in the words of
/// Nova or Cinder.
pub fn require_own_project(
    context: &RequestContext,
    path_project: &str,
    style: FaultStyle,
) -> Result<(), Fault> {
    if path_project == context.project_id {
        return Ok(());
    }
    Err(match style {
        FaultStyle::Nova => Fault::bad_request(format!(
            "Malformed request URL: URL's project_id '{path_project}' doesn't match Context's \
             project_id '{}'",
            context.project_id
        )),
        FaultStyle::Cinder | FaultStyle::Neutron | FaultStyle::Admin => {
            Fault::bad_request("Malformed request url")
        }
    })
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    pub(crate) fn context_of(project_id: &str, roles: &[&str]) -> RequestContext {
        let token = Token {
            user_id: "u1".to_owned(),
            user_name: "ann".to_owned(),
            user_domain_id: "default".to_owned(),
            project: Some(tricircle_keystone::ProjectRef {
                id: project_id.to_owned(),
                name: "demo".to_owned(),
                domain_id: "default".to_owned(),
            }),
            domain_id: None,
            system: false,
            roles: roles.iter().map(|&role| role.to_owned()).collect(),
            expires_at: chrono::Utc::now(),
            is_admin_project: true,
            access_rules: None,
            audit_ids: Vec::new(),
        };
        RequestContext::new(
            RequestIds {
                id: "req-1".into(),
                global: None,
            },
            Arc::new(token),
            SecretString::from("gAAAAsecret"),
            None,
            None,
        )
    }

    #[test]
    fn a_foreign_project_in_the_path_is_a_400_in_each_services_words() {
        let context = context_of("p1", &["member"]);
        assert!(require_own_project(&context, "p1", FaultStyle::Nova).is_ok());
        let nova = require_own_project(&context, "p2", FaultStyle::Nova).unwrap_err();
        assert_eq!(
            nova.message(),
            "Malformed request URL: URL's project_id 'p2' doesn't match Context's project_id 'p1'"
        );
        let cinder = require_own_project(&context, "p2", FaultStyle::Cinder).unwrap_err();
        assert_eq!(cinder.message(), "Malformed request url");
        assert_eq!(cinder.status().as_u16(), 400);
    }

    #[test]
    fn debug_does_not_show_the_token() {
        let context = context_of("p1", &["Admin"]);
        assert!(context.is_admin());
        assert!(!format!("{context:?}").contains("gAAAAsecret"));
    }
}
