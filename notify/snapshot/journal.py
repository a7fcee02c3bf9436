"""What has been sent from a snapshot, line by line, on disk before each call: the ledger of a day without one.

{"begin": DIGEST, "at": ..., "author": ..., "approver": ...}    what is sent; a journal is of one digest only
{"claim": [ADDRESS ID, ...], "at": ...}                         synced before their calls start
{"out": ADDRESS ID, "state": ..., "ref": ..., "code": ...}      what came of one; handed, refused, unknown or retry
{"again": [ADDRESS ID, ...]}                                    sent anew though perhaps told already: bounded, and listed
"""

import fcntl
import json
import os
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, Self

HANDED: Final = "handed"
REFUSED: Final = "refused"
UNKNOWN: Final = "unknown"
RETRY: Final = "retry"


class BadJournal(Exception):
    """The journal cannot be gone on with; the message says why."""


@dataclass(slots=True)
class Known:
    """How everybody stands. claimed: when, of whoever is in doubt: claimed, and no outcome; again: sent anew in doubt."""

    states: dict[int, str] = field(default_factory=dict)
    claimed: dict[int, datetime] = field(default_factory=dict)
    again: list[int] = field(default_factory=list)

    def take(self, line: dict[str, Any]) -> None:
        if "claim" in line:
            at = datetime.fromisoformat(line["at"])
            self.claimed |= dict.fromkeys(line["claim"], at)
        elif "out" in line:
            self.states[line["out"]] = sys.intern(line["state"])
            if line["state"] != UNKNOWN:
                self.claimed.pop(line["out"], None)
        elif "again" in line:
            self.again += line["again"]

    def is_due(self, address_id: int) -> bool:
        """Whether nothing has come of it yet."""
        return self.states.get(address_id, RETRY) == RETRY


class Journal:
    """One process at a time: a second one on the same file is refused."""

    def __init__(self, path: Path, file: BinaryIO, known: Known) -> None:
        self.path, self.known, self._file = path, known, file

    @classmethod
    def open(cls, path: Path, begin: dict[str, str]) -> Self:
        """Begins a journal, or goes on with one of the same digest; a torn last line, of a kill, is cut off.
        Raises BadJournal, OSError."""
        file = open(os.open(path, os.O_RDWR | os.O_CREAT, 0o600), "r+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.close()
            raise BadJournal(f"Another process is sending with {path}.") from None
        try:
            known, whole = Known(), 0
            for line in file:
                if not line.endswith(b"\n"):
                    break
                given = json.loads(line)
                if not whole and given.get("begin") != begin["begin"]:
                    raise BadJournal(f"{path} is of another alert or another snapshot; name a new file.")
                known.take(given)
                whole += len(line)
            file.truncate(whole)
            file.seek(whole)
        except ValueError as error:
            file.close()
            raise BadJournal(f"{path} is no journal: {error}") from None
        except BaseException:
            file.close()
            raise
        journal = cls(path, file, known)
        if not whole:
            journal.add(begin)
            journal.sync()
        return journal

    def claim(self, ids: Sequence[int], at: datetime) -> None:
        """On disk when it returns: their calls may start."""
        self.add({"claim": list(ids), "at": at.isoformat()})
        self.sync()

    def out(self, address_id: int, state: str, ref: str = "", code: str = "") -> None:
        self.add({"out": address_id, "state": state, "ref": ref, "code": code})

    def again(self, ids: Sequence[int]) -> None:
        self.add({"again": list(ids)})
        self.sync()

    def add(self, line: dict[str, Any]) -> None:
        self._file.write(json.dumps(line, separators=(",", ":")).encode() + b"\n")
        self.known.take(line)

    def sync(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self.sync()
        self._file.close()
