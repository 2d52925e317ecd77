//! Clients with large requests and replies.

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
