//! A running server honours, refuses or ignores keys of `zoo.cfg`.

use std::fmt::Write as _;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::client::{Bytes, CREATE, Client, Hello, Wire, create};
use super::servers::{Ensemble, Server, free_port, own_ip, wait_for};

/// Adds lines to the end of a server's configuration.
fn append(server: &Server, lines: &str) {
    let mut text = fs::read_to_string(server.config()).unwrap();
    text += lines;
    fs::write(server.config(), text).unwrap();
}

/// Replaces the configuration by one without the client's address and port.
fn without_client_address(server: &Server) {
    let text = fs::read_to_string(server.config()).unwrap();
    let kept = text.lines().filter(|line| !line.starts_with("clientPort"));
    let kept: String = kept.map(|line| format!("{line}\n")).collect();
    fs::write(server.config(), kept).unwrap();
}

/// Starts a standalone server with `lines` at the end of its configuration.
fn alone(lines: &str) -> Ensemble {
    let mut ensemble = Ensemble::prepared(1, 0, "");
    append(&ensemble.servers[0], lines);
    ensemble.start_all();
    ensemble
}

fn server_line(server: &Server, client: &str) -> String {
    let (quorum, election) = (server.quorum.port(), server.election.port());
    let (id, ip) = (server.id, own_ip());
    format!("server.{id}={ip}:{quorum}:{election}:participant{client}\n")
}

#[test]
fn a_file_that_requires_sasl_is_refused_and_every_such_key_is_named() {
    let mut ensemble = Ensemble::prepared(1, 0, "");
    let server = &mut ensemble.servers[0];
    // From Kafka's documentation, with the names of 3.6 and later.
    let demands = [
        "authProvider.1=org.apache.zookeeper.server.auth.SASLAuthenticationProvider",
        "requireClientAuthScheme=sasl",
        "sessionRequireClientSASLAuth=true",
        "enforce.auth.enabled=true",
        "enforce.auth.schemes=sasl",
    ];
    let rest = format!(
        "clientPort={}\ndataDir={}\n",
        server.client.port(),
        server.dir.display()
    );
    fs::write(server.config(), demands.join("\n") + "\n" + &rest).unwrap();
    server.start();
    let status = server.await_exit();
    let output = server.output();
    assert_eq!(status.code(), Some(2), "{output}");
    for (at, demand) in demands.iter().enumerate() {
        let named = format!(
            "{}:{}: {demand}: this server ",
            server.config().display(),
            at + 1
        );
        assert!(output.contains(&named), "{named}: {output}");
    }
}

#[test]
fn ignored_and_unknown_keys_are_named_once_when_the_server_starts() {
    let ensemble = alone("nio.numWorkerThreads=4\ntickTme=9\nadmin.enableServer=false\n");
    let output = ensemble.servers[0].output();
    let named = |text: &str| output.lines().filter(|line| line.contains(text)).count();
    assert_eq!(named("nio.numWorkerThreads is ignored: "), 1, "{output}");
    assert_eq!(named("did you mean tickTime?"), 1, "{output}");
    assert_eq!(named("admin.enableServer is ignored"), 0, "{output}");
}

#[test]
fn a_latin_1_file_starts_a_server() {
    let mut ensemble = Ensemble::prepared(1, 0, "");
    let server = &ensemble.servers[0];
    let text = fs::read(server.config()).unwrap();
    fs::write(
        server.config(),
        [b"# R\xe9pertoire\r\n".as_slice(), &text].concat(),
    )
    .unwrap();
    ensemble.start_all();
}

#[test]
fn one_server_is_an_ensemble_if_standalone_is_disabled() {
    let mut ensemble = Ensemble::prepared(1, 0, "standaloneEnabled=false\n");
    let server = &ensemble.servers[0];
    append(server, &server_line(server, ""));
    ensemble.start_all();
    let server = &mut ensemble.servers[0];
    assert_eq!(server.mode().as_deref(), Some("leader"));
    let srvr = server.word("srvr").unwrap();
    assert!(srvr.contains("\nZxid: 0x10000000"), "{srvr}");
    for epoch in ["acceptedEpoch", "currentEpoch"] {
        let epoch = fs::read_to_string(server.version_dir().join(epoch)).unwrap();
        assert_eq!(epoch.trim(), "1");
    }
    for address in [server.quorum, server.election] {
        TcpStream::connect(address).unwrap();
    }
    let mut client = Client::new(server.client);
    let (config, _) = client.get("/zookeeper/config", false).unwrap();
    let line = server_line(server, "");
    assert_eq!(String::from_utf8(config).unwrap(), line + "version=0");
    client.create("/a", b"", 0).unwrap();
    server.kill();
    fs::remove_file(server.dir.join("data/myid")).unwrap();
    server.start();
    assert_eq!(server.await_exit().code(), Some(2));
}

