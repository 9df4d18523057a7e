"""What an exception says may quote a payload: a log tells its type, and where it was raised."""

import asyncio
import io
import logging
import sys

import orjson
import pytest
from aiokafka.errors import ProducerFenced
from confluent_kafka import KafkaError, KafkaException

from bridge.settings import LogSettings
from bridge.telemetry import DiscreetFormatter, JsonFormatter, configure_logging
from processors.registry import RegistryError
from processors.rollups.roll_up_app import keep_rolling
from processors.rollups.trouble import TopicsDiffer, told

SECRET = "s3cr3t"


def raised(error: Exception) -> Exception:
    try:
        try:
            raise KeyError(SECRET)
        except KeyError as cause:
            raise error from cause
    except type(error) as caught:
        return caught


@pytest.fixture
def log() -> logging.Logger:
    """A logger that nobody else listens to: pytest's own handler would show everything."""
    log = logging.getLogger("tests.log_secrecy")
    log.propagate = False
    return log


@pytest.mark.parametrize("formatter", [JsonFormatter(), DiscreetFormatter("%(message)s")])
def test_a_traceback_is_written_without_the_messages_of_its_exceptions(
    log: logging.Logger, formatter: logging.Formatter
) -> None:
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    log.handlers = [handler]
    log.error("a fault", exc_info=raised(ValueError(f"no number: {SECRET}")))
    written = stream.getvalue()
    for part in ("a fault", "in raised", "ValueError", "which came of", "KeyError"):
        assert part in written
    assert SECRET not in written.replace("KeyError(SECRET)", "")


def test_what_was_raised_without_regard_to_the_first_does_not_show_the_first() -> None:
    formatter = DiscreetFormatter()
    try:
        try:
            raise KeyError(SECRET)
        except KeyError:
            raise ValueError(SECRET) from None
    except ValueError:
        text = formatter.formatException(sys.exc_info())
    assert text.endswith("\nValueError")
    assert "which came of" not in text


@pytest.mark.parametrize("form", ["text", "json"])
def test_every_log_of_a_process_is_written_so(form: str, capsys: pytest.CaptureFixture[str]) -> None:
    root = logging.getLogger()
    before = root.handlers[:], root.level
    try:
        root.handlers = []
        configure_logging(LogSettings(format=form))
        logging.getLogger("asyncio").error("a task", exc_info=raised(ValueError(SECRET)))
    finally:
        root.handlers, level = before
        root.setLevel(level)
    written = capsys.readouterr().err
    assert "ValueError" in written
    assert SECRET not in written
    if form == "json":
        assert "in raised" in orjson.loads(written)["traceback"]


@pytest.mark.parametrize(
    "error",
    [
        RegistryError("set SCHEMA_REGISTRY_URL"),
        TopicsDiffer("set SCHEMA_REGISTRY_URL"),
        KafkaException(KafkaError(KafkaError._TRANSPORT, "set SCHEMA_REGISTRY_URL")),
        ProducerFenced("set SCHEMA_REGISTRY_URL"),
    ],
)
def test_what_speaks_of_servers_and_topics_is_quoted(error: Exception) -> None:
    assert "set SCHEMA_REGISTRY_URL" in told(error)


def test_of_anything_else_a_rollup_tells_the_type_and_the_place() -> None:
    text = told(raised(ValueError(SECRET)))
    assert text.startswith("ValueError\n")
    assert "in raised" in text
    assert SECRET not in text.replace("KeyError(SECRET)", "")
    assert told(ValueError(SECRET)) == "ValueError"
    assert told(TimeoutError()) == "TimeoutError"


def test_rollups_that_stop_are_told_of_without_the_message(caplog: pytest.LogCaptureFixture) -> None:
    async def go() -> None:
        stopping = asyncio.Event()

        async def fail() -> None:
            stopping.set()
            raise ValueError(SECRET)

        await keep_rolling(fail, stopping)  # type: ignore[arg-type]

    asyncio.run(go())
    assert "the rollups stopped and start again: ValueError" in caplog.text
    assert "in fail" in caplog.text
    assert SECRET not in caplog.text
