//! Who may do what: the part of oslo.policy that operators use.
//!
//! An [`Enforcer`] holds named rules. Each service asks for the rule of what it
//! is about to do, with the caller's [`Credentials`] and a [`Target`], the
//! attributes of the thing it is done to. Names and defaults of the rules are
//! those of Nova, Neutron and Cinder ([`defaults`]), so that a `policy.yaml`
//! written for them says the same here; [`PolicyFile`] reads that file.
//!
//! Two things differ from oslo.policy, both towards the safe side. A rule that
//! can not be read, or that refers to one that does not exist or to itself,
//! stops the service at start instead of silently denying. An attribute
//! without value never matches: there, a caller without project would own
//! everything without project.
//!
//! This crate decides and nothing else. What a denial looks like (403, or 404
//! where the caller may not even know that the thing exists) is for the
//! services.

#![cfg_attr(test, allow(clippy::unwrap_used, clippy::expect_used, clippy::panic))]

mod check;
mod credentials;
pub mod defaults;
mod enforcer;
mod file;
mod parser;
mod sample;

pub use check::Check;
pub use credentials::{Credentials, Scope, Target};
pub use defaults::RuleDefault;
pub use enforcer::{Denied, Enforcer, PolicyError};
pub use file::{FileError, PolicyFile};
pub use parser::RuleSyntaxError;
pub use sample::sample;
