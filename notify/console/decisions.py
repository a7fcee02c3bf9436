"""Deciding on an alert, on a phone if need be: read exactly what would leave, then send it, return it or reject it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from aiohttp import web
from sqlalchemy import Connection

from notify.alerts import glass, locator, register
from notify.alerts.alert import Event, from_json
from notify.alerts.draft import Draft
from notify.alerts.life import WRITERS, Staff, Status
from notify.city import Language
from notify.console.contacts import STATES
from notify.console.door import NOT_SHOWN
from notify.console.routing import FORM, READERS, Guard, Route
from notify.console.screens import HEADERS, VISIT
from notify.service import Service
from notify.staff import paging_rows
from notify.tables import AlertRow
from subscribers import atlas

LONG: Final = "a reason that is long enough"  # to ask whether everything else would fit
UNREAD: Final = {
    "read_words": "Tick that you have read the message.",
    "read_place": "Tick that the place and the times are right.",
    "understand": "Tick that you understand how many people this reaches.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Count:
    """People and messages of a submitted alert, by channel."""

    channel: str
    people: int
    languages: Sequence[tuple[str, int]]


class Decisions:
    def __init__(self, guard: Guard, service: Service) -> None:
        self._guard, self._service = guard, service
        self._screens, self._db = guard.screens, guard.db

    def routes(self) -> list[Route]:
        path = "/alerts/{alert_id}/approval"
        return [
            Route(method="GET", path=path, answer=self.show, roles=READERS),
            Route(method="POST", path=path, answer=self.decide, roles=WRITERS),
            Route(method="GET", path=f"{path}/words", answer=self.words, roles=READERS),
            Route(method="GET", path=f"{path}/map.svg", answer=self.map, roles=READERS),
        ]

    async def show(self, request: web.Request) -> web.StreamResponse:
        row = await self._row(request)
        if row.status != Status.PENDING or row.frozen is None:
            return self._screens.moved(f"/alerts/{row.alert_id}")
        return await self._page(request, row)

    async def words(self, request: web.Request) -> web.StreamResponse:
        """Each language's texts beside what they say in English: apart from the decision, which opens on one bar of signal."""
        row = await self._row(request)
        if row.frozen is None:
            return self._screens.moved(f"/alerts/{row.alert_id}")
        event = from_json(row.frozen)
        texts = {tag: _by_body(said) for tag, said in _texts(event).items()}
        return self._screens.page(request, "read_back", row=row, languages=self._languages(event), texts=texts)

    async def map(self, request: web.Request) -> web.StreamResponse:
        """Where it would go, as a picture: apart from the decision as well."""
        row = await self._row(request)
        if row.frozen is None:
            return self._screens.moved(f"/alerts/{row.alert_id}")
        event = from_json(row.frozen)
        drawn = await self._db.read(lambda conn: locator.maps(event.areas, atlas.areas(conn)))
        if not drawn:
            raise web.HTTPNotFound  # so that its place says in words which area it is
        return web.Response(text=locator.sheet(drawn), content_type="image/svg+xml", headers=HEADERS)

    async def decide(self, request: web.Request) -> web.StreamResponse:
        row, form, staff = await self._row(request), request[FORM], request[VISIT].staff
        act = form.text("act")
        if act in ("return", "reject"):
            newsroom, reason = self._service.newsroom, form.text("reason")
            await self._db.write(lambda conn: newsroom.send_back(conn, staff, row.alert_id, reason, reject=act == "reject"))
            return self._screens.moved("/")
        if row.status != Status.PENDING or row.frozen is None:
            return self._screens.moved(f"/alerts/{row.alert_id}")
        alone = form.text("reason") if act == "alone" else None
        problems = [sentence for name, sentence in UNREAD.items() if form.text(name) != "yes"]
        if problems:
            return await self._page(request, row, problems)
        if not await self._guard.proved(request, anew=alone is not None):
            return await self._page(request, row, [NOT_SHOWN])
        seen, alert_id, opens = form.text("digest"), row.alert_id, form.text("open_surge") == "yes"
        await self._db.write(lambda conn: self._approve_and_send(conn, staff, (alert_id, seen), alone, opens=opens))
        if self._service.surge is not None:
            self._service.surge.control.tell_soon()
        if alone is not None:
            self._service.paging.tell_at_once(alert_id)
            self._service.pager(f"{staff.person_id} sends {alert_id} ({row.hazard}) ALONE: {alone}")
        return self._screens.moved(f"/alerts/{alert_id}")

    def _approve_and_send(
        self, conn: Connection, staff: Staff, what: tuple[str, str], alone: str | None, *, opens: bool
    ) -> None:
        """One gesture, one transaction: whoever reads and decides starts the countdown, and opens what its author armed. What
        surge mode lacks never holds up the alert: it stands in the log, and the alert goes."""
        alert_id, seen = what
        self._service.newsroom.approve(conn, staff, alert_id, seen, alone)
        self._service.newsroom.send(conn, staff, alert_id)
        if (offers := self._service.surge) is not None and opens:
            offers.open_with(conn, staff, register.alert(conn, alert_id), nobody=offers.control.nobody)

    def _languages(self, event: Event) -> list[Language]:
        return [one for one in self._service.assembly.city.pack.languages if one.tag in event.languages_used]

    async def _row(self, request: web.Request) -> AlertRow:
        alert_id = request.match_info["alert_id"]
        return await self._db.read(lambda conn: register.alert(conn, alert_id))

    async def _page(self, request: web.Request, row: AlertRow, problems: Sequence[str] = ()) -> web.Response:
        event = from_json(row.frozen or "")
        draft = Draft.model_validate_json(row.content)
        preview = await self._service.preview(draft, row, event)
        staff, service = request[VISIT].staff, self._service
        beside = await self._db.read(lambda conn: _beside(conn, service, row, event, staff))
        told = preview["texts"]
        people = sum(one["people"] for one in told)
        return self._screens.page(
            request,
            "approval",
            status=422 if problems else 200,
            problems=[*problems, *preview["problems"]],
            row=row,
            event=event,
            hazard=self._service.assembly.hazards[row.hazard],
            counts=_counts(told),
            people=people,
            preview=preview,
            texts=_texts(event),
            languages=self._languages(event),
            alone=bool(staff.roles & WRITERS) and not glass.problems(self._service.assembly.glasses, draft, LONG),
            draft=draft,
            page_states=STATES,
            **beside,
            **await self._guard.proof(request),
        )


