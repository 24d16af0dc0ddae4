//! Named points between side effects at which a test may kill the process.
//!
//! A flow calls [`hit`] before and after each of its side effects. In a build for tests
//! the environment decides what that does:
//!
//! * [`LOG_VARIABLE`] names a file; each point that is hit is appended to it, a line each.
//!   A test runs a flow once, reads which points it passed, and then kills the process at
//!   each: a new point is tested without being added to a list.
//! * [`ABORT_VARIABLE`] names the point at which the process ends as by `SIGKILL`: no
//!   destructor, no last word. `server_create.posted#2` means the second hit.
//!
//! Without debug assertions, which is how releases are built, [`hit`] is empty. That is a
//! condition of the profile and not a feature, because cargo unites the features that any
//! crate of a build asks for ([spec 0012](../../../specs/0012-failpoints.md)).
#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

/// Names the file into which each point that is hit is written.
pub const LOG_VARIABLE: &str = "TRICIRCLE_FAILPOINT_LOG";

/// Names the point at which the process ends, `name` or `name#n` for the n-th hit.
pub const ABORT_VARIABLE: &str = "TRICIRCLE_FAILPOINT_ABORT";

/// Passes the point `name`, written `flow.step`.
#[inline(always)]
pub fn hit(name: &str) {
    #[cfg(debug_assertions)]
    armed::hit(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}

#[cfg(debug_assertions)]
mod armed {
    use std::fs::OpenOptions;
    use std::io::Write;
    use std::path::PathBuf;
    use std::sync::OnceLock;
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::{ABORT_VARIABLE, LOG_VARIABLE};

    /// What the environment said when the first point was passed.
    struct Orders {
        log: Option<PathBuf>,
        abort: Option<Target>,
        hits: AtomicU64,
    }

    /// The hit at which to end.
    #[derive(Debug, PartialEq, Eq)]
    pub(super) struct Target {
        name: String,
        nth: u64,
    }

    impl Target {
        /// `name` or `name#n`; an `n` that is no number or 0 counts as 1.
        pub(super) fn read(text: &str) -> Option<Self> {
            let (name, nth) = text.split_once('#').unwrap_or((text, "1"));
            (!name.is_empty()).then(|| Self {
                name: name.to_owned(),
                nth: nth.parse().unwrap_or(1).max(1),
            })
        }
    }

    pub(super) fn hit(name: &str) {
        static ORDERS: OnceLock<Orders> = OnceLock::new();
        let orders = ORDERS.get_or_init(|| Orders {
            log: std::env::var_os(LOG_VARIABLE).map(PathBuf::from),
            abort: std::env::var(ABORT_VARIABLE)
                .ok()
                .and_then(|text| Target::read(&text)),
            hits: AtomicU64::new(0),
        });
        if let Some(path) = &orders.log {
            // One write, so that lines of several threads do not mix. A file that cannot
            // be written shows in the test that reads it.
            let line = format!("{name}\n");
            let opened = OpenOptions::new().create(true).append(true).open(path);
            let _ = opened.and_then(|mut file| file.write_all(line.as_bytes()));
        }
        if let Some(target) = &orders.abort
            && target.name == name
            && orders.hits.fetch_add(1, Ordering::SeqCst) + 1 == target.nth
        {
            std::process::abort();
        }
    }
}

#[cfg(all(test, debug_assertions))]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn a_target_has_a_name_and_perhaps_a_number() {
        use armed::Target;
        assert_eq!(Target::read("a.b"), Target::read("a.b#1"));
        assert_eq!(Target::read("a.b#0"), Target::read("a.b"));
        assert_ne!(Target::read("a.b#2"), Target::read("a.b"));
        assert_eq!(Target::read(""), None);
        assert_eq!(Target::read("#3"), None);
    }

    /// Not a test of its own: what [`the_second_hit_ends_the_process`] runs.
    #[test]
    #[ignore = "run by another test in a process of its own"]
    fn passes_two_points_twice() {
        for _ in 0..2 {
            hit("flow.first");
            hit("flow.second");
        }
    }

    #[test]
    fn the_second_hit_ends_the_process() {
        let log = std::env::temp_dir().join(format!("failpoints-{}", std::process::id()));
        let status = Command::new(std::env::current_exe().unwrap())
            .args(["--ignored", "--exact", "tests::passes_two_points_twice"])
            .env(LOG_VARIABLE, &log)
            .env(ABORT_VARIABLE, "flow.first#2")
            .output()
            .unwrap()
            .status;
        let passed = std::fs::read_to_string(&log).unwrap();
        std::fs::remove_file(&log).unwrap();
        assert!(!status.success());
        assert_eq!(passed, "flow.first\nflow.second\nflow.first\n");
    }
}
