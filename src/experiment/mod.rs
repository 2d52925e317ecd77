//! TODO-experiment (skeleton).
