"""The script when nothing else can be reached: a page without anybody's data that the browser keeps, and what keeps it.

A kept page has the steps, whom to hand over to and the tally keys; presses wait in the browser and are sent when the service is
back. It is as old as it says.
"""

from pathlib import Path
from typing import Final

from aiohttp import web

from notify.console import shelf
from notify.console.routing import Route
from notify.console.screens import HEADERS
from surge.desk.tally import KEYS
from surge.pages.office import AGENTS, ENGLISH, Office, whose

WORKER: Final = Path(shelf.__file__).parent.parent / "static" / "desk311-worker.js"
SCOPE: Final = "/desk311"


class KeptPages:
    def __init__(self, office: Office) -> None:
        self._office, self._screens = office, office.guard.screens
        self._worker = WORKER.read_bytes()

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path="/desk311/script", answer=self.script, roles=AGENTS, passive=True),
            Route(method="GET", path="/desk311/worker.js", answer=self.worker, roles=AGENTS, passive=True),
        ]

    async def script(self, request: web.Request) -> web.StreamResponse:
        """Names nobody: no person, no contact, no session's mark."""
        on = await self._office.on(whose(request))
        asked = request.query.get("language", "")
        language = asked if on and on.script and asked in on.script.steps else ENGLISH
        return self._screens.page(
            request,
            "desk311_kept",
            visit=None,
            mark="",
            on=on,
            steps=on.script.read_in(language) if on and on.script else (),
            english=on.script.read_in(ENGLISH) if on and on.script else (),
            language_read=language,
            reasons=KEYS,
            tongues=self._screens.site.languages,
            pack=self._office.side.pack,
        )

    async def worker(self, _: web.Request) -> web.StreamResponse:
        headers = HEADERS | {"Service-Worker-Allowed": SCOPE}
        return web.Response(body=self._worker, content_type="text/javascript", charset="utf-8", headers=headers)
