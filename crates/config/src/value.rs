//! The types an option can have, each with how it is read from words and how
//! it is written into the sample.
//!
//! One trait instead of serde: every value in a file is text, the expected
//! type must appear in messages and in the sample, and a failure must not
//! repeat the text when it is a secret.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use ipnet::IpNet;
use secrecy::{ExposeSecret, SecretString};

/// A type an option can have.
pub trait Value: Sized {
    /// How the type is called in messages and in the sample.
    const KIND: &'static str;
    /// Whether the value must stay out of messages.
    const SECRET: bool = false;

    /// Reads the value. `words` are the assignments of the option in the order
    /// of the file, at least one; a type of one value takes the last. `None`
    /// means that the text is not of this type.
    fn parse(words: &[String]) -> Option<Self>;

    /// The text that `parse` reads back to this value.
    fn format(&self) -> String;
}

fn last(words: &[String]) -> Option<&str> {
    words.last().map(|word| word.trim())
}

impl Value for String {
    const KIND: &'static str = "string value";

    fn parse(words: &[String]) -> Option<Self> {
        words.last().cloned()
    }

    fn format(&self) -> String {
        self.clone()
    }
}

impl Value for SecretString {
    const KIND: &'static str = "string value";
    const SECRET: bool = true;

    fn parse(words: &[String]) -> Option<Self> {
        words.last().map(|word| Self::from(word.as_str()))
    }

    fn format(&self) -> String {
        self.expose_secret().to_owned()
    }
}

impl Value for bool {
    const KIND: &'static str = "boolean value";

    fn parse(words: &[String]) -> Option<Self> {
        match last(words)?.to_ascii_lowercase().as_str() {
            "true" | "1" | "on" | "yes" => Some(true),
            "false" | "0" | "off" | "no" => Some(false),
            _ => None,
        }
    }

    fn format(&self) -> String {
        self.to_string()
    }
}

macro_rules! parsed_value {
    ($($type:ty, $kind:literal;)*) => {
        $(impl Value for $type {
            const KIND: &'static str = $kind;

            fn parse(words: &[String]) -> Option<Self> {
                last(words)?.parse().ok()
            }

            fn format(&self) -> String {
                self.to_string()
            }
        })*
    };
}

parsed_value! {
    u16, "integer value from 0 to 65535";
    u32, "integer value, 0 or more";
    u64, "integer value, 0 or more";
    usize, "integer value, 0 or more";
    i64, "integer value";
    IpAddr, "IP address value";
    IpNet, "address prefix value";
    BaseMac, "MAC address value";
    Interface, "public, internal or admin";
    VlanRange, "physical_network or physical_network:first:last";
    PhysicalMapping, "region:physical_network:physical_network in the pod";
}

impl Value for Duration {
    const KIND: &'static str = "number of seconds";

    fn parse(words: &[String]) -> Option<Self> {
        let seconds: f64 = last(words)?.parse().ok()?;
        Self::try_from_secs_f64(seconds).ok()
    }

    fn format(&self) -> String {
        self.as_secs_f64().to_string()
    }
}

/// An empty value is `None`: that is how a file takes back a default.
impl<T: Value> Value for Option<T> {
    const KIND: &'static str = T::KIND;
    const SECRET: bool = T::SECRET;

    fn parse(words: &[String]) -> Option<Self> {
        if last(words)?.is_empty() {
            return Some(None);
        }
        T::parse(words).map(Some)
    }

    fn format(&self) -> String {
        self.as_ref().map(T::format).unwrap_or_default()
    }
}

impl Value for PathBuf {
    const KIND: &'static str = "path value";

    fn parse(words: &[String]) -> Option<Self> {
        last(words).map(Self::from)
    }

    fn format(&self) -> String {
        self.display().to_string()
    }
}

/// Commas and repeated assignments both add to a list. oslo.config would let
/// the last assignment of a `ListOpt` win and keep empty items; nobody asks
/// for either, and ranges are easier to read one a line.
impl<T: Value> Value for Vec<T> {
    const KIND: &'static str = "list value";
    const SECRET: bool = T::SECRET;

