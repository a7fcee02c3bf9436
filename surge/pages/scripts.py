"""Facts with who stands for them, and the script as it is read aloud, to look at and to print."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection

from notify.alerts.broadcast import Unfit
from notify.console.routing import FORM, Guard, Route
from notify.console.screens import VISIT
from notify.web.answers import Problem
from notify.web.forms import Form
from notify.wording.labels import direction
from notify.wording.slots import ENGLISH
from surge.pages.switch import GONE
from surge.scripts import facts, script
from surge.scripts.facts import SAME, Wanted
from surge.switch import store
from surge.switch.activate import NoSuchActivation
from surge.switch.activation import FACT_KEEPERS, LOOKERS
from surge.switch.control import Control
from surge.switch.publish import Recalled
from surge.tables import ActivationRow

FACTS: Final = "/surge/facts"
SCRIPT: Final = "/surge/script"
OFF: Final = "Surge mode is off. Choose a runbook first."
NO_TIME: Final = "Until when it holds is a date and a time, like 2026-05-04T16:00, by the clock of the city."


class ScriptPages:
    def __init__(self, guard: Guard, control: Control) -> None:
        self._guard, self._control = guard, control
        self._db, self._screens, self._switch = guard.db, guard.screens, control.switch

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path=FACTS, answer=self.show, roles=LOOKERS),
            Route(method="POST", path=FACTS, answer=self.enter, roles=FACT_KEEPERS),
            Route(method="POST", path=f"{FACTS}/{{fact_id:[0-9]{{1,9}}}}/recall", answer=self.recall, roles=FACT_KEEPERS),
            Route(method="POST", path=SCRIPT, answer=self.publish, roles=FACT_KEEPERS),
            Route(method="GET", path=f"{SCRIPT}/{{version:[0-9]{{1,9}}|latest}}", answer=self.script, roles=LOOKERS),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request)

    async def enter(self, request: web.Request) -> web.StreamResponse:
        form, staff, which = request[FORM], request[VISIT].staff, request[FORM].text("activation_id")
        try:
            wanted = self._wanted(form)
            await self._control.do(lambda conn: self._control.publishing.set_fact(conn, staff, which, wanted))
        except (Unfit, NoSuchActivation) as error:
            return await self._page(request, _why(error))
        return self._screens.moved(FACTS)

    async def recall(self, request: web.Request) -> web.StreamResponse:
        """Takes a fact back and says how many have heard it; they are called back."""
        form, staff, fact_id = request[FORM], request[VISIT].staff, int(request.match_info["fact_id"])
        try:
            found = await self._control.recall(staff, form.text("activation_id"), fact_id, form.text("why"))
        except (Unfit, NoSuchActivation) as error:
            return await self._page(request, _why(error))
        return await self._page(request, recalled=found)

    async def publish(self, request: web.Request) -> web.StreamResponse:
        staff, which = request[VISIT].staff, request[FORM].text("activation_id")
        try:
            made = await self._control.do(lambda conn: self._control.publishing.publish_script(conn, staff, which))
        except (Unfit, NoSuchActivation) as error:
            return await self._page(request, _why(error))
        return self._screens.moved(f"{SCRIPT}/{made.version}")

    async def script(self, request: web.Request) -> web.StreamResponse:
        """One version in one language, laid out to be printed."""
        named, language = request.match_info["version"], request.query.get("language", ENGLISH)
        number = None if named == "latest" else int(named)

        def read(conn: Connection) -> tuple[ActivationRow | None, script.Script | None, int, Mapping[str, Sequence[str]]]:
            row = store.current(conn) or next(iter(store.activations(conn, 1)), None)
            if row is None:
                return None, None, 0, {}
            last = store.script(conn, row.activation_id)
            off = self._control.publishing.off_the_telephone(conn)
            return row, script.version(conn, row.activation_id, number), last.version if last else 0, off

        row, found, last, off = await self._db.read(read)
        if row is None or found is None:
            raise Problem(404, "There is no such version", ["Nothing was published under this number."])
        spoken = language if language in found.steps else ENGLISH
        return self._screens.page(
            request,
            "surge_script",
            row=row,
            script=found,
            last=last,
            steps=found.read_in(spoken),
            headings={step.anchor: step.heading for step in found.book.steps},
            spoken_in=spoken,
            spoken_direction=direction(spoken),
            interpreter=[one for one in self._languages() if one not in found.steps],
            incident=row.incident_id,
            off_the_telephone=off,
        )

    async def _page(self, request: web.Request, problems: Sequence[str] = (), recalled: Recalled | None = None) -> web.Response:
        found = await self._db.read(self._read)
        if found["row"] is None:
            status = 422 if problems else 200
            shown = {"problems": [*problems, OFF], "recalled": None, "keeps": False}
            return self._screens.page(request, "surge_facts", status=status, **shown, **found)
        keeps = bool(request[VISIT].staff.roles & FACT_KEEPERS)
        return self._screens.page(
            request,
            "surge_facts",
            status=422 if problems else 200,
            problems=problems,
            recalled=recalled,
            keeps=keeps,
            **found,
        )

    def _read(self, conn: Connection) -> dict[str, Any]:
        row = store.current(conn)
        empty: dict[str, Any] = {"row": row, "slots": [], "languages": [], "script": None, "theirs": frozenset()}
        if row is None or row.runbook not in self._switch.books:
            return empty
        listed = store.facts(conn, row.activation_id)
        held = facts.held([store.fact(one) for one in listed], self._switch.clock.now())
        slots = self._switch.books[row.runbook].runbook.facts.values()
        return empty | {
            "slots": [
                (slot, held.get(slot.name, {}), [one for one in reversed(listed) if one.name == slot.name])
                for slot in sorted(slots, key=lambda slot: slot.name in held)
            ],
            "languages": [one for one in self._languages() if one != ENGLISH],
            "script": store.script(conn, row.activation_id),
            "theirs": self._control.publishing.from_the_alert(conn, row),
        }

    def _wanted(self, form: Form) -> Wanted:
        """Raises Unfit for a time that is none."""
        base = SAME if form.text("same") == "yes" else ENGLISH
        values = {base: form.text("value")}
        values |= {tag: text for tag in self._languages() if tag != ENGLISH and (text := form.text(f"value-{tag}"))}
        return Wanted(
            name=form.text("name"),
            values=values,
            issued_by=form.text("issued_by"),
            valid_from=self._switch.clock.now(),
            valid_to=self._moment(form.text("valid_to")),
        )

    def _moment(self, typed: str) -> datetime | None:
        if not typed:
            return None
        try:
            at = datetime.fromisoformat(typed)
        except ValueError:
            raise Unfit([NO_TIME]) from None
        aware = at if at.tzinfo is not None else at.replace(tzinfo=self._switch.means.zone)
        return aware.astimezone(UTC)

    def _languages(self) -> Sequence[str]:
        return self._control.publishing.languages


def _why(error: Unfit | NoSuchActivation) -> Sequence[str]:
    return error.problems if isinstance(error, Unfit) else [GONE]
