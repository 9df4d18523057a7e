"""values.yaml, its schema, the README's table and the notes say the same."""

import tomllib
from collections.abc import Iterator
from typing import Any

import pytest

from tests.chart.release import CHART, MINIMUM, ROOT, Values, at, leaves, read_yaml, render
from tests.chart.values_table import DEFAULTS, HEAD, README, documented, rows

OPEN = {
    "global",
    "affinity",
    "valueFrom",
    "requests",
    "limits",
    "objects",
}  # Kubernetes's and Helm's own maps


def test_every_value_has_a_comment() -> None:
    explained = dict(documented())
    lacking = [
        path
        for path, _ in leaves(DEFAULTS)
        if not any(path == known or path.startswith(f"{known}.") for known in explained)
    ]
    assert not lacking


def test_the_readme_lists_every_value() -> None:
    # `make docs` writes them
    assert README.read_text().partition(HEAD)[2].splitlines() == rows()


def test_the_schema_is_closed_and_names_every_value() -> None:
    schema = read_yaml(CHART / "values.schema.json")
    for name, part in _objects(schema, "values"):
        assert name in OPEN or "additionalProperties" in part, name
    assert _keys(DEFAULTS) == _keys_of_schema(schema, schema["definitions"])


def _objects(schema: Any, name: str) -> Iterator[tuple[str, Values]]:
    if isinstance(schema, dict):
        if schema.get("type") == "object":
            yield name, schema
        for key, value in schema.items():
            yield from _objects(value, name if key == "items" else key)


def _keys(values: Values, path: str = "") -> set[str]:
    found = {path + key for key in values}
    for key, value in values.items():
        if isinstance(value, dict) and key != "resources":
            found |= _keys(value, f"{path}{key}.")
    return found


def _keys_of_schema(schema: Values, definitions: Values, path: str = "") -> set[str]:
    properties = {key: value for key, value in schema.get("properties", {}).items() if key != "global"}
    found = {path + key for key in properties}
    for key, value in properties.items():
        if key != "resources":
            target = definitions[value["$ref"].rsplit("/")[-1]] if "$ref" in value else value
            found |= _keys_of_schema(target, definitions, f"{path}{key}.")
    return found


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        (at("webhook.accept", "plain"), "webhook.accept is plain"),
        (at("webhook.accept", "both"), "webhook.accept is both"),
        ({"webhook": {"accept": "both"}}, "webhook.rootAccountUuids is empty"),
        ({"webhook": {"spool": {"enabled": True, "guard": False}}}, "webhook.spool.guard is false"),
        ({"webhook": {"replicas": 1, "spool": {"enabled": True}}}, "webhook.replicas is 1 with a spool"),
        ({}, "webhook.rootAccountUuids is empty"),
        (at("setup.enabled", False), "setup.enabled is false"),
        (at("worker.replicas", 9), "worker.replicas is 9 but the topics have 8 partitions"),
        (at("worker.delivery", "at_least_once"), "worker.delivery is at_least_once"),
    ],
)
def test_the_notes_warn(change: Values, warning: str) -> None:
    own = at("webhook.rootAccountUuids", ["mine"])
    assert f"WARNING {warning}" in render(MINIMUM, change).notes
    assert warning not in render(MINIMUM, own).notes


def test_the_notes_of_a_safe_release_do_not_warn() -> None:
    assert "WARNING" not in render(MINIMUM, at("webhook.rootAccountUuids", ["mine"])).notes


def test_one_version_everywhere() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    chart = read_yaml(CHART / "Chart.yaml")
    assert (chart["version"], chart["appVersion"]) == (version, version)
    assert f"ARG VERSION={version}\n" in (ROOT / "deploy" / "Dockerfile").read_text()
