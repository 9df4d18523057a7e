"""What goes wrong in real life: other orders of keys, events nobody knows, payloads that are broken.

A broken payload is never the fault of the way it came: it is delivered, and signed, as any other.
"""

from collections.abc import Callable
from dataclasses import replace
from typing import Any, Final

import orjson

from bridge.sandbox.delivery import Delivery, Kind
from bridge.sandbox.dice import Dice

Document = dict[str, Any]

UNKNOWN_NAMES: Final = (
    "studio.recording_published",
    "peer-review.round_opened",
    "course_pace_drafted",
    "badge_awarded",
)
UNKNOWN_ACTIONS: Final = ("Bookmarked", "Ranked", "Paused")


def reorder_keys(payload: bytes, dice: Dice) -> bytes:
    """The same JSON with the keys of every object in another order."""
    return orjson.dumps(_shuffled(orjson.loads(payload), dice))


def unknown(delivery: Delivery, dice: Dice) -> Delivery:
    """Makes of a good event one that Canvas has never documented, in the same format."""
    document = orjson.loads(delivery.payload)
    thing = dice.hex(12)
    if "data" in document:
        name = "annotation_created"
        event = document["data"][0]
        event |= {"type": "AnnotationEvent", "action": dice.choice(UNKNOWN_ACTIONS)}
        event["object"] = {"id": f"urn:instructure:canvas:annotation:{thing}", "type": "Annotation"}
    else:
        name = dice.choice(UNKNOWN_NAMES)
        document["metadata"]["event_name"] = name
        document["body"] = {
            "thing_id": thing,
            "score": dice.randint(1, 9),
            "tags": ["new"],
            "place": {"row": 1},
        }
    return replace(delivery, payload=orjson.dumps(document), event_name=name, kind=Kind.UNKNOWN)


def malformed(delivery: Delivery, turn: int, *, text_only: bool = False) -> Delivery:
    """Breaks a good event in one of the ways its format can be broken; each has its turn.

    `text_only`: the door takes Unicode text, so the bytes stay UTF-8.
    """
    caliper = delivery.payload.startswith(b'{"sensor"')
    flaws = CALIPER_FLAWS if caliper else CANVAS_FLAWS
    possible = [name for name in flaws if not (text_only and name == "invalid_encoding")]
    flaw = possible[turn % len(possible)]
    return replace(flaws[flaw](delivery), kind=Kind.MALFORMED, flaw=flaw)


def _shuffled(value: Any, dice: Dice) -> Any:
    if isinstance(value, dict):
        return {key: _shuffled(value[key], dice) for key in dice.sample(list(value), k=len(value))}
    if isinstance(value, list):
        return [_shuffled(item, dice) for item in value]
    return value


def _changed(change: Callable[[Document], Any]) -> Callable[[Delivery], Delivery]:
    def break_(delivery: Delivery) -> Delivery:
        document = orjson.loads(delivery.payload)
        changed = change(document)
        return replace(delivery, payload=orjson.dumps(document if changed is None else changed))

    return break_


def _cut(delivery: Delivery) -> Delivery:
    whole_characters = delivery.payload[:-20].decode(errors="ignore")  # half of one would be another flaw
    return replace(delivery, payload=whole_characters.encode())


def _not_utf8(delivery: Delivery) -> Delivery:
    return replace(delivery, payload=delivery.payload.replace(b'":"', b'":"\xff\xfe', 1))


def _nameless(delivery: Delivery) -> Delivery:
    return replace(
        _changed(lambda document: _drop(document["metadata"], "event_name"))(delivery), event_name=None
    )


def _timeless(part: Callable[[Document], Document], name: str) -> Callable[[Delivery], Delivery]:
    change = _changed(lambda document: _drop(part(document), name))
    return lambda delivery: replace(change(delivery), event_time=None)


def _mistimed(part: Callable[[Document], Document], name: str) -> Callable[[Delivery], Delivery]:
    text = "yesterday, about noon"
    change = _changed(lambda document: part(document).update({name: text}))
    return lambda delivery: replace(change(delivery), event_time=text)


def _drop(document: Document, name: str) -> None:
    del document[name]


def _metadata(document: Document) -> Document:
    part: Document = document["metadata"]
    return part


def _event(document: Document) -> Document:
    part: Document = document["data"][0]
    return part


# Names of flaws are the reasons that the processors give in the dead letter.
CANVAS_FLAWS: Final[dict[str, Callable[[Delivery], Delivery]]] = {
    "invalid_json": _cut,
    "invalid_encoding": _not_utf8,
    "unrecognised_format": _changed(lambda document: {"happened": document}),
    "invalid_metadata": _changed(
        lambda document: {**document, "metadata": list(document["metadata"].values())}
    ),
    "invalid_body": _changed(lambda document: {**document, "body": "see the attached file"}),
    "missing_event_name": _nameless,
    "missing_event_time": _timeless(_metadata, "event_time"),
    "invalid_event_time": _mistimed(_metadata, "event_time"),
}
CALIPER_FLAWS: Final[dict[str, Callable[[Delivery], Delivery]]] = {
    "invalid_json": _cut,
    "invalid_encoding": _not_utf8,
    "unrecognised_format": _changed(lambda document: {"happened": document}),
    "caliper_empty": _changed(lambda document: {**document, "data": []}),
    "caliper_version": _changed(
        lambda document: {**document, "dataVersion": "http://purl.imsglobal.org/ctx/caliper/v1p0"}
    ),
    "caliper_invalid_event": _changed(lambda document: {**document, "data": [document["data"][0]["id"]]}),
    "missing_event_time": _timeless(_event, "eventTime"),
    "invalid_event_time": _mistimed(_event, "eventTime"),
}
