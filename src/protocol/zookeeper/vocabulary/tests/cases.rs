//! The `[[case]]` tables.

use super::{HEAD, SET, assert_refused, experiment};
use crate::workload::{Arrival, SizeChoice};

/// A workload with three cases, which begin at lines 11, 14 and 17.
fn text() -> String {
    format!(
        "{HEAD}{SET}[[case]]\nname = \"lone writer\"\nset = {{ \"load.sessions\" = 1, \"load.in_flight\" = 1 }}\n\
         [[case]]\nname = \"large\"\nset = {{ op.set.size = \"1KiB\" }}\n\
         [[case]]\nname = \"saturation\"\nsearch = {{ p99 = \"20ms\", p50 = \"500us\", from = 200, precision = 0.1 }}\n"
    )
}

#[test]
fn a_case_sets_keys_by_the_rules_of_overrides() {
    let experiment = experiment(&text(), &["target.voters=[3,5]"]);
    assert_eq!(experiment.axes[0].key, "case");
    assert_eq!(
        experiment.axes[0].values,
        ["lone writer", "large", "saturation"]
    );
    let ids: Vec<&str> = experiment
        .cells
        .iter()
        .map(|cell| cell.id.as_str())
        .collect();
    assert_eq!(
        ids[..3],
        [
            "lone-writer.voters-3",
            "lone-writer.voters-5",
            "large.voters-3"
        ]
    );
    let lone = &experiment.cells[0].plan;
    assert_eq!(lone.load.sessions, 1);
    assert_eq!(
        lone.load.arrival,
        Arrival::Closed { in_flight: 1 },
        "the rate is replaced"
    );
    let large = &experiment.cells[2].plan;
    assert_eq!(large.ops[0].size, SizeChoice::Fixed(1_024));
    assert_eq!(large.load.constant_rate_per_s(), Some(100.0));
}

#[test]
fn a_search_becomes_the_gates_of_its_cell() {
    let cells = experiment(&text(), &["gates.p999_ms=50", "gates.throughput_per_s=9"]).cells;
    let cell = &cells[2];
    let search = cell.search.as_ref().unwrap();
    assert_eq!(
        (search.from_per_s, search.precision, search.runs_max),
        (200.0, 0.1, 40)
    );
    let gates = &cell.plan.gates;
    assert_eq!(
        (gates.p50_ms, gates.p99_ms, gates.p999_ms),
        (Some(0.5), Some(20.0), Some(50.0))
    );
    assert_eq!(
        (gates.error_ratio, gates.throughput_per_s),
        (Some(0.01), None)
    );
    assert_eq!(cells[0].search, None);
}

#[test]
fn an_override_takes_precedence_over_a_case_and_can_select_cases() {
    let cells = experiment(&text(), &["load.sessions=4", "case=lone writer"]).cells;
    assert_eq!(cells.len(), 1);
    assert_eq!(cells[0].plan.load.sessions, 4);
    let rate = experiment(&text(), &["load.rate=50", "case=\"lone writer\""]).cells;
    assert_eq!(rate[0].plan.load.constant_rate_per_s(), Some(50.0));
    let two = experiment(&text(), &["case=[\"large\", \"saturation\"]"]);
    assert_eq!(two.axes[0].values, ["large", "saturation"]);
    assert_refused(
        &text(),
        &["case=lone"],
        "--set case=lone: no case is called \"lone\"; the workload has \"lone writer\", \"large\", \"saturation\"",
    );
    assert_refused(
        &text(),
        &["case=[]"],
        "--set case=[]: names no case; write for instance case=\"lone writer\"",
    );
}

#[test]
fn a_case_that_changes_a_kind_drops_the_keys_of_the_old_kind() {
    let text = format!(
        "{HEAD}{SET}size = 50\n[[case]]\nname = \"reads\"\nset = {{ \"op.set.kind\" = \"get\" }}\n"
    );
    let op = &experiment(&text, &[]).cells[0].plan.ops[0];
    assert_eq!((op.kind.as_str(), &op.size), ("get", &SizeChoice::Fixed(0)));
}

#[test]
fn a_mistake_in_a_case_names_its_line() {
    let case = |rest: &str| format!("{HEAD}{SET}[[case]]\nname = \"a\"\n{rest}");
    assert_refused(
        &case("set = { \"load.sesions\" = 1 }\n"),
        &[],
        "w.toml:13: unknown key `load.sesions`; did you mean `load.sessions`?",
    );
    assert_refused(
        &case("set = { \"op.get.size\" = 1 }\n"),
        &[],
        "w.toml:13: there is no `op.get`; the workload has 1 of them, counted from 0 (set)",
    );
    assert_refused(
        &case("set = { \"load.sessions\" = [1, 2] }\n"),
        &[],
        "w.toml:13: `case.0.set` gives `load.sessions` a list; a case sets one value: move the list to the key itself, or write one case per value",
    );
    assert_refused(
        &case("set = { seed = 4 }\n"),
        &[],
        "w.toml:13: `case.0.set` sets `seed`, which all cells share; set a key of target, prepare, load, op or gates",
    );
    assert_refused(
        &case("search = { from = 10 }\n"),
        &[],
        "w.toml:12: the search of case \"a\" has no limit of the response time; add for instance p99 = \"20ms\"",
    );
    assert_refused(
        &case("search = { p99 = 20, errors = 2 }\n"),
        &[],
        "w.toml:13: `case.0.search.p99` must be a duration such as \"5s\", \"250ms\" or \"2m\" (units ms, s, m, h, us), but it is the integer 20\n\
         w.toml:13: `case.0.search.errors` is 2; it must be 0 to 1",
    );
    assert_refused(
        &case("[[case]]\nname = \"a\"\n"),
        &[],
        "w.toml:14: two cases are called \"a\"; rename one of them",
    );
    assert_refused(
        &case("[[case]]\nname = \"b\"\n"),
        &[],
        "w.toml:14: the cases \"a\" and \"b\" give the same run; change what one of them sets, or remove it",
    );
    assert_refused(
        &format!("{HEAD}{SET}[[case]]\nset = {{}}\n"),
        &[],
        "w.toml:11: this case has no name; add name = \"lone writer\"",
    );
    assert_refused(
        &case("sets = {}\n"),
        &[],
        "w.toml:13: unknown key `case.0.sets`; did you mean `case.set`?",
    );
}

#[test]
fn a_list_that_a_case_replaces_is_refused() {
    assert_refused(
        &format!(
            "name = \"t\"\n[load]\nrate = [10, 20]\n{SET}[[case]]\nname = \"closed\"\nset = {{ \"load.in_flight\" = 1 }}\n"
        ),
        &[],
        "w.toml:3: the values 10 and 20 of `load.rate` give the same run in case \"closed\", because something else replaces the key; give each case its own value of it instead of a list",
    );
}

#[test]
fn a_list_of_rates_has_no_effect_on_a_search() {
    assert_refused(
        &format!(
            "name = \"t\"\n[load]\nrate = [10, 20]\n{SET}[[case]]\nname = \"limit\"\nsearch = {{ p99 = \"9ms\" }}\n"
        ),
        &[],
        "w.toml:3: the values 10 and 20 of `load.rate` give the same run in case \"limit\", because something else replaces the key; give each case its own value of it instead of a list",
    );
}
