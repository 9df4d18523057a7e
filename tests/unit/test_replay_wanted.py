"""Which events a replay is to write, what makes them the same, and which are too old for their topics."""

from collections.abc import Sequence
from typing import Any

import pytest

from bridge.settings import KafkaSettings
from processors.replay import retention
from processors.replay.wanted import State, Wanted, identity


def test_wanted_is_claimed_once() -> None:
    wanted = Wanted()
    wanted.want([("a", b"1"), ("a", b"2"), ("b", b"1"), ("a", b"1")])
    wanted.note([("a", b"2"), ("a", b"3")])
    found = [
        wanted.claim(place) for place in (("a", b"1"), ("a", b"1"), ("a", b"2"), ("b", b"1"), ("a", b"3"))
    ]
    assert found == [State.MISSING, State.CLAIMED, State.THERE, State.MISSING, State.LATE]
    wanted.note([("a", b"1")])
    assert wanted.claim(("a", b"1")) is State.CLAIMED
    wanted.close()


def test_a_dead_letter_is_of_one_event_of_its_delivery() -> None:
    origin = (("ce_id", b"of the delivery"), ("canvas.errors.reason", b"caliper_invalid_event"))
    one = identity((*origin, ("canvas.errors.field", b"/data/0")), b"k")
    other = identity((*origin, ("canvas.errors.field", b"/data/1")), b"k")
    assert len({one, other, identity(origin, b"k"), identity(origin, None)}) == 4
    assert identity((("ce_id", b"1"),), b"k") == b"1"
    assert identity((), b"k") is None


class Topics:
    """Stands for the cluster."""

    def __init__(self, _: KafkaSettings) -> None:
        pass

    def found(self, names: Sequence[str]) -> dict[str, Any]:
        settings = {
            "a": {"retention.ms": "1000", "cleanup.policy": "delete"},
            "ever": {"retention.ms": "-1", "cleanup.policy": "delete"},
            "compacted": {"retention.ms": "1000", "cleanup.policy": "compact"},
            "silent": None,
        }
        return {name: type("Found", (), {"settings": settings[name]}) for name in names}


def test_only_topics_that_delete_by_age_keep_since_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "Cluster", Topics)
    monkeypatch.setattr("time.time", lambda: 5.0)
    assert retention.kept_since(KafkaSettings(), ["a", "ever", "compacted", "silent"]) == {"a": 4000}
