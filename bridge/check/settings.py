"""What the settings leave open, or cannot work: seen without asking anybody."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from bridge.check.base import Finding, Site, ok, problem, skipped, warning
from bridge.delivery_budget import CANVAS_WAITS_SECONDS
from bridge.door_settings import SpoolSettings, SqsSettings, WebhookSettings, is_loopback
from bridge.settings import KafkaSettings

DELIVERIES: Final = 16  # of the largest size that should find room at a time
SPOOL_MORE_BYTES: Final = 32 * 1_048_576  # what the store takes beside the records
STATE: Final = "BRIDGE_STATE_DIRECTORY"
SPOOL: Final = "BRIDGE_SPOOL__DIRECTORY"
WITHOUT: Final = {
    STATE: "the delivery budget begins at 0 with each start",
    SPOOL: "while Kafka is away deliveries are answered 503, and Canvas gives up after some 20 minutes",
}


class SettingsCheck:
    """Authentication, secrecy, bounds and directories."""

    name = "settings"

    def needless(self, site: Site) -> str | None:
        """Never."""
        return None

    def find(self, site: Site) -> Iterator[Finding]:
        """Findings on each configured part."""
        yield from kafka(site.kafka)
        if site.webhook:
            yield authentication(site.webhook)
            yield from webhook(site.webhook, site.kafka)
            yield directory("state directory", site.state.state_directory, STATE)
            yield from spool(site.spool)
        if site.sqs:
            yield visibility(site.sqs, site.kafka)


def authentication(settings: WebhookSettings) -> Finding:
    """Who can write events: Canvas and ours alone, any customer of Canvas, or anybody."""
    name = "webhook authentication"
    if settings.accept != "signed" and not settings.secret:
        return warning(
            name,
            f"BRIDGE_WEBHOOK__ACCEPT={settings.accept} and no secret: whoever reaches the port can write",
            "have Canvas sign and set signed, or set BRIDGE_WEBHOOK__SECRET",
        )
    if settings.accept != "plain" and not settings.root_account_uuids:
        return warning(
            name,
            "no list of root accounts: every Canvas customer signs with the same keys and can post to you",
            "set BRIDGE_WEBHOOK__ROOT_ACCOUNT_UUIDS",
        )
    if settings.accept != "plain" and not settings.issuer:
        return warning(
            name, "any issuer is accepted", "leave BRIDGE_WEBHOOK__ISSUER unset, its default is Canvas's"
        )
    return ok(name, f"{settings.accept} deliveries, authenticated")


def webhook(settings: WebhookSettings, kafka: KafkaSettings) -> Iterator[Finding]:
    """On times and bounds."""
    name, wait = "webhook answer", kafka.delivery_timeout_seconds
    if wait >= CANVAS_WAITS_SECONDS:
        yield problem(
            name,
            f"Kafka may take {wait:g} s to confirm, Canvas waits {CANVAS_WAITS_SECONDS:g} s",
            "set KAFKA_DELIVERY_TIMEOUT_SECONDS to 10",
        )
    else:
        yield ok(name, f"a failure is answered after {wait:g} s, before Canvas gives up waiting")
    name, room = "webhook bounds", settings.max_in_flight_bytes // settings.max_body_bytes
    if room < DELIVERIES:
        yield warning(
            name,
            f"only {room} of the largest deliveries find room at a time; more are answered 503",
            f"set BRIDGE_WEBHOOK__MAX_IN_FLIGHT_BYTES to {DELIVERIES * settings.max_body_bytes} or more",
        )
    else:
        yield ok(name, f"{room} of the largest deliveries find room at a time")


def kafka(settings: KafkaSettings) -> Iterator[Finding]:
    """On encryption and credentials."""
    name, protocol = "kafka security", settings.security_protocol
    uses_sasl = protocol.startswith("SASL")
    if uses_sasl and not settings.sasl_mechanism:
        yield problem(name, f"{protocol} without a mechanism", "set KAFKA_SASL_MECHANISM")
    elif not uses_sasl and (settings.sasl_mechanism or settings.sasl_username or settings.sasl_password):
        yield warning(
            name,
            f"credentials are set, but {protocol} shows them to nobody",
            "set KAFKA_SECURITY_PROTOCOL=SASL_SSL",
        )
    elif "SSL" not in protocol and not _all_on_loopback(settings.bootstrap_servers):
        yield warning(
            name,
            f"{protocol}: events (and a password) cross the network as they are",
            "set KAFKA_SECURITY_PROTOCOL to SSL or SASL_SSL, unless the network itself is encrypted",
        )
    else:
        yield ok(name, protocol)
    for path in (settings.ssl_ca_location, settings.ssl_certificate_location, settings.ssl_key_location):
        if path and not os.access(path, os.R_OK):
            yield problem("kafka certificates", f"{path} cannot be read", "mend the KAFKA_SSL_*_LOCATION")


def visibility(sqs: SqsSettings, kafka: KafkaSettings) -> Finding:
    """Whether a message stays ours for as long as Kafka may take."""
    name, ours, wait = "sqs door visibility", sqs.visibility_seconds, kafka.delivery_timeout_seconds
    if ours < 2 * wait:
        return warning(
            name,
            f"a message is ours for {ours} s, and Kafka may take {wait:g} s: it may be handed out twice",
            "set BRIDGE_SQS__VISIBILITY_SECONDS to 60 or more",
        )
    return ok(name, f"a message is ours for {ours} s, extended while it waits")


def spool(settings: SpoolSettings) -> Iterator[Finding]:
    """On what happens while Kafka is away."""
    yield directory("spool directory", settings.directory, SPOOL)
    if settings.directory is None:
        return
    name, free = "spool room", shutil.disk_usage(_there(settings.directory)).free
    if free < settings.max_bytes + SPOOL_MORE_BYTES:
        yield warning(
            name,
            f"{free:,} bytes are free on the disk, the spool may take {settings.max_bytes:,} and 32 MiB more",
            "give it a larger disk, or set BRIDGE_SPOOL__MAX_BYTES to less",
        )
    else:
        yield ok(name, f"up to {settings.max_bytes:,} bytes, and the disk has them")


def directory(name: str, path: Path | None, variable: str) -> Finding:
    """Whether it can be written, shown by writing an empty file, which is removed again."""
    if path is None:
        return skipped(name, f"{variable} is not set: {WITHOUT[variable]}")
    try:
        with tempfile.NamedTemporaryFile(dir=_there(path), prefix=".canvas-bridge-check-"):
            pass
    except OSError as error:
        return problem(
            name,
            f"{path} cannot be written: {error.strerror}",
            f"mend its owner or rights, or set {variable}",
        )
    return ok(name, f"{path} can be written")


def _there(path: Path) -> Path:
    """The directory itself, or where it would be made."""
    return next(each for each in (path, *path.absolute().parents) if each.exists())


def _all_on_loopback(servers: str) -> bool:
    return all(is_loopback(server.strip().rpartition(":")[0].strip("[]")) for server in servers.split(","))
