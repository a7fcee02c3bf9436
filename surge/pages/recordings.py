"""What callers of 311 hear, prompt by prompt and language by language: recorded by telephone, released by a second person."""

from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web

from notify.alerts.broadcast import Unfit
from notify.console.routing import FORM, Route, several
from notify.console.screens import HEADERS, VISIT
from notify.web.answers import Problem
from notify.wording.labels import direction
from surge.pages.office import Office
from surge.pages.recording_acts import RecordingActs
from surge.recorded.sound import Sound
from surge.recorded.standing import Heard
from surge.switch.activation import FACT_KEEPERS, LOOKERS
from surge.voice.tongues import name

PAGE: Final = "/surge/recordings"
TAKE: Final = f"{PAGE}/{{take_id:[0-9]{{1,9}}}}"


class RecordingPages:
    def __init__(self, office: Office) -> None:
        self._screens, self._db, self._acts = office.guard.screens, office.guard.db, RecordingActs(office)

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path=PAGE, answer=self.show, roles=LOOKERS),
            Route(method="POST", path=f"{PAGE}/call", answer=self.call, roles=FACT_KEEPERS),
            Route(method="POST", path=f"{TAKE}/release", answer=self.release, roles=FACT_KEEPERS),
            Route(method="POST", path=f"{TAKE}/refuse", answer=self.refuse, roles=FACT_KEEPERS),
            Route(method="GET", path=f"{TAKE}/sound", answer=self.sound, roles=LOOKERS),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Every language with how far it is; or, of one, every prompt."""
        language = request.query.get("language", "")
        if language:
            return await self._detail(request, language)
        try:
            return self._screens.page(request, "surge_recordings", rows=await self._acts.overview())
        except Unfit as error:
            return self._screens.page(request, "surge_recordings", rows=[], problems=error.problems)

    async def call(self, request: web.Request) -> web.StreamResponse:
        """Has the person who asks called, at the telephone they have confirmed."""
        language = request[FORM].text("language")
        try:
            await self._acts.order(request[VISIT].staff, language, several(request, "key"))
        except Unfit as error:
            if not self._acts.speaks(language):
                raise
            return await self._detail(request, language, error.problems)
        return self._screens.moved(_way(language))

    async def release(self, request: web.Request) -> web.StreamResponse:
        take_id, heard = int(request.match_info["take_id"]), request[FORM].text("heard") == "yes"
        one = await self._db.write(self._acts.release(request[VISIT].staff, take_id, heard=heard))
        await self._acts.changed()
        return self._screens.moved(_way(one.language))

    async def refuse(self, request: web.Request) -> web.StreamResponse:
        take_id, why = int(request.match_info["take_id"]), request[FORM].text("why")
        one = await self._db.write(self._acts.refuse(request[VISIT].staff, take_id, why))
        await self._acts.changed()
        return self._screens.moved(_way(one.language))

    async def sound(self, request: web.Request) -> web.StreamResponse:
        """For the player of the page, which may ask for a part of it."""
        return _file(request, await self._acts.sound(int(request.match_info["take_id"])))

    async def _detail(self, request: web.Request, language: str, problems: Any = ()) -> web.Response:
        staff, studio = request[VISIT].staff, self._acts.studio
        found = await self._acts.prompts(staff.person_id, language)
        last, keeps = found.last, bool(staff.roles & FACT_KEEPERS)
        return self._screens.page(
            request,
            "surge_recordings_language",
            status=422 if problems else 200,
            problems=problems,
            language_tag=language,
            language_direction=direction(language),
            english_name=name(language),
            voice=studio.speaking.pack.voices.get(language),
            records=keeps and studio.recorder.phone is not None,
            decides=keeps,
            person_id=staff.person_id,
            Heard=Heard,
            cells=found.cells,
            refused=found.refused,
            last=last.row if last is not None else None,
            wanted=last.lines if last is not None else (),
            spoken_takes=last.spoken if last is not None else (),
            goes_on=last is not None and last.goes_on,
        )


def _way(language: str) -> str:
    return f"{PAGE}?{urlencode({'language': language})}"


def _file(request: web.Request, found: Sound) -> web.Response:
    """Whole, or the part that was asked for. Raises Problem (416)."""
    sent = HEADERS | {"Accept-Ranges": "bytes"}
    part = _part(request, len(found.body))
    if part is None:
        return web.Response(body=found.body, content_type=found.kind, headers=sent)
    sent |= {"Content-Range": f"bytes {part.start}-{part.stop - 1}/{len(found.body)}"}
    return web.Response(status=206, body=found.body[part.start : part.stop], content_type=found.kind, headers=sent)


def _part(request: web.Request, size: int) -> range | None:
    """The bytes that a player asks for; None for all of them. Raises Problem where there are none."""
    try:
        asked = request.http_range
    except ValueError:
        return None
    if asked.start is None and asked.stop is None:
        return None
    part = range(size)[asked]
    if not part:
        raise Problem(416, "There is no such part", ["The recording is shorter."])
    return part
