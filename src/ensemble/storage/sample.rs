//! Sample entries and logs for the tests of this module.

use std::ops::RangeInclusive;
use std::path::Path;

use crate::wire::jute::{Acl, OpCode, SessionId, Txn, TxnHeader, Zxid, encode_entry};

use super::format::LogBatch;
use super::log_reader::LogReader;

/// The session of all sample transactions.
pub(super) const SESSION: SessionId = SessionId(0x77);

/// Returns a transaction entry. The first of an epoch creates the session, all others create a node
/// `/n<zxid>`.
pub(super) fn entry(zxid: Zxid) -> Vec<u8> {
    let path = format!("/n{:x}", zxid.0);
    let (op, txn) = if zxid.counter() == 1 {
        (
            OpCode::CreateSession,
            Txn::CreateSession { timeout_ms: 9000 },
        )
    } else {
        (
            OpCode::Create,
            Txn::Create {
                path: &path,
                data: Some(b"data"),
                acl: Acl::open(),
                ephemeral: false,
                parent_cversion: i32::try_from(zxid.counter()).expect("small"),
            },
        )
    };
    let header = TxnHeader {
        session: SESSION,
        cxid: 0,
        zxid,
        time_ms: 1000,
        op,
    };
    let mut out = Vec::new();
    encode_entry(&header, &txn, &mut out);
    out
}

/// Returns a batch of such entries.
pub(super) fn batch(zxids: RangeInclusive<i64>) -> LogBatch {
    let mut batch = LogBatch::new();
    for zxid in zxids {
        batch.push(Zxid(zxid), &entry(Zxid(zxid)));
    }
    batch
}

/// Returns the zxids of all entries of an undamaged log.
pub(super) fn read_zxids(path: &Path) -> Vec<i64> {
    let mut reader = LogReader::open(path).expect("a log");
    let mut zxids = Vec::new();
    while let Some((_, entry)) = reader.next_entry().expect("not damaged") {
        zxids.push(entry.zxid.0);
    }
    zxids
}
