//! The chaos run: users who want something all the time, troubles all the time, and at
//! the end everything has to be in order.
//!
//! Ten simulated pods, the five services and a second worker in processes of their own,
//! a MariaDB and a RabbitMQ that are killed too. Users (`user`) do things by chance and
//! compare each answer with what they were told before (`book`), lenient as far as
//! something was wrong at the time (`timeline`, `verdict`). `troubles` makes it wrong.
//! `calm` is the end, with the invariants (`ending`); `report` tells about it.
//!
//! Chance comes from a seed (`dice`). The same seed has users and troubles choose alike,
//! not at the same microsecond: it makes a finding likely again, not certain.

pub mod book;
mod calm;
pub mod dice;
pub mod ending;
mod looks;
mod networks;
mod record;
pub mod report;
mod servers;
pub mod timeline;
mod troubles;
mod user;
pub mod verdict;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::chaos::book::Book;
use crate::chaos::dice::Dice;
use crate::chaos::report::Facts;
use crate::chaos::troubles::{Victim, Victims};
use crate::chaos::user::{Offer, Run, User};
use crate::process::{Process, Service};
use crate::simulated::{Backend, Bus, Simulated, Where};

/// How long a create may stay unfinished: longer than its deadline in the pod (see
/// `settings`), short enough to be over well before the end's patience.
const GRACE: Duration = Duration::from_secs(30);

/// Projects, and sessions of each.
const PROJECTS: usize = 6;
const SESSIONS: usize = 3;

/// How a run is to be.
#[derive(Debug, Clone, Copy)]
pub struct Options {
    /// How long users and troubles are at it.
    pub time: Duration,
    /// Where chance begins.
    pub seed: u64,
    /// How many pods.
    pub pods: usize,
}

/// What came of a run.
#[derive(Debug)]
pub struct Outcome {
    /// What to print.
    pub report: String,
    /// Whether nothing was found.
    pub good: bool,
    /// What the processes logged.
    pub logs: Vec<(String, String)>,
}

/// Runs it; none where the environment has no MariaDB and RabbitMQ.
pub async fn run(options: Options) -> Option<Outcome> {
    let place = Where {
        backend: Backend::MariaDb,
        bus: Bus::Amqp,
        outside: Service::ALL.to_vec(),
        create_grace: GRACE,
        pods: options.pods,
    };
    let mut world = Simulated::new(place).await?;
    let run = Arc::new(Run::default());
    let victims = victims(&mut world).await;
    let at_first = sizes(&victims).await;

    let mut projects = projects(&world, &run, options.seed).await;
    let mut last: Vec<User> = projects.iter_mut().filter_map(Vec::pop).collect();
    let stop = CancellationToken::new();
    let mut sessions = JoinSet::new();
    for user in projects.into_iter().flatten() {
        sessions.spawn(user.live(stop.clone()));
    }
    let luck = Dice::of(options.seed, u64::MAX);
    let troubles = victims
        .clone()
        .trouble(Arc::clone(&run), luck, stop.clone());
    let troubles = tokio::spawn(troubles);
    tokio::time::sleep(options.time).await;
    stop.cancel();
    if let Err(error) = troubles.await {
        run.finding(&format!("the troubles could not be ended: {error}"));
    }
    while let Some(ended) = sessions.join_next().await {
        if let Err(error) = ended {
            run.finding(&format!("a session ended: {error}"));
        }
    }
    let calm = calm::calm(&world, &mut last).await;

    let logs = logs(&victims).await;
    find_panics(&run, &logs);
    let facts = Facts {
        seed: options.seed,
        time: options.time,
        pods: options.pods,
        sessions: PROJECTS * SESSIONS,
        calm,
        memory: memory(&victims, &at_first).await,
    };
    for (_, process) in &victims.processes {
        process.lock().await.kill().await;
    }
    world.end().await;
    Some(Outcome {
        report: report::text(&run, &facts),
        good: run.record.so_far().findings.is_empty(),
        logs,
    })
}

/// The world's processes and a second worker, to be troubled.
async fn victims(world: &mut Simulated) -> Victims {
    let second = world.another_worker().await;
    let processes = std::mem::take(&mut world.processes);
    Victims {
        processes: processes
            .into_values()
            .chain([second])
            .map(|process: Process| {
                let service = process.service();
                (service, Victim::new(tokio::sync::Mutex::new(process)))
            })
            .collect(),
        cloud: world.cloud.clone(),
        pods: world.pods.clone(),
        memory: Arc::default(),
    }
}

/// The users by project; the last of each is for the end.
async fn projects(world: &Simulated, run: &Arc<Run>, seed: u64) -> Vec<Vec<User>> {
    let offer = Offer {
        zones: world
            .world
            .pods
            .iter()
            .map(|pod| pod.zone.clone())
            .collect(),
        image: world.image.clone(),
        flavor: world.flavor.clone(),
        tag: world.tag.clone(),
    };
    let mut projects = Vec::new();
    for project in 0..PROJECTS {
        let name = format!("chaos{project}");
        world.cloud.assign(&name, &name, "member");
        let region = world.top(&name, &name).await;
        let book = Arc::new(Mutex::new(Book::default()));
        let users = (0..=SESSIONS).map(|session| {
            let number = project * (SESSIONS + 1) + session;
            User {
                run: Arc::clone(run),
                offer: offer.clone(),
                region: region.clone(),
                book: Arc::clone(&book),
                dice: Dice::of(seed, number as u64),
                number,
                named: 0,
            }
        });
        projects.push(users.collect());
    }
    projects
}

async fn sizes(victims: &Victims) -> Vec<u64> {
    let mut sizes = Vec::new();
    for (number, (_, process)) in victims.processes.iter().enumerate() {
        let process = process.lock().await;
        victims.weigh(number, &process).await;
        sizes.push(process.memory().unwrap_or_default());
    }
    sizes
}

async fn memory(victims: &Victims, at_first: &[u64]) -> Vec<(&'static str, [u64; 3])> {
    let at_end = sizes(victims).await;
    let most = victims.memory.lock().await;
    let names = victims.processes.iter().map(|(service, _)| service.name());
    names
        .enumerate()
        .map(|(n, name)| {
            let most = most.get(&n).copied().unwrap_or_default();
            (name, [at_first[n], most, at_end[n]])
        })
        .collect()
}

async fn logs(victims: &Victims) -> Vec<(String, String)> {
    let mut logs = Vec::new();
    for (number, (service, process)) in victims.processes.iter().enumerate() {
        let log = process.lock().await.log();
        logs.push((format!("{number}-{}", service.name()), log));
    }
    logs
}

/// Nothing may panic, whatever happens.
fn find_panics(run: &Run, logs: &[(String, String)]) {
    for (name, log) in logs {
        run.record.check("a log without a panic");
        for line in log.lines().filter(|line| line.contains("panicked at")) {
            run.finding(&format!("{name}: {line}"));
        }
    }
}
