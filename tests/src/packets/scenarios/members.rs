//! Security groups whose members are in several pods.

use serde_json::json;

use crate::identity::Region;
use crate::packets::Stage;
use crate::packets::machines::{Machine, ingress};

/// A rule that names a group lets its member in the other pod in, and keeps a stranger
/// out that differs in nothing but its group; who joins is let in, who leaves is not.
pub async fn remote_group_spans_pods(stage: &Stage) {
    let demo = stage.world.demo().await;
    let members = stage.group(&demo, "members", &[]).await;
    let strangers = stage.open_group(&demo, "strangers").await;
    let mut from_members = ingress("icmp");
    from_members["remote_group_id"] = json!(members);
    stage.rule(&demo, &members, from_members).await;
    let (network, _) = stage
        .world
        .create_network_and_subnet(&demo, "members", "10.94.1.0/24")
        .await;
    let [guarded, member] = stage
        .machines(
            &demo,
            &members,
            [("guarded", 0, &network), ("member", 1, &network)],
        )
        .await;
    let [stranger, known] = stage
        .machines(
            &demo,
            &strangers,
            [("stranger", 1, &network), ("known", 0, &network)],
        )
        .await;

    member.place.reaches(guarded.address).await;
    guarded.place.reaches(member.address).await;
    stranger
        .place
        .hears_nothing_from(guarded.address, known.address)
        .await;

    // It joins the group in its own pod, and is let in by the other.
    into_groups(&demo, &stranger, &[&strangers, &members]).await;
    stranger.place.reaches(guarded.address).await;
    into_groups(&demo, &stranger, &[&strangers]).await;
    stranger.place.loses(guarded.address).await;
    stranger
        .place
        .hears_nothing_from(guarded.address, known.address)
        .await;
    member.place.reaches(guarded.address).await;

    stage
        .delete_machines(&demo, &[&guarded, &member, &stranger, &known])
        .await;
    demo.delete_network(&network).await;
    stage.delete_groups(&demo, &[&members, &strangers]).await;
}

async fn into_groups(user: &Region, machine: &Machine, groups: &[&str]) {
    let body = json!({"port": {"security_groups": groups}});
    let path = format!("/ports/{}", machine.port);
    user.network.put(&path, body).await.expect(200);
}
