"""The public listener's files: what was published, served from memory with validators, to anybody.

Nothing here knows of alerts or the database: the folder is all there is, so pages and feeds are served while everything else is
down. A web server or a CDN can serve the same folder; the rules are in the table below and in published.py. Only the question
whether a place lies in an alert's area (check.py) is answered by a program, from the same files.
"""

import re
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from pathlib import Path
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from notify.web import check
from notify.web.published import EMPTY, HEADERS, LIVE, Asset, PublishedFiles
from notify.web.ready import Ready

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
        ("flyer/", NAME, ".html"),
        ("feeds/", rf"(?:{LANGUAGE}/)?{NAME}", ""),
        ("cap/", NAME, ""),
        ("areas/", NAME, ""),
        ("archive/", r"[0-9]{4}", ".html"),
        ("archive/", r"alerts\.(?:csv|json)", ""),
        ("", rf"{LANGUAGE}/archive/[0-9]{{4}}", ".html"),
        ("", rf"(?:{LANGUAGE}/)?(?:archive|status|real)", ".html"),
        ("", rf"(?:{LANGUAGE}/)?banner\.html", ""),
        ("", r"(?:banner|status)\.json", ""),
        ("", rf"{LANGUAGE}/a/{NAME}", ".html"),
        ("", rf"{LANGUAGE}/flyer/{NAME}", ".html"),
        ("", rf"(?:{LANGUAGE}/)?", "index.html"),
        ("", r"page\.[0-9a-f]+\.css", ""),
    )
)
_TAGS: Final = re.compile(r'(?:W/)?"([^"]*)"')


def routes(folder: Path, gazetteer: check.Gazetteer | None = None, links: Mapping[str, str] = EMPTY) -> list[web.RouteDef]:
    """GET, HEAD and (for scripts of other sites) OPTIONS of every published path, and the question whether a place is in an
    area: ZIPs and named areas are answered from the folder alone, addresses where there is a gazetteer. links: what a file's
    `Link` header says. The folder need not exist yet."""
    files = PublishedFiles(folder, links)
    found: list[web.RouteDef] = []
    for start, variable, file in PATHS:
        path = f"/{start}{{path:{variable}}}"
        found += [web.get(path, _handler(files, file)), web.options(path, _preflight)]
    return [
        *found,
        *check.routes(files, gazetteer),
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
