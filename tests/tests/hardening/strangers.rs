//! Tokens that are good for less, or for more, than a user's own; and callers who say
//! who they are by themselves.

use serde_json::{Value, json};
use tricircle_tests::Simulated;
use tricircle_tests::http::Client;

use crate::access::Things;
use crate::bed::{Api, Ask, Bed};

/// A token of an application credential of `demo` with these access rules.
async fn restricted(world: &Simulated, rules: Value) -> String {
    let demo = world.login("demo", "demo").await;
    let keystone = Client::new(&world.keystone);
    let path = format!("/users/{}/application_credentials", demo.user_id);
    let credential = json!({"application_credential": {
        "name": uuid::Uuid::new_v4().to_string(), "secret": "s", "access_rules": rules,
    }});
    let made = keystone
        .with("X-Auth-Token", &demo.token)
        .post(&path, credential)
        .await;
    let id = made.expect(201)["application_credential"]["id"].clone();
    let login = json!({"auth": {"identity": {
        "methods": ["application_credential"],
        "application_credential": {"id": id, "secret": "s"},
    }}});
    let answer = keystone.post("/auth/tokens", login).await;
    answer.header("X-Subject-Token").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn access_rules_hold_for_own_and_for_forwarded_calls() {
    let world = Simulated::plain().await;
    let things = Things::make(&world).await;
    let bed = Bed::over(&world).await;
    let rule = |service: &str, method: &str, path: &str| json!({"service": service, "method": method, "path": path});
    let rules = json!([
        rule("compute", "GET", "/v2.1/servers/*"),
        rule("compute", "GET", "/v2.1/flavors/{flavor_id}"),
        rule("network", "GET", "/v2.0/**"),
        rule("volumev3", "GET", "/v3/*/volumes/*"),
        rule("object-store", "DELETE", "/v2.1/servers/*"),
    ]);
    let token = restricted(&world, rules).await;
    let (server, volume, project) = (&things.server, &things.volume, &things.project);
    let network = &things.network;
    for (api, method, path, expected) in [
        (Api::Compute, "GET", format!("/v2.1/servers/{server}"), 200),
        (
            Api::Compute,
            "GET",
            format!("/v2.1/servers/{server}/ips"),
            401,
        ),
        (
            Api::Compute,
            "GET",
            format!("/v2.1/{project}/servers/{server}"),
            401,
        ),
        (
            Api::Compute,
            "DELETE",
            format!("/v2.1/servers/{server}"),
            401,
        ),
        (
            Api::Compute,
            "POST",
            format!("/v2.1/servers/{server}/action"),
            401,
        ),
        (Api::Compute, "GET", "/v2.1/servers".to_owned(), 401),
        (Api::Compute, "GET", "/v2.1/flavors/1".to_owned(), 200),
        (
            Api::Compute,
            "GET",
            "/v2.1/flavors/1/os-extra_specs".to_owned(),
            401,
        ),
        (
            Api::Network,
            "GET",
            format!("/v2.0/networks/{network}"),
            200,
        ),
        (Api::Network, "GET", "/v2.0/ports".to_owned(), 200),
        (
            Api::Network,
            "DELETE",
            format!("/v2.0/networks/{network}"),
            401,
        ),
        (
            Api::Volume,
            "GET",
            format!("/v3/{project}/volumes/{volume}"),
            200,
        ),
        (Api::Volume, "GET", format!("/v3/volumes/{volume}"), 401),
        (
            Api::Volume,
            "DELETE",
            format!("/v3/{project}/volumes/{volume}"),
            401,
        ),
        (Api::Admin, "GET", "/v1.0/pods".to_owned(), 401),
    ] {
        let answer = bed.call(api, &token, method, &path, None).await;
        assert_eq!(answer.status, expected, "{method} {path}: {}", answer.text);
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_service_that_vouches_for_an_expired_token_is_heard_by_the_pods_too() {
    let world = Simulated::plain().await;
    let things = Things::make(&world).await;
    let bed = Bed::over(&world).await;
    let user = world.login("demo", "demo").await.token;
    let service = world.login("tricircle", "service").await.token;
    world.cloud.expire_token(&user);
    for path in [
        format!("/v2.1/servers/{}", things.server),
        "/v2.1/servers".to_owned(),
    ] {
        let mut ask = Ask {
            method: "GET".to_owned(),
            path,
            token: user.clone(),
            ..Ask::default()
        };
        assert_eq!(bed.ask(Api::Compute, &ask).await.status, 401);
        world.pods[0].clear_journal();
        let vouching = ("X-Service-Token".to_owned(), service.clone().into_bytes());
        ask.headers.push(vouching);
        let answer = bed.ask(Api::Compute, &ask).await;
        assert_eq!(answer.status, 200, "{}", answer.text);
        let calls = world.pods[0].journal();
        assert!(calls.iter().any(|call| call.service_token), "{calls:?}");
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_is_who_a_header_says() {
    let world = Simulated::plain().await;
    let things = Things::make(&world).await;
    let bed = Bed::over(&world).await;
    let other = world.login("demo2", "demo2").await;
    let admin = world.login("admin", "admin").await;
    let lies = [
        ("X-Roles", "admin"),
        ("X_Roles", "admin"),
        ("X-Role", "admin"),
        ("X-User-Id", admin.user_id.as_str()),
        ("X-Project-Id", things.project.as_str()),
        ("X_Project_Id", things.project.as_str()),
        ("X-Tenant-Id", things.project.as_str()),
        ("X-Identity-Status", "Confirmed"),
        ("X-Service-Identity-Status", "Confirmed"),
        ("X-Is-Admin-Project", "True"),
        ("OpenStack-System-Scope", "all"),
        ("X_Auth_Token", admin.token.as_str()),
        ("X-Storage-Token", admin.token.as_str()),
    ];
    let headers: Vec<_> = lies
        .iter()
        .map(|(name, value)| ((*name).to_owned(), value.as_bytes().to_vec()))
        .collect();
    for (api, path, expected) in [
        (
            Api::Compute,
            format!("/v2.1/servers/{}", things.server),
            404,
        ),
        (Api::Volume, format!("/v3/volumes/{}", things.volume), 404),
        (
            Api::Network,
            format!("/v2.0/networks/{}", things.network),
            404,
        ),
        (Api::Admin, "/v1.0/pods".to_owned(), 403),
    ] {
        let mut ask = Ask {
            method: "GET".to_owned(),
            path,
            token: other.token.clone(),
            headers: headers.clone(),
            body: None,
        };
        let answer = bed.ask(api, &ask).await;
        assert_eq!(answer.status, expected, "{api:?}: {}", answer.text);
        ask.token = "nobody".to_owned();
        assert_eq!(bed.ask(api, &ask).await.status, 401);
    }
    world.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_without_a_project_is_refused() {
    let world = Simulated::plain().await;
    let bed = Bed::over(&world).await;
    let login = json!({"auth": {"identity": {"methods": ["password"], "password": {"user": {
        "name": "admin", "password": world.password, "domain": {"id": "default"},
    }}}}});
    let answer = Client::new(&world.keystone)
        .post("/auth/tokens", login)
        .await;
    let token = answer.header("X-Subject-Token").to_owned();
    assert!(answer.expect(201)["token"]["project"].is_null());
    for (api, path) in [
        (Api::Compute, "/v2.1/servers"),
        (Api::Compute, "/v2.1/flavors"),
        (Api::Volume, "/v3/volumes"),
        (Api::Network, "/v2.0/networks"),
        (Api::Admin, "/v1.0/pods"),
    ] {
        let refused = bed.call(api, &token, "GET", path, None).await;
        assert_eq!(refused.status, 403, "{path}: {}", refused.text);
    }
    world.end().await;
}
