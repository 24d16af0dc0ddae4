//! How a pod is, as this process sees it: a breaker for each of its services, and how
//! many calls are under way.
//!
//! All workers of a process share one [`PodHealth`] per pod; it stays when the pod's row
//! or endpoints are read again. Every call passes [`PodHealth::begin`] and says at its
//! [`Ticket`] how it ended. What counts as an end that a dead service would make is
//! decided here and nowhere else ([`is_sign_of_death`]).

use std::array;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tricircle_config::Client as ClientConfig;
use tricircle_db::Timestamp;

use crate::breaker::{Breaker, BreakerRules, BreakerState, Period};
use crate::{PodError, Service};

/// Bounds and rules that the health of every pod of a process is judged by.
#[derive(Debug)]
pub(crate) struct Judge {
    rules: BreakerRules,
    /// Calls that may be under way in a pod at a time; 0: any number.
    most_calls: usize,
    /// A call that its caller gave up after this long counts as failed.
    patience: Duration,
    /// How long a service may go unheard before it is asked; 0: for ever.
    idle: Duration,
    /// Whether somebody probes. Nothing else closes a breaker: without it none opens.
    probing: AtomicBool,
    /// Rung when a breaker opened, so that the prober learns when to come.
    pub(crate) opened: Notify,
}

impl Judge {
    /// What the configuration says.
    pub(crate) fn new(client: &ClientConfig) -> Self {
        Self {
            rules: BreakerRules {
                failures: client.breaker_failures,
                share: client.breaker_failure_share,
                least_calls: client.breaker_least_calls,
                window: client.breaker_window,
                probe_first: client.probe_interval,
                probe_longest: client.probe_interval_max.max(client.probe_interval),
            },
            most_calls: client.max_calls_per_pod,
            patience: client.list_timeout.mul_f64(0.9),
            idle: client.probe_idle,
            probing: AtomicBool::new(false),
            opened: Notify::new(),
        }
    }

    /// From now on somebody probes.
    pub(crate) fn probing(&self) {
        self.probing.store(true, Ordering::Relaxed);
    }
}

/// How a service of a pod is.
#[derive(Debug, Clone)]
pub struct ServiceHealth {
    /// The service.
    pub service: Service,
    /// Its breaker.
    pub state: BreakerState,
    /// Since when.
    pub since: Timestamp,
    /// What went wrong last, for operators: no token and no query in it.
    pub last_error: Option<String>,
}

/// How a pod is, as this process sees it.
#[derive(Debug)]
pub struct PodHealth {
    region: String,
    judge: Arc<Judge>,
    services: [Mutex<Record>; Service::ALL.len()],
    calls: AtomicUsize,
    /// Between 0 and 1: spreads what is done at intervals.
    phase: f64,
}

#[derive(Debug)]
struct Record {
    breaker: Breaker,
    since: Timestamp,
    last_error: Option<String>,
    /// When a call last ended.
    heard: Instant,
    /// Whether that was well.
    well: bool,
}

impl PodHealth {
    pub(crate) fn new(region: &str, judge: Arc<Judge>) -> Arc<Self> {
        let now = Instant::now();
        Arc::new(Self {
            region: region.to_owned(),
            services: array::from_fn(|_| {
                Mutex::new(Record {
                    breaker: Breaker::new(judge.rules, now),
                    since: tricircle_db::now(),
                    last_error: None,
                    heard: now,
                    well: true,
                })
            }),
            judge,
            calls: AtomicUsize::new(0),
            phase: rand::random(),
        })
    }

    fn record(&self, service: Service) -> MutexGuard<'_, Record> {
        // One record for each service, in the order of the enumeration.
        self.services[service as usize]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// How one service is.
    pub fn of(&self, service: Service) -> ServiceHealth {
        let record = self.record(service);
        ServiceHealth {
            service,
            state: record.breaker.state(),
            since: record.since,
            last_error: record.last_error.clone(),
        }
    }

    /// Calls under way.
    pub fn calls(&self) -> usize {
        self.calls.load(Ordering::Relaxed)
    }

    /// Lets a call begin, unless the service is down or the pod has enough to do.
    pub(crate) fn begin(self: &Arc<Self>, service: Service) -> Result<Ticket, PodError> {
        let Some(period) = self.record(service).breaker.admit() else {
            return Err(PodError::Down {
                pod: self.region.clone(),
                service: service.name(),
            });
        };
        let before = self.calls.fetch_add(1, Ordering::Relaxed);
        // From here on the ticket's end counts the call off again.
        let ticket = Ticket {
            health: self.clone(),
            service,
            period,
            began: Instant::now(),
            ended: false,
        };
        if self.judge.most_calls > 0 && before >= self.judge.most_calls {
            let mut ticket = ticket;
            ticket.ended = true;
            return Err(PodError::Busy {
                pod: self.region.clone(),
            });
        }
        Ok(ticket)
    }

