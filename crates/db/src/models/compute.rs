//! Compute resources that the top owns.

use diesel::prelude::{Insertable, Queryable, Selectable};

use crate::Timestamp;
use crate::schema::{flavors, keypairs};

/// A flavor; made in a pod, with the same `flavor_id`, when first needed there.
#[derive(Debug, Clone, PartialEq, Queryable, Selectable, Insertable, serde::Serialize)]
#[diesel(table_name = flavors)]
pub struct Flavor {
    /// UUID of the row.
    pub id: String,
    /// Id that users see; chosen by the admin or a UUID.
    pub flavor_id: String,
    /// Unique name.
    pub name: String,
    /// Memory in MiB.
    pub memory_mb: i32,
    /// Processors.
    pub vcpus: i32,
    /// Root disk in GiB.
    pub root_gb: i32,
    /// Ephemeral disk in GiB.
    pub ephemeral_gb: i32,
    /// Swap in MiB.
    pub swap_mb: i32,
    /// Bandwidth factor.
    pub rxtx_factor: f64,
    /// Whether every project may use it.
    pub is_public: bool,
    /// Whether new servers may use it.
    pub disabled: bool,
    /// Free text, from 2.55.
    pub description: Option<String>,
    /// JSON object of strings.
    pub extra_specs: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// When it last changed.
    pub updated_at: Timestamp,
}

/// A public key of a user; made in a pod when first needed there.
#[derive(Debug, Clone, PartialEq, Eq, Queryable, Selectable, Insertable, serde::Serialize)]
#[diesel(table_name = keypairs)]
pub struct Keypair {
    /// UUID of the row.
    pub id: String,
    /// Whose.
    pub user_id: String,
    /// Name, unique for the user.
    pub name: String,
    /// `ssh` or `x509`.
    pub key_type: String,
    /// MD5 fingerprint as Nova shows it.
    pub fingerprint: String,
    /// The key.
    pub public_key: String,
    /// When it was made.
    pub created_at: Timestamp,
}
