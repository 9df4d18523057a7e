"""The settings of the spool: off unless a directory is given, and bounds that make sense."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from bridge.door_settings import SpoolSettings


@pytest.mark.parametrize("text", [None, ""])
def test_without_a_directory_there_is_no_spool(text: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("BRIDGE_SPOOL__DIRECTORY", raising=False)
    if text is not None:
        monkeypatch.setenv("BRIDGE_SPOOL__DIRECTORY", text)
    assert SpoolSettings().directory is None


def test_a_directory_turns_it_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BRIDGE_SPOOL__DIRECTORY", "/var/spool/canvas-bridge")
    assert SpoolSettings().directory == Path("/var/spool/canvas-bridge")


@pytest.mark.parametrize(
    ("name", "text"),
    [("MAX_BYTES", "1000"), ("MAX_AGE_HOURS", "0"), ("KAFKA_SECONDS", "9"), ("DRAIN_SECONDS", "-1")],
)
def test_what_cannot_work_is_refused(name: str, text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"BRIDGE_SPOOL__{name}", text)
    with pytest.raises(ValidationError):
        SpoolSettings()
