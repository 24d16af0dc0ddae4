//! The harness passes kinds that survive everything, and catches those that do not.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::{Value, json};
use tricircle_db::Store;
use tricircle_db::testing::TestStore;
use tricircle_jobs::testing::{
    Scene, run_once, survives_being_repeated, survives_crashes_anywhere,
    survives_misfortune_at_each_step,
};
use tricircle_jobs::{InSteps, JobError, JobKind, JobRun, NewJob, Steps};

/// A pod of which only names are known; it may hold a name more than once.
#[derive(Default)]
struct Pod(Mutex<Vec<String>>);

impl Pod {
    fn names(&self) -> Vec<String> {
        let mut names = self.0.lock().unwrap().clone();
        names.sort();
        names
    }

    /// Takes its time, so that a run can be cut off before and after the effect.
    async fn make(&self, name: &str) {
        tokio::task::yield_now().await;
        self.0.lock().unwrap().push(name.to_owned());
        tokio::task::yield_now().await;
    }

    fn has(&self, name: &str) -> bool {
        self.names().iter().any(|n| n == name)
    }

    fn remove(&self, name: &str) {
        self.0.lock().unwrap().retain(|n| n != name);
    }
}

/// Makes three things, one after the other.
struct Three {
    pod: Arc<Pod>,
    looks_first: bool,
    forgets_to_undo: bool,
}

const NAMES: &[&str] = &["a", "b", "c"];

#[async_trait]
impl Steps for Three {
    fn name(&self) -> &'static str {
        "three"
    }

    fn steps(&self) -> &'static [&'static str] {
        NAMES
    }

    async fn ensure(
        &self,
        step: usize,
        _run: &JobRun,
        _prepared: &Value,
        outputs: &[Value],
    ) -> Result<Value, JobError> {
        assert_eq!(outputs.len(), step, "the outputs of all steps before");
        if !(self.looks_first && self.pod.has(NAMES[step])) {
            self.pod.make(NAMES[step]).await;
        }
        Ok(json!(step))
    }

    async fn ensure_absent(
        &self,
        step: usize,
        _run: &JobRun,
        _prepared: &Value,
        output: Option<&Value>,
    ) -> Result<(), JobError> {
        // A careless kind believes that what has no output did not happen.
        if output.is_some() || !self.forgets_to_undo {
            self.pod.remove(NAMES[step]);
        }
        Ok(())
    }
}

#[async_trait]
impl JobKind for Reconcile {
    fn name(&self) -> &'static str {
        "reconcile"
    }

    async fn run(&self, run: &JobRun) -> Result<(), JobError> {
        for name in run.payload::<BTreeSet<String>>()? {
            run.check()?;
            if !(self.looks_first && self.pod.has(&name)) {
                self.pod.make(&name).await;
            }
        }
        Ok(())
    }
}

/// Makes what the payload names.
struct Reconcile {
    pod: Arc<Pod>,
    looks_first: bool,
}

struct World {
    test: TestStore,
    pod: Arc<Pod>,
}

impl World {
    async fn fresh() -> Self {
        Self {
            test: TestStore::sqlite().await.unwrap(),
            pod: Arc::default(),
        }
    }
}

macro_rules! scene {
    ($name:ident, $kind:ty, |$pod:ident| $make:expr, $wish:expr) => {
        struct $name(World);

        #[async_trait]
        impl Scene for $name {
            type Kind = $kind;
            async fn fresh() -> Self {
                Self(World::fresh().await)
            }
            fn store(&self) -> &Store {
                &self.0.test.store
            }
            fn kind(&self) -> $kind {
                let $pod = Arc::clone(&self.0.pod);
                $make
            }
            fn wish(&self) -> NewJob {
                let mut wish = NewJob::new(self.kind().name(), "r");
                wish.payload = $wish;
                wish
            }
            async fn world(&self) -> Value {
                json!(self.0.pod.names())
            }
        }
    };
}

fn three(pod: Arc<Pod>, looks_first: bool, forgets_to_undo: bool) -> InSteps<Three> {
    InSteps(Three {
        pod,
        looks_first,
        forgets_to_undo,
    })
}

scene!(
    GoodSteps,
    InSteps<Three>,
    |pod| three(pod, true, false),
    json!({})
);
scene!(
    BlindSteps,
    InSteps<Three>,
    |pod| three(pod, false, false),
    json!({})
);
scene!(
    CarelessUndo,
    InSteps<Three>,
    |pod| three(pod, true, true),
    json!({})
);
scene!(
    GoodReconcile,
    Reconcile,
    |pod| Reconcile {
        pod,
        looks_first: true
    },
    json!(["x", "y"])
);
scene!(
    BlindReconcile,
    Reconcile,
    |pod| Reconcile {
        pod,
        looks_first: false
    },
    json!(["x", "y"])
);
scene!(
    Poison,
    Reconcile,
    |pod| Reconcile {
        pod,
        looks_first: true
    },
    json!(17)
);

#[tokio::test]
async fn kinds_that_look_first_survive_everything() {
    survives_misfortune_at_each_step::<GoodSteps, Three>()
        .await
        .unwrap();
    survives_being_repeated::<GoodReconcile>().await.unwrap();
    let points = survives_crashes_anywhere::<GoodReconcile>().await.unwrap();
    assert!(points >= 4, "two things, each with two awaits: {points}");
    survives_crashes_anywhere::<GoodSteps>().await.unwrap();
}

#[tokio::test]
async fn kinds_that_do_not_are_caught() {
    let error = survives_misfortune_at_each_step::<BlindSteps, Three>().await;
    assert!(error.unwrap_err().contains("Twice at step 0"));
    let error = survives_misfortune_at_each_step::<CarelessUndo, Three>().await;
    assert!(error.unwrap_err().contains("FailsAfter at step 0"));
    let error = survives_being_repeated::<BlindReconcile>().await;
    assert!(error.unwrap_err().contains("the second run"));
    let error = survives_crashes_anywhere::<BlindReconcile>().await;
    assert!(error.unwrap_err().contains("a crash at await"));
}

#[tokio::test]
async fn a_payload_that_cannot_be_read_fails_for_good() {
    let scene = Poison::fresh().await;
    let end = run_once(scene.store(), &scene.kind(), &scene.wish()).await;
    assert!(matches!(end, Err(JobError::Permanent(_))), "{end:?}");
}
