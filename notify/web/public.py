"""The public listener's files: what was published, served from memory with validators, to anybody.

Nothing here knows of alerts or the database: the folder is all there is, so pages and feeds are served while everything else is
down. A web server or a CDN can serve the same folder; the rules are in the tables below.
"""

import gzip
import logging
import os
import re
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler
from multidict import CIMultiDict

from notify.web.ready import Ready

logger = logging.getLogger(__name__)

RECHECK_S: Final = 0.25  # how long a file may have changed before it is looked at again
WORTH_PACKING: Final = 500  # bytes; smaller bodies fit into one packet anyway

CONTENT_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".atom": "application/atom+xml; charset=utf-8",
    ".rss": "application/rss+xml; charset=utf-8",
    ".geojson": "application/geo+json",
    ".json": "application/json",
    ".xml": "application/cap+xml; charset=utf-8",
}
LIVE: Final = "public, max-age=15, stale-if-error=86400"
FOREVER: Final = "public, max-age=31536000, immutable"
CACHE_CONTROL: Final = {".xml": FOREVER, ".css": FOREVER}  # CAP never changes, a style sheet is named by its content

HEADERS: Final = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff", "Server": "tocsin"}
FOR_PROGRAMS: Final = {"Access-Control-Expose-Headers": "ETag"}
FOR_PEOPLE: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}
PREFLIGHT: Final = HEADERS | {
    "Access-Control-Allow-Methods": "GET, HEAD",
    "Access-Control-Allow-Headers": "If-None-Match, If-Modified-Since",
    "Access-Control-Max-Age": "86400",
}

