//! How much of the process's memory answers of pods may take.
//!
//! One answer is bounded by itself; a list reads an answer of every pod and keeps them
//! until it is merged, and many lists run at a time. So what is being read is counted
//! over the whole process, and a read that would go beyond the limit ends in
//! [`crate::PodError::Busy`]: one request fails instead of the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The bytes that answers may take, shared by a whole process.
#[derive(Debug)]
pub(crate) struct AnswerMemory {
    limit: usize,
    used: AtomicUsize,
}

impl AnswerMemory {
    pub(crate) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self {
            limit,
            used: AtomicUsize::new(0),
        })
    }
}

/// What one piece of work holds of it; given back when this goes.
#[derive(Debug)]
pub struct HeldAnswers {
    memory: Arc<AnswerMemory>,
    held: AtomicUsize,
}

impl HeldAnswers {
    pub(crate) fn new(memory: &Arc<AnswerMemory>) -> Arc<Self> {
        Arc::new(Self {
            memory: memory.clone(),
            held: AtomicUsize::new(0),
        })
    }

    /// Takes so many bytes more; false: there are not as many left.
    pub fn take(&self, bytes: usize) -> bool {
        let used = &self.memory.used;
        let limit = self.memory.limit;
        let taken = used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |used| {
            used.checked_add(bytes).filter(|sum| *sum <= limit)
        });
        if taken.is_ok() {
            self.held.fetch_add(bytes, Ordering::Relaxed);
        }
        taken.is_ok()
    }
}

impl Drop for HeldAnswers {
    fn drop(&mut self) {
        let held = *self.held.get_mut();
        self.memory.used.fetch_sub(held, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_bounded_and_comes_back() {
        let memory = AnswerMemory::new(10);
        let (one, other) = (HeldAnswers::new(&memory), HeldAnswers::new(&memory));
        assert!(one.take(6) && other.take(4));
        assert!(!one.take(1) && !other.take(usize::MAX));
        drop(one);
        assert!(other.take(6));
        drop(other);
        assert_eq!(memory.used.load(Ordering::Relaxed), 0);
    }
}
