"""Settings from the environment: every field is a variable, and a line of `--help`.

Secrets may also be files: with SECRETS_DIR set, `$SECRETS_DIR/kafka_sasl_password` is read for
KAFKA_SASL_PASSWORD.
"""

import os
from typing import ClassVar, Literal

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What all settings share: closed, and secrets from files too."""

    model_config = SettingsConfigDict(extra="ignore", secrets_dir=os.environ.get("SECRETS_DIR"))
    flag_prefix: ClassVar[str] = ""


class TopicNameSettings(Settings):
    """How topics are named."""

    model_config = SettingsConfigDict(env_prefix="KAFKA_")
    flag_prefix: ClassVar[str] = "kafka-"

    topic_prefix: str = Field(
        "canvas.", pattern=r"^[a-zA-Z0-9._-]{0,100}$", description="What every topic's name begins with."
    )


class KafkaSettings(TopicNameSettings):
    """How to reach Kafka."""

    bootstrap_servers: str = Field("localhost:9092", description="Brokers to ask first, host:port,…")
    security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = Field(
        "PLAINTEXT", description="Encryption and authentication of the listener."
    )
    sasl_mechanism: str | None = Field(None, description="PLAIN, SCRAM-SHA-256, SCRAM-SHA-512, …")
    sasl_username: str | None = Field(None, description="User name for SASL.")
    sasl_password: SecretStr | None = Field(None, description="Password for SASL.")
    ssl_ca_location: str | None = Field(None, description="CA bundle (PEM) of the brokers.")
    ssl_certificate_location: str | None = Field(None, description="Client certificate (PEM).")
    ssl_key_location: str | None = Field(None, description="Client key (PEM).")
    delivery_timeout_seconds: float = Field(
        10.0,
        gt=0,
        description="A record Kafka has not confirmed by then counts as not stored (Canvas waits 15 s).",
    )


class SchemaRegistrySettings(Settings):
    """How to reach the schema registry (Confluent API)."""

    model_config = SettingsConfigDict(env_prefix="SCHEMA_REGISTRY_")
    flag_prefix: ClassVar[str] = "schema-registry-"

    url: str = Field("http://localhost:8081", description="Base URL, with the path where there is one.")
    basic_auth_user_info: SecretStr | None = Field(None, description="user:password.")
    ssl_ca_location: str | None = Field(None, description="CA bundle (PEM) of the registry.")


class LogSettings(Settings):
    """What is logged. Payloads, tokens and secrets never are."""

    model_config = SettingsConfigDict(env_prefix="LOG_")
    flag_prefix: ClassVar[str] = "log-"

    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field("INFO", description="The least level logged.")
    format: Literal["text", "json"] = Field("text", description="text for people, json for collectors.")


class BridgeAdminSettings(Settings):
    """Metrics and probes of a bridge process."""

    model_config = SettingsConfigDict(env_prefix="BRIDGE_ADMIN__")
    flag_prefix: ClassVar[str] = "admin-"

    host: str = Field("127.0.0.1", description="Address of /metrics, /healthz/live and /healthz/ready.")
    port: int = Field(9090, ge=0, le=65535, description="Its port; 0 chooses a free one.")
