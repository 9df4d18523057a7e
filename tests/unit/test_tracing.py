"""Whether traces are made, what a wrong setting is answered, and that trouble with them is no trouble."""

import logging
import subprocess
import sys
import threading
from collections.abc import Sequence

import pytest
from opentelemetry.sdk.resources import SERVICE_NAME
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter, SpanExportResult

from bridge import spans
from bridge.rate_limit import RateLimit
from bridge.spans import Tracer
from bridge.tracing import TRACING, TracingUnusable, asked_for
from tests.unit.trace_site import place, tracing_in_memory

ENDPOINT = "OTEL_EXPORTER_OTLP_ENDPOINT"
OF_TRACES = "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
URL = "http://collector:4318"


@pytest.fixture(autouse=True)
def log(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [type(limit) for limit in spans.log.filters] == [RateLimit]
    monkeypatch.setattr(spans.log, "filters", [RateLimit()])
    for name in ("OTEL_TRACES_EXPORTER", "OTEL_SERVICE_NAME", "OTEL_SDK_DISABLED", ENDPOINT, OF_TRACES):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("environ", "exporters"),
    [
        ({}, []),
        ({"OTEL_SERVICE_NAME": "canvas", "OTEL_TRACES_SAMPLER": "always_on"}, []),
        ({ENDPOINT: ""}, []),
        ({ENDPOINT: URL}, ["otlp"]),
        ({OF_TRACES: f"{URL}/v1/traces"}, ["otlp"]),
        ({"OTEL_TRACES_EXPORTER": "otlp"}, ["otlp"]),
        ({"OTEL_TRACES_EXPORTER": "console"}, ["console"]),
        ({"OTEL_TRACES_EXPORTER": "OTLP, console"}, ["otlp", "console"]),
        ({"OTEL_TRACES_EXPORTER": "none", ENDPOINT: URL}, []),
        ({"OTEL_TRACES_EXPORTER": "console", ENDPOINT: URL}, ["console"]),
        ({"OTEL_SDK_DISABLED": "true", ENDPOINT: URL, "OTEL_TRACES_EXPORTER": "otlp"}, []),
        ({ENDPOINT: URL, "OTEL_EXPORTER_OTLP_PROTOCOL": "http/protobuf"}, ["otlp"]),
        ({"OTEL_TRACES_EXPORTER": "console", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}, ["console"]),
    ],
)
def test_traces_are_made_where_they_are_asked_for(environ: dict[str, str], exporters: list[str]) -> None:
    assert asked_for(environ) == exporters


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"OTEL_TRACES_EXPORTER": "zipkin"}, "OTEL_TRACES_EXPORTER=zipkin: there is otlp, console and none"),
        (
            {ENDPOINT: "http://collector:4317", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"},
            "OTEL_EXPORTER_OTLP_PROTOCOL=grpc: traces are sent over http/protobuf alone",
        ),
        (
            {ENDPOINT: URL, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/json"},
            "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json",
        ),
        ({ENDPOINT: "user:s3cr3t@collector:4318"}, f"{ENDPOINT} is no URL. Set it to one like http://"),
    ],
)
def test_what_cannot_be_done_is_said_with_its_variable_and_the_remedy(
    environ: dict[str, str], said: str
) -> None:
    with pytest.raises(TracingUnusable, match="Set ") as unusable:
        asked_for(environ)
    assert str(unusable.value).startswith(said)
    assert "s3cr3t" not in str(unusable.value)


