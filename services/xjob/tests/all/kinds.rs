//! Every kind of job, run again, cut off anywhere, and with each of its calls going wrong.
//!
//! The kinds are those of the worker, wired as it wires them. [`scenes!`] makes the tests
//! of a kind and puts its name on the list that the last test compares with what the
//! worker runs: a kind that nobody wrote a scene for fails it, by name.

use std::collections::BTreeSet;
use std::marker::PhantomData;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::Value;
use tricircle_db::Store;
use tricircle_db::models::NewJob;
use tricircle_jobs::JobKind;
use tricircle_jobs::testing::{
    Breakable, Scene, run_to_the_end, survives_being_repeated, survives_crashes_anywhere,
    survives_failing_calls,
};
use tricircle_pod_sim::{Fault, Match, Times};

use crate::world::World;
use crate::{plots, router_plots};

/// What happened before the job, and what must be so after it.
#[async_trait]
pub trait Plot: Send + Sync {
    /// Name of the kind.
    const KIND: &'static str;
    /// Brings the world there; what is wanted then.
    async fn prepare(world: &World) -> NewJob;
    /// Looks at what [`World::seen`] says when the job is done.
    fn check(seen: &Value);
}

struct Staged<P> {
    world: World,
    wish: NewJob,
    plot: PhantomData<P>,
}

#[async_trait]
impl<P: Plot> Scene for Staged<P> {
    type Kind = Arc<dyn JobKind>;

    async fn fresh() -> Self {
        let world = World::new().await;
        let wish = P::prepare(&world).await;
        Self {
            world,
            wish,
            plot: PhantomData,
        }
    }

    fn store(&self) -> &Store {
        &self.world.test.store
    }

    fn kind(&self) -> Arc<dyn JobKind> {
        Arc::clone(self.world.kinds().get(P::KIND).unwrap())
    }

    fn wish(&self) -> NewJob {
        self.wish.clone()
    }

    async fn world(&self) -> Value {
        self.world.seen().await
    }
}

/// What a pod may do with a call: refuse it, lose the answer, or not be reached.
fn faults() -> [Fault; 3] {
    [
        Fault::Status(500, serde_json::json!({"message": "out of order"})),
        Fault::DropReplyAfterCommit,
        Fault::ResetBefore,
    ]
}

impl<P: Plot> Breakable for Staged<P> {
    // In each of the two pods.
    const WAYS: usize = 6;

    fn break_call(&self, way: usize, call: usize) {
        let faults = self.world.pods[way % 2].faults();
        faults.clear();
        // The calls before it are let through.
        let pass = Fault::DelayThen(std::time::Duration::ZERO);
        faults.inject(Match::any(), pass, Times::N(u32::try_from(call).unwrap()));
        self.world
            .broken
            .store(call * 2 + way % 2, std::sync::atomic::Ordering::SeqCst);
        let fault = crate::kinds::faults()[way / 2].clone();
        faults.inject(Match::any(), fault, Times::N(1));
    }

    fn broke(&self) -> bool {
        let at = self.world.broken.load(std::sync::atomic::Ordering::SeqCst);
        let played = self.world.pods[at % 2].faults().played();
        self.world.pods[at % 2].faults().clear();
        played as usize == at / 2 + 1
    }
}

async fn ends_as_wanted<P: Plot>() {
    let scene = Staged::<P>::fresh().await;
    scene.store().job_enqueue(&scene.wish()).await.unwrap();
    run_to_the_end(scene.store(), &scene.kind()).await.unwrap();
    P::check(&scene.world().await);
}

macro_rules! scenes {
    ($($kind:ident { $($scene:ident: $plot:ty,)+ })+) => {
        /// The kinds that have scenes.
        const KINDS: &[&str] = &[$(stringify!($kind)),+];

        $(mod $kind {
            $(mod $scene {
                use super::super::*;

                type Staging = Staged<$plot>;

                #[test]
                fn is_about_this_kind() {
                    assert_eq!(<$plot as Plot>::KIND, stringify!($kind));
                }

                #[tokio::test]
                async fn ends_as_wanted_and_may_be_repeated() {
                    ends_as_wanted::<$plot>().await;
                    survives_being_repeated::<Staging>().await.unwrap();
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn may_be_cut_off_anywhere() {
                    let points = survives_crashes_anywhere::<Staging>().await.unwrap();
                    assert!(points >= 3, "{points}");
                }

                #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
                async fn each_of_its_calls_may_fail() {
                    let calls = survives_failing_calls::<Staging>().await.unwrap();
                    let wanted = if TOP_ONLY.contains(&stringify!($kind)) { 0 } else { 3 };
                    assert!(calls >= wanted, "{calls}: one call in three ways at least");
                }
            })+
        })+
    };
}

/// Kinds that call no pod.
const TOP_ONLY: &[&str] = &["router_sync"];

scenes! {
    server_recover {
        made: plots::ServerMade,
        never_made: plots::ServerNeverMade,
    }
    server_remove {
        gone: plots::ServerGone,
        refused: plots::ServerStays,
    }
    interface_settle {
        never_attached: plots::InterfaceNeverAttached,
        the_users_never_attached: plots::UsersInterfaceNeverAttached,
        attached: plots::InterfaceAttached,
        detached: plots::InterfaceOff,
    }
    volume_recover {
        made: plots::VolumeMade,
        never_made: plots::VolumeNeverMade,
    }
    volume_remove {
        gone: plots::VolumeGone,
    }
    network_remove {
        in_both_pods: plots::NetworkDeleted,
    }
    subnet_remove {
        in_both_pods: plots::SubnetDeleted,
    }
    port_remove {
        in_its_pod: plots::PortDeleted,
    }
    realization_settle {
        never_made: plots::RealizationBegun,
    }
    security_group_remove {
        in_its_pod: plots::GroupDeleted,
    }
    security_group_sync {
        other_rules: plots::GroupChanged,
    }
    security_group_members {
        in_two_pods: plots::MembersInTwoPods,
        gone_from_one: plots::MemberGone,
        without_address_groups: plots::MembersSpelledOut,
    }
    port_sync {
        other_name_and_address: plots::PortChanged,
    }
    network_sync {
        other_name: plots::NetworkChanged,
    }
    subnet_sync {
        other_servers: plots::SubnetChanged,
    }
    router_sync {
        in_both_pods: router_plots::Wanted,
        deleted: router_plots::Finished,
    }
    router_setup {
        joined: router_plots::Joined,
        floating: router_plots::Floating,
        removed: router_plots::Removed,
    }
}

#[tokio::test]
async fn every_kind_of_the_worker_has_scenes() {
    let world = World::new().await;
    let run: BTreeSet<_> = world.kinds().names().collect();
    let staged: BTreeSet<_> = KINDS.iter().copied().collect();
    assert_eq!(
        run, staged,
        "left: what the worker runs; right: what has scenes"
    );
}
