"""deploy/metrics.md, every metric by program; run as a script (`make docs`) this writes it anew."""

from pathlib import Path
from typing import Final

from prometheus_client.metrics import MetricWrapperBase

from bridge.metrics import CATALOGUE as BRIDGE
from processors.metrics import CATALOGUE as PROCESSORS

PAGE: Final = Path(__file__).parents[1] / "deploy" / "metrics.md"
INTRODUCTION: Final = """# Metrics

Every process serves its own on `/metrics` of the admin port (9090 of the doors, 9091 of the worker), with
those of Python and of the process (`python_*`, `process_*`) beside them. Label sets are closed or bounded;
none comes from a payload. Written by `make docs` from `bridge/metrics.py` and `processors/metrics.py`; the
[dashboards](../helm/canvas-bridge/dashboards), the [alerts](../helm/canvas-bridge/files/alerts.yaml) and all
pages are tested against it. A histogram has the series `_bucket`, `_sum` and `_count`.
"""
PROGRAMS: Final = {
    "`canvas-bridge webhook` and `canvas-bridge sqs`": BRIDGE,
    "`canvas-processors worker`": PROCESSORS,
}


def full_name(metric: MetricWrapperBase) -> str:
    """As Prometheus shows it."""
    (family,) = metric.describe()
    return f"{family.name}_total" if family.type == "counter" else family.name


def series() -> set[str]:
    """The names of all time series."""
    found = set()
    for metric in (*BRIDGE, *PROCESSORS):
        (family,) = metric.describe()
        suffixes = ("_bucket", "_sum", "_count") if family.type == "histogram" else ("",)
        found |= {full_name(metric) + suffix for suffix in suffixes}
    return found


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION]
    for program, catalogue in PROGRAMS.items():
        rows = [f"## {program}", "", "| metric | kind | labels | meaning |", "|---|---|---|---|"]
        for metric in catalogue:
            (family,) = metric.describe()
            labels = ", ".join(f"`{label}`" for label in metric._labelnames)
            rows.append(f"| `{full_name(metric)}` | {family.type} | {labels} | {family.documentation} |")
        parts.append("\n".join(rows) + "\n")
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
