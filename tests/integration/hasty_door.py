"""A door with the one fault it must not have: it acknowledges before Kafka has confirmed.

Run as a script in place of the console command. What proves that the honest door loses nothing must
find what this one loses.
"""

import asyncio
from collections.abc import Callable
from typing import Any

from bridge import kafka
from bridge.__main__ import main
from bridge.ingress.base import Delivery
from bridge.relay import Relay, raw_event

LINGER_MS = 1000  # as long as it takes a busy producer to fill its batches
_pending: set[asyncio.Task[None]] = set()


async def take(self: Relay, delivery: Delivery, acknowledge: Callable[[], Any]) -> Any:
    event = raw_event(delivery)
    publishing = self._publisher.publish(
        self._topic, event.key or b"", event.value, event.headers, event.received_at
    )
    _pending.add(asyncio.ensure_future(publishing))
    return acknowledge()


def slow_config(settings: Any, **more: Any) -> dict[str, Any]:
    return honest_config(settings, **{**more, "linger_ms": LINGER_MS})


if __name__ == "__main__":
    honest_config = kafka.producer_config
    kafka.producer_config = slow_config
    Relay.take = take  # type: ignore[method-assign]
    main()
