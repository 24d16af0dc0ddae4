//! A session of a user: does one thing after the other, and compares every answer with
//! what it was told before.
//!
//! What it does is in the modules beside this one (`networks`, `servers`, `volumes`,
//! `looks`); here is what they share: the call, the verdict on its answer, the book.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use serde_json::Value;
use tokio_util::sync::CancellationToken;

use crate::chaos::book::{Book, Kind, Ticket, Wish};
use crate::chaos::dice::Dice;
use crate::chaos::record::Record;
use crate::chaos::timeline::Timeline;
use crate::chaos::verdict::{Needs, Outcome, judge};
use crate::identity::{Api, Region};
use crate::process::Service;

/// What all sessions of a run share.
#[derive(Debug, Default)]
pub struct Run {
    /// What was wrong and when.
    pub timeline: Timeline,
    /// What happened.
    pub record: Record,
}

impl Run {
    /// Keeps a finding of now.
    pub fn finding(&self, text: &str) {
        tracing::warn!("finding: {text}");
        self.record.finding(self.timeline.now(), text);
    }
}

/// What a session needs to know of the cloud.
#[derive(Debug, Clone)]
pub struct Offer {
    /// The zones, one for each pod, in the order of the pods.
    pub zones: Vec<String>,
    /// An image.
    pub image: String,
    /// A flavor.
    pub flavor: String,
    /// Part of all names.
    pub tag: String,
}

/// One of the sessions of a project.
#[derive(Debug)]
pub struct User {
    /// The run.
    pub run: Arc<Run>,
    /// The cloud.
    pub offer: Offer,
    /// The top as this user sees it.
    pub region: Region,
    /// What the project knows.
    pub book: Arc<Mutex<Book>>,
    /// Its luck.
    pub dice: Dice,
    /// Which session of all.
    pub number: usize,
    /// How many names it gave.
    pub named: usize,
}

/// How a call ended.
#[derive(Debug)]
pub struct Reply {
    /// The call and its answer in words, with the request id.
    pub story: String,
    /// The status, or none.
    pub outcome: Outcome,
    /// The body; null if there is none.
    pub body: Value,
    service: Service,
    needs: Needs,
    begun: Duration,
    ended: Duration,
}

impl Reply {
    /// The status; 0 without an answer.
    pub fn status(&self) -> u16 {
        match self.outcome {
            Outcome::Status(status) => status,
            Outcome::NoAnswer(_) => 0,
        }
    }

    /// It was done.
    pub fn ok(&self) -> bool {
        (200..300).contains(&self.status())
    }

    /// It was refused: nothing was done.
    pub fn refused(&self) -> bool {
        (400..500).contains(&self.status())
    }

    /// What a create that was not done leaves behind.
    pub fn wish(&self) -> Wish {
        match self.refused() {
            true => Wish::Refused,
            false => Wish::Unclear,
        }
    }

    /// A text of the body; empty if it is not there.
    pub fn text(&self, pointer: &str) -> &str {
        self.body
            .pointer(pointer)
            .and_then(Value::as_str)
            .unwrap_or_default()
    }
}

/// What a session does next.
#[derive(Debug, Clone, Copy)]
enum Act {
    Network,
    Port,
    Group,
    Rules,
    Server,
    Volume,
    Attach,
    Detach,
    Rename,
    Delete(Kind),
    Show,
    List,
    Addresses,
}

/// Most things of a kind that a project has, more or less: its sessions do not ask each
/// other.
const MOST_OF_A_KIND: usize = 25;

/// What sessions do, and how often.
const ACTS: [(Act, usize); 18] = [
    (Act::Network, 6),
    (Act::Port, 6),
    (Act::Group, 3),
    (Act::Rules, 5),
    (Act::Server, 14),
    (Act::Volume, 8),
    (Act::Attach, 6),
    (Act::Detach, 4),
    (Act::Rename, 3),
    (Act::Delete(Kind::Server), 12),
    (Act::Delete(Kind::Volume), 7),
    (Act::Delete(Kind::Port), 5),
    (Act::Delete(Kind::Subnet), 1),
    (Act::Delete(Kind::Network), 5),
    (Act::Delete(Kind::Group), 2),
    (Act::Show, 16),
    (Act::List, 5),
    (Act::Addresses, 3),
];

