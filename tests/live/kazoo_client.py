"""Uses the common features of kazoo. An unexpected outcome raises an exception, so the exit status is not 0.

Prints "connected HOST:PORT" when the test may kill that server, waits for a line, and prints "done" at the end.
"""

import queue
import signal
import sys
import threading

from kazoo.client import KazooClient
from kazoo.exceptions import BadVersionError, NoAuthError, RolledBackError, RuntimeInconsistency
from kazoo.exceptions import NodeExistsError, NoNodeError, NotEmptyError
from kazoo.security import make_digest_acl

signal.alarm(120)  # ends the script if a call hangs


def raises(kind, call, *args, **kwargs):
    try:
        call(*args, **kwargs)
    except kind:
        return
    raise AssertionError("%s was not raised" % kind.__name__)


def basics(z):
    z.create("/t", b"x")
    raises(NodeExistsError, z.create, "/t", b"")
    raises(NoNodeError, z.get, "/none")
    data, stat = z.get("/t")
    assert data == b"x" and stat.version == 0, (data, stat)
    assert z.set("/t", b"y").version == 1
    raises(BadVersionError, z.set, "/t", b"", version=77)
    z.ensure_path("/t/a/b/c")
    raises(NotEmptyError, z.delete, "/t/a")
    z.delete("/t/a", recursive=True)
    assert z.create("/t/s-", b"", sequence=True) == "/t/s-0000000001"
    assert z.create("/t/e-", b"", ephemeral=True, sequence=True) == "/t/e-0000000002"
    assert sorted(z.get_children("/t")) == ["e-0000000002", "s-0000000001"]
    z.sync("/t")


def watches(z, other):
    seen = queue.Queue()
    other.sync("/t")
    other.get("/t", watch=seen.put)
    z.set("/t", b"w")
    event = seen.get(timeout=30)
    assert (event.type, event.path) == ("CHANGED", "/t"), event
    other.get_children("/t", watch=seen.put)
    z.create("/t/child", b"")
    event = seen.get(timeout=30)
    assert (event.type, event.path) == ("CHILD", "/t"), event
    other.exists("/t/child", watch=seen.put)
    z.delete("/t/child")
    event = seen.get(timeout=30)
    assert (event.type, event.path) == ("DELETED", "/t/child"), event


def rights(z, other):
    z.add_auth("digest", "user:secret")
    z.create("/t/acl", b"s", acl=[make_digest_acl("user", "secret", all=True)])
    assert z.get("/t/acl")[0] == b"s"
    other.sync("/t")
    raises(NoAuthError, other.get, "/t/acl")
    raises(NoAuthError, other.set, "/t/acl", b"")
    other.add_auth("digest", "user:secret")
    assert other.get("/t/acl")[0] == b"s"
    assert z.get_acls("/t/acl")[0][0].id.scheme == "digest"


def transactions(z):
    version = z.get("/t")[1].version
    t = z.transaction()
    t.create("/t/tx", b"1")
    t.check("/t", version)
    t.set_data("/t/tx", b"2")
    results = t.commit()
    assert results[0] == "/t/tx" and results[1] is True and results[2].version == 1, results
    t = z.transaction()
    t.create("/t/no", b"")
    t.check("/t", 99)
    t.delete("/t/tx")
    kinds = [type(result) for result in t.commit()]
    assert kinds == [RolledBackError, BadVersionError, RuntimeInconsistency], kinds
    assert z.exists("/t/no") is None and z.exists("/t/tx") is not None


def locks(z, other):
    first, second = z.Lock("/t/lock", "first"), other.Lock("/t/lock", "second")
    first.acquire(timeout=30)
    got = threading.Event()
    thread = threading.Thread(target=lambda: second.acquire(timeout=60) and got.set())
    thread.start()
    while len(first.contenders()) < 2:
        pass
    assert not got.is_set()
    first.release()
    assert got.wait(30)
    thread.join()
    second.release()


def ephemerals(z, hosts):
    short = KazooClient(hosts=hosts)
    short.start(timeout=30)
    short.create("/t/short", b"", ephemeral=True)
    seen = queue.Queue()
    z.sync("/t")
    assert z.exists("/t/short", watch=seen.put).ephemeralOwner == short.client_id[0]
    short.stop()
    assert seen.get(timeout=30).type == "DELETED"
    short.close()


def reconnect(z):
    z.create("/t/mine", b"", ephemeral=True)
    session = z.client_id
    seen = queue.Queue()
    z.get("/t", watch=seen.put)
    lost, back, expired = threading.Event(), threading.Event(), threading.Event()

    def listen(state):
        if state == "SUSPENDED":
            lost.set()
        elif state == "CONNECTED" and lost.is_set():
            back.set()
        elif state == "LOST":
            expired.set()

    z.add_listener(listen)
    host, port = z._connection._socket.getpeername()[:2]
    print("connected %s:%d" % (host, port), flush=True)
    assert sys.stdin.readline() == "killed\n"
    assert lost.wait(60) and back.wait(60)
    assert z.client_id == session, "the session was replaced"
    assert z.exists("/t/mine").ephemeralOwner == session[0]
    event = seen.get(timeout=30)  # kazoo drops its watches when the connection is lost
    assert (event.type, event.state) == ("NONE", "CONNECTING"), event
    z.retry(z.get, "/t", watch=seen.put)
    z.retry(z.set, "/t", b"after")
    event = seen.get(timeout=30)
    assert (event.type, event.path) == ("CHANGED", "/t"), event
    assert not expired.is_set()
    z.remove_listener(listen)


def main():
    hosts = sys.argv[1]
    z = KazooClient(hosts=hosts, timeout=60)
    other = KazooClient(hosts=hosts, timeout=60)
    z.start(timeout=30)
    other.start(timeout=30)
    assert z.server_version()[0] == 3
    basics(z)
    watches(z, other)
    rights(z, other)
    transactions(z)
    locks(z, other)
    ephemerals(z, hosts)
    reconnect(z)
    z.delete("/t", recursive=True)
    for client in (z, other):
        client.stop()
        client.close()
    print("done")


main()