#[test]
fn a_leader_that_does_not_serve_closes_the_connections_of_clients() {
    let mut ensemble = Ensemble::prepared(3, 0, "leaderServes=no\n");
    for server in &mut ensemble.servers {
        server.start();
    }
    let modes = |ensemble: &Ensemble| -> Vec<Option<String>> {
        ensemble.servers.iter().map(Server::mode).collect()
    };
    let modes = wait_for("two followers", || {
        let modes = modes(&ensemble);
        (modes.iter().flatten().count() == 2).then_some(modes)
    });
    assert!(modes.iter().flatten().all(|mode| mode == "follower"));
    let leader = modes.iter().position(Option::is_none).unwrap();
    let answer = ensemble.servers[leader].word("srvr").unwrap();
    assert_eq!(
        answer,
        "This ZooKeeper instance is not currently serving requests\n"
    );
    let mut wire = Wire::open(ensemble.servers[leader].client).unwrap();
    let hello = Hello {
        timeout_ms: 5_000,
        ..Hello::default()
    };
    wire.send(&hello.bytes()).unwrap();
    assert_eq!(wire.until_closed(), b"");
    let follower = &ensemble.servers[(leader + 1) % 3];
    Client::new(follower.client).create("/a", b"", 0).unwrap();
}

#[test]
fn with_skip_acl_any_client_reads_a_node_of_another() {
    for (lines, outcome) in [("", -102), ("skipACL=yes\n", 0)] {
        let ensemble = alone(lines);
        let mut client = Client::new(ensemble.servers[0].client);
        let owned = Bytes::new()
            .string("/owned")
            .buffer(b"x")
            .int(1)
            .int(31)
            .string("digest")
            .string("u:x")
            .int(0);
        assert_eq!(client.call(CREATE, &owned).err, 0);
        let read = client.get("/owned", false);
        assert_eq!(read.err().unwrap_or(0), outcome, "{lines}");
    }
}

const CREATE_CONTAINER: i32 = 19;
const CREATE_TTL: i32 = 21;

/// A TTL node that lapses after this time, ms.
fn ttl(path: &str, ttl_ms: i64) -> Bytes {
    let persistent_with_ttl = 5;
    create(path, b"", persistent_with_ttl).long(ttl_ms)
}

#[test]
fn a_ttl_node_outlives_a_restart_and_lapses_after_it() {
    let lines = "extendedTypesEnabled=true\nznode.container.checkIntervalMs=50\nsnapCount=2\n";
    let mut ensemble = alone(lines);
    let server = &mut ensemble.servers[0];
    let mut client = Client::new(server.client);
    assert_eq!(client.call(CREATE_TTL, &ttl("/ttl", 3_000)).err, 0);
    assert_eq!(client.call(CREATE_TTL, &ttl("/long", 1 << 39)).err, 0);
    // Enough transactions for a snapshot with the nodes, and some after it.
    for change in 0..8 {
        client.create(&format!("/filler{change}"), b"", 0).unwrap();
    }
    server.kill();
    server.start();
    server.await_serving();
    let mut client = Client::new(server.client);
    assert_eq!(client.exists("/long", false).unwrap().owner, 0);
    client.create("/long/child", b"", 0).unwrap();
    wait_for("the TTL to pass", || {
        (client.exists("/ttl", false).err() == Some(-101)).then_some(())
    });
    client.exists("/long", false).unwrap();

    // Without extended types the stored owner is that of a session.
    server.kill();
    let text = fs::read_to_string(server.config()).unwrap();
    fs::write(
        server.config(),
        text.replace("extendedTypesEnabled=true", ""),
    )
    .unwrap();
    server.start();
    server.await_serving();
    let mut client = Client::new(server.client);
    assert_eq!(client.call(CREATE_TTL, &ttl("/ttl", 3_000)).err, -6);
}

#[test]
fn the_leader_deletes_a_container_whose_last_child_is_gone() {
    let ensemble = Ensemble::start_with(3, 0, "znode.container.checkIntervalMs=50\n");
    let follower = &ensemble.servers[ensemble.follower()];
    let mut client = Client::new(follower.client);
    for container in ["/used", "/unused"] {
        let body = create(container, b"", 4);
        assert_eq!(client.call(CREATE_CONTAINER, &body).err, 0);
    }
    client.create("/used/child", b"", 0).unwrap();
    client.exists("/used", true).unwrap();
    client.delete("/used/child", -1).unwrap();
    let deleted = 2;
    assert_eq!(client.event(), (deleted, "/used".to_owned()));
    client.exists("/unused", false).unwrap();
}

#[test]
fn quorum_listen_on_all_ips_opens_the_ports_on_all_addresses() {
    let extra = "quorumListenOnAllIPs=true\nstandaloneEnabled=false\n";
    let mut ensemble = Ensemble::prepared(1, 0, extra);
    let server = &ensemble.servers[0];
    append(server, &server_line(server, ""));
    ensemble.start_all();
    let server = &ensemble.servers[0];
    for port in [server.quorum.port(), server.election.port()] {
        TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    }
}

