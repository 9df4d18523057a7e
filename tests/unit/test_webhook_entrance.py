"""Who comes in: plain and signed on one port, by content, and the secret of plain deliveries."""

import logging
from pathlib import Path
from typing import Any

import orjson
import pytest
from prometheus_client import generate_latest
from pydantic import SecretStr, ValidationError

from bridge.door_settings import WebhookSettings
from bridge.ingress import entrance as module
from bridge.ingress.answers import REFUSALS
from bridge.metrics import REFUSED
from tests.unit.doors import ACCOUNT, EVENT, KID, metric, serving_jwks, token, webhook_settings
from tests.unit.webhook_site import run, site

NEW, OLD = "swordfish-0123456789", "swordfish-9876543210"
PLAIN = orjson.dumps(EVENT)
HEADER = "X-Canvas-Bridge-Secret"


def test_on_one_port_a_token_is_verified_and_anything_else_is_plain() -> None:
    async def go() -> None:
        async with serving_jwks() as canvas, site(accept="both", jwks_url=canvas.url) as at:
            for body in (PLAIN, b"{", b"", b"null", b'"text"', b"a.b", b"a.b.c.d"):
                assert await at.post(body) == 202
                assert at.kafka.records[-1].value == body
                assert at.kafka.records[-1].header("canvas.signature.kid") is None
            for body in (token(), b'"' + token() + b'"', b' \n"%s" ' % token()):
                assert await at.post(body) == 202
                assert orjson.loads(at.kafka.records[-1].value)["metadata"] == EVENT["metadata"]
                assert at.kafka.records[-1].header("canvas.signature.kid") == KID

    run(go())


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (token(key="stranger"), "signature"),
        (b'"' + token(key="stranger") + b'"', "signature"),
        (b"eyJhbGciOiJub25lIn0.e30.", "algorithm"),
        (token(headers={"kid": "2019-10-01T21:08:45Z"}), "unknown_key"),
        (token(exp=1), "expired"),
        (token({"metadata": {"root_account_uuid": "another"}}), "root_account"),
    ],
)
def test_a_token_that_does_not_hold_is_never_taken_as_plain(body: bytes, reason: Any) -> None:
    async def go() -> None:
        settings: dict[str, Any] = {"accept": "both", "root_account_uuids": ACCOUNT}
        async with serving_jwks() as canvas, site(jwks_url=canvas.url, **settings) as at:
            before = metric(REFUSED, "webhook", reason)
            assert await at.post(body) == 401
            assert metric(REFUSED, "webhook", reason) == before + 1
            assert at.kafka.records == []

    run(go())


def test_an_unsigned_event_in_signed_mode_is_refused() -> None:
    async def go() -> None:
        async with serving_jwks() as canvas, site(accept="signed", jwks_url=canvas.url, secret=NEW) as at:
            assert await at.post(PLAIN) == 401
            assert await at.post(PLAIN, f"/{NEW}") == 401
            assert at.kafka.records == []

    run(go())


@pytest.mark.parametrize("path", ["/", "/canvas"])
def test_a_plain_delivery_shows_the_secret_as_last_segment_or_in_a_header(path: str) -> None:
    base = path.rstrip("/")

    async def go() -> None:
        async with site(path=path, secret=NEW, secret_previous=OLD) as at:
            for secret in (NEW, OLD):
                assert await at.post(PLAIN, f"{base}/{secret}") == 202
                assert await at.post(PLAIN, f"{base}/{secret}?from=canvas") == 202
                assert await at.post(PLAIN, path, **{HEADER: secret}) == 202
            assert len(at.kafka.records) == 6
            wrong = (NEW[:-1], NEW + "0", NEW.upper(), "", "x", f"{NEW}{OLD}", f"{NEW}/", f"x/{NEW}")
            for secret in wrong:
                assert await at.post(PLAIN, f"{base}/{secret}") == 404
                assert await at.post(PLAIN, path, **{HEADER: secret}) == 404
            assert await at.post(PLAIN, path) == 404
            assert await at.post(PLAIN, path, **{HEADER: "é" * 20}) == 404
            assert await at.post(PLAIN, f"/else/{NEW}") == 404
            assert await at.post(PLAIN, f"{path}?secret={NEW}") == 404
            assert len(at.kafka.records) == 6

    run(go())


