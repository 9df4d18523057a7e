"""Settings of the doors, beside those in `bridge.settings` that every program has."""

import ipaddress
import json
import re
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import NoDecode, SettingsConfigDict

from bridge.settings import Settings


def _listed(value: Any) -> Any:
    if isinstance(value, str):
        items = json.loads(value) if value.lstrip().startswith("[") else value.split(",")
        return [str(item).strip() for item in items if str(item).strip()]
    return value


def _confidential(url: str) -> str:
    parts = urlsplit(url)
    host = parts.hostname or ""
    if (parts.scheme == "https" and host) or (parts.scheme == "http" and is_loopback(host)):
        return url
    raise ValueError("must be an https URL, for keys that can be swapped prove nothing (http: loopback only)")


def _parameters(names: frozenset[str]) -> frozenset[str]:
    for name in names:
        if not re.fullmatch("[A-Za-z0-9_-]*[A-Za-z0-9][A-Za-z0-9_-]*", name):
            raise ValueError(f"{name!r} is no name: letters, digits, _ and -; for user[pin] it is pin")
    return names


def is_loopback(host: str) -> bool:
    """Whether a host name or address never leaves this machine."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _strong(secret: SecretStr | None) -> SecretStr | None:
    if secret is None or not secret.get_secret_value():
        return None
    if not re.fullmatch("[A-Za-z0-9._~-]{16,256}", secret.get_secret_value()):
        raise ValueError("must be 16 to 256 letters, digits, or . _ ~ - (it may be part of a URL)")
    return secret


SharedSecret = Annotated[SecretStr | None, AfterValidator(_strong)]
Names = Annotated[frozenset[str], NoDecode, BeforeValidator(_listed)]
ConfidentialUrl = Annotated[str, AfterValidator(_confidential)]


class BridgeStateSettings(Settings):
    """What a door keeps across restarts."""

    model_config = SettingsConfigDict(env_prefix="BRIDGE_")

    state_directory: Annotated[Path | None, BeforeValidator(lambda path: path or None)] = Field(
        None,
        description="Where the webhook's delivery budget is kept across restarts (some kilobytes), one "
        "directory for each process. Not set: the budget begins at 0 with each start.",
    )


class WebhookSettings(Settings):
    """The HTTPS door."""

    model_config = SettingsConfigDict(env_prefix="BRIDGE_WEBHOOK__", hide_input_in_errors=True)

    host: str = Field("127.0.0.1", description="Address to listen on (0.0.0.0 in a container).")
    port: int = Field(8080, ge=0, le=65535, description="Port to listen on; 0 chooses a free one.")
    path: str = Field("/", pattern="^/", description="Path Canvas posts to.")
    accept: Literal["signed", "plain", "both"] = Field(
        "signed",
        description="signed: JWTs only. plain: unsigned JSON, from whoever reaches the port (and knows the "
        "secret, where there is one). both: a JWT is verified, anything else is taken as plain.",
    )
    secret: SharedSecret = Field(
        None, description="Plain deliveries must show it: as last segment of the path, or in its header."
    )
    secret_previous: SharedSecret = Field(
        None, description="Counts as well as the secret, while a new one replaces it in Canvas."
    )
    secret_header: str = Field(
        "X-Canvas-Bridge-Secret",
        pattern="^[A-Za-z0-9-]+$",
        description="Header that may show the secret; Canvas sets none, a proxy in between can.",
    )
    tls_certificate: str | None = Field(
        None, description="Certificate chain (PEM), for TLS by the process; read again when it changes."
    )
    tls_key: str | None = Field(
        None, validate_default=True, description="The certificate's key (PEM), not encrypted."
    )
    jwks_url: ConfidentialUrl = Field(
        "https://8axpcl50e4.execute-api.us-east-1.amazonaws.com/main/jwks",
        description="Where Canvas's public keys are; the default is Instructure's.",
    )
    issuer: str | None = Field(
        "https://live-events.canvas.instructure.com", description="Required `iss` of a token; empty: any."
    )
    root_account_uuids: Names = Field(
        frozenset(),
        description="Your root accounts, uuid,uuid,… Every Canvas customer signs with the same keys: "
        "without this list any of them can post to you.",
    )
    max_body_bytes: int = Field(
        1_048_576, gt=0, le=2_000_000, description="Larger bodies are refused with 413."
    )
    max_in_flight_bytes: int = Field(
        64 * 1_048_576,
        ge=2_000_000,
        description="Bodies in memory, being read or waiting for Kafka; above it 503 with Retry-After.",
    )
    max_connections: int = Field(
        4096, ge=1, description="Open connections; one more is answered with 503 and closed."
    )
    keep_alive_seconds: float = Field(
        75.0, gt=0, description="An idle connection is closed after it: longer than the load balancer's own."
    )

    @field_validator("tls_key")
    @classmethod
    def _goes_with_a_certificate(cls, key: str | None, info: ValidationInfo) -> str | None:
        if bool(key) != bool(info.data.get("tls_certificate")):
            raise ValueError("a certificate and its key go together: set both, or neither")
        return key or None


class SpoolSettings(Settings):
    """The webhook's second place to store, for the time in which Kafka cannot take records."""

    model_config = SettingsConfigDict(env_prefix="BRIDGE_SPOOL__")
    flag_prefix: ClassVar[str] = "spool-"

    directory: Annotated[Path | None, BeforeValidator(lambda value: value or None)] = Field(
        None,
        description="Directory on a local disk that outlives the process, one for each process. Deliveries "
        "that Kafka does not confirm in time are accepted into it, and go to Kafka later. Not set: 503.",
    )
    max_bytes: int = Field(
        1024 * 1_048_576,
        ge=16 * 1_048_576,
        description="Bytes the records may take; above it 503. The disk needs 32 MiB more.",
    )
    max_age_hours: float = Field(
        72.0,
        gt=0,
        description="Once the oldest record is older, no more are accepted and /healthz/ready fails; none "
        "is dropped. Less than the raw topic's retention.",
    )
    kafka_seconds: float = Field(
        3.0, gt=0, le=8, description="How long a delivery waits for Kafka before it goes to the spool."
    )
    drain_seconds: float = Field(
        10.0, ge=0, description="How long a stopping process goes on carrying the spool into Kafka."
    )


class RedactSettings(Settings):
    """What is masked in payloads before anything is written."""

    model_config = SettingsConfigDict(env_prefix="BRIDGE_REDACT__")
    flag_prefix: ClassVar[str] = "redact-"

    query_keys: Annotated[Names, AfterValidator(_parameters)] = Field(
        frozenset(),
        description="Further query parameters, name,name,… whose values are masked in the URLs of payloads, "
        "beside those that always are. The same for every door, for a masked value counts for the event_id.",
    )


class SqsSettings(Settings):
    """The SQS door. Credentials and region come from AWS's own variables."""

    model_config = SettingsConfigDict(env_prefix="BRIDGE_SQS__")

    queue_url: str = Field(description="URL of the queue Canvas writes to.")
    endpoint_url: str | None = Field(None, description="Another SQS than AWS's, e.g. ElasticMQ.")
    receivers: int = Field(2, ge=1, le=64, description="Long polls at a time.")
    wait_seconds: int = Field(20, ge=0, le=20, description="Length of a long poll.")
    visibility_seconds: int = Field(60, ge=30, le=43200, description="How long a received message is ours.")
