"""Workers that lack one guard each, as programs: what proves the honest one sound must find what these do.

The doors that acknowledge first are in tests/integration/hasty_door.py and hasty_spool.py; a worker without
transactions needs no program, PROCESSORS_DELIVERY takes them away.
"""

import sys
from pathlib import Path
from typing import Final


def _program(name: str) -> tuple[str, str]:
    return sys.executable, str(Path(__file__).with_name(f"{name}.py"))


FORGETFUL: Final = _program("forgetful_worker")
STALLED: Final = _program("stalled_worker")
UNFENCED: Final = _program("unfenced_worker")
