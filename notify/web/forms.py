"""Forms that residents post: read within limits, from our own pages only, with a mark that other sites cannot make."""

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from notify.publishing.site import ENGLISH
from notify.web.bodies import form_of, whole_body

MARK_LIFE: Final = timedelta(hours=12)  # a page may stay open on a table for an evening
OUR_OWN: Final = frozenset({"same-origin", "none"})
_MARK: Final = re.compile(r"([0-9]{1,12})\.([0-9a-f]{32})", re.ASCII)
_SPACES: Final = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, halves of letters, line ends
_UNSEEN: Final = "Cf"  # direction overrides, zero-width joiners
_WITH_PORT: Final = re.compile(r"\[([0-9A-Fa-f:.]+)\](?::\d+)?|([0-9.]+):\d+", re.ASCII)


class CrossSite(Exception):
    """The form was posted from another site."""


class Stale(Exception):
    """The form's mark is missing, wrong or too old. `form` is what was posted, so that nothing typed is lost."""

    def __init__(self, form: "Form") -> None:
        super().__init__()
        self.form = form


@dataclass(frozen=True, slots=True)
class Form:
    """What was posted: of a field given twice, the first."""

    fields: Mapping[str, str]

    def text(self, name: str) -> str:
        """A field on one line, without what cannot be seen."""
        kinds = ((letter, unicodedata.category(letter)) for letter in self.fields.get(name, ""))
        letters = (" " if kind in _SPACES else letter for letter, kind in kinds if kind != _UNSEEN)
        return " ".join("".join(letters).split())


@dataclass(frozen=True, slots=True)
class Marks:
    """Signs forms for a purpose. A mark of one purpose (a kind of form, a visit) is none for another."""

    key: bytes

    def make(self, purpose: str, now: datetime) -> str:
        at = int(now.timestamp())
        return f"{at}.{self._signed(purpose, at)}"

    def holds(self, mark: str, purpose: str, now: datetime) -> bool:
        found = _MARK.fullmatch(mark)
        if found is None or not hmac.compare_digest(found[2], self._signed(purpose, int(found[1]))):
            return False
        return datetime.fromtimestamp(int(found[1]), UTC) > now - MARK_LIFE

    def _signed(self, purpose: str, at: int) -> str:
        return hmac.new(self.key, f"form {purpose} {at}".encode(), hashlib.sha256).hexdigest()[:32]


async def posted(request: web.Request, origin: str) -> Form:
    """The form, if one of our own pages posted it. origin: ours, "https://alerts.example.gov". Raises CrossSite."""
    if not from_us(request.headers, origin, f"{request.scheme}://{request.host}"):
        raise CrossSite
    fields: dict[str, str] = {}
    for name, value in form_of(request, await whole_body(request)):
        fields.setdefault(name, value)
    return Form(fields)


def from_us(headers: Mapping[str, str], *ours: str) -> bool:
    """Whether a browser says that one of our own pages sent this. Sec-Fetch-Site decides where it is there: our pages say
    "no-referrer", so their forms come with "Origin: null". Without either (old browsers) the form's mark decides alone."""
    site = headers.get("Sec-Fetch-Site")
    if site is not None:
        return site in OUR_OWN
    origin = headers.get("Origin", "null")
    return origin == "null" or origin.casefold() in {one.casefold() for one in ours}


def origin_of(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"


def preferred(accepted: str, languages: tuple[str, ...]) -> str:
    """The language of ours that an Accept-Language header likes best; English where it likes none."""
    ranked = []
    for position, part in enumerate(accepted.split(",")[:20]):
        tag, _, weight = part.partition(";")
        number = weight.replace(" ", "").removeprefix("q=")
        try:
            ranked.append((-(float(number) if number else 1.0), position, tag.strip().casefold()))
        except ValueError:
            continue
    for liking, _, tag in sorted(ranked):
        if liking >= 0:
            break
        for language in languages:
            if _serves(language.casefold(), tag):
                return language
    return ENGLISH


def _serves(language: str, tag: str) -> bool:
    """ "es" serves es-MX; "zh-Hant" serves zh-TW and zh-HK too, whose readers write no script."""
    if f"{tag}-".startswith(f"{language}-"):
        return True
    return language == "zh-hant" and tag in {"zh-tw", "zh-hk", "zh-mo"}


def client_of(request: web.Request, proxies: int) -> str:
    """The IP address a request comes from. Behind `proxies` of ours, each adds to X-Forwarded-For the address it was called
    from: the true one stands that many from the right, and whatever stands further left may be invented."""
    if proxies:
        told = [part.strip() for line in request.headers.getall("X-Forwarded-For", []) for part in line.split(",")]
        if len(told) >= proxies:
            ported = _WITH_PORT.fullmatch(told[-proxies])
            return (ported[1] or ported[2]) if ported else told[-proxies]
    return request.remote or ""
