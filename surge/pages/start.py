"""Five minutes for somebody who has never answered for the City: four screens, then two calls with a simulated caller."""

from typing import Final

from aiohttp import web

from notify.console.routing import FORM, Route
from surge.pages.office import AGENTS, Office, whose
from surge.pages.practice_acts import MOST_PRESSED, PracticeActs
from surge.scripts.runbook import ELSE, NEXT

PAGE: Final = "/desk311/start"
SCREENS: Final = 4


class StartPages:
    def __init__(self, office: Office) -> None:
        self._office, self._screens, self._acts = office, office.guard.screens, PracticeActs(office)

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path=PAGE, answer=self.tour, roles=AGENTS),
            Route(method="POST", path=PAGE, answer=self.call, roles=AGENTS),
        ]

    async def tour(self, request: web.Request) -> web.StreamResponse:
        asked = request.query.get("screen", "1")
        screen = int(asked) if asked in {str(number) for number in range(1, SCREENS + 1)} else 1
        pack = self._office.side.pack
        return self._screens.page(request, "agents_start", screen=screen, screens=SCREENS, pack=pack)

    async def call(self, request: web.Request) -> web.StreamResponse:
        """One more answer of the practice. What was pressed so far comes with the form."""
        person_id = whose(request)
        now = await self._acts.at(person_id, _numbers(request[FORM].text("pressed")))
        if now.turn is None:
            await self._office.guard.db.write(self._acts.note(person_id))
            return self._screens.page(request, "agents_practice", done=True, calls=now.calls)
        return self._screens.page(
            request,
            "agents_practice",
            done=False,
            calls=now.calls,
            number=now.number,
            turn=now.turn,
            step=now.turn.step,
            pressed=",".join(map(str, now.pressed)),
            wrong=now.wrong,
            ELSE=ELSE,
            NEXT=NEXT,
        )


def _numbers(text: str) -> list[int]:
    parts = [part for part in text.split(",") if part.isascii() and part.isdigit() and len(part) < 3]
    return [int(part) for part in parts[:MOST_PRESSED]]
