"""Logs, metrics and probes: what a process tells its operator."""

import logging
import sys
import threading
import traceback
from collections.abc import Callable, Iterable
from contextlib import suppress
from socketserver import ThreadingMixIn
from typing import Any, Final
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import orjson
from prometheus_client import make_wsgi_app

from bridge.settings import LogSettings
from bridge.status import STATUS

Check = Callable[[], bool]

REQUEST_SECONDS: Final = 10.0  # for a request to arrive


def where_raised(error: BaseException) -> str:
    """The lines of its traceback. The message of an exception may quote the payload; they do not."""
    return "".join(traceback.format_tb(error.__traceback__))


class DiscreetFormatter(logging.Formatter):
    """Tells of an exception where it was raised and its type. Its message may quote a payload."""

    def formatException(self, ei: Any) -> str:  # noqa: N802 - the name is the base class's
        """The traceback, and those of what caused it, without messages."""
        told, error = [], ei[1]
        while error is not None:
            told.append(
                f"Traceback (most recent call last):\n{where_raised(error)}{type(error).__qualname__}"
            )
            error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
        return "\n\nwhich came of\n\n".join(told)


class JsonFormatter(DiscreetFormatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        """Time, level, logger, message and, where there is one, the traceback."""
        fields = {
            "time": self.formatTime(record, "%Y-%m-%dT%H:%M:%S%z"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info:
            fields["traceback"] = self.formatException(record.exc_info)
        return orjson.dumps(fields).decode()


def configure_logging(settings: LogSettings) -> None:
    """Sends the logs of this process to standard error."""
    handler = logging.StreamHandler(sys.stderr)
    text = DiscreetFormatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    handler.setFormatter(JsonFormatter() if settings.format == "json" else text)
    logging.basicConfig(level=settings.level, handlers=[handler], force=True)


class AdminServer:
    """Serves metrics, probes and the status page from threads of its own.

    /healthz (also /healthz/live): the work loop makes progress, never "Kafka is reachable", for a restart
    cures only the first. /readyz (also /healthz/ready): work is taken now. /status: STATUS as JSON.
    """

    def __init__(self, host: str, port: int, live: Check, ready: Check) -> None:
        self._checks = {"/healthz": live, "/healthz/live": live, "/readyz": ready, "/healthz/ready": ready}
        self._metrics = make_wsgi_app()
        self._server = make_server(host, port, self._answer, _Server, _Handler)
        self.port: int = self._server.server_port
        threading.Thread(target=self._server.serve_forever, name="admin", daemon=True).start()

    def close(self) -> None:
        """Stops listening."""
        self._server.shutdown()
        self._server.server_close()

    def _answer(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        path = environ.get("PATH_INFO", "")
        if path == "/metrics":
            metrics: Iterable[bytes] = self._metrics(environ, start_response)
            return metrics
        status, kind, content = self._page(path)
        start_response(status, [("Content-Type", kind), ("Content-Length", str(len(content)))])
        return [content]

    def _page(self, path: str) -> tuple[str, str, bytes]:
        """Status line, content type and content."""
        if path == "/status":
            content = orjson.dumps(STATUS.report(), default=str, option=orjson.OPT_APPEND_NEWLINE)
            return "200 OK", "application/json", content
        check = self._checks.get(path)
        if check is None:
            return "404 Not Found", "text/plain", b"/metrics, /status, /healthz or /readyz\n"
        if check():
            return "200 OK", "text/plain", b"ok\n"
        return "503 Service Unavailable", "text/plain", b"not ok\n"


class _Server(ThreadingMixIn, WSGIServer):
    """A thread for each request: whoever connects and says nothing must not hold a probe up."""

    daemon_threads = True


class _Handler(WSGIRequestHandler):
    timeout = REQUEST_SECONDS

    def handle(self) -> None:
        """Answers one request; a client that went away, or never said one, is no news."""
        with suppress(TimeoutError, ConnectionError):
            super().handle()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Probes and scrapes are not worth a line each."""
