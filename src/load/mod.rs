//! TODO-load (skeleton).
