//! Gaps and outages in the result file. Long lists are texts, one per column.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use serde::{Deserialize, Serialize};

use super::columns::{Column, read, read_all, text, zipped};
use crate::measure::{
    BucketResponse, ByClass, Gap, Gaps, Interruptions, SentAfter, SessionGap, SessionOutage,
    SessionReturn,
};

#[derive(Default, Serialize, Deserialize)]
pub(super) struct FileInterruptions {
    writes: FileGaps,
    reads: FileGaps,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    faults: Option<FileFaults>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    outages: Option<FileOutages>,
    outages_dropped: u64,
}

#[derive(Default, Serialize, Deserialize)]
struct FileGaps {
    from_ns: Column,
    to_ns: Column,
    complete_above_ns: u64,
}

/// What is recorded only if there were faults.
#[derive(Serialize, Deserialize)]
struct FileFaults {
    sent_after: Vec<FileSentAfter>,
    session_gaps: FileSessionGaps,
    response_writes: FileResponse,
    response_reads: FileResponse,
}

#[derive(Serialize, Deserialize)]
struct FileSentAfter {
    at_ns: i64,
    write_ns: Option<i64>,
    read_ns: Option<i64>,
}

#[derive(Serialize, Deserialize)]
struct FileSessionGaps {
    session: Column,
    from_ns: Column,
    to_ns: Column,
}

#[derive(Serialize, Deserialize)]
struct FileResponse {
    count: Column,
    sum_us: Column,
    max_us: Column,
}

#[derive(Serialize, Deserialize)]
struct FileOutages {
    session: Column,
    server: Column,
    lost_ns: Column,
    back_ns: Column,
    back_server: Column,
    resumed: Column,
}

impl FileInterruptions {
    pub(super) fn new(found: &Interruptions) -> Self {
        let faults = FileFaults {
            sent_after: found.sent_after.iter().map(FileSentAfter::from).collect(),
            session_gaps: FileSessionGaps::new(&found.session_gaps),
            response_writes: FileResponse::new(&found.response.writes),
            response_reads: FileResponse::new(&found.response.reads),
        };
        Self {
            writes: FileGaps::new(&found.gaps.writes),
            reads: FileGaps::new(&found.gaps.reads),
            faults: (!found.sent_after.is_empty()).then_some(faults),
            outages: (!found.outages.is_empty()).then(|| FileOutages::new(&found.outages)),
            outages_dropped: found.outages_dropped,
        }
    }

    pub(super) fn into_interruptions(self) -> Result<Interruptions, String> {
        let mut found = Interruptions {
            gaps: ByClass {
                writes: self.writes.into_gaps()?,
                reads: self.reads.into_gaps()?,
            },
            outages_dropped: self.outages_dropped,
            ..Interruptions::default()
        };
        if let Some(faults) = self.faults {
            let after = faults.sent_after.into_iter().map(SentAfter::from);
            found.sent_after = after.collect();
            found.session_gaps = faults.session_gaps.into_gaps()?;
            found.response = ByClass {
                writes: faults.response_writes.into_response()?,
                reads: faults.response_reads.into_response()?,
            };
        }
        if let Some(outages) = self.outages {
            found.outages = outages.into_outages()?;
        }
        Ok(found)
    }
}

impl FileGaps {
    fn new(gaps: &Gaps) -> Self {
        Self {
            from_ns: text(gaps.list.iter().map(|gap| Some(gap.from_ns))),
            to_ns: text(gaps.list.iter().map(|gap| gap.to_ns)),
            complete_above_ns: gaps.complete_above_ns,
        }
    }

    fn into_gaps(self) -> Result<Gaps, String> {
        let rows = zipped(
            read_all(&self.from_ns, "gaps")?,
            read(&self.to_ns, "gaps")?,
            "gaps",
        )?;
        Ok(Gaps {
            list: rows
                .map(|(from_ns, to_ns)| Gap { from_ns, to_ns })
                .collect(),
            complete_above_ns: self.complete_above_ns,
        })
    }
}

