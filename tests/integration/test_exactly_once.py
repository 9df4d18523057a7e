"""kill -9 of the worker, five times, in the middle of a batch.

On a Kafka that keeps transactional offsets every event is typed exactly once for those who read committed;
with the transactions switched off the same kills show doubles, so this proof can fail.
"""

from collections import Counter
from pathlib import Path

import pytest

from bridge.sandbox.engines.base import Engine
from tests.integration.engine_kafka import on_real_kafka, without_containers
from tests.integration.worker_process import Stream, until_in_the_middle_of_a_batch

KILLS = 5


@pytest.fixture
def count(engine: Engine) -> int:
    """The embedded engine keeps 5 MiB of a partition."""
    return 20_000 if engine.delivery == "exactly_once" else 6_000


def killed_five_times(stream: Stream, count: int, delivery: str) -> set[str]:
    """The ids of all events, all of them processed in the end."""
    ids = stream.feed(0, count)
    with stream.worker(DELIVERY=delivery, BATCH_SIZE=str(count // 25), ROLLUPS="false") as worker:
        for _ in range(KILLS):
            until_in_the_middle_of_a_batch(stream, worker)
            worker.kill()
            worker.start()
        stream.wait_until_processed()
        assert worker.stop() == 0, worker.log()
    assert len(ids) == count
    return ids


def doubled(found: Counter[str]) -> int:
    return found.total() - len(found)


@on_real_kafka
def test_five_kills_lose_nothing_and_double_nothing(
    environment: dict[str, str], count: int, tmp_path: Path
) -> None:
    stream = Stream(environment, tmp_path)
    ids = killed_five_times(stream, count, "exactly_once")
    found = stream.typed()
    assert found.keys() == ids
    assert doubled(found) == 0
    # The kills did hit open transactions: their records are there, for those who do not read committed.
    assert doubled(stream.typed(isolation="read_uncommitted")) > 0


@without_containers
def test_without_transactions_the_same_kills_double_some_and_lose_nothing(
    environment: dict[str, str], count: int, tmp_path: Path
) -> None:
    stream = Stream(environment, tmp_path)
    ids = killed_five_times(stream, count, "at_least_once")
    found = stream.typed()
    assert found.keys() == ids
    assert doubled(found) > 0