@pytest.mark.parametrize(("program", "command"), [("bridge", "webhook"), ("processors", "worker")])
def test_a_command_that_cannot_trace_ends_and_says_why(program: str, command: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", program, command],
        env={"OTEL_TRACES_EXPORTER": "zipkin", "BRIDGE_ADMIN__PORT": "0", "PROCESSORS_ADMIN__PORT": "0"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 1
    assert "OTEL_TRACES_EXPORTER=zipkin: there is otlp, console and none." in done.stderr
    assert "Traceback" not in done.stderr


def test_without_the_packages_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    monkeypatch.delitem(sys.modules, "bridge.spans")
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    with (
        pytest.raises(TracingUnusable, match=r"opentelemetry\.sdk\.trace is not .* canvas-bridge\[tracing\]"),
        TRACING.on("canvas-bridge-webhook"),
    ):
        pass
    assert TRACING.tracer is None


def test_settings_that_the_sdk_refuses_are_an_error_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    monkeypatch.setenv("OTEL_BSP_MAX_EXPORT_BATCH_SIZE", "100000")
    with pytest.raises(TracingUnusable, match=r"OTEL_\*.*max_export_batch_size"), TRACING.on("x"):
        pass


@pytest.mark.parametrize(
    ("variable", "value", "name"),
    [
        ("OTEL_TRACES_EXPORTER", "otlp", "canvas-bridge-sqs"),
        ("OTEL_SERVICE_NAME", "events", "events"),
        ("OTEL_RESOURCE_ATTRIBUTES", "service.name=ours", "ours"),
    ],
)
def test_the_service_has_its_own_name_or_the_given_one(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, name: str
) -> None:
    monkeypatch.setenv("OTEL_TRACES_EXPORTER", "otlp")
    monkeypatch.setenv(variable, value)
    with TRACING.on("canvas-bridge-sqs"):
        assert TRACING.tracer is not None
        assert TRACING.tracer._provider.resource.attributes[SERVICE_NAME] == name
    assert TRACING.tracer is None


OFF = """
import sys, asyncio
from bridge.ingress import sqs, webhook
from bridge.ingress.traced import note_refusal, traced_messages, traced_publishing, traced_requests
from bridge.tracing import TRACING
from processors.worker import command
from processors.worker.tracing import traced_delivery, traced_pipeline, traced_run
with TRACING.on("off"):
    same = object()
    note_refusal("internal")
    print(all(traced(same) is same for traced in (traced_requests, traced_publishing)))
    print(traced_messages(same, "http://sqs/q") is same, type(traced_pipeline(same, same, None)).__name__)
    print(traced_delivery(same, same) is same, traced_run(same, same) is same)
    print(sorted(name for name in sys.modules if name.startswith("opentelemetry")))
"""


@pytest.mark.parametrize("variables", [{}, {"OTEL_SERVICE_NAME": "canvas", "OTEL_TRACES_EXPORTER": "none"}])
def test_off_nothing_is_imported_and_nothing_is_put_around_anything(variables: dict[str, str]) -> None:
    lines = _lines_of(OFF, variables)
    assert lines == ["True", "True Pipeline", "True True", "[]"]


def test_on_it_is_imported() -> None:
    script = "import sys\nfrom bridge.tracing import TRACING\nwith TRACING.on('x'): "
    assert _lines_of(script + "print('opentelemetry.sdk' in sys.modules)", {ENDPOINT: URL}) == ["True"]


def _lines_of(script: str, variables: dict[str, str]) -> list[str]:
    command = [sys.executable, "-c", script]
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def test_whatever_the_sdk_has_to_say_is_one_line_without_the_message_of_an_exception(
    caplog: pytest.LogCaptureFixture,
) -> None:
    sdk = logging.getLogger("opentelemetry.exporter.otlp.proto.http.trace_exporter")
    with tracing_in_memory():
        for _ in range(5):
            sdk.warning("Transient error %s, retrying in %.2fs.", OSError("http://x/?token=s3cr3t"), 1.0)
        try:
            raise ValueError("s3cr3t")
        except ValueError:
            sdk.exception("Exception while exporting Span.")
        sdk.info("nothing to worry about")
    assert [record.getMessage() for record in caplog.records] == [
        "traces are in trouble, events are not: Transient error OSError, retrying in 1.00s."
    ]
    assert "s3cr3t" not in caplog.text


class Stuck(SpanExporter):
    """A collector that takes a connection and says nothing."""

    def __init__(self) -> None:
        self.asked, self.released = threading.Event(), threading.Event()

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        self.asked.set()
        assert self.released.wait(300)
        return SpanExportResult.SUCCESS


def test_a_collector_that_is_stuck_holds_up_neither_a_span_nor_the_end(
    caplog: pytest.LogCaptureFixture,
) -> None:
    exporter = Stuck()
    provider = TracerProvider(shutdown_on_exit=False)
    processor = BatchSpanProcessor(exporter, 64, schedule_delay_millis=1, max_export_batch_size=8)
    provider.add_span_processor(processor)
    tracer = Tracer(provider)
    try:
        for _ in range(100):
            tracer.start("one", "SERVER", None, {}).end()
        assert exporter.asked.wait(300)
        for _ in range(1000):  # more than may wait: the rest is lost, and nobody waits
            tracer.start("one of too many", "SERVER", None, {}).end()
        tracer.close(0.05)
    finally:
        exporter.released.set()
    said = [record.getMessage() for record in caplog.records]
    assert "traces are in trouble, events are not: Queue full, dropping Span." in said
    assert said[-1] == "the last spans were not exported within 0 s: they are lost"
    assert len(said) == 2


def test_a_span_that_fails_says_of_what_type_and_no_more() -> None:
    with tracing_in_memory() as traces:
        assert TRACING.tracer is not None
        with (
            pytest.raises(ValueError, match="s3cr3t"),
            TRACING.tracer.around("one", "SERVER", None, {}),
            TRACING.tracer.below("two", "PRODUCER", {}),
        ):
            raise ValueError("s3cr3t")
        two, one = traces.spans
        assert traces.told() == [{"error.type": "ValueError"}] * 2
        assert place(two)[2] == place(one)[1]
        assert [span.status.is_ok for span in traces.spans] == [False, False]


def test_below_nothing_there_is_no_span() -> None:
    with tracing_in_memory() as traces:
        assert TRACING.tracer is not None
        with TRACING.tracer.below("one", "PRODUCER", {}) as span:
            assert span is None
        assert traces.spans == []
