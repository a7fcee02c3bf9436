"""What the status page is told of the running service."""

from datetime import timedelta

from notify.clock import ManualClock
from notify.db import Database
from notify.figures import COUNTED_EVERY, Gauges
from notify.sending.desk import Light
from tests.notify.ledger_factory import add_people


async def test_addresses_are_counted_by_language_but_not_every_time(db: Database, clock: ManualClock) -> None:
    for language, count in (("en", 3), ("ro", 2), ("ro-x-plain", 1)):
        db.write_now(lambda conn, n=count, tag=language: add_people(conn, n, clock.now(), language=tag))  # type: ignore[misc]
    gauges = Gauges(db, clock, [])
    assert (await gauges.read()).people == {"en": 3, "ro": 3}
    db.write_now(lambda conn: add_people(conn, 1, clock.now(), language="vi"))
    clock.forward(timedelta(minutes=1))
    assert "vi" not in (await gauges.read()).people
    clock.forward(COUNTED_EVERY)
    found = await gauges.read()
    assert found.people["vi"] == 1 and found.at == clock.now()


async def test_a_channel_works_while_one_of_its_senders_does(db: Database, clock: ManualClock) -> None:
    lights = [("sms", Light(trouble="refused")), ("sms", Light()), ("email", Light(trouble="refused"))]
    assert (await Gauges(db, clock, lights).read()).gateways == {"sms": True, "email": False}
