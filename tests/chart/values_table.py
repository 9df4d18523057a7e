"""Writes the table of values in the chart's README: `make docs`, or `python -m tests.chart.values_table`."""

import re
from collections.abc import Iterator
from typing import Any

from tests.chart.release import CHART, as_json, read_yaml

README = CHART / "README.md"
DEFAULTS = read_yaml(CHART / "values.yaml")
HEAD = "| Key | Default | What it is |\n|---|---|---|\n"


def documented() -> Iterator[tuple[str, str]]:
    """Dotted path and comment of every key of values.yaml that has a `# --` comment."""
    path: list[str] = []
    comment: list[str] = []
    for line in (CHART / "values.yaml").read_text().splitlines():
        if found := re.fullmatch(r" *# (?:-- )?(.*)", line):
            comment = [*([] if "# -- " in line else comment), found[1]]
        elif found := re.match(r"( *)(\w+):", line):
            path = [*path[: len(found[1]) // 2], found[2]]
            if comment:
                yield ".".join(path), " ".join(comment)
            comment = []


def default(path: str) -> Any:
    """The value of values.yaml at a dotted path."""
    value: Any = DEFAULTS
    for key in path.split("."):
        value = value[key]
    return value


def rows() -> list[str]:
    """The table's lines, without its head."""
    return [f"| `{path}` | `{as_json(default(path))}` | {comment} |" for path, comment in documented()]


def main() -> None:
    """The table anew; what stands before and after it stays."""
    before, _, rest = README.read_text().partition(HEAD)
    after = "".join(line for line in rest.splitlines(keepends=True) if not line.startswith("| "))
    README.write_text(before + HEAD + "".join(f"{row}\n" for row in rows()) + after)


if __name__ == "__main__":
    main()
