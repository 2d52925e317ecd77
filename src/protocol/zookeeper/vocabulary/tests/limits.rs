//! The limits of values and of their sums.

use super::{HEAD, SET, assert_error, plan, try_plan};

/// Overrides of a valid file, and the error of each.
const BEYOND_LIMITS: [(&str, &str); 18] = [
    (
        "target.voters=0",
        "`target.voters` is 0; it must be 1 to 31",
    ),
    (
        "load.sessions=100001",
        "`load.sessions` is 100001; it must be 1 to 100000",
    ),
    (
        "load.sessions=0",
        "`load.sessions` is 0; it must be 1 to 100000",
    ),
    (
        "load.sessions=-1",
        "`load.sessions` is -1; it must be 1 to 100000",
    ),
    (
        "load.threads=19",
        "`load.threads` is 19, more than the 18 sessions; lower it",
    ),
    (
        "load.duration=0s",
        "`load.duration` is 0s; it must be 100ms to 7days",
    ),
    (
        "load.interval=0s",
        "`load.interval` is 0s; it must be 10ms to 1h",
    ),
    (
        "load.interval=31s",
        "`load.interval` is 31s, longer than the measured duration of 30s; shorten it",
    ),
    (
        "load.repeats=0",
        "`load.repeats` is 0; it must be 1 to 1000",
    ),
    (
        "op.set.size=1MiB",
        "`op.0.size` is the string \"1MiB\"; it must be 0 to 1047552 bytes",
    ),
    (
        "op.set.size=-1",
        "`op.0.size` is the integer -1; it must be 0 to 1047552 bytes",
    ),
    (
        "prepare.znodes=10000001",
        "`prepare.znodes` is 10000001; it must be 0 to 10000000",
    ),
    (
        "prepare.znodes=99999999999999999999999999",
        "`prepare.znodes` is 99999999999999999999999999; it must be 0 to 10000000",
    ),
    (
        "gates.error_ratio=2",
        "`gates.error_ratio` is 2; it must be 0 to 1",
    ),
    (
        "target.heap=100MB",
        "`target.heap` is no whole number of MiB; write for instance \"512MiB\"",
    ),
    (
        "target.jvm_flags=\"-Xint Main\"",
        "`target.jvm_flags` contains \"Main\"; every option begins with -",
    ),
    ("target.cpu=0", "`target.cpu` is 0; it must be 0.001 to 256"),
    (
        "load.attach=master",
        "`load.attach` is \"master\"; it must be one of spread, leader, followers, observers, voters",
    ),
];

#[test]
fn every_key_has_a_limit() {
    let base = format!("{HEAD}{SET}");
    for (text, expected) in BEYOND_LIMITS {
        assert_error(&base, &[text], &format!("--set {text}: {expected}"));
    }
}

#[test]
fn a_chroot_that_would_remove_too_much_is_refused() {
    let base = format!("{HEAD}{SET}");
    for chroot in [
        "/",
        "q",
        "/a/",
        "/a//b",
        "/a/../b",
        "",
        "/a b",
        "/zookeeper/x",
    ] {
        let text = format!("prepare.chroot=\"{chroot}\"");
        let error = try_plan(&base, &[&text]).expect_err(chroot).to_string();
        assert!(error.contains("`prepare.chroot`"), "{error}");
    }
}

#[test]
fn sums_have_limits() {
    let base = format!("{HEAD}{SET}");
    let cases: [(&[&str], &str); 4] = [
        (
            &["prepare.znodes=1000000", "prepare.per_parent=1"],
            "more than 50000 parents; raise it",
        ),
        (
            &[
                "prepare.znodes=10000000",
                "prepare.per_parent=1000",
                "prepare.size=1KiB",
            ],
            "more than 8 GiB in every server's memory",
        ),
        (
            &["load.sessions=100000", "load.in_flight=1000"],
            "more than 10000000 operations in flight",
        ),
        (
            &["load.duration=2h", "load.interval=10ms"],
            "more than 100000 intervals; lengthen it",
        ),
    ];
    for (overrides, expected) in cases {
        let error = try_plan(&base, overrides).expect_err(expected).to_string();
        assert!(error.contains(expected), "{error}");
    }
}

#[test]
fn even_numbers_of_voters_are_allowed() {
    assert_eq!(
        plan(&format!("{HEAD}{SET}"), &["target.voters=4"])
            .target
            .voters,
        4
    );
}
