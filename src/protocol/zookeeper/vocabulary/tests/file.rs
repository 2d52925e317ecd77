//! The file as a whole: its name, its text, its path.

use super::{HEAD, SET, assert_error, try_plan};
use crate::protocol::resolve;
use crate::workload::load;

#[test]
fn a_name_is_required_and_restricted() {
    assert_error(
        &format!("[load]\nrate = 1\n{SET}"),
        &[],
        "w.toml:1: the workload has no name; add name = \"my-workload\" at the top",
    );
    let error = try_plan(&format!("{HEAD}{SET}"), &["name=\"../x\""])
        .unwrap_err()
        .to_string();
    assert!(error.contains("use 1 to 64 of a-z, 0-9 and -"), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let missing = load(&folder.path().join("no.toml"))
        .unwrap_err()
        .to_string();
    assert!(
        missing.contains("no.toml") && missing.contains("quorate workloads"),
        "{missing}"
    );
    let long = folder.path().join("long.toml");
    std::fs::write(&long, "#".repeat(2 << 20)).unwrap();
    let error = load(&long).unwrap_err().to_string();
    assert!(error.contains("longer than 1048576 bytes"), "{error}");
    let good = folder.path().join("good.toml");
    std::fs::write(&good, format!("{HEAD}{SET}")).unwrap();
    assert_eq!(resolve(&load(&good).unwrap(), &[], None).unwrap().name, "t");
}

#[test]
fn hostile_text_is_an_error_and_never_a_panic() {
    let deep = format!("a = {}", "[".repeat(100_000));
    assert!(try_plan(&deep, &[]).is_err());
    let deep = format!("load.rate={}", "[".repeat(100_000));
    assert!(try_plan(&format!("{HEAD}{SET}"), &[&deep]).is_err());
    let keys = format!("{}rate=1", "load.".repeat(100_000));
    let error = try_plan(&format!("{HEAD}{SET}"), &[&keys])
        .unwrap_err()
        .to_string();
    assert!(error.contains("no key has more than 4 parts"), "{error}");
    // Every beginning of a good file, and every file with one character missing.
    let good = format!("{HEAD}{SET}size = {{ min = 1, max = \"1KiB\" }}\nkeys = {{ zipf = 1 }}\n");
    for at in 0..good.len() {
        let missing = format!("{}{}", &good[..at], &good[at + 1..]);
        for text in [&good[..at], &missing] {
            if let Err(error) = try_plan(text, &[]) {
                assert!(!error.to_string().contains("without a reason"), "{text}");
            }
        }
    }
}
