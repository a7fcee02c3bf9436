"""The sender loop: ledger -> channel, at the sender's pace.

    lease (a few seconds ahead) -> claim (committed) -> call -> outcome (committed)

At most `window` rows are claimed and not yet recorded: that bounds what a killed process leaves unknown. A call starts only
while its event is being sent and our lease certainly holds; what was claimed and not started goes back. A sender that is out
of order, was asked to pause, or whose route is shut (routing.py) holds nothing: others may take its rows. Rates: driving.py.
"""

import asyncio
import contextlib
import logging
import math
from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Final

from sqlalchemy.exc import SQLAlchemyError

from channels.base import Halts, Misconfigured, Outbound, Receipt, Retry, Unknown
from notify.sending import leases
from notify.sending.alarm import Alarm
from notify.sending.desk import Desk, Light, Sender, written
from notify.sending.driving import Driving
from notify.sending.holding import Call, Group, Holding
from notify.sending.leases import Leased
from notify.sending.pace import Pace, Slot
from notify.sending.recorder import Aside, Recorder
from notify.sending.route import Route, Routes
from notify.sending.trial import Trial

logger = logging.getLogger(__name__)

IDLE_S: Final = 0.5  # a sender with nothing to do looks again after this, or when woken
PAUSE_S: Final = 1.0  # after a database error
REOPEN_S: Final = 15.0  # a misconfigured channel is tried again after this
SILENCE_S: Final = 120.0  # a channel that says nothing for so long about a batch is given up on: its rows are unknown
SURE_S: Final = 0.5  # what was claimed longer ago than this is looked up again before its call: it may have been stopped
SAME_MOMENT_S: Final = 0.002  # messages due closer together than this start together