#[test]
fn connections_of_all_clients_are_limited() {
    let ensemble = alone("maxCnxns=2\n");
    let server = &ensemble.servers[0];
    let first = Client::new(server.client);
    let second = wait_for("the word's connection to end", || {
        Client::try_new(server.client, 5_000).ok()
    });
    assert!(Client::try_new(server.client, 5_000).is_err());
    first.close();
    wait_for("room for one more", || {
        Client::try_new(server.client, 5_000).ok()
    })
    .close();
    second.close();
    let mntr = wait_for("an answer to mntr", || {
        server.word("mntr").filter(|mntr| !mntr.is_empty())
    });
    assert!(mntr.contains("zk_connection_rejected\t"), "{mntr}");
    assert!(!mntr.contains("zk_connection_rejected\t0\n"), "{mntr}");
    assert!(
        server
            .output()
            .contains("Too many connections max allowed is 2"),
        "{}",
        server.output()
    );
}

#[test]
fn a_request_beyond_jute_maxbuffer_ends_the_connection() {
    let ensemble = alone("jute.maxbuffer=1024\n");
    let mut client = Client::new(ensemble.servers[0].client);
    client.create("/small", &[0; 900], 0).unwrap();
    client
        .request(CREATE, &create("/large", &[0; 1_024], 0))
        .unwrap();
    assert_eq!(client.wire.until_closed(), b"");
}

#[test]
fn the_queue_of_connections_has_the_configured_length() {
    let ensemble = alone("clientPortListenBacklog=2\n");
    let server = &ensemble.servers[0];
    server.pause();
    let mut waiting = Vec::new();
    // Linux accepts one connection more than the length. The next one gets no answer until its connect times out.
    while let Ok(stream) = TcpStream::connect_timeout(&server.client, Duration::from_millis(500)) {
        waiting.push(stream);
        assert!(waiting.len() <= 3, "the queue is longer than 2");
    }
    assert_eq!(waiting.len(), 3);
    server.resume();
}

#[test]
fn a_dynamic_file_lists_the_servers() {
    let mut ensemble = Ensemble::prepared(3, 0, "");
    let mut list = String::new();
    for server in &ensemble.servers {
        let _infallible = write!(
            list,
            "{}",
            server_line(server, &format!(";{}", server.client))
        );
    }
    for server in &ensemble.servers {
        let file = server.dir.join("zoo.cfg.dynamic.100000002");
        fs::write(&file, &list).unwrap();
        let text = format!(
            "tickTime=500\ninitLimit=40\nsyncLimit=20\n4lw.commands.whitelist=*\n\
             standaloneEnabled=false\ndataDir={}\ndynamicConfigFile={}\n",
            server.dir.join("data").display(),
            file.display()
        );
        fs::write(server.config(), text).unwrap();
    }
    ensemble.start_all();
    let mut client = Client::new(ensemble.servers[0].client);
    let (config, stat) = client.get("/zookeeper/config", false).unwrap();
    assert_eq!(
        String::from_utf8(config).unwrap(),
        list + "version=100000002"
    );
    assert_eq!(stat.mzxid, 0x1_0000_0002);
}

#[test]
fn the_server_listens_for_clients_on_the_address_of_its_server_line() {
    let mut ensemble = Ensemble::prepared(1, 0, "standaloneEnabled=false\n");
    let server = &ensemble.servers[0];
    let port = server.client.port();
    without_client_address(server);
    let line = server_line(server, &format!(";{}", server.client));
    append(server, &format!("clientPort={port}\n{line}"));
    ensemble.start_all();
    // Nothing else listens on this port of another address.
    drop(TcpListener::bind((Ipv4Addr::LOCALHOST, port)).unwrap());
    let server = &mut ensemble.servers[0];
    server.kill();
    for contradiction in [
        format!("clientPort={}\n", free_port()),
        format!("clientPort={port}\nclientPortAddress=127.0.0.2\n"),
        "peerType=observer\n".to_owned(),
    ] {
        let good = fs::read_to_string(server.config()).unwrap();
        append(server, &contradiction);
        server.start();
        assert_eq!(server.await_exit().code(), Some(2), "{contradiction}");
        let output = server.output();
        assert!(output.contains("the line server.1 says "), "{output}");
        fs::write(server.config(), good).unwrap();
    }
}

#[test]
fn ipv6_addresses_are_printed_as_they_are_read() {
    let mut ensemble = Ensemble::prepared(1, 0, "standaloneEnabled=false\n");
    let server = &mut ensemble.servers[0];
    let ports = [free_port(), free_port(), free_port()];
    without_client_address(server);
    let [client, quorum, election] = ports;
    let line = format!("server.1=[::1]:{quorum}:{election}:participant;[::1]:{client}\n");
    append(server, &line);
    server.client = SocketAddr::new(std::net::Ipv6Addr::LOCALHOST.into(), client);
    ensemble.start_all();
    let server = &ensemble.servers[0];
    let conf = server.word("conf").unwrap();
    assert!(conf.contains(&line), "{conf}");
    let mut client = Client::new(server.client);
    let (config, _) = client.get("/zookeeper/config", false).unwrap();
    assert_eq!(String::from_utf8(config).unwrap(), line + "version=0");
}
