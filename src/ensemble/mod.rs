//! TODO-ensemble (skeleton).
