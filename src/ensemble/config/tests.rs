//! Whole configurations: how the server reads them, and its messages about wrong ones.

use std::collections::BTreeMap;
use std::io;

use super::*;
use crate::wire::jute::Zxid;

const SEED: &str = "tickTime=2000\ninitLimit=5\nsyncLimit=2\ndataDir=/d/zookeeper\n\
    dataLogDir=/d/log\nclientPort=2181\nclientPortAddress=127.0.0.181\n#maxClientCnxns=60\n\
    server.1=127.0.0.171:2888:3888\nserver.2=127.0.0.181:2888:3888\n\
    server.3=127.0.0.85:2888:3888\n";

const ALONE: &str = "dataDir=/d\nclientPort=2181\n";

/// The files beside `zoo.cfg`.
#[derive(Clone, Debug)]
struct Beside(BTreeMap<PathBuf, Vec<u8>>);

impl Beside {
    fn my_id(id: &str) -> Self {
        let dirs = ["/d", "/d/zookeeper"];
        let files = dirs.map(|dir| (Path::new(dir).join("myid"), id.as_bytes().to_vec()));
        Self(files.into())
    }

    fn with(mut self, path: &str, text: &str) -> Self {
        self.0.insert(path.into(), text.as_bytes().to_vec());
        self
    }
}

impl Files for Beside {
    fn read(&self, path: &Path) -> Result<Vec<u8>, ConfigError> {
        self.0.get(path).cloned().ok_or_else(|| ConfigError::Read {
            path: path.to_owned(),
            source: io::ErrorKind::NotFound.into(),
        })
    }
}

fn load_with(text: &[u8], beside: &Beside) -> Result<Config, String> {
    Config::from_bytes("zoo.cfg", text, beside).map_err(|error| error.to_string())
}

fn load(text: &str) -> Result<Config, String> {
    load_with(text.as_bytes(), &Beside::my_id("2\n"))
}

/// The configuration of one standalone server with more lines.
fn alone(lines: &str) -> Result<Config, String> {
    load(&format!("{ALONE}{lines}\n"))
}

#[test]
fn the_seed_deployment_is_read_as_it_is() {
    let config = load(SEED).expect("the seed's own file");
    assert_eq!((config.server_id(), config.servers().count()), (2, 3));
    assert_eq!(config.client_address().to_string(), "127.0.0.181:2181");
    assert_eq!(config.session_timeouts_ms(), (4000, 40_000));
    assert_eq!(config.max_client_connections(), 60);
    assert_eq!(config.election_address_text(), "127.0.0.181:3888");
    assert!(
        config
            .config_text()
            .starts_with("server.1=127.0.0.171:2888:3888:participant\n")
    );
    assert!(config.config_text().ends_with("version=0"));
    assert_eq!(config.notes(), [""; 0]);
}

#[test]
fn errors_name_file_line_and_key() {
    let cases = [
        (
            "tickTime=2000",
            "tickTime=two",
            "zoo.cfg:1: tickTime=two: expected a whole number from 1 to",
        ),
        (
            "syncLimit=2\n",
            "",
            "zoo.cfg: syncLimit is missing: an ensemble needs it",
        ),
        ("dataDir=/d/zookeeper\n", "", "zoo.cfg: dataDir is missing"),
        (
            "server.2=127.0.0.181:2888:3888\n",
            "",
            "zoo.cfg: myid is 2, but there is no line server.2",
        ),
    ];
    for (cut, put, expected) in cases {
        let error = load(&SEED.replace(cut, put)).expect_err(cut);
        assert!(error.starts_with(expected), "{error}");
    }
    for (line, expected) in [
        (
            "server.4=127.0.0.1:2888",
            "zoo.cfg:12: server.4=127.0.0.1:2888: expected",
        ),
        ("server.3=h:1:2", "zoo.cfg:12: server.3=h:1:2: another line"),
        (
            "minSessionTimeout=50000",
            "zoo.cfg:12: minSessionTimeout=50000: the smallest session timeout, 50000, exceeds",
        ),
        ("dataLogDir=", "zoo.cfg:12: dataLogDir=: expected a path"),
        ("electionAlg=0", "zoo.cfg:12: electionAlg=0: only 3"),
        ("x=\\u12", "zoo.cfg:12: \\u needs four"),
    ] {
        let error = load(&format!("{SEED}{line}\n")).expect_err(line);
        assert!(error.starts_with(expected), "{error}");
    }
}

