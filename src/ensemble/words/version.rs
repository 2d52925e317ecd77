//! The version that the words report.

use super::date;

/// The release whose behaviour the server follows, then the version of Quorate.
pub const VERSION: &str = concat!("3.9.5-quorate-", env!("CARGO_PKG_VERSION"));

/// When the program was built, in seconds since 1970. The build script sets it.
const BUILT_S: i64 = match i64::from_str_radix(env!("QUORATE_BUILT"), 10) {
    Ok(seconds) => seconds,
    Err(_) => panic!("QUORATE_BUILT must be a number of seconds"),
};

/// Returns the version in Apache ZooKeeper's form, `VERSION-HASH, built on YYYY-MM-DD HH:MM UTC`. Clients
/// such as go-zookeeper reject an answer to `srvr` without the date.
pub(super) fn full_version() -> String {
    format!("{VERSION}, built on {}", date::minute(BUILT_S))
}

/// Returns the first line of `srvr` and `stat`.
pub(super) fn version_line() -> String {
    format!("Zookeeper version: {}\n", full_version())
}
