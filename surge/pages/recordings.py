"""What callers of 311 hear, prompt by prompt and language by language: recorded by telephone, released by a second person."""

from collections import Counter
from typing import Any, Final
from urllib.parse import urlencode

from aiohttp import web
from sqlalchemy import Connection

from notify.alerts.broadcast import Unfit
from notify.console.routing import FORM, Route, several
from notify.console.screens import HEADERS, VISIT
from notify.web.answers import Problem
from notify.wording.labels import direction
from surge.pack import Shape
from surge.pages.office import Office
from surge.recorded import recorded_rows, standing, takes
from surge.recorded.recorded_rows import LIVE
from surge.recorded.standing import Cell, Heard
from surge.recorded.studio import Studio
from surge.switch.activation import FACT_KEEPERS, LOOKERS
from surge.voice.tongues import name

PAGE: Final = "/surge/recordings"
TAKE: Final = f"{PAGE}/{{take_id:[0-9]{{1,9}}}}"
ELSEWHERE: Final = "Calls of 311 stay elsewhere: nothing is recorded here."
GONE: Final = "There is no such recording."


class RecordingPages:
    def __init__(self, office: Office) -> None:
        self._office, self._screens, self._db = office, office.guard.screens, office.guard.db

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
        if not language:
            return await self._overview(request)
        if language not in takes.languages(self._studio().speaking.pack):
            raise Problem(404, "There is no such language", ["Callers have no key for it."])
        return await self._detail(request, language)

    async def call(self, request: web.Request) -> web.StreamResponse:
        """Has the person who asks called, at the telephone they have confirmed."""
        form, staff = request[FORM], request[VISIT].staff
        language = form.text("language")
        if language not in takes.languages(self._studio().speaking.pack):
            raise Unfit(["Choose a language that callers have a key for."])
        try:
            await self._studio().recorder.order(staff, language, several(request, "key"))
        except Unfit as error:
            return await self._detail(request, language, error.problems)
        return self._screens.moved(_way(language))

    async def release(self, request: web.Request) -> web.StreamResponse:
        studio, heard = self._studio(), request[FORM].text("heard") == "yes"
        one = await studio.releasing.release(request[VISIT].staff, int(request.match_info["take_id"]), heard=heard)
        await studio.changed()
        return self._screens.moved(_way(one.language))

    async def refuse(self, request: web.Request) -> web.StreamResponse:
        studio, why = self._studio(), request[FORM].text("why")
        one = await studio.releasing.refuse(request[VISIT].staff, int(request.match_info["take_id"]), why)
        await studio.changed()
        return self._screens.moved(_way(one.language))

    async def sound(self, request: web.Request) -> web.StreamResponse:
        """For the player of the page, which may ask for a part of it."""
        take_id = int(request.match_info["take_id"])

        def read(conn: Connection) -> Any:
            one = recorded_rows.by_id(conn, take_id)
            return recorded_rows.sound(conn, one.sound_id) if one is not None and one.sound_id is not None else None

        found = await self._db.read(read)
        if found is None:
            raise Problem(404, GONE, ["It has no sound."])
        headers = HEADERS | {"Accept-Ranges": "bytes"}
        part = _part(request, len(found.body))
        if part is None:
            return web.Response(body=found.body, content_type=found.kind, headers=headers)
        headers |= {"Content-Range": f"bytes {part.start}-{part.stop - 1}/{len(found.body)}"}
        return web.Response(status=206, body=found.body[part.start : part.stop], content_type=found.kind, headers=headers)

    def _studio(self) -> Studio:
        found = self._office.side.studio
        if found is None or found.speaking.pack.shape is Shape.DESK:
            raise Unfit([ELSEWHERE])
        return found

    async def _overview(self, request: web.Request) -> web.Response:
        studio = self._office.side.studio
        if studio is None or studio.speaking.pack.shape is Shape.DESK:
            return self._screens.page(request, "surge_recordings", rows=[], problems=[ELSEWHERE])

        def read(conn: Connection) -> list[dict[str, Any]]:
            refused = studio.speaking.refusals(conn)
            return [
                {
                    "language": language,
                    "counts": Counter(cell.heard.value for cell in cells),
                    "waiting": sum(len(cell.waiting) for cell in cells),
                    "stale": sum(cell.stale is not None for cell in cells),
                    "refused": refused.get(language, ()),
                }
                for language in takes.languages(studio.speaking.pack)
                for cells in (_cells(conn, studio, language),)
            ]

        return self._screens.page(request, "surge_recordings", rows=await self._db.read(read))

    async def _detail(self, request: web.Request, language: str, problems: Any = ()) -> web.Response:
        studio, person_id = self._studio(), request[VISIT].staff.person_id

        def read(conn: Connection) -> dict[str, Any]:
            last = recorded_rows.last_call(conn, person_id)
            wanted = recorded_rows.wanted(last) if last is not None and last.language == language else ()
            return {
                "cells": _cells(conn, studio, language),
                "refused": studio.speaking.refusals(conn).get(language, ()),
                "last": last if wanted else None,
                "wanted": wanted,
                "spoken_takes": recorded_rows.of_call(conn, last.call_id) if last is not None and wanted else (),
                "goes_on": last is not None and last.ended_at is None and self._office.now - last.made_at < LIVE,
            }

        return self._screens.page(
            request,
            "surge_recordings_language",
            status=422 if problems else 200,
            problems=problems,
            language_tag=language,
            language_direction=direction(language),
            english_name=name(language),
            voice=studio.speaking.pack.voices.get(language),
            records=bool(request[VISIT].staff.roles & FACT_KEEPERS) and studio.recorder.phone is not None,
            decides=bool(request[VISIT].staff.roles & FACT_KEEPERS),
            person_id=person_id,
            Heard=Heard,
            **await self._db.read(read),
        )


def _cells(conn: Connection, studio: Studio, language: str) -> list[Cell]:
    speaking = studio.speaking
    found = recorded_rows.of_language(conn, language)
    return standing.cells(studio.lines(conn, language), found, speaking.now(conn), speaking.pack)


def _way(language: str) -> str:
    return f"{PAGE}?{urlencode({'language': language})}"


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
