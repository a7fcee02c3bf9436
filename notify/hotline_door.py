"""What needs 311's line, in a process that does not have it: handed to the one that does, and answered with its answer.

A webhook, a page of the desk or a request of the API comes to any listening process. While the line passes from a dead process
to another one, what came is held for a few seconds; then it is refused, and the provider goes to the number's fallback
document. Nothing is answered here from a second line.
"""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final

import aiohttp
from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from multidict import CIMultiDict
from sqlalchemy.exc import SQLAlchemyError
from yarl import URL

from surge.floor.doors import Door, leads_there

logger = logging.getLogger(__name__)

PATIENCE_S: Final = 10.0  # the provider gives up after 15 s (https://www.twilio.com/docs/voice/twiml)
LOOK_S: Final = 0.25
ANSWER_S: Final = 30.0  # between two pieces of an answer
CONNECT_S: Final = 2.0
EVENTS: Final = "text/event-stream"
KNOWN_S: Final = 1.0  # a door is looked up so often at most
FROM: Final = "X-Tocsin-From"  # who asked, said by the process that hands a request on
# By what a path begins with. Recording by telephone and what is heard of it need no line.
NEEDS_LINE: Final = (
    "/voice/",
    "/ask",
    "/desk311",
    "/questions",
    "/answers/",
    "/needs",
    "/agents311",
    "/wallboard",
    "/surge",
    "/api/v1/surge",
)
NEEDS_NONE: Final = ("/voice/record/", "/voice/sound/")
HOPS: Final = frozenset(
    ("connection", "keep-alive", "proxy-authenticate", "te", "trailer", "transfer-encoding", "upgrade", "content-length")
)  # RFC 9110, 7.6.1; lengths are counted anew
LATE: Final = "311's line passes to another process. Try again in a moment."


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """handed: it comes from another process, and is not handed on again."""

    here: Callable[[], bool]
    public: bool
    handed: bool


@dataclass(slots=True)
class Doorway:
    """look: finds the door of whoever has the line. ports: of this process's own doors, where others of the instance ask."""

    look: Callable[[], Awaitable[Door | None]]
    ports: set[int] = field(default_factory=set)
    patience_s: float = PATIENCE_S
    _session: aiohttp.ClientSession | None = None
    _known: tuple[float, Door | None] = (float("-inf"), None)

    def middleware(self, here: Callable[[], bool], *, public: bool) -> Middleware:
        """here: whether the application that this stands before surely has the line."""

        @web.middleware
        async def pass_on(request: web.Request, handler: Handler) -> web.StreamResponse:
            handed = _port(request) in self.ports
            if handed and FROM in request.headers:
                request = request.clone(remote=request.headers[FROM])
            if not needs_line(request.path):
                return await handler(request)
            asked = _Asked(here=here, public=public, handed=handed)
            return await self._answer(request, handler, asked)

        return pass_on

    async def close(self) -> None:
        if self._session is not None:
            await self._session.close()

    async def _answer(self, request: web.Request, handler: Handler, asked: _Asked) -> web.StreamResponse:
        until = time.monotonic() + self.patience_s
        while not asked.here():
            door = None if asked.handed else await self._door()
            where = _address(door, public=asked.public)
            if where is not None and (answer := await self._handed_on(request, where)) is not None:
                return answer
            if time.monotonic() > until:
                logger.error("%s %s needs 311's line, and no process has it", request.method, _kind(request))
                raise web.HTTPServiceUnavailable(text=LATE, headers={"Retry-After": "5"})
            await asyncio.sleep(LOOK_S)
        return await handler(request)

    async def _door(self) -> Door | None:
        at, door = self._known
        if time.monotonic() - at > KNOWN_S:
            try:
                door = await self.look()
            except SQLAlchemyError:
                logger.warning("who has 311's line cannot be looked up; the last one known is asked")
            self._known = time.monotonic(), door
        return door

    async def _handed_on(self, request: web.Request, where: URL) -> web.StreamResponse | None:
        """None where nobody is there who could answer. What somebody may have begun on is not asked for again, but webhooks:
        the line takes each of them once, however often it comes."""
        body = await request.read()
        headers = CIMultiDict((name, value) for name, value in request.headers.items() if name.lower() not in HOPS)
        headers[FROM] = request.remote or ""
        url = where.join(URL(request.path_qs, encoded=True))
        self._session = self._session or aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar())
        try:
            async with self._session.request(
                request.method,
                url,
                data=body,
                headers=headers,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=None, connect=CONNECT_S, sock_read=ANSWER_S),
            ) as answer:
                if answer.status == web.HTTPServiceUnavailable.status_code and request.path.startswith("/voice/"):
                    return None  # it has just lost the line
                return await _passed(request, answer)
        except aiohttp.ClientConnectorError:
            return None
        except (aiohttp.ClientError, TimeoutError) as error:
            if request.path.startswith("/voice/") or request.method == "GET":
                return None
            logger.error("%s %s was handed on, and what became of it is not known: %s", request.method, _kind(request), error)
            raise web.HTTPServiceUnavailable(text=LATE, headers={"Retry-After": "5"}) from None


async def _passed(request: web.Request, answer: aiohttp.ClientResponse) -> web.StreamResponse:
    """The answer as it came; a stream of events piece by piece."""
    said = CIMultiDict((name, value) for name, value in answer.headers.items() if name.lower() not in HOPS)
    if answer.content_type != EVENTS:
        return web.Response(status=answer.status, headers=said, body=await answer.read())
    stream = web.StreamResponse(status=answer.status, headers=said)
    await stream.prepare(request)
    with contextlib.suppress(aiohttp.ClientError, TimeoutError, ConnectionResetError):  # either side left; browsers come again
        async for piece in answer.content.iter_any():
            await stream.write(piece)
    return stream


def needs_line(path: str) -> bool:
    return path.startswith(NEEDS_LINE) and not path.startswith(NEEDS_NONE)


def _address(door: Door | None, *, public: bool) -> URL | None:
    if door is None:
        return None
    found = URL(door.public if public else door.private)
    return found if found.host and leads_there(door, found.host) else None


def _port(request: web.Request) -> int:
    name = request.transport.get_extra_info("sockname") if request.transport is not None else None
    return int(name[1]) if isinstance(name, tuple) else 0


def _kind(request: web.Request) -> str:
    """What was asked for, without anything that may name somebody."""
    return "/".join(request.path.split("/")[:3])
