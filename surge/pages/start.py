"""Five minutes for somebody who has never answered for the City: four screens, then two calls with a simulated caller."""

from typing import Final

from aiohttp import web

from notify import data
from notify.alerts.broadcast import Unfit
from notify.console.routing import FORM, Route
from surge.desk import agent_rows, practice
from surge.pages.office import AGENTS, Office, whose
from surge.scripts import reading
from surge.scripts.runbook import ELSE, NEXT, Runbook

PAGE: Final = "/desk311/start"
SCREENS: Final = 4
SAMPLE: Final = "boil-water"  # practised with where nothing is on
MOST_PRESSED: Final = 60


class StartPages:
    def __init__(self, office: Office) -> None:
        self._office, self._screens = office, office.guard.screens

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
        """One more answer of the practice. What was pressed so far comes with the form, and is gone through again from the
        beginning: the page decides nothing."""
        form, person_id = request[FORM], whose(request)
        calls = practice.calls(await self._book(person_id))
        if not calls:
            raise Unfit(["There is no script to practise with."])
        pressed = _numbers(form.text("pressed"))
        wrong = False
        try:
            where = practice.at(calls, pressed)
        except ValueError:
            pressed, where, wrong = pressed[:-1], None, True
            try:
                where = practice.at(calls, pressed)
            except ValueError:
                pressed, where = [], (0, 0)
        if where is None:
            now = self._office.now
            await self._office.guard.db.write(lambda conn: agent_rows.trained(conn, person_id, now))
            return self._screens.page(request, "agents_practice", done=True, calls=calls)
        number, turn = where
        one = calls[number].turns[turn]
        return self._screens.page(
            request,
            "agents_practice",
            done=False,
            calls=calls,
            number=number,
            turn=one,
            step=one.step,
            pressed=",".join(map(str, pressed)),
            wrong=wrong,
            ELSE=ELSE,
            NEXT=NEXT,
        )

    async def _book(self, person_id: str) -> Runbook:
        """The script that is on, else the sample."""
        on = await self._office.on(person_id)
        if on is not None and on.script is not None:
            return on.script.book
        return reading.read(SAMPLE, (data.folder("runbooks") / f"{SAMPLE}.md").read_text("utf-8"))


def _numbers(text: str) -> list[int]:
    parts = [part for part in text.split(",") if part.isascii() and part.isdigit() and len(part) < 3]
    return [int(part) for part in parts[:MOST_PRESSED]]
