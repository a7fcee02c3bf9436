"""What became of messages nobody can tell about: the provider is asked, then the policy of the alert's class decides."""

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import partial
from typing import Final

from sqlalchemy import Connection, bindparam, text

from channels.base import Answer, Asks, Channel, Misconfigured, Outcome, Question, Receipt
from notify.alerts import register
from notify.alerts.alert import Event, from_json
from notify.clock import Clock, Steps, from_micros, micros
from notify.db import Database
from notify.sending import ledger
from notify.sending.leases import MAY_LEAVE
from notify.sending.outbox import content_for
from notify.sending.statements import OPEN
from subscribers.sealing import Keyring, Unopenable

logger = logging.getLogger(__name__)

BATCH: Final = 500
MOST_ATTEMPTS: Final = 3
LEFT_TO_STAFF: Final = "left to staff"
UNSETTLED: Final = f"state = 'unknown' AND (code IS NULL OR code NOT LIKE '{LEFT_TO_STAFF}%')"
SETTLING: Final = timedelta(seconds=2)  # a message just handed over may not be listed yet


@dataclass(frozen=True, slots=True)
class Unknown:
    """A row in doubt."""

    delivery_id: int
    event_id: str
    channel: str
    language: str
    wording: str
    attempts: int
    claimed_at: int
    sealed: bytes | None  # None when the person has been erased
    key_id: str | None


@dataclass(slots=True)
class Reconciler:
    """channels: all senders' channels by name of the channel. not_found_after: when 'not found' counts as 'not accepted'.
    routes: the channels of each route, which alone are asked about what it carried: one that is silent holds up no other."""

    db: Database
    clock: Clock
    keys: Keyring
    channels: Mapping[str, Sequence[Channel]]
    not_found_after: timedelta
    routes: Mapping[str, Sequence[Channel]] = field(default_factory=dict)
    _steps: Steps = field(init=False)
    _sure_at: float = field(init=False, default=-math.inf)  # by the clock that never jumps

    def __post_init__(self) -> None:
        self._steps = Steps(self.clock)

    async def tick(self) -> int:
        """Asks about one batch of unknown rows of each channel and settles those that can be; returns how many were."""
        settled = 0
        if self._steps.look():  # what looks like an hour since a call may be a second
            self._sure_at = self.clock.monotonic() + self.not_found_after.total_seconds()
        for name in ledger.CHANNELS:
            anybody = self.channels.get(name, ())
            named = {route: ones for route, ones in self.routes.items() if ones[0].name == name}
            for route, asked in [(None, anybody), *named.items()]:
                look = partial(in_doubt, channel=name, before=self.clock.now() - SETTLING, route=route, named=[*named])
                if rows := await self.db.read(look):
                    settled += await self._settle(rows, asked)
        return settled

    async def _settle(self, rows: Sequence[Unknown], channels: Sequence[Channel]) -> int:
        contents = {
            event_id: await self.db.read(partial(_content, event_id=event_id)) for event_id in {row.event_id for row in rows}
        }
        events = {event_id: from_json(content) for event_id, content in contents.items()}
        asked = [channel for channel in channels if isinstance(channel, Asks)]
        questions = [question for row in rows if (question := self._question(row, events[row.event_id])) is not None]
        answers = await self._ask(asked, questions) if asked else {}
        askable, now = {question.delivery_id for question in questions}, self.clock.now()
        steps: list[tuple[Unknown, Step]] = []
        patience = self.not_found_after if self.clock.monotonic() >= self._sure_at else timedelta.max
        for row in rows:
            answer = answers.get(row.delivery_id)
            if row.delivery_id not in askable:
                steps.append((row, Leave(f"{LEFT_TO_STAFF}: the address cannot be read")))
            elif answer is None and asked:
                continue  # the provider could not be asked now
            elif (step := decide(row, answer, events[row.event_id], now, patience)) is not None:
                steps.append((row, step))
        if steps:
            await self.db.write(partial(settle, steps=steps, now=now))
        return len(steps)

    def _question(self, row: Unknown, event: Event) -> Question | None:
        """None when there is no address to ask about: the person was erased, or its key is gone."""
        if row.sealed is None or row.key_id is None:
            return None
        try:
            address = self.keys.open(row.channel, row.key_id, row.sealed)
        except Unopenable:
            logger.error("the address of delivery %d cannot be opened, so nobody can be asked about it", row.delivery_id)
            return None
        return Question(
            delivery_id=row.delivery_id,
            address=address,
            body=content_for(event, row.channel, row.wording, row.language).body,
            claimed_at=from_micros(row.claimed_at),
        )

    async def _ask(self, asked: Sequence[Asks], questions: Sequence[Question]) -> dict[int, Answer]:
        """All numbers are asked: a row does not say which one carried it. Empty when one cannot be."""
        found: dict[int, list[tuple[str, Outcome]]] = {question.delivery_id: [] for question in questions}
        for channel in asked:
            try:
                answers = await channel.ask(questions)
            except (ConnectionError, Misconfigured) as error:
                logger.warning("the provider cannot be asked about %d rows: %s", len(questions), error)
                return {}
            for answer in answers:
                found[answer.delivery_id].extend(answer.found)
        return {
            delivery_id: Answer(delivery_id=delivery_id, found=list(dict(one).items())) for delivery_id, one in found.items()
        }


