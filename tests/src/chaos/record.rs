//! What happened in a run: counted calls, checks that were made, findings.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// Findings beyond so many are counted and not kept.
const KEPT: usize = 200;

/// Calls of one kind that ended alike.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// How many.
    pub calls: u64,
    /// The longest of them.
    pub longest: Duration,
}

/// All that is remembered of a run.
#[derive(Debug, Clone, Default)]
pub struct Remembered {
    /// Calls by kind and how they ended.
    pub calls: BTreeMap<(&'static str, String), Count>,
    /// How often each check was made.
    pub checks: BTreeMap<&'static str, u64>,
    /// What is wrong.
    pub findings: Vec<String>,
    /// Further findings that were not kept.
    pub further: usize,
    /// Calls that pods answered wrongly, by trouble.
    pub spoiled: BTreeMap<&'static str, u64>,
}

/// The record of a run, shared by all who take part.
#[derive(Debug, Default)]
pub struct Record(Mutex<Remembered>);

impl Record {
    /// Counts a call.
    pub fn call(&self, kind: &'static str, ended: String, took: Duration) {
        let mut record = self.lock();
        let count = record.calls.entry((kind, ended)).or_default();
        count.calls += 1;
        count.longest = count.longest.max(took);
    }

    /// Counts a check.
    pub fn check(&self, what: &'static str) {
        *self.lock().checks.entry(what).or_default() += 1;
    }

    /// Counts calls that a pod was made to spoil.
    pub fn spoiled(&self, trouble: &'static str, calls: u32) {
        *self.lock().spoiled.entry(trouble).or_default() += u64::from(calls);
    }

    /// Keeps a finding.
    pub fn finding(&self, at: Duration, text: &str) {
        let mut record = self.lock();
        if record.findings.len() < KEPT {
            let line = format!("{:8.3} s  {text}", at.as_secs_f64());
            record.findings.push(line);
        } else {
            record.further += 1;
        }
    }

    /// All of it so far.
    pub fn so_far(&self) -> Remembered {
        self.lock().clone()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Remembered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
