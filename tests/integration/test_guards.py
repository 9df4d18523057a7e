"""A zombie and a crash, once with the guard that stands against them and once without: then the trial fails.

The other guards are taken out where they are proved: test_exactly_once.py, test_ingress_kill.py,
test_spool.py, test_fault_matrix.py. deploy/guarantees.md lists all.
"""

import signal
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from tests.faults.guards import FORGETFUL, STALLED, UNFENCED
from tests.integration.door_process import wait_for
from tests.integration.engine_kafka import on_embedded, on_processes
from tests.integration.worker_process import Stream

COUNT = 600
# The open transaction of a zombie must not end by itself: then nobody would have to be shut out.
OWN = {"ROLLUPS": "false", "TRANSACTION_TIMEOUT_SECONDS": "90"}


def zombie(stream: Stream, program: Sequence[str]) -> tuple[set[str], Counter[str]]:
    """One worker stands still in the midst of its batch, another takes its place, and it goes on."""
    ids = stream.feed(0, COUNT)
    with stream.worker("one", program, **OWN) as one:
        wait_for(one.stands_still, "the stall of the first worker")
        with stream.worker("two", **OWN) as two:
            stream.wait_until_processed()
            assert one.stands_still()
            one.send(signal.SIGCONT)
            # An open transaction hides what comes after it.
            wait_for(
                lambda: stream.typed().total() >= COUNT, "the end of the transaction of the first worker"
            )
            one.stop()
            assert two.stop() == 0, two.log()
    return ids, stream.typed()


@on_processes
def test_a_zombie_is_shut_out_and_doubles_nothing(environment: dict[str, str], tmp_path: Path) -> None:
    ids, found = zombie(Stream(environment, tmp_path), STALLED)
    assert dict(found) == dict.fromkeys(ids, 1)
    assert "Failed to commit offsets to transaction" in (tmp_path / "one.log").read_text()


@on_processes
def test_the_same_zombie_doubles_what_it_had_in_hand_when_nobody_shuts_it_out(
    environment: dict[str, str], tmp_path: Path
) -> None:
    ids, found = zombie(Stream(environment, tmp_path), UNFENCED)
    assert found.keys() == ids
    assert max(found.values()) == 2


@on_embedded
def test_a_worker_that_forgets_its_window_types_repeats_again_after_a_crash(
    environment: dict[str, str], tmp_path: Path
) -> None:
    stream = Stream(environment, tmp_path)
    with stream.worker("one", FORGETFUL, ROLLUPS="false") as worker:
        ids = stream.feed(0, COUNT)
        stream.wait_until_processed()
        worker.kill()
        stream.feed(0, COUNT)
        worker.start()
        stream.wait_until_processed()
        assert worker.stop() == 0, worker.log()
    assert dict(stream.typed()) == dict.fromkeys(ids, 2)
