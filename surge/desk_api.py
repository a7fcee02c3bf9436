"""The 311 desk by the API: what its pages can do, by the same functions, for a call centre's own software."""

import hashlib
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Any, Final, TypeVar

from aiohttp import web
from pydantic import BaseModel

from notify.alerts.broadcast import Unfit
from notify.alerts.life import Role
from notify.web.answers import STAFF, Problem
from notify.web.endpoints import GIVEN, PREFIX, Endpoint, Nothing, Query, looking
from notify.web.replies import Replies
from surge.desk import need_rows, question_rows
from surge.desk.tally import KEYS
from surge.desk_bodies import (
    Address,
    AnsweredBy,
    Approved,
    AtCounter,
    Counted,
    Finished,
    GuideTo,
    Merged,
    NeedMoved,
    NeedNoted,
    Next,
    Question,
    ReadIt,
    Sitting,
    at_desk_json,
    found_json,
    need_json,
    placed_json,
    question_json,
)
from surge.pages.acts import DeskActs, Pressed, Verb
from surge.pages.letter_acts import Answering, Guide, LetterActs, WalkIn
from surge.pages.need_acts import NeedActs, Onward, Wanted
from surge.pages.office import AGENTS, LEADS, Room
from surge.pages.question_acts import QuestionActs
from surge.pages.walk import Walk
from surge.scripts.runbook import Ending

DESK: Final = f"{PREFIX}/surge/desk"
HELD: Final = f"{DESK}/contacts/{{contact_id}}"
LANGUAGE: Final = Query(name="language", says="of the guide, or of the answers; English without it")
WORDS: Final = Query(name="q", says="what is asked, in its own words")
ENDED: Final = Query(name="ended", says="yes: those that have ended; without it those still to be met")
FOUND: Final = 12
UNKNOWN: Final = frozenset({404})
T = TypeVar("T")


