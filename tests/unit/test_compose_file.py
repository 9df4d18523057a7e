"""What deploy/compose.yaml promises of each service; tests/integration/test_compose.py brings it up."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.integration.composed import FILE, ONLOOKERS, services

OURS = ("setup", "webhook", "sqs", "worker", "keys", "simulate")


def test_images_are_public_unless_the_environment_says_otherwise() -> None:
    images = {name: str(service["image"]) for name, service in services().items()}
    for name, image in images.items():
        assert re.fullmatch(r"\$\{[A-Z_]+:-[a-z0-9./-]+:[\w.-]+\}", image), (name, image)
    assert {images[name] for name in OURS} == {"${CANVAS_BRIDGE_IMAGE:-canvas-bridge:dev}"}
    assert images.keys() > ONLOOKERS


@pytest.mark.parametrize("name", OURS)
def test_our_containers_have_the_rights_of_our_pods(name: str) -> None:
    service = services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["tmpfs"] == ["/tmp:size=64m"]
    assert not service.keys() & {"user", "privileged", "cap_add"}


def test_ports_are_those_of_the_loopback() -> None:
    ports = [port for service in services().values() for port in service.get("ports", ())]
    assert len(ports) >= 5
    assert [port for port in ports if not port.startswith("127.0.0.1:$")] == []


def test_grafana_finds_prometheus_and_the_dashboards() -> None:
    folder = FILE.parent / "compose" / "grafana"
    (source,) = read(folder / "datasources" / "prometheus.yaml")["datasources"]
    (provider,) = read(folder / "dashboards" / "canvas-bridge.yaml")["providers"]
    volumes = dict(volume.split(":")[:2] for volume in services()["grafana"]["volumes"])
    assert (source["type"], source["url"]) == ("prometheus", "http://prometheus:9090")
    assert volumes["../helm/canvas-bridge/dashboards"] == provider["options"]["path"]
    assert volumes["./compose/grafana"] == "/etc/grafana/provisioning"


def test_prometheus_scrapes_every_program_and_reads_the_charts_alerts() -> None:
    settings = read(FILE.parent / "compose" / "prometheus.yml")
    targets = {
        target
        for job in settings["scrape_configs"]
        for group in job["static_configs"]
        for target in group["targets"]
    }
    assert targets == {"webhook:9090", "sqs:9090", "worker:9091"}
    volumes = dict(volume.split(":")[:2] for volume in services()["prometheus"]["volumes"])
    assert settings["rule_files"] == [f"{volumes['../helm/canvas-bridge/files']}/*.yaml"]


def test_promtool_takes_the_settings_of_prometheus() -> None:
    program = shutil.which("promtool")
    if program is None and os.environ.get("IT_REQUIRED") != "1":
        pytest.skip("promtool is missing: install Prometheus (Debian: apt-get install prometheus)")
    assert program is not None, "promtool is missing"
    settings = FILE.parent / "compose" / "prometheus.yml"
    done = subprocess.run([program, "check", "config", settings], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def read(path: Path) -> Any:
    return yaml.safe_load(path.read_text())
