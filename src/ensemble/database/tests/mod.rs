//! Tests of the database against the specification's tables and against a naive model.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod apply;
pub(crate) mod golden;
mod lapsed;
mod limits;
mod model;
mod multi;
mod reads;
mod snapshots;
mod validation;
mod watches;
mod world;
