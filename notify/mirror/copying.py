"""A second place for what is published: another folder or a bucket, brought up to date after each publishing.

It follows the public folder and nothing else, by itself and later: neither publishing nor a text ever waits for it.
What is linked to goes before what links to it. The heartbeat (feeds/index.json) goes last, and only when everything else is
there: who compares the mirror's with the origin's sees a mirror that stands still, whatever the reason (`tocsin mirror check`).
"""

import asyncio
import json
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from itertools import takewhile
from pathlib import Path, PurePosixPath
from typing import Final, Protocol

from notify.clock import Clock

logger = logging.getLogger(__name__)

EVERY_S: Final = 1.0
AGAIN: Final = timedelta(seconds=15)  # after a failure
LATE: Final = timedelta(minutes=5)  # behind for so long, somebody is paged
BATCH: Final = 32  # at once; then it is looked anew whether something urgent has come
HEARTBEAT: Final = "feeds/index.json"
ORDER: Final = {"cap": 0, "a": 1, "areas": 1, "archive": 3}  # by folder; pages of the home folder and feeds are 2

Stat = tuple[int, int, int]


class Target(Protocol):
    """Where the copies go. `put` and `delete` raise OSError with a sentence, and may be repeated."""

    name: str

    async def put(self, name: str, content: bytes) -> None: ...

    async def delete(self, name: str) -> None: ...

    async def close(self) -> None: ...


@dataclass(slots=True)
class Light:
    """How a mirror is, for screens. behind_since: when it began to lack something; None while it is as the origin."""

    trouble: str = ""
    behind_since: datetime | None = None
    fresh_at: datetime | None = None


@dataclass(slots=True)
class Mirror:
    """One mirror. kept: the file that remembers, over restarts, what the mirror holds."""

    folder: Path
    target: Target
    kept: Path
    clock: Clock
    page: Callable[[str], None]
    light: Light = field(default_factory=Light)
    _sent: dict[str, str] = field(default_factory=dict)  # name -> digest of what the mirror holds
    _seen: dict[str, tuple[Stat, str]] = field(default_factory=dict)
    _copying: "asyncio.Task[None] | None" = None
    _woken: bool = False
    _not_before: datetime | None = None
    _paged: bool = False

    def __post_init__(self) -> None:
        self._sent = _remembered(self.kept, self.target.name)

    @property
    def name(self) -> str:
        return self.target.name

    def told(self) -> dict[str, str | None]:
        """How it is, for programs."""
        behind, fresh = self.light.behind_since, self.light.fresh_at
        return {
            "name": self.name,
            "trouble": self.light.trouble,
            "behind_since": behind.isoformat() if behind else None,
            "fresh_at": fresh.isoformat() if fresh else None,
        }

    def wake(self) -> None:
        """Something may have been published. Returns at once."""
        self._woken = True

    async def tick(self) -> None:
        """Starts to copy when there is something to copy, and says so when it takes too long. Never waits."""
        now = self.clock.now()
        if self._copying is not None and self._copying.done():
            self._conclude(self._copying, now)
        if self._copying is None and self._woken and (self._not_before is None or now >= self._not_before):
            self._woken = False
            self.light.behind_since = self.light.behind_since or now
            self._copying = asyncio.create_task(self.copy(), name=f"mirror {self.name}")
        behind = self.light.behind_since
        if behind is not None and now - behind >= LATE and not self._paged:
            self._paged = True
            self.light.trouble = self.light.trouble or f"The mirror {self.name} does not answer."
            self.page(f"The mirror {self.name} is behind since {behind:%H:%M} UTC. {self.light.trouble}".rstrip())

    async def close(self) -> None:
        if self._copying is not None:
            self._copying.cancel()
            await asyncio.gather(self._copying, return_exceptions=True)
        await self.target.close()

    def _conclude(self, copied: "asyncio.Task[None]", now: datetime) -> None:
        self._copying = None
        error = None if copied.cancelled() else copied.exception()
        if error is None:
            self.light.trouble, self.light.fresh_at, self._not_before = "", now, None
            self.light.behind_since = now if self._woken else None
            if self._paged:
                self._paged = False
                self.page(f"The mirror {self.name} is up to date again.")
            return
        self.light.trouble = str(error)
        self._woken, self._not_before = True, now + AGAIN
        logger.warning("the mirror %s is not up to date: %s (docs/mirror.md)", self.name, error)

    async def copy(self) -> None:
        """Makes the mirror as the folder is now. Whatever can be copied is; then raises the first OSError met."""
        failed: dict[str, OSError] = {}
        try:
            while batch := _next_batch(await asyncio.to_thread(self._changed), failed):
                found = await asyncio.gather(*(self._put(name) for name in batch))
                failed |= {name: error for name, error in zip(batch, found, strict=True) if error is not None}
                await asyncio.to_thread(self._remember)
            if not failed:
                for name in await asyncio.to_thread(self._gone):
                    await self.target.delete(name)
                    self._sent.pop(name, None)
        finally:
            await asyncio.to_thread(self._remember)
        if failed:
            raise next(iter(failed.values()))

    async def _put(self, name: str) -> OSError | None:
        try:
            content = await asyncio.to_thread((self.folder / name).read_bytes)
            await self.target.put(name, content)
        except FileNotFoundError as error:
            if not (self.folder / name).exists():  # gone since it was seen: there is nothing to copy any more
                self._sent.pop(name, None)
                return None
            return error
        except OSError as error:
            return error
        self._sent[name] = sha256(content).hexdigest()
        return None

    def _changed(self) -> list[str]:
        """What the mirror lacks or has otherwise, in the order in which it is copied: of alike ones the newest first."""
        found = [(rank(name), -self._seen[name][0][0], name) for name in self._names() if self._differs(name)]
        return [name for _, _, name in sorted(found)]

    def _differs(self, name: str) -> bool:
        return self._sent.get(name) != self._seen[name][1]

    def _names(self) -> Iterator[str]:
        """Every published file, its digest looked up in `_seen`."""
        for folder, _, names in os.walk(self.folder):
            for path in (Path(folder) / name for name in names if not name.startswith(".")):
                name = path.relative_to(self.folder).as_posix()
                try:
                    stat = path.stat()
                    seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
                    if name not in self._seen or self._seen[name][0] != seen:
                        self._seen[name] = (seen, sha256(path.read_bytes()).hexdigest())
                except FileNotFoundError:
                    continue
                yield name

    def _gone(self) -> list[str]:
        return [name for name in self._sent if not (self.folder / name).exists()]

    def _remember(self) -> None:
        """Written whole or not at all. Without it everything is copied once more, and nothing is lost."""
        new = self.kept.with_suffix(".new")
        new.write_text(json.dumps({"mirror": self.name, "sent": self._sent}), "utf-8")
        new.replace(self.kept)


def rank(name: str) -> int:
    """The order of copying: documents, pages, what lists them, the archive; the heartbeat last of all."""
    if name.endswith(HEARTBEAT):
        return 4
    if name.endswith(".css"):
        return 0
    return ORDER.get(PurePosixPath(name).parent.name, 2)


def _next_batch(wanted: list[str], failed: dict[str, OSError]) -> list[str]:
    """The next files of one rank. After a failure no heartbeat: from outside it must be seen that something lacks."""
    left = [name for name in wanted if name not in failed and not (failed and name.endswith(HEARTBEAT))]
    return list(takewhile(lambda name: rank(name) == rank(left[0]), left))[:BATCH]


def _remembered(kept: Path, name: str) -> dict[str, str]:
    try:
        found = json.loads(kept.read_text("utf-8"))
        return dict(found["sent"]) if found["mirror"] == name else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
