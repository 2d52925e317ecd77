//! Asks the servers of a target for their roles, and keeps the last known leader.

use std::net::SocketAddr;
use std::thread;
use std::time::Duration;

use crate::load::clock::now_ns;
use crate::protocol::zookeeper::four_letter;
use crate::target::{Member, parse_srvr};
use crate::workload::Role;

/// A change of the leader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    /// Time of the first answer that showed the change.
    pub(super) at_ns: i64,
    /// The previous leader. `None` if no server led.
    pub(super) from: Option<String>,
    /// The new leader. `None` if no server leads.
    pub(super) to: Option<String>,
}

/// The answer of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RoleAnswer {
    pub(super) role: Role,
    /// The epoch of the newest transaction that the server knows.
    pub(super) epoch: u64,
    /// When the answer came, in nanoseconds of the driver's clock.
    pub(super) at_ns: i64,
}

/// An answer in which a server says that it leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Claim {
    pub(super) index: usize,
    pub(super) epoch: u64,
    pub(super) at_ns: i64,
}

/// Asks all servers at the same time. `None` for a server that does not serve or does not answer within
/// `timeout`.
pub(super) fn ask_roles(addresses: &[SocketAddr], timeout: Duration) -> Vec<Option<RoleAnswer>> {
    let ask = |address: SocketAddr| {
        let srvr = parse_srvr(&four_letter(address, "srvr", timeout).ok()?)?;
        Some(RoleAnswer {
            role: srvr.role,
            epoch: srvr.epoch,
            at_ns: now_ns(),
        })
    };
    thread::scope(|scope| {
        let asking: Vec<_> = addresses
            .iter()
            .map(|address| scope.spawn(move || ask(*address)))
            .collect();
        asking
            .into_iter()
            .map(|thread| thread.join().ok().flatten())
            .collect()
    })
}

/// Returns the claims to lead among the answers.
pub(super) fn claims(answers: &[Option<RoleAnswer>]) -> Vec<Claim> {
    let leads = |(index, answer): (usize, &Option<RoleAnswer>)| match answer {
        Some(RoleAnswer {
            role: Role::Leader,
            epoch,
            at_ns,
        }) => Some(Claim {
            index,
            epoch: *epoch,
            at_ns: *at_ns,
        }),
        _ => None,
    };
    answers.iter().enumerate().filter_map(leads).collect()
}

/// The last known leader.
#[derive(Debug)]
pub(super) struct Leadership {
    names: Vec<String>,
    addresses: Vec<SocketAddr>,
    known: Known,
    /// The epoch of the last known leader. 0 if it was not asked yet.
    epoch: u64,
    timeout: Duration,
    /// Whether any server has reported a role in an ensemble. A standalone server has no leader, and a server
    /// that refuses four-letter words does not report its role.
    has_roles: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Known {
    /// No server has reported that it leads so far.
    Unknown,
    NoLeader,
    Server(usize),
}

impl Leadership {
    /// Takes the leader from the last known roles of the members.
    pub(super) fn of(members: &[Member], timeout: Duration) -> Self {
        let leader = members.iter().position(|one| one.role == Role::Leader);
        let in_ensemble =
            |member: &Member| matches!(member.role, Role::Leader | Role::Follower | Role::Observer);
        Self {
            names: members.iter().map(|member| member.name.clone()).collect(),
            addresses: members.iter().map(|member| member.address).collect(),
            known: leader.map_or(Known::Unknown, Known::Server),
            epoch: 0,
            timeout,
            has_roles: members.iter().any(in_ensemble),
        }
    }

    /// Whether the servers can be asked for their leader.
    pub(super) fn has_roles(&self) -> bool {
        self.has_roles
    }

    /// Asks all servers for their roles. Returns the answer of the leader, if there is one.
    pub(super) fn ask(&self) -> Option<Claim> {
        self.choose(&claims(&ask_roles(&self.addresses, self.timeout)))
    }

    /// Chooses between claims of several servers. A previous leader may not know yet that it was replaced, for
    /// instance after a pause. It has an earlier epoch. With equal epochs the claim of a new leader wins.
    fn choose(&self, claims: &[Claim]) -> Option<Claim> {
        let is_new = |claim: &Claim| Known::Server(claim.index) != self.known;
        let current = claims.iter().filter(|claim| claim.epoch >= self.epoch);
        current
            .max_by_key(|claim| (claim.epoch, is_new(claim)))
            .copied()
    }

    /// Notes the leader. Returns the change if the leader is another one than before.
    pub(super) fn found(&mut self, claim: Claim) -> Option<Change> {
        self.epoch = claim.epoch;
        self.update(Known::Server(claim.index), claim.at_ns)
    }

    /// Notes that no server leads since `at_ns`. Returns the change if a server led before.
    pub(super) fn lost(&mut self, at_ns: i64) -> Option<Change> {
        self.update(Known::NoLeader, at_ns)
    }

    fn update(&mut self, now: Known, at_ns: i64) -> Option<Change> {
        let before = std::mem::replace(&mut self.known, now);
        // The first leader that is found is no change: it may have led from the beginning.
        (before != now && before != Known::Unknown).then(|| Change {
            at_ns,
            from: self.name(before),
            to: self.name(now),
        })
    }

    fn name(&self, known: Known) -> Option<String> {
        match known {
            Known::Server(index) => self.names.get(index).cloned(),
            Known::NoLeader | Known::Unknown => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn claim(index: usize, epoch: u64) -> Claim {
        Claim {
            index,
            epoch,
            at_ns: 5,
        }
    }

    fn leadership(roles: &[Role]) -> Leadership {
        let members: Vec<Member> = (1..)
            .zip(roles)
            .map(|(port, role)| Member {
                proxy: None,
                name: format!("h:{port}"),
                address: ([127, 0, 0, 1], port).into(),
                observer: None,
                role: *role,
                version: None,
            })
            .collect();
        Leadership::of(&members, Duration::from_secs(60))
    }

    #[test]
    fn if_two_servers_claim_to_lead_the_later_epoch_decides() {
        let mut leadership = leadership(&[Role::Leader, Role::Follower]);
        assert_eq!(
            leadership.choose(&[claim(0, 1), claim(1, 2)]),
            Some(claim(1, 2))
        );
        assert_eq!(leadership.choose(&[claim(0, 1)]), Some(claim(0, 1)));
        assert_eq!(leadership.found(claim(0, 1)), None);
        let change = leadership.found(claim(1, 2)).unwrap();
        assert_eq!(change.to.as_deref(), Some("h:2"));
        let stale = claim(0, 1);
        assert_eq!(leadership.choose(&[stale, claim(1, 2)]), Some(claim(1, 2)));
        assert_eq!(leadership.choose(&[stale]), None);
        assert_eq!(leadership.lost(9).unwrap().from.as_deref(), Some("h:2"));
    }

    #[test]
    fn with_equal_epochs_the_new_leader_is_chosen() {
        let leadership = leadership(&[Role::Leader, Role::Follower]);
        for claims in [[claim(0, 0), claim(1, 0)], [claim(1, 0), claim(0, 0)]] {
            assert_eq!(leadership.choose(&claims), Some(claim(1, 0)));
        }
    }

    #[test]
    fn the_first_leader_is_no_change() {
        let mut unknown = leadership(&[Role::Follower]);
        assert_eq!(unknown.found(claim(0, 1)), None);
    }
}
