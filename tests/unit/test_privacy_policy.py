"""A policy's file: what is read, and that nothing that could leave personal data in goes unsaid."""

from pathlib import Path

import pytest

import processors.privacy
from processors.catalogue import load_catalogue
from processors.privacy.configured import configured_protection
from processors.privacy.decisions import load_policy
from processors.privacy.policy import DROP, KEEP, Action, PolicyError, Verb
from processors.privacy.protect import Protection
from processors.privacy.pseudonyms import Pseudonyms
from processors.settings import PrivacySettings

CATALOGUE = load_catalogue()
EXAMPLE = Path(processors.privacy.__file__).with_name("example.toml")
HEAD = 'version = "1"\nunknown = "drop"\n'
KEY = "k" * 32
HMAC = Action(Verb.HMAC)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "privacy.toml"


def problems(file: Path, text: str) -> list[str]:
    file.write_text(text)
    with pytest.raises(PolicyError) as refused:
        load_policy(file, CATALOGUE)
    assert str(refused.value).splitlines() == [f"{file}: {problem}" for problem in refused.value.problems]
    return refused.value.problems


def test_the_example_can_be_applied() -> None:
    policy = load_policy(EXAMPLE, CATALOGUE)
    assert policy.version == "2026-03"
    assert policy.unknown == DROP
    assert policy.classes == {"direct": DROP, "indirect": HMAC, "free_text": KEEP}
    assert policy.paths["body", "body"] == Action(Verb.TRUNCATE, 200)
    assert policy.events == {"user_created": {("body", "name"): KEEP}}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('[classes]\ndirekt = "drop"', "[classes] direkt: there is no such class. The classes are direct, "),
        ('[classes]\nnone = "drop"', "[classes] none: there is no such class."),
        ('[classes]\ndirect = "dorp"', '[classes] direct: "dorp" is no action: write "keep", "drop", "hmac"'),
        ("[classes]\ndirect = true", "[classes] direct: true is no action"),
        ('[classes]\ndirect = "truncate"', '[classes] direct: "truncate" is no action'),
        ("[classes]\ndirect = { truncate = 0 }", '{"truncate": 0} is no action'),
        ("[classes]\ndirect = { truncate = true }", "is no action"),
        ("[classes]\ndirect = { truncate = 3, hmac = 1 }", "is no action"),
        ("[classes]\ndirect = 2026-03-01", '[classes] direct: "2026-03-01" is no action'),
        ('[class]\ndirect = "drop"', "class: there is no such key. The keys are version, unknown, classes"),
        ("paths = 3", "paths: must be a table. Write its rules under [paths]"),
        ('[paths]\n"/body/usr_id" = "drop"', "[paths] /body/usr_id: no event has this field. Did you mean "),
        ('[paths]\n"/event_id" = "drop"', "[paths] /event_id: no event has this field. A policy is for "),
        ('[paths]\n"/body/user/id/x" = "drop"', "/body/user/id/x: no event has this field"),
        ('[paths]\n"/metadata/user_login/" = "drop"', "Did you mean /metadata/user_login?"),
        ('[paths]\n"/" = "drop"', "[paths] /: no event has this field"),
        (
            '[paths]\nuser_id = "drop"',
            '[paths] "user_id": is no path. A path begins with /metadata/ or /body/',
        ),
        ('[paths]\n"/extra/body" = "drop"', "/extra/body: no event has this field. Did you mean /extra?"),
        (
            '[events.user_create]\n"/body/name" = "drop"',
            "no schema knows this event. Did you mean user_created?",
        ),
        ('[events.quizzes.item_created]\n"/body/id" = "drop"', "is no path. A path begins with"),
        (
            '[events.logged_in]\n"/body/name" = "drop"',
            "[events.logged_in] /body/name: logged_in has no such field",
        ),
        ('[events]\nlogged_in = "drop"', '[events."logged_in"]: must be a table of paths'),
    ],
)
def test_what_no_schema_or_rule_bears_out_is_refused(file: Path, text: str, said: str) -> None:
    assert any(said in problem for problem in problems(file, HEAD + text))


def test_everything_that_is_wrong_is_said_at_once(file: Path) -> None:
    text = '[classes]\na = "drop"\nb = "drop"\n[paths]\nc = "drop"'
    assert len(problems(file, text)) == 5  # with version and unknown


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('unknown = "drop"', 'version: must be a text like "2026-03"'),
        ('version = 3\nunknown = "drop"', "version: must be a text"),
        ('version = "a/b"\nunknown = "drop"', "version: must be a text"),
        ('version = "1"', 'unknown: must be "keep" or "drop"'),
        ('version = "1"\nunknown = "hmac"', 'unknown: must be "keep" or "drop"'),
    ],
)
def test_version_and_unknown_events_must_be_said(file: Path, text: str, said: str) -> None:
    (problem,) = problems(file, text)
    assert problem.startswith(said)


@pytest.mark.parametrize("text", ["[classes", HEAD + '[classes]\ndirect="drop"\ndirect="keep"', "\x00"])
def test_what_is_no_toml_is_refused_a_rule_written_twice_too(file: Path, text: str) -> None:
    (problem,) = problems(file, text)
    assert problem.startswith("cannot be read as TOML: ")


def test_what_is_no_utf8_is_refused(file: Path) -> None:
    file.write_bytes(b'version = "\xff"')
    with pytest.raises(PolicyError, match="cannot be read as TOML"):
        load_policy(file, CATALOGUE)


