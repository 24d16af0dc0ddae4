//! Proof that a kind survives being cut off: for the tests of the crates that have kinds.
//!
//! A [`Scene`] is a small world (usually a simulated pod and a database), the kind that
//! works in it, a wish, and a way to look at the whole world. Each function here runs
//! the wish again and again, each time in a fresh scene and with another misfortune,
//! and compares the world at the end with that after a run without any. Jobs take
//! their real way through the table, leases and settling; only pauses are left out.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
use std::time::Duration;

use async_trait::async_trait;
use futures_util::future::poll_fn;
use serde_json::Value;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tricircle_db::Store;
use tricircle_db::models::{ClaimTerms, Job, JobState, NewJob};

use crate::worker::{Workplace, work};
use crate::{EngineConfig, InSteps, JobError, JobKind, JobRun, Steps};

/// More runs than any job of a test needs.
const MOST_RUNS: usize = 40;
/// More awaits than any job of a test has.
const MOST_AWAITS: usize = 2_000;

/// A world in which a job is run. What [`Scene::world`] returns must not differ
/// between two fresh scenes: random ids are to be replaced or left out.
#[async_trait]
pub trait Scene: Send + Sync + Sized {
    /// The kind under test.
    type Kind: JobKind;
    /// A new world as it is before the job.
    async fn fresh() -> Self;
    /// The database of this world.
    fn store(&self) -> &Store;
    /// The kind as a worker process that has just started has it.
    fn kind(&self) -> Self::Kind;
    /// What is to be done.
    fn wish(&self) -> NewJob;
    /// Everything that the job may leave behind, in the pods and at the top.
    async fn world(&self) -> Value;
}

/// A scene whose surroundings can be made to fail.
pub trait Breakable: Scene {
    /// In how many ways a call to the surroundings can go wrong.
    const WAYS: usize;
    /// From now on the call with this number (0 is the next) goes wrong, once.
    fn break_call(&self, way: usize, call: usize);
    /// Whether it came to that call.
    fn broke(&self) -> bool;
}

/// Runs a wish once, without an engine, and returns how the kind ended.
pub async fn run_once(store: &Store, kind: &dyn JobKind, wish: &NewJob) -> Result<(), JobError> {
    store.job_enqueue(wish).await?;
    let job = claim(store, kind)
        .await
        .map_err(JobError::permanent)?
        .ok_or_else(|| JobError::permanent("the job cannot be claimed"))?;
    kind.run(&JobRun::new(store.clone(), job)).await
}

/// Runs what is wanted of this kind until its job is over, and returns how it ended.
pub async fn run_to_the_end(store: &Store, kind: &dyn JobKind) -> Result<JobState, String> {
    for _ in 0..MOST_RUNS {
        let Some(job) = claim(store, kind).await? else {
            return Err("there is nothing to run".to_owned());
        };
        match work(&workplace(store), kind, job).await {
            Some(job) if job.state.is_finished() || job.state == JobState::Stuck => {
                return Ok(job.state);
            }
            Some(_) => {}
            None => return Err("the lease was lost".to_owned()),
        }
    }
    Err(format!("no end after {MOST_RUNS} runs"))
}

/// A second run finds nothing to do, and changes nothing.
pub async fn survives_being_repeated<S: Scene>() -> Result<(), String> {
    let scene = S::fresh().await;
    for _ in 0..2 {
        enqueue(&scene).await?;
        expect_state(
            run_to_the_end(scene.store(), &scene.kind()).await?,
            JobState::Done,
        )?;
    }
    let usual = usual_end::<S>().await?;
    expect_world("the second run", &scene.world().await, &usual)
}

/// The worker dies at each point where the kind waits for something, in turn, and
/// another takes over. Returns how many points there were.
pub async fn survives_crashes_anywhere<S: Scene>() -> Result<usize, String> {
    let usual = usual_end::<S>().await?;
    for point in 0..MOST_AWAITS {
        let scene = S::fresh().await;
        enqueue(&scene).await?;
        let kind = scene.kind();
        let Some(job) = claim(scene.store(), &kind).await? else {
            return Err("the job cannot be claimed".to_owned());
        };
        let crashed = crash_at(point, work(&workplace(scene.store()), &kind, job)).await;
        if !crashed {
            return Ok(point);
        }
        scene.store().jobs_expire().await.map_err(text)?;
        // The crash may have come after the end was written.
        if is_live(scene.store(), kind.name()).await? {
            let end = run_to_the_end(scene.store(), &scene.kind()).await?;
            expect_state(end, JobState::Done)?;
        }
        let after = format!("a crash at await {point}");
        expect_world(&after, &scene.world().await, &usual)?;
    }
    Err(format!("still not done after {MOST_AWAITS} awaits"))
}

