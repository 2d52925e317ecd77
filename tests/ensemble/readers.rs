//! Readers of the four-letter words, as monitoring tools have them. Each function is rebuilt from the
//! tool's documentation or source and fails the test where the tool would fail.

use std::collections::BTreeMap;

use regex::Regex;

fn regex(pattern: &str) -> Regex {
    Regex::new(pattern).unwrap()
}

/// The result of go-zookeeper's `FLWSrvr`.
#[derive(Debug)]
pub(crate) struct GoServer {
    pub(crate) version: String,
    pub(crate) mode: String,
    pub(crate) connections: u64,
    pub(crate) node_count: u64,
}

/// `FLWSrvr`: one expression over the first lines, in multi-line mode. It knows two forms of the
/// date.
pub(crate) fn go_zookeeper_srvr(srvr: &str) -> GoServer {
    let pattern = [
        r"(?m)\AZookeeper version: ([A-Za-z0-9.\-]+), built on ((\d\d/\d\d/\d{4}|\d{4}-\d\d-\d\d) \d\d:\d\d [A-Za-z0-9:+\-]+).*",
        r"^Latency min/avg/max: (\d+)/([0-9.]+)/(\d+).*",
        r"^Received: (\d+).*",
        r"^Sent: (\d+).*",
        r"^Connections: (\d+).*",
        r"^Outstanding: (\d+).*",
        r"^Zxid: (0x[A-Za-z0-9]+).*",
        r"^Mode: (\w+).*",
        r"^Node count: (\d+)",
    ]
    .join("\n");
    let found = regex(&pattern);
    let found = found.captures(srvr).unwrap_or_else(|| panic!("{srvr}"));
    let date = regex(r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01]) ([01]\d|2[0-3]):[0-5]\d UTC$");
    assert!(date.is_match(&found[2]), "{srvr}");
    i64::from_str_radix(found[11].trim_start_matches("0x"), 16).unwrap();
    found[5].parse::<f64>().unwrap();
    GoServer {
        version: found[1].to_owned(),
        mode: found[12].to_owned(),
        connections: found[9].parse().unwrap(),
        node_count: found[13].parse().unwrap(),
    }
}

/// `FLWCons`: the session of each line that has one. The line of the connection that asks has
/// none, with Apache ZooKeeper as well.
pub(crate) fn go_zookeeper_cons(cons: &str) -> Vec<String> {
    let pattern = regex(
        r"^ /((?:\d{1,3}\.){3}\d{1,3}:\d+)\[\d+\]\(queued=(\d+),recved=(\d+),sent=(\d+),sid=(0x[A-Za-z0-9]+),lop=(\w+),est=(\d+),to=(\d+),lcxid=(0x[A-Za-z0-9]+),lzxid=(0x[A-Za-z0-9]+),lresp=(\d+),llat=(\d+),minlat=(\d+),avglat=(\d+),maxlat=(\d+)\)",
    );
    let lines = cons.lines().filter(|line| !line.is_empty());
    let (with, without): (Vec<&str>, Vec<&str>) = lines.partition(|line| pattern.is_match(line));
    assert_eq!(without.len(), 1, "{cons}");
    let session = |line: &&str| pattern.captures(line).unwrap()[5].to_owned();
    with.iter().map(session).collect()
}

/// Telegraf's zookeeper input: an unexpected line is an error. Takes the first word of a value.
pub(crate) fn telegraf_mntr(mntr: &str) -> BTreeMap<String, String> {
    let pattern = regex(r"^zk_(\w[\w.\-]*)\s+([\w.\-]+)");
    mntr.lines()
        .map(|line| {
            let found = pattern.captures(line);
            let found = found.unwrap_or_else(|| panic!("unexpected line in mntr response: {line}"));
            (found[1].to_owned(), found[2].to_owned())
        })
        .collect()
}

