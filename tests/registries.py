"""Registries for tests: the sandbox's in this process, one that answers by a script, and other schemas."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any

from confluent_kafka.schema_registry import SchemaRegistryClient

from bridge.sandbox.engines.registry.server import RegistryServer
from bridge.sandbox.engines.registry.subjects import SubjectStore
from bridge.settings import SchemaRegistrySettings
from processors.patience import Patience
from processors.registry import AvroSchema, Registry
from processors.schemas.registration import SubjectResult, register_all


@contextmanager
def registry_over(store: SubjectStore) -> Iterator[SchemaRegistrySettings]:
    """The sandbox's registry, serving what is in the store."""
    server = RegistryServer(store)
    server.start()
    try:
        yield SchemaRegistrySettings(url=server.url)
    finally:
        server.stop()


def register_again(
    settings: SchemaRegistrySettings, schemas: dict[str, AvroSchema], *, dry_run: bool = False
) -> list[SubjectResult]:
    """Registers as another run of the command does, which remembers nothing."""
    with Registry(settings) as registry:
        return register_all(registry, schemas, dry_run=dry_run)


def subjects_of(registry: SchemaRegistryClient, *, deleted: bool = False) -> set[str]:
    """Every subject. Apicurio lists a thousand at a time, and other tests have left theirs."""
    found: set[str] = set()
    while page := set(registry.get_subjects(deleted=deleted, offset=len(found), limit=500)) - found:
        found |= page
    return found


class Impatience(Patience):
    """Waits no time, and counts how often it was to wait."""

    waits = 0

    def wait(self, attempt: int) -> bool:
        self.waits = attempt + 1
        return not self.stopping


class ScriptedRegistry(HTTPServer):
    """Answers with statuses and bodies in turn, the last one for ever; `seen` counts the requests."""

    def __init__(self, *script: tuple[int, str]) -> None:
        super().__init__(("127.0.0.1", 0), _ScriptedHandler)
        self.script = list(script)
        self.seen = 0

    @property
    def settings(self) -> SchemaRegistrySettings:
        """How to reach it; the URL carries a password."""
        return SchemaRegistrySettings(url=f"http://user:secret@127.0.0.1:{self.server_port}/api")

    @contextmanager
    def serving(self) -> Iterator[SchemaRegistrySettings]:
        """Serves from a thread of its own."""
        thread = Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield self.settings
        finally:
            self.shutdown()
            thread.join()
            self.server_close()


class _ScriptedHandler(BaseHTTPRequestHandler):
    server: ScriptedRegistry

    def handle_one_request(self) -> None:
        self.raw_requestline = self.rfile.readline()
        if not self.raw_requestline or not self.parse_request():
            self.close_connection = True
            return
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.seen += 1
        status, body = self.server.script.pop(0) if len(self.server.script) > 1 else self.server.script[0]
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body.encode())
        self.close_connection = True

    def log_message(self, *_: Any) -> None:
        """Says nothing."""
