"""Who answers 311, by the API: the list of agents as the lead keeps it, and the practice calls of somebody new."""

from dataclasses import asdict
from functools import partial
from typing import Annotated, Any, Final

from aiohttp import web
from pydantic import Field, StrictBool, StrictInt
from sqlalchemy import Connection

from notify.alerts.draft import Moment
from notify.web.answers import STAFF
from notify.web.endpoints import Endpoint, Given, looking
from notify.web.replies import Replies
from surge.desk_once import Once, done, given_as, post
from surge.pages.acts import Verb
from surge.pages.agent_acts import AgentActs, Listed, Wanted
from surge.pages.office import AGENTS, LEADS, Room
from surge.pages.practice_acts import MOST_PRESSED, Now, PracticeActs

ALL: Final = "/surge/agents"
START: Final = "/surge/desk/start"
UNKNOWN: Final = frozenset({404})


class Seated(Given):
    """How somebody with the role agent311 answers, whole: what is not given is as for somebody new. skills: water, food,
    health, shelter, lead. line: a phone number or SIP address, kept sealed; "" for none, null as it was. until: the end of a
    loan; null for somebody who belongs here."""

    person_id: str = Field(max_length=60)
    languages: list[str] = Field(max_length=50)
    skills: list[str] = Field(default=[], max_length=20)
    interpreter: StrictBool = True
    home: str = Field("", max_length=80)
    line: str | None = Field(None, max_length=200)
    until: Moment | None = None


class Practised(Given):
    """pressed: every choice so far of both calls, by its place in its step, from 0; none to begin."""

    pressed: list[Annotated[StrictInt, Field(ge=0, le=99)]] = Field(default=[], max_length=MOST_PRESSED)


class AgentApi:
    def __init__(self, room: Room, replies: Replies) -> None:
        self._room, self._once = room, Once(replies)
        self._acts, self._practice = AgentActs(room), PracticeActs(room)

    def endpoints(self) -> list[Endpoint]:
        lead = partial(post, roles=LEADS)
        calls = "One more answer of the practice calls; after the last it is noted that this person has practised"
        over = "Their time at the desk is over, at once"
        return [
            looking(ALL, self.all, "Who may answer; never by which number", "Agents", roles=AGENTS),
            lead(ALL, self.put, "Puts somebody on the list of who answers, or changes what is known of them", "Agent", Seated),
            lead(f"{ALL}/{{person_id}}/end", self.end, over, "Done", refusals=UNKNOWN),
            post(START, self.start, calls, "Practice", Practised),
        ]

    async def all(self, _: web.Request) -> web.Response:
        found = await self._room.db.read(self._acts.listed)
        states = [{"state": self._acts.state_of(one.person_id).value} for one in found]
        shown = [agent_json(one) | state for one, state in zip(found, states, strict=True)]
        return web.json_response({"agents": shown})

    async def put(self, request: web.Request) -> web.Response:
        given, by = given_as(request, Seated), request[STAFF].person_id
        wanted = Wanted(**given.model_dump())

        async def verb() -> Verb[Listed]:
            return self._acts.put(by, wanted)

        return await self._once.wrote(request, verb, agent_json)

    async def end(self, request: web.Request) -> web.Response:
        person_id = request.match_info["person_id"]

        async def verb() -> Verb[None]:
            return self._acts.end(request[STAFF].person_id, person_id)

        reply = await self._once.wrote(request, verb, done)
        await self._acts.leave(person_id)
        return reply

    async def start(self, request: web.Request) -> web.Response:
        given, who = given_as(request, Practised), request[STAFF].person_id

        async def verb() -> Verb[Now]:
            now, note = await self._practice.at(who, given.pressed), self._practice.note(who)

            def practised(conn: Connection) -> Now:
                if now.turn is None:
                    note(conn)
                return now

            return practised

        return await self._once.wrote(request, verb, practice_json)


def agent_json(one: Listed) -> dict[str, Any]:
    moments = {"trained_at": one.trained_at, "until": one.until}
    return asdict(one) | {name: at.isoformat() if at is not None else None for name, at in moments.items()}


def practice_json(now: Now) -> dict[str, Any]:
    """call: which of the calls, from 1. caller: what they say; "" where they only listen, or say something else."""
    told = {"done": now.turn is None, "call": now.number + 1, "calls": len(now.calls), "wrong": now.wrong}
    return told | {"pressed": list(now.pressed), "step": _step(now) if now.turn is not None else None}


def _step(now: Now) -> dict[str, Any]:
    assert now.turn is not None
    step = now.turn.step
    return {
        "anchor": step.anchor,
        "heading": step.heading,
        "says": [one.text for one in step.says],
        "never": [one.text for one in step.never],
        "caller": now.turn.says,
        "choices": [one.answer for one in step.choices],
    }
