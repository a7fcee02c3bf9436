"""Calls through Twilio's Calls resource: made, sent to other instructions, hung up, looked at.

https://www.twilio.com/docs/voice/api/call-resource. It takes no idempotency key: a call whose answer was lost is never made
again, the list of calls says what became of it. Requests run on the gateway's pool, which keeps its time-outs.
"""

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlsplit

from twilio.base.exceptions import TwilioRestException

from channels import calls, twilio_recordings, twilio_signature
from channels.base import Forged, Inbound, Misconfigured
from channels.calls import LiveCall, Lost, NotPlaced, Outcome, Placed, Ring, Unsure
from channels.twilio_http import UNREADABLE, TwilioGateway

logger = logging.getLogger(__name__)

NOT_IN_PROGRESS: Final = 21220  # https://www.twilio.com/docs/api/errors/21220: the call has ended
TOO_MANY: Final = 429
INBOUND: Final = "inbound"
ERROR: Final = 0  # and not a warning
OF_DOCUMENTS: Final = ("11", "12")  # errors of fetching or reading one; a call goes on after others, as of a Dial
PAGE_SIZE: Final = 1_000
MOST_PAGES: Final = 20


class TwilioVoice:
    """One number of the gateway's account. per_s: how many calls may begin in a second. also: further numbers of ours that are
    called and never call."""

    name = "voice"

    def __init__(self, gateway: TwilioGateway, number: str, per_s: float = 1.0, also: Sequence[str] = ()) -> None:
        self.number, self._also = number, also
        self._gateway = gateway
        self._every_s = 1.0 / per_s
        self._turn = asyncio.Lock()
        self._next_at = 0.0

    async def open(self) -> None:
        """Connects and checks the account. Raises Misconfigured."""
        await self._gateway.open_checked()

    async def close(self) -> None:
        await self._gateway.close()

    async def ring(self, ring: Ring) -> Outcome:
        """Makes a call, once, in its turn."""
        if wrong := calls.problem(ring.to):
            return NotPlaced(wrong)
        await self._wait_for_turn()
        try:
            made = await self._gateway.client.calls.create_async(
                to=ring.to,
                from_=self.number,
                url=ring.url,
                status_callback=ring.status_url,
                status_callback_event=["completed"],
                timeout=ring.ring_s,
                **({"machine_detection": "Enable"} if ring.hears_machines else {}),
            )
        except ConnectionError as error:
            return Unsure(str(error))
        except Misconfigured as error:
            logger.error("%s", error)
            return NotPlaced(str(error), again=True)
        except TwilioRestException as error:
            return NotPlaced(f"Twilio refused the call with error {error.code}.", again=error.status == TOO_MANY)
        except UNREADABLE:
            return Unsure("the answer cannot be read")
        return Placed(str(made.sid))

    async def redirect(self, call_sid: str, url: str) -> bool:
        return await self._update(call_sid, url=url, method="POST")

    async def hang_up(self, call_sid: str) -> bool:
        return await self._update(call_sid, status="completed")

    async def _update(self, call_sid: str, **how: str) -> bool:
        try:
            await self._gateway.client.calls(call_sid).update_async(**how)
        except TwilioRestException as error:
            if error.code == NOT_IN_PROGRESS:
                return False
            raise ConnectionError(f"Twilio refused to change a call with error {error.code}") from error
        except Misconfigured as error:  # no account, or no such call: its list of calls will say
            raise ConnectionError(str(error)) from error
        except UNREADABLE as error:
            raise ConnectionError("Twilio's answer about a call cannot be read") from error
        return True

    async def calls(self, since: datetime) -> Sequence[LiveCall]:
        """Every call to or from our numbers that began since then, ended ones as well."""
        called = [await self._listed(since, to=number) for number in (self.number, *self._also)]
        made = await self._listed(since, from_=self.number)
        return [one for some in (*called, made) for one in some]

    async def lost(self, since: datetime) -> Sequence[Lost]:
        """Webhooks about calls since then that got no answer of use, by the provider's log of errors."""
        found: list[Lost] = []
        try:
            page = await self._gateway.client.notifications.page_async(log=ERROR, page_size=PAGE_SIZE)  # newest first
            for _ in range(MOST_PAGES):
                if page is None:
                    break
                some = [(one, one.message_date or one.date_created or since) for one in page]
                recent = [(one, at) for one, at in some if at >= since]
                found += [
                    Lost(call_sid=one.call_sid, path=_path(one.request_url), at=at)
                    for one, at in recent
                    if one.call_sid and str(one.error_code).startswith(OF_DOCUMENTS)
                ]
                page = await page.next_page_async() if some and len(recent) == len(some) else None
        except Misconfigured as error:
            raise ConnectionError(str(error)) from error
        except UNREADABLE as error:
            raise ConnectionError("Twilio's log of errors cannot be read") from error
        return found

    async def _listed(self, since: datetime, **which: str) -> list[LiveCall]:
        found: list[LiveCall] = []
        try:
            # No date filter: it counts whole days. Newest first.
            page = await self._gateway.client.calls.page_async(page_size=PAGE_SIZE, **which)
            for _ in range(MOST_PAGES):
                if page is None:
                    break
                some = [_live(one) for one in page]
                recent = [one for one in some if one.began_at is None or one.began_at >= since]
                found += recent
                page = await page.next_page_async() if some and len(recent) == len(some) else None
        except Misconfigured as error:
            raise ConnectionError(str(error)) from error
        except UNREADABLE as error:
            raise ConnectionError("Twilio's list of calls cannot be read") from error
        return found

    async def recording(self, name: str, most_bytes: int) -> bytes:
        """A recording of a call, by Twilio's name for it. Raises as twilio_recordings.fetched."""
        return await twilio_recordings.fetched(self._gateway.account, name, most_bytes)

    def read(self, request: Inbound) -> dict[str, str]:
        """The fields of a webhook of ours. Pure. Raises Forged."""
        given = next((value for name, value in request.headers.items() if name.lower() == "x-twilio-signature"), "")
        account = self._gateway.account
        if not twilio_signature.signed(account.auth_token, request.url, request.form, given):
            raise Forged("A telephone webhook's X-Twilio-Signature is missing or wrong.")
        form = dict(request.form)
        if form.get("AccountSid") != account.account_sid:
            raise Forged("A telephone webhook speaks of another Twilio account.")
        return form

    async def _wait_for_turn(self) -> None:
        loop = asyncio.get_running_loop()
        async with self._turn:
            await asyncio.sleep(max(0.0, self._next_at - loop.time()))
            self._next_at = loop.time() + self._every_s


def _path(url: str | None) -> str:
    """The log is of the whole account: "" for what is no address, as others' requests may have."""
    try:
        return urlsplit(url or "").path
    except ValueError:
        return ""


def _live(one: Any) -> LiveCall:
    return LiveCall(
        call_sid=one.sid,
        status=str(one.status),
        to=one.to or "",
        from_=one._from or "",
        began_at=one.start_time or one.date_created,
        is_inbound=one.direction == INBOUND,
    )
