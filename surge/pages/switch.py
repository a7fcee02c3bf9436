"""The switch of surge mode: where it stands, what is missing, and each step with a reason and proof of who takes it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection

from notify.alerts import register
from notify.alerts.broadcast import NotAllowed, Unfit
from notify.alerts.life import Role, Staff
from notify.console.door import NOT_SHOWN
from notify.console.routing import FORM, Guard, Route
from notify.console.screens import VISIT
from notify.tables import AlertRow
from surge.switch import activation, reminder, store
from surge.switch.activate import NoSuchActivation
from surge.switch.activation import ARMERS, LOOKERS, OPENERS, Status
from surge.switch.control import Control
from surge.switch.offer import Offers
from surge.tables import ActivationRow

PAGE: Final = "/surge"
BEFORE: Final = 10  # earlier activations that are listed
# Every step, who may take it, and whether it takes proof of who they are.
STEPS: Final[Mapping[str, frozenset[Role]]] = {
    "arm": ARMERS,
    "disarm": ARMERS,
    "open": OPENERS,
    "level": OPENERS,
    "stand-down": OPENERS,
    "close": ARMERS | OPENERS,
    "report": OPENERS,
}
PROVED: Final = frozenset({"arm", "open", "stand-down", "close"})
GONE: Final = "What you looked at is not there any more. Read the page again."


class SwitchPages:
    """advice: what triggers say, a sentence each."""

    def __init__(self, guard: Guard, control: Control, advice: Callable[[], Sequence[str]] = list) -> None:
        self._guard, self._control, self._advice = guard, control, advice
        self._db, self._screens, self._switch = guard.db, guard.screens, control.switch

    def routes(self) -> list[Route]:
        return [
            Route(method="GET", path=PAGE, answer=self.show, roles=LOOKERS),
            Route(method="POST", path=f"{PAGE}/choose", answer=self.choose, roles=ARMERS),
            Route(method="POST", path=f"{PAGE}/tested", answer=self.tested, roles=ARMERS),
            Route(method="POST", path="/alerts/{alert_id}/surge", answer=self.with_alert, roles=ARMERS),
            *(
                Route(method="POST", path=f"{PAGE}/{step}", answer=self._step(step), roles=roles)
                for step, roles in STEPS.items()
            ),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        return await self._page(request)

    async def choose(self, request: web.Request) -> web.StreamResponse:
        form, staff = request[FORM], request[VISIT].staff
        runbook, why, drill = form.text("runbook"), form.text("why"), form.text("drill") == "yes"
        try:
            await self._control.do(lambda conn: self._switch.make(conn, staff, runbook, why, drill=drill))
        except Unfit as unfit:
            return await self._page(request, unfit.problems)
        return self._screens.moved(PAGE)

    async def tested(self, request: web.Request) -> web.StreamResponse:
        staff, line = request[VISIT].staff, request[FORM].text("line")
        await self._control.do(lambda conn: self._switch.tested(conn, staff, line))
        return self._screens.moved(PAGE)

    async def with_alert(self, request: web.Request) -> web.StreamResponse:
        """Arms with an alert: what is chosen stays, and what is missing then stands on the switch."""
        staff, alert_id = request[VISIT].staff, request.match_info["alert_id"]
        if not await self._guard.proved(request):
            return await self._page(request, [NOT_SHOWN])
        offers = Offers(self._control)

        def choose(conn: Connection) -> AlertRow:
            row = register.alert(conn, alert_id)
            offered = offers.of(conn, row, staff)
            if offered is None or not offered.arms:
                raise NotAllowed(["Surge mode is not armed with this alert now."])
            offers.chosen(conn, staff, row)
            return row

        alert = await self._control.do(choose)
        try:
            await self._control.do(lambda conn: offers.arm(conn, staff, alert))
        except Unfit as unfit:
            return await self._page(request, unfit.problems)
        return self._screens.moved(PAGE)

    def _step(self, step: str) -> Callable[[web.Request], Any]:
        async def take(request: web.Request) -> web.StreamResponse:
            form, staff = request[FORM], request[VISIT].staff
            if step in PROVED and not await self._guard.proved(request):
                return await self._page(request, [NOT_SHOWN])
            nobody = self._control.nobody
            fields = {name: form.text(name) for name in ("activation_id", "rev", "level", "why")}
            fields["handover"] = _lines(form.fields.get("handover", ""))
            try:
                await self._control.do(lambda conn: self._taken(conn, staff, step, fields, nobody=nobody))
            except NoSuchActivation:
                return await self._page(request, [GONE])
            except Unfit as unfit:
                return await self._page(request, unfit.problems)
            return self._screens.moved(PAGE)

        return take

    def _taken(self, conn: Connection, staff: Staff, step: str, given: Mapping[str, str], *, nobody: bool) -> None:
        which, why, seen = given["activation_id"], given["why"], _whole(given["rev"])
        switch = self._switch
        match step:
            case "arm":
                switch.arm(conn, staff, which, seen)
            case "disarm":
                switch.disarm(conn, staff, which, why, seen)
            case "open":
                switch.open(conn, staff, which, _whole(given["level"]) or 0, seen=seen, nobody=nobody)
            case "level":
                switch.level(conn, staff, which, _whole(given["level"]) or 0, why, seen)
            case "stand-down":
                switch.stand_down(conn, staff, which, why, handover=given["handover"], seen=seen)
            case "close":
                switch.close(conn, staff, which, given["handover"], seen)
            case _:
                switch.report(conn, staff, which, seen)

    async def _page(self, request: web.Request, problems: Sequence[str] = ()) -> web.Response:
        staff = request[VISIT].staff
        found = await self._db.read(self._read)
        row: ActivationRow | None = found["row"]
        return self._screens.page(
            request,
            "surge",
            status=422 if problems else 200,
            problems=problems,
            **found,
            advice=self._advice(),
            nobody=self._control.nobody,
            may=frozenset(step for step in _steps(row) if staff.roles & STEPS[step] and not _own(step, row, staff)),
            own=row is not None and row.status == Status.ARMED and _own("open", row, staff),
            keeps=bool(staff.roles & activation.FACT_KEEPERS),
            arms=bool(staff.roles & ARMERS),
            opens=bool(staff.roles & OPENERS),
            lines=[store.FALLBACK, *(f"partner {name}" for name in self._switch.means.partners)],
            telephone=self._switch.means.telephone,
            drills_only=self._switch.means.drills_only,
            runbooks=sorted((book.runbook.title, name) for name, book in self._switch.books.items()),
            **await self._guard.proof(request),
        )

    def _read(self, conn: Connection) -> dict[str, Any]:
        row = store.current(conn)
        last = store.script(conn, row.activation_id) if row is not None else None
        return {
            "row": row,
            "on": reminder.left(conn, row, self._control.remind_every, self._switch.clock.now()) if row is not None else None,
            "script": last,
            "checks": self._switch.checks(conn, row) if row is not None else [],
            "left": store.left(conn, row.activation_id) if row is not None else activation.Left(),
            "before": [one for one in store.activations(conn, BEFORE) if row is None or one.activation_id != row.activation_id],
        }


def _steps(row: ActivationRow | None) -> frozenset[str]:
    """What may be done to it from where it stands."""
    if row is None:
        return frozenset()
    match Status(row.status):
        case Status.DRAFT:
            return frozenset({"arm", "close"})
        case Status.ARMED:
            return frozenset({"disarm", "open"})
        case Status.OPEN:
            return frozenset({"level", "stand-down"})
        case Status.STANDING_DOWN:
            return frozenset({"open", "close"})
        case _:
            return frozenset()


def _own(step: str, row: ActivationRow | None, staff: Staff) -> bool:
    return step == "open" and row is not None and row.armed_by == staff.person_id


def _whole(typed: str) -> int | None:
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 10 else None


def _lines(typed: str) -> str:
    """A note keeps its line ends, and nothing else that cannot be seen."""
    kept = "".join(letter for letter in typed.replace("\r\n", "\n") if letter == "\n" or letter.isprintable())
    return kept[:4_000].strip()
