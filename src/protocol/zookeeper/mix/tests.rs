//! The stream of operations is repeatable and follows the plan.

use std::collections::BTreeMap;

use super::*;
use crate::protocol::resolve;
use crate::protocol::zookeeper::{prepared_path, trim_of};
use crate::workload::Source;

fn plan(ops: &str) -> Plan {
    plan_with(ops, &[])
}

fn plan_with(ops: &str, overrides: &[&str]) -> Plan {
    let text = format!(
        "name = \"t\"\n[prepare]\nznodes = 1000\nper_parent = 30\n[load]\nsessions = 4\nrate = 1\n{ops}"
    );
    let overrides: Vec<String> = overrides.iter().map(|text| (*text).to_owned()).collect();
    resolve(&Source::from_text("t.toml", text), &overrides, None)
        .unwrap_or_else(|error| panic!("{error}"))
}

const MIXED: &str = "[[op]]\nkind = \"get\"\nweight = 6\n[[op]]\nkind = \"set\"\nweight = 3\nsize = { min = 10, max = 20 }\n\
    [[op]]\nkind = \"create\"\nkeep_count = 5\n[[op]]\nkind = \"multi\"\nbatch = 3\n";

/// Runs the mix for `count` operations, acknowledging every create at once.
fn stream(plan: &Plan, session: u32, count: usize) -> Vec<Operation> {
    let mut mix = Mix::new(plan, 0, session);
    let mut operation = Operation::default();
    let mut seen = Vec::new();
    for _ in 0..count {
        mix.next(&mut operation);
        if operation.kind == OpKind::Create {
            mix.created(&operation.path);
        }
        seen.push(operation.clone());
    }
    seen
}

/// Index, path, size and batch of an operation.
type Content<'a> = (usize, &'a str, usize, &'a [(String, usize)]);

/// Returns the operations without their spare buffers, which do not belong to the stream.
fn content(stream: &[Operation]) -> Vec<Content<'_>> {
    stream
        .iter()
        .map(|op| (op.op, op.path.as_str(), op.size, op.batch.as_slice()))
        .collect()
}

#[test]
fn the_same_seed_and_session_give_the_same_stream() {
    let plan = plan(MIXED);
    let first = stream(&plan, 2, 2_000);
    assert_eq!(content(&first), content(&stream(&plan, 2, 2_000)));
    assert_ne!(content(&first), content(&stream(&plan, 1, 2_000)));
    let other = plan_with(MIXED, &["seed=2"]);
    assert_ne!(content(&first), content(&stream(&other, 2, 2_000)));
}

#[test]
fn keys_do_not_depend_on_the_outcome_of_creates() {
    let plan = plan(MIXED);
    let (mut acknowledged, mut lost) = (Mix::new(&plan, 0, 0), Mix::new(&plan, 0, 0));
    let (mut a, mut b) = (Operation::default(), Operation::default());
    for _ in 0..2_000 {
        acknowledged.next(&mut a);
        lost.next(&mut b);
        if a.kind == OpKind::Create {
            acknowledged.created(&a.path);
        }
        if !matches!(b.kind, OpKind::Create | OpKind::Delete) {
            assert_eq!(content(&[a.clone()]), content(&[b.clone()]));
        }
    }
}

#[test]
fn frequencies_follow_the_weights() {
    let plan = plan(MIXED);
    let mut counts = vec![0_u32; plan.ops.len()];
    for operation in stream(&plan, 0, 11_000) {
        counts[operation.op] += 1;
    }
    // Get, set, create and multi by 6:3:1:1. The creates after the fifth alternate with trims.
    for (got, expected) in [(counts[0], 6_000), (counts[1], 3_000), (counts[3], 1_000)] {
        assert!(got.abs_diff(expected) < 300, "{counts:?}");
    }
    assert!((counts[2] + counts[4]).abs_diff(1_000) < 150, "{counts:?}");
    assert!((counts[2] - counts[4]) <= 5, "{counts:?}");
}

