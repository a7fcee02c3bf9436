"""Texts from residents as Twilio itself keeps them, for what never reached our webhook.

https://www.twilio.com/docs/messaging/api/message-resource#read-multiple-message-resources
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from channels.base import Heard, Recalled
from channels.twilio_http import UNREADABLE, TwilioGateway

INBOUND: Final = "inbound"
PAGE_SIZE: Final = 1_000
MOST_PAGES: Final = 200


async def texts_to(gateway: TwilioGateway, number: str, since: datetime) -> Sequence[Recalled]:
    """Texts to one of our numbers since then, oldest first. Raises ConnectionError."""
    found: list[Recalled] = []
    try:
        # No date filter: DateSent counts whole GMT days.
        page = await gateway.client.messages.page_async(to=number, page_size=PAGE_SIZE)
        for _ in range(MOST_PAGES):
            messages = list(page)
            recent = [one for one in messages if one.date_created is not None and one.date_created >= since]
            found += [_recalled(one, number) for one in recent if one.direction == INBOUND]
            page = await page.next_page_async() if len(recent) == len(messages) else None
            if page is None:
                break
    except UNREADABLE as error:
        raise ConnectionError("Twilio's list of messages cannot be read") from error
    return found[::-1]


def _recalled(message: Any, number: str) -> Recalled:
    heard = Heard(provider_id=message.sid, address=message.from_, ours=number, text=message.body or "")
    return Recalled(heard=heard, at=message.date_created)
