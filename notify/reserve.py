"""Room for the day the disk is full: a file of real bytes, given back at once when something finds no room to be written, so
that STOPs, alerts on their way and the log go on. What stands on the disk is all there is to know: no process keeps a state."""

import contextlib
import logging
import os
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from notify.full_disk import no_room
from notify.settings import Settings

logger = logging.getLogger(__name__)

FILE: Final = "disk-reserve"
EVERY_S: Final = 1.0  # how often it is looked whether the disk is nearly full, or has room again
MB: Final = 1024**2
SHARE: Final = 16  # of a small disk: no more than a sixteenth
NEARLY: Final = 8  # with less than an eighth of the reserve free, it is given back before anything fails
ROOM: Final = 2  # reserves that must be free before one is made


@dataclass(frozen=True, slots=True)
class Reserve:
    """folder: on the disk that it is kept for. size: in bytes; 0: none is kept."""

    folder: Path
    size: int

    @property
    def file(self) -> Path:
        return self.folder / FILE

    @property
    def missing(self) -> bool:
        """Whether it should be there and is not, because it was given back or there was no room to make it."""
        try:
            return self.file.stat().st_size < self.size
        except FileNotFoundError:
            return self.size > 0

    def problem(self) -> str:
        """What a person must know; "" while there is nothing."""
        if not self.missing:
            return ""
        free, needed, size = shutil.disk_usage(self.folder).free // MB, ROOM * self.size // MB, self.size // MB
        return (
            f"The disk is full, or nearly: {free} MB are free and nothing is kept in reserve. "
            f"Make room: at {needed} MB the reserve of {size} MB is kept again."
        )

    def relieve(self, error: BaseException) -> bool:
        """Gives the room back if that is what an error asks for; whether whoever met it may try again. On any thread."""
        return no_room(error) and self.give_back()

    def give_back(self) -> bool:
        """Whether there was any room to give."""
        if self.missing or not self.size:
            return False
        try:
            os.truncate(self.file, 0)  # or somebody, a backup perhaps, keeps its room by having it open
            self.file.unlink(missing_ok=True)
        except FileNotFoundError:  # another thread was faster
            return True
        except OSError as error:
            logger.error("the reserve could not be given back: %s (docs/operations.md#disk-full)", error)
            return False
        logger.error("%s The reserve was given back for what runs (docs/operations.md#disk-full)", self.problem())
        return True

    def look(self) -> None:
        """Gives it back while there is still a little room; makes it again once there is plenty."""
        if not self.size:
            self.file.unlink(missing_ok=True)
            return
        free = shutil.disk_usage(self.folder).free
        if not self.missing and free < self.size // NEARLY:
            self.give_back()
        elif self.missing and free >= ROOM * self.size:
            self._make()

    def _make(self) -> None:
        try:
            with open(os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                for _ in range(self.size // MB):
                    file.write(os.urandom(MB))  # zeros take no room on a disk that packs what it keeps
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            with contextlib.suppress(OSError):
                self.file.unlink()
            logger.warning("no room could be kept in reserve: %s", error)
            return
        logger.info("%d MB of the disk are kept in reserve", self.size // MB)


def reserves(settings: Settings) -> tuple[Reserve, ...]:
    """One for the data folder, where pages and feeds are published; and, the last, one for an embedded database on another
    disk. Of no other database's disk do we know anything."""
    beside = settings.embedded.parent if settings.embedded else settings.data_dir
    folders = [settings.data_dir, *([beside] if _device(beside) != _device(settings.data_dir) else [])]
    return tuple(Reserve(one, size_on(_device(one)[1], settings.reserve_mb)) for one in folders)


def _device(folder: Path) -> tuple[int, int]:
    """The disk that a folder lies on, and its bytes; nothing of one that is not there."""
    return (folder.stat().st_dev, shutil.disk_usage(folder).total) if folder.is_dir() else (0, 0)


def size_on(total: int, wanted_mb: int) -> int:
    """How many bytes are kept on a disk of `total` bytes: whole MB."""
    return min(wanted_mb, total // SHARE // MB) * MB


@dataclass(slots=True)
class Caller:
    """Tells the duty officer once that a reserve is gone, and again only when it was there meanwhile."""

    page: Callable[[str], None]
    _told: set[Path] = field(default_factory=set)

    def look(self, kept: Sequence[Reserve]) -> None:
        for one in kept:
            problem = one.problem()
            if problem and one.folder not in self._told:
                self._told.add(one.folder)
                self.page(problem)
            elif not problem:
                self._told.discard(one.folder)
