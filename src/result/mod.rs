//! TODO-result (skeleton).
