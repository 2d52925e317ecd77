//! Plans for tests.

use crate::protocol::resolve;
use crate::workload::{Plan, Source};

/// Returns a plan with this `[load]` and this `[[op]]`, ten prepared keys and no warm-up.
pub(super) fn plan(load: &str, op: &str) -> Plan {
    let text = format!(
        "name = \"test\"\n[prepare]\nznodes = 10\nsize = 10\n[load]\nwarm_up = \"0s\"\n{load}\n[[op]]\n{op}\n"
    );
    resolve(&Source::from_text("test.toml", text), &[], None)
        .unwrap_or_else(|error| panic!("{error}"))
}
