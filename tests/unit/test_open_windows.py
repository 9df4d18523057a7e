"""When a window of a rollup's table is past: by record time, and not before every source is past it."""

from datetime import timedelta

from processors.rollups.open_windows import SILENT_SECONDS, OpenWindows, Place

DAY = 86_400.0
FIRST: Place = ("c/u", (0.0, DAY - 0.1))
SECOND: Place = ("c/u", (DAY, 2 * DAY - 0.1))


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def windows(clock: Clock | None = None) -> OpenWindows:
    found = OpenWindows(("progress", "completed"), timedelta(days=8), clock or Clock())
    for place in (FIRST, SECOND):
        found.add(0, place)
    return found


def test_a_window_is_past_when_every_source_is() -> None:
    open_windows = windows()
    open_windows.read(0, "progress", 9.5 * DAY)
    assert open_windows.closed(0) == []
    open_windows.read(0, "completed", 8.9 * DAY)
    assert open_windows.closed(0) == []
    open_windows.read(0, "completed", 9.1 * DAY)
    assert open_windows.closed(0) == [FIRST]
    assert open_windows.is_closed(0, FIRST[1][1])
    assert not open_windows.is_closed(0, SECOND[1][1])


def test_time_does_not_go_back() -> None:
    open_windows = windows()
    for source in ("progress", "completed"):
        open_windows.read(0, source, 9.1 * DAY)
        open_windows.read(0, source, 1.0 * DAY)
    assert open_windows.closed(0) == [FIRST]


def test_a_silent_source_does_not_hold_the_others_back_for_ever() -> None:
    clock = Clock()
    open_windows = windows(clock)
    open_windows.read(0, "progress", 9.5 * DAY)
    clock.now = SILENT_SECONDS + 1
    open_windows.read(0, "progress", 9.6 * DAY)
    assert open_windows.closed(0) == [FIRST]


def test_partitions_are_apart() -> None:
    open_windows = windows()
    for source in ("progress", "completed"):
        open_windows.read(1, source, 100 * DAY)
    assert open_windows.closed(0) == []
    assert open_windows.is_closed(1, FIRST[1][1])


def test_what_is_discarded_is_gone() -> None:
    open_windows = windows()
    assert len(open_windows) == 2
    open_windows.discard(0, FIRST)
    open_windows.discard(0, FIRST)
    open_windows.discard(7, SECOND)
    assert len(open_windows) == 1
