//! The default of every rule, a table per service.
//!
//! Names and meaning are those of Nova, Neutron and Cinder as of release
//! 2026.1, for the operations that Tricircle carries out itself. What is only
//! forwarded is judged by the pod. The services' base rules agree with each
//! other, so that one table holds them all.

mod admin;
mod base;
mod compute;
mod network;
mod routers;
mod volume;

use crate::credentials::Scope;

/// A rule as the program ships it.
#[derive(Debug, Clone, Copy)]
pub struct RuleDefault {
    /// The name by which services ask and operators override.
    pub name: &'static str,
    /// The check.
    pub check: &'static str,
    /// What a token must be good for; empty for rules that only others refer
    /// to.
    pub scopes: &'static [Scope],
    /// What it allows, in one sentence.
    pub about: &'static str,
}

const PROJECT: &[Scope] = &[Scope::Project];

/// A rule that services ask for.
const fn rule(name: &'static str, check: &'static str, about: &'static str) -> RuleDefault {
    RuleDefault {
        name,
        check,
        scopes: PROJECT,
        about,
    }
}

/// A rule that other rules refer to.
const fn part(name: &'static str, check: &'static str, about: &'static str) -> RuleDefault {
    RuleDefault {
        name,
        check,
        scopes: &[],
        about,
    }
}

/// The tables with a title each.
pub fn by_service() -> [(&'static str, &'static [RuleDefault]); 6] {
    [
        ("Rules that others refer to", base::RULES),
        ("Compute", compute::RULES),
        ("Block storage", volume::RULES),
        ("Networking", network::RULES),
        ("Networking: routers and floating IPs", routers::RULES),
        ("Tricircle", admin::RULES),
    ]
}

/// All rules in one list.
pub fn all() -> Vec<RuleDefault> {
    by_service()
        .into_iter()
        .flat_map(|(_, rules)| rules.iter().copied())
        .collect()
}
