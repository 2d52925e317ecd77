//! Tests the bundled ensemble with kazoo, a Python client.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::process::{Child, Command, Stdio};

use super::peers::python;
use super::servers::Ensemble;

/// A script. It is killed when the test ends.
struct Script(Child);

impl Drop for Script {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _status = self.0.wait();
    }
}

#[test]
fn kazoo_works_with_the_bundled_ensemble_and_reconnects_when_its_server_dies() {
    let mut ensemble = Ensemble::start(3, 1);
    let addresses: Vec<String> = ensemble
        .addresses()
        .iter()
        .map(ToString::to_string)
        .collect();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/live/kazoo_client.py");
    let mut command = Command::new(python());
    command.arg(script).arg(addresses.join(","));
    command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let child = command.spawn().unwrap_or_else(|error| {
        panic!(
            "cannot start {}: {error}; name a Python with kazoo in QUORATE_PYTHON",
            python()
        )
    });
    let mut script = Script(child);
    let mut output = BufReader::new(script.0.stdout.take().unwrap());
    let mut line = String::new();
    output.read_line(&mut line).unwrap();
    let at = line.trim().strip_prefix("connected ").unwrap_or_else(|| {
        panic!(
            "the script printed {line:?}; check that kazoo is installed for {}",
            python()
        )
    });
    let index = addresses.iter().position(|address| address == at).unwrap();
    ensemble.servers[index].kill();
    script
        .0
        .stdin
        .take()
        .unwrap()
        .write_all(b"killed\n")
        .unwrap();
    let mut rest = String::new();
    output.read_to_string(&mut rest).unwrap();
    assert!(script.0.wait().unwrap().success(), "{rest}");
    assert_eq!(rest.trim(), "done");
}
