//! A file with several problems: each is reported, and consequences of another problem are not.

use super::try_plan;

#[test]
fn all_problems_are_reported_in_the_order_of_the_file_and_the_overrides() {
    let text = "name = \"Bad Name\"\nsee = 1\n[prepare]\nchroot = \"/\"\nper_parent = 0\n[load]\nthreads = true\nrate = 1\nin_flight = 2\n\
        interval = \"1\"\nattach = \"all\"\n[[op]]\nkind = \"get\"\nsize = \"what\"\nbatch = 5\n[[op]]\nkind = \"multi\"\nsize = { one_of = [1, -1, \"x\"] }\nkeys = 7\n\
        [gates]\np99_ms = 0\n[target]\nheap = 1\n";
    let error = try_plan(text, &["load.repeats=0", "nonsense", "load.drain=1d 1x"]).unwrap_err();
    let lines: Vec<String> = error
        .problems()
        .iter()
        .map(|problem| problem.to_string())
        .collect();
    let expected = [
        "w.toml:1: `name`",
        "w.toml:2: unknown key `see`",
        "w.toml:4: `prepare.chroot`",
        "w.toml:5: `prepare.per_parent`",
        "w.toml:7: `load.threads`",
        "w.toml:9: `load.rate` and `load.in_flight` exclude each other",
        "w.toml:10: `load.interval`",
        "w.toml:11: `load.attach`",
        "w.toml:14: `op.0.size` means nothing for a `get`",
        "w.toml:15: `op.0.batch` means nothing for a `get`",
        "w.toml:18: `op.1.size.one_of` is the integer -1",
        "w.toml:18: `op.1.size.one_of` must be a size in bytes",
        "w.toml:19: `op.1.keys`",
        "w.toml:21: `gates.p99_ms`",
        "w.toml:23: `target.heap`",
        "--set load.repeats=0: `load.repeats`",
        "--set nonsense: an override has the form",
        "--set load.drain=1d 1x: `load.drain`",
    ];
    assert_eq!(lines.len(), expected.len(), "{lines:#?}");
    for (line, words) in lines.iter().zip(expected) {
        assert!(line.starts_with(words), "{words:?}: {lines:#?}");
    }
    assert_eq!(error.to_string(), lines.join("\n"), "one line each");
}

/// A file without its name, overrides, and the only problem that must be reported.
const ONE_MISTAKE: [(&str, &[&str], &str); 15] = [
    (
        "rate = 5\n[[op]]\nkind = \"sync\"\n",
        &[],
        "w.toml:2: unknown key `rate`; did you mean `load.rate`?",
    ),
    // Without the misspelt keys: no arrival, and more threads than sessions.
    (
        "[load]\nrte = 5\nthreads = 3\n[[op]]\nkind = \"sync\"\n",
        &[],
        "w.toml:3: unknown key `load.rte`",
    ),
    (
        "[load]\nrate = 5\nthreads = 20\nsesions = 32\n[[op]]\nkind = \"sync\"\n",
        &[],
        "w.toml:5: unknown key `load.sesions`",
    ),
    (
        "[load]\npipeline_depth = 5\n[[op]]\nkind = \"sync\"\n",
        &[],
        "w.toml:3: unknown key `load.pipeline_depth`",
    ),
    (
        "[laod]\nrate = 5\n[[op]]\nkind = \"sync\"\n",
        &[],
        "w.toml:2: unknown key `laod`",
    ),
    // Without the misspelt keys: no operations, and no `kind`.
    (
        "[load]\nrate = 5\n[[ops]]\nkind = \"sync\"\n",
        &[],
        "w.toml:4: unknown key `ops`",
    ),
    (
        "[load]\nrate = 5\n[[op]]\nkidn = \"sync\"\n",
        &[],
        "w.toml:5: unknown key `op.0.kidn`",
    ),
    // The misspelt kind might be a create, and might need znodes.
    (
        "[load]\nrate = 5\n[[op]]\nkind = \"delete\"\n[[op]]\nkind = \"craete\"\n",
        &[],
        "w.toml:7: `op.1.kind`",
    ),
    (
        "[load]\nrate = 5\n[[op]]\nkind = \"set\"\nkeys = \"per_session\"\n",
        &["prepare.znodes=-1"],
        "--set prepare.znodes=-1: `prepare.znodes`",
    ),
    // Without the wrong type: an interval longer than the duration, and phases without a sum.
    (
        "[load]\nrate = 5\nduration = 10\ninterval = \"40s\"\n[[op]]\nkind = \"sync\"\n",
        &[],
        "w.toml:4: `load.duration`",
    ),
    (
        "[load]\nduration = \"5s\"\n[[load.phase]]\nduration = 1\nrate = 5\n[[op]]\nkind = \"sync\"\n",
        &[],
        "w.toml:5: `load.phase.0.duration`",
    ),
    (
        "[load]\n[[load.phase]]\nduraton = \"1s\"\nrate = 5\n[[op]]\nkind = \"sync\"\n",
        &[],
        "w.toml:4: unknown key `load.phase.0.duraton`",
    ),
    (
        "[load]\nrate = 5\n[[op]]\nkind = \"set\"\nsize = { mni = 1, max = 2 }\n",
        &[],
        "w.toml:6: unknown key `op.0.size.mni`",
    ),
    (
        "[load]\nrate = 5\n[[op]]\nkind = \"multi\"\nsize = \"2MiB\"\nbatch = 900\n",
        &[],
        "w.toml:6: `op.0.size`",
    ),
    (
        "[[op]]\nkind = \"sync\"\n",
        &["load.rate"],
        "--set load.rate: an override has the form",
    ),
];

/// A value that could not be read is not checked further, so one mistake gives one message.
#[test]
fn consequences_of_a_problem_are_not_reported() {
    for (text, overrides, expected) in ONE_MISTAKE {
        let text = format!("name = \"t\"\n{text}");
        let error = try_plan(&text, overrides).expect_err(&text);
        let lines = error.to_string();
        assert_eq!(error.problems().len(), 1, "{text}: {lines}");
        assert!(lines.starts_with(expected), "{text}: {lines}");
    }
}

#[test]
fn all_syntax_errors_are_reported_except_inside_an_unclosed_list() {
    let error = try_plan("name = t\n[load\nrate 5\nrate = = 5\n", &[]).unwrap_err();
    let places: Vec<String> = error
        .problems()
        .iter()
        .map(|problem| problem.to_string().chars().take(8).collect())
        .collect();
    assert_eq!(
        places,
        ["w.toml:1", "w.toml:2", "w.toml:3", "w.toml:4"],
        "{error}"
    );
    let error = try_plan("name = \"t\"\nop = [\n1\n2\na = 3\nb = 4\n", &[]).unwrap_err();
    assert_eq!(error.problems().len(), 1, "{error}");
    assert!(
        error.to_string().starts_with("w.toml:4: not valid TOML"),
        "{error}"
    );
    let error = try_plan(&"?\n".repeat(1_000), &[]).unwrap_err();
    assert_eq!(error.problems().len(), 10, "{error}");
}
