//! What things are tied to besides what they were made with: a router to subnets and an
//! external network, a floating IP to the port that it leads to, a server to ports that it
//! was given later.
//!
//! Ties are kept by the id of the other thing. A floating IP has two more, to what it leads
//! through: its router's gateway ([`gateway_of`]) and its router's interface
//! ([`interface_of`]). While these are there, neither can be taken from the router.

use crate::chaos::book::{Book, InUse, Kind, Standing, Thing};

/// Whether one thing has another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Tie {
    /// It has it until somebody takes it away.
    Yes,
    /// It has it not, since that was answered.
    No,
    /// It was taken away, which shows later.
    Leaving,
    /// What would have changed it was not answered.
    Unclear,
}

impl Tie {
    /// What is left of it when it may have gone.
    #[must_use]
    pub fn loosened(self) -> Self {
        match self {
            Self::Yes | Self::Unclear => Self::Unclear,
            Self::No | Self::Leaving => self,
        }
    }
}

/// A port that a server was given after it was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plug {
    /// The port; empty where a network was named and nothing was answered.
    pub port: String,
    /// Its network.
    pub network: String,
    /// Whether the port was made for it, and goes when it is taken off.
    pub made: bool,
    /// Whether the server has it.
    pub tie: Tie,
}

/// What a floating IP leads through at a router.
pub fn gateway_of(router: &str) -> String {
    format!("{router}/gateway")
}

/// What a floating IP to a port on a subnet leads through.
pub fn interface_of(router: &str, subnet: &str) -> String {
    format!("{router}/{subnet}")
}

/// Whether something is tied to this.
pub fn in_use<'a>(things: impl Iterator<Item = &'a Thing>, id: &str) -> InUse {
    let by = |thing: &Thing| {
        let plugs = thing.plugs.iter();
        let plugs = plugs.filter(|plug| plug.port == id || plug.network == id);
        let ties = thing.ties.get(id).copied().into_iter();
        let ties = ties.chain(plugs.map(|plug| plug.tie));
        ties.map(|tie| match (tie, thing.standing) {
            (Tie::No, _) => InUse::No,
            (Tie::Yes, Standing::There) => InUse::Yes,
            // A router's and a floating IP's go with it at once.
            (_, Standing::Leaving | Standing::Gone) if thing.kind != Kind::Server => InUse::No,
            _ => InUse::Perhaps,
        })
        .max()
        .unwrap_or(InUse::No)
    };
    things.map(by).max().unwrap_or(InUse::No)
}

/// Whether anything keeps a thing from being deleted: what uses it; of a network, what uses
/// its subnets; of a router, its interfaces and the floating IPs that lead through it.
pub fn kept(book: &Book, thing: &Thing) -> InUse {
    let own = |thing: &Thing| {
        let interfaces = thing.ties.iter().filter(|(id, _)| is_subnet(book, id));
        let of = |tie: &Tie| match tie {
            Tie::Yes => InUse::Yes,
            Tie::No => InUse::No,
            Tie::Leaving | Tie::Unclear => InUse::Perhaps,
        };
        interfaces
            .map(|(_, tie)| of(tie))
            .max()
            .unwrap_or(InUse::No)
    };
    match thing.kind {
        Kind::Subnet => book.in_use(&thing.uses[0]).max(book.in_use(&thing.id)),
        Kind::Network => {
            let subnets = book
                .things()
                .filter(|other| other.kind == Kind::Subnet && other.uses.contains(&thing.id));
            let by_subnet = subnets.map(|subnet| book.in_use(&subnet.id)).max();
            book.in_use(&thing.id).max(by_subnet.unwrap_or(InUse::No))
        }
        Kind::Router => {
            let known = book.thing(&thing.id).unwrap_or(thing);
            own(known).max(book.in_use(&gateway_of(&thing.id)))
        }
        _ => book.in_use(&thing.id),
    }
}

/// Whether an id is that of a subnet of this book.
pub fn is_subnet(book: &Book, id: &str) -> bool {
    book.thing(id)
        .is_some_and(|thing| thing.kind == Kind::Subnet)
}

/// What the floating IPs lead through that lead to a server or port: it is free when they
/// lead nowhere any more, and nobody knows when that is while one of the two goes.
pub fn led_through(book: &Book, which: impl Fn(&Thing) -> bool) -> Vec<String> {
    let floating = book.things().filter(|thing| thing.kind == Kind::FloatingIp);
    let ids = floating
        .filter(|thing| which(thing))
        .flat_map(|thing| thing.ties.keys());
    // What goes through an interface uses its subnet.
    ids.map(|id| match id.split_once('/') {
        Some((_, subnet)) if subnet != "gateway" => subnet.to_owned(),
        _ => id.clone(),
    })
    .collect()
}
