"""A running service: what the API asks of it, put together from the verbs and the live index."""

import asyncio
import dataclasses
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import numpy as np
from babel.dates import format_datetime
from numpy.typing import NDArray
from shapely import unary_union
from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from notify import audit, data
from notify.alerts import after_action, later, register, sequence
from notify.alerts.alert import Event, Stage
from notify.alerts.assembly import Assembly, Prepared
from notify.alerts.audience import NOBODY, Ids, Told, wordings
from notify.alerts.broadcast import Newsroom
from notify.alerts.conductor import Conductor
from notify.alerts.crowd import CHANNELS, Crowd, whom_it_concerns
from notify.alerts.draft import Draft
from notify.alerts.life import Staff
from notify.alerts.preview import Means, Row, dear_letters, rows, shorter_saves, slowest, summary
from notify.clock import Clock
from notify.db import Database
from notify.full_disk import LEDGER, LOGGED, no_room
from notify.identity.provider import Provider
from notify.mirror.copying import Mirror
from notify.partners.webhook_verbs import Webhooks
from notify.processes.posts import Alone, Crew
from notify.received.office import Received
from notify.reserve import Reserve
from notify.sending import held, hold, ledger, planning
from notify.sending.brake import Brake
from notify.sending.dispatch import Dispatcher
from notify.sending.planning import Groups
from notify.staff.pager import Pager
from notify.staff.paging_desk import Paging
from notify.staff.training_log import Training
from notify.tables import AlertRow, EventRow
from notify.tallies import Shared, Tallies
from notify.wording import sayings
from notify.wording.read_back import ReadBack
from notify.wording.render import BadSubject, Rendering
from notify.wording.review_desk import ReviewDesk
from subscribers import atlas
from subscribers.index import Index
from subscribers.plain import spoken
from surge.switch.offer import Offers

logger = logging.getLogger(__name__)

ByWording = Mapping[tuple[str, str, str], int]  # (channel, wording, language) -> people
Counted = tuple[ByWording, Mapping[str, int]]  # the second: people by basis
Looked = list[str] | tuple[Prepared, Rendering, Counted, list[str]]  # problems, or all; the last: who gets the text later