    fn heard(&self, service: Service, period: Period, error: Option<String>) {
        let now = Instant::now();
        let opened = {
            let mut record = self.record(service);
            record.heard = now;
            record.well = error.is_none();
            match &error {
                None => {
                    record.breaker.answered(period, now);
                    false
                }
                Some(error) => {
                    record.last_error = Some(error.clone());
                    let probing = self.judge.probing.load(Ordering::Relaxed);
                    let opened = probing && record.breaker.failed(period, now, rand::random());
                    if opened {
                        record.since = tricircle_db::now();
                    }
                    opened
                }
            }
        };
        if opened {
            tracing::warn!(
                pod.name = self.region,
                pod.service = service.name(),
                error,
                "a service of a pod does not answer; it is asked in the background from now on"
            );
            self.judge.opened.notify_one();
        }
    }

    /// What the prober has to do with a service now, and when to come again.
    pub(crate) fn duty(&self, service: Service, now: Instant) -> Duty {
        let mut record = self.record(service);
        if record.breaker.begin_probe(now) {
            return Duty::Probe;
        }
        if let Some(due) = record.breaker.next_probe() {
            return Duty::Wait(due);
        }
        if record.breaker.admit().is_none() || self.judge.idle.is_zero() {
            return Duty::None;
        }
        // After a failure that nobody followed up: soon.
        let pause = match record.well {
            true => self.judge.idle.mul_f64(0.75 + self.phase / 4.0),
            false => self.judge.idle.min(self.judge.rules.probe_first),
        };
        match record.heard + pause {
            due if due <= now => {
                record.heard = now;
                Duty::Ask
            }
            due => Duty::Wait(due),
        }
    }

    /// The end of a probe. True when the service is back.
    pub(crate) fn probed(&self, service: Service, end: &Result<(), String>) -> bool {
        let now = Instant::now();
        let mut record = self.record(service);
        record.heard = now;
        record.well = end.is_ok();
        if let Err(error) = end {
            record.last_error = Some(error.clone());
        }
        let back = record.breaker.probed(end.is_ok(), now, rand::random());
        if back {
            record.since = tricircle_db::now();
        }
        back
    }
}

/// What the prober has to do with a service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Duty {
    /// Its breaker is open and a probe is due; it was begun and must be ended.
    Probe,
    /// Nobody has called it for a while: ask, as an ordinary call.
    Ask,
    /// Nothing before then.
    Wait(Instant),
    /// Nothing.
    None,
}

/// A call under way.
#[derive(Debug)]
pub(crate) struct Ticket {
    health: Arc<PodHealth>,
    service: Service,
    period: Period,
    began: Instant,
    ended: bool,
}

impl Ticket {
    /// How the call ended. It stays under way, as one of so many, until the ticket goes.
    pub(crate) fn ended<T>(&mut self, result: &Result<T, PodError>) {
        self.ended = true;
        match result {
            Err(error) if is_sign_of_death(error) => {
                self.health
                    .heard(self.service, self.period, Some(in_short(error)));
            }
            // We did not get as far as the pod.
            Err(
                PodError::Auth { .. }
                | PodError::AuthMode(_)
                | PodError::NoEndpoint { .. }
                | PodError::Busy { .. },
            ) => {}
            _ => self.health.heard(self.service, self.period, None),
        }
    }

    /// The head of an answer came, with this status.
    pub(crate) fn ended_with(&mut self, status: u16) {
        self.ended = true;
        let error = is_proxys_excuse(status).then(|| format!("status {status}"));
        self.health.heard(self.service, self.period, error);
    }

    /// How the call ended says nothing about the pod.
    pub(crate) fn ended_by_the_caller(&mut self) {
        self.ended = true;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.health.calls.fetch_sub(1, Ordering::Relaxed);
        // Whoever waited gave up: after a while that is the pod's doing.
        if !self.ended && self.began.elapsed() >= self.health.judge.patience {
            let text = "no answer in time".to_owned();
            self.health.heard(self.service, self.period, Some(text));
        }
    }
}

/// Whether a call ended as calls to a service end that is not there: no connection, no
/// answer, or a proxy's word for it. Any other answer, a 500 too, comes from the living.
fn is_sign_of_death(error: &PodError) -> bool {
    match error {
        PodError::Unreachable { .. } | PodError::NoAnswer { .. } => true,
        PodError::Status { code, .. } => is_proxys_excuse(*code),
        _ => false,
    }
}

/// 502, 503, 504: what a proxy says when the service behind it does not answer.
pub fn is_proxys_excuse(code: u16) -> bool {
    (502..=504).contains(&code)
}

