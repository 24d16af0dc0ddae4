//! The report of a run, in text.

use std::fmt::Write;
use std::time::Duration;

use crate::chaos::calm::Times;
use crate::chaos::user::Run;

/// How a run was, beside what its record holds.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// The seed.
    pub seed: u64,
    /// How long users and troubles were at it.
    pub time: Duration,
    /// How many pods.
    pub pods: usize,
    /// How many sessions of users.
    pub sessions: usize,
    /// How long it took to be in order again.
    pub calm: Times,
    /// Resident memory of each process at its first start, at most, and at the end, in
    /// KiB.
    pub memory: Vec<(&'static str, [u64; 3])>,
}

/// The report.
pub fn text(run: &Run, facts: &Facts) -> String {
    let record = run.record.so_far();
    let mut text = format!(
        "chaos: seed {}, {:.0} s, {} pods, {} sessions of users\n",
        facts.seed,
        facts.time.as_secs_f64(),
        facts.pods,
        facts.sessions
    );
    let mut line = |line: String| {
        let _ = writeln!(text, "{line}");
    };
    let total: u64 = record.calls.values().map(|count| count.calls).sum();
    line(format!("\n{total} calls, by kind and answer (longest)"));
    let mut kinds: Vec<&str> = record.calls.keys().map(|(kind, _)| *kind).collect();
    kinds.dedup();
    for kind in kinds {
        let answers: Vec<String> = record
            .calls
            .iter()
            .filter(|((of, _), _)| *of == kind)
            .map(|((_, answer), count)| {
                let longest = count.longest.as_secs_f64();
                format!("{answer}: {} ({longest:.1} s)", count.calls)
            })
            .collect();
        line(format!("  {kind:24} {}", answers.join("  ")));
    }
    let counts = run.timeline.counts();
    line(format!("\n{} troubles", counts.values().sum::<usize>()));
    for (kind, count) in counts {
        let spoiled = record.spoiled.get(kind);
        let spoiled = spoiled.map_or_else(String::new, |n| format!(", {n} calls spoiled"));
        line(format!("  {kind:34} {count}{spoiled}"));
    }
    line("\nchecks".to_owned());
    for (check, count) in &record.checks {
        line(format!("  {check:52} {count}"));
    }
    line(format!(
        "\nin order {:.1} s after the troubles with half of the things left, and {:.1} s after \
         the rest was deleted",
        facts.calm.half.as_secs_f64(),
        facts.calm.nothing.as_secs_f64()
    ));
    line("\nmemory (MiB): at first, at most, at the end".to_owned());
    for (name, sizes) in &facts.memory {
        let sizes = sizes.map(|size| format!("{:5}", size / 1024));
        line(format!("  {name:14} {}", sizes.join(" ")));
    }
    match record.findings.len() + record.further {
        0 => line("\nnothing found".to_owned()),
        found => line(format!("\n{found} findings")),
    }
    for finding in &record.findings {
        line(format!("  {finding}"));
    }
    text
}
