"""The sign-up pages: one form, then a code from the phone or a button behind a mailed link. Served on the public listener."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from aiohttp import web

from notify.publishing.site import ENGLISH
from notify.residents.signup import Joined, Landline, SignUp, Wrong
from notify.residents.signup_words import ALERTS_CITYWIDE, ALERTS_HERE, FULL, OPEN_LONG
from notify.web.counter import TAG, TOKEN, Counter, choices
from notify.web.forms import Form, Stale
from subscribers.address import SMS
from subscribers.dialog.turn import Sight
from subscribers.place import PLACES_MAX
from subscribers.quotas import Spent
from subscribers.signup import Fault, Reach, Wish, chosen, nowhere, reach


@dataclass(frozen=True, slots=True, kw_only=True)
class Typed:
    """The sign-up form as somebody filled it in."""

    contact: str = ""
    place: str = ""
    choice: str = ""
    language: str = ENGLISH
    agreed: bool = False


@dataclass(slots=True)
class Read:
    """What became of a form: who and where, and what is wrong with it, by field. sights: what may be chosen from."""

    reach: Reach | None = None
    sight: Sight | None = None
    sights: Sequence[Sight] = ()
    faults: dict[str, Fault] = field(default_factory=dict)


class SignUpPages:
    """/subscribe and what follows from it."""

    def __init__(self, counter: Counter, sign_up: SignUp) -> None:
        self._counter, self._sign_up = counter, sign_up
        self._screens, self._where = counter.screens, counter.screens.where

    def routes(self) -> list[web.RouteDef]:
        home = f"/{self._where.home}"
        here = f"{home}{{language:{TAG}}}/"
        guarded = self._counter.guarded
        return [
            *self._screens.routes(),
            web.get(f"{home}subscribe", guarded(self.ask)),
            web.get(f"{here}subscribe", guarded(self.ask)),
            web.post(f"{here}subscribe", guarded(self.submit)),
            web.get(f"{here}subscribe/code", guarded(self.again)),
            web.post(f"{here}subscribe/code", guarded(self.type_code)),
            web.get(f"{here}confirm/{{token:{TOKEN}}}", guarded(self.look)),
            web.post(f"{here}confirm/{{token:{TOKEN}}}", guarded(self.press)),
        ]

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """The empty form."""
        language = self._counter.language(request)
        return self._form(language, Typed(language=language), Read())

    async def submit(self, request: web.Request) -> web.StreamResponse:
        """The filled form: every fault at once, or a code or link on its way."""
        language = self._counter.language(request)
        notice = ""
        try:
            form = await self._counter.form(request)
        except Stale as stale:
            form = stale.form
            notice = self._screens.say(language, OPEN_LONG)
        typed = _typed(form)
        read = await self._read(typed)
        if notice or read.faults or read.reach is None:
            return self._form(language, typed, read, notice, status=422)
        try:
            token = await self._sign_up.ask(self._wish(language, typed, read), self._counter.client(request))
        except Landline:
            read.faults["contact"] = Fault.LANDLINE
            return self._form(language, typed, read, status=422)
        except Spent:
            notice = self._counter.spent(language, read.reach.channel)
            return self._form(language, typed, read, notice, status=429)
        if read.reach.channel == SMS:
            return self._code(language, token)
        return self._counter.mailed(language)

    async def _read(self, typed: Typed) -> Read:
        read = Read(sights=await self._counter.sights(typed.place))
        found = reach(typed.contact, self._counter.samples)
        place = chosen(typed.place, read.sights, typed.choice)
        if isinstance(found, Fault):
            read.faults["contact"] = found
        else:
            read.reach = found
        if isinstance(place, Fault):
            read.faults["choice" if place is Fault.WHICH_PLACE else "place"] = place
        else:
            read.sight = place
        if typed.language not in self._screens.site.languages:
            read.faults["language"] = Fault.NO_LANGUAGE
        if not typed.agreed:
            read.faults["agree"] = Fault.NOT_AGREED
        return read

    def _wish(self, language: str, typed: Typed, read: Read) -> Wish:
        assert read.reach is not None
        return Wish(
            channel=read.reach.channel,
            address=read.reach.address,
            language=typed.language,
            spot=read.sight.spot if read.sight else None,
            words=read.sight.words if read.sight else "",
            agreed=self._counter.agreed(language),
            terms=self._screens.terms,
        )

    async def again(self, request: web.Request) -> web.StreamResponse:
        """The code page loaded anew has lost what it was for."""
        return self._screens.moved(self._where.subscribe(self._counter.language(request)))

    async def type_code(self, request: web.Request) -> web.StreamResponse:
        language = self._counter.language(request)
        form = await self._counter.form(request)
        token = form.text("token")
        result = await self._sign_up.confirm_code(token, form.text("code"))
        match result:
            case Joined():
                return self._joined(language, result)
            case Wrong():
                return self._code(language, token, result)
            case None:
                return self._counter.ended(language, self._where.subscribe(language))

    async def look(self, request: web.Request) -> web.StreamResponse:
        """The mailed link: a page with a button. Programs that follow links confirm nothing."""
        language = self._counter.language(request)
        wish = await self._sign_up.look(request.match_info["token"])
        if wish is None:
            return self._counter.ended(language, self._where.subscribe(language))
        say = self._screens.say
        return self._screens.page(
            "press",
            language,
            title=say(language, "Confirm your sign-up"),
            paragraphs=[self._alerts_for(language, wish.words)],
            button=say(language, "Yes, send me alerts"),
            mark=self._counter.mark(),
        )

    async def press(self, request: web.Request) -> web.StreamResponse:
        language = self._counter.language(request)
        await self._counter.form(request)
        joined = await self._sign_up.confirm_link(request.match_info["token"])
        if joined is None:
            return self._counter.ended(language, self._where.subscribe(language))
        return self._joined(language, joined)

    def _alerts_for(self, language: str, place: str) -> str:
        if place:
            return self._screens.say(language, ALERTS_HERE, place=place)
        return self._screens.say(language, ALERTS_CITYWIDE)

    def _joined(self, language: str, joined: Joined) -> web.Response:
        paragraph = self._alerts_for(language, joined.words)
        if joined.is_full:
            paragraph = self._screens.say(language, FULL, count=str(PLACES_MAX))
        link = (self._screens.site.path(self._where.manage(language)), self._screens.say(language, "Your places"))
        title = self._screens.say(language, "You are signed up")
        return self._screens.page("message", language, title=title, paragraphs=[paragraph], link=link)

    def _code(self, language: str, token: str, wrong: Wrong | None = None) -> web.Response:
        return self._counter.code_page(language, token, wrong, (self._where.code(language), self._where.subscribe(language)))

    def _form(self, language: str, typed: Typed, read: Read, notice: str = "", status: int = 200) -> web.Response:
        path = self._screens.site.path
        asked = read.faults.get("choice") is Fault.WHICH_PLACE or bool(typed.choice)
        offered = choices(read.sights) if asked else []
        if offered:
            offered.append((nowhere(typed.place), self._screens.say(language, "None of these: the whole city only")))
        return self._screens.page(
            "subscribe",
            language,
            status=status,
            at=self._where.subscribe("{}"),
            typed=typed,
            faults=self._counter.said(language, read.faults),
            notice=notice,
            choices=offered,
            agreed=self._counter.agreed(language),
            action=path(self._where.subscribe(language)),
            manage=path(self._where.manage(language)),
            mark=self._counter.mark(),
        )


def _typed(form: Form) -> Typed:
    return Typed(
        contact=form.text("contact"),
        place=form.text("place"),
        choice=form.text("choice"),
        language=form.text("language"),
        agreed=form.text("agree") == "yes",
    )
