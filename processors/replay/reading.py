"""Reads topics for a person: with a bar on standard error, and errors in words."""

import sys
from collections.abc import Container, Iterator, Sequence
from contextlib import closing
from types import TracebackType
from typing import NamedTuple, Self

import click
from confluent_kafka import Message
from rich.console import Console
from rich.progress import Progress

from bridge.settings import KafkaSettings
from processors.topics.topic_scan import ScanFailed, TopicScan


class Span(NamedTuple):
    """From when to when, in milliseconds since the epoch, the second exclusive; None: no bound."""

    since: int | None = None
    until: int | None = None


class TopicReader:
    """Passes over topics, read committed. To be used as a context manager.

    `prints`: while it reads, lines are printed too; then a terminal that shows those has no bar.
    """

    def __init__(self, kafka: KafkaSettings, *, prints: bool = False) -> None:
        self.kafka = kafka
        shown = sys.stderr.isatty() and not (prints and sys.stdout.isatty())
        # Not redirected: what is printed goes where it was told to, and not to the bar's console.
        self._progress = Progress(
            console=Console(stderr=True),
            transient=True,
            disable=not shown,
            redirect_stdout=False,
            redirect_stderr=False,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Takes the bar away."""
        self._progress.stop()

    def batches(
        self, topics: Sequence[str], span: Span, doing: str, partitions: Container[int] | None = None
    ) -> Iterator[list[Message]]:
        """The records of the topics, or of these partitions alone, in the order Kafka gives them.

        Raises click.ClickException where Kafka cannot be read or a topic is missing.
        """
        try:
            with closing(TopicScan(self.kafka, span.since, span.until)) as scan:
                found = scan.open(topics, partitions)
                self._check(topics, found)
                task = self._progress.add_task(doing, total=scan.size)
                for messages, done in scan.batches():
                    yield messages
                    self._progress.update(task, completed=done)
                self._progress.remove_task(task)
        except ScanFailed as error:
            raise click.ClickException(str(error)) from None

    def _check(self, topics: Sequence[str], found: Sequence[str]) -> None:
        missing = [topic for topic in topics if topic not in found]
        if missing:
            raise click.ClickException(missing_topics(missing, self.kafka.topic_prefix))


def missing_topics(missing: Sequence[str], prefix: str) -> str:
    """The names, and what to do."""
    more = f" and {len(missing) - 3} more" if len(missing) > 3 else ""
    return (
        f"no topic {', '.join(missing[:3])}{more}: run `canvas-processors topics create` with "
        f"KAFKA_TOPIC_PREFIX={prefix}, or check the prefix, and whether the user may read them"
    )
