//! Who makes the troubles: one after the other and several at once, each puts right what
//! it did when its time is over.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tricircle_pod_sim::{Fault, Match, SimCloud, SimPod, Times};

use crate::chaos::dice::Dice;
use crate::chaos::timeline::{PodTrouble, Trouble};
use crate::chaos::user::Run;
use crate::process::{Process, Service};

/// Troubles at the same time.
const AT_ONCE: usize = 4;

/// A process that may be troubled.
pub type Victim = Arc<Mutex<Process>>;

/// What can be troubled. Only one trouble at a time befalls each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Target {
    Process(usize),
    Broker,
    Database,
    Keystone,
    Pod(usize),
}

/// The part of the world that is troubled.
#[derive(Debug, Clone)]
pub struct Victims {
    /// The processes of the top.
    pub processes: Vec<(Service, Victim)>,
    /// Keystone.
    pub cloud: SimCloud,
    /// The pods.
    pub pods: Vec<SimPod>,
    /// The largest resident memory of each process that was seen, in KiB.
    pub memory: Arc<Mutex<BTreeMap<usize, u64>>>,
}

impl Victims {
    /// Makes troubles until it is told to stop, and comes back when all is well again.
    pub async fn trouble(self, run: Arc<Run>, mut dice: Dice, stop: CancellationToken) {
        let mut at_work = JoinSet::new();
        let mut busy = BTreeSet::new();
        while !stop.is_cancelled() {
            let pause = dice.millis(200, 2500);
            tokio::select! {
                () = stop.cancelled() => break,
                () = tokio::time::sleep(pause) => {}
            }
            while let Some(ended) = at_work.try_join_next() {
                self.release(&run, &mut busy, ended);
            }
            let (target, trouble) = self.choose(&mut dice);
            if busy.len() >= AT_ONCE || !busy.insert(target) {
                continue;
            }
            let (victims, run, stop) = (self.clone(), Arc::clone(&run), stop.clone());
            let lasts = lasts(trouble, &mut dice);
            at_work.spawn(async move {
                let number = run.timeline.begin(trouble);
                tracing::info!("trouble: {trouble}, for {lasts:?}");
                let over = async {
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = tokio::time::sleep(lasts) => {}
                    }
                };
                victims.befall(&run, target, trouble, over).await;
                run.timeline.end(number);
                tracing::info!("over: {trouble}");
                target
            });
        }
        while let Some(ended) = at_work.join_next().await {
            self.release(&run, &mut busy, ended);
        }
    }

    fn release(
        &self,
        run: &Run,
        busy: &mut BTreeSet<Target>,
        ended: Result<Target, tokio::task::JoinError>,
    ) {
        match ended {
            Ok(target) => {
                busy.remove(&target);
            }
            Err(error) => run.finding(&format!("a trouble could not be ended: {error}")),
        }
    }

    fn choose(&self, dice: &mut Dice) -> (Target, Trouble) {
        match dice.below(100) {
            0..45 => {
                let place = dice.below(self.pods.len());
                (Target::Pod(place), Trouble::Pod(place, pod_trouble(dice)))
            }
            45..75 => {
                let number = dice.below(self.processes.len());
                let service = self.processes[number].0;
                (Target::Process(number), Trouble::Killed(service))
            }
            75..84 => {
                let number = dice.below(self.processes.len());
                let service = self.processes[number].0;
                (Target::Process(number), Trouble::Paused(service))
            }
            84..90 => (Target::Database, Trouble::Database),
            90..96 => (Target::Broker, Trouble::Broker),
            _ => (Target::Keystone, Trouble::Keystone),
        }
    }

    /// Does it, waits, undoes it.
    async fn befall(
        &self,
        run: &Run,
        target: Target,
        trouble: Trouble,
        over: impl Future<Output = ()>,
    ) {
        match (target, trouble) {
            (Target::Process(number), Trouble::Killed(_)) => {
                let mut process = self.processes[number].1.lock().await;
                self.weigh(number, &process).await;
                process.kill().await;
                over.await;
                process.restart().await;
            }
            (Target::Process(number), _) => {
                let process = self.processes[number].1.lock().await;
                process.pause().await;
                over.await;
                process.resume().await;
            }
            (Target::Pod(place), Trouble::Pod(_, trouble)) => {
                let pod = &self.pods[place];
                befall_pod(run, pod, trouble, over).await;
            }
            (Target::Keystone, _) => {
                self.cloud.stop_keystone().await;
                over.await;
                self.cloud.start_keystone().await.unwrap();
            }
            (Target::Broker, _) => kill_and_start("rabbitmq", over).await,
            (Target::Database, _) => kill_and_start("mariadb", over).await,
            (Target::Pod(_), _) => {}
        }
    }

    /// Remembers how large a process was at most.
    pub async fn weigh(&self, number: usize, process: &Process) {
        let size = process.memory().unwrap_or_default();
        let mut memory = self.memory.lock().await;
        let most = memory.entry(number).or_default();
        *most = size.max(*most);
    }
}