/// Each call that the job makes goes wrong in each way, in turn. Returns how many calls
/// went wrong in all.
pub async fn survives_failing_calls<S: Breakable>() -> Result<usize, String> {
    let usual = usual_end::<S>().await?;
    let mut broken = 0;
    for way in 0..S::WAYS {
        for call in 0..MOST_AWAITS {
            let scene = S::fresh().await;
            enqueue(&scene).await?;
            scene.break_call(way, call);
            let end = run_to_the_end(scene.store(), &scene.kind()).await;
            if !scene.broke() {
                break;
            }
            broken += 1;
            let after = format!("call {call} went wrong in way {way}");
            let end = end.map_err(|error| format!("after {after}: {error}"))?;
            expect_state(end, JobState::Done).map_err(|error| format!("after {after}: {error}"))?;
            expect_world(&after, &scene.world().await, &usual)?;
        }
    }
    Ok(broken)
}

/// Misfortunes at each step of a kind that is made of steps: repeated, failing before
/// and after its effect, cut off before and after it; and the same for undoing.
pub async fn survives_misfortune_at_each_step<S, T>() -> Result<(), String>
where
    S: Scene<Kind = InSteps<T>>,
    T: Steps,
{
    use Misfortune::{
        CutOffAfter, CutOffBefore, FailsAfter, FailsBefore, HiccupAfter, Twice, UndoCutOffAfter,
        UndoFailsOnce, UndoTwice,
    };
    let usual = usual_end::<S>().await?;
    let before = S::fresh().await.world().await;
    let steps = S::fresh().await.kind().0.steps().len();
    for at in 0..steps {
        for (misfortune, end, world) in [
            (Twice, JobState::Done, &usual),
            (HiccupAfter, JobState::Done, &usual),
            (CutOffBefore, JobState::Done, &usual),
            (CutOffAfter, JobState::Done, &usual),
            (FailsBefore, JobState::Undone, &before),
            (FailsAfter, JobState::Undone, &before),
            (UndoTwice, JobState::Undone, &before),
            (UndoFailsOnce, JobState::Undone, &before),
            (UndoCutOffAfter, JobState::Undone, &before),
        ] {
            let scene = S::fresh().await;
            enqueue(&scene).await?;
            let cut_off = Arc::new(Notify::new());
            let kind = InSteps(Unlucky {
                inner: scene.kind().0,
                at,
                misfortune,
                happened: AtomicBool::new(false),
                cut_off: Arc::clone(&cut_off),
            });
            let name = format!("{misfortune:?} at step {at}");
            let in_name = |error: String| format!("{name}: {error}");
            let ended = tokio::select! {
                ended = run_to_the_end(scene.store(), &kind) => Some(ended.map_err(in_name)?),
                () = cut_off.notified() => None,
            };
            if !kind.0.happened.load(Ordering::SeqCst) {
                return Err(format!("{name}: the step was not reached"));
            }
            let ended = match ended {
                Some(ended) => ended,
                None => {
                    scene.store().jobs_expire().await.map_err(text)?;
                    let end = run_to_the_end(scene.store(), &scene.kind()).await;
                    end.map_err(in_name)?
                }
            };
            expect_state(ended, end).map_err(in_name)?;
            expect_world(&name, &scene.world().await, world)?;
        }
    }
    Ok(())
}

/// What goes wrong, once, at one step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Misfortune {
    Twice,
    HiccupAfter,
    FailsBefore,
    FailsAfter,
    CutOffBefore,
    CutOffAfter,
    UndoTwice,
    UndoFailsOnce,
    UndoCutOffAfter,
}

impl Misfortune {
    const fn is_of_undo(self) -> bool {
        matches!(
            self,
            Self::UndoTwice | Self::UndoFailsOnce | Self::UndoCutOffAfter
        )
    }
}

/// Steps of which one has bad luck.
struct Unlucky<T> {
    inner: T,
    at: usize,
    misfortune: Misfortune,
    happened: AtomicBool,
    cut_off: Arc<Notify>,
}

impl<T> Unlucky<T> {
    /// True the first time.
    fn happens(&self) -> bool {
        !self.happened.swap(true, Ordering::SeqCst)
    }

    async fn die(&self) -> ! {
        self.cut_off.notify_one();
        std::future::pending().await
    }
}

