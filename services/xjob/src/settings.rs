//! The engine's settings from the configuration file.

use tricircle_config::Config;
use tricircle_jobs::EngineConfig;

/// What `[jobs]` says, and a name for this worker that tells host and process.
pub fn engine_config(config: &Config) -> EngineConfig {
    let jobs = &config.jobs;
    EngineConfig {
        owner: format!("{}:{}", host_name(), std::process::id()),
        workers: jobs.workers,
        // One pod that hangs must leave a place for the others.
        per_pod: jobs.workers.saturating_sub(1).max(1),
        lease: jobs.lease,
        poll_interval: jobs.poll_interval,
        retry_base: jobs.retry_base,
        retry_max: jobs.retry_max,
        // Before the process is killed for taking too long, the rest is handed on.
        grace: config.default.shutdown_timeout / 2,
        keep_finished: jobs.keep_finished,
        keep_deleted: jobs.keep_deleted,
    }
}

fn host_name() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_owned())
        .unwrap_or_else(|_| "host".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pod_never_takes_all_places_unless_there_is_only_one() {
        for (workers, per_pod) in [(1, 1), (2, 1), (8, 7)] {
            let mut config = Config::default();
            config.jobs.workers = workers;
            assert_eq!(engine_config(&config).per_pod, per_pod);
        }
    }
}
