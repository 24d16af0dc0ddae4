//! One request in a gateway.

use std::sync::Arc;

use actix_web::HttpRequest;
use tricircle_api::{Fault, RequestContext, Site, require_own_project};
use tricircle_db::Store;
use tricircle_db::models::RoutingKind;
use tricircle_pods::{Caller, PodEntry, PodSession, Pods, Service};
use tricircle_policy::{Enforcer, Target};

use crate::{FloatingAddresses, Rewriter, Routings, Surface};

/// What all requests of one worker share. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Gateway {
    /// The surface.
    pub surface: Surface,
    /// The pods, through this worker's connections.
    pub pods: Pods,
    /// The database.
    pub store: Store,
    /// Where resources are.
    pub routings: Routings,
    /// Who may do what at the top.
    pub policy: Arc<Enforcer>,
    /// Floating IPs of servers that are in other pods than these.
    pub floating: FloatingAddresses,
}

/// A request that was authenticated, with its path taken apart.
#[derive(Clone)]
pub struct Call {
    /// What the worker shares.
    pub gateway: Gateway,
    /// The request, for headers and path parameters.
    pub request: HttpRequest,
    /// Who asks.
    pub context: RequestContext,
    /// Path after version and project, as the client wrote it (still escaped).
    pub path: String,
    /// Root of the top's links, without version and without a slash at the end.
    pub top_root: String,
}

/// Whether a path means the same to us and to a pod. Servers and URL libraries take
/// `..`, empty segments and backslashes out: what the table took for one call would
/// arrive as another.
fn is_plain(path: &str) -> bool {
    let dots = |segment: &str| {
        let plain = segment.to_ascii_lowercase().replace("%2e", ".");
        plain == "." || plain == ".."
    };
    let lower = path.to_ascii_lowercase();
    let hidden = ["\\", "%5c", "%2f", "%00"];
    let mut segments = path.strip_prefix('/').unwrap_or(path).split('/');
    path == "/"
        || path.is_empty()
        || (!hidden.iter().any(|sign| lower.contains(sign))
            && segments.all(|segment| !segment.is_empty() && !dots(segment)))
}

/// The request's headers hold the token: they are left out.
impl std::fmt::Debug for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Call")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

impl Call {
    /// Takes the path apart; a project in it that is not the token's is 400.
    pub(crate) fn new(
        gateway: Gateway,
        request: HttpRequest,
        context: RequestContext,
    ) -> Result<Self, Fault> {
        // An empty cloud or "no valid host" would be a lie.
        if !gateway.pods.are_known() {
            return Err(Fault::unavailable("The pods are not known yet."));
        }
        let whole = request.uri().path();
        let version = gateway.surface.version;
        let mut path = whole.strip_prefix(version).unwrap_or(whole).to_owned();
        let site = request
            .app_data::<Site>()
            .ok_or_else(|| Fault::internal("the app has no site"))?;
        if let Some(project) = request.match_info().get("project_id") {
            require_own_project(&context, project, site.style())?;
            path = path
                .strip_prefix('/')
                .and_then(|rest| rest.strip_prefix(project))
                .unwrap_or(&path)
                .to_owned();
        }
        // Cinder takes `.json` off the end of any path, so that a pod would read another
        // path than the table did.
        let suffixed = gateway.surface.service == Service::Volume && path.ends_with(".json");
        if suffixed || !is_plain(&path) {
            return Err(Fault::no_such_path());
        }
        let base = site.base_url(&request);
        let top_root = base.strip_suffix(version).unwrap_or(&base).to_owned();
        Ok(Self {
            gateway,
            request,
            context,
            path,
            top_root,
        })
    }

    /// A parameter of the route's pattern; empty when it has none of that name.
    pub fn param(&self, name: &str) -> &str {
        self.request.match_info().get(name).unwrap_or_default()
    }

    /// The query as the client wrote it, without the question mark.
    pub fn query(&self) -> &str {
        self.request.uri().query().unwrap_or_default()
    }

