"""From a draft to the event: every hazard in every stage makes sound CAP, and everything wrong is told at once."""

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from shapely import to_geojson
from shapely.geometry import Polygon, box
from sqlalchemy import Connection

from notify.alerts import hazards, register
from notify.alerts.alert import Mode, Stage, from_json, to_json
from notify.alerts.assembly import Assembly
from notify.alerts.draft import Draft, read
from notify.alerts.life import Status
from notify.alerts.renewal import may_renew
from notify.clock import ManualClock
from notify.db import Database
from notify.publishing import cap_check
from notify.tables import AlertRow, EventRow
from notify.wording import samples
from tests.notify.newsroom_factory import (
    AUTHOR,
    Room,
    SmallIndex,
    a_draft,
    an_assembly,
    follow_up,
    keep_areas,
)
from tests.notify.subjects import the_words

NOW = datetime(2014, 5, 23, 15, 15, tzinfo=UTC)
HAZARDS = [key for key in hazards.catalogue() if key != "test"]


def as_geojson(shape: Polygon) -> dict[str, Any]:
    return dict(json.loads(to_geojson(shape)))


SMALL = box(-122.60, 45.46, -122.58, 45.48)


@pytest.fixture
def sqlite_db(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    path = tmp_path / "tocsin.db"
    shutil.copy(migrated_sqlite, path)
    database = Database(f"sqlite:///{path}")
    database.write_now(lambda conn: keep_areas(conn, ["Portland", "Lents", "Hazelwood"]))
    yield database
    database.close()


def a_row(draft: Draft, incident_id: str = "K7Q2X", number: int = 1) -> AlertRow:
    return AlertRow(
        alert_id=f"{incident_id}-{number}",
        incident_id=incident_id,
        stage=draft.stage,
        hazard=draft.hazard,
        status=Status.DRAFT,
        content=draft.model_dump_json(),
        author="author",
        last_editor="author",
        created_at=NOW,
        changed_at=NOW,
    )


def keep_left(conn: Connection, assembly: Assembly, draft: Draft, at: datetime) -> EventRow:
    """Writes a first alert down as having left at this time."""
    incident_id = register.new_incident(conn, draft.hazard, at)
    row = a_row(draft, incident_id)
    register.add(conn, row)
    event, document = assembly.seal(conn, assembly.assemble(conn, draft, row, at), at)
    kept = EventRow(
        event_id=row.alert_id,
        alert_id=row.alert_id,
        incident_id=incident_id,
        stage=event.stage,
        content=to_json(event),
        digest="d",
        identifier=event.identifier,
        cap=document,
        status=Status.ACTIVE,
        priority=event.priority,
        approved_at=at,
        started_at=at,
        expires_at=event.expires,
    )
    register.add(conn, kept)
    return kept


def a_draft_of(hazard: str, stage: Stage, incident: str = "") -> Draft:
    program = {"place", "source", "city", "sent", "until", "next_update", "told_at", "wrong_place", "phone", "url", "hazard"}
    slots = {name: value for name, value in samples.filled(the_words(), hazard, stage).items() if name not in program}
    given: dict[str, Any] = {
        "hazard": hazard,
        "stage": stage,
        "area": {"names": ["Lents"]},
        "slots": slots,
        "incident": incident,
    }
    if stage in (Stage.FIRST, Stage.UPDATE):
        given["next_update_by"] = "2014-05-23T20:00Z"
    if stage in (Stage.CORRECTION, Stage.FALSE_ALARM):
        given["note"] = "The first alert was wrong."
    return read(given)


@pytest.mark.parametrize("hazard", HAZARDS)
def test_every_stage_of_a_hazard_makes_cap_that_its_readers_take(sqlite_db: Database, hazard: str) -> None:
    assembly = an_assembly(mode=Mode.LIVE, languages=())

    def judge(conn: Connection) -> None:
        first = keep_left(conn, assembly, a_draft_of(hazard, Stage.FIRST), NOW)
        later = NOW + timedelta(minutes=5)
        for stage in (Stage.UPDATE, Stage.CORRECTION, Stage.FALSE_ALARM, Stage.ALL_CLEAR):
            draft = a_draft_of(hazard, stage, first.incident_id)
            assert assembly.problems(conn, draft, None, later) == [], stage
            event = assembly.assemble(conn, draft, a_row(draft, first.incident_id, 2), later)
            sealed, document = assembly.seal(conn, event, later)
            related = [from_json(first.content)]
            assert [one.identifier for one in sealed.references] == [one.identifier for one in related]
            for profile in ("cap", "google"):
                found = cap_check.problems(document, profile, sealed.references)
                assert [one.sentence for one in found if not one.advice] == [], (stage, profile)
        for profile in ("cap", "google"):
            assert [one.sentence for one in cap_check.problems(first.cap, profile) if not one.advice] == []

    sqlite_db.write_now(judge)


@pytest.mark.parametrize("mode", list(Mode))
def test_a_test_makes_cap_that_its_readers_take(sqlite_db: Database, mode: Mode) -> None:
    assembly, draft = an_assembly(mode=mode), a_draft_of("test", Stage.TEST)

    def judge(conn: Connection) -> None:
        assert assembly.problems(conn, draft, None, NOW) == []
        sealed, document = assembly.seal(conn, assembly.assemble(conn, draft, a_row(draft), NOW), NOW)
        for profile in ("cap", "google"):
            assert [one.sentence for one in cap_check.problems(document, profile, sealed.references) if not one.advice] == []

    sqlite_db.write_now(judge)


def test_a_follow_up_of_an_alert_that_has_expired_still_names_it(sqlite_db: Database) -> None:
    assembly = an_assembly(mode=Mode.LIVE)

    def judge(conn: Connection) -> None:
        first = keep_left(conn, assembly, a_draft_of("road_closed", Stage.FIRST), NOW)
        after = first.expires_at + timedelta(minutes=1)
        draft = a_draft_of("road_closed", Stage.ALL_CLEAR, first.incident_id)
        assert assembly.problems(conn, draft, None, after) == []
        sealed, _ = assembly.seal(conn, assembly.assemble(conn, draft, a_row(draft, first.incident_id, 2), after), after)
        assert [one.identifier for one in sealed.references] == [first.identifier]

    sqlite_db.write_now(judge)


def told(db: Database, *, index: SmallIndex | None = None, now: datetime = NOW, **fields: Any) -> str:
    """Every problem of a boil-water draft with these fields, as one text."""
    draft = a_draft(**fields)
    return "\n".join(db.read_now(lambda conn: an_assembly(index=index).problems(conn, draft, None, now)))


def test_a_sound_draft_has_no_problems(sqlite_db: Database) -> None:
    assert told(sqlite_db) == ""


def test_everything_that_is_wrong_is_told_at_once(sqlite_db: Database) -> None:
    found = told(
        sqlite_db,
        area={"names": ["Atlantis", "Lents", "El Dorado"]},
        source="mayor",
        channels=[],
        short=True,
        stage="update",
        expires="2014-05-23T15:00Z",
        next_update_by="2014-05-23T15:00Z",
        not_after="2014-05-23T15:00Z",
        learned_at="2014-05-23T16:00Z",
        slots={"cause": "gremlins", "samples": "many", "colour": "red"},
    )
    for part in (
        "there is no area 'Atlantis'",
        "there is no area 'El Dorado'",
        "source: 'mayor' is not one of",
        "channels: choose at least one",
        "stage: there is nothing to update",
        "expires: 2014-05-23 15:00 UTC has passed",
        "next_update_by: has passed",
        "not_after: has passed",
        "learned_at: lies in the future",
        "The slot cause must be one of",
        "The slot samples must be a whole number",
        "There is no slot colour",
    ):
        assert part in found, part
    assert "'Lents'" not in found


def test_a_hazard_nobody_knows_does_not_hide_what_else_is_wrong(sqlite_db: Database) -> None:
    found = told(sqlite_db, hazard="godzilla", area={"names": ["Atlantis"]}, source="mayor", expires="2014-05-23T15:00Z")
    for part in ("no hazard 'godzilla'", "no area 'Atlantis'", "'mayor' is not one of", "has passed"):
        assert part in found


@pytest.mark.parametrize(
    ("area", "sentence"),
    [
        ({}, "name at least one area, or draw one"),
        ({"circle": {"lat": 45.5, "lon": 122.6, "radius_m": 500}, "words": "here"}, "envelope"),
        ({"circle": {"lat": 45.5, "lon": -122.6, "radius_m": 150_000}, "words": "here"}, "envelope"),
        ({"geojson": as_geojson(box(-120, 45, -119, 46)), "words": "here"}, "area:"),
        ({"geojson": as_geojson(box(45.46, -122.6, 45.48, -122.58)), "words": "here"}, "area:"),
        ({"geojson": {"type": "Point", "coordinates": [-122.6, 45.5]}, "words": "here"}, "area:"),
        ({"geojson": {"type": "Polygon", "coordinates": []}, "words": "here"}, "area:"),
        (
            {"geojson": {"type": "Polygon", "coordinates": [[[-122.6, 45.46], [-122.5, 45.46], [-122.5, 45.5]]]}, "words": "h"},
            "area:",
        ),
        (
            {
                "geojson": {
                    "type": "Polygon",
                    "coordinates": [
                        [[-122.6, 45.46], [-122.58, 45.48], [-122.58, 45.46], [-122.6, 45.48], [-122.6, 45.46]],
                    ],
                },
                "words": "here",
            },
            "area:",
        ),
    ],
)
def test_an_area_that_cannot_be_meant_is_refused(sqlite_db: Database, area: dict[str, Any], sentence: str) -> None:
    assert sentence in told(sqlite_db, area=area)


def test_a_drawn_area_that_reaches_many_needs_their_number(sqlite_db: Database) -> None:
    drawn = {"geojson": as_geojson(SMALL), "words": "homes around the park"}
    many = SmallIndex(inside=400)
    assert "reaches 400 of 1,000 addresses" in told(sqlite_db, index=many, area=drawn)
    assert "reaches 400" in told(sqlite_db, index=many, area=drawn, expected_people=100)
    assert told(sqlite_db, index=many, area=drawn, expected_people=380) == ""
    assert told(sqlite_db, index=SmallIndex(inside=200), area=drawn) == ""
    assert told(sqlite_db, index=SmallIndex(inside=900), area={"names": ["Lents"]}) == "", "a preset needs no number"


def test_the_one_part_form_is_refused_where_there_is_none(sqlite_db: Database) -> None:
    assert told(sqlite_db, short=True) == ""
    draft = a_draft_of("gas_leak", Stage.FIRST).model_copy(update={"short": True})
    found = sqlite_db.read_now(lambda conn: an_assembly().problems(conn, draft, None, NOW))
    assert found == ["short: the words of 'gas_leak' have no one-part form."]


def test_nobody_writes_a_renewal(sqlite_db: Database) -> None:
    assert "nobody writes a renewal" in told(sqlite_db, stage="renewal")


@pytest.fixture
def room(sqlite_db: Database, clock: ManualClock) -> Room:
    return Room.on(sqlite_db, clock)


def problems_of(room: Room, draft: Draft) -> str:
    row = room.do("compose", AUTHOR, draft)
    assembly = room.newsroom.assembler
    return "\n".join(room.db.read_now(lambda conn: assembly.problems(conn, draft, row, room.clock.now())))


def test_after_an_all_clear_there_is_nothing_to_update_or_to_clear(room: Room, clock: ManualClock) -> None:
    first = room.left()
    clock.forward(timedelta(minutes=1))
    room.left(follow_up(first, Stage.ALL_CLEAR))
    clock.forward(timedelta(minutes=1))
    for stage in (Stage.UPDATE, Stage.ALL_CLEAR):
        assert "this incident is over" in problems_of(room, follow_up(first, stage))
    assert problems_of(room, follow_up(first, Stage.CORRECTION)) == ""


def test_an_all_clear_that_was_corrected_can_be_followed_by_another(room: Room, clock: ManualClock) -> None:
    first = room.left()
    for stage in (Stage.ALL_CLEAR, Stage.CORRECTION):
        clock.forward(timedelta(minutes=1))
        room.left(follow_up(first, stage))
    clock.forward(timedelta(minutes=1))
    assert problems_of(room, follow_up(first, Stage.ALL_CLEAR)) == ""


def test_a_test_is_never_sent_in_the_incident_of_a_danger(room: Room) -> None:
    first = room.left()
    draft = a_draft_of("test", Stage.TEST, first.partition("-")[0])
    assert "a test is an incident of its own" in problems_of(room, draft)


def test_only_dangers_that_must_not_end_in_silence_are_renewed(sqlite_db: Database) -> None:
    assembly, catalogue = an_assembly(), hazards.catalogue()

    def kept(hazard: str) -> EventRow:
        return sqlite_db.write_now(lambda conn: keep_left(conn, assembly, a_draft_of(hazard, Stage.FIRST), NOW))

    assert may_renew(catalogue, kept("boil_water"))
    assert not may_renew(catalogue, kept("road_closed"))
