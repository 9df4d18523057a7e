"""The disk under SQLite, as SQLite sees it: every write and fsync told, held up or refused.

A VFS of SQLite's own (https://www.sqlite.org/vfs.html) that hands everything on to the system's. It is put
into the very library that Python's sqlite3 calls, so what is tested is the code as it runs.
"""

import ctypes
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CFUNCTYPE, POINTER, Structure, byref, c_char_p, c_int, c_int64, c_void_p, cast
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

FULL, IOERR_WRITE, IOERR_FSYNC, IOERR_READ = 13, 10 | 3 << 8, 10 | 4 << 8, 10 | 1 << 8

Kind = Literal["write", "truncate", "sync", "delete", "mark"]


@dataclass(frozen=True, slots=True)
class Op:
    """One thing done to a file. `file`: its name; `at`: offset, or size of a truncation."""

    kind: Kind
    file: str
    at: int = 0
    data: bytes = b""


class Disk:
    """`ops`: what was done, in order. `refuse`: SQLite's result code by kind. `open`: unset, holds syncs up.

    `in_earnest`: whether an fsync is one; a test that keeps the books itself can do without.
    """

    def __init__(self, *, in_earnest: bool = True) -> None:
        self.in_earnest = in_earnest
        self.ops: list[Op] = []
        self.refuse: dict[str, int] = {}
        self.open = threading.Event()
        self.open.set()

    def mark(self, label: str) -> None:
        self.ops.append(Op("mark", label))

    def count(self, kind: Kind, end: str = "") -> int:
        return sum(op.kind == kind and op.file.endswith(end) for op in self.ops)

    def do(self, op: Op) -> int:
        """SQLite's result code; 0: go on."""
        if op.kind == "sync":
            self.open.wait()
        code = self.refuse.get(op.kind, 0)
        if not code:
            self.ops.append(op)
        return code


class _Methods(Structure):
    names = (
        "close read write truncate sync fileSize lock unlock checkReservedLock fileControl sectorSize "
        "deviceCharacteristics shmMap shmLock shmBarrier shmUnmap fetch unfetch"
    )
    _fields_ = [("version", c_int), *((name, c_void_p) for name in names.split())]


class _Vfs(Structure):
    names = (
        "open delete access fullPathname dlOpen dlError dlSym dlClose randomness sleep currentTime "
        "getLastError currentTimeInt64 setSystemCall getSystemCall nextSystemCall"
    )
    _fields_ = [
        ("version", c_int),
        ("osFile", c_int),
        ("maxPathname", c_int),
        ("next", c_void_p),
        ("name", c_char_p),
        ("appData", c_void_p),
        *((name, c_void_p) for name in names.split()),
    ]


_Open = CFUNCTYPE(c_int, c_void_p, c_void_p, c_void_p, c_int, c_void_p)
_Delete = CFUNCTYPE(c_int, c_void_p, c_char_p, c_int)
_Read = CFUNCTYPE(c_int, c_void_p, c_void_p, c_int, c_int64)
_Truncate = CFUNCTYPE(c_int, c_void_p, c_int64)
_Sync = CFUNCTYPE(c_int, c_void_p, c_int)


def _library() -> Any:
    """The library Python's sqlite3 stands on: one that is loaded already."""
    import sqlite3  # noqa: F401, PLC0415 - loads it

    for line in Path("/proc/self/maps").read_text().splitlines():
        path = line.split(maxsplit=5)[-1]
        if "libsqlite3" in path or "/_sqlite3" in path:
            library = ctypes.CDLL(path)
            if hasattr(library, "sqlite3_vfs_find"):
                return library
    raise RuntimeError("Python's SQLite is linked in and hidden: use a Python with a libsqlite3 of its own")


class _Shim:
    """The VFS that watches. Lives as long as the process: SQLite keeps pointers into it."""

    def __init__(self) -> None:
        self.disk: Disk | None = None
        self._library = _library()
        self._library.sqlite3_vfs_find.restype = POINTER(_Vfs)
        self._system = self._library.sqlite3_vfs_find(None)
        self._vfs = _Vfs.from_buffer_copy(self._system.contents)
        self._vfs.name = b"watched"
        self._files: dict[int, str] = {}
        self._tables: dict[int, _Methods] = {}
        self._kept: list[Any] = []
        system_open, system_delete = _Open(self._system.contents.open), _Delete(self._system.contents.delete)

        def open_(_: int, name: int | None, file: int, flags: int, out: int) -> int:
            code = system_open(cast(self._system, c_void_p), name, file, flags, out)
            if code == 0 and name:
                self._files[file] = Path(ctypes.string_at(name).decode()).name
                self._watch(file)
            return int(code)

        def delete(_: int, name: bytes, sync: int) -> int:
            return self._told(Op("delete", Path(name.decode()).name)) or int(
                system_delete(cast(self._system, c_void_p), name, sync)
            )

        self._vfs.open, self._vfs.delete = self._keep(_Open(open_)), self._keep(_Delete(delete))

    def install(self) -> None:
        self._library.sqlite3_vfs_register(byref(self._vfs), 1)

    def remove(self) -> None:
        self._library.sqlite3_vfs_register(self._system, 1)

    def _told(self, op: Op) -> int:
        return self.disk.do(op) if self.disk else 0

    def _keep(self, function: Any) -> c_void_p:
        self._kept.append(function)
        return cast(function, c_void_p)

    def _watch(self, file: int) -> None:
        pointer = c_void_p.from_address(file)
        table = pointer.value or 0
        if table not in self._tables:
            self._tables[table] = self._watched(_Methods.from_address(table))
        pointer.value = ctypes.addressof(self._tables[table])

    def _watched(self, system: _Methods) -> _Methods:
        methods = _Methods.from_buffer_copy(system)
        system_read, system_write = _Read(system.read), _Read(system.write)
        system_truncate, system_sync = _Truncate(system.truncate), _Sync(system.sync)

        def read(file: int, buffer: int, amount: int, at: int) -> int:
            code = self.disk.refuse.get("read", 0) if self.disk else 0
            return code or int(system_read(file, buffer, amount, at))

        def write(file: int, buffer: int, amount: int, at: int) -> int:
            op = Op("write", self._files[file], at, ctypes.string_at(buffer, amount))
            return self._told(op) or int(system_write(file, buffer, amount, at))

        def truncate(file: int, size: int) -> int:
            return self._told(Op("truncate", self._files[file], size)) or int(system_truncate(file, size))

        def sync(file: int, flags: int) -> int:
            code = self._told(Op("sync", self._files[file]))
            in_earnest = self.disk is None or self.disk.in_earnest
            return code or (int(system_sync(file, flags)) if in_earnest else 0)

        methods.read, methods.write = self._keep(_Read(read)), self._keep(_Read(write))
        methods.truncate, methods.sync = self._keep(_Truncate(truncate)), self._keep(_Sync(sync))
        return methods


_shims: list[_Shim] = []


@contextmanager
def watched_disk(disk: Disk | None = None, *, in_earnest: bool = True) -> Iterator[Disk]:
    """The disk of every database that is opened inside the block; `disk`: one of a kind of its own."""
    if not _shims:
        _shims.append(_Shim())
    (shim,) = _shims
    disk = shim.disk = disk or Disk(in_earnest=in_earnest)
    shim.install()
    try:
        yield disk
    finally:
        disk.open.set()
        shim.remove()
        shim.disk = None
