"""Surge mode by the API: choose, arm, open, change, close; facts, scripts, and who was told what was wrong."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

from aiohttp import web
from pydantic import BaseModel
from sqlalchemy import Connection

from notify.alerts import register
from notify.alerts.life import Role, Staff
from notify.web import versions
from notify.web.answers import STAFF, Problem
from notify.web.endpoints import GIVEN, LIMIT, PREFIX, Endpoint, Nothing, Reason, looking, whole
from notify.web.replies import Replies
from notify.web.versions import Seen
from surge.api_bodies import (
    Chosen,
    Entered,
    Levelled,
    LineTried,
    Over,
    activation_json,
    fact_json,
    recalled_json,
    script_json,
    whole_json,
)
from surge.scripts import facts, script
from surge.switch import activation, store
from surge.switch.activate import NoSuchActivation
from surge.switch.control import Control
from surge.switch.publish import Recalled

ALL: Final = f"{PREFIX}/surge/activations"
ONE: Final = f"{ALL}/{{activation_id}}"
BELOW: Final = "/surge/activations/{activation_id}"
MISSING: Final = frozenset({404})
REFUSED: Final = frozenset({404, 409})
# What each act asks for, who may, and what it does.
ACTS: Final[Mapping[str, tuple[type[BaseModel], frozenset[Role], str]]] = {
    "arm": (Nothing, activation.ARMERS, "Arms it, if the pre-flight finds nothing missing"),
    "disarm": (Reason, activation.ARMERS, "Back to a draft"),
    "open": (Levelled, activation.OPENERS, "Opens what somebody else armed; the same level twice is once"),
    "level": (Levelled, activation.OPENERS, "Another level, while it is open"),
    "stand-down": (Over, activation.OPENERS, "Promises nothing new, serves whoever is there"),
    "close": (Over, activation.ARMERS | activation.OPENERS, "Over: nobody may wait, no callback may be open"),
    "report": (Nothing, activation.OPENERS, "Its report is written"),
}


@dataclass(slots=True)
class SurgeApi:
    control: Control
    replies: Replies

    def endpoints(self) -> list[Endpoint]:
        see, post = partial(looking, roles=activation.LOOKERS), self._post
        keepers, lines = activation.FACT_KEEPERS, "Somebody called a line, and it answered as it should"
        return [
            see("/surge", self.now, "What is on now, with its pre-flight", "Surge"),
            see("/surge/activations", self.every, "Every activation, the newest first", "Activations", query=(LIMIT,)),
            see(BELOW, self.one, "One activation with its pre-flight", "Activation", refusals=MISSING),
            post(ALL, self.make, Chosen, activation.ARMERS, "Chooses a runbook; there is one at a time", "Activation", 201),
            *(self._act(name) for name in ACTS),
            see(f"{BELOW}/facts", self.facts, "Every fact that was entered, the first first", "Facts", refusals=MISSING),
            post(f"{ONE}/facts", self.enter, Entered, keepers, "A new value of a fact", "Entered", 201),
            post(f"{ONE}/facts/{{fact_id}}/recall", self.recall, Reason, keepers, "It was wrong; who heard it", "Recalled"),
            see(f"{BELOW}/script", self.latest, "What is read aloud now", "Script", refusals=MISSING),
            see(f"{BELOW}/script/{{version}}", self.version, "What was read aloud", "Script", refusals=MISSING),
            post(f"{ONE}/script", self.publish, Nothing, keepers, "Publishes what is known now as a version", "Script", 201),
            post(f"{PREFIX}/surge/tests", self.tested, LineTried, activation.ARMERS, lines, "Tested", 201),
        ]

    def _post(self, path: str, answer: Any, body: type[BaseModel], roles: frozenset[Role], *said: Any) -> Endpoint:
        says, gives, *status = said
        return Endpoint(
            method="POST",
            path=path,
            answer=answer,
            roles=roles,
            says=says,
            gives=gives,
            status=status[0] if status else 200,
            body=body,
            keyed=True,
            refusals=REFUSED,
        )

    def _act(self, name: str) -> Endpoint:
        body, roles, says = ACTS[name]
        return Endpoint(
            method="POST",
            path=f"{ONE}/{name}",
            answer=self.act(name),
            roles=roles,
            says=says,
            gives="Activation",
            body=body,
            keyed=True,
            versioned=True,
            refusals=REFUSED,
        )

    async def now(self, _: web.Request) -> web.Response:
        found = await self.control.db.read(self._current)
        return web.json_response({"activation": found, "now": self.control.switch.clock.now().isoformat()})

    async def every(self, request: web.Request) -> web.Response:
        limit = whole(request, LIMIT)
        rows = await self.control.db.read(lambda conn: store.activations(conn, limit))
        return web.json_response({"activations": [activation_json(row) for row in rows]})

    async def one(self, request: web.Request) -> web.Response:
        found = await self._read(request, self._whole)
        return web.json_response(found, headers={"ETag": versions.tag(found["rev"])})

    async def make(self, request: web.Request) -> web.Response:
        given, staff = request[GIVEN], request[STAFF]
        assert isinstance(given, Chosen)

        def verb(conn: Connection) -> dict[str, Any]:
            row = self.control.switch.make(
                conn, staff, given.runbook, given.why, incident_id=_incident(conn, given), drill=given.drill
            )
            self.control.publishing.take_over(conn, row, self.control.switch.book(row))
            return self._whole(conn, row.activation_id)

        return await self._once(request, verb, 201)

    def act(self, name: str) -> Callable[[web.Request], Awaitable[web.Response]]:
        """A handler for one verb on one activation."""

        async def handle(request: web.Request) -> web.Response:
            staff, given, which = request[STAFF], request[GIVEN], request.match_info["activation_id"]
            seen, nobody = versions.asked(request.headers.get("If-Match")), self.control.nobody

            def verb(conn: Connection) -> dict[str, Any]:
                self._check(conn, which, seen)
                self._verb(conn, staff, (name, which), given, nobody=nobody)
                return self._whole(conn, which)

            return await self._once(request, verb)

        return handle

    async def facts(self, request: web.Request) -> web.Response:
        def read(conn: Connection, which: str) -> dict[str, Any]:
            row = self.control.switch.row(conn, which)
            listed = store.facts(conn, which)
            held = facts.held([store.fact(one) for one in listed], self.control.switch.clock.now())
            asked = {slot.name: {"asks": slot.asks, "unit": slot.unit} for slot in self._slots(row.runbook)}
            return {"facts": [fact_json(one, held) for one in listed], "asked": asked}

        return web.json_response(await self._read(request, read))

    async def enter(self, request: web.Request) -> web.Response:
        given, staff, which = request[GIVEN], request[STAFF], request.match_info["activation_id"]
        assert isinstance(given, Entered)
        wanted = given.wanted(self.control.switch.clock.now())
        publishing = self.control.publishing
        return await self._once(request, lambda conn: {"facts": publishing.set_fact(conn, staff, which, wanted)}, 201)

    async def recall(self, request: web.Request) -> web.Response:
        given, staff, which = request[GIVEN], request[STAFF], request.match_info["activation_id"]
        assert isinstance(given, Reason)
        fact_id, found = _number(request, "fact_id"), list[Recalled]()

        def verb(conn: Connection) -> dict[str, Any]:
            found.append(self.control.publishing.recall_fact(conn, staff, which, fact_id, given.reason))
            return recalled_json(found[0])

        reply = await self._once(request, verb)
        if found:  # an answer that is repeated calls nobody twice
            await self.control.call_back(found[0], given.reason)
        return reply

    async def publish(self, request: web.Request) -> web.Response:
        staff, which = request[STAFF], request.match_info["activation_id"]

        def verb(conn: Connection) -> dict[str, Any]:
            row = self.control.publishing.publish_script(conn, staff, which)
            return script_json(script.of(row, self.control.switch.row(conn, which).runbook))

        return await self._once(request, verb, 201)

    async def latest(self, request: web.Request) -> web.Response:
        return await self._script(request, None)

    async def version(self, request: web.Request) -> web.Response:
        return await self._script(request, _number(request, "version"))

    async def tested(self, request: web.Request) -> web.Response:
        given, staff = request[GIVEN], request[STAFF]
        assert isinstance(given, LineTried)

        def verb(conn: Connection) -> dict[str, Any]:
            self.control.switch.tested(conn, staff, given.line)
            return {"line": given.line, "at": self.control.switch.clock.now().isoformat()}

        return await self._once(request, verb, 201)

    def _verb(self, conn: Connection, staff: Staff, what: tuple[str, str], given: BaseModel, *, nobody: bool) -> None:
        (name, which), switch = what, self.control.switch
        match given:
            case Levelled(level=level) if name == "open":
                switch.open(conn, staff, which, level, nobody=nobody)
            case Levelled(level=level, why=why):
                switch.level(conn, staff, which, level, why)
            case Over(why=why, handover=handover) if name == "stand-down":
                switch.stand_down(conn, staff, which, why, handover=handover)
            case Over(handover=handover):
                switch.close(conn, staff, which, handover)
            case Reason(reason=reason):
                switch.disarm(conn, staff, which, reason)
            case _ if name == "arm":
                switch.arm(conn, staff, which)
            case _:
                switch.report(conn, staff, which)

    async def _script(self, request: web.Request, number: int | None) -> web.Response:
        def read(conn: Connection, which: str) -> dict[str, Any]:
            self.control.switch.row(conn, which)
            found = script.version(conn, which, number)
            if found is None:
                raise Problem(404, "There is no such version.", ["Nothing was published under this number."])
            return script_json(found)

        return web.json_response(await self._read(request, read))

    async def _read(self, request: web.Request, work: Callable[[Connection, str], dict[str, Any]]) -> dict[str, Any]:
        which = request.match_info["activation_id"]
        try:
            return await self.control.db.read(lambda conn: work(conn, which))
        except NoSuchActivation as error:
            raise _missing(error) from None

    async def _once(
        self, request: web.Request, verb: Callable[[Connection], dict[str, Any]], status: int = 200
    ) -> web.Response:
        try:
            reply = await self.replies.once(request, verb, status)
        except NoSuchActivation as error:
            raise _missing(error) from None
        await self.control.tell()
        return reply

    def _check(self, conn: Connection, which: str, seen: Seen | None) -> None:
        row = self.control.switch.row(conn, which, locked=True)
        if seen is not None and seen.versions is not None and str(row.rev) not in seen.versions:
            problem = Problem(412, "It was changed since you read it.", [f"It is {row.status} now, change {row.rev}."])
            problem.headers["ETag"] = versions.tag(row.rev)
            raise problem

    def _current(self, conn: Connection) -> dict[str, Any] | None:
        row = store.current(conn)
        return self._whole(conn, row.activation_id) if row is not None else None

    def _whole(self, conn: Connection, which: str) -> dict[str, Any]:
        row, last = self.control.switch.row(conn, which), store.script(conn, which)
        return whole_json(row, self.control.switch.checks(conn, row), last.version if last else None)

    def _slots(self, runbook: str) -> Any:
        books = self.control.switch.books
        return books[runbook].runbook.facts.values() if runbook in books else ()


def endpoints(control: Control, replies: Replies) -> list[Endpoint]:
    """Everything under /api/v1/surge that switches, says and takes back."""
    return SurgeApi(control, replies).endpoints()


def _number(request: web.Request, name: str) -> int:
    typed = request.match_info[name]
    if not (typed.isascii() and typed.isdigit() and len(typed) < 10):
        raise Problem(404, "There is no such thing.", [f"{name}: must be a whole number."])
    return int(typed)


def _missing(error: NoSuchActivation) -> Problem:
    return Problem(404, "There is no such activation.", [str(error)])


def _incident(conn: Connection, given: Chosen) -> str | None:
    """Raises Problem for an incident that there is not."""
    if given.incident_id is not None and not register.lock_incident(conn, given.incident_id):
        raise Problem(422, "This cannot be chosen.", [f"There is no incident {given.incident_id}."])
    return given.incident_id
