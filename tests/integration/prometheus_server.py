"""A real Prometheus that scrapes our processes every second: what queries find, and which alerts fire."""

import json
import subprocess
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.error import URLError
from urllib.parse import urlencode
from urllib.request import urlopen

import yaml

from tests.integration.door_process import PATIENCE, free_port, wait_for
from tests.prometheus_programs import program


class Prometheus:
    """The server, with the given admin ports by name and the given groups of rules."""

    def __init__(self, folder: Path, ports: Mapping[str, int], groups: list[dict[str, Any]]) -> None:
        self._program = program("prometheus")
        self._folder = folder
        self._address = f"127.0.0.1:{free_port()}"
        folder.mkdir()
        targets = [
            {"targets": [f"127.0.0.1:{port}"], "labels": {"process": name}} for name, port in ports.items()
        ]
        config = {
            "global": {"scrape_interval": "1s", "scrape_timeout": "1s", "evaluation_interval": "1s"},
            "scrape_configs": [{"job_name": "canvas-bridge", "static_configs": targets}],
            "rule_files": ["rules.yaml"],
        }
        (folder / "prometheus.yaml").write_text(yaml.safe_dump(config))
        (folder / "rules.yaml").write_text(yaml.safe_dump({"groups": groups}))

    def __enter__(self) -> Self:
        command = [
            *(self._program, f"--config.file={self._folder / 'prometheus.yaml'}"),
            *(f"--storage.tsdb.path={self._folder / 'data'}", f"--web.listen-address={self._address}"),
        ]
        with (self._folder / "log").open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(self._ready, "Prometheus")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """What it answers now. Raises HTTPError where it does not understand the expression."""
        found: list[dict[str, Any]] = self._get("query", query=expression)["result"]
        return found

    def value(self, expression: str) -> float:
        """The value of the only series; 0 where there is none."""
        found = self.query(expression)
        return float(found[0]["value"][1]) if found else 0.0

    def firing(self) -> set[str]:
        """The names of the alerts that fire now."""
        alerts = self._get("alerts")["alerts"]
        return {alert["labels"]["alertname"] for alert in alerts if alert["state"] == "firing"}

    def _get(self, what: str, **parameters: str) -> Any:
        with urlopen(f"http://{self._address}/api/v1/{what}?{urlencode(parameters)}", timeout=30) as answer:
            return json.load(answer)["data"]

    def _ready(self) -> bool:
        assert self._process.poll() is None, (self._folder / "log").read_text()
        try:
            with urlopen(f"http://{self._address}/-/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except (URLError, OSError):
            return False
