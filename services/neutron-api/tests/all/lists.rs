//! Lists over HTTP: filters, fields, pages and their links.

use serde_json::json;

use crate::bed::Bed;

#[tokio::test]
async fn pages_are_walked_by_their_links() {
    let bed = Bed::start().await;
    for name in ["c", "a", "d", "b", "e"] {
        bed.network(name).await;
    }
    let mut url = format!(
        "{}/v2.0/networks?limit=2&sort_key=name&sort_dir=asc&fields=name&fields=id",
        bed.url
    );
    let mut names = Vec::new();
    for _ in 0..10 {
        let path = url.strip_prefix(&bed.url).unwrap().to_owned();
        let page = bed.get("demo", &path).await;
        for network in page.of("networks").as_array().unwrap() {
            assert_eq!(network.as_object().unwrap().len(), 2, "only the fields");
            names.push(network["name"].as_str().unwrap().to_owned());
        }
        let links = page.body["networks_links"]
            .as_array()
            .cloned()
            .unwrap_or_default();
        match links.iter().find(|link| link["rel"] == "next") {
            Some(link) => url = link["href"].as_str().unwrap().to_owned(),
            None => break,
        }
    }
    assert_eq!(names, ["a", "b", "c", "d", "e"]);
}

#[tokio::test]
async fn ports_are_found_by_what_they_have() {
    let bed = Bed::start().await;
    let network = bed.network("n").await;
    bed.subnet(&network, "10.7.0.0/24").await;
    let ip = json!({"fixed_ips": [{"ip_address": "10.7.0.50"}], "device_id": "d1", "name": "x"});
    let one = bed.port(&network, ip).await.id("port");
    let two = bed
        .port(&network, json!({"fixed_ips": [{"ip_address": "10.7.0.9"}]}))
        .await
        .id("port");
    let mut both = vec![one.clone(), two.clone()];
    both.sort_unstable();
    for (query, ids) in [
        (String::new(), both.clone()),
        ("?device_id=d1".to_owned(), vec![one.clone()]),
        (format!("?network_id={network}"), both.clone()),
        (format!("?id={one}&id={two}"), both.clone()),
        (
            "?fixed_ips=ip_address%3D10.7.0.9".to_owned(),
            vec![two.clone()],
        ),
        (
            "?fixed_ips=ip_address_substr%3D7.0.5".to_owned(),
            vec![one.clone()],
        ),
        ("?name=".to_owned(), vec![two.clone()]),
        ("?name=x&admin_state_up=true".to_owned(), vec![one.clone()]),
        ("?network_id=none".to_owned(), vec![]),
        (
            format!("?limit=1&name=x&marker={two}&sort_key=name&sort_dir=asc"),
            vec![one.clone()],
        ),
    ] {
        let found = bed
            .ids("demo", &format!("/v2.0/ports{query}"), "ports")
            .await;
        assert_eq!(found, ids, "{query}");
    }
    let answer = bed.get("demo", "/v2.0/ports?bogus=1").await;
    assert_eq!(
        answer.said(),
        "400 HTTPBadRequest: ['bogus'] is invalid attribute for filtering"
    );
}

#[tokio::test]
async fn one_resource_shows_the_fields_that_are_asked_for() {
    let bed = Bed::start().await;
    let id = bed.network("n").await;
    let answer = bed
        .get(
            "demo",
            &format!("/v2.0/networks/{id}?fields=id&fields=name"),
        )
        .await;
    assert_eq!(answer.of("network"), &json!({"id": id, "name": "n"}));
    let old = bed.get("demo", &format!("/v2.0/networks/{id}.json")).await;
    assert_eq!(old.id("network"), id);
}