@pytest.mark.parametrize("action", ['"hmac"', "{ truncate = 3 }"])
@pytest.mark.parametrize(
    ("table", "path", "field"),
    [
        ("paths", "/body/score", "/body/score is a double"),
        ("paths", "/body/graded_at", "/body/graded_at is a timestamp-millis"),
        ("paths", "/body/late", "/body/late is a boolean"),
        ("paths", "/metadata", "/metadata/send_time is a timestamp-millis"),
        ("paths", "/body/integration_data", "/body/integration_data is a map"),
        ("paths", "/extra", "/extra is a map"),
        ("events.submission_created", "/body/attempt", "/body/attempt is a long"),
        ("events.submission_created", "/extra", "/extra is a map"),
    ],
)
def test_what_is_no_text_has_neither_pseudonym_nor_beginning(
    file: Path, table: str, path: str, field: str, action: str
) -> None:
    (problem,) = problems(file, f'{HEAD}[{table}]\n"{path}" = {action}')
    assert f"[{table}] {path}: " in problem
    assert "is for texts, but " in problem
    assert field in problem
    assert "Give each a rule of its own, keep or drop" in problem


def test_a_rule_of_its_own_is_the_remedy(file: Path) -> None:
    file.write_text(f'{HEAD}[paths]\n"/metadata" = "hmac"\n"/metadata/send_time" = "keep"')
    assert load_policy(file, CATALOGUE).needs_key


def test_a_long_list_of_what_is_no_text_is_cut(file: Path) -> None:
    (problem,) = problems(file, HEAD + '[paths]\n"/body" = "hmac"')
    assert problem.count(" is a ") == 5
    assert "more are none either" in problem


def test_the_fingerprint_is_of_the_rules(file: Path) -> None:
    def fingerprint(text: str) -> str:
        file.write_text(text)
        return load_policy(file, CATALOGUE).fingerprint

    rules = '[classes]\ndirect = "drop"\n'
    same = fingerprint(HEAD + rules)
    assert len(same) == 8
    assert fingerprint(f'# a word\nunknown = "drop"\nversion = "1"\n{rules}') == same
    assert fingerprint(HEAD + rules.replace("drop", "keep")) != same


@pytest.mark.parametrize(
    ("text", "needs"),
    [
        ('[classes]\ndirect = "hmac"', True),
        ('[paths]\n"/body/name" = "hmac"', True),
        ('[events.user_created]\n"/body/name" = "hmac"', True),
        ('[classes]\ndirect = "drop"', False),
    ],
)
def test_pseudonyms_need_a_key(file: Path, text: str, *, needs: bool) -> None:
    file.write_text(HEAD + text)
    policy = load_policy(file, CATALOGUE)
    assert policy.needs_key is needs
    if needs:
        with pytest.raises(ValueError, match="there is no key"):
            Protection(policy, CATALOGUE, None)
    else:
        for pseudonyms in (None, Pseudonyms(KEY)):  # a key that is not used says nothing of a record
            assert Protection(policy, CATALOGUE, pseudonyms).mark == f"1/{policy.fingerprint}/-"


def test_the_mark_names_version_rules_and_key(file: Path) -> None:
    file.write_text(HEAD + '[classes]\ndirect = "hmac"')
    policy, pseudonyms = load_policy(file, CATALOGUE), Pseudonyms(KEY)
    assert Protection(policy, CATALOGUE, pseudonyms).mark == f"1/{policy.fingerprint}/{pseudonyms.key_id}"


def settings(tmp_path: Path, policy: Path | None, key: str | None) -> PrivacySettings:
    if key is not None:
        (tmp_path / "processors_privacy__key").write_text(f"{key}\n")
    return PrivacySettings(policy=policy, _secrets_dir=tmp_path)


def test_off_unless_a_file_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("POLICY", "KEY"):
        monkeypatch.delenv(f"PROCESSORS_PRIVACY__{name}", raising=False)
    assert configured_protection(settings(tmp_path, None, None), CATALOGUE) is None


def test_a_key_without_a_policy_is_no_protection_and_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="PROCESSORS_PRIVACY__KEY is set and no privacy policy is"):
        configured_protection(settings(tmp_path, None, KEY), CATALOGUE)


@pytest.mark.parametrize("name", ["", "nowhere.toml"])
def test_a_policy_that_is_not_there_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="PROCESSORS_PRIVACY__POLICY: there is no file"):
        configured_protection(settings(tmp_path, Path(name), None), CATALOGUE)


@pytest.mark.parametrize("key", ["swordfish", f" {'s' * 31} "])
def test_a_short_key_is_refused_and_not_repeated(tmp_path: Path, file: Path, key: str) -> None:
    file.write_text(HEAD + '[classes]\ndirect = "hmac"')
    with pytest.raises(ValueError, match="32 characters or more") as refused:
        configured_protection(settings(tmp_path, file, key), CATALOGUE)
    assert key.strip() not in str(refused.value)


def test_a_key_is_the_same_from_a_file_and_a_variable(
    tmp_path: Path, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file.write_text(HEAD + '[classes]\ndirect = "hmac"')
    from_file = configured_protection(settings(tmp_path, file, KEY), CATALOGUE)
    monkeypatch.setenv("PROCESSORS_PRIVACY__KEY", f"{KEY}\n")
    monkeypatch.setenv("PROCESSORS_PRIVACY__POLICY", str(file))
    from_variable = configured_protection(PrivacySettings(), CATALOGUE)
    assert from_file
    assert from_variable
    assert from_file.mark == from_variable.mark
    assert from_file.mark.endswith(f"/{Pseudonyms(KEY).key_id}")
