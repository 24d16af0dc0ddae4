//! Server groups: what is shown and refused, and where their servers go.

use serde_json::{Value, json};

use crate::world::{User, World};

async fn group(user: &User<'_>, policy: &str) -> String {
    let body = json!({"server_group": {"name": "g", "policy": policy}});
    let made = user.post("/os-server-groups", body).await.expect(200);
    made["server_group"]["id"].as_str().unwrap().to_owned()
}

/// Creates a server in a group, in a zone or in any; its id.
async fn member(user: &User<'_>, group: &str, zone: Option<&str>) -> String {
    let mut server = user.server("vm", "");
    match zone {
        Some(zone) => server["availability_zone"] = json!(zone),
        None => {
            server.as_object_mut().unwrap().remove("availability_zone");
        }
    }
    let body = json!({"server": server, "os:scheduler_hints": {"group": group}});
    let made = user.post("/servers", body).await.expect(202);
    made["server"]["id"].as_str().unwrap().to_owned()
}

fn servers_in(world: &World, pod: usize) -> usize {
    world.pods[pod].inventory().servers.len()
}

#[tokio::test]
async fn each_version_shows_groups_its_way() {
    let world = World::start().await;
    let demo = world.demo().await;
    let body = json!({"server_group": {
        "name": "web", "policy": "anti-affinity", "rules": {"max_server_per_host": "2"},
    }});
    let made = demo.post("/os-server-groups", body).await.expect(200);
    let id = made["server_group"]["id"].as_str().unwrap().to_owned();
    assert_eq!(
        made["server_group"],
        json!({
            "id": id, "name": "web", "policy": "anti-affinity",
            "rules": {"max_server_per_host": 2}, "members": [],
            "project_id": demo.project, "user_id": demo.id,
        })
    );
    let path = format!("/os-server-groups/{id}");
    let old = demo.at("2.13").get(&path).await.expect(200);
    assert_eq!(
        old["server_group"],
        json!({
            "id": id, "name": "web", "policies": ["anti-affinity"], "metadata": {},
            "members": [], "project_id": demo.project, "user_id": demo.id,
        })
    );
    let oldest = demo.at("2.12").get(&path).await.expect(200);
    assert_eq!(oldest["server_group"]["user_id"], Value::Null);
    let old = json!({"server_group": {"name": "old", "policies": ["soft-affinity"]}});
    demo.at("2.15")
        .post("/os-server-groups", old.clone())
        .await
        .expect(200);
    assert_eq!(
        demo.at("2.14")
            .post("/os-server-groups", old)
            .await
            .refused(400),
        "Invalid input for field/attribute 0. Value: soft-affinity. 'soft-affinity' is not one of \
         ['anti-affinity', 'affinity']"
    );
    let names = async |path: &str, user: &User<'_>| {
        let list = user.get(path).await.expect(200);
        let list = list["server_groups"].as_array().unwrap().clone();
        let names = list
            .iter()
            .map(|group| group["name"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    assert_eq!(names("/os-server-groups", &demo).await, ["web", "old"]);
    assert_eq!(names("/os-server-groups?limit=1", &demo).await, ["web"]);
    assert_eq!(names("/os-server-groups?offset=1", &demo).await, ["old"]);
    let admin = world.admin().await;
    assert!(names("/os-server-groups", &admin).await.is_empty());
    let all = "/os-server-groups?all_projects=True";
    assert_eq!(names(all, &admin).await.len(), 2);
    let other = world.user("reader", "demo").await;
    assert_eq!(other.delete(&path).await.status, 403);
    assert_eq!(demo.delete(&path).await.status, 204);
    assert_eq!(
        demo.get(&path).await.refused(404),
        format!("Instance group {id} could not be found.")
    );
}

#[tokio::test]
async fn refusals_are_novas() {
    let world = World::start_with(|config| config.quota.server_groups = 1).await;
    let demo = world.demo().await;
    for (body, message) in [
        (
            json!({"server_group": {"name": "g"}}),
            "Invalid input for field/attribute server_group. Value: {'name': 'g'}. 'policy' is a \
             required property",
        ),
        (
            json!({"server_group": {"name": "g", "policy": "affinity",
                "rules": {"max_server_per_host": 1}}}),
            "Only anti-affinity policy supports rules.",
        ),
        (
            json!({"server_group": {"name": "g", "policy": "anti-affinity",
                "rules": {"max_server_per_host": 0}}}),
            "Invalid input for field/attribute max_server_per_host. Value: 0. 0 is less than the \
             minimum of 1",
        ),
    ] {
        let refused = demo.post("/os-server-groups", body).await;
        assert_eq!(refused.refused(400), message);
    }
    group(&demo, "affinity").await;
    let body = json!({"server_group": {"name": "g", "policy": "affinity"}});
    assert_eq!(
        demo.post("/os-server-groups", body).await.refused(403),
        "Quota exceeded, too many server groups."
    );
    let limits = demo.get("/limits").await.expect(200);
    assert_eq!(limits["limits"]["absolute"]["totalServerGroupsUsed"], 1);
    let nobody = "0b0aa3ce-7d6c-4a53-8d5f-3a1d2a3b4c5d";
    let server = demo.server("vm", "az1");
    let body = json!({"server": server, "os:scheduler_hints": {"group": nobody}});
    assert_eq!(
        demo.post("/servers", body).await.refused(400),
        format!("Instance group {nobody} could not be found.")
    );
}

#[tokio::test]
async fn affinity_stays_in_one_pod_and_anti_affinity_spreads() {
    let world = World::start().await;
    let demo = world.demo().await;
    let together = group(&demo, "affinity").await;
    let first = member(&demo, &together, Some("az2")).await;
    let second = member(&demo, &together, None).await;
    assert_eq!((servers_in(&world, 0), servers_in(&world, 1)), (0, 2));
    let shown = demo.get(&format!("/os-server-groups/{together}")).await;
    assert_eq!(
        shown.expect(200)["server_group"]["members"],
        json!([first, second])
    );
    let apart = group(&demo, "anti-affinity").await;
    member(&demo, &apart, None).await;
    member(&demo, &apart, None).await;
    assert_eq!((servers_in(&world, 0), servers_in(&world, 1)), (1, 3));
    // Of two pods, the one with fewer of the group.
    member(&demo, &apart, Some("az2")).await;
    member(&demo, &apart, None).await;
    assert_eq!((servers_in(&world, 0), servers_in(&world, 1)), (2, 4));
    // A server of the group in another pod is what affinity forbids.
    let server = demo.server("vm", "az1");
    let body = json!({"server": server, "os:scheduler_hints": {"group": together}});
    assert_eq!(demo.post("/servers", body).await.status, 400);
}

#[tokio::test]
async fn servers_show_the_tops_group_and_pods_have_one_each() {
    let world = World::start().await;
    let demo = world.demo().await;
    let id = group(&demo, "soft-anti-affinity").await;
    let server = member(&demo, &id, Some("az1")).await;
    member(&demo, &id, Some("az1")).await;
    member(&demo, &id, Some("az2")).await;
    for pod in &world.pods {
        let groups = pod.inventory().server_groups;
        assert_eq!(groups.len(), 1);
        assert_ne!(groups[0].id, id);
        assert_eq!(groups[0].detail["policy"], "soft-anti-affinity");
    }
    let newest = demo.at("2.100");
    let shown = newest.get(&format!("/servers/{server}")).await.expect(200);
    assert_eq!(shown["server"]["server_groups"], json!([id]));
    assert_eq!(shown["server"]["scheduler_hints"]["group"], json!([id]));
    let _worker = world.start_worker();
    let path = format!("/os-server-groups/{id}");
    assert_eq!(demo.delete(&path).await.status, 204);
    world.quiet().await;
    for pod in &world.pods {
        assert!(pod.inventory().server_groups.is_empty());
    }
}

#[tokio::test]
async fn a_group_has_as_many_servers_of_a_user_as_it_may() {
    let world = World::start_with(|config| config.quota.server_group_members = 2).await;
    let demo = world.demo().await;
    let id = group(&demo, "affinity").await;
    member(&demo, &id, Some("az1")).await;
    let several = |count: u32| {
        let mut server = demo.server("vm", "az1");
        server["min_count"] = json!(count);
        json!({"server": server, "os:scheduler_hints": {"group": id}})
    };
    assert_eq!(
        demo.post("/servers", several(2)).await.refused(403),
        "Quota exceeded, too many servers in group"
    );
    assert_eq!(servers_in(&world, 0), 1, "none was made");
    demo.post("/servers", several(1)).await.expect(202);
}

#[tokio::test]
async fn a_pods_group_that_somebody_removed_is_made_anew() {
    let world = World::start().await;
    let (admin, demo) = (world.admin().await, world.demo().await);
    let id = group(&demo, "affinity").await;
    member(&demo, &id, Some("az1")).await;
    let there = world.pods[0].inventory().server_groups[0].id.clone();
    let path = format!("/os-server-groups/{there}");
    let gone = admin.in_pod(0, reqwest::Method::DELETE, &path, None).await;
    assert_eq!(gone.status, 204);
    let server = demo.server("vm", "az1");
    let body = json!({"server": server, "os:scheduler_hints": {"group": id}});
    assert_eq!(demo.post("/servers", body.clone()).await.status, 503);
    demo.post("/servers", body).await.expect(202);
}
