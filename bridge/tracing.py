"""Whether this process makes traces: OpenTelemetry's own variables say so, else nothing of it is imported.

Asked for by OTEL_TRACES_EXPORTER (otlp, console) or by an OTLP endpoint. Whoever makes spans asks
TRACING.tracer once, at the start, and where it is None leaves everything as it is: an event then costs
nothing more.
"""

import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING, Final, Literal

if TYPE_CHECKING:
    from bridge.spans import Tracer

EXPORTERS: Final = ("otlp", "console")
ENDPOINTS: Final = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
PROTOCOLS: Final = ("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_PROTOCOL")
PROTOCOL: Final = "http/protobuf"
STOP_SECONDS: Final = 5.0

# All that a span may tell: ids, names of a closed set, outcomes. A URL, a path, a header, a payload or the
# message of an exception could hold a secret.
Attribute = Literal[
    "canvas.event_name",
    "canvas.outcome",
    "canvas.reason",
    "cloudevents.event_id",
    "error.type",
    "http.response.status_code",
    "messaging.destination.name",
    "messaging.destination.partition.id",
    "messaging.kafka.offset",
    "messaging.operation.name",
    "messaging.operation.type",
    "messaging.system",
]
Attributes = Mapping[Attribute, str | int]

log = logging.getLogger(__name__)


class TracingUnusable(ValueError):
    """Traces are asked for and cannot be made; the message names the variable, the cause and the remedy."""


class Tracing:
    """`tracer` makes the spans of this process; None where nobody asks for any."""

    def __init__(self) -> None:
        self.tracer: Tracer | None = None

    @contextmanager
    def on(self, service: str) -> Iterator[None]:
        """Traces inside it, as that service, where the environment asks for them.

        At the end what is left is exported, for STOP_SECONDS at most. Raises TracingUnusable.
        """
        exporters = asked_for(os.environ)
        if not exporters:
            yield
            return
        self.tracer = tracer = _tracer(service, exporters)
        log.info("traces are on: %s", ", ".join(exporters))
        try:
            yield
        finally:
            self.tracer = None
            tracer.close(STOP_SECONDS)


TRACING: Final = Tracing()


def asked_for(environ: Mapping[str, str]) -> list[str]:
    """The exporters that the variables ask for; none, no traces. Raises TracingUnusable."""
    if environ.get("OTEL_SDK_DISABLED", "").strip().lower() == "true":
        return []
    endpoint = _first(environ, ENDPOINTS)
    given = environ.get("OTEL_TRACES_EXPORTER", "").strip() or ("otlp" if endpoint else "none")
    exporters = [name for name in (part.strip().lower() for part in given.split(",")) if name != "none"]
    for name in exporters:
        if name not in EXPORTERS:
            raise TracingUnusable(
                f"OTEL_TRACES_EXPORTER={given}: there is otlp, console and none. Set one of them."
            )
    if "otlp" in exporters:
        _check_otlp(environ, endpoint)
    return exporters


def _check_otlp(environ: Mapping[str, str], endpoint: str | None) -> None:
    protocol = _first(environ, PROTOCOLS)
    if protocol and environ[protocol] != PROTOCOL:
        raise TracingUnusable(
            f"{protocol}={environ[protocol]}: traces are sent over {PROTOCOL} alone. Set that, and the "
            f"collector's port for it (4318) in {ENDPOINTS[1]}."
        )
    # Its value is not quoted: it may hold a password.
    if endpoint and not environ[endpoint].startswith(("http://", "https://")):
        raise TracingUnusable(f"{endpoint} is no URL. Set it to one like http://collector:4318.")


def _first(environ: Mapping[str, str], names: tuple[str, ...]) -> str | None:
    return next((name for name in names if environ.get(name)), None)


def _tracer(service: str, exporters: list[str]) -> "Tracer":
    try:
        made: Tracer = import_module("bridge.spans").tracer(service, exporters)
    except ModuleNotFoundError as error:
        raise TracingUnusable(
            f"OTEL_* asks for traces, but the module {error.name} is not installed. Install "
            "canvas-bridge[tracing], or set OTEL_TRACES_EXPORTER=none."
        ) from None
    except (ValueError, RuntimeError) as error:
        raise TracingUnusable(f"OpenTelemetry refuses its settings (OTEL_*): {error}") from None
    return made
