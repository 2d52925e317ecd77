//! The workload that the runs have.

/// A closed loop: whether an open one is valid depends on what else the machine does.
pub(crate) const WORKLOAD: &str = r#"
name = "mine"
why = "A test."

[target]
voters = 1

[prepare]
znodes = 10

[load]
sessions = 2
in_flight = 1
warm_up = "100ms"
duration = "400ms"
interval = "100ms"

[[op]]
kind = "set"
"#;

/// The same with nothing but creates, whose znodes stay.
pub(crate) fn creates() -> String {
    WORKLOAD.replace("kind = \"set\"", "kind = \"create\"")
}

/// Runs for longer than anybody waits.
pub(crate) const ENDLESS: [&str; 2] = ["--set", "load.duration=10m"];
