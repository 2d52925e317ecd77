//! Implements [`Setup`] for ZooKeeper.

use super::TreePlan;
use super::clean_up::{clean_up, recycle};
use super::prepare::prepare;
use super::tree::Tree;
use crate::protocol::{Leftovers, Setup, SetupError, SetupJob};
use crate::workload::Plan;

impl Setup for Tree {
    fn prepare(&mut self, job: &SetupJob<'_>) -> Result<(), SetupError> {
        let mut created = Self::default();
        let prepared = prepare(job, &mut created);
        // A later preparation finds what an earlier one created.
        self.chroot |= created.chroot;
        if self.above.is_empty() {
            self.above = created.above;
        }
        Ok(prepared?)
    }

    fn recycle(&self, job: &SetupJob<'_>) -> Result<(), SetupError> {
        Ok(recycle(job)?)
    }

    fn clean_up(&self, job: &SetupJob<'_>) -> Result<(), SetupError> {
        Ok(clean_up(job, self)?)
    }

    fn place_below(&self, plan: &mut Plan, root: &str) {
        let chroot = TreePlan::of(plan).chroot;
        plan.prepare.own.set("chroot", format!("{root}{chroot}"));
    }

    fn expected(&self, plan: &Plan) -> u64 {
        TreePlan::of(plan).znodes
    }

    fn leftovers(&self, plan: &Plan, servers: &[String]) -> Option<Leftovers> {
        let place = TreePlan::of(plan).chroot;
        let remedy = format!(
            "`zkCli.sh -server {} deleteall {place}`, or run there again",
            servers.join(",")
        );
        (self.chroot && !plan.prepare.keep).then_some(Leftovers { place, remedy })
    }
}