def test_a_wrong_secret_is_answered_as_a_wrong_path_and_counted_by_its_own_name() -> None:
    rows = [REFUSALS["secret"], REFUSALS["path"]]
    assert len({(row.status, row.text, str(row.headers)) for row in rows}) == 1

    async def go() -> None:
        async with site(secret=NEW) as at:
            before = metric(REFUSED, "webhook", "secret"), metric(REFUSED, "webhook", "path")
            for path in ("/wrong", "/", "/a/b"):
                assert await at.post(PLAIN, path) == 404
            after = metric(REFUSED, "webhook", "secret"), metric(REFUSED, "webhook", "path")
            assert after == (before[0] + 2, before[1] + 1)

    run(go())


def test_a_signed_delivery_needs_no_secret_beside_its_signature() -> None:
    async def go() -> None:
        async with serving_jwks() as canvas, site(accept="both", jwks_url=canvas.url, secret=NEW) as at:
            assert await at.post(token(), "/") == 202
            assert await at.post(token(), f"/{NEW}") == 202
            assert await at.post(token(), "/wrong") == 404
            assert await at.post(PLAIN, "/") == 404
            assert await at.post(PLAIN, f"/{NEW}") == 202

    run(go())


def test_every_value_is_compared_in_constant_time(monkeypatch: pytest.MonkeyPatch) -> None:
    compared: list[bytes] = []

    def compare(one: bytes, other: bytes) -> bool:
        compared.append(one)
        return one == other

    monkeypatch.setattr(module, "compare_digest", compare)

    async def go() -> None:
        async with site(secret=NEW, secret_previous=OLD) as at:
            for shown, status in ((NEW, 202), (OLD, 202), ("wrong", 404)):
                compared.clear()
                assert await at.post(PLAIN, f"/{shown}") == status
                assert compared == [NEW.encode(), OLD.encode()]

    run(go())


def test_without_a_secret_the_paths_beneath_are_wrong_paths() -> None:
    async def go() -> None:
        async with site() as at:
            assert await at.post(PLAIN, f"/{NEW}") == 404
            assert await at.post(PLAIN, "/") == 202

    run(go())


def test_the_secret_is_in_no_log_no_metric_and_no_settings_text(caplog: pytest.LogCaptureFixture) -> None:
    async def go() -> None:
        async with site(secret=NEW, secret_previous=OLD) as at:
            at.kafka.fail(RuntimeError("fault"))
            assert await at.post(PLAIN, f"/{NEW}") == 503
            at.kafka.fail()
            assert await at.post(PLAIN, "/", **{HEADER: NEW}) == 503
            assert await at.post(PLAIN, f"/{NEW}x") == 404
            wire = await at.wire()
            wire.send(b"POST /%s HTTP/1.1\r\nHost: x\r\nbad\r\n\r\n" % NEW.encode())
            assert NEW.encode() not in await wire.rest()
            assert NEW not in repr(at.door._settings)

    with caplog.at_level(logging.DEBUG):
        run(go())
    assert "swordfish" not in caplog.text
    assert b"swordfish" not in generate_latest()


def test_secrets_come_from_files_too(tmp_path: Path) -> None:
    (tmp_path / "bridge_webhook__secret").write_text(f"{NEW}\n")
    (tmp_path / "bridge_webhook__secret_previous").write_text("")
    settings = WebhookSettings(_secrets_dir=tmp_path)
    assert settings.secret == SecretStr(NEW)
    assert settings.secret_previous is None


@pytest.mark.parametrize("weak", ["2short", "with/slash/0123456789", "with space 0123456789", "ö" * 20])
def test_a_secret_that_is_weak_or_fits_no_path_is_refused_unseen(weak: str) -> None:
    with pytest.raises(ValidationError, match="16 to 256 letters") as refused:
        webhook_settings(secret=weak)
    assert weak not in str(refused.value)