LANGUAGE: Final = r"[a-z]{2,3}(?:-[A-Za-z0-9]{2,8})*"
NAME: Final = r"[A-Za-z0-9_][A-Za-z0-9_.~+-]*"
# Every address there can be: what stands before the variable part, that part, and the file it means. The router finds an
# address by its fixed beginning, so the ones everybody asks for have one.
PATHS: Final = tuple(
    (f"{home}{start}", variable, f"{home}{start}{{}}{ending}")
    for home in ("", "demo/")
    for start, variable, ending in (
        ("a/", NAME, ".html"),
        ("feeds/", rf"(?:{LANGUAGE}/)?{NAME}", ""),
        ("cap/", NAME, ""),
        ("", rf"{LANGUAGE}/a/{NAME}", ".html"),
        ("", rf"(?:{LANGUAGE}/)?", "index.html"),
        ("", r"page\.[0-9a-f]+\.css", ""),
    )
)
_TAGS: Final = re.compile(r'(?:W/)?"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Variant:
    """One encoding of a file: what an answer is made of, and the two answers nearly everybody gets."""

    body: bytes
    etag: str
    headers: CIMultiDict[str]
    whole: Ready
    unchanged: Ready


@dataclass(slots=True)
class Asset:
    """A file in memory. `modified` is its Last-Modified in whole seconds: it grows with each new content."""

    stat: tuple[int, int, int]
    modified: int
    plain: Variant
    packed: Variant
    checked_at: float


class PublishedFiles:
    """The files of one folder by name, kept in step with the disk. A disk that fails goes on being served from memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._assets: dict[str, Asset] = {}

    def find(self, name: str) -> Asset | None:
        """The file as it is now, or None where there is none (any more) below the folder."""
        asset = self._assets.get(name)
        now = time.monotonic()
        if asset is not None and now - asset.checked_at < RECHECK_S:
            return asset
        try:
            stat = os.stat(self._folder / name)
            seen = (stat.st_mtime_ns, stat.st_size, stat.st_ino)
            if asset is None or asset.stat != seen:
                asset = self._assets[name] = self._read(name, seen, asset)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            self._assets.pop(name, None)
            return None
        except OSError as failure:
            if asset is None:
                raise
            logger.error("cannot read %s, serving what was read before: %s", name, failure)
        asset.checked_at = now
        return asset

    def _read(self, name: str, seen: tuple[int, int, int], before: Asset | None) -> Asset:
        path = (self._folder / name).resolve()
        if not path.is_relative_to(self._folder.resolve()):
            raise FileNotFoundError(name)
        body = path.read_bytes()
        digest = sha256(body).hexdigest()[:32]
        modified = seen[0] // 1_000_000_000
        if before is not None and before.plain.etag != f'"{digest}"':
            modified = max(modified, before.modified + 1)  # two changes within a second must not look like one
        packed = gzip.compress(body, mtime=0) if len(body) >= WORTH_PACKING else b""
        plain = _variant(name, body, f'"{digest}"', modified, "")
        return Asset(
            stat=seen,
            modified=modified,
            plain=plain,
            packed=_variant(name, packed, f'"{digest}-gzip"', modified, "gzip") if packed else plain,
            checked_at=0.0,
        )


def _variant(name: str, body: bytes, etag: str, modified: int, encoding: str) -> Variant:
    ending = os.path.splitext(name)[1]
    headers = CIMultiDict(
        HEADERS
        | (FOR_PEOPLE if ending == ".html" else FOR_PROGRAMS)
        | {
            "Content-Type": CONTENT_TYPES.get(ending, "application/octet-stream"),
            "Cache-Control": CACHE_CONTROL.get(ending, LIVE),
            "ETag": etag,
            "Last-Modified": format_datetime(datetime.fromtimestamp(modified, UTC), usegmt=True),
            "Vary": "Accept-Encoding",
        }
    )
    if encoding:
        headers["Content-Encoding"] = encoding
    whole, same = Ready(HTTPStatus.OK, headers, body), Ready(HTTPStatus.NOT_MODIFIED, headers)
    return Variant(body=body, etag=etag, headers=headers, whole=whole, unchanged=same)


def routes(folder: Path) -> list[web.RouteDef]:
    """GET, HEAD and (for scripts of other sites) OPTIONS of every published path. The folder need not exist yet."""
    files = PublishedFiles(folder)
    found: list[web.RouteDef] = []
    for start, variable, file in PATHS:
        path = f"/{start}{{path:{variable}}}"
        found += [web.get(path, _handler(files, file)), web.options(path, _preflight)]
    return [
        *found,
        web.get(f"/{{path:{LANGUAGE}}}", _add_slash(files)),
        web.get(f"/demo/{{path:{LANGUAGE}}}", _add_slash(files, "demo/")),
    ]


def _handler(files: PublishedFiles, file: str) -> Handler:
    before, _, after = file.partition("{}")

    async def serve(request: web.Request) -> web.StreamResponse:
        path = request.match_info["path"]
        asset = files.find(before + path + after)
        if asset is None:
            return _absent(files, path, file)
        asked = request.headers
        accepted, tags, since = asked.get("Accept-Encoding"), asked.get("If-None-Match"), asked.get("If-Modified-Since")
        variant = asset.packed if accepted and takes_gzip(accepted) else asset.plain
        same = (tags or since) and unchanged(asset, tags, since)
        if Ready.suits(request):
            return variant.unchanged if same else variant.whole
        if same:
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=variant.headers)
        return web.Response(body=variant.body, headers=variant.headers)

    return serve


def unchanged(asset: Asset, tags: str | None, since: str | None) -> bool:
    """RFC 9110, 13.2.2: entity tags decide where they are given, else the date; a date nobody can read is ignored."""
    if tags is not None:
        known = {asset.plain.etag.strip('"'), asset.packed.etag.strip('"')}
        return tags.strip() == "*" or any(tag in known for tag in _TAGS.findall(tags))
    if since is None:
        return False
    try:
        return asset.modified <= parsedate_to_datetime(since).timestamp()
    except (ValueError, OverflowError):
        return False


def takes_gzip(accepted: str) -> bool:
    """Whether Accept-Encoding allows gzip: named (or *) and not with q=0."""
    if "q=0" not in accepted:  # nearly every request
        return "gzip" in accepted or "*" in accepted
    weights = {}
    for part in accepted.split(","):
        coding, _, weight = part.partition(";")
        weights[coding.strip().lower()] = weight.replace(" ", "")
    return re.fullmatch(r"q=0(\.0*)?", weights.get("gzip", weights.get("*", "q=0"))) is None


def _absent(files: PublishedFiles, path: str, file: str) -> web.Response:
    """An id typed in small letters from a printed page leads to its page; everything else is not there."""
    folder, slash, typed = path.rpartition("/")
    if file.endswith(".html") and files.find(file.format(f"{folder}{slash}{typed.upper()}")) is not None:
        return _moved(typed.upper())
    return web.Response(
        status=404, text="There is nothing at this address.\n", headers=HEADERS | {"Cache-Control": "max-age=5"}
    )


def _add_slash(files: PublishedFiles, home: str = "") -> Handler:
    async def redirect(request: web.Request) -> web.Response:
        path = request.match_info["path"]
        if files.find(f"{home}{path}/index.html") is None:
            return _absent(files, path, "{}")
        return _moved(f"{path}/")

    return redirect


def _moved(where: str) -> web.Response:
    """To an address beside this one: a proxy may show us under a longer path."""
    return web.Response(status=301, headers=HEADERS | {"Location": where, "Cache-Control": LIVE})


async def _preflight(_: web.Request) -> web.Response:
    return web.Response(status=204, headers=PREFLIGHT)
