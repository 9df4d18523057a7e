"""What happens at a simulated university, many times over for each event."""

from functools import cache

from bridge.sandbox.dice import Dice
from bridge.sandbox.live_events import LIVE_EVENTS
from bridge.sandbox.live_events.base import Happening
from bridge.sandbox.university import University

SAMPLES = 150


@cache
def happenings(name: str) -> list[Happening]:
    campus = University(Dice(f"{name}/test"))
    told = []
    for _ in range(SAMPLES):
        campus.tick()
        told.append(LIVE_EVENTS[name].happen(campus))
    return told


@cache
def story(names: tuple[str, ...], length: int = 600) -> list[Happening]:
    """What happens when only events of these names do, by turns."""
    campus = University(Dice(f"{names}/story"))
    told = []
    for _ in range(length):
        campus.tick()
        told.append(LIVE_EVENTS[campus.dice.choice(names)].happen(campus))
    return told
