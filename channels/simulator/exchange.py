"""The running text gateway: takes texts in, lets the carrier work by the clock, and logs before anybody is told."""

import asyncio
import contextlib
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import aiohttp

from channels.simulator.callbacks import Callback, inbound_form
from channels.simulator.carrier import Carrier, new_sid
from channels.simulator.config import SimulatorConfig
from channels.simulator.drafts import Draft, read, weighed
from channels.simulator.faults import Dice, Live
from channels.simulator.history import obey
from channels.simulator.inbound import ANSWERS, BadReply, replies
from channels.simulator.journal import Journal
from channels.simulator.lines import message_line, sms_line
from channels.simulator.messages import INBOUND, OUTBOUND, REPLY, Change, Message, resource
from channels.simulator.poster import Poster
from channels.simulator.refusals import Refusal
from channels.simulator.reports import Reports

logger = logging.getLogger(__name__)

BEFORE: Final = ("too_many", "cut_before", "hang_before")  # faults by share that keep a create from being accepted
AFTER: Final = ("error_after", "cut_after", "hang_after")  # faults by share that hide that it was
SILENT: Final = frozenset({"cut_before", "cut_after", "hang_before", "hang_after"})  # faults without an answer


@dataclass(frozen=True, slots=True)
class Answer:
    """What a create is answered with, unless `fault` is one of SILENT."""

    status: int
    document: Mapping[str, object]
    fault: str = ""


