"""The hub at work: challenges whoever asked, and pushes each feed that has changed to whoever holds a subscription.

What a subscriber is owed is a comparison, not a queue: the digest of the feed as it is now against the digest it took last.
So a restart loses nothing, and whoever was away gets what is true now and never what was true before. The heartbeat alone
(`generated`) is no change. Each callback has a request of its own with a time limit: a dead, slow or hostile one delays nobody.
"""

import asyncio
import hmac
import logging
import re
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

from notify.clock import Clock
from notify.db import Database
from notify.partners.egress import Egress, Refused, Unreachable
from notify.web.published import CONTENT_TYPES
from notify.websub import asking, subscriptions
from notify.websub.asking import Asked, Meter
from notify.websub.subscriptions import Held
from subscribers.sealing import Keyring, Unopenable

logger = logging.getLogger(__name__)

EVERY_S: Final = 0.5
ANSWER_S: Final = 10.0
MOST_AT_ONCE: Final = 250
MOST_FAILING: Final = 50  # of them, to callbacks that failed last time
MOST_CHALLENGES: Final = 25
WAITS: Final = tuple(timedelta(seconds=seconds) for seconds in (10, 30, 120, 600, 1_800, 3_600))
GIVEN_UP: Final = timedelta(hours=24)
EXPIRY: Final = timedelta(minutes=10)  # how often ended leases are looked for
_HEARTBEAT: Final = re.compile(rb'<tocsin:generated>[^<]*</tocsin:generated>|"generated":"[^"]*"')


@dataclass(frozen=True, slots=True)
class Content:
    """A feed as it is now."""

    body: bytes
    digest: str


def digest(body: bytes) -> str:
    """The same for two feeds that differ in their heartbeat alone."""
    return sha256(_HEARTBEAT.sub(b"", body)).hexdigest()


def signature(secret: str, body: bytes) -> str:
    return f"sha256={hmac.new(secret.encode(), body, 'sha256').hexdigest()}"


