"""An append-only log of JSON lines that is on disk before anybody is told so.

One thread writes; while it waits for the disk, the lines of everybody else gather into its next write, so that thousands of
lines a second cost some dozens of syncs.
"""

import asyncio
import fcntl
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

_TAIL: Final = 1 << 16
_JSON: Final = json.JSONEncoder(separators=(",", ":"))


class JournalBroken(Exception):
    """The log cannot be written or read, so nothing more may be answered."""


class Journal:
    """One log file, used from one event loop. Every entry gets `seq`, one more than the line before it, across restarts.

    `broken` is done, with JournalBroken, as soon as a write fails.
    """

    def __init__(self, path: Path, heard: Callable[[Mapping[str, Any]], None] | None = None) -> None:
        """Opens the log, creating it and its folder. A last line cut short by a crash, which nobody was told of, goes.
        heard: is given every entry with its seq, before it is on disk. Raises JournalBroken."""
        self.broken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._loop = asyncio.get_running_loop()
        self._path = path
        self._heard = heard
        self._lines: list[str] = []
        self._waiters: list[asyncio.Future[None]] = []
        self._work = threading.Condition()
        self._closing = False
        self._file, self._seq = _open(path)
        self._thread = threading.Thread(target=self._write, name=f"journal {path.name}", daemon=True)
        self._thread.start()

    @property
    def seq(self) -> int:
        """The last entry's number; 0 in an empty log."""
        return self._seq

    def append(self, entry: Mapping[str, Any]) -> int:
        """Adds a line and returns its seq; it is on disk when a `synced` that begins later returns."""
        self._seq += 1
        numbered = {"seq": self._seq, **entry}
        line = _JSON.encode(numbered)
        if self._heard is not None:
            self._heard(numbered)
        with self._work:
            self._lines.append(line)
            self._work.notify()
        return self._seq

    async def synced(self) -> None:
        """Waits until all appended so far is on disk. Raises JournalBroken."""
        if self.broken.done():
            self.broken.result()
        waiter = self._loop.create_future()
        with self._work:
            self._waiters.append(waiter)
            self._work.notify()
        await waiter

    async def close(self) -> None:
        """Writes what is left and closes the file."""
        with self._work:
            self._closing = True
            self._work.notify()
        await asyncio.to_thread(self._thread.join)
        os.close(self._file)
        if self.broken.done():
            self.broken.exception()  # marks it as seen

    def _write(self) -> None:
        while True:
            with self._work:
                while not (self._lines or self._waiters or self._closing):
                    self._work.wait()
                lines, self._lines = self._lines, []
                waiters, self._waiters = self._waiters, []
            if lines:
                try:
                    _write_all(self._file, ("\n".join(lines) + "\n").encode())
                    os.fsync(self._file)
                except OSError as error:
                    self._loop.call_soon_threadsafe(self._fail, waiters, error)
                    return
            elif not waiters:
                return
            self._loop.call_soon_threadsafe(_release, waiters)

    def _fail(self, waiters: list[asyncio.Future[None]], error: OSError) -> None:
        failure = JournalBroken(f"The log {self._path} cannot be written: {error}.")
        self.broken.set_exception(failure)
        with self._work:
            waiters += self._waiters
            self._waiters = []
        for waiter in waiters:
            if not waiter.done():
                waiter.set_exception(failure)


def entries(path: Path) -> Iterator[dict[str, Any]]:
    """The entries of a log, oldest first; a last line still without its end is left out. An absent log has none."""
    if not path.is_file():
        return
    with path.open(encoding="ascii") as lines:
        for line in lines:
            if line.endswith("\n"):
                yield json.loads(line)


def _open(path: Path) -> tuple[int, int]:
    """The log's file, opened for this process alone, and its last seq."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    except OSError as error:
        raise JournalBroken(f"The log {path} cannot be opened: {error}.") from error
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)  # two writers would number their lines alike
        seq = _repair(file)
        _sync_folder(path.parent)
    except BlockingIOError as error:
        os.close(file)
        raise JournalBroken(f"The log {path} is in use by another simulator.") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        os.close(file)
        raise JournalBroken(f"The log {path} holds something else or cannot be read: {error!r}.") from error
    return file, seq


def _release(waiters: list[asyncio.Future[None]]) -> None:
    for waiter in waiters:
        if not waiter.done():
            waiter.set_result(None)


def _write_all(file: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _repair(file: int) -> int:
    """Cuts off an unfinished last line; returns the last seq, 0 for an empty log."""
    start = size = os.fstat(file).st_size
    tail = b""
    while start and tail.count(b"\n") < 2:  # the last whole line begins after the first of two line ends
        start = max(start - _TAIL, 0)
        tail = os.pread(file, size - start, start)
    end = tail.rfind(b"\n") + 1
    lines = tail[:end].splitlines()
    seq = int(json.loads(lines[-1])["seq"]) if lines else 0
    if start + end < size:
        os.ftruncate(file, start + end)
    return seq


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