class Exchange:
    """All state lives in one event loop; `run` must be running for anything to leave the queues."""

    def __init__(self, config: SimulatorConfig, journal: Journal, live: Live, clock: Callable[[], float]) -> None:
        dice = Dice(f"{config.handsets.seed} sms")
        self.config = config
        self.live = live
        self.carrier = Carrier(config.senders, config.handsets)
        self.tally: Counter[str] = Counter()
        self.poster = Poster(config.auth_token, config.callbacks_at_once, self._pulse)
        self.reports = Reports(journal, self.poster, live, dice, self._pulse)
        self._journal = journal
        self._clock = clock
        self._dice = dice
        self._wake = asyncio.Event()
        self._asleep_until: float | None = None
        self._changed = asyncio.Event()

    async def create(self, form: Mapping[str, str]) -> Answer:
        """A request to send a text. When this returns, the log has it. Raises JournalBroken."""
        refusal, fault = self._fault_before()
        if fault:
            return await self._refuse(form, refusal, fault)
        draft = read(form, self.carrier.senders, self.config.callback_hosts)
        if isinstance(draft, Draft):
            draft = self.carrier.objection(draft) or draft
        if isinstance(draft, Refusal):
            return await self._refuse(form, draft, "")
        fault = self._first_hit(AFTER)
        message = self._accept(draft, "accepted", fault)
        document = resource(message, self.config.account_sid)
        await self._journal.synced()
        if fault == "error_after":
            return Answer(500, Refusal(20500).document(), fault)
        return Answer(201, document, fault)

    async def cancel(self, message: Message) -> Refusal | None:
        """Takes a text out of its queue; a Refusal when it has left. Raises JournalBroken."""
        outcome = self.carrier.cancel(message, self._clock())
        if isinstance(outcome, Refusal):
            return outcome
        await self.reports.tell([outcome], self.config.account_sid)
        return None

    async def receive(self, phone: str, sender: str, body: str, media: tuple[str, ...] = ()) -> tuple[str, tuple[str, ...]]:
        """A text from a resident to one of our senders, with media (their types) a picture message; returns its sid and the
        texts the phone gets in answer. Raises JournalBroken."""
        now = self._clock()
        body, segments = weighed(body)
        message = Message(
            sid=new_sid("MM" if media else "SM"),
            sender=phone,
            to=sender,
            body=body,
            segments=segments,
            direction=INBOUND,
            status="received",
            created_at=now,
            updated_at=now,
            sent_at=now,
            media=media,
        )
        self.tally["inbound"] += 1
        self.carrier.archive.add(message)
        self._journal.append(message_line("inbound", Change(message, "received", None, now)))
        word = obey(self.carrier, sender, phone, body)
        answers: tuple[str, ...] = ()
        if word is not None:
            self._accept(_reply(message, ANSWERS[word]), "reply", "carrier")
            answers = (ANSWERS[word],)
        await self._journal.synced()
        for text in await self._ask_application(message, word.value if word is not None else ""):
            draft = _reply(message, text)
            refusal = self.carrier.objection(draft)
            if refusal is None:
                self._accept(draft, "reply", "")
                answers += (text,)
            else:
                self._note_refused({"To": phone, "From": sender, "Body": text}, refusal, "")
        await self._journal.synced()
        return message.sid, answers

    async def run(self) -> None:
        """Works until cancelled. Raises JournalBroken."""
        while True:
            changes = self.carrier.advance(self._clock())
            if changes:
                await self.reports.tell(changes, self.config.account_sid)
            self._asleep_until = due = self.carrier.next_due()
            self._pulse()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(None if due is None else max(due - self._clock(), 0)):
                    await self._wake.wait()
            self._wake.clear()

    @property
    def settled(self) -> bool:
        """Nothing is queued, under way to a phone, or still to be told."""
        return self.carrier.next_due() is None and not self.poster.pending and not self.reports.pending

    async def until_settled(self) -> None:
        while not self.settled:
            await self._changed.wait()

    def _accept(self, draft: Draft, event: str, cause: str) -> Message:
        now = self._clock()
        message = self.carrier.accept(draft, now, direction=REPLY if event == "reply" else OUTBOUND)
        self.tally[event] += 1
        self._journal.append(message_line(event, Change(message, message.status, None, now), cause))
        due = self.carrier.next_due()
        if self._asleep_until is None or (due is not None and due < self._asleep_until):
            self._wake.set()
        return message

    async def _refuse(self, form: Mapping[str, str], refusal: Refusal, fault: str) -> Answer:
        self._note_refused(form, refusal, fault)
        await self._journal.synced()
        return Answer(refusal.status, refusal.document(), fault)

    def _note_refused(self, form: Mapping[str, str], refusal: Refusal, fault: str) -> None:
        event = "dropped" if fault in SILENT else "refused"
        self.tally[event] += 1
        self.tally[f"{event} {fault or refusal.code}"] += 1
        known = {"to": form.get("To", ""), "from": form.get("From", ""), "body": form.get("Body", "")}
        code = None if fault in SILENT else refusal.code
        self._journal.append(sms_line(event, self._clock(), fault, **known, code=code))

    def _fault_before(self) -> tuple[Refusal, str]:
        faults = self.live.sms
        if faults.refuse_all:
            return Refusal(20503), "refuse_all"
        if faults.too_many_next:
            self.live.sms = replace(faults, too_many_next=faults.too_many_next - 1)
            return Refusal(20429), "too_many_next"
        return Refusal(20429), self._first_hit(BEFORE)

    def _first_hit(self, names: Sequence[str]) -> str:
        return next((name for name in names if self._dice.hit(getattr(self.live.sms, name))), "")

    async def _ask_application(self, message: Message, obeyed: str) -> tuple[str, ...]:
        url = self.config.inbound_url
        if not url:
            return ()
        form = inbound_form(message, self.config.account_sid, obeyed)
        try:
            return replies(await self.poster.ask(Callback(message.sid, url, form)))
        except (aiohttp.ClientError, TimeoutError, BadReply) as error:
            self.tally["inbound failed"] += 1
            logger.warning("An inbound text was not taken: %s", type(error).__name__)
            return ()

    def _pulse(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _reply(message: Message, text: str) -> Draft:
    body, segments = weighed(text)
    return Draft(to=message.sender, sender=message.to, body=body, segments=segments)
