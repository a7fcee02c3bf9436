"""Drills as they are begun, ended and judged, by pages and by the API alike; refused outside training."""

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from shapely import unary_union
from sqlalchemy import Connection

from notify.alerts import register
from notify.alerts.alert import Event, Shape, from_json
from notify.alerts.broadcast import Unfit
from notify.alerts.life import Staff
from notify.service import Service
from notify.staff import drill_log, drills, training
from notify.staff.certificate import as_detail
from notify.staff.drills import Drill, Fit, Score
from notify.tables import AlertRow, AuditLine
from subscribers import atlas, generator, importing
from subscribers.address import Samples
from subscribers.entry import Rules
from subscribers.sealing import Keyring

CHOOSE: Final = "Choose which drill to begin."
T = TypeVar("T")
Verb = Callable[[Connection], T]  # one step of a transaction


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A drill with everybody's score."""

    drill: Drill
    scores: Sequence[Score]
    lines: Sequence[AuditLine]


class Drilling:
    """Each of its methods raises Unfit outside training."""

    def __init__(self, service: Service, ring: Keyring) -> None:
        self._service, self._ring = service, ring
        self._db, self._clock, self._mode = service.db, service.clock, service.assembly.mode
        self._making = asyncio.Lock()

    async def all(self) -> list[Drill]:
        """The newest first."""
        self._refuse_outside_training()
        return (await self._db.read(drill_log.all_drills))[::-1]

    async def one(self, drill_id: str) -> Drill:
        """Raises NoSuchAlert."""
        self._refuse_outside_training()
        return await self._db.read(partial(drill_log.one, drill_id=drill_id))

    async def start(self, staff: Staff, key: str) -> Verb[str]:
        """Where nobody is on the list, people are made up first, once nothing speaks against the drill. The verb begins a drill
        of this script and returns its id."""
        self._refuse_outside_training()
        script = drills.catalogue().get(key)
        if script is None:
            raise Unfit([CHOOSE])
        mode, now = self._mode, self._clock.now()
        await self._db.read(lambda conn: drill_log.may_start(conn, staff, script, mode, _names(conn)))
        async with self._making:
            if not len(self._service.crowd.index):
                await self._make_people(script.people)
        return lambda conn: drill_log.start(conn, staff, script, mode, now, _names(conn))

    async def end(self, staff: Staff, drill_id: str) -> Verb[None]:
        """What everybody did is written down with the end: the list of people may change, and who practised must not."""
        drill, mode, now = await self.one(drill_id), self._mode, self._clock.now()
        judged = await self.judged(drill)
        parts = as_detail(training.parts(drill, judged.scores, judged.lines, now))
        return lambda conn: drill_log.end(conn, staff, drill_id, mode, now, parts)

    async def judged(self, drill: Drill) -> Judged:
        await self._service.crowd.follow()

        def read(conn: Connection) -> tuple[Sequence[AuditLine], Sequence[tuple[AlertRow, Event]], Any]:
            lines = drill_log.lines(conn, drill)
            begun = {line.subject for line in lines if line.action == "composed"}
            ids = [row.alert_id for row in register.all_alerts(conn) if row.alert_id in begun and row.submitted_at]
            rows = [register.alert(conn, alert_id) for alert_id in ids]
            return lines, [(row, from_json(row.frozen)) for row in rows if row.frozen], atlas.areas(conn)

        lines, written, areas = await self._db.read(read)
        shapes = {area.name: area.shape for area in areas}
        fits = {row.alert_id: fit for row, event in written if (fit := self._fit(drill, row, event, shapes)) is not None}
        return Judged(drill=drill, scores=drills.scores(drill, lines, fits), lines=lines)

    def _fit(self, drill: Drill, row: AlertRow, event: Event, shapes: Mapping[str, Shape]) -> Fit | None:
        """How well an alert met who it was for when it was submitted; None where the areas are not there any more."""
        right = drill.script.right_at((row.submitted_at or drill.started_at) - drill.started_at)
        if not set(right.areas) <= set(shapes):
            return None
        wanted, said = unary_union([shapes[name] for name in right.areas]), unary_union([area.shape for area in event.areas])
        hazard, index = self._service.assembly.hazards[right.hazard], self._service.crowd.index
        bases = self._service.assembly.city.policy.bases(hazard, hazard.severity)
        citywide = any(area.citywide for area in event.areas)
        told = index.match(said, citywide=citywide, bases=bases).address_id
        meant = index.match(wanted, citywide=False, bases=bases).address_id
        people = len(np.setdiff1d(meant, told)), len(np.setdiff1d(told, meant))
        return drills.fit(row.alert_id, said, wanted, people, hazard_right=row.hazard == right.hazard)

    def _refuse_outside_training(self) -> None:
        if problems := drills.mode_problems(self._mode):
            raise Unfit(problems)

    async def _make_people(self, count: int) -> None:
        """Made-up people of exchange 555 and example.gov in the city's neighbourhoods, where nobody is on the list yet."""
        areas, pack = await self._db.read(atlas.areas), self._service.assembly.city.pack
        rules = Rules(
            languages=frozenset(pack.tags),
            envelope=pack.box,
            areas={area.name: area.kind for area in areas},
            zone=pack.zone,
            samples=Samples.ONLY,
            now=self._clock.now(),
        )

        def write() -> None:
            with tempfile.TemporaryDirectory() as folder:
                file = Path(folder) / "people.csv"
                generator.write(file, count, areas)
                importing.import_file(file, importing.into(self._db.writer.begin), rules, self._ring, lambda _: None)

        try:
            await asyncio.to_thread(write)
        except ValueError as error:
            raise Unfit([f"Nobody is on the list, and nobody can be made up: {error}"]) from None
        await self._service.crowd.follow()


def table(judged: Judged) -> Iterator[Sequence[object]]:
    """The scorecard as rows under their names. Durations in seconds, "" for what was not done; one row an operator and
    alert."""
    yield (
        "drill", "operator", "draft_s", "submit_s", "approve_s", "correct_s", "wrong_attempts",
        "alert", "audience", "hazard", "people_missed", "people_in_vain", "area_missed", "area_in_vain",
    )  # fmt: skip
    for one in judged.scores:
        times = [length.total_seconds() if length is not None else "" for length in _lengths(one)]
        start = [judged.drill.drill_id, one.person_id, *times, one.wrong]
        for fit in one.fits:
            verdict = ["right" if fit.right else "wrong", "right" if fit.hazard_right else "wrong"]
            yield [*start, fit.alert_id, *verdict, fit.missed, fit.extra, f"{fit.missed_share:.2f}", f"{fit.extra_share:.2f}"]
        if not one.fits:
            yield [*start, "", "", "", "", "", "", ""]


def _names(conn: Connection) -> Sequence[str]:
    """The city's areas."""
    return [area.name for area in atlas.areas(conn)]


def _lengths(one: Score) -> Sequence[timedelta | None]:
    return one.draft, one.submit, one.approve, one.correct
