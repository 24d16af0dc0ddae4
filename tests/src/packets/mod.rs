//! Packets: what users' servers can reach, shown by ping and TCP between real ones.
//!
//! A scenario here makes networks, servers, routers and floating IPs through the top
//! only, then goes into the servers (namespaces on the hosts of real pods, see
//! deploy/sandbox) and sends. A [`Stage`] is such a cloud; [`play`] runs a scenario on it
//! and proves that nothing is left: not at the top, not in the pods, not in their Open
//! vSwitches.
//!
//! | module | about |
//! | --- | --- |
//! | [`place`] | commands on hosts of pods, in servers, routers, and outside |
//! | [`probes`] | ping, silence, TCP, hops, DHCP |
//! | [`machines`] | servers and groups made through the top, and where they are |
//! | [`routers`] | routers, external networks and floating IPs made through the top |
//! | [`wiring`] | ports of Open vSwitch and namespaces, before and after |
//! | [`autopsy`] | what a failed scenario leaves to read, and the sweep behind it |
//! | [`scenarios`] | the scenarios |

pub mod autopsy;
pub mod machines;
pub mod place;
pub mod probes;
pub mod routers;
pub mod scenarios;
pub mod wiring;

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use futures_util::FutureExt;

use crate::inventory::Inventory;
use crate::world::World;
use place::Inside;
use wiring::Wiring;

/// The longest until packets go where they should. An API's answer is followed by jobs,
/// these by what Neutron's agents do, one router or port after the other: on a busy
/// machine some of their steps have been seen to take a quarter of a minute each.
pub const PATIENCE: Duration = Duration::from_secs(180);

/// Real pods through which packets flow, with a top over them.
#[derive(Debug, Clone)]
pub struct Stage {
    /// The top, its pods and users.
    pub world: World,
    /// The way into hosts and servers.
    pub inside: Inside,
}

impl Stage {
    /// The one that the environment names (`make packets`).
    ///
    /// Without `TRICIRCLE_REAL_INSIDE` there is none, which fails the test where
    /// `TRICIRCLE_REQUIRE_PACKETS=1` says that it has to be there.
    pub async fn real() -> Option<Self> {
        let Some(inside) = Inside::from_environment() else {
            let required = std::env::var("TRICIRCLE_REQUIRE_PACKETS").is_ok_and(|v| v == "1");
            assert!(!required, "TRICIRCLE_REAL_INSIDE is not set but required");
            return None;
        };
        let world = World::real().await?;
        Some(Self { world, inside })
    }

    async fn everything(&self) -> (Inventory, Wiring) {
        (self.world.inventory().await, Wiring::now(self).await)
    }
}

/// Plays a scenario and proves that nothing of it is left. When it fails, the state of
/// the pods is printed and what it made is swept away, so that the next one starts on a
/// clean stage all the same.
pub async fn play(stage: &Stage, scenario: impl AsyncFnOnce(&Stage)) {
    let (inventory, wiring) = stage.everything().await;
    let played = async {
        scenario(stage).await;
        wiring.nothing_left_since(stage).await;
        stage.world.nothing_left_since(&inventory).await;
    };
    if let Err(reason) = AssertUnwindSafe(played).catch_unwind().await {
        autopsy::report(stage).await;
        autopsy::sweep(stage).await;
        std::panic::resume_unwind(reason);
    }
}
