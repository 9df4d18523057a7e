"""Patch rules: what they do to a delivery, and what is said of a file or a delivery they do not fit."""

from importlib.resources import files
from pathlib import Path
from typing import Any

import orjson
import pytest

from processors.dead_letters.patch import NotPatchable, Patch, Rule, Verb, When
from processors.dead_letters.patch_file import PatchFileError, read_patch
from tests.unit.letters import letter_of

LETTER = letter_of(orjson.dumps({"metadata": {"event_name": "course_updated", "time": 1}, "body": {}}))


def patch(*rules: Rule) -> Patch:
    return Patch("a test", When(), rules, "0" * 8)


def rule(verb: str, pointer: str, **more: Any) -> Rule:
    return Rule(1, Verb(verb), pointer, **more)


DOCUMENT: dict[str, Any] = {
    "a": {"b": 1, "~x/y": 2, "": 3},
    "list": [1, 2, {"c": None}],
    "text": "secret",
    "null": None,
    "0": "zero",
}


@pytest.mark.parametrize(
    ("applied", "place", "expected"),
    [
        (rule("set", "/a/b", value=5), ("a", "b"), 5),
        (rule("set", "/a/new", value={"deep": [1]}), ("a", "new"), {"deep": [1]}),
        (rule("set", "/list/0", value=9), ("list",), [9, 2, {"c": None}]),
        (rule("set", "/list/2/c", value=True), ("list", 2), {"c": True}),
        (rule("set", "/list/-", value=4), ("list",), [1, 2, {"c": None}, 4]),
        (rule("set", "/list/3", value=4), ("list",), [1, 2, {"c": None}, 4]),
        (rule("set", "/a/~0x~1y", value="n"), ("a", "~x/y"), "n"),
        (rule("set", "/a/", value="n"), ("a", ""), "n"),
        (rule("set", "/0", value="n"), ("0",), "n"),
        (rule("set", "/null", value=0), ("null",), 0),
        (rule("remove", "/list/1"), ("list",), [1, {"c": None}]),
        (rule("remove", "/list/2/c"), ("list", 2), {}),
        (rule("rename", "/a/b", to="/list/2/d"), ("list", 2), {"c": None, "d": 1}),
        (rule("rename", "/null", to="/a/c"), ("a", "c"), None),
    ],
    ids=str,
)
def test_a_rule_changes_its_place_and_no_other(applied: Rule, place: tuple[Any, ...], expected: Any) -> None:
    before = orjson.dumps(DOCUMENT)
    after = patch(applied).apply(DOCUMENT)
    assert orjson.dumps(DOCUMENT) == before
    value: Any = after
    for key in place:
        value = value[key]
    assert value == expected
    if applied.verb is not Verb.SET:
        assert applied.pointer not in pointers(after) or applied.pointer.startswith("/list/")
    touched = {applied.pointer.split("/")[1], applied.to.split("/")[1] if applied.to else ""}
    assert {key: item for key, item in after.items() if key not in touched} == {
        key: item for key, item in DOCUMENT.items() if key not in touched
    }


def pointers(value: Any, at: str = "") -> set[str]:
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    found = {at}
    for key, item in items:
        found |= pointers(item, f"{at}/{key}")
    return found


@pytest.mark.parametrize(
    ("applied", "cause"),
    [
        (rule("remove", "/a/none"), "rule 1 (remove /a/none): there is no such place in the delivery"),
        (rule("remove", "/list/7"), "there is no such place"),
        (rule("remove", "/text/0"), "there is no such place"),
        (rule("rename", "/a/none", to="/a/x"), "there is no such place"),
        (rule("rename", "/a/b", to="/text"), "there is a value at /text already"),
        (rule("rename", "/a/b", to="/none/x"), "there is no object, or list of that length, at /none"),
        (rule("set", "/none/x", value=1), "there is no object, or list of that length, at /none"),
        (rule("set", "/text/x", value=1), "there is no object, or list of that length, at /text"),
        (rule("set", "/null/x", value=1), "there is no object, or list of that length, at /null"),
        (rule("set", "/list/9", value=1), "there is no object, or list of that length, at /list"),
        (rule("set", "/list/x", value=1), "there is no object, or list of that length, at /list"),
    ],
    ids=str,
)
def test_a_rule_without_a_place_says_so_and_quotes_nothing(applied: Rule, cause: str) -> None:
    with pytest.raises(NotPatchable) as problem:
        patch(applied).apply(DOCUMENT)
    assert cause in str(problem.value)
    assert "secret" not in str(problem.value)
    assert problem.value.__cause__ is None
    assert problem.value.__suppress_context__ or problem.value.__context__ is None


@pytest.mark.parametrize("document", [None, 5, "text", [1], []])
def test_a_document_that_is_no_object_is_not_patchable(document: Any) -> None:
    for applied in (rule("set", "/a/b", value=1), rule("remove", "/a"), rule("rename", "/a", to="/b")):
        with pytest.raises(NotPatchable):
            patch(applied).apply(document)


def test_rules_apply_in_their_order() -> None:
    rules = (rule("remove", "/text"), rule("rename", "/a/b", to="/text"), rule("set", "/a/b", value=7))
    after = patch(*rules).apply(DOCUMENT)
    assert (after["text"], after["a"]["b"]) == (1, 7)


