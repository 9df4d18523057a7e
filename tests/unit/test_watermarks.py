"""The bounds of a partition whose leader is just being elected."""

from typing import Any

import pytest
from confluent_kafka import KafkaError, KafkaException, TopicPartition

from processors.topics import watermarks as module
from processors.topics.watermarks import watermarks

PLACE = TopicPartition("canvas.raw", 3)


class Consumer:
    """Answers with these, one after the other."""

    def __init__(self, *answers: int) -> None:
        self.answers = list(answers)
        self.looked_up: list[str] = []

    def get_watermark_offsets(self, place: TopicPartition, timeout: float) -> tuple[int, int]:
        assert place == PLACE
        code = self.answers.pop(0)
        if code:
            raise KafkaException(KafkaError(code))
        return 2, 5

    def list_topics(self, topic: str, timeout: float) -> None:
        self.looked_up.append(topic)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ASK_AGAIN_SECONDS", 0)


def test_a_leader_that_has_changed_is_looked_up() -> None:
    consumer: Any = Consumer(KafkaError.NOT_LEADER_FOR_PARTITION, KafkaError.LEADER_NOT_AVAILABLE, 0)
    assert watermarks(consumer, PLACE) == (2, 5)
    assert consumer.looked_up == ["canvas.raw", "canvas.raw"]


def test_another_error_is_told_at_once() -> None:
    consumer: Any = Consumer(KafkaError.TOPIC_AUTHORIZATION_FAILED, 0)
    with pytest.raises(KafkaException):
        watermarks(consumer, PLACE)
    assert not consumer.looked_up


def test_a_leader_that_never_comes_is_told_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "TIMEOUT_SECONDS", 0)
    consumer: Any = Consumer(*[KafkaError.LEADER_NOT_AVAILABLE] * 1000)
    with pytest.raises(KafkaException):
        watermarks(consumer, PLACE)
