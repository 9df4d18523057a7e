"""Gets the programs from Maven Central, once: jars into Maven's cache, archives unpacked beside ours."""

import os
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from jgo.maven import Artifact, MavenContext, PythonResolver

from bridge.sandbox.engines.base import EngineUnavailable
from bridge.sandbox.engines.java.progress import DownloadProgress

ATTEMPTS = 3
TIMEOUT_SECONDS = 60
AT_A_TIME = 8

Update = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Program:
    """Something to run. `coordinates`: Maven's, `group:artifact:version`; the first names the program.

    `classifier` and `packaging` of the first say whether it is jars (with all they depend on) or one archive.
    """

    title: str
    coordinates: tuple[str, ...]
    packaging: str = "jar"
    classifier: str = ""


class Downloads:
    """Maven's cache (`$M2_REPO`, else ~/.m2/repository), filled as needed. Safe beside another process."""

    def __init__(self, progress: DownloadProgress, repositories: dict[str, str] | None = None) -> None:
        """`repositories`: name to URL; None: Maven Central."""
        self._progress = progress
        resolver = _AtomicResolver(progress.file)
        self._maven = MavenContext(resolver, remote_repos=repositories, timeout=TIMEOUT_SECONDS)

    def class_path(self, program: Program) -> str:
        """The program's jars and all they need, as Java's class path.

        Raises EngineUnavailable where they are neither cached nor to be had.
        """
        with self._reporting(program):
            wanted = [self._maven.create_dependency(text) for text in program.coordinates]
            own, needed = self._maven.resolver.resolve(wanted)
            artifacts = [item.artifact for item in own + needed if item.scope in ("compile", "runtime", None)]
            with ThreadPoolExecutor(AT_A_TIME) as pool:
                paths = list(pool.map(Artifact.resolve, artifacts))
        return os.pathsep.join(str(path) for path in paths)

    def folder(self, program: Program) -> Path:
        """Where the program's archive is unpacked: `$XDG_CACHE_HOME/canvas-bridge/<artifact>-<version>`.

        Raises EngineUnavailable where it is neither cached nor to be had.
        """
        group, artifact, version = program.coordinates[0].split(":")
        target = _cache() / f"{artifact}-{version}"
        if not target.exists():
            with self._reporting(program):
                component = self._maven.project(group, artifact).at_version(version)
                archive = component.artifact(program.classifier, program.packaging).resolve()
                try:
                    _unpack(archive, target)
                except (tarfile.TarError, EOFError):
                    archive.unlink()  # the next start fetches it anew
                    raise
        return target

    @contextmanager
    def _reporting(self, program: Program) -> Iterator[None]:
        with self._progress.program(program.title):
            try:
                yield
            except (OSError, RuntimeError, EOFError, tarfile.TarError) as error:
                what = f"{program.title} ({', '.join(program.coordinates)})"
                raise EngineUnavailable(
                    f"cannot get {what} from Maven Central: {error}. Check the network or the proxy "
                    "(HTTPS_PROXY) and start again: what has arrived is kept."
                ) from error


class _AtomicResolver(PythonResolver):
    """A file is in the cache whole or not at all, even when the download is broken off."""

    def __init__(self, count: Callable[[str, int], AbstractContextManager[Update]]) -> None:
        super().__init__(progress_callback=count)

    def download(self, artifact: Artifact) -> Path | None:
        final = artifact.cached_path
        if final is None:
            raise OSError("Maven's cache has no folder")
        final.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=final.parent, prefix=".download-") as folder:
            staged = self._download_into(Path(folder), artifact)
            staged.replace(final)
        return final

    def _download_into(self, folder: Path, artifact: Artifact) -> Path:
        maven = artifact.context
        staging = MavenContext(self, folder, [], maven.remote_repos, maven.timeout)
        component = staging.project(artifact.groupId, artifact.artifactId).at_version(artifact.version)
        copy = component.artifact(artifact.classifier, artifact.packaging)
        for attempt in range(1, ATTEMPTS + 1):
            try:
                path = super().download(copy)
            except OSError:  # of requests: the connection broke off
                if copy.cached_path is not None:
                    copy.cached_path.unlink(missing_ok=True)
                if attempt == ATTEMPTS:
                    raise
            else:
                if path is not None:
                    return path
        raise OSError(f"{artifact} was not downloaded")


def _unpack(archive: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".unpack-") as folder:
        with tarfile.open(archive) as packed:
            packed.extractall(Path(folder) / "new", filter="data")
        try:
            (Path(folder) / "new").rename(target)
        except OSError:
            if not target.exists():  # else another process was quicker
                raise


def _cache() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "canvas-bridge"
