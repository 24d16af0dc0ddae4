//! Whether a service of a pod may be called: the circuit breaker as a pure state machine.
//!
//! Calls to a service that is gone cost their callers a whole deadline each. After a few
//! failures in a row, or too many of them among the calls of a while, the breaker *opens*:
//! calls fail at once. From then on the service is asked in the background, by a *probe*
//! whose pauses grow; while one is on its way the breaker is *half-open*, and calls still
//! fail at once, so that no user pays for finding out. A good probe closes it.
//!
//! A service may answer a probe and nothing else. So a breaker that was closed by a probe
//! is on trial until the first call succeeds: one failure opens it again, and the pauses
//! go on growing from where they were.
//!
//! Time is passed in, nothing is done here. A call carries the number of the period in
//! which it began; what an older one has to say about the service is not heard any more.

use std::time::{Duration, Instant};

/// When a breaker opens, and how it is probed. The options of `[client]`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BreakerRules {
    /// Failures in a row that open it; 0: it never opens.
    pub failures: u32,
    /// Failures among a hundred calls that open it; 0: none do.
    pub share: u32,
    /// Calls that a window must have before the share counts.
    pub least_calls: u32,
    /// The while over which the share is counted.
    pub window: Duration,
    /// Pause before the first probe.
    pub probe_first: Duration,
    /// Longest pause between two probes.
    pub probe_longest: Duration,
}

/// Where a breaker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BreakerState {
    /// Calls go through.
    Closed,
    /// A probe is on its way; calls fail at once.
    HalfOpen,
    /// Calls fail at once.
    Open,
}

impl BreakerState {
    /// The word for it in answers of the admin API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::HalfOpen => "half-open",
            Self::Open => "open",
        }
    }

    /// The number for it in metrics: the more the worse.
    pub const fn level(self) -> f64 {
        match self {
            Self::Closed => 0.0,
            Self::HalfOpen => 1.0,
            Self::Open => 2.0,
        }
    }
}

/// The period in which a call began.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Period(u64);

/// The breaker of one service in one pod.
#[derive(Debug, Clone)]
pub struct Breaker {
    rules: BreakerRules,
    state: BreakerState,
    period: u64,
    in_a_row: u32,
    on_trial: bool,
    /// Probes that failed since the service was last known to be well.
    failed_probes: u32,
    next_probe: Instant,
    this_window: Window,
    last_window: Window,
}

/// Calls and failures in one part of time.
#[derive(Debug, Clone, Copy)]
struct Window {
    began: Instant,
    calls: u32,
    failed: u32,
}

impl Window {
    const fn new(began: Instant) -> Self {
        Self {
            began,
            calls: 0,
            failed: 0,
        }
    }
}

impl Breaker {
    /// Closed, as every service is until it is known better.
    pub fn new(rules: BreakerRules, now: Instant) -> Self {
        Self {
            rules,
            state: BreakerState::Closed,
            period: 0,
            in_a_row: 0,
            on_trial: false,
            failed_probes: 0,
            next_probe: now,
            this_window: Window::new(now),
            last_window: Window::new(now),
        }
    }

    /// Where it stands.
    pub fn state(&self) -> BreakerState {
        self.state
    }

    /// A call may begin, in this period; none: it fails at once.
    pub fn admit(&self) -> Option<Period> {
        (self.state == BreakerState::Closed).then_some(Period(self.period))
    }

    /// A call that began in `period` was answered, with whatever status.
    pub fn answered(&mut self, period: Period, now: Instant) {
        if self.state != BreakerState::Closed || period.0 != self.period {
            return;
        }
        self.in_a_row = 0;
        self.on_trial = false;
        self.failed_probes = 0;
        self.count(false, now);
    }

    /// A call that began in `period` failed as calls to a dead service do. `jitter` is a
    /// random number from 0 to 1. True when the breaker opened.
    pub fn failed(&mut self, period: Period, now: Instant, jitter: f64) -> bool {
        if self.state != BreakerState::Closed || period.0 != self.period {
            return false;
        }
        self.in_a_row = self.in_a_row.saturating_add(1);
        self.count(true, now);
        let off = self.rules.failures == 0;
        let opens = self.on_trial || self.in_a_row >= self.rules.failures || self.is_mostly_bad();
        if off || !opens {
            return false;
        }
        self.enter(BreakerState::Open, now);
        self.next_probe = now + self.pause(jitter);
        true
    }

