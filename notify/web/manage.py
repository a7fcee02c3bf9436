"""The way to one's own page: an address, then a code from the phone or a button behind a mailed link."""

from collections.abc import Mapping

from aiohttp import web

from notify.residents.own_page import OwnPage
from notify.residents.signup import Wrong
from notify.residents.signup_words import OPEN_LONG
from notify.web.counter import TAG, TOKEN, Counter
from notify.web.forms import Stale
from notify.web.visit import COOKIE
from subscribers.address import SMS
from subscribers.quotas import Spent
from subscribers.signup import VISIT_LIFE, Fault, reach


class ManagePages:
    """/manage, up to the moment it opens."""

    def __init__(self, counter: Counter, own_page: OwnPage) -> None:
        self._counter, self._own_page = counter, own_page
        self._screens, self._where = counter.screens, counter.screens.where

    def routes(self) -> list[web.RouteDef]:
        home = f"/{self._where.home}"
        here = f"{home}{{language:{TAG}}}/manage"
        guarded = self._counter.guarded
        return [
            web.get(f"{home}manage", guarded(self.ask)),
            web.get(here, guarded(self.ask)),
            web.post(here, guarded(self.submit)),
            web.get(f"{here}/code", guarded(self.again)),
            web.post(f"{here}/code", guarded(self.type_code)),
            web.get(f"{here}/{{token:{TOKEN}}}", guarded(self.look)),
            web.post(f"{here}/{{token:{TOKEN}}}", guarded(self.open)),
        ]

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """Which address somebody signed up with."""
        return self._asked(self._counter.language(request))

    async def submit(self, request: web.Request) -> web.StreamResponse:
        language = self._counter.language(request)
        notice = ""
        try:
            form = await self._counter.form(request)
        except Stale as stale:
            form = stale.form
            notice = self._screens.say(language, OPEN_LONG)
        typed = form.text("contact")
        found = reach(typed, self._counter.samples)
        if isinstance(found, Fault):
            return self._asked(language, typed, {"contact": found}, notice)
        if notice:
            return self._asked(language, typed, notice=notice)
        try:
            token = await self._own_page.ask(found, language, self._counter.client(request))
        except Spent:
            return self._asked(language, typed, notice=self._counter.spent(language, found.channel), status=429)
        if found.channel == SMS:
            return self._code(language, token)
        return self._counter.mailed(language)

    async def type_code(self, request: web.Request) -> web.StreamResponse:
        language = self._counter.language(request)
        form = await self._counter.form(request)
        token = form.text("token")
        result = await self._own_page.enter(token, form.text("code"))
        if isinstance(result, Wrong):
            return self._code(language, token, result)
        return self._entered(result, language)

    async def look(self, request: web.Request) -> web.StreamResponse:
        """The mailed link: a page with a button. Programs that follow links open nothing."""
        language = self._counter.language(request)
        if not await self._own_page.look(request.match_info["token"]):
            return self._counter.ended(language, self._where.manage(language))
        say = self._screens.say
        return self._screens.page(
            "press",
            language,
            title=say(language, "Your sign-up"),
            paragraphs=[say(language, "Press the button to see and change your places.")],
            button=say(language, "Continue"),
            mark=self._counter.mark(),
        )

    async def open(self, request: web.Request) -> web.StreamResponse:
        language = self._counter.language(request)
        await self._counter.form(request)
        return self._entered(await self._own_page.open(request.match_info["token"]), language)

    async def again(self, request: web.Request) -> web.StreamResponse:
        """The code page loaded anew has lost what it was for."""
        return self._screens.moved(self._where.manage(self._counter.language(request)))

    def _entered(self, visit: str | None, language: str) -> web.Response:
        if visit is None:
            return self._counter.ended(language, self._where.manage(language))
        answer = self._screens.moved(self._where.mine())
        answer.set_cookie(
            COOKIE,
            visit,
            max_age=int(VISIT_LIFE.total_seconds()),
            path=self._where.cookie(),
            httponly=True,
            samesite="Strict",
            secure=self._screens.site.base.startswith("https:"),
        )
        return answer

    def _code(self, language: str, token: str, wrong: Wrong | None = None) -> web.Response:
        return self._counter.code_page(language, token, wrong, (self._where.entry(language), self._where.manage(language)))

    def _asked(
        self, language: str, typed: str = "", faults: Mapping[str, Fault] | None = None, notice: str = "", status: int = 0
    ) -> web.Response:
        path = self._screens.site.path
        return self._screens.page(
            "manage",
            language,
            status=status or (422 if faults or notice else 200),
            at=self._where.manage("{}"),
            contact=typed,
            faults=self._counter.said(language, faults or {}),
            notice=notice,
            action=path(self._where.manage(language)),
            subscribe=path(self._where.subscribe(language)),
            mark=self._counter.mark(),
        )
