//! The acknowledged creates and deletes of one session and create operation. The znodes differ in their
//! numbers.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use super::bits::Bits;

/// A session and one of its create operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct NamesKey {
    pub(super) session: u32,
    /// The position of the operation among the creates of the plan.
    pub(super) create: usize,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Names {
    created: Bits,
    /// Numbers whose delete was sent. Whether they exist is not known until the delete is acknowledged.
    delete_sent: Bits,
    deleted: Bits,
    /// Lost writes that the replies have shown already.
    pub(super) lost: u64,
    /// Acknowledged writes whose numbers are too large to be stored.
    pub(super) unverifiable: u64,
}

impl Names {
    /// Notes an acknowledged create. A number that is given twice shows that the first znode was lost.
    pub(super) fn created(&mut self, number: i64) {
        let is_new = u64::try_from(number)
            .ok()
            .and_then(|number| self.created.insert(number));
        match is_new {
            None => self.unverifiable += 1,
            Some(true) => {}
            Some(false) => self.lost += 1,
        }
    }

    /// Notes that a delete is sent.
    pub(super) fn deleting(&mut self, number: i64) {
        if let Ok(number) = u64::try_from(number) {
            self.delete_sent.insert(number);
        }
    }

    /// Notes an acknowledged delete.
    pub(super) fn deleted(&mut self, number: i64) {
        let stored = u64::try_from(number)
            .ok()
            .and_then(|number| self.deleted.insert(number));
        if stored.is_none() {
            self.unverifiable += 1;
        }
    }

    /// Notes that a znode to be deleted did not exist. Every znode is deleted once, so if its create was
    /// acknowledged, it was lost.
    pub(super) fn missing(&mut self, number: i64) {
        if u64::try_from(number).is_ok_and(|number| self.created.contains(number)) {
            self.lost += 1;
        }
    }

    /// Returns the number of acknowledged creates and deletes.
    pub(super) fn writes(&self) -> u64 {
        self.created.count() + self.deleted.count() + self.unverifiable
    }

    /// Returns the numbers of the znodes that must exist.
    pub(super) fn must_exist(&self) -> impl Iterator<Item = u64> {
        let kept = |number: &u64| !self.delete_sent.contains(*number);
        self.created.iter().filter(kept)
    }

    /// Returns the numbers of the znodes that must not exist.
    pub(super) fn must_not_exist(&self) -> impl Iterator<Item = u64> {
        self.deleted.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_znode_must_exist_unless_its_delete_was_sent() {
        let mut names = Names::default();
        for number in [0, 1, 2, 3] {
            names.created(number);
        }
        names.deleting(1);
        names.deleted(1);
        names.deleting(2);
        assert_eq!(names.must_exist().collect::<Vec<_>>(), [0, 3]);
        assert_eq!(names.must_not_exist().collect::<Vec<_>>(), [1]);
        assert_eq!((names.writes(), names.lost), (5, 0));
    }

    #[test]
    fn replies_show_losses() {
        let mut names = Names::default();
        names.created(7);
        names.created(7);
        assert_eq!(names.lost, 1, "the server gave a number twice");
        names.deleting(7);
        names.missing(7);
        assert_eq!(names.lost, 2, "an acknowledged znode did not exist");
        names.missing(8);
        assert_eq!(names.lost, 2, "the create was not acknowledged");
        names.created(-5);
        assert_eq!(names.unverifiable, 1);
    }
}
