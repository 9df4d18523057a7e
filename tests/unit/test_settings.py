"""Settings: what is read, and what is refused before it can do harm."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from bridge.door_settings import SqsSettings, WebhookSettings
from bridge.settings import KafkaSettings

LIST = "BRIDGE_WEBHOOK__ROOT_ACCOUNT_UUIDS"


@pytest.mark.parametrize("text", ["a,b", " a , b ,", '["a", "b"]', ' ["a","b"]'])
def test_root_accounts_are_a_list_with_commas_or_json(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIST, text)
    assert WebhookSettings().root_account_uuids == {"a", "b"}
    assert WebhookSettings(root_account_uuids=text).root_account_uuids == {"a", "b"}


@pytest.mark.parametrize("text", ["", " ", ",", "[]"])
def test_no_root_accounts(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIST, text)
    assert WebhookSettings().root_account_uuids == frozenset()


def test_a_broken_list_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIST, '["a"')
    with pytest.raises(ValidationError):
        WebhookSettings()


@pytest.mark.parametrize(
    "url",
    [
        "https://keys.example.com/jwks",
        "http://127.0.0.1:8000/jwks",
        "http://127.9.9.9/jwks",
        "http://localhost:1/jwks",
        "http://[::1]:8000/jwks",
    ],
)
def test_keys_come_over_https_or_from_this_machine(url: str) -> None:
    assert WebhookSettings(jwks_url=url).jwks_url == url


@pytest.mark.parametrize(
    "url",
    [
        "http://keys.example.com/jwks",
        "http://127.0.0.1.example.com/jwks",
        "http://localhost.example.com/",
        "http://10.0.0.1/jwks",
        "http://user@10.0.0.1/127.0.0.1",
        "https://",
        "file:///etc/jwks",
        "ftp://127.0.0.1/jwks",
        "jwks",
        "",
    ],
)
def test_keys_come_from_nowhere_else(url: str) -> None:
    with pytest.raises(ValidationError, match="must be an https URL"):
        WebhookSettings(jwks_url=url)


def test_a_body_that_may_come_fits_into_a_record_and_under_the_bound() -> None:
    with pytest.raises(ValidationError):
        WebhookSettings(max_body_bytes=2_000_001)
    with pytest.raises(ValidationError):
        WebhookSettings(max_in_flight_bytes=1_999_999)
    assert WebhookSettings().max_body_bytes <= WebhookSettings().max_in_flight_bytes


def test_the_defaults_authenticate() -> None:
    settings = WebhookSettings()
    assert settings.accept == "signed"
    assert settings.issuer == "https://live-events.canvas.instructure.com"
    assert settings.jwks_url.startswith("https://")
    assert settings.host == "127.0.0.1"


def test_canvas_hears_of_a_failure_before_it_gives_up_waiting() -> None:
    assert KafkaSettings().delivery_timeout_seconds < 15


def test_a_secret_shows_in_no_text_of_the_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KAFKA_SASL_PASSWORD", "swordfish")
    settings = KafkaSettings()
    assert settings.sasl_password is not None
    assert settings.sasl_password.get_secret_value() == "swordfish"
    assert "swordfish" not in f"{settings!r}{settings}{settings.model_dump_json()}"


def test_a_secret_may_be_a_file(tmp_path: Path) -> None:
    (tmp_path / "kafka_sasl_password").write_text("swordfish")
    password = KafkaSettings(_secrets_dir=tmp_path).sasl_password
    assert password is not None
    assert password.get_secret_value() == "swordfish"


@pytest.mark.parametrize("change", [{"wait_seconds": 21}, {"receivers": 0}, {"visibility_seconds": 10}])
def test_what_sqs_would_refuse_is_refused_here(change: dict[str, int]) -> None:
    with pytest.raises(ValidationError):
        SqsSettings.model_validate({"queue_url": "https://sqs.example.com/q", **change})
