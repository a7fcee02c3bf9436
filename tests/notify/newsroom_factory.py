"""The newsroom as a city has it: the real pack, words and hazards, the verbs, and staff to press the buttons."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from sqlalchemy import Connection

from notify import city
from notify.alerts import hazards, register
from notify.alerts.alert import Mode, Stage
from notify.alerts.assembly import Assembly
from notify.alerts.broadcast import Newsroom
from notify.alerts.conductor import begin
from notify.alerts.draft import Draft, read
from notify.alerts.life import Role, Staff
from notify.city import City
from notify.clock import Clock
from notify.db import Database
from notify.publishing.site import Site
from notify.tables import EventRow
from subscribers import areas, atlas
from subscribers.areas import NamedShape
from subscribers.matched import Counts
from tests.notify.subjects import the_words

PACK = Path(__file__).parents[2] / "city" / "portland"
BOIL_WATER: dict[str, Any] = {
    "hazard": "boil_water",
    "area": {"names": ["Portland"]},
    "until": "cleared",
    "slots": {
        "cause": "ecoli",
        "samples": 3,
        "happened": "2014-05-22T14:00-07:00",
        "learned": "2014-05-23T08:15-07:00",
        "doing": "testing",
        "address": "1120 SW 5th Ave, Portland, OR 97204",
    },
}
AUTHOR = Staff(person_id="author", roles=frozenset({Role.AUTHOR}))
APPROVER = Staff(person_id="approver", roles=frozenset({Role.APPROVER}))


@cache
def portland() -> City:
    return city.load(PACK)


@cache
def portland_areas() -> Sequence[NamedShape]:
    """Every area of the pack."""
    readings = [areas.read_areas(file.read_bytes(), portland().pack.box) for file in sorted((PACK / "areas").glob("*.geojson"))]
    return [area for reading in readings for area in reading.areas]


def keep_areas(conn: Connection, names: Sequence[str] = ()) -> None:
    """Puts the pack's areas (or those of these names) into the database."""
    found = [area for area in portland_areas() if not names or area.name in names]
    atlas.keep(conn, found, "city pack", datetime(2014, 1, 1, tzinfo=UTC))


@dataclass(frozen=True, slots=True)
class SmallIndex:
    """Stands for the audience index: `inside` of `everybody` live in any area that is asked about."""

    inside: int = 10
    everybody: int = 1_000

    def counts(self, shape: Any, *, citywide: bool, bases: frozenset[str]) -> Counts:
        return Counts(people=self.everybody if citywide else self.inside, by_kind={}, by_basis={})

    def __len__(self) -> int:
        return self.everybody


FEW = ("en", "es", "ar")  # enough for who may do what; rendering twelve languages takes six times as long


def an_assembly(
    *,
    mode: Mode = Mode.DEMO,
    index: SmallIndex | None = None,
    countdown_s: float | None = 0,
    languages: Sequence[str] = FEW,
) -> Assembly:
    """`languages` of the city; () for all of the pack's."""
    whole = portland().pack
    pack = replace(whole, languages=tuple(one for one in whole.languages if one.tag in (languages or whole.tags)))
    site = Site(
        base="https://alerts.example.gov",
        city=pack.name,
        publisher=pack.publisher,
        email=pack.sender,
        time_zone=pack.zone,
        languages=pack.tags,
        mode=mode,
        phone=pack.phones[0],
    )
    known = index or SmallIndex()
    return Assembly(
        city=replace(portland(), pack=pack),
        site=site,
        words=the_words(),
        hazards=hazards.catalogue(),
        mode=mode,
        index=lambda: known,  # type: ignore[arg-type, return-value]
        reviews=lambda conn: (),
        allow_drafts=True,
        countdown_s=countdown_s,
    )


def a_draft(**fields: Any) -> Draft:
    """A boil-water draft; keywords replace its fields, `slots` are merged."""
    return read({**BOIL_WATER, **fields, "slots": {**BOIL_WATER["slots"], **fields.get("slots", {})}})


def somebody(name: str, *roles: Role, **scope: Any) -> Staff:
    return Staff(person_id=name, roles=frozenset(roles), **scope)


@dataclass(frozen=True, slots=True)
class Room:
    """A newsroom on a database, each verb in a transaction of its own."""

    db: Database
    clock: Clock
    newsroom: Newsroom

    @classmethod
    def on(cls, db: Database, clock: Clock, **given: Any) -> "Room":
        db.write_now(lambda conn: keep_areas(conn, ["Portland", "Lents", "Hazelwood"]))
        return cls(db, clock, Newsroom(clock, an_assembly(**given)))

    def in_mode(self, mode: Mode) -> "Room":
        assembly = self.newsroom.assembler
        assert isinstance(assembly, Assembly)
        return Room(self.db, self.clock, Newsroom(self.clock, replace(assembly, mode=mode)))

    def do(self, verb: str, *args: Any, **given: Any) -> Any:
        return self.db.write_now(lambda conn: getattr(self.newsroom, verb)(conn, *args, **given))

    def submitted(self, draft: Draft | None = None, author: Staff = AUTHOR) -> tuple[str, str]:
        """A submitted alert: its id and digest."""
        row = self.do("compose", author, draft or a_draft())
        return row.alert_id, self.do("submit", author, row.alert_id).digest

    def approved(self, draft: Draft | None = None, author: Staff = AUTHOR, approver: Staff = APPROVER) -> str:
        alert_id, digest = self.submitted(draft, author)
        self.do("approve", approver, alert_id, digest)
        return alert_id

    def pressed(self, draft: Draft | None = None) -> str:
        """An alert whose countdown runs."""
        alert_id = self.approved(draft)
        self.do("send", APPROVER, alert_id)
        return alert_id

    def left(self, draft: Draft | None = None) -> str:
        """An alert that has begun to leave."""
        alert_id = self.pressed(draft)
        assert self.begin(alert_id) is not None
        return alert_id

    def begin(self, alert_id: str) -> list[str] | None:
        return self.db.write_now(lambda conn: begin(conn, alert_id, self.clock.now()))

    def event(self, alert_id: str) -> EventRow:
        return self.db.read_now(lambda conn: register.event(conn, alert_id))


def follow_up(alert_id: str, stage: Stage, **fields: Any) -> Draft:
    """A draft of a later stage in the alert's incident."""
    slots = {"flush_minutes": 2, "mistake": "area"} | fields.pop("slots", {})
    base = {"stage": stage, "incident": alert_id.partition("-")[0], "note": "Why.", "slots": slots}
    usual: dict[str, Any] = {} if stage in (Stage.UPDATE, Stage.CORRECTION) else {"until": ""}
    if stage is Stage.UPDATE:
        usual["next_update_by"] = "2014-05-24T00:00Z"
    return a_draft(**(base | usual | fields))
