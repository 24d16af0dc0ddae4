//! What is plugged in pods: ports of their Open vSwitches, and namespaces.
//!
//! Neutron's API may show nothing any more while its agents have not followed; users of
//! the pod would trip over what they left.

use std::collections::BTreeSet;

use super::{PATIENCE, Stage};
use crate::wait::until;

/// `pod kind name` of everything that is plugged.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wiring(BTreeSet<String>);

impl Wiring {
    /// What there is now.
    pub async fn now(stage: &Stage) -> Self {
        let mut found = BTreeSet::new();
        for (place, pod) in stage.world.pods.iter().enumerate() {
            let host = stage.inside.host(place);
            let interfaces = ["ovs-vsctl", "--bare", "--columns=name", "list", "Interface"];
            let interfaces = host.ask(&interfaces).await;
            let names = interfaces.split_whitespace();
            found.extend(names.map(|name| format!("{} interface {name}", pod.region)));
            // `name (id: 0)`, a line each
            let namespaces = host.ask(&["ip", "netns", "list"]).await;
            let names = namespaces
                .lines()
                .filter_map(|line| line.split_whitespace().next());
            found.extend(names.map(|name| format!("{} namespace {name}", pod.region)));
        }
        Self(found)
    }

    /// Waits until nothing is plugged that was not.
    pub async fn nothing_left_since(&self, stage: &Stage) {
        until(PATIENCE, "nothing left plugged", || async {
            let now = Self::now(stage).await;
            let left: Vec<_> = now.0.difference(&self.0).collect();
            if left.is_empty() {
                Ok(())
            } else {
                Err(format!("{left:#?}"))
            }
        })
        .await;
    }
}
