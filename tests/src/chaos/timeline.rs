//! What was wrong and when: users ask it before they complain.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::process::Service;

/// Something wrong with the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trouble {
    /// A service's process was killed, until it is ready again.
    Killed(Service),
    /// A service's process was stopped (SIGSTOP) and goes on later, unaware of it.
    Paused(Service),
    /// RabbitMQ was killed, until it runs again.
    Broker,
    /// MariaDB was killed, until it runs again.
    Database,
    /// Keystone does not listen.
    Keystone,
    /// Something is wrong with a pod, by its place.
    Pod(usize, PodTrouble),
}

/// What may be wrong with a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum PodTrouble {
    /// It does not listen.
    Refuses,
    /// It accepts connections and never answers.
    Silent,
    /// Every answer is this status.
    Fails(u16),
    /// Changes are made, and the connection is cut in place of the answer.
    LosesReplies,
    /// Connections are cut before anything is done.
    Resets,
    /// Everything takes longer.
    Slow,
    /// Changes are made at once, and answered after the caller may have given up.
    AnswersLate,
}

impl Trouble {
    /// Its name in the report, without whom it befalls.
    pub fn kind(self) -> &'static str {
        match self {
            Self::Killed(service) => match service {
                Service::Admin => "kill -9 admin-api",
                Service::Network => "kill -9 neutron-api",
                Service::Compute => "kill -9 nova-apigw",
                Service::Volume => "kill -9 cinder-apigw",
                Service::Jobs => "kill -9 xjob",
            },
            Self::Paused(Service::Jobs) => "xjob stopped past its lease",
            Self::Paused(_) => "an API process stopped for a while",
            Self::Broker => "kill -9 RabbitMQ",
            Self::Database => "kill -9 MariaDB",
            Self::Keystone => "Keystone away",
            Self::Pod(_, PodTrouble::Refuses) => "pod refuses connections",
            Self::Pod(_, PodTrouble::Silent) => "pod silent",
            Self::Pod(_, PodTrouble::Fails(_)) => "pod answers 5xx",
            Self::Pod(_, PodTrouble::LosesReplies) => "pod loses replies to changes",
            Self::Pod(_, PodTrouble::Resets) => "pod resets connections",
            Self::Pod(_, PodTrouble::Slow) => "pod slow",
            Self::Pod(_, PodTrouble::AnswersLate) => "pod answers changes late",
        }
    }

    /// How long after its end calls may still suffer: pools find out that connections
    /// are dead, a pod that was given up is asked again.
    pub fn aftermath(self) -> Duration {
        match self {
            Self::Killed(_) | Self::Paused(_) | Self::Broker => Duration::from_secs(1),
            Self::Database | Self::Keystone => Duration::from_secs(5),
            Self::Pod(..) => Duration::from_secs(10),
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pod(place, PodTrouble::Fails(code)) => {
                write!(f, "Pod{} answers {code}", place + 1)
            }
            Self::Pod(place, _) => write!(f, "Pod{}: {}", place + 1, self.kind()),
            Self::Paused(service) => write!(f, "{} stopped", service.name()),
            _ => f.write_str(self.kind()),
        }
    }
}

/// One trouble, from when until when (since the begin of the run).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// What.
    pub trouble: Trouble,
    /// Its begin.
    pub from: Duration,
    /// Its end; none while it lasts.
    pub until: Option<Duration>,
}

impl Window {
    /// Whether a call between these times may suffer from it.
    pub fn overlaps(&self, begun: Duration, ended: Duration) -> bool {
        let over = self
            .until
            .map_or(Duration::MAX, |until| until + self.trouble.aftermath());
        self.from <= ended && begun <= over
    }
}

/// All troubles of a run. Clones are handles to the same.
#[derive(Debug, Clone)]
pub struct Timeline {
    begun: Instant,
    windows: Arc<Mutex<Vec<Window>>>,
}

impl Default for Timeline {
    fn default() -> Self {
        Self {
            begun: Instant::now(),
            windows: Arc::default(),
        }
    }
}

impl Timeline {
    /// The time since the run's begin.
    pub fn now(&self) -> Duration {
        self.begun.elapsed()
    }

    /// Notes that a trouble begins; its number.
    pub fn begin(&self, trouble: Trouble) -> usize {
        let from = self.now();
        let mut windows = self.lock();
        windows.push(Window {
            trouble,
            from,
            until: None,
        });
        windows.len() - 1
    }

    /// Notes that a trouble is over.
    pub fn end(&self, number: usize) {
        let now = self.now();
        if let Some(window) = self.lock().get_mut(number) {
            window.until = Some(now);
        }
    }

    /// What a call between these times may have suffered from.
    pub fn during(&self, begun: Duration, ended: Duration) -> Vec<Trouble> {
        let windows = self.lock();
        let overlapping = windows.iter().filter(|w| w.overlaps(begun, ended));
        overlapping.map(|window| window.trouble).collect()
    }

    /// How many there were of each kind.
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        for window in self.lock().iter() {
            *counts.entry(window.trouble.kind()).or_default() += 1;
        }
        counts
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Window>> {
        self.windows.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
