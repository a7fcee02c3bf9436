"""How a text or a letter leaves the desk: by the senders that alerts have, within their pace, and never by the number that is
kept for urgent alerts while there is another. Nothing is sent twice: what may have left is never tried again.
"""

import asyncio
import logging
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from channels.base import Content, Handed, Misconfigured, Outbound, Outcome, Refused, Retry, Unknown
from notify.alerts import exercise
from notify.alerts.alert import Mode
from notify.sending.dispatch import Dispatcher
from notify.sending.notices import NO_DELIVERY

logger = logging.getLogger(__name__)

SMS: Final = "sms"
EMAIL: Final = "email"


@dataclass(frozen=True, slots=True)
class Outgoing:
    """dispatchers: the service's own. mode: whom its instance may write to."""

    dispatchers: Sequence[Dispatcher]
    mode: Mode

    async def send(self, channel: str, address: str, content: Content, ours: str = "") -> Outcome:
        """Hands one message over. ours: the number of ours they wrote to, which the answer leaves from where it can send. Never
        raises for a provider; Refused without a call for an address that does not fit the mode."""
        if not exercise.fits(channel, address, self.mode):
            return Refused("not allowed", f"This address does not fit mode {self.mode}.")
        sender = self._sender(channel, ours)
        if sender is None:
            return Refused("no sender", "There is no sender for this now.")
        await asyncio.sleep(sender.reserve(sender.sender.units(content)))
        outbound = Outbound(delivery_id=NO_DELIVERY, event_id=f"desk-{secrets.token_hex(8)}", address=address, content=content)
        try:
            receipts = [receipt async for receipt in sender.sender.channel.send([outbound])]
        except Misconfigured as error:
            logger.error("an answer by %s could not be sent: %s", channel, error)
            return Refused("misconfigured", str(error))
        return receipts[0].outcome if receipts else Unknown("no receipt")

    def is_free(self, channel: str) -> bool:
        """Whether a message would leave at once: a sender works, and nothing waits in its pace."""
        sender = self._sender(channel, "")
        return sender is not None and sender.backlog_s <= 0

    def _sender(self, channel: str, ours: str) -> Dispatcher | None:
        here = [one for one in self.dispatchers if one.sender.channel.name == channel and not one.light.trouble]
        own = [one for one in here if one.sender.name == ours and one.works]
        return max(own or here, key=lambda one: (one.works, one.sender.below, one.sender.rate), default=None)


def came(outcome: Outcome) -> tuple[bool | None, str]:
    """What became of it: it left (None: nobody knows), and the provider's own name or code for it."""
    match outcome:
        case Handed(provider_id=ref):
            return True, ref
        case Refused(code=code):
            return False, code
        case Retry(cause=cause):
            return False, cause or "not now"
        case Unknown(cause=cause):
            return None, cause
        case _:
            return None, ""
