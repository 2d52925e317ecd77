//! Gates of single operations.

use super::{HEAD, SET, assert_error, plan};
use crate::workload::Gates;

#[test]
fn an_operation_can_have_gates_of_its_own() {
    let text = format!("{HEAD}{SET}[gates]\np99_ms = 5\n[gates.set]\np99_ms = 1\n");
    let plan = plan(&text, &["gates.set.late_p99_ms=0.5"]);
    assert_eq!(plan.gates.p99_ms, Some(5.0));
    let own = Gates {
        p99_ms: Some(1.0),
        late_p99_ms: Some(0.5),
        ..Gates::default()
    };
    assert_eq!(plan.gates.ops.len(), 1);
    assert_eq!(plan.gates.ops["set"], own);
    assert_error(
        &text,
        &["gates.sett.p99_ms=1"],
        "--set gates.sett.p99_ms=1: `gates.sett` names no operation; the workload has set; did you mean `gates.set`?",
    );
    assert_error(
        &text,
        &["gates.set.p9_ms=1"],
        "--set gates.set.p9_ms=1: unknown key `gates.set.p9_ms`; did you mean `gates.LABEL.p90_ms`?",
    );
    assert_error(
        &text,
        &["gates.set.p99_ms=0"],
        "--set gates.set.p99_ms=0: `gates.set.p99_ms` is 0; it must be 0.001 to 3600000",
    );
}
