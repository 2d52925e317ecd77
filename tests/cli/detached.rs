//! A detached ensemble, for runs on live targets.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, Ordering};

use quorate::protocol::zookeeper::AdminClient;
use quorate::target::ProcessIdentity;
use rustix::process::Signal;

use crate::bench::{Bench, TIMEOUT};
use crate::started::{kill, processes_of, wait_for};

/// A detached ensemble. It ends with the test.
pub(crate) struct Detached<'a> {
    bench: &'a Bench,
    pub(crate) target: String,
}

impl<'a> Detached<'a> {
    pub(crate) fn up(bench: &'a Bench) -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(0);
        let target = wait_for("free ports", || {
            let step = NEXT.fetch_add(1, Ordering::Relaxed) % 90;
            let port = (12_000 + 11 * step).to_string();
            let args = [
                "ensemble",
                "up",
                "--dir",
                "e",
                "--voters",
                "1",
                "--base-port",
            ];
            let up = bench.run(&[&args[..], &[&port]].concat());
            // Another process may take the port after it was checked. Then the next ports are tried.
            (up.status == Some(0)).then(|| up.stdout.trim().to_owned())
        });
        Self { bench, target }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.target["zk://".len()..].parse().unwrap()
    }

    pub(crate) fn client(&self) -> AdminClient {
        AdminClient::connect(&[self.address()], TIMEOUT).unwrap()
    }

    pub(crate) fn processes(&self) -> Vec<ProcessIdentity> {
        processes_of(&self.bench.path().join("e"))
    }
}

impl Drop for Detached<'_> {
    fn drop(&mut self) {
        if !self.bench.path().join("e").exists() {
            return;
        }
        for server in self.processes() {
            kill(server.pid, Signal::CONT);
        }
        self.bench.run(&["ensemble", "down", "--dir", "e"]);
    }
}
