"""The laws of avro/ (tests/contract/test_schemas.py) held against another folder of schemas."""

import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from unittest.mock import patch

from tests import schema_files
from tests.contract import test_schemas


def check_laws(folder: Path, changed: Iterable[str]) -> None:
    """Asserts every law that is about one file, for the changed ones, and those about all or about pairs."""
    events = sorted((folder / "events").glob("*.avsc"))
    types = sorted((folder / "types").glob("*.avsc"))
    shared = {f"{schema_files.NAMESPACE}.{path.stem}": schema_files.read(path) for path in types}
    files = [folder / name for name in changed]
    own: dict[str, Any] = {
        "EVENTS": events,
        "TYPES": types,
        "FILES": [*events, *types, folder / "unknown.avsc"],
    }
    with patch.multiple(test_schemas, **own), patch.object(schema_files, "SHARED", shared):
        for name, law in inspect.getmembers(test_schemas, inspect.isfunction):
            if not name.startswith("test_"):
                continue
            marks = {mark.args[0]: mark.args[1] for mark in getattr(law, "pytestmark", ())}
            for arguments in _arguments(marks, files, events):
                law(**arguments)


def _arguments(
    marks: dict[str | tuple[str, ...], list[Path]], files: list[Path], events: list[Path]
) -> list[dict[str, Path]]:
    """What a law is to be called with, from what pytest would call it with."""
    if not marks:
        return [{}]
    if "path" not in marks:
        assert set(marks) == {("created", "updated")}
        pairs = [
            {"created": path, "updated": path.with_name(path.name.replace("_created.", "_updated."))}
            for path in events
            if path.stem.endswith("_created")
        ]
        return [pair for pair in pairs if pair["updated"] in events]
    folders = {path.parent.name for path in marks["path"]}
    return [{"path": path} for path in files if path.parent.name in folders]
