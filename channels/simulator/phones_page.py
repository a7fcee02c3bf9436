"""The page with the phones: its files, a stream of what happens, and what its buttons do. For this machine only."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from channels.simulator.control import document_of, only_from_here
from channels.simulator.drafts import MOST_CHARACTERS
from channels.simulator.exchange import Exchange
from channels.simulator.phonebook import Phonebook
from channels.simulator.phones import TONGUES, BadPhone, Line, Phone
from channels.simulator.seen import seen
from channels.simulator.transcript import Wording, transcript

PAGE: Final = Path(__file__).parent / "page"
STILL_HERE_S: Final = 15.0  # a silent stream says so this often, so that a lost page is noticed
HEADERS: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_FILES: Final = {
    "/phones": ("phones.html", "text/html"),
    "/phones/phones.css": ("phones.css", "text/css"),
    "/phones/phones.js": ("phones.js", "text/javascript"),
    "/phones/texts.js": ("texts.js", "text/javascript"),
    "/phones/calls.js": ("calls.js", "text/javascript"),
}
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class PhonesPage:
    """GET /phones is the page. GET /phones/events streams the phones and the lines of the log about them; Last-Event-ID is the
    last line a page has. POST /phones adds a phone, PATCH and DELETE /phones/NUMBER change it and take it away, POST
    /phones/NUMBER/text {"body"} writes from it, GET /phones/NUMBER/transcript?after=SEQ is its conversation as YAML."""

    def __init__(self, exchange: Exchange, book: Phonebook, wordings: Sequence[Wording], ending: asyncio.Event) -> None:
        self._exchange, self._book, self._wordings, self._ending = exchange, book, wordings, ending
        self._files = {path: (PAGE / name).read_bytes() for path, (name, _) in _FILES.items()}

    def routes(self) -> list[web.RouteDef]:
        one = "/phones/{number:\\+\\d+}"
        return [
            *(web.get(path, near(self.file)) for path in _FILES),
            web.get("/phones/events", near(self.events)),
            web.post("/phones", near(self.add)),
            web.patch(one, near(self.change)),
            web.delete(one, near(self.remove)),
            web.post(f"{one}/text", near(self.text)),
            web.get(f"{one}/transcript", near(self.transcript)),
        ]

    async def file(self, request: web.Request) -> web.Response:
        kind = _FILES[request.path][1]
        return web.Response(body=self._files[request.path], content_type=kind, charset="utf-8", headers=HEADERS)

    async def add(self, request: web.Request) -> web.Response:
        phone = await self._book.add(await document_of(request))
        return web.json_response(_shown(phone), status=201)

    async def change(self, request: web.Request) -> web.Response:
        return web.json_response(_shown(self._book.change(request.match_info["number"], await document_of(request))))

    async def remove(self, request: web.Request) -> web.Response:
        self._book.remove(request.match_info["number"])
        return web.Response(status=204)

    async def text(self, request: web.Request) -> web.Response:
        """A text from a phone to whoever last wrote to it."""
        phone = self._phone(request)
        body = (await document_of(request)).get("body")
        if not isinstance(body, str) or not body.strip() or len(body) > MOST_CHARACTERS:
            raise BadPhone([f"Write a text of 1 to {MOST_CHARACTERS} characters."])
        if phone.line is Line.LANDLINE:
            raise BadPhone(["A landline cannot write texts."])
        sid, replies = await self._exchange.receive(phone.number, self._sender(phone), body)
        return web.json_response({"sid": sid, "replies": replies})

    async def transcript(self, request: web.Request) -> web.Response:
        phone = self._phone(request)
        after = request.query.get("after", "0")
        floor = int(after) if after.isascii() and after.isdigit() and len(after) < 16 else 0
        lines = self._book.tap.lines({phone.number: floor})
        name = f"{TONGUES[phone.language].endonym}, {phone.place}" if phone.place else TONGUES[phone.language].endonym
        return web.Response(text=transcript(name, lines, self._wordings), content_type="application/yaml", headers=HEADERS)

    async def events(self, request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse(headers=HEADERS | {"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        tap, told = self._book.tap, -1
        last = self._last_seen(request)
        has = {phone.number for phone in self._book.phones if phone.known_from < last}
        while not self._ending.is_set():
            version, chunks = tap.version, []
            if told != self._book.version:
                told = self._book.version
                chunks.append(event_of("phones", self._state()))
            phones = self._book.phones
            lines = tap.lines({phone.number: last if phone.number in has else 0 for phone in phones})
            await self._book.synced()  # nobody is told of what the log does not have
            chunks += [self._line(line, last) for line in lines]
            has = {phone.number for phone in phones}
            last = max([last, *(line["seq"] for line in lines)])
            await stream.write("".join(chunks or [": still here\n\n"]).encode())
            await self._news(version)
        return stream

    def _line(self, line: Mapping[str, Any], last: int) -> str:
        mark = f"{self._book.log_id}:{line['seq']}" if line["seq"] > last else ""  # an older line must not set a page back
        return event_of("line", seen(line), mark)

    async def _news(self, version: int) -> None:
        """Waits for news, for the end, or until it is time to say that we are still here."""
        either = [asyncio.ensure_future(self._book.tap.news(version)), asyncio.ensure_future(self._ending.wait())]
        try:
            await asyncio.wait(either, timeout=STILL_HERE_S, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for each in either:
                each.cancel()

    def _last_seen(self, request: web.Request) -> int:
        """The last line a returning page has; 0 for a new page, and for one of another log."""
        given = request.headers.get("Last-Event-ID", "")
        log_id, _, seq = given.partition(":")
        return int(seq) if log_id == self._book.log_id and seq.isascii() and seq.isdigit() else 0

    def _state(self) -> dict[str, Any]:
        return {
            "log": self._book.log_id,
            "phones": [_shown(phone) for phone in self._book.phones],
            "tongues": {tag: tongue._asdict() for tag, tongue in TONGUES.items()},
        }

    def _phone(self, request: web.Request) -> Phone:
        number = request.match_info["number"]
        phone = self._book.get(number)
        if phone is None:
            raise BadPhone([f"There is no phone {number} on the screen."])
        return phone

    def _sender(self, phone: Phone) -> str:
        lines = reversed(self._book.tap.lines({phone.number: 0}))
        wrote = (line["from"] for line in lines if line["event"] in ("accepted", "reply"))
        owned = self._exchange.carrier.senders
        return next((number for number in wrote if number in owned), self._exchange.config.senders[0].number)


def event_of(kind: str, data: Mapping[str, Any], mark: str = "") -> str:
    named = f"id: {mark}\n" if mark else ""
    return f"event: {kind}\n{named}data: {json.dumps(data, ensure_ascii=False)}\n\n"


def _shown(phone: Phone) -> dict[str, Any]:
    return asdict(phone)


def near(handler: Handler) -> Handler:
    """Answers this machine only, asked under a name of this machine (a foreign name could be made to lead here)."""

    async def guarded(request: web.Request) -> web.StreamResponse:
        only_from_here(request)
        if not _is_here(request.url.host or ""):
            raise web.HTTPForbidden(text="The phones answer to this machine only.\n")
        try:
            return await handler(request)
        except BadPhone as error:
            return web.json_response({"problems": error.problems}, status=400)
        except ConnectionResetError:  # a page that has gone while its stream was written
            return web.Response()

    return guarded


def _is_here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
