"""Downloads from a Maven repository of our own: whole or not at all, once, shown."""

import io
import tarfile
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from rich.console import Console

from bridge.sandbox.engines.base import EngineUnavailable
from bridge.sandbox.engines.java.downloads import ATTEMPTS, Downloads, Program
from bridge.sandbox.engines.java.progress import DownloadProgress

POM = """<project xmlns="http://maven.apache.org/POM/4.0.0"><modelVersion>4.0.0</modelVersion>
<groupId>org.example</groupId><artifactId>{name}</artifactId><version>1.0</version>{more}</project>"""
NEEDS_PART = """<dependencies><dependency><groupId>org.example</groupId><artifactId>part</artifactId>
<version>1.0</version></dependency></dependencies>"""
WHOLE = Program("Whole 1.0", ("org.example:whole:1.0",))
PACKED = Program("Packed 1.0", ("org.example:packed:1.0",), packaging="tar.gz", classifier="all")


class Repository(ThreadingHTTPServer):
    """Files by the end of their path. `broken`: how often a jar's connection breaks off half way."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.broken = 0
        self.asked: list[str] = []
        self.files = {
            "whole-1.0.pom": POM.format(name="whole", more=NEEDS_PART).encode(),
            "part-1.0.pom": POM.format(name="part", more="").encode(),
            "packed-1.0.pom": POM.format(name="packed", more="").encode(),
            "whole-1.0.jar": b"w" * 100_000,
            "part-1.0.jar": b"p" * 100_000,
            "packed-1.0-all.tar.gz": _archive(),
        }

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


class _Handler(BaseHTTPRequestHandler):
    server: Repository

    def do_GET(self) -> None:
        name = self.path.rpartition("/")[2]
        content = self.server.files.get(name)
        if content is None:
            self.send_error(404)
            return
        self.server.asked.append(name)
        self.send_response(200)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        if name.endswith(".jar") and self.server.broken:
            self.server.broken -= 1
            content = content[: len(content) // 2]
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        pass


def _archive() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w:gz") as packed:
        entry = tarfile.TarInfo("program.jar")
        entry.size = 4
        packed.addfile(entry, io.BytesIO(b"code"))
    return file.getvalue()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Repository]:
    monkeypatch.setenv("M2_REPO", str(tmp_path / "maven"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with Repository() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def screen() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def downloads(repository: Repository, screen: io.StringIO) -> Downloads:
    return Downloads(DownloadProgress(Console(file=screen, width=200)), {"ours": repository.url})


def test_jars_come_with_what_they_need_and_come_once(
    downloads: Downloads, repository: Repository, screen: io.StringIO
) -> None:
    paths = [Path(path) for path in downloads.class_path(WHOLE).split(":")]
    assert {path.name: path.stat().st_size for path in paths} == {
        "whole-1.0.jar": 100_000,
        "part-1.0.jar": 100_000,
    }
    lines = screen.getvalue().splitlines()
    assert lines[0] == "Whole 1.0: downloading …"
    assert lines[-1] == "Whole 1.0: 4 files, 0.2 MB downloaded"
    repository.asked.clear()
    again = Downloads(DownloadProgress(Console(file=screen)), {"ours": repository.url})
    assert [Path(path) for path in again.class_path(WHOLE).split(":")] == paths
    assert repository.asked == []
    assert screen.getvalue().splitlines() == lines


def test_a_connection_that_breaks_off_is_tried_again(downloads: Downloads, repository: Repository) -> None:
    repository.broken = 2
    for path in downloads.class_path(WHOLE).split(":"):
        assert Path(path).stat().st_size == 100_000


def test_what_did_not_come_whole_is_not_there(
    downloads: Downloads, repository: Repository, tmp_path: Path
) -> None:
    repository.broken = 2 * ATTEMPTS
    with pytest.raises(EngineUnavailable, match=r"cannot get Whole 1\.0 .*Check the network"):
        downloads.class_path(WHOLE)
    assert [
        path for path in (tmp_path / "maven").rglob("*") if path.is_file() and path.suffix != ".pom"
    ] == []
    repository.broken = 0
    assert downloads.class_path(WHOLE)


def test_what_does_not_exist_is_said(downloads: Downloads) -> None:
    with pytest.raises(EngineUnavailable, match=r"cannot get Gone 1\.0 \(org\.example:gone:1\.0\)"):
        downloads.folder(Program("Gone 1.0", ("org.example:gone:1.0",), packaging="tar.gz", classifier="all"))


def test_an_archive_is_unpacked_once(downloads: Downloads, repository: Repository, tmp_path: Path) -> None:
    folder = downloads.folder(PACKED)
    assert folder == tmp_path / "cache" / "canvas-bridge" / "packed-1.0"
    assert (folder / "program.jar").read_bytes() == b"code"
    repository.asked.clear()
    assert downloads.folder(PACKED) == folder
    assert repository.asked == []


def test_a_broken_archive_leaves_nothing_unpacked(downloads: Downloads, repository: Repository) -> None:
    repository.files["packed-1.0-all.tar.gz"] = b"no archive"
    with pytest.raises(EngineUnavailable, match=r"cannot get Packed 1\.0"):
        downloads.folder(PACKED)
    repository.files["packed-1.0-all.tar.gz"] = _archive()
    assert (downloads.folder(PACKED) / "program.jar").exists()


def test_a_terminal_sees_a_bar(repository: Repository, screen: io.StringIO) -> None:
    console = Console(file=screen, width=200, force_terminal=True)
    Downloads(DownloadProgress(console), {"ours": repository.url}).class_path(WHOLE)
    assert "whole-1.0.jar" in screen.getvalue()
    assert "4 files" in screen.getvalue()
