//! What the users of one project were told, and what they may therefore rely on.
//!
//! Several sessions of a project share a book and work at the same time, also on the
//! same things. So a session says what it is about to use or to take away, and learns
//! afterwards whether somebody else was at it: only then is a conflict or a 404 right.

use std::collections::BTreeMap;

/// What users make.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// A server.
    Server,
    /// A volume.
    Volume,
    /// A port that the user made, not one of a server's own.
    Port,
    /// A subnet.
    Subnet,
    /// A network.
    Network,
    /// A security group.
    Group,
}

impl Kind {
    /// All of them, in an order in which they can be deleted.
    pub const ALL: [Self; 6] = [
        Self::Server,
        Self::Volume,
        Self::Port,
        Self::Subnet,
        Self::Network,
        Self::Group,
    ];

    /// What it is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Server => "server",
            Self::Volume => "volume",
            Self::Port => "port",
            Self::Subnet => "subnet",
            Self::Network => "network",
            Self::Group => "security group",
        }
    }

    /// Whether a delete that was answered is done, not only accepted.
    pub fn goes_at_once(self) -> bool {
        !matches!(self, Self::Server | Self::Volume)
    }
}

/// What a user knows of a thing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Its create was answered: it exists until somebody deletes it.
    There,
    /// Its delete was answered: it will be gone, or is.
    Leaving,
    /// It was seen gone after its delete.
    Gone,
    /// Its delete was not answered: it exists or not.
    Unclear,
}

/// Which server has a volume.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Holder {
    /// None.
    Nobody,
    /// This one.
    Server(String),
    /// An attach or detach was not answered.
    Unclear,
}

/// A thing that has an id.
#[derive(Debug, Clone)]
pub struct Thing {
    /// What it is.
    pub kind: Kind,
    /// Its id.
    pub id: String,
    /// Its pod, by place, where the user knows it.
    pub pod: Option<usize>,
    /// Ids of the networks, ports and groups that it uses.
    pub uses: Vec<String>,
    /// What the user knows of it.
    pub standing: Standing,
    /// Whether it was seen ready to be used.
    pub ready: bool,
    /// Of a volume.
    pub holder: Holder,
}

/// How a create ended that gave no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Refused: it must not come to exist.
    Refused,
    /// Not answered, or with a 5xx: it may exist, once.
    Unclear,
}

/// A create that gave no id.
#[derive(Debug, Clone)]
pub struct Unmade {
    /// What was to be made.
    pub kind: Kind,
    /// Under which name; no two creates have the same.
    pub name: String,
    /// What it would use.
    pub uses: Vec<String>,
    /// How it ended.
    pub wish: Wish,
}

/// Whether a thing is used by others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InUse {
    /// By something that is there.
    Yes,
    /// By something that leaves, or may or may not exist.
    Perhaps,
    /// By nothing.
    No,
}

/// An action that began: which ids it needs to stay, and which it changes or takes away.
#[derive(Debug, Clone)]
pub struct Ticket {
    using: Vec<String>,
    taking: Vec<String>,
    disturbed: bool,
    seen: u64,
}

/// Sessions at one id now, and how many there ever were.
#[derive(Debug, Clone, Copy, Default)]
struct Traffic {
    users: u32,
    takers: u32,
    used: u64,
    taken: u64,
}

/// The book of a project.
#[derive(Debug, Default)]
pub struct Book {
    things: BTreeMap<String, Thing>,
    unmade: Vec<Unmade>,
    traffic: BTreeMap<String, Traffic>,
}

impl Book {
    /// Writes down something that was made.
    pub fn made(&mut self, thing: Thing) {
        self.things.insert(thing.id.clone(), thing);
    }

    /// Writes down a create that gave no id.
    pub fn unmade(&mut self, kind: Kind, name: &str, uses: &[String], wish: Wish) {
        self.unmade.push(Unmade {
            kind,
            name: name.to_owned(),
            uses: uses.to_vec(),
            wish,
        });
    }

    /// A thing by its id.
    pub fn thing(&self, id: &str) -> Option<&Thing> {
        self.things.get(id)
    }

    /// The same, to be changed.
    pub fn thing_mut(&mut self, id: &str) -> Option<&mut Thing> {
        self.things.get_mut(id)
    }

