"""The network of the fault tests: what it is told to do to a connection, it does."""

import socket
import socketserver
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from bridge.sandbox.engines.ports import free_ports
from tests.faults.wire import Wire

LIMIT = 30.0
SHORT = 0.2  # seconds in which nothing comes; whatever came in that time would be an error


class Echo(socketserver.BaseRequestHandler):
    """Sends back what comes."""

    def handle(self) -> None:
        server = self.server
        assert isinstance(server, Server)
        try:
            while data := self.request.recv(65536):
                self.request.sendall(data)
        except ConnectionResetError:
            server.reset.set()
        else:
            server.ended.set()


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Echo)
        self.ended = threading.Event()
        self.reset = threading.Event()


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


@pytest.fixture
def port() -> int:
    return free_ports(1)[0]


@pytest.fixture
def wire(server: Server, port: int) -> Iterator[Wire]:
    with Wire({port: server.server_address[1]}) as wire:
        yield wire


def connected(port: int) -> "closing[socket.socket]":
    return closing(socket.create_connection(("127.0.0.1", port), LIMIT))


def told(plug: socket.socket, data: bytes) -> bytes:
    """What comes back of it."""
    plug.sendall(data)
    return received(plug, len(data))


def received(plug: socket.socket, count: int) -> bytes:
    found = b""
    while len(found) < count and (more := plug.recv(65536)):
        found += more
    return found


def nothing_comes(plug: socket.socket) -> None:
    plug.settimeout(SHORT)
    with pytest.raises(TimeoutError):
        plug.recv(1)
    plug.settimeout(LIMIT)


def test_it_carries_everything_and_the_end_of_it(wire: Wire, port: int, server: Server) -> None:
    with connected(port) as plug:
        assert told(plug, b"hello") == b"hello"
        much = bytes(range(256)) * 20_000
        threading.Thread(target=plug.sendall, args=(much,), daemon=True).start()
        assert received(plug, len(much)) == much
    assert server.ended.wait(LIMIT)


def test_a_cut_resets_both_sides_and_lets_nobody_in_until_it_is_mended(
    wire: Wire, port: int, server: Server
) -> None:
    with connected(port) as plug:
        assert told(plug, b"one") == b"one"
        wire.cut()
        with pytest.raises(ConnectionResetError):
            plug.recv(1)
    assert server.reset.wait(LIMIT)
    with pytest.raises(ConnectionRefusedError):
        connected(port)
    wire.mend()
    with connected(port) as plug:
        assert told(plug, b"two") == b"two"


def test_in_the_silence_nothing_arrives_not_even_the_end(wire: Wire, port: int, server: Server) -> None:
    with connected(port) as plug:
        assert told(plug, b"one") == b"one"
        wire.silence()
        plug.sendall(b"lost")
        nothing_comes(plug)
    assert not server.ended.wait(SHORT)
    with connected(port) as late:  # whoever comes now is let in, and hears as little
        late.sendall(b"lost")
        nothing_comes(late)
        wire.mend()
        with pytest.raises(ConnectionResetError):
            late.recv(1)
    assert server.reset.wait(LIMIT)
    with connected(port) as plug:
        assert told(plug, b"two") == b"two"


def test_a_connection_that_lost_nothing_in_the_silence_goes_on(wire: Wire, port: int) -> None:
    with connected(port) as plug:
        assert told(plug, b"one") == b"one"
        wire.silence()
        wire.mend()
        assert told(plug, b"two") == b"two"


def test_what_is_late_stays_in_order_also_when_the_delay_ends(wire: Wire, port: int) -> None:
    with connected(port) as plug:
        assert told(plug, b"0") == b"0"
        wire.slow(2 * SHORT)
        plug.sendall(b"1")
        nothing_comes(plug)
        wire.mend()
        plug.sendall(b"2")
        assert received(plug, 2) == b"12"


def test_nobody_behind_it_is_a_reset(port: int) -> None:
    with Wire({port: free_ports(1)[0]}), pytest.raises(ConnectionResetError), connected(port) as plug:
        plug.recv(1)