@dataclass(slots=True)
class Service:
    """The parts the API reaches. tallies, reports: read once for everybody who looks at a send, or at an incident.
    review_desk: what readers of a language have before them."""

    db: Database
    clock: Clock
    newsroom: Newsroom
    assembly: Assembly
    crowd: Crowd
    conductor: Conductor
    dispatchers: Sequence[Dispatcher]
    pager: Pager
    paging: Paging
    training: Training
    brake: Brake
    webhooks: Webhooks
    crew: Crew = field(default_factory=Alone)
    surge: Offers | None = None  # beside alerts of Severe or more; None where surge mode is not set up
    mirrors: Sequence[Mirror] = ()
    received: Received | None = None  # alerts of other agencies
    identity: Provider | None = None  # of the city, through which staff may sign in
    reserves: Sequence[Reserve] = ()  # room kept on our own disks
    tallies: Tallies = field(init=False)
    reports: Shared[after_action.Report] = field(init=False)
    read_back: ReadBack = field(init=False)
    review_desk: ReviewDesk = field(init=False)

    def __post_init__(self) -> None:
        self.tallies = Tallies(self.db)
        self.read_back = ReadBack(self.assembly.words)
        self.reports = Shared(self.db, partial(after_action.report, clock=self.clock))
        words = sayings.joined(self.assembly.words, sayings.load(data.folder("templates"), data.folder("runbooks")))
        self.review_desk = ReviewDesk(self.db, words, self.assembly.hazards, self.assembly.reviews)

    async def after(self, act: str, alert_id: str) -> None:
        """What an act sets going once it is on disk."""
        if act == "stop":
            await self.conductor.withdraw(alert_id)

    def agree_release(self, conn: Connection, staff: Staff, digest: str) -> Sequence[str]:
        """A second person's word about what is held; returns the alerts that were stopped by it. Raises as held.agree."""
        return held.agree(conn, staff.person_id, digest, partial(self._stopped_by, staff), self.clock.now())

    def _stopped_by(self, staff: Staff, conn: Connection, alert_id: str, why: str) -> None:
        self.newsroom.stop(conn, staff, alert_id, why)

    async def released(self, stopped: Sequence[str]) -> None:
        """What a release sets going once it is on disk."""
        for one in self.dispatchers:
            one.wake()
        for alert_id in stopped:
            await self.after("stop", alert_id)

    async def not_ready(self) -> list[str]:
        """Why this service cannot take an alert now, as sentences."""
        problems = []
        try:
            await self.db.check()
        except SQLAlchemyError as error:
            full = no_room(error)
            logger.error(LOGGED, "a look at the ledger") if full else logger.exception("the ledger cannot be written")
            problems.append(LEDGER if full else "The ledger cannot be written.")
        try:
            _ = self.crowd.index
        except LookupError as error:
            problems.append(str(error))
        problems += [f"{one.sender.name}: {one.light.trouble}" for one in self.dispatchers if one.light.trouble]
        return problems

    def warnings(self) -> list[str]:
        """What a person must see to, though alerts can be taken."""
        return [problem for one in self.reserves if (problem := one.problem())]

    async def status(self) -> dict[str, Any]:
        """The lights of a duty desk: senders, the audience, the audit log's head, pages."""
        standing, not_ready, head = await asyncio.gather(
            self.db.read(hold.standing), self.not_ready(), self.db.read(audit.head)
        )
        return {
            "mode": self.assembly.mode,
            "city": self.assembly.city.pack.name,
            "problems": [*([hold.sentence(standing)] if standing else []), *not_ready, *self.warnings()],
            "addresses": len(self.crowd.index),
            "senders": [
                {"name": one.sender.name, "channel": one.sender.channel.name, "rate": _number(one.sender.rate)}
                | {"started": one.light.started, "trouble": one.light.trouble, "carries": one.light.carries}
                | {"route": one.sender.route, "open": way.is_open, "share": way.share, "why": way.why}
                for one, way in ((one, one.driving.way(one.light, one.route)) for one in self.dispatchers)
            ],
            "mirrors": [one.told() for one in self.mirrors],
            "pages": list(self.pager.recent),
            "audit_head": head,
        }

    async def areas(self) -> list[dict[str, Any]]:
        found = await self.db.read(atlas.areas)
        return [{"name": area.name, "kind": area.kind, "citywide": area.citywide} for area in found]

    async def subscribers(self) -> dict[str, Any]:
        """How many addresses there are, by channel and language; never who."""
        query = text("SELECT channel, language, COUNT(*) FROM address WHERE stopped_at IS NULL GROUP BY channel, language")
        counts = await self.db.read(lambda conn: [tuple(row) for row in conn.execute(query)])
        return {"addresses": [{"channel": one[0], "language": one[1], "people": one[2]} for one in counts]}

    async def deliveries(self, alert_id: str) -> dict[str, Any]:
        """The counts of an event and, for the other half of its audience, how many were left out and why. Raises
        NoSuchAlert."""

        def read(conn: Connection) -> dict[str, Any]:
            register.alert(conn, alert_id)
            kinds = ledger.tally(conn, alert_id)
            skipped = conn.execute(
                text("SELECT channel, reason, people FROM skip WHERE event_id = :id ORDER BY reason"), {"id": alert_id}
            )
            return {
                "alert_id": alert_id,
                "rows": [
                    {"channel": channel, "language": language, "wording": wording, **dict(tally.counts)}
                    for (channel, language, wording), tally in sorted(kinds.items())
                ],
                "skipped": [dict(row._mapping) for row in skipped],
            }

        return await self.db.read(read)

    async def preview(self, draft: Draft, row: AlertRow | None, frozen: Event | None = None) -> dict[str, Any]:
        """Everything an author and an approver look at before they say yes. frozen: what was submitted and leaves as it is; it
        is counted where it was frozen, whatever would keep its draft from being submitted now."""
        await self.crowd.follow()
        now = self.clock.now()
        looked = await self.db.read(partial(self._looked, draft=draft, row=row, now=now, frozen=frozen))
        if isinstance(looked, list):
            return {"problems": looked, "texts": [], "summary": [], "bodies": {}, "warnings": [], "later": []}
        prepared, rendering, (people, bases), waits = looked
        means = self.means()
        warnings = [*rendering.problems, *dear_letters(rendering), *waits]
        warnings += sequence.untold(draft.stage, prepared.earlier)
        table = rows(rendering, people, means.cost_per_segment)
        lines = summary(table, dataclasses.replace(means, texts_wait=bool(waits)), now, self._show_time)
        lines += [line for line in [shorter_saves(table, rendering, means.rates.get("sms", ()))] if line]
        if draft.slows:
            lines += [line for line in [slowest(table, means.rates.get("sms", ()), now, self._show_time)] if line]
        lines += [f"By basis: {', '.join(f'{basis} {count:,}' for basis, count in sorted(bases.items()))}."] if bases else []
        return {
            "problems": [],
            "warnings": warnings,
            "later": waits,  # those of them that say whom it reaches later than others
            "texts": [dataclasses.asdict(one) for one in table],
            "summary": lines + [f"Note: {problem}" for problem in warnings],
            "bodies": bodies_of(rendering, table),
            "citywide": prepared.citywide,
        }

    def _looked(self, conn: Connection, draft: Draft, row: AlertRow | None, now: datetime, frozen: Event | None) -> Looked:
        """All that a preview asks the database, or its problems. In one go: each would be another wait."""
        if frozen is None and (problems := self.assembly.problems(conn, draft, row, now)):
            return problems
        prepared = self.assembly.prepare(conn, draft, row, now, frozen.areas if frozen is not None else None)
        try:
            rendering = self.assembly.rendering(conn, prepared)
        except BadSubject as error:  # its words are others since it was frozen
            return list(error.problems)
        return prepared, rendering, self._people(conn, prepared), later.warnings(conn, prepared, self.assembly.city, now)

    def in_english(self, bodies: Mapping[str, str]) -> dict[str, str]:
        """What the text messages of a preview say, word for word, under the same keys; nothing for mails and for English."""
        texts = ((key, *key.split("/"), body) for key, body in bodies.items())
        said = {key: self.read_back.text(body, language) for key, channel, _, language, body in texts if channel == "sms"}
        return {key: english for key, english in said.items() if english}

    def means(self) -> Means:
        rates: dict[str, list[float]] = {}
        for one in self.dispatchers:
            rates.setdefault(one.sender.channel.name, []).append(one.sender.rate)
        return Means(rates=rates, cost_per_segment=self.assembly.city.policy.cost["sms_segment"])

    def _people(self, conn: Connection, prepared: Prepared) -> tuple[ByWording, Mapping[str, int]]:
        """How many people get each wording in each language on each channel, and how many on each basis."""
        index, draft = self.crowd.index, prepared.draft
        shape = unary_union([area.shape for area in prepared.areas])
        counted = index.counts(shape, citywide=prepared.citywide, bases=prepared.bases)
        if draft.stage in sequence.OPENING and not prepared.earlier:  # nobody has been told anything: one wording for everybody
            (wording,) = wordings(draft.stage, np.empty(0, np.int64), Told(), short=draft.short)
            counts: ByWording = {(channel, wording.value, tag): people for (channel, tag), people in counted.by_kind.items()}
        else:
            counts = self._by_wording(conn, prepared, index, shape)
        return {key: people for key, people in counts.items() if key[0] in draft.channels}, counted.by_basis

    def _by_wording(self, conn: Connection, prepared: Prepared, index: Index, shape: Any) -> ByWording:
        """The same where people have been told something. What each has heard decides, so it is counted at every look."""
        matched = index.match(shape, citywide=prepared.citywide, bases=prepared.bases)
        told, groups = self._told(conn, prepared)
        concerned, draft = NOBODY, prepared.draft
        if draft.stage is Stage.UPDATE:
            concerned = whom_it_concerns(index, shape, draft.channels, citywide=prepared.citywide)
        ids, codes = matched.address_id, matched.language.astype(np.int64) * CHANNELS + matched.channel
        languages, channels = index.vocabulary.languages.all(), index.vocabulary.channels.all()
        counts: dict[tuple[str, str, str], int] = {}
        for wording, people in wordings(draft.stage, ids, told, concerned, short=draft.short).items():
            found = np.bincount(_codes(people, ids, codes, groups))
            for code in np.flatnonzero(found).tolist():
                counts[channels[code % CHANNELS], wording.value, languages[code // CHANNELS]] = int(found[code])
        return counts

    def _told(self, conn: Connection, prepared: Prepared) -> tuple[Told, Groups]:
        if not prepared.earlier:
            return Told(), Groups(np.empty(0, np.int64), np.empty(0, np.int64))
        asking = EventRow(**(prepared.earlier[-1].model_dump() | {"event_id": ""}))
        return planning.told_so_far(conn, asking, self.crowd)

    def _show_time(self, at: Any) -> str:
        return format_datetime(at, "EEE HH:mm", tzinfo=self.assembly.city.pack.zone, locale="en")


def _codes(people: Ids, ids: Ids, codes: NDArray[np.int64], groups: Groups) -> NDArray[np.int64]:
    """The codes of these people: `codes` of those among `ids`, for the others what they were told in."""
    elsewhere = people[~np.isin(people, ids)]
    return np.concatenate([codes[np.isin(ids, people)], groups.of(elsewhere, np.full(len(elsewhere), -1, np.int64))])


def bodies_of(rendering: Rendering, table: Sequence[Row]) -> dict[str, str]:
    """What each row's people read; a form for old handsets that a language does not need is the language's own text."""
    bodies = {}
    for row in table:
        keys = (f"{row.channel}/{row.wording}/{language}" for language in (row.language, spoken(row.language)))
        found = next((rendering.contents[key] for key in keys if key in rendering.contents), None)
        if found is not None:
            bodies[f"{row.channel}/{row.wording}/{row.language}"] = found.body
    return bodies


def _number(rate: float) -> float | None:
    return None if rate == float("inf") else rate
