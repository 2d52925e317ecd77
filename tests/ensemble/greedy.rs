//! Clients with large requests and replies.

use std::io::Write as _;
use std::net::TcpStream;
use std::sync::Barrier;
use std::thread;

use super::client::{ADD_WATCH, Bytes, CREATE, Client, GET, SET, read};
use super::servers::{Ensemble, Server, wait_for};
use super::strangers::{allow_many_files, ping};

const LARGE: usize = 900_000;

fn connections(server: &Server) -> usize {
    let text = server.word("srvr").unwrap();
    let count = text
        .lines()
        .find_map(|line| line.strip_prefix("Connections: "));
    count.unwrap().parse().unwrap()
}

/// Requests 180 MB of replies with a few kilobytes. Returns the xids.
fn request_large_replies(client: &mut Client) -> Vec<i32> {
    (0..200)
        .map(|_| client.request(GET, &read("/large", false)).unwrap())
        .collect()
}

#[test]
fn a_client_that_reads_gets_all_replies_and_one_that_does_not_is_closed() {
    let ensemble = Ensemble::start_with(1, 0, "tickTime=500\n");
    let server = &ensemble.servers[0];
    let mut client = Client::new(server.client);
    client.create("/large", &[7; LARGE], 0).unwrap();
    for xid in request_large_replies(&mut client) {
        let reply = client.next().unwrap();
        assert_eq!((reply.xid, reply.body().buffer().len()), (xid, LARGE));
    }
    client.close();
    let before = connections(server);
    let mut silent = Client::try_new(server.client, 1_000).unwrap();
    assert_eq!(connections(server), before + 1);
    request_large_replies(&mut silent);
    // The session expires, which closes the connection although replies are unsent.
    wait_for("the connection to be closed", || {
        (connections(server) == before).then_some(())
    });
}

/// Notifications cannot be paused like requests.
#[test]
fn watchers_that_do_not_read_are_closed() {
    let ensemble = Ensemble::start(1, 0);
    let server = &ensemble.servers[0];
    let mut writer = Client::new(server.client);
    let mut bystander = Client::new(server.client);
    // Each notification carries the path.
    let path = format!("/{}", "p".repeat(500_000));
    writer.create(&path, b"", 0).unwrap();
    let before = connections(server);
    let watchers: Vec<Client> = (0..4)
        .map(|_| {
            let mut watcher = Client::new(server.client);
            let recursive = Bytes::new().string("/").int(1);
            assert_eq!(watcher.call(ADD_WATCH, &recursive).err, 0);
            watcher
        })
        .collect();
    assert_eq!(connections(server), before + watchers.len());
    // The buffers of the kernel take a few megabytes for each of them.
    for _ in 0..100 {
        writer.set(&path, b"", -1).unwrap();
        ping(&mut bystander);
    }
    assert_eq!(connections(server), before, "50 MB were sent to each");
    wait_for("a line in the log", || {
        server.output().contains("it does not read").then_some(())
    });
}

#[test]
fn servers_read_from_each_other_while_their_output_is_backed_up() {
    let ensemble = Ensemble::start(3, 0);
    let follower = ensemble.servers[ensemble.follower()].client;
    let mut clients: Vec<Client> = (0..12).map(|_| Client::new(follower)).collect();
    for (at, client) in clients.iter_mut().enumerate() {
        client.create(&format!("/{at}"), b"", 0).unwrap();
    }
    // More bytes go to the leader and come back than the buffers hold.
    thread::scope(|scope| {
        for (at, mut client) in clients.into_iter().enumerate() {
            scope.spawn(move || {
                let body = Bytes::new()
                    .string(&format!("/{at}"))
                    .buffer(&[7; LARGE / 2])
                    .int(-1);
                let xids: Vec<i32> = (0..8)
                    .map(|_| client.request(SET, &body).unwrap())
                    .collect();
                for xid in xids {
                    let reply = client.next().unwrap();
                    assert_eq!(
                        (reply.xid, reply.zxid >> 32),
                        (xid, 1),
                        "the leader has not changed"
                    );
                }
            });
        }
    });
}

/// Most memory that clients may make a server use beyond what it used before.
const GROWTH_MAX: usize = 96 << 20;

/// Buffers that were large once are not kept for each connection.
#[test]
fn idle_clients_with_large_replies_behind_them_take_little_memory() {
    allow_many_files();
    let ensemble = Ensemble::start(1, 0);
    let server = &ensemble.servers[0];
    let mut writer = Client::new(server.client);
    writer.create("/large", &[7; 250_000], 0).unwrap();
    let before = server.memory_bytes_max();
    let idle: Vec<Client> = (0..800)
        .map(|_| {
            let mut client = Client::new(server.client);
            let (data, _) = client.get("/large", false).unwrap();
            assert_eq!(data.len(), 250_000);
            client
        })
        .collect();
    assert_eq!(connections(server), 1 + idle.len() + 1);
    let grown = server.memory_bytes_max() - before;
    assert!(grown < GROWTH_MAX, "{grown} bytes for 200 MB of replies");
}

#[test]
fn half_requests_of_many_clients_take_limited_memory() {
    allow_many_files();
    let ensemble = Ensemble::start(1, 0);
    let server = &ensemble.servers[0];
    let mut bystander = Client::new(server.client);
    let before = server.memory_bytes_max();
    let half = Bytes::new().int(1_000_000).raw(&[7; 250_000]).0;
    let mut clients: Vec<TcpStream> = (0..1_500)
        .map(|_| {
            let stream = TcpStream::connect(server.client).unwrap();
            stream.set_nonblocking(true).unwrap();
            stream
        })
        .collect();
    // The server stops reading, and then the buffers of the kernel are full.
    let mut sent = vec![0; clients.len()];
    for _ in 0..30 {
        for (client, sent) in clients.iter_mut().zip(&mut sent) {
            *sent += client.write(&half[*sent..]).unwrap_or(0);
        }
        ping(&mut bystander);
    }
    let all: usize = sent.iter().sum();
    assert!(all > 2 * GROWTH_MAX, "{all} bytes were sent");
    let grown = server.memory_bytes_max() - before;
    assert!(grown < GROWTH_MAX, "{grown} bytes for {all} bytes sent");
}

/// Clients that each hold a part of a large request must not wait for each other.
#[test]
fn many_large_requests_at_the_same_time_are_all_answered() {
    const CLIENTS: usize = 120;
    let ensemble = Ensemble::start(1, 0);
    let address = ensemble.servers[0].client;
    let clients: Vec<Client> = (0..CLIENTS).map(|_| Client::new(address)).collect();
    let body = |client: usize| {
        let name = format!("/{client}");
        let create = Bytes::new().string(&name).buffer(&[7; LARGE]);
        create.open_acl().int(0)
    };
    let all = &Barrier::new(CLIENTS);
    thread::scope(|scope| {
        for (client, mut connection) in clients.into_iter().enumerate() {
            scope.spawn(move || {
                let frame = Bytes::new().int(1).int(CREATE).raw(&body(client).0);
                let frame = frame.framed();
                // These parts are more than the server holds for all clients together.
                let (part, rest) = frame.split_at(LARGE * 2 / 3);
                connection.wire.send(part).unwrap();
                all.wait();
                connection.wire.send(rest).unwrap();
                let reply = connection.next().unwrap();
                assert_eq!((reply.xid, reply.err), (1, 0));
            });
        }
    });
}
