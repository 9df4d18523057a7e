"""All open connections: counted, handed to aiohttp, and swept of those that take too long."""

import asyncio
from typing import Any, Final, Literal, NoReturn

from aiohttp import StreamReader, web
from aiohttp.http import RawRequestMessage

from bridge.delivery_budget import DeliveryBudget
from bridge.ingress.answers import TurnedAway
from bridge.ingress.connections import Bounds, Connection, Handler
from bridge.ingress.request import Request
from bridge.metrics import CONNECTIONS, CONNECTIONS_REFUSED

SWEEP_SECONDS: Final = 1.0
NO_ANSWER: Final = 0  # in the place of a status


class Crowd(web.Server):
    """aiohttp's server with connections that are bounded. `now` is the time of the last sweep."""

    def __init__(self, handler: Handler, bounds: Bounds, budget: DeliveryBudget) -> None:
        super().__init__(handler, request_factory=_in_hand)  # type: ignore[arg-type]
        self._budget = budget
        self._expected: set[Connection] = set()
        self._open: dict[Connection, asyncio.Transport] = {}
        self.bounds = bounds
        self.now = asyncio.get_running_loop().time()

    def __len__(self) -> int:
        """Connections accepted and not yet lost."""
        return len(self._expected) + len(self._open)

    def expect(self) -> Connection:
        """A connection was accepted; it may still have a handshake to do, or fail in it."""
        connection = Connection(self)
        self._expected.add(connection)
        CONNECTIONS.set(len(self))
        return connection

    def enter(self, connection: Connection, transport: asyncio.Transport) -> None:
        """A connection was made."""
        self._expected.discard(connection)
        self._open[connection] = transport

    def leave(self, connection: Connection) -> None:
        """A connection was lost, or never made."""
        self._expected.discard(connection)
        self._open.pop(connection, None)
        CONNECTIONS.set(len(self))

    def turned_away(self, reason: TurnedAway | Literal["tls"]) -> None:
        """A connection ends without a request: Canvas may have been at its other end."""
        CONNECTIONS_REFUSED.labels(reason).inc()
        self._budget.count(NO_ANSWER, reason, 0)

    async def sweep_forever(self) -> NoReturn:
        """Ends what has taken too long, once a second."""
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            self.sweep()

    def sweep(self) -> None:
        """Looks at every connection once."""
        self.now = asyncio.get_running_loop().time()
        for connection, transport in list(self._open.items()):
            connection.sweep(transport, self.bounds)


def _in_hand(
    message: RawRequestMessage, content: StreamReader, connection: Connection, *more: Any
) -> Request:
    request = Request(message, content, connection, *more)
    connection.begin(request)
    return request
