//! The four-letter words (specification 16.5): what operators and monitoring tools ask a server.
//!
//! Pure: the node fills a [`View`], this module writes the text.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod connection;
mod watches;

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

pub use self::connection::{Connection, Interest, Reply, Session};
pub use self::watches::WatchSummary;

/// What `srvr` and `mntr` give as version: the release whose behaviour is followed, then ours.
pub const VERSION: &str = concat!("3.9.5-quorate-", env!("CARGO_PKG_VERSION"));

/// A word that is understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs, reason = "the names are the words")]
pub enum Word {
    Ruok,
    Srvr,
    Stat,
    Mntr,
    Conf,
    Isro,
    Cons,
    Dump,
    Envi,
    Dirs,
    Crst,
    Srst,
    Wchs,
    Wchc,
    Wchp,
}

impl Word {
    /// The word that these four bytes are, if any; others are the length of a frame.
    #[must_use]
    pub fn parse(bytes: &[u8; 4]) -> Option<Self> {
        Some(match bytes {
            b"ruok" => Self::Ruok,
            b"srvr" => Self::Srvr,
            b"stat" => Self::Stat,
            b"mntr" => Self::Mntr,
            b"conf" => Self::Conf,
            b"isro" => Self::Isro,
            b"cons" => Self::Cons,
            b"dump" => Self::Dump,
            b"envi" => Self::Envi,
            b"dirs" => Self::Dirs,
            b"crst" => Self::Crst,
            b"srst" => Self::Srst,
            b"wchs" => Self::Wchs,
            b"wchc" => Self::Wchc,
            b"wchp" => Self::Wchp,
            _ => return None,
        })
    }

    /// The word as text.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ruok => "ruok",
            Self::Srvr => "srvr",
            Self::Stat => "stat",
            Self::Mntr => "mntr",
            Self::Conf => "conf",
            Self::Isro => "isro",
            Self::Cons => "cons",
            Self::Dump => "dump",
            Self::Envi => "envi",
            Self::Dirs => "dirs",
            Self::Crst => "crst",
            Self::Srst => "srst",
            Self::Wchs => "wchs",
            Self::Wchc => "wchc",
            Self::Wchp => "wchp",
        }
    }

    /// Is it answered? `allowed` is the whitelist.
    #[must_use]
    pub fn is_allowed(self, allowed: &[String]) -> bool {
        let name = self.name();
        allowed.iter().any(|entry| entry == "*" || entry == name)
    }
}

/// What a server can say of itself.
#[derive(Clone, Debug, Default)]
pub struct View {
    /// `standalone`, `leader`, `follower`, `observer`; `None` while it does not serve.
    pub mode: Option<&'static str>,
    /// Smallest, mean and largest time from request to reply, ms.
    pub latency_ms: (u64, f64, u64),
    /// Frames received and sent.
    pub packets: (u64, u64),
    /// Requests that wait.
    pub outstanding: usize,
    /// Last applied transaction.
    pub zxid: i64,
    /// Znodes, watches, ephemerals.
    pub counts: (usize, usize, usize),
    /// Approximate size of paths and data, bytes.
    pub data_bytes: usize,
    /// Leader: sizes of proposals, last, min, max.
    pub proposal_bytes: Option<(usize, usize, usize)>,
    /// Leader: learners, followers in sync, observers in sync, syncs that wait.
    pub learners: Option<(usize, usize, usize, usize)>,
    pub quorum_size: usize,
    /// Since the process started, ms.
    pub uptime_ms: u64,
    /// All sessions and their timeouts, ms.
    pub sessions: Vec<(i64, i32)>,
    /// Open files, and how many are allowed.
    pub descriptors: (u64, u64),
    /// Log syncs: count, total and longest time, ns.
    pub fsyncs: (u64, u64, u64),
    /// Sizes of the data and log directories, bytes.
    pub dir_bytes: (u64, u64),
    /// `conf`, key by key, and the membership text of an ensemble.
    pub config: BTreeMap<&'static str, String>,
    /// Configuration text of an ensemble.
    pub membership: Option<String>,
    /// Client connections.
    pub connections: Vec<Connection>,
    /// What `wchs` sums up.
    pub watches: WatchSummary,
    /// `wchc`, `wchp`: session and path.
    pub watched: Vec<(i64, Arc<str>)>,
}

