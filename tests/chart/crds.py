"""Other projects' CustomResourceDefinitions as JSON Schemas: what an API server would refuse, these refuse.

They are not ours to carry: CRDS names a folder of YAML files as KEDA, the Prometheus operator and Strimzi
release them; without it, ../shared/crds is looked at.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import jsonschema
import yaml

from tests.chart.release import ROOT, Manifest

FOLDER: Final = Path(os.environ.get("CRDS") or ROOT.parent / "shared" / "crds")
OPEN: Final = "x-kubernetes-preserve-unknown-fields"

Definitions = dict[tuple[str, str], Any]


def definitions() -> Definitions:
    """apiVersion and kind -> JSON Schema; nothing where there is no folder."""
    return {key: schema for path in sorted(FOLDER.glob("*.yaml")) for key, schema in _defined_in(path)}


def validate(manifest: Manifest, known: Definitions) -> None:
    """Raises jsonschema.ValidationError, and KeyError where no definition is of its kind and version."""
    jsonschema.validate(manifest, known[manifest["apiVersion"], manifest["kind"]])


def _defined_in(path: Path) -> Iterator[tuple[tuple[str, str], Any]]:
    for document in yaml.safe_load_all(path.read_text()):
        if document and document["kind"] == "CustomResourceDefinition":
            spec = document["spec"]
            for version in spec["versions"]:
                schema = _closed(version["schema"]["openAPIV3Schema"])
                schema["properties"]["metadata"] = {"type": "object"}  # the API server knows the rest of it
                yield (f"{spec['group']}/{version['name']}", spec["names"]["kind"]), schema


def _closed(openapi: Any) -> Any:
    """A structural schema, closed, as JSON Schema: nulls and numbers that may be text are said its way."""
    schema = {key: value for key, value in openapi.items() if key != "format"}
    if "properties" in schema:
        schema["properties"] = {name: _closed(each) for name, each in schema["properties"].items()}
        if not schema.get(OPEN):
            schema.setdefault("additionalProperties", False)
    for key in ("items", "additionalProperties"):
        if isinstance(schema.get(key), dict):
            schema[key] = _closed(schema[key])
    if "(?i)" in schema.get("pattern", ""):  # which Go allows anywhere, and Python at the beginning alone
        schema["pattern"] = f"(?i){schema['pattern'].replace('(?i)', '')}"
    if schema.get("x-kubernetes-int-or-string"):
        schema.pop("type", None)
        schema.setdefault("anyOf", [{"type": "integer"}, {"type": "string"}])
    if schema.get("nullable") and "type" in schema:
        schema["type"] = [schema["type"], "null"]
    return schema
