"""Serves the registry from a thread of its own."""

import asyncio
import threading

from aiohttp import web

from bridge.sandbox.engines.registry.routes import application
from bridge.sandbox.engines.registry.subjects import SubjectStore


class RegistryServer:
    """Starts and stops as often as wanted: the store outlives the server, as a registry's database does."""

    def __init__(self, store: SubjectStore) -> None:
        self._store = store
        self._thread: threading.Thread | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping = asyncio.Event()
        self._port = 0

    @property
    def url(self) -> str:
        """Base URL; known after the first start."""
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        """Listens on loopback: the first time on a free port, then on the same again. Raises OSError."""
        ready = threading.Event()
        failures: list[OSError] = []
        self._thread = threading.Thread(
            target=lambda: asyncio.run(self._serve(ready, failures)), name="schema-registry", daemon=True
        )
        self._thread.start()
        ready.wait()
        if failures:
            self._thread.join()
            raise failures[0]

    def stop(self) -> None:
        """Closes the port; harmless when it is closed."""
        if self._loop is not None and self._thread is not None:
            self._loop.call_soon_threadsafe(self._stopping.set)
            self._thread.join()
        self._loop = None

    async def _serve(self, ready: threading.Event, failures: list[OSError]) -> None:
        self._stopping = asyncio.Event()
        runner = web.AppRunner(application(self._store), access_log=None, shutdown_timeout=1)
        try:
            await runner.setup()
            await web.TCPSite(runner, "127.0.0.1", self._port).start()
            self._port = runner.addresses[0][1]
            self._loop = asyncio.get_running_loop()
            ready.set()
            await self._stopping.wait()
        except OSError as error:
            failures.append(error)
        finally:
            await runner.cleanup()
            ready.set()
