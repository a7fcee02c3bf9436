"""The desk of whoever answers for the City: the script, the address, the contact in hand, and one key for what it was about."""

import secrets
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection

from notify.alerts.broadcast import Unfit
from notify.console.routing import FORM, Route
from notify.residents.signup_words import IN_DANGER, words
from notify.web.forms import Form
from surge.contact import Standing, Way
from surge.desk import desk_rows, question_rows, replies
from surge.desk.needs import ACCOMMODATIONS
from surge.desk.tally import KEYS, Press, Reason, pressed_at
from surge.floor.seats import CHOSEN, AgentState
from surge.pages import walk
from surge.pages.office import AGENTS, ENGLISH, Office, On, Placed, whose
from surge.scripts.runbook import Ending

PAGE: Final = "/desk311"
SUGGESTED: Final = 3
FOUND: Final = 8


class DeskPages:
    def __init__(self, office: Office) -> None:
        self._office, self._guard = office, office.guard
        self._db, self._screens = office.guard.db, office.guard.screens

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
        wanted = request[FORM].text("state")
        if wanted not in {one.value for one in CHOSEN}:
            raise Unfit(["Choose ready, break or offline."])
        await self._office.refuse_expired(whose(request))
        await self._said(self._office.the_line().set_state(whose(request), AgentState(wanted)))
        return self._screens.moved(PAGE)

    async def next(self, request: web.Request) -> web.StreamResponse:
        """The next in the line, or the very one that was named: somebody in danger."""
        person_id, named = whose(request), request[FORM].text("contact_id")
        await self._office.refuse_expired(person_id)
        line = self._office.the_line()
        if named:
            await self._said(line.take(person_id, named))
        elif await self._said(line.take_next(person_id)) is None:
            return await self.page(request, said="Nobody waits whom you could answer.")
        return self._screens.moved(PAGE)

    async def read(self, request: web.Request) -> web.StreamResponse:
        person_id, form, now = whose(request), request[FORM], self._office.now
        on = await self._office.on(person_id)
        if on is None or on.script is None or str(on.script.version) != form.text("version"):
            raise Unfit(["The script has changed again. Read what is new."])
        activation_id, version = on.row.activation_id, on.script.version
        await self._db.write(lambda conn: desk_rows.tick(conn, activation_id, version, person_id, now))
        return self._screens.moved(PAGE)

    async def tally(self, request: web.Request) -> web.StreamResponse:
        """One press; the same one twice counts once, so that a page which was cut off may send it again."""
        form, person_id = request[FORM], whose(request)
        press = self._press(form)
        on = await self._office.on(person_id)
        activation_id = on.row.activation_id if on else None
        await self._db.write(lambda conn: desk_rows.press(conn, press, person_id, activation_id))
        if "HX-Request" in request.headers:
            pressed = await self._db.read(lambda conn: desk_rows.pressed(conn, activation_id))
            return self._screens.page(request, "part/desk311_pressed", pressed=pressed, last=press)
        return await self.page(request, last=press)

    def _press(self, form: Form) -> Press:
        reason, mark = form.text("reason"), form.text("press")
        if reason not in {one.value for one in Reason}:
            raise Unfit(["Choose what it was about."])
        if not 8 <= len(mark) <= walk.LONGEST_MARK:
            raise Unfit(["This press has no mark of its own. Load the page again."])
        area = form.text("zip")
        return Press(
            mark=mark,
            at=pressed_at(walk.moment(form.text("at")), self._office.now),
            reason=Reason(reason),
            language=self._language(form.text("language")),
            area=area if area.isascii() and area.isdigit() and len(area) == 5 else None,
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
        form, person_id, now, ring = request[FORM], whose(request), self._office.now, self._guard.ring
        question = form.text("question")[:1000]
        if not question:
            raise Unfit(["Write the question in the caller's words, without their name."])
        on = await self._office.on(person_id)
        asked = question_rows.Asked(
            words=question,
            language=self._language(form.text("language")),
            step=form.text("step")[:80],
            contact_id=form.text("contact_id") or None,
            activation_id=on.row.activation_id if on else None,
        )
        await self._db.write(lambda conn: question_rows.ask(conn, asked, person_id, ring, now))
        return await self.page(request, said="The question is with the information officer. The answer will stand here.")

    async def finish(self, request: web.Request) -> web.StreamResponse:
        """How it ended; the walk through the script is kept with it."""
        form, person_id = request[FORM], whose(request)
        ending = form.text("ending")
        if ending not in {one.value for one in Ending}:
            raise Unfit(["Say how it ended."])
        on = await self._office.on(person_id)
        version = on.script.version if on is not None and on.script is not None else None
        contact_id = form.text("contact_id") or None
        run = walk.run_of(form, person_id, on, ending, self._language(form.text("language")), self._office.now)
        if run is not None:
            await self._db.write(lambda conn: desk_rows.keep_run(conn, run))
        if contact_id is not None and self._office.side.line is not None:
            await self._said(self._office.side.line.finish(person_id, contact_id, ending, version))
        return self._screens.moved(PAGE)

    async def centre(self, request: web.Request) -> web.StreamResponse:
        """Brings the emergency centre into the agent's call."""
        await self._said(self._office.the_line().summon(whose(request), request[FORM].text("contact_id")))
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
        language = self._language(request.query.get("language", "") or (request.get(FORM) or Form({})).text("language"))
        if held["letter"] is not None and "language" not in request.query:
            language = self._language(held["letter"].language)
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
            needs=self._codes(on),
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
        line = self._office.side.line
        contact = line.held_by(person_id) if line else None
        if line is None or contact is None or contact.standing is Standing.RESERVED:
            return {"contact": None, "letter": None, "sent": [], "ways": Way}
        letter = await line.letter(contact.contact_id)
        sent = await self._db.read(lambda conn: replies.of_contact(conn, contact.contact_id))
        return {"contact": contact, "letter": letter, "sent": sent, "ways": Way}

    async def _waiting(self, person_id: str) -> dict[str, Any]:
        line = self._office.side.line
        if line is None:
            return {"line": None, "state": None, "states": (), "danger": [], "given": None, "handed": None}
        danger = [
            letter
            for contact in line.waiting()
            if contact.way is not Way.VOICE and (letter := await line.letter(contact.contact_id)) and letter.danger
        ]
        state = line.state_of(person_id)
        given = line.held_by(person_id) if state is AgentState.RESERVED else None  # rung, or to be opened
        held = line.held_by(person_id)
        return {
            "line": line.figures(),
            "state": state,
            "states": sorted(CHOSEN),
            "danger": danger[:5],
            "given": given,
            "handed": line.handed(held.contact_id) if held is not None else None,
        }

    def _codes(self, on: On | None) -> list[str]:
        """What may be noted as a need: what the script names, then what everybody may ask for."""
        named = [code for step in on.script.book.steps for code in step.needs] if on and on.script else []
        return [*dict.fromkeys([*named, *ACCOMMODATIONS])]

    def _language(self, asked: str) -> str:
        return asked if asked in self._screens.site.languages else ENGLISH

    async def _said(self, doing: Any) -> Any:
        """What the line says to it. Raises Unfit with its sentence where it cannot be done now."""
        try:
            return await doing
        except ValueError as error:
            raise Unfit([str(error)]) from None
