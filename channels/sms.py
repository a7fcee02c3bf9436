"""Texts through Twilio's Messages resource: hands over, reads signed reports, and asks what became of a text nobody answered.

Create: https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource (it takes no idempotency key, so
the delivery id travels in the StatusCallback URL). Reports: https://www.twilio.com/docs/messaging/guides/track-outbound-message-status,
signed: https://www.twilio.com/docs/usage/security#validating-requests. The codes are in twilio_codes.py.
"""

import asyncio
import logging
import re
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final
from urllib.parse import quote_plus, urlsplit

from multidict import MultiDict

from channels import twilio_codes, twilio_signature
from channels.base import (
    Answer,
    Forged,
    Handed,
    Heard,
    Inbound,
    Misconfigured,
    Outbound,
    Outcome,
    Question,
    Recalled,
    Receipt,
    Refused,
    Retry,
    Unknown,
)
from channels.twilio_codes import AGAIN, Doubt, Stop, Verdict
from channels.twilio_http import UNREADABLE, NotSent, TwilioGateway, Unanswered
from channels.twilio_inbound import texts_to

logger = logging.getLogger(__name__)

REPORT_PATH: Final = "/reports/sms/"
REPORTED: Final = re.compile(re.escape(REPORT_PATH) + r"([0-9]{1,18})")
VALID_S: Final = (1, 36_000)  # what Twilio takes as ValidityPeriod
QUESTIONS_AT_ONCE: Final = 10
PAGE_SIZE: Final = 1_000
E164: Final = re.compile(r"\+[0-9]+")
EARLIER: Final = timedelta(seconds=5)  # date_created has whole seconds and comes from Twilio's clock


@dataclass(slots=True)
class _Run:
    """One batch on its way. Once `halt` is set, what has not started gets that outcome and makes no call."""

    waiting: Iterator[Outbound]
    said: asyncio.Queue[Receipt | None] = field(default_factory=asyncio.Queue)  # None: a worker has ended
    halt: Retry | None = None
    trouble: str = ""
    doubts: list[tuple[int, Refused]] = field(default_factory=list)


