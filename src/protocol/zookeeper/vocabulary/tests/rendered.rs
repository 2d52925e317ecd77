//! Plans that are rendered as workload files.

use super::super::ZooKeeperVocabulary;
use super::{HEAD, SET, plan};
use crate::protocol::resolve;
use crate::workload::Source;

#[test]
fn a_rendered_plan_resolves_to_itself() {
    let everything = "name = \"all\"\nwhy = \"\"\"two\nlines \\\"quoted\\\" and a backslash \\\\\"\"\"\nseed = 18446744073709551615\n\
        [target]\nvoters = 5\nobservers = 2\nfsync = false\ntick_time = \"150ms\"\ninit_limit = 20\nsync_limit = 7\nheap = \"1GiB\"\njvm_flags = \"-XX:+UseSerialGC\"\ncpu = 0.03\n\
        [prepare]\nznodes = 500\nsize = { min = 1, max = 9 }\nper_parent = 7\nchroot = \"/a/b\"\nkeep = true\n\
        [load]\nsessions = 20\nthreads = 2\nin_flight_cap = 3\nwarm_up = \"0s\"\nduration = \"90s\"\ndrain = \"0s\"\nrepeats = 3\ninterval = \"250ms\"\n\
        session_timeout = \"6s\"\noperation_timeout = \"1m 30s\"\nattach = \"followers\"\nverify = false\n\
        [[load.phase]]\nduration = \"30s\"\nfrom = 0.1\nto = 12345.678\n[[load.phase]]\nduration = \"10s\"\nrate = 50\n\
        [[op]]\nkind = \"create\"\nephemeral = true\nsequential = true\nkeep_count = 4\nsize = { one_of = [1, 2] }\n\
        [[op]]\nkind = \"create\"\nlabel = \"other\"\nweight = 0\n[[op]]\nkind = \"delete\"\n[[op]]\nkind = \"set\"\nkeys = \"per_session\"\n\
        [[op]]\nkind = \"get\"\nkeys = { zipf = 0.7 }\n[[op]]\nkind = \"exists\"\nkeys = \"sequential\"\n[[op]]\nkind = \"list\"\n\
        [[op]]\nkind = \"multi\"\nbatch = 5\nsize = 10\n[[op]]\nkind = \"sync\"\n[[op]]\nkind = \"session\"\n\
        [[fault]]\nat = \"10s\"\nkind = \"kill\"\nvictim = \"leader\"\nfor = \"5s\"\n[[fault]]\nat = \"20s\"\nkind = \"pause\"\nvictim = \"followers 2\"\n\
        [[fault]]\nat = \"30s\"\nkind = \"cut\"\nvictim = \"leader\"\nbetween = \"clients\"\ndirection = \"from\"\n\
        [[fault]]\nat = \"40s\"\nkind = \"slow\"\nvictim = \"observer\"\ndelay = \"50ms\"\njitter = \"0.25ms\"\nrate = 1000\n\
        [gates]\np50_ms = 0.5\np90_ms = 0.7\np95_ms = 0.8\np99_ms = 1\np999_ms = 2\nmax_ms = 3\nlate_p99_ms = 4\nerror_ratio = 0.001\nthroughput_per_s = 1e3\n\
        [gates.get]\np99_ms = 0.25\n[gates.\"create.trim\"]\nerror_ratio = 0\n";
    let one_phase = format!(
        "name = \"t\"\n[load]\nduration = \"9s\"\n[[load.phase]]\nduration = \"4s\"\nrate = 100\n{SET}"
    );
    let closed = format!("{}{SET}", HEAD.replace("rate = 100", "in_flight = 3"));
    let near = format!("{HEAD}{SET}[target]\nnetwork = \"multi-az\"\n");
    let far = near.replace(
        "\"multi-az\"",
        "{ delay = \"1.5ms\", jitter = \"7us\", rate = \"1MB\", clients = false }",
    );
    let plain = format!("{HEAD}{SET}");
    for text in [everything, &one_phase, &closed, &plain, &near, &far] {
        let plan = plan(text, &[]);
        let rendered = plan.render_toml(&ZooKeeperVocabulary);
        let again = resolve(&Source::from_text("rendered", rendered.clone()), &[], None);
        assert_eq!(
            again.unwrap_or_else(|error| panic!("{error}\n{rendered}")),
            plan
        );
        plan.validate(&ZooKeeperVocabulary).unwrap();
    }
}

#[test]
fn a_plan_edited_by_hand_is_refused() {
    let mut plan = plan(&format!("{HEAD}{SET}"), &[]);
    plan.load.sessions = 4_000_000_000;
    let error = plan.validate(&ZooKeeperVocabulary).unwrap_err().to_string();
    assert!(
        error.contains("`load.sessions` is 4000000000; it must be 1 to 100000"),
        "{error}"
    );
    plan.load.sessions = 1;
    plan.ops[0].own.set("batch", 7_u64);
    let error = plan.validate(&ZooKeeperVocabulary).unwrap_err().to_string();
    assert!(error.contains("edited by hand"), "{error}");
}

#[test]
fn a_plan_of_an_older_result_is_valid() {
    let mut plan = plan(&format!("{HEAD}{SET}"), &[]);
    plan.ops[0].writes = None;
    plan.validate(&ZooKeeperVocabulary).unwrap();
}