/// The answer to a word; `allowed` is the whitelist. `crst` and `srst` only say here what was done.
#[must_use]
pub fn answer(word: Word, view: View, allowed: &[String]) -> String {
    let name = word.name();
    if !word.is_allowed(allowed) {
        return format!("{name} is not executed because it is not in the whitelist.\n");
    }
    match word {
        Word::Ruok => return "imok".to_owned(),
        Word::Isro => return if view.mode.is_some() { "rw" } else { "null" }.to_owned(),
        Word::Conf => return conf(&view),
        Word::Envi => return envi(),
        _ if view.mode.is_none() => {
            return "This ZooKeeper instance is not currently serving requests\n".to_owned();
        }
        _ => {}
    }
    match word {
        Word::Srvr => format!("Zookeeper version: {VERSION}\n{}", statistics(&view)),
        Word::Stat => stat(&view),
        Word::Mntr => mntr(&view),
        Word::Cons => cons(&view),
        Word::Dump => dump(&view),
        Word::Crst => "Connection stats reset.\n".to_owned(),
        Word::Srst => "Server stats reset.\n".to_owned(),
        Word::Wchs => watches::summary(view.watches),
        Word::Wchc => watches::by_session(view.watched),
        Word::Wchp => watches::by_path(view.watched),
        Word::Dirs => {
            format!(
                "datadir_size: {}\nlogdir_size: {}\n",
                view.dir_bytes.0, view.dir_bytes.1
            )
        }
        Word::Ruok | Word::Isro | Word::Conf | Word::Envi => String::new(),
    }
}

/// As Java prints a mean: at most four decimals, at least one.
fn mean(ms: f64) -> String {
    format!("{:?}", (ms * 1e4).round() / 1e4)
}

fn statistics(view: &View) -> String {
    let (min, avg, max) = view.latency_ms;
    let mut text = format!(
        "Latency min/avg/max: {min}/{}/{max}\nReceived: {}\nSent: {}\nConnections: {}\n\
         Outstanding: {}\nZxid: 0x{:x}\nMode: {}\nNode count: {}\n",
        mean(avg),
        view.packets.0,
        view.packets.1,
        view.connections.len(),
        view.outstanding,
        view.zxid,
        view.mode.unwrap_or("looking"),
        view.counts.0,
    );
    if let Some((last, min, max)) = view.proposal_bytes {
        let signed = |bytes: usize| {
            if max == 0 {
                "-1".to_owned()
            } else {
                bytes.to_string()
            }
        };
        let sizes = [signed(last), signed(min), signed(max)].join("/");
        let _infallible = writeln!(text, "Proposal sizes last/min/max: {sizes}");
    }
    text
}

fn stat(view: &View) -> String {
    let mut text = format!("Zookeeper version: {VERSION}\nClients:\n");
    for connection in &view.connections {
        connection.brief(&mut text);
    }
    text + "\n" + &statistics(view)
}

fn cons(view: &View) -> String {
    let mut text = String::new();
    for connection in &view.connections {
        connection.full(&mut text);
    }
    text + "\n"
}

fn conf(view: &View) -> String {
    let mut text = String::new();
    for (key, value) in &view.config {
        let _infallible = writeln!(text, "{key}={value}");
    }
    if let Some(membership) = &view.membership {
        text.push_str("membership: \n");
        text.push_str(membership);
    }
    text
}

fn dump(view: &View) -> String {
    let mut text = format!(
        "SessionTracker dump:\nGlobal Sessions({}):\n",
        view.sessions.len()
    );
    for (session, timeout_ms) in &view.sessions {
        let _infallible = writeln!(text, "0x{session:x}\t{timeout_ms}ms");
    }
    text
}

fn envi() -> String {
    format!(
        "Environment:\nzookeeper.version={VERSION}\nos.name={}\nos.arch={}\n",
        std::env::consts::OS,
        std::env::consts::ARCH
    )
}

