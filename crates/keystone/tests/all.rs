//! [`Keystone`] against a simulated Keystone over HTTP.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use tricircle_config::KeystoneAuthtoken;
use tricircle_keystone::{Keystone, KeystoneError};
use tricircle_pod_sim::{Fault, Match, SimCloud, Times};

fn config(cloud: &SimCloud) -> KeystoneAuthtoken {
    KeystoneAuthtoken {
        auth_url: cloud.keystone_url(),
        password: SecretString::from("secret"),
        http_connect_timeout: Duration::from_secs(2),
        http_request_timeout: Duration::from_secs(5),
        ..KeystoneAuthtoken::default()
    }
}

async fn cloud() -> (SimCloud, Keystone) {
    let cloud = SimCloud::start().await.unwrap();
    let keystone = Keystone::new(&config(&cloud)).unwrap();
    (cloud, keystone)
}

fn validations(cloud: &SimCloud) -> usize {
    cloud
        .keystone_journal_handle()
        .count("GET", "/v3/auth/tokens")
}

#[tokio::test]
async fn a_token_is_described_once_and_then_remembered() {
    let (cloud, keystone) = cloud().await;
    let token = cloud.token("demo", "demo").await.unwrap();
    let first = keystone.validate(&token).await.unwrap();
    assert_eq!(first.user_id, cloud.user_id("demo"));
    assert_eq!(first.project.as_ref().unwrap().id, cloud.project_id("demo"));
    assert!(first.has_role("member") && first.has_role("reader") && !first.has_role("admin"));

    let asked = keystone.requests();
    let again = keystone.validate(&format!(" {token} ")).await.unwrap();
    assert_eq!(again, first);
    assert_eq!(keystone.requests(), asked);
}

#[tokio::test]
async fn many_requests_with_one_new_token_ask_once() {
    let (cloud, keystone) = cloud().await;
    let token = cloud.token("demo", "demo").await.unwrap();
    let all = (0..50).map(|_| keystone.validate(&token));
    for outcome in futures_util::future::join_all(all).await {
        outcome.unwrap();
    }
    assert_eq!(validations(&cloud), 1);
}

#[tokio::test]
async fn a_bad_token_is_invalid_and_not_asked_about_at_once_again() {
    let (cloud, keystone) = cloud().await;
    for bad in ["nonsense", "", "with\nnewline"] {
        assert_eq!(keystone.validate(bad).await, Err(KeystoneError::Invalid));
    }
    let asked = validations(&cloud);
    assert_eq!(
        keystone.validate("nonsense").await,
        Err(KeystoneError::Invalid)
    );
    assert_eq!(validations(&cloud), asked);
}

#[tokio::test]
async fn without_cache_a_revoked_token_is_refused_at_once() {
    let cloud = SimCloud::start().await.unwrap();
    let keystone = Keystone::new(&KeystoneAuthtoken {
        token_cache_time: Duration::ZERO,
        ..config(&cloud)
    })
    .unwrap();
    let token = cloud.token("demo", "demo").await.unwrap();
    keystone.validate(&token).await.unwrap();
    cloud.revoke_token(&token);
    assert_eq!(keystone.validate(&token).await, Err(KeystoneError::Invalid));
}

#[tokio::test]
async fn keystone_away_is_unavailable_but_what_is_known_still_works() {
    let (cloud, keystone) = cloud().await;
    let known = cloud.token("demo", "demo").await.unwrap();
    let unknown = cloud.token("reader", "demo").await.unwrap();
    keystone.validate(&known).await.unwrap();
    keystone.catalog().await.unwrap();
    cloud.stop_keystone().await;
    keystone.validate(&known).await.unwrap();
    keystone.catalog().await.unwrap();
    let away = keystone.validate(&unknown).await;
    assert!(
        matches!(away, Err(KeystoneError::Unavailable(_))),
        "{away:?}"
    );
    let away = keystone.refresh_catalog().await;
    assert!(
        matches!(away, Err(KeystoneError::Unavailable(_))),
        "{away:?}"
    );
    // A failure is not remembered.
    cloud.start_keystone().await.unwrap();
    keystone.validate(&unknown).await.unwrap();
}