/// The exporters for Prometheus (carlpett, jiankunking, dabealu): exactly one tab in each line, and
/// numbers everywhere but in `zk_version`, `zk_server_state` and `zk_peer_state`.
pub(crate) fn exporter_mntr(mntr: &str) -> BTreeMap<String, f64> {
    let mut numbers = BTreeMap::new();
    for line in mntr.trim().split('\n') {
        let parts: Vec<&str> = line.split('\t').collect();
        let [name, value] = parts[..] else {
            panic!("expected a tab-separated key and value: {line:?}");
        };
        match name {
            "zk_version" | "zk_server_state" | "zk_peer_state" => {}
            _ => {
                let number = value.parse().unwrap_or_else(|_| panic!("{line}"));
                numbers.insert(name.to_owned(), number);
            }
        }
    }
    numbers
}

/// Datadog's check of `stat`: it reads line after line, so their order counts. Returns the mode.
pub(crate) fn datadog_stat(stat: &str) -> String {
    let mut lines = stat.lines();
    let version = lines.next().unwrap();
    assert!(regex(r"\d+\.\d+\.\d+").is_match(version), "{stat}");
    assert_eq!(lines.next(), Some("Clients:"));
    while !lines.next().unwrap().trim().is_empty() {}
    let mut value = |name: &str| {
        let line = lines.next().unwrap_or_else(|| panic!("{name}: {stat}"));
        let (found, value) = line.split_once(':').unwrap();
        assert_eq!(found, name, "{stat}");
        value.trim().to_owned()
    };
    let latencies = value("Latency min/avg/max");
    let latencies: Vec<f64> = latencies.split('/').map(|ms| ms.parse().unwrap()).collect();
    assert_eq!(latencies.len(), 3);
    for name in ["Received", "Sent", "Connections", "Outstanding"] {
        value(name).parse::<u64>().unwrap();
    }
    i64::from_str_radix(value("Zxid").trim_start_matches("0x"), 16).unwrap();
    let mode = value("Mode");
    value("Node count").parse::<u64>().unwrap();
    mode
}

/// Datadog's check of `mntr`: the first line is the version or an error, whatever it says. Returns
/// the mode.
pub(crate) fn datadog_mntr(mntr: &str) -> String {
    let mut lines = mntr.lines();
    assert!(lines.next().unwrap().starts_with("zk_version\t"), "{mntr}");
    lines
        .find_map(|line| line.strip_prefix("zk_server_state\t"))
        .unwrap()
        .to_lowercase()
}

/// Metricbeat's `server` metricset: version and date of the first line.
pub(crate) fn beats_srvr(srvr: &str) -> (String, String) {
    let first = srvr.lines().next().unwrap();
    let version = regex(r":\s(.*),").captures(first).unwrap()[1].to_owned();
    let date = regex(r"built on (.*)").captures(first).unwrap()[1].to_owned();
    (version, date)
}

/// kazoo's `server_version`: the leading numbers of `zookeeper.version` in `envi`.
pub(crate) fn kazoo_version(envi: &str) -> Vec<u32> {
    let rows: BTreeMap<&str, &str> = envi
        .lines()
        .filter_map(|line| line.split_once('='))
        .collect();
    let version = rows["zookeeper.version"];
    let digits = regex(r"^([\d.]*)").captures(version).unwrap()[1].to_owned();
    let digits = digits.trim_end_matches('.').split('.');
    digits.map(|digits| digits.parse().unwrap()).collect()
}

/// Solr's status page: every line of `conf` but `membership:` has a value.
pub(crate) fn solr_conf(conf: &str) -> BTreeMap<String, String> {
    conf.lines()
        .filter(|line| !line.starts_with("membership:"))
        .map(|line| {
            let mut parts = line.split('=');
            let (name, value) = (parts.next().unwrap(), parts.next());
            let value = value.unwrap_or_else(|| panic!("unexpected line in 'conf': {line:?}"));
            (name.to_owned(), value.to_owned())
        })
        .collect()
}

/// The followers and observers that Solr believes a leader to have.
pub(crate) fn solr_followers(mntr: &str) -> u32 {
    let rows: BTreeMap<&str, &str> = mntr
        .lines()
        .map(|line| line.split_once('\t').unwrap())
        .collect();
    let of = |name| rows.get(name).map_or(0, |count| count.parse().unwrap());
    std::cmp::max(of("zk_followers"), of("zk_synced_followers"))
}
