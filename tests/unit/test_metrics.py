"""One catalogue of metrics: code, pages, dashboards and alerts name the same ones."""

import json
import re
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from bridge.metrics import CATALOGUE as BRIDGE
from processors.metrics import CATALOGUE as PROCESSORS
from tests.dashboards import FOLDER, dashboards
from tests.metrics_table import PAGE, full_name, page, series

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"\bcanvas_(?:bridge|processors)_[a-z0-9_]*[a-z0-9](?![a-z0-9_]*\*)")
# Python's own package names, and what they are not: metrics.
OTHER = {"canvas_bridge", "canvas_processors"}
PLACES = [
    path
    for pattern in (
        "*.md",
        "deploy/*.md",
        "deploy/*.yaml",
        "helm/**/*.md",
        "helm/**/*.yaml",
        "helm/**/*.json",
    )
    for path in sorted(ROOT.glob(pattern))
]


def named(text: str) -> set[str]:
    return set(NAME.findall(text)) - OTHER


def test_the_page_is_that_of_the_code() -> None:
    assert PAGE.read_text("utf-8") == page(), "run `make docs`"


def test_the_dashboards_are_those_of_their_source() -> None:
    assert {path.name: path.read_text("utf-8") for path in FOLDER.iterdir()} == dashboards(), (
        "run `make docs`"
    )


def test_every_metric_that_is_served_is_in_a_catalogue() -> None:
    served = {family.name for family in REGISTRY.collect() if family.name.startswith("canvas_")}
    listed = {family.name for metric in (*BRIDGE, *PROCESSORS) for family in metric.describe()}
    assert served == listed


@pytest.mark.parametrize("path", PLACES, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_name_in_use_is_in_a_catalogue(path: Path) -> None:
    known = series() | {full_name(metric) for metric in (*BRIDGE, *PROCESSORS)}
    assert named(path.read_text("utf-8")) <= known


def test_every_metric_is_on_a_dashboard() -> None:
    text = "".join(dashboards().values())
    assert [name for name in map(full_name, (*BRIDGE, *PROCESSORS)) if name not in text] == []


def test_every_metric_of_the_processors_is_named_by_the_rules_and_says_what_it_is() -> None:
    for metric in PROCESSORS:
        (family,) = metric.describe()
        assert family.name.startswith("canvas_processors_")
        assert family.documentation.endswith(".")
        assert family.type != "histogram" or family.name.endswith("_seconds")


@pytest.mark.parametrize("name", list(dashboards()))
def test_a_dashboard_is_what_grafana_loads(name: str) -> None:
    board = json.loads(dashboards()[name])
    assert re.fullmatch(r"[a-z-]{1,40}", board["uid"])
    panels = board["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels)
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(set(cells)) == len(cells), "panels lie over each other"
    assert all(x < 24 for x, _ in cells)
    for panel in panels:
        for target in panel["targets"]:
            assert 'namespace=~"$namespace"' in target["expr"]
            assert len(panel["targets"]) == 1 or target["legendFormat"]