class TwilioSms:
    """One sending number (E.164, or a short code) of the gateway's account."""

    name = "sms"

    def __init__(self, gateway: TwilioGateway, from_number: str) -> None:
        self.from_number = from_number
        self._gateway = gateway
        self._report_url = gateway.account.public_url.rstrip("/") + REPORT_PATH
        self._tail = f"&From={quote_plus(from_number)}&StatusCallback={quote_plus(self._report_url)}"
        self._opened = False
        self._works = False  # Twilio has accepted a message from this number

    async def open(self) -> None:
        """Connects and checks the account; checks again when open already. Raises Misconfigured."""
        if self._opened:
            await self._gateway.check()
            return
        await self._gateway.open_checked()
        self._opened = True

    async def probe(self) -> None:
        """Raises ConnectionError or Misconfigured."""
        await self._gateway.ask_account()

    async def close(self) -> None:
        if self._opened:
            self._opened = False
            await self._gateway.close()

    async def send(self, batch: Sequence[Outbound]) -> AsyncIterator[Receipt]:
        """Posts each message once. Every Outbound gets its Receipt, also when the channel must stop: Misconfigured is raised
        after the last one, and what it kept from leaving has been told as Retry.

        After the first outcome that concerns the whole sender (a 429, a full queue, no way to Twilio, a refused token) no
        further call starts; the rest of the batch gets the same Retry. Cancelled, it aborts the calls under way; rows
        without a Receipt may or may not have been accepted.
        """
        run = _Run(iter(batch))
        workers = [asyncio.create_task(self._work(run)) for _ in range(min(len(batch), self._gateway.account.connections))]
        working = len(workers)
        try:
            while working:
                receipt = await run.said.get()
                if receipt is None:
                    working -= 1
                else:
                    yield receipt
            for worker in workers:
                worker.result()
            for receipt in self._settle_doubts(run):
                yield receipt
        finally:
            if working:
                for worker in workers:
                    worker.cancel()
                await asyncio.gather(*workers, return_exceptions=True)
        if run.trouble:
            raise Misconfigured(run.trouble)

    async def _work(self, run: _Run) -> None:
        try:
            for outbound in run.waiting:
                outcome = self._apply(run, outbound, run.halt or await self._hand_over(outbound))
                if outcome is not None:
                    run.said.put_nowait(Receipt(outbound.delivery_id, outcome))
        finally:
            run.said.put_nowait(None)

    def _apply(self, run: _Run, outbound: Outbound, verdict: Verdict) -> Outcome | None:
        """What a verdict means for this row, after noting what it means for the others. None: not decided yet."""
        match verdict:
            case Handed():
                self._works = True
            case Retry(pause_sender=True):
                run.halt = run.halt or verdict
            case Doubt(refusal):
                if not self._works:
                    run.doubts.append((outbound.delivery_id, refusal))
                    return None
                return refusal
            case Stop(sentence):
                run.trouble = sentence
                run.halt = Retry(AGAIN, "channel stopped", pause_sender=True)
                return run.halt
        return verdict

    def _settle_doubts(self, run: _Run) -> Iterator[Receipt]:
        """A number nothing has ever been accepted from is itself the suspect; one that works clears itself."""
        for delivery_id, refusal in run.doubts:
            if self._works:
                yield Receipt(delivery_id, refusal)
            else:
                run.trouble = run.trouble or f"{refusal.reason} Check TOCSIN_SMS_SENDERS."
                yield Receipt(delivery_id, Retry(AGAIN, "channel stopped", pause_sender=True))

    async def _hand_over(self, outbound: Outbound) -> Verdict:
        try:
            form = self._form(outbound)
        except UnicodeEncodeError:
            return Refused("unencodable", "The text or number holds half a character (a lone surrogate).")
        try:
            reply = await self._gateway.post(form)
        except NotSent as error:
            return Retry(AGAIN, str(error), pause_sender=True)
        except Unanswered as error:
            return Unknown(str(error))
        code = reply.code if reply.status >= 400 else None
        return twilio_codes.verdict(reply.status, code, body=reply.body, retry_after=reply.retry_after)

    def _form(self, outbound: Outbound) -> bytes:
        number = outbound.address
        to = f"%2B{number[1:]}" if E164.fullmatch(number) else quote_plus(number)  # quoting it would take 5 us
        form = f"To={to}{self._tail}{outbound.delivery_id}&Body={_quoted(outbound.content.body)}"
        if outbound.valid_for is not None:
            least, most = VALID_S
            form += f"&ValidityPeriod={max(least, min(most, int(outbound.valid_for.total_seconds())))}"
        return form.encode("ascii")

    def read_report(self, request: Inbound) -> Sequence[Receipt]:
        """The one Receipt of a status report; none when it names no delivery of ours. Raises Forged."""
        form = MultiDict(request.form)
        if not self._signed(request, form):
            raise Forged("A status report's X-Twilio-Signature is missing or wrong.")
        if form.get("AccountSid") != self._gateway.account.account_sid:
            raise Forged("A status report speaks of another Twilio account.")
        delivery = REPORTED.fullmatch(request.path)
        provider_id, status = form.get("MessageSid", ""), form.get("MessageStatus", "")
        if not (delivery and provider_id and status):
            logger.warning("a signed status report names no delivery, message or status")
            return ()
        outcome = twilio_codes.outcome(status, provider_id, _number(form.get("ErrorCode")))
        return (Receipt(int(delivery[1]), outcome, provider_id),)

    def read_text(self, request: Inbound) -> Heard:
        """A resident's text: https://www.twilio.com/docs/messaging/guides/webhook-request. OptOutType is there when Twilio has
        acted on the word and answered it: https://www.twilio.com/docs/messaging/tutorials/advanced-opt-out. Raises Forged."""
        form = MultiDict(request.form)
        if not self._signed(request, form):
            raise Forged("A text's X-Twilio-Signature is missing or wrong.")
        if form.get("AccountSid") != self._gateway.account.account_sid:
            raise Forged("A text speaks of another Twilio account.")
        return Heard(
            provider_id=form.get("MessageSid", ""),
            address=form.get("From", ""),
            ours=form.get("To", ""),
            text=form.get("Body", ""),
            has_media=form.get("NumMedia", "0") not in ("", "0"),
            obeyed=form.get("OptOutType", "").lower(),
        )

    def _signed(self, request: Inbound, form: "MultiDict[str]") -> bool:
        given = next((value for name, value in request.headers.items() if name.lower() == "x-twilio-signature"), "")
        if not urlsplit(request.url).path.endswith(request.path):
            return False  # the delivery id is read from the path, so the signature must cover it
        return twilio_signature.signed(self._gateway.account.auth_token, request.url, list(form.items()), given)

    async def recall(self, since: datetime) -> Sequence[Recalled]:
        """Texts to this number as Twilio keeps them. Raises ConnectionError, Misconfigured."""
        return await texts_to(self._gateway, self.from_number, since)

    async def status(self, sid: str) -> str:
        """How a message stands at Twilio, in Twilio's word. Raises Misconfigured; "unknown" when it cannot be asked now."""
        try:
            found = await self._gateway.client.messages(sid).fetch_async()
        except (ConnectionError, *UNREADABLE):
            return "unknown"
        return str(found.status)

    async def ask(self, questions: Sequence[Question]) -> Sequence[Answer]:
        """Looks each question up in Twilio's list of messages from this number. Raises ConnectionError, Misconfigured."""
        turn = asyncio.Semaphore(QUESTIONS_AT_ONCE)

        async def answer(question: Question) -> Answer:
            async with turn:
                return Answer(delivery_id=question.delivery_id, found=await self._find(question))

        asked = [asyncio.create_task(answer(question)) for question in questions]
        try:
            return [await task for task in asked]
        finally:
            for task in asked:
                task.cancel()
            await asyncio.gather(*asked, return_exceptions=True)

    async def _find(self, question: Question) -> list[tuple[str, Outcome]]:
        """All messages with this text to this number since shortly before the claim, newest first."""
        # No date filter: DateSent counts whole GMT days of *sent* messages, and ours may not have been sent yet.
        since = question.claimed_at - EARLIER
        found: list[tuple[str, Outcome]] = []
        try:
            page = await self._gateway.client.messages.page_async(
                to=question.address, from_=self.from_number, page_size=PAGE_SIZE
            )
            while page is not None:
                messages = list(page)
                recent = [m for m in messages if m.date_created is not None and m.date_created >= since]
                found += [(m.sid, _standing(m)) for m in recent if m.body == question.body]
                page = await page.next_page_async() if recent else None
        except UNREADABLE as error:
            raise ConnectionError("Twilio's list of messages cannot be read") from error
        return found


@lru_cache(maxsize=256)
def _quoted(body: str) -> str:
    """One text goes to thousands: encoded once."""
    return quote_plus(body)


def _standing(message: Any) -> Outcome:
    return twilio_codes.outcome(message.status, message.sid, _number(message.error_code))


def _number(code: str | int | None) -> int | None:
    return int(code) if code is not None and str(code).isascii() and str(code).isdigit() else None
