"""Posts to webhooks what is planned for them: each in a task of its own, so that a dead or slow one holds up no other.

At least once, in the order of the numbers: a process killed between a receiver's answer and our note of it leaves a posting
that another one repeats, with the same id and number.
"""

import asyncio
import hmac
import json
import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any, Final

from sqlalchemy import Connection

from notify import audit
from notify.alerts.alert import Event
from notify.audit import Act
from notify.clock import Clock
from notify.db import Database
from notify.partners import bodies, patience, signature, webhook_rows
from notify.partners.bodies import Numbered
from notify.partners.egress import Answer, Egress, Refused, Unreachable
from notify.partners.patience import Next, Tried
from notify.partners.webhook import SENDING, Kind, Shape, Standing, State
from notify.partners.webhook_tables import Posting, PostingTry, Webhook
from notify.publishing.site import Site
from notify.sending.outbox import Tampered
from subscribers.sealing import Keyring, Unopenable

logger = logging.getLogger(__name__)

SYSTEM: Final = "tocsin"
SEALED_AS: Final = "webhook"
EVERY_S: Final = 0.5
PATIENCE_S: Final = 10.0  # for one request, looking up and connecting included; far below webhook_rows.LEASE
GOODBYE_S: Final = 5.0
MOST_SAID: Final = 200
MOST_READ: Final = 4096  # bytes of an answer: a challenge fits


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One posting that is ours to post, and its webhook as it stood then."""

    webhook: Webhook
    posting: Posting


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a try at a job ended. body: what was posted; None when it cannot be made."""

    job: Job
    tried: Tried
    body: bytes | None
    took_ms: int


