//! Tests that `down` ends exactly the servers that `up` wrote to the state file.

use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use super::state::STATE_FILE;
use super::*;

fn sleeper() -> Child {
    Command::new("sleep")
        .arg("600")
        .stdin(Stdio::null())
        .spawn()
        .unwrap()
}

fn ensemble(dir: &Path, processes: &[Option<ProcessIdentity>]) -> DetachedEnsemble {
    DetachedEnsemble {
        dir: dir.to_owned(),
        boot: boot_id(),
        servers: (1..)
            .zip(processes)
            .map(|(id, process)| DetachedServer {
                id,
                process: *process,
                address: SocketAddr::from(([127, 0, 0, 1], 1_000 + id)),
                observer: id == 2,
            })
            .collect(),
    }
}

#[test]
fn a_saved_ensemble_is_loaded_unchanged() {
    let dir = tempfile::tempdir().unwrap();
    let identity = ProcessIdentity {
        pid: 12,
        started: 345,
    };
    let ensemble = ensemble(dir.path(), &[Some(identity), None]);
    ensemble.save().unwrap();
    assert_eq!(DetachedEnsemble::load(dir.path()).unwrap(), ensemble);
    assert_eq!(ensemble.connect_string(), "127.0.0.1:1001,127.0.0.1:1002");
}

#[test]
fn a_malformed_state_file_is_rejected_with_the_line_number() {
    let dir = tempfile::tempdir().unwrap();
    let problem = |text: &str| {
        fs::write(dir.path().join(STATE_FILE), text).unwrap();
        DetachedEnsemble::load(dir.path()).unwrap_err().to_string()
    };
    assert!(problem("quorate ensemble 2\n").contains("line 1"));
    assert!(problem("quorate ensemble 1\n").contains("line 2"));
    let head = "quorate ensemble 1\nboot x\n";
    for line in [
        "server 1",
        "server 1 5 127.0.0.1:1 voter",
        "server 1 5-6 localhost voter",
        "server 1 5-6 127.0.0.1:1 leader",
        "server 1 5-6 127.0.0.1:1 voter more",
        "",
    ] {
        assert!(
            problem(&format!("{head}{line}\n")).contains("line 3"),
            "{line}"
        );
    }
    fs::remove_file(dir.path().join(STATE_FILE)).unwrap();
    let error = DetachedEnsemble::load(dir.path()).unwrap_err().to_string();
    assert!(error.contains("no ensemble in"), "{error}");
}

#[test]
fn down_ends_the_servers_but_no_process_with_a_reused_pid() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path().join("ensemble");
    fs::create_dir_all(home.join("server-1/data")).unwrap();
    let (mut server, mut foreign) = (sleeper(), sleeper());
    let reused = ProcessIdentity {
        started: 1,
        ..ProcessIdentity::of(foreign.id()).unwrap()
    };
    let ensemble = ensemble(&home, &[ProcessIdentity::of(server.id()), Some(reused)]);
    ensemble.save().unwrap();
    assert!(ensemble.runs());
    assert_eq!(ensemble.statuses()[1], ServerStatus::Ended);
    assert_eq!(ensemble.down(false).unwrap(), 1);
    server.wait().unwrap();
    assert_eq!(foreign.try_wait().unwrap(), None);
    assert!(!home.exists());
    foreign.kill().unwrap();
    foreign.wait().unwrap();
}

#[test]
fn down_ends_no_process_if_the_state_is_of_another_boot() {
    let dir = tempfile::tempdir().unwrap();
    let mut foreign = sleeper();
    let mut ensemble = ensemble(dir.path(), &[ProcessIdentity::of(foreign.id())]);
    ensemble.boot = "another".into();
    ensemble.save().unwrap();
    assert!(!ensemble.runs());
    assert_eq!(ensemble.down(true).unwrap(), 0);
    assert_eq!(foreign.try_wait().unwrap(), None);
    foreign.kill().unwrap();
    foreign.wait().unwrap();
}

#[test]
fn the_error_names_a_port_that_is_taken_and_a_base_port_that_is_too_high() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let stop = AtomicBool::new(false);
    let dir = tempfile::tempdir().unwrap();
    let refused = |base_port| {
        let shape = TargetShape {
            voters: 1,
            heap_mib: 64,
            ..TargetShape::default()
        };
        DetachedEnsemble::up(&DetachedConfig {
            software: &Software::Bundled,
            shape: &shape,
            quorate: Path::new("/nonexistent"),
            dir: dir.path(),
            base_port,
            stop: &stop,
        })
        .unwrap_err()
        .to_string()
    };
    assert!(refused(port).contains(&format!("port {port} of 127.0.0.1 is taken")));
    assert!(refused(65_500).contains("--base-port 65500 leaves no room"));
}
