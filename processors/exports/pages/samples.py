"""The sample deliveries of an event, each with the record it becomes."""

from dataclasses import dataclass
from pathlib import Path

FORMATS = {"canvas": "Canvas JSON", "caliper": "Caliper"}
_FIRST = ("typical", "same_fact")


@dataclass(frozen=True, slots=True)
class Sample:
    """One delivery and what comes of it, both as JSON text."""

    format: str
    case: str
    delivery: str
    outcome: str


def samples(folder: Path) -> list[Sample]:
    """One sample per payload format from the folder of an event, the most ordinary one."""
    found = [min(folder.glob(f"{prefix}.*.pass.json"), key=_order, default=None) for prefix in FORMATS]
    return [_read(path) for path in found if path]


def _order(path: Path) -> tuple[int, str]:
    case = path.name.split(".")[1]
    return _FIRST.index(case) if case in _FIRST else len(_FIRST), case


def _read(path: Path) -> Sample:
    prefix, case = path.name.split(".")[:2]
    expected = path.with_name(path.name.replace(".pass.", ".expected."))
    return Sample(
        FORMATS[prefix], case.replace("_", " "), path.read_text("utf-8"), expected.read_text("utf-8")
    )
