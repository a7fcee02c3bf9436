"""The floor's journal: a file that every turn is appended to before its answer leaves, so that a killed process loses nothing.

Each line is one turn: its events and how the entities it touched stand now. Reading it from the beginning gives the books; a
line cut off by a crash was never answered for, and is left out. Positions are bytes; the database keeps how far it has got.
A file begins with its name, and a new one with everything that still counts: no file grows for ever.
"""

import errno
import fcntl
import json
import logging
import os
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from surge.floor.callback import Callback
from surge.floor.orders import Happened, Turn
from surge.floor.overflow import Use
from surge.floor.plain import made, plain
from surge.floor.records import Record, Surge
from surge.floor.seats import Reservation, Seat
from surge.floor.summons import Summons
from surge.voice.voice_call import Call

logger = logging.getLogger(__name__)

KINDS: Final[Mapping[str, type[Any]]] = {
    "record": Record,
    "seat": Seat,
    "reservation": Reservation,
    "callback": Callback,
    "summons": Summons,
    "use": Use,
    "surge": Surge,
    "call": Call,
}


class Held(RuntimeError):
    """Another process writes this journal."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One turn as it was written. ends: the position after it. raw: its bytes. whole: it is what a new journal begins with, and
    nothing in it is new."""

    events: tuple[Happened, ...]
    changed: Mapping[str, Mapping[str, object]]
    ends: int
    raw: bytes = b""
    whole: bool = False


@dataclass(slots=True)
class Kept:
    """What a journal says: the entities, and every turn with its position."""

    name: str = ""
    after: str = ""  # the journal before it, all of which it holds
    entities: dict[str, dict[str, object]] = field(default_factory=dict)
    ends: int = 0

    def take(self, changed: Mapping[str, Mapping[str, object]]) -> None:
        for kind, entities in changed.items():
            here = self.entities.setdefault(kind, {})
            for key, entity in entities.items():
                if entity is None:
                    here.pop(key, None)
                else:
                    here[key] = entity


class Journal:
    """One file, one writer. `open` before anything else."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = ""
        self.ends = 0
        self._file: int | None = None
        self._synced = 0

    def open(self) -> Kept:
        """Reads what there is, cuts off a torn last line, and goes on behind it. Raises Held."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(lock)
            raise Held(f"Another process writes {self.path}.") from None
        self._lock = lock
        self._file = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o600)
        kept = Kept()
        if os.fstat(self._file).st_size == 0:
            self._begin()
        for line in read(self.path, kept):
            kept.take(line.changed)
            kept.ends = line.ends
        os.ftruncate(self._file, kept.ends)
        self.name, self.ends = kept.name, kept.ends
        return kept

    def append(self, turn: Turn, calls: Mapping[str, Call | None] | None = None) -> bytes:
        """Writes a turn; what touched nothing is not written. Returns the line. Raises OSError on a full disk, and then nothing
        of it is there: a half line would swallow every later one."""
        if self._file is None:
            raise RuntimeError("the journal is not open")
        changed = dict(turn.changed) | ({"call": calls} if calls else {})
        if not changed and not turn.events:
            return b""
        line = _line(turn.events, changed)
        try:
            if os.write(self._file, line) < len(line):
                raise OSError(errno.ENOSPC, "the journal's disk is full", str(self.path))
        except OSError:
            os.ftruncate(self._file, self.ends)
            raise
        self.ends += len(line)
        return line

    def sync(self) -> None:
        """What was written survives a power cut from here on. May be called from a thread."""
        if self._file is not None and self._synced < self.ends:
            ends = self.ends
            os.fdatasync(self._file)
            self._synced = ends

    def renew(self, entities: Mapping[str, Mapping[str, object]]) -> Line:
        """A new file with nothing but these, and its only line. Only when the database has all of the old one."""
        fresh = self.path.with_suffix(".new")
        name, raw = _new_name(), _line((), entities)
        content = _head(name, self.name) + raw
        with open(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, self.path)
        if self._file is not None:
            os.close(self._file)
        self._file = os.open(self.path, os.O_RDWR | os.O_APPEND)
        self.name, self.ends, self._synced = name, len(content), len(content)
        return Line(events=(), changed=entities, ends=self.ends, raw=raw, whole=True)

    def close(self) -> None:
        if self._file is not None:
            self.sync()
            self.abandon()

    def abandon(self) -> None:
        """Lets go of the file as it is, as a killed process does."""
        if self._file is not None:
            os.close(self._file)
            os.close(self._lock)
            self._file = None

    def _begin(self) -> None:
        assert self._file is not None
        os.write(self._file, _head(_new_name()))


def read(path: Path, kept: Kept, start: int = 0) -> Iterator[Line]:
    """Every whole turn from this position on; fills in the journal's name. A line that is none ends it, which only a crash in
    the middle of the last one can have made."""
    with path.open("rb") as file:
        head = file.readline()
        said = json.loads(head) if head.endswith(b"\n") else {}
        kept.name, kept.after = str(said.get("journal", "")), str(said.get("after", ""))
        kept.ends = max(start, len(head))
        file.seek(kept.ends)
        at = kept.ends
        for raw in file:
            at += len(raw)
            line = parsed(raw, at)
            if line is None:
                logger.warning("the journal's last line is torn at byte %s and is left out", at - len(raw))
                return
            yield line


def parsed(raw: bytes, ends: int) -> Line | None:
    """None for a line that is torn."""
    if not raw.endswith(b"\n"):
        return None
    try:
        given = json.loads(raw)
    except ValueError:
        return None
    return Line(
        events=tuple(made(Happened, event) for event in given.get("e", ())),
        changed={
            kind: {key: None if one is None else made(KINDS[kind], one) for key, one in entities.items()}
            for kind, entities in given.get("p", {}).items()
            if kind in KINDS
        },
        ends=ends,
        raw=raw,
    )


def _line(events: tuple[Happened, ...], changed: Mapping[str, Mapping[str, object]]) -> bytes:
    entities = {kind: {key: plain(one) for key, one in some.items()} for kind, some in changed.items()}
    value = {"e": [plain(event) for event in events], "p": entities}
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _head(name: str, after: str = "") -> bytes:
    return json.dumps({"journal": name, "after": after}).encode() + b"\n"


def _new_name() -> str:
    return secrets.token_hex(8)
