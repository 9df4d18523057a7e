"""What the books say: SQL does the sums."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any, Final

from bridge.contract import Position
from processors.audit.findings import Doubled, Fate, Findings, Invented, Missing
from processors.audit.ledger import KINDS, NOWHERE, REPLAYED, SHIFT, Ledger, long, position_of

_HOUR: Final = 3_600_000
# Repeats are told as the worker tells them: the same key earlier in the partition, within the window.
_REPEATS: Final = f"""
    CREATE TABLE repeat AS SELECT place, 1 AS is_repeat FROM raw
    WHERE counts = 1 AND had = 0 AND :window > 0 AND EXISTS (
        SELECT 1 FROM raw AS earlier WHERE earlier.key = raw.key AND earlier.seen >= raw.seen - :window
        AND earlier.place < raw.place AND earlier.place >= raw.place >> {SHIFT} << {SHIFT})
"""  # noqa: S608 - its parts are constants
_FATES: Final = f"""
    SELECT time / {_HOUR} * {_HOUR}, CASE
        WHEN counts = 2 THEN '{Fate.PENDING}'
        WHEN had & 1 THEN '{Fate.TYPED}'
        WHEN had & 2 THEN '{Fate.UNKNOWN}'
        WHEN had & {REPLAYED} THEN '{Fate.REPLAYED}'
        WHEN had & 4 THEN '{Fate.DEAD_LETTERED}'
        WHEN is_repeat THEN '{Fate.DUPLICATE}'
        WHEN time < :kept_since THEN '{Fate.TOO_OLD}'
        ELSE '{Fate.MISSING}' END, COUNT(*)
    FROM raw LEFT JOIN repeat USING (place) WHERE counts GROUP BY 1, 2 ORDER BY 1
"""  # noqa: S608 - likewise
_MISSING: Final = """
    SELECT key, place, time FROM raw
    WHERE counts = 1 AND had = 0 AND time >= :kept_since AND place NOT IN (SELECT place FROM repeat)
    ORDER BY time
"""
# Several dead letters of one delivery (Caliper) differ in their field; a repeat's lies at another place.
_DOUBLED: Final = """
    SELECT ours.id, ours.kind, ours.field, own, COALESCE(seen, ours.time), ours.place, topic, part, offset
    FROM (SELECT id, kind, field, CASE kind WHEN 2 THEN place END AS own FROM ours
          GROUP BY 1, 2, 3, 4 HAVING COUNT(*) > 1) AS twice
    JOIN ours ON ours.id = twice.id AND ours.kind = twice.kind AND ours.field = twice.field
        AND (own IS NULL OR ours.place = own)
    LEFT JOIN raw ON raw.place = ours.place
    ORDER BY 2, 1, 3, 4, 5, 6
"""
_ORPHANS: Final = """
    SELECT id, kind, lineage, place, topic, part, offset FROM ours
    WHERE NOT EXISTS (SELECT 1 FROM raw WHERE raw.place = ours.place)
"""


@dataclass(frozen=True, slots=True)
class Terms:
    """What the sums need to know.

    `window`: of duplicates, milliseconds. `lows`, `ends`: per partition of the raw topic, the first offset
    that is still there, and the first that was not processed when the audit began. `limit`: of every list.
    `kept_since`: when the youngest record was received that a topic of ours may have deleted, milliseconds.
    """

    raw_topic: str
    window: int
    lows: Mapping[int, int]
    ends: Mapping[int, int]
    limit: int
    kept_since: int = 0


def add_up(ledger: Ledger, terms: Terms) -> Findings:
    """The findings of a ledger that is full."""
    found, ask = Findings(), ledger.database.execute
    kept = {"kept_since": terms.kept_since}
    ask("CREATE INDEX raw_key ON raw (key)")
    ask(_REPEATS, {"window": terms.window})
    for hour, fate, number in ask(_FATES, kept):
        found.hours.setdefault(hour, Counter())[Fate(fate)] = number
    for kind, number in ask("SELECT kind, COUNT(*) FROM ours GROUP BY 1"):
        found.records[KINDS[kind]] = number
    for key, place, time in ask(_MISSING, kept):
        item = Missing(long(key), position_of(place, terms.raw_topic), time)
        _keep(found, "missing", item, terms.limit)
    ask("CREATE INDEX ours_id ON ours (id)")
    for name, doubled in _doubled(ask(_DOUBLED), terms.window):
        _keep(found, name, doubled, terms.limit)
    for row in ask(_ORPHANS):
        _judge_orphan(found, row, terms)
    return found


def _keep(found: Findings, name: str, item: Any, limit: int) -> None:
    found.numbers[name] += 1
    kept: list[Any] = getattr(found, name)
    if len(kept) < limit:
        kept.append(item)


def _doubled(rows: Iterator[Any], window: int) -> Iterator[tuple[str, Doubled]]:
    """Events that stand twice, and whether that is because the repeat came after the window."""
    same: Callable[[Any], Any] = lambda row: row[:4]  # noqa: E731 - a name for its type
    for (event_id, kind, _, _), group in groupby(rows, same):
        members = list(group)
        item = Doubled(long(event_id), KINDS[kind], tuple(Position(*row[6:]) for row in members))
        apart = all(right[5] != left[5] and right[4] - left[4] > window for left, right in pairwise(members))
        yield "beyond_window" if apart else "doubled", item


def _judge_orphan(found: Findings, row: Any, terms: Terms) -> None:
    event_id, kind, lineage, place = row[:4]
    raw = position_of(place, terms.raw_topic)
    if place != NOWHERE and raw.partition in terms.ends:
        if raw.offset >= terms.ends[raw.partition]:
            return  # processed since the audit began
        if raw.offset < terms.lows[raw.partition]:
            found.raw_expired += 1
            return
    item = Invented(long(event_id), KINDS[kind], Position(*row[4:]), lineage)
    _keep(found, "invented", item, terms.limit)