def _beside(conn: Connection, service: Service, row: AlertRow, event: Event, staff: Staff) -> dict[str, Any]:
    """What stands on the page beside the message: why this person may not send it, who else may, who was paged, surge mode, and
    the room of the map, which comes later: no button may move under a thumb then. In one go: each would be another wait."""
    offers = service.surge
    return {
        "refused": service.newsroom.hindrances(conn, staff, row),
        "able": service.paging.able(conn, row),
        "map_size": locator.size(event.areas, atlas.areas(conn)),
        "paged": paging_rows.history(conn, row.alert_id),
        "surge": offers.beside(conn, row, event, staff) if offers is not None else None,
    }


def _counts(told: Sequence[dict[str, Any]]) -> list[Count]:
    found: dict[str, dict[str, int]] = {}
    for one in told:
        by_language = found.setdefault(one["channel"], {})
        by_language[one["language"]] = by_language.get(one["language"], 0) + one["people"]
    return [
        Count(channel=channel, people=sum(each.values()), languages=sorted(each.items(), key=lambda pair: -pair[1]))
        for channel, each in sorted(found.items())
    ]


def _texts(event: Event) -> dict[str, dict[str, str]]:
    """What stands in the frozen event, not what would be rendered now: language -> wording -> text."""
    found: dict[str, dict[str, str]] = {}
    for key, content in event.contents.items():
        channel, wording, language = key.split("/", 2)
        if channel == "sms":
            found.setdefault(language, {})[wording] = content.body
    return found


def _by_body(said: Mapping[str, str]) -> dict[str, list[str]]:
    """Text -> its wordings: where a language has no short form, the long one stands for both."""
    found: dict[str, list[str]] = {}
    for wording, body in said.items():
        found.setdefault(body, []).append(wording)
    return found
