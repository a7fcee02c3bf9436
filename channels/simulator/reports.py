"""Tells the application what became of its texts: logs each change of status, then posts it, unless a fault interferes."""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

from channels.simulator.callbacks import Callback, report_form
from channels.simulator.faults import Dice, Live
from channels.simulator.journal import Journal
from channels.simulator.lines import message_line
from channels.simulator.messages import Change
from channels.simulator.poster import Poster


class Reports:
    """`tally` counts changes by status; `pending` are changes being logged and callbacks a fault holds back; `on_release`
    is called when held callbacks go."""

    def __init__(self, journal: Journal, poster: Poster, live: Live, dice: Dice, on_release: Callable[[], None]) -> None:
        self.tally: Counter[str] = Counter()
        self.pending = 0
        self._journal = journal
        self._poster = poster
        self._live = live
        self._dice = dice
        self._on_release = on_release
        self._held: dict[str, Callback] = {}  # by sid: a "sent" that shall come after the final report

    async def tell(self, changes: Sequence[Change], account_sid: str) -> None:
        """Returns when the log has all changes and their callbacks are on their way. Raises JournalBroken."""
        callbacks: list[Callback] = []
        for change in changes:
            self.tally[change.status] += 1
            cause = self._prepare(change, account_sid, callbacks)
            self._journal.append(message_line("report", change, cause))
        self.pending += len(changes)
        try:
            await self._journal.synced()
        finally:
            self.pending -= len(changes)
        delay_s = self._live.sms.reports_delay_s
        if delay_s and callbacks:
            self.pending += len(callbacks)
            asyncio.get_running_loop().call_later(delay_s, self._release, callbacks)
        else:
            self._post(callbacks)

    def _prepare(self, change: Change, account_sid: str, callbacks: list[Callback]) -> str:
        """Adds the callbacks a change asks for now; returns the name of the fault that acted on it."""
        message, faults = change.message, self._live.sms
        if not message.callback:
            return ""
        if faults.reports_off:
            self._held.pop(message.sid, None)
            return "reports_off"
        callback = Callback(message.sid, message.callback, report_form(change, account_sid))
        if change.status == "sent" and self._dice.hit(faults.reports_swapped):
            self._held[message.sid] = callback
            return "reports_swapped"
        cause = "reports_delay_s" if faults.reports_delay_s else ""
        callbacks.append(callback)
        if self._dice.hit(faults.reports_doubled):
            callbacks.append(callback)
            cause = "reports_doubled"
        held = self._held.pop(message.sid, None)
        if held is not None:
            callbacks.append(held)
            cause = "reports_swapped"
        return cause

    def _release(self, callbacks: list[Callback]) -> None:
        self.pending -= len(callbacks)
        self._post(callbacks)
        self._on_release()

    def _post(self, callbacks: list[Callback]) -> None:
        for callback in callbacks:
            self._poster.post(callback)
