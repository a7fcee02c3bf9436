"""What all 311 desks share, by the API: questions no script answers, answers for everybody, and needs with their place."""

from functools import partial
from typing import Any, Final

from aiohttp import web

from notify.web.answers import STAFF, Problem
from notify.web.endpoints import Endpoint, Query, looking
from notify.web.replies import Replies
from surge.desk import need_rows, question_rows
from surge.desk_bodies import (
    Approved,
    Merged,
    NeedMoved,
    NeedNoted,
    Question,
    found_json,
    need_json,
    question_json,
)
from surge.desk_once import Once, done, given_as, post
from surge.pages.acts import DeskActs, Verb
from surge.pages.need_acts import NeedActs, Onward, Wanted
from surge.pages.office import AGENTS, LEADS, Room
from surge.pages.question_acts import QuestionActs

LANGUAGE: Final = Query(name="language", says="of the answers; English without it")
WORDS: Final = Query(name="q", says="what is asked, in its own words")
ENDED: Final = Query(name="ended", says="yes: those that have ended; without it those still to be met")
FOUND: Final = 12
UNKNOWN: Final = frozenset({404})


class SharedApi:
    """Questions, answers and needs."""

    def __init__(self, room: Room, replies: Replies) -> None:
        self._room, self._once, self._desk = room, Once(replies), DeskActs(room)
        self._needs, self._questions = NeedActs(room), QuestionActs(room)

    def endpoints(self) -> list[Endpoint]:
        see, lead = partial(looking, roles=AGENTS), partial(post, roles=LEADS, refusals=UNKNOWN)
        no_need, asks = partial(see, refusals=UNKNOWN), "What no script says, for somebody to answer"
        return [
            see("/surge/desk/answers", self.answers, "What is known about a question", "Answers", query=(WORDS, LANGUAGE)),
            post("/surge/desk/questions", self.ask, asks, "Asked", Question, status=201),
            see("/surge/questions", self.open_questions, "Questions that wait for an answer, the oldest first", "Questions"),
            lead("/surge/answers", self.approve, "An answer for all desks", "Standing", Approved, status=201),
            lead("/surge/answers/{faq_id}/withdraw", self.withdraw, "No desk shows it", "Done"),
            lead("/surge/questions/{question_id}/drop", self.drop, "Nothing to answer", "Done"),
            lead("/surge/questions/{question_id}/merge", self.merge, "Answered already", "Done", Merged),
            see("/surge/needs", self.needs, "Needs, without what is sealed in them", "Needs", query=(ENDED,)),
            post("/surge/needs", self.note, "Notes a need, with its place", "NeedNumber", NeedNoted, status=201),
            no_need("/surge/needs/{need_id}", self.need, "One need, without what is sealed in it", "Need"),
            post("/surge/needs/{need_id}", self.move, "Moves a need on, or ends it", "Need", NeedMoved, refusals=UNKNOWN),
        ]

    async def answers(self, request: web.Request) -> web.Response:
        on = await self._room.on(request[STAFF].person_id)
        shelf = await self._room.shelf(on)
        language = self._desk.language(request.query.get("language", ""))
        found = shelf.search(request.query.get("q", "")[:300], FOUND)
        return web.json_response({"answers": found_json(found, language)})

    async def open_questions(self, _: web.Request) -> web.Response:
        ring = self._room.ring
        found = await self._room.db.read(lambda conn: question_rows.open_ones(conn, ring))
        return web.json_response({"questions": [question_json(one) for one in found]})

    async def ask(self, request: web.Request) -> web.Response:
        given, who = given_as(request, Question), request[STAFF].person_id
        told = (given.words, given.language, given.step, given.contact_id or None)
        return await self._once.wrote(request, lambda: self._desk.ask(who, *told), lambda one: {"question_id": one}, 201)

    async def approve(self, request: web.Request) -> web.Response:
        given, who = given_as(request, Approved), request[STAFF].person_id
        on = await self._room.on(who)
        answer = question_rows.Answer(
            question=given.question,
            answer=" ".join(given.answer.split()),
            language=self._desk.language(given.language),
            faq_id=given.faq_id,
            activation_id=None if given.always or on is None else on.row.activation_id,
        )

        async def verb() -> Verb[str]:
            return self._questions.approve(who, answer, given.question_id)

        return await self._once.wrote(request, verb, lambda one: {"faq_id": one}, 201)

    async def withdraw(self, request: web.Request) -> web.Response:
        async def verb() -> Verb[None]:
            return self._questions.withdraw(request[STAFF].person_id, request.match_info["faq_id"])

        return await self._once.wrote(request, verb, done)

    async def drop(self, request: web.Request) -> web.Response:
        return await self._settled(request, "drop", None)

    async def merge(self, request: web.Request) -> web.Response:
        return await self._settled(request, "merge", given_as(request, Merged).faq_id or None)

    async def _settled(self, request: web.Request, deed: str, faq_id: str | None) -> web.Response:
        async def verb() -> Verb[None]:
            return self._questions.settle(request[STAFF].person_id, request.match_info["question_id"], deed, faq_id)

        return await self._once.wrote(request, verb, done)

    async def needs(self, request: web.Request) -> web.Response:
        ended = request.query.get("ended") == "yes"
        rows = await self._room.db.read(lambda conn: need_rows.listed(conn, ended=ended))
        return web.json_response({"needs": [need_json(row) for row in rows]})

    async def need(self, request: web.Request) -> web.Response:
        need_id = request.match_info["need_id"]
        try:
            row = await self._room.db.read(lambda conn: need_rows.one(conn, need_id))
        except LookupError as error:
            raise Problem(404, "There is no such need.", [str(error)]) from None
        return web.json_response(need_json(row))

    async def note(self, request: web.Request) -> web.Response:
        given, who = given_as(request, NeedNoted), request[STAFF].person_id
        wanted = Wanted(
            **given.model_dump(exclude={"people", "contact_id"}), people=str(given.people), contact_id=given.contact_id or None
        )
        return await self._once.wrote(request, lambda: self._needs.log(who, wanted), lambda one: {"need_id": one}, 201)

    async def move(self, request: web.Request) -> web.Response:
        given, who = given_as(request, NeedMoved), request[STAFF].person_id
        wanted = Onward(to=given.to.value, routed_to=given.routed_to, note=given.note, rev=given.rev)

        async def verb() -> Verb[Any]:
            return self._needs.change(who, request.match_info["need_id"], wanted)

        return await self._once.wrote(request, verb, need_json)
