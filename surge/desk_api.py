"""The 311 desk by the API: what its pages can do, by the same functions, for a call centre's own software."""

from functools import partial
from typing import Any, Final

from aiohttp import web

from notify.web.answers import STAFF
from notify.web.endpoints import Endpoint, Query, looking
from notify.web.replies import Replies
from surge.agent_api import AgentApi
from surge.desk.tally import KEYS
from surge.desk_bodies import (
    Address,
    AnsweredBy,
    AtCounter,
    Counted,
    Finished,
    GuideTo,
    Next,
    ReadIt,
    Sitting,
    at_desk_json,
    placed_json,
)
from surge.desk_once import Once, done, given_as, mark, post
from surge.desk_shared_api import SharedApi
from surge.pages.acts import DeskActs, Pressed
from surge.pages.letter_acts import Answering, Guide, LetterActs, WalkIn
from surge.pages.office import AGENTS, Room
from surge.pages.walk import Walk
from surge.recording_api import RecordingApi
from surge.scripts.runbook import Ending

DESK: Final = "/surge/desk"
HELD: Final = f"{DESK}/contacts/{{contact_id}}"
LANGUAGE: Final = Query(name="language", says="of the guide; English without it")


class DeskApi:
    """One person's desk: the line, the contact in hand, what comes in writing. What all desks share: surge.desk_shared_api."""

    def __init__(self, room: Room, replies: Replies) -> None:
        self._room, self._once = room, Once(replies)
        self._desk, self._letters = DeskActs(room), LetterActs(room)

    def endpoints(self) -> list[Endpoint]:
        see = partial(looking, roles=AGENTS)
        place = "Whether an address lies inside of what is in force; nothing of it is kept"
        own = "Answers the contact in hand, by the way it came; ends it unless the answer did not leave"
        guide = "The alert's own text to a caller's own phone, with their yes; whoever stopped our texts gets none"
        counter = "Somebody at the counter, or a letter: into the line"
        return [
            see(DESK, self.now, "One's own desk: the line, the contact in hand, what changed", "AtDesk", query=(LANGUAGE,)),
            post(f"{DESK}/state", self.sit, "Signs on, takes a break, goes off duty", "Desk", Sitting),
            post(f"{DESK}/next", self.next, "Takes the next written contact, or a certain one", "Taken", Next),
            post(f"{DESK}/read", self.read, "What has changed in the script was read", "Done", ReadIt),
            post(f"{DESK}/tally", self.count, "Counts what a call was about", "Done", Counted, status=201),
            see(f"{DESK}/place/look-up", self.place, place, "Placed", method="POST", body=Address),
            post(f"{HELD}/finish", self.finish, "Wraps up: how it ended, and the steps of the script", "Done", Finished),
            post(f"{HELD}/answer", self.answer, own, "Left", AnsweredBy),
            post(f"{HELD}/emergency-centre", self.centre, "Brings the emergency centre into the call", "Done"),
            post(f"{DESK}/texts", self.text, guide, "Left", GuideTo, status=201),
            post(f"{DESK}/walk-ins", self.walk_in, counter, "Taken", AtCounter, status=201),
        ]

    async def now(self, request: web.Request) -> web.Response:
        person_id, desk = request[STAFF].person_id, self._desk
        on = await self._room.on(person_id)
        choices = {"reasons": KEYS, "endings": list(Ending), "needs": desk.codes(on)}
        seen = at_desk_json(on, await desk.waits(person_id), await desk.held(person_id), choices)
        guide = await self._room.guide(on, desk.language(request.query.get("language", "")))
        return web.json_response(seen | {"guide": guide})

    async def place(self, request: web.Request) -> web.Response:
        given = given_as(request, Address)
        on = await self._room.on(request[STAFF].person_id)
        return web.json_response(placed_json(await self._room.placed(on, given.address.strip())))

    async def sit(self, request: web.Request) -> web.Response:
        given, who = given_as(request, Sitting), request[STAFF].person_id

        async def act() -> dict[str, Any]:
            await self._desk.sit(who, given.state)
            return {"state": self._room.the_line().state_of(who).value}

        return await self._once.did(request, act)

    async def next(self, request: web.Request) -> web.Response:
        given, who = given_as(request, Next), request[STAFF].person_id

        async def act() -> dict[str, Any]:
            return {"contact_id": await self._desk.next(who, given.contact_id)}

        return await self._once.did(request, act)

    async def finish(self, request: web.Request) -> web.Response:
        given, who = given_as(request, Finished), request[STAFF].person_id
        walk = Walk(
            contact_id=request.match_info["contact_id"],
            path=[(one.anchor, one.answer) for one in given.path],
            run=mark(request),
            begun_at=given.begun_at,
            language=self._desk.language(given.language),
        )

        async def act() -> dict[str, Any]:
            self._room.the_line()
            await self._desk.finish(who, given.ending.value, walk)
            return {"done": True}

        return await self._once.did(request, act)

    async def centre(self, request: web.Request) -> web.Response:
        async def act() -> dict[str, Any]:
            await self._desk.summon(request[STAFF].person_id, request.match_info["contact_id"])
            return {"done": True}

        return await self._once.did(request, act)

    async def answer(self, request: web.Request) -> web.Response:
        given, who = given_as(request, AnsweredBy), request[STAFF].person_id
        wanted = Answering(
            contact_id=request.match_info["contact_id"],
            mark=mark(request),
            words=given.words.strip(),
            language=self._desk.language(given.language),
            source=given.source,
            ending=given.ending.value,
        )

        async def act() -> dict[str, Any]:
            return {"state": await self._letters.answer(who, wanted)}

        return await self._once.did(request, act)

    async def text(self, request: web.Request) -> web.Response:
        given, who = given_as(request, GuideTo), request[STAFF].person_id
        language = self._desk.language(given.language)
        wanted = Guide(
            mark=mark(request), to=given.to, language=language, consent=given.consent, contact_id=given.contact_id or None
        )

        async def act() -> dict[str, Any]:
            return {"state": await self._letters.text(who, wanted)}

        return await self._once.did(request, act, 201)

    async def walk_in(self, request: web.Request) -> web.Response:
        given = given_as(request, AtCounter)
        language = self._desk.language(given.language)
        wanted = WalkIn(
            mark=mark(request), words=given.words.strip(), language=language, to=given.reply_to.strip(), area=given.zip
        )

        async def act() -> dict[str, Any]:
            return {"contact_id": await self._letters.walk_in(wanted)}

        return await self._once.did(request, act, 201)

    async def read(self, request: web.Request) -> web.Response:
        given, who = given_as(request, ReadIt), request[STAFF].person_id
        return await self._once.wrote(request, lambda: self._desk.read(who, str(given.version)), done)

    async def count(self, request: web.Request) -> web.Response:
        given, who = given_as(request, Counted), request[STAFF].person_id
        pressed = Pressed(reason=given.reason.value, mark=mark(request), language=given.language, area=given.zip, at=given.at)
        return await self._once.wrote(request, lambda: self._desk.count(who, self._desk.press(pressed)), done, 201)


def endpoints(room: Room, replies: Replies) -> list[Endpoint]:
    """Of the desk, of what all desks share, of who sits at them, and of what callers hear."""
    parts = (DeskApi(room, replies), SharedApi(room, replies), AgentApi(room, replies), RecordingApi(room, replies))
    return [one for part in parts for one in part.endpoints()]