    /// When the next probe is due; none while it is closed or one is on its way.
    pub fn next_probe(&self) -> Option<Instant> {
        (self.state == BreakerState::Open).then_some(self.next_probe)
    }

    /// Begins a probe if one is due.
    pub fn begin_probe(&mut self, now: Instant) -> bool {
        let due = self.next_probe().is_some_and(|due| due <= now);
        if due {
            self.state = BreakerState::HalfOpen;
        }
        due
    }

    /// The probe was answered or was not. True when the breaker closed.
    pub fn probed(&mut self, good: bool, now: Instant, jitter: f64) -> bool {
        if self.state != BreakerState::HalfOpen {
            return false;
        }
        if good {
            self.enter(BreakerState::Closed, now);
            self.on_trial = true;
            // Should the trial fail, the pauses go on from here.
            self.failed_probes = self.failed_probes.saturating_add(1);
        } else {
            self.state = BreakerState::Open;
            self.failed_probes = self.failed_probes.saturating_add(1);
            self.next_probe = now + self.pause(jitter);
        }
        good
    }

    fn enter(&mut self, state: BreakerState, now: Instant) {
        self.state = state;
        self.period += 1;
        self.in_a_row = 0;
        self.on_trial = false;
        self.this_window = Window::new(now);
        self.last_window = Window::new(now);
    }

    /// Doubled with each failed probe up to the longest; of that a random part between
    /// three quarters and all, so that processes do not ask in step.
    fn pause(&self, jitter: f64) -> Duration {
        self.rules
            .probe_first
            .saturating_mul(2u32.saturating_pow(self.failed_probes))
            .min(self.rules.probe_longest)
            .mul_f64(0.75 + jitter.clamp(0.0, 1.0) / 4.0)
    }

    /// Two windows, the one that runs and the one before it, stand for a sliding one.
    fn count(&mut self, failed: bool, now: Instant) {
        let age = now.saturating_duration_since(self.this_window.began);
        if age >= self.rules.window {
            let is_next = age < self.rules.window * 2;
            let gone = std::mem::replace(&mut self.this_window, Window::new(now));
            self.last_window = if is_next { gone } else { Window::new(now) };
        }
        let window = &mut self.this_window;
        window.calls = window.calls.saturating_add(1);
        window.failed = window.failed.saturating_add(u32::from(failed));
    }

