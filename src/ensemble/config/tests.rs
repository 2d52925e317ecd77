//! A configuration as it is written, and what is said about a wrong one.

use super::*;

const SEED: &str = "tickTime=2000\ninitLimit=5\nsyncLimit=2\ndataDir=/d/zookeeper\n\
    dataLogDir=/d/log\nclientPort=2181\nclientPortAddress=127.0.0.181\n#maxClientCnxns=60\n\
    server.1=127.0.0.171:2888:3888\nserver.2=127.0.0.181:2888:3888\n\
    server.3=127.0.0.85:2888:3888\n";

fn load(text: &str) -> Result<Config, String> {
    Config::from_text("zoo.cfg", text, |_| Ok(2)).map_err(|error| error.to_string())
}

#[test]
fn the_seed_deployment_is_read_as_it_is() {
    let config = load(SEED).expect("the seed's own file");
    assert_eq!((config.server_id(), config.servers().count()), (2, 3));
    assert_eq!(config.client_address(), "127.0.0.181:2181".parse().ok());
    assert_eq!(config.session_timeouts_ms(), (4000, 40_000));
    assert_eq!(config.max_client_connections(), 60);
    assert_eq!(config.election_address_text(), "127.0.0.181:3888");
    assert!(
        config
            .config_text()
            .starts_with("server.1=127.0.0.171:2888:3888:participant\n")
    );
    assert!(config.config_text().ends_with("version=0"));
}

#[test]
fn errors_name_file_line_and_key() {
    let cases = [
        (
            "tickTime=2000",
            "zoo.cfg:1: tickTime=two: expected a whole number from 1 to",
        ),
        (
            "syncLimit=2\n",
            "zoo.cfg: syncLimit is missing: an ensemble needs it",
        ),
        ("dataDir=/d/zookeeper\n", "zoo.cfg: dataDir is missing"),
        (
            "server.2=127.0.0.181:2888:3888\n",
            "zoo.cfg: myid is 2, but there is no line server.2",
        ),
    ];
    for (cut, expected) in cases {
        let put = if cut.starts_with("tick") {
            "tickTime=two"
        } else {
            ""
        };
        let error = load(&SEED.replace(cut, put)).expect_err(cut);
        assert!(error.starts_with(expected), "{error}");
    }
    let error = load(&format!("{SEED}server.4=127.0.0.1:2888\n")).expect_err("no election port");
    assert!(
        error.starts_with("zoo.cfg:12: server.4=127.0.0.1:2888: expected"),
        "{error}"
    );
    let error = load(&format!("{SEED}sslQuorum=true\n")).expect_err("not offered");
    assert!(error.contains("does not offer"), "{error}");
    let error = load(&format!("{SEED}minSessionTimeout=50000\n")).expect_err("min > max");
    assert!(error.contains("exceeds"), "{error}");
}

#[test]
fn one_server_is_standalone() {
    let config = load("dataDir=/d\nclientPort=2181\n").expect("the smallest file");
    assert!(config.is_standalone());
    assert_eq!((config.server_id(), config.tick_time_ms()), (1, 3000));
}
