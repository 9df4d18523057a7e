"""What can go wrong with the schema registry, in words: the setting, the cause and the remedy."""

from typing import Final

from confluent_kafka.schema_registry import SchemaRegistryError
from httpx2 import TransportError

BUSY: Final = frozenset({408, 429, 500, 502, 503, 504})


class RegistryError(Exception):
    """The registry cannot be used. The message names the setting, the cause and the remedy."""


class SchemasMissing(RegistryError):
    """The registry has not the schemas of these subjects."""

    def __init__(self, subjects: list[str], url: str) -> None:
        super().__init__(
            f"the schema registry at {url} does not have our schema under {', '.join(subjects)}. Run "
            "`canvas-processors schemas register` with the same SCHEMA_REGISTRY_URL and KAFKA_TOPIC_PREFIX, "
            "in the version of this program."
        )
        self.subjects = subjects


class Incompatible(RegistryError):
    """The registry refuses a schema for what is already registered. The message is the registry's own."""


class Refused(RegistryError):
    """An answer with an error code of the Confluent API."""

    def __init__(self, cause: SchemaRegistryError, url: str) -> None:
        super().__init__(f"the schema registry at {url} answers: {cause}")
        self.status, self.code, self.message = cause.http_status_code, cause.error_code, cause.error_message


def in_words(error: TransportError | SchemaRegistryError, url: str) -> RegistryError:
    """The error as we raise it. `url`: the registry's, without credentials."""
    if not isinstance(error, SchemaRegistryError):
        return RegistryError(
            f"the schema registry at {url} cannot be reached: {text_of(error)}. Check SCHEMA_REGISTRY_URL, "
            "SCHEMA_REGISTRY_SSL_CA_LOCATION and whether it runs."
        )
    if error.http_status_code in (401, 403):
        return RegistryError(
            f"the schema registry at {url} refuses us (HTTP {error.http_status_code}): check "
            "SCHEMA_REGISTRY_BASIC_AUTH_USER_INFO and what that user may do"
        )
    if error.http_status_code in BUSY:
        return RegistryError(f"the schema registry at {url} is out of order: {error}. Try again later.")
    if error.error_code in (None, SchemaRegistryError.UNKNOWN):
        return RegistryError(wrong_address(url))
    return Refused(error, url)


def wrong_address(url: str) -> str:
    """What to say of an answer that no registry would give."""
    return (
        f"nothing at {url} speaks the Confluent API: give SCHEMA_REGISTRY_URL the path too "
        "(Apicurio: /apis/ccompat/v7)"
    )


def text_of(error: TransportError | SchemaRegistryError) -> str:
    """The error's text, or its kind where it has none."""
    return str(error) or type(error).__name__
