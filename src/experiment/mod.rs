//! Deployments, runs and interleaved comparisons.
mod four_letter;
mod identity;
mod java;
mod ports;
mod target;
mod zoo_cfg;
