"""Every personal field of every topic, and what a policy does to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from processors.catalogue import Catalogue
from processors.names import TopicNames
from processors.privacy.decisions import NOBODY, Decision, Rule, decide, decide_extra
from processors.privacy.policy import KEEP, Action, Policy

NO_POLICY: Final = Policy("", KEEP, {}, {}, {}, "")
_NONE: Final = "none"
_SPARED: Final = f"kept where context_type is {', '.join(NOBODY[:-1])} or {NOBODY[-1]}"
_AS_SENT: Final = "as received: no policy reaches this topic"
_OF_SOURCES: Final = "as in the typed topics it is made of"
_MISFITS: Final = "less what was sent for a field that a rule takes"


@dataclass(frozen=True, slots=True)
class Finding:
    """One field of one topic. `rule`: where the policy says so; `note`: what the action does not tell."""

    topic: str
    event: str | None
    field: str
    pii: str
    action: str | None
    rule: str | None = None
    note: str | None = None


def findings(catalogue: Catalogue, names: TopicNames, policy: Policy) -> Iterator[Finding]:
    """Topic by topic: the typed ones, then unknown events, rollups, and the topics no policy reaches."""
    for name, event_type in catalogue.events.items():
        topic = names.typed(name)
        taken = False
        for decision in decide(policy, event_type):
            taken = taken or decision.action != KEEP
            if decision.leaf.pii != _NONE or decision.action != KEEP:
                yield _finding(topic, name, decision)
        yield _extra(topic, name, decide_extra(policy, name), taken=taken)
    yield Finding(names.unknown, None, "/payload", "direct", str(policy.unknown), "unknown")
    for name, rollup in catalogue.rollups.items():
        for field in rollup.schema["fields"]:
            if field["pii"] != _NONE:
                topic, pointer = names.rollup(name), f"/{field['name']}"
                yield Finding(topic, None, pointer, field["pii"], None, note=_OF_SOURCES)
    for topic in (names.raw, names.dead_letter):
        yield Finding(topic, None, "the whole delivery", "direct", None, note=_AS_SENT)


def _finding(topic: str, event: str, decision: Decision) -> Finding:
    leaf, action, rule, context_type = decision
    note = _SPARED if context_type and action != KEEP else None
    return Finding(topic, event, leaf.pointer, leaf.pii, str(action), rule and rule.where, note)


def _extra(topic: str, event: str, rule: Rule | None, *, taken: bool) -> Finding:
    action: Action = rule.action if rule else KEEP
    note = _MISFITS if taken and action == KEEP else None
    return Finding(topic, event, "/extra", "free_text", str(action), rule and rule.where, note)
