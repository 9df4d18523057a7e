"""Every alert of the rendered chart fires on its fault and on no other."""

import copy
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from bridge.ingress.answers import REFUSALS
from tests.chart.alert_cases import BEGIN, FAULTS, MORE, SOUND, Case
from tests.chart.release import CHART, MINIMUM, SPOOL, SQS, at, read_yaml, render
from tests.prometheus_programs import program

RULE = at("prometheusRule.enabled", True)
Group = dict[str, Any]


def groups(*values: dict[str, Any]) -> list[Group]:
    found: list[Group] = render(MINIMUM, RULE, *values).one("PrometheusRule", "alerts")["spec"]["groups"]
    return found


def alerts(of: list[Group]) -> dict[str, dict[str, Any]]:
    return {rule["alert"]: rule for group in of for rule in group["rules"]}


EVERYTHING = groups(SQS, SPOOL)
ALERTS = alerts(EVERYTHING)


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([program("promtool"), *arguments], capture_output=True, text=True, check=False)


def rules_file(folder: Path, of: list[Group]) -> Path:
    path = folder / "rules.yaml"
    path.write_text(yaml.safe_dump({"groups": of}))
    return path


def run(folder: Path, of: list[Group], cases: Mapping[str, Case]) -> tuple[bool, str]:
    """Whether promtool sees exactly the alerts of each case fire, and what it says."""
    tests = []
    for name, case in cases.items():
        series = [{"series": key, "values": case.series.get(key, SOUND[key])} for key in SOUND]
        times = [(BEGIN - 1, frozenset[str]()), (BEGIN + case.after, case.firing)]
        tests.append(
            {
                "name": name,
                "interval": "1m",
                "input_series": series,
                "promql_expr_test": [
                    {
                        "expr": 'group by (alertname) (ALERTS{alertstate="firing"})',
                        "eval_time": f"{minute}m",
                        "exp_samples": [
                            {"labels": f'{{alertname="{alert}"}}', "value": 1} for alert in sorted(firing)
                        ],
                    }
                    for minute, firing in times
                ],
            }
        )
    rules_file(folder, of)
    content = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": tests}
    (folder / "tests.yaml").write_text(yaml.safe_dump(content))
    done = promtool("test", "rules", str(folder / "tests.yaml"))
    return done.returncode == 0, done.stdout + done.stderr


def test_prometheus_takes_the_rules_and_the_file_they_come_from(tmp_path: Path) -> None:
    for path in (rules_file(tmp_path, EVERYTHING), CHART / "files" / "alerts.yaml"):
        done = promtool("check", "rules", str(path))
        assert done.returncode == 0, done.stdout + done.stderr


def test_every_alert_has_its_fault() -> None:
    assert FAULTS.keys() == ALERTS.keys()
    assert all(alert in case.firing for alert, case in FAULTS.items())


def test_each_fires_on_its_fault_and_no_other_does(tmp_path: Path) -> None:
    passed, said = run(tmp_path, EVERYTHING, FAULTS | MORE)
    assert passed, said


@pytest.mark.parametrize("alert", ["CanvasProcessorsStuck", "CanvasBridgeNotStoring"])
def test_an_alert_that_never_fires_is_found(tmp_path: Path, alert: str) -> None:
    broken = copy.deepcopy(EVERYTHING)
    alerts(broken)[alert]["expr"] = "vector(0) > 1"
    passed, said = run(tmp_path, broken, {alert: FAULTS[alert]})
    assert not passed
    assert alert in said


def test_an_alert_that_fires_without_a_fault_is_found(tmp_path: Path) -> None:
    broken = copy.deepcopy(EVERYTHING)
    alerts(broken)["CanvasProcessorsBehind"]["expr"] = "max(canvas_processors_raw_oldest_seconds) > 1"
    assert not run(tmp_path, broken, {"an idle night": MORE["an idle night"]})[0]


def test_a_door_that_cannot_store_is_told_by_its_503s() -> None:
    expression = ALERTS["CanvasBridgeNotStoring"]["expr"]
    reasons = set(re.findall(r'reason=~"([^"]+)"', expression)[0].split("|"))
    assert reasons == {reason for reason, answer in REFUSALS.items() if answer.status == 503}


def test_every_alert_says_what_how_bad_and_where_to_read_on() -> None:
    for name, rule in ALERTS.items():
        assert rule["labels"]["severity"] in {"warning", "critical"}, name
        assert rule["annotations"].keys() == {"summary", "description", "runbook_url"}, name
        assert rule["annotations"]["runbook_url"] == f"deploy/runbook.md#{name.lower()}"
        assert rule["for"]


def test_the_alerts_of_a_component_that_is_off_are_left_out() -> None:
    named = {group["name"] for group in groups()}
    assert named == {"canvas-bridge", "canvas-bridge-webhook", "canvas-bridge-worker"}
    assert [group["name"] for group in EVERYTHING] == [
        group["name"] for group in read_yaml(CHART / "files" / "alerts.yaml")["groups"]
    ]


def test_an_operator_labels_links_and_leaves_out_alerts() -> None:
    mine = {
        "labels": {"release": "prometheus"},
        "alertLabels": {"team": "data"},
        "runbookBaseUrl": "https://wiki.example.edu/bridge/",
        "disabled": ["CanvasProcessorsDeadLetters"],
    }
    rule = render(MINIMUM, RULE, {"prometheusRule": mine}).one("PrometheusRule", "alerts")
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    found = alerts(rule["spec"]["groups"])
    assert "CanvasProcessorsDeadLetters" not in found
    stuck = found["CanvasProcessorsStuck"]
    assert stuck["labels"] == {"severity": "critical", "team": "data"}
    assert stuck["annotations"]["runbook_url"] == (
        "https://wiki.example.edu/bridge/deploy/runbook.md#canvasprocessorsstuck"
    )
