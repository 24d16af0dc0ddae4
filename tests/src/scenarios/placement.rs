//! Which of the pods that fit gets a server that names no zone.

use serde_json::{Value, json};

use crate::http::{list, string};
use crate::identity::Region;
use crate::resources::LIMIT;
use crate::simulated::Simulated;
use crate::wait::until;

/// Pods by the tag that a flavor asks for, by the room that they have, and by the binding
/// of the project, which follows when its pod is drained.
pub async fn by_tag_room_and_binding(world: &Simulated) {
    let before = world.inventory().await;
    let (demo, admin) = (world.demo().await, world.admin().await);
    let ids = world.pod_ids().await;
    let pod_of = |place: usize| ids[&world.pods[place].name().to_owned()].clone();
    let set = |place: usize, change: Value| {
        let (admin, path) = (&admin.admin, format!("/pods/{}", pod_of(place)));
        async move { admin.put(&path, json!({"pod": change})).await.expect(200) }
    };

    // A tag.
    set(1, json!({"affinity_tag": "gpu"})).await;
    let tagged = flavor(world, &admin, json!({"tricircle:affinity_tag": "gpu"}), 64).await;
    let server = create(world, &demo, &tagged, None).await;
    assert_eq!(world.servers_in(1, "vm"), std::slice::from_ref(&server));
    demo.delete_server(&server).await;
    let body = body(world, &tagged, Some(world.zone(0)));
    let refused = compute(&demo).post("/servers", body).await;
    assert_eq!(refused.status, 400, "{}", refused.text);
    let message = refused.string("/badRequest/message");
    assert!(message.starts_with("No valid host was found."), "{message}");
    set(1, json!({"affinity_tag": ""})).await;

    // Room: the first pod has none left beside what lives there.
    let plain = flavor(world, &admin, json!({}), 65).await;
    let own = world.pods[0].name();
    let fills = fill(world).await;
    let server = create(world, &demo, &plain, None).await;
    assert_eq!(
        world.servers_in(1, "vm"),
        std::slice::from_ref(&server),
        "{own} is full"
    );
    demo.delete_server(&server).await;
    let in_pod = world.pod(0, "admin", "admin").await;
    in_pod
        .compute
        .delete(&format!("/servers/{fills}"))
        .await
        .expect(204);
    until(LIMIT, "the pod has room again", || async {
        match world.servers_in(0, "fills").is_empty() {
            true => Ok(()),
            false => Err("not yet".to_owned()),
        }
    })
    .await;

    // A binding.
    let other = flavor(world, &admin, json!({}), 66).await;
    let binding = json!({"pod_binding": {"project_id": demo.project_id, "pod_id": pod_of(1)}});
    admin.admin.post("/bindings", binding).await.expect(201);
    let server = create(world, &demo, &other, None).await;
    assert_eq!(
        world.servers_in(1, "vm"),
        std::slice::from_ref(&server),
        "bound"
    );
    demo.delete_server(&server).await;
    set(1, json!({"state": "draining"})).await;
    let server = create(world, &demo, &other, None).await;
    assert_eq!(
        world.servers_in(0, "vm"),
        std::slice::from_ref(&server),
        "drained"
    );
    demo.delete_server(&server).await;
    set(1, json!({"state": "enabled"})).await;
    let path = format!("/bindings?project_id={}", demo.project_id);
    let bindings = admin.admin.get(&path).await.expect(200);
    let bindings = list(&bindings, "/pod_bindings");
    assert_eq!(bindings.len(), 1, "{bindings:?}");
    assert_eq!(bindings[0]["pod_id"], pod_of(0), "it followed");
    let server = create(world, &demo, &other, None).await;
    assert_eq!(
        world.servers_in(0, "vm"),
        std::slice::from_ref(&server),
        "and stays"
    );
    demo.delete_server(&server).await;
    let path = format!("/bindings/{}", string(&bindings[0], "/id"));
    admin.admin.delete(&path).await.expect(204);

    for flavor in [tagged, plain, other] {
        let path = format!("/flavors/{flavor}");
        admin.compute.delete(&path).await.expect(202);
    }
    world.nothing_left_since(&before).await;
}

/// Servers without networks are understood from here on.
fn compute(region: &Region) -> crate::http::Client {
    region.compute.version("compute 2.37")
}

fn body(world: &Simulated, flavor: &str, zone: Option<&str>) -> Value {
    let mut body = world.server_body("vm", "", json!("none"));
    if let Some(server) = body["server"].as_object_mut() {
        match zone {
            Some(zone) => server.insert("availability_zone".to_owned(), json!(zone)),
            None => server.remove("availability_zone"),
        };
        server.insert("flavorRef".to_owned(), json!(flavor));
    }
    body
}

async fn create(world: &Simulated, demo: &Region, flavor: &str, zone: Option<&str>) -> String {
    let body = body(world, flavor, zone);
    let body = compute(demo).post("/servers", body).await.expect(202);
    let id = string(&body, "/server/id");
    demo.wait_server(&id, "ACTIVE").await;
    id
}

/// A flavor of the top; `ram` tells it from others.
async fn flavor(world: &Simulated, admin: &Region, specs: Value, ram: u32) -> String {
    let id = world.name(&format!("f{ram}"));
    let body = json!({"flavor": {"id": id, "name": id, "ram": ram, "vcpus": 1, "disk": 1}});
    admin.compute.post("/flavors", body).await.expect(200);
    if specs.as_object().is_some_and(|specs| !specs.is_empty()) {
        let path = format!("/flavors/{id}/os-extra_specs");
        let body = json!({"extra_specs": specs});
        admin.compute.post(&path, body).await.expect(200);
    }
    id
}

/// A server that came to the first pod behind Tricircle's back and takes all its memory.
async fn fill(world: &Simulated) -> String {
    let place = &world.pods[0];
    let admin = world.pod(0, "admin", "admin").await;
    let provider = admin
        .compute
        .get("/os-hypervisors/detail")
        .await
        .expect(200);
    let total = provider["hypervisors"][0]["memory_mb"].as_u64().unwrap();
    // What the host keeps for itself, and less than the smallest flavor here.
    let all = total - 512 - 60;
    place.add_flavor("fills", "fills", 1, all, 1);
    let body = json!({"server": {
        "name": world.name("fills"), "flavorRef": "fills", "imageRef": world.image,
        "networks": "none",
    }});
    let compute = admin.compute.version("compute 2.37");
    let body = compute.post("/servers", body).await.expect(202);
    string(&body, "/server/id")
}