#[test]
fn one_server_is_standalone() {
    let config = load(ALONE).expect("the smallest file");
    assert!(config.is_standalone());
    assert_eq!((config.server_id(), config.tick_time_ms()), (1, 3000));
    let config = alone("server.7=h:2888:3888").expect("one line");
    assert!(config.is_standalone());
    assert_eq!(config.server_id(), 7);
}

#[test]
fn one_server_is_an_ensemble_if_standalone_is_off() {
    let lines = "standaloneEnabled=false\ninitLimit=10\nsyncLimit=5\nserver.2=h:2888:3888";
    let config = alone(lines).expect("a quorum of one");
    assert!(!config.is_standalone());
    assert_eq!(
        config.config_text(),
        "server.2=h:2888:3888:participant\nversion=0"
    );
    let text = format!("{ALONE}{lines}\n");
    let error = load_with(text.as_bytes(), &Beside(BTreeMap::new())).expect_err("no myid");
    assert!(error.contains("/d/myid"), "{error}");
    let error = alone("standaloneEnabled=false").expect_err("no voter");
    assert!(error.contains("needs a voter"), "{error}");
    let error = alone("server.1=h:1:2\nserver.2=i:1:2:observer").expect_err("standalone");
    assert!(error.contains("standaloneEnabled=false"), "{error}");
}

#[test]
fn every_refused_key_ends_the_start_unless_it_asks_for_nothing() {
    for key in KEYS.iter().filter(|key| key.class == Class::Refused) {
        let name = key.name.replace('*', "1");
        let error = alone(&format!("{name}=demand")).expect_err(&name);
        assert_eq!(
            error,
            format!(
                "zoo.cfg:3: {name}=demand: {}; remove the line if that is acceptable",
                key.reason
            )
        );
        for value in key.harmless {
            let config = alone(&format!("{name}={value}")).expect(&name);
            assert_eq!(config.notes(), [""; 0], "{name}={value}");
        }
        let error = alone(&format!("zookeeper.{name}=demand")).expect_err(&name);
        assert!(error.contains(key.reason), "{error}");
    }
}

#[test]
fn all_refused_keys_of_a_file_are_named_at_once() {
    let error = alone("authProvider.1=X\nsslQuorum=true\nssl.keyStore.password=geheim")
        .expect_err("three refused keys");
    let lines: Vec<&str> = error.lines().collect();
    assert_eq!(lines.len(), 3, "{error}");
    assert!(
        lines[0].starts_with("zoo.cfg:3: authProvider.1=X: "),
        "{error}"
    );
    assert!(
        lines[2].starts_with("zoo.cfg:5: ssl.keyStore.password=(hidden): "),
        "{error}"
    );
}

#[test]
fn every_ignored_key_is_named_unless_it_asks_for_nothing() {
    for key in KEYS.iter().filter(|key| key.class == Class::Ignored) {
        let name = key.name.replace('*', "x");
        let config = alone(&format!("{name}=7")).expect(&name);
        assert_eq!(
            config.notes(),
            [format!("zoo.cfg:3: {name} is ignored: {}", key.reason)]
        );
        for value in key.harmless {
            let config = alone(&format!("{name}={value}")).expect(&name);
            assert_eq!(config.notes(), [""; 0], "{name}={value}");
        }
    }
}

