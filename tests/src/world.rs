//! A world to play scenarios in: Keystone, the top, the pods, and what both have.
//!
//! Everything is found as a client finds it: Keystone by its URL, the rest in its
//! catalog. So a world of real pods and a simulated one differ in who made them, and in
//! nothing that a scenario sees.

use std::collections::BTreeMap;

use crate::http::{Client, list, string};
use crate::identity::{Login, Region};
use crate::resources::LIMIT;
use crate::wait::until;

/// The region that users see, where a world says nothing else.
pub const TOP: &str = "RegionOne";

/// A pod and the availability zone that it is at the top.
#[derive(Debug, Clone)]
pub struct PodName {
    /// The pod's region.
    pub region: String,
    /// The zone that users name.
    pub zone: String,
}

/// Where a scenario plays.
#[derive(Debug, Clone)]
pub struct World {
    /// Keystone's URL with `/v3`.
    pub keystone: String,
    /// The region that users see.
    pub top: String,
    /// The password of all users.
    pub password: String,
    /// The pods; az1 is the first, az2 the second.
    pub pods: Vec<PodName>,
    /// An image that every pod can boot.
    pub image: String,
    /// A flavor of the top.
    pub flavor: String,
    /// How many servers a scenario may create at the same time.
    pub crowd: usize,
    /// Part of the names of everything that is created in this world.
    pub tag: String,
}

impl World {
    /// The world around a Keystone. Its top must have the pods registered, as az1, az2.
    pub async fn around(keystone: &str, password: &str, pods: &[String], crowd: usize) -> Self {
        let login = Login::new(keystone, "demo", "demo", password).await;
        let images = login.endpoint(TOP, &["image"]).unwrap_or_default();
        let images = Client::new(&images).with("X-Auth-Token", &login.token);
        let found = images.get("/v2/images?name=cirros").await.expect(200);
        let pods = pods.iter().zip(1..).map(|(region, n)| PodName {
            region: region.clone(),
            zone: format!("az{n}"),
        });
        Self {
            keystone: keystone.to_owned(),
            top: TOP.to_owned(),
            password: password.to_owned(),
            pods: pods.collect(),
            image: string(&found, "/images/0/id"),
            flavor: "1".to_owned(),
            crowd,
            tag: format!("t{}", &uuid::Uuid::new_v4().simple().to_string()[..8]),
        }
    }

    /// The real cloud that the environment names (see deploy/sandbox, `make top-up`).
    ///
    /// Without `TRICIRCLE_REAL_CLOUD` there is none, which fails the test where
    /// `TRICIRCLE_REQUIRE_REAL_CLOUD=1` says that it has to be there.
    pub async fn real() -> Option<Self> {
        let Ok(keystone) = std::env::var("TRICIRCLE_REAL_CLOUD") else {
            let required = std::env::var("TRICIRCLE_REQUIRE_REAL_CLOUD").is_ok_and(|v| v == "1");
            assert!(!required, "TRICIRCLE_REAL_CLOUD is not set but required");
            return None;
        };
        let variable =
            |name: &str, default: &str| std::env::var(name).unwrap_or_else(|_| default.to_owned());
        let password = variable("TRICIRCLE_REAL_PASSWORD", "secret");
        let pods = variable("TRICIRCLE_REAL_PODS", "Pod1,Pod2");
        let pods: Vec<String> = pods.split(',').map(str::to_owned).collect();
        // What quotas of the sandbox leave room for.
        Some(Self::around(&keystone, &password, &pods, 6).await)
    }

    /// A name that only this world uses.
    pub fn name(&self, what: &str) -> String {
        format!("{}-{what}", self.tag)
    }

    /// A token for a user in a project.
    pub async fn login(&self, user: &str, project: &str) -> Login {
        Login::new(&self.keystone, user, project, &self.password).await
    }

    /// The top as a user sees it.
    pub async fn top(&self, user: &str, project: &str) -> Region {
        self.login(user, project).await.region(&self.top)
    }

    /// The top as the ordinary user sees it.
    pub async fn demo(&self) -> Region {
        self.top("demo", "demo").await
    }

    /// The top as its administrator sees it.
    pub async fn admin(&self) -> Region {
        self.top("admin", "admin").await
    }

    /// The top as somebody sees it who may only read; none where there is no such user.
    pub async fn reader(&self) -> Option<Region> {
        let login = Login::try_new(&self.keystone, "reader", "demo", &self.password).await;
        Some(login?.region(&self.top))
    }

    /// A pod, by its place, as a user sees it.
    pub async fn pod(&self, place: usize, user: &str, project: &str) -> Region {
        let region = &self.pods[place].region;
        self.login(user, project).await.region(region)
    }

    /// The zone of a pod.
    pub fn zone(&self, place: usize) -> &str {
        &self.pods[place].zone
    }

    /// The region names of pods by their ids at the top.
    pub async fn pod_ids(&self) -> BTreeMap<String, String> {
        let body = self.admin().await.admin.get("/pods").await.expect(200);
        list(&body, "/pods")
            .iter()
            .map(|pod| (string(pod, "/region_name"), string(pod, "/id")))
            .collect()
    }

    /// Waits until every service of the top knows the pods.
    pub async fn wait_for_zones(&self, admin: &Region) {
        let clients = [
            (
                "os-availability-zone",
                "availabilityZoneInfo",
                "zoneName",
                &admin.compute,
            ),
            (
                "os-availability-zone",
                "availabilityZoneInfo",
                "zoneName",
                &admin.volume,
            ),
            (
                "availability_zones",
                "availability_zones",
                "name",
                &admin.network,
            ),
        ];
        for (path, key, name, client) in clients {
            until(LIMIT, &format!("zones at {}", client.base()), || async {
                let answer = client.get(&format!("/{path}")).await;
                let zones: Vec<_> = answer.body[key].as_array().into_iter().flatten().collect();
                let known = |zone: &str| zones.iter().any(|z| z[name] == zone);
                if answer.status == 200 && self.pods.iter().all(|pod| known(&pod.zone)) {
                    Ok(())
                } else {
                    Err(format!("{} {}", answer.status, answer.text))
                }
            })
            .await;
        }
    }
}