    /// The query taken apart, repeated keys kept, in order.
    pub fn query_pairs(&self) -> Vec<(String, String)> {
        url::form_urlencoded::parse(self.query().as_bytes())
            .into_owned()
            .collect()
    }

    /// Path and query as they go to a pod.
    pub fn path_and_query(&self) -> String {
        match self.query() {
            "" => self.path.clone(),
            query => format!("{}?{query}", self.path),
        }
    }

    /// The user, for calls to pods.
    pub fn caller(&self) -> Caller {
        Caller::user(self.context.auth_token.clone(), self.request_id())
            .vouched_by(self.context.service_token())
    }

    /// Refuses with 403 unless the rule allows the caller in its own project.
    pub fn require(&self, rule: &str) -> Result<(), Fault> {
        self.require_on(rule, &self.context.project_id, &self.context.user_id)
    }

    /// The same for what belongs to a project and a user.
    pub fn require_on(&self, rule: &str, project_id: &str, user_id: &str) -> Result<(), Fault> {
        let context = &self.context;
        let target = Target::of_project(project_id).with("user_id", user_id);
        self.gateway
            .policy
            .enforce(rule, &context.credentials(), &target)
            .map_err(|_| Fault::forbidden(format!("Policy doesn't allow {rule} to be performed.")))
    }

    /// Whether a resource is known to belong to another project than the caller's, who
    /// is no administrator.
    pub async fn is_of_another_project(&self, kind: RoutingKind, id: &str) -> Result<bool, Fault> {
        let row = self.gateway.store.routing_by_top(kind, id).await?;
        Ok(!self.context.is_admin()
            && row.is_some_and(|row| {
                !row.project_id.is_empty() && row.project_id != self.context.project_id
            }))
    }

    /// The id under which pods log this request: the client's own where it sent one.
    pub fn request_id(&self) -> &str {
        self.context
            .global_request_id()
            .unwrap_or_else(|| self.context.request_id())
    }

    /// A session of the user in a pod, at the microversion that the user asked for.
    pub fn session(&self, pod: &Arc<PodEntry>) -> PodSession {
        let session = self.gateway.pods.session_in(pod, &self.caller());
        match self.version_header() {
            Some((name, value)) => session.with_header(name, value),
            None => session,
        }
    }

    /// The header that names the microversion to a pod. `latest` and the gateway's own
    /// choice are resolved to a number: pods may differ in what is latest there.
    fn version_header(
        &self,
    ) -> Option<(reqwest::header::HeaderName, reqwest::header::HeaderValue)> {
        let version = self.context.microversion?;
        let service = match self.gateway.surface.service {
            Service::Compute => "compute",
            Service::Volume => "volume",
            _ => return None,
        };
        Some((
            reqwest::header::HeaderName::from_static("openstack-api-version"),
            reqwest::header::HeaderValue::try_from(format!("{service} {version}")).ok()?,
        ))
    }

    /// What turns this pod's answers into the top's.
    pub fn rewriter(&self, pod: &PodEntry) -> Rewriter {
        let pod_root = pod
            .endpoints
            .root(self.gateway.surface.service)
            .unwrap_or_default();
        Rewriter::new(
            pod_root,
            &self.top_root,
            self.gateway.surface.fields,
            pod.view.clone(),
        )
        .with_floating(&self.gateway.floating)
    }
}

#[cfg(test)]
mod tests {
    use super::is_plain;

    #[test]
    fn paths_that_a_pod_would_read_otherwise_are_not_passed_on() {
        for path in [
            "/",
            "",
            "/servers",
            "/servers/a/action",
            "/os-keypairs/a%20b.c",
        ] {
            assert!(is_plain(path), "{path}");
        }
        for path in [
            "/servers/a/../b",
            "/servers/a/%2e%2E/b",
            "/servers/a/./b",
            "/servers//b",
            "/servers/a/",
            "/servers/a\\..\\b",
            "/servers/a%2Fos-interface",
        ] {
            assert!(!is_plain(path), "{path}");
        }
    }
}
