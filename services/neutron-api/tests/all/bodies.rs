//! What comes before anything is done: tokens, paths, methods, bodies.

use serde_json::json;

use crate::bed::Bed;

#[tokio::test]
async fn without_a_token_there_is_nothing_but_discovery() {
    let bed = Bed::start().await;
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = http
        .get(format!("{}/v2.0/networks", bed.url))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status().as_u16(), 401);
    assert!(answer.headers().contains_key("www-authenticate"));
    let answer = http.get(&bed.url).send().await.unwrap();
    assert_eq!(answer.status().as_u16(), 200);
}

#[tokio::test]
async fn paths_and_methods_that_are_not_there() {
    let bed = Bed::start().await;
    let missing = "404 HTTPNotFound: The resource could not be found.";
    for (method, path, said) in [
        ("GET", "/v2.0/bogus", missing),
        ("GET", "/v2.0/bogus/1", missing),
        ("GET", "/v2.0/networks/x/foo", missing),
        (
            "GET",
            "/v2.0/networks/nope",
            "404 NetworkNotFound: Network nope could not be found.",
        ),
        (
            "PUT",
            "/v2.0/networks",
            "404 NetworkNotFound: Network None could not be found.",
        ),
        (
            "DELETE",
            "/v2.0/subnets/nope",
            "404 SubnetNotFound: Subnet nope could not be found.",
        ),
        (
            "GET",
            "/v2.0/security-groups/nope",
            "404 SecurityGroupNotFound: Security group nope does not exist",
        ),
        (
            "PATCH",
            "/v2.0/networks/x",
            "405 HTTPMethodNotAllowed: The server could not comply with the request since it is \
             either malformed or otherwise incorrect.",
        ),
    ] {
        let answer = bed.call("demo", method, path, None).await;
        assert_eq!(answer.said(), said, "{method} {path}");
    }
}

#[tokio::test]
async fn bodies_are_refused_over_http_too() {
    let bed = Bed::start().await;
    for (body, said) in [
        ("{", "400 HTTPBadRequest: Body contains invalid data"),
        (
            "",
            "400 HTTPBadRequest: Unable to find 'network' in request body",
        ),
        (
            r#"{"networks": []}"#,
            "400 HTTPBadRequest: Resources required",
        ),
        (
            r#"{"network": {"x": 1}}"#,
            "400 HTTPBadRequest: Unrecognized attribute(s) 'x'",
        ),
        (
            r#"{"network": {"availability_zone_hints": ["zz"]}}"#,
            "404 AvailabilityZoneNotFound: AvailabilityZone zz could not be found.",
        ),
        (
            r#"{"network": {"mtu": 99999}}"#,
            "400 InvalidInput: Invalid input for operation: Requested MTU is too big, maximum is \
             1500.",
        ),
    ] {
        let answer = bed.call("demo", "POST", "/v2.0/networks", Some(body)).await;
        assert_eq!(answer.said(), said, "{body}");
    }
}

#[tokio::test]
async fn extensions_are_announced_one_by_one() {
    let bed = Bed::start().await;
    let answer = bed.get("demo", "/v2.0/extensions").await;
    let all = answer.of("extensions").as_array().unwrap().clone();
    for extension in &all {
        let alias = extension["alias"].as_str().unwrap();
        let one = bed.get("demo", &format!("/v2.0/extensions/{alias}")).await;
        assert_eq!(one.of("extension"), extension);
    }
    assert!(
        !all.iter()
            .any(|extension| extension["alias"] == json!("dvr"))
    );
    assert_eq!(bed.get("demo", "/v2.0/extensions/dvr").await.code, 404);
}

#[tokio::test]
async fn zones_are_those_of_the_pods() {
    let bed = Bed::start().await.with_zone("az1").await;
    let zones = bed.get("demo", "/v2.0/availability_zones").await;
    assert_eq!(
        zones.of("availability_zones"),
        &json!([
            {"name": "az1", "resource": "network", "state": "available"},
            {"name": "az1", "resource": "router", "state": "available"},
        ])
    );
    let body = json!({"network": {"availability_zone_hints": ["az1"]}});
    let network = bed.post("demo", "/v2.0/networks", body).await;
    assert_eq!(
        network.of("network")["availability_zone_hints"],
        json!(["az1"])
    );
}
