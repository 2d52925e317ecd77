//! Clients that ask for much: what they are owed, and what the server keeps for them meanwhile.

use std::thread;

use super::client::{Bytes, Client, GET, SET, read};
use super::servers::{Ensemble, Server, wait_for};

const LARGE: usize = 900_000;

fn connections(server: &Server) -> usize {
    let text = server.word("srvr").unwrap();
    let count = text
        .lines()
        .find_map(|line| line.strip_prefix("Connections: "));
    count.unwrap().parse().unwrap()
}

/// Asks for 180 MB with a few kilobytes.
fn ask(client: &mut Client) -> Vec<i32> {
    (0..200)
        .map(|_| client.request(GET, &read("/large", false)).unwrap())
        .collect()
}

#[test]
fn who_reads_gets_everything_and_who_does_not_is_let_go() {
    let ensemble = Ensemble::start_with(1, 0, "tickTime=500\n");
    let server = &ensemble.servers[0];
    let mut client = Client::new(server.client);
    client.create("/large", &[7; LARGE], 0).unwrap();
    for xid in ask(&mut client) {
        let reply = client.next().unwrap();
        assert_eq!((reply.xid, reply.body().buffer().len()), (xid, LARGE));
    }
    client.close();
    let before = connections(server);
    let mut silent = Client::try_new(server.client, 1_000).unwrap();
    assert_eq!(connections(server), before + 1);
    ask(&mut silent);
    // Its session expires, which closes the connection: not after the answers that it never takes.
    wait_for("the connection to be given up", || {
        (connections(server) == before).then_some(())
    });
}

#[test]
fn servers_go_on_reading_each_other_whatever_they_have_to_say() {
    let ensemble = Ensemble::start(3, 0);
    let follower = ensemble.servers[ensemble.follower()].client;
    let mut clients: Vec<Client> = (0..12).map(|_| Client::new(follower)).collect();
    for (at, client) in clients.iter_mut().enumerate() {
        client.create(&format!("/{at}"), b"", 0).unwrap();
    }
    // As much on its way to the leader as comes back from it: more than any buffer holds.
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
                    assert_eq!((reply.xid, reply.zxid >> 32), (xid, 1), "one epoch");
                }
            });
        }
    });
}
