"""What this process does when another one tells it something, and when it takes a post or loses one."""

import asyncio
import json
import logging
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

from notify.duties import Built
from notify.processes.posts import DUTIES, Kind
from notify.processes.session import Session
from notify.sending.desk import WHOLE, Way

logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Hearing:
    built: Built
    session: Session
    _loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _term: int = 0  # of the duties
    _under_way: set["asyncio.Task[None]"] = field(default_factory=set)

    def begin(self) -> None:
        self.session.hear = lambda kind, ref: self._later(self._heard, kind, ref)
        self.session.changed = lambda: self._later(self._changed)
        self._changed()

    async def tell_lights(self) -> None:
        """How the senders that are driven here fare."""
        ours = [one for one in self.built.service.dispatchers if one.driving.limited and one.driving.ours]
        if ours:
            lights = {
                one.sender.name: (one.light.started, one.light.trouble, one.carries(), one.driving.way(one.light, one.route))
                for one in ours
            }
            self.session.tell(Kind.LIGHTS, json.dumps(lights))

    async def settle(self) -> None:
        """What was begun is ended; what it had to write is on disk or is done again."""
        for task in self._under_way:
            task.cancel()
        await asyncio.gather(*self._under_way, return_exceptions=True)

    def _later(self, work: Any, *given: Any) -> None:
        """Called on the session's thread."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(work, *given)

    def _heard(self, kind: Kind, ref: str) -> None:
        match kind:
            case Kind.WAKE:
                self._wake()
            case Kind.STOP:
                self.built.service.conductor.halted.heard(ref)
                self._wake()
            case Kind.PUBLISH:
                self._begin(self.built.publisher.asked(), "page and feeds")
            case Kind.SPEND:
                self._spend(ref)
            case Kind.SHARES:
                self.built.service.brake.heard(json.loads(ref))
            case Kind.LIGHTS:
                self._look_at(json.loads(ref))

    def _changed(self) -> None:
        """A sender that was just taken begins; with the duties comes what the process that had them left half done."""
        self._wake()
        term = self.session.term(DUTIES)
        if term and term != self._term:
            self._begin(self.built.service.conductor.resume(), "resume")
        self._term = term

    def _wake(self) -> None:
        for one in self.built.service.dispatchers:
            one.wake()

    def _spend(self, ref: str) -> None:
        name, _, units = ref.rpartition(" ")
        for one in self.built.service.dispatchers:
            if one.sender.name == name and one.driving.ours:
                one.reserve(int(units))

    def _look_at(self, lights: dict[str, list[Any]]) -> None:
        """How a sender fares is known where it is driven; everybody's pages show it."""
        for one in self.built.service.dispatchers:
            if one.sender.name in lights and not one.driving.ours:
                one.light.started, one.light.trouble, *more = lights[one.sender.name]
                one.light.carries = all(more[:1])  # a process of an older version does not say, nor how the route stands
                one.light.way = Way(*more[1]) if more[1:] else WHOLE

    def _begin(self, work: Coroutine[Any, Any, None], name: str) -> None:
        task = self._loop.create_task(work, name=name)
        self._under_way.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self._under_way.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s failed; the next look does it", task.get_name(), exc_info=error)
