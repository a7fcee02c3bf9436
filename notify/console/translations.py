"""The inbox of people who read a language: what nobody has approved yet, one message at a time, on a phone."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import urlencode

from aiohttp import web

from notify.console.routing import FORM, Guard, Route
from notify.console.screens import VISIT
from notify.service import Service
from notify.wording import reviewing
from notify.wording.labels import direction
from notify.wording.review_desk import NOTHING, Answer, NoSuchMessage, Pile, usual_reader
from notify.wording.reviewing import REVIEWERS
from notify.wording.reviews import Reader
from notify.wording.slots import ENGLISH

PAGE: Final = 10
READERS: Final = {
    Reader.NATIVE: "I read it as my own language",
    Reader.PROFESSIONAL: "I am a certified translator",
    Reader.OWNER: "I speak for the bureau whose words they are",
}
LISTS: Final = {
    Pile.WAITING: "Waiting",
    Pile.ASKED: "A change was asked for",
    Pile.REVIEWED: "Reviewed",
    Pile.MISSING: "No words yet",
}
FORMS: Final = {
    "sms": "text message",
    "short": "one-part text message",
    "page": "page, e-mail and CAP",
    "topic": "answer to a word texted back",
    "reply": "answer of the text dialog",
    "spoken": "read aloud to callers of 311",
}


class Translations:
    def __init__(self, guard: Guard, service: Service) -> None:
        self._guard, self._desk, self._assembly = guard, service.review_desk, service.assembly
        self._db, self._screens = guard.db, guard.screens

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path="/translations", answer=self.show, roles=REVIEWERS),
            Route(method="POST", path="/translations", answer=self.answer, roles=REVIEWERS),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Every language with how far it is; or, of one, what waits."""
        language = request.query.get("language", "")
        if not language:
            return await self._overview(request)
        return await self._inbox(request, language)

    async def answer(self, request: web.Request) -> web.StreamResponse:
        """Yes to a message exactly as it was shown, or a note on what is wrong with it."""
        form, staff, now = request[FORM], request[VISIT].staff, self._guard.clock.now()
        language, act, note = form.text("language"), form.text("act"), form.text("note")
        answer = Answer(
            language=language,
            context=form.text("context"),
            seen=form.text("seen"),
            reviewer=staff.person_id,
            kind=_kind(form.text("as"), language),
        )
        given = self._desk.given(answer, now)
        if act == "reviewed":
            await self._db.write(lambda conn: reviewing.approve(conn, given, now))
        elif act == "change":
            await self._db.write(lambda conn: reviewing.ask_for_change(conn, given, note, now))
        else:
            raise NoSuchMessage([NOTHING])
        query = {"language": language, "list": _pile(form.text("list")).value, "as": given.kind.value}
        return self._screens.moved(f"/translations?{urlencode(query)}")

    async def _overview(self, request: web.Request) -> web.Response:
        rows, faults = await self._desk.standings(), self._desk.words.faults
        return self._screens.page(request, "translations", rows=rows, endonyms=self._endonyms(), faults=faults)

    async def _inbox(self, request: web.Request, language: str) -> web.Response:
        """One list of one language, a few messages at a time."""
        cards = await self._desk.cards(language)
        pile, lists = _pile(request.query.get("list", "")), {one: cards.on(one) for one in LISTS}
        typed = request.query.get("from", "")
        start = int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 6 else 0
        start = start if start < len(lists[pile]) else 0
        return self._screens.page(
            request,
            "translations_inbox",
            tongue=language,
            tongue_direction=direction(language),
            endonym=self._endonyms()[language],
            cards=cards.shown(lists[pile][start : start + PAGE]),
            forms=FORMS,
            dangers={key: hazard.title for key, hazard in self._assembly.hazards.items()},
            shown=pile.value,
            lists={one.value: (word, len(lists[one])) for one, word in LISTS.items()},
            start=start,
            page=PAGE,
            readers=READERS,
            kind=_kind(request.query.get("as", ""), language),
            plain=language in self._desk.words.plain,
            english=language == ENGLISH,
        )

    def _endonyms(self) -> Mapping[str, str]:
        return self._assembly.city.pack.endonyms(self._desk.languages())


def _pile(typed: str) -> Pile:
    return Pile(typed) if typed in LISTS else Pile.WAITING


def _kind(typed: str, language: str) -> Reader:
    return Reader(typed) if typed in {one.value for one in Reader} else usual_reader(language)
