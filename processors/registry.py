"""The schema registry as the processors use it: the Confluent API, patiently, and errors in words."""

import json
import logging
import re
import time
from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple, Self, TypeVar

from confluent_kafka.schema_registry import (
    Schema,
    SchemaRegistryClient,
    SchemaRegistryError,
)
from httpx2 import InvalidURL, RequestError, TransportError

from bridge.settings import SchemaRegistrySettings
from processors.catalogue import Catalogue
from processors.names import TopicNames, subject
from processors.patience import Patience
from processors.registry_errors import (
    BUSY,
    Incompatible,
    Refused,
    RegistryError,
    SchemasMissing,
    in_words,
    text_of,
    wrong_address,
)

__all__ = [
    "Incompatible",
    "Registered",
    "Registry",
    "RegistryError",
    "SchemasMissing",
    "schema_ids",
    "schemas_by_topic",
]

log = logging.getLogger(__name__)
logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would log every request

Answer = TypeVar("Answer")
AvroSchema = dict[str, Any]

_REQUEST_TIMEOUT_SECONDS: Final = 10
_PATIENCE_SECONDS: Final = 60.0
# What the client raises for an answer that is no JSON, or JSON of something else.
_NO_ANSWER: Final = (RequestError, InvalidURL, AttributeError, LookupError, TypeError, ValueError)
_NO_SUBJECT: Final = frozenset({40401, 40403})  # no such subject; no such schema under it
_NO_LEVEL: Final = frozenset({40401, 40408})  # no such subject; the subject has no level of its own


class Registered(NamedTuple):
    """A schema of the registry: its id, and its version under a subject."""

    id: int
    version: int


class Registry:
    """Asks again while the registry is away or busy, until `patience` is stopped or `give_up_after` seconds.

    Every method raises RegistryError. To be used as a context manager.
    """

    def __init__(
        self,
        settings: SchemaRegistrySettings,
        patience: Patience | None = None,
        give_up_after: float = _PATIENCE_SECONDS,
    ) -> None:
        self.url: Final = re.sub(r"//[^/@,]*@", "//", settings.url)  # to be shown: without credentials
        self._patience = patience or Patience()
        self._give_up_after = give_up_after
        self._client = _client(settings)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._client.close()

    def look_up(self, name: str, schema: AvroSchema) -> Registered | None:
        """Id and version of this very schema under the subject; None: it is not there. Writes nothing."""
        try:
            found = self._ask(lambda: self._client.lookup_schema(name, _avro(schema)))
        except Refused as refusal:
            if refusal.code in _NO_SUBJECT:
                return None
            raise
        if found.schema_id is None or found.version is None:
            raise RegistryError(wrong_address(self.url))
        return Registered(found.schema_id, found.version)

    def versions(self, name: str) -> dict[int, AvroSchema]:
        """Every version of a subject by number, oldest first; empty where there is no such subject."""
        try:
            numbers = self._ask(lambda: self._client.get_versions(name))
        except Refused as refusal:
            if refusal.code in _NO_SUBJECT:
                return {}
            raise
        return {number: self._version(name, number) for number in numbers}

    def level(self, name: str | None = None) -> str | None:
        """The compatibility level of a subject (None: it has none of its own), or the registry's default."""
        try:
            return self._ask(lambda: self._client.get_compatibility(name))
        except Refused as refusal:
            if refusal.code in _NO_LEVEL:
                return None
            raise

    def set_level(self, name: str, level: str) -> None:
        """Sets the compatibility level of a subject, which need not exist yet."""
        self._ask(lambda: self._client.set_compatibility(name, level))

    def accepts(self, name: str, schema: AvroSchema) -> bool:
        """Whether the subject, at its level, would take the schema. Writes nothing."""
        return self._ask(lambda: self._client.test_compatibility_all_versions(name, _avro(schema)))

    def register(self, name: str, schema: AvroSchema) -> Registered:
        """Registers the schema; id and version. Raises Incompatible where the subject does not take it."""
        try:
            self._ask(lambda: self._client.register_schema(name, _avro(schema)))
        except Refused as refusal:
            if refusal.status != 409:
                raise
            raise Incompatible(refusal.message) from None
        registered = self.look_up(name, schema)
        if registered is None:
            raise RegistryError(
                f"the schema registry at {self.url} took a schema under {name}, then denied it"
            )
        return registered

    def _version(self, name: str, number: int) -> AvroSchema:
        text = self._ask(lambda: self._client.get_version(name, number)).schema.schema_str or "{}"
        schema: AvroSchema = json.loads(text)
        return schema

    def _ask(self, question: Callable[[], Answer]) -> Answer:
        deadline = time.monotonic() + self._give_up_after
        attempt = 0
        while True:
            try:
                return question()
            except (TransportError, SchemaRegistryError) as error:
                busy = not isinstance(error, SchemaRegistryError) or error.http_status_code in BUSY
                if not busy or time.monotonic() > deadline or not self._patience.wait(attempt):
                    raise in_words(error, self.url) from None
                log.warning("schema registry at %s: %s; trying again", self.url, text_of(error))
            except _NO_ANSWER:
                raise RegistryError(wrong_address(self.url)) from None
            attempt += 1


def schemas_by_topic(catalogue: Catalogue, names: TopicNames) -> dict[str, AvroSchema]:
    """What each topic's values are written with."""
    return {topic: event_type.registered for topic, event_type in catalogue.by_topic(names).items()}


def schema_ids(
    catalogue: Catalogue,
    names: TopicNames,
    settings: SchemaRegistrySettings,
    patience: Patience | None = None,
) -> Mapping[str, int]:
    """Topic -> id of its schema. Looks up, never registers.

    With `patience` (the worker's) it waits for the registry until that is stopped, else for a minute.
    Raises SchemasMissing, or RegistryError where the registry cannot be used.
    """
    with Registry(settings, patience, float("inf") if patience else _PATIENCE_SECONDS) as registry:
        found = {
            topic: registry.look_up(subject(topic), schema)
            for topic, schema in schemas_by_topic(catalogue, names).items()
        }
    missing = [subject(topic) for topic, registered in found.items() if registered is None]
    if missing:
        raise SchemasMissing(missing, registry.url)
    return {topic: registered.id for topic, registered in found.items() if registered}


def _client(settings: SchemaRegistrySettings) -> SchemaRegistryClient:
    user = settings.basic_auth_user_info
    options = {
        "url": settings.url,
        "basic.auth.user.info": user.get_secret_value() if user else None,
        "ssl.ca.location": settings.ssl_ca_location,
        "timeout": _REQUEST_TIMEOUT_SECONDS,
        "max.retries": 0,
    }
    try:
        return SchemaRegistryClient({name: value for name, value in options.items() if value is not None})
    except (ValueError, OSError) as error:
        raise RegistryError(
            f"SCHEMA_REGISTRY_URL, _BASIC_AUTH_USER_INFO or _SSL_CA_LOCATION: {error}"
        ) from None


def _avro(schema: AvroSchema) -> Schema:
    return Schema(json.dumps(schema), "AVRO")
