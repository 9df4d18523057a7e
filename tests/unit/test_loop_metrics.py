"""The loop's metrics show what prometheus_client's own would."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import Counter, Histogram

from bridge.loop_metrics import LoopCounter, LoopHistogram

BOUNDS = (0.001, 0.25, 1, 15)
amounts = st.lists(st.sampled_from(BOUNDS) | st.floats(0, 100))


def shown(metric: Any) -> list[tuple[str, dict[str, str], float]]:
    (family,) = metric.collect()
    return [(each.name, each.labels, each.value) for each in family.samples if "_created" not in each.name]


@given(amounts)
def test_a_counter(counted: list[float]) -> None:
    ours, theirs = (kind("c", "Counts.", ["door"], registry=None) for kind in (LoopCounter, Counter))
    for metric in (ours, theirs):
        metric.labels("sqs").inc()
        for amount in counted:
            metric.labels("webhook").inc(amount)
    assert shown(ours) == shown(theirs)


@given(amounts)
def test_a_histogram_on_its_bounds_too(observed: list[float]) -> None:
    ours, theirs = (
        kind("h", "Takes time.", ["door"], registry=None, buckets=BOUNDS)
        for kind in (LoopHistogram, Histogram)
    )
    for metric in (ours, theirs):
        for amount in observed:
            metric.labels("webhook").observe(amount)
    assert shown(ours) == shown(theirs)
