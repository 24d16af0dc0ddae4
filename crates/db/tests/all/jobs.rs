//! Jobs: wishes join, a lease has one holder, zombies cannot write.

use std::collections::HashSet;
use std::time::Duration;

use tricircle_db::Store;
use tricircle_db::models::*;
use tricircle_db::testing::TestStore;

const LEASE: Duration = Duration::from_secs(30);
const NO_TIME: Duration = Duration::ZERO;

fn terms(owner: &str) -> ClaimTerms {
    ClaimTerms {
        owner: owner.to_owned(),
        kinds: vec![("other".to_owned(), 1), ("test".to_owned(), 1)],
        busy_pods: Vec::new(),
        lease: LEASE,
    }
}

async fn claim(store: &Store) -> Option<Job> {
    store.job_claim(&terms("w")).await.unwrap()
}

async fn settle(store: &Store, job: &Job, outcome: JobOutcome) -> Option<Job> {
    store
        .job_settle(&job.id, job.lease_epoch, &outcome)
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn eight_workers_share_the_jobs_and_none_is_run_twice() {
    const JOBS: usize = 120;
    for test in TestStore::both().await.unwrap() {
        for n in 0..JOBS {
            let job = NewJob::new("test", &format!("r{n}"));
            test.store.job_enqueue(&job).await.unwrap();
        }
        let workers: Vec<_> = (0..8)
            .map(|n| {
                let store = test.store.clone();
                tokio::spawn(async move {
                    let terms = terms(&format!("w{n}"));
                    let mut mine = Vec::new();
                    // A worker that lost all its races would stop early: it looks
                    // again until nothing is ready.
                    loop {
                        if let Some(job) = store.job_claim(&terms).await.unwrap() {
                            let done = store
                                .job_settle(&job.id, job.lease_epoch, &JobOutcome::Done)
                                .await
                                .unwrap();
                            assert_eq!(done.unwrap().state, JobState::Done);
                            mine.push(job.resource_id);
                        } else if store.jobs_statistics().await.unwrap().counts.is_empty() {
                            return mine;
                        }
                    }
                })
            })
            .collect();
        let mut all = Vec::new();
        for worker in workers {
            all.extend(worker.await.unwrap());
        }
        assert_eq!(all.len(), JOBS);
        assert_eq!(all.iter().collect::<HashSet<_>>().len(), JOBS);
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn wishes_at_the_same_moment_become_one_job_and_none_is_lost() {
    for test in TestStore::both().await.unwrap() {
        let wishes: Vec<_> = (0..8)
            .map(|_| {
                let store = test.store.clone();
                tokio::spawn(async move { store.job_enqueue(&NewJob::new("test", "r")).await })
            })
            .collect();
        for wish in wishes {
            wish.await.unwrap().unwrap();
        }
        let all = test.store.jobs(&JobFilter::default()).await.unwrap();
        assert_eq!(all.len(), 1);
        assert_eq!(all[0].wanted_rev, 8);
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn a_wish_that_comes_during_the_run_is_run_afterwards() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let mut new = NewJob::new("test", "r");
        store.job_enqueue(&new).await.unwrap();
        let run = claim(store).await.unwrap();
        assert_eq!((run.wanted_rev, run.run_rev), (1, 1));
        new.payload = serde_json::json!({"n": 2});
        let joined = store.job_enqueue(&new).await.unwrap();
        assert_eq!(joined.id, run.id);
        assert_eq!(joined.state, JobState::Running);
        assert!(claim(store).await.is_none(), "the lease has one holder");
        let settled = settle(store, &run, JobOutcome::Done).await.unwrap();
        assert_eq!((settled.state, settled.done_rev), (JobState::Ready, 1));
        let run = claim(store).await.unwrap();
        assert_eq!(run.payload, r#"{"n":2}"#);
        let settled = settle(store, &run, JobOutcome::Done).await.unwrap();
        assert_eq!((settled.state, settled.done_rev), (JobState::Done, 2));
        // The next wish is a job of its own.
        let next = store.job_enqueue(&new).await.unwrap();
        assert_ne!(next.id, run.id);
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn a_worker_that_lost_its_lease_can_write_nothing() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        store.job_enqueue(&NewJob::new("test", "r")).await.unwrap();
        let mut short = terms("zombie");
        short.lease = NO_TIME;
        let zombie = store.job_claim(&short).await.unwrap().unwrap();
        assert_eq!(store.jobs_expire().await.unwrap(), 1);
        let heir = claim(store).await.unwrap();
        assert_eq!(heir.id, zombie.id);
        assert_eq!(heir.attempts, 1);
        assert_eq!(
            heir.last_error.as_deref(),
            Some("the lease of zombie ran out")
        );
        let nothing = serde_json::Value::Null;
        for (epoch, allowed) in [(zombie.lease_epoch, false), (heir.lease_epoch, true)] {
            let id = &heir.id;
            let beat = store.job_heartbeat(id, epoch, LEASE).await.unwrap();
            assert_eq!(beat.is_some(), allowed);
            let step = StepPhase::Started;
            let noted = store
                .job_step_record(id, epoch, 0, step, "s", &nothing)
                .await;
            assert_eq!(noted.unwrap(), allowed);
            assert_eq!(
                store.job_turn_back(id, epoch, "why").await.unwrap(),
                allowed
            );
            let settled = store.job_settle(id, epoch, &JobOutcome::Done).await;
            assert_eq!(settled.unwrap().is_some(), allowed);
        }
        let log = store.job_steps(&heir.id).await.unwrap();
        assert_eq!(log.len(), 1);
        assert_eq!(log[0].epoch, heir.lease_epoch);
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn only_what_is_due_and_known_and_free_is_claimed() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let enqueue = |kind: &str, resource: &str, change: fn(&mut NewJob)| {
            let mut new = NewJob::new(kind, resource);
            change(&mut new);
            async move { store.job_enqueue(&new).await.unwrap() }
        };
        enqueue("unknown", "r", |_| {}).await;
        enqueue("test", "newer", |job| job.payload_version = 2).await;
        enqueue("test", "later", |job| job.run_after = LEASE).await;
        enqueue("test", "busy", |job| job.pod_id = "pod-1".to_owned()).await;
        enqueue("other", "free", |job| job.pod_id = "pod-2".to_owned()).await;
        let mut terms = terms("w");
        terms.busy_pods = vec!["pod-1".to_owned()];
        let job = store.job_claim(&terms).await.unwrap().unwrap();
        assert_eq!(job.resource_id, "free");
        assert!(store.job_claim(&terms).await.unwrap().is_none());
        terms.busy_pods.clear();
        let job = store.job_claim(&terms).await.unwrap().unwrap();
        assert_eq!(job.resource_id, "busy");
        assert!(store.job_claim(&terms).await.unwrap().is_none());
        let due = store.jobs_next_due(&["test".to_owned()]).await.unwrap();
        assert!(due.is_some_and(|due| due <= LEASE && due > LEASE / 2));
        // A wish for now does not wait for the one that rests.
        let joined = enqueue("test", "later", |_| {}).await;
        assert_eq!(joined.wanted_rev, 2);
        assert_eq!(claim(store).await.unwrap().resource_id, "later");
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn a_job_whose_reason_is_gone_ends() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let new = NewJob::new("test", "r");
        store.job_enqueue(&new).await.unwrap();
        assert_eq!(store.job_cancel("test", "r").await.unwrap(), 1);
        assert_eq!(store.job_cancel("test", "r").await.unwrap(), 0);
        assert!(claim(store).await.is_none());

        store.job_enqueue(&new).await.unwrap();
        let run = claim(store).await.unwrap();
        assert_eq!(store.job_cancel("test", "r").await.unwrap(), 1);
        let beat = store
            .job_heartbeat(&run.id, run.lease_epoch, LEASE)
            .await
            .unwrap();
        assert!(beat.unwrap().cancel_requested);
        // A wish after the cancellation is one to be fulfilled, though the run stops
        // and its worker hands the rest on.
        store.job_enqueue(&new).await.unwrap();
        settle(store, &run, JobOutcome::Released).await.unwrap();
        let run = claim(store).await.unwrap();
        assert!(run.cancel_requested && run.run_rev < run.wanted_rev);
        let ready = settle(store, &run, JobOutcome::Cancelled).await.unwrap();
        assert_eq!(ready.state, JobState::Ready);
        let run = claim(store).await.unwrap();
        assert!(!run.cancel_requested && run.run_rev == run.wanted_rev);
        settle(store, &run, JobOutcome::Done).await.unwrap();
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn each_end_of_a_run_leaves_the_job_where_it_belongs() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let why = || "why".to_owned();
        let waiting = JobOutcome::Waiting {
            pod_id: "pod-1".to_owned(),
            at_most: LEASE,
            error: why(),
        };
        for (outcome, state, claimable) in [
            (JobOutcome::Done, JobState::Done, false),
            (JobOutcome::Undone, JobState::Undone, false),
            (JobOutcome::Failed(why()), JobState::Failed, false),
            (JobOutcome::Cancelled, JobState::Cancelled, false),
            (JobOutcome::Stuck(why()), JobState::Stuck, false),
            (JobOutcome::Retry(LEASE, why()), JobState::Ready, false),
            (JobOutcome::Retry(NO_TIME, why()), JobState::Ready, true),
            (waiting, JobState::Waiting, false),
            (JobOutcome::Released, JobState::Ready, true),
        ] {
            let job = NewJob::new("test", "r");
            store.job_enqueue(&job).await.unwrap();
            let run = claim(store).await.unwrap();
            let settled = settle(store, &run, outcome.clone()).await.unwrap();
            assert_eq!(settled.state, state, "{outcome:?}");
            assert_eq!(settled.finished_at.is_some(), state.is_finished());
            let again = claim(store).await;
            assert_eq!(again.is_some(), claimable, "{outcome:?}");
            let rest = match state {
                JobState::Waiting => store.jobs_pod_is_back("pod-1").await.unwrap() == 1,
                _ if claimable => false,
                _ => store.job_retry(&run.id).await.unwrap(),
            };
            assert_eq!(rest, !claimable, "{outcome:?}");
            // Whatever it was, it can be run to its end now.
            let last = match again {
                Some(job) => job,
                None => claim(store).await.unwrap(),
            };
            assert_eq!(last.id, run.id);
            settle(store, &last, JobOutcome::Done).await.unwrap();
        }
        test.drop_schema().await.unwrap();
    }
}

#[tokio::test]
async fn a_step_is_logged_once_and_the_log_goes_with_the_job() {
    for test in TestStore::both().await.unwrap() {
        let store = &test.store;
        let new = NewJob::new("test", "r");
        let job = store.job_enqueue(&new).await.unwrap();
        let run = claim(store).await.unwrap();
        for output in ["first", "second"] {
            let recorded = store
                .job_step_record(
                    &job.id,
                    run.lease_epoch,
                    0,
                    StepPhase::Succeeded,
                    "make",
                    &serde_json::json!(output),
                )
                .await;
            assert!(recorded.unwrap());
        }
        let log = store.job_steps(&job.id).await.unwrap();
        assert_eq!(log.len(), 1);
        assert_eq!(log[0].output, r#""first""#);
        settle(store, &run, JobOutcome::Done).await.unwrap();
        let live = store.job_enqueue(&new).await.unwrap();
        assert!(!store.job_retry(&job.id).await.unwrap(), "one live job");
        assert_eq!(store.jobs_purge(LEASE).await.unwrap(), 0);
        assert_eq!(store.jobs_purge(NO_TIME).await.unwrap(), 1);
        assert!(store.job_steps(&job.id).await.unwrap().is_empty());
        let left = store.jobs(&JobFilter::default()).await.unwrap();
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].id, live.id);
        let statistics = store.jobs_statistics().await.unwrap();
        assert_eq!(statistics.counts.len(), 1);
        assert_eq!(statistics.counts[0].count, 1);
        assert_eq!(statistics.oldest_ready.len(), 1);
        assert!(statistics.oldest_ready.iter().all(|(_, age)| *age < LEASE));
        test.drop_schema().await.unwrap();
    }
}
