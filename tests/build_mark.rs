//! Tests the commit in the version of a build, and the mark `+dirty` for sources that differ from the commit.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

#[path = "../build.rs"]
#[allow(
    dead_code,
    clippy::print_stdout,
    reason = "its main function prints instructions for cargo"
)]
mod build;

use std::fs;
use std::path::Path;
use std::process::Command;

#[track_caller]
fn git(dir: &Path, args: &[&str]) -> String {
    let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
    let output = Command::new("git")
        .arg("-C")
        .arg(dir)
        .args(identity)
        .args(args)
        .output()
        .expect("git must be installed");
    assert!(output.status.success(), "git {args:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

#[test]
fn a_build_of_changed_sources_is_marked_dirty() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    assert_eq!(build::mark(dir), None, "the folder is no clone");
    git(dir, &["init", "--quiet"]);
    fs::create_dir(dir.join("src")).unwrap();
    fs::create_dir(dir.join("docs")).unwrap();
    fs::write(dir.join("src/lib.rs"), "1").unwrap();
    fs::write(dir.join("docs/page.md"), "1").unwrap();
    git(dir, &["add", "."]);
    git(dir, &["commit", "--quiet", "-m", "first"]);
    let head = || git(dir, &["rev-parse", "--short=12", "HEAD"]);
    let first = head();
    let mark = || build::mark(dir).unwrap();
    assert_eq!(mark(), first);
    fs::write(dir.join("src/new.rs"), "1").unwrap();
    fs::write(dir.join("docs/page.md"), "2").unwrap();
    assert_eq!(mark(), first, "neither file is part of the program");
    fs::write(dir.join("src/lib.rs"), "2").unwrap();
    assert_eq!(mark(), format!("{first}+dirty"));
    git(dir, &["add", "src/lib.rs"]);
    let staged = format!("{first}+dirty");
    assert_eq!(mark(), staged, "a staged change is not committed");
    git(dir, &["commit", "--quiet", "-m", "second"]);
    assert_ne!(head(), first);
    assert_eq!(mark(), head());
    fs::write(dir.join("src/lib.rs"), "3").unwrap();
    git(dir, &["checkout", "--quiet", "--", "src/lib.rs"]);
    assert_eq!(mark(), head());
    let below = build::mark(&dir.join("src"));
    assert_eq!(below, None, "the clone belongs to another project");
}

#[test]
fn two_builds_of_a_commit_have_its_date() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    let now = build::built_s(dir);
    assert!(
        now > 1_700_000_000,
        "the present time outside a clone: {now}"
    );
    git(dir, &["init", "--quiet"]);
    fs::write(dir.join("file"), "1").unwrap();
    git(dir, &["add", "."]);
    let commit = [
        "-c",
        "user.name=t",
        "-c",
        "user.email=t@example.org",
        "commit",
        "-qm",
        "1",
    ];
    let output = Command::new("git")
        .arg("-C")
        .arg(dir)
        .args(commit)
        .env("GIT_COMMITTER_DATE", "1700000000 +0000")
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    assert_eq!(build::built_s(dir), 1_700_000_000);
}
