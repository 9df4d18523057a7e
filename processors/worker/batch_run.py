"""One batch on its way: repeats out, through the stages, into Kafka together with its offsets."""

import logging
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from bridge.contract import RawEvent
from bridge.telemetry import where_raised
from processors import metrics
from processors.drift.drift_counts import PAIRS, Pair, drift_of
from processors.failures import Reason
from processors.patience import Patience
from processors.pipeline import Pipeline
from processors.records import Outcome, OutgoingRecord
from processors.worker.batches import Batch
from processors.worker.dead_letter_limit import DeadLetterLimit, LimitReached, Trial
from processors.worker.delivery.base import BatchDelivery, NotDelivered
from processors.worker.duplicates import DuplicateWindow
from processors.worker.raw_source import Evicted, RawSource

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Memory:
    """What is known of the events before a batch: which there were, and how many were dead letters."""

    window: DuplicateWindow
    limit: DeadLetterLimit


class BatchRun:
    """Takes batches one after the other. What Kafka does not take is read again, as often as it needs.

    Blocking; to be called from one thread.
    """

    def __init__(
        self,
        source: RawSource,
        memory: Memory,
        pipeline: Pipeline,
        delivery: BatchDelivery,
        patience: Patience,
    ) -> None:
        self._source = source
        self._window = memory.window
        self._pipeline = pipeline
        self._delivery = delivery
        self._patience = patience
        self._limit = memory.limit
        self._attempt = 0
        # At 0 from the start: else nobody sees the first of its kind.
        for cause in ("dead_letter_limit", "not_delivered", "defect"):
            metrics.ABORTED_BATCHES.labels(cause)
        for reason in Reason:
            metrics.DEAD_LETTERED.labels(reason)

    def open(self) -> None:
        """Gets the delivery ready; takes as long as Kafka is away."""
        self._delivery.open()

    def close(self) -> None:
        """Lets go of what is not delivered."""
        self._delivery.close()

    def process(self, batch: Batch) -> None:
        """Processes the batch, or goes back to read it again. Raises Evicted: only a new process helps."""
        if self._patience.stopping:
            return
        try:
            with self._source.holding(batch) as ours:
                if ours:
                    self._through(batch)
            self._attempt = 0
        except Evicted:
            raise
        except LimitReached as error:
            metrics.ABORTED_BATCHES.labels("dead_letter_limit").inc()
            self._hold(error)
        except NotDelivered as error:
            metrics.ABORTED_BATCHES.labels("not_delivered").inc()
            log.warning("a batch was not delivered, reading it again: %s", error)
            self._again()
        except Exception as error:
            # No event is given up for a defect of ours: it holds its partition until the defect is mended.
            metrics.ABORTED_BATCHES.labels("defect").inc()
            where = where_raised(error)
            kind = type(error).__name__
            log.error("a stage failed on a batch from %s, read again: %s\n%s", _first(batch), kind, where)
            self._again()

    def _through(self, batch: Batch) -> None:
        begun = time.monotonic()
        self._window.recall(batch.history)
        sifted = self._window.sift(batch.live)
        tally, trial = _Tally(), self._limit.trial()
        if batch.commits:
            records = self._records(sifted.fresh, tally, trial)
            # A batch that was held once is looked through before anything of it is sent again.
            self._delivery.deliver(list(records) if self._limit.reached else records, batch)
        self._window.remember(batch.live)
        self._source.settle(batch)
        metrics.WINDOW_KEYS.set(len(self._window))
        if batch.live:
            metrics.BATCH_SECONDS.observe(time.monotonic() - begun)
            self._limit.keep(trial)
            tally.publish(len(batch.live), sifted.duplicates)
            metrics.LAST_RECEIVED.set(batch.live[-1].received_at / 1000)
            metrics.EVENT_AGE.observe(max(0.0, time.time() - batch.live[0].received_at / 1000))

    def _records(self, events: Iterable[RawEvent], tally: "_Tally", trial: Trial) -> Iterator[OutgoingRecord]:
        # Lazily, so that Kafka stores the first records while the last are converted.
        for raw in events:
            outcomes = self._pipeline.run(raw)
            for outcome in outcomes:
                tally.note(outcome)
                trial.note(outcome)
                yield outcome.outgoing
            tally.accounted += bool(outcomes)

    def _hold(self, error: LimitReached) -> None:
        seconds = self._limit.hold()
        log.error(
            "the dead-letter limit is reached, the batch is not committed: %s. Looking again in %.0f s",
            error,
            seconds,
        )
        self._source.go_back()
        self._patience.pause(seconds)

    def _again(self) -> None:
        self._source.go_back()
        self._patience.wait(self._attempt)
        self._attempt += 1


class _Tally:
    """What became of a batch's events, to be counted once it is certain."""

    def __init__(self) -> None:
        self._typed: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()
        self._remarks: Counter[str] = Counter()
        self._drift: Counter[Pair] = Counter()
        self._unknown = 0
        self.accounted = 0  # raw records with an outcome

    def note(self, outcome: Outcome) -> None:
        if outcome.failure is not None:
            self._reasons[outcome.failure.reason] += 1
        elif outcome.event is not None:
            self._remarks.update(outcome.event.remarks)
            self._drift.update(drift_of(outcome.event))
            if outcome.event.event_name is None:
                self._unknown += 1
            else:
                self._typed[outcome.event.event_name] += 1

    def publish(self, raw: int, duplicates: int) -> None:
        metrics.RAW.inc(raw)
        metrics.DUPLICATES.inc(duplicates)
        metrics.UNACCOUNTED.inc(raw - duplicates - self.accounted)
        metrics.UNKNOWN.inc(self._unknown)
        for counted, metric in (
            (self._typed, metrics.TYPED),
            (self._reasons, metrics.DEAD_LETTERED),
            (self._remarks, metrics.REMARKS),
        ):
            for label, number in counted.items():
                metric.labels(label).inc(number)
        for pair, number in PAIRS.bound(self._drift):
            metrics.DRIFT.labels(*pair).inc(number)
        metrics.BATCHES.inc()
        metrics.LAST_PROGRESS.set_to_current_time()


def _first(batch: Batch) -> str:
    return str(batch.live[0].position) if batch.live else batch.topic
