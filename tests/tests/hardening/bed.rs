//! Four services over one simulated world, and the list of all their routes.

use serde_json::Value;
use tokio_util::sync::CancellationToken;
use tricircle_api::table::Access;
use tricircle_policy::{Enforcer, PolicyFile, defaults};
use tricircle_tests::Simulated;

/// A service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    Compute,
    Volume,
    Network,
    Admin,
}

/// One method of one path, as a service registers it.
#[derive(Debug, Clone)]
pub struct Line {
    pub api: Api,
    pub method: String,
    /// The path in actix's pattern language, version included.
    pub path: String,
    pub rule: Option<String>,
    /// Whether nobody but the service itself can refuse a caller.
    pub own: bool,
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {} {}", self.api, self.method, self.path)
    }
}

/// The services, under a policy of the test's choice.
pub struct Bed {
    urls: [String; 4],
    http: reqwest::Client,
    shutdown: CancellationToken,
}

impl Drop for Bed {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

/// An answer, read to its end.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub kind: String,
    pub text: String,
}

impl Answer {
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }
}

/// A request as a whole.
#[derive(Debug, Clone, Default)]
pub struct Ask {
    pub method: String,
    /// Path with query.
    pub path: String,
    pub token: String,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Option<Vec<u8>>,
}

impl Bed {
    /// The services over a world, with the default policy.
    pub async fn over(world: &Simulated) -> Self {
        Self::with_policy(world, Enforcer::with_defaults().unwrap()).await
    }

    /// The same with another policy.
    pub async fn with_policy(world: &Simulated, policy: Enforcer) -> Self {
        let mut parts = world.parts.clone();
        parts.policy = std::sync::Arc::new(policy);
        let shutdown = CancellationToken::new();
        let stop = || shutdown.clone();
        let compute = nova_apigw::start(parts.clone(), stop()).await.unwrap();
        let volume = cinder_apigw::start(parts.clone(), stop()).await.unwrap();
        let network = neutron_api::start(&parts, &shutdown).await.unwrap();
        let admin = admin_api::start(parts, stop()).await.unwrap();
        Self {
            urls: [
                compute[0].url(),
                volume[0].url(),
                network.url(),
                admin[0].url(),
            ],
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            shutdown,
        }
    }

    pub fn url(&self, api: Api) -> &str {
        &self.urls[api as usize]
    }

    /// Host and port, for those who speak TCP.
    pub fn address(&self, api: Api) -> &str {
        self.url(api).trim_start_matches("http://")
    }

    pub async fn ask(&self, api: Api, ask: &Ask) -> Answer {
        let method = reqwest::Method::from_bytes(ask.method.as_bytes()).unwrap();
        let mut request = self
            .http
            .request(method, format!("{}{}", self.url(api), ask.path))
            .timeout(std::time::Duration::from_secs(60))
            .header("X-Auth-Token", &ask.token);
        for (name, value) in &ask.headers {
            request = request.header(name.as_str(), value.as_slice());
        }
        if let Some(body) = &ask.body {
            request = request.body(body.clone());
        }
        let response = match request.send().await {
            Ok(response) => response,
            Err(error) => panic!("no answer to {ask:?}: {error:?}"),
        };
        let status = response.status().as_u16();
        let kind = response.headers().get("content-type");
        let kind = kind.map_or("", |kind| kind.to_str().unwrap()).to_owned();
        let text = response.bytes().await.unwrap();
        Answer {
            status,
            kind,
            text: String::from_utf8_lossy(&text).into_owned(),
        }
    }

    /// A call with a JSON body.
    pub async fn call(
        &self,
        api: Api,
        token: &str,
        method: &str,
        path: &str,
        body: Option<Value>,
    ) -> Answer {
        let json = ("Content-Type".to_owned(), b"application/json".to_vec());
        let ask = Ask {
            method: method.to_owned(),
            path: path.to_owned(),
            token: token.to_owned(),
            headers: body.iter().map(|_| json.clone()).collect(),
            body: body.map(|body| body.to_string().into_bytes()),
        };
        self.ask(api, &ask).await
    }
}

/// Every route of every service.
pub fn lines(world: &Simulated) -> Vec<Line> {
    let every = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"];
    let mut lines = Vec::new();
    let gateways = [
        (Api::Compute, "/v2.1", nova_apigw::routes(&world.parts)),
        (Api::Volume, "/v3", cinder_apigw::routes(&world.parts)),
    ];
    for (api, version, routes) in gateways {
        for route in routes {
            let mut methods: Vec<String> = route.methods.iter().map(|m| m.to_string()).collect();
            if methods.is_empty() {
                methods = every.iter().map(|m| (*m).to_owned()).collect();
            }
            lines.extend(methods.into_iter().map(|method| Line {
                api,
                method,
                path: format!("{version}{}", route.path),
                rule: route.rule.map(str::to_owned),
                own: route.needs_rule(),
            }));
        }
    }
    for (api, table) in [
        (Api::Network, neutron_api::table()),
        (Api::Admin, admin_api::table()),
    ] {
        lines.extend(table.into_iter().map(|line| {
            let (rule, own) = match line.access {
                Access::Rule(rule) => (Some(rule), true),
                Access::Anybody(_) => (None, false),
            };
            Line {
                api,
                method: line.method.to_string(),
                path: line.path,
                rule,
                own,
            }
        }));
    }
    lines
}

/// The defaults with `!`, nobody, in place of each rule that services ask for, except
/// those that `keep` names.
pub fn nobody_may(keep: impl Fn(&str) -> bool) -> Enforcer {
    let all = defaults::all();
    let asked_for = all.iter().filter(|rule| !rule.scopes.is_empty());
    let text: String = asked_for
        .filter(|rule| !keep(rule.name))
        .map(|rule| format!("\"{}\": \"!\"\n", rule.name))
        .collect();
    let file = PolicyFile::parse(&text, "test").unwrap();
    Enforcer::new(&all, &file).unwrap()
}
