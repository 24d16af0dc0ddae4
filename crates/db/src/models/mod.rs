//! Rows as plain data, one file per aggregate.

mod compute;
mod jobs;
mod pods;
mod resources;
mod text;

pub use compute::*;
pub use jobs::*;
pub use pods::*;
pub use resources::*;
pub(crate) use text::text_enum;
