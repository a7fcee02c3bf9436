"""Writing an alert: choose the hazard, fill in one page, look at what people would get, ask for approval."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from aiohttp import web

from notify.alerts import register
from notify.alerts.alert import Stage
from notify.alerts.area_import import km2
from notify.alerts.broadcast import Unfit
from notify.alerts.draft import BadDraft, Draft
from notify.alerts.hazards import Hazard
from notify.alerts.life import EDITABLE, WRITERS, Status
from notify.alerts.limits import narrowed
from notify.console import draft_form
from notify.console.draft_form import SLOT, Filled, Problem
from notify.console.routing import FORM, SEVERAL, SIGNED_IN, Guard, Route
from notify.console.screens import VISIT
from notify.service import Service
from notify.tables import AlertRow
from notify.wording import plain_language
from notify.wording.fallback import has_short
from notify.wording.slots import Kind, Slot
from subscribers import atlas
from subscribers.areas import BadArea
from subscribers.mending import mended

SIMPLER_DEG: Final = 0.0002  # about 20 metres: no eye sees it at the scale of a city
FIELDS: Final = (*draft_form.TIMES, *draft_form.CHOICES, "names", "geojson", "lat", "lon", "radius_m", "words", "channels")
SIGNED: Final = "in sign language"
OTHERS: Final = ("short", "slows", "note", "asl_video", "expected_people", "ends")


@dataclass(frozen=True, slots=True, kw_only=True)
class Looked:
    """What the preview panel shows. problems: with the fields they are about."""

    problems: Sequence[Problem]
    preview: Mapping[str, Any]
    shown: str  # the language whose texts are shown
    lights: Sequence[tuple[str, bool]] = ()
    grade: float | None = None
    advice: Sequence[str] = ()


class Composer:
    def __init__(self, guard: Guard, service: Service) -> None:
        self._guard, self._service = guard, service
        self._screens, self._db = guard.screens, guard.db
        self._assembly = service.assembly
        self._zone = service.assembly.city.pack.zone

    def routes(self) -> list[Route]:
        alert = "/alerts/{alert_id}"
        return [
            Route(method="GET", path="/alerts/new", answer=self.choose, roles=WRITERS),
            Route(method="POST", path="/alerts/new", answer=self.begin, roles=WRITERS),
            Route(method="GET", path=f"{alert}/edit", answer=self.show, roles=WRITERS),
            Route(method="POST", path=f"{alert}/edit", answer=self.save, roles=WRITERS),
            Route(method="POST", path=f"{alert}/preview", answer=self.preview, roles=WRITERS),
            Route(method="GET", path="/areas.geojson", answer=self.map, roles=SIGNED_IN, passive=True),
        ]

    async def choose(self, request: web.Request) -> web.StreamResponse:
        """Every hazard with its synonyms; a field narrows them down."""
        return self._screens.page(request, "choose", hazards=self._assembly.hazards.values())

    async def begin(self, request: web.Request) -> web.StreamResponse:
        """A new draft with what is usual for its hazard already filled in."""
        form, staff = request[FORM], request[VISIT].staff
        key = form.text("hazard")
        if key not in self._assembly.hazards:
            raise Unfit([f"There is no hazard '{key}'."])
        stage = Stage.TEST if key == "test" or form.text("stage") == "test" else Stage.FIRST
        known = {area.name for area in await self._db.read(atlas.areas)}
        preset = [name for name in self._assembly.city.policy.presets.get(key, ()) if name in known]
        draft = narrowed(usual(self._assembly.hazards[key], stage, preset), staff)
        row = await self._db.write(lambda conn: self._service.newsroom.compose(conn, staff, draft))
        return self._screens.moved(f"/alerts/{row.alert_id}/edit")

    async def show(self, request: web.Request) -> web.StreamResponse:
        row = await self._row(request)
        if Status(row.status) not in EDITABLE:
            return self._screens.moved(f"/alerts/{row.alert_id}")
        draft = Draft.model_validate_json(row.content)
        filled = draft_form.fill(draft, self._slots(draft), self._zone)
        return await self._page(request, row, draft, filled, await self._look(draft, row, "en"))

    async def preview(self, request: web.Request) -> web.StreamResponse:
        """What the form of now would become, without keeping it."""
        row, filled = await self._row(request), _filled(request)
        start = Draft.model_validate_json(row.content)
        try:
            looked = await self._look(self._parse(filled, start), row, filled.text("show") or "en")
        except BadDraft as error:
            looked = self._refused(error.problems, start)
        return self._screens.page(request, "part/preview", looked=looked, row=row, languages=self._languages())

    async def save(self, request: web.Request) -> web.StreamResponse:
        """Keeps the form; and asks for approval when that button was pressed. Nothing typed is lost, whatever is wrong."""
        row, form, filled = await self._row(request), request[FORM], _filled(request)
        start = Draft.model_validate_json(row.content)
        if form.text("act") == "mend":
            return await self._mend(request, row, start, filled)
        try:
            draft = self._parse(filled, start)
        except BadDraft as error:
            return await self._page(request, row, start, filled, self._refused(error.problems, start), status=422)
        seen = row.version if form.text("overwrite") == "yes" else _version(form.text("version"))
        try:
            await self._keep(request, row, draft, seen)
        except register.Conflict:
            row = await self._row(request)
            if Status(row.status) not in EDITABLE:
                raise
            return await self._page(request, row, start, filled, await self._look(draft, row, "en"), status=409)
        if form.text("act") != "submit":
            return self._screens.moved(f"/alerts/{row.alert_id}/edit")
        staff, newsroom = request[VISIT].staff, self._service.newsroom
        try:
            await self._db.write(lambda conn: newsroom.submit(conn, staff, row.alert_id))
        except Unfit as unfit:
            row = await self._row(request)
            return await self._page(request, row, draft, filled, self._refused(unfit.problems, draft), status=422)
        return self._screens.moved(f"/alerts/{row.alert_id}")

    async def _mend(self, request: web.Request, row: AlertRow, start: Draft, filled: Filled) -> web.Response:
        """The form again, with the shape mended in its field and drawn on the map; nothing is kept."""
        try:
            found = mended(filled.text("geojson"), self._assembly.city.pack.box)
        except BadArea as error:
            problems = [f"geojson: {problem}" for problem in error.problems]
            return await self._page(request, row, start, filled, self._refused(problems, start), status=422)
        filled = replace(filled, one={**filled.one, "geojson": found.geojson, "where": "drawn"})
        try:
            looked = await self._look(self._parse(filled, start), row, "en")
        except BadDraft as error:
            looked = self._refused(error.problems, start)
        return await self._page(request, row, start, filled, looked, mended=found, size=km2(found.shape))

    async def map(self, _: web.Request) -> web.StreamResponse:
        """The city's areas for the map, large ones first so that small ones lie above them."""
        areas = sorted(await self._db.read(atlas.areas), key=lambda area: -area.shape.area)
        collection = atlas.features(areas, simpler_deg=SIMPLER_DEG)
        return web.json_response(collection, headers={"Cache-Control": "private, max-age=300"})

    async def _keep(self, request: web.Request, row: AlertRow, draft: Draft, seen: int) -> None:
        """seen: the version the writer began from. Looked at again in the transaction that writes: of two who press at the
        same moment one is told. Raises Conflict."""
        if seen == row.version and draft == Draft.model_validate_json(row.content):
            return
        staff, newsroom = request[VISIT].staff, self._service.newsroom
        await self._db.write(lambda conn: newsroom.edit(conn, staff, row.alert_id, draft, seen))

    async def _row(self, request: web.Request) -> AlertRow:
        alert_id = request.match_info["alert_id"]
        return await self._db.read(lambda conn: register.alert(conn, alert_id))

    def _parse(self, filled: Filled, start: Draft) -> Draft:
        return draft_form.parse(filled, start, self._slots(start), self._zone)

    def _refused(self, problems: Sequence[str], draft: Draft) -> Looked:
        return Looked(problems=self._placed(problems, draft), preview={}, shown="en")

    async def _look(self, draft: Draft, row: AlertRow, shown: str) -> Looked:
        preview = await self._service.preview(draft, row)
        english = next((body for key, body in preview["bodies"].items() if key.startswith("sms/") and key.endswith("/en")), "")
        typed = " ".join(str(value) for name, value in draft.slots.items() if self._is_text(draft, name))
        return Looked(
            problems=self._placed(preview["problems"], draft),
            preview=preview,
            shown=shown,
            lights=[*lights(draft, preview), *self._signed(draft)],
            grade=plain_language.grade(english),
            advice=plain_language.advice(typed),
        )

    def _signed(self, draft: Draft) -> list[tuple[str, bool]]:
        """Whether there is a video in sign language, where the city expects one. A test needs none."""
        expected = self._assembly.city.pack.asl.expected and draft.stage is not Stage.TEST
        return [(SIGNED, bool(draft.asl_video))] if expected else []

    def _is_text(self, draft: Draft, name: str) -> bool:
        slot = self._slots(draft).get(name)
        return slot is not None and slot.type is Kind.TEXT

    def _placed(self, sentences: Sequence[str], draft: Draft) -> list[Problem]:
        return draft_form.placed(sentences, [*FIELDS, *OTHERS, *(f"{SLOT}{name}" for name in self._slots(draft))])

    def _slots(self, draft: Draft) -> Mapping[str, Slot]:
        return draft_form.slots_of(self._assembly.words, draft)

    def _languages(self) -> Sequence[Any]:
        return self._assembly.city.pack.languages

    async def _page(
        self, request: web.Request, row: AlertRow, draft: Draft, filled: Filled, looked: Looked, status: int = 200, **shown: Any
    ) -> web.Response:
        hazard = self._assembly.hazards[draft.hazard]
        areas = await self._db.read(atlas.areas)
        by_kind: dict[str, list[Any]] = {}
        for area in areas:
            by_kind.setdefault(area.kind, []).append(area)
        return self._screens.page(
            request,
            "compose",
            status=status,
            row=row,
            draft=draft,
            hazard=hazard,
            filled=filled,
            slots=self._slots(draft),
            Kind=Kind,
            SLOT=SLOT,
            areas=by_kind,
            sources=self._assembly.city.pack.sources,
            usual_source=self._assembly.city.pack.source_for(hazard.key),
            asl_hosts=self._assembly.city.pack.asl.hosts,
            has_short=has_short(self._assembly.words, draft.hazard),
            looked=looked,
            languages=self._languages(),
            conflict=status == 409,
            **({"mended": None, "size": 0.0} | shown),
        )


