"""One's own page, open: kept so by a cookie for 30 minutes, changed by buttons, each with the mark of this very visit."""

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from notify.publishing.site import ENGLISH
from notify.residents.own_page import Mine, Over, OwnPage
from notify.residents.signup_words import CLOSED, ERASED, ERASES
from notify.web.counter import Counter, choices
from notify.web.forms import Form
from notify.web.screens import HEADERS
from subscribers.dialog.turn import Sight
from subscribers.signup import Fault, chosen

COOKIE: Final = "tocsin_visit"
FIELDS: Final = {Fault.WHICH_PLACE: "choice", Fault.BAD_LABEL: "label"}  # of a fault; all others are the place's


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """A place to be added, as somebody typed it."""

    place: str = ""
    choice: str = ""
    label: str = ""


@dataclass(frozen=True, slots=True)
class Visit:
    """A button pressed: the visit's token, the language of its pages, and what the form holds."""

    token: str
    language: str
    form: Form


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """A place that could not be added: as typed, why, and what to choose from."""

    typed: Typed
    fault: Fault
    sights: Sequence[Sight]


Act = Callable[[Visit], Awaitable[web.StreamResponse]]


class VisitPages:
    """/manage/mine, and what can be done there."""

    def __init__(self, counter: Counter, own_page: OwnPage) -> None:
        self._counter, self._own_page = counter, own_page
        self._screens, self._where = counter.screens, counter.screens.where

    def routes(self) -> list[web.RouteDef]:
        guarded = self._counter.guarded
        acts: dict[str, Act] = {
            "add": self._add,
            "remove": self._remove,
            "language": self._language,
            "stop": self._stop,
            "start": self._start,
            "erase": self._erase,
            "leave": self._leave,
        }
        return [
            web.get(f"/{self._where.mine()}", guarded(self._seen(self.see))),
            web.get(f"/{self._where.mine('mine.json')}", guarded(self._seen(self.download))),
            web.get(f"/{self._where.mine('erase')}", guarded(self._seen(self.ask_erase))),
            *(web.post(f"/{self._where.mine(name)}", guarded(self._pressed(act))) for name, act in acts.items()),
        ]

    def _seen(self, show: Callable[[web.Request, str], Awaitable[web.StreamResponse]]) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            try:
                return await show(request, request.cookies.get(COOKIE, ""))
            except Over:
                return self._closed(self._counter.language(request))

        return answer

    def _pressed(self, act: Act) -> Handler:
        async def answer(request: web.Request) -> web.StreamResponse:
            token = request.cookies.get(COOKIE, "")
            if not token:  # the browser has dropped it: its time is over
                return self._closed(self._counter.language(request))
            form = await self._counter.form(request, token)
            try:
                return await act(Visit(token, self._spoken((await self._own_page.see(token)).language), form))
            except Over:
                return self._closed(self._counter.language(request))

        return answer

    async def see(self, request: web.Request, token: str) -> web.StreamResponse:
        return self._mine(token, await self._own_page.see(token), saved="saved" in request.query)

    async def download(self, _: web.Request, token: str) -> web.StreamResponse:
        text = json.dumps(await self._own_page.download(token), ensure_ascii=False, indent=2)
        headers = HEADERS | {"Content-Disposition": 'attachment; filename="my-alerts.json"'}
        return web.Response(text=text, content_type="application/json", headers=headers)

    async def ask_erase(self, _: web.Request, token: str) -> web.StreamResponse:
        """The first of two steps: it says what will be gone."""
        language = self._spoken((await self._own_page.see(token)).language)
        say, path = self._screens.say, self._screens.site.path
        return self._screens.page(
            "press",
            language,
            title=say(language, "Erase everything?"),
            paragraphs=[say(language, ERASES)],
            button=say(language, "Yes, erase everything"),
            action=path(self._where.mine("erase")),
            mark=self._counter.mark(token),
            link=(path(self._where.mine()), say(language, "No, go back")),
        )

    async def _add(self, visit: Visit) -> web.StreamResponse:
        form = visit.form
        typed = Typed(place=form.text("place"), choice=form.text("choice"), label=form.text("label"))
        sights = await self._counter.sights(typed.place)
        place = chosen(typed.place, sights, typed.choice) or Fault.NO_PLACE
        fault = place if isinstance(place, Fault) else await self._own_page.add(visit.token, place.spot, typed.label)
        if fault is None:
            return self._saved()
        refused = Refused(typed=typed, fault=fault, sights=sights)
        return self._mine(visit.token, await self._own_page.see(visit.token), refused=refused)

    async def _remove(self, visit: Visit) -> web.StreamResponse:
        number = visit.form.text("place_id")
        if number.isascii() and number.isdigit() and len(number) < 19:
            await self._own_page.remove(visit.token, int(number))
        return self._saved()

    async def _language(self, visit: Visit) -> web.StreamResponse:
        tag = visit.form.text("language")
        if tag in self._screens.site.languages:
            await self._own_page.speak(visit.token, tag)
        return self._saved()

    async def _stop(self, visit: Visit) -> web.StreamResponse:
        await self._own_page.stop(visit.token)
        return self._saved()

    async def _start(self, visit: Visit) -> web.StreamResponse:
        await self._own_page.start(visit.token, self._counter.agreed(visit.language), self._screens.terms)
        return self._saved()

    async def _erase(self, visit: Visit) -> web.StreamResponse:
        await self._own_page.erase(visit.token)
        return self._forgotten(self._screens.message(visit.language, ERASED))

    async def _leave(self, visit: Visit) -> web.StreamResponse:
        await self._own_page.leave(visit.token)
        return self._forgotten(self._closed(visit.language, status=200))

    def _saved(self) -> web.Response:
        return self._screens.moved(f"{self._where.mine()}?saved")

    def _forgotten(self, answer: web.Response) -> web.Response:
        answer.del_cookie(COOKIE, path=self._where.cookie())
        return answer

    def _closed(self, language: str, status: int = 403) -> web.Response:
        title, link = CLOSED
        return self._screens.message(language, title, status=status, link=(self._where.manage(language), link))

    def _spoken(self, language: str) -> str:
        """The person's own language, where pages have it."""
        return language if language in self._screens.site.languages else ENGLISH

    def _mine(self, token: str, mine: Mine, *, saved: bool = False, refused: Refused | None = None) -> web.Response:
        language, path, where = self._spoken(mine.language), self._screens.site.path, self._where
        acts = ("add", "remove", "language", "stop", "start", "erase", "leave", "mine.json")
        faults: Mapping[str, Fault] = {FIELDS.get(refused.fault, "place"): refused.fault} if refused else {}
        asks = refused is not None and (refused.fault is Fault.WHICH_PLACE or bool(refused.typed.choice))
        return self._screens.page(
            "mine",
            language,
            status=422 if refused else 200,
            mine=mine,
            saved=saved,
            typed=refused.typed if refused else Typed(),
            faults=self._counter.said(language, faults),
            choices=choices(refused.sights) if refused and asks else [],
            agreed=self._counter.agreed(language),
            paths={name.replace(".", "_"): path(where.mine(name)) for name in acts},
            mark=self._counter.mark(token),
        )
