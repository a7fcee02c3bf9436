"""The desk of whoever answers for the City: the script, the address, the contact in hand, and one key for what it was about."""

import secrets
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection

from notify.console.routing import FORM, Route
from notify.residents.signup_words import IN_DANGER, words
from notify.web.forms import Form
from surge.contact import Way
from surge.desk import desk_rows
from surge.desk.tally import KEYS, Press
from surge.floor.seats import CHOSEN
from surge.pages import walk
from surge.pages.acts import DeskActs, Pressed, activation_of
from surge.pages.office import AGENTS, ENGLISH, Office, On, Placed, whose
from surge.scripts.runbook import Ending

PAGE: Final = "/desk311"
SUGGESTED: Final = 3
FOUND: Final = 8


class DeskPages:
    def __init__(self, office: Office) -> None:
        self._office, self._guard = office, office.guard
        self._db, self._screens, self._acts = office.guard.db, office.guard.screens, DeskActs(office)

    def routes(self) -> list[Route]:
        posts = {
            "state": self.state,
            "next": self.next,
            "read": self.read,
            "tally": self.tally,
            "verdict": self.verdict,
            "question": self.question,
            "finish": self.finish,
            "centre": self.centre,
        }
        return [
            Route(method="GET", path=PAGE, answer=self.show, roles=AGENTS),
            Route(method="GET", path=f"{PAGE}/line", answer=self.line, roles=AGENTS, passive=True),
            *(Route(method="POST", path=f"{PAGE}/{name}", answer=answer, roles=AGENTS) for name, answer in posts.items()),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self.page(request)

    async def line(self, request: web.Request) -> web.StreamResponse:
        """The part of the page that renews itself: what changed, who waits, who may be in danger."""
        person_id = whose(request)
        on = await self._office.on(person_id)
        return self._screens.page(request, "part/desk311_line", on=on, **await self._waiting(person_id))

    async def state(self, request: web.Request) -> web.StreamResponse:
        await self._acts.sit(whose(request), request[FORM].text("state"))
        return self._screens.moved(PAGE)

    async def next(self, request: web.Request) -> web.StreamResponse:
        """The next in the line, or the very one that was named: somebody in danger."""
        person_id, named = whose(request), request[FORM].text("contact_id")
        if await self._acts.next(person_id, named) is None:
            return await self.page(request, said="Nobody waits whom you could answer.")
        return self._screens.moved(PAGE)

    async def read(self, request: web.Request) -> web.StreamResponse:
        await self._db.write(await self._acts.read(whose(request), request[FORM].text("version")))
        return self._screens.moved(PAGE)

    async def tally(self, request: web.Request) -> web.StreamResponse:
        """One press; the same one twice counts once, so that a page which was cut off may send it again."""
        form, person_id = request[FORM], whose(request)
        press = self._press(form)
        await self._db.write(await self._acts.count(person_id, press))
        if "HX-Request" in request.headers:
            activation_id = activation_of(await self._office.on(person_id))
            pressed = await self._db.read(lambda conn: desk_rows.pressed(conn, activation_id))
            return self._screens.page(request, "part/desk311_pressed", pressed=pressed, last=press)
        return await self.page(request, last=press)

    def _press(self, form: Form) -> Press:
        return self._acts.press(
            Pressed(
                reason=form.text("reason"),
                mark=form.text("press"),
                language=form.text("language"),
                area=form.text("zip"),
                at=walk.moment(form.text("at")),
            )
        )

    async def verdict(self, request: web.Request) -> web.StreamResponse:
        """Whether an address lies inside. It is posted, so that it stands in no address and no history; nothing is kept."""
        typed = request[FORM].text("address")[:120]
        placed = await self._office.placed(await self._office.on(whose(request)), typed)
        if "HX-Request" in request.headers:
            return self._screens.page(request, "part/desk311_verdict", placed=placed)
        return await self.page(request, placed=placed)

    async def question(self, request: web.Request) -> web.StreamResponse:
        """What no script says, to whoever finds the answer for all desks."""
        form = request[FORM]
        told = (form.text("question"), form.text("language"), form.text("step"), form.text("contact_id") or None)
        await self._db.write(await self._acts.ask(whose(request), *told))
        return await self.page(request, said="The question is with the information officer. The answer will stand here.")

    async def finish(self, request: web.Request) -> web.StreamResponse:
        """How it ended; the walk through the script is kept with it."""
        form = request[FORM]
        gone = walk.walked(form, self._acts.language(form.text("language")))
        await self._acts.finish(whose(request), form.text("ending"), gone)
        return self._screens.moved(PAGE)

    async def centre(self, request: web.Request) -> web.StreamResponse:
        """Brings the emergency centre into the agent's call."""
        await self._acts.summon(whose(request), request[FORM].text("contact_id"))
        return self._screens.moved(PAGE)

    async def page(
        self,
        request: web.Request,
        *,
        said: str = "",
        placed: Placed | None = None,
        last: Press | None = None,
        status: int = 200,
        problems: tuple[str, ...] = (),
    ) -> web.Response:
        person_id = whose(request)
        on = await self._office.on(person_id)
        held = await self._held(person_id)
        language = self._acts.language(request.query.get("language", "") or (request.get(FORM) or Form({})).text("language"))
        if held["letter"] is not None and "language" not in request.query:
            language = self._acts.language(held["letter"].language)
        asked = request.query.get("q", "")[:300] or (held["letter"].words if held["letter"] else "")
        shelf = await self._office.shelf(on)
        known = await self._db.read(lambda conn: self._known(conn, on, person_id))
        return self._screens.page(
            request,
            "desk311",
            status=status,
            problems=problems,
            said=said,
            on=on,
            steps=on.script.read_in(language) if on and on.script else (),
            language_read=language if on and on.script and language in on.script.steps else ENGLISH,
            wanted=language,
            tongues=self._screens.site.languages,
            placed=placed,
            last=last,
            q=request.query.get("q", ""),
            found=shelf.search(asked, FOUND if request.query.get("q") else SUGGESTED),
            reasons=KEYS,
            endings=list(Ending),
            needs=self._acts.codes(on),
            press=secrets.token_hex(12),
            run=secrets.token_hex(12),
            once=secrets.token_hex(12),
            english=on.script.read_in(ENGLISH) if on and on.script else (),
            danger_words=words(held["letter"].language if held["letter"] else language).say(IN_DANGER),
            guide=await self._office.guide(on, language),
            pack=self._office.side.pack,
            agent=await self._office.agent(person_id),
            **known,
            **held,
            **await self._waiting(person_id),
        )

    def _known(self, conn: Connection, on: On | None, person_id: str) -> dict[str, Any]:
        return {"pressed": desk_rows.pressed(conn, on.row.activation_id if on else None)}

    async def _held(self, person_id: str) -> dict[str, Any]:
        """Whom they have, what that person wrote, and what was answered so far; nothing of somebody they were only given."""
        held = await self._acts.held(person_id)
        return {"contact": held.contact, "letter": held.letter, "sent": held.sent, "ways": Way}

    async def _waiting(self, person_id: str) -> dict[str, Any]:
        seen = await self._acts.waits(person_id)
        if seen is None:
            return {"line": None, "state": None, "states": (), "danger": [], "given": None, "handed": None}
        return {
            "line": seen.figures,
            "state": seen.state,
            "states": sorted(CHOSEN),
            "danger": seen.danger,
            "given": seen.given,
            "handed": seen.handed,
        }
