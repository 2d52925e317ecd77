//! A server that has no descriptor left for another connection.

use std::fs;

use super::client::{Client, Wire};
use super::servers::{Ensemble, Server, wait_for};
use super::strangers::ping;

/// Largest number of open files of the server.
const FILES: u32 = 128;
/// More connections than the server can hold. The kernel accepts the rest for it.
const CONNECTIONS: usize = 150;

fn logs(server: &Server) -> usize {
    let files = fs::read_dir(server.version_dir()).unwrap();
    let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
    names.filter(|name| name.starts_with("log.")).count()
}

#[test]
fn a_server_without_free_descriptors_serves_its_sessions_and_writes_new_logs() {
    let mut ensemble = Ensemble::prepared(1, 0, "snapCount=100\n");
    let server = &mut ensemble.servers[0];
    server.start_with_open_files_at_most(FILES);
    server.await_serving();
    let mut client = Client::new(server.client);
    client.create("/written", b"", 0).unwrap();
    let silent: Vec<Wire> = (0..CONNECTIONS)
        .map(|_| Wire::open(server.client).unwrap())
        .collect();
    ping(&mut client);
    let before = logs(server);
    wait_for("new logs", || {
        for _ in 0..50 {
            client.set("/written", b"again", -1).unwrap();
        }
        (logs(server) >= before + 3).then_some(())
    });
    let output = server.output();
    assert!(output.contains("ulimit -n"), "{output}");
    // One more connection waits, and is served once there is room.
    let mut waiting = Wire::open(server.client).unwrap();
    waiting.send(b"ruok").unwrap();
    drop(silent);
    assert_eq!(waiting.until_closed(), b"imok");
    ping(&mut client);
    assert!(server.is_running());
}
