"""The lag as metrics: of the raw topic by partition, of each rollup in all."""

from collections.abc import Mapping

from prometheus_client import Gauge

from processors import metrics
from processors.names import TopicNames
from processors.rollups import ROLLUPS
from processors.worker.first_times import Place
from processors.worker.lag import Lag


class LagGauges:
    """Shows what this worker has; the series of what it has no more go."""

    def __init__(self, names: TopicNames) -> None:
        self._raw = names.raw
        self._rollups = {
            name: {names.typed(event) for event in rollup.sources} for name, rollup in ROLLUPS.items()
        }

    def show(self, lags: Mapping[Place, Lag]) -> None:
        """From now on the metrics say this and no more."""
        raw = {str(partition): lag for (topic, partition), lag in lags.items() if topic == self._raw}
        _set(metrics.RAW_LAG, metrics.RAW_OLDEST, raw)
        rollups = {}
        for name, topics in self._rollups.items():
            if parts := [lag for (topic, _), lag in lags.items() if topic in topics]:
                rollups[name] = _together(parts)
        _set(metrics.ROLLUP_LAG, metrics.ROLLUP_OLDEST, rollups)


def _together(lags: list[Lag]) -> Lag:
    waiting = [lag.oldest for lag in lags if lag.oldest is not None]
    return Lag(sum(lag.records for lag in lags), min(waiting, default=None))


def _set(records: Gauge, oldest: Gauge, lags: Mapping[str, Lag]) -> None:
    (label,) = records._labelnames
    shown = {sample.labels[label] for family in records.collect() for sample in family.samples}
    for gone in shown - lags.keys():
        records.remove(gone)
        oldest.remove(gone)
    for name, lag in lags.items():
        records.labels(name).set(lag.records)
        oldest.labels(name).set_function(lag.age)
