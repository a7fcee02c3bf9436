"""What all pages of sign-up share: their language, their forms, their refusals."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler
from sqlalchemy.exc import SQLAlchemyError

from notify.clock import Clock
from notify.residents.signup import Wrong
from notify.residents.signup_words import (
    AGREED,
    ENDED,
    FAILED,
    FAULTS,
    MAILED,
    NO_MORE_MAILS,
    NO_MORE_TEXTS,
    NO_MORE_TEXTS_BUT,
    WRONG_CODE,
)
from notify.web.forms import CrossSite, Form, Marks, Stale, client_of, origin_of, posted, preferred
from notify.web.screens import Screens
from subscribers.address import SMS, Samples
from subscribers.dialog.turn import Sight
from subscribers.pending import TOKEN_LETTERS
from subscribers.signup import LONGEST_TYPED, Fault, mark

logger = logging.getLogger(__name__)

TAG: Final = r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*"
TOKEN: Final = rf"[A-Za-z0-9_-]{{{TOKEN_LETTERS}}}"
FORM: Final = "form"  # what the mark of a page without a visit is made for

FindPlace = Callable[[str], Awaitable[Sequence[Sight]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Counter:
    """What all pages of sign-up share. find_place: what a text may mean as a place, best first; () for one outside the city.
    samples: which phone numbers count. proxies: how many of ours stand before the public listener."""

    screens: Screens
    clock: Clock
    marks: Marks
    find_place: FindPlace
    samples: Samples
    proxies: int = 0

    def language(self, request: web.Request) -> str:
        """The language in the path, else the one the browser likes best. 404 for one that is not spoken here."""
        languages = self.screens.site.languages
        asked = request.match_info.get("language")
        if asked is None:
            return preferred(request.headers.get("Accept-Language", ""), languages)
        if asked not in languages:
            raise web.HTTPNotFound
        return asked

    def mark(self, purpose: str = FORM) -> str:
        return self.marks.make(purpose, self.clock.now())

    async def form(self, request: web.Request, purpose: str = FORM) -> Form:
        """What one of our pages posted. Raises CrossSite and Stale."""
        form = await posted(request, origin_of(self.screens.site.base))
        if not self.marks.holds(form.text("mark"), purpose, self.clock.now()):
            raise Stale(form)
        return form

    def client(self, request: web.Request) -> str:
        return client_of(request, self.proxies)

    async def sights(self, typed: str) -> Sequence[Sight]:
        return await self.find_place(typed) if 0 < len(typed) <= LONGEST_TYPED else ()

    def said(self, language: str, faults: Mapping[str, Fault]) -> dict[str, str]:
        """Faults of fields as sentences."""
        return {name: self.screens.say(language, FAULTS[fault], city=self.screens.site.city) for name, fault in faults.items()}

    def agreed(self, language: str) -> str:
        """What the box says: the exact words of a consent."""
        return self.screens.say(language, AGREED, publisher=self.screens.site.publisher)

    def spent(self, language: str, channel: str) -> str:
        """Why no message is sent now, and what works instead."""
        if channel != SMS:
            return self.screens.say(language, NO_MORE_MAILS)
        number = self.screens.number
        return self.screens.say(language, NO_MORE_TEXTS_BUT if number else NO_MORE_TEXTS, number=number)

    def ended(self, language: str, path: str) -> web.Response:
        """What a link or code that is over leads to. It never says whether there ever was one."""
        title, text, link = ENDED
        return self.screens.message(language, title, text, status=410, link=(path, link))

    def mailed(self, language: str) -> web.Response:
        """What is said once a mail is on its way, or would be."""
        return self.screens.message(language, *MAILED)

    def code_page(self, language: str, token: str, wrong: Wrong | None, paths: tuple[str, str]) -> web.Response:
        """Asks for the code of a text. paths: where it is posted, and where to start again."""
        faults = {}
        if wrong is not None:
            faults["code"] = self.screens.say(language, WRONG_CODE, count=str(wrong.left))
        action, again = map(self.screens.site.path, paths)
        known: dict[str, Any] = {"token": token, "faults": faults, "action": action, "again": again, "mark": self.mark()}
        return self.screens.page("code", language, status=422 if wrong else 200, **known)

    def guarded(self, handler: Handler) -> Handler:
        """A handler whose failures are pages too. Nothing is logged of an address or a token."""

        async def answer(request: web.Request) -> web.StreamResponse:
            language = self.language(request)
            try:
                return await handler(request)
            except (CrossSite, Stale):
                status = 403
            except SQLAlchemyError:
                logger.exception("a sign-up page could not use the database")
                status = 503
            return self.screens.message(language, *FAILED, status=status)

        return answer


def choices(sights: Sequence[Sight]) -> list[tuple[str, str]]:
    """Places found, to choose from: each with its mark and as exactly as it was asked for, the same one once."""
    return list({mark(sight): sight.exact for sight in sights}.items())
