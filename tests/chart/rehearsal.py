"""Installs, tests, upgrades and rolls the chart back on a real API server: `make chart-rehearsal`.

KUBECONFIG names a cluster to play with, HELM a program (`helm` where it is not set), CRDS a folder of the
definitions of operators. Every example goes into a namespace of its own, at the Pod Security level
restricted, which goes at the end. Nodes are to be simulated (kwok): there is no image, no Kafka, no Secret.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.chart.crds import FOLDER
from tests.chart.release import CHART, EXAMPLES

HELM = os.environ.get("HELM", "helm").split(",")[0]
RELEASE = "canvas"
WAIT = "180s"
# Admitted nowhere at the level restricted: whether the namespace holds pods to it.
CARELESS = ["run", "careless", "--image=careless", "--privileged", "--dry-run=server"]


class Failed(Exception):
    """A step did not do what it is for."""


def run(*command: object, expected: bool = True) -> str:
    """Standard output; or errors, where failure is `expected`=False. Raises Failed with all that was said."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    if (done.returncode == 0) is not expected:
        raise Failed(f"{' '.join(map(str, command))}\n{done.stdout}{done.stderr}")
    return done.stdout if expected else done.stderr


def kubectl(*arguments: object, expected: bool = True) -> str:
    """See run."""
    return run("kubectl", *arguments, expected=expected)


def say(example: str, step: str, result: str) -> None:
    """One line of the report."""
    print(f"{example:20} {step:28} {result}", flush=True)  # noqa: T201 - the report


def pods(namespace: str) -> list[dict[str, Any]]:
    """The pods there are."""
    found: list[dict[str, Any]] = json.loads(kubectl("get", "pods", "-n", namespace, "-o", "json"))["items"]
    return found


def refused_pods(namespace: str) -> list[str]:
    """What controllers were told when they were not allowed to make a pod."""
    query = ("get", "events", "-n", namespace, "--field-selector", "reason=FailedCreate", "-o", "json")
    return [item["message"] for item in json.loads(kubectl(*query))["items"]]


def restricted(namespace: str) -> None:
    """A namespace that admits restricted pods alone."""
    kubectl("create", "namespace", namespace)
    kubectl("label", "namespace", namespace, "pod-security.kubernetes.io/enforce=restricted")
    if "violates PodSecurity" not in kubectl("-n", namespace, *CARELESS, expected=False):
        raise Failed(f"the namespace {namespace} does not hold pods to its level")


def revisions(namespace: str) -> list[str]:
    """Number and state of each."""
    history = json.loads(run(HELM, "history", RELEASE, "-n", namespace, "-o", "json"))
    return [f"{each['revision']} {each['status']}" for each in history]


def rehearse(values: Path) -> None:
    """One example: install, test, upgrade, rollback, test again, uninstall."""
    example = values.stem.removesuffix("-values")
    namespace = f"rehearsal-{example}"
    shared = ("-n", namespace, "--timeout", WAIT)
    restricted(namespace)
    try:
        run(HELM, "install", RELEASE, CHART, *shared, "--values", values, "--wait")
        say(example, "install", f"{len(pods(namespace))} pods")
        run(HELM, "test", RELEASE, *shared)
        say(example, "test", "succeeded")
        change = ("--set", "log.level=DEBUG", "--set", "worker.replicas=1,webhook.replicas=1,sqs.replicas=1")
        run(HELM, "upgrade", RELEASE, CHART, *shared, "--values", values, *change, "--wait")
        say(example, "upgrade", f"{len(pods(namespace))} pods")
        run(HELM, "rollback", RELEASE, "1", *shared, "--wait")
        say(example, "rollback", ", ".join(revisions(namespace)))
        run(HELM, "test", RELEASE, *shared)
        say(example, "test", "succeeded")
        if told := refused_pods(namespace):
            raise Failed("\n".join(told))
        run(HELM, "uninstall", RELEASE, *shared)
        claims = json.loads(kubectl("get", "pvc", "-n", namespace, "-o", "json"))["items"]
        say(example, "uninstall", f"{len(claims)} claims stay")
    finally:
        kubectl("delete", "namespace", namespace, "--wait=false")


def main() -> None:
    """Exit status 1 where a step failed."""
    if FOLDER.is_dir():
        kubectl("apply", "--server-side", "-f", FOLDER)
    failed = 0
    for values in EXAMPLES:
        try:
            rehearse(values)
        except Failed as failure:
            failed += 1
            say(values.stem, "FAILED", str(failure))
    sys.exit(1 if failed else 0)


if __name__ == "__main__":
    main()