/// An error for operators' eyes: what went wrong, without what the pod wrote.
fn in_short(error: &PodError) -> String {
    match error {
        PodError::Status { code, .. } => format!("status {code}"),
        PodError::Unreachable { source, .. } => {
            let mut text = "can not be reached".to_owned();
            let mut cause = std::error::Error::source(source);
            while let Some(error) = cause {
                text = format!("can not be reached: {error}");
                cause = error.source();
            }
            text
        }
        _ => "no answer in time".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn health(change: impl FnOnce(&mut ClientConfig)) -> Arc<PodHealth> {
        let mut client = tricircle_config::Config::default().client;
        client.breaker_failures = 2;
        change(&mut client);
        let judge = Judge::new(&client);
        judge.probing();
        PodHealth::new("Pod1", Arc::new(judge))
    }

    fn status(code: u16) -> Result<(), PodError> {
        Err(PodError::Status {
            pod: "Pod1".to_owned(),
            code,
            message: "secret".to_owned(),
            fault: String::new(),
            body: serde_json::Value::Null,
            retry_after: None,
        })
    }

    fn no_answer() -> Result<(), PodError> {
        Err(PodError::NoAnswer {
            pod: "Pod1".to_owned(),
        })
    }

    fn calls(health: &Arc<PodHealth>, end: impl Fn() -> Result<(), PodError>) -> BreakerState {
        for _ in 0..2 {
            if let Ok(mut ticket) = health.begin(Service::Compute) {
                ticket.ended(&end());
            }
        }
        health.of(Service::Compute).state
    }

    #[test]
    fn only_what_a_dead_service_would_do_opens() {
        use BreakerState::{Closed, Open};
        type End = fn() -> Result<(), PodError>;
        let table: [(End, _); 9] = [
            (no_answer, Open),
            (|| status(502), Open),
            (|| status(503), Open),
            (|| status(504), Open),
            (|| status(500), Closed),
            (|| status(429), Closed),
            (|| status(404), Closed),
            (|| Ok(()), Closed),
            (|| Err(PodError::AuthMode("Pod1".to_owned())), Closed),
        ];
        for (end, state) in table {
            assert_eq!(calls(&health(|_| {}), end), state, "{:?}", end());
        }
    }

    #[test]
    fn services_of_a_pod_open_apart_and_operators_see_why_but_not_what_the_pod_wrote() {
        let health = health(|_| {});
        calls(&health, || status(503));
        let down = health.begin(Service::Compute).unwrap_err();
        assert!(matches!(down, PodError::Down { .. }), "{down:?}");
        assert!(health.begin(Service::Volume).is_ok());
        let seen = health.of(Service::Compute);
        assert_eq!(seen.last_error.as_deref(), Some("status 503"));
        assert!(seen.since <= tricircle_db::now());
    }

    #[test]
    fn no_more_than_so_many_calls_at_a_time() {
        let health = health(|client| client.max_calls_per_pod = 2);
        let first = health.begin(Service::Compute).unwrap();
        let _second = health.begin(Service::Volume).unwrap();
        for _ in 0..3 {
            let refused = health.begin(Service::Compute).unwrap_err();
            assert!(matches!(refused, PodError::Busy { .. }), "{refused:?}");
        }
        assert_eq!(health.calls(), 2);
        drop(first);
        assert!(health.begin(Service::Compute).is_ok());
        assert_eq!(health.of(Service::Compute).state, BreakerState::Closed);
    }

    #[test]
    fn a_call_that_its_caller_gave_up_counts_once_it_took_long() {
        for (patience, state) in [(0, BreakerState::Open), (3_600, BreakerState::Closed)] {
            let health = health(|client| client.list_timeout = Duration::from_secs(patience));
            for _ in 0..2 {
                drop(health.begin(Service::Compute));
            }
            assert_eq!(health.of(Service::Compute).state, state);
            assert_eq!(health.calls(), 0);
        }
    }

    #[test]
    fn the_prober_asks_what_is_open_and_what_was_not_heard_of() {
        let health = health(|client| client.probe_idle = Duration::from_secs(30));
        let now = Instant::now();
        let later = now + Duration::from_secs(31);
        assert!(matches!(
            health.duty(Service::Compute, now),
            Duty::Wait(due) if due <= later
        ));
        assert_eq!(health.duty(Service::Compute, later), Duty::Ask);
        assert!(matches!(
            health.duty(Service::Compute, later),
            Duty::Wait(_)
        ));
        calls(&health, no_answer);
        let later = later + Duration::from_secs(31);
        assert_eq!(health.duty(Service::Compute, later), Duty::Probe);
        assert_eq!(health.duty(Service::Compute, later), Duty::None);
        assert!(health.probed(Service::Compute, &Ok(())));
        assert!(health.begin(Service::Compute).is_ok());
    }
}
