//! What is sent, and what is concluded from it.
//!
//! An agent wires a port a moment after Neutron says that it is ready, so an answer is
//! awaited. A silence proves nothing by itself: it counts only when every packet of a
//! series is lost while, before and after it, the same sender gets answers from
//! elsewhere.

use std::net::Ipv4Addr;

use tokio::io::{AsyncBufReadExt, BufReader};

use super::PATIENCE;
use super::place::Place;
use crate::wait::until;

/// What runs in places. Programs of the interpreter that Debian has, and the sandbox
/// needs.
const PYTHON: &str = "/usr/bin/python3";
const LISTEN: &str = include_str!("../../../deploy/sandbox/sandbox/dataplane/programs/listen.py");
const SEND: &str = include_str!("../../../deploy/sandbox/sandbox/dataplane/programs/send.py");
const HOPS: &str = include_str!("../../../deploy/sandbox/sandbox/dataplane/programs/hops.py");
const DISCOVER: &str =
    include_str!("../../../deploy/sandbox/sandbox/dataplane/programs/discover.py");

/// How many packets a series has.
const SERIES: usize = 5;
/// What [`Place::transfer`] sends: enough for many full segments, windows and
/// retransmits, which a ping is not.
const BYTES: &str = "4000000";
/// Where it is received.
const PORT: &str = "8099";

/// A series of echo requests, and what came back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pings {
    /// Requests that left.
    pub sent: usize,
    /// Answers.
    pub received: usize,
    /// What `ping` said.
    pub text: String,
}

impl Pings {
    /// From what `ping` writes; nothing was sent when it could not even begin.
    fn parse(text: &str) -> Self {
        let summary = text.lines().find(|line| line.contains(" transmitted, "));
        let mut numbers = summary.unwrap_or_default().split(", ").map(|part| {
            let number = part.split_whitespace().next().unwrap_or_default();
            number.parse().unwrap_or(0)
        });
        Self {
            sent: numbers.next().unwrap_or(0),
            received: numbers.next().unwrap_or(0),
            text: text.trim().to_owned(),
        }
    }

    /// Every request was answered.
    pub fn all_answered(&self) -> bool {
        self.sent > 0 && self.received == self.sent
    }

    /// A whole series left, and nothing came back.
    pub fn all_lost(&self) -> bool {
        self.sent == SERIES && self.received == 0
    }
}

/// An offer of a DHCP server.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The address that the client may have.
    pub address: Ipv4Addr,
    /// Who offers it.
    pub server: Ipv4Addr,
    /// The first router that it names.
    pub router: Option<Ipv4Addr>,
}

impl Place {
    /// One series of pings.
    pub async fn ping(&self, address: Ipv4Addr) -> Pings {
        let (count, address) = (SERIES.to_string(), address.to_string());
        let command = ["ping", "-n", "-c", &count, "-i", "0.2", "-W", "1", &address];
        let done = self.run(&command).await;
        let text = [done.stdout, done.stderr].concat();
        Pings::parse(&String::from_utf8_lossy(&text))
    }

    /// Waits until a whole series is answered.
    pub async fn reaches(&self, address: Ipv4Addr) {
        let what = format!("{} reaches {address}", self.name);
        until(PATIENCE, &what, || async {
            let pings = self.ping(address).await;
            if pings.all_answered() {
                Ok(())
            } else {
                Err(pings.text)
            }
        })
        .await;
    }

    /// That nothing answers from an address, while `control` does, before and after.
    pub async fn hears_nothing_from(&self, address: Ipv4Addr, control: Ipv4Addr) {
        self.reaches(control).await;
        let pings = self.ping(address).await;
        assert!(
            pings.all_lost(),
            "{} should not reach {address}: {}",
            self.name,
            pings.text
        );
        let after = self.ping(control).await;
        assert!(after.all_answered(), "{}: {}", self.name, after.text);
    }

    /// Waits until an address that answered does not any more. That this is for a reason
    /// of its own is for the caller to show, by something that still gets through.
    pub async fn loses(&self, address: Ipv4Addr) {
        let what = format!("{} no longer reaches {address}", self.name);
        until(PATIENCE, &what, || async {
            let pings = self.ping(address).await;
            if pings.all_lost() {
                Ok(())
            } else {
                Err(pings.text)
            }
        })
        .await;
    }

    /// Sends some megabytes by TCP to a place that has, or is reached by, this address,
    /// and gives the sender's address as the receiver saw it.
    pub async fn transfer(&self, to: &Self, address: Ipv4Addr) -> Ipv4Addr {
        match self.try_transfer(to, address).await {
            Ok(peer) => peer,
            Err(reason) => panic!("{} to {} at {address}: {reason}", self.name, to.name),
        }
    }

    /// Waits until TCP to an address arrives at this place, and not where the address
    /// may have led before; the sender's address as the receiver saw it.
    pub async fn arrives(&self, to: &Self, address: Ipv4Addr) -> Ipv4Addr {
        let what = format!("{} arrives in {} by {address}", self.name, to.name);
        until(PATIENCE, &what, || self.try_transfer(to, address)).await
    }

    /// The same once; [`Err`] when not all of it arrived.
    async fn try_transfer(&self, to: &Self, address: Ipv4Addr) -> Result<Ipv4Addr, String> {
        let listener = to.command(&[PYTHON, "-B", "-c", LISTEN, PORT]).spawn();
        let mut listener = listener.unwrap();
        let mut lines = BufReader::new(listener.stdout.take().unwrap()).lines();
        let listening = lines.next_line().await.unwrap();
        assert_eq!(listening.as_deref(), Some("listening"), "{}", to.name);
        let address = address.to_string();
        let send = [PYTHON, "-B", "-c", SEND, &address, PORT, BYTES];
        let sent = self.run(&send).await;
        if !sent.status.success() {
            // The next one listens at the same port.
            listener.kill().await.unwrap();
            return Err(String::from_utf8_lossy(&sent.stderr).into_owned());
        }
        let sent = String::from_utf8_lossy(&sent.stdout).into_owned();
        let digest = sent.split_whitespace().next().unwrap_or_default();
        let received = lines.next_line().await.unwrap().unwrap_or_default();
        let words: Vec<&str> = received.split_whitespace().collect();
        match words[..] {
            [BYTES, seen, peer] if seen == digest => Ok(peer.parse().unwrap()),
            _ => Err(format!("sent {sent}, received {received}")),
        }
    }

    /// Who answers on the way to an address; none for who does not.
    pub async fn hops(&self, address: Ipv4Addr) -> Vec<Option<Ipv4Addr>> {
        let found = self
            .ask(&[PYTHON, "-B", "-c", HOPS, &address.to_string()])
            .await;
        found.lines().map(|line| line.parse().ok()).collect()
    }

    /// What a DHCP server offers to a MAC address that is here.
    pub async fn dhcp_offer(&self, mac: &str) -> Offer {
        let what = format!("an offer for {mac} in {}", self.name);
        until(PATIENCE, &what, || async {
            let found = self.ask(&[PYTHON, "-B", "-c", DISCOVER, mac]).await;
            let words: Vec<&str> = found.split_whitespace().collect();
            let [address, server, router] = words[..] else {
                return Err(format!("{found:?}"));
            };
            Ok(Offer {
                address: address.parse().unwrap(),
                server: server.parse().unwrap(),
                router: router.parse().ok(),
            })
        })
        .await
    }
}