def _content(conn: Connection, event_id: str) -> str:
    return register.event(conn, event_id).content


@dataclass(frozen=True, slots=True)
class Adopt:
    """The provider has exactly one such message: it is ours."""

    receipt: Receipt


@dataclass(frozen=True, slots=True)
class SendAgain:
    """The provider has none, and for this alert a duplicate beats a miss."""


@dataclass(frozen=True, slots=True)
class Leave:
    """A person must look: the reason."""

    why: str


Step = Adopt | SendAgain | Leave


def decide(row: Unknown, answer: Answer | None, event: Event, now: datetime, not_found_after: timedelta) -> Step | None:
    """The policy, in one place. `answer` None: this provider cannot be asked. None comes back while it is too early to tell."""
    if answer is not None and len(answer.found) == 1:
        provider_id, outcome = answer.found[0]
        return Adopt(Receipt(row.delivery_id, outcome, provider_id))
    if answer is not None and len(answer.found) > 1:
        return Leave(f"{LEFT_TO_STAFF}: {len(answer.found)} matches")
    if now - from_micros(row.claimed_at) < not_found_after:
        return None
    if event.duplicate_beats_a_miss and row.attempts < MOST_ATTEMPTS and event.expires > now:
        return SendAgain()
    return Leave(LEFT_TO_STAFF)


def in_doubt(
    conn: Connection, channel: str, before: datetime, route: str | None = None, named: Sequence[str] = ()
) -> list[Unknown]:
    """Unknown rows of a channel that nobody has settled yet, oldest first, whatever has become of their events. route: only
    what it carried last; None: what none of the named ones did."""
    names = {f"n{number}": name for number, name in enumerate(named if route is None else [route])}
    listed = ", ".join(f":{name}" for name in names)
    by = (
        f"d.route IN ({listed})"
        if route is not None
        else f"(d.route IS NULL OR d.route NOT IN ({listed}))"
        if names
        else "1 = 1"
    )
    found = conn.execute(
        text(f"""
        SELECT d.delivery_id, d.event_id, d.channel, d.language, d.wording, d.attempts, d.claimed_at, a.sealed, a.key_id
        FROM delivery d LEFT JOIN address a ON a.address_id = d.address_id
        WHERE {OPEN} AND {UNSETTLED} AND d.channel = :channel AND d.claimed_at <= :before AND {by}
        ORDER BY +d.delivery_id LIMIT :most"""),
        {"channel": channel, "before": micros(before), "most": BATCH} | names,
    )
    return [Unknown(*row) for row in found]


_SEND_AGAIN: Final = text(f"""
    UPDATE delivery SET state = 'planned', lease_owner = NULL, lease_until = NULL
    WHERE delivery_id = :id AND {UNSETTLED}
      AND event_id IN (SELECT event_id FROM event WHERE status IN :may_leave)
""").bindparams(bindparam("may_leave", MAY_LEAVE, expanding=True))
_LEAVE: Final = text(f"UPDATE delivery SET code = :why WHERE delivery_id = :id AND {UNSETTLED}")


def settle(conn: Connection, steps: Sequence[tuple[Unknown, Step]], now: datetime) -> None:
    """Writes decisions down. A row that moved meanwhile (a report came), or was left to staff, is left as it is. What should go
    out again of an event that sends nothing any more is left to staff."""
    ledger.apply_reports(conn, [step.receipt for _, step in steps if isinstance(step, Adopt)], now=now)
    for row, step in steps:
        if isinstance(step, SendAgain):
            conn.execute(_SEND_AGAIN, {"id": row.delivery_id})
        if not isinstance(step, Adopt):
            why = step.why if isinstance(step, Leave) else LEFT_TO_STAFF
            conn.execute(_LEAVE, {"id": row.delivery_id, "why": why})
