"""What a replay tells: event by event where it is asked to, and the counts in the end."""

from collections import Counter
from typing import Any, Final

import click
import orjson

from processors.catalogue import Catalogue
from processors.plain_json import plain_json
from processors.records import CanonicalEvent
from processors.replay.masked import masked
from processors.replay.redelivery import Decision, Verdict

_OPEN: Final = ("event_id", "event_name", "event_time", "received_at", "source_format", "truncated")
_UNDONE: Final = frozenset({Verdict.FAILING, Verdict.UNPATCHABLE, Verdict.TOO_OLD, Verdict.LATE})
_REMEDIES: Final = {
    Verdict.TOO_OLD: "Kafka would delete them as soon as they were written: raise the topic's retention.ms",
    Verdict.PENDING: "left to them, who would type it too",
    Verdict.LATE: "run again",
}


class Report:
    """Counts decisions, and tells them. `dry_run`: what would be. `unmasked`: with their values."""

    def __init__(self, catalogue: Catalogue, *, dry_run: bool, unmasked: bool = False) -> None:
        self._catalogue = catalogue
        self._dry_run = dry_run
        self._unmasked = unmasked
        self._verdicts: Counter[Verdict] = Counter()
        self._topics: Counter[str] = Counter()
        self._reasons: Counter[str] = Counter()

    def note(self, decision: Decision) -> None:
        """Counts one event."""
        self._verdicts[decision.verdict] += 1
        if decision.record:
            self._topics[decision.record.topic] += 1
        elif decision.failure:
            self._reasons[decision.failure.reason] += 1

    @property
    def status(self) -> int:
        """The exit status: 1 where something could not be replayed."""
        return 1 if any(self._verdicts[verdict] for verdict in _UNDONE) else 0

    def as_json(self, decision: Decision) -> dict[str, Any]:
        """One event as plain JSON."""
        delivery, event, failure = decision.redelivery, decision.event, decision.failure
        shown = self._record(event) if event and decision.record else None
        why = failure and {"stage": failure.stage, "reason": failure.reason, "field": failure.field}
        return {
            "from": str(delivery.origin),
            "outcome": self._words(decision.verdict),
            "event": event.record["event_name"] if event else failure and failure.event_name,
            "event_id": event.event_id if event else None,
            "topic": decision.record.topic if decision.record else None,
            "failure": why and failure and {**why, "message": failure.message},
            "problem": delivery.problem,
            "patch": delivery.patch,
            "changes": list(delivery.changes),
            "record": shown,
        }

    def tell(self, decision: Decision) -> None:
        """The same for people."""
        told = self.as_json(decision)
        failure = told["failure"]
        why = f"{failure['reason']}: {failure['message']}" if failure else told["problem"]
        parts = (told["from"], told["event"], told["outcome"], told["topic"], told["event_id"], why)
        click.echo("  ".join(str(part) for part in parts if part))
        for change in told["changes"]:
            click.echo(f"    patched {change}")
        if told["record"]:
            click.echo(f"    {orjson.dumps(told['record']).decode()}")

    def conclude(self, what: str) -> None:
        """The counts. `what`: what the events are of, like ` of dead letters`."""
        total = self._verdicts.total()
        counts = [
            f"{number} {self._words(verdict)}" for verdict in Verdict if (number := self._verdicts[verdict])
        ]
        end = "; dry run, nothing was written" if self._dry_run else ""
        click.echo(
            f"{total} event{'' if total == 1 else 's'}{what}{': ' if counts else ''}{', '.join(counts)}{end}"
        )
        for title, counted in (("into", self._topics), ("still failing", self._reasons)):
            if counted:
                each = ", ".join(f"{name} {number}" for name, number in sorted(counted.items()))
                click.echo(f"  {title}: {each}")
        for verdict, remedy in _REMEDIES.items():
            if self._verdicts[verdict]:
                click.echo(f"  {verdict}: {remedy}")

    def _words(self, verdict: Verdict) -> str:
        return f"would be {verdict}" if self._dry_run and verdict is Verdict.REPLAYED else verdict.value

    def _record(self, event: CanonicalEvent) -> dict[str, Any]:
        """The record less what is null."""
        known = event.event_name and self._catalogue.events.get(event.event_name)
        plain = plain_json((known or self._catalogue.unknown).schema, event.record)
        return {
            name: value if name in _OPEN or self._unmasked else masked(value)
            for name, value in _without_nulls(plain).items()
        }


def _without_nulls(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item not in (None, [], {})}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
