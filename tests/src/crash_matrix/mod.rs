//! A process is killed at every point between two side effects of a flow, one after the
//! other; then the world has to come to order by itself.
//!
//! A [`Flow`] is run once with the process writing down the failpoints that it passes, so
//! the points are discovered and a new one needs no entry here. Then, for each: the process
//! is started with the order to abort there, the flow is run, the process is started
//! again, and what must hold is waited for: no live job, and nothing that the
//! [auditor](tricircle_audit) minds. The flow then says whether users can go on with what
//! they have.

mod flows;

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use tricircle_audit::{Auditor, check};
use tricircle_db::models::JobState;
use tricircle_failpoint::{ABORT_VARIABLE, LOG_VARIABLE};

use crate::process::Service;
use crate::resources::LIMIT;
use crate::wait::until;
use crate::{Simulated, Where};

pub use flows::Flow;

/// How long a create may stay unfinished in these worlds: longer than anything takes on a
/// busy machine. Nobody waits for it: see [`in_order`].
const GRACE: Duration = Duration::from_secs(120);

/// How many hits of one point are tried: a realization passes the same ones for a network,
/// a subnet, a group and a port.
const HITS: usize = 4;

/// Kills `dying` at every point that it passes in the flow.
pub async fn survives(flow: Flow, dying: Service) {
    let mut outside = vec![dying, Service::Jobs];
    outside.dedup();
    let place = Where {
        outside,
        create_grace: GRACE,
        ..Where::default()
    };
    let mut world = Simulated::new(place).await.unwrap();
    let points = discover(&mut world, flow, dying).await;
    assert!(
        !points.is_empty(),
        "{flow:?} passes no point of {}",
        dying.name()
    );
    for point in points {
        let begun = Instant::now();
        let died = crash_at(&mut world, flow, dying, &point).await;
        // Which hits there are besides the first may depend on who was faster.
        assert!(died || point.contains('#'), "{flow:?} did not pass {point}");
        eprintln_line(&format!(
            "{flow:?} {} {point}: {} in {:?}",
            dying.name(),
            if died { "died" } else { "not reached" },
            begun.elapsed()
        ));
    }
    world.assert_pods_clean();
    world.end().await;
}

/// The points that the flow passes in `dying`, `name` or `name#n`, in their order.
async fn discover(world: &mut Simulated, flow: Flow, dying: Service) -> Vec<String> {
    let stage = flow.prepare(world).await;
    in_order(world).await;
    let log = world.folder().join(format!("points-{flow:?}"));
    let orders = [(LOG_VARIABLE, log.to_str().unwrap())];
    world.process(dying).restart_with(&orders).await;
    let answer = flow.act(world, &stage).await;
    assert!(answer.is_ok_and(|status| status < 300), "{flow:?} works");
    in_order(world).await;
    world.process(dying).restart().await;
    flow.finish(world, stage).await;
    in_order(world).await;

    let text = std::fs::read_to_string(log).unwrap_or_default();
    let mut hits: BTreeMap<&str, usize> = BTreeMap::new();
    let mut points = Vec::new();
    for name in text.lines() {
        let nth = hits.entry(name).or_default();
        *nth += 1;
        match *nth {
            1 => points.push(name.to_owned()),
            n if n <= HITS => points.push(format!("{name}#{n}")),
            _ => {}
        }
    }
    points
}

/// One run of the flow in which the process dies at `point`; whether it did.
async fn crash_at(world: &mut Simulated, flow: Flow, dying: Service, point: &str) -> bool {
    let stage = flow.prepare(world).await;
    in_order(world).await;
    let orders = [(ABORT_VARIABLE, point)];
    world.process(dying).restart_with(&orders).await;
    let answer = flow.act(world, &stage).await;
    let died = match (dying, answer) {
        // A worker dies some time after the answer, or does its work and is done.
        (Service::Jobs, _) => dies_or_ends(world, dying).await,
        (_, Ok(_)) => world.process(dying).has_ended(),
        // The connection broke: the process is going.
        (_, Err(_)) => dies(world, dying).await,
    };
    world.process(dying).restart().await;
    in_order(world).await;
    flow.finish(world, stage).await;
    in_order(world).await;
    died
}

async fn dies(world: &mut Simulated, dying: Service) -> bool {
    let process = world.process(dying);
    let what = format!("{} is gone", dying.name());
    until(LIMIT, &what, || {
        let ended = process.has_ended();
        async move {
            if ended {
                Ok(())
            } else {
                Err("it lives".to_owned())
            }
        }
    })
    .await;
    true
}

async fn dies_or_ends(world: &mut Simulated, dying: Service) -> bool {
    let deadline = Instant::now() + LIMIT;
    loop {
        if world.process(dying).has_ended() {
            return true;
        }
        if is_in_order(world).await.is_ok() {
            // What ended the last job may be the point.
            return world.process(dying).has_ended();
        }
        assert!(Instant::now() < deadline, "neither dead nor done");
    }
}

/// Waits until all is done and nothing is wrong.
///
/// Jobs that rest are made due: whoever they give time to is dead, or has answered.
pub async fn in_order(world: &Simulated) {
    until(LIMIT, "the world is in order", || is_in_order(world)).await;
}

async fn is_in_order(world: &Simulated) -> Result<(), String> {
    let parts = &world.parts;
    let auditor = Auditor::new(parts.store.clone(), parts.pods.clone(), parts.jobs());
    let seen = auditor
        .look(Duration::ZERO)
        .await
        .map_err(|error| error.to_string())?;
    let findings = check(&seen);
    for job in &seen.after.jobs {
        if job.state == JobState::Ready && job.run_after > seen.began {
            parts.store.job_retry(&job.id).await.unwrap();
        }
    }
    if let Some(job) = seen.after.jobs.first() {
        return Err(format!(
            "job {} of {} is {:?}: {:?}; {findings:?}",
            job.kind, job.resource_id, job.state, job.last_error
        ));
    }
    match findings.as_slice() {
        [] => Ok(()),
        findings => Err(format!("{findings:#?}")),
    }
}

/// What a run did, for those who watch with `--nocapture`.
fn eprintln_line(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr(), "{line}");
}
