//! Kinds of jobs, and the set that a worker can run.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use crate::{JobError, JobRun};

/// A kind of job.
///
/// `run` brings the resource in order, starting from whatever it finds: it may have
/// been cut off anywhere before, and it may be called when nothing is left to do. It
/// reads the state it works on when it starts, because the wish that woke it may be
/// older than the newest one. Calls to pods need a deadline well below the lease.
/// Between two side effects it asks [`JobRun::check`].
#[async_trait]
pub trait JobKind: Send + Sync {
    /// Name in the table; never reused for something else.
    fn name(&self) -> &'static str;

    /// Newest version of the payload that is understood. Older workers leave newer
    /// jobs alone, so that an upgrade may roll.
    fn payload_version(&self) -> i32 {
        1
    }

    /// How long after it was first wanted a job is given up that cannot be done, where
    /// somebody waits for it. Deletes and repairs never give up.
    fn give_up_after(&self) -> Option<Duration> {
        None
    }

    /// Whether a job that can never succeed is undone instead of failed.
    fn has_undo(&self) -> bool {
        false
    }

    /// Brings it in order.
    async fn run(&self, run: &JobRun) -> Result<(), JobError>;

    /// Takes back whatever `run` may have done; as repeatable as `run`.
    async fn undo(&self, _run: &JobRun) -> Result<(), JobError> {
        Ok(())
    }
}

#[async_trait]
impl<K: JobKind + ?Sized> JobKind for Arc<K> {
    fn name(&self) -> &'static str {
        (**self).name()
    }

    fn payload_version(&self) -> i32 {
        (**self).payload_version()
    }

    fn give_up_after(&self) -> Option<Duration> {
        (**self).give_up_after()
    }

    fn has_undo(&self) -> bool {
        (**self).has_undo()
    }

    async fn run(&self, run: &JobRun) -> Result<(), JobError> {
        (**self).run(run).await
    }

    async fn undo(&self, run: &JobRun) -> Result<(), JobError> {
        (**self).undo(run).await
    }
}

/// The kinds that a worker runs, by name.
#[derive(Clone, Default)]
pub struct Kinds(HashMap<&'static str, Arc<dyn JobKind>>);

impl std::fmt::Debug for Kinds {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

impl Kinds {
    /// No kinds.
    pub fn new() -> Self {
        Self::default()
    }

    /// With this kind too; a second one of the same name replaces the first.
    #[must_use]
    pub fn with(mut self, kind: impl JobKind + 'static) -> Self {
        self.0.insert(kind.name(), Arc::new(kind));
        self
    }

    /// The kind of this name.
    pub fn get(&self, name: &str) -> Option<&Arc<dyn JobKind>> {
        self.0.get(name)
    }

    /// The names of all of them.
    pub fn names(&self) -> impl Iterator<Item = &'static str> {
        self.0.keys().copied()
    }

    /// Names and the newest payload versions, as the claim needs them.
    pub(crate) fn claimable(&self) -> Vec<(String, i32)> {
        let kinds = self.0.values();
        kinds
            .map(|kind| (kind.name().to_owned(), kind.payload_version()))
            .collect()
    }
}

impl Extend<Arc<dyn JobKind>> for Kinds {
    fn extend<T: IntoIterator<Item = Arc<dyn JobKind>>>(&mut self, kinds: T) {
        for kind in kinds {
            self.0.insert(kind.name(), kind);
        }
    }
}

impl FromIterator<Arc<dyn JobKind>> for Kinds {
    fn from_iter<T: IntoIterator<Item = Arc<dyn JobKind>>>(kinds: T) -> Self {
        let mut all = Self::default();
        all.extend(kinds);
        all
    }
}
