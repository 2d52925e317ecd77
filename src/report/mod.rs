//! TODO-report (skeleton).
