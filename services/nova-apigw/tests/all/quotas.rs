//! Quotas: what is shown, set, refused and counted.

use serde_json::{Value, json};

use crate::world::{User, World};

async fn limit(admin: &User<'_>, path: &str, name: &str) -> Value {
    admin.get(path).await.expect(200)["quota_set"][name].clone()
}

#[tokio::test]
async fn limits_are_set_shown_and_forgotten() {
    let world = World::start().await;
    let (admin, demo) = (world.admin().await, world.demo().await);
    let path = format!("/os-quota-sets/{}", demo.project);
    let shown = demo.get(&path).await.expect(200);
    assert_eq!(
        shown["quota_set"],
        json!({
            "id": demo.project, "cores": 20, "instances": 10, "key_pairs": 100,
            "metadata_items": 128, "ram": 51200, "server_group_members": 10,
            "server_groups": 10,
        })
    );
    let old = demo.at("2.1").get(&path).await.expect(200);
    assert_eq!(old["quota_set"]["security_groups"], -1);
    assert_eq!(old["quota_set"]["injected_file_path_bytes"], 255);

    let set = json!({"quota_set": {"cores": "5", "instances": -1}});
    let answer = admin.put(&path, set).await.expect(200);
    assert_eq!(answer["quota_set"]["cores"], 5);
    assert_eq!(answer["quota_set"]["id"], Value::Null, "Nova leaves it out");
    assert_eq!(limit(&demo, &path, "cores").await, 5);
    assert_eq!(limit(&demo, &path, "instances").await, -1);
    let defaults = format!("{path}/defaults");
    assert_eq!(limit(&demo, &defaults, "cores").await, 20);
    let limits = demo.get("/limits").await.expect(200);
    assert_eq!(limits["limits"]["absolute"]["maxTotalCores"], 5);

    assert_eq!(admin.delete(&path).await.status, 202);
    assert_eq!(limit(&demo, &path, "cores").await, 20);
}

#[tokio::test]
async fn the_default_class_is_everybodys_limit() {
    let world = World::start().await;
    let (admin, demo) = (world.admin().await, world.demo().await);
    let class = "/os-quota-class-sets/default";
    let set = json!({"quota_class_set": {"cores": 7}});
    let answer = admin.put(class, set).await.expect(200);
    assert_eq!(answer["quota_class_set"]["cores"], 7);
    let shown = admin.get(class).await.expect(200);
    assert_eq!(shown["quota_class_set"]["id"], "default");
    assert_eq!(shown["quota_class_set"]["instances"], 10);
    let old = admin.at("2.49").get(class).await.expect(200);
    assert_eq!(old["quota_class_set"]["server_groups"], Value::Null);
    assert_eq!(old["quota_class_set"]["fixed_ips"], -1);
    let path = format!("/os-quota-sets/{}", demo.project);
    assert_eq!(limit(&demo, &path, "cores").await, 7);
    assert_eq!(limit(&demo, &format!("{path}/defaults"), "cores").await, 7);
    assert_eq!(demo.get(class).await.status, 403);
    let long = format!("/os-quota-class-sets/{}", "x".repeat(256));
    let set = json!({"quota_class_set": {"cores": 7}});
    assert_eq!(
        admin.put(&long, set).await.refused(400),
        "Invalid input received: quota_class_name has 256 characters, more than 255."
    );
}

#[tokio::test]
async fn refusals_are_novas() {
    let world = World::start().await;
    let (admin, demo) = (world.admin().await, world.demo().await);
    let path = format!("/os-quota-sets/{}", demo.project);
    for (body, message) in [
        (json!({}), "'quota_set' is a required property"),
        (
            json!({"quota_set": {"floating_ips": 5}}),
            "Invalid input for field/attribute quota_set. Value: {'floating_ips': 5}. Additional \
             properties are not allowed ('floating_ips' was unexpected)",
        ),
        (
            json!({"quota_set": {"cores": -2}}),
            "Invalid input for field/attribute cores. Value: -2. -2 is less than the minimum of -1",
        ),
    ] {
        assert_eq!(admin.put(&path, body).await.refused(400), message);
    }
    let one = json!({"quota_set": {"cores": 1}});
    let refused = demo.put(&path, one.clone()).await.refused(403);
    assert!(refused.contains("os-quota-sets:update"), "{refused}");
    let bogus = "/os-quota-sets/bogus";
    assert_eq!(
        admin.put(bogus, one).await.refused(400),
        "Project ID bogus is not a valid project."
    );
    assert_eq!(demo.get(bogus).await.status, 403);
    let query = format!("{path}?bogus=1");
    assert_eq!(
        demo.get(&query).await.refused(400),
        "Additional properties are not allowed ('bogus' was unexpected)"
    );
    demo.at("2.74").get(&query).await.expect(200);
}

