"""The ceiling: the same HTTP server, the same acknowledgement by Kafka, and nothing of ours between them.

python -m tests.bench.bare_door PORT    (KAFKA_BOOTSTRAP_SERVERS in the environment)
"""

import asyncio
import sys
import time
from itertools import cycle
from typing import Final

import uvloop
from aiohttp import web

from bridge.kafka import Publisher
from bridge.settings import KafkaSettings

TOPIC: Final = "canvas.raw"
# Of many, as ours are: they go to every partition.
KEYS: Final = tuple(f"0b0b0b0b-0000-8000-8000-{number:012}".encode() for number in range(997))
# As many headers as ours, and as long.
HEADERS: Final = tuple((f"ce_header_{number}", b"0" * 20) for number in range(6))


async def serve(port: int) -> None:
    """Answers 202 once Kafka has confirmed the body, until it is killed."""
    keys = cycle(KEYS)
    async with Publisher(KafkaSettings()) as publisher:

        async def answer(request: web.BaseRequest) -> web.Response:
            body = await request.read()
            await publisher.publish(TOPIC, next(keys), body, HEADERS, time.time_ns() // 1_000_000)
            return web.Response(status=202, text="accepted\n")

        runner = web.ServerRunner(web.Server(answer, access_log=None))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", port).start()
        await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as running:
        running.run(serve(int(sys.argv[1])))
