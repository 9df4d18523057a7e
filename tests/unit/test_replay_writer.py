"""How replayed records reach Kafka, and what each kind of error means for them."""

import pytest
from confluent_kafka import KafkaError, KafkaException

from bridge.settings import KafkaSettings
from processors.replay.settings import ReplaySettings
from processors.replay.writer import Confirmed, NotWritten, Transactions, writer
from processors.settings import Delivery
from tests.unit.told_client import ABORTABLE, FATAL, RECORDS, RETRIABLE, Client, in_place_of_the_producer


@pytest.fixture
def client(monkeypatch: pytest.MonkeyPatch) -> Client:
    return in_place_of_the_producer(monkeypatch)


@pytest.fixture
def transactions(client: Client, monkeypatch: pytest.MonkeyPatch) -> Transactions:
    made = writer(KafkaSettings(), ReplaySettings(group_id="g"))
    assert isinstance(made, Transactions)
    monkeypatch.setattr(made._patience, "wait", lambda attempt: True)
    return made


def test_every_replay_of_a_group_has_the_same_transactional_id(
    transactions: Transactions, client: Client
) -> None:
    transactions.open()
    transactions.write(RECORDS)
    transactions.close()
    assert client.config["transactional.id"] == "g-replay"
    assert client.names()[:5] == [
        *("init_transactions", "begin_transaction", "produce", "produce", "commit_transaction")
    ]


@pytest.mark.parametrize("call", ["produce", "commit_transaction"])
def test_what_kafka_aborts_is_written_again(transactions: Transactions, client: Client, call: str) -> None:
    client.failures[call] = [ABORTABLE]
    transactions.write(RECORDS)
    assert client.names().count("abort_transaction") == 1
    assert client.names().count("begin_transaction") == 2
    assert client.names()[-1] == "commit_transaction"


def test_a_commit_without_answer_is_asked_for_again(transactions: Transactions, client: Client) -> None:
    client.failures["commit_transaction"] = [RETRIABLE, RETRIABLE]
    transactions.write(RECORDS)
    assert client.names().count("commit_transaction") == 3
    assert "abort_transaction" not in client.names()


def test_what_kafka_never_takes_ends_the_run(transactions: Transactions, client: Client) -> None:
    client.failures["commit_transaction"] = [ABORTABLE] * 9
    with pytest.raises(NotWritten, match=r"did not take the last records: lost.*run again"):
        transactions.write(RECORDS)
    assert client.names().count("begin_transaction") == 5


RAISED_IN_A_CALLBACK = SystemError("<method 'code'> returned a result with an exception set")
RAISED_IN_A_CALLBACK.__cause__ = FATAL


@pytest.mark.parametrize("call", ["produce", "commit_transaction"])
def test_a_fatal_error_that_is_raised_in_a_callback_is_understood(
    transactions: Transactions, client: Client, call: str
) -> None:
    client.failures[call] = [RAISED_IN_A_CALLBACK]
    with pytest.raises(NotWritten, match="another replay has begun"):
        transactions.write(RECORDS)
    client.failures[call] = [SystemError("another")]
    with pytest.raises(SystemError, match="another"):
        transactions.write(RECORDS)


@pytest.mark.parametrize(
    "error",
    [FATAL, KafkaException(KafkaError(KafkaError.INVALID_PRODUCER_EPOCH, "epoch", txn_requires_abort=True))],
)
@pytest.mark.parametrize("call", ["init_transactions", "produce", "commit_transaction"])
def test_shut_out_by_another_replay_is_said(
    transactions: Transactions, client: Client, call: str, error: KafkaException
) -> None:
    client.failures[call] = [error]
    do = transactions.open if call == "init_transactions" else lambda: transactions.write(RECORDS)
    with pytest.raises(NotWritten, match=r"another replay has begun.*'g-replay'"):
        do()
    assert "abort_transaction" not in client.names()


def test_without_transactions_every_record_is_confirmed(client: Client) -> None:
    made = writer(KafkaSettings(), ReplaySettings(delivery=Delivery.AT_LEAST_ONCE))
    assert isinstance(made, Confirmed)
    made.open()
    made.write(RECORDS)
    assert client.names() == ["produce", "produce", "flush"]
    client.failures["produce"] = [ABORTABLE]
    with pytest.raises(NotWritten, match="lost"):
        made.write(RECORDS)
