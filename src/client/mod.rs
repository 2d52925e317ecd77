//! TODO-client (skeleton).
