"""Questions from outside: the public form, and where a mail system hands e-mails over. Served on the public listener."""

import logging
import re
import secrets
from dataclasses import dataclass
from typing import Final, Protocol

from aiohttp import web
from sqlalchemy import Connection
from sqlalchemy.exc import SQLAlchemyError

from notify.db import Database
from notify.residents.signup_words import ARRIVED, FAULTS, IN_DANGER, NO_MORE_QUESTIONS, NO_QUESTION, OPEN_LONG
from notify.web.bodies import whole_body
from notify.web.counter import TAG, Counter
from notify.web.forms import Form, Stale
from subscribers.quotas import DAY, HOUR, Meter, Rule, Spent
from subscribers.sealing import Keyring
from subscribers.signup import Reach, reach
from surge.desk import mail_in
from surge.desk.faq import LONGEST_QUESTION
from surge.desk.mail_in import HEADER, NotAsked

logger = logging.getLogger(__name__)

A_DAY: Final = 20_000  # questions, of everybody: more than any desk answers
# What one household, one number and one mailbox may ask. The limit that a bot meets first stands first.
RULES: Final = (
    Rule(name="questions", by="ip", most=20, window=HOUR),
    Rule(name="questions", by="number", most=5, window=HOUR),
    Rule(name="questions", by="mailbox", most=5, window=HOUR),
    Rule(name="questions", by="all", most=A_DAY, window=DAY),
)
ONCE: Final = re.compile(r"[0-9a-f]{32}")
_ZIP: Final = re.compile(r"\d{5}", re.ASCII)


class Desk(Protocol):
    """See surge.desk.written.Written."""

    async def asked(self, words_: str, language: str, reply_to: str, area: str | None, form: str) -> str: ...

    async def mail(self, mail: mail_in.Letter) -> str: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The form as somebody filled it in."""

    question: str = ""
    contact: str = ""
    language: str = "en"
    zip: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AskPages:
    """mail_key: what the mail system signs with; b"": no e-mails are taken."""

    counter: Counter
    desk: Desk
    db: Database
    ring: Keyring
    mail_key: bytes = b""

    def routes(self) -> list[web.RouteDef]:
        home = f"/{self.counter.screens.where.home}"
        guarded = self.counter.guarded
        found = [
            web.get(f"{home}ask", guarded(self.show)),
            web.get(f"{home}{{language:{TAG}}}/ask", guarded(self.show)),
            web.post(f"{home}{{language:{TAG}}}/ask", guarded(self.take)),
        ]
        return [*found, web.post("/ask/mail", self.take_mail)] if self.mail_key else found

    async def show(self, request: web.Request) -> web.StreamResponse:
        language = self.counter.language(request)
        return self._form(language, Typed(language=language), {})

    async def take(self, request: web.Request) -> web.StreamResponse:
        """Every fault at once, or the question on its way to the desk."""
        language, say = self.counter.language(request), self.counter.screens.say
        notice = ""
        try:
            form = await self.counter.form(request)
        except Stale as stale:
            form, notice = stale.form, say(language, OPEN_LONG)
        typed = self._typed(form)
        found = reach(typed.contact, self.counter.samples)
        faults = {} if isinstance(found, Reach) else {"contact": say(language, FAULTS[found])}
        if not 0 < len(typed.question) <= LONGEST_QUESTION:
            faults["question"] = say(language, NO_QUESTION)
        if notice or faults or not isinstance(found, Reach):
            return self._form(language, typed, faults, notice, 422)
        try:
            await self._spend(found, self.counter.client(request))
        except Spent:
            phone = self.counter.screens.site.phone
            return self._form(language, typed, {}, say(language, NO_MORE_QUESTIONS, phone=phone), 429)
        once = form.text("question_mark")
        once = once if ONCE.fullmatch(once) else secrets.token_hex(16)
        area = typed.zip if _ZIP.fullmatch(typed.zip) else None
        await self.desk.asked(typed.question, typed.language, found.address, area, once)
        title, text = ARRIVED
        return self.counter.screens.message(language, title, text, IN_DANGER)

    async def take_mail(self, request: web.Request) -> web.Response:
        """One e-mail, as the mail system has it, signed with the shared key. 503 makes the mail system keep it and try again; a
        mail in which nobody asks anything is taken and passed over."""
        body = await whole_body(request)
        if not mail_in.signed(self.mail_key, body, request.headers.get(HEADER, "")):
            logger.warning("an e-mail was handed over unsigned, and is ignored")
            raise web.HTTPForbidden
        try:
            await self.desk.mail(mail_in.read(body))
        except NotAsked as why:
            logger.info("an e-mail is not for the desk: %s", why)
            return web.Response(status=204)
        except SQLAlchemyError:
            logger.exception("an e-mail could not be written; the mail system is asked to keep it")
            raise web.HTTPServiceUnavailable from None
        return web.Response(status=202)

    async def _spend(self, found: Reach, client: str) -> None:
        by = "mailbox" if found.channel == "email" else "number"
        rules = tuple(rule for rule in RULES if rule.by in ("ip", "all", by))
        now = self.counter.clock.now()

        def spend(conn: Connection) -> None:
            Meter(conn, self.ring, now).spend(rules, found, client)

        await self.db.write(spend)

    def _typed(self, form: Form) -> Typed:
        language = form.text("language")
        spoken = self.counter.screens.site.languages
        return Typed(
            question=form.text("question"),
            contact=form.text("contact"),
            language=language if language in spoken else "en",
            zip=form.text("zip"),
        )

    def _form(self, language: str, typed: Typed, faults: dict[str, str], notice: str = "", status: int = 200) -> web.Response:
        screens = self.counter.screens
        where = f"{screens.where.home}{{}}/ask"
        return screens.page(
            "ask",
            language,
            status=status,
            at=where,
            typed=typed,
            faults=faults,
            notice=notice,
            danger=screens.say(language, IN_DANGER),
            once=secrets.token_hex(16),
            action=screens.site.path(where.format(language)),
            mark=self.counter.mark(),
        )
