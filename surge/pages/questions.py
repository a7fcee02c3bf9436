"""Questions that no script answers, their answers for all desks, and the search over all that is known."""

from typing import Final

from aiohttp import web
from sqlalchemy import Connection

from notify import audit
from notify.alerts.broadcast import Unfit
from notify.audit import Act
from notify.console.routing import FORM, Route
from notify.console.screens import VISIT
from notify.web.answers import Problem
from surge.desk import question_rows
from surge.desk.faq import Status, Unanswerable
from surge.desk.knowledge import Kind
from surge.desk.question_rows import Answer
from surge.pages.office import AGENTS, ENGLISH, LEADS, Office, whose

PAGE: Final = "/questions"
FOUND: Final = 12
SETTLES: Final = {"drop": Status.DROPPED, "merge": Status.MERGED}


class QuestionPages:
    def __init__(self, office: Office) -> None:
        self._office, self._guard = office, office.guard
        self._db, self._screens = office.guard.db, office.guard.screens

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
        form, person_id, now = request[FORM], whose(request), self._office.now
        on = await self._office.on(person_id)
        language = form.text("language")
        answer = Answer(
            question=form.text("words"),
            answer=" ".join(form.fields.get("answer", "").split()),
            language=language if language in self._screens.site.languages else ENGLISH,
            faq_id=form.text("faq_id"),
            activation_id=None if form.text("always") == "yes" else (on.row.activation_id if on else None),
        )
        question_id = form.text("question_id")

        def approved(conn: Connection) -> None:
            faq_id = question_rows.approve(conn, answer, person_id, now)
            if question_id:
                question_rows.settle(conn, question_id, Status.ANSWERED, person_id, now, faq_id)
            detail = {"language": answer.language, "question": question_id}
            audit.append(conn, Act(actor=person_id, action="approved an answer", subject=faq_id, detail=detail), now)

        try:
            await self._db.write(approved)
        except Unanswerable as error:
            raise Unfit(error.problems) from None
        except LookupError as error:
            raise Problem(404, "There is no such answer.", [str(error)]) from None
        return self._screens.moved(PAGE)

    async def settle(self, request: web.Request) -> web.StreamResponse:
        """drop: nothing to answer. merge: an answer that stands already is the answer."""
        question_id, deed = request.match_info["question_id"], request.match_info["settled"]
        faq_id, now = request[FORM].text("faq_id") or None, self._office.now
        person_id = whose(request)

        def settled(conn: Connection) -> bool:
            return question_rows.settle(conn, question_id, SETTLES[deed], person_id, now, faq_id)

        if not await self._db.write(settled):
            raise Problem(404, "This question is settled already.", ["Somebody else was first, or it never was."])
        return self._screens.moved(PAGE)

    async def withdraw(self, request: web.Request) -> web.StreamResponse:
        faq_id, person_id, now = request.match_info["faq_id"], whose(request), self._office.now

        def withdrawn(conn: Connection) -> None:
            question_rows.withdraw(conn, faq_id, person_id, now)
            audit.append(conn, Act(actor=person_id, action="withdrew an answer", subject=faq_id, detail={}), now)

        try:
            await self._db.write(withdrawn)
        except LookupError as error:
            raise Problem(404, "There is no such answer.", [str(error)]) from None
        return self._screens.moved(PAGE)

    def _roles(self, request: web.Request) -> frozenset[object]:
        return frozenset(request[VISIT].staff.roles)
