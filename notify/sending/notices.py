"""Single messages that belong to no alert: a sign-up code, a confirmation mail, the yearly check.

They leave through the same senders, within the same pace, and stand in no ledger: what could not be sent is simply asked for
again by the person who waits for it. Reports about them name delivery 0 and are passed over.
"""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from channels.base import Content, Handed, Misconfigured, Outbound, Outcome, Retry
from notify.alerts import exercise
from notify.alerts.alert import Mode
from notify.sending.dispatch import Dispatcher

logger = logging.getLogger(__name__)

NO_DELIVERY: Final = 0


@dataclass(frozen=True, slots=True)
class Notices:
    """dispatchers: the service's own; of a channel the one without urgent duty and with the highest rate is used. mode: whom
    they may be written to."""

    dispatchers: Sequence[Dispatcher]
    mode: Mode

    async def text(self, number: str, body: str, language: str = "en") -> bool:
        """Sends one text; False when it certainly or possibly did not leave."""
        return await self._send("sms", number, Content(key="notice/sms", language=language, body=body), "")

    async def reply(self, ours: str, number: str, body: str) -> bool:
        """Sends an answer from the number of ours that was written to, whose pace has been told of it. False when it certainly
        did not leave and may be tried again."""
        sender = next((one for one in self.dispatchers if one.sender.name == ours and not one.light.trouble), None)
        if sender is None:
            logger.warning("an answer was not sent: the number that was written to cannot send now")
            return False
        if not self._may("sms", number):
            return True
        outcome = await self._hand_over(sender, number, Content(key="notice/reply", language="en", body=body), "")
        return not (outcome is None or isinstance(outcome, Retry))

    async def mail(self, address: str, content: Content, recipient: str) -> bool:
        """Sends one mail; recipient is the reference of its unsubscribe link."""
        return await self._send("email", address, content, recipient)

    async def _send(self, channel: str, address: str, content: Content, recipient: str) -> bool:
        if not self._may(channel, address):
            return False
        ours = [one for one in self.dispatchers if one.sender.channel.name == channel and not one.light.trouble]
        if not ours:
            logger.warning("no sender for a notice by %s", channel)
            return False
        sender = max(ours, key=lambda one: (one.works, one.sender.below, one.sender.rate))
        await asyncio.sleep(sender.reserve(sender.sender.units(content)))
        return isinstance(await self._hand_over(sender, address, content, recipient), Handed)

    def _may(self, channel: str, address: str) -> bool:
        fits = exercise.fits(channel, address, self.mode)
        if not fits:
            logger.warning("a notice by %s was not sent: its address does not fit mode %s", channel, self.mode)
        return fits

    async def _hand_over(self, sender: Dispatcher, address: str, content: Content, recipient: str) -> Outcome | None:
        """None: the channel does not work until a person has done something."""
        outbound = Outbound(
            delivery_id=NO_DELIVERY,
            event_id=f"notice-{secrets.token_hex(8)}",
            address=address,
            content=content,
            recipient=recipient,
        )
        try:
            receipts = [receipt async for receipt in sender.sender.channel.send([outbound])]
        except Misconfigured as error:
            logger.error("a notice by %s could not be sent: %s", sender.sender.channel.name, error)
            return None
        return receipts[0].outcome
