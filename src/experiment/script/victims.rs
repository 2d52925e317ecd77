//! Chooses the servers that a fault affects.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeSet;

use crate::experiment::leadership::{RoleAnswer, claims};
use crate::workload::{Role, Victim};

/// Returns the indexes of the victims. `answers` are the answers of all servers, and `busy` are the servers
/// with a fault that still lasts.
///
/// # Errors
/// Why the victims are not known, in words.
pub(super) fn choose(
    victim: Victim,
    answers: &[Option<RoleAnswer>],
    busy: &BTreeSet<usize>,
) -> Result<Vec<usize>, String> {
    match victim {
        Victim::Leader => leader(answers, busy).map(|index| vec![index]),
        Victim::Followers(count) => first(answers, busy, Role::Follower, usize::from(count)),
        Victim::Observer => first(answers, busy, Role::Observer, 1),
        Victim::All => Ok((0..answers.len()).collect()),
        Victim::Server(number) => Ok(vec![usize::from(number.saturating_sub(1))]),
    }
}

/// Returns the leader. A server that was replaced may still claim to lead, but has an earlier epoch.
fn leader(answers: &[Option<RoleAnswer>], busy: &BTreeSet<usize>) -> Result<usize, String> {
    let claims = claims(answers);
    let Some(leader) = claims.iter().max_by_key(|claim| claim.epoch) else {
        return Err("no server says that it leads".to_owned());
    };
    if busy.contains(&leader.index) {
        return Err("another fault of the leader still lasts".to_owned());
    }
    Ok(leader.index)
}

/// Returns the first `count` servers that have this role and no fault.
fn first(
    answers: &[Option<RoleAnswer>],
    busy: &BTreeSet<usize>,
    role: Role,
    count: usize,
) -> Result<Vec<usize>, String> {
    let with_role = answers.iter().enumerate().filter(|(index, answer)| {
        answer.is_some_and(|answer| answer.role == role) && !busy.contains(index)
    });
    let found: Vec<usize> = with_role.map(|(index, _)| index).take(count).collect();
    if found.len() < count {
        return Err(format!(
            "{} of {count} servers say that they are a {} and have no other fault",
            found.len(),
            role.name()
        ));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answers(roles: &[Option<(Role, u64)>]) -> Vec<Option<RoleAnswer>> {
        let answer = |(role, epoch)| RoleAnswer {
            role,
            epoch,
            at_ns: 0,
        };
        roles.iter().map(|role| role.map(answer)).collect()
    }

    #[test]
    fn victims_have_the_role_and_no_other_fault() {
        let answers = answers(&[
            Some((Role::Follower, 2)),
            Some((Role::Leader, 2)),
            None,
            Some((Role::Follower, 2)),
            Some((Role::Observer, 2)),
        ]);
        let choose =
            |victim, busy: &[usize]| choose(victim, &answers, &busy.iter().copied().collect());
        assert_eq!(choose(Victim::Leader, &[]), Ok(vec![1]));
        assert_eq!(choose(Victim::Followers(2), &[]), Ok(vec![0, 3]));
        assert_eq!(choose(Victim::Followers(1), &[0]), Ok(vec![3]));
        assert_eq!(choose(Victim::Observer, &[]), Ok(vec![4]));
        assert_eq!(choose(Victim::All, &[]), Ok(vec![0, 1, 2, 3, 4]));
        assert_eq!(choose(Victim::Server(3), &[]), Ok(vec![2]));
        let error = choose(Victim::Followers(2), &[0]).unwrap_err();
        assert!(error.starts_with("1 of 2 servers"), "{error}");
        let error = choose(Victim::Leader, &[1]).unwrap_err();
        assert!(error.contains("still lasts"), "{error}");
    }

    #[test]
    fn a_leader_that_was_replaced_is_no_victim() {
        let two = answers(&[Some((Role::Leader, 1)), Some((Role::Leader, 2))]);
        let none = BTreeSet::new();
        assert_eq!(choose(Victim::Leader, &two, &none), Ok(vec![1]));
        let nobody = answers(&[Some((Role::Follower, 1)), None]);
        let error = choose(Victim::Leader, &nobody, &none).unwrap_err();
        assert_eq!(error, "no server says that it leads");
    }
}
