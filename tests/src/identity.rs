//! Who calls, and where: a token from Keystone, and the endpoints of a region as the
//! token's catalog has them, which is how every client finds them.

use serde_json::{Value, json};

use crate::http::{Client, list, string};

/// A token scoped to a project.
#[derive(Debug, Clone)]
pub struct Login {
    /// The token.
    pub token: String,
    /// The project's id.
    pub project_id: String,
    /// The user's id.
    pub user_id: String,
    catalog: Value,
}

impl Login {
    /// Asks Keystone (its URL with `/v3`) for a token by password.
    pub async fn new(keystone: &str, user: &str, project: &str, password: &str) -> Self {
        match Self::try_new(keystone, user, project, password).await {
            Some(login) => login,
            None => panic!("{keystone} has no user {user} in project {project}"),
        }
    }

    /// The same; none when Keystone does not know the user or refuses the project.
    pub async fn try_new(
        keystone: &str,
        user: &str,
        project: &str,
        password: &str,
    ) -> Option<Self> {
        let default = json!({"id": "default"});
        let body = json!({"auth": {
            "identity": {"methods": ["password"], "password": {"user": {
                "name": user, "password": password, "domain": default,
            }}},
            "scope": {"project": {"name": project, "domain": default}},
        }});
        let answer = Client::new(keystone).post("/auth/tokens", body).await;
        if answer.status == 401 {
            return None;
        }
        let token = answer.header("X-Subject-Token").to_owned();
        let body = answer.expect(201);
        Some(Self {
            token,
            project_id: string(&body, "/token/project/id"),
            user_id: string(&body, "/token/user/id"),
            catalog: body.pointer("/token/catalog").cloned().unwrap_or_default(),
        })
    }

    /// The public endpoint of one of these service types in a region.
    pub fn endpoint(&self, region: &str, service_types: &[&str]) -> Option<String> {
        let services = list(&self.catalog, "");
        services
            .iter()
            .filter(|service| {
                let kind = service["type"].as_str().unwrap_or_default();
                service_types.contains(&kind)
            })
            .flat_map(|service| list(service, "/endpoints"))
            .find(|endpoint| endpoint["region"] == region && endpoint["interface"] == "public")
            .map(|endpoint| string(endpoint, "/url"))
    }

    /// The services of a region, for this user.
    pub fn region(&self, region: &str) -> Region {
        let client = |types: &[&str]| {
            let url = self.endpoint(region, types).unwrap_or_default();
            Client::new(&url).with("X-Auth-Token", &self.token)
        };
        let network = client(&["network"]);
        Region {
            name: region.to_owned(),
            project_id: self.project_id.clone(),
            user_id: self.user_id.clone(),
            compute: client(&["compute"]),
            volume: client(&["volumev3", "block-storage"]),
            network: network.at(&format!("{}/v2.0", network.base())),
            admin: client(&["multiregion"]),
        }
    }
}

/// An API that the top and the pods have alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// Nova's.
    Compute,
    /// Cinder's.
    Volume,
    /// Neutron's.
    Network,
}

impl Region {
    /// Calls to one of its APIs.
    pub fn api(&self, api: Api) -> &Client {
        match api {
            Api::Compute => &self.compute,
            Api::Volume => &self.volume,
            Api::Network => &self.network,
        }
    }
}

/// A region through the eyes of one user: the top, or a pod.
#[derive(Debug, Clone)]
pub struct Region {
    /// The region's name.
    pub name: String,
    /// The id of the user's project.
    pub project_id: String,
    /// The user's id.
    pub user_id: String,
    /// The Compute API, from `/v2.1` on.
    pub compute: Client,
    /// The Block Storage API, from `/v3/{project}` on.
    pub volume: Client,
    /// The Networking API, from `/v2.0` on.
    pub network: Client,
    /// Tricircle's admin API, from `/v1.0` on; of the top only.
    pub admin: Client,
}