impl FileSessionGaps {
    fn new(gaps: &[SessionGap]) -> Self {
        Self {
            session: text(gaps.iter().map(|of| Some(of.session))),
            from_ns: text(gaps.iter().map(|of| Some(of.gap.from_ns))),
            to_ns: text(gaps.iter().map(|of| of.gap.to_ns)),
        }
    }

    fn into_gaps(self) -> Result<Vec<SessionGap>, String> {
        const PLACE: &str = "session_gaps";
        let gaps = zipped(
            read_all(&self.from_ns, PLACE)?,
            read(&self.to_ns, PLACE)?,
            PLACE,
        )?;
        let rows = zipped(read_all(&self.session, PLACE)?, gaps.collect(), PLACE)?;
        let gap = |(session, (from_ns, to_ns))| SessionGap {
            session,
            gap: Gap { from_ns, to_ns },
        };
        Ok(rows.map(gap).collect())
    }
}

impl FileResponse {
    fn new(buckets: &[BucketResponse]) -> Self {
        Self {
            count: text(buckets.iter().map(|bucket| Some(bucket.count))),
            sum_us: text(buckets.iter().map(|bucket| Some(bucket.sum_us))),
            max_us: text(buckets.iter().map(|bucket| Some(bucket.max_us))),
        }
    }

    fn into_response(self) -> Result<Vec<BucketResponse>, String> {
        const PLACE: &str = "response";
        let sums = zipped(
            read_all(&self.sum_us, PLACE)?,
            read_all(&self.max_us, PLACE)?,
            PLACE,
        )?;
        let rows = zipped(read_all(&self.count, PLACE)?, sums.collect(), PLACE)?;
        let bucket = |(count, (sum_us, max_us))| BucketResponse {
            count,
            sum_us,
            max_us,
        };
        Ok(rows.map(bucket).collect())
    }
}

impl FileOutages {
    fn new(outages: &[SessionOutage]) -> Self {
        let back = || outages.iter().map(|outage| outage.back);
        Self {
            session: text(outages.iter().map(|outage| Some(outage.session))),
            server: text(outages.iter().map(|outage| Some(outage.server))),
            lost_ns: text(outages.iter().map(|outage| Some(outage.lost_ns))),
            back_ns: text(back().map(|back| back.map(|back| back.at_ns))),
            back_server: text(back().map(|back| back.map(|back| back.server))),
            resumed: text(back().map(|back| back.map(|back| u8::from(back.resumed)))),
        }
    }

    fn into_outages(self) -> Result<Vec<SessionOutage>, String> {
        const PLACE: &str = "outages";
        let lost = zipped(
            read_all::<u32>(&self.server, PLACE)?,
            read_all::<i64>(&self.lost_ns, PLACE)?,
            PLACE,
        )?;
        let lost = zipped(
            read_all::<u32>(&self.session, PLACE)?,
            lost.collect(),
            PLACE,
        )?;
        let whither = zipped(
            read::<u32>(&self.back_server, PLACE)?,
            read::<u8>(&self.resumed, PLACE)?,
            PLACE,
        )?;
        let back = zipped(read::<i64>(&self.back_ns, PLACE)?, whither.collect(), PLACE)?;
        let rows = zipped(lost.collect(), back.collect(), PLACE)?;
        let outage = |((session, (server, lost_ns)), (at_ns, (to, resumed)))| {
            let back = match (at_ns, to, resumed) {
                (Some(at_ns), Some(server), Some(resumed)) => Some(SessionReturn {
                    at_ns,
                    server,
                    resumed: resumed == 1,
                }),
                _ => None,
            };
            SessionOutage {
                session,
                server,
                lost_ns,
                back,
            }
        };
        Ok(rows.map(outage).collect())
    }
}

impl From<&SentAfter> for FileSentAfter {
    fn from(after: &SentAfter) -> Self {
        Self {
            at_ns: after.at_ns,
            write_ns: after.write_ns,
            read_ns: after.read_ns,
        }
    }
}

impl From<FileSentAfter> for SentAfter {
    fn from(after: FileSentAfter) -> Self {
        Self {
            at_ns: after.at_ns,
            write_ns: after.write_ns,
            read_ns: after.read_ns,
        }
    }
}
