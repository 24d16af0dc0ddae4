//! What the handlers work with.

use std::ops::Deref;

use tricircle_api::{Fault, RequestContext};
use tricircle_policy::Target;
use tricircle_runtime::Parts;

/// The process's parts, as the handlers use them.
#[derive(Debug, Clone)]
pub(crate) struct State(Parts);

impl Deref for State {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl State {
    pub(crate) fn new(parts: Parts) -> Self {
        Self(parts)
    }

    /// Refuses with 403 unless the rule `admin_api:<rule>` allows the caller.
    pub(crate) fn require(&self, rule: &str, context: &RequestContext) -> Result<(), Fault> {
        self.policy.enforce(
            &format!("admin_api:{rule}"),
            &context.credentials(),
            &Target::new(),
        )?;
        Ok(())
    }
}
