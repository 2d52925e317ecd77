//! Records that several messages contain (specification 1).

use super::{JuteError, Reader, WriteJute, Zxid};

/// An authentication identity.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Id {
    /// For example `world`, `ip` or `digest`.
    pub scheme: String,
    /// The format depends on the scheme.
    pub id: String,
}

impl Id {
    #[must_use]
    pub fn new(scheme: &str, id: &str) -> Self {
        Self {
            scheme: scheme.to_owned(),
            id: id.to_owned(),
        }
    }

    /// Null parts become empty strings.
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

/// An entry of an access control list.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Acl {
    /// Bits from [`super::Perms`].
    pub perms: i32,
    /// The identity that receives the permissions.
    pub id: Id,
}

impl Acl {
    /// A list that grants all permissions to `world:anyone`.
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

    /// Reads a vector. `None` is null.
    pub fn decode_list(reader: &mut Reader<'_>) -> Result<Option<Vec<Self>>, JuteError> {
        match reader.count()? {
            None => Ok(None),
            Some(count) => (0..count)
                .map(|_| Self::decode(reader))
                .collect::<Result<_, _>>()
                .map(Some),
        }
    }

    pub fn encode_list(list: &[Self], out: &mut Vec<u8>) {
        out.put_len(list.len());
        for acl in list {
            out.put_i32(acl.perms);
            acl.id.encode(out);
        }
    }
}

/// A znode's metadata as clients receive it, 68 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    /// Encoded length.
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

/// A znode's metadata as snapshots store it, 60 bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    /// Encoded length.
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
