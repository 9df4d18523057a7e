"""Logs, metrics and probes: what a process tells its operator."""

import logging
import sys
import threading
from collections.abc import Callable, Iterable
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer, make_server

import orjson
from prometheus_client import make_wsgi_app

from bridge.settings import LogSettings

Check = Callable[[], bool]


class JsonFormatter(logging.Formatter):
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
    text = logging.Formatter("%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    handler.setFormatter(JsonFormatter() if settings.format == "json" else text)
    logging.basicConfig(level=settings.level, handlers=[handler], force=True)


class AdminServer:
    """Serves /metrics, /healthz/live and /healthz/ready from a thread of its own.

    `live` means "the work loop makes progress", never "Kafka is reachable": a restart cures only the first.
    """

    def __init__(self, host: str, port: int, live: Check, ready: Check) -> None:
        self._checks = {"/healthz/live": live, "/healthz/ready": ready}
        self._metrics = make_wsgi_app()
        self._server = make_server(host, port, self._answer, WSGIServer, _QuietHandler)
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
        check = self._checks.get(path)
        if check is None:
            status, text = "404 Not Found", b"/metrics, /healthz/live or /healthz/ready\n"
        else:
            status, text = ("200 OK", b"ok\n") if check() else ("503 Service Unavailable", b"not ok\n")
        start_response(status, [("Content-Type", "text/plain"), ("Content-Length", str(len(text)))])
        return [text]


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the name is the base class's
        """Probes and scrapes are not worth a line each."""
