"""Prompts of callers by the API: how each is heard, a call that records them, and a second person's word. Nobody who has not
heard all of a recording should release it: its sound is here, too."""

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import Any, Final

from aiohttp import web
from pydantic import Field, StrictBool

from notify.web.answers import STAFF, unfit_as
from notify.web.endpoints import Endpoint, Given, Reason, looking
from notify.web.replies import Replies
from surge.desk_once import Once, given_as, post
from surge.pages.acts import Verb
from surge.pages.office import Room
from surge.pages.recording_acts import LastCall, Prompts, RecordingActs, Spoken
from surge.recorded.standing import Cell, Heard
from surge.recorded.takes import MOST_AT_ONCE, Take
from surge.switch.activation import FACT_KEEPERS, LOOKERS
from surge.voice.voices import Voice

BELOW: Final = "/surge/recordings"
ONE: Final = f"{BELOW}/{{take_id:[0-9]{{1,9}}}}"
UNFIT: Final = "This prompt cannot be recorded, released or refused."
ELSEWHERE: Final = frozenset({422})  # every request, where calls of 311 stay elsewhere
UNKNOWN: Final = frozenset({404})
UNKEPT: Final = {"Cache-Control": "no-store"}


class Ordered(Given):
    """keys: of the prompts to record, as the language's list names them."""

    language: str = Field(max_length=35)
    keys: list[str] = Field(min_length=1, max_length=MOST_AT_ONCE)


class HeardAll(Given):
    """heard: this person understands the language and has heard all of it."""

    heard: StrictBool


class RecordingApi:
    def __init__(self, room: Room, replies: Replies) -> None:
        self._acts, self._once = RecordingActs(room), Once(replies, UNFIT)

    def endpoints(self) -> list[Endpoint]:
        see, keeper = partial(looking, roles=LOOKERS, refusals=ELSEWHERE), partial(post, roles=FACT_KEEPERS)
        calls = "Calls whoever asks, at the telephone they have confirmed, to record these prompts"
        every = "Every prompt of a language: its words, how it is heard, what waits for a second person; one's own last call"
        lets = "Lets callers hear it; never by whoever recorded it"
        return [
            see(BELOW, self.overview, "Every language that callers have a key for, and how far it is", "Recordings"),
            see(f"{BELOW}/languages/{{language}}", self.prompts, every, "Prompts", refusals=ELSEWHERE | UNKNOWN),
            keeper(f"{BELOW}/calls", self.call, calls, "Called", Ordered, status=201),
            keeper(f"{ONE}/release", self.release, lets, "Take", HeardAll, refusals=UNKNOWN),
            keeper(f"{ONE}/refuse", self.refuse, "Takes it off, or refuses it", "Take", Reason, refusals=UNKNOWN),
            see(f"{ONE}/sound", self.sound, "What was recorded", "Sound", media="audio/*", refusals=UNKNOWN),
        ]

    async def overview(self, _: web.Request) -> web.Response:
        with unfit_as(UNFIT):
            found, phone = await self._acts.overview(), self._acts.studio.recorder.phone
        return web.json_response({"telephone": phone is not None, "languages": [spoken_json(one) for one in found]})

    async def prompts(self, request: web.Request) -> web.Response:
        with unfit_as(UNFIT):
            found = await self._acts.prompts(request[STAFF].person_id, request.match_info["language"])
            voices = self._acts.studio.speaking.pack.voices
        return web.json_response(prompts_json(found) | {"voice": voice_json(voices.get(found.language))})

    async def call(self, request: web.Request) -> web.Response:
        given = given_as(request, Ordered)

        async def act() -> dict[str, Any]:
            lines = await self._acts.order(request[STAFF], given.language, given.keys)
            return {"language": given.language, "prompts": [line.key for line in lines]}

        return await self._once.did(request, act, 201)

    async def release(self, request: web.Request) -> web.Response:
        heard, take_id = given_as(request, HeardAll).heard, int(request.match_info["take_id"])
        return await self._decided(request, partial(self._acts.release, request[STAFF], take_id, heard=heard))

    async def refuse(self, request: web.Request) -> web.Response:
        why, take_id = given_as(request, Reason).reason, int(request.match_info["take_id"])
        return await self._decided(request, partial(self._acts.refuse, request[STAFF], take_id, why))

    async def sound(self, request: web.Request) -> web.Response:
        found = await self._acts.sound(int(request.match_info["take_id"]))
        return web.Response(body=found.body, content_type=found.kind, headers=UNKEPT)

    async def _decided(self, request: web.Request, made: Callable[[], Verb[Take]]) -> web.Response:
        async def verb() -> Verb[Take]:
            return made()

        reply = await self._once.wrote(request, verb, take_json)
        await self._acts.changed()
        return reply


def spoken_json(one: Spoken) -> dict[str, Any]:
    heard = {heard.value: one.counts.get(heard.value, 0) for heard in Heard}
    counts = {"waiting": one.waiting, "stale": one.stale}
    return {"language": one.language, "heard": heard, "refused": list(one.refused)} | counts


def prompts_json(found: Prompts) -> dict[str, Any]:
    return {
        "language": found.language,
        "refused": list(found.refused),
        "prompts": [_cell(one) for one in found.cells],
        "call": _call(found.last) if found.last is not None else None,
    }


def voice_json(voice: Voice | None) -> dict[str, Any] | None:
    """reviewed: by whoever speaks the language, or null."""
    if voice is None:
        return None
    reviewed = voice.reviewed.isoformat() if voice.reviewed is not None and voice.by else None
    return {"voice": voice.voice, "reviewed": reviewed, "by": voice.by}


def take_json(one: Take) -> dict[str, Any]:
    named = {name: getattr(one, name) for name in ("take_id", "language", "key", "seconds", "recorded_by", "decided_by", "why")}
    return named | {"state": one.state.value, "at": one.at.isoformat(), "decided_at": _iso(one.decided_at)}


def _cell(cell: Cell) -> dict[str, Any]:
    return {
        "key": cell.line.key,
        "english": cell.line.english,
        "words": cell.line.words,
        "heard": cell.heard.value,
        "released": take_json(cell.released) if cell.released is not None else None,
        "stale": take_json(cell.stale) if cell.stale is not None else None,
        "waiting": [take_json(one) for one in cell.waiting],
    }


def _call(last: LastCall) -> dict[str, Any]:
    row = last.row
    return {
        "made_at": row.made_at.isoformat(),
        "ended_at": _iso(row.ended_at),
        "goes_on": last.goes_on,
        "why": row.why,
        "prompts": [line.key for line in last.lines],
        "takes": [take_json(one) for one in last.spoken],
    }


def _iso(at: datetime | None) -> str | None:
    return at.isoformat() if at is not None else None