#[tokio::test]
async fn a_limit_covers_what_is_used_and_given_to_users_unless_forced() {
    let world = World::start().await;
    let (admin, demo) = (world.admin().await, world.demo().await);
    demo.running("one", "az1").await;
    demo.running("two", "az2").await;
    let path = format!("/os-quota-sets/{}", demo.project);
    let detail = demo.get(&format!("{path}/detail")).await.expect(200);
    assert_eq!(
        detail["quota_set"]["cores"],
        json!({"in_use": 2, "limit": 20, "reserved": 0})
    );
    let low = json!({"quota_set": {"cores": 1}});
    assert_eq!(
        admin.put(&path, low).await.refused(400),
        "Quota limit 1 for cores must be greater than or equal to already used and reserved 2."
    );
    let forced = json!({"quota_set": {"cores": 1, "force": "True"}});
    admin.put(&path, forced).await.expect(200);
    assert_eq!(limit(&demo, &path, "cores").await, 1);

    let of_user = format!("{path}?user_id={}", demo.id);
    let high = json!({"quota_set": {"instances": 11}});
    assert_eq!(
        admin.put(&of_user, high).await.refused(400),
        "Quota limit 11 for instances must be less than or equal to 10."
    );
    let three = json!({"quota_set": {"instances": 3}});
    admin.put(&of_user, three).await.expect(200);
    assert_eq!(limit(&demo, &of_user, "instances").await, 3);
    assert_eq!(limit(&demo, &path, "instances").await, 10);
    let less = json!({"quota_set": {"instances": 2}});
    assert_eq!(
        admin.put(&path, less).await.refused(400),
        "Quota limit 2 for instances must be greater than or equal to already used and reserved 3."
    );
    assert_eq!(admin.delete(&of_user).await.status, 202);
    assert_eq!(limit(&demo, &of_user, "instances").await, 10);
}

#[tokio::test]
async fn creates_keep_to_what_was_set() {
    let world = World::start().await;
    let (admin, demo) = (world.admin().await, world.demo().await);
    let path = format!("/os-quota-sets/{}", demo.project);
    let set = json!({"quota_set": {"instances": 3, "metadata_items": 1}});
    admin.put(&path, set).await.expect(200);
    let mut server = demo.server("several", "az1");
    server["min_count"] = json!(4);
    let refused = demo.post("/servers", json!({"server": server})).await;
    assert_eq!(
        refused.refused(403),
        "Quota exceeded for instances: Requested 4, but already used 0 of 3 instances"
    );
    let mut server = demo.server("talkative", "az1");
    server["metadata"] = json!({"a": "1", "b": "2"});
    let refused = demo.post("/servers", json!({"server": server})).await;
    assert_eq!(
        refused.refused(403),
        "Maximum number of metadata items exceeds 1"
    );
    // As many as fit.
    let mut server = demo.server("several", "az1");
    server["max_count"] = json!(5);
    demo.post("/servers", json!({"server": server}))
        .await
        .expect(202);
    let list = demo.get("/servers").await.expect(200);
    assert_eq!(list["servers"].as_array().unwrap().len(), 3);
    // A limit of the user's own.
    let set = json!({"quota_set": {"instances": 10, "cores": 20}});
    admin.put(&path, set).await.expect(200);
    let of_user = format!("{path}?user_id={}", demo.id);
    let set = json!({"quota_set": {"cores": 3}});
    admin.put(&of_user, set).await.expect(200);
    let body = json!({"server": demo.server("more", "az1")});
    assert_eq!(
        demo.post("/servers", body).await.refused(403),
        "Quota exceeded for cores: Requested 1, but already used 3 of 3 cores"
    );
}

#[tokio::test]
async fn a_resize_counts_and_a_revert_gives_back() {
    let world = World::start().await;
    let _worker = world.start_worker();
    let (admin, demo) = (world.admin().await, world.demo().await);
    let id = demo.running("vm", "az1").await;
    let path = format!("/os-quota-sets/{}", demo.project);
    let used = async || {
        let detail = demo.get(&format!("{path}/detail")).await.expect(200);
        detail["quota_set"]["cores"]["in_use"].as_i64().unwrap()
    };
    let set = json!({"quota_set": {"cores": 1}});
    admin.put(&path, set).await.expect(200);
    let action = format!("/servers/{id}/action");
    let resize = json!({"resize": {"flavorRef": "2"}});
    assert_eq!(
        demo.post(&action, resize.clone()).await.refused(403),
        "Quota exceeded for cores: Requested 1, but already used 1 of 1 cores"
    );
    let set = json!({"quota_set": {"cores": 2}});
    admin.put(&path, set).await.expect(200);
    assert_eq!(demo.post(&action, resize).await.status, 202);
    assert_eq!(used().await, 2, "taken at once");
    demo.wait(&id, "VERIFY_RESIZE").await;
    world.quiet().await;
    assert_eq!(used().await, 2);
    let revert = json!({"revertResize": null});
    assert_eq!(demo.post(&action, revert).await.status, 202);
    world.quiet().await;
    assert_eq!(used().await, 1);
    // Refused by the pod: nothing stays taken.
    let resize = json!({"resize": {"flavorRef": "2"}});
    let lock = json!({"lock": null});
    assert_eq!(admin.post(&action, lock).await.status, 202);
    assert_eq!(demo.post(&action, resize).await.status, 409);
    world.quiet().await;
    assert_eq!(used().await, 1);
}

#[tokio::test]
async fn keypairs_are_limited_per_user() {
    let world = World::start().await;
    let (admin, demo) = (world.admin().await, world.demo().await);
    let path = format!("/os-quota-sets/{}", demo.project);
    let set = json!({"quota_set": {"key_pairs": 1}});
    admin.put(&path, set).await.expect(200);
    let pair = |name: &str| json!({"keypair": {"name": name, "public_key": KEY}});
    demo.at("2.89")
        .post("/os-keypairs", pair("one"))
        .await
        .expect(201);
    assert_eq!(
        demo.at("2.89")
            .post("/os-keypairs", pair("two"))
            .await
            .refused(403),
        "Quota exceeded, too many key pairs."
    );
}

const KEY: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl x@y";