fn pod_trouble(dice: &mut Dice) -> PodTrouble {
    let codes = [500, 502, 503, 504];
    let code = codes[dice.below(codes.len())];
    let all = [
        PodTrouble::Refuses,
        PodTrouble::Silent,
        PodTrouble::Fails(code),
        PodTrouble::LosesReplies,
        PodTrouble::Resets,
        PodTrouble::Slow,
        PodTrouble::AnswersLate,
    ];
    all[dice.below(all.len())]
}

/// How long a trouble lasts, besides the time that its end takes.
fn lasts(trouble: Trouble, dice: &mut Dice) -> Duration {
    match trouble {
        Trouble::Killed(_) => dice.millis(0, 3000),
        // Longer than a lease of these worlds.
        Trouble::Paused(_) => dice.millis(2500, 6000),
        Trouble::Broker | Trouble::Database => dice.millis(0, 4000),
        Trouble::Keystone => dice.millis(500, 5000),
        Trouble::Pod(..) => dice.millis(1000, 12_000),
    }
}

async fn befall_pod(run: &Run, pod: &SimPod, trouble: PodTrouble, over: impl Future<Output = ()>) {
    let changes = || {
        ["POST", "PUT", "DELETE"]
            .map(|method| Match::any().method(method))
            .into_iter()
    };
    let faults = pod.faults();
    let everything = |fault: Fault| faults.inject(Match::any(), fault, Times::Always);
    match trouble {
        PodTrouble::Refuses => {
            pod.stop().await;
            over.await;
            pod.start().await.unwrap();
            return;
        }
        PodTrouble::Silent => everything(Fault::HangForever),
        PodTrouble::Fails(code) => {
            let body = json!({"trouble": {"code": code, "message": "a bad day"}});
            everything(Fault::Status(code, body));
        }
        PodTrouble::Resets => everything(Fault::ResetBefore),
        PodTrouble::Slow => everything(Fault::DelayThen(Duration::from_millis(800))),
        PodTrouble::LosesReplies => {
            changes().for_each(|m| faults.inject(m, Fault::DropReplyAfterCommit, Times::Always))
        }
        PodTrouble::AnswersLate => {
            let late = Fault::CommitThenDelay(Duration::from_secs(25));
            changes().for_each(|m| faults.inject(m, late.clone(), Times::Always));
        }
    }
    over.await;
    let kind = Trouble::Pod(0, trouble).kind();
    run.record.spoiled(kind, faults.played());
    faults.clear();
}

/// Kills a process of the infrastructure and starts it again.
async fn kill_and_start(name: &str, over: impl Future<Output = ()>) {
    sandbox(&["kill", name]).await;
    over.await;
    sandbox(&["infra-up"]).await;
}

/// The sandbox's command, on the sandbox that the environment names.
async fn sandbox(arguments: &[&str]) {
    let command = Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy/sandbox/pods");
    let ended = Command::new(command)
        .args(arguments)
        .output()
        .await
        .unwrap();
    assert!(
        ended.status.success(),
        "pods {arguments:?}: {}{}",
        String::from_utf8_lossy(&ended.stdout),
        String::from_utf8_lossy(&ended.stderr)
    );
}
