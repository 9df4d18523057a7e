"""What `--since`, `--from` and `--to` take: a point in time, or how long ago."""

import re
import time
from typing import Any, Final

import click

from processors.values import Misfit, Notes, read_time

_UNITS: Final = {"m": 60_000, "h": 3_600_000, "d": 86_400_000, "w": 604_800_000}


class PointInTime(click.ParamType):
    """`7d`, `12h` or an ISO 8601 time with a zone, as milliseconds since the epoch."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """The milliseconds. Ends the command where the text is neither."""
        ago = re.fullmatch(r"(\d{1,6})([mhdw])", str(value), re.ASCII)
        if ago:
            return max(0, int(time.time() * 1000) - int(ago[1]) * _UNITS[ago[2]])
        try:
            return max(0, read_time(value, "", Notes()))
        except Misfit:
            self.fail(
                f"{value!r} is neither a time with a zone, like 2026-03-01T09:30:00Z, nor a span like 30m, "
                "12h, 7d or 4w",
                param,
                ctx,
            )
