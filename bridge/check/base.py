"""What a check is, what it looks at, and what it finds."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, Protocol, get_args

from bridge.door_settings import BridgeStateSettings, SpoolSettings, SqsSettings, WebhookSettings
from bridge.settings import KafkaSettings, SchemaRegistrySettings

Outcome = Literal["ok", "skipped", "warning", "problem"]

OUTCOMES: Final[tuple[Outcome, ...]] = get_args(Outcome)  # the worst last
ANSWER_SECONDS: Final = 8.0  # for one call over the network


@dataclass(frozen=True, slots=True)
class Finding:
    """One fact. `remedy` says how to mend it, empty where nothing is to be mended.

    `skipped`: it does not apply here, or it cannot be told from here. Neither text holds a secret.
    """

    name: str
    outcome: Outcome
    finding: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Site:
    """What is checked: the settings of each part, None for a part that is not configured."""

    kafka: KafkaSettings
    state: BridgeStateSettings
    spool: SpoolSettings
    webhook: WebhookSettings | None = None
    sqs: SqsSettings | None = None
    registry: SchemaRegistrySettings | None = None


class Check(Protocol):
    """One thing that is checked."""

    name: str

    def needless(self, site: Site) -> str | None:
        """Why this is not checked here; None where it is."""

    def find(self, site: Site) -> Iterator[Finding]:
        """Everything found, as it is found. Blocks; every call over the network has a limit."""


def ok(name: str, finding: str) -> Finding:
    """As it should be."""
    return Finding(name, "ok", finding)


def skipped(name: str, finding: str, remedy: str = "") -> Finding:
    """Does not apply, or cannot be told."""
    return Finding(name, "skipped", finding, remedy)


def warning(name: str, finding: str, remedy: str) -> Finding:
    """Works, but is risky or may not be meant."""
    return Finding(name, "warning", finding, remedy)


def problem(name: str, finding: str, remedy: str) -> Finding:
    """Does not work, or loses events."""
    return Finding(name, "problem", finding, remedy)
