"""TLS by the webhook itself: which versions, and certificates that are renewed under way."""

import asyncio
import ssl
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from bridge.ingress import certificate as module
from bridge.ingress.base import DoorBroken
from bridge.ingress.webhook import Webhook
from bridge.metrics import CERTIFICATE_EXPIRES, CONNECTIONS_REFUSED
from tests.unit.certificates import certificate, private_key, write
from tests.unit.doors import MemoryKafka, metric, running, until, webhook_settings
from tests.unit.webhook_site import Site, Wire, request, run, site


async def connect(at: Site, most: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3) -> Wire:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("DEFAULT:@SECLEVEL=0")  # so that an old version fails at the server, not here
    context.minimum_version, context.maximum_version = ssl.TLSVersion.MINIMUM_SUPPORTED, most
    return await at.wire(context)


def name_of(wire: Wire) -> object:
    shown = wire.writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    return x509.load_der_x509_certificate(shown).subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value


async def deliver(wire: Wire) -> int:
    wire.send(request())
    return await wire.status()


def test_it_speaks_tls_of_today(tmp_path: Path) -> None:
    async def go() -> None:
        async with site(**write(tmp_path, "first")) as at:
            for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
                wire = await connect(at, version)
                assert await deliver(wire) == 202
                wire.writer.close()
            assert metric(CERTIFICATE_EXPIRES) > 0

    run(go())


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_it_speaks_no_tls_of_yesterday_and_no_plain_http(tmp_path: Path) -> None:
    async def go() -> None:
        async with site(**write(tmp_path, "first")) as at:
            before = metric(CONNECTIONS_REFUSED, "tls")
            with pytest.raises((ssl.SSLError, ConnectionError)):
                await connect(at, ssl.TLSVersion.TLSv1_1)
            plain = await at.wire()
            plain.send(request())
            assert b"202" not in await plain.rest()
            await until(lambda: metric(CONNECTIONS_REFUSED, "tls") == before + 2)
            assert at.kafka.records == []
            assert await deliver(await connect(at)) == 202

    run(go())


def test_a_renewed_certificate_is_taken_over_while_connections_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "RELOAD_SECONDS", 0.01)

    async def shown(at: Site) -> object:
        wire = await connect(at)
        wire.writer.close()
        return name_of(wire)

    async def go() -> None:
        async with site(**write(tmp_path, "first")) as at:
            old = await connect(at)
            assert name_of(old) == "first"
            write(tmp_path, "second")
            async with asyncio.timeout(30):
                while await shown(at) != "second":
                    pass
            assert await deliver(old) == 202

    run(go())


@pytest.mark.parametrize("content", [b"", b"no certificate", certificate("stranger"), None])
def test_an_unusable_renewal_is_left_until_it_is_mended(content: bytes | None, tmp_path: Path) -> None:
    settings = write(tmp_path, "first")
    held = module.Certificate(**{name.removeprefix("tls_"): file for name, file in settings.items()})
    before = held.context
    if content is None:
        (tmp_path / "tls.crt").unlink()
    else:
        (tmp_path / "tls.crt").write_bytes(content)
    held.refresh()
    assert held.context is before
    write(tmp_path, "second")
    held.refresh()
    assert held.context is not before


def test_without_a_change_nothing_is_loaded(tmp_path: Path) -> None:
    settings = write(tmp_path, "first")
    held = module.Certificate(settings["tls_certificate"], settings["tls_key"])
    before = held.context
    (tmp_path / "tls.crt").touch()
    held.refresh()
    assert held.context is before


def test_a_key_is_never_asked_for_at_the_terminal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[object] = []

    def load(_: object, *files: Path, password: object = None) -> None:
        given.append(password)

    monkeypatch.setattr(ssl.SSLContext, "load_cert_chain", load)
    settings = write(tmp_path, "first")
    module.Certificate(settings["tls_certificate"], settings["tls_key"])
    assert given == [""]


def test_a_start_without_a_usable_pair_is_said_with_the_remedy(tmp_path: Path) -> None:
    settings = write(tmp_path, "first")
    (tmp_path / "tls.key").write_bytes(private_key("first", b"swordfish"))  # nobody is there to be asked

    async def go() -> None:
        async with running(Webhook(webhook_settings(**settings)), MemoryKafka()):
            pass

    for _ in range(2):
        with pytest.raises(DoorBroken, match=r"no TLS with .*BRIDGE_WEBHOOK__TLS_KEY"):
            run(go())
        (tmp_path / "tls.key").unlink(missing_ok=True)


@pytest.mark.parametrize("name", ["tls_certificate", "tls_key"])
def test_a_certificate_and_its_key_go_together(name: str) -> None:
    with pytest.raises(ValidationError, match="set both, or neither"):
        webhook_settings(**{name: "x.pem"})
    assert webhook_settings(tls_certificate="", tls_key="").tls_key is None