#[test]
fn paths_and_sizes_are_within_the_plan() {
    let plan = plan(MIXED);
    let mut known = BTreeMap::new();
    let tree = TreePlan::of(&plan);
    for index in 0..tree.znodes {
        let mut path = String::new();
        prepared_path(&tree, index, &mut path);
        known.insert(path, 0_u32);
    }
    for operation in stream(&plan, 3, 20_000) {
        match operation.kind {
            OpKind::Get => {
                *known.get_mut(&operation.path).unwrap() += 1;
                assert_eq!(operation.size, 0);
            }
            OpKind::Set => {
                *known.get_mut(&operation.path).unwrap() += 1;
                assert!((10..=20).contains(&operation.size));
            }
            OpKind::Multi => {
                assert_eq!(operation.batch.len(), 3);
                assert!(
                    operation
                        .batch
                        .iter()
                        .all(|(path, _)| known.contains_key(path))
                );
                assert_eq!(operation.size, 300);
            }
            _ => assert!(
                operation.path.starts_with("/quorate/r00000/s00003/c"),
                "{operation:?}"
            ),
        }
        assert!(operation.kind == OpKind::Multi || operation.batch.is_empty());
    }
    assert!(
        known.values().all(|hits| *hits > 0),
        "every prepared znode is reached"
    );
}

