"""How a page leaves: by the same senders as alerts, from beside the ledger and ahead of it, past the same last checks.

Fifty thousand texts may be waiting: a page takes the very next slot of a sender's pace, and waits for no row. The number kept
for urgent alerts is asked first; where one sender cannot now, the next is.
"""

import asyncio
import logging
import secrets
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from channels.base import Content, Misconfigured, Outbound, Outcome, Refused, Retry, Unknown
from notify.alerts import exercise
from notify.alerts.alert import Mode
from notify.sending.dispatch import Dispatcher
from notify.sending.notices import NO_DELIVERY

logger = logging.getLogger(__name__)

LONGEST_WAIT_S: Final = 0.5  # for a slot: then the carrier may queue it, for one message matters more than the rate
LATER: Final = timedelta(seconds=5)
REHEARSAL: Final = "rehearsal/"  # what the key of an alert's text to ourselves begins with


@dataclass(frozen=True, slots=True)
class Lane:
    """mode: whom pages may go to. marks: how a test begins, see exercise.marks."""

    dispatchers: Sequence[Dispatcher]
    mode: Mode
    marks: Collection[str]

    async def send(self, channel: str, address: str, content: Content) -> Outcome:
        """Hands one page over; never raises for a provider. Refused without a call for what must not leave at all."""
        if fault := self._fault(channel, address, content):
            logger.error("a page by %s was not sent: %s", channel, fault)
            return Refused("not allowed", fault)
        ours = [one for one in self.dispatchers if one.sender.channel.name == channel]
        outcome: Outcome = Retry(LATER, "no sender")
        for one in sorted(ours, key=lambda one: (not one.works, one.sender.below, -one.sender.rate)):
            outcome = await self._by(one, address, content)
            if not isinstance(outcome, Retry):
                break
        return outcome

    def _fault(self, channel: str, address: str, content: Content) -> str:
        """The last hop's own look, whatever was checked before."""
        if not exercise.fits(channel, address, self.mode):
            return f"its address does not fit mode {self.mode}."
        if content.key.startswith(REHEARSAL):
            first = content.subject if channel == "email" else content.body
            if not exercise.begins_like_a_test(first, self.marks) or exercise.says_it_is_none(content.subject, content.body):
                return "an alert's text to staff must begin by saying that it is a test."
        return ""

    async def _by(self, one: Dispatcher, address: str, content: Content) -> Outcome:
        await asyncio.sleep(min(LONGEST_WAIT_S, one.reserve(one.sender.units(content))))
        outbound = Outbound(delivery_id=NO_DELIVERY, event_id=f"page-{secrets.token_hex(8)}", address=address, content=content)
        try:
            receipts = [receipt async for receipt in one.sender.channel.send([outbound])]
        except Misconfigured as error:
            return Retry(LATER, str(error))
        return receipts[0].outcome if receipts else Unknown("no receipt")
