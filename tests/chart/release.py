"""The chart as Helm renders it: what the tests of this folder look at."""

import functools
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import helm_python
import yaml

ROOT = Path(__file__).parents[2]
CHART = ROOT / "helm" / "canvas-bridge"
EXAMPLES = sorted((CHART / "ci").glob("*-values.yaml"))
MINIMUM = {
    "kafka": {"bootstrapServers": "kafka:9092"},
    "schemaRegistry": {"url": "http://registry:8081"},
}
WORKLOADS = ("Deployment", "StatefulSet", "Job", "Pod")
SQS = {"sqs": {"enabled": True, "queueUrl": "https://sqs/queue"}}
SPOOL = {"webhook": {"spool": {"enabled": True}}}
NETWORK = {"networkPolicy": {"enabled": True}}

Values = dict[str, Any]
Manifest = dict[str, Any]


@dataclass(frozen=True)
class Release:
    """One rendering of the chart."""

    notes: str
    manifests: list[Manifest]

    def one(self, kind: str, component: str) -> Manifest:
        """The only object of that kind whose name ends with the component's."""
        (found,) = (
            item
            for item in self.manifests
            if item["kind"] == kind and item["metadata"]["name"].endswith(f"-{component}")
        )
        return found

    def kinds(self) -> list[tuple[str, str]]:
        """Kind and name of every object."""
        return [(item["kind"], item["metadata"]["name"]) for item in self.manifests]

    def native(self) -> list[Manifest]:
        """The objects that Kubernetes itself knows."""
        groups = [(item, item["apiVersion"].rpartition("/")[0]) for item in self.manifests]
        return [item for item, group in groups if "." not in group or group.endswith(".k8s.io")]

    def custom(self) -> list[Manifest]:
        """The objects that an operator's CustomResourceDefinition makes known."""
        native = self.native()
        return [item for item in self.manifests if item not in native]

    def workloads(self) -> list[Manifest]:
        """The objects that make pods."""
        return [item for item in self.manifests if item["kind"] in WORKLOADS]


def read_yaml(path: Path) -> Any:
    """One YAML document."""
    return yaml.safe_load(path.read_text())


def merged(*layers: Values) -> Values:
    """The layers over each other, the last on top, as Helm lays `--values` files."""
    result: Values = {}
    for layer in layers:
        for key, value in layer.items():
            below = result.get(key)
            both = isinstance(below, dict) and isinstance(value, dict)
            result[key] = merged(below, value) if both else value  # type: ignore[arg-type]
    return result


def at(path: str, value: Any) -> Values:
    """Values that set one key: `at("kafka.tls.caKey", "x")`."""
    return functools.reduce(lambda inner, key: {key: inner}, reversed(path.split(".")), value)


def render(*layers: Values, name: str = "canvas") -> Release:
    """What `helm install NAME` would apply. Raises helm_python.HelmError where Helm would refuse."""
    with helm_python.Chart.load(CHART) as chart:
        files = chart.render(merged(*layers), name=name, namespace="data")
    notes = next(text for path, text in files.items() if path.endswith("NOTES.txt"))
    texts = [text for path, text in sorted(files.items()) if path.endswith(".yaml")]
    return Release(notes, [item for text in texts for item in yaml.safe_load_all(text) if item])


@functools.cache
def example(path: Path) -> Release:
    """The rendering of one file of the chart's `ci` folder."""
    return render(read_yaml(path))


def pod_template(workload: Manifest) -> Manifest:
    """Its pods' metadata and spec."""
    template: Manifest = workload if workload["kind"] == "Pod" else workload["spec"]["template"]
    return template


def containers(workload: Manifest) -> list[Manifest]:
    """All of them, those that run before the others too."""
    spec = pod_template(workload)["spec"]
    found: list[Manifest] = spec.get("initContainers", []) + spec["containers"]
    return found


def variables(container: Manifest) -> dict[str, str]:
    """Its environment, but for what Kubernetes fills in."""
    return {item["name"]: item["value"] for item in container.get("env", []) if "value" in item}


def leaves(values: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Every value that is no section, with its dotted path. An empty map is a leaf."""
    if isinstance(values, dict) and values:
        for key, value in values.items():
            yield from leaves(value, f"{path}.{key}" if path else key)
    else:
        yield path, values


def as_json(value: Any) -> str:
    """A value as the documentation shows it."""
    return json.dumps(value, ensure_ascii=False)
