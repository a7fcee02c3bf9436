"""A renewal repeats what people approved; so what may be renewed never names an end, and everybody gets a text of it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from notify.alerts import hazards, register
from notify.alerts.alert import Event, Severity, Stage, from_json, to_json
from notify.alerts.alert import Wording as W
from notify.alerts.digest import digest
from notify.alerts.draft import Draft, read
from notify.alerts.period import until_cleared
from notify.alerts.renewal import OPENS, may_renew
from notify.clock import ManualClock
from notify.db import Database
from notify.sending.outbox import content_for
from notify.wording import samples
from tests.notify.duties_factory import Watch
from tests.notify.factories import an_event
from tests.notify.ledger_factory import add_people, an_event_row
from tests.notify.newsroom_factory import Room, a_draft, follow_up
from tests.notify.signup_factory import embedded
from tests.notify.subjects import the_words

NOW = datetime(2014, 5, 23, 15, 15, tzinfo=UTC)
END = NOW + timedelta(hours=7, minutes=13)  # 3:28 PM in the city: a time that no sample has
DANGERS = [key for key in hazards.catalogue() if key != "test"]
FILLED_IN = {"place", "source", "city", "sent", "until", "next_update", "told_at", "wrong_place", "phone", "url", "hazard"}


@pytest.fixture
def db(migrated_sqlite: Path, tmp_path: Path) -> Iterator[Database]:
    with embedded(migrated_sqlite, tmp_path) as database:
        yield database


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(NOW)


@pytest.fixture
def room(db: Database, clock: ManualClock) -> Room:
    return Room.on(db, clock, languages=())


def a_danger(hazard: str, severity: Severity | None = None, **given: Any) -> Draft:
    slots = {name: value for name, value in samples.filled(the_words(), hazard, Stage.FIRST).items() if name not in FILLED_IN}
    fields: dict[str, Any] = {"hazard": hazard, "slots": slots, "area": {"names": ["Lents"]}, "expires": END.isoformat()}
    fields["next_update_by"] = (NOW + timedelta(hours=2)).isoformat()
    wanted = {"severity": severity.value} if severity else {}
    return read(fields | wanted | given)


def said_by(event: Event) -> str:
    """Every word of an event that anybody reads."""
    mails = (f"{one.subject}\n{one.body}\n{one.html}" for one in event.contents.values())
    infos = (f"{one.headline}\n{one.description}\n{one.instruction}" for one in event.infos)
    pages = ("\n".join([one.title, one.lead, *one.paragraphs, *one.steps, *map(str, one.facts)]) for one in event.pages)
    return "\n".join([*mails, *infos, *pages])


def frozen(room: Room, draft: Draft) -> Event:
    alert_id, _ = room.submitted(draft)
    row = room.db.read_now(lambda conn: register.alert(conn, alert_id))
    assert row.frozen is not None
    return from_json(row.frozen)


@pytest.mark.parametrize("hazard", DANGERS)
def test_an_alert_that_would_be_renewed_names_no_end(room: Room, hazard: str) -> None:
    for severity in (None, Severity.EXTREME):
        event = frozen(room, a_danger(hazard, severity))
        renewed = hazards.renews(hazards.catalogue()[hazard], event.severity)
        assert event.until_cleared is renewed and event.expires == END
        assert not (renewed and "3:28" in said_by(event))


def test_an_alert_that_ends_by_its_clock_says_until_when(room: Room) -> None:
    event = frozen(room, a_danger("road_closed"))
    assert "3:28 PM" in said_by(event) and not event.until_cleared


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("severity", Severity)
def test_what_is_not_until_cleared_is_never_renewed(stage: Stage, severity: Severity) -> None:
    """Whatever a catalogue of another day says: words that name their end are not said after it."""
    for key, hazard in hazards.catalogue().items():
        for cleared in (True, False):
            event = an_event(hazard=key, stage=stage, severity=severity, until_cleared=cleared)
            row = an_event_row(NOW, content=to_json(event), stage=stage)
            assert may_renew({key: hazard}, row) == (cleared and stage in OPENS and hazards.renews(hazard, severity))


@pytest.mark.parametrize("stage", Stage)
def test_an_end_is_never_left_open_by_a_message_that_is_one(stage: Stage) -> None:
    draft, hazard = a_draft(stage=stage, until="cleared"), hazards.catalogue()["boil_water"]
    assert until_cleared(draft, hazard) == (stage in (Stage.FIRST, Stage.UPDATE, Stage.CORRECTION))


async def test_the_renewal_says_the_approved_words_and_none_of_them_is_over(
    room: Room, clock: ManualClock, watch: Watch
) -> None:
    first = room.pressed(a_danger("flood"))
    await watch.turn()
    clock.forward(END - clock.now())
    await watch.turn()
    (_, renewal) = room.db.read_now(lambda conn: register.events(conn, first.partition("-")[0]))
    event, old = from_json(renewal.content), from_json(room.event(first).content)
    assert event.contents == old.contents and event.expires > END
    assert "3:28" not in said_by(event)
    assert old.next_update_by is not None and event.next_update_by is None


async def test_a_renewal_is_never_slowed(room: Room, clock: ManualClock, watch: Watch) -> None:
    first = room.pressed(a_danger("boil_water", slows=True))
    await watch.turn()
    assert from_json(room.event(first).content).slows
    clock.forward(END - clock.now())
    await watch.turn()
    (_, renewal) = room.db.read_now(lambda conn: register.events(conn, first.partition("-")[0]))
    event = from_json(renewal.content)
    assert not event.slows and event.digest == digest(event)


async def test_a_renewed_correction_has_a_text_for_whoever_hears_of_it_first(
    room: Room, clock: ManualClock, watch: Watch
) -> None:
    """Its only text is the correction, which says what holds."""
    first = room.pressed()
    await watch.turn()
    clock.forward(timedelta(minutes=1))
    corrected = room.pressed(follow_up(first, Stage.CORRECTION))
    await watch.turn()
    room.db.write_now(lambda conn: add_people(conn, 2, clock.now()))
    clock.forward(room.event(corrected).expires_at - clock.now())
    await watch.turn()
    renewal = room.db.read_now(lambda conn: register.events(conn, first.partition("-")[0]))[-1]
    assert renewal.stage == Stage.RENEWAL
    event = from_json(renewal.content)
    for channel in ("sms", "email"):
        for wording in (W.FIRST, W.SHORT, f"{W.FIRST}/why"):
            assert content_for(event, channel, wording, "es").key == f"{channel}/correction/es"
