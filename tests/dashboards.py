"""helm/canvas-bridge/dashboards, made of deploy/dashboards.yaml; `make docs` writes them anew.

A panel of Grafana is forty lines of JSON of which four say something: those are in the YAML.
"""

import json
import re
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parents[1]
SOURCE: Final = ROOT / "deploy" / "dashboards.yaml"
FOLDER: Final = ROOT / "helm" / "canvas-bridge" / "dashboards"
DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
COLUMNS: Final = 24
HEIGHTS: Final = {"stat": 4, "table": 10, "timeseries": 8}
OPTIONS: Final[dict[str, Any]] = {
    "stat": {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": "value",
        "graphMode": "area",
        "textMode": "auto",
    },
    "table": {"showHeader": True, "sortBy": [{"displayName": "Value", "desc": True}]},
    "timeseries": {
        "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
        "tooltip": {"mode": "multi", "sort": "desc"},
    },
}


def dashboards() -> dict[str, str]:
    """File name -> content of every dashboard."""
    described = yaml.safe_load(SOURCE.read_text("utf-8"))
    return {
        f"{item['name']}.json": json.dumps(_dashboard(item), indent=1, ensure_ascii=False) + "\n"
        for item in described
    }


def scoped(expression: str) -> str:
    """The expression, asking for the chosen namespaces alone."""
    matcher = 'namespace=~"$namespace"'
    return re.sub(
        r"\b((?:canvas|process)_\w+)(\{)?",
        lambda found: f"{found[1]}{{{matcher}{', ' if found[2] else '}'}",
        expression,
    )


def _dashboard(described: dict[str, Any]) -> dict[str, Any]:
    panels: list[dict[str, Any]] = []
    x = y = height = 0
    for number, item in enumerate(described["panels"], 1):
        kind, width = item.get("kind", "timeseries"), item.get("width", COLUMNS // 2)
        if x + width > COLUMNS:
            x, y, height = 0, y + height, 0
        height = max(height, HEIGHTS[kind])
        place = {"x": x, "y": y, "w": width, "h": HEIGHTS[kind]}
        panels.append({"id": number, "gridPos": place, **_panel(kind, item)})
        x += width
    return {
        "uid": f"canvas-bridge-{described['name']}",
        "title": f"canvas-bridge / {described['title']}",
        "tags": ["canvas-bridge"],
        "schemaVersion": 39,
        "editable": True,
        "refresh": "30s",
        "time": {"from": "now-3h", "to": "now"},
        "templating": {"list": _variables()},
        "links": [
            {"type": "dashboards", "title": "canvas-bridge", "tags": ["canvas-bridge"], "asDropdown": True}
        ],
        "panels": panels,
    }


def _panel(kind: str, item: dict[str, Any]) -> dict[str, Any]:
    steps = [{"color": "green", "value": None}]
    if "warn" in item:
        steps.append({"color": "red", "value": item["warn"]})
    panel = {
        "type": kind,
        "title": item["title"],
        "description": item.get("description", ""),
        "datasource": DATASOURCE,
        "fieldConfig": {
            "defaults": {
                "unit": item.get("unit", "short"),
                "thresholds": {"mode": "absolute", "steps": steps},
                **({"min": 0} if kind == "timeseries" else {}),
            },
            "overrides": [],
        },
        "options": OPTIONS[kind],
        "targets": [_target(kind, *pair) for pair in zip("ABCDEF", item["queries"], strict=False)],
    }
    if kind == "table":
        hidden = {"id": "organize", "options": {"excludeByName": {"Time": True}}}
        panel["transformations"] = [hidden]
    return panel


def _target(kind: str, letter: str, query: dict[str, str]) -> dict[str, Any]:
    table = {"format": "table", "instant": True, "range": False} if kind == "table" else {}
    return {
        "refId": letter,
        "datasource": DATASOURCE,
        "expr": scoped(query["expr"]),
        "legendFormat": query.get("legend", ""),
        **table,
    }


def _variables() -> list[dict[str, Any]]:
    namespaces = "label_values(process_start_time_seconds, namespace)"
    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
        {
            "name": "namespace",
            "label": "Namespace",
            "type": "query",
            "datasource": DATASOURCE,
            "query": {"query": namespaces, "refId": "namespace"},
            "refresh": 2,
            "multi": True,
            "includeAll": True,
            # Without Kubernetes no series has a namespace, and this takes them too.
            "allValue": ".*",
            "current": {"text": "All", "value": "$__all"},
        },
    ]


if __name__ == "__main__":
    for name, content in dashboards().items():
        (FOLDER / name).write_text(content, "utf-8")
