"""How far this worker is behind: what it has not processed yet, and how old that is.

A client of its own asks Kafka every few seconds, so it costs no record anything, and it goes on while the
worker waits, fills its duplicate window or is held by the dead-letter limit. The end of a partition is not
enough: behind the last record there may be markers of transactions. So it looks at what stands there.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from confluent_kafka import Consumer, KafkaException, TopicPartition

from bridge.kafka import client_config
from bridge.settings import KafkaSettings
from processors.rollups.trouble import told
from processors.worker.client_logs import LIBRDKAFKA
from processors.worker.first_times import Place, first_times
from processors.worker.lane import Lane

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 5.0
TIMEOUT: Final = 10.0  # seconds of one question

Positions = Mapping[Place, int]


@dataclass(frozen=True, slots=True)
class Lag:
    """What waits in a partition: `records` up to its end, markers of transactions among them.

    `oldest`: when the first of them was received, milliseconds since the epoch; None where none waits.
    """

    records: int = 0
    oldest: int | None = None

    def age(self) -> float:
        """Seconds since the oldest was received."""
        return 0.0 if self.oldest is None else max(0.0, time.time() - self.oldest / 1000)


class LagMeter:
    """Asks Kafka how much lies behind given positions. Blocking; to be used from one thread."""

    def __init__(self, kafka: KafkaSettings, group_id: str) -> None:
        self._config = client_config(
            kafka,
            group_id=group_id,  # to which it never subscribes: it assigns itself what it looks at
            enable_auto_commit=False,
            auto_offset_reset="earliest",
            isolation_level="read_committed",
            enable_partition_eof=True,
            fetch_message_max_bytes=65_536,
            fetch_wait_max_ms=100,  # how long a broker holds back that a partition is at its end
            queued_max_messages_kbytes=1024,
        )
        self._consumer = self._new_consumer()
        self._known: dict[tuple[Place, int], int] = {}  # place and position -> time of the record there

    def measure(self, positions: Positions) -> dict[Place, Lag]:
        """The lag behind each position: the next offset to be processed. Raises KafkaException."""
        try:
            return self._measured(positions)
        except KafkaException:
            # A client has been seen that knew of no partition any more after an outage; a new one finds them.
            self._consumer.close()
            self._consumer = self._new_consumer()
            raise

    def _new_consumer(self) -> Consumer:
        return Consumer(self._config, logger=LIBRDKAFKA)

    def _measured(self, positions: Positions) -> dict[Place, Lag]:
        ends: dict[Place, int] = {}
        starts: dict[Place, int] = {}
        for place, position in positions.items():
            low, ends[place] = self._consumer.get_watermark_offsets(TopicPartition(*place), timeout=TIMEOUT)
            if ends[place] > max(low, position):
                starts[place] = max(low, position)
        self._look(starts)
        found = {
            place: Lag(ends[place] - start, self._known[place, start])
            for place, start in starts.items()
            if (place, start) in self._known
        }
        return dict.fromkeys(positions, Lag()) | found

    def close(self) -> None:
        """Lets go of Kafka."""
        self._consumer.close()

    def _look(self, starts: Positions) -> None:
        # Where nothing moves the same record is the oldest, and need not be read again.
        self._known = {at: received for at, received in self._known.items() if starts.get(at[0]) == at[1]}
        new = [
            TopicPartition(*place, start)
            for place, start in starts.items()
            if (place, start) not in self._known
        ]
        if not new:
            return
        try:
            found = first_times(self._consumer, new, TIMEOUT)
        finally:
            self._consumer.unassign()
        self._known |= {(place, starts[place]): received for place, received in found.items()}


async def keep_measuring(
    meter: LagMeter,
    positions: Callable[[], Positions],
    show: Callable[[Mapping[Place, Lag]], None],
) -> None:
    """Shows the lag every few seconds, until it is cancelled.

    A partition that is given up is shown no more, from the next look on. While Kafka is away the rest stays
    as it was last seen.
    """
    lane = Lane("lag")
    lags: dict[Place, Lag] = {}
    failing = False
    try:
        while True:
            asked = dict(positions())
            try:
                lags = await lane(partial(meter.measure, asked))
                failing = False
            except Exception as error:
                if not failing:
                    log.warning("the lag cannot be measured: %s", told(error))
                failing = True
            held = positions()
            show({place: lag for place, lag in lags.items() if place in held})
            await asyncio.sleep(LOOK_SECONDS)
    finally:
        with suppress(TimeoutError, KafkaException):
            await asyncio.wait_for(lane(meter.close), LOOK_SECONDS)
        lane.close()
