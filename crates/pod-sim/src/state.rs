//! The state of one pod, and its clock.
//!
//! What a real service does after its answer (build a server, delete a volume)
//! is an [`Event`] with a due time. Nothing waits for it: every access to the
//! pod first applies what has become due, so that the state is a function of
//! the calls and the time, and a stopped pod still finishes its work.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::cinder::CinderState;
use crate::neutron::NeutronState;
use crate::nova::NovaState;

/// Work that a service has promised.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Event {
    /// Bind the ports of a server and set it ACTIVE (or ERROR).
    BuildServer(String),
    /// Let go of a server's ports and volumes and forget it.
    DeleteServer(String),
    /// End an action: set the state that it leads to.
    SettleServer(String, &'static str),
    /// creating to available.
    CreateVolume(String),
    /// Forget a volume.
    DeleteVolume(String),
    /// Mark a volume as attached to a server.
    AttachVolume { server: String, volume: String },
    /// Free a volume.
    DetachVolume { server: String, volume: String },
    /// Unplug and, if Nova made it, delete a port.
    DetachPort { server: String, port: String },
    /// creating to available.
    CreateSnapshot(String),
    /// Forget a snapshot.
    DeleteSnapshot(String),
}

/// How long the pod's services take for what they do after their answer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Timing {
    /// BUILD to ACTIVE; `None`: never by itself.
    pub(crate) build: Option<Duration>,
    /// Everything else.
    pub(crate) other: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Timing {
            build: Some(Duration::from_millis(5)),
            other: Duration::from_millis(2),
        }
    }
}

/// Everything that one pod knows.
#[derive(Debug, Default)]
pub(crate) struct PodState {
    /// The region's name; host names are made of it.
    pub(crate) name: String,
    pub(crate) nova: NovaState,
    pub(crate) neutron: NeutronState,
    pub(crate) cinder: CinderState,
    pub(crate) timing: Timing,
    due: BTreeMap<(Instant, u64), Event>,
    sequence: u64,
}

impl PodState {
    /// Promises `event` for `after` from now.
    pub(crate) fn promise(&mut self, event: Event, after: Duration) {
        self.sequence += 1;
        let at = Instant::now() + after;
        self.due.insert((at, self.sequence), event);
    }

    /// Promises `event` with the pod's usual delay.
    pub(crate) fn promise_soon(&mut self, event: Event) {
        self.promise(event, self.timing.other);
    }

    /// Applies what is due by `now`, in order.
    pub(crate) fn tick(&mut self, now: Instant) {
        while let Some(entry) = self.due.first_entry() {
            if entry.key().0 > now {
                break;
            }
            let event = entry.remove();
            self.apply(event);
        }
    }

    /// When the next event is due.
    pub(crate) fn next_due(&self) -> Option<Instant> {
        self.due.first_key_value().map(|((at, _), _)| *at)
    }

    /// The host name of the pod's only compute node.
    pub(crate) fn compute_host(&self) -> String {
        format!("{}-compute", self.name.to_lowercase())
    }

    fn apply(&mut self, event: Event) {
        match event {
            Event::BuildServer(id) => crate::nova::lifecycle::build(self, &id),
            Event::DeleteServer(id) => crate::nova::lifecycle::finish_delete(self, &id),
            Event::SettleServer(id, state) => {
                crate::nova::lifecycle::settle(self, &id, state);
            }
            Event::AttachVolume { server, volume } => {
                crate::nova::attachments::finish_attach(self, &server, &volume);
            }
            Event::DetachVolume { server, volume } => {
                crate::nova::attachments::finish_detach(self, &server, &volume);
            }
            Event::DetachPort { server, port } => {
                crate::nova::interfaces::finish_detach(self, &server, &port);
            }
            Event::CreateVolume(id) => self.cinder.finish_create(&id),
            Event::DeleteVolume(id) => self.cinder.finish_delete(&id),
            Event::CreateSnapshot(id) => self.cinder.finish_snapshot(&id),
            Event::DeleteSnapshot(id) => self.cinder.finish_snapshot_delete(&id),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_wait_for_their_time_and_then_apply_in_order() {
        let mut state = PodState::default();
        state.promise(Event::DeleteVolume("a".into()), Duration::from_secs(100));
        state.promise(Event::DeleteVolume("b".into()), Duration::ZERO);
        state.tick(Instant::now());
        assert_eq!(state.due.len(), 1, "only the due one is gone");
        assert!(state.next_due().unwrap() > Instant::now());
        state.tick(Instant::now() + Duration::from_secs(200));
        assert_eq!(state.next_due(), None);
    }
}
