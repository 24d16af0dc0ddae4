//! Lists over several pods: pages that join without gap or repetition.

use futures_util::future::join_all;
use serde_json::{Value, json};

use crate::http::{Client, list, string};
use crate::world::World;

/// Servers and volumes of both pods, page by page, are the same as in one list; so are
/// networks, which are the top's own.
pub async fn pages_over_pods(world: &World) {
    let before = world.inventory().await;
    let demo = world.demo().await;
    let compute = demo.compute.version("compute 2.37");
    let creates = (0..5).map(|n| {
        let zone = world.zone(n % world.pods.len());
        let body = world.server_body(&format!("page{n}"), zone, json!("none"));
        let compute = &compute;
        async move {
            let body = compute.post("/servers", body).await.expect(202);
            string(&body, "/server/id")
        }
    });
    let servers = join_all(creates).await;
    join_all(servers.iter().map(|id| demo.wait_server(id, "ACTIVE"))).await;
    let volumes = join_all((0..3).map(|n| {
        let (demo, name) = (&demo, format!("page{n}"));
        async move {
            let zone = world.zone(n % world.pods.len());
            world.create_volume(demo, &name, zone).await
        }
    }))
    .await;
    let mut networks = Vec::new();
    for n in 0..3 {
        networks.push(world.create_network(&demo, &format!("page{n}")).await);
    }

    let ours = format!("name=^{}-page", world.tag);
    let path = format!("/servers?{ours}");
    pages(&demo.compute, &path, "servers", 2, &servers).await;
    let sorted = format!("/servers/detail?{ours}&sort_key=display_name&sort_dir=asc");
    let seen = pages(&demo.compute, &sorted, "servers", 2, &servers).await;
    assert_eq!(seen, servers, "sorted by name over both pods");
    pages(
        &demo.volume,
        "/volumes?sort=name:asc",
        "volumes",
        2,
        &volumes,
    )
    .await;
    pages(
        &demo.network,
        "/networks?sort_key=name&sort_dir=asc",
        "networks",
        2,
        &networks,
    )
    .await;
    markers(&demo.compute, &path, &servers).await;

    join_all(servers.iter().map(|id| demo.delete_server(id))).await;
    join_all(volumes.iter().map(|id| demo.delete_volume(id))).await;
    for network in &networks {
        demo.delete_network(network).await;
    }
    world.nothing_left_since(&before).await;
}

/// Walks the links and compares with the list in one piece; the ids of `expected`, in
/// the order in which they came.
async fn pages(
    client: &Client,
    path: &str,
    key: &str,
    limit: usize,
    expected: &[String],
) -> Vec<String> {
    let joint = if path.contains('?') { '&' } else { '?' };
    let whole = ids(&client.get(path).await.expect(200), key);
    let mut seen = Vec::new();
    let mut next = Some(format!("{path}{joint}limit={limit}"));
    while let Some(page) = next {
        let body = client.get(&page).await.expect(200);
        let found = ids(&body, key);
        assert!(found.len() <= limit, "{page}: {body}");
        seen.extend(found);
        assert!(seen.len() <= whole.len(), "{page} repeats itself: {seen:?}");
        next = next_page(client, &body, key);
    }
    assert_eq!(seen, whole, "{path} in pages of {limit}");
    for id in expected {
        assert!(seen.contains(id), "{path} has no {id}");
    }
    seen.retain(|id| expected.contains(id));
    seen
}

/// A marker that is the last id gives an empty page, one that nobody has is refused.
async fn markers(client: &Client, path: &str, servers: &[String]) {
    let whole = ids(&client.get(path).await.expect(200), "servers");
    for (place, id) in whole.iter().enumerate() {
        let page = format!("{path}&limit=100&marker={id}");
        let after = ids(&client.get(&page).await.expect(200), "servers");
        assert_eq!(after, whole[place + 1..], "after {id}");
    }
    assert_eq!(whole.len(), servers.len());
    let unknown = format!("{path}&marker={}", uuid::Uuid::nil());
    assert_eq!(client.get(&unknown).await.status, 400);
    let negative = format!("{path}&limit=-1");
    assert_eq!(client.get(&negative).await.status, 400);
}

fn ids(body: &Value, key: &str) -> Vec<String> {
    list(body, &format!("/{key}"))
        .iter()
        .map(|item| string(item, "/id"))
        .collect()
}

/// Path and query of the next page, which has to be at the same service.
fn next_page(client: &Client, body: &Value, key: &str) -> Option<String> {
    let links = body.get(format!("{key}_links"))?;
    let next = list(links, "").iter().find(|link| link["rel"] == "next")?;
    let href = string(next, "/href");
    let rest = href.strip_prefix(client.base());
    Some(
        rest.unwrap_or_else(|| panic!("{href} is not below {}", client.base()))
            .to_owned(),
    )
}