#[test]
fn keep_count_is_reached_and_kept() {
    let plan = plan("[[op]]\nkind = \"create\"\nkeep_count = 5\n");
    let trim = trim_of(&plan, 0).unwrap();
    let mut mix = Mix::new(&plan, 0, 0);
    let mut operation = Operation::default();
    let mut tree = Vec::new();
    for step in 0..1_000 {
        mix.next(&mut operation);
        match operation.kind {
            OpKind::Create => {
                assert_eq!(operation.op, 0);
                mix.created(&operation.path);
                tree.push(operation.path.clone());
            }
            OpKind::Delete => {
                assert_eq!(operation.op, trim);
                assert_eq!(
                    operation.path,
                    tree.remove(0),
                    "the oldest znode must be deleted first"
                );
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(mix.live(), tree.len());
        assert!(
            tree.len() <= 5 && (step < 5 || tree.len() >= 4),
            "step {step}: {}",
            tree.len()
        );
    }
}

#[test]
fn late_acknowledgements_exceed_keep_count_by_at_most_the_operations_in_flight() {
    let plan = plan("[[op]]\nkind = \"create\"\nkeep_count = 5\n");
    let mut mix = Mix::new(&plan, 0, 0);
    let mut operation = Operation::default();
    let mut in_flight = std::collections::VecDeque::new();
    for _ in 0..10_000 {
        mix.next(&mut operation);
        in_flight.push_back(operation.clone());
        if in_flight.len() == 8 {
            let done = in_flight.pop_front().unwrap();
            if done.kind == OpKind::Create {
                mix.created(&done.path);
            }
        }
        assert!(mix.live() <= 5 + 8, "{}", mix.live());
    }
}

#[test]
fn a_delete_without_a_znode_becomes_a_create() {
    let ops = "[[op]]\nkind = \"delete\"\n[[op]]\nkind = \"create\"\nweight = 0\nsize = 7\n";
    let plan = plan(ops);
    let mut mix = Mix::new(&plan, 0, 1);
    let mut operation = Operation::default();
    mix.next(&mut operation);
    assert_eq!(
        (operation.op, operation.kind, operation.size),
        (1, OpKind::Create, 7)
    );
    assert_eq!(operation.path, "/quorate/r00000/s00001/c0000000000");
    mix.created(&operation.path);
    mix.next(&mut operation);
    assert_eq!(
        (operation.op, operation.kind, operation.size),
        (0, OpKind::Delete, 0)
    );
    assert_eq!(operation.path, "/quorate/r00000/s00001/c0000000000");
    assert_eq!(mix.live(), 0);
}

#[test]
fn a_delete_removes_the_oldest_znode_of_all_creates() {
    let ops = "[[op]]\nkind = \"create\"\nlabel = \"a\"\n[[op]]\nkind = \"create\"\nlabel = \"b\"\n[[op]]\nkind = \"delete\"\n";
    let mut mix = Mix::new(&plan(ops), 0, 0);
    let paths = [
        "/quorate/r00000/s00000/c1-0000000000",
        "/quorate/r00000/s00000/c0000000000",
    ];
    for path in paths {
        mix.created(path);
    }
    let mut deleted = Vec::new();
    let mut operation = Operation::default();
    while deleted.len() < 2 {
        mix.next(&mut operation);
        if operation.kind == OpKind::Delete {
            deleted.push(operation.path.clone());
        }
    }
    assert_eq!(deleted, paths);
}

#[test]
fn sequential_creates_are_deleted_under_the_servers_name() {
    let ops = "[[op]]\nkind = \"create\"\nephemeral = true\nsequential = true\nkeep_count = 1\n";
    let mut mix = Mix::new(&plan(ops), 0, 0);
    let mut operation = Operation::default();
    for number in ["0000000017", "-2147483647"] {
        mix.next(&mut operation);
        assert_eq!((operation.kind, operation.flags), (OpKind::Create, 3));
        assert_eq!(operation.path, "/quorate/r00000/s00000/c");
        let answered = format!("{}{number}", operation.path);
        mix.created(&answered);
        mix.next(&mut operation);
        assert_eq!((operation.kind, operation.flags), (OpKind::Delete, 0));
        assert_eq!(operation.path, answered);
    }
}

#[test]
fn a_replaced_session_forgets_its_ephemerals() {
    let ops = "[[op]]\nkind = \"create\"\nephemeral = true\nkeep_count = 3\n[[op]]\nkind = \"create\"\nlabel = \"kept\"\nkeep_count = 3\n";
    let mut mix = Mix::new(&plan(ops), 0, 0);
    mix.created("/quorate/r00000/s00000/c0000000000");
    mix.created("/quorate/r00000/s00000/c1-0000000000");
    mix.created("/quorate/r00000/s00001/c0000000000");
    assert_eq!(mix.live(), 2, "a znode of another session must be ignored");
    mix.session_replaced();
    assert_eq!(mix.live(), 1);
}

#[test]
fn znodes_that_no_operation_deletes_are_not_stored() {
    let plan = plan("[[op]]\nkind = \"create\"\n");
    let mut mix = Mix::new(&plan, 0, 0);
    mix.created("/quorate/r00000/s00000/c0000000000");
    assert_eq!(mix.live(), 0);
}

/// Counts how often each prepared znode is read.
fn histogram(plan: &Plan, session: u32, count: usize) -> Vec<u32> {
    let mut hits = vec![0; 1_000];
    for operation in stream(plan, session, count) {
        let (_, number) = operation.path.rsplit_once("/n").unwrap();
        hits[number.parse::<usize>().unwrap()] += 1;
    }
    hits
}

fn reads(keys: &str) -> Plan {
    plan(&format!("[[op]]\nkind = \"get\"\nkeys = {keys}\n"))
}

#[test]
fn uniform_keys_are_even() {
    let hits = histogram(&reads("\"uniform\""), 0, 100_000);
    // Chi-squared with 999 degrees of freedom: mean 999, standard deviation 45.
    let chi: f64 = hits
        .iter()
        .map(|hit| (f64::from(*hit) - 100.0).powi(2) / 100.0)
        .sum();
    assert!((800.0..1_200.0).contains(&chi), "{chi}");
}

#[test]
fn zipf_keys_follow_the_zipf_distribution() {
    let mut hits = histogram(&reads("{ zipf = 1.0 }"), 0, 100_000);
    hits.sort_unstable_by(|a, b| b.cmp(a));
    // P(rank) = 1 / (rank * H(1000)), H(1000) = 7.485.
    for (rank, expected) in [(1, 13_360), (2, 6_680), (10, 1_336)] {
        let got = hits[rank - 1];
        assert!(got.abs_diff(expected) < expected / 8, "rank {rank}: {got}");
    }
}

#[test]
fn hot_znodes_lie_in_different_parents_and_are_the_same_for_all_sessions() {
    let mut plan = reads("{ zipf = 1.5 }");
    plan.prepare.own.set("znodes", 10_000_u64);
    plan.prepare.own.set("per_parent", 100_u64);
    let hottest = |session| {
        let mut hits: BTreeMap<String, u32> = BTreeMap::new();
        for operation in stream(&plan, session, 200_000) {
            *hits.entry(operation.path).or_default() += 1;
        }
        let mut paths: Vec<(u32, String)> =
            hits.into_iter().map(|(path, hits)| (hits, path)).collect();
        paths.sort_unstable_by(|a, b| b.cmp(a));
        let mut paths: Vec<String> = paths.into_iter().take(10).map(|(_, path)| path).collect();
        paths.sort_unstable();
        paths
    };
    let first = hottest(0);
    let parents: Vec<&str> = first
        .iter()
        .map(|path| path.rsplit_once('/').unwrap().0)
        .collect();
    assert!(
        parents.windows(2).all(|pair| pair[0] < pair[1]),
        "{first:?}"
    );
    for session in 1..4 {
        assert_eq!(hottest(session), first, "session {session}");
    }
}

#[test]
fn sequential_keys_wrap_and_sessions_start_apart() {
    let plan = reads("\"sequential\"");
    assert!(histogram(&plan, 1, 2_000).iter().all(|hits| *hits == 2));
    assert_eq!(stream(&plan, 1, 1)[0].path, "/quorate/p00008/n0000250");
}

#[test]
fn per_session_keys_do_not_overlap() {
    let plan = reads("\"per_session\"");
    for session in 0..4 {
        let hits = histogram(&plan, session, 20_000);
        let own = usize::try_from(session).unwrap() * 250;
        for (index, hits) in hits.iter().enumerate() {
            assert_eq!(
                *hits > 0,
                (own..own + 250).contains(&index),
                "{session}: {index}"
            );
        }
    }
}

#[test]
fn lists_sizes_and_pathless_operations() {
    let ops = "[[op]]\nkind = \"list\"\n[[op]]\nkind = \"sync\"\n[[op]]\nkind = \"session\"\n[[op]]\nkind = \"set\"\nsize = { one_of = [1, 5] }\n";
    let mut sizes = BTreeMap::new();
    for operation in stream(&plan(ops), 0, 4_000) {
        match operation.kind {
            OpKind::List => assert!(operation.path.starts_with("/quorate/p000"), "{operation:?}"),
            OpKind::Sync => assert_eq!(operation.path, "/quorate"),
            OpKind::Session => assert_eq!(operation.path, ""),
            _ => *sizes.entry(operation.size).or_insert(0_u32) += 1,
        }
    }
    assert_eq!(sizes.keys().copied().collect::<Vec<_>>(), [1, 5]);
    assert!(sizes[&1].abs_diff(sizes[&5]) < 150, "{sizes:?}");
}

#[test]
fn buffers_are_reused() {
    let plan = plan(MIXED);
    let mut mix = Mix::new(&plan, 0, 0);
    let mut operation = Operation::default();
    let mut places = |rounds: usize| {
        let mut seen = BTreeMap::new();
        for _ in 0..rounds {
            mix.next(&mut operation);
            if operation.kind == OpKind::Create {
                mix.created(&operation.path);
            }
            let strings = operation
                .batch
                .iter()
                .chain(&operation.spare)
                .map(|(path, _)| path);
            for path in strings.chain([&operation.path]) {
                seen.insert(path.as_ptr(), path.capacity());
            }
        }
        seen
    };
    places(1_000);
    // Buffers move between `batch` and `spare`. They are not freed and do not grow.
    assert_eq!(places(1_000), places(1_000));
}

/// A result can be repeated only if the streams stay the same. A change here makes results
/// incomparable and must be listed in the change log under "Measurement".
#[test]
fn the_stream_does_not_change() {
    let seen = stream(&plan(MIXED), 0, 8);
    let lines: Vec<String> = seen
        .iter()
        .map(|op| format!("{} {} {}", op.op, op.path, op.size))
        .collect();
    let expected = [
        "0 /quorate/p00028/n0000864 0",
        "3  300",
        "1 /quorate/p00025/n0000760 10",
        "1 /quorate/p00028/n0000844 19",
        "3  300",
        "0 /quorate/p00019/n0000587 0",
        "0 /quorate/p00031/n0000953 0",
        "0 /quorate/p00028/n0000867 0",
    ];
    assert_eq!(lines, expected);
}
