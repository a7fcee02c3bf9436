"""The provider's webhooks of a call that records prompts, and the sounds themselves, on the public listener.

Webhooks are signed and may come twice. A sound lies where only who knows its bytes can tell; what callers hear is no secret.
"""

import re
from typing import Final

from aiohttp import web

from surge.recorded import session
from surge.recorded.recorder import Phone, Recorder
from surge.recorded.sound import ENDINGS
from surge.voice.conversation import Form
from surge.voice.twiml import write
from surge.voice.verbs import Document
from surge.voice.webhooks import signed_form, xml

CALL: Final = "{call_id:[0-9a-f]{32}}"
TURN: Final = "{turn:[0-9]{1,3}}/{lap:[0-9]{1,3}}"
NAMED: Final = re.compile(r"RE[0-9a-f]{32}")
KEPT: Final = "public, max-age=31536000, immutable"  # other bytes have another address


class RecorderWebhooks:
    """public_url: the address that the provider signs."""

    def __init__(self, recorder: Recorder, phone: Phone, public_url: str) -> None:
        self._recorder, self._phone, self._public_url = recorder, phone, public_url

    def routes(self) -> list[web.RouteDef]:
        base = f"{session.BASE}/{CALL}"
        answers = (
            ("ask", self.ask),
            ("said", self.said),
            ("hear", self.hear),
            ("key", self.key),
            ("sound", self.stored),
            ("over", self.over),
        )
        paths = [web.post(f"{base}/{what}/{TURN}", answer) for what, answer in answers]
        endings = "|".join(ENDINGS.values())
        return [*paths, web.get(f"{session.SOUNDS}/{{sound_id:[0-9a-f]{{64}}}}.{{ending:{endings}}}", self.sound)]

    async def ask(self, request: web.Request) -> web.Response:
        await self._read(request)
        call_id, turn, lap = _where(request)
        return _document(await self._recorder.ask(call_id, turn, lap))

    async def said(self, request: web.Request) -> web.Response:
        form = await self._read(request)
        call_id, turn, _ = _where(request)
        return _document(await self._recorder.said(call_id, turn, _named(form)))

    async def hear(self, request: web.Request) -> web.Response:
        await self._read(request)
        call_id, turn, lap = _where(request)
        return _document(await self._recorder.hear(call_id, turn, lap))

    async def key(self, request: web.Request) -> web.Response:
        form = await self._read(request)
        call_id, turn, lap = _where(request)
        return _document(await self._recorder.key(call_id, turn, lap, form.get("Digits", "")))

    async def stored(self, request: web.Request) -> web.Response:
        """The provider has stored a recording; it wants no document."""
        form = await self._read(request)
        call_id, turn, _ = _where(request)
        await self._recorder.stored(call_id, turn, _named(form), form.get("RecordingStatus", "completed"))
        return web.Response(status=204)

    async def over(self, request: web.Request) -> web.Response:
        form = await self._read(request)
        await self._recorder.over(request.match_info["call_id"], form.get("CallStatus", ""))
        return web.Response(status=204)

    async def sound(self, request: web.Request) -> web.Response:
        found = await self._recorder.sound(request.match_info["sound_id"])
        if found is None or ENDINGS[found.kind] != request.match_info["ending"]:
            raise web.HTTPNotFound
        headers = {"Cache-Control": KEPT, "X-Content-Type-Options": "nosniff"}
        return web.Response(body=found.body, content_type=found.kind, headers=headers)

    async def _read(self, request: web.Request) -> Form:
        return await signed_form(request, self._phone, self._public_url)


def _where(request: web.Request) -> tuple[str, int, int]:
    found = request.match_info
    return found["call_id"], int(found["turn"]), int(found["lap"])


def _named(form: Form) -> str:
    """The provider's name for a recording; "" for what is none. Its address in the same form is not looked at."""
    given = form.get("RecordingSid", "")
    return given if NAMED.fullmatch(given) else ""


def _document(said: Document) -> web.Response:
    return xml(write(said))