def test_changes_are_told_masked_unless_asked_otherwise() -> None:
    applied = patch(
        rule("rename", "/text", to="/name"), rule("set", "/a/b", value="Ada"), rule("set", "/0", value="zero")
    )
    after = applied.apply(DOCUMENT)
    assert applied.changes(DOCUMENT, after, unmasked=False) == [
        "/text: aaaaaa -> (absent)",
        "/name: (absent) -> aaaaaa",
        "/a/b: 9 -> Aaa",
    ]
    assert "/text: secret -> (absent)" in applied.changes(DOCUMENT, after, unmasked=True)


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        (When(), True),
        (When({"reason": "missing_event_time", "event": "course_updated"}), True),
        (When({"reason": "missing_event_time", "event": "course_created"}), False),
        (When({"field": "/metadata/event_time", "fingerprint": LETTER.fingerprint}), True),
        (When({"fingerprint": "00000000"}), False),
        (When({}, {"/metadata/time": 1}), True),
        (When({}, {"/metadata/time": True}), False),
        (When({}, {"/metadata/time": 1, "/metadata/none": 1}), False),
    ],
)
def test_when_all_of_it_must_hold(when: When, *, holds: bool) -> None:
    assert when.holds(LETTER, orjson.loads(LETTER.raw.value)) is holds


def written(folder: Path, text: str) -> Path:
    file = folder / "patch.toml"
    file.write_text(text, "utf-8")
    return file


def test_the_example_is_read_as_it_says() -> None:
    example = read_patch(Path(str(files("processors.dead_letters") / "example_patch.toml")))
    assert example.when == When(
        {"reason": "missing_event_time", "event": "grade_change"}, {"/metadata/producer": "canvas"}
    )
    assert example.rules == [
        Rule(1, Verb.RENAME, "/metadata/time", to="/metadata/event_time"),
        Rule(2, Verb.SET, "/metadata/context_type", "Course"),
        Rule(3, Verb.REMOVE, "/body/debug"),
    ]


def test_the_fingerprint_is_of_what_the_file_says(tmp_path: Path) -> None:
    text = 'name = "n"\n[[rules]]\nremove = "/a"\n'
    one = read_patch(written(tmp_path, text)).fingerprint
    assert one == read_patch(written(tmp_path, "# why\n" + text + "\n")).fingerprint
    assert one != read_patch(written(tmp_path, text.replace("/a", "/b"))).fingerprint


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("name = ", "cannot be read as TOML"),
        ("\x00", "cannot be read as TOML"),
        ('[[rules]]\nremove = "/a"', "name: must say what the patch is for"),
        ('name = "n"', "rules: write each under [[rules]]"),
        ('name = "n"\nrules = 5', "rules: write each under [[rules]]"),
        (
            'name = "n"\nnote = 1\n[[rules]]\nremove = "/a"',
            "note: there is no such key. The keys are name, when, rules",
        ),
        ('name = "n"\n[[rules]]\ncopy = "/a"', "rule 1: must have one of set, remove, rename, and has 0"),
        (
            'name = "n"\n[[rules]]\nremove = "/a"\nset = "/b"',
            "rule 1: must have one of set, remove, rename, and has 2",
        ),
        ('name = "n"\n[[rules]]\nset = "/a"', "rule 1 (set /a): value is missing"),
        ('name = "n"\n[[rules]]\nrename = "/a"', "rule 1 (rename /a): to is missing"),
        (
            'name = "n"\n[[rules]]\nremove = "/a"\nvalue = 1',
            "rule 1 (remove /a): value does not go with remove",
        ),
        ('name = "n"\n[[rules]]\nremove = "a"', 'rule 1 (remove a): "a" is no JSON pointer'),
        ('name = "n"\n[[rules]]\nremove = ""', '"" is no JSON pointer'),
        ('name = "n"\n[[rules]]\nremove = "/a~2"', '"/a~2" is no JSON pointer'),
        ('name = "n"\n[[rules]]\nremove = 5', "5 is no JSON pointer"),
        ('name = "n"\n[[rules]]\nrename = "/a"\nto = "b"', 'rule 1 (rename /a) to: "b" is no JSON pointer'),
        ('name = "n"\n[[rules]]\nset = "/a"\nvalue = 2026-03-01', "write a time in quotes"),
        ('name = "n"\n[[rules]]\nset = "/a"\nvalue = [nan]', "nothing that JSON has"),
        ('name = "n"\nwhen = 1\n[[rules]]\nremove = "/a"', "when: must be a table"),
        ('name = "n"\n[when]\nname = "x"\n[[rules]]\nremove = "/a"', "[when] name: there is no such key"),
        ('name = "n"\n[when]\nreason = 1\n[[rules]]\nremove = "/a"', "[when] reason: must be a text"),
        ('name = "n"\n[when]\nequals = 1\n[[rules]]\nremove = "/a"', "[when] equals: must be like"),
        (
            'name = "n"\n[when]\nequals = { a = 1 }\n[[rules]]\nremove = "/a"',
            '[when] equals: "a" is no JSON pointer',
        ),
    ],
)
def test_what_is_wrong_with_a_file_is_said(tmp_path: Path, text: str, problem: str) -> None:
    file = written(tmp_path, text)
    with pytest.raises(PatchFileError) as told:
        read_patch(file)
    assert problem in str(told.value)
    assert str(told.value).startswith(str(file))


def test_all_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(PatchFileError) as told:
        read_patch(written(tmp_path, 'other = 1\n[[rules]]\nset = "a"\n'))
    assert len(str(told.value).splitlines()) == 4