class DeskApi:
    """Every act is done once for its Idempotency-Key. What the line did is in its journal before the answer is kept; what is
    only written stands in the transaction of the answer."""

    def __init__(self, room: Room, replies: Replies) -> None:
        self._room, self._replies = room, replies
        self._desk, self._letters = DeskActs(room), LetterActs(room)
        self._needs, self._questions = NeedActs(room), QuestionActs(room)

    def endpoints(self) -> list[Endpoint]:
        see, post, lead = partial(looking, roles=AGENTS), self._post, partial(self._post, roles=LEADS)
        no_need = partial(see, refusals=UNKNOWN)
        place = "Whether an address lies inside of what is in force; nothing of it is kept"
        own = "Answers the contact in hand, by the way it came; ends it unless the answer did not leave"
        guide = "The alert's own text to a caller's own phone, with their yes; whoever stopped our texts gets none"
        counter = "Somebody at the counter, or a letter: into the line"
        return [
            see(
                "/surge/desk",
                self.now,
                "One's own desk: the line, the contact in hand, what changed",
                "AtDesk",
                query=(LANGUAGE,),
            ),
            post(f"{DESK}/state", self.sit, Sitting, "Signs on, takes a break, goes off duty", "Desk"),
            post(f"{DESK}/next", self.next, Next, "Takes the next written contact, or a certain one", "Taken"),
            post(f"{DESK}/read", self.read, ReadIt, "What has changed in the script was read", "Done"),
            post(f"{DESK}/tally", self.count, Counted, "Counts what a call was about", "Done", 201),
            Endpoint(
                method="POST",
                path=f"{DESK}/place/look-up",
                answer=self.place,
                roles=AGENTS,
                says=place,
                gives="Placed",
                body=Address,
            ),
            post(f"{HELD}/finish", self.finish, Finished, "Wraps up: how it ended, and the steps of the script", "Done"),
            post(f"{HELD}/answer", self.answer, AnsweredBy, own, "Left"),
            post(f"{HELD}/emergency-centre", self.centre, Nothing, "Brings the emergency centre into the call", "Done"),
            post(f"{DESK}/texts", self.text, GuideTo, guide, "Left", 201),
            post(f"{DESK}/walk-ins", self.walk_in, AtCounter, counter, "Taken", 201),
            see("/surge/desk/answers", self.answers, "What is known about a question", "Answers", query=(WORDS, LANGUAGE)),
            post(f"{DESK}/questions", self.ask, Question, "What no script says, to whoever finds the answer", "Asked", 201),
            see("/surge/questions", self.open_questions, "Questions that wait for an answer, the oldest first", "Questions"),
            lead(f"{PREFIX}/surge/answers", self.approve, Approved, "An answer for all desks", "Standing", 201, UNKNOWN),
            lead(
                f"{PREFIX}/surge/answers/{{faq_id}}/withdraw", self.withdraw, Nothing, "No desk shows it", "Done", 200, UNKNOWN
            ),
            lead(
                f"{PREFIX}/surge/questions/{{question_id}}/drop", self.drop, Nothing, "Nothing to answer", "Done", 200, UNKNOWN
            ),
            lead(
                f"{PREFIX}/surge/questions/{{question_id}}/merge", self.merge, Merged, "Answered already", "Done", 200, UNKNOWN
            ),
            see("/surge/needs", self.needs, "Needs, without what is sealed in them", "Needs", query=(ENDED,)),
            post(f"{PREFIX}/surge/needs", self.note, NeedNoted, "Notes a need, with its place", "NeedNumber", 201),
            no_need("/surge/needs/{need_id}", self.need, "One need, without what is sealed in it", "Need"),
            post(
                f"{PREFIX}/surge/needs/{{need_id}}", self.move, NeedMoved, "Moves a need on, or ends it", "Need", 200, UNKNOWN
            ),
        ]

    def _post(
        self,
        path: str,
        answer: Any,
        body: type[BaseModel],
        says: str,
        gives: str,
        status: int = 200,
        refusals: frozenset[int] = frozenset(),
        roles: frozenset[Role] = AGENTS,
    ) -> Endpoint:
        return Endpoint(
            method="POST",
            path=path,
            answer=answer,
            roles=roles,
            says=says,
            gives=gives,
            status=status,
            body=body,
            keyed=True,
            refusals=refusals,
        )

    # -- what is seen --

    async def now(self, request: web.Request) -> web.Response:
        person_id, desk = request[STAFF].person_id, self._desk
        on = await self._room.on(person_id)
        choices = {"reasons": KEYS, "endings": list(Ending), "needs": desk.codes(on)}
        seen = at_desk_json(on, await desk.waits(person_id), await desk.held(person_id), choices)
        guide = await self._room.guide(on, desk.language(request.query.get("language", "")))
        return web.json_response(seen | {"guide": guide})

    async def place(self, request: web.Request) -> web.Response:
        given = _given(request, Address)
        on = await self._room.on(request[STAFF].person_id)
        return web.json_response(placed_json(await self._room.placed(on, given.address.strip())))

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

    # -- the line --

    async def sit(self, request: web.Request) -> web.Response:
        given, who = _given(request, Sitting), request[STAFF].person_id

        async def act() -> dict[str, Any]:
            await self._desk.sit(who, given.state)
            return {"state": self._room.the_line().state_of(who).value}

        return await self._did(request, act)

    async def next(self, request: web.Request) -> web.Response:
        given, who = _given(request, Next), request[STAFF].person_id

        async def act() -> dict[str, Any]:
            return {"contact_id": await self._desk.next(who, given.contact_id)}

        return await self._did(request, act)

    async def finish(self, request: web.Request) -> web.Response:
        given, who = _given(request, Finished), request[STAFF].person_id
        walk = Walk(
            contact_id=request.match_info["contact_id"],
            path=[(one.anchor, one.answer) for one in given.path],
            run=_mark(request),
            begun_at=given.begun_at,
            language=self._desk.language(given.language),
        )

        async def act() -> dict[str, Any]:
            self._room.the_line()
            await self._desk.finish(who, given.ending.value, walk)
            return {"done": True}

        return await self._did(request, act)

    async def centre(self, request: web.Request) -> web.Response:
        async def act() -> dict[str, Any]:
            await self._desk.summon(request[STAFF].person_id, request.match_info["contact_id"])
            return {"done": True}

        return await self._did(request, act)

    # -- what leaves --

    async def answer(self, request: web.Request) -> web.Response:
        given, who = _given(request, AnsweredBy), request[STAFF].person_id
        wanted = Answering(
            contact_id=request.match_info["contact_id"],
            mark=_mark(request),
            words=given.words.strip(),
            language=self._desk.language(given.language),
            source=given.source,
            ending=given.ending.value,
        )

        async def act() -> dict[str, Any]:
            return {"state": await self._letters.answer(who, wanted)}

        return await self._did(request, act)

    async def text(self, request: web.Request) -> web.Response:
        given, who = _given(request, GuideTo), request[STAFF].person_id
        language = self._desk.language(given.language)
        wanted = Guide(
            mark=_mark(request), to=given.to, language=language, consent=given.consent, contact_id=given.contact_id or None
        )

        async def act() -> dict[str, Any]:
            return {"state": await self._letters.text(who, wanted)}

        return await self._did(request, act, 201)

    async def walk_in(self, request: web.Request) -> web.Response:
        given = _given(request, AtCounter)
        language = self._desk.language(given.language)
        wanted = WalkIn(
            mark=_mark(request), words=given.words.strip(), language=language, to=given.reply_to.strip(), area=given.zip
        )

        async def act() -> dict[str, Any]:
            return {"contact_id": await self._letters.walk_in(wanted)}

        return await self._did(request, act, 201)

    # -- what is written down --

    async def read(self, request: web.Request) -> web.Response:
        given, who = _given(request, ReadIt), request[STAFF].person_id
        return await self._wrote(request, lambda: self._desk.read(who, str(given.version)), _done)

    async def count(self, request: web.Request) -> web.Response:
        given, who = _given(request, Counted), request[STAFF].person_id
        pressed = Pressed(reason=given.reason.value, mark=_mark(request), language=given.language, area=given.zip, at=given.at)
        return await self._wrote(request, lambda: self._desk.count(who, self._desk.press(pressed)), _done, 201)

    async def ask(self, request: web.Request) -> web.Response:
        given, who = _given(request, Question), request[STAFF].person_id
        told = (given.words, given.language, given.step, given.contact_id or None)
        return await self._wrote(request, lambda: self._desk.ask(who, *told), lambda one: {"question_id": one}, 201)

    async def approve(self, request: web.Request) -> web.Response:
        given, who = _given(request, Approved), request[STAFF].person_id
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

        return await self._wrote(request, verb, lambda one: {"faq_id": one}, 201)

    async def withdraw(self, request: web.Request) -> web.Response:
        async def verb() -> Verb[None]:
            return self._questions.withdraw(request[STAFF].person_id, request.match_info["faq_id"])

        return await self._wrote(request, verb, _done)

    async def drop(self, request: web.Request) -> web.Response:
        return await self._settled(request, "drop", None)

    async def merge(self, request: web.Request) -> web.Response:
        return await self._settled(request, "merge", _given(request, Merged).faq_id or None)

    async def _settled(self, request: web.Request, deed: str, faq_id: str | None) -> web.Response:
        async def verb() -> Verb[None]:
            return self._questions.settle(request[STAFF].person_id, request.match_info["question_id"], deed, faq_id)

        return await self._wrote(request, verb, _done)

    async def note(self, request: web.Request) -> web.Response:
        given, who = _given(request, NeedNoted), request[STAFF].person_id
        wanted = Wanted(
            **given.model_dump(exclude={"people", "contact_id"}), people=str(given.people), contact_id=given.contact_id or None
        )
        return await self._wrote(request, lambda: self._needs.log(who, wanted), lambda one: {"need_id": one}, 201)

    async def move(self, request: web.Request) -> web.Response:
        given, who = _given(request, NeedMoved), request[STAFF].person_id
        wanted = Onward(to=given.to.value, routed_to=given.routed_to, note=given.note, rev=given.rev)

        async def verb() -> Verb[Any]:
            return self._needs.change(who, request.match_info["need_id"], wanted)

        return await self._wrote(request, verb, need_json)

    # -- once --

    async def _did(self, request: web.Request, act: Callable[[], Awaitable[dict[str, Any]]], status: int = 200) -> web.Response:
        """Asks the line, or sends; then keeps the answer, in which no resident is."""
        found: dict[str, Any] = {}

        async def before() -> None:
            found.update(await act())

        return await self._once(request, lambda _: found, before, status)

    async def _wrote(
        self, request: web.Request, prepare: Callable[[], Awaitable[Verb[T]]], shown: Callable[[T], Any], status: int = 200
    ) -> web.Response:
        """Runs what was prepared in the transaction that keeps the answer."""
        prepared: list[Verb[T]] = []

        async def before() -> None:
            prepared.append(await prepare())

        return await self._once(request, lambda conn: shown(prepared[0](conn)), before, status)

    async def _once(
        self, request: web.Request, verb: Verb[Any], before: Callable[[], Awaitable[None]], status: int
    ) -> web.Response:
        try:
            return await self._replies.once(request, verb, status, before)
        except Unfit as error:
            raise Problem(422, "The desk cannot do this.", error.problems, "unfit") from None


def endpoints(room: Room, replies: Replies) -> list[Endpoint]:
    return DeskApi(room, replies).endpoints()


def _given(request: web.Request, kind: type[T]) -> T:
    given = request[GIVEN]
    assert isinstance(given, kind)
    return given


def _mark(request: web.Request) -> str:
    """Of this act, for what must leave or be counted once: the same for the same key of the same person."""
    owned = f"{request[STAFF].person_id} {request.headers.get('Idempotency-Key', '')}"
    return hashlib.blake2b(owned.encode(), digest_size=16).hexdigest()


def _done(_: Any) -> dict[str, bool]:
    return {"done": True}
