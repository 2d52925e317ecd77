//! Gaps: periods without an acknowledgement, of all sessions together or of one.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

/// Limit of the gaps kept per class of operations and run. The longest are kept.
pub const GAPS_MAX: usize = 100;
/// Limit of the outages of sessions kept per run. Further ones only count.
pub const OUTAGES_MAX: usize = 20_000;
/// Limit of the gaps that a session keeps while it runs. The longest are kept.
const SESSION_GAPS_MAX: usize = 16;
/// Shorter gaps of a session are not kept, in nanoseconds.
const SESSION_GAP_LEAST_NS: i64 = 10_000_000;

/// A period without an acknowledgement, in nanoseconds since the start of the measured phase.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The last acknowledgement before it.
    pub from_ns: i64,
    /// The first acknowledgement after it; `None` if there was none in the measured phase.
    pub to_ns: Option<i64>,
}

impl Gap {
    /// Returns its length. A gap without an end lasts until `until_ns`.
    #[must_use]
    pub fn length_ns(&self, until_ns: i64) -> u64 {
        let to_ns = self.to_ns.unwrap_or(until_ns);
        u64::try_from(to_ns.saturating_sub(self.from_ns)).unwrap_or(0)
    }
}

/// The gaps of one class of operations over all sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Gaps {
    /// In order of time.
    pub list: Vec<Gap>,
    /// Every gap longer than this is in the list, in nanoseconds.
    pub complete_above_ns: u64,
}

/// The gap of one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionGap {
    /// The session's number in the plan.
    pub session: u32,
    pub gap: Gap,
}

/// A session without a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionOutage {
    /// The session's number in the plan.
    pub session: u32,
    /// Index of the server that it was connected to.
    pub server: u32,
    /// When it lost its connection, in nanoseconds since the start of the measured phase.
    pub lost_ns: i64,
    /// How it came back; `None` if it did not.
    pub back: Option<SessionReturn>,
}

/// The end of a session's outage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SessionReturn {
    /// When the server answered, in nanoseconds since the start of the measured phase.
    pub at_ns: i64,
    /// Index of the server.
    pub server: u32,
    /// Whether the session id is the same; if not, the old session had expired.
    pub resumed: bool,
}

/// When the first operation was acknowledged that was sent after a fault.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SentAfter {
    /// The time of the fault's event.
    pub at_ns: i64,
    /// The acknowledgement of the first write; `None` if there was none.
    pub write_ns: Option<i64>,
    /// The acknowledgement of the first operation that is no write; `None` if there was none.
    pub read_ns: Option<i64>,
}

/// The longest gaps of one session while it runs.
#[derive(Clone, Debug, Default)]
pub struct SessionGaps {
    /// The latest acknowledgement; `None` before the first one.
    last_ns: Option<i64>,
    /// Length of the shortest gap that is kept, if as many as possible are.
    least_ns: i64,
    kept: Vec<Gap>,
}

impl SessionGaps {
    /// Notes an acknowledgement. Gaps that end before `start_ns` are not kept. Instants may be on
    /// any clock.
    #[inline]
    pub fn acknowledged(&mut self, now_ns: i64, start_ns: i64) {
        let last_ns = self.last_ns.replace(now_ns);
        if let Some(from_ns) = last_ns
            && now_ns - from_ns > self.least_ns.max(SESSION_GAP_LEAST_NS)
            && now_ns > start_ns
        {
            self.keep(Gap {
                from_ns,
                to_ns: Some(now_ns),
            });
        }
    }

    fn keep(&mut self, gap: Gap) {
        let length = |gap: &Gap| gap.length_ns(i64::MAX);
        if self.kept.len() == SESSION_GAPS_MAX
            && let Some(shortest) = (0..self.kept.len()).min_by_key(|at| length(&self.kept[*at]))
        {
            self.kept.swap_remove(shortest);
        }
        self.kept.push(gap);
        if self.kept.len() == SESSION_GAPS_MAX {
            let least_ns = self.kept.iter().map(length).min().unwrap_or(0);
            self.least_ns = i64::try_from(least_ns).unwrap_or(i64::MAX);
        }
    }

    /// Returns the gaps on the clock of the measured phase, which began at `start_ns` and ended at
    /// `end_ns` on the clock of the acknowledgements. The last gap has no end if no acknowledgement
    /// came afterwards.
    #[must_use]
    pub fn finish(self, start_ns: i64, end_ns: i64) -> Vec<Gap> {
        let mut gaps = self.kept;
        if let Some(from_ns) = self.last_ns
            && end_ns - from_ns > SESSION_GAP_LEAST_NS
        {
            gaps.push(Gap {
                from_ns,
                to_ns: None,
            });
        }
        gaps.retain(|gap| gap.from_ns < end_ns);
        for gap in &mut gaps {
            gap.from_ns -= start_ns;
            gap.to_ns = gap.to_ns.map(|to_ns| to_ns - start_ns);
        }
        gaps.sort_by_key(|gap| gap.from_ns);
        gaps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: i64 = 1_000_000;

    #[test]
    fn a_session_keeps_its_longest_gaps() {
        let mut gaps = SessionGaps::default();
        let mut at = 1_000 * MS;
        gaps.acknowledged(at, 1_000 * MS);
        for index in 0..40 {
            at += 5 * MS;
            gaps.acknowledged(at, 1_000 * MS);
            at += (20 + index) * MS;
            gaps.acknowledged(at, 1_000 * MS);
        }
        let found = gaps.finish(1_000 * MS, at);
        assert_eq!(found.len(), SESSION_GAPS_MAX);
        assert!(found.is_sorted_by_key(|gap| gap.from_ns));
        let shortest = found.iter().map(|gap| gap.length_ns(0)).min();
        assert_eq!(shortest, Some(44_000_000), "the 16 longest of 20 to 59 ms");
    }

    #[test]
    fn gaps_are_on_the_clock_of_the_measured_phase_and_the_last_may_have_no_end() {
        let mut gaps = SessionGaps::default();
        for at in [100, 150, 480, 490, 900] {
            gaps.acknowledged(at * MS, 200 * MS);
        }
        let found = gaps.finish(200 * MS, 2_000 * MS);
        let gap = |from: i64, to: Option<i64>| Gap {
            from_ns: from * MS,
            to_ns: to.map(|to| to * MS),
        };
        assert_eq!(
            found,
            [gap(-50, Some(280)), gap(290, Some(700)), gap(700, None)]
        );
        assert!(SessionGaps::default().finish(0, 1).is_empty());
    }
}
