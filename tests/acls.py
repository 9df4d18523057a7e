"""deploy/acls.yaml as the tests read it; run as a script it writes its tables into deploy/security.md."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

DEPLOY: Final = Path(__file__).parents[1] / "deploy"
FILE, PAGE = DEPLOY / "acls.yaml", DEPLOY / "security.md"
BEGIN, END = "<!-- acls: written by `make docs` from acls.yaml -->\n", "<!-- end of acls -->\n"


@dataclass(frozen=True, slots=True)
class Acl:
    """One row: a principal may, or with `denied` may not, do one operation on what the pattern names."""

    principal: str
    operation: str
    type: str
    name: str
    pattern: str
    denied: bool
    why: str

    @property
    def resource(self) -> str:
        """As the page writes it; `*` stands for anything."""
        kind = "transactional id" if self.type == "transactionalId" else self.type
        return f"{kind} `{self.name}{'*' if self.pattern == 'prefix' else ''}`"

    def __str__(self) -> str:
        denied = " denied" if self.denied else ""
        return f"{self.principal}: {self.operation}{denied} on {self.type} {self.name} ({self.pattern})"


def components() -> dict[str, Mapping[str, Any]]:
    """Each component's part of the file."""
    found: dict[str, Mapping[str, Any]] = yaml.safe_load(FILE.read_text("utf-8"))
    return found


def acls(component: str) -> list[Acl]:
    """The rows of a component, one for each operation."""
    return list(_rows(component, components()[component]["acls"]))


def tables() -> str:
    """A heading and a table for each component."""
    return "\n".join(_table(name, each) for name, each in components().items())


def with_tables(text: str) -> str:
    """The page with its tables as they should be. Raises ValueError where the marks are missing."""
    before, mark, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (mark and end):
        raise ValueError(f"{PAGE} must have the lines {BEGIN!r} and {END!r}")
    return f"{before}{BEGIN}{tables()}{END}{after}"


def _rows(component: str, rules: list[Mapping[str, Any]]) -> Iterator[Acl]:
    for rule in rules:
        resource, denied = rule["resource"], rule.get("type", "allow") == "deny"
        place = resource["type"], resource["name"], resource["patternType"]
        for operation in rule["operations"]:
            yield Acl(f"canvas-{component}", operation, *place, denied, rule["why"])


def _table(name: str, component: Mapping[str, Any]) -> str:
    rows = [f"### {name}\n", f"{component['runs']}\n", "| may | on | for |", "|---|---|---|"]
    for rule in component["acls"]:
        (first, *_) = _rows(name, [rule])
        verb = f"**not** {', '.join(rule['operations'])}" if first.denied else ", ".join(rule["operations"])
        rows.append(f"| {verb} | {first.resource} | {first.why} |")
    return "\n".join(rows) + "\n"


if __name__ == "__main__":
    PAGE.write_text(with_tables(PAGE.read_text("utf-8")), "utf-8")
