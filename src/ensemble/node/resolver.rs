//! Finds the addresses of the other servers. A name is looked up again for each connection, because its
//! address may change. The lookups run in threads: a name server may take many seconds to answer.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::net::{IpAddr, SocketAddr, ToSocketAddrs as _};
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::wire::jute::PeerId;

/// Most lookups at the same time, each in a thread.
const LOOKUPS_MAX: usize = 64;

/// The two ports to which servers connect.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Port {
    Quorum,
    Election,
}

/// A port of a server of the ensemble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Target {
    pub(super) server: PeerId,
    pub(super) port: Port,
}

/// How the configuration gives the address of a [`Target`].
#[derive(Clone, Debug)]
pub(super) struct Endpoint {
    pub(super) host: String,
    pub(super) port: u16,
}

/// What is known about an address when it is asked for.
#[derive(Debug)]
pub(super) enum Resolution {
    Known(SocketAddr),
    /// [`Resolver::take_answers`] returns it later.
    Pending,
    Failed(io::Error),
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) target: Target,
    /// The address to connect to. If the lookup has failed, this is an address from an earlier one.
    pub(super) address: Option<SocketAddr>,
    /// Why the lookup has failed.
    pub(super) error: Option<io::Error>,
}

type Addresses = Vec<SocketAddr>;
type Lookup = dyn Fn(&Endpoint) -> io::Result<Addresses> + Send + Sync;

#[derive(Debug)]
struct Found {
    target: Target,
    outcome: io::Result<Addresses>,
}

pub(super) struct Resolver {
    endpoints: BTreeMap<Target, Endpoint>,
    lookup: Arc<Lookup>,
    /// Signalled when a lookup ends.
    wake: Arc<OwnedFd>,
    ended: Sender<Found>,
    found: Receiver<Found>,
    pending: BTreeSet<Target>,
    /// The addresses that the last successful lookup of a target has found. The first is the next to use.
    last: BTreeMap<Target, Addresses>,
}

impl std::fmt::Debug for Resolver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Resolver")
            .field("endpoints", &self.endpoints)
            .field("pending", &self.pending)
            .field("last", &self.last)
            .finish_non_exhaustive()
    }
}

impl Resolver {
    /// Uses the system's resolver. Signals `wake` when a lookup ends.
    pub(super) fn new(endpoints: BTreeMap<Target, Endpoint>, wake: Arc<OwnedFd>) -> Self {
        Self::with(endpoints, wake, Arc::new(look_up))
    }

    fn with(
        endpoints: BTreeMap<Target, Endpoint>,
        wake: Arc<OwnedFd>,
        lookup: Arc<Lookup>,
    ) -> Self {
        let (ended, found) = channel();
        Self {
            endpoints,
            lookup,
            wake,
            ended,
            found,
            pending: BTreeSet::new(),
            last: BTreeMap::new(),
        }
    }

    pub(super) fn endpoint(&self, target: Target) -> Option<&Endpoint> {
        self.endpoints.get(&target)
    }

    /// Asks for an address to connect to. A target is looked up once at a time.
    pub(super) fn resolve(&mut self, target: Target) -> Resolution {
        let Some(endpoint) = self.endpoints.get(&target) else {
            let reason = "the configuration has no such server";
            return Resolution::Failed(io::Error::new(io::ErrorKind::NotFound, reason));
        };
        if let Ok(address) = endpoint.host.parse::<IpAddr>() {
            return Resolution::Known((address, endpoint.port).into());
        }
        if self.pending.contains(&target) {
            return Resolution::Pending;
        }
        if self.pending.len() >= LOOKUPS_MAX {
            let reason = format!("{LOOKUPS_MAX} lookups are under way");
            return Resolution::Failed(io::Error::other(reason));
        }
        let (endpoint, lookup) = (endpoint.clone(), Arc::clone(&self.lookup));
        let (ended, wake) = (self.ended.clone(), Arc::clone(&self.wake));
        let thread = std::thread::Builder::new()
            .name("lookup".to_owned())
            .spawn(move || {
                let outcome = lookup(&endpoint);
                // Both fail only if the server ends.
                let _gone = ended.send(Found { target, outcome });
                let _full = rustix::io::write(&*wake, &1u64.to_ne_bytes());
            });
        match thread {
            Ok(_detached) => {
                self.pending.insert(target);
                Resolution::Pending
            }
            Err(error) => Resolution::Failed(error),
        }
    }

