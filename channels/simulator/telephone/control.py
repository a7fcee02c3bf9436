"""The telephone's controls: a call from somebody, a whole crowd, counts. For this machine only."""

import asyncio
from collections import Counter
from typing import Any, Final

from aiohttp import web

from channels.simulator.control import LONGEST_WAIT_S, document_of, only_from_here
from channels.simulator.telephone.characters import Character, Person
from channels.simulator.telephone.crowd import Crowd
from channels.simulator.telephone.crowd_file import BadCrowd, Script, script_of
from channels.simulator.telephone.exchange import Telephone
from channels.simulator.telephone.legs import Leg

MOST_CROWD: Final = 64 * 1024 * 1024  # bytes: a day of some 100,000 callers


class TelephoneControl:
    """POST /control/call is a call: an object with the settings of characters.Person, and `to`, the number called, the first
    one by default; answers {"sid"}. POST /control/crowd is a crowd as crowd_file reads it; it begins at once. GET
    /control/calls gives counts; GET /control/calls/settled?timeout_s=30 answers when no call is live, with 504 when that takes
    too long."""

    def __init__(self, telephone: Telephone) -> None:
        self._telephone = telephone
        self._tally: Counter[str] = Counter()

    def routes(self) -> list[web.RouteDef]:
        return [
            web.post("/control/call", self.call),
            web.post("/control/crowd", self.crowd),
            web.get("/control/calls", self.show),
            web.get("/control/calls/settled", self.settled),
        ]

    async def call(self, request: web.Request) -> web.Response:
        wish = await document_of(request)
        number = str(wish.pop("to", "")) or self._first_number()
        try:
            (person,) = script_of({"people": [wish]}).people
        except BadCrowd as error:
            return _bad(error.problems)
        self._telephone.touch()
        sid = self._called(person, number)
        if not sid:
            return _bad((f"{number} is no number of this gateway that can be called.",))
        await self._telephone.synced()
        return web.json_response({"sid": sid}, status=201)

    async def crowd(self, request: web.Request) -> web.Response:
        try:
            script = script_of(await document_of(request.clone(client_max_size=MOST_CROWD)))
        except BadCrowd as error:
            return _bad(error.problems)
        begun = self.begin(script)
        return web.json_response({"people": begun}, status=201)

    def begin(self, script: Script) -> int:
        """Lets a crowd begin; returns how many people it has."""
        self._telephone.touch()
        crowd = Crowd(self._telephone.board, script.number or self._first_number(), script.people, script.seed, self._tally)
        crowd.begin()
        return len(crowd.people)

    async def show(self, request: web.Request) -> web.Response:
        only_from_here(request)
        return web.json_response(self._state())

    async def settled(self, request: web.Request) -> web.Response:
        only_from_here(request)
        try:
            limit_s = min(max(float(request.query.get("timeout_s", "30")), 0), LONGEST_WAIT_S)
        except ValueError:
            return _bad(("timeout_s must be a number of seconds.",))
        try:
            async with asyncio.timeout(limit_s):
                await self._telephone.until_quiet()
        except TimeoutError:
            return web.json_response(self._state(), status=504)
        return web.json_response(self._state())

    def _called(self, person: Person, number: str) -> str:
        """The sid of a call; "" when there is no such number. Whoever calls can be called back."""
        board, made = self._telephone.board, list[Leg]()

        def call(caller: str, party: Character) -> Leg | None:
            leg = board.call_in(caller, number, party)
            made.extend([leg] if leg is not None else [])
            return leg

        character = Character(person, board.config.seed, self._tally, call)
        board.parties[person.number] = character
        character.dial()
        return made[0].call.sid if made else ""

    def _first_number(self) -> str:
        numbers = self._telephone.board.config.numbers
        return numbers[0].number if numbers else ""

    def _state(self) -> dict[str, Any]:
        self._telephone.touch()
        board = self._telephone.board
        return {
            "quiet": board.quiet,
            "t_s": round(board.timeline.now, 3),
            "live": len(board.legs),
            "webhooks_pending": board.mail.pending,
            "queues": {name: queue.size for name, queue in board.queues.items()},
            "lines": dict(board.mail.tally),
            "people": dict(self._tally),
        }


def _bad(wrong: tuple[str, ...]) -> web.Response:
    return web.json_response({"problems": list(wrong)}, status=400)
