"""The telephones of the page with the phones: a stream of what is heard on them, and their buttons. For this machine only."""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Any, Final

from aiohttp import web

from channels.simulator.control import document_of
from channels.simulator.phonebook import Phonebook
from channels.simulator.phones import BadPhone, Line
from channels.simulator.phones_page import HEADERS, STILL_HERE_S, event_of, near
from channels.simulator.telephone.exchange import Telephone
from channels.simulator.telephone.held import HeldPhone
from channels.simulator.telephone.legs import Leg, Party, Ring
from channels.simulator.telephone.people import Quiet

MOST_KEPT: Final = 400  # events of one telephone


class _SwitchedOff(Quiet):
    def rings(self, leg: Leg) -> Ring:
        return Ring("no-answer")


class CallsPage:
    """GET /phones/calls streams what happens on every telephone on the screen, Last-Event-ID being the last a page has. POST
    /phones/NUMBER/call calls the city, .../answer, .../hang-up and .../keys {"keys"} do what they say."""

    def __init__(self, telephone: Telephone, book: Phonebook, ending: asyncio.Event) -> None:
        self._telephone, self._book, self._ending = telephone, book, ending
        self._held: dict[str, HeldPhone] = {}
        self._kept: dict[str, deque[Mapping[str, Any]]] = {}
        self._last = int(telephone.board.outside.clock() * 1000)  # grows over restarts too: pages compare
        self._changed = asyncio.Event()
        telephone.on_screen = self._party

    def routes(self) -> list[web.RouteDef]:
        one = "/phones/{number:\\+\\d+}"
        return [
            web.get("/phones/calls", near(self.events)),
            web.post(f"{one}/call", near(self.call)),
            web.post(f"{one}/answer", near(self.answer)),
            web.post(f"{one}/hang-up", near(self.hang_up)),
            web.post(f"{one}/keys", near(self.keys)),
        ]

    async def call(self, request: web.Request) -> web.Response:
        await document_of(request)
        numbers = self._telephone.board.config.numbers
        held = self._phone(request)
        self._telephone.touch()
        sid = held.call(numbers[0].number if numbers else "")
        return web.json_response({"sid": sid}, status=201)

    async def answer(self, request: web.Request) -> web.Response:
        await document_of(request)
        held = self._phone(request)
        self._telephone.touch()
        held.answer()
        return web.Response(status=204)

    async def hang_up(self, request: web.Request) -> web.Response:
        await document_of(request)
        held = self._phone(request)
        self._telephone.touch()
        held.hang_up()
        return web.Response(status=204)

    async def keys(self, request: web.Request) -> web.Response:
        wish = await document_of(request)
        held = self._phone(request)
        self._telephone.touch()
        held.press(wish.get("keys"))
        return web.Response(status=204)

    async def events(self, request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse(headers=HEADERS | {"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        given = request.headers.get("Last-Event-ID", "0")
        last = int(given) if given.isascii() and given.isdigit() and len(given) < 20 else 0
        while not self._ending.is_set():
            changed = self._changed
            news = sorted((one for kept in self._kept.values() for one in kept if one["id"] > last), key=lambda one: one["id"])
            chunks = [event_of("call", one, str(one["id"])) for one in news]
            last = max([last, *(one["id"] for one in news)])
            await stream.write("".join(chunks or [": still here\n\n"]).encode())
            await self._news(changed)
        return stream

    async def _news(self, changed: asyncio.Event) -> None:
        either = [asyncio.ensure_future(changed.wait()), asyncio.ensure_future(self._ending.wait())]
        try:
            await asyncio.wait(either, timeout=STILL_HERE_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in either:
                each.cancel()

    def _phone(self, request: web.Request) -> HeldPhone:
        number = request.match_info["number"]
        if self._book.get(number) is None:
            raise BadPhone([f"There is no phone {number} on the screen."])
        return self._held_phone(number)

    def _party(self, number: str) -> Party | None:
        """Who is at a number that is on the screen; None for others."""
        phone = self._book.get(number)
        if phone is None:
            return None
        return _SwitchedOff() if phone.line is Line.DROP else self._held_phone(number)

    def _held_phone(self, number: str) -> HeldPhone:
        if number not in self._held:
            self._held[number] = HeldPhone(number, self._telephone.board, self._tell)
        return self._held[number]

    def _tell(self, number: str, what: str, more: Mapping[str, Any]) -> None:
        self._last += 1
        kept = self._kept.setdefault(number, deque(maxlen=MOST_KEPT))
        if what in ("calling", "rings"):
            kept.clear()  # a page shows one call
        kept.append({"id": self._last, "phone": number, "what": what, "text": "", "language": "", "other": ""} | dict(more))
        self._changed.set()
        self._changed = asyncio.Event()
