"""The folder the public reads: files replaced one by one, each of them whole at every instant and after a power cut."""

import os
import re
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from errno import EEXIST, EINVAL
from hashlib import sha256
from pathlib import Path, PurePosixPath

STALE_TEMP_S = 600  # a temporary file this old was left by a process that died
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.~+-]*(/[A-Za-z0-9_][A-Za-z0-9_.~+-]*)*")


class Keep(StrEnum):
    EXACT = "exact"  # deleted when it is no longer given
    KEPT = "kept"  # may change, is never deleted: people hold links to it
    FROZEN = "frozen"  # never changes and is never deleted: partners hold copies of it


# By the name of the folder a file lies in, wherever that is ("cap/x.xml", "demo/cap/x.xml").
KEEP_IN = {"cap": Keep.FROZEN, "a": Keep.KEPT}


class Differs(FileExistsError):
    """A frozen file was given with other bytes than it was published with; it keeps the first ones."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What one call changed: names relative to the folder, in the order in which they were written."""

    written: tuple[str, ...] = ()
    deleted: tuple[str, ...] = ()


def keep(name: str) -> Keep:
    return KEEP_IN.get(PurePosixPath(name).parent.name, Keep.EXACT)


class FeedFolder:
    """Files below one path. One writer at a time; any number of readers, which never see a half-written file.

    Nothing is shown whose name starts with a dot: those are files on their way.
    """

    def __init__(self, path: Path, relieve: Callable[[OSError], bool] = lambda _: False) -> None:
        """relieve: is told what a file met that could not be written; whether it may be tried again."""
        self.path = path
        self._relieve = relieve
        self._seen: dict[str, tuple[tuple[int, int, int], bytes]] = {}  # name -> (stat of the file, digest of its bytes)

    def write(self, files: Mapping[str, bytes], *, whole: bool = True) -> Written:
        """Writes these files, named "feeds/active.atom", in the order given; unchanged ones are left alone.

        `whole` says that these are all there should be: others are deleted, but for what is kept or frozen.
        Everything that can be written is, whatever else fails: one bad file must not hold back the others. Then raises the
        first OSError met: a disk that would not take a file, an unusable name, or Differs.
        """
        written: list[str] = []
        failures: list[OSError] = []
        for name, content in files.items():
            try:
                if self._put_relieved(name, content):
                    written.append(name)
            except OSError as failure:
                failures.append(failure)
        deleted = (
            self._delete(name for name in self._names() if name not in files and keep(name) is Keep.EXACT) if whole else ()
        )
        _sync_folders(self.path / name for name in (*written, *deleted))
        if failures:
            raise failures[0]
        return Written(written=tuple(written), deleted=deleted)

    def _put_relieved(self, name: str, content: bytes) -> bool:
        try:
            return self._put(name, content)
        except OSError as failure:
            if not self._relieve(failure):
                raise
            return self._put(name, content)

    def _put(self, name: str, content: bytes) -> bool:
        """Whether the file had to be written."""
        if not _NAME.fullmatch(name):
            raise OSError(EINVAL, "This name cannot be published", name)
        if self._holds(name, content):
            return False
        if keep(name) is Keep.FROZEN and (self.path / name).exists():
            raise Differs(EEXIST, "Published before with other bytes, and left so", name)
        self._replace(name, content)
        return True

    def _holds(self, name: str, content: bytes) -> bool:
        path = self.path / name
        try:
            stat = _stat(path)
            seen = self._seen.get(name)
            if seen is None or seen[0] != stat:
                seen = self._seen[name] = (stat, sha256(path.read_bytes()).digest())
        except FileNotFoundError:
            return False
        return seen[1] == sha256(content).digest()

    def _replace(self, name: str, content: bytes) -> None:
        path = self.path / name
        _make(path.parent, self.path)
        descriptor, temporary = tempfile.mkstemp(prefix=".", suffix=".tmp", dir=path.parent)
        try:
            with open(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o644)  # mkstemp makes files that another web server could not read
                file.write(content)
                file.flush()
                os.fsync(descriptor)
            os.replace(temporary, path)
        except BaseException:
            Path(temporary).unlink(missing_ok=True)
            raise
        self._seen[name] = (_stat(path), sha256(content).digest())

    def _names(self) -> Iterator[str]:
        """Every published file; clears away what dead writers left."""
        for folder, _, names in os.walk(self.path):
            for name in sorted(names):
                path = Path(folder) / name
                if not name.startswith("."):
                    yield path.relative_to(self.path).as_posix()
                elif name.endswith(".tmp") and time.time() - path.lstat().st_mtime > STALE_TEMP_S:
                    path.unlink(missing_ok=True)

    def _delete(self, names: Iterable[str]) -> tuple[str, ...]:
        deleted = tuple(names)
        for name in deleted:
            (self.path / name).unlink(missing_ok=True)
            self._seen.pop(name, None)
        return deleted


def _stat(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return (stat.st_mtime_ns, stat.st_size, stat.st_ino)


def _make(folder: Path, root: Path) -> None:
    """Makes the folder and those above it, up to and including root, so that they survive a power cut."""
    if folder.is_dir():
        return
    if folder != root:
        _make(folder.parent, root)
        folder.mkdir(exist_ok=True)
    else:
        folder.mkdir(parents=True, exist_ok=True)
    _sync(folder.parent)


def _sync_folders(paths: Iterable[Path]) -> None:
    for folder in sorted({path.parent for path in paths}):
        _sync(folder)


def _sync(folder: Path) -> None:
    """Makes the names in a folder durable, as fsync of a file makes its bytes."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
