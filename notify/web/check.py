"""Is my place in the area? A form on the alert's page, answered on the same page, without a script.

The answer is made from published files alone: the page, and the areas beside it. So it is there while the database is down,
except for addresses, which need the gazetteer; then it says that we do not know. Nothing of what is typed is kept or logged.
"""

import asyncio
import logging
import re
import unicodedata
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from aiohttp import web
from markupsafe import Markup
from sqlalchemy.exc import SQLAlchemyError

from notify.alerts.affected import WORDS, Map, Verdict, meant
from notify.publishing.site import ENGLISH
from notify.web.bodies import form_of, whole_body
from notify.web.forms import Form, client_of
from notify.web.published import FOR_PEOPLE, HEADERS, Asset, PublishedFiles
from notify.wording.isolate import isolate
from notify.wording.labels import labels
from subscribers.dialog.turn import Sight
from subscribers.place import ZipArea
from subscribers.quotas import household

logger = logging.getLogger(__name__)

MARK: Final = b"<!--verdict-->"  # cannot come from anybody's words: they are escaped
LONGEST_TYPED: Final = 120
SHOWN: Final = 5  # finds named in an answer
WINDOW_S: Final = 600.0
MOST_IN_WINDOW: Final = 60  # look-ups of one household; a library's readers share an address
MOST_AT_ONCE: Final = 8  # look-ups under way, of everybody: alerts need the database more
PATIENCE_S: Final = 3.0
ID: Final = r"[A-Za-z0-9_][A-Za-z0-9_.~+-]*"
TAG: Final = r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*"
_ZIP: Final = re.compile(r"\s*(\d{5})(?:-\d{4})?\s*", re.ASCII)
_PRIVATE: Final = HEADERS | FOR_PEOPLE | {"Cache-Control": "no-store"}

FindPlace = Callable[[str], Awaitable[Sequence[Sight]]]


class Busy(Exception):
    """No address is looked up now: too many are, or there is nothing to look in. `status` is what HTTP calls it."""

    def __init__(self, status: int) -> None:
        super().__init__()
        self.status = status


@dataclass(slots=True)
class Gazetteer:
    """Looks addresses up, so many and no more. proxies: of ours before the public listener."""

    find_place: FindPlace
    proxies: int = 0
    _window: int = 0
    _asked: Counter[str] = field(default_factory=Counter)
    _under_way: int = 0

    async def sights(self, typed: str, client: str) -> Sequence[Sight]:
        """What a text may mean as a place. Raises Busy."""
        window = int(asyncio.get_running_loop().time() // WINDOW_S)
        if window != self._window:
            self._window = window
            self._asked.clear()
        self._asked[household(client)] += 1
        if self._asked[household(client)] > MOST_IN_WINDOW or self._under_way >= MOST_AT_ONCE:
            raise Busy(429)
        self._under_way += 1
        try:
            async with asyncio.timeout(PATIENCE_S):
                return await self.find_place(typed)
        except (SQLAlchemyError, OSError) as failure:  # a TimeoutError is an OSError; its text may hold what was typed
            logger.error("no address can be looked up: %s", type(failure).__name__)
            raise Busy(503) from None
        finally:
            self._under_way -= 1


@dataclass(frozen=True, slots=True)
class Answer:
    """A verdict, and the places it is about."""

    verdict: Verdict
    places: Sequence[str] = ()
    status: int = 200

    def html(self, language: str, phone: str) -> str:
        said = labels(language).say(WORDS[self.verdict], phone=phone)
        places = Markup(", ").join(Markup('<bdi dir="auto">{}</bdi>').format(place) for place in self.places[:SHOWN])
        return Markup('<div class="verdict {}" role="alert" tabindex="-1" autofocus><strong>{}</strong>{}</div>').format(
            self.verdict.value, isolate(said), places
        )


def routes(files: PublishedFiles, gazetteer: Gazetteer | None) -> list[web.RouteDef]:
    page = Check(files, gazetteer)
    found = []
    for home in ("", "demo/"):
        for path in (f"/{home}a/{{id:{ID}}}/check", f"/{home}{{language:{TAG}}}/a/{{id:{ID}}}/check"):
            found += [web.post(path, page.answer), web.get(path, page.back)]
    return found


class Check:
    """The answering page."""

    def __init__(self, files: PublishedFiles, gazetteer: Gazetteer | None) -> None:
        self._files, self._gazetteer = files, gazetteer
        self._maps: dict[str, tuple[str, Map]] = {}

    async def back(self, request: web.Request) -> web.StreamResponse:
        """The answer loaded anew as an address: to the alert's page."""
        return web.Response(status=303, headers=_PRIVATE | {"Location": f"../{request.match_info['id']}"})

    async def answer(self, request: web.Request) -> web.StreamResponse:
        incident_id, language = request.match_info["id"], request.match_info.get("language", "")
        home = "demo/" if request.path.startswith("/demo/") else ""
        page = self._files.find(f"{home}{language}{'/' if language else ''}a/{incident_id}.html")
        areas = self._files.find(f"{home}areas/{incident_id}.json")
        if page is None:
            raise web.HTTPNotFound
        if areas is None:  # over since the page was loaded: the page itself says so
            return await self.back(request)
        area = self._map(incident_id, areas)
        typed = _typed(Form(dict(form_of(request, await whole_body(request)))).text("place"))
        found = await self._judged(request, area, typed)
        fragment = found.html(language or ENGLISH, area.phone).encode()
        body = page.plain.body.replace(MARK, fragment, 1)
        headers = _PRIVATE | {"Content-Type": page.plain.headers["Content-Type"]}
        return web.Response(status=found.status, body=body, headers=headers)

    async def _judged(self, request: web.Request, area: Map, typed: str) -> Answer:
        if not typed or len(typed) > LONGEST_TYPED:
            return Answer(Verdict.UNKNOWN)
        zip_code = _ZIP.fullmatch(typed)
        if zip_code:
            return Answer(area.of(ZipArea(zip_code[1])), [zip_code[1]])
        if typed in area.verdicts:
            return Answer(area.verdicts[typed], [typed])
        if self._gazetteer is None:
            return Answer(Verdict.BUSY, status=503)
        try:
            sights = await self._gazetteer.sights(typed, client_of(request, self._gazetteer.proxies))
        except Busy as busy:
            return Answer(Verdict.BUSY, status=busy.status)
        return Answer(area.of_sights(sights), [sight.exact for sight in meant(sights)])

    def _map(self, incident_id: str, areas: Asset) -> Map:
        """The areas, read once for each content of their file."""
        known = self._maps.get(incident_id)
        if known is None or known[0] != areas.plain.etag:
            known = self._maps[incident_id] = (areas.plain.etag, Map.read(areas.plain.body))
        return known[1]


def _typed(text: str) -> str:
    """A place as typed, with the digits of every script as the keypad has them."""
    return "".join(str(unicodedata.decimal(letter, letter)) for letter in text)
