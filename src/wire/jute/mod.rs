//! Jute.
