"""The worker under a privacy policy: what consumers get, and that it does not start with less."""

import hashlib
import hmac
import json
import time
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, Message, Producer, TopicPartition
from confluent_kafka.schema_registry import SchemaRegistryClient
from confluent_kafka.schema_registry.avro import AvroDeserializer
from confluent_kafka.serialization import MessageField, SerializationContext

from bridge.contract import iso_time
from bridge.identity import event_id
from tests.integration.commands import processors
from tests.integration.door_process import PATIENCE, wait_for
from tests.integration.engine_kafka import on_embedded, without_containers
from tests.integration.worker_process import Stream

KEY = "the key of this test, 32 and more"
POLICY = 'version = "2026-03"\nunknown = "drop"\n[classes]\ndirect = "drop"\nindirect = "hmac"\n'
STUDENT, LOGIN, NAME, MAIL = "100000000000777", "aaltonen", "Ada Aaltonen", "ada.aaltonen@example.edu"
PERSONAL = (STUDENT, LOGIN, NAME, MAIL)
METADATA = {
    "event_time": iso_time(int(time.time() * 1000)),  # the rollup takes nothing that is a week late
    "root_account_id": "100000000000001",
    "user_id": STUDENT,
    "user_login": LOGIN,
    "nickname": LOGIN,
}


def event(event_name: str, /, **body: Any) -> dict[str, Any]:
    return {"metadata": {**METADATA, "event_name": event_name}, "body": body}


LOGIN_EVENT = event("logged_in", redirect_url=None)
USER_EVENT = event("user_created", user_id=STUDENT, name=NAME, user_login=[LOGIN])
NEW_EVENT = event("never_heard_of", user_id=STUDENT, name=NAME)
PROGRESS_EVENT = event(
    "course_progress",
    progress={"requirement_count": 4, "requirement_completed_count": 1},
    user={"id": STUDENT, "name": NAME, "email": MAIL},
    course={"id": "100000000000565"},
)
REFUSED_EVENT = {"metadata": {**METADATA, "event_name": "logged_in"}, "body": NAME}


def pseudonym(text: str) -> str:
    return "hmac-" + hmac.new(KEY.encode(), text.encode(), hashlib.sha256).hexdigest()[:32]


def feed(stream: Stream, *events: dict[str, Any]) -> None:
    with Producer({"bootstrap.servers": stream.servers}) as producer:
        for item in events:
            value = json.dumps(item).encode()
            producer.produce(f"{stream.prefix}raw", value, event_id(value).encode())
        assert producer.flush(PATIENCE) == 0


def records(stream: Stream, name: str, count: int) -> list[Message]:
    """The first so many records of a topic."""
    topic = stream.prefix + name
    found: list[Message] = []
    with Consumer({"bootstrap.servers": stream.servers, "group.id": "reader"}) as consumer:
        parts = consumer.list_topics(topic, timeout=30).topics[topic].partitions
        consumer.assign([TopicPartition(topic, number, 0) for number in parts])

        def complete() -> bool:
            found.extend(message for message in consumer.consume(100, 0.5) if message.error() is None)
            return len(found) >= count

        wait_for(complete, f"{count} records of {name}")
    return found


def whole(message: Message) -> str:
    """All that a consumer gets of a record."""
    return f"{message.key()!r}{message.value()!r}{message.headers()!r}"


@without_containers
def test_consumers_get_pseudonyms_and_nothing_of_what_is_dropped(
    environment: dict[str, str], registry: SchemaRegistryClient, tmp_path: Path
) -> None:
    policy = tmp_path / "privacy.toml"
    policy.write_text(POLICY)
    stream = Stream(environment, tmp_path)
    feed(stream, LOGIN_EVENT, USER_EVENT, NEW_EVENT, PROGRESS_EVENT, REFUSED_EVENT)
    with stream.worker(PRIVACY__POLICY=str(policy), PRIVACY__KEY=KEY) as worker:
        (login,), (user,), (new,), (progress,), (window,) = (
            records(stream, name, 1)
            for name in ("logged_in", "user_created", "unknown", "course_progress", "rollup.course_progress")
        )
        (refused,) = records(stream, "dead_letter", 1)
        wait_for(lambda: worker.metric("drift_total") > 0, "the count of what no field took")
        assert 'pointer="/metadata/nickname"' in worker.get("/metrics")
        assert not [text for text in PERSONAL if text in worker.get("/metrics")]
        assert worker.stop() == 0, worker.log()
    for message in (login, user, new, progress, window):
        assert not [text for text in PERSONAL if text in whole(message)]
    assert NAME in whole(refused)
    assert "canvas.privacy" not in dict(refused.headers() or ())

    def read(message: Message) -> dict[str, Any]:
        context = SerializationContext(message.topic() or "", MessageField.VALUE)
        value: dict[str, Any] = AvroDeserializer(registry)(message.value(), context)
        return value

    student = pseudonym(STUDENT)
    assert login.key() == student.encode()
    assert read(login)["metadata"]["user_id"] == read(user)["body"]["user_id"] == student
    assert (read(user)["body"]["name"], read(user)["extra"]) == (None, {})
    assert read(new)["payload"] == "null"
    assert read(progress)["body"]["user"] == {"id": student, "name": None, "email": None}
    assert progress.key() == b"100000000000565"
    assert read(window)["user_id"] == student
    assert (window.key() or b"").startswith(f"100000000000565/{student}/".encode())
    marks = {dict(message.headers() or ())["canvas.privacy"] for message in (login, user, new, progress)}
    (mark,) = marks
    assert isinstance(mark, bytes)
    assert mark.startswith(b"2026-03/")
    assert f"privacy policy {mark.decode()}" in worker.log()
    assert not [text for text in (*PERSONAL, KEY) if text in worker.log()]


@without_containers
def test_a_worker_does_not_start_with_less_protection_than_was_asked_for(
    environment: dict[str, str], tmp_path: Path
) -> None:
    policy = tmp_path / "privacy.toml"
    policy.write_text(POLICY + '[paths]\n"/body/usr_id" = "drop"\n')
    stream = Stream(environment, tmp_path)
    feed(stream, LOGIN_EVENT)
    with stream.worker("typo", PRIVACY__POLICY=str(policy), PRIVACY__KEY=KEY) as worker:
        assert worker.wait_until_ended() == 1
        assert "privacy.toml: [paths] /body/usr_id: no event has this field. Did you mean" in worker.log()
    policy.write_text(POLICY)
    with stream.worker("no-key", PRIVACY__POLICY=str(policy)) as worker:
        assert worker.wait_until_ended() == 1
        assert "the privacy policy says hmac, and there is no key" in worker.log()
        assert "Traceback" not in worker.log()
    assert stream.written("logged_in") == stream.written("unknown") == 0


@on_embedded
def test_the_command_reports_on_a_policy(environment: dict[str, str], tmp_path: Path) -> None:
    policy = tmp_path / "privacy.toml"
    policy.write_text(POLICY)
    done = processors(environment, "privacy", "report", "--policy", str(policy))
    assert done.returncode == 0, done.stderr
    prefix = environment["KAFKA_TOPIC_PREFIX"]
    assert f"{prefix}dead_letter" in done.stdout
    assert "no policy reaches this topic" in done.stdout
