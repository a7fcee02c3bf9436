"""The running telephone: a switchboard with a clock, a log and a way to the application."""

import asyncio
import time
from collections.abc import Callable
from typing import Final

from channels.simulator.config import SimulatorConfig
from channels.simulator.journal import Journal
from channels.simulator.telephone.clockwork import Clockwork
from channels.simulator.telephone.legs import Party
from channels.simulator.telephone.mailroom import Outside
from channels.simulator.telephone.people import Stranger
from channels.simulator.telephone.switchboard import Switchboard
from channels.simulator.telephone.webhooks import Line, Webhooks

LOG: Final = "voice.jsonl"


class Telephone:
    """`run` must be running for anything to happen. Whoever brings something in from outside calls `touch` first."""

    def __init__(self, config: SimulatorConfig, journal: Journal, clock: Callable[[], float]) -> None:
        self.hosts = config.callback_hosts
        self.base_url = ""
        self.on_screen: Callable[[str], Party | None] = lambda number: None  # telephones that somebody holds
        self._journal = journal
        telephone = config.telephone
        line = Line(token=config.auth_token, limit_s=telephone.webhook_limit_s, hosts=config.callback_hosts)
        webhooks = Webhooks(line, journal.synced, self.touch)
        outside = Outside(
            log=journal.append,
            web=webhooks,
            clock=clock,
            far_end=self._stranger,
            account_sid=config.account_sid,
            base_url=lambda: self.base_url,
        )
        self.board = Switchboard(telephone, outside)
        self.owned = frozenset(number.number for number in telephone.numbers)
        self._webhooks = webhooks
        self._clockwork = Clockwork(self.board.timeline, time.monotonic, telephone.speed, self._held)
        self._quiet = asyncio.Event()
        self.board.on_quiet = self._quiet.set
        self.board.on_answer = self._clockwork.nudge

    def touch(self) -> None:
        """Brings everything up to now."""
        self._clockwork.touch()

    async def synced(self) -> None:
        """Waits until the log has all there was. Raises JournalBroken."""
        await self._journal.synced()

    async def until_quiet(self) -> None:
        """Waits until no call is live, nothing is left to be told, and the log says so."""
        while not self.board.quiet:
            self._quiet.clear()
            await self._quiet.wait()
        await self.synced()

    async def run(self) -> None:
        """Works until cancelled."""
        await self._clockwork.run()

    async def close(self) -> None:
        await self._webhooks.close()

    def _held(self) -> bool:
        """Faster than real, time waits for an application that has much to answer: its machine's pace is not the city's."""
        return self.board.config.speed > 1.0 and self.board.mail.pending >= self.board.config.at_once

    def _stranger(self, number: str) -> Party:
        config = self.board.config
        return self.on_screen(number) or Stranger(number, config.shares, config.seed)
