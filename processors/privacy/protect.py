"""Stage between canonicalise and fan_out: a canonical event less what the privacy policy takes from it.

The schema stays: what is dropped is null, what is replaced is a text as before. The Kafka key is found anew
in what is left, so that it says no more than the record does.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, NamedTuple

from processors.caliper_rules import Path
from processors.canonicalise import key_of
from processors.catalogue import Catalogue, EventType
from processors.privacy.decisions import NOBODY, Decision, decide, decide_extra
from processors.privacy.leaves import ANY, Places
from processors.privacy.policy import DROP, KEEP, Action, Policy, Verb
from processors.privacy.pseudonyms import Pseudonyms
from processors.records import CanonicalEvent, Extra

Change = Callable[[Any], Any]
DROPPED_PAYLOAD = "null"  # as JSON text


class _Plan(NamedTuple):
    """What is done to the records of one event; None: nothing."""

    sections: Mapping[str, Change]
    rest: Callable[[Extra], Extra] | None
    event_type: EventType | None  # where the key must be found anew


class Protection:
    """A policy, made ready for every event of the catalogue.

    Raises ValueError where the policy makes pseudonyms and there is no key for them.
    """

    def __init__(self, policy: Policy, catalogue: Catalogue, pseudonyms: Pseudonyms | None) -> None:
        if policy.needs_key and pseudonyms is None:
            raise ValueError(
                "the privacy policy says hmac, and there is no key. Set PROCESSORS_PRIVACY__KEY, "
                "e.g. to what `openssl rand -base64 32` prints"
            )
        used = pseudonyms if policy.needs_key else None
        self.mark = f"{policy.version}/{policy.fingerprint}/{used.key_id if used else '-'}"
        self._header = self.mark.encode()
        self._drops_unknown = policy.unknown == DROP
        self._plans = {name: _plan(policy, event_type, used) for name, event_type in catalogue.events.items()}

    def protect(self, event: CanonicalEvent) -> CanonicalEvent:
        """The event as it may be written, marked with policy and key."""
        record, key = event.record, event.key
        if event.event_name is None:
            if self._drops_unknown:
                record = {**record, "payload": DROPPED_PAYLOAD}
        else:
            plan = self._plans[event.event_name]
            record = {**record, **{name: change(record[name]) for name, change in plan.sections.items()}}
            if record["extra"] and plan.rest:
                record["extra"] = plan.rest(record["extra"])
            if plan.event_type:
                key = key_of(record, plan.event_type)
        return CanonicalEvent(event.event_name, key, record, event.remarks, event.unclaimed, self._header)


def _plan(policy: Policy, event_type: EventType, pseudonyms: Pseudonyms | None) -> _Plan:
    decisions = [decision for decision in decide(policy, event_type) if decision.action != KEEP]
    steps = [_Step(decision.leaf.path, decision) for decision in decisions]
    sections = {
        name: _record_change([step.below() for step in group], pseudonyms)
        for name, group in groupby(steps, lambda step: step.path[0])
    }
    rule = decide_extra(policy, event_type.name)
    places = Places(source for decision in decisions for source in decision.leaf.sources)
    rest = _no_extra if rule and rule.action == DROP else _extra_less(places) if decisions else None
    return _Plan(sections, rest, event_type if _touches_key(decisions, event_type) else None)


class _Step(NamedTuple):
    """A decision, and the path to its field that is still to be gone."""

    path: Path
    decision: Decision

    def below(self) -> "_Step":
        return _Step(self.path[1:], self.decision)


def _record_change(steps: Sequence[_Step], pseudonyms: Pseudonyms | None) -> Change:
    """What is done to one record: fields that become null at once, and fields that are changed."""
    dropped: dict[str, None] = {}
    changes: list[tuple[str, Change]] = []
    contexts: list[tuple[str, str, Change]] = []
    for name, group in groupby(steps, lambda step: step.path[0]):
        inner = [step.below() for step in group]
        leaf, action, _, context_type = inner[0].decision
        if inner[0].path:
            changes.append((name, _nested_change(inner, pseudonyms)))
        elif context_type:
            contexts.append((name, context_type, _text_change(action, pseudonyms)))
        elif action == DROP:
            dropped[name] = None
        else:
            changes.append((name, _each(_text_change(action, pseudonyms), leaf.lists)))

    def change_record(record: Mapping[str, Any]) -> dict[str, Any]:
        result = {**record, **dropped}
        for name, change in changes:
            value = record[name]
            if value is not None:
                result[name] = change(value)
        for name, context_type, change in contexts:
            if record[name] is not None and record[context_type] not in NOBODY:
                result[name] = change(record[name])
        return result

    return change_record


def _nested_change(steps: Sequence[_Step], pseudonyms: Pseudonyms | None) -> Change:
    """For a field that holds a record, or lists of records."""
    lists = 0
    while steps[0].path[0] == ANY:
        steps, lists = [step.below() for step in steps], lists + 1
    return _each(_record_change(steps, pseudonyms), lists)


def _each(change: Change, lists: int) -> Change:
    """The change, done to every item of so many lists within each other."""
    if lists == 0:
        return change
    inner = _each(change, lists - 1)
    return lambda items: [inner(item) for item in items]


def _text_change(action: Action, pseudonyms: Pseudonyms | None) -> Change:
    if action.verb is Verb.HMAC and pseudonyms:
        return pseudonyms.of
    if action.verb is Verb.TRUNCATE:
        return lambda text: text[: action.length]
    return lambda _: None


def _no_extra(_: Extra) -> Extra:
    return {}


def _extra_less(places: Places) -> Callable[[Extra], Extra]:
    """What was sent for a field and did not fit stands in `extra`, and goes with the field."""
    return lambda extra: {pointer: text for pointer, text in extra.items() if not places.meet(pointer)}


def _touches_key(decisions: Iterable[Decision], event_type: EventType) -> bool:
    taken = {decision.leaf.path for decision in decisions}
    types = {(*path[:-1], f"{path[-1].removesuffix('id')}type") for path in event_type.key}
    return bool(taken & {*event_type.key, *types})