@dataclass(slots=True, kw_only=True)
class Poster:
    """owner: this process, as leases name it. events: a frozen event by its id; raises Tampered. page: tells the duty officer.
    timeout_s: of one request."""

    db: Database
    clock: Clock
    ring: Keyring
    site: Site
    egress: Egress
    events: Callable[[str], Event]
    owner: str
    page: Callable[[str], None]
    timeout_s: float = PATIENCE_S
    _tasks: dict[str, "asyncio.Task[None]"] = field(default_factory=dict)

    async def tick(self) -> None:
        """Begins with every webhook that has something to post and that nobody is at."""
        self._forget_done()
        for webhook_id in await self.db.read(partial(webhook_rows.due, now=self.clock.now())):
            if webhook_id not in self._tasks:
                self._tasks[webhook_id] = asyncio.create_task(self._serve(webhook_id), name=f"webhook {webhook_id}")

    async def settle(self) -> None:
        """Waits until everything that was begun has ended."""
        await asyncio.gather(*self._tasks.values())

    async def close(self) -> None:
        """Requests under way may end; what is cut off is posted again after the next start, under the same id."""
        if self._tasks:
            await asyncio.wait(self._tasks.values(), timeout=GOODBYE_S)
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        await self.egress.close()

    def _forget_done(self) -> None:
        """A webhook whose task failed is begun again when its lease ends."""
        for webhook_id, task in list(self._tasks.items()):
            if task.done():
                del self._tasks[webhook_id]
                if not task.cancelled() and (error := task.exception()) is not None:
                    logger.error("%s failed and is begun again", task.get_name(), exc_info=error)

    async def _serve(self, webhook_id: str) -> None:
        """Everything that waits for one webhook, until there is no more or one of them fails."""
        job = await self.db.write(partial(self._claim, webhook_id=webhook_id))
        while job is not None:
            ended = await self._try(job)
            job, sentences = await self.db.write(partial(self._record, ended=ended))
            for sentence in sentences:
                self.page(sentence)

    def _claim(self, conn: Connection, webhook_id: str) -> Job | None:
        fence = webhook_rows.claim(conn, webhook_id, self.owner, self.clock.now())
        return self._next(conn, webhook_id, fence) if fence is not None else None

    def _next(self, conn: Connection, webhook_id: str, fence: int) -> Job | None:
        """The next posting, under a lease that begins anew; None, and the lease given back, at the end."""
        row = webhook_rows.webhook(conn, webhook_id, lock=True)
        if row is None or row.fence != fence:
            return None
        found = webhook_rows.head(conn, webhook_id) if State(row.state) in SENDING else None
        if found is None:
            webhook_rows.change(conn, webhook_id, fence, lease_owner=None, lease_until=None)
            return None
        webhook_rows.change(conn, webhook_id, fence, lease_until=self.clock.now() + webhook_rows.LEASE)
        return Job(webhook=row, posting=found)

    async def _try(self, job: Job) -> Ended:
        began = self.clock.monotonic()
        body = None
        try:
            body = await self.db.read(lambda _: self.body_of(job.webhook, job.posting))
            tried = await self._post(job, body)
        except Tampered as error:
            tried = Tried(said=str(error), unmade=True)
        return Ended(job=job, tried=tried, body=body, took_ms=round((self.clock.monotonic() - began) * 1000))

    def body_of(self, row: Webhook, posting: Posting) -> bytes:
        """Made at the first try and kept with how it ended: every other try, and every replay, has the same bytes. Raises
        Tampered."""
        if posting.body is not None:
            return posting.body
        numbered = Numbered(
            webhook_id=row.webhook_id, seq=posting.seq, message_id=posting.message_id, planned_at=posting.planned_at
        )
        event = self.events(posting.event_id) if posting.event_id else None
        return bodies.made(Kind(posting.kind), Shape(row.shape), numbered, self.site, event, row.code)

    async def _post(self, job: Job, body: bytes) -> Tried:
        row = job.webhook
        try:
            known = json.loads(self.ring.open(SEALED_AS, row.key_id, row.sealed))
        except Unopenable as error:
            return Tried(said=str(error))
        headers = {"Content-Type": "application/json; charset=utf-8"}
        if row.shape == Shape.JSON:
            headers |= signature.headers(known["secret"], job.posting.message_id, body, self.clock.now())
        try:
            answer = await self.egress.ask(
                "POST", known["url"], body=body, headers=headers, timeout_s=self.timeout_s, most_body=MOST_READ
            )
        except (Refused, Unreachable) as error:
            return Tried(said=str(error)[:MOST_SAID])
        return judged(answer, job)

    def _record(self, conn: Connection, ended: Ended) -> tuple[Job | None, list[str]]:
        """Writes down how a try ended, and what follows from it. Returns the next job, if there is one, and what the duty
        officer is told."""
        now, posting, tried = self.clock.now(), ended.job.posting, ended.tried
        row = webhook_rows.webhook(conn, posting.webhook_id, lock=True)
        line = PostingTry(
            webhook_id=posting.webhook_id,
            seq=posting.seq,
            at=now,
            took_ms=ended.took_ms,
            status=tried.status,
            said=tried.said,
        )
        webhook_rows.note(conn, line)
        if row is None or row.fence != ended.job.webhook.fence:  # somebody else has it now, and says what becomes of it
            return None, []
        attempts = posting.attempts + 1
        if tried.well:
            taken = {"standing": Standing.TAKEN.value, "done_at": now}
            webhook_rows.set_posting(conn, posting, attempts=attempts, body=ended.body, **taken)
            good = {"failures": 0, "failing_since": None, "told_at": None, "try_at": None, "taken_at": now}
            webhook_rows.change(conn, row.webhook_id, row.fence, **good, **_confirmed(conn, row, posting, now))
            return self._next(conn, row.webhook_id, row.fence), []
        since = row.failing_since or now
        follows = patience.follows(tried, attempts, since, now)
        dropped = {"standing": Standing.DROPPED.value, "done_at": now} if follows is Next.DROP else {}
        webhook_rows.set_posting(conn, posting, attempts=attempts, body=ended.body, **dropped)
        pause = patience.pause(row.failures + 1, tried.retry_after_s, random.random())
        values: dict[str, Any] = {
            "failures": row.failures + 1,
            "failing_since": since,
            "try_at": None if follows is Next.DROP else now + pause,
            "lease_owner": None,
            "lease_until": None,
        }
        said = _what_follows(conn, Failure(webhook=row, posting=posting, why=tried.said, since=since), follows, now)
        webhook_rows.change(conn, row.webhook_id, row.fence, **(values | said.values))
        return None, said.sentences


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """since: the webhook's first failure since its last success."""

    webhook: Webhook
    posting: Posting
    why: str
    since: datetime


