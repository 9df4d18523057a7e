"""A webhook with the one fault its spool must not have: it acknowledges before the disk has the record.

Run as a script in place of the console command, as hasty_door.
"""

import asyncio
import time
from collections.abc import Sequence

from bridge.__main__ import main
from bridge.contract import RawEvent
from bridge.spool.intake import Intake
from bridge.spool.store import Store

DISK_SECONDS = 0.2  # of a busy disk
_pending: set[asyncio.Task[None]] = set()


async def put(self: Intake, event: RawEvent, seconds: float) -> None:
    _pending.add(asyncio.ensure_future(honest_put(self, event, seconds)))


def slow_append(self: Store, events: Sequence[RawEvent]) -> None:
    time.sleep(DISK_SECONDS)
    honest_append(self, events)


if __name__ == "__main__":
    honest_put, honest_append = Intake.put, Store.append
    Intake.put, Store.append = put, slow_append  # type: ignore[method-assign]
    main()
