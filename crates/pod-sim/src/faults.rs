//! Faults to play on calls: which, what, and how often.
//!
//! Rules are tried in the order of their injection; the first that matches is
//! used up by one and played alone.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use regex::Regex;
use serde_json::Value;

use crate::request::Service;
use crate::server::SimError;

/// Which calls a fault is for. Parts left out match everything.
#[derive(Clone, Debug, Default)]
pub struct Match {
    service: Option<Service>,
    method: Option<String>,
    path: Option<Regex>,
}

impl Match {
    /// Every call to the node.
    pub fn any() -> Self {
        Self::default()
    }

    /// Calls to one service.
    pub fn service(service: Service) -> Self {
        Match {
            service: Some(service),
            ..Self::default()
        }
    }

    /// Narrows to one HTTP method.
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_ascii_uppercase());
        self
    }

    /// Narrows to paths (without the query) in which `regex` is found.
    ///
    /// # Errors
    /// When `regex` is none.
    pub fn path(mut self, regex: &str) -> Result<Self, SimError> {
        self.path = Some(Regex::new(regex).map_err(|e| SimError::Invalid(e.to_string()))?);
        Ok(self)
    }

    fn matches(&self, service: Service, method: &str, path: &str) -> bool {
        self.service.is_none_or(|s| s == service)
            && self.method.as_deref().is_none_or(|m| m == method)
            && self.path.as_ref().is_none_or(|p| p.is_match(path))
    }
}

/// What happens to a matched call.
#[derive(Clone, Debug, PartialEq)]
pub enum Fault {
    /// Answer with this code and JSON body; nothing takes effect.
    Status(u16, Value),
    /// Wait, then act and answer as usual.
    DelayThen(Duration),
    /// Act at once, answer after the delay: the caller may have given up.
    CommitThenDelay(Duration),
    /// Act, then answer with this code and JSON body all the same.
    CommitThenStatus(u16, Value),
    /// Act, then cut the connection without an answer.
    DropReplyAfterCommit,
    /// Cut the connection before anything takes effect.
    ResetBefore,
    /// Never answer; nothing takes effect.
    HangForever,
}

impl Fault {
    pub(crate) fn label(&self) -> String {
        match self {
            Fault::Status(code, _) => format!("status {code}"),
            Fault::DelayThen(time) => format!("delay {time:?}"),
            Fault::CommitThenDelay(time) => format!("commit, delay {time:?}"),
            Fault::CommitThenStatus(code, _) => format!("commit, status {code}"),
            Fault::DropReplyAfterCommit => "drop reply after commit".into(),
            Fault::ResetBefore => "reset before".into(),
            Fault::HangForever => "hang forever".into(),
        }
    }
}

/// How often a fault is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Times {
    /// On the next so many matching calls.
    N(u32),
    /// Until it is cleared.
    Always,
}

#[derive(Clone, Debug)]
struct Rule {
    matcher: Match,
    fault: Fault,
    left: Times,
    played: u32,
}

/// The faults of one node.
#[derive(Clone, Debug, Default)]
pub struct Faults(Arc<Mutex<Vec<Rule>>>);

impl Faults {
    /// Adds a fault behind those already there.
    pub fn inject(&self, matcher: Match, fault: Fault, times: Times) {
        self.rules().push(Rule {
            matcher,
            fault,
            left: times,
            played: 0,
        });
    }

    /// Removes all faults.
    pub fn clear(&self) {
        self.rules().clear();
    }

    /// How often faults were played since the last `clear`.
    pub fn played(&self) -> u32 {
        self.rules().iter().map(|rule| rule.played).sum()
    }

    /// The fault to be played on this call, used up by one: for whoever plays
    /// them, a simulated pod or a proxy in front of a real one.
    pub fn take(&self, service: Service, method: &str, path: &str) -> Option<Fault> {
        let mut rules = self.rules();
        let rule = rules
            .iter_mut()
            .find(|rule| rule.left != Times::N(0) && rule.matcher.matches(service, method, path))?;
        if let Times::N(n) = &mut rule.left {
            *n -= 1;
        }
        rule.played += 1;
        Some(rule.fault.clone())
    }

    fn rules(&self) -> std::sync::MutexGuard<'_, Vec<Rule>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_played_as_often_as_asked_and_only_where_it_matches() {
        let faults = Faults::default();
        let on_create = Match::service(Service::Nova)
            .method("post")
            .path("/servers$")
            .unwrap();
        faults.inject(on_create, Fault::ResetBefore, Times::N(2));
        let take = |m: &str, p: &str| faults.take(Service::Nova, m, p);
        assert_eq!(take("GET", "/v2.1/servers"), None);
        assert_eq!(take("POST", "/v2.1/servers/x/action"), None);
        assert_eq!(faults.take(Service::Cinder, "POST", "/servers"), None);
        assert_eq!(take("POST", "/v2.1/servers"), Some(Fault::ResetBefore));
        assert_eq!(take("POST", "/v2.1/servers"), Some(Fault::ResetBefore));
        assert_eq!(take("POST", "/v2.1/servers"), None);
        assert_eq!(faults.played(), 2);
    }
}