    /// Returns the lookups that have ended.
    pub(super) fn take_answers(&mut self) -> Vec<Answer> {
        let mut answers = Vec::new();
        while let Ok(Found { target, outcome }) = self.found.try_recv() {
            self.pending.remove(&target);
            let error = match outcome {
                Ok(addresses) => {
                    self.keep(target, addresses);
                    None
                }
                Err(error) => Some(error),
            };
            let address = self.last.get_mut(&target).and_then(|addresses| {
                let first = *addresses.first()?;
                addresses.rotate_left(1); // the next attempt tries another one
                Some(first)
            });
            answers.push(Answer {
                target,
                address,
                error,
            });
        }
        answers
    }

    /// Keeps the order in which the addresses are tried, unless they have changed.
    fn keep(&mut self, target: Target, addresses: Addresses) {
        let last = self.last.entry(target).or_default();
        let sorted = |addresses: &Addresses| addresses.iter().copied().collect::<BTreeSet<_>>();
        if sorted(last) != sorted(&addresses) {
            *last = addresses;
        }
    }
}

/// Looks up a name. An error means that there is no address.
pub(super) fn look_up(endpoint: &Endpoint) -> io::Result<Addresses> {
    let addresses: Addresses = (endpoint.host.as_str(), endpoint.port)
        .to_socket_addrs()?
        .collect();
    if addresses.is_empty() {
        let reason = "the name has no address";
        return Err(io::Error::new(io::ErrorKind::NotFound, reason));
    }
    Ok(addresses)
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    const TARGET: Target = Target {
        server: PeerId(2),
        port: Port::Quorum,
    };

    fn address(last: u8) -> SocketAddr {
        SocketAddr::from(([10, 0, 0, last], 2888))
    }

    /// A resolver of one name, with the answers that the name server gives in turn.
    struct Name {
        resolver: Resolver,
        wake: Arc<OwnedFd>,
        answers: Sender<io::Result<Addresses>>,
    }

    impl Name {
        fn new(host: &str) -> Self {
            let wake = rustix::event::eventfd(0, rustix::event::EventfdFlags::CLOEXEC);
            let wake = Arc::new(wake.expect("an eventfd"));
            let (answers, next) = channel();
            let next = Mutex::new(next);
            let endpoint = Endpoint {
                host: host.to_owned(),
                port: 2888,
            };
            let lookup = move |_: &Endpoint| -> io::Result<Addresses> {
                next.lock().expect("no panic").recv().expect("an answer")
            };
            Self {
                resolver: Resolver::with(
                    BTreeMap::from([(TARGET, endpoint)]),
                    Arc::clone(&wake),
                    Arc::new(lookup),
                ),
                wake,
                answers,
            }
        }

        fn resolve(&mut self, answer: io::Result<Addresses>) -> Answer {
            for _ in 0..2 {
                assert!(matches!(self.resolver.resolve(TARGET), Resolution::Pending));
            }
            assert!(self.resolver.take_answers().is_empty());
            self.answers.send(answer).expect("the lookup waits");
            let mut count = [0; 8];
            rustix::io::read(&*self.wake, &mut count).expect("a signal");
            let mut answers = self.resolver.take_answers();
            assert_eq!(answers.len(), 1, "one lookup at a time");
            answers.remove(0)
        }
    }

    #[test]
    fn a_server_that_has_moved_is_found_again() {
        let mut name = Name::new("zk2.example");
        let first = name.resolve(Ok(vec![address(1)]));
        assert_eq!(first.address, Some(address(1)));
        let moved = name.resolve(Ok(vec![address(9)]));
        assert_eq!(moved.address, Some(address(9)));
    }

    #[test]
    fn a_failed_lookup_leaves_the_last_address() {
        let mut name = Name::new("zk2.example");
        let failed = name.resolve(Err(io::Error::other("no name server")));
        assert!(failed.address.is_none() && failed.error.is_some());
        assert_eq!(name.resolve(Ok(vec![address(1)])).address, Some(address(1)));
        let failed = name.resolve(Err(io::Error::other("no name server")));
        assert_eq!(failed.address, Some(address(1)));
        assert!(failed.error.is_some());
    }

    #[test]
    fn each_attempt_tries_another_address() {
        let mut name = Name::new("zk2.example");
        let tried: Vec<_> = (0..3)
            .map(|_| name.resolve(Ok(vec![address(1), address(2)])).address)
            .collect();
        assert_eq!(tried, [1, 2, 1].map(|last| Some(address(last))));
    }

    #[test]
    fn an_address_needs_no_lookup() {
        let mut name = Name::new("10.0.0.7");
        let resolution = name.resolver.resolve(TARGET);
        assert!(
            matches!(resolution, Resolution::Known(known) if known == address(7)),
            "{resolution:?}"
        );
    }
}
