//! Whom to connect to: connect strings, and the order in which a session tries servers.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

/// ZooKeeper's client port.
const DEFAULT_PORT: u16 = 2181;

/// A connect string could not be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// A server without a name.
    #[error("connect string {text:?} names no host in {part:?}; write host:port,host:port")]
    Host {
        /// The whole.
        text: String,
        /// The part.
        part: String,
    },
    /// A port that is none.
    #[error("connect string {text:?} has no valid port in {part:?}; ports are 1 to 65535")]
    Port {
        /// The whole.
        text: String,
        /// The part.
        part: String,
    },
    /// A chroot that is no path.
    #[error(
        "connect string {text:?} has an invalid chroot {chroot:?}; it must not end in or contain an empty name"
    )]
    Chroot {
        /// The whole.
        text: String,
        /// The chroot.
        chroot: String,
    },
}

/// `h1:2181,h2:2181,[::1]:2181/chroot`, as ZooKeeper's clients take it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectString {
    /// Hosts and ports, in the order given.
    pub hosts: Vec<(String, u16)>,
    /// `/a/b`; empty if none was given.
    pub chroot: String,
}

impl ConnectString {
    /// Reads one. A missing port is 2181.
    ///
    /// # Errors
    /// If a part of it is malformed.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        let (hosts, chroot) = text.split_at(text.find('/').unwrap_or(text.len()));
        let chroot = if chroot == "/" { "" } else { chroot };
        if chroot.split('/').skip(1).any(str::is_empty) {
            return Err(AddressError::Chroot {
                text: text.to_owned(),
                chroot: chroot.to_owned(),
            });
        }
        let hosts = hosts.split(',').map(|part| host_port(text, part.trim()));
        Ok(Self {
            hosts: hosts.collect::<Result<_, _>>()?,
            chroot: chroot.to_owned(),
        })
    }
}

fn host_port(text: &str, part: &str) -> Result<(String, u16), AddressError> {
    let no_host = || AddressError::Host {
        text: text.to_owned(),
        part: part.to_owned(),
    };
    let no_port = || AddressError::Port {
        text: text.to_owned(),
        part: part.to_owned(),
    };
    let (host, port) = if let Some(bracketed) = part.strip_prefix('[') {
        let (host, rest) = bracketed.split_once(']').ok_or_else(no_host)?;
        match rest.strip_prefix(':') {
            None if rest.is_empty() => (host, None),
            None => return Err(no_port()),
            Some(port) => (host, Some(port)),
        }
    } else {
        match part.rsplit_once(':') {
            None => (part, None),
            Some((host, port)) => (host, Some(port)),
        }
    };
    if host.is_empty() {
        return Err(no_host());
    }
    let port = match port {
        None => DEFAULT_PORT,
        Some(port) => port
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or_else(no_port)?,
    };
    Ok((host.to_owned(), port))
}

/// The order in which one session tries servers, as indices into a list: first those it is meant
/// for, then the others, so that a session survives the death of every server it was meant for.
///
/// Sessions go round the servers they are meant for. Those that share a first server are dealt evenly,
/// in an order that the seed decides, over the rest: when a server dies, its sessions scatter over all
/// survivors instead of falling on one neighbour.
#[derive(Clone, Debug)]
pub struct ServerOrder {
    order: Vec<u32>,
    at: usize,
    preferred: usize,
}

