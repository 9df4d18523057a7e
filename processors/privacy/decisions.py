"""Which rule of a policy decides which field, and what of a policy no schema bears out."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final, NamedTuple

from processors.caliper_rules import Path as FieldPath
from processors.catalogue import Catalogue, EventType
from processors.privacy.leaves import TEXT, Leaf, leaves, pointer
from processors.privacy.policy import DROP, KEEP, Action, Policy, PolicyError, Verb, read_policy

EXTRA: Final[FieldPath] = ("extra",)
# The ids of these places are `none` wherever a field holds no others.
NOBODY: Final = ("Course", "Account", "Group")
_LISTS: Final = "`canvas-processors privacy report` lists the fields"


class Rule(NamedTuple):
    """What a policy says of a field, and where: `[paths] /body/name`. `path` is None for a class."""

    action: Action
    where: str
    path: FieldPath | None = None


class Decision(NamedTuple):
    """What becomes of one field. `rule` is None where nothing speaks of it.

    `context_type`: the field beside an id of a context that says whose id it is; a class rule spares the ids
    of the places in NOBODY.
    """

    leaf: Leaf
    action: Action
    rule: Rule | None
    context_type: str | None = None


def load_policy(file: Path, catalogue: Catalogue) -> Policy:
    """A policy that fits the catalogue. Raises PolicyError, and OSError where there is no such file."""
    policy = read_policy(file)
    problems = [*_unknown_names(policy, catalogue), *_misfits(policy, catalogue)]
    if problems:
        raise PolicyError(file, problems)
    return policy


def decide(policy: Policy, event_type: EventType) -> Iterator[Decision]:
    """One decision per field of metadata and body, in the schema's order."""
    all_leaves = list(leaves(event_type))
    paths = {leaf.path for leaf in all_leaves}
    for leaf in all_leaves:
        rule = _rule_of_path(policy, event_type.name, leaf.path) or _rule_of_class(policy, leaf.pii)
        if rule is None:
            yield Decision(leaf, KEEP, None)
        elif rule.path is None:
            beside = (*leaf.path[:-1], f"{leaf.path[-1].removesuffix('id')}type")
            spares = leaf.path[-1].endswith("context_id") and beside in paths
            # Of a class, what is no text cannot be half taken.
            action = DROP if rule.action.for_text_alone and leaf.kind != TEXT else rule.action
            yield Decision(leaf, action, rule, beside[-1] if spares else None)
        else:
            yield Decision(leaf, rule.action, rule)


def decide_extra(policy: Policy, event_name: str) -> Rule | None:
    """What becomes of `extra` as a whole: it holds values of no class, and so of any."""
    rule = _rule_of_path(policy, event_name, EXTRA)
    taken = [name for name, action in policy.classes.items() if action.verb is not Verb.KEEP]
    return rule or (Rule(DROP, f"[classes] {', '.join(taken)}") if taken else None)


def _rule_of_path(policy: Policy, event_name: str, path: FieldPath) -> Rule | None:
    for where, rules in (
        (f"[events.{event_name}]", policy.events.get(event_name, {})),
        ("[paths]", policy.paths),
    ):
        for length in range(len(path), 0, -1):
            action = rules.get(path[:length])
            if action is not None:
                return Rule(action, f"{where} {pointer(path[:length])}", path[:length])
    return None


def _rule_of_class(policy: Policy, pii: str) -> Rule | None:
    action = policy.classes.get(pii)
    return Rule(action, f"[classes] {pii}") if action else None


def _unknown_names(policy: Policy, catalogue: Catalogue) -> Iterator[str]:
    """Events and paths that no schema has: a slip of the pen must not leave personal data where it is."""
    known = {name: _addressable(event_type) for name, event_type in catalogue.events.items()}
    everywhere = frozenset().union(*known.values())
    for path in policy.paths:
        if path not in everywhere:
            yield f"[paths] {pointer(path)}: no event has this field. {_meant(path, everywhere)}"
    for event, rules in policy.events.items():
        if event not in known:
            near = _near(event, known)
            yield (
                f"[events.{event}]: no schema knows this event. {near}Its name is that of a file in "
                "avro/events, in quotes where it has a dot"
            )
            continue
        for path in rules.keys() - known[event]:
            yield f"[events.{event}] {pointer(path)}: {event} has no such field. {_meant(path, known[event])}"


def _addressable(event_type: EventType) -> frozenset[FieldPath]:
    paths = [leaf.path for leaf in leaves(event_type)]
    return frozenset({path[:length] for path in paths for length in range(1, len(path) + 1)} | {EXTRA})


def _meant(path: FieldPath, known: frozenset[FieldPath]) -> str:
    if path[0] not in ("metadata", "body", "extra"):
        return "A policy is for /metadata, /body and /extra; the rest of a record stays as it is"
    return f"{_near(pointer(path), sorted(map(pointer, known)))}{_LISTS}"


def _near(name: str, known: Mapping[str, object] | list[str]) -> str:
    near = get_close_matches(name, list(known), n=1)
    return f"Did you mean {near[0]}? " if near else ""


def _misfits(policy: Policy, catalogue: Catalogue) -> Iterator[str]:
    """Rules by path whose action is for texts and that decide a field that is none."""
    found: dict[str, tuple[Action, dict[str, str]]] = {}
    for event_type in catalogue.events.values():
        for leaf, action, rule, _ in decide(policy, event_type):
            if rule and rule.path and action.for_text_alone and leaf.kind != TEXT:
                found.setdefault(rule.where, (action, {}))[1][leaf.pointer] = leaf.kind
        extra = _rule_of_path(policy, event_type.name, EXTRA)
        if extra and extra.action.for_text_alone:
            found.setdefault(extra.where, (extra.action, {}))[1]["/extra"] = "map"
    for where, (action, fields) in found.items():
        listed = ", ".join(f"{field} is a {kind}" for field, kind in list(fields.items())[:5])
        more = f" and {len(fields) - 5} more are none either" if len(fields) > 5 else ""
        yield (
            f"{where}: {action.verb} is for texts, but {listed}{more}. "
            "Give each a rule of its own, keep or drop"
        )