    /// Everything that was ever made.
    pub fn things(&self) -> impl Iterator<Item = &Thing> {
        self.things.values()
    }

    /// How many things of a kind are there, or may be.
    pub fn count(&self, kind: Kind) -> usize {
        let counts = |thing: &&Thing| {
            thing.kind == kind && matches!(thing.standing, Standing::There | Standing::Unclear)
        };
        self.things.values().filter(counts).count()
    }

    /// Creates that gave no id.
    pub fn unmade_things(&self) -> &[Unmade] {
        &self.unmade
    }

    /// Things of a kind that are there.
    pub fn there(&self, kind: Kind) -> Vec<Thing> {
        self.things
            .values()
            .filter(|thing| thing.kind == kind && thing.standing == Standing::There)
            .cloned()
            .collect()
    }

    /// What a delete means for what the user knows. `answered`: with success.
    pub fn deleted(&mut self, id: &str, answered: bool) {
        let Some(thing) = self.things.get_mut(id) else {
            return;
        };
        thing.standing = match (thing.standing, answered) {
            (Standing::Gone, _) => Standing::Gone,
            (Standing::Leaving, _) | (_, true) => Standing::Leaving,
            (_, false) => Standing::Unclear,
        };
    }

    /// Notes that a thing was seen gone, which is right only when somebody deleted it.
    pub fn seen_gone(&mut self, id: &str) {
        if let Some(thing) = self.things.get_mut(id)
            && thing.standing != Standing::There
        {
            thing.standing = Standing::Gone;
        }
        for thing in self.things.values_mut() {
            if thing.holder == Holder::Server(id.to_owned()) {
                thing.holder = Holder::Nobody;
            }
        }
    }

    /// Whether anything uses this.
    pub fn in_use(&self, id: &str) -> InUse {
        let uses = |ids: &[String]| ids.iter().any(|used| used == id);
        let mut answer = InUse::No;
        for thing in self.things.values().filter(|thing| uses(&thing.uses)) {
            // A network's subnets go with it.
            let counts = thing.kind != Kind::Subnet;
            match thing.standing {
                Standing::There if counts => return InUse::Yes,
                // What a server had is given back after it was seen gone.
                _ if counts => answer = InUse::Perhaps,
                _ => {}
            }
        }
        if self.unmade.iter().any(|unmade| uses(&unmade.uses)) {
            answer = InUse::Perhaps;
        }
        answer
    }

    /// An action begins that uses these ids and changes or takes away those.
    pub fn begin(&mut self, using: &[String], taking: &[String]) -> Ticket {
        let mut ticket = Ticket {
            using: using.to_vec(),
            taking: taking.to_vec(),
            disturbed: false,
            seen: 0,
        };
        for id in using {
            let traffic = self.traffic.entry(id.clone()).or_default();
            ticket.disturbed |= traffic.takers > 0;
            traffic.users += 1;
            traffic.used += 1;
        }
        for id in taking {
            let traffic = self.traffic.entry(id.clone()).or_default();
            ticket.disturbed |= traffic.takers > 0 || traffic.users > 0;
            traffic.takers += 1;
            traffic.taken += 1;
        }
        ticket.seen = self.disturbances(&ticket);
        ticket
    }

    /// The action is over. Whether others were at the same things meanwhile.
    pub fn end(&mut self, ticket: Ticket) -> bool {
        let disturbed = ticket.disturbed || self.disturbances(&ticket) != ticket.seen;
        for id in &ticket.using {
            if let Some(traffic) = self.traffic.get_mut(id) {
                traffic.users -= 1;
            }
        }
        for id in &ticket.taking {
            if let Some(traffic) = self.traffic.get_mut(id) {
                traffic.takers -= 1;
            }
        }
        disturbed
    }

    /// A number that changes when somebody comes who disturbs the ticket's action.
    fn disturbances(&self, ticket: &Ticket) -> u64 {
        let of = |ids: &[String], count: &dyn Fn(&Traffic) -> u64| -> u64 {
            ids.iter()
                .filter_map(|id| self.traffic.get(id))
                .map(count)
                .sum()
        };
        of(&ticket.using, &|t| t.taken) + of(&ticket.taking, &|t| t.taken + t.used)
    }
}
