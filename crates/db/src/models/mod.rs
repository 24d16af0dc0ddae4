//! Rows as plain data, one file per aggregate.

mod compute;
mod group_members;
mod jobs;
mod network;
mod pods;
mod resources;
mod routers;
mod security_groups;
mod text;

pub use compute::*;
pub use group_members::*;
pub use jobs::*;
pub use network::*;
pub use pods::*;
pub use resources::*;
pub use routers::*;
pub use security_groups::*;
pub(crate) use text::text_enum;