#[tokio::test]
async fn a_busy_keystone_is_asked_again() {
    let (cloud, keystone) = cloud().await;
    let token = cloud.token("demo", "demo").await.unwrap();
    let get = Match::any().method("GET");
    let busy = Fault::Status(503, serde_json::json!({}));
    cloud.keystone_faults().inject(get, busy, Times::N(2));
    keystone.validate(&token).await.unwrap();
    assert_eq!(validations(&cloud), 3);
}

#[tokio::test]
async fn our_own_revoked_token_is_replaced_without_the_user_noticing() {
    let (cloud, keystone) = cloud().await;
    let own = keystone.service_token().await.unwrap();
    assert!(own.token.has_role("service"));
    cloud.revoke_token(own.secret.expose_secret());
    let token = cloud.token("demo", "demo").await.unwrap();
    keystone.validate(&token).await.unwrap();
    let new = keystone.service_token().await.unwrap();
    assert_ne!(own.secret.expose_secret(), new.secret.expose_secret());

    keystone.forget_service_token();
    let newer = keystone.service_token().await.unwrap();
    assert_ne!(newer.secret.expose_secret(), new.secret.expose_secret());
}

#[tokio::test]
async fn a_wrong_password_is_a_matter_of_configuration() {
    let cloud = SimCloud::start().await.unwrap();
    let keystone = Keystone::new(&KeystoneAuthtoken {
        password: SecretString::from("s3cret-but-wrong"),
        ..config(&cloud)
    })
    .unwrap();
    let error = keystone.service_token().await.unwrap_err();
    assert!(matches!(error, KeystoneError::Config(_)));
    assert!(!error.to_string().contains("s3cret"), "{error}");
}

#[tokio::test]
async fn a_service_vouches_for_an_expired_token() {
    let (cloud, keystone) = cloud().await;
    let user = cloud.token("demo", "demo").await.unwrap();
    let service = cloud.token("tricircle", "service").await.unwrap();
    let no_service = cloud.token("reader", "demo").await.unwrap();
    cloud.expire_token(&user);
    assert_eq!(keystone.validate(&user).await, Err(KeystoneError::Invalid));
    let refused = keystone.validate_with_service(&user, &no_service).await;
    assert!(matches!(refused, Err(KeystoneError::Invalid)));
    let both = keystone
        .validate_with_service(&user, &service)
        .await
        .unwrap();
    assert_eq!(both.token.user_id, cloud.user_id("demo"));
    assert!(both.service.has_role("service"));
    // The word of the service does not make the token good without it.
    assert_eq!(keystone.validate(&user).await, Err(KeystoneError::Invalid));
}

#[tokio::test]
async fn the_catalog_shows_all_regions_and_hides_our_own_project() {
    let (cloud, keystone) = cloud().await;
    let pod = cloud.add_pod("Pod1").await.unwrap();
    let catalog = keystone.catalog().await.unwrap();
    let nova = catalog
        .iter()
        .find(|e| e.region == "Pod1" && e.service_type == "compute" && e.interface == "public")
        .unwrap();
    assert!(nova.base_url().starts_with(&pod.nova_url()), "{nova:?}");
    let own = cloud.project_id("service");
    assert!(catalog.iter().all(|e| !e.url.contains(&own)));

    let asked = keystone.requests();
    keystone.catalog().await.unwrap();
    assert_eq!(keystone.requests(), asked);
    cloud.add_pod("Pod2").await.unwrap();
    let fresh = keystone.refresh_catalog().await.unwrap();
    assert!(fresh.iter().any(|e| e.region == "Pod2"));
}
