"""The webhook's port: accepts up to a bound, TLS included, and turns the rest away cheaply."""

import asyncio
import logging
import socket
from contextlib import suppress
from typing import Final, Self

from bridge.door_settings import WebhookSettings
from bridge.ingress.answers import TURNED_AWAY
from bridge.ingress.base import DoorBroken
from bridge.ingress.certificate import Certificate
from bridge.ingress.connections import Connection
from bridge.ingress.crowd import Crowd
from bridge.rate_limit import RateLimit

BACKLOG: Final = 1024
AT_A_TIME: Final = 64  # connections accepted in one turn of the event loop
REST_SECONDS: Final = 1.0
SHUT_SECONDS: Final = 5.0  # for the goodbye of TLS

log = logging.getLogger(__name__)
log.addFilter(RateLimit())


class Listener:
    """Accepts connections while it is open. Use as a context; leaving it closes the port alone.

    asyncio's own server knows no bound on connections, and would hold those in a TLS handshake uncounted.
    """

    def __init__(self, crowd: Crowd, settings: WebhookSettings, certificate: Certificate | None) -> None:
        """Raises DoorBroken where the port cannot be had."""
        self._crowd = crowd
        self._certificate = certificate
        self._limit = settings.max_connections
        self._greeting: set[asyncio.Task[None]] = set()
        self._resting: asyncio.TimerHandle | None = None
        self._socket = _bind(settings.host, settings.port)
        self.port: int = self._socket.getsockname()[1]

    def __enter__(self) -> Self:
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._socket, self._accept)
        return self

    def __exit__(self, *_: object) -> None:
        if self._resting:
            self._resting.cancel()
        self._loop.remove_reader(self._socket)
        self._socket.close()
        for task in self._greeting:
            task.cancel()

    def _accept(self) -> None:
        for _ in range(AT_A_TIME):
            try:
                peer, _ = self._socket.accept()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError as error:
                self._rest(error)
                return
            peer.setblocking(False)
            if len(self._crowd) >= self._limit:
                self._turn_away(peer)
            else:
                task = self._loop.create_task(self._greet(peer, self._crowd.expect()))
                self._greeting.add(task)
                task.add_done_callback(self._greeting.discard)

    async def _greet(self, peer: socket.socket, connection: Connection) -> None:
        context = self._certificate.context if self._certificate else None
        try:
            await self._loop.connect_accepted_socket(
                lambda: connection,
                peer,
                ssl=context,
                ssl_handshake_timeout=self._crowd.bounds.head_seconds if context else None,
                ssl_shutdown_timeout=SHUT_SECONDS if context else None,
            )
        except OSError:
            self._crowd.leave(connection)
            if context:
                self._crowd.turned_away("tls")

    def _turn_away(self, peer: socket.socket) -> None:
        self._crowd.turned_away("too_many")
        log.warning(
            "more than %d connections: the rest is turned away (BRIDGE_WEBHOOK__MAX_CONNECTIONS)", self._limit
        )
        with peer, suppress(OSError):
            if self._certificate is None:
                peer.send(TURNED_AWAY["too_many"].last_words())
                peer.shutdown(socket.SHUT_WR)
                peer.recv(65536)  # what is unread at the close would cost the peer the answer

    def _rest(self, error: OSError) -> None:
        # No descriptors or memory left. What waits is accepted when there are some again.
        log.error("cannot accept connections (%s): trying again every second", error)
        self._loop.remove_reader(self._socket)
        self._resting = self._loop.call_later(REST_SECONDS, self._loop.add_reader, self._socket, self._accept)


def _bind(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listening = socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise DoorBroken(
            f"cannot listen on {host}:{port}: {error.strerror}. "
            "Set BRIDGE_WEBHOOK__HOST and BRIDGE_WEBHOOK__PORT, or end what holds the port."
        ) from error
    listening.setblocking(False)
    return listening
