//! The `[gates]` table: conditions for all operations together, and one table per operation below
//! it.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;

use super::nearest::nearest;
use super::problems::Read;
use super::schema;
use super::section::Section;
use crate::workload::limits;
use crate::workload::plan::{Gates, LoadPlan, OpPlan};

/// Reads the table. `ops` is `None` if the operations could not be read. Any label is accepted
/// then.
pub(super) fn read(table: &Section<'_>, ops: Option<&[OpPlan]>) -> Read<Gates> {
    let all = read_one(table);
    let lost = table.optional_integer("lost", limits::GATE_LOST);
    let of_ops: Vec<Read<(String, Gates)>> = table
        .tables()
        .map(|label| {
            let own = table.section(label, &schema::OP_GATES);
            let gates = own.and_then(|own| read_one(&own));
            check_label(table, label, ops)?;
            Some((label.to_owned(), gates?))
        })
        .collect();
    Some(Gates {
        ops: of_ops.into_iter().collect::<Read<BTreeMap<_, _>>>()?,
        lost: lost?,
        ..all?
    })
}

/// Checks that a limit of lost writes has figures to judge. `load` is `None` if it could not be read.
pub(super) fn check_verified(
    table: &Section<'_>,
    gates: &Gates,
    load: Option<&LoadPlan>,
) -> Read<()> {
    if gates.lost.is_some() && load.is_some_and(|load| !load.verify) {
        let problem =
            "needs acknowledged writes to be read back after the run; set load.verify = true";
        return table.bad("lost", problem);
    }
    Some(())
}

fn check_label(table: &Section<'_>, label: &str, ops: Option<&[OpPlan]>) -> Read<()> {
    let labels = || ops.into_iter().flatten().map(|op| op.label.as_str());
    if ops.is_none() || labels().any(|known| known == label) {
        return Some(());
    }
    let hint = nearest(labels(), label).map_or_else(String::new, |near| {
        format!("; did you mean `{}`?", table.path_of(near))
    });
    let known = labels().collect::<Vec<_>>().join(", ");
    table.bad(
        label,
        format!("names no operation; the workload has {known}{hint}"),
    )
}

/// Reads the gates of all operations or of one.
fn read_one(table: &Section<'_>) -> Read<Gates> {
    let p50_ms = table.number("p50_ms", limits::GATE_MS);
    let p90_ms = table.number("p90_ms", limits::GATE_MS);
    let p95_ms = table.number("p95_ms", limits::GATE_MS);
    let p99_ms = table.number("p99_ms", limits::GATE_MS);
    let p999_ms = table.number("p999_ms", limits::GATE_MS);
    let max_ms = table.number("max_ms", limits::GATE_MS);
    let late_p99_ms = table.number("late_p99_ms", limits::GATE_MS);
    let error_ratio = table.number("error_ratio", limits::GATE_RATIO);
    let throughput_per_s = table.number("throughput_per_s", limits::GATE_PER_S);
    Some(Gates {
        p50_ms: p50_ms?,
        p90_ms: p90_ms?,
        p95_ms: p95_ms?,
        p99_ms: p99_ms?,
        p999_ms: p999_ms?,
        max_ms: max_ms?,
        late_p99_ms: late_p99_ms?,
        error_ratio: error_ratio?,
        throughput_per_s: throughput_per_s?,
        lost: None,
        ops: BTreeMap::new(),
    })
}
