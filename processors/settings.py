"""Settings of the processors: PROCESSORS_* in the environment."""

import socket
from enum import StrEnum
from pathlib import Path

from pydantic import Field, SecretStr, ValidationInfo, field_validator
from pydantic_settings import SettingsConfigDict

from bridge.settings import Settings


class Delivery(StrEnum):
    """How a batch's records and its raw offsets reach Kafka."""

    EXACTLY_ONCE = "exactly_once"
    AT_LEAST_ONCE = "at_least_once"


class GroupSettings(Settings):
    """What the workers and the topics of their tables are named after."""

    model_config = SettingsConfigDict(env_prefix="PROCESSORS_")

    group_id: str = Field(
        "canvas-processors",
        pattern=r"^[a-zA-Z0-9._-]{1,120}$",
        description="Consumer group; workers that share it share the work. Topics are named after it: "
        "letters, digits and ._- only.",
    )


class WindowSettings(GroupSettings):
    """What the workers take for a repeat."""

    duplicate_window_seconds: int = Field(
        7200,
        ge=0,
        description="Record time within which a repeated event_id is dropped; 0 drops none. The keys of that "
        "time are in memory, about 32 MB per million.",
    )


class WorkerSettings(WindowSettings):
    """The worker: raw topic to typed topics, and the rollups."""

    instance_id: str = Field(
        default_factory=socket.gethostname,
        description="Name of this worker, stable over restarts and unique in the group (static membership, "
        "transactional id). The default is the host's name.",
    )
    delivery: Delivery = Field(
        Delivery.EXACTLY_ONCE,
        description="exactly_once: records and offsets in one Kafka transaction. at_least_once: for a broker "
        "without transactional offsets.",
    )
    batch_size: int = Field(2000, ge=1, description="Raw records per batch, and so per transaction.")
    batch_wait_seconds: float = Field(0.2, gt=0, le=5, description="How long a batch waits to become full.")
    transaction_timeout_seconds: float = Field(
        30.0, gt=0, description="Kafka aborts a transaction that is open for so long (its worker has died)."
    )
    session_timeout_seconds: float = Field(10.0, gt=0, description="A worker silent for so long is replaced.")
    data_dir: str = Field("/var/lib/canvas-processors", description="Folder of the rollup tables.")
    rollups: bool = Field(True, description="Whether this worker rolls up too.")


class PrivacySettings(Settings):
    """What the processors take of personal data before they write a typed record; off by default."""

    model_config = SettingsConfigDict(env_prefix="PROCESSORS_PRIVACY__")
    flag_prefix = "privacy-"

    policy: Path | None = Field(
        None,
        description="File (TOML) that says which personal data is dropped, cut or replaced before typed "
        "records are written. Without one nothing is.",
    )
    key: SecretStr | None = Field(
        None,
        description="Secret that pseudonyms are made with, at least 32 characters; needed where the policy "
        "says hmac. Another key makes other pseudonyms.",
    )


class DeadLetterLimitSettings(Settings):
    """When so many events cannot be converted that the worker stops, rather than pour them away."""

    model_config = SettingsConfigDict(env_prefix="PROCESSORS_DEAD_LETTER_LIMIT__")
    flag_prefix = "dead-letter-limit-"

    share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="With more dead letters than this share of the last events, the worker stops before it "
        "commits them, is not ready and says why; 1 is no limit.",
    )
    events: int = Field(1000, ge=1, le=100_000, description="How many last events the share is of.")
    minimum: int = Field(
        100, ge=1, description="Fewer dead letters than this among them are never too many for the share."
    )
    in_a_row: int = Field(
        0,
        ge=0,
        description="With more dead letters than this one after the other it stops too; 0 is no limit.",
    )

    @field_validator("minimum")
    @classmethod
    def _can_be_reached(cls, value: int, info: ValidationInfo) -> int:
        events = info.data.get("events", value)
        if value > events:
            raise ValueError(
                f"is {value}, but only the last {events} events count: the limit could not be reached"
            )
        return value


class ProcessorsAdminSettings(Settings):
    """Metrics and probes of the worker."""

    model_config = SettingsConfigDict(env_prefix="PROCESSORS_ADMIN__")
    flag_prefix = "admin-"

    host: str = Field("127.0.0.1", description="Address of /metrics, /healthz/live and /healthz/ready.")
    port: int = Field(9091, ge=0, le=65535, description="Its port; 0 chooses a free one.")


class TopicSettings(Settings):
    """How topics are made."""

    model_config = SettingsConfigDict(env_prefix="PROCESSORS_TOPICS__")
    flag_prefix = "topics-"

    partitions: int = Field(8, ge=1, description="Partitions of every topic: equal, so that keys meet.")
    replication_factor: int = Field(
        3, ge=1, description="Copies of every partition; all but one must confirm a write."
    )
    raw_retention_hours: int = Field(
        168, ge=-1, description="How long the raw topic keeps events; -1 for ever."
    )
    typed_retention_hours: int = Field(
        720, ge=-1, description="How long the typed topics keep them; -1 for ever."
    )
    dead_letter_retention_hours: int = Field(2160, description="How long dead letters are kept; -1 for ever.")