    fn parse(words: &[String]) -> Option<Self> {
        words
            .iter()
            .flat_map(|word| word.split([',', '\n']))
            .map(str::trim)
            .filter(|item| !item.is_empty())
            .map(|item| T::parse(&[item.to_owned()]))
            .collect()
    }

    fn format(&self) -> String {
        let items: Vec<String> = self.iter().map(T::format).collect();
        items.join(",")
    }
}

/// Which interface of the catalog's endpoints is used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Interface {
    /// For users.
    #[default]
    Public,
    /// For services in the same cloud.
    Internal,
    /// For administrators, where it still exists.
    Admin,
}

impl Interface {
    /// The word Keystone's catalog uses.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Internal => "internal",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Interface {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Interface {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        // keystoneauth also reads the older names `publicURL` and so on.
        match text.trim_end_matches("URL") {
            "public" => Ok(Self::Public),
            "internal" => Ok(Self::Internal),
            "admin" => Ok(Self::Admin),
            _ => Err(()),
        }
    }
}

/// The prefix of the MAC addresses given to ports: octets that are zero at
/// the end are filled per port, at least the last two and at most three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct BaseMac(pub [u8; 6]);

impl fmt::Display for BaseMac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let octets: Vec<String> = self.0.iter().map(|octet| format!("{octet:02x}")).collect();
        f.write_str(&octets.join(":"))
    }
}

impl FromStr for BaseMac {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let mut octets = [0; 6];
        let mut words = text.split(':');
        for octet in &mut octets {
            let word = words.next().ok_or(())?;
            let hex = word.len() == 2 && word.chars().all(|c| c.is_ascii_hexdigit());
            *octet = u8::from_str_radix(word, 16)
                .ok()
                .filter(|_| hex)
                .ok_or(())?;
        }
        // A group address can not be a port's own.
        let unicast = octets.first().is_some_and(|first| first & 1 == 0);
        (words.next().is_none() && unicast)
            .then_some(Self(octets))
            .ok_or(())
    }
}

/// A physical network that has another name in a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PhysicalMapping {
    /// The pod's region.
    pub region: String,
    /// The name at the top, and in the other pods.
    pub top: String,
    /// The name in this pod.
    pub bottom: String,
}

impl fmt::Display for PhysicalMapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.region, self.top, self.bottom)
    }
}

impl FromStr for PhysicalMapping {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let words: Vec<&str> = text.split(':').map(str::trim).collect();
        match words.as_slice() {
            [region, top, bottom] if words.iter().all(|word| !word.is_empty()) => Ok(Self {
                region: (*region).to_owned(),
                top: (*top).to_owned(),
                bottom: (*bottom).to_owned(),
            }),
            _ => Err(()),
        }
    }
}

/// VLAN ids of one physical network that may be given to tenant networks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VlanRange {
    /// The name of the physical network, the same in every pod.
    pub physical_network: String,
    /// First and last id, both included. `None`: the network may be used only
    /// when an administrator names the segment.
    pub ids: Option<(u16, u16)>,
}

impl fmt::Display for VlanRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.physical_network)?;
        match self.ids {
            Some((first, last)) => write!(f, ":{first}:{last}"),
            None => Ok(()),
        }
    }
}

impl FromStr for VlanRange {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        let words: Vec<&str> = text.split(':').map(str::trim).collect();
        let (name, ids) = match words.as_slice() {
            [name] => (name, None),
            [name, first, last] => {
                let first: u16 = first.parse().map_err(|_| ())?;
                let last: u16 = last.parse().map_err(|_| ())?;
                if first < 1 || last > 4094 || first > last {
                    return Err(());
                }
                (name, Some((first, last)))
            }
            _ => return Err(()),
        };
        if name.is_empty() {
            return Err(());
        }
        Ok(Self {
            physical_network: (*name).to_owned(),
            ids,
        })
    }
}
