//! Packets between members of security groups that span the real pods that the environment
//! names.
//!
//! One after the other: they look at what is in the pods before and after.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use tricircle_tests::packets::scenarios::*;
use tricircle_tests::packets::{Stage, play};

static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

macro_rules! by_packets {
    ($($name:ident: $scenario:path;)*) => {$(
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn $name() {
            let _turn = ONE_AT_A_TIME.lock().await;
            if let Some(stage) = Stage::real().await {
                play(&stage, async |stage: &Stage| $scenario(stage).await).await;
            }
        }
    )*};
}

by_packets! {
    remote_group_spans_pods: members::remote_group_spans_pods;
}
