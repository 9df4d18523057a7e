"""Waiting for Kafka: what is tried again, what is not, and that a stop ends it."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from processors.patience import Patience

AWAY = KafkaException(KafkaError(KafkaError._TRANSPORT))
FATAL = KafkaException(KafkaError(KafkaError._FENCED, "fenced", fatal=True))


class Call:
    def __init__(self, *outcomes: Exception | str) -> None:
        self.outcomes = list(outcomes)

    def __call__(self) -> str:
        outcome = self.outcomes.pop(0)
        if isinstance(outcome, Exception):
            raise outcome
        return outcome


def test_it_insists_while_the_error_may_pass() -> None:
    patience = Patience()
    assert patience.insist(Call(AWAY, AWAY, "done"), lambda _: True, "asking") == "done"
    assert patience.last_trouble > 0


@pytest.mark.parametrize(("outcome", "passes"), [(AWAY, False), (FATAL, True)])
def test_it_does_not_insist_on_what_no_repetition_cures(outcome: Exception, *, passes: bool) -> None:
    call = Call(outcome, "not reached")
    with pytest.raises(KafkaException):
        Patience().insist(call, lambda _: passes, "asking")
    assert call.outcomes == ["not reached"]


def test_a_stop_ends_the_insisting_and_the_waiting_at_once() -> None:
    patience = Patience()
    patience.stop()
    assert patience.wait(100) is False
    with pytest.raises(KafkaException):
        patience.insist(Call(AWAY), lambda _: True, "asking")


def test_waiting_is_a_sign_of_life() -> None:
    patience = Patience()
    patience.last_sign = 0
    patience.stop()
    patience.wait(0)
    assert patience.last_sign > 0
