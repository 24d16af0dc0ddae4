//! Who comes in, and what the others are told.

use serde_json::json;
use tricircle_api::FaultStyle;

use crate::bench::{Bench, answer, root};

const STYLES: [FaultStyle; 4] = [
    FaultStyle::Nova,
    FaultStyle::Cinder,
    FaultStyle::Neutron,
    FaultStyle::Admin,
];

#[tokio::test]
async fn without_a_good_token_it_is_401_in_every_style() {
    for style in STYLES {
        let bench = Bench::start(style).await;
        let path = format!("{}/echo", root(style));
        for token in [None, Some("nonsense")] {
            let mut request = bench.request("GET", &path);
            if let Some(token) = token {
                request = request.header("X-Auth-Token", token);
            }
            let refused = answer(request).await;
            assert_eq!(refused.status, 401);
            assert_eq!(
                refused.header("www-authenticate"),
                Some("Keystone uri=\"http://keystone.example/v3\"")
            );
            assert_eq!(
                refused.json(),
                json!({"error": {
                    "code": 401,
                    "title": "Unauthorized",
                    "message": "The request you have made requires authentication.",
                }})
            );
        }
        // A path that does not exist tells strangers nothing either.
        let nothing = bench.get(&format!("{}/nothing", root(style))).await;
        assert_eq!(nothing.status, 401);
    }
}

#[tokio::test]
async fn a_good_token_becomes_the_context_and_asks_keystone_once() {
    let bench = Bench::start(FaultStyle::Nova).await;
    let request = bench
        .as_demo("GET", "/v2.1/echo")
        .await
        .header("X-Roles", "admin")
        .header("X_Roles", "admin")
        .header("X-Project-Id", "stolen");
    let again = request.try_clone().unwrap();
    let seen = answer(request).await;
    assert_eq!(
        seen.json(),
        json!({
            "user": bench.cloud.user_id("demo"),
            "project": bench.cloud.project_id("demo"),
            "admin": false,
            "global": null,
            "version": "2.1",
            "smuggled": false,
        })
    );
    let asked = bench.keystone.requests();
    assert_eq!(answer(again).await.status, 200);
    assert_eq!(bench.keystone.requests(), asked);
}

#[tokio::test]
async fn keystone_away_is_503_in_its_own_words() {
    let bench = Bench::start(FaultStyle::Neutron).await;
    let request = bench.as_demo("GET", "/v2.0/echo").await;
    bench.cloud.stop_keystone().await;
    let refused = answer(request).await;
    assert_eq!(refused.status, 503);
    assert!(
        refused
            .text
            .contains("The Keystone service is temporarily unavailable."),
        "{}",
        refused.text
    );
}

#[tokio::test]
async fn a_service_token_must_be_good_too() {
    let bench = Bench::start(FaultStyle::Nova).await;
    let demo = bench.cloud.token("demo", "demo").await.unwrap();
    let service = bench.cloud.token("tricircle", "service").await.unwrap();
    let ask = |user: &str, service: &str| {
        answer(
            bench
                .request("GET", "/v2.1/echo")
                .header("X-Auth-Token", user)
                .header("X-Service-Token", service),
        )
    };
    assert_eq!(ask(&demo, "nonsense").await.status, 401);
    assert_eq!(ask(&demo, &demo).await.status, 401);
    assert_eq!(ask(&demo, &service).await.status, 200);
    let expired = bench.cloud.token("demo", "demo").await.unwrap();
    bench.cloud.expire_token(&expired);
    assert_eq!(ask(&expired, &service).await.status, 200);
}

#[tokio::test]
async fn access_rules_of_an_application_credential_are_heeded() {
    let bench = Bench::start(FaultStyle::Nova).await;
    let demo = bench.cloud.token("demo", "demo").await.unwrap();
    let user = bench.cloud.user_id("demo");
    let keystone = bench.cloud.keystone_url();
    let keystone = keystone.trim_end_matches('/').trim_end_matches("/v3");
    let made = answer(
        bench
            .http
            .post(format!(
                "{keystone}/v3/users/{user}/application_credentials"
            ))
            .header("X-Auth-Token", demo)
            .json(&json!({"application_credential": {
                "name": "reader",
                "secret": "s",
                "access_rules": [{"service": "compute", "method": "GET", "path": "/v2.1/echo"}],
            }})),
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.text);
    let id = made.json()["application_credential"]["id"].clone();
    let login = answer(bench.http.post(format!("{keystone}/v3/auth/tokens")).json(
        &json!({"auth": {"identity": {
            "methods": ["application_credential"],
            "application_credential": {"id": id, "secret": "s"},
        }}}),
    ))
    .await;
    assert_eq!(login.status, 201, "{}", login.text);
    let token = login.header("x-subject-token").unwrap();
    let ask = |method: &str, path: &str| {
        let request = bench.request(method, path).header("X-Auth-Token", token);
        answer(request.json(&json!({})))
    };
    assert_eq!(ask("GET", "/v2.1/echo").await.status, 200);
    assert_eq!(ask("POST", "/v2.1/echo").await.status, 401);
    assert_eq!(ask("GET", "/v2.1/fails/x").await.status, 401);

    // A service that works for the user is not bound to what users may call.
    let service = bench.cloud.token("tricircle", "service").await.unwrap();
    let through = bench
        .request("POST", "/v2.1/echo")
        .header("X-Auth-Token", token)
        .header("X-Service-Token", service)
        .json(&json!({}));
    assert_eq!(answer(through).await.status, 200);
    let vouched_by_nobody = bench
        .request("POST", "/v2.1/echo")
        .header("X-Auth-Token", token)
        .header("X-Service-Token", token)
        .json(&json!({}));
    assert_eq!(answer(vouched_by_nobody).await.status, 401);
}

#[tokio::test]
async fn a_project_in_the_path_must_be_the_tokens() {
    for (style, message) in [
        (
            FaultStyle::Nova,
            "Malformed request URL: URL's project_id 'p2' doesn't match",
        ),
        (FaultStyle::Cinder, "Malformed request url"),
    ] {
        let bench = Bench::start(style).await;
        let project = bench.cloud.project_id("demo");
        let own = format!("{}/{project}/own", root(style));
        assert_eq!(answer(bench.as_demo("GET", &own).await).await.status, 204);
        let foreign = format!("{}/p2/own", root(style));
        let refused = answer(bench.as_demo("GET", &foreign).await).await;
        assert_eq!(refused.status, 400);
        let told = refused.json();
        assert!(
            told["badRequest"]["message"]
                .as_str()
                .unwrap()
                .starts_with(message)
        );
    }
}
