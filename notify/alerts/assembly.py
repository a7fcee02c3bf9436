"""From a draft to the Event it would become: areas, audience rule, CAP defaults, times, words. Checked as a whole."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final
from uuid import uuid4

from shapely import unary_union
from sqlalchemy import Connection

from notify.alerts import asl, exercise, period, register, said_before, sequence, territory
from notify.alerts.alert import MSG_TYPE, Area, Event, Mode, MsgType, Reference, Severity, Stage, from_json
from notify.alerts.draft import Draft
from notify.alerts.glass import Glass
from notify.alerts.hazards import Hazard, people_needed
from notify.city import City, Source
from notify.publishing import bulletin, cap, cap_check
from notify.publishing.cap_signing import UNSIGNED, Signing
from notify.publishing.site import Site
from notify.sending import coupling
from notify.tables import AlertRow, EventRow
from notify.wording import render
from notify.wording.fallback import has_short
from notify.wording.rendered import Rendered
from notify.wording.reviews import Review
from notify.wording.slots import ENGLISH
from notify.wording.subject import Subject, Told
from notify.wording.words import Words
from subscribers.index import Index

TAKES_BACK: Final = frozenset({Stage.CORRECTION, Stage.FALSE_ALARM})  # their words name what was wrong


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
    sign: Signing = UNSIGNED
    rendered: Rendered = field(default_factory=Rendered, compare=False, repr=False)

    def problems(self, conn: Connection, draft: Draft, row: AlertRow | None, now: datetime) -> list[str]:
        """Everything wrong with a draft, all at once, as sentences."""
        found = list(self._plain_problems(conn, draft, row, now))
        areas: tuple[Area, ...] = ()
        try:
            areas = territory.chosen(conn, self.city, draft.area)
        except territory.BadArea as error:
            found += error.problems
        if draft.hazard not in self.hazards:
            return found
        found += render.problems(self._stand_in(draft, areas, now), self.words)
        found += self._crowd_problems(draft, areas)
        if found:
            return found
        prepared = self.prepare(conn, draft, row, now)
        event = self._event(conn, prepared, "check-1", row.incident_id if row else draft.incident or "check", now)
        if misleading := exercise.problems(event, self.mode, exercise.marks(self.words)):
            return misleading
        try:
            sealed, document = self.seal(conn, event, now)
        except ValueError as error:
            return [f"CAP: {error}"]
        found_in_it = cap_check.problems(document, "google", sealed.references)  # the standard's rules among them
        return [f"CAP: {problem.sentence}" for problem in found_in_it if not problem.advice]

    def assemble(self, conn: Connection, draft: Draft, row: AlertRow, now: datetime) -> Event:
        prepared = self.prepare(conn, draft, row, now)
        return self._event(conn, prepared, row.alert_id, row.incident_id, now)

    def seal(self, conn: Connection, event: Event, now: datetime) -> tuple[Event, bytes]:
        """Fixes identity, time and references, and makes the CAP document: the last change but `refer`'s."""
        identifier, sender = cap.identity(uuid4(), self.city.pack.sender)
        references = self._references(conn, event, now)
        sealed = replace(event, identifier=identifier, sender=sender, sent=now, references=references)
        return sealed, self._document(sealed, now)

    def refer(self, conn: Connection, event: Event, now: datetime) -> tuple[Event, bytes] | None:
        """A sealed event as it must be when it begins: what has left in its incident since its approval is referred to as well,
        so that who goes by CAP's references, or by its times, sees that it holds no more. None where nothing has left."""
        left = tuple(one for one in self._references(conn, event, now) if one not in event.references)
        if not left:
            return None
        anew = replace(event, sent=now, references=event.references + left)
        return anew, self._document(anew, now)

    def _document(self, sealed: Event, now: datetime) -> bytes:
        return self.sign(cap.build(sealed, self.city.pack.zone), now)

    def people_needed(self, event: Event) -> int:
        return people_needed(self.hazards[event.hazard], event.stage, self.recipients(event))

    @property
    def glasses(self) -> Sequence[Glass]:
        return self.city.policy.break_glass

    def countdown(self, event: Event) -> timedelta:
        if self.countdown_s is not None:
            return timedelta(seconds=self.countdown_s)
        return self.city.policy.countdown(event)

    def recipients(self, event: Event) -> int:
        """How many addresses the event's areas match now."""
        hazard = self.hazards[event.hazard]
        shape = unary_union([area.shape for area in event.areas])
        citywide = any(area.citywide for area in event.areas)
        return self.index().counts(shape, citywide=citywide, bases=self.city.policy.bases(hazard, event.severity)).people

    def prepare(
        self, conn: Connection, draft: Draft, row: AlertRow | None, now: datetime, areas: tuple[Area, ...] | None = None
    ) -> Prepared:
        """Looks everything up, also the areas unless they are given, as those of what is frozen. Only for a draft without plain
        problems; raises territory.BadArea."""
        hazard = self.hazards[draft.hazard]
        incident_id = row.incident_id if row else draft.incident
        earlier = tuple(event for event in register.events(conn, incident_id) if event.started_at) if incident_id else ()
        areas = territory.chosen(conn, self.city, draft.area) if areas is None else areas
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
        return self.rendered.of(prepared.subject, self.words, self.reviews(conn), tags, allow_drafts=self.allow_drafts)

    def _event(self, conn: Connection, prepared: Prepared, alert_id: str, incident_id: str, now: datetime) -> Event:
        draft, hazard = prepared.draft, prepared.hazard
        rendering = self.rendering(conn, prepared)
        tags = {language.cap: language.tag for language in self.city.pack.languages}
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
            infos=territory.excepting(prepared.areas, rendering.infos, territory.known(conn), tags),
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
            expires=period.expires(draft, hazard, effective),
            until_cleared=period.until_cleared(draft, hazard),
            next_update_by=draft.next_update_by,
            short=draft.short,
            slows=draft.slows,
            asl_video=draft.asl_video,
            note=draft.note,
        )

    def _stand_in(self, draft: Draft, areas: Sequence[Area], now: datetime) -> Subject:
        """The subject as far as there is one, to look at its slots beside everything else that is wrong with the draft."""
        known = draft.source in self.city.pack.sources
        source = self.city.pack.sources[draft.source] if known else self.city.pack.source_for(draft.hazard)
        subject = self._subject(draft, source, areas, (), "K7Q2X", now)
        place = subject.place if areas else {ENGLISH: "-"}
        return replace(subject, place=place, told=Told(at=now, place=place) if draft.stage in TAKES_BACK else None)

    def _subject(
        self, draft: Draft, source: Source, areas: Sequence[Area], earlier: Sequence[EventRow], incident_id: str, now: datetime
    ) -> Subject:
        pack = self.city.pack
        effective = draft.effective or now
        return Subject(
            hazard=draft.hazard,
            stage=draft.stage,
            mode=self.mode,
            place=territory.place_words(areas, pack.tags),
            source=source.name,
            source_short=source.short,
            city=pack.publisher,
            phones=pack.phones,
            urls={tag: self._link(incident_id, tag) for tag in pack.tags},
            sent=max(now, draft.not_before or now),
            time_zone=pack.zone,
            slots=draft.slots,
            expires=period.expires(draft, self.hazards[draft.hazard], effective),
            until_cleared=period.until_cleared(draft, self.hazards[draft.hazard]),
            next_update_by=draft.next_update_by,
            told=said_before.told(earlier, pack.tags) if draft.stage in TAKES_BACK else None,
            reply_word=next(iter(self.hazards[draft.hazard].topics), ""),
            asl_video=draft.asl_video,
            changed=draft.stage is Stage.UPDATE and said_before.hazard(earlier) not in ("", draft.hazard),
            thread=f"<{incident_id}@{pack.sender.partition('@')[2]}>",
        )

    def _link(self, incident_id: str, tag: str) -> str:
        """The page's address in texts and mails. A demo names the city's own host, so that its texts are as long as real
        ones; nobody's phone ever gets them."""
        if self.mode is not Mode.DEMO:
            return self.site.url(self.site.page(incident_id, tag))
        page = self.site.page(incident_id, tag).removeprefix(self.site.prefix)
        return f"https://{self.city.pack.link_host}/{page}"

    def _plain_problems(self, conn: Connection, draft: Draft, row: AlertRow | None, now: datetime) -> list[str]:
        problems = list(asl.problems(draft.asl_video, self.city.pack.asl.hosts))
        if draft.hazard not in self.hazards:
            problems.append(f"hazard: there is no hazard '{draft.hazard}'; known are {', '.join(self.hazards)}.")
        elif draft.short and not has_short(self.words, draft.hazard):
            problems.append(f"short: the words of '{draft.hazard}' have no one-part form.")
        if draft.slows and draft.hazard in self.hazards:
            problems += coupling.problems(self.hazards[draft.hazard], draft.stage, draft.severity)
        if draft.source and draft.source not in self.city.pack.sources:
            problems.append(f"source: '{draft.source}' is not one of {', '.join(self.city.pack.sources)}.")
        if not draft.channels:
            problems.append("channels: choose at least one of sms, email and feed.")
        if (draft.stage is Stage.TEST) != (draft.hazard == "test") and draft.stage is not Stage.TEST:
            problems.append("stage: the hazard 'test' is only for tests.")
        if draft.stage is Stage.RENEWAL:
            problems.append("stage: nobody writes a renewal; it happens by itself.")
        problems += period.problems(draft, self.hazards.get(draft.hazard, self.hazards["other"]), now)
        problems += sequence.problems(conn, draft, row)
        return problems

    def _crowd_problems(self, draft: Draft, areas: Sequence[Area]) -> list[str]:
        """An area somebody drew that reaches a large part of everybody needs the author to say the number expected."""
        if draft.area.names or not areas or draft.stage not in (Stage.FIRST, Stage.UPDATE, Stage.TEST):
            return []
        hazard, index = self.hazards[draft.hazard], self.index()
        bases = self.city.policy.bases(hazard, draft.severity or hazard.severity)
        shape = unary_union([area.shape for area in areas])
        people = index.counts(shape, citywide=any(area.citywide for area in areas), bases=bases).people
        share = float(self.city.policy.audience["typed_confirmation_share"])
        if people <= share * len(index) or (draft.expected_people or 0) in range(int(people * 0.8), int(people * 1.2) + 1):
            return []
        return [
            f"expected_people: this drawn area reaches {people:,} of {len(index):,} addresses. "
            f"If that is meant, set expected_people to about {people}."
        ]

    def _references(self, conn: Connection, event: Event, now: datetime) -> tuple[Reference, ...]:
        """Every message of the incident that was published and has not expired; when all have, the last one: an Update or a
        Cancel is always about something. None for what opens an incident."""
        if MSG_TYPE[event.stage] is MsgType.ALERT:
            return ()
        left = [row for row in register.events(conn, event.incident_id) if row.started_at]
        said = [from_json(row.content) for row in [row for row in left if row.expires_at > now] or left[-1:]]
        return tuple(
            Reference(sender=one.sender, identifier=one.identifier, sent=one.sent)
            for one in said
            if not bulletin.is_test(one) or one.mode is Mode.TRAINING
        )


def _response_type(hazard: Hazard, stage: Stage) -> str:
    if stage is Stage.ALL_CLEAR:
        return "AllClear"
    return "None" if stage in (Stage.TEST, Stage.FALSE_ALARM) else hazard.response_type
