//! `quorate calibrate`: what this machine and this generator can do.

use clap::Args;

use super::calibration_store;
use super::failure::{Failure, Status};
use super::surroundings::Places;

/// Measures what this machine and this generator can do
///
/// The last calibration of a machine goes into every result made on it.
#[derive(Args, Debug)]
pub(super) struct CalibrateArgs {
    /// Prints JSON instead of the table
    #[arg(long)]
    json: bool,
    #[command(flatten)]
    places: Places,
}

pub(super) fn run(args: &CalibrateArgs) -> Result<Status, Failure> {
    let _ = (args.json, &args.places, calibration_store::keep);
    Err(anyhow::anyhow!("the load driver is missing").into())
}
