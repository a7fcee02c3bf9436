"""Whatever is written to the city during an incident becomes a contact in the one line, and is answered where it came from.

    a text the dialog could not match, a question from the page, an e-mail, somebody at the counter
    -> looked at for danger -> the line -> an agent with a suggested answer -> the same number or address

Somebody in danger is told of 911 and 988 at once, by what came in; a person sees them before everybody else.
"""

import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from markupsafe import escape
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from channels.base import Content, Outcome
from channels.base import Heard as Text
from channels.text import sanitise
from notify.clock import Clock
from notify.db import Database
from notify.publishing.site import ENGLISH, Site
from notify.residents.signup_words import IN_DANGER, YOUR_QUESTION, words
from notify.wording.labels import labels
from subscribers import contacts, store
from subscribers.dialog.hearing import script_language
from subscribers.dialog.lexicon import Lexicon
from subscribers.dialog.turn import Count, Note, Turn
from subscribers.sealing import Keyring, Unopenable
from surge.contact import Way
from surge.desk import outgoing, owed, replies
from surge.desk.desk_line import DeskLine, Letter
from surge.desk.guard import in_danger
from surge.desk.mail_in import Letter as Mail
from surge.desk.outgoing import EMAIL, SMS
from surge.desk.owed import Owed
from surge.desk.replies import Reply, State
from surge.switch import store as surge_store
from surge.switch.activation import SERVING

logger = logging.getLogger(__name__)

NOT_MATCHED: Final = frozenset({Note.PUZZLED, Note.DISTRESS, Note.UNSPOKEN})
CHANNELS: Final = {Way.SMS: SMS, Way.EMAIL: EMAIL, Way.WEB: ""}  # "": by what the address is
THEY_WROTE: Final = "they wrote to us"
BY_ITSELF: Final = "tocsin"

Send = Callable[[str, str, Content, str], Awaitable[Outcome]]  # channel, address, content, our number


class NoLine(ValueError):
    """There is no line that it could stand in."""


