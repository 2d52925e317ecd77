//! The four-letter words, with which operators and monitoring tools ask a server about its state
//! (specification 16.5).
//!
//! Pure: the node implements [`Source`], this module writes the text.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod configuration;
mod connection;
mod date;
mod dump;
mod environment;
mod metrics;
mod source;
mod statistics;
#[cfg(test)]
mod tests;
mod version;
mod watches;
mod word;

pub use self::configuration::Configuration;
pub use self::connection::{Connection, ConnectionLatency, Interest, Reply, Session};
pub use self::dump::{Ephemerals, GlobalSession, SessionBucket, Sessions};
pub use self::environment::Environment;
pub use self::metrics::{
    ClientCounters, Descriptors, Leading, Metrics, ProtocolCounters, Quorum, Summary, Times,
};
pub use self::source::{DirSizes, Source};
pub use self::statistics::{LatencyMs, Mode, Sizes, Statistics};
pub use self::version::VERSION;
pub use self::watches::{WatchSummary, Watched};
pub use self::word::Word;

use self::dump::Dump;

const NOT_SERVING: &str = "This ZooKeeper instance is not currently serving requests\n";

/// Executes a word and returns its answer.
#[must_use]
pub fn respond(word: Word, whitelist: &[String], source: &mut impl Source) -> String {
    if !word.is_allowed(whitelist) {
        let name = word.name();
        return format!("{name} is not executed because it is not in the whitelist.\n");
    }
    match word {
        Word::Ruok => "imok".to_owned(),
        Word::Isro => if source.is_serving() { "rw" } else { "null" }.to_owned(),
        Word::Envi => source.environment().text(),
        _ if !source.is_serving() => NOT_SERVING.to_owned(),
        Word::Srvr => statistics::srvr(&source.statistics()),
        Word::Stat => statistics::stat(&source.statistics(), &source.connections()),
        Word::Mntr => source.metrics().text(),
        Word::Cons => connection::cons(&source.connections()),
        Word::Conf => source.configuration().text(),
        Word::Dump => Dump {
            sessions: source.sessions(),
            ephemerals: source.ephemerals(),
            connections: source.connections(),
        }
        .text(),
        Word::Wchs => watches::summary(source.watch_summary()),
        Word::Wchc => watches::by_session(source.watched()),
        Word::Wchp => watches::by_path(source.watched()),
        Word::Dirs => dirs(source.dir_sizes()),
        Word::Crst => {
            source.reset_connections();
            "Connection stats reset.\n".to_owned()
        }
        Word::Srst => {
            source.reset_statistics();
            "Server stats reset.\n".to_owned()
        }
    }
}

/// Prints nothing if a directory cannot be read: 0 would be taken for its size.
fn dirs(sizes: Option<DirSizes>) -> String {
    sizes.map_or_else(String::new, |DirSizes { data, log }| {
        format!("datadir_size: {data}\nlogdir_size: {log}\n")
    })
}