#[test]
fn every_honoured_key_changes_the_configuration_or_is_checked() {
    let shown = |loaded: Result<Config, String>| format!("{loaded:?}");
    let plain = shown(alone(""));
    for key in KEYS.iter().filter(|key| key.class == Class::Honoured) {
        let name = key.name.replace('*', "9");
        let changed = shown(alone(&format!("{name}=nonsense")));
        assert_ne!(changed, plain, "{name} is not read");
    }
}

#[test]
fn unknown_repeated_and_prefixed_keys_are_named() {
    let config =
        alone("maxClientCnxn=5\ncolour=red\ntickTime=1\ntickTime=500\nzookeeper.snapCount=7")
            .expect("only warnings");
    assert_eq!(
        config.notes(),
        [
            "zoo.cfg:7: zookeeper.snapCount is taken for snapCount; Apache ZooKeeper ignores such a line",
            "zoo.cfg:3: maxClientCnxn is not a key of ZooKeeper 3.9 and is ignored; did you mean maxClientCnxns?",
            "zoo.cfg:4: colour is not a key of ZooKeeper 3.9 and is ignored",
            "zoo.cfg:5: tickTime is given again in line 6, which counts",
        ]
    );
    assert_eq!((config.tick_time_ms(), config.snap_count()), (500, 7));
}

#[test]
fn the_server_line_decides_where_clients_connect() {
    let client = |lines: &str, line: &str| {
        let text = format!(
            "dataDir=/d\ninitLimit=5\nsyncLimit=2\nserver.2=127.0.0.2:2888:3888;{line}\n\
             server.1=127.0.0.1:2888:3888;127.0.0.1:2181\nserver.3=127.0.0.3:2888:3888\n{lines}"
        );
        load(&text).map(|config| config.client_address().to_string())
    };
    let line = "127.0.0.2:2181";
    for lines in [
        "",
        "clientPort=2181\n",
        "clientPort=2181\nclientPortAddress=0.0.0.0\n",
        "clientPort=2181\nclientPortAddress=127.0.0.2\n",
    ] {
        assert_eq!(client(lines, line).as_deref(), Ok(line), "{lines}");
    }
    assert_eq!(
        client("clientPort=2181\n", "2181").as_deref(),
        Ok("0.0.0.0:2181")
    );
    assert_eq!(client("", "[::1]:2181").as_deref(), Ok("[::1]:2181"));
    for (lines, error) in [
        (
            "clientPort=2199\n",
            "zoo.cfg:7: clientPort=2199: the line server.2 says 127.0.0.2:2181; make both equal",
        ),
        (
            "clientPort=2181\nclientPortAddress=127.0.0.9\n",
            "zoo.cfg:8: clientPortAddress=127.0.0.9: the line server.2 says 127.0.0.2:2181",
        ),
        (
            "clientPortAddress=127.0.0.2\n",
            "zoo.cfg:7: clientPortAddress=127.0.0.2: clientPort is missing",
        ),
    ] {
        let found = client(lines, line).expect_err(lines);
        assert!(found.starts_with(error), "{found}");
    }
}

#[test]
fn the_role_is_that_of_the_server_line() {
    let observer = SEED.replace("181:2888:3888", "181:2888:3888:observer");
    for (text, peer_type, expected) in [
        (SEED, "participant", Ok(())),
        (&observer, "observer", Ok(())),
        (&observer, "OBSERVER", Ok(())),
        (SEED, "observer", Err("the line server.2 says participant")),
        (
            &observer,
            "participant",
            Err("the line server.2 says observer"),
        ),
        (SEED, "boss", Err("expected participant or observer")),
        (ALONE, "participant", Ok(())),
        (ALONE, "observer", Err("observes nobody")),
    ] {
        let loaded = load(&format!("{text}peerType={peer_type}\n"));
        match expected {
            Ok(()) => assert!(loaded.is_ok(), "{loaded:?}"),
            Err(part) => {
                let error = loaded.expect_err(peer_type);
                assert!(
                    error.contains(&format!("peerType={peer_type}: ")),
                    "{error}"
                );
                assert!(error.contains(part), "{error}");
            }
        }
    }
}

