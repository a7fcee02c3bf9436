"""Questions that no script answers, their answers for all desks, and the search over all that is known."""

from typing import Final

from aiohttp import web

from notify.console.routing import FORM, Route
from notify.console.screens import VISIT
from surge.desk import question_rows
from surge.desk.knowledge import Kind
from surge.desk.question_rows import Answer
from surge.pages.office import AGENTS, ENGLISH, LEADS, Office, whose
from surge.pages.question_acts import QuestionActs

PAGE: Final = "/questions"
FOUND: Final = 12


class QuestionPages:
    def __init__(self, office: Office) -> None:
        self._office, self._guard = office, office.guard
        self._db, self._screens, self._acts = office.guard.db, office.guard.screens, QuestionActs(office)

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path=PAGE, answer=self.show, roles=AGENTS),
            Route(method="POST", path=PAGE, answer=self.approve, roles=LEADS),
            Route(method="POST", path=f"{PAGE}/{{question_id}}/{{settled:drop|merge}}", answer=self.settle, roles=LEADS),
            Route(method="POST", path="/answers/{faq_id}/withdraw", answer=self.withdraw, roles=LEADS),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        person_id, ring = whose(request), self._guard.ring
        on, q = await self._office.on(person_id), request.query.get("q", "")[:300]
        shelf = await self._office.shelf(on)
        asked = await self._db.read(lambda conn: question_rows.open_ones(conn, ring))
        standing = await self._db.read(lambda conn: question_rows.standing(conn, on.row.activation_id if on else None))
        return self._screens.page(
            request,
            "questions",
            on=on,
            q=q,
            found=shelf.search(q, FOUND, least=0.15),
            asked=asked,
            alike={one.row.question_id: shelf.search(one.words, 1) for one in asked},
            standing=standing,
            leads=bool(self._roles(request) & LEADS),
            tongues=self._screens.site.languages,
            Kind=Kind,
        )

    async def approve(self, request: web.Request) -> web.StreamResponse:
        """An answer for all desks: to a question that waits, in one more language, or in the place of an earlier answer."""
        form, person_id = request[FORM], whose(request)
        on = await self._office.on(person_id)
        language = form.text("language")
        answer = Answer(
            question=form.text("words"),
            answer=" ".join(form.fields.get("answer", "").split()),
            language=language if language in self._screens.site.languages else ENGLISH,
            faq_id=form.text("faq_id"),
            activation_id=None if form.text("always") == "yes" else (on.row.activation_id if on else None),
        )
        await self._db.write(self._acts.approve(person_id, answer, form.text("question_id")))
        return self._screens.moved(PAGE)

    async def settle(self, request: web.Request) -> web.StreamResponse:
        """drop: nothing to answer. merge: an answer that stands already is the answer."""
        question_id, deed = request.match_info["question_id"], request.match_info["settled"]
        faq_id = request[FORM].text("faq_id") or None
        await self._db.write(self._acts.settle(whose(request), question_id, deed, faq_id))
        return self._screens.moved(PAGE)

    async def withdraw(self, request: web.Request) -> web.StreamResponse:
        await self._db.write(self._acts.withdraw(whose(request), request.match_info["faq_id"]))
        return self._screens.moved(PAGE)

    def _roles(self, request: web.Request) -> frozenset[object]:
        return frozenset(request[VISIT].staff.roles)
