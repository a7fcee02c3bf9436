"""From a draft to the Event it would become: areas, audience rule, CAP defaults, times, words. Checked as a whole."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import uuid4

from shapely import unary_union
from sqlalchemy import Connection

from notify import bulletin, cap, cap_check, cap_geometry, register, render
from notify.alert import MSG_TYPE, Area, Event, Info, Mode, MsgType, Reference, Severity, Stage, from_json
from notify.city import City, Source
from notify.draft import AreaChoice, Draft
from notify.hazards import Hazard, people_needed
from notify.reviews import Review
from notify.site import Site
from notify.subject import Subject, Told
from notify.tables import AlertRow, EventRow
from notify.words import Words
from subscribers import areas as geography
from subscribers import atlas
from subscribers.index import Index

SHOWN_AFTER_ALL_CLEAR: Final = timedelta(hours=24)  # an all clear stays in force this long, so that pollers see it
LONGEST: Final = timedelta(days=7)
FOLLOWS: Final = frozenset({Stage.UPDATE, Stage.CORRECTION, Stage.ALL_CLEAR, Stage.FALSE_ALARM})


class BadArea(ValueError):
    """The area cannot be used; `problems` holds every reason."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = list(problems)


@dataclass(frozen=True, slots=True)
class Prepared:
    """A draft with everything looked up: what `assemble` and the preview both start from."""

    draft: Draft
    hazard: Hazard
    source: Source
    areas: tuple[Area, ...]
    subject: Subject
    earlier: tuple[EventRow, ...]
    bases: frozenset[str]
    severity: Severity

    @property
    def citywide(self) -> bool:
        return any(area.citywide for area in self.areas)


