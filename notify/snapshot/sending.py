"""Sends an order to people of a snapshot, at the senders' pace, through the channels of the service and no database.

    claim a second's worth (synced) -> call -> outcome (synced with the next claim)

Nobody is lost: whoever was claimed and has no outcome, after a kill at any line, is asked about at the provider and, when it
knows of nothing, sent to again. Whoever may so have been told twice is listed. At most one group of each sender is in doubt.
"""

import asyncio
import logging
import math
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Final

from channels.base import Asks, Content, Handed, Misconfigured, Outbound, Outcome, Question, Refused, Retry
from notify.alerts import exercise
from notify.alerts.alert import Mode
from notify.sending.desk import Sender
from notify.snapshot import journal as journals
from notify.snapshot.columns import Person
from notify.snapshot.journal import Journal

logger = logging.getLogger(__name__)

BEYOND: Final = 9 * 10**17  # added to an address_id: no ledger has such a delivery, should a late report reach a service
GROUP_S: Final = 1.0  # how much of its pace a sender takes at once: what a kill leaves in doubt
SPARE: Final = 1.02  # two groups never fall into one second of the provider's clock
MOST_AT_ONCE: Final = 400
MOST_TRIES: Final = 5
DOUBT_BATCH: Final = 200


@dataclass(slots=True)
class Counts:
    """What came of one run. twice: addresses that may have been told twice."""

    handed: int = 0
    refused: int = 0
    expired: int = 0
    unknown: int = 0
    twice: list[int] = field(default_factory=list)


@dataclass(slots=True, kw_only=True)
class Run:
    """people: by address_id; only those whose turn it is are asked for. content: the text of a person. not_found_after: how
    long the provider may take to list a message."""

    people: Mapping[int, Person]
    senders: Sequence[Sender]
    journal: Journal
    mode: Mode
    expires: datetime
    content: Callable[[Person], Content]
    not_found_after: timedelta
    counts: Counts = field(default_factory=Counts)
    _tries: dict[int, int] = field(default_factory=dict)

    async def send(self, ids: Sequence[int], channels: Collection[str]) -> Counts:
        """Sends to each of these addresses, which are on these channels, that has no outcome yet. Raises Misconfigured when no
        sender of a channel can work."""
        ours = [one for one in self.senders if one.channel.name in channels]
        opened = []
        try:
            for one in ours:
                await one.channel.open()
                opened.append(one)
            known = self.journal.known
            await self._all(one for one in ids if one not in known.claimed and known.is_due(one))
            if (
                known.claimed
            ):  # in doubt, from this run or one that was killed: asked when the provider has had time to list them
                age = datetime.now(UTC) - max(known.claimed.values())
                await asyncio.sleep(max(0.0, (self.not_found_after - age).total_seconds()))
                await self._all(await self._settled(ids))
        finally:
            for one in opened:
                await one.channel.close()
            self.journal.sync()
        states = Counter(self.journal.known.states.get(one, "") for one in ids)
        self.counts.handed, self.counts.refused = states[journals.HANDED], states[journals.REFUSED]
        self.counts.unknown = states[journals.UNKNOWN]
        self.counts.expired = len(ids) - self.counts.handed - self.counts.refused - self.counts.unknown
        self.counts.twice = list(self.journal.known.again)
        return self.counts

    async def _settled(self, ids: Sequence[int]) -> list[int]:
        """Asks about everybody in doubt; returns who is to be told again, written down as perhaps told twice."""
        doubtful = [one for one in ids if one in self.journal.known.claimed]
        again: list[int] = []
        for start in range(0, len(doubtful), DOUBT_BATCH):
            again += await self._asked(doubtful[start : start + DOUBT_BATCH])
        if again:
            self.journal.again(again)
        return again

    async def _asked(self, ids: Sequence[int]) -> list[int]:
        """Those of these people of whom no sender's provider knows anything."""
        known = self.journal.known.claimed
        left = {one: self.people[one] for one in ids}
        for sender in self.senders:
            channel = sender.channel
            asked = [one for one in left.values() if one.channel == channel.name]
            if not isinstance(channel, Asks) or not asked:
                continue
            questions = [
                Question(
                    delivery_id=one.address_id,
                    address=one.address,
                    body=self.content(one).body,
                    claimed_at=known[one.address_id],
                )
                for one in asked
            ]
            try:
                answers = await channel.ask(questions)
            except ConnectionError as error:
                logger.warning("the provider cannot be asked who was told; they are told again: %s", error)
                continue
            for answer in answers:
                if answer.found:
                    self.journal.out(answer.delivery_id, journals.HANDED, answer.found[0][0], "found at the provider")
                    left.pop(answer.delivery_id, None)
        return list(left)

    async def _all(self, ids: Iterable[int]) -> None:
        queues: dict[str, deque[int]] = {}
        for one in ids:
            queues.setdefault(self.people[one].channel, deque()).append(one)
        lanes = [self._lane(one, queues[one.channel.name]) for one in self.senders if one.channel.name in queues]
        await asyncio.gather(*lanes)

    async def _lane(self, sender: Sender, queue: deque[int]) -> None:
        loop = asyncio.get_running_loop()
        while queue and datetime.now(UTC) < self.expires:
            group: list[Person] = []
            begun, units = loop.time(), 0
            most = min(MOST_AT_ONCE, sender.window)
            while queue and len(group) < most and (not group or units < sender.rate * GROUP_S):
                group.append(self.people[queue.popleft()])
                units += sender.units(self.content(group[-1]))
            again = await self._group(sender, group)
            pace = 0.0 if math.isinf(sender.rate) else units / sender.rate * SPARE
            await asyncio.sleep(max(again, begun + pace - loop.time(), 0))
            queue.extend(one.address_id for one in group if self._wants_again(one.address_id))

    def _wants_again(self, address_id: int) -> bool:
        return self.journal.known.states.get(address_id) == journals.RETRY

    async def _group(self, sender: Sender, group: Sequence[Person]) -> float:
        """Claims and calls; returns the seconds the provider asked us to wait. Raises Misconfigured."""
        now = datetime.now(UTC)
        fit = [one for one in group if exercise.fits(one.channel, one.address, self.mode)]
        for one in group:
            if one not in fit:
                self.journal.out(one.address_id, journals.REFUSED, code="wrong-mode")
        self.journal.claim([one.address_id for one in fit], now)
        wait = 0.0
        try:
            async for receipt in sender.channel.send([self._letter(one, now) for one in fit]):
                wait = max(wait, self._note(receipt.delivery_id - BEYOND, receipt.outcome))
        except Misconfigured:
            self.journal.sync()
            raise
        return wait

    def _letter(self, one: Person, now: datetime) -> Outbound:
        return Outbound(
            delivery_id=BEYOND + one.address_id,
            event_id=f"snapshot-{one.address_id}",
            address=one.address,
            content=self.content(one),
            valid_for=self.expires - now,
        )

    def _note(self, address_id: int, outcome: Outcome) -> float:
        match outcome:
            case Handed(provider_id=ref):
                self.journal.out(address_id, journals.HANDED, ref)
            case Refused(code=code):
                self.journal.out(address_id, journals.REFUSED, code=code)
            case Retry(after=after, cause=cause):
                self._tries[address_id] = self._tries.get(address_id, 0) + 1
                given_up = self._tries[address_id] >= MOST_TRIES
                state = journals.REFUSED if given_up else journals.RETRY
                self.journal.out(address_id, state, code=cause[:80])
                return after.total_seconds()
            case _:
                self.journal.out(address_id, journals.UNKNOWN, code=type(outcome).__name__)
        return 0.0
