//! The workload of the tests.

/// A closed loop, because an open loop can be invalid on a busy machine.
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

/// Returns the same workload with creates only. Their znodes stay until the clean-up.
pub(crate) fn creates() -> String {
    WORKLOAD.replace("kind = \"set\"", "kind = \"create\"")
}

/// Options for a run that lasts until it is interrupted.
pub(crate) const ENDLESS: [&str; 2] = ["--set", "load.duration=10m"];
