//! What the faults of a run did, computed from the gaps and the events of the recordings.
//!
//! `impact` computes the figures of one fault in one run, `group` collects them over the runs. The
//! formats print `words` and `rows`. `zoom` and `distribution` compute figures.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod account;
mod distribution;
mod group;
mod impact;
mod json;
mod length;
mod recovery;
mod rows;
mod sessions;
mod tables;
mod victim;
mod words;
mod zoom;

#[cfg(test)]
mod example;
#[cfg(test)]
mod tests;

use crate::result::RunResult;

pub(crate) use distribution::{About, GapRow, distribution};
pub(crate) use group::{GapKind, Group, Spread};
pub(crate) use json::{AccountJson, FaultJson};
pub(crate) use length::{Known, Length};
pub(crate) use sessions::SessionImpact;
pub(crate) use tables::{markdown, page, text};

/// What the faults of a result did.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Failover {
    /// In the order of the faults, each beginning before its end.
    pub groups: Vec<Group>,
    /// What a reader should know before comparing the faults, one sentence each.
    pub notes: Vec<String>,
}

impl Failover {
    pub(crate) fn of(result: &RunResult) -> Self {
        let runs = result.runs.iter().enumerate();
        let impacts = runs.flat_map(|(index, run)| impact::impacts(run, index, &result.plan));
        let groups = Group::all(impacts.collect());
        let mut notes: Vec<String> = words::pause_note(&groups, &result.plan.target)
            .into_iter()
            .collect();
        if !groups.is_empty() {
            notes.extend(account::words(result));
        }
        let dropped: u64 = result
            .runs
            .iter()
            .map(|run| run.interruptions.outages_dropped)
            .sum();
        if dropped > 0 {
            notes.push(format!(
                "{dropped} lost connections are not in the figures of the sessions: a run keeps {}",
                crate::measure::OUTAGES_MAX
            ));
        }
        Self { groups, notes }
    }

    /// Whether there was no fault.
    pub(crate) fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// The answers in words: one sentence per event of a fault, then the notes.
    pub(crate) fn sentences(&self) -> Vec<String> {
        let mut sentences: Vec<String> = self.groups.iter().map(words::sentence).collect();
        sentences.extend(self.notes.iter().cloned());
        sentences
    }

    /// The figures: the time around each fault, and the distribution of the gaps over the runs.
    pub(crate) fn figures(&self, result: &RunResult) -> Vec<super::figure::Figure> {
        let mut figures = zoom::figures(self, result);
        figures.extend(distribution::over_faults(self));
        figures
    }
}
