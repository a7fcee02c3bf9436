"""An update never tells somebody who is still inside that they are not, whatever keeps the update itself from them."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from shapely import affinity
from sqlalchemy import Connection

from notify import city
from notify.alerts import hazards
from notify.alerts.alert import Area, Event, Severity, Stage, Wording
from notify.alerts.audience import Told, wordings
from notify.alerts.crowd import Crowd
from notify.db import Database
from subscribers import reach, store
from subscribers.place import Point
from subscribers.reach import Failed
from subscribers.sealing import Keyring
from subscribers.store import NewAddress, Said
from tests.notify.factories import an_event

KEYS = Keyring(current="k", keys={"k": b"k" * 32}, blind_key=b"b" * 32)
NOW = datetime(2026, 5, 23, tzinfo=UTC)
PACK = city.load(Path(__file__).parents[3] / "city" / "portland")


def an_update(**given: object) -> Event:
    return an_event(stage=Stage.UPDATE, **({"severity": Severity.SEVERE, "channels": ("sms", "email")} | given))


def inside(db: Database, event: Event, channel: str, address: str, basis: str = "opt-in") -> int:
    """Somebody whose one place lies inside; their address id."""
    spot = event.areas[0].shape.representative_point()

    def add(conn: Connection) -> int:
        person = store.add_subscriber(conn, NOW, "test")
        store.add_place(conn, person, "HOME", Point(spot.y, spot.x, "a block"))
        new = NewAddress(channel=channel, address=address, language="en", basis=basis)
        return store.add_address(conn, person, new, KEYS, Said(at=NOW, source="test"))

    return db.write_now(add)


async def said(db: Database, event: Event, told: int) -> set[Wording]:
    """What an update says to one person who was told before."""
    chosen = await Crowd(db, PACK.policy, hazards.catalogue()).choose(event)
    split = wordings(Stage.UPDATE, chosen.address_ids, Told(inside=np.array([told])), chosen.concerned)
    return {wording for wording, ids in split.items() if told in ids.tolist()}


async def test_a_basis_that_no_longer_covers_it_does_not_end_what_was_begun(db: Database) -> None:
    basis = next(name for name, rule in PACK.policy.basis.items() if rule.extreme and "*" not in rule.hazards)
    uncovered = next(key for key in hazards.catalogue() if key not in PACK.policy.basis[basis].hazards and key != "test")
    event = an_update(hazard=uncovered, severity=Severity.MODERATE)
    person = inside(db, event, "sms", "+15035550123", basis)
    chosen = await Crowd(db, PACK.policy, hazards.catalogue()).choose(event)
    assert person not in chosen.address_ids.tolist()
    assert await said(db, event, person) == {Wording.UPDATE}


async def test_a_channel_the_update_does_not_use_says_nothing_false(db: Database) -> None:
    event = an_update(channels=("sms",))
    assert await said(db, event, inside(db, event, "email", "resident@example.gov")) == set()


async def test_a_phone_that_cannot_be_reached_is_told_nothing_false(db: Database) -> None:
    event = an_update()
    person = inside(db, event, "sms", "+15035550123")
    failures = [Failed(number, person, hard=True) for number in range(1, reach.PHONE_FAILURES + 1)]
    db.write_now(lambda conn: reach.note_failures(conn, failures, NOW))
    assert await said(db, event, person) == set()


@pytest.mark.parametrize("basis", ["opt-in"])
async def test_whoever_is_really_outside_now_is_told_so(db: Database, basis: str) -> None:
    event = an_update()
    person = inside(db, event, "sms", "+15035550123", basis)
    away = Area(name="Elsewhere", shape=affinity.translate(event.areas[0].shape, xoff=0.5), kind="custom")
    assert await said(db, an_update(areas=(away,)), person) == {Wording.OUTSIDE}