@dataclass(frozen=True, slots=True, kw_only=True)
class Assembly:
    """The Assembler of a running service. `index` and `reviews` give what is true now."""

    city: City
    site: Site
    words: Words
    hazards: Mapping[str, Hazard]
    mode: Mode
    index: Callable[[], Index]
    reviews: Callable[[Connection], Collection[Review]]
    allow_drafts: bool
    countdown_s: float | None = None

    def problems(self, conn: Connection, draft: Draft, row: AlertRow | None, now: datetime) -> list[str]:
        """Everything wrong with a draft, all at once, as sentences."""
        found = list(self._plain_problems(conn, draft, row, now))
        try:
            self._areas(conn, draft.area)
        except BadArea as error:
            found += error.problems
        if found:
            return found
        prepared = self.prepare(conn, draft, row, now)
        found += render.problems(prepared.subject, self.words)
        found += self._crowd_problems(prepared)
        if found:
            return found
        event = self._event(conn, prepared, "check-1", "check", now)
        try:
            sealed, document = self.seal(conn, replace(event, incident_id=row.incident_id if row else "check"), now)
        except ValueError as error:
            return [f"CAP: {error}"]
        found = [*cap_check.problems(document, "cap"), *cap_check.problems(document, "google", sealed.references)]
        return [f"CAP: {problem.sentence}" for problem in found if not problem.advice]

    def assemble(self, conn: Connection, draft: Draft, row: AlertRow, now: datetime) -> Event:
        prepared = self.prepare(conn, draft, row, now)
        return self._event(conn, prepared, row.alert_id, row.incident_id, now)

    def seal(self, conn: Connection, event: Event, now: datetime) -> tuple[Event, bytes]:
        """Fixes identity, time and references, and makes the CAP document: the last change an Event ever sees."""
        identifier, sender = cap.identity(uuid4(), self.city.pack.sender)
        references: tuple[Reference, ...] = ()
        if MSG_TYPE[event.stage] is not MsgType.ALERT:
            references = self._references(conn, event.incident_id, now)
        sealed = replace(event, identifier=identifier, sender=sender, sent=now, references=references)
        return sealed, cap.build(sealed, self.city.pack.zone)

    def people_needed(self, event: Event) -> int:
        return people_needed(self.hazards[event.hazard], event.stage, self.recipients(event))

    def countdown(self, event: Event) -> timedelta:
        if self.countdown_s is not None:
            return timedelta(seconds=self.countdown_s)
        return self.city.policy.countdown(event)

    def recipients(self, event: Event) -> int:
        """How many addresses the event's areas match now."""
        hazard = self.hazards[event.hazard]
        shape = unary_union([area.shape for area in event.areas])
        citywide = any(area.citywide for area in event.areas)
        return len(self.index().match(shape, citywide=citywide, bases=self.city.policy.bases(hazard, event.severity)))

    def prepare(self, conn: Connection, draft: Draft, row: AlertRow | None, now: datetime) -> Prepared:
        """Looks everything up. Only for a draft without plain problems; raises BadArea."""
        hazard = self.hazards[draft.hazard]
        incident_id = row.incident_id if row else draft.incident
        earlier = tuple(event for event in register.events(conn, incident_id) if event.started_at) if incident_id else ()
        areas = self._areas(conn, draft.area)
        severity = draft.severity or hazard.severity
        source = self.city.pack.sources[draft.source] if draft.source else self.city.pack.source_for(hazard.key)
        return Prepared(
            draft=draft,
            hazard=hazard,
            source=source,
            areas=areas,
            subject=self._subject(draft, source, areas, earlier, incident_id or "K7Q2X", now),
            earlier=earlier,
            bases=self.city.policy.bases(hazard, severity),
            severity=severity,
        )

    def rendering(self, conn: Connection, prepared: Prepared) -> render.Rendering:
        tags = {language.tag: language.cap for language in self.city.pack.languages}
        return render.render(prepared.subject, self.words, self.reviews(conn), tags, allow_drafts=self.allow_drafts)

    def _event(self, conn: Connection, prepared: Prepared, alert_id: str, incident_id: str, now: datetime) -> Event:
        draft, hazard = prepared.draft, prepared.hazard
        rendering = self.rendering(conn, prepared)
        effective = draft.effective or now
        return Event(
            event_id=alert_id,
            alert_id=alert_id,
            incident_id=incident_id,
            mode=self.mode,
            stage=draft.stage,
            hazard=hazard.key,
            categories=tuple(hazard.categories),
            event_codes=hazard.event_codes,
            response_type=_response_type(hazard, draft.stage),
            urgency=draft.urgency or hazard.urgency,
            severity=prepared.severity,
            certainty=draft.certainty or hazard.certainty,
            areas=prepared.areas,
            infos=self._excepting(conn, prepared.areas, rendering.infos),
            pages=rendering.pages,
            contents=rendering.contents,
            languages_used=rendering.languages_used,
            channels=draft.channels,
            sender=self.city.pack.sender,
            sender_name=prepared.source.name,
            contact=", ".join(self.city.pack.phones),
            web=self.site.url(self.site.page(incident_id)),
            identifier="",
            sent=now,
            effective=effective,
            expires=_expires(draft, hazard, effective),
            until_cleared=_until_cleared(draft),
            next_update_by=draft.next_update_by,
            short=draft.short,
            note=draft.note,
        )

    def _excepting(self, conn: Connection, areas: Sequence[Area], infos: Sequence[Info]) -> tuple[Info, ...]:
        """CAP cannot draw holes: what lies in one is covered by the polygon and excepted in words, "Portland (≠ Lents)"."""
        holes = [hole for area in areas for hole in cap_geometry.exceptions(area.shape, self._known(conn))]
        if not holes:
            return tuple(infos)
        names = ", ".join(dict.fromkeys(hole.name if hole else "≠" for hole in holes if hole)) or "—"
        return tuple(replace(info, area_desc=f"{info.area_desc} (≠ {names})") for info in infos)

    def _known(self, conn: Connection) -> list[Area]:
        return [Area(name=area.name, shape=area.shape, kind=area.kind) for area in atlas.areas(conn)]

    def _subject(
        self, draft: Draft, source: Source, areas: Sequence[Area], earlier: Sequence[EventRow], incident_id: str, now: datetime
    ) -> Subject:
        pack = self.city.pack
        effective = draft.effective or now
        return Subject(
            hazard=draft.hazard,
            stage=draft.stage,
            mode=self.mode,
            place=place_words(areas, pack.tags),
            source=source.name,
            source_short=source.short,
            city=pack.publisher,
            phones=pack.phones,
            urls={tag: self.site.url(self.site.page(incident_id, tag)) for tag in pack.tags},
            sent=now,
            time_zone=pack.zone,
            slots=draft.slots,
            expires=_expires(draft, self.hazards[draft.hazard], effective),
            until_cleared=_until_cleared(draft),
            next_update_by=draft.next_update_by,
            told=_told(earlier, pack.tags) if draft.stage in (Stage.CORRECTION, Stage.FALSE_ALARM) else None,
            thread=f"<{incident_id}@{pack.sender.partition('@')[2]}>" if earlier else "",
        )

    def _plain_problems(self, conn: Connection, draft: Draft, row: AlertRow | None, now: datetime) -> list[str]:
        problems = []
        if draft.hazard not in self.hazards:
            return [f"hazard: there is no hazard '{draft.hazard}'; known are {', '.join(self.hazards)}."]
        if draft.source and draft.source not in self.city.pack.sources:
            problems.append(f"source: '{draft.source}' is not one of {', '.join(self.city.pack.sources)}.")
        if not draft.channels:
            problems.append("channels: choose at least one of sms, email and feed.")
        if (draft.stage is Stage.TEST) != (draft.hazard == "test") and draft.stage is not Stage.TEST:
            problems.append("stage: the hazard 'test' is only for tests.")
        problems += self._time_problems(draft, now)
        problems += self._thread_problems(conn, draft, row)
        return problems

    def _time_problems(self, draft: Draft, now: datetime) -> list[str]:
        problems = []
        hazard = self.hazards[draft.hazard]
        expires = _expires(draft, hazard, draft.effective or now)
        if expires <= now:
            problems.append(f"expires: {expires:%Y-%m-%d %H:%M} UTC has passed.")
        if expires > now + LONGEST:
            problems.append("expires: an alert lasts seven days at most; renew it instead.")
        if draft.learned_at and draft.learned_at > now:
            problems.append("learned_at: lies in the future.")
        if draft.next_update_by and draft.next_update_by <= now:
            problems.append("next_update_by: has passed; promise a later time.")
        if draft.not_after and draft.not_after <= now:
            problems.append("not_after: has passed.")
        return problems

    def _thread_problems(self, conn: Connection, draft: Draft, row: AlertRow | None) -> list[str]:
        """A follow-up follows something people were told; a first alert opens an incident of its own."""
        incident_id = row.incident_id if row else draft.incident
        sent = [event for event in register.events(conn, incident_id) if event.started_at] if incident_id else []
        if draft.stage in FOLLOWS and not sent:
            return [f"stage: there is nothing to {draft.stage.replace('_', ' ')}: no alert of this incident has been sent."]
        if draft.stage is Stage.FIRST and sent:
            return ["stage: this incident has a first alert already; write an update."]
        over = [event for event in sent if event.stage in (Stage.ALL_CLEAR, Stage.FALSE_ALARM)]
        if over and draft.stage is Stage.UPDATE:
            return ["stage: this incident is over; a new danger is a new alert."]
        return []

    def _crowd_problems(self, prepared: Prepared) -> list[str]:
        """An area somebody drew that reaches a large part of everybody needs the author to say the number expected."""
        draft = prepared.draft
        if draft.area.names or draft.stage not in (Stage.FIRST, Stage.UPDATE, Stage.TEST):
            return []
        shape = unary_union([area.shape for area in prepared.areas])
        index = self.index()
        people = len(index.match(shape, citywide=prepared.citywide, bases=prepared.bases))
        share = float(self.city.policy.audience["typed_confirmation_share"])
        if people <= share * len(index) or (draft.expected_people or 0) in range(int(people * 0.8), int(people * 1.2) + 1):
            return []
        return [
            f"expected_people: this drawn area reaches {people:,} of {len(index):,} addresses. "
            f"If that is meant, set expected_people to about {people}."
        ]

    def _areas(self, conn: Connection, choice: AreaChoice) -> tuple[Area, ...]:
        if choice.names:
            return self._named(conn, choice.names)
        if not choice.geojson and not choice.circle:
            raise BadArea(["area: name at least one area, or draw one."])
        try:
            if choice.circle:
                shape = geography.circle(choice.circle.lat, choice.circle.lon, choice.circle.radius_m)
            else:
                shape = geography.read_geometry(choice.geojson or {}, self.city.pack.box)
        except geography.BadArea as error:
            raise BadArea([f"area: {problem}" for problem in error.problems]) from None
        drawn = Area(name=choice.words.strip(), shape=shape, kind="custom")
        return (replace(drawn, citywide=self._covers_the_city(conn, shape)),)

    def _named(self, conn: Connection, names: Sequence[str]) -> tuple[Area, ...]:
        known = {area.name: area for area in atlas.areas(conn)}
        unknown = [name for name in names if name not in known]
        if unknown:
            raise BadArea([f"area: there is no area '{name}'; 'tocsin areas list' names them." for name in unknown])
        found = [known[name] for name in dict.fromkeys(names)]
        whole = self._covers_the_city(conn, unary_union([area.shape for area in found]))
        return tuple(
            Area(name=area.name, shape=area.shape, kind=area.kind, citywide=area.citywide or whole, names=area.names)
            for area in found
        )

    def _covers_the_city(self, conn: Connection, shape: Any) -> bool:
        """Whether an area covers the share of the city from which on it counts as citywide (policy)."""
        policy = self.city.policy.citywide
        city = next((area.shape for area in atlas.areas(conn) if area.name == policy["city_area"]), None)
        return city is not None and shape.intersection(city).area >= float(policy["share_of_city"]) * city.area

    def _references(self, conn: Connection, incident_id: str, now: datetime) -> tuple[Reference, ...]:
        """Every message of the incident that was published and has not expired."""
        rows = [row for row in register.events(conn, incident_id) if row.started_at and row.expires_at > now]
        events = [from_json(row.content) for row in rows]
        return tuple(
            Reference(sender=event.sender, identifier=event.identifier, sent=event.sent)
            for event in events
            if not bulletin.is_test(event) or event.mode is Mode.TRAINING
        )


def place_words(areas: Sequence[Area], tags: Sequence[str]) -> dict[str, str]:
    """The areas' names in each language, in the order given."""
    return {tag: ", ".join(area.names.get(tag, area.name) for area in areas) for tag in tags}


def _told(earlier: Sequence[EventRow], tags: Sequence[str]) -> Told | None:
    """What the last message said: when, and which area it named."""
    if not earlier:
        return None
    last = earlier[-1]
    return Told(at=last.started_at or last.approved_at, place=place_words(from_json(last.content).areas, tags))


def _expires(draft: Draft, hazard: Hazard, effective: datetime) -> datetime:
    if draft.expires is not None:
        return draft.expires
    return effective + (SHOWN_AFTER_ALL_CLEAR if draft.stage in (Stage.ALL_CLEAR, Stage.FALSE_ALARM) else hazard.expires)


def _until_cleared(draft: Draft) -> bool:
    return draft.until == "cleared" and draft.stage in (Stage.FIRST, Stage.UPDATE, Stage.CORRECTION)


def _response_type(hazard: Hazard, stage: Stage) -> str:
    if stage is Stage.ALL_CLEAR:
        return "AllClear"
    return "None" if stage in (Stage.TEST, Stage.FALSE_ALARM) else hazard.response_type