impl User {
    /// Goes on until it is told to stop.
    pub async fn live(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            self.act().await;
            let pause = self.dice.millis(0, 200);
            tokio::select! {
                () = stop.cancelled() => {}
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    async fn act(&mut self) {
        let Some(act) = self.dice.weighed(&ACTS) else {
            return;
        };
        // Who has a lot of a kind gives one away before the next: else a long run would be
        // about ever longer lists, and its end about deleting them.
        let act = match made_by(act) {
            Some(kind) if self.book().count(kind) >= MOST_OF_A_KIND => Act::Delete(kind),
            _ => act,
        };
        match act {
            Act::Network => self.create_network().await,
            Act::Port => self.create_port().await,
            Act::Group => self.create_group().await,
            Act::Rules => self.change_rules().await,
            Act::Server => self.create_server().await,
            Act::Volume => self.create_volume().await,
            Act::Attach => self.attach().await,
            Act::Detach => self.detach().await,
            Act::Rename => self.rename().await,
            Act::Delete(kind) => self.delete_one(kind).await,
            Act::Show => self.show_one().await,
            Act::List => self.list().await,
            Act::Addresses => self.addresses().await,
        }
    }

    /// A name that was never given before.
    pub fn name(&mut self, kind: Kind) -> String {
        self.named += 1;
        let kind = kind.name().replace(' ', "-");
        format!("{}-{kind}-{}-{}", self.offer.tag, self.number, self.named)
    }

    /// The project's book.
    pub fn book(&self) -> MutexGuard<'_, Book> {
        self.book.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call, counted, not judged yet.
    pub async fn call(
        &self,
        what: &'static str,
        needs: Needs,
        api: Api,
        (method, path): (&str, &str),
        body: Option<Value>,
    ) -> Reply {
        let client = self.region.api(api);
        let begun = self.run.timeline.now();
        let answer = client
            .try_raw(method, path, body.map(|body| body.to_string()))
            .await;
        let ended = self.run.timeline.now();
        let (outcome, body, text, id) = match answer {
            Ok(answer) => {
                let id = answer.header("x-openstack-request-id").to_owned();
                (Outcome::Status(answer.status), answer.body, answer.text, id)
            }
            Err(error) => {
                let reason = format!("{error:?}");
                let text = reason.clone();
                (Outcome::NoAnswer(reason), Value::Null, text, String::new())
            }
        };
        let label = match &outcome {
            Outcome::Status(status) => status.to_string(),
            Outcome::NoAnswer(_) => "no answer".to_owned(),
        };
        self.run.record.call(what, label, ended - begun);
        let text: String = text.chars().take(300).collect();
        Reply {
            story: format!(
                "{what}: {method} {path} (from {:.3} s, {id}): {text}",
                begun.as_secs_f64()
            ),
            outcome,
            body,
            service: match api {
                Api::Compute => Service::Compute,
                Api::Volume => Service::Volume,
                Api::Network => Service::Network,
            },
            needs,
            begun,
            ended,
        }
    }

    /// Keeps a finding unless the answer is right or excused.
    pub fn expect(&self, reply: &Reply, right: &[u16]) {
        self.run
            .record
            .check("an answer is right for what was wrong");
        let troubles = self.run.timeline.during(reply.begun, reply.ended);
        let verdict = judge(reply.service, reply.needs, right, &reply.outcome, &troubles);
        if let Err(wrong) = verdict {
            let troubles: Vec<String> = troubles.iter().map(ToString::to_string).collect();
            self.run
                .finding(&format!("{wrong}; troubles {troubles:?}; {}", reply.story));
        }
    }

    /// Whether a pod had troubles while the call was under way.
    pub fn troubled(&self, reply: &Reply, pod: Option<usize>) -> bool {
        use crate::chaos::timeline::Trouble;
        let troubles = self.run.timeline.during(reply.begun, reply.ended);
        troubles.iter().any(|trouble| match trouble {
            Trouble::Pod(place, _) => pod.is_none_or(|pod| pod == *place),
            Trouble::Database | Trouble::Keystone => true,
            _ => false,
        })
    }

    /// Says that an action is over; whether others were at the same things.
    pub fn end(&self, ticket: Ticket) -> bool {
        self.book().end(ticket)
    }
}

/// What an action makes one of.
fn made_by(act: Act) -> Option<Kind> {
    match act {
        Act::Network => Some(Kind::Network),
        Act::Port => Some(Kind::Port),
        Act::Group => Some(Kind::Group),
        Act::Server => Some(Kind::Server),
        Act::Volume => Some(Kind::Volume),
        _ => None,
    }
}

/// The right answers, and those that are right only when somebody else interfered.
pub fn right(always: &[u16], disturbed: bool, then: &[u16]) -> Vec<u16> {
    let mut all = always.to_vec();
    if disturbed {
        all.extend(then);
    }
    all
}
