//! Describes the plan, the target and the machine of a result as rows, the same in every format.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod arrival;
mod environment;
mod gate;
mod machine_load;
mod network;
mod operation;
mod plan;
mod target;

pub(crate) use arrival::{arrival, closed_loop_note};
pub(crate) use environment::environment_rows;
pub(crate) use gate::gate_line;
pub(crate) use plan::plan_rows;
pub(crate) use target::{target_line, target_rows};

pub(crate) type Row = (&'static str, String);

#[cfg(test)]
fn row(rows: &[Row], name: &str) -> Option<String> {
    let found = rows.iter().find(|(known, _)| *known == name);
    found.map(|(_, value)| value.clone())
}