const LIST: &str = "server.1=h:2888:3888:participant;0.0.0.0:2181\n\
    server.2=i:2888:3888:participant;0.0.0.0:2182\nserver.3=j:2888:3888;2183\n";

fn dynamic(name: &str, list: &str, more: &str) -> Result<Config, String> {
    let text = format!(
        "dataDir=/d\ninitLimit=5\nsyncLimit=2\nstandaloneEnabled=false\ndynamicConfigFile={name}\n{more}"
    );
    load_with(text.as_bytes(), &Beside::my_id("2").with(name, list))
}

#[test]
fn a_dynamic_file_is_a_list_of_servers() {
    let config = dynamic("/c/zoo.cfg.dynamic", LIST, "").expect("the list");
    assert_eq!(config.servers().count(), 3);
    assert_eq!(config.client_address().to_string(), "0.0.0.0:2182");
    assert!(config.config_text().ends_with("\nversion=0"));
    let config = dynamic("/c/zoo.cfg.dynamic.10000000a", LIST, "").expect("the list");
    assert_eq!(config.version(), 0x1_0000_000a);
    assert!(config.config_text().ends_with("\nversion=10000000a"));
}

#[test]
fn a_dynamic_file_holds_only_servers_and_the_static_file_none() {
    for (list, more, expected) in [
        (
            "server.1=h:1:2\nversion=4\n",
            "",
            "/c/list:2: version=4: this file",
        ),
        (
            "server.1=h:1:2\ntickTime=4\n",
            "",
            "/c/list:2: tickTime=4: this file",
        ),
        (
            LIST,
            "server.4=k:1:2\n",
            "zoo.cfg:6: server.4=k:1:2: server lines belong",
        ),
        (
            "group.1=1:2\n",
            "",
            "/c/list:1: group.1=1:2: this server has no hier",
        ),
        ("server.2=h\n", "", "/c/list:1: server.2=h: expected host"),
    ] {
        let error = dynamic("/c/list", list, more).expect_err(expected);
        assert!(error.starts_with(expected), "{error}");
    }
    let text = "dataDir=/d\ndynamicConfigFile=/none\n";
    let error = load(text).expect_err("no such file");
    assert!(error.contains("cannot read /none"), "{error}");
}

#[test]
fn a_latin_1_comment_does_not_stop_a_server() {
    let text = [
        b"# R\xe9pertoire\n",
        ALONE.as_bytes(),
        b"# \xca\xfd\xbe\xdd\n",
    ]
    .concat();
    let config = load_with(&text, &Beside::my_id("1")).expect("ISO-8859-1");
    assert_eq!(config.notes(), [""; 0]);
}

#[test]
fn a_path_outside_ascii_is_escaped_and_utf_8_is_named() {
    let config = load("dataDir=/srv/j\\u00fcrgen\nclientPort=2181\n").expect("escaped");
    assert_eq!(config.data_dir(), Path::new("/srv/jürgen"));
    assert_eq!(config.notes(), [""; 0]);
    let config = load("dataDir=/srv/jürgen\nclientPort=2181\n").expect("two characters");
    assert_eq!(config.data_dir(), Path::new("/srv/jÃ¼rgen"), "as in Java");
    assert_eq!(config.notes().len(), 1);
    assert!(
        config.notes()[0].starts_with("zoo.cfg:1: dataDir is read as \"/srv/jÃ¼rgen\": "),
        "{:?}",
        config.notes()
    );
}

