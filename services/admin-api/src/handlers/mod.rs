//! The handlers, one module for each collection.

pub(crate) mod bindings;
pub(crate) mod jobs;
pub(crate) mod pods;
pub(crate) mod routing_writes;
pub(crate) mod routings;
pub(crate) mod topology;

/// The query as pairs: filters may be repeated.
pub(crate) type Query = actix_web::web::Query<Vec<(String, String)>>;