impl ServerOrder {
    /// The order of session number `session` among `servers` servers.
    ///
    /// # Panics
    /// If no server is preferred.
    #[must_use]
    pub fn new(preferred: &[u32], servers: u32, session: u32, seed: u64) -> Self {
        assert!(!preferred.is_empty(), "a session is meant for some server");
        let session = session as usize;
        let home = session % preferred.len();
        // Which of the sessions of that home it is.
        let ordinal = session / preferred.len();
        let first = preferred[home];
        let mut random = SplitMix64::seed_from_u64(seed ^ (u64::from(first) << 32));
        let mut dealt = |mut list: Vec<u32>| {
            for last in (1..list.len()).rev() {
                let chosen = random.next_u64() % (last as u64 + 1);
                list.swap(last, usize::try_from(chosen).unwrap_or(0));
            }
            let turn = ordinal % list.len().max(1);
            list.rotate_left(turn);
            list
        };
        let rest = preferred.iter().copied().filter(|server| *server != first);
        let others = (0..servers).filter(|server| !preferred.contains(server));
        let mut order = vec![first];
        order.extend(dealt(rest.collect()));
        order.extend(dealt(others.collect()));
        Self {
            order,
            at: 0,
            preferred: preferred.len(),
        }
    }

    /// The server to try now.
    #[must_use]
    pub fn current(&self) -> u32 {
        self.order[self.at]
    }

    /// Moves on to the next one, after the last to the first.
    pub fn advance(&mut self) {
        self.at = (self.at + 1) % self.order.len();
    }

    /// Moves on among the preferred ones only; true when that begins another round.
    pub fn advance_preferred(&mut self) -> bool {
        self.at = (self.at + 1) % self.preferred;
        self.at == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn connect_strings_are_those_of_zookeeper() {
        let read = ConnectString::parse("a:1,b, [::1]:2182 ,c:65535/x/y").unwrap();
        let expected = [("a", 1), ("b", 2181), ("::1", 2182), ("c", 65535)];
        let expected: Vec<_> = expected.map(|(h, p)| (h.to_owned(), p)).into();
        assert_eq!((read.hosts, read.chroot.as_str()), (expected, "/x/y"));
        assert_eq!(ConnectString::parse("a/").unwrap().chroot, "");
    }

    #[test]
    fn malformed_ones_name_the_part() {
        for text in ["", "a:1,,b", ":2181", "[::1"] {
            let error = ConnectString::parse(text).unwrap_err();
            assert!(
                matches!(error, AddressError::Host { .. }),
                "{text}: {error}"
            );
        }
        for text in ["a:0", "a:65536", "a:x", "a:", "[::1]2181"] {
            let error = ConnectString::parse(text).unwrap_err();
            assert!(
                matches!(error, AddressError::Port { .. }),
                "{text}: {error}"
            );
        }
        for text in ["a//", "a/x/", "a//x"] {
            let error = ConnectString::parse(text).unwrap_err();
            assert!(
                matches!(error, AddressError::Chroot { .. }),
                "{text}: {error}"
            );
        }
    }

    #[test]
    fn the_sessions_of_a_dead_server_scatter_evenly_over_the_survivors() {
        let mut taken = [0; 4];
        for session in 0..48 {
            let mut order = ServerOrder::new(&[0, 1, 2, 3], 4, session, 5);
            if order.current() == 2 {
                order.advance();
                taken[order.current() as usize] += 1;
            }
        }
        assert_eq!(taken, [4, 4, 0, 4]);
        let order = |seed| ServerOrder::new(&[0, 1, 2, 3], 4, 0, seed).order;
        assert_eq!(order(1), order(1));
        assert!((2..9).any(|seed| order(seed) != order(1)));
    }

    #[test]
    fn sessions_are_spread_over_the_preferred_then_fall_back_to_all() {
        for session in 0..6 {
            let mut order = ServerOrder::new(&[1, 3, 4], 6, session, 9);
            assert_eq!(order.current(), [1, 3, 4][session as usize % 3]);
            let mut seen: Vec<u32> = (0..6)
                .map(|_| {
                    let current = order.current();
                    order.advance();
                    current
                })
                .collect();
            assert!(seen[..3].iter().all(|server| [1, 3, 4].contains(server)));
            seen.sort_unstable();
            assert_eq!(seen, [0, 1, 2, 3, 4, 5]);
            assert_eq!(order.current(), [1, 3, 4][session as usize % 3]);
            assert!(!order.advance_preferred());
            assert!(!order.advance_preferred());
            assert!(order.advance_preferred());
        }
    }
}
