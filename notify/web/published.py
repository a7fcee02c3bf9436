"""The published files in memory, each with its validators and both its encodings, kept in step with the disk."""

import gzip
import logging
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import sha256
from http import HTTPStatus
from pathlib import Path
from types import MappingProxyType
from typing import Final

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
    ".pem": "application/x-pem-file",
    ".csv": "text/csv; charset=utf-8",
    ".ics": "text/calendar; charset=utf-8",
    ".opml": "text/x-opml; charset=utf-8",
    ".xml": "application/cap+xml; charset=utf-8",
}
LIVE: Final = "public, max-age=15, stale-if-error=86400"
FOREVER: Final = "public, max-age=31536000, immutable"
CACHE_CONTROL: Final = {".xml": FOREVER, ".css": FOREVER}  # CAP never changes, a style sheet is named by its content

EMPTY: Final[Mapping[str, str]] = MappingProxyType({})
HEADERS: Final = {"Access-Control-Allow-Origin": "*", "X-Content-Type-Options": "nosniff", "Server": "tocsin"}
FOR_PROGRAMS: Final = {"Access-Control-Expose-Headers": "ETag"}
FOR_PEOPLE: Final = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
    ),
    "Referrer-Policy": "no-referrer",
}


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

    def __init__(self, folder: Path, links: Mapping[str, str] = EMPTY) -> None:
        """links: what a file's `Link` header says, by its name."""
        self._folder, self._links = folder, links
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
        plain = self._variant(name, body, f'"{digest}"', modified, "")
        return Asset(
            stat=seen,
            modified=modified,
            plain=plain,
            packed=self._variant(name, packed, f'"{digest}-gzip"', modified, "gzip") if packed else plain,
            checked_at=0.0,
        )

    def _variant(self, name: str, body: bytes, etag: str, modified: int, encoding: str) -> Variant:
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
        if name in self._links:
            headers["Link"] = self._links[name]
        if encoding:
            headers["Content-Encoding"] = encoding
        whole, same = Ready(HTTPStatus.OK, headers, body), Ready(HTTPStatus.NOT_MODIFIED, headers)
        return Variant(body=body, etag=etag, headers=headers, whole=whole, unchanged=same)
