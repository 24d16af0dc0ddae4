//! What clients see before and around every call: version documents, microversions,
//! request ids.

use serde_json::{Value, json};

use crate::http::{Client, list, string};
use crate::identity::Api;
use crate::world::World;

/// The URL without its path.
fn origin(client: &Client) -> Client {
    let parts: Vec<&str> = client.base().splitn(4, '/').take(3).collect();
    client.at(&parts.join("/")).without("X-Auth-Token")
}

/// Version documents need no token and offer what the pods offer.
pub async fn version_documents(world: &World) {
    let (top, pod) = (world.demo().await, world.pod(0, "demo", "demo").await);
    for (api, status) in [(Api::Compute, 200), (Api::Volume, 300), (Api::Network, 200)] {
        let ours = origin(top.api(api)).get("/").await.expect(status);
        let theirs = origin(pod.api(api)).get("/").await.expect(status);
        let described = |body: &Value| {
            let versions = list(body, "/versions").iter();
            let mut found: Vec<_> = versions
                .filter(|v| v["status"] == "CURRENT")
                .map(|v| {
                    (
                        v["id"].clone(),
                        v["version"].clone(),
                        v["min_version"].clone(),
                    )
                })
                .collect();
            found.sort_by_key(|(id, ..)| id.to_string());
            found
        };
        assert_eq!(described(&ours), described(&theirs));
        let own = origin(top.api(api));
        for version in list(&ours, "/versions") {
            for link in list(version, "/links")
                .iter()
                .filter(|l| l["rel"] == "self")
            {
                let href = string(link, "/href");
                assert!(href.starts_with(own.base()), "{href} leads elsewhere");
            }
        }
    }
    for (client, path) in [(&top.compute, "/v2.1/"), (&top.volume, "/v3/")] {
        let answer = origin(client).get(path).await;
        assert_eq!(answer.status, 200, "{}: {}", answer.call, answer.text);
    }
}

/// Answers and faults carry the microversion that was in force, and say that they vary
/// by it.
pub async fn microversions(world: &World) {
    let demo = world.demo().await;
    let unknown = format!("/servers/{}", uuid::Uuid::nil());
    for (asked, got) in [(None, "2.1"), (Some("compute 2.60"), "2.60")] {
        let client = asked.map_or(demo.compute.clone(), |v| demo.compute.version(v));
        for (path, status) in [
            ("/servers", 200),
            ("/flavors/detail", 200),
            (&*unknown, 404),
        ] {
            let answer = client.get(path).await;
            assert_eq!(answer.status, status, "{}", answer.text);
            assert_eq!(
                answer.header("OpenStack-API-Version"),
                format!("compute {got}")
            );
            assert_eq!(answer.header("X-OpenStack-Nova-API-Version"), got);
            let vary: Vec<String> = answer
                .headers
                .get_all("vary")
                .iter()
                .map(|value| value.to_str().unwrap().to_ascii_lowercase())
                .collect();
            let vary = vary.join(",");
            assert!(vary.contains("openstack-api-version"), "{vary}");
            assert!(vary.contains("x-openstack-nova-api-version"), "{vary}");
        }
    }
    let older = demo.compute.with("X-OpenStack-Nova-API-Version", "2.50");
    let answer = older.get("/servers").await;
    assert_eq!(answer.header("X-OpenStack-Nova-API-Version"), "2.50");
    for (asked, got) in [(None, "volume 3.0"), (Some("volume 3.50"), "volume 3.50")] {
        let client = asked.map_or(demo.volume.clone(), |v| demo.volume.version(v));
        for (path, status) in [
            ("/volumes".to_owned(), 200),
            (format!("/volumes/{}", uuid::Uuid::nil()), 404),
        ] {
            let answer = client.get(&path).await;
            assert_eq!(answer.status, status, "{}", answer.text);
            assert_eq!(answer.header("OpenStack-API-Version"), got);
        }
    }
}

/// Every answer has a request id of its own, good ones and faults.
pub async fn request_ids(world: &World) {
    let demo = world.demo().await;
    let mut seen = std::collections::BTreeSet::new();
    for (client, path, compute) in [
        (&demo.compute, "/servers", true),
        (&demo.compute, "/nonsense", true),
        (&demo.volume, "/volumes", true),
        (&demo.network, "/networks", false),
        (&demo.network, "/nonsense", false),
    ] {
        let answer = client.get(path).await;
        let id = answer.header("x-openstack-request-id").to_owned();
        let uuid = id.strip_prefix("req-").unwrap_or_default();
        assert!(
            uuid::Uuid::parse_str(uuid).is_ok(),
            "{}: {id:?}",
            answer.call
        );
        if compute {
            assert_eq!(answer.header("x-compute-request-id"), id);
        }
        assert!(seen.insert(id), "a request id was used twice");
    }
    let bad = demo.compute.without("X-Auth-Token").get("/servers").await;
    assert_eq!(bad.status, 401);
    assert!(bad.header("x-openstack-request-id").starts_with("req-"));
}

/// A pod's log knows the call by the id that the client gave, or else by the id that the
/// client got.
pub async fn request_ids_reach_the_pods(world: &crate::Simulated) {
    let demo = world.demo().await;
    let global = format!("req-{}", uuid::Uuid::new_v4());
    for (given, path) in [(None, "/servers"), (Some(&global), "/servers/detail")] {
        for pod in &world.pods {
            pod.clear_journal();
        }
        let client = match given {
            Some(id) => demo.compute.with("X-Openstack-Request-Id", id),
            None => demo.compute.clone(),
        };
        let answer = client.get(path).await;
        assert_eq!(answer.status, 200);
        let expected = given.map_or(answer.header("x-openstack-request-id"), |id| id);
        for pod in &world.pods {
            let calls = pod.journal();
            let known = calls
                .iter()
                .any(|call| call.global_request_id.as_deref() == Some(expected));
            assert!(known, "{} does not know {expected}", pod.name());
        }
    }
    let forged = demo
        .compute
        .with("X-Openstack-Request-Id", "req-\"; drop table");
    forged.get("/servers").await.expect(200);
    for pod in &world.pods {
        let text = json!(pod.journal()).to_string();
        assert!(
            !text.contains("drop table"),
            "a malformed id is not passed on"
        );
    }
}