def lights(draft: Draft, preview: Mapping[str, Any]) -> list[tuple[str, bool]]:
    """Whether each part of a warning that people act on is there (Mileti and Sorensen 1990: who says it, what happens, where,
    what to do, how long)."""
    whole = not preview["problems"]
    timed = bool(draft.until or draft.expires or draft.next_update_by) or draft.stage in (Stage.ALL_CLEAR, Stage.FALSE_ALARM)
    there = bool(draft.area.names or draft.area.geojson or draft.area.circle)
    return [("who", True), ("what", bool(draft.hazard)), ("where", there), ("what to do", whole), ("how long", timed)]


def usual(hazard: Hazard, stage: Stage, preset: Sequence[str]) -> Draft:
    """What an alert of this hazard starts from: the city's preset area; held until somebody says it is over where that is the
    rule. Without a preset it has no area, and cannot be sent before its author has chosen one."""
    given: dict[str, Any] = {"hazard": hazard.key, "stage": stage, "area": {"names": list(preset)}}
    if hazard.must_renew and stage is Stage.FIRST:
        given["until"] = "cleared"
    return Draft.model_validate(given)


def _version(typed: str) -> int:
    """The version a form says it began from; one that there never is for a form that says none."""
    return int(typed) if typed.isascii() and typed.isdigit() and len(typed) < 16 else 0


def _filled(request: web.Request) -> Filled:
    many = request[SEVERAL]
    return Filled(one=request[FORM].fields, many=many)