    fn is_mostly_bad(&self) -> bool {
        let sum = |of: fn(&Window) -> u32| {
            u64::from(of(&self.this_window)) + u64::from(of(&self.last_window))
        };
        let (calls, failed) = (sum(|w| w.calls), sum(|w| w.failed));
        self.rules.share > 0
            && calls >= u64::from(self.rules.least_calls)
            && failed * 100 >= calls * u64::from(self.rules.share)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    const RULES: BreakerRules = BreakerRules {
        failures: 3,
        share: 50,
        least_calls: 10,
        window: Duration::from_secs(30),
        probe_first: SECOND,
        probe_longest: Duration::from_secs(10),
    };

    /// What happens to a breaker.
    #[derive(Debug, Clone, Copy)]
    enum Event {
        /// Calls that are answered.
        Good(u32),
        /// Calls that fail.
        Bad(u32),
        /// The wait until a probe is due, and its end.
        Probe(bool),
        /// Time.
        Wait(u64),
    }
    use BreakerState::{Closed, Open};
    use Event::{Bad, Good, Probe, Wait};

    struct Played {
        breaker: Breaker,
        now: Instant,
        pauses: Vec<u64>,
    }

    fn play(rules: BreakerRules, events: &[Event]) -> Played {
        let mut now = Instant::now();
        let mut breaker = Breaker::new(rules, now);
        let mut pauses = Vec::new();
        for event in events {
            match *event {
                Good(n) => (0..n).for_each(|_| {
                    let period = breaker.admit().unwrap();
                    breaker.answered(period, now);
                }),
                Bad(n) => (0..n).for_each(|_| {
                    let period = breaker.admit().unwrap();
                    breaker.failed(period, now, 1.0);
                }),
                Wait(seconds) => now += SECOND * u32::try_from(seconds).unwrap(),
                Probe(good) => {
                    let due = breaker.next_probe().unwrap();
                    assert!(!breaker.begin_probe(due - Duration::from_millis(1)));
                    pauses.push(due.duration_since(now).as_secs());
                    now = due;
                    assert!(breaker.begin_probe(now));
                    assert_eq!(breaker.state(), BreakerState::HalfOpen);
                    assert!(breaker.admit().is_none(), "no user pays for a probe");
                    assert_eq!(breaker.probed(good, now, 1.0), good);
                }
            }
        }
        Played {
            breaker,
            now,
            pauses,
        }
    }

    #[test]
    fn a_breaker_opens_and_closes_by_its_rules() {
        let half_bad = [Good(1), Bad(1)].repeat(5);
        let in_windows = |wait| {
            let pairs = |n| [Good(1), Bad(1)].repeat(n);
            [pairs(3), vec![Wait(wait)], pairs(2)].concat()
        };
        let table: Vec<(&str, Vec<Event>, BreakerState)> = vec![
            ("nothing happened", vec![], Closed),
            ("too few", vec![Bad(2)], Closed),
            ("enough in a row", vec![Bad(3)], Open),
            ("not in a row", vec![Bad(2), Good(1), Bad(2)], Closed),
            ("too large a share", half_bad, Open),
            (
                "a small share",
                [Good(2), Bad(1)].repeat(40).to_vec(),
                Closed,
            ),
            (
                "over the edge of a window",
                in_windows(RULES.window.as_secs()),
                Open,
            ),
            (
                "long ago does not count",
                in_windows(3 * RULES.window.as_secs()),
                Closed,
            ),
            ("a bad probe", vec![Bad(3), Probe(false)], Open),
            ("a good probe", vec![Bad(3), Probe(true)], Closed),
            ("the trial fails", vec![Bad(3), Probe(true), Bad(1)], Open),
            (
                "the trial is won",
                vec![Bad(3), Probe(true), Good(1), Bad(2)],
                Closed,
            ),
        ];
        for (what, events, state) in table {
            let played = play(RULES, &events);
            assert_eq!(played.breaker.state(), state, "{what}");
            assert_eq!(played.breaker.admit().is_some(), state == Closed, "{what}");
            assert_eq!(played.breaker.next_probe().is_some(), state == Open);
        }
    }

    #[test]
    fn probes_come_at_growing_pauses_that_start_again_only_after_a_good_call() {
        let bad = [Probe(false); 6];
        let played = play(RULES, &[&[Bad(3)], &bad[..]].concat());
        assert_eq!(played.pauses, [1, 2, 4, 8, 10, 10]);
        // A service that answers nothing but probes is not asked ever faster.
        let flapping = [Bad(1), Probe(true)].repeat(3);
        let played = play(RULES, &[&[Bad(2)], &flapping[..]].concat());
        assert_eq!(played.pauses, [1, 2, 4]);
        let well = [Bad(3), Probe(true), Good(1), Bad(3), Probe(true)];
        assert_eq!(play(RULES, &well).pauses, [1, 1]);
    }

    #[test]
    fn jitter_shortens_a_pause_and_never_makes_it_vanish() {
        let now = Instant::now();
        let mut breaker = Breaker::new(RULES, now);
        let period = breaker.admit().unwrap();
        let opened = [0, 1, 2].map(|_| breaker.failed(period, now, 0.0));
        assert_eq!(opened, [false, false, true]);
        let pause = breaker.next_probe().unwrap().duration_since(now);
        assert_eq!(pause, Duration::from_millis(750));
    }

    #[test]
    fn a_call_from_before_a_change_is_not_heard() {
        let mut played = play(RULES, &[]);
        let old = played.breaker.admit().unwrap();
        played = play(RULES, &[Bad(3), Probe(true)]);
        assert!(!played.breaker.failed(old, played.now, 1.0));
        assert_eq!(played.breaker.state(), Closed);
        // Nor does an old answer end the trial.
        played.breaker.answered(old, played.now);
        let period = played.breaker.admit().unwrap();
        assert!(played.breaker.failed(period, played.now, 1.0));
    }

    #[test]
    fn a_breaker_that_is_switched_off_stays_closed() {
        let off = BreakerRules {
            failures: 0,
            ..RULES
        };
        assert_eq!(play(off, &[Bad(100)]).breaker.state(), Closed);
    }
}
