"""What an alert holds is what is read aloud: every fact from the alert's own record, none of it typed twice."""

from datetime import UTC, datetime

import pytest

from notify.alerts.alert import from_json
from notify.clock import ManualClock
from notify.db import Database
from notify.wording.slots import Kind, Slot
from surge.scripts import alert_facts
from surge.scripts.alert_facts import FromAlert
from surge.scripts.facts import SAME
from surge.scripts.sources import AlertRecord
from tests.notify.newsroom_factory import APPROVER, AUTHOR, Room, a_draft
from tests.surge.incident_factory import PAGE, a_book

NEXT = "2014-05-23T23:00+00:00"
BOOK = a_book(
    PAGE.replace("sites:", "water_sites:")
    .replace("{fact:sites}", "{fact:water_sites}, {fact:since}, {fact:area_words}")
    .replace("facts:\n", 'facts:\n  since: {asks: "Since when?"}\n  area_words: {asks: "Where?"}\n')
).runbook


@pytest.fixture
def room(db: Database, clock: ManualClock) -> Room:
    return Room.on(db, clock)


def said(room: Room, incident_id: str) -> dict[str, FromAlert]:
    words = room.newsroom.assembler.words  # type: ignore[attr-defined]
    record = AlertRecord(words=words, languages=("en", "es"))
    return {one.name: one for one in room.db.read_now(lambda conn: record(conn, incident_id, BOOK))}


def an_alert(**fields: object) -> dict[str, object]:
    return {"next_update_by": NEXT, "slots": {"sites": ["Lents Park", "Gateway Park"]}} | fields


def test_times_places_and_sites_come_from_the_alert(room: Room) -> None:
    alert_id = room.approved(a_draft(**an_alert()))
    found = said(room, alert_id.partition("-")[0])
    assert {name: dict(one.values) for name, one in found.items()} == {
        "area_words": {SAME: "Portland"},
        "next_update": {SAME: "2014-05-23T23:00:00+00:00"},
        "since": {SAME: "2014-05-22T21:00:00+00:00"},
        "water_sites": {SAME: "Lents Park; Gateway Park"},
    }
    assert found["next_update"].valid_to == datetime(2014, 5, 23, 23, tzinfo=UTC), "a promise holds until it is due"
    assert found["since"].valid_to is None and found["since"].issued_by.endswith(f"alert {alert_id}")


def test_before_the_approval_it_is_what_waits_and_afterwards_what_was_approved_last(room: Room) -> None:
    alert_id, digest = room.submitted(a_draft(**an_alert()))
    incident = alert_id.partition("-")[0]
    assert said(room, incident)["water_sites"].values == {SAME: "Lents Park; Gateway Park"}
    room.do("send_back", APPROVER, alert_id, "Not yet.")
    assert said(room, incident) == {}, "what was returned is said by nobody"
    room.do("edit", AUTHOR, alert_id, a_draft(**an_alert(slots={"sites": ["Lents Park"]})))
    digest = room.do("submit", AUTHOR, alert_id).digest
    room.do("approve", APPROVER, alert_id, digest)
    assert said(room, incident)["water_sites"].values == {SAME: "Lents Park"}


SLOTS = {
    "cause": Slot(type=Kind.CHOICE, values=("ecoli",), meaning="", sample="ecoli"),
    "water_sites": Slot(type=Kind.TEXT, meaning="", sample=""),
    "boil_minutes": Slot(type=Kind.NUMBER, meaning="", sample=1),
}


def test_words_are_english_unless_they_say_otherwise_and_a_choice_is_no_value(room: Room) -> None:
    event = room.event(room.approved(a_draft()))
    given = {"cause": "ecoli", "water_sites": "At the park.", "boil_minutes": 3}
    found = {one.name: one.values for one in alert_facts.held(from_json(event.content), given, SLOTS, BOOK, ("en",))}
    assert found == {"area_words": {SAME: "Portland"}, "water_sites": {"en": "At the park."}, "boil_minutes": {SAME: "3"}}
    spoken = given | {"water_sites": {"en": "At the park.", "es": "En el parque."}}
    found = {one.name: one.values for one in alert_facts.held(from_json(event.content), spoken, SLOTS, BOOK, ("en",))}
    assert found["water_sites"] == {"en": "At the park.", "es": "En el parque."}
