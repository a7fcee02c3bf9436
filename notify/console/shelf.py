"""What pages of the console load: style sheets and scripts, ours and others', each under a name that its content decides."""

import gzip
import mimetypes
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

from aiohttp import web

FOLDER: Final = Path(__file__).parent.parent / "static"
SHOWN: Final = frozenset({".js", ".css", ".svg"})
HEADERS: Final = {
    "Cache-Control": "public, max-age=31536000, immutable",
    "X-Content-Type-Options": "nosniff",
    "Server": "tocsin",
    "Vary": "Accept-Encoding",
}


@dataclass(frozen=True, slots=True)
class Kept:
    """One file as it is served."""

    kind: str
    plain: bytes
    packed: bytes


class Shelf:
    """Reads every file once. `at` names the path of one: "console.css" -> "/static/3f2a91bc/console.css"."""

    def __init__(self, folder: Path = FOLDER) -> None:
        self._paths: dict[str, str] = {}
        self._kept: dict[str, Kept] = {}
        for path in sorted(folder.rglob("*")):
            if path.suffix in SHOWN:
                self._keep(path.relative_to(folder).as_posix(), path.read_bytes())

    def at(self, name: str) -> str:
        """Raises KeyError for a file that is not there: at the first rendering, never silently."""
        return self._paths[name]

    @property
    def paths(self) -> Mapping[str, str]:
        return self._paths

    async def serve(self, request: web.Request) -> web.Response:
        kept = self._kept.get(request.path)
        if kept is None:
            raise web.HTTPNotFound
        packed = "gzip" in request.headers.get("Accept-Encoding", "")
        headers = HEADERS | ({"Content-Encoding": "gzip"} if packed else {})
        return web.Response(
            body=kept.packed if packed else kept.plain, content_type=kept.kind, charset="utf-8", headers=headers
        )

    def _keep(self, name: str, content: bytes) -> None:
        path = f"/static/{sha256(content).hexdigest()[:8]}/{name}"
        self._paths[name] = path
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        self._kept[path] = Kept(kind, content, gzip.compress(content, mtime=0))
