//! Resources as tables: the shape of the Networking API in one place.
//!
//! A resource (network, port, security group rule, ...) is a [`Resource`]: a
//! list of [`Attribute`]s that say who may write them, how a value is read and
//! checked, who may see them, and whether lists may be filtered and sorted by
//! them. From that table alone come the parsing of bodies ([`Resource::parse_create`],
//! [`Resource::parse_update`]), the reading of a list's query ([`ListQuery`]), and
//! the rendering, filtering, sorting and paging of rows ([`Projection`], [`select`]),
//! with the error types and texts of Neutron. A further resource is one more file
//! in `tables/`, and no more code.
//!
//! Everything here is pure: no database, no HTTP types, no clock.

mod body;
mod convert;
mod error;
mod filter;
mod page;
mod policy;
mod python;
mod query;
mod render;
mod revision;
mod table;
pub mod tables;
#[cfg(test)]
mod tests;
mod validate;
mod validate_network;
mod validate_router;

pub use body::{Body, Created};
pub use convert::{canonical_mac, parse_cidr};
pub use error::{Problem, ResourceError};
pub use filter::Filter;
pub use page::{Links, Page, link_to, select};
pub use policy::{Action, Chain};
pub use query::{ListQuery, Sort};
pub use render::{Projection, Row};
pub use revision::required_revision;
pub use table::{Attribute, Check, Match, Preset, Resource, Visible};
pub use validate_router::interface_named;
