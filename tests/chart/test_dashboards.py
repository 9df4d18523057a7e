"""The dashboards are shipped as they are, where Grafana's sidecar finds them."""

from tests.chart.release import CHART, MINIMUM, at, render

ENABLED = at("dashboards.enabled", True)


def test_every_dashboard_is_shipped_unchanged() -> None:
    shipped = render(MINIMUM, ENABLED).one("ConfigMap", "dashboards")
    files = {
        f"canvas-bridge-{path.name}": path.read_text("utf-8") for path in (CHART / "dashboards").iterdir()
    }
    assert {name: text.strip() for name, text in shipped["data"].items()} == {
        name: text.strip() for name, text in files.items()
    }
    assert len(files) == 5
    assert shipped["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert sum(map(len, shipped["data"].values())) < 1_000_000  # what an object may be


def test_another_sidecar_looks_for_its_own_label() -> None:
    own = {
        "dashboards": {
            "label": "dashboards",
            "labelValue": "yes",
            "annotations": {"grafana_folder": "Canvas"},
        }
    }
    metadata = render(MINIMUM, ENABLED, own).one("ConfigMap", "dashboards")["metadata"]
    assert metadata["labels"]["dashboards"] == "yes"
    assert metadata["annotations"] == {"grafana_folder": "Canvas"}


def test_without_the_wish_there_are_none() -> None:
    assert "ConfigMap" not in {kind for kind, _ in render(MINIMUM).kinds()}
