"""Renders the pages with Jinja2. The same schemas and samples give the same bytes."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup, escape

from processors.exports.base import Material
from processors.exports.pages.page import Page, event_page, section
from processors.exports.pages.rows import Row, rows
from processors.schemas.released import History

_TEMPLATES = PackageLoader(__package__)
_ASSETS = ("catalogue.css", "search.js")
_TICKS = re.compile(r"`([^`]+)`")
_PARTS = re.compile(r"(?<=.)([_/.])(?=.)")


def pages(material: Material, samples: Path, history: History) -> Mapping[str, str]:
    """Every file of the site: name -> content. `samples`: a folder with one folder of samples per event."""
    environment = Environment(
        loader=_TEMPLATES, autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters |= {"ticks": _ticks, "breakable": _breakable}
    events = [
        event_page(event_type, material.names.typed(name), samples / name, history.get(name, []))
        for name, event_type in sorted(material.catalogue.events.items())
    ]
    schema = next(iter(material.catalogue.events.values())).schema
    envelope = [row for row in rows(schema) if row.depth == 0]
    metadata = list(rows(section(schema, "metadata")))
    index = {"pages": events, "in_caliper": sum(bool(page.matches) for page in events)}
    common = {"envelope": envelope, "metadata": metadata}
    return {
        "index.html": environment.get_template("index.html.j2").render(index),
        "envelope.html": environment.get_template("envelope.html.j2").render(common),
        "search_index.js": _search_index(events, common),
        **{name: _TEMPLATES.get_source(environment, name)[0] for name in _ASSETS},
        **{
            f"{page.name}.html": environment.get_template("event.html.j2").render(page=page)
            for page in events
        },
    }


def _ticks(text: str) -> Markup:
    """Backticks as code, the rest escaped."""
    return Markup(_TICKS.sub(r"<code>\1</code>", str(escape(text))))  # noqa: S704 - escaped before


def _breakable(text: str) -> Markup:
    """A name or pointer that may be broken after its parts."""
    return Markup(_PARTS.sub(r"\1<wbr>", str(escape(text))))  # noqa: S704 - escaped before


def _search_index(events: list[Page], common: Mapping[str, list[Row]]) -> str:
    lines: list[Any] = [
        [
            "envelope",
            "Envelope and metadata",
            [entry for name in common for entry in _entries(name, common[name])],
        ],
        *([page.name, page.doc, _entries("body", page.body)] for page in events),
    ]
    content = ",\n".join(json.dumps(line, ensure_ascii=False) for line in lines)
    return f"const SEARCH_INDEX = [\n{content}\n];\n"


def _entries(anchor: str, fields: Any) -> list[list[str]]:
    return [[f"{anchor}.{row.path}", row.pii or "none", row.doc] for row in fields]
