//! The order in which a session tries servers.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use rand_xoshiro::SplitMix64;
use rand_xoshiro::rand_core::{Rng as _, SeedableRng as _};

/// The order in which one session tries servers, as indices into a list. The servers that the
/// workload prefers come first and the others follow, so that a session survives the death of all
/// preferred servers.
///
/// The first server is assigned round robin over the preferred ones. Sessions with the same first
/// server have different second servers, distributed evenly in an order that the seed determines.
/// When a server dies, its sessions therefore spread over all survivors and not over one neighbour.
#[derive(Clone, Debug)]
pub(super) struct ServerOrder {
    order: Vec<u32>,
    at: usize,
    preferred: usize,
}

impl ServerOrder {
    /// The order of session number `session` among `servers` servers.
    ///
    /// # Panics
    /// If no server is preferred.
    pub(super) fn new(preferred: &[u32], servers: u32, session: u32, seed: u64) -> Self {
        assert!(
            !preferred.is_empty(),
            "a session needs at least one preferred server"
        );
        let session = session as usize;
        let home = session % preferred.len();
        // The number of this session among those with the same first server.
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

    /// Returns the server to try now.
    pub(super) fn current(&self) -> u32 {
        self.order[self.at]
    }

    /// Advances to the next server, and from the last one to the first.
    pub(super) fn advance(&mut self) {
        self.at = (self.at + 1) % self.order.len();
    }

    /// Advances among the preferred servers only. Returns true when that starts another round.
    pub(super) fn advance_preferred(&mut self) -> bool {
        self.at = (self.at + 1) % self.preferred;
        self.at == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
    fn sessions_try_the_preferred_servers_before_the_others() {
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
