//! A server whose log is not read.

use std::io::{PipeReader, PipeWriter, pipe};
use std::net::TcpListener;
use std::process::{Child, Command, Stdio};

use super::client::{Client, Hello, Wire};
use super::servers::{Ensemble, Server, wait_for};
use super::strangers::ping;

/// A child process, killed when the test ends.
struct Guard(Child);

impl Drop for Guard {
    fn drop(&mut self) {
        let _already_gone = self.0.kill();
        let _status = self.0.wait();
    }
}

/// Returns the two ends of a pipe that holds no further byte.
fn full_pipe() -> (PipeReader, PipeWriter) {
    let (read, write) = pipe().unwrap();
    // The flag belongs to the open pipe, so it must be cleared again for the server.
    rustix::io::ioctl_fionbio(&write, true).unwrap();
    while rustix::io::write(&write, &[b'x'; 4_096]).is_ok() {}
    while rustix::io::write(&write, b"x").is_ok() {}
    rustix::io::ioctl_fionbio(&write, false).unwrap();
    (read, write)
}

/// Starts a server that prints its log and errors to `stderr`.
fn start_with(server: &Server, stderr: PipeWriter) -> Guard {
    let child = Command::new(env!("CARGO_BIN_EXE_quorate"))
        .args(["server", "start-foreground"])
        .arg(server.config())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
        .unwrap();
    Guard(child)
}

#[test]
fn a_full_pipe_for_the_last_error_does_not_hold_up_the_end_of_a_server() {
    let ensemble = Ensemble::prepared(1, 0, "");
    let server = &ensemble.servers[0];
    let _taken = TcpListener::bind(server.client).unwrap();
    let (_unread, full) = full_pipe();
    let mut guard = start_with(server, full);
    let status = wait_for("the server to end", || guard.0.try_wait().unwrap());
    assert!(!status.success(), "{status}");
}

#[test]
fn a_full_pipe_for_the_log_does_not_stop_a_server() {
    let ensemble = Ensemble::prepared(1, 0, "");
    let server = &ensemble.servers[0];
    let (_unread, full) = full_pipe();
    let mut guard = start_with(server, full);
    assert_eq!(
        wait_for("the server to serve", || server.mode()),
        "standalone"
    );
    let mut client = Client::new(server.client);
    client.create("/served", b"", 0).unwrap();
    for _ in 0..10 {
        let mut ahead = Wire::open(server.client).unwrap();
        let hello = Hello {
            last_zxid: i64::MAX,
            ..Hello::default()
        };
        ahead.send(&hello.bytes()).unwrap();
        assert_eq!(ahead.until_closed(), b"");
        ping(&mut client);
    }
    let pid = rustix::process::Pid::from_child(&guard.0);
    rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
    let status = wait_for("the server to end", || guard.0.try_wait().unwrap());
    assert!(status.success(), "{status}");
}