class Dispatcher:
    """Runs one Sender until `close`. route: shared with the senders that fail together with it; a lone one has its own."""

    def __init__(self, sender: Sender, desk: Desk, owner: str, route: Route | None = None) -> None:
        self.sender, self.desk, self.owner = sender, desk, owner
        self.light = Light()
        self.route = route or Routes(sender.channel.name).route(sender.route)
        self.route.lights.append(self.light)
        self.route.on_change.append(self._route_changed)
        self._trial = Trial(self.route, sender.channel, desk.clock, self.light)
        self._alarm = Alarm(desk.page, desk.clock.monotonic)
        self._pace = Pace(sender.rate)
        aside = Aside(desk.mails_instead, partial(self.route.routes.known_as, sender.number))
        self._books = Recorder(desk.db, desk.clock, owner, desk.lease_for, aside)
        self._holding = Holding(sender, desk, owner, self._books, self.route)
        self._calls: set[asyncio.Task[None]] = set()
        self._under_way = 0
        self._wake, self._freer = asyncio.Event(), asyncio.Event()
        self._stirred = self._closing = False
        self._ended: set[str] = set()
        self._sure_at = -math.inf
        self.driving = Driving(sender, desk.crew, self._pace)
        if sender.number:
            self.route.routes.numbers[sender.number] = self.carries

    @property
    def works(self) -> bool:
        return not self.light.trouble and self.route.stands.is_open

    def carries(self) -> bool:
        """As Driving.carries, now."""
        return self.driving.carries(self.light, self.route, self.desk.clock.monotonic())

    def wake(self) -> None:
        """There may be new work, and it may be more urgent than what is held."""
        self._stirred = True
        self._wake.set()

    def reserve(self, units: int) -> float:
        """As Driving.reserve, now."""
        return self.driving.reserve(units, self.desk.clock.monotonic())

    @property
    def backlog_s(self) -> float:
        """How long another message would wait for its slot now, in seconds."""
        return self._pace.backlog(self.desk.clock.monotonic())

    def close(self) -> None:
        """Starts no more calls; `run` returns when those under way are recorded."""
        self._closing = True
        self._holding.close()
        self._wake.set()
        self._freer.set()

    async def run(self) -> None:
        books = asyncio.create_task(self._books.run(self._holding.ids))
        watching = asyncio.create_task(self._trial.watch())
        try:
            while not self._closing:
                await self._round_safely()
            if self._calls:
                await asyncio.wait(self._calls)
        finally:
            watching.cancel()
            try:
                await self._holding.drop_ahead()
            except Exception:  # whatever it was, the outcomes of what has left must still be written
                logger.exception("sender %s could not claim what was next; nothing of it was started", self.sender.name)
            self._books.close()
            await books
            try:
                await self._holding.give_back()
            except SQLAlchemyError:
                logger.exception("leases of %s could not be given back; they end by themselves", self.sender.name)

    async def _round_safely(self) -> None:
        try:
            await self._round()
        except SQLAlchemyError:
            logger.exception("sender %s cannot use the ledger; nothing is sent meanwhile", self.sender.name)
            await self._idle(PAUSE_S)
        except Exception as error:  # the loop's own boundary: a fault must not silence a sender for good
            logger.exception("sender %s met a fault and goes on", self.sender.name)
            self._alarm.tell(f"Sender {self.sender.name} met a fault and goes on: {type(error).__name__}.")
            await self._idle(PAUSE_S)

    async def _round(self) -> None:
        """Starts the calls of the next group, and claims the one after it meanwhile."""
        ours = self.driving.take(self.desk.clock.monotonic())
        pause = self._pace.held_for(self.desk.clock.monotonic())
        if self.light.trouble and ours:
            self._alarm.tell(f"Sender {self.sender.name} has stopped: {self.light.trouble}")
        if self.light.trouble or pause > 0 or self._stirred or self._trial.bars or not ours:
            self._stirred = False
            await self._holding.drop_ahead()
            await self._holding.give_back()
        if self.light.trouble or pause > 0 or not ours:
            await (self._reopen() if self.light.trouble else self._idle(pause or IDLE_S))
            return
        if self._trial.bars:
            return await self._probe()
        group = await self._holding.group()
        if not group.rows and self._holding.empty:
            await self._idle(IDLE_S)
            return
        self._holding.claim_ahead()
        await self._start(group)

    def _is_full(self, more: int) -> bool:
        return self._under_way + more >= self.route.at_once(self.sender) and not self._trial.is_on

    def _route_changed(self) -> None:
        if self._trial.bars and isinstance(self.sender.channel, Halts):
            self.sender.channel.halt()
        self._books.look_again()
        self._freer.set()
        self.wake()

    async def _probe(self) -> None:
        if self._books.open_rows >= self.sender.window or not self._trial.is_due():
            return await self._idle(IDLE_S)
        self._alarm.tell(f"Sender {self.sender.name} carries nothing now: calls fail or are not answered. It is tried again.")
        if not await self._trial.run(self._start_one):
            await self._idle(IDLE_S)

    async def _start_one(self) -> "set[asyncio.Task[None]] | None":
        before, group = set(self._calls), await self._holding.one()
        await self._start(group)
        return self._calls - before if group.rows else None

    async def _idle(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._wake.wait(), seconds)
        self._wake.clear()

    async def _start(self, group: Group) -> None:
        """Starts the calls of claimed rows at their slots, never more than `concurrency` under way. Whatever happens, every
        row of the group is either started or said not to be."""
        self._sure_at = group.at
        self._ended.clear()
        waiting = deque(group.rows)
        batch: list[Call] = []
        try:
            while waiting:
                letter = written(self.desk.outbox, self.sender.channel.name, waiting[0], self._alarm.tell)
                if not isinstance(letter, Outbound):
                    leased = waiting.popleft()
                    self._books.say(leased, Receipt(leased.delivery_id, letter))
                    continue
                slot, wait_s = self._slot(letter)
                if wait_s > SAME_MOMENT_S or self._is_full(len(batch)):
                    batch = self._call(batch)
                    await self._wait(wait_s)
                    await self._look_again(waiting)
                leased = waiting.popleft()
                if self._may_start(leased):
                    self._pace.started(slot, self.desk.clock.monotonic())  # the next one's place is reckoned from it
                    batch.append(Call(leased, letter, slot))
                    self._holding.started(leased, self.sender.units(letter.content))
                else:
                    self._holding.not_started(leased)
            batch = self._call(batch)
        finally:
            for leased in (*(call.leased for call in batch), *waiting):
                self._holding.not_started(leased)

    def _slot(self, letter: Outbound) -> tuple[Slot, float]:
        """The letter's place in the pace, and the seconds until it; none is reserved when nothing may start anyway."""
        now = self.desk.clock.monotonic()
        if self._is_barred() or self._pace.held_for(now) > 0:
            return Slot(now, 0), 0.0
        # A route that has lost a part of its share has to pay more of the pace for each message.
        slot = self._pace.slot(math.ceil(self.sender.units(letter.content) / self.route.share), now)
        return slot, slot.at - now

    def _is_barred(self) -> bool:
        return self._closing or bool(self.light.trouble) or self._trial.bars or not self.driving.ours

    def _may_start(self, leased: Leased) -> bool:
        stopped = leased.event_id in self.desk.halted or leased.event_id in self._ended
        paused = self._pace.held_for(self.desk.clock.monotonic()) > 0
        return not (self._is_barred() or paused or stopped or self._books.lost(leased))

    async def _wait(self, wait_s: float) -> None:
        """Waits for the message's slot; then, when all calls are taken, until half are free (so that they start in batches)."""
        if wait_s > 0:
            await asyncio.sleep(wait_s)
        if self._is_full(0):
            while self._under_way > self.route.at_once(self.sender) // 2 and not self._closing and not self._trial.bars:
                self._freer.clear()
                await self._freer.wait()

    async def _look_again(self, rows: Iterable[Leased]) -> None:
        """Rows that waited long for their slot may have been stopped meanwhile, by another process or by the clock."""
        if self.desk.clock.monotonic() - self._sure_at <= SURE_S:
            return
        now, self._sure_at = self.desk.clock.now(), self.desk.clock.monotonic()
        sending = await self.desk.db.read(lambda conn: leases.sending(conn, now))
        self._ended.update({leased.event_id for leased in rows}.difference(sending))

    def _call(self, batch: list[Call]) -> list[Call]:
        """Starts a batch; returns the empty next one."""
        if batch:
            self._under_way += len(batch)
            self.light.started += len(batch)
            self.route.began(len(batch), self.desk.clock.monotonic())
            task = asyncio.create_task(self._send(batch))
            self._calls.add(task)
            task.add_done_callback(self._calls.discard)
        return []

    async def _send(self, batch: Sequence[Call]) -> None:
        """Hands a batch to the channel. What gets no receipt, for any reason, is unknown: never lost, never blindly resent."""
        waiting = {call.leased.delivery_id: call for call in batch}
        begun = self.desk.clock.monotonic()
        self.driving.began([call.slot for call in batch], begun)
        cause = "no receipt"
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(SILENCE_S) as silence:
                async for receipt in self.sender.channel.send([call.letter for call in batch]):
                    silence.reschedule(loop.time() + SILENCE_S)
                    self._take(waiting, receipt, begun)
        except Misconfigured as error:
            cause, self.light.trouble = "channel stopped", str(error)
        except Exception as error:  # the loop's own boundary: a fault in a channel must not lose rows
            cause = type(error).__name__
            logger.exception("channel %s failed in the middle of a batch", self.sender.name)
        finally:
            for delivery_id in list(waiting):
                self._take(waiting, Receipt(delivery_id, Unknown(cause)), begun)

    def _take(self, waiting: dict[int, Call], receipt: Receipt, begun: float) -> None:
        call = waiting.pop(receipt.delivery_id, None)
        if call is None:
            logger.error("channel %s gave a receipt that nobody waits for", self.sender.name)
            return
        now = self.desk.clock.monotonic()
        self._pace.answered(call.slot, now - begun)
        self._under_way -= 1
        self._freer.set()
        self.route.ended(receipt.outcome, now - begun, now)
        if isinstance(receipt.outcome, Retry) and receipt.outcome.pause_sender:
            self._pace.hold_until(now + receipt.outcome.after.total_seconds())
            if not self.route.alone:  # the sender must wait; the message has another way
                receipt = replace(receipt, outcome=replace(receipt.outcome, after=timedelta(0)))
        self._books.say(call.leased, receipt)

    async def _reopen(self) -> None:
        """Tries a channel that cannot work again after a while."""
        await self._idle(REOPEN_S)
        if self._closing:
            return
        await self._trial.reopen()