#[test]
fn limits_are_those_of_java() {
    let config = alone("").expect("defaults");
    assert_eq!(config.outstanding_limit(), 1_000);
    assert_eq!(config.max_frame_bytes(), 0xf_ffff);
    assert_eq!(
        (config.max_connections(), config.client_backlog()),
        (0, None)
    );
    let config = alone(
        "maxCnxns=2\nmaxClientCnxns=-1\nglobalOutstandingLimit=10\njute.maxbuffer=0x400\n\
         clientPortListenBacklog=5\nautopurge.snapRetainCount=1\nautopurge.purgeInterval=1",
    )
    .expect("all set");
    assert_eq!(config.max_connections(), 2);
    assert_eq!(config.max_client_connections(), 0);
    assert_eq!(config.outstanding_limit(), 10);
    assert_eq!(config.max_frame_bytes(), 1024);
    assert_eq!(config.client_backlog(), Some(5));
    assert_eq!(config.purge_retains(), Some(3));
    assert!(config.notes()[0].contains("snapRetainCount=1 is taken for 3"));
    let error = alone("jute.maxbuffer=4194304").expect_err("more than the server takes");
    assert!(error.contains("from 64 to 1048575"), "{error}");
    let config = load(&format!("{SEED}globalOutstandingLimit=30\n")).expect("of three voters");
    assert_eq!(config.outstanding_limit(), 15);
}

#[test]
fn the_method_of_compression_decides_the_names_of_snapshots() {
    let path = |lines: &str| {
        let dirs = alone(lines).map(|config| config.data_dirs());
        dirs.map(|dirs| dirs.snapshot_path(Zxid(0x2a)))
    };
    for (lines, name) in [
        ("", "snapshot.2a"),
        ("snapshot.compression.method=", "snapshot.2a"),
        ("snapshot.compression.method=gz", "snapshot.2a.gz"),
        ("snapshot.compression.method=SNAPPY", "snapshot.2a.snappy"),
    ] {
        assert!(path(lines).expect(lines).ends_with(name), "{lines}");
    }
    let error = path("snapshot.compression.method=zstd").expect_err("unknown");
    assert!(error.contains("expected gz, snappy or nothing"), "{error}");
}

#[test]
fn checks_of_acls_are_not_switched_off_silently() {
    let notes = alone("skipACL=yes").expect("off").notes().join("\n");
    assert!(notes.starts_with("zoo.cfg: skipACL=yes: "), "{notes}");
}

#[test]
fn the_deletes_of_containers_are_set_as_in_java() {
    let of = |lines| {
        alone(lines).map(|config| {
            (
                config.container_check_ms(),
                config.containers_per_minute(),
                config.container_never_used_ms(),
            )
        })
    };
    assert_eq!(of(""), Ok((60_000, 10_000, 0)));
    let all = "znode.container.checkIntervalMs=100\nznode.container.maxPerMinute=7\n\
        znode.container.maxNeverUsedIntervalMs=300000";
    assert_eq!(of(all), Ok((100, 7, 300_000)));
    let error = of("znode.container.maxPerMinute=0").expect_err("never");
    assert!(error.contains("from 1 to"), "{error}");
}

#[test]
fn extended_types_leave_no_room_for_the_id_255() {
    assert!(
        alone("extendedTypesEnabled=true")
            .expect("on")
            .extended_types()
    );
    assert!(!alone("").expect("off").extended_types());
    let error = alone("extendedTypesEnabled=true\nserver.255=h:1:2").expect_err("255");
    assert!(error.contains("254 is the highest number"), "{error}");
}

#[test]
fn ipv6_clients_are_printed_in_brackets() {
    let text = "dataDir=/d\ninitLimit=5\nsyncLimit=2\nserver.1=[::1]:2888:3888;[::1]:2181\n\
        server.2=[::1]:2889:3889;[::1]:2182\n";
    let config = load(text).expect("two servers");
    assert_eq!(
        config.config_text(),
        "server.1=[::1]:2888:3888:participant;[::1]:2181\n\
         server.2=[::1]:2889:3889:participant;[::1]:2182\nversion=0"
    );
}
