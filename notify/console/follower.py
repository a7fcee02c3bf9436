"""One alert after its approval: how far it has come, stop, and what can be said next."""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from aiohttp_sse import sse_response
from sqlalchemy import Connection, text

from notify import audit
from notify.alerts import copy_pack, followup, progress, promises, register
from notify.alerts.alert import Event, Stage
from notify.alerts.broadcast import Unfit
from notify.alerts.draft import Draft
from notify.alerts.life import IN_FORCE, LEAVING, WRITERS, Status
from notify.alerts.progress import Progress
from notify.console.contacts import STATES as PAGE_STATES
from notify.console.door import NOT_SHOWN
from notify.console.routing import FORM, READERS, Guard, Route
from notify.console.screens import VISIT
from notify.sending import coupling
from notify.sending.deliveries import State
from notify.service import Service
from notify.staff import paging_rows
from notify.staff.paging_tables import StaffPage
from notify.tables import AlertRow, AuditLine, EventRow, OpenPromise

RATE_OVER_S: Final = 10.0
EVERY_S: Final = 1.0  # how often a page that follows a send is told how far it is
SETTLED_EVERY_S: Final = 5.0
# What each state of a message is called where people read it, in the order of its life.
STATES: Final = {
    State.PLANNED: "waiting",
    State.CLAIMED: "leaving now",
    State.UNKNOWN: "not known yet",
    State.HANDED: "handed to the carrier",
    State.DELIVERED: "delivered",
    State.UNDELIVERED: "not delivered",
    State.REFUSED: "refused",
    State.EXPIRED: "too late",
    State.WITHDRAWN: "not sent",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One channel's messages, with its languages."""

    whole: Progress
    languages: Sequence[Progress]


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """Where one alert stands. event: None as long as nobody approved it."""

    row: AlertRow
    event: EventRow | None
    lanes: Sequence[Lane]
    whole: Progress

    @property
    def status(self) -> Status:
        return Status(self.row.status)

    @property
    def leaving(self) -> bool:
        return self.status in LEAVING

    @property
    def reached(self) -> int:
        """Messages that may have arrived: whom a correction goes to."""
        tally = self.whole.tally
        return tally[State.HANDED] + tally[State.DELIVERED] + tally[State.UNKNOWN]

    @property
    def not_reached(self) -> int:
        return self.whole.total - self.reached


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What stands around an alert and changes rarely."""

    frozen: Event | None
    skipped: Sequence[Mapping[str, Any]]
    others: Sequence[AlertRow]  # of the same incident
    promises: Sequence[OpenPromise]
    lines: Sequence[AuditLine]
    pages: Sequence[StaffPage]  # to our own people


def around(conn: Connection, row: AlertRow) -> Setting:
    alert_id = row.alert_id
    skipped = text("SELECT channel, reason, people FROM skip WHERE event_id = :id ORDER BY channel, people DESC")
    return Setting(
        frozen=register.frozen(conn, alert_id) if row.approved_by else None,
        skipped=[dict(each._mapping) for each in conn.execute(skipped, {"id": alert_id})],
        others=[other for other in register.all_alerts(conn, row.incident_id) if other.alert_id != alert_id],
        promises=[one for one in promises.still_open(conn) if one.incident_id == row.incident_id],
        lines=audit.lines(conn, alert_id),
        pages=paging_rows.history(conn, alert_id),
    )


class Follower:
    def __init__(self, guard: Guard, service: Service) -> None:
        self._guard, self._service = guard, service
        self._screens, self._db, self._clock, self._tallies = guard.screens, guard.db, guard.clock, guard.tallies
        self._seen: dict[str, deque[tuple[float, int]]] = {}

    def routes(self) -> list[Route]:
        alert, incident = "/alerts/{alert_id}", "/incidents/{incident_id}"
        return [
            Route(method="GET", path=alert, answer=self.show, roles=READERS),
            Route(method="GET", path=f"{alert}/progress", answer=self.follow, roles=READERS, passive=True),
            Route(method="POST", path=f"{alert}/stop", answer=self.stop, roles=WRITERS),
            Route(method="POST", path=f"{alert}/send", answer=self.send, roles=WRITERS),
            Route(method="GET", path=f"{alert}/retraction", answer=self.offer, roles=WRITERS),
            Route(method="POST", path=f"{alert}/retraction", answer=self.retract, roles=WRITERS),
            Route(method="GET", path=incident, answer=self.incident, roles=READERS),
            Route(method="GET", path=f"{incident}/next", answer=self.choose, roles=WRITERS),
            Route(method="POST", path=f"{incident}/next", answer=self.begin, roles=WRITERS),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        alert_id = request.match_info["alert_id"]
        story = await self._story(alert_id)
        setting = await self._db.read(lambda conn: around(conn, story.row))
        copies = copy_pack.pack(setting.frozen) if setting.frozen else []
        offers, staff = self._service.surge, request[VISIT].staff
        return self._screens.page(
            request,
            "alert",
            **self._values(story),
            setting=setting,
            copies=copies,
            page_states=PAGE_STATES,
            surge=await self._db.read(lambda conn: offers.of(conn, story.row, staff)) if offers is not None else None,
            **await self._guard.proof(request),
        )

    async def follow(self, request: web.Request) -> web.StreamResponse:
        """The progress as server-sent events: every second while messages leave, and only when something changed."""
        alert_id, shown = request.match_info["alert_id"], ""
        async with sse_response(request) as stream:
            while stream.is_connected():
                story = await self._story(alert_id)
                part = self._screens.text(request, "part/progress", **self._values(story))
                if part != shown:
                    await stream.send(part, event="progress")
                    shown = part
                if story.status not in IN_FORCE:
                    await stream.send("", event="end")
                    break
                await asyncio.sleep(EVERY_S if story.leaving else SETTLED_EVERY_S)
        return stream

    async def stop(self, request: web.Request) -> web.StreamResponse:
        staff, alert_id = request[VISIT].staff, request.match_info["alert_id"]
        reason = request[FORM].text("reason") or "stopped from the console"
        await self._db.write(lambda conn: self._service.newsroom.stop(conn, staff, alert_id, reason))
        await self._service.after("stop", alert_id)
        story = await self._story(alert_id, exact=True)
        return self._screens.moved(f"/alerts/{alert_id}" + ("/retraction" if story.reached else ""))

    async def offer(self, request: web.Request) -> web.StreamResponse:
        """After a stop: the false alarm, ready to leave, to exactly those who may have the alert."""
        story, draft = await self._retraction(request)
        preview = await self._service.preview(draft, None)
        proof = await self._guard.proof(request)
        return self._screens.page(request, "retraction", preview=preview, **proof, **self._values(story))

    async def retract(self, request: web.Request) -> web.StreamResponse:
        """One gesture, one transaction: whoever stopped an alert says at once that it was none. It takes one person, as every
        false alarm, and the code of now or a passkey unless either was shown a moment ago."""
        _, draft = await self._retraction(request)
        if not await self._guard.proved(request):
            raise Unfit([NOT_SHOWN])
        staff, newsroom = request[VISIT].staff, self._service.newsroom

        def say_it(conn: Connection) -> str:
            row = newsroom.compose(conn, staff, draft)
            row = newsroom.submit(conn, staff, row.alert_id)
            newsroom.approve(conn, staff, row.alert_id, row.digest or "")
            newsroom.send(conn, staff, row.alert_id)
            return row.alert_id

        return self._screens.moved(f"/alerts/{await self._db.write(say_it)}")

    async def _retraction(self, request: web.Request) -> tuple[Story, Draft]:
        """The stopped alert, and its false alarm as a draft. Raises Conflict for one that was not stopped."""
        story = await self._story(request.match_info["alert_id"])
        if story.status is not Status.STOPPED:
            raise register.Conflict(
                f"{story.row.alert_id} is {story.row.status}; only what was stopped is taken back like this."
            )
        earlier = Draft.model_validate_json(story.row.content)
        return story, followup.draft("cancel", earlier, story.row.incident_id, {})

    async def send(self, request: web.Request) -> web.StreamResponse:
        """Sends what was approved elsewhere (by the API) and not sent yet."""
        staff, alert_id = request[VISIT].staff, request.match_info["alert_id"]
        await self._db.write(lambda conn: self._service.newsroom.send(conn, staff, alert_id))
        return self._screens.moved(f"/alerts/{alert_id}")

    async def incident(self, request: web.Request) -> web.StreamResponse:
        """To the last alert of an incident that was approved, else to its last one."""
        rows = await self._rows(request)
        last = next((row for row in reversed(rows) if row.approved_by), rows[-1])
        return self._screens.moved(f"/alerts/{last.alert_id}")

    async def choose(self, request: web.Request) -> web.StreamResponse:
        """The four things that can be said next, each with whom it reaches."""
        rows = await self._rows(request)
        said = [row for row in rows if row.approved_by and row.stage != Stage.RENEWAL]
        if not said:
            raise Unfit(["Nothing of this incident has been sent, so there is nothing to follow up."])
        story = await self._story(said[-1].alert_id)
        frozen = await self._db.read(lambda conn: register.frozen(conn, said[-1].alert_id))
        return self._screens.page(request, "next", **self._values(story), frozen=frozen)

    async def begin(self, request: web.Request) -> web.StreamResponse:
        rows, staff, verb = await self._rows(request), request[VISIT].staff, request[FORM].text("what")
        said = [row for row in rows if row.approved_by and row.stage != Stage.RENEWAL]
        if verb not in followup.STAGES or not said:
            raise Unfit(["Choose what you want to say."])
        draft = followup.draft(verb, Draft.model_validate_json(said[-1].content), said[-1].incident_id, {})
        row = await self._db.write(lambda conn: self._service.newsroom.compose(conn, staff, draft))
        return self._screens.moved(f"/alerts/{row.alert_id}/edit")

    async def _story(self, alert_id: str, *, exact: bool = False) -> Story:
        """exact: counted now. Raises NoSuchAlert."""

        def read(conn: Connection) -> tuple[AlertRow, EventRow | None]:
            return register.alert(conn, alert_id), next(iter(register.standing(conn, event_id=alert_id)), None)

        row, event = await self._db.read(read)
        kinds = await self._tallies.of(alert_id, exact=exact)
        lanes = [
            Lane(whole=one, languages=sorted(progress.by_language(kinds, one.name), key=lambda each: -each.total))
            for one in progress.by_channel(kinds)
        ]
        return Story(row=row, event=event, lanes=lanes, whole=progress.whole(kinds))

    async def _rows(self, request: web.Request) -> list[AlertRow]:
        incident_id = request.match_info["incident_id"]
        rows = await self._db.read(lambda conn: register.all_alerts(conn, incident_id))
        if not rows:
            raise register.NoSuchAlert(f"There is no incident {incident_id}.")
        return rows

    def _values(self, story: Story) -> dict[str, Any]:
        return {
            "story": story,
            "hazard": self._service.assembly.hazards[story.row.hazard],
            "states": STATES,
            "rate": self._rate(story),
            "coupled": self._service.brake.standing(story.row.alert_id),
            "slows_after_min": coupling.STEPS[0][0] / 60,
            "left": progress.time_left(story.whole.tally.waiting, self._rates(story)),
        }

    def _rates(self, story: Story) -> list[float]:
        rate = self._rate(story)
        return [rate] if rate else []

    def _rate(self, story: Story) -> float:
        """Messages a second over the last ten seconds somebody looked; 0 when none left or nobody looked."""
        seen = self._seen.setdefault(story.row.alert_id, deque(maxlen=600))
        now = self._clock.monotonic()
        if not seen or now - seen[-1][0] >= EVERY_S / 2:
            seen.append((now, story.whole.done))
        while len(seen) > 2 and now - seen[0][0] > RATE_OVER_S:
            seen.popleft()
        (begun, first), (ended, last) = seen[0], seen[-1]
        if not story.leaving:
            del self._seen[story.row.alert_id]
            return 0.0
        return (last - first) / (ended - begun) if ended > begun else 0.0