@dataclass(slots=True)
class Hub:
    """folder: of what is published; topics: by address, the file each feed is; url: the hub's own address."""

    db: Database
    clock: Clock
    ring: Keyring
    egress: Egress
    folder: Path
    topics: Mapping[str, str]
    url: str
    _clients: Meter = field(default_factory=lambda: Meter(asking.OF_ONE_CLIENT))
    _hosts: Meter = field(default_factory=lambda: Meter(asking.TO_ONE_HOST))
    _all: Meter = field(default_factory=lambda: Meter(asking.TO_ALL))
    _running: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)
    _tried: dict[str, str] = field(default_factory=dict)  # mark -> digest of what was tried last
    _asked: bool = True  # there may be something to challenge
    _woken: bool = True
    _again_at: datetime | None = None
    _expiry_at: datetime | None = None

    def wake(self) -> None:
        """Something may have been published. Returns at once."""
        self._woken = True

    async def ask(self, asked: Asked, client: str) -> tuple[int, str]:
        """Takes a request: the status it is answered with, and the sentence."""
        now = self.clock.now()
        if not self._clients.take(client, now):
            return HTTPStatus.TOO_MANY_REQUESTS, "You ask too often; come again in a minute."
        if not self._hosts.take(asked.host, now):
            return HTTPStatus.TOO_MANY_REQUESTS, f"{asked.host} was asked about too often; come again in a minute."
        if not self._all.take("", now):
            return HTTPStatus.SERVICE_UNAVAILABLE, "The hub has too much to do; come again in a minute."
        refused = await self.db.write(partial(subscriptions.keep, asked=asked, ring=self.ring, now=now))
        if refused:
            return HTTPStatus.SERVICE_UNAVAILABLE, refused
        self._asked = True
        return HTTPStatus.ACCEPTED, "The callback will be asked whether it meant this."

    async def tick(self) -> None:
        """Starts what is to be done; waits for no callback."""
        now = self.clock.now()
        if self._expiry_at is None or now >= self._expiry_at:
            self._expiry_at = now + EXPIRY
            await self.db.write(partial(subscriptions.end_expired, now=now))
        if self._asked:
            await self._challenge()
        if self._woken or (self._again_at is not None and now >= self._again_at):
            self._woken = False
            await self._distribute(now)

    async def settle(self) -> None:
        """Returns when nothing is under way any more."""
        while self._running:
            await asyncio.gather(*self._running.values())

    async def close(self) -> None:
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        await self.egress.close()

    async def _challenge(self) -> None:
        found = await self.db.write(partial(subscriptions.take, ring=self.ring, most=MOST_CHALLENGES))
        self._asked = len(found) == MOST_CHALLENGES
        for asked in found:
            self._start(f"ask {asked.mark}", self._verify(asked))

    async def _verify(self, asked: Asked) -> None:
        words = asking.challenge()
        try:
            answer = await self.egress.ask("GET", asking.verification(asked, words), timeout_s=ANSWER_S, most_body=len(words))
        except (Refused, Unreachable) as error:
            logger.info("a WebSub callback at %s was not verified: %s", asked.host, error)
            return
        said = hmac.compare_digest(answer.body, words.encode()) and not answer.cut
        if answer.status // 100 != 2 or not said:
            logger.info("a WebSub callback at %s did not want it: %s", asked.host, answer.status)
            return
        now = self.clock.now()
        await self.db.write(partial(subscriptions.verified, asked=asked, ring=self.ring, now=now))
        self._tried.pop(asked.mark, None)
        self._woken = True

    async def _distribute(self, now: datetime) -> None:
        held = await self.db.read(partial(subscriptions.standing, now=now))
        contents = await asyncio.to_thread(self._read, {one.topic for one in held})
        owed = [one for one in held if one.topic in contents and contents[one.topic].digest != one.told]
        later = [one.again_at for one in owed if one.again_at is not None and one.again_at > now]
        self._again_at = min(later, default=None)
        for one in owed:
            content = contents[one.topic]
            is_new = self._tried.get(one.mark) != content.digest
            if one.mark in self._running or not (is_new or one.again_at is None or one.again_at <= now):
                continue
            if len(self._running) >= (MOST_FAILING if one.failures else MOST_AT_ONCE):
                self._woken = True  # there are more than can be called at once: the next tick goes on
                break
            self._tried[one.mark] = content.digest
            self._start(one.mark, self._deliver(one, content))

    def _read(self, topics: set[str]) -> dict[str, Content]:
        found = {}
        for topic in topics & set(self.topics):
            try:
                body = (self.folder / self.topics[topic]).read_bytes()
            except OSError as error:
                logger.error("the feed %s cannot be read: %s (docs/operations.md#publishing)", self.topics[topic], error)
                continue
            found[topic] = Content(body, digest(body))
        return found

    async def _deliver(self, held: Held, content: Content) -> None:
        try:
            headers = self._headers(held, content)
            answer = await self.egress.ask(
                "POST", held.callback, body=content.body, headers=headers, timeout_s=ANSWER_S, most_body=0
            )
            status, why = answer.status, f"answered {answer.status}"
        except (Refused, Unreachable, Unopenable) as error:
            status, why = 0, str(error)
        now = self.clock.now()
        if status // 100 == 2:
            await self.db.write(partial(subscriptions.delivered, mark=held.mark, digest=content.digest, now=now))
        elif status == HTTPStatus.GONE or (held.failing_since is not None and now - held.failing_since >= GIVEN_UP):
            logger.warning("a WebSub subscription at %s has ended: %s", asking.host_of(held.callback), why)
            await self.db.write(partial(subscriptions.end, mark=held.mark))
        else:
            logger.info("a WebSub callback at %s took nothing: %s", asking.host_of(held.callback), why)
            wait = WAITS[min(held.failures, len(WAITS) - 1)]
            await self.db.write(partial(subscriptions.failed, held=held, now=now, wait=wait))
            self._again_at = min(self._again_at or now + wait, now + wait)
        self._woken = True  # the feed may have changed meanwhile

    def _headers(self, held: Held, content: Content) -> dict[str, str]:
        name = self.topics[held.topic]
        headers = {"Content-Type": CONTENT_TYPES[Path(name).suffix], "Link": link(self.url, held.topic)}
        if held.sealed is not None:
            secret = self.ring.open(subscriptions.CHANNEL, held.sealed.key_id, held.sealed.data)
            headers["X-Hub-Signature"] = signature(secret, content.body)
        return headers

    def _start(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=f"WebSub {name[:12]}")
        self._running[name] = task
        task.add_done_callback(partial(self._ended, name))

    def _ended(self, name: str, task: "asyncio.Task[None]") -> None:
        del self._running[name]
        if not task.cancelled() and (error := task.exception()) is not None:
            logger.error("%s failed, and is tried again (docs/websub.md)", task.get_name(), exc_info=error)


def link(hub: str, topic: str) -> str:
    """The header by which a feed says what it is called, and who pushes it."""
    return f'<{hub}>; rel="hub", <{topic}>; rel="self"'
