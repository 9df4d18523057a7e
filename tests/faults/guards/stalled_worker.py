"""The honest worker, which stops itself (SIGSTOP) once, at the worst moment.

All records of its first batch are in the open transaction, and its offsets are not. Who lets it go on after
its session has ended has made it a zombie.
"""

import signal
import threading

from processors.__main__ import main
from processors.worker.batches import Batch
from processors.worker.delivery.exactly_once import ExactlyOnce

honest_send = ExactlyOnce._send_offsets
stalled: list[Batch] = []


def send_offsets(self: ExactlyOnce, batch: Batch) -> None:
    if not stalled:
        stalled.append(batch)
        signal.pthread_kill(threading.get_ident(), signal.SIGSTOP)  # this thread gets no further
    honest_send(self, batch)


def stall() -> None:
    """From now on it does."""
    ExactlyOnce._send_offsets = send_offsets  # type: ignore[method-assign]


if __name__ == "__main__":
    stall()
    main()