class Unsent(ValueError):
    """An answer cannot leave; the message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an agent sends. mark: made by the page. source: where the words come from, see desk_tables."""

    mark: str
    words: str
    language: str
    source: str
    by: str
    activation_id: str | None = None
    consent: str = THEY_WROTE


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """line: None where what comes in is dealt with elsewhere; then single texts leave from here, and nothing comes in.
    elsewhere: another process of the instance may have the line, and takes what is owed to it."""

    db: Database
    clock: Clock
    ring: Keyring
    site: Site
    line: DeskLine | None
    lexicon: Lexicon
    send: Send
    elsewhere: bool = False

    def owe(self, conn: Connection, text: Text, turn: Turn, language: str) -> bool:
        """A text that the dialog has answered, on its own transaction. While surge is open, one that could not be matched is
        owed to the desk as well; whether it is. language: of the answer."""
        if (self.line is None and not self.elsewhere) or not any(
            isinstance(act, Count) and act.note in NOT_MATCHED for act in turn.acts
        ):
            return False
        row = surge_store.current(conn)
        if row is None or row.status not in SERVING:
            return False
        one = Owed(provider_id=text.provider_id, words=text.text, language=language, address=text.address, ours=text.ours)
        owed.put(conn, one, self.ring)
        return True

    async def collect(self) -> None:
        """Puts what the desk is owed into the line. Never raises: what fails is still owed, and tried again."""
        if self.line is None:
            return
        try:
            ours = await self.db.read(partial(owed.everything, ring=self.ring))
            for one in ours:
                letter = self._letter(Way.SMS, one.words, one.language or ENGLISH, one.address, ours=one.ours)
                await self._line().offer(letter, one.provider_id)
            if ours:
                await self.db.write(partial(owed.paid, provider_ids=[one.provider_id for one in ours]))
        except (SQLAlchemyError, Unopenable, ValueError, OSError):
            logger.exception("texts that nobody could match have not reached the desk; it is tried again")

    async def mail(self, mail: Mail) -> str:
        """A question by e-mail. Whoever may be in danger gets the way to 911 at once, by themselves."""
        told = (mail.language, script_language(mail.words))
        language = next((one for one in told if one in self.site.languages), ENGLISH)
        letter = self._letter(Way.EMAIL, mail.words, language, mail.address)
        contact_id = await self._line().offer(letter, f"mail {mail.message_id}")
        if letter.danger:
            await self._warn(letter, contact_id, mail.message_id)
        return contact_id

    async def asked(self, words_: str, language: str, reply_to: str, area: str | None, form: str) -> str:
        """A question from the public form. form: the form's own mark, so that one posted twice is one question."""
        return await self._line().offer(self._letter(Way.WEB, words_, language, reply_to, area=area), f"form {form}")

    async def walked_in(self, words_: str, language: str, reply_to: str, area: str | None, form: str) -> str:
        """Somebody at the counter, as staff typed it. reply_to: "" for whoever waits for the answer there."""
        return await self._line().offer(self._letter(Way.WALK_IN, words_, language, reply_to, area=area), f"counter {form}")

    async def answer(self, letter: Letter, answer: Answer) -> State | None:
        """Sends an answer where the question came from; None for one that was sent before. Raises Unsent."""
        channel = channel_of(letter)
        if not channel:
            raise Unsent("There is no number or address to answer to: tell them at the counter.")
        reply = Reply(
            mark=answer.mark,
            channel=channel,
            to=letter.reply_to,
            words=answer.words,
            language=answer.language,
            source=answer.source,
            consent=answer.consent,
            by=answer.by,
            contact_id=letter.contact_id or None,
            activation_id=answer.activation_id,
            ours=letter.ours,
            subject=self.subject(answer.language),
        )
        return await self.leave(reply)

    async def leave(self, reply: Reply) -> State | None:
        """Writes a reply down, hands it over, and writes down what became of it. None for a mark that was used before."""
        now = self.clock.now()

        def planned(conn: Connection) -> str | None:
            self._refuse_stopped(conn, reply)
            return replies.plan(conn, reply, self.ring, now)

        reply_id = await self.db.write(planned)
        if reply_id is None:
            return None
        outcome = outgoing.came(await self.send(reply.channel, reply.to, content(reply), reply.ours))
        return await self.db.write(lambda conn: replies.settle(conn, reply_id, outcome, self.clock.now()))

    def _line(self) -> DeskLine:
        if self.line is None:
            raise NoLine("Nothing that is written comes in here.")
        return self.line

    def subject(self, language: str) -> str:
        return words(language).say(YOUR_QUESTION, publisher=self.site.publisher)

    def _letter(
        self, way: Way, words_: str, language: str, reply_to: str, *, ours: str = "", area: str | None = None
    ) -> Letter:
        danger = in_danger(words_, self.lexicon)
        return Letter(
            contact_id="",
            way=way,
            language=language,
            words=words_,
            at=self.clock.now(),
            reply_to=reply_to,
            ours=ours,
            area=area,
            danger=danger,
        )

    async def _warn(self, letter: Letter, contact_id: str, about: str) -> None:
        warning = words(letter.language).say(IN_DANGER)
        reply = Reply(
            mark=f"danger {about}",
            channel=EMAIL,
            to=letter.reply_to,
            words=warning,
            language=letter.language,
            source="distress",
            consent=THEY_WROTE,
            by=BY_ITSELF,
            contact_id=contact_id,
            subject=self.subject(letter.language),
        )
        await self.leave(reply)

    def _refuse_stopped(self, conn: Connection, reply: Reply) -> None:
        """Whoever has stopped our texts gets none, not even an answer: the gateway would hold it back. Raises Unsent."""
        if reply.channel != SMS:
            return
        blind = self.ring.blind(SMS, reply.to)
        known, contact = store.find_address(conn, SMS, blind), contacts.find(conn, SMS, blind)
        closed = contact is not None and contact.memory.closed
        if closed or (known is not None and known.stopped_at is not None):
            raise Unsent("This number has stopped our texts. Call back, or ask for another way to answer.")


def channel_of(letter: Letter) -> str:
    """What an answer leaves by; "" where there is nothing to answer to."""
    if not letter.reply_to:
        return ""
    return EMAIL if "@" in letter.reply_to else SMS


def content(reply: Reply) -> Content:
    """The text or the letter. Words that somebody typed are never mark-up."""
    if reply.channel == SMS:
        return Content(key=f"desk/{reply.mark}", language=reply.language, body=sanitise(reply.words).text)
    direction = labels(reply.language).direction
    paragraphs = "".join(f"<p>{escape(one)}</p>" for one in reply.words.splitlines() if one.strip())
    html = f'<!doctype html><html lang="{escape(reply.language)}" dir="{direction}"><body>{paragraphs}</body></html>'
    return Content(
        key=f"desk/{reply.mark}",
        language=reply.language,
        body=f"{reply.words}\n",
        subject=reply.subject,
        html=html,
        thread=reply.thread,
    )
