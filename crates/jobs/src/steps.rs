//! Jobs that are made of steps, each of which can be taken back.
//!
//! For creations that a user waits for: either all of it exists in the end or nothing.
//! The log says for each step whether it was begun and what came out. A step that was
//! begun and has no result may or may not have happened; `ensure` and `ensure_absent`
//! find that out by looking, so both directions may start anywhere.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::Value;
use tricircle_db::models::{JobStep, StepPhase};

use crate::{JobError, JobKind, JobRun};

/// A chain of steps.
#[async_trait]
pub trait Steps: Send + Sync {
    /// See [`JobKind::name`].
    fn name(&self) -> &'static str;

    /// See [`JobKind::payload_version`].
    fn payload_version(&self) -> i32 {
        1
    }

    /// See [`JobKind::give_up_after`].
    fn give_up_after(&self) -> Option<Duration> {
        None
    }

    /// Names of the steps, in order.
    fn steps(&self) -> &'static [&'static str];

    /// What a step must know before it begins and find again after a crash, such as
    /// the id that it will give to what it makes. Kept in the log before `ensure`.
    fn prepare(&self, _step: usize, _run: &JobRun) -> Value {
        Value::Null
    }

    /// Makes what the step stands for, if it is not there yet, and returns what later
    /// steps need. `outputs` are those of the steps before it.
    async fn ensure(
        &self,
        step: usize,
        run: &JobRun,
        prepared: &Value,
        outputs: &[Value],
    ) -> Result<Value, JobError>;

    /// Removes what the step stands for, if it is there. `output` is what `ensure`
    /// returned; none when it did not come to its end.
    async fn ensure_absent(
        &self,
        step: usize,
        run: &JobRun,
        prepared: &Value,
        output: Option<&Value>,
    ) -> Result<(), JobError>;
}

/// Steps as a kind of job.
#[derive(Debug, Clone)]
pub struct InSteps<S>(pub S);

#[async_trait]
impl<S: Steps> JobKind for InSteps<S> {
    fn name(&self) -> &'static str {
        self.0.name()
    }

    fn payload_version(&self) -> i32 {
        self.0.payload_version()
    }

    fn give_up_after(&self) -> Option<Duration> {
        self.0.give_up_after()
    }

    fn has_undo(&self) -> bool {
        true
    }

    async fn run(&self, run: &JobRun) -> Result<(), JobError> {
        let log = run.log().await?;
        let mut outputs = Vec::new();
        for (step, name) in self.0.steps().iter().enumerate() {
            let seq = seq(step)?;
            if let Some(output) = output_of(&log, seq, StepPhase::Succeeded)? {
                outputs.push(output);
                continue;
            }
            run.check()?;
            let prepared = match output_of(&log, seq, StepPhase::Started)? {
                Some(prepared) => prepared,
                None => {
                    let prepared = self.0.prepare(step, run);
                    run.record(seq, StepPhase::Started, name, &prepared).await?;
                    prepared
                }
            };
            tracing::debug!(job.step = name, "step");
            let output = match self.0.ensure(step, run, &prepared, &outputs).await {
                // What a creation needs is gone: it can never come to its end.
                Err(JobError::Gone(why)) => return Err(JobError::Permanent(why)),
                other => other?,
            };
            run.record(seq, StepPhase::Succeeded, name, &output).await?;
            outputs.push(output);
        }
        Ok(())
    }

    async fn undo(&self, run: &JobRun) -> Result<(), JobError> {
        let log = run.log().await?;
        for (step, name) in self.0.steps().iter().enumerate().rev() {
            let seq = seq(step)?;
            let Some(prepared) = output_of(&log, seq, StepPhase::Started)? else {
                continue;
            };
            if output_of(&log, seq, StepPhase::Undone)?.is_some() {
                continue;
            }
            let output = output_of(&log, seq, StepPhase::Succeeded)?;
            run.record(seq, StepPhase::UndoStarted, name, &Value::Null)
                .await?;
            tracing::debug!(job.step = name, "undoing step");
            let undone = self.0.ensure_absent(step, run, &prepared, output.as_ref());
            match undone.await {
                Ok(()) | Err(JobError::Gone(_)) => {}
                Err(error) => return Err(error),
            }
            run.record(seq, StepPhase::Undone, name, &Value::Null)
                .await?;
        }
        Ok(())
    }
}

fn seq(step: usize) -> Result<i32, JobError> {
    i32::try_from(step).map_err(JobError::permanent)
}

/// What the log holds for a phase of a step, if the step reached it.
fn output_of(log: &[JobStep], seq: i32, phase: StepPhase) -> Result<Option<Value>, JobError> {
    log.iter()
        .find(|line| line.seq == seq && line.phase == phase)
        .map(|line| serde_json::from_str(&line.output).map_err(JobError::permanent))
        .transpose()
}