fn mntr(view: &View) -> String {
    let mut text = String::new();
    let mut put = |key: &str, value: String| {
        let _infallible = writeln!(text, "zk_{key}\t{value}");
    };
    let (min, avg, max) = view.latency_ms;
    let mode = view.mode.unwrap_or("looking");
    put("version", VERSION.to_owned());
    put("server_state", mode.to_owned());
    put("min_latency", min.to_string());
    put("avg_latency", mean(avg));
    put("max_latency", max.to_string());
    put("packets_received", view.packets.0.to_string());
    put("packets_sent", view.packets.1.to_string());
    put("num_alive_connections", view.connections.len().to_string());
    put("outstanding_requests", view.outstanding.to_string());
    put("znode_count", view.counts.0.to_string());
    put("watch_count", view.counts.1.to_string());
    put("ephemerals_count", view.counts.2.to_string());
    put("approximate_data_size", view.data_bytes.to_string());
    put("global_sessions", view.sessions.len().to_string());
    put("local_sessions", "0".to_owned());
    put("open_file_descriptor_count", view.descriptors.0.to_string());
    put("max_file_descriptor_count", view.descriptors.1.to_string());
    put("uptime", view.uptime_ms.to_string());
    let (syncs, total_ns, max_ns) = view.fsyncs;
    put("cnt_fsynctime", syncs.to_string());
    let mean_us = total_ns.checked_div(syncs).unwrap_or(0) / 1000;
    put(
        "avg_fsynctime",
        format!("{}.{:03}", mean_us / 1000, mean_us % 1000),
    );
    put("max_fsynctime", (max_ns / 1_000_000).to_string());
    if let Some((learners, followers, observers, syncs)) = view.learners {
        put("learners", learners.to_string());
        put("synced_followers", followers.to_string());
        put("synced_observers", observers.to_string());
        put("synced_non_voting_followers", "0".to_owned());
        put("pending_syncs", syncs.to_string());
        put("quorum_size", view.quorum_size.to_string());
    }
    if let Some((last, min, max)) = view.proposal_bytes {
        put("last_proposal_size", last.to_string());
        put("min_proposal_size", min.to_string());
        put("max_proposal_size", max.to_string());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn view() -> View {
        View {
            mode: Some("leader"),
            packets: (7, 6),
            zxid: 0x1_0000_0002,
            counts: (5, 0, 0),
            proposal_bytes: Some((36, 32, 48)),
            ..View::default()
        }
    }

    fn all() -> Vec<String> {
        vec!["*".to_owned()]
    }

    #[test]
    fn srvr_is_laid_out_as_monitoring_expects() {
        let expected = format!(
            "Zookeeper version: {VERSION}\nLatency min/avg/max: 0/0.0/0\nReceived: 7\nSent: 6\n\
             Connections: 0\nOutstanding: 0\nZxid: 0x100000002\nMode: leader\nNode count: 5\n\
             Proposal sizes last/min/max: 36/32/48\n"
        );
        assert_eq!(answer(Word::Srvr, view(), &all()), expected);
    }

    #[test]
    fn short_words_have_no_newline_and_the_whitelist_holds() {
        assert_eq!(answer(Word::Ruok, view(), &all()), "imok");
        assert_eq!(answer(Word::Isro, view(), &all()), "rw");
        let refused = answer(Word::Mntr, view(), &["srvr".to_owned()]);
        assert_eq!(
            refused,
            "mntr is not executed because it is not in the whitelist.\n"
        );
        let idle = View {
            mode: None,
            ..view()
        };
        let text = answer(Word::Srvr, idle, &all());
        assert_eq!(
            text,
            "This ZooKeeper instance is not currently serving requests\n"
        );
        assert!(answer(Word::Mntr, view(), &all()).contains("zk_server_state\tleader\n"));
        assert_eq!(Word::parse(&[0, 0, 0, 45]), None);
    }

    #[test]
    fn a_mean_has_one_to_four_decimals() {
        for (ms, shown) in [
            (0.0, "0.0"),
            (3.0, "3.0"),
            (0.5, "0.5"),
            (1.0 / 3.0, "0.3333"),
            (12.345_67, "12.3457"),
            (0.000_1, "0.0001"),
        ] {
            assert_eq!(mean(ms), shown);
        }
    }
}
