"""Stands for scheduler and kubelets: pods come to a node and go on as the test says. No container runs."""

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Final, Self

from tests.release.api_server import MERGE, ApiServer, Object, Refused

NODE: Final = "node"
LOOK_SECONDS: Final = 0.1


class Kubelet:
    """Runs pods that are to go on, and ends those that are to end. `fails` says which of these end badly."""

    def __init__(self, server: ApiServer) -> None:
        self._server = server
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="kubelet", daemon=True)
        self.fails: Callable[[Object], bool] = lambda pod: False

    def __enter__(self) -> Self:
        self._server.ask("POST", "/api/v1/nodes", {"metadata": {"name": NODE}})
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopping.set()
        self._thread.join(30)

    def _run(self) -> None:
        while not self._stopping.wait(LOOK_SECONDS):
            for pod in self._server.items("/api/v1/pods"):
                with suppress(Refused):  # it has changed meanwhile: the next look has it
                    self._see_to(pod)

    def _see_to(self, pod: Object) -> None:
        meta, phase = pod["metadata"], pod["status"].get("phase")
        path = f"/api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}"
        if "deletionTimestamp" in meta:
            self._server.ask("DELETE", path, {"gracePeriodSeconds": 0})
        elif "nodeName" not in pod["spec"]:
            target = {"kind": "Node", "name": NODE}
            self._server.ask(
                "POST", f"{path}/binding", {"metadata": {"name": meta["name"]}, "target": target}
            )
        elif phase == "Pending":
            self._server.ask("PATCH", f"{path}/status", {"status": self._outcome(pod)}, MERGE)

    def _outcome(self, pod: Object) -> Object:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        if pod["spec"]["restartPolicy"] == "Always":
            phase, ready = "Running", True
            state: Object = {"running": {"startedAt": now}}
        else:
            code = int(self.fails(pod))
            phase, ready = ("Failed" if code else "Succeeded"), False
            state = {"terminated": {"exitCode": code, "startedAt": now, "finishedAt": now}}
        common: Any = {"ready": ready, "started": ready, "restartCount": 0, "image": "x", "imageID": "x"}
        return {
            "phase": phase,
            "startTime": now,
            "podIP": "10.1.0.1",
            "conditions": [
                {"type": kind, "status": str(ready), "lastTransitionTime": now}
                for kind in ("Initialized", "ContainersReady", "Ready")
            ],
            "containerStatuses": [
                {"name": container["name"], "state": state, **common}
                for container in pod["spec"]["containers"]
            ],
        }