@dataclass(frozen=True, slots=True)
class Said:
    """What else becomes of a webhook, and what somebody is told."""

    values: dict[str, Any]
    sentences: list[str]


def _what_follows(conn: Connection, failure: Failure, follows: Next, now: datetime) -> Said:
    row, name, why = failure.webhook, failure.webhook.webhook_id, failure.why
    if follows is Next.END:
        webhook_rows.drop_waiting(conn, name, now)
        _log(conn, "webhook ended", name, now, why=why)
        return Said({"state": State.ENDED.value, "why": why}, [f"Webhook {name} has ended: its address says that it is gone."])
    if follows is Next.SUSPEND:
        _log(conn, "webhook suspended", name, now, why=why)
        sentence = f"Webhook {name} is suspended: it has failed for a day ({why}). What it misses is kept for it."
        return Said({"state": State.SUSPENDED.value, "why": why}, [sentence])
    if follows is Next.DROP:
        number = failure.posting.seq
        _log(conn, "posting dropped", name, now, number=number, why=why)
        return Said({}, [f"Webhook {name} did not get message {number}: {why}. It is given up; later ones go on."])
    if row.told_at is None and now - failure.since >= patience.TOLD_AFTER:
        sentence = f"Webhook {name} has failed since {failure.since:%H:%M} UTC ({why}); it is tried again for a day."
        return Said({"told_at": now}, [sentence])
    return Said({}, [])


def judged(answer: Answer, job: Job) -> Tried:
    """Only 2xx is a yes; a challenge is answered with itself."""
    if not 200 <= answer.status < 300:
        moved = ": redirects are not followed" if 300 <= answer.status < 400 else ""
        wait = answer.headers.get("Retry-After", "")
        seconds = float(wait) if wait.isascii() and wait.isdigit() and len(wait) < 6 else 0.0
        return Tried(status=answer.status, said=f"HTTP {answer.status}{moved}", retry_after_s=seconds)
    if job.posting.kind == Kind.CHALLENGE and job.webhook.shape == Shape.JSON and not _echoed(answer.body, job.webhook.code):
        return Tried(status=answer.status, said="its answer does not hold the challenge")
    return Tried(status=answer.status)


def _echoed(body: bytes, code: str) -> bool:
    try:
        given = json.loads(body)
    except (ValueError, RecursionError):
        return False
    said = given.get("challenge") if isinstance(given, dict) else None
    return isinstance(said, str) and hmac.compare_digest(said.encode(), code.encode())


def _confirmed(conn: Connection, row: Webhook, posting: Posting, now: datetime) -> dict[str, Any]:
    """An address that has answered its challenge is the partner's. (Slack and Teams cannot: there, staff type in the code.)"""
    if posting.kind != Kind.CHALLENGE or row.shape != Shape.JSON or row.state != State.UNCONFIRMED:
        return {}
    _log(conn, "webhook confirmed", row.webhook_id, now)
    return {"state": State.ACTIVE.value, "confirmed_at": now}


def _log(conn: Connection, action: str, subject: str, now: datetime, **detail: object) -> None:
    audit.append(conn, Act(actor=SYSTEM, action=action, subject=subject, detail=detail), now)
