//! Records that several messages share (specification 1).

use super::{JuteError, Reader, WriteJute, Zxid};

/// An identity: scheme and id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    /// `world`, `ip`, `digest`, ...
    pub scheme: String,
    /// What the scheme makes of it.
    pub id: String,
}

impl Id {
    /// An identity from two strings.
    #[must_use]
    pub fn new(scheme: &str, id: &str) -> Self {
        Self {
            scheme: scheme.to_owned(),
            id: id.to_owned(),
        }
    }

    /// Reads one; null parts read as empty.
    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, JuteError> {
        let scheme = reader.string()?.unwrap_or_default().to_owned();
        let id = reader.string()?.unwrap_or_default().to_owned();
        Ok(Self { scheme, id })
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        out.put_string(&self.scheme);
        out.put_string(&self.id);
    }
}

/// One access control entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Acl {
    /// Bits of [`super::Perms`].
    pub perms: i32,
    /// Whom they are granted to.
    pub id: Id,
}

impl Acl {
    /// `world:anyone` with all permissions.
    #[must_use]
    pub fn open() -> Vec<Self> {
        vec![Self {
            perms: super::Perms::ALL,
            id: Id::new("world", "anyone"),
        }]
    }

    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, JuteError> {
        Ok(Self {
            perms: reader.i32()?,
            id: Id::decode(reader)?,
        })
    }

    /// Reads a vector; `None` is null.
    pub fn decode_list(reader: &mut Reader<'_>) -> Result<Option<Vec<Self>>, JuteError> {
        match reader.count()? {
            None => Ok(None),
            Some(count) => (0..count)
                .map(|_| Self::decode(reader))
                .collect::<Result<_, _>>()
                .map(Some),
        }
    }

    /// Appends a vector.
    pub fn encode_list(list: &[Self], out: &mut Vec<u8>) {
        out.put_len(list.len());
        for acl in list {
            out.put_i32(acl.perms);
            acl.id.encode(out);
        }
    }
}

/// A znode's metadata as clients see it, 68 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's own")]
pub struct Stat {
    pub czxid: Zxid,
    pub mzxid: Zxid,
    pub ctime_ms: i64,
    pub mtime_ms: i64,
    pub version: i32,
    pub cversion: i32,
    pub aversion: i32,
    pub ephemeral_owner: i64,
    pub data_length: i32,
    pub num_children: i32,
    pub pzxid: Zxid,
}

impl Stat {
    /// Bytes on the wire.
    pub const BYTES: usize = 68;

    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, JuteError> {
        Ok(Self {
            czxid: Zxid(reader.i64()?),
            mzxid: Zxid(reader.i64()?),
            ctime_ms: reader.i64()?,
            mtime_ms: reader.i64()?,
            version: reader.i32()?,
            cversion: reader.i32()?,
            aversion: reader.i32()?,
            ephemeral_owner: reader.i64()?,
            data_length: reader.i32()?,
            num_children: reader.i32()?,
            pzxid: Zxid(reader.i64()?),
        })
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        let mut raw = [0; Self::BYTES];
        raw[0..8].copy_from_slice(&self.czxid.0.to_be_bytes());
        raw[8..16].copy_from_slice(&self.mzxid.0.to_be_bytes());
        raw[16..24].copy_from_slice(&self.ctime_ms.to_be_bytes());
        raw[24..32].copy_from_slice(&self.mtime_ms.to_be_bytes());
        raw[32..36].copy_from_slice(&self.version.to_be_bytes());
        raw[36..40].copy_from_slice(&self.cversion.to_be_bytes());
        raw[40..44].copy_from_slice(&self.aversion.to_be_bytes());
        raw[44..52].copy_from_slice(&self.ephemeral_owner.to_be_bytes());
        raw[52..56].copy_from_slice(&self.data_length.to_be_bytes());
        raw[56..60].copy_from_slice(&self.num_children.to_be_bytes());
        raw[60..68].copy_from_slice(&self.pzxid.0.to_be_bytes());
        out.put(&raw);
    }
}

/// A znode's metadata as snapshots hold it, 60 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the specification's own")]
pub struct StatPersisted {
    pub czxid: Zxid,
    pub mzxid: Zxid,
    pub ctime_ms: i64,
    pub mtime_ms: i64,
    pub version: i32,
    pub cversion: i32,
    pub aversion: i32,
    pub ephemeral_owner: i64,
    pub pzxid: Zxid,
}

impl StatPersisted {
    /// Bytes on disk.
    pub const BYTES: usize = 60;

    pub fn decode(reader: &mut Reader<'_>) -> Result<Self, JuteError> {
        Ok(Self {
            czxid: Zxid(reader.i64()?),
            mzxid: Zxid(reader.i64()?),
            ctime_ms: reader.i64()?,
            mtime_ms: reader.i64()?,
            version: reader.i32()?,
            cversion: reader.i32()?,
            aversion: reader.i32()?,
            ephemeral_owner: reader.i64()?,
            pzxid: Zxid(reader.i64()?),
        })
    }

    pub fn encode(&self, out: &mut Vec<u8>) {
        out.put_i64(self.czxid.0);
        out.put_i64(self.mzxid.0);
        out.put_i64(self.ctime_ms);
        out.put_i64(self.mtime_ms);
        out.put_i32(self.version);
        out.put_i32(self.cversion);
        out.put_i32(self.aversion);
        out.put_i64(self.ephemeral_owner);
        out.put_i64(self.pzxid.0);
    }
}
