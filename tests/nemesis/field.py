"""What a fault is done to: a town in the middle of an alert, with its processes, its database server and the carrier's log."""

import asyncio
import itertools
import json
import random
import time
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp

from tests.nemesis.cluster import Cluster, Pair, Trio
from tests.stories.town import BOIL_WATER, SENDER, Process, Town

OURS = (SENDER, "+15035550101")  # two numbers, which two processes share
WINDOW = 50  # rows that each of them may have claimed and not recorded: what a fault may double, at most, of each
LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Injury:
    """One fault, in seconds since 1970. Recovery counts from `since` to the first text that the carrier took at `again` or
    later: when it could be expected that texts leave once more."""

    since: float
    again: float


@dataclass(slots=True)
class Sink:
    """The carrier's own log, read on from where the last look ended: an alert of 100,000 has a long one."""

    path: Path
    _read: int = 0
    _times: list[str] = field(default_factory=list)

    def accepted(self) -> list[str]:
        """When the carrier took each text so far, as it wrote it down."""
        if self.path.exists():
            with self.path.open("rb") as file:
                file.seek(self._read)
                fresh = file.read()
            whole = fresh[: fresh.rfind(b"\n") + 1]
            self._read += len(whole)
            self._times += [json.loads(line)["at"] for line in whole.splitlines() if b'"event":"accepted"' in line]
        return self._times

    def first_after(self, moment: float) -> float | None:
        """Seconds since 1970 of the first text that was taken then or later."""
        return min((at for at in self._seconds() if at >= moment), default=None)

    def _seconds(self) -> Iterator[float]:
        return (datetime.fromisoformat(at).timestamp() for at in self.accepted())


@dataclass(slots=True, kw_only=True)
class Field:
    """working: the processes of `roles`, in their order; the last is a sender, and the one that faults of one process hit.
    server: of the database, if it has one. disk: a small one that everything of the database lies on, if there is one.
    alert_id: what is sent. answered_s: what each answer of the API took that was asked for while a fault lasted."""

    town: Town
    people: int
    chance: random.Random
    stack: AsyncExitStack
    roles: Sequence[str]
    module: str = "notify"
    server: Cluster | Pair | Trio | None = None
    disk: Path | None = None
    frozen_s: float = 90.0
    kills: int = 3
    alert_id: str = ""
    working: list[Process] = field(default_factory=list)
    answered_s: list[float] = field(default_factory=list)
    sink: Sink = field(init=False)

    def __post_init__(self) -> None:
        self.sink = Sink(self.town.logs / "sms.jsonl")

    async def begin(self) -> None:
        for process in await asyncio.gather(*(self._start(role) for role in self.roles)):
            self.working.append(process)

    async def _start(self, role: str) -> Process:
        process = await self.town.process(role, self.module)
        self.stack.push_async_callback(process.end)
        return process

    @property
    def victim(self) -> Process:
        return self.working[-1]

    async def again(self) -> None:
        """The victim has died and is started anew."""
        self.working[-1] = await self._start(self.roles[-1])

    @property
    def is_over(self) -> bool:
        """Whether the carrier has taken as many texts as there are people."""
        return len(self.sink.accepted()) >= self.people

    async def told(self, share: float) -> None:
        """Waits until the carrier has taken this share of all texts."""
        while len(self.sink.accepted()) < share * self.people:
            await asyncio.sleep(LOOK_S)

    async def leaves(self, since: float) -> None:
        """Waits until the carrier has taken a text after this moment."""
        while self.sink.first_after(since) is None and not self.is_over:
            await asyncio.sleep(LOOK_S)

    async def carrier(self, **sms: Any) -> None:
        """What goes wrong at the carrier from now on, and nothing else."""
        url = f"http://127.0.0.1:{self.town.sms_port}/control"
        async with aiohttp.ClientSession() as session:
            for faults in (None, sms):  # what is named is changed: None sets all right before
                async with session.post(url, json={"sms": faults}) as answer:
                    assert answer.status == 200, await answer.text()

    async def asked(self, for_s: float) -> None:
        """Asks so long, again and again, as consoles do: for the alert's progress, for all alerts, and to keep a draft."""
        questions = itertools.cycle((("GET", f"/alerts/{self.alert_id}"), ("GET", "/alerts"), ("POST", "/alerts")))
        ends = time.monotonic() + for_s
        while time.monotonic() < ends:
            method, path = next(questions)
            began = time.perf_counter()
            await self.town.must("author", method, path, BOIL_WATER if method == "POST" else None)
            self.answered_s.append(time.perf_counter() - began)
            await asyncio.sleep(LOOK_S)

    async def progress(self, alert_id: str) -> dict[str, Any] | None:
        """None while the service cannot answer."""
        try:
            status, reply = await self.town.call("author", "GET", f"/alerts/{alert_id}")
        except (aiohttp.ClientError, TimeoutError, ValueError):
            return None
        return dict(reply) if status == 200 else None

    async def over(self, alert_id: str, doubts_s: float) -> None:
        """Waits until nothing of the alert may leave any more; then, so long at most, until nothing is in doubt."""
        ended = None
        while ended is None or time.monotonic() < ended + doubts_s:
            now = await self.progress(alert_id)
            if now is not None and now["status"] == "active":
                counts = now["progress"]["total"]
                ended = ended or time.monotonic()
                if counts["total"] and not counts["planned"] + counts["claimed"] + counts["unknown"]:
                    return
            await asyncio.sleep(0.5)
