"""Secrets to be found again, in every form of a URL and place of an event, and where to look for them."""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from confluent_kafka import Consumer, KafkaError, TopicPartition

from tests.integration.door_process import PATIENCE
from tests.unit.doors import ISSUER, sign

EVENTS = Path(__file__).parents[1] / "events" / "asset_accessed"
CANVAS = json.loads((EVENTS / "canvas.file_without_user.pass.json").read_text("utf-8"))
CALIPER = json.loads((EVENTS / "caliper.file_without_user.pass.json").read_text("utf-8"))
EXTENSIONS = "com.instructure.canvas"
HOST = "https://canvas.example.edu"

# SECRET is one; PLAIN is none and must come through.
FORMS = [
    f"{HOST}/files/9?page=PLAIN&verifier=SECRET",
    f"{HOST}/api/v1/users?access_token=SECRET&page=PLAIN",
    f"{HOST}/login#access_token=SECRET&state=PLAIN",
    "https://ines:SECRET@canvas.example.edu/PLAIN",
    f"{HOST}/login?user[password]=SECRET&next=PLAIN",
    f"{HOST}/login?user%5Bpassword%5D=SECRET&next=PLAIN",
    f"{HOST}/login?next=%2Ffiles%3Fverifier%3DSECRET%26wrap%3DPLAIN",
    f"{HOST}/login?next=%252Ffiles%253fsf_verifier%253dSECRET%2526wrap%253DPLAIN",
    f"{HOST}/login?next=https%3A%2F%2Fines%3ASECRET%40host.example%2FPLAIN",
    f'<p>PLAIN <a href="{HOST}/files/9?page=1&amp;token=SECRET">a file</a></p>',
    f"{HOST}/files/9?page=PLAIN&#38;X-Amz-Signature&#61;SECRET",
    json.dumps({"url": f"{HOST}/?code=SECRET&page=PLAIN", "page": "PLAIN"}),
    f"{HOST}/attendance?pin=SECRET&page=PLAIN",  # named by BRIDGE_REDACT__QUERY_KEYS
]


def _hexed(letters: str) -> Callable[[Any], str]:
    return lambda event: re.sub(f"[{letters}]", lambda found: f"\\u{ord(found[0]):04x}", json.dumps(event))


WRITERS: list[Callable[[Any], str]] = [
    json.dumps,
    _hexed("&<>"),
    _hexed("&<>=+'"),
    lambda event: json.dumps(event).replace("/", "\\/"),
]


class Canaries:
    """Random strings that nothing else can hold: secrets, and what is none."""

    def __init__(self) -> None:
        self.secrets: set[bytes] = set()
        self.harmless: set[bytes] = set()

    def secret(self) -> str:
        return self._new(self.secrets, "secret")

    def sing(self, form: str) -> str:
        """The form with canaries of its own."""
        return form.replace("PLAIN", self._new(self.harmless, "harmless")).replace("SECRET", self.secret())

    def _new(self, cage: set[bytes], name: str) -> str:
        text = name + uuid.uuid4().hex
        cage.add(text.encode())
        return text

    def canvas(self, form: str, event_name: str = "asset_accessed") -> dict[str, Any]:
        """A Canvas JSON event with the form in every place that may hold a URL, and in some that may not."""
        metadata = {"event_name": event_name, "request_id": str(uuid.uuid4())}
        places = {name: self.sing(form) for name in ("url", "referrer", "user_agent")}
        body = {name: self.sing(form) for name in ("asset_name", "display_name", "novelty")}
        odd = {"asset_id": {"of": [self.sing(form)]}}
        return {
            "metadata": {**CANVAS["metadata"], **metadata, **places},
            "body": {**CANVAS["body"], **body, **odd},
        }

    def caliper(self, form: str) -> dict[str, Any]:
        """Likewise a Caliper event."""
        event = json.loads(json.dumps(CALIPER["data"][0]))
        event |= {"id": f"urn:uuid:{uuid.uuid4()}", "referrer": self.sing(form), "novelty": self.sing(form)}
        event["extensions"][EXTENSIONS]["request_url"] = self.sing(form)
        event["object"]["extensions"][EXTENSIONS] |= {"url": self.sing(form), "display_name": self.sing(form)}
        return {**CALIPER, "data": [event]}

    def payloads(self, every: int = 1) -> Iterator[bytes]:
        """What is accepted, and becomes records, unknown events and dead letters; every so many of it."""
        return islice(self._payloads(), 0, None, every)

    def _payloads(self) -> Iterator[bytes]:
        for form in FORMS:
            for write in WRITERS:
                yield write(self.canvas(form)).encode()
                yield write(self.caliper(form)).encode()
            yield json.dumps(self.canvas(form, "never_heard_of")).encode()
            yield json.dumps({**CANVAS, "body": self.sing(form)}).encode()
            yield json.dumps(self.canvas(form)).encode()[:-1]
            yield json.dumps(self.canvas(form, self.sing(form))).encode()
            yield self.sing(form).encode()
        yield json.dumps(self.canvas(FORMS[0])).encode("utf-16")


def forgeries(canaries: Canaries) -> Iterator[bytes]:
    """Every way to be no token of Canvas's."""
    claims = {**canaries.canvas(FORMS[0]), "iss": ISSUER}
    event = json.dumps(claims).encode()
    yield event
    yield sign(event, key="stranger")
    yield sign(event, headers={"kid": f"?token={canaries.secret()}"})
    yield sign(event)[:-4]
    yield sign(json.dumps({**claims, "iss": f"?token={canaries.secret()}"}).encode())
    yield sign(json.dumps({**claims, "exp": 1}).encode())
    yield f"eyJhbGciOiJub25lIn0.{canaries.secret()}.".encode()


class Findings:
    """Everything that somebody may read."""

    def __init__(self) -> None:
        self.records: dict[str, bytes] = {}
        self.told: dict[str, bytes] = {}

    def tell(self, name: str, text: str | bytes) -> None:
        self.told[name] = text.encode() if isinstance(text, str) else text

    def pages(self, name: str, get: Callable[[str], str]) -> None:
        """The pages of an admin port."""
        for path in ("/metrics", "/status"):
            self.tell(name + path, get(path))

    def topics(self, servers: str, prefix: str) -> None:
        """Keys, values and headers of all records of all topics, committed or not."""
        lines: dict[str, list[bytes]] = {}
        config = {"group.id": "reader", "isolation.level": "read_uncommitted", "enable.partition.eof": True}
        with Consumer({"bootstrap.servers": servers, **config}) as consumer:
            known = consumer.list_topics(timeout=PATIENCE).topics
            parts = {
                (name, part) for name in known if name.startswith(prefix) for part in known[name].partitions
            }
            consumer.assign([TopicPartition(name, part, 0) for name, part in parts])
            while parts:
                message = consumer.poll(PATIENCE)
                assert message is not None, "Kafka did not answer"
                topic, error = message.topic() or "", message.error()
                if error is None:
                    said = b" ".join(
                        (message.key() or b"", message.value() or b"", b"%r" % message.headers())
                    )
                    lines.setdefault(topic.removeprefix(prefix), []).append(said)
                else:
                    assert error.code() == KafkaError._PARTITION_EOF, error
                    parts.discard((topic, message.partition() or 0))
        self.records = {topic: b"\n".join(said) for topic, said in lines.items()}


def found_in(text: bytes, canaries: set[bytes]) -> set[bytes]:
    """Those of the canaries that the text holds."""
    return canaries.intersection(re.findall(rb"(?:secret|harmless)[0-9a-f]{32}", text))
