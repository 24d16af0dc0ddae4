//! The table itself: what an attribute is, and what a resource is.
//!
//! Built with `const fn`s, so that each resource is a `static` that reads like
//! the API reference.

use serde_json::{Value, json};

use super::{Problem, ResourceError};

/// Reads a value as sent into its canonical form.
pub type Convert = fn(Value) -> Result<Value, ResourceError>;

/// What a POST that does not name the attribute means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// The attribute must be sent.
    Required,
    /// The attribute stays absent, and the resource decides.
    Unset,
    /// `null`.
    Null,
    /// A boolean.
    Bool(bool),
    /// A text.
    Text(&'static str),
    /// `[]`.
    EmptyList,
    /// `{}`.
    EmptyMap,
}

impl Preset {
    /// The value that stands for an attribute that was not sent, if there is one.
    pub fn value(self) -> Option<Value> {
        match self {
            Self::Required | Self::Unset => None,
            Self::Null => Some(Value::Null),
            Self::Bool(value) => Some(Value::Bool(value)),
            Self::Text(text) => Some(json!(text)),
            Self::EmptyList => Some(json!([])),
            Self::EmptyMap => Some(json!({})),
        }
    }
}

/// What a value has to be. Numbers are the longest text, in characters.
#[derive(Clone, Copy)]
pub enum Check {
    /// Anything.
    Any,
    /// A text.
    Text(usize),
    /// A printable text with no blanks at its ends.
    Name(usize),
    /// A UUID.
    Uuid,
    /// A UUID or `null`.
    UuidOrNull,
    /// A list of different UUIDs.
    UuidList,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// One of these numbers.
    OneOfNumbers(&'static [i64]),
    /// A whole number, not below 0.
    NonNegative,
    /// A whole number within bounds.
    Range(i64, i64),
    /// An IP address or `null`.
    AddressOrNull,
    /// A CIDR or `null`.
    CidrOrNull,
    /// An object or `null`.
    MapOrNull,
    /// What only this attribute needs.
    By(fn(&Value) -> Result<(), Problem>),
}

/// How a list's filter compares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Match {
    /// The attribute cannot be filtered by.
    No,
    /// Equal; of a list, one of its members is equal.
    Equal,
    /// A port's fixed IPs: `ip_address=`, `subnet_id=`, `ip_address_substr=`.
    FixedIps,
}

/// Who gets to see an attribute.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Visible {
    /// Whoever sees the resource.
    Everyone,
    /// Who passes the rule `get_<resource>:<attribute>`.
    ByRule,
    /// Nobody: it can only be sent.
    Nobody,
}

/// One attribute of a resource.
#[derive(Clone, Copy)]
pub struct Attribute {
    /// Name in JSON.
    pub name: &'static str,
    /// Whether a POST may have it.
    pub post: bool,
    /// Whether a PUT may have it.
    pub put: bool,
    /// What its absence in a POST means.
    pub preset: Preset,
    /// How a value is read.
    pub convert: Option<Convert>,
    /// What a value has to be, after it was read.
    pub check: Check,
    /// Who sees it.
    pub visible: Visible,
    /// Whether writing it needs the rule `<action>_<resource>:<attribute>`.
    pub enforced: bool,
    /// The keys of an object that need the rule `<action>_<resource>:<attribute>:<key>`, in
    /// the order in which a refusal names them.
    pub keys: &'static [&'static str],
    /// How lists are filtered by it.
    pub filter: Match,
    /// Whether lists may be sorted by it.
    pub sort: bool,
}

impl Attribute {
    const fn bare(name: &'static str, post: bool, put: bool) -> Self {
        Self {
            name,
            post,
            put,
            preset: Preset::Unset,
            convert: None,
            check: Check::Any,
            visible: Visible::Everyone,
            enforced: false,
            keys: &[],
            filter: Match::No,
            sort: false,
        }
    }

    /// Only shown.
    pub const fn shown(name: &'static str) -> Self {
        Self::bare(name, false, false)
    }

    /// Given at creation and fixed from then on.
    pub const fn fixed(name: &'static str, preset: Preset) -> Self {
        Self::bare(name, true, false).preset(preset)
    }

    /// Given at creation or changed later.
    pub const fn changeable(name: &'static str, preset: Preset) -> Self {
        Self::bare(name, true, true).preset(preset)
    }

    /// Only changed, never given at creation.
    pub const fn updatable(name: &'static str) -> Self {
        Self::bare(name, false, true)
    }

    const fn preset(mut self, preset: Preset) -> Self {
        self.preset = preset;
        self
    }

    /// Reads values with `convert`.
    pub const fn read_by(mut self, convert: Convert) -> Self {
        self.convert = Some(convert);
        self
    }

    /// Values have to pass `check`.
    pub const fn check(mut self, check: Check) -> Self {
        self.check = check;
        self
    }

    /// Shown only to those who pass the rule `get_<resource>:<attribute>`.
    pub const fn shown_by_rule(mut self) -> Self {
        self.visible = Visible::ByRule;
        self
    }

    /// Never shown.
    pub const fn hidden(mut self) -> Self {
        self.visible = Visible::Nobody;
        self
    }

    /// Writing it needs a rule of its own.
    pub const fn enforced(mut self) -> Self {
        self.enforced = true;
        self
    }

    /// Writing it needs a rule of its own, and one for each of these keys of its object.
    pub const fn enforced_with(mut self, keys: &'static [&'static str]) -> Self {
        self.enforced = true;
        self.keys = keys;
        self
    }

    /// Lists may be sorted by it.
    pub const fn sorted(mut self) -> Self {
        self.sort = true;
        self
    }

    /// Lists may be filtered by it, by equality.
    pub const fn filter(mut self) -> Self {
        self.filter = Match::Equal;
        self
    }

    /// Lists may be filtered by it in this way.
    pub const fn filter_as(mut self, how: Match) -> Self {
        self.filter = how;
        self
    }

    /// Lists may be filtered and sorted by it.
    pub const fn keyed(mut self) -> Self {
        self.filter = Match::Equal;
        self.sort = true;
        self
    }
}

/// A kind of resource.
pub struct Resource {
    /// Name of one, and of its rules: `security_group`.
    pub name: &'static str,
    /// Key of many in JSON: `security_groups`.
    pub collection: &'static str,
    /// Its path below `/v2.0/`: `security-groups`.
    pub path: &'static str,
    /// Neutron's type of the 404, and the text before and after the id.
    pub missing: (&'static str, &'static str, &'static str),
    /// The attributes, in the order in which they are checked and shown.
    pub attributes: &'static [Attribute],
}

impl Resource {
    /// The attribute of this name.
    pub fn attribute(&self, name: &str) -> Option<&'static Attribute> {
        self.attributes
            .iter()
            .find(|attribute| attribute.name == name)
    }

    /// There is none with this id, or none that the caller may know of.
    pub fn not_found(&self, id: &str) -> ResourceError {
        let (kind, before, after) = self.missing;
        ResourceError::new(404, kind, format!("{before}{id}{after}"))
    }
}
