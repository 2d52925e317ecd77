//! Writers that reconnect after every failure and record the acknowledged writes.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use super::client::{CREATE, Client, create};
use super::servers::{Ensemble, wait_for};

/// Threads that create znodes under `/load`, each one after the other.
#[derive(Debug)]
pub(crate) struct Load {
    stop: Arc<AtomicBool>,
    acknowledged: Arc<Mutex<BTreeSet<String>>>,
    writers: Vec<JoinHandle<()>>,
}

impl Drop for Load {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

impl Load {
    /// Starts one writer per address. A writer whose connection is lost continues at the next address.
    pub(crate) fn start(addresses: &[SocketAddr]) -> Self {
        let mut first = addresses
            .iter()
            .find_map(|address| Client::try_new(*address, 60_000).ok())
            .expect("a server");
        let _exists_already = first.create("/load", b"", 0);
        first.close();
        let stop = Arc::new(AtomicBool::new(false));
        let acknowledged = Arc::default();
        let writers = (0..addresses.len())
            .map(|writer| {
                let (stop, acknowledged) = (Arc::clone(&stop), Arc::clone(&acknowledged));
                let addresses = addresses.to_vec();
                thread::spawn(move || write(writer, &addresses, &stop, &acknowledged))
            })
            .collect();
        Self {
            stop,
            acknowledged,
            writers,
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.acknowledged.lock().unwrap().len()
    }

    /// Waits for `more` further acknowledgements.
    pub(crate) fn await_more(&self, more: usize) {
        let goal = self.count() + more;
        wait_for("writes to be acknowledged", || {
            (self.count() >= goal).then_some(())
        });
    }

    /// Stops the writers. Returns the names of the acknowledged znodes.
    pub(crate) fn finish(mut self) -> BTreeSet<String> {
        self.stop.store(true, Ordering::Relaxed);
        for writer in self.writers.drain(..) {
            writer.join().unwrap();
        }
        std::mem::take(&mut self.acknowledged.lock().unwrap())
    }
}

fn write(
    writer: usize,
    addresses: &[SocketAddr],
    stop: &AtomicBool,
    acknowledged: &Mutex<BTreeSet<String>>,
) {
    let mut serial = 0;
    let mut at = writer;
    while !stop.load(Ordering::Relaxed) {
        at += 1;
        let Ok(mut client) = Client::try_new(addresses[at % addresses.len()], 60_000) else {
            // A server that is down refuses immediately and does not announce when it serves. Without a
            // pause the writers would take the processor from the starting servers.
            thread::sleep(Duration::from_millis(10));
            continue;
        };
        while !stop.load(Ordering::Relaxed) {
            serial += 1;
            let name = format!("w{writer}-{serial:06}");
            let Ok(reply) = client.try_call(CREATE, &create(&format!("/load/{name}"), b"x", 0))
            else {
                break; // the outcome of this write is unknown
            };
            assert_eq!(reply.err, 0, "{name}");
            acknowledged.lock().unwrap().insert(name);
        }
    }
}

/// Checks that every server has every acknowledged znode and that all servers have the same znodes.
pub(crate) fn assert_all_there(ensemble: &Ensemble, acknowledged: &BTreeSet<String>) {
    let mut first: Option<Vec<String>> = None;
    for address in ensemble.addresses() {
        let mut client = Client::new(address);
        client.sync();
        let names = client.children("/load", false).unwrap();
        let there: BTreeSet<String> = names.iter().cloned().collect();
        let lost: Vec<_> = acknowledged.difference(&there).collect();
        assert!(
            lost.is_empty(),
            "{address} has lost {} of {}: {lost:?}",
            lost.len(),
            acknowledged.len()
        );
        assert_eq!(
            first.get_or_insert_with(|| names.clone()),
            &names,
            "{address} differs from the first server"
        );
        client.close();
    }
}