#[async_trait]
impl<T: Steps> Steps for Unlucky<T> {
    fn name(&self) -> &'static str {
        self.inner.name()
    }

    fn payload_version(&self) -> i32 {
        self.inner.payload_version()
    }

    fn steps(&self) -> &'static [&'static str] {
        self.inner.steps()
    }

    fn prepare(&self, step: usize, run: &JobRun) -> Value {
        self.inner.prepare(step, run)
    }

    async fn ensure(
        &self,
        step: usize,
        run: &JobRun,
        prepared: &Value,
        outputs: &[Value],
    ) -> Result<Value, JobError> {
        let ensure = || self.inner.ensure(step, run, prepared, outputs);
        let is_last = step + 1 == self.steps().len();
        if self.misfortune.is_of_undo() {
            let output = ensure().await?;
            return if is_last {
                Err(JobError::permanent("to see it undone"))
            } else {
                Ok(output)
            };
        }
        if step != self.at || !self.happens() {
            return ensure().await;
        }
        match self.misfortune {
            Misfortune::FailsBefore => return Err(JobError::permanent("bad luck")),
            Misfortune::CutOffBefore => self.die().await,
            _ => {}
        }
        let output = ensure().await?;
        match self.misfortune {
            Misfortune::Twice => ensure().await,
            Misfortune::HiccupAfter => Err(JobError::transient("the answer was lost")),
            Misfortune::FailsAfter => Err(JobError::permanent("bad luck")),
            Misfortune::CutOffAfter => self.die().await,
            _ => Ok(output),
        }
    }

    async fn ensure_absent(
        &self,
        step: usize,
        run: &JobRun,
        prepared: &Value,
        output: Option<&Value>,
    ) -> Result<(), JobError> {
        let ensure_absent = || self.inner.ensure_absent(step, run, prepared, output);
        ensure_absent().await?;
        if !self.misfortune.is_of_undo() || step != self.at || !self.happens() {
            return Ok(());
        }
        match self.misfortune {
            Misfortune::UndoTwice => ensure_absent().await,
            Misfortune::UndoFailsOnce => Err(JobError::transient("the answer was lost")),
            Misfortune::UndoCutOffAfter => self.die().await,
            _ => Ok(()),
        }
    }
}

/// The world after a run without misfortune.
async fn usual_end<S: Scene>() -> Result<Value, String> {
    let scene = S::fresh().await;
    enqueue(&scene).await?;
    expect_state(
        run_to_the_end(scene.store(), &scene.kind()).await?,
        JobState::Done,
    )?;
    Ok(scene.world().await)
}

async fn enqueue<S: Scene>(scene: &S) -> Result<(), String> {
    let job = scene.store().job_enqueue(&scene.wish()).await;
    job.map(|_| ()).map_err(text)
}

/// Claims with a lease that has run out when the worker dies, as the database sees it.
async fn claim(store: &Store, kind: &dyn JobKind) -> Result<Option<Job>, String> {
    let terms = ClaimTerms {
        owner: "test".to_owned(),
        kinds: vec![(kind.name().to_owned(), kind.payload_version())],
        busy_pods: Vec::new(),
        lease: Duration::ZERO,
    };
    store.job_claim(&terms).await.map_err(text)
}

async fn is_live(store: &Store, kind: &str) -> Result<bool, String> {
    let statistics = store.jobs_statistics().await.map_err(text)?;
    Ok(statistics.counts.iter().any(|count| count.kind == kind))
}

/// No pauses; a lease that needs no renewal.
fn workplace(store: &Store) -> Workplace {
    Workplace {
        store: store.clone(),
        config: EngineConfig {
            lease: Duration::from_secs(3_600),
            retry_base: Duration::ZERO,
            retry_max: Duration::ZERO,
            ..EngineConfig::default()
        },
        stop: CancellationToken::new(),
    }
}

/// Polls until the future has had to wait more often than `point` times, then drops
/// it. False when it came to its end before.
async fn crash_at<T>(point: usize, future: impl Future<Output = T>) -> bool {
    let mut future = pin!(future);
    let mut waits = 0;
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(_) => Poll::Ready(false),
        Poll::Pending if waits == point => Poll::Ready(true),
        Poll::Pending => {
            waits += 1;
            Poll::Pending
        }
    })
    .await
}

fn expect_state(found: JobState, expected: JobState) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!("the job ended {found}, not {expected}"))
    }
}

fn expect_world(after: &str, found: &Value, expected: &Value) -> Result<(), String> {
    if found == expected {
        Ok(())
    } else {
        Err(format!(
            "after {after} the world is\n{found:#}\ninstead of\n{expected:#}"
        ))
    }
}

fn text(error: impl std::fmt::Display) -> String {
    error.to_string()
}
