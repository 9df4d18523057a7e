"""deploy/runbook.md has a section for every alert, and all that it names is there."""

import re

import click

from tests.chart.programs import FIELDS, PROGRAMS, command_of
from tests.chart.release import CHART, ROOT, read_yaml

PAGE = (ROOT / "deploy" / "runbook.md").read_text("utf-8")
ALERTS = [
    rule["alert"] for group in read_yaml(CHART / "files" / "alerts.yaml")["groups"] for rule in group["rules"]
]
COMMAND = re.compile(
    r"(?<![=\w])(canvas-bridge|canvas-processors) ((?:[a-z-]+ ?)+)((?:--[a-z-]+[ =]?\S* ?)*)"
)
VALUE = re.compile(r"`((?:webhook|sqs|worker|networkPolicy|setup|kafka)\.[\w.]+)`")


def test_it_has_a_section_for_every_alert_and_no_other() -> None:
    sections = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", PAGE, re.MULTILINE | re.DOTALL))
    assert list(sections) == ALERTS
    for name, section in sections.items():
        found = re.findall(r"^\*\*(\w+)\*\* \S", section, re.MULTILINE)
        assert found == ["Symptom", "Cause", "Check", "Remedy"], name


def test_every_link_within_it_leads_to_a_section() -> None:
    links = re.findall(r"\]\(#(\w+)\)", PAGE)
    assert links
    assert set(links) <= {alert.lower() for alert in ALERTS}


def test_every_command_it_names_is_there_with_its_options() -> None:
    text = re.sub(r"\s+", " ", PAGE)
    # In backticks, or after `kubectl exec`.
    found = [match for part in re.findall(r"`+([^`]+)`+", text) for match in COMMAND.finditer(part)]
    assert len(found) > 20
    for match in found:
        program, words, options = match[1], match[2].split(), match[3]
        command: click.Command = PROGRAMS[program]
        names: list[str] = []
        while isinstance(command, click.Group) and words:
            names.append(words.pop(0))
            assert names[-1] in command.list_commands(click.Context(command)), match[0]
            command = command_of(program, *names)
        known = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"--[a-z-]+", options)) <= known, match[0]


def test_every_variable_and_value_it_names_is_there() -> None:
    variables = set(re.findall(r"\b(?:BRIDGE|PROCESSORS|KAFKA)_[A-Z_]+\b", PAGE))
    assert variables
    assert variables <= FIELDS.keys()
    values = read_yaml(CHART / "values.yaml")
    named = set(VALUE.findall(PAGE))
    assert named
    for path in named:
        part = values
        for key in path.split("."):
            assert key in part, path
            part = part[key]
