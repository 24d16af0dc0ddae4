//! The policy file, read again when it changed, as OpenStack's services do.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use tokio_util::sync::CancellationToken;
use tricircle_policy::{Enforcer, PolicyError};

/// How often it is looked at.
const EVERY: Duration = Duration::from_secs(5);

/// A policy file that is watched.
pub(crate) struct Watched {
    path: PathBuf,
    policy: Arc<Enforcer>,
    seen: Option<SystemTime>,
}

impl Watched {
    /// Puts the file's rules in force, the defaults where there is none.
    pub(crate) fn load(path: &Path) -> Result<Self, PolicyError> {
        // Before it is read: what changes meanwhile is seen at the next look.
        let seen = changed_at(path);
        Ok(Self {
            path: path.to_owned(),
            policy: Arc::new(Enforcer::load_if_exists(path)?),
            seen,
        })
    }

    /// The rules, whatever they are at the time.
    pub(crate) fn policy(&self) -> Arc<Enforcer> {
        self.policy.clone()
    }

    /// Puts in force what the file says now, if it changed. What cannot be used is
    /// logged, and the rules stay as they were.
    pub(crate) fn look(&mut self) {
        let now = changed_at(&self.path);
        if now == self.seen {
            return;
        }
        self.seen = now;
        match Enforcer::load_if_exists(&self.path) {
            Ok(rules) => {
                for rule in rules.unused() {
                    tracing::warn!(rule, "the policy file has a rule that nothing asks for");
                }
                self.policy.replace(&rules);
                tracing::info!(file = %self.path.display(), "the policy was read again");
            }
            Err(error) => tracing::error!(
                file = %self.path.display(), %error,
                "the policy file cannot be used; the rules before it stay in force"
            ),
        }
    }

    /// Looks now and then, until `shutdown`.
    pub(crate) async fn keep(mut self, shutdown: CancellationToken) {
        let mut ticks = tokio::time::interval(EVERY);
        loop {
            tokio::select! {
                _ = ticks.tick() => {
                    let looked = tokio::task::spawn_blocking(move || {
                        self.look();
                        self
                    });
                    match looked.await {
                        Ok(again) => self = again,
                        Err(_) => return,
                    }
                }
                () = shutdown.cancelled() => return,
            }
        }
    }
}

fn changed_at(path: &Path) -> Option<SystemTime> {
    std::fs::metadata(path)
        .and_then(|file| file.modified())
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use tricircle_policy::{Credentials, Target};

    #[test]
    fn what_changed_is_in_force_and_what_cannot_be_read_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("policy.yaml");
        let write = |text: &str, second: u64| {
            std::fs::write(&path, text).unwrap();
            let at = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
            std::fs::File::options()
                .write(true)
                .open(&path)
                .unwrap()
                .set_modified(at)
                .unwrap();
        };
        let mut watched = Watched::load(&path).unwrap();
        let policy = watched.policy();
        let nobody = Credentials::default();
        let allowed = || policy.allows("pods:list", &nobody, &Target::new());
        assert!(!allowed());
        write("\"pods:list\": \"@\"\n", 1);
        watched.look();
        assert!(allowed());
        write("\"pods:list\": \"((\"\n", 2);
        watched.look();
        assert!(allowed(), "the last good rules stay");
        write("\"pods:list\": \"!\"\n", 3);
        watched.look();
        assert!(!allowed());
    }
}
